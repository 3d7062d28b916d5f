"""Facts of the distillation methods: their sources, what they need of teachers, their constants.

Their losses are in `mixkd/learning/methods`. A new method is a row here and a function there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LIMITS: Mapping[str, tuple[float, float]] = {  # of constants; of others: 0 to 1000
    **dict.fromkeys(("share", "swap", "decay", "quantile", "ramp", "same_person", "stop_gradient"), (0, 1)),
    "rate": (0, 0.99),
    "segment": (1, 10_000),
    "passes": (1, 1000),
}
WHOLE = ("segment", "fade", "passes", "ramp", "same_person", "stop_gradient")  # constants that count or switch

TPKD_PATCHES = 4  # blocks of columns of a similarity map; notes on the group's work


@dataclass(frozen=True)
class Method:
    """A row of the table.

    teachers: which ones it accepts, one or more of either modality (`any`), `one signal` teacher, `own network`: one of
    the student's own size, `several`, `none`, or `optional`: any or none
    reads: logits alone, so that a trace of them will do, or maps and features too
    weighs: it sets the weights of teachers itself; kd: its loss has a KD term, with `kd_weight` and temperature
    classes: it reads logits as those of one set of classes; weight: of its own term
    min_batch: windows of a batch, at least
    own_head: the student ends in the teacher's head, behind a linear map of its `features`, or convolutions of its maps
    temperature: the only one, where its loss has none or its source no choice
    """

    title: str
    source: str
    teachers: Literal["any", "one signal", "own network", "several", "none", "optional"] = "any"
    reads: Literal["logits", "maps"] = "logits"
    weighs: bool = False
    kd: bool = True
    classes: bool = False
    weight: float = 0.0
    min_batch: int = 2
    own_head: Literal["", "features", "maps"] = ""
    temperature: float | None = None
    constants: Mapping[str, float] = field(default_factory=dict)  # by name, with defaults; see `RunSpec.constants`

    @property
    def alone(self) -> bool:
        """Whether it trains without teachers."""
        return self.teachers in ("none", "optional")


METHODS = {
    "kd": Method("KD", "Hinton et al. 2015"),
    "aver": Method("AVER", "mean of the teachers' outputs; of logits: declared"),
    "ebkd": Method(
        "EBKD", "Kwon et al. 2020; weights as released with CA-MKD, to sum 1", "several", weighs=True, classes=True
    ),
    "ebkd_softmax": Method(
        "EBKD (softmax)", "declared here: EBKD with the weights of CA-MKD", "several", weighs=True, classes=True
    ),
    "camkd": Method(
        "CA-MKD",
        "Zhang et al. 2022; features, weight 1: declared",
        "several",
        "maps",
        weighs=True,
        classes=True,
        weight=1.0,
    ),
    "at": Method("AT", "Zagoruyko & Komodakis 2017; weight of RepDistiller", "one signal", "maps", weight=1e3),
    "sp": Method("SP", "Tung & Mori 2019; weight of the group's code (TGD)", reads="maps", weight=3e3),
    "tpkd": Method(
        "TPKD",
        "Jeon et al. 2024; orthogonal step reconstructed",
        reads="maps",
        weight=700.0,
        min_batch=2 * TPKD_PATCHES,  # it compares blocks of two windows or more
    ),
    "amd": Method("AMD (global)", "Jeon et al. 2023; weight of its paper", "one signal", "maps", weight=5e3),
    "amd_local": Method("AMD (global + local)", "Jeon et al. 2023, in 1-D", "one signal", "maps", weight=5e3),
    "simkd": Method(
        "SimKD",
        "Chen et al. 2022; on pooled features: declared",
        "one signal",
        "maps",
        kd=False,
        own_head="features",
        temperature=1.0,
    ),
    "simkd_maps": Method(
        "SimKD (convolutions)",
        "Chen et al. 2022, as released",
        "one signal",
        "maps",
        kd=False,
        own_head="maps",
        temperature=1.0,
    ),
    "label_smoothing": Method(
        "Label smoothing", "Szegedy et al. 2016", "none", kd=False, classes=True, constants={"share": 0.1}
    ),
    "patch_swap": Method(
        "Patch swap",
        "Choi et al. 2025, adapted to time series; constants declared",
        "optional",
        classes=True,
        constants={"segment": 20, "swap": 0.5, "weight": 1.0, "fade": 0, "same_person": 0, "stop_gradient": 0},
    ),
    "time_aware": Method(
        "Time-aware KD",
        "Jeon et al. 2025; terms and weights reconstructed",
        reads="maps",
        kd=False,
        constants={"outputs": 1.0, "similarity": 1.0, "changes": 1.0},
    ),
    "smooth": Method(
        "Smooth-Distill",
        "Smooth-Distill 2025; loss, weight, decay as released, ramp declared",
        "none",
        kd=False,
        constants={"weight": 0.5, "decay": 0.999, "ramp": 1},
    ),
    "dropout": Method(
        "Dropout self-distillation",
        "baseline of Smooth-Distill; on features: declared",
        "none",
        kd=False,
        constants={"weight": 0.5, "rate": 0.5},
    ),
    "ssd": Method(
        "Stochastic teacher",
        "Aslam et al. 2025; loss and constants as released; masks on features, rate: declared",
        "own network",
        "maps",
        kd=False,
        constants={"ce": 0.5, "features": 0.5, "passes": 30, "quantile": 0.9, "rate": 0.1},
    ),
    "dist": Method("DIST", "Huang et al. 2022; weights 1, 2, 2", "one signal", kd=False, classes=True),
    "dist_plain": Method(
        "DIST (T = 1)",
        "Huang et al. 2022; weights and temperature as released",
        "one signal",
        kd=False,
        classes=True,
        temperature=1.0,
    ),
    "lskd": Method(
        "LSKD",
        "Sun et al. 2024, logit standardization; weights and temperature as released",
        "one signal",
        kd=False,
        classes=True,
        temperature=2.0,
        constants={"ce": 0.1, "weight": 9.0},
    ),
    "rld": Method(
        "RLD",
        "Sun et al. 2024, refined logits; weights and temperature as released, no warm-up: declared",
        "one signal",
        kd=False,
        classes=True,
        temperature=4.0,
        constants={"confidence": 1.0, "correlation": 8.0},
    ),
}

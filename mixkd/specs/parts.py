"""Parts of a run's description: its mixup, its persistence images, its teachers."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mixkd.specs.strict import Spec

if TYPE_CHECKING:
    from mixkd.specs.run import RunSpec

Modality = Literal["signal", "image"]
Family = Literal["wrn", "mtl", "mtl_released", "moments", "wrn_moments", "forest"]  # see mixkd/learning/families.py
READS: dict[Family, tuple[Modality, ...]] = {  # modalities of a family; of those with a size, see SIZED
    "wrn": ("signal", "image"),
    "mtl": ("signal",),
    "mtl_released": ("signal",),
    "moments": ("image",),
    "wrn_moments": ("image",),
    "forest": ("signal",),
}
SIZED: tuple[Family, ...] = ("wrn", "wrn_moments")
GROWN: tuple[Family, ...] = ("forest",)  # fitted at once, from clean windows and their labels alone
Order = Literal["shuffled", "time"]
Precision = Literal["float32", "bfloat16"]
Augment = Literal["none", "removal", "noise", "shifting", "mix1", "mix2"]  # see mixkd/learning/augment.py


@dataclass(frozen=True)
class Mixup(Spec):
    """How a batch is mixed. `None` in its place means no mixing at all.

    alpha        a of the coefficient's Beta(a, a) distribution
    share        part of a batch that is mixed: 1 full mixup, below 1 partial mixup (PMU)
    sampling     `exact`: round(share * batch_size) rows; `released`: rows to leave clean are drawn with
                 replacement, as in the released code of MIX-KD; the same as `exact` at share 1
    coefficient  one per `row` (released code) or one per `batch`
    partners     `any` row of the batch, or `near` ones: training windows of similar targets, see mixkd/learning/near.py
    where        what is mixed: `input`s, or points of the latent `sphere` of windows and their images, then decoded
    """

    alpha: float = 1.0
    share: float = 1.0
    sampling: Literal["exact", "released"] = "exact"
    coefficient: Literal["row", "batch"] = "row"
    partners: Literal["any", "near"] = "any"
    where: Literal["input", "sphere"] = "input"  # see mixkd/learning/sphere.py

    def check(self) -> None:
        """See `Spec.check`."""
        self.require("alpha", 0.01 <= self.alpha <= 100, "a number from 0.01 to 100")
        self.require("share", 0 < self.share <= 1, "a share in (0, 1]; use no Mixup for 0")
        if self.share == 1:
            object.__setattr__(self, "sampling", "exact")

    def n_rows(self, batch_size: int) -> int:
        """Rows of a batch that `exact` sampling mixes. Raises MixkdError where that is none."""
        n = round(self.share * batch_size)
        expected = f"a share that mixes at least one of {batch_size} rows; use no Mixup for none"
        self.require("share", n > 0 or self.sampling == "released", expected)
        return n

    @staticmethod
    def of(alpha: float, share: float, sampling: str = "exact") -> Mixup | None:
        """Mixup with this share, or None for a share of 0."""
        return None if share == 0 else Mixup(alpha, share, typing.cast(Any, sampling))


@dataclass(frozen=True)
class ImageSpec(Spec):
    """Persistence images: pixels per side, Gaussian spread in pixels, how a pixel takes its value."""

    resolution: int = 16
    spread: float = 1.0
    kernel: Literal["sampled", "integrated"] = "sampled"

    def check(self) -> None:
        """See `Spec.check`."""
        self.require("resolution", 2 <= self.resolution <= 256, "2 to 256 pixels")
        self.require("spread", 0.05 <= self.spread <= 64, "0.05 to 64 pixels")


@dataclass(frozen=True)
class Constant(Spec):
    """A value for a constant of a method, named as in its row in mixkd/specs/methods.py."""

    name: str = ""
    value: float = 0.0


def check_size(spec: TeacherSpec | RunSpec) -> None:
    """Refuse families, depths and widths that no network of ours has (MixkdError); set them where a family has one."""
    spec.require("family", spec.modality in READS[spec.family], f"a family that reads {spec.modality}s")
    ok = 10 <= spec.depth <= 100 and (spec.depth - 4) % 6 == 0
    spec.require("depth", ok, "a depth of 6n + 4 from 10 to 100, for example 16 or 28")
    spec.require("width", 1 <= spec.width <= 16, "a width factor from 1 to 16")
    if spec.family not in SIZED:
        spec.neutral(depth=16, width=1)


@dataclass(frozen=True)
class TeacherSpec(Spec):
    """One teacher of a student: a WideResNet of its modality, with its own mixup, and its weight in the KD term.

    `stopping`: `best_validation` is an early-stopped teacher (ESKD), `last` full KD. `seed_offset`: it is trained from
    the student's seed plus this, so that a student can have two teachers that differ in their seeds alone.
    """

    modality: Modality = "signal"
    depth: int = 16
    width: int = 1
    mixup: Mixup | None = None
    weight: float = 1.0
    stopping: Literal["last", "best_validation"] = "last"
    augment: Augment = "none"  # in its own training
    family: Family = "wrn"
    seed_offset: int = 0

    def check(self) -> None:
        """See `Spec.check`."""
        check_size(self)
        self.require("seed_offset", 0 <= self.seed_offset < 2**20, "a number from 0 to 2^20 - 1")
        self.require("augment", self.augment == "none" or self.modality == "signal", "none: only signals are augmented")
        self.require("weight", 0 < self.weight <= 1, "a weight in (0, 1]")
        if self.family in GROWN:
            self.require("mixup", self.mixup is None, "none for trees, which learn from clean windows")
            self.require("augment", self.augment == "none", "none for trees, which learn from clean windows")
            self.neutral(stopping="last")

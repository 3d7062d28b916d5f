"""The systems of the line of work, a row each: how close ours is to the source, what it shares with others, its effect.

The effect of a row is against its natural control: the same training, with as many gradient steps, without what the
system adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from mixkd.analysis import line
from mixkd.analysis.claims import MIX, scratch, student
from mixkd.analysis.effects import Effect
from mixkd.analysis.few_people import at
from mixkd.analysis.selves import WAYS
from mixkd.specs.run import Mixup, TeacherSpec
from mixkd.studies.line import SPHERES

Label = Literal["faithful", "adapted", "reconstructed", "inspired"]
INGREDIENTS = (
    "teacher",
    "persistence images",
    "pairs of windows",
    "soft labels",
    "features",
    "itself as teacher",
    "order of time",
)


@dataclass(frozen=True)
class System:
    """A row. label: of our version, against the source; shares: of INGREDIENTS; builds_on: systems and sources before.

    control: in words, what `effect` is measured against; effect: None for a system without students
    """

    name: str
    year: int
    source: str
    label: Label
    builds_on: str
    shares: tuple[str, ...]
    chapter: str
    control: str
    effect: Effect | None


MOMENTS = (TeacherSpec("image", family="moments"),)


SYSTEMS = (
    System(
        "Augmentation roles",
        2022,
        "jeon2022",
        "faithful",
        "KD",
        ("teacher",),
        "20_augmentation",
        "the same distillation, windows as recorded",
        Effect("augmentation", "Augmentation roles", student("signal", augment="mix1"), student("signal")),
    ),
    System(
        "MIX-KD",
        2023,
        "choi2023",
        "faithful",
        "KD, mixup",
        ("teacher", "pairs of windows", "soft labels"),
        "05_mixup",
        "the same distillation without mixup",
        Effect("mixup", "MIX-KD", student("signal", mixup=MIX), student("signal")),
    ),
    System(
        "AMD",
        2023,
        "jeon2023",
        "adapted",
        "KD, attention maps",
        ("teacher", "features"),
        "08_methods",
        "KD from the same teacher",
        Effect("methods", "AMD", student("signal", method="amd_local"), student("signal")),
    ),
    System(
        "TPKD",
        2024,
        "jeon2024",
        "reconstructed",
        "KD, similarity maps, Ann",
        ("teacher", "persistence images", "features"),
        "08_methods",
        "KD from both teachers, also started from a scratch student (Ann)",
        Effect("methods", "TPKD", student("both", method="tpkd", init="scratch"), student("both", init="scratch")),
    ),
    System(
        "Patch swap",
        2025,
        "choi2025",
        "adapted",
        "self-distillation",
        ("pairs of windows", "itself as teacher"),
        "19_patch_swap",
        "labels alone",
        Effect("patch_swap", "Patch swap", line.SWAP, scratch()),
    ),
    System(
        "Smooth-Distill",
        2025,
        "vu2025",
        "faithful",
        "mean teacher",
        ("itself as teacher",),
        "21_self_distillation",
        "labels alone",
        Effect("without_teacher", "Smooth-Distill", WAYS["Smooth-Distill"], scratch()),
    ),
    System(
        "Stochastic teacher",
        2025,
        "aslam2025",
        "adapted",
        "KD, dropout",
        ("teacher", "features"),
        "21_self_distillation",
        "KD from the same teacher",
        Effect("without_teacher", "Stochastic teacher", WAYS["Stochastic teacher"], student("signal")),
    ),
    System(
        "Time-aware KD",
        2025,
        "jeon2025forces",
        "reconstructed",
        "KD, similarity maps",
        ("teacher", "features", "order of time"),
        "22_forces",
        "a regressor without a teacher",
        None,
    ),
    System(
        "Orthogonal Spheres",
        2020,
        "choi2020",
        "faithful",
        "decorrelated features",
        ("features",),
        "23_spheres",
        "labels alone",
        Effect("spheres", "Orthogonal Spheres", scratch(orthogonality=SPHERES), scratch()),
    ),
    System(
        "Geometric moments",
        2023,
        "singh2023moments",
        "inspired",
        "persistence images",
        ("teacher", "persistence images"),
        "24_moments",
        "labels alone, for as many steps as student and teacher take",
        Effect("moments", "Geometric moments", student("image", teachers=MOMENTS), scratch(init="scratch")),
    ),
    System(
        "Poly-INR",
        2023,
        "singh2023poly",
        "inspired",
        "coordinate networks",
        ("persistence images",),
        "25_pictures",
        "bilinear interpolation",
        None,
    ),
    System(
        "Hyperspherical WAE",
        2024,
        "tolstikhin2018",
        "inspired",
        "Wasserstein auto-encoder, mixup",
        ("persistence images", "pairs of windows", "soft labels"),
        "26_sphere",
        "mixup of inputs",
        Effect("sphere_mixing", "Hyperspherical WAE", scratch(mixup=Mixup(where="sphere")), scratch(mixup=MIX)),
    ),
    System(
        "Few people",
        2025,
        "",
        "inspired",
        "KD, mixup",
        ("teacher", "pairs of windows", "soft labels"),
        "27_few_people",
        "labels alone, from the same two people, for as many steps as student and teacher take",
        Effect("few_people", "Few people", at(student("signal", mixup=MIX), "2"), at(scratch(init="scratch"), "2")),
    ),
)


def ingredients() -> pd.DataFrame:
    """Which of INGREDIENTS each system shares: name, year, and a boolean column for each."""
    rows = ({"name": s.name, "year": s.year, **{part: part in s.shares for part in INGREDIENTS}} for s in SYSTEMS)
    return pd.DataFrame(rows)


def sources() -> pd.DataFrame:
    """By system: how close ours is, what it builds on, what it is measured against, and its chapter."""
    rows = ({"system": s.name, "label": s.label, "builds on": s.builds_on, "control": s.control} for s in SYSTEMS)
    return pd.DataFrame(rows).set_index("system")

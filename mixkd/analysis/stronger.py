"""Effects of teachers that are stronger or of another kind, on students of two sizes; of methods built as published.

Students of a network are compared with labels for as many steps as teacher and student take together; trees take none.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mixkd.analysis.claims import MIX, Make, scratch, student
from mixkd.analysis.effects import Effect
from mixkd.specs.parts import GROWN
from mixkd.specs.run import RunSpec, TeacherSpec
from mixkd.studies.designs import FOREST, STEPS
from mixkd.studies.tables import network_of

TREES = student("signal", teachers=FOREST)
TWO = student("signal", teachers=(replace(FOREST[0], weight=0.5), TeacherSpec(weight=0.5)))


def teacher(make: Make) -> Make:
    """The run that trains the first teacher of a student."""
    return lambda base: make(base).teacher_runs[0]


def of_depth(depth: int, make: Make) -> Make:
    """The run of a student of another depth."""
    return lambda base: make(replace(base, depth=depth))


def _of(depth: int) -> tuple[Effect, ...]:
    rows = (
        ("by a signal network, against labels, 2x", student("signal"), scratch(init="scratch"), False),
        ("by trees, against labels alone", TREES, scratch(), False),
        ("by trees, against one by a signal network", TREES, student("signal"), False),
        ("by trees with mixup, against without", student("signal", teachers=FOREST, mixup=MIX), TREES, False),
        ("by trees and a signal network, against that alone", TWO, student("signal"), True),
        ("by signal and image networks, against one by signal", student("both"), student("signal"), True),
    )
    return tuple(
        Effect("stronger", f"WRN{depth}-1 {what}", of_depth(depth, one), of_depth(depth, other), full_only=full_only)
        for what, one, other, full_only in rows
    )


STRONGER = (
    Effect("stronger", "trees themselves, against a signal network", teacher(TREES), teacher(student("signal"))),
    *_of(16),
    *_of(10),
    Effect("stronger", "WRN10-1 against WRN16-1, labels alone", of_depth(10, scratch()), scratch()),
    Effect("stronger", "WRN10-1 taught by trees, against these trees", of_depth(10, TREES), teacher(TREES)),
)

EARLY = (TeacherSpec(stopping="best_validation"),)


def _against_kd(what: str, full_only: bool = False, **fields) -> Effect:
    """A method against KD from the same teacher."""
    return Effect("repaired", what, student("signal", **fields), student("signal"), full_only=full_only)


REPAIRED = (
    _against_kd("SimKD with one linear layer", method="simkd"),
    _against_kd("SimKD with its convolutions", method="simkd_maps"),
    _against_kd("DIST at T = 4, weights 2", method="dist"),
    _against_kd("DIST at T = 1, weights 1", method="dist_plain"),
    _against_kd("ESKD, one-cycle rate", full_only=True, teachers=EARLY),
    Effect(
        "repaired",
        "ESKD, rate by steps",
        student("signal", teachers=EARLY, **STEPS),
        student("signal", **STEPS),
        full_only=True,
    ),
)


def called(spec: RunSpec) -> str:
    """What the chapter calls a run of the study."""
    network = network_of(spec)
    if spec.role == "teacher":
        return f"{network}, as a teacher"
    kinds = [network_of(t) if t.family in GROWN else f"{t.modality} network" for t in spec.teachers]
    source = " and ".join(kinds) or ("labels, 2x" if spec.init == "scratch" else "labels")
    return f"{network} of {source}{', mixup' if spec.mixup else ''}"


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Per kind of run of the study: mean and sd of accuracy over held-out people, NLL."""
    named = runs.assign(name=[called(spec) for spec in runs["spec"]])
    by_subject = named.groupby(["name", "subject"], sort=False)[["accuracy", "nll"]].mean()
    kinds = by_subject.groupby("name", sort=False)
    return kinds["accuracy"].agg(accuracy="mean", sd="std").assign(nll=kinds["nll"].mean())

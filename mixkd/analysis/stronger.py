"""Effects of teachers that are stronger or of another kind, on students of two sizes; of methods built as published.

Students of a network are compared with labels for as many steps as teacher and student take together; trees take none.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mixkd.analysis.claims import MIX, Make, scratch, student
from mixkd.analysis.effects import Effect, in_points, together
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
        ("by trees and a signal network, against the signal network alone", TWO, student("signal"), True),
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
    _against_kd("DIST, T = 4, weights 2", method="dist"),
    _against_kd("DIST, T = 1, weights 1", method="dist_plain"),
    _against_kd("ESKD, one-cycle rate", full_only=True, teachers=EARLY),
    Effect(
        "repaired",
        "ESKD, rate by steps",
        student("signal", teachers=EARLY, **STEPS),
        student("signal", **STEPS),
        full_only=True,
    ),
)


def as_published(repaired: pd.DataFrame) -> dict[str, str]:
    """What SimKD and DIST change as released, of `line.table` of REPAIRED, each as the end of a sentence."""
    rows = repaired[repaired["metric"] == "accuracy"]
    by = {"simkd_by": "SimKD with its convolutions", "dist_by": "DIST, T = 1, weights 1"}
    return {
        name: "; ".join(
            f"{in_points(row)} against ordinary distillation ({row['dataset']}, {row['people']} people)"
            for _, row in rows[rows["what"] == what].iterrows()
        )
        for name, what in by.items()
    }


def answer(effects: pd.DataFrame) -> str:
    """What trees as teachers change against labels alone, for each size of student, of `line.table` of STRONGER."""
    of_trees = effects["what"].str.endswith(" by trees, against labels alone") & (effects["metric"] == "accuracy")
    sentences = []
    for name, rows in effects[of_trees].groupby("dataset", sort=False):
        up, down = (rows["low"] > 0).all(), (rows["high"] < 0).all()
        verb = (
            "raise" if up else "lower" if down else "do not clearly change" if rows["low"].notna().all() else "change"
        )
        whose = "a student's accuracy" if up or down or rows["low"].isna().any() else "every student's accuracy"
        sizes = together([f"{in_points(row)} ({row['what'].split()[0]})" for _, row in rows.iterrows()])
        sentences.append(f"On {name}, trees as teachers {verb} {whose} against labels alone: {sizes}.")
    return " ".join(sentences)


def called(spec: RunSpec) -> str:
    """What the chapter calls a run of the study."""
    network = network_of(spec)
    if spec.role == "teacher":
        return f"{network} themselves"
    kinds = [network_of(t) if t.family in GROWN else f"{t.modality} network" for t in spec.teachers]
    labels = f"labels alone{', 2x' if spec.init == 'scratch' else ''}"
    return f"{network}, {'taught by ' + ' and '.join(kinds) if kinds else labels}{', with mixup' if spec.mixup else ''}"


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Per kind of run of the study: mean and sd of accuracy over held-out people, NLL."""
    named = runs.assign(name=[called(spec) for spec in runs["spec"]])
    by_subject = named.groupby(["name", "subject"], sort=False)[["accuracy", "nll"]].mean()
    kinds = by_subject.groupby("name", sort=False)
    return kinds["accuracy"].agg(accuracy="mean", sd="std").assign(nll=kinds["nll"].mean())

"""Accuracy of students on corrupted and adversarial inputs, from the probes of their records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mixkd.analysis import effects, line
from mixkd.analysis.claims import MIX, scratch, student
from mixkd.analysis.contrasts import everywhere
from mixkd.analysis.effects import Effect
from mixkd.learning import probes
from mixkd.learning.fold_data import FoldData
from mixkd.studies import Scope, tables

STRENGTHS: dict[str, tuple[float, ...]] = {
    "gaussian": probes.GAUSSIAN,
    "missing": probes.MISSING,
    "fgsm": probes.EPSILONS,
    "ifgsm": probes.EPSILONS,
}

SPOILED = {
    "clean": "accuracy",
    "noise, sd 0.12": "gaussian_3",
    "30 % missing": "missing_3",
    "I-FGSM at 0.05": "ifgsm_2",
}  # windows, and the metric of accuracy on them
MIXED = (
    Effect("mixup", "no teacher", scratch(mixup=MIX), scratch(), metrics=tuple(SPOILED.values())),
    Effect("mixup", "both teachers", student("both", mixup=MIX), student("both"), metrics=tuple(SPOILED.values())),
)


def table(runs: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """One row per run, corruption and strength; strength 0 is the uncorrupted window.

    `accuracy`: on the corrupted windows; `kept`: its difference to the accuracy on the same windows, uncorrupted.
    """
    rows = []
    for about, record in zip(runs.to_dict("records"), tables.records(runs), strict=True):
        y = tables.labels(record, data)
        right = record.arrays["test_logits"].argmax(axis=1) == y
        for kind, strengths in STRENGTHS.items():
            attacked = right[probes.evenly(len(y), probes.BATCH)]
            clean = record.metrics()["accuracy"] if kind in probes.LEVELS else float(attacked.mean())
            for strength, accuracy in zip((0.0, *strengths), (clean, *record.probes[kind]), strict=True):
                rows.append(
                    about | {"kind": kind, "strength": strength, "accuracy": accuracy, "kept": accuracy - clean}
                )
    return pd.DataFrame(rows)


def corrupted_windows(part: FoldData, row: int, level: int, seed: int = 0) -> dict[str, np.ndarray]:
    """One normalised test window, clean and with both corruptions at a level: (n_channels, n_samples) by name."""
    x = part.signals["test"][[row]]
    rng = np.random.default_rng(seed)
    both = {kind: probes.corrupted(x, kind, level, rng) for kind in probes.LEVELS}
    return {name: tensor[0, :, 0].numpy() for name, tensor in ({"clean": x} | both).items()}


def of_mixup(scope: Scope) -> pd.DataFrame:
    """Effects of mixup for the student on accuracy, by the windows that it is tested on, on each data set of a scope.

    As `effects.table` has them, with `windows` of SPOILED and, in `what`, these and the teachers.
    """
    sets = everywhere(scope, lambda bases: effects.specs(bases, of=MIXED))
    rows = pd.concat([effects.table(*one, of=MIXED) for one in sets], ignore_index=True)
    windows = rows["metric"].map({metric: name for name, metric in SPOILED.items()})
    return rows.assign(windows=windows, what=rows["what"] + ": " + windows, metric="accuracy")


def sentences(of: pd.DataFrame) -> dict[str, str]:
    """Of students without a teacher: what mixup did by kind of windows, as `line.sentence` says it."""
    names = dict(zip(SPOILED, ("mixup_clean", "mixup_noise", "mixup_gap", "mixup_attack"), strict=True))
    alone = of[of["what"].str.startswith("no teacher")]
    return {names[str(windows)]: line.sentence(rows) for windows, rows in alone.groupby("windows")}

"""Accuracy of students on corrupted and adversarial inputs, from the probes of their records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mixkd.learning import probes
from mixkd.learning.fold_data import FoldData
from mixkd.studies import tables

STRENGTHS: dict[str, tuple[float, ...]] = {
    "gaussian": probes.GAUSSIAN,
    "missing": probes.MISSING,
    "fgsm": probes.EPSILONS,
    "ifgsm": probes.EPSILONS,
}


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

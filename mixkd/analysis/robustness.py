"""What is left of a student's accuracy when its input is corrupted or attacked. Measured by probes while training."""

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
    """A study's rows, once for every kind and strength of spoiling; strength 0 is the clean window.

    `accuracy` is of the corrupted windows; `kept` its difference to the clean accuracy of the same windows.
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
    """One normalised test window, (n_channels, n_samples), clean and with both corruptions at a level."""
    x = part.signals["test"][[row]]
    rng = np.random.default_rng(seed)
    both = {kind: probes.corrupted(x, kind, level, rng) for kind in probes.LEVELS}
    return {name: tensor[0, :, 0].numpy() for name, tensor in ({"clean": x} | both).items()}

"""Where two networks are right together, alone, or not at all; confusion matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mixkd import studies
from mixkd.training import FoldData


def right_shares(signal: np.ndarray, image: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Shares of windows on which both, one or none of two networks is right; logits (n, n_classes), labels (n,)."""
    s, i = signal.argmax(axis=1) == y, image.argmax(axis=1) == y
    parts = {"both": s & i, "signal": s & ~i, "image": ~s & i, "none": ~s & ~i}
    return {name: float(part.mean()) for name, part in parts.items()}


def confusion(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Counts (n_classes, n_classes): row true, column called."""
    n_classes = logits.shape[1]
    return np.bincount(y * n_classes + logits.argmax(axis=1), minlength=n_classes**2).reshape(n_classes, n_classes)


def table(runs: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """`right_shares` of a signal and an image network per held-out subject, the mean over seeds."""
    rows = []
    for (subject, _), part in runs.groupby(["subject", "seed"], sort=False):
        logits = {record.spec.modality: record.arrays["test_logits"] for record in studies.records(part)}
        y = data[part["fold"].iloc[0]].parts["test"].y
        rows.append({"subject": subject, **right_shares(logits["signal"], logits["image"], y)})
    return pd.DataFrame(rows).groupby("subject", sort=False).mean().reset_index()

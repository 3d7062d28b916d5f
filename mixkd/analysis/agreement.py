"""Where two networks are right together, alone, or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mixkd import studies
from mixkd.inputs import FoldData


def right_shares(first: np.ndarray, second: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Shares of windows on which both, one or none of two networks is right; logits (n, n_classes), labels (n,)."""
    a, b = first.argmax(axis=1) == y, second.argmax(axis=1) == y
    parts = {"both": a & b, "first": a & ~b, "second": ~a & b, "none": ~a & ~b}
    return {name: float(part.mean()) for name, part in parts.items()}


def table(first: pd.DataFrame, second: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """`right_shares` of two networks, paired by fold and seed, per held-out subject; mean over seeds."""
    others = {(record.spec.fold, record.spec.seed): record for record in studies.records(second)}
    rows = []
    for record in studies.records(first):
        other = others[record.spec.fold, record.spec.seed]
        part = data[record.spec.fold]
        shares = right_shares(record.arrays["test_logits"], other.arrays["test_logits"], part.parts["test"].y)
        rows.append({"subject": part.fold.subject, **shares})
    return pd.DataFrame(rows).groupby("subject", sort=False).mean().reset_index()

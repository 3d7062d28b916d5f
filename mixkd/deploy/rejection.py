"""Windows without a label, and sets of labels, at thresholds calibrated on people who did not train.

A threshold is a low order statistic: of n exchangeable values, a further one is below the k-th smallest with a
probability of at most k / (n + 1) (Vovk et al. 2005; split conformal prediction). Of the largest probability it says
which windows are `unknown`; of the true label's probability, which labels belong to a set (Sadinle et al. 2019).
Windows of one person are no independent draws: what holds on average over people may not hold for one of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

SHARE = 0.05  # of the windows of new people that may lose their label
ALPHA = 0.1  # of the windows of new people whose set may lack the true label


def lowest(values: np.ndarray, share: float) -> float:
    """The value that a further one, exchangeable with values (n,), is below with a probability of at most `share`.

    0 for too few values: no probability is below it.
    """
    k = int(np.floor(share * (len(values) + 1) + 1e-9))
    return float(np.partition(values, k - 1)[k - 1]) if k else 0.0


def calibrated(p: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Thresholds from probabilities p (n, n_classes) and labels y (n,) of people who did not train, as plain data."""
    return {
        "quantity": "largest probability of a window of one activity, of cross-validated students on held-out people",
        "share": SHARE,
        "threshold": lowest(p.max(1), SHARE),
        "set_alpha": ALPHA,
        "set_threshold": lowest(p[np.arange(len(y)), y], ALPHA),
        "windows": len(y),
    }


def by_person(p: np.ndarray, y: np.ndarray, person: np.ndarray) -> pd.DataFrame:
    """A row per person, at thresholds from all others: share without a label, accuracy of the others, sets.

    p: (n, n_classes); y, person: (n,). `covered`: share of sets with the true label; `size`: labels in a set.
    """
    rows = []
    for who in dict.fromkeys(person.tolist()):
        own = person == who
        if own.all():
            continue
        limits = calibrated(p[~own], y[~own])
        left = p[own].max(1) >= limits["threshold"]
        right, sets = p[own].argmax(1) == y[own], p[own] >= limits["set_threshold"]
        rows.append(
            {
                "person": who,
                "unknown": 1 - left.mean(),
                "accuracy": right.mean(),
                "accuracy with a label": right[left].mean() if left.any() else np.nan,
                "covered": sets[np.arange(own.sum()), y[own]].mean(),
                "size": sets.sum(1).mean(),
            }
        )
    return pd.DataFrame(rows)

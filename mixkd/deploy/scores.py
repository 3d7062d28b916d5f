"""Scores of probabilities against labels: over all windows, class by class, person by person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mixkd.learning import metrics

LOWEST = 1e-12  # probability, in logarithms


def overall(p: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """accuracy, macro_f1, nll (nats), ece, brier of probabilities p (n, n_classes) against labels (n,)."""
    return metrics.summary(np.log(np.maximum(p, LOWEST)), y)


def by_class(p: np.ndarray, y: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Precision, recall and F1 of each class, and its windows. NaN where a class never occurs, or is never a label."""
    best, rows = p.argmax(axis=1), []
    for c, name in enumerate(classes):
        hits, labelled, true = ((best == c) & (y == c)).sum(), (best == c).sum(), (y == c).sum()
        row = {"class": name, "precision": _share(hits, labelled), "recall": _share(hits, true)}
        rows.append(row | {"F1": _share(2 * hits, labelled + true), "windows": int(true)})
    return pd.DataFrame(rows)


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else np.nan


def by_person(p: np.ndarray, y: np.ndarray, person: np.ndarray) -> pd.DataFrame:
    """A row per person: the scores of `overall` and the number of windows. person: names (n,)."""
    rows = []
    for who in dict.fromkeys(person.tolist()):
        own = person == who
        rows.append({"person": who, **overall(p[own], y[own]), "windows": int(own.sum())})
    return pd.DataFrame(rows)

"""How far apart classes lie in the features of a network."""

from __future__ import annotations

import math

import numpy as np
from sklearn.metrics import silhouette_score

from mixkd.learning.probes import evenly

MOST = 1000  # windows of a silhouette, evenly spaced: it compares all pairs


def of(features: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Both measures of features (n, n_features) and their classes y (n,), where they are defined."""
    measured = {"silhouette": silhouette(features, y), "within_over_between": within_over_between(features, y)}
    return {name: value for name, value in measured.items() if math.isfinite(value)}


def silhouette(features: np.ndarray, y: np.ndarray) -> float:
    """Mean silhouette of the classes y (n,) in features (n, n_features), from -1 to 1. Rousseeuw 1987.

    NaN where fewer than two classes have windows, or each window has a class of its own.
    """
    rows = evenly(len(y), MOST)
    n_classes = len(np.unique(y[rows]))
    return float(silhouette_score(features[rows], y[rows])) if 1 < n_classes < len(rows) else float("nan")


def within_over_between(features: np.ndarray, y: np.ndarray) -> float:
    """Spread of features (n, n_features) around the means of their classes y (n,), over that of these means.

    Sums of squares. Small where classes collapse to points (neural collapse, Papyan et al. 2020); NaN for one class.
    """
    centre, known = features.mean(axis=0), np.unique(y)
    means = np.stack([features[y == c].mean(axis=0) for c in known])
    within = sum(((features[y == c] - mean) ** 2).sum() for c, mean in zip(known, means, strict=True))
    between = sum((y == c).sum() * ((mean - centre) ** 2).sum() for c, mean in zip(known, means, strict=True))
    return float(within / between) if between > 0 else float("nan")

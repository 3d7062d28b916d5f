"""Statistics of paired differences: t interval, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

LEVEL = 0.05


def interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % t interval of the mean of differences (n,); zero width if all are equal, NaN for n < 2."""
    n = len(differences)
    if n < 2:
        return math.nan, math.nan
    half = stdtrit(n - 1, 1 - LEVEL / 2) * differences.std(ddof=1) / math.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


def holm(p: Sequence[float]) -> np.ndarray:
    """Adjusted p values (n,): Holm 1979, step-down Bonferroni."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(steps, 1)
    return result

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


def bounds(low: float, high: float, digits: int = 1) -> str:
    """An interval as text, with signs: `[-1.4, +0.3]`; empty where it is not known."""
    return "" if math.isnan(low) else f"[{low:+z.{digits}f}, {high:+z.{digits}f}]"


def p_value(p: float) -> str:
    """A p value as text: `0.042`, `< 0.001`."""
    return "" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def holm(p: Sequence[float]) -> np.ndarray:
    """Adjusted p values (n,): Holm 1979, step-down Bonferroni."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(steps, 1)
    return result

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
    """An interval as text, with signs: `[-1.4, +0.3]`; empty where it is not known.

    An end that would round to zero has up to two digits more: they tell whether zero is inside.
    """
    ends = []
    for end in (low, high):
        enough = next((n for n in range(digits, digits + 2) if round(end, n) != 0), digits + 2)
        ends.append(f"{end:+z.{enough if end else digits}f}")
    return "" if math.isnan(low) else f"[{', '.join(ends)}]"


def percent(share: float) -> str:
    """A share of at least zero in percent, as text; a tiny one as a bound: `5.2 %`, `0.03 %`, `< 0.01 %`."""
    value = 100 * share
    return "< 0.01 %" if 0 < value < 0.01 else f"{value:.{2 if 0 < value < 0.1 else 1}f} %"


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

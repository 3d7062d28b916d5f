"""Statistics of paired differences: t interval, exact sign-flip p, Holm's correction, detectable effect."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats
from scipy.optimize import brentq

LEVEL = 0.05
POWER = 0.8
EXACT_UP_TO = 16  # differences: 65,536 sign patterns; above, as many random ones


def sign_flip(differences: np.ndarray) -> float:
    """Two-sided p of the mean of differences (n,) under symmetry about zero, over all 2^n patterns of signs.

    Above EXACT_UP_TO units over random patterns; 1 for no differences.
    """
    n = len(differences)
    if n == 0:
        return 1.0
    if n <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        extra = 0
    else:
        signs = np.random.default_rng(0).choice([-1, 1], (2**EXACT_UP_TO, n))
        extra = 1  # the observed pattern counts as one of those drawn
    means = np.abs(signs @ differences) / n
    hits = int((means >= abs(differences.mean()) - 1e-12).sum())
    return (hits + extra) / (len(signs) + extra)


def interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % t interval of the mean of differences (n,); zero width if all are equal, NaN for n < 2."""
    n = len(differences)
    if n < 2:
        return math.nan, math.nan
    half = stats.t.ppf(1 - LEVEL / 2, n - 1) * differences.std(ddof=1) / math.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


def detectable(differences: np.ndarray, level: float = LEVEL) -> float:
    """Smallest true mean that a two-sided paired t test at `level` detects with power 0.8.

    Given the number and spread of differences (n,). NaN for n < 3.
    """
    n = len(differences)
    if n < 3:
        return math.nan
    critical = stats.t.ppf(1 - level / 2, n - 1)

    def lack(shift: float) -> float:
        return float(stats.nct.sf(critical, n - 1, shift)) - POWER  # the other tail is lost in rounding at this power

    return brentq(lack, 0, 3 * critical) * float(differences.std(ddof=1)) / math.sqrt(n)


def holm(p: Sequence[float]) -> np.ndarray:
    """Adjusted p values (n,): Holm 1979, step-down Bonferroni."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(steps, 1)
    return result

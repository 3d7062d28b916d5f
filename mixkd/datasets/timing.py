"""Uneven time stamps and lost samples: what is interpolated, within which limit, and where a recording ends instead."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.signal import resample_poly


def runs(time: np.ndarray, limit: float) -> list[slice]:
    """Stretches of samples whose steps are at most `limit` (unit of `time`)."""
    cuts = [0, *(np.flatnonzero(np.diff(time) > limit) + 1), len(time)]
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]


def constant(values: np.ndarray) -> list[slice]:
    """Stretches of equal values."""
    cuts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1), len(values)]
    return [slice(int(a), int(b)) for a, b in pairwise(cuts) if b > a]


def even(time: np.ndarray, signal: np.ndarray, rate: float, monotone: bool = False) -> np.ndarray:
    """`signal` (n, n_channels) at increasing `time` (s), on an even grid of `rate` (Hz) from its first time: float32.

    By a cubic spline, whose response is flat up to half of the band that a grid of the same rate carries (linear
    interpolation would lose up to a third there); or `monotone` (PCHIP), for steps so uneven that a spline overshoots.
    """
    if len(time) < 2:
        return np.asarray(signal, np.float32)
    since = np.asarray(time - time[0], np.float64)
    grid = np.arange(int(np.floor(since[-1] * rate + 1e-6)) + 1) / rate
    curve = PchipInterpolator if monotone else CubicSpline
    return curve(since, np.asarray(signal, np.float64))(grid).astype(np.float32)


def decimated(signal: np.ndarray, factor: int) -> np.ndarray:
    """Every `factor`-th sample after an anti-aliasing low-pass (scipy's polyphase Kaiser filter, no delay)."""
    return resample_poly(signal, 1, factor, axis=0, padtype="edge").astype(np.float32)


def filled(values: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """NaN runs of at most `limit` rows with values on both sides, filled linearly per column; and where (bool) it did.

    values: (n,) or (n, n_channels). Longer runs, and those at an end, stay NaN.
    """
    table = values.reshape(len(values), -1).copy()
    done = np.zeros(table.shape, bool)
    rows = np.arange(len(table))
    for column, mark in zip(table.T, done.T, strict=True):
        lost = np.isnan(column)
        start, end = np.flatnonzero(np.diff(np.r_[0, lost, 0])).reshape(-1, 2).T
        short = (end - start <= limit) & (start > 0) & (end < len(column))
        if short.any():
            steps = np.zeros(len(column) + 1, np.int8)
            steps[start[short]], steps[end[short]] = 1, -1
            mark[:] = np.cumsum(steps[:-1]) > 0
            column[mark] = np.interp(rows[mark], rows[~lost], column[~lost])
    return table.reshape(values.shape), done.reshape(values.shape)


def held(values: np.ndarray) -> np.ndarray:
    """NaN replaced by the last value before; those before the first stay."""
    at = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(at >= 0, values[at], np.nan).astype(values.dtype)

"""Uneven time stamps and lost samples: what is interpolated, within which limit, and where a recording ends instead."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import resample_poly


def runs(time: np.ndarray, limit: float) -> list[slice]:
    """Stretches of samples whose steps are at most `limit` (unit of `time`)."""
    cuts = [0, *(np.flatnonzero(np.diff(time) > limit) + 1), len(time)]
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]


def even(time: np.ndarray, signal: np.ndarray, rate: float) -> np.ndarray:
    """`signal` (n, n_channels) at increasing `time` (s), on an even grid of `rate` (Hz) from its first time: float32.

    By a cubic spline, whose response is flat up to half of the band that a grid of the same rate carries (linear
    interpolation would lose up to a third there).
    """
    if len(time) < 2:
        return np.asarray(signal, np.float32)
    since = np.asarray(time - time[0], np.float64)
    grid = np.arange(int(np.floor(since[-1] * rate + 1e-6)) + 1) / rate
    return CubicSpline(since, np.asarray(signal, np.float64))(grid).astype(np.float32)


def decimated(signal: np.ndarray, factor: int) -> np.ndarray:
    """Every `factor`-th sample after an anti-aliasing low-pass (scipy's polyphase Kaiser filter, no delay)."""
    return resample_poly(signal, 1, factor, axis=0, padtype="edge").astype(np.float32)


def filled(values: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """NaN runs of at most `limit` rows with values on both sides, filled linearly per column; and where (bool) it did.

    values: (n,) or (n, n_channels). Longer runs, and those at an end, stay NaN.
    """
    table = values.reshape(len(values), -1).copy()
    done = np.zeros(table.shape, bool)
    for column, mark in zip(table.T, done.T, strict=True):
        lost = np.isnan(column)
        edges = np.flatnonzero(np.diff(np.r_[False, lost, False].astype(np.int8)))
        for start, end in edges.reshape(-1, 2):
            if end - start <= limit and start > 0 and end < len(column):
                column[start:end] = np.linspace(column[start - 1], column[end], end - start + 2)[1:-1]
                mark[start:end] = True
    return table.reshape(values.shape), done.reshape(values.shape)

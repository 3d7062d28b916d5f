"""Uneven time stamps and lost samples: what is interpolated, within which limit, and where a recording ends instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.signal import resample_poly

from mixkd.errors import MixkdError

MATCH = 0.1  # by which a clock may differ from the stated rate
MOST = 200  # times faster than the stated rate; with a wrong unit of time it is 1,000
EVEN = 0.05  # of a step, by which samples of an even clock may be off


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


def check_rate(where: str, steps: np.ndarray, rate: float) -> None:
    """Refuse a clock with these steps (s) that ticks neither at `rate` (Hz) nor at a multiple of it, up to MOST."""
    found = 1 / float(np.median(steps))
    if not abs(found / (min(max(round(found / rate), 1), MOST) * rate) - 1) <= MATCH:
        raise _other_rate(where, found, rate)


def _other_rate(where: str, found: float, rate: float) -> MixkdError:
    expected = f"{rate:g} or a multiple of it, up to {MOST} times; is the unit of time right?"
    return MixkdError(f"{where}: found {found:.4g} samples per second, expected {expected}")


def factor(where: str, time: np.ndarray, rate: float, window: int) -> int:
    """How many times faster than `rate` (Hz) samples at `time` (s) come: a whole number, throughout the same.

    It is decided by the median step of every `window` samples; fewer than that have 1.
    """
    steps = np.diff(time)
    if len(steps) < window:
        return 1
    blocks = np.median(steps[: len(steps) // window * window].reshape(-1, window), axis=1)
    times = np.maximum(np.rint(1 / (blocks * rate)), 1)
    if (other := np.flatnonzero(times != times[0])).size:
        found = (
            f"{1 / blocks[0]:.4g} samples per second and {1 / blocks[other[0]]:.4g} after {time[other[0] * window]:g} s"
        )
        raise MixkdError(f"{where}: found {found}, expected one rate throughout: put them into two files")
    if times[0] > MOST:
        raise _other_rate(where, 1 / blocks[0], rate)
    return int(times[0])


def whole(
    time: np.ndarray, values: np.ndarray, rate: float, factor: int, gap: float, count: Callable[[str, int], None]
) -> Iterator[tuple[float, np.ndarray]]:
    """(first time in s, signal at `rate`) between holes longer than `gap` (s), of samples at `factor` times the rate.

    time: (n,) in s; values: (n, n_channels), NaN where lost; count: called with what was done. Shorter holes are
    interpolated. Holes are compared with `gap` to `EVEN` of a step: 0.29 s at 100 Hz are 29 samples, though 0.29 * 100
    is less.
    """
    raw_rate = rate * factor
    complete, where = filled(values, int(gap * raw_rate + EVEN))
    lost = np.isnan(complete).any(axis=1)
    count(f"lost values in holes up to {gap:g} s, interpolated", np.count_nonzero(where))
    count("samples in longer holes, where recordings end, left out", np.count_nonzero(lost))
    for run in constant(lost):
        if lost[run.start]:
            continue
        parts = runs(time[run], max(gap, 1.5 / raw_rate) + EVEN / raw_rate)
        count("gaps in time, where recordings end", len(parts) - 1)
        for part in parts:
            t, signal = time[run][part], complete[run][part]
            if np.abs(t - t[0] - np.arange(len(t)) / raw_rate).max() * raw_rate > EVEN:
                signal = even(t, signal, raw_rate)
            yield float(t[0]), decimated(signal, factor) if factor > 1 else signal

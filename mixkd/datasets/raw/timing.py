"""Irregular time stamps and missing samples: interpolation within a limit, and cuts at longer gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.signal import resample_poly

from mixkd.errors import MixkdError

MATCH = 0.1  # relative tolerance of the rate of a clock
MOST = 200  # times faster than the stated rate; a wrong unit of time gives 1,000
EVEN = 0.05  # jitter of a regular clock, in steps


def runs(time: np.ndarray, limit: float) -> list[slice]:
    """Segments of time (n,) whose steps are at most `limit` (unit of `time`)."""
    cuts = [0, *(np.flatnonzero(np.diff(time) > limit) + 1), len(time)]
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]


def constant(values: np.ndarray) -> list[slice]:
    """Segments of equal values; values: (n,)."""
    cuts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1), len(values)]
    return [slice(int(a), int(b)) for a, b in pairwise(cuts) if b > a]


def even(time: np.ndarray, signal: np.ndarray, rate: float, monotone: bool = False) -> np.ndarray:
    """`signal` (n, n_channels) at increasing `time` (n,) in s, resampled to `rate` (Hz): (n_samples, n_channels).

    By a cubic spline, whose response is flat up to half of the Nyquist frequency (linear interpolation loses up to a
    third there); or `monotone` (PCHIP), for steps so irregular that a spline overshoots.
    """
    if len(time) < 2:
        return np.asarray(signal, np.float32)
    since = np.asarray(time - time[0], np.float64)
    grid = np.arange(int(np.floor(since[-1] * rate + 1e-6)) + 1) / rate
    curve = PchipInterpolator if monotone else CubicSpline
    return curve(since, np.asarray(signal, np.float64))(grid).astype(np.float32)


def decimated(signal: np.ndarray, factor: int) -> np.ndarray:
    """Every `factor`-th sample of signal (n, n_channels), low-passed (scipy's polyphase Kaiser filter, no delay)."""
    return resample_poly(signal, 1, factor, axis=0, padtype="edge").astype(np.float32)


def filled(values: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill NaN runs of at most `limit` rows linearly per column; returns the values and a mask (bool) of those filled.

    values, mask: (n,) or (n, n_channels). Longer runs, and runs at either end, stay NaN.
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
    """values (n,) with NaN replaced by the previous value; NaN before the first value stays."""
    at = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(at >= 0, values[at], np.nan).astype(values.dtype)


def check_rate(where: str, steps: np.ndarray, rate: float) -> None:
    """Raises MixkdError unless steps (n,) in s match `rate` (Hz) or a multiple of it, up to MOST."""
    measured = 1 / float(np.median(steps))
    if not abs(measured / (min(max(round(measured / rate), 1), MOST) * rate) - 1) <= MATCH:
        raise _other_rate(where, measured, rate)


def _other_rate(where: str, found: float, rate: float) -> MixkdError:
    expected = f"{rate:g} or a multiple of it, up to {MOST} times; is the unit of time right?"
    return MixkdError(f"{where}: found {found:.4g} samples per second, expected {expected}")


def factor(where: str, time: np.ndarray, rate: float, window: int) -> int:
    """Integer ratio of the sampling rate of `time` (n,) in s to `rate` (Hz). Raises MixkdError if it changes.

    By the median step of every `window` samples; 1 for fewer samples.
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
    time: np.ndarray, values: np.ndarray, rate: float, *, factor: int, gap: float, count: Callable[[str, int], None]
) -> Iterator[tuple[float, np.ndarray]]:
    """(first time in s, signal at `rate`) between gaps longer than `gap` (s), of samples at `factor` times the rate.

    time: (n,) in s; values: (n, n_channels), NaN where missing; count: called with each repair. Shorter gaps are
    interpolated. The tolerance of `gap` is `EVEN` steps: 0.29 s at 100 Hz are 29 samples, although 0.29 * 100 is less.
    """
    raw_rate = rate * factor
    complete, where = filled(values, int(gap * raw_rate + EVEN))
    lost = np.isnan(complete).any(axis=1)
    count(f"lost values in holes up to {gap:g} s, interpolated", np.count_nonzero(where))
    count("samples in longer holes, where recordings end, left out", np.count_nonzero(lost))
    for run in constant(lost):
        if lost[run.start]:
            continue
        segments = runs(time[run], max(gap, 1.5 / raw_rate) + EVEN / raw_rate)
        count("gaps in time, where recordings end", len(segments) - 1)
        for segment in segments:
            t, signal = time[run][segment], complete[run][segment]
            if np.abs(t - t[0] - np.arange(len(t)) / raw_rate).max() * raw_rate > EVEN:
                signal = even(t, signal, raw_rate)
            yield float(t[0]), decimated(signal, factor) if factor > 1 else signal

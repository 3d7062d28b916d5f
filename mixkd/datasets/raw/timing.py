"""Irregular time stamps and missing samples: interpolation within a limit, and cuts at longer gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.signal import resample_poly

from mixkd.errors import MixkdError

MATCH = 0.1  # relative tolerance of the rate of a clock
LEAST = 0.5  # times the stated rate: slower signals lack what networks see
CHANGE = 1.4  # ratio of the rates of two parts of a recording above which its rate changed
CLOSE, FRACTIONS = 0.03, 8  # relative tolerance, and largest denominator, of rates that are no multiples
MOST = 200  # times faster than the stated rate; a wrong unit of time gives 1,000
EVEN = 0.05  # jitter of a regular clock, in steps
BELOW = "samples below the rate, resampled: nothing above half of theirs is in them"


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


def decimated(signal: np.ndarray, factor: Fraction | int) -> np.ndarray:
    """signal (n, n_channels) at 1 / factor of its rate, low-passed (scipy's polyphase Kaiser filter, no delay)."""
    up, down = Fraction(factor).denominator, Fraction(factor).numerator
    return resample_poly(signal, up, down, axis=0, padtype="edge").astype(np.float32)


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
    """Raises MixkdError unless steps (n,) in s are those of LEAST to MOST times `rate` (Hz)."""
    measured = 1 / float(np.median(steps))
    if not LEAST * (1 - MATCH) <= measured / rate <= MOST * (1 + MATCH):
        raise _other_rate(where, measured, rate)


def _other_rate(where: str, found: float, rate: float) -> MixkdError:
    unit = not 1 / MOST < found / rate < MOST
    why = "is the unit of time right?" if unit else "slower recordings cannot be brought to this rate"
    expected = f"{rate:g}, or from half to {MOST} times as many; {why}"
    return MixkdError(f"{where}: found {found:.4g} samples per second, expected {expected}")


def ratio(times: float) -> Fraction:
    """Ratio of rates by which a signal at `times` a rate is resampled: whole within MATCH, else a small fraction."""
    whole = max(round(times), 1)
    if abs(times / whole - 1) <= MATCH:
        return Fraction(whole)
    near = [Fraction(round(times * q), q) for q in range(2, FRACTIONS + 1) if round(times * q)]
    return next((f for f in near if abs(times / f - 1) <= CLOSE), min(near, key=lambda f: abs(times / f - 1)))


def factor(where: str, time: np.ndarray, rate: float, window: int) -> Fraction:
    """Ratio of the sampling rate of `time` (n,) in s to `rate` (Hz). Raises MixkdError if it changes.

    By the median step of every `window` samples; 1 for fewer samples.
    """
    steps = np.diff(time)
    if len(steps) < window:
        return Fraction(1)
    blocks = 1 / np.median(steps[: len(steps) // window * window].reshape(-1, window), axis=1)
    change = blocks / blocks[0]
    if (other := np.flatnonzero((change > CHANGE) | (change < 1 / CHANGE))).size:
        found = f"{blocks[0]:.4g} samples per second and {blocks[other[0]]:.4g} after {time[other[0] * window]:g} s"
        raise MixkdError(f"{where}: found {found}, expected one rate throughout: put them into two files")
    times = float(np.median(blocks)) / rate
    if not LEAST * (1 - MATCH) <= times <= MOST * (1 + MATCH):
        raise _other_rate(where, times * rate, rate)
    return ratio(times)


def whole(
    time: np.ndarray,
    values: np.ndarray,
    rate: float,
    *,
    factor: Fraction | int,
    gap: float,
    count: Callable[[str, int], None],
) -> Iterator[tuple[float, np.ndarray]]:
    """(first time in s, signal at `rate`) between gaps longer than `gap` (s), of samples at `factor` times the rate.

    time: (n,) in s; values: (n, n_channels), NaN where missing; count: called with each repair. Shorter gaps are
    interpolated. The tolerance of `gap` is `EVEN` steps: 0.29 s at 100 Hz are 29 samples, although 0.29 * 100 is less.
    """
    raw_rate = float(rate * factor)
    count(BELOW, len(time) if factor < 1 else 0)
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
            yield float(t[0]), decimated(signal, factor) if factor != 1 else signal

"""Quality of a recording of acceleration: calibration, wear, clipping, gaps, clock. Pure functions of arrays.

Everything is computed from EPOCH s summaries (`Epochs`), which can be computed piece by piece and concatenated.

- calibration: gain and offset of each axis that bring the length of gravity in still epochs to 1 g (van Hees et al.
  2014, J Appl Physiol 117:738); only if still epochs face both ways on each axis
- non-wear: WEAR s in which at least two axes have a spread below STILL and a range below RANGE (van Hees et al. 2013,
  PLoS ONE 8:e61691; 13 mg and 50 mg); shorter recordings are not assessed
Limits in g; signals in other units are converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

EPOCH = 10.0  # s
STILL, RANGE = 0.013, 0.05  # g
WEAR, SHIFT = 3600.0, 900.0  # s: length and distance of the windows in which wear is decided
FACES = 0.3  # g: still epochs must reach this on both sides of each axis
ENOUGH = 30  # still epochs, at least
CLOSE = 1e-6  # change of the error that ends the fit
ROUNDS = 1000
CLIPPED = 2  # rows in a row at the largest or smallest value of an axis
GAP = 1.5  # usual steps
RATES = (1, 2, 5, 10, 12.5, 20, 25, 30, 32, 40, 50, 52, 60, 64, 75, 80, 100, 104, 120, 125, 128, 200, 208, 250, 256)
GRAVITY = 0.3  # g: mean error above which still epochs hold no gravity


@dataclass(frozen=True)
class Epochs:
    """Summaries of EPOCH s: start in s (n,), rows (n,), and of each axis mean, variance, lowest, highest (n, 3)."""

    start: np.ndarray
    rows: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @staticmethod
    def joined(parts: Sequence[Epochs]) -> Epochs:
        """Epochs of consecutive pieces of a recording."""
        return Epochs(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Epochs)))


@dataclass(frozen=True)
class Calibration:
    """Gain and offset (3,) of each axis: (value + offset) * gain is calibrated. Errors in g: mean of | length - 1 |.

    n: still epochs; faces: whether they are enough, and face both ways on each axis. If they are not, gain is 1, offset
    0, and the errors are NaN or equal.
    """

    gain: np.ndarray
    offset: np.ndarray
    before: float
    after: float
    n: int
    faces: bool


@dataclass(frozen=True)
class Quality:
    """One row of a table of recordings; None where it cannot be assessed.

    hours: from the first to the last row; rate: rows per second that the clock shows; drift: s that the clock is ahead
    of the stated rate at the end; gaps, gap_s: number and total length; worn: share of the time; clipped: share of rows
    """

    file: str
    start: str
    end: str
    hours: float
    rate: float
    drift: float | None
    gaps: int
    gap_s: float
    worn: float | None
    clipped: float
    error_before: float | None
    error_after: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def row(name: str, time: np.ndarray, acceleration: np.ndarray | None, *, rate: float, span: tuple[str, str]) -> Quality:
    """The row of a file: time (n_rows,) in s, acceleration (n_rows, 3) in g, or None; span: its start and end, as text.

    rate: usual rate in Hz of the device, against which its clock is compared. Wear and clock are not assessed where
    `time` starts anew: in files of several recordings.
    """
    steps, one = np.diff(time), bool((np.diff(time) >= 0).all())
    holes = gaps(time) if one else (0, 0.0)
    usual = float(np.median(steps)) if len(steps) else np.nan
    with_wear = calibrated = None
    if acceleration is not None and one:
        of = epochs(time, acceleration)
        off = not_worn(of)
        with_wear = None if off is None else float(of.rows[~off].sum() / max(of.rows.sum(), 1))
        calibrated = calibration(of)
    errors = (calibrated.before, calibrated.after) if calibrated and calibrated.before < GRAVITY else (None, None)
    return Quality(
        name,
        *span,
        hours=float((time[-1] - time[0]) / 3600) if one else float(len(time) * usual / 3600),
        rate=1 / usual if usual > 0 else np.nan,
        drift=drift(time, rate) if one else None,
        gaps=holes[0],
        gap_s=holes[1],
        worn=with_wear,
        clipped=0.0 if acceleration is None else clipped(acceleration),
        error_before=errors[0],
        error_after=errors[1],
    )


def nominal(rate: float) -> float:
    """The usual rate of devices nearest to a measured one."""
    return float(min(RATES, key=lambda usual: abs(usual / rate - 1)))


def words(quality: Quality) -> dict[str, str]:
    """The row as text by column, with units; empty where it was not assessed."""
    return {
        "file": quality.file,
        "start": quality.start,
        "end": quality.end,
        "hours": f"{quality.hours:.2f}",
        "rate, Hz": f"{quality.rate:.4g}",
        "clock ahead, s": "" if quality.drift is None else f"{round(quality.drift, 2) + 0.0:+.2f}",
        "gaps": f"{quality.gaps} ({quality.gap_s:.1f} s)" if quality.gaps else "0",
        "worn": "" if quality.worn is None else f"{100 * quality.worn:.0f} %",
        "clipped": f"{100 * quality.clipped:.2g} %",
        "off 1 g, mg": ", ".join(_off_gravity(quality)),
    }


def _off_gravity(quality: Quality) -> tuple[str, ...]:
    """The error of gravity at rest in mg, and what calibration makes of it; empty where it was not assessed."""
    if quality.error_before is None or quality.error_after is None:
        return ()
    before, after = f"{1000 * quality.error_before:.1f}", f"{1000 * quality.error_after:.1f}"
    return before, f"calibrated {after}" if before != after else "calibration does not help"


def line(quality: Quality) -> str:
    """The row as one line; what is zero or was not assessed is left out."""
    shown = words(quality)
    clauses = [f"{shown['start']} to {shown['end']}", f"{shown['hours']} h at {shown['rate, Hz']} Hz"]
    if quality.drift and abs(quality.drift) >= 0.1:
        clauses.append(f"clock {shown['clock ahead, s']} s against {nominal(quality.rate):g} Hz")
    if quality.gaps:
        clauses.append(f"gaps: {shown['gaps']}")
    if quality.worn is not None:
        clauses.append(f"worn {shown['worn']} of the time")
    if quality.clipped:
        clauses.append(f"clipped {shown['clipped']}")
    if off := _off_gravity(quality):
        clauses.append(f"gravity at rest off by {off[0]} mg, {off[1]}")
    return f"{quality.file}: {', '.join(clauses)}"


def epochs(time: np.ndarray, signal: np.ndarray) -> Epochs:
    """Summaries of EPOCH s of signal (n_rows, 3) in g at `time` (n_rows,) in s; rows with NaN are left out."""
    known = ~np.isnan(signal).any(axis=1)
    time, signal = time[known], signal[known].astype(np.float64)
    number = np.floor_divide(time, EPOCH).astype(np.int64)
    first = np.flatnonzero(np.r_[len(time) > 0, number[1:] != number[:-1]])
    rows = np.diff(np.r_[first, len(time)])
    if not len(first):
        return Epochs(np.empty(0), np.empty(0, np.int64), *(np.empty((0, 3)) for _ in range(4)))
    mean = np.add.reduceat(signal, first) / rows[:, None]
    apart = signal - np.repeat(mean, rows, axis=0)
    variance = np.add.reduceat(apart**2, first) / rows[:, None]
    low, high = (reduce.reduceat(signal, first) for reduce in (np.minimum, np.maximum))
    return Epochs(number[first] * EPOCH, rows, mean, variance, low, high)


def calibration(of: Epochs) -> Calibration:
    """Gain and offset from the still epochs, by iterated weighted least squares onto the unit sphere."""
    still = (np.sqrt(of.variance) < STILL).all(axis=1) & (np.abs(of.mean) < 2).all(axis=1)
    points = of.mean[still]
    gain, offset = np.ones(3), np.zeros(3)
    before = _error(points)
    faces = len(points) >= ENOUGH and ((points.min(axis=0) < -FACES) & (points.max(axis=0) > FACES)).all()
    if not faces:
        return Calibration(gain, offset, before, before, len(points), faces=False)
    weights, last = np.ones(len(points)), np.inf
    for _ in range(ROUNDS):
        current = (points + offset) * gain
        length = np.linalg.norm(current, axis=1, keepdims=True)
        target = current / length
        for axis in range(3):
            slope, shift = np.polyfit(current[:, axis], target[:, axis], 1, w=np.sqrt(weights))
            gain[axis], offset[axis] = slope * gain[axis], offset[axis] + shift / (slope * gain[axis])
        weights = np.minimum(1 / np.maximum(np.abs(length[:, 0] - 1), 1e-12), 100)
        error = _error((points + offset) * gain)
        if abs(last - error) < CLOSE * 1e-3:
            break
        last = error
    after = _error((points + offset) * gain)
    if not after < before:
        return Calibration(np.ones(3), np.zeros(3), before, before, len(points), faces=True)
    return Calibration(gain, offset, before, after, len(points), faces=True)


def _error(points: np.ndarray) -> float:
    return float(np.abs(np.linalg.norm(points, axis=1) - 1).mean()) if len(points) else np.nan


def not_worn(of: Epochs) -> np.ndarray | None:
    """Whether each epoch lies in a window without wear: (n,) bool; None for recordings shorter than a window."""
    if not len(of.start) or of.start[-1] + EPOCH - of.start[0] < WEAR:
        return None
    result = np.zeros(len(of.start), bool)
    for begin in np.arange(of.start[0], of.start[-1] + EPOCH - WEAR + 1e-6, SHIFT):
        at = slice(*np.searchsorted(of.start, (begin, begin + WEAR)))
        rows = of.rows[at, None]
        if not rows.sum():
            continue
        mean = (of.mean[at] * rows).sum(axis=0) / rows.sum()
        variance = ((of.variance[at] + (of.mean[at] - mean) ** 2) * rows).sum(axis=0) / rows.sum()
        spans = of.high[at].max(axis=0) - of.low[at].min(axis=0)
        if ((np.sqrt(variance) < STILL) & (spans < RANGE)).sum() >= 2:
            result[at] = True
    return result


def clipped(signal: np.ndarray) -> float:
    """Share of rows at an axis' largest or smallest value, CLIPPED in a row at least: signal (n_rows, n_channels)."""
    if len(signal) < CLIPPED:
        return 0.0
    hit = np.zeros(len(signal), bool)
    for column in signal.T:
        for edge in (np.nanmin(column), np.nanmax(column)) if (~np.isnan(column)).any() else ():
            at = column == edge
            pair = at[1:] & at[:-1]
            usual = np.nanmedian(column)
            if edge != usual and abs(edge - usual) > 1.0:  # far from rest: a sensor that lies still repeats values
                hit[1:] |= pair
                hit[:-1] |= pair
    return float(hit.mean())


def gaps(time: np.ndarray) -> tuple[int, float]:
    """Number and total length (s) of the steps of `time` (n_rows,) in s longer than GAP usual ones."""
    steps = np.diff(time)
    if not len(steps):
        return 0, 0.0
    usual = float(np.median(steps))
    long = steps[steps > max(GAP * usual, 0.1)]
    return len(long), float((long - usual).sum())


def drift(time: np.ndarray, rate: float) -> float | None:
    """Seconds that `time` (n_rows,) in s runs ahead of rows counted at `rate` (Hz), gaps left out.

    Positive: the device sampled more slowly than `rate`. None if the rates differ by more than a tenth.
    """
    steps = np.diff(time)
    if not len(steps):
        return None
    usual = float(np.median(steps))
    inner = steps[steps <= max(GAP * usual, 0.1)]
    if not len(inner) or abs(usual * rate - 1) > 0.1:
        return None
    return float(inner.sum() - len(inner) / rate)

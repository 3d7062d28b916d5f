"""A student on signals in memory: all at once, or sample by sample as a sensor delivers them; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mixkd.datasets.raw import timing
from mixkd.deploy import ranges
from mixkd.errors import MixkdError, short

if TYPE_CHECKING:
    from mixkd.deploy.predict import Student

SAME = 1e-6  # relative difference of rates that are the same


@dataclass(frozen=True)
class Predicted:
    """Windows in order: start and end (n,) in s, label (n,) as text, probabilities (n, n_classes).

    A window far outside those of the training people is `unknown`; its probabilities are NaN, as the network was not
    asked.
    """

    start: np.ndarray
    end: np.ndarray
    label: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.start)


def joined(parts: list[Predicted]) -> Predicted:
    """Windows one after another."""
    names = ("start", "end", "label", "probabilities")
    return Predicted(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def label(student: Student, windows: np.ndarray, start: np.ndarray) -> Predicted:
    """Labels of windows (n, n_channels, n_samples) in the student's units; start: (n,), their first samples."""
    from mixkd.deploy.predict import UNKNOWN

    about = student.about
    names, units, rate = np.array([*about["classes"], UNKNOWN]), about["units"], about["rate"]
    p = np.full((len(windows), len(about["classes"])), np.nan, np.float32)
    best = np.full(len(windows), -1)
    if len(windows):
        known = ~ranges.outside(ranges.statistics(windows, units), units, about["training"]).any(axis=1)
        if known.any():
            p[known] = student.probabilities(windows[known])
            sure = p[known].max(axis=1) >= about.get("unknown", {}).get("threshold", 0.0)  # 0: a student without one
            best[known] = np.where(sure, p[known].argmax(axis=1), -1)
    return Predicted(start / rate, (start + about["window"]) / rate, names[best], p)


def checked(signal: np.ndarray, student: Student) -> np.ndarray:
    """Samples (n_samples, n_channels), or one (n_channels,), as float32 (n_samples, n_channels).

    Raises MixkdError for other shapes, and for values that are no finite numbers.
    """
    channels = student.about["channels"]
    values = np.asarray(signal)
    if values.ndim == 1 and values.shape == (len(channels),):
        values = values[None]
    if values.ndim != 2 or values.shape[1] != len(channels) or values.dtype.kind not in "fiu":
        wanted = f"real numbers (n_samples, {len(channels)}), columns {', '.join(channels)}"
        raise MixkdError(f"signal: found {values.dtype} {values.shape}, expected {wanted}")
    if not np.isfinite(values).all():
        sample, channel = np.argwhere(~np.isfinite(values))[0]
        way = "label the parts before and after it by themselves"
        raise MixkdError(f"signal: found {values[sample, channel]} in sample {sample}, {channels[channel]}; {way}")
    return values.astype(np.float32)


def at_rate(signal: np.ndarray, rate: float, wanted: float) -> np.ndarray:
    """Signal (n_samples, n_channels) at `wanted` Hz: as it is, or low-passed and thinned from a multiple of it.

    Raises MixkdError for any other rate.
    """
    factor = round(rate / wanted) if 0 < rate < np.inf else 0
    if factor < 1 or abs(rate / (factor * wanted) - 1) > SAME:
        raise MixkdError(f"rate: found {short(rate)} Hz, expected {wanted:g} or a multiple of it: resample the signal")
    return timing.decimated(signal, factor) if factor > 1 else signal


def predict(student: Student, signal: np.ndarray, rate: float) -> Predicted:
    """Labels of windows half a window apart, the last of which ends with the signal, (n_samples, n_channels)."""
    from mixkd.deploy.predict import batches

    about = student.about
    x = at_rate(checked(signal, student), rate, about["rate"])
    if len(x) < about["window"]:
        raise MixkdError(f"signal: found {len(x)} samples at {about['rate']:g} Hz, expected {about['window']} at least")
    return joined([label(student, windows, starts) for starts, windows in batches(x, about["window"])])


class Stream:
    """Labels of a signal that arrives in pieces of any length, at the student's rate and in its units.

    All windows of `push` and of `finish` together are those of `Student.predict` on the whole signal.
    """

    def __init__(self, student: Student):
        self.student = student
        self._waiting = np.empty((0, len(student.about["channels"])), np.float32)
        self._start = 0  # first sample of `_waiting`
        self._next = 0  # first sample of the next window
        self._end = -1  # sample after the last labelled window

    def push(self, samples: np.ndarray) -> Predicted:
        """Windows that samples (n_samples, n_channels), or one (n_channels,), complete: none, one or more.

        Raises MixkdError as `checked` does, and then takes none of them.
        """
        from mixkd.deploy.predict import batches

        window = self.student.about["window"]
        self._waiting = np.concatenate([self._waiting, checked(samples, self.student)])
        parts, step = (
            [self._label(np.empty((0, *self._waiting.shape[1:], window)), np.empty(0, int))],
            max(window // 2, 1),
        )
        n = (self._start + len(self._waiting) - self._next - window) // step + 1
        if n > 0:
            piece = self._waiting[self._next - self._start :][: (n - 1) * step + window]
            parts += [self._label(x, self._next + starts) for starts, x in batches(piece, window)]
            self._next += n * step
            self._end = self._next - step + window
        first = min(self._next, self._start + len(self._waiting) - window)  # `finish` needs a whole window
        if first > self._start:
            self._waiting, self._start = self._waiting[first - self._start :], first
        return joined(parts)

    def finish(self) -> Predicted:
        """The window that ends with the signal, unless it was labelled already; a next `push` starts anew from 0 s."""
        window, end = self.student.about["window"], self._start + len(self._waiting)
        rest = int(end >= window and end > self._end)
        x = self._waiting[len(self._waiting) - window :][None].transpose(0, 2, 1)
        last = self._label(x[:rest], np.array([end - window])[:rest])
        self.__init__(self.student)  # type: ignore[misc]
        return last

    def _label(self, windows: np.ndarray, start: np.ndarray) -> Predicted:
        return label(self.student, np.ascontiguousarray(windows, np.float32), start)

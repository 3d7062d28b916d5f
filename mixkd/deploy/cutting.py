"""A stretch without gaps that arrives in blocks: its even samples at the student's rate, and their windows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.interpolate import CubicSpline

from mixkd.datasets.raw import timing
from mixkd.datasets.raw.timing import EVEN

TAPS = 10  # half the length of scipy's polyphase filter, in samples of the lower rate


class Windows(NamedTuple):
    """Windows of one stretch without gaps, in order: start (n,) in s, x (n, n_channels, n_samples), a view."""

    start: np.ndarray
    x: np.ndarray
    stretch: int


@dataclass
class Grid:
    """Even samples of one stretch without gaps, `factor` times the student's rate, then resampled to it."""

    start: float
    rate: float  # of the student
    factor: Fraction
    n_raw: int = 0  # samples before resampling
    n_out: int = 0
    buffer: list[np.ndarray] = field(default_factory=list)
    at: int = 0  # number of the first sample in the buffer

    def take(self, time: np.ndarray, values: np.ndarray, stop: int, closes: bool) -> np.ndarray:
        """The next samples at the student's rate (n, n_channels), from rows of the stretch, up to row `stop`."""
        at = (time - self.start) * self.rate * float(self.factor)
        base = round(float(at[0]))
        if np.abs(at - base - np.arange(len(at))).max() <= EVEN or len(at) < 2:
            raw = values[max(self.n_raw - base, 0) : stop]
        else:
            grid = np.arange(self.n_raw, int(np.floor(at[stop - 1] + 1e-6)) + 1)
            raw = CubicSpline(at, values.astype(np.float64))(grid).astype(np.float32)
        self.n_raw += len(raw)
        signal = self._resampled(raw, closes) if self.factor != 1 else raw
        self.n_out += len(signal)
        return signal

    def _resampled(self, raw: np.ndarray, closes: bool) -> np.ndarray:
        """As `timing.decimated` of the whole stretch, as far as samples at both sides are known."""
        up, down = self.factor.denominator, self.factor.numerator  # `down` samples become `up`
        self.buffer.append(raw)
        joined = np.concatenate(self.buffer)
        end = self.at + len(joined)
        until = -(-end * up // down) if closes else max((end - reach(self.factor) - 1) * up // down, self.n_out)
        if until <= self.n_out:
            self.buffer = [joined]
            return joined[:0]
        signal = timing.decimated(joined, self.factor)[self.n_out - self.at * up // down :][: until - self.n_out]
        before = until // up - -(-reach(self.factor) // down) - 1
        forget = max(before, self.at // down) * down - self.at
        self.buffer, self.at = [joined[forget:]], self.at + forget
        return signal


def reach(factor: Fraction) -> int:
    """Half the length of the polyphase filter, in samples of the file."""
    return math.ceil(TAPS * max(factor, Fraction(1)))


@dataclass
class Cutter:
    """Cuts a stretch into windows, half a window apart, from blocks of it; the last window ends with the stretch."""

    first: float
    rate: float
    window: int
    stretch: int
    rest: np.ndarray  # samples from the last window on
    at: int = 0  # number of the first of them
    cut: bool = False  # whether there is a last window

    def take(self, signal: np.ndarray) -> Iterator[Windows]:
        """The windows that end in the next samples (n_samples, n_channels)."""
        self.rest, step = np.concatenate([self.rest, signal]), max(self.window // 2, 1)
        n = (len(self.rest) - self.window) // step + 1 - self.cut
        if n > 0:
            yield self._windows(step * self.cut, step, n)
            done = step * (n - 1 + self.cut)
            self.rest, self.at, self.cut = self.rest[done:], self.at + done, True

    def close(self) -> Iterator[Windows]:
        """The window that ends with the stretch, unless it was the last."""
        if self.cut and len(self.rest) > self.window:
            yield self._windows(len(self.rest) - self.window, 1, 1)

    def _windows(self, begin: int, step: int, n: int) -> Windows:
        view = sliding_window_view(self.rest, self.window, axis=0)[begin::step][:n]
        return Windows(self.first + (self.at + begin + step * np.arange(n)) / self.rate, view, self.stretch)

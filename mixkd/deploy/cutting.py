"""Windows of a stretch without gaps that arrives in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Windows(NamedTuple):
    """Windows of one stretch without gaps, in order: start (n,) in s, x (n, n_channels, n_samples), a view."""

    start: np.ndarray
    x: np.ndarray
    stretch: int


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

"""A window becomes a diagram becomes an image: sublevel-set H0 of each channel, then a persistence image.

Fast path: the linear-time stack algorithm for persistence of a sequence (the cancellation of rainflow counting) and
a separable Gaussian, both compiled. Oracles and selectable backends: `mixkd.backends`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np

from mixkd.config import ImageSpec
from mixkd.errors import MixkdError
from mixkd.windows import Normalisation

REACH = 5.0  # Gaussians are cut off at 5 spreads: 4e-6 of the peak


@dataclass(frozen=True)
class Diagrams:
    """Finite H0 pairs (birth, death) of many channels, in the units of the signal.

    points: (n_pairs, 2) float32, those of one channel together, in order of death index along the signal
    offsets: (n_windows * n_channels + 1,) int64; channel c of window i owns offsets[i * n_channels + c] onwards
    essential: (n_windows, n_channels) float32: birth of the class that never dies, the channel's minimum
    """

    points: np.ndarray
    offsets: np.ndarray
    essential: np.ndarray

    def __len__(self) -> int:
        return len(self.essential)

    @property
    def n_channels(self) -> int:
        return self.essential.shape[1]

    def of(self, window: int, channel: int) -> np.ndarray:
        """(n_pairs, 2) of one channel of one window."""
        i = window * self.n_channels + channel
        return self.points[self.offsets[i] : self.offsets[i + 1]]

    def channel(self, channel: int) -> np.ndarray:
        """All pairs of one channel, (n_pairs, 2)."""
        return np.concatenate([self.of(i, channel) for i in range(len(self))])


@numba.njit(cache=True, nogil=True)
def _push(extremum, stack, size, points, n):
    """Push an extremum; while the two inner of the top four lie within the outer two, they are a pair and cancel."""
    stack[size] = extremum
    size += 1
    while size >= 4:
        outer, first, second, top = stack[size - 4], stack[size - 3], stack[size - 2], stack[size - 1]
        if top > second:  # outer and second are minima
            if outer > second or first > top:
                break
            points[n, 0], points[n, 1] = second, first
        else:
            if outer < second or first < top:
                break
            points[n, 0], points[n, 1] = first, second
        n += 1
        stack[size - 3] = top
        size -= 2
    return size, n


@numba.njit(cache=True, nogil=True)
def _all_pairs(x):
    """Pairs of every row of x, each as a walk from +inf over its local extrema to +inf: linear time."""
    n_series, n_samples = x.shape
    points = np.empty((n_series * (n_samples // 2 + 1), 2), x.dtype)
    offsets = np.zeros(n_series + 1, np.int64)
    stack, extrema = np.empty(n_samples + 2, x.dtype), np.empty(n_samples + 1, x.dtype)
    n = 0
    for series in range(n_series):
        rising, last, count = False, x[series, 0], 0
        for i in range(1, n_samples):  # without branches: writes every sample, keeps the extrema
            value = x[series, i]
            extrema[count] = last
            turn = (value > last) & (not rising) | (value < last) & rising
            count += turn
            rising ^= turn
            last = value
        extrema[count] = last
        count += not rising  # a last rise ends in the sentinel, not in a maximum of its own
        stack[0], size = np.inf, 1
        for i in range(count):
            size, n = _push(extrema[i], stack, size, points, n)
        size, n = _push(np.float32(np.inf), stack, size, points, n)
        offsets[series + 1] = n
    return points[:n].copy(), offsets


def diagrams(x: np.ndarray) -> Diagrams:
    """Sublevel-set H0 of every channel of x, (n_windows, n_channels, n_samples); zero-length pairs are left out.

    Raises MixkdError on a non-finite value or an empty window.
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    if x.ndim != 3 or x.shape[2] == 0:
        raise MixkdError(f"topology: found shape {x.shape}, expected (n_windows, n_channels, n_samples >= 1)")
    if not np.isfinite(x).all():
        window, channel, sample = np.argwhere(~np.isfinite(x))[0]
        raise MixkdError(f"topology: found a non-finite value in window {window}, channel {channel}, sample {sample}")
    points, offsets = _all_pairs(x.reshape(-1, x.shape[2]))
    return Diagrams(points, offsets, x.min(axis=2))


@dataclass(frozen=True)
class Grid:
    """Where each channel's image lies in the (birth, persistence) plane, in the units of the signal.

    birth: (n_channels, 2) lower and upper edge; persistence: (n_channels,) upper edge, the lower is 0
    """

    birth: np.ndarray
    persistence: np.ndarray
    spec: ImageSpec

    @staticmethod
    def fit(training: Diagrams, spec: ImageSpec, tail: float = 0.005) -> Grid:
        """Ranges that hold all but a `tail` of the training pairs on each side, weighted equally (declared default)."""
        birth, persistence = [], []
        for c in range(training.n_channels):
            pairs = training.channel(c)
            if len(pairs) == 0:
                birth.append((0.0, 1.0))
                persistence.append(1.0)
                continue
            low, high = np.quantile(pairs[:, 0], (tail, 1 - tail)).astype(np.float32)
            birth.append((low, high if high > low else low + max(1.0, abs(low))))
            persistence.append(np.quantile(pairs[:, 1] - pairs[:, 0], 1 - tail))
        return Grid(np.array(birth, np.float32), np.array(persistence, np.float32), spec)

    def pixel_size(self, channel: int) -> tuple[float, float]:
        """Width (birth) and height (persistence) of a pixel in units of the signal; the spread is in pixels."""
        low, high = self.birth[channel]
        return float(high - low) / self.spec.resolution, float(self.persistence[channel]) / self.spec.resolution

    def clipped(self, given: Diagrams) -> int:
        """How many pairs lie outside the grid; they are drawn at its edge."""
        count = 0
        for c in range(given.n_channels):
            pairs = given.channel(c)
            outside = (pairs[:, 0] < self.birth[c, 0]) | (pairs[:, 0] > self.birth[c, 1])
            count += int((outside | (pairs[:, 1] - pairs[:, 0] > self.persistence[c])).sum())
        return count


@numba.njit(cache=True, nogil=True, fastmath=True)
def _profile(at, spread, integrated, values):
    """The Gaussian around `at` (in pixels) on each pixel of one axis; returns the pixels it reaches, [first, last)."""
    reach = REACH * spread
    first = max(0, int(at - reach))
    last = min(len(values), int(at + reach) + 1)
    if integrated:
        scale = 1 / (spread * math.sqrt(2.0))
        left = math.erf((first - at) * scale)
        for i in range(first, last):
            right = math.erf((i + 1 - at) * scale)
            values[i] = 0.5 * (right - left)
            left = right
        return first, last
    # exp(-(d + 1)^2 / 2s^2) from exp(-d^2 / 2s^2) takes two products: outwards from the pixel that holds the point
    middle = min(max(int(at), first), last - 1)
    d = middle + 0.5 - at
    inverse = 1 / (spread * spread)
    peak = math.exp(-0.5 * d * d * inverse) / (spread * math.sqrt(2.0 * math.pi))
    shrink = math.exp(-inverse)
    value, ratio = peak, math.exp(-(d + 0.5) * inverse)
    for i in range(middle, last):
        values[i] = value
        value *= ratio
        ratio *= shrink
    value, ratio = peak, math.exp((d - 0.5) * inverse)
    for i in range(middle - 1, first - 1, -1):
        value *= ratio
        ratio *= shrink
        values[i] = value
    return first, last


@numba.njit(cache=True, nogil=True, fastmath=True)
def _rasterise(rows, points, offsets, birth, persistence, resolution, spread, integrated):
    n_channels = len(persistence)
    images = np.zeros(len(rows) * n_channels * resolution * resolution, np.float32)
    px, py = np.empty(resolution, np.float32), np.empty(resolution, np.float32)
    base = 0
    for row in rows:
        for c in range(n_channels):
            low, high, top = birth[c, 0], birth[c, 1], persistence[c]
            series = row * n_channels + c
            for p in range(offsets[series], offsets[series + 1]):
                length = points[p, 1] - points[p, 0]
                x = (min(max(points[p, 0], low), high) - low) / (high - low) * resolution
                y = min(length, top) / top * resolution
                x0, x1 = _profile(x, spread, integrated, px)
                y0, y1 = _profile(y, spread, integrated, py)
                for j in range(y0, y1):
                    weight = length * py[j]
                    line = base + j * resolution
                    for i in range(x0, x1):  # unsigned: no wrap-around of negative indices, so it vectorises
                        images[np.uint64(line + i)] += weight * px[np.uint64(i)]
            base += resolution * resolution
    return images.reshape(len(rows), n_channels, resolution, resolution)


def images(given: Diagrams, grid: Grid, rows: np.ndarray | None = None) -> np.ndarray:
    """Persistence images of the windows `rows` (default: all), (n_rows, n_channels, resolution, resolution) float32.

    Row index: persistence upwards from 0; column: birth. Each pair adds a Gaussian weighted by its persistence (in
    units of the signal): its density at the pixel's centre per pixel area (`sampled`), or its integral over the
    pixel (`integrated`). Adams et al. 2017. Raises MixkdError on rows that are not there.
    """
    rows = np.arange(len(given)) if rows is None else np.asarray(rows)
    if rows.dtype.kind not in "iu" or rows.min(initial=0) < 0 or rows.max(initial=0) >= len(given):
        raise MixkdError(f"images: found rows {rows}, expected integers from 0 to {len(given) - 1}")
    spec = grid.spec
    return _rasterise(
        rows,
        given.points,
        given.offsets,
        grid.birth,
        grid.persistence,
        spec.resolution,
        spec.spread,
        spec.kernel == "integrated",
    )


@dataclass(frozen=True)
class Imager:
    """Signal -> normalised image, fitted on training diagrams: the input of the image teacher."""

    grid: Grid
    normalisation: Normalisation

    @staticmethod
    def fit(training: Diagrams, spec: ImageSpec) -> Imager:
        grid = Grid.fit(training, spec)
        return Imager(grid, Normalisation.fit(images(training, grid)))

    def __call__(self, given: Diagrams, rows: np.ndarray | None = None) -> np.ndarray:
        return self.normalisation(images(given, self.grid, rows)).astype(np.float32)

"""Compiled loops: persistence pairs of a sequence by a stack in linear time, and sums of separable Gaussians.

Nothing is checked here: wrong offsets or channel counts read other memory. `persistence` and `imaging` check first.
"""

from __future__ import annotations

import contextlib
import math
import pickle
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

REACH = 5.0  # Gaussians are cut off at 5 spreads: 4e-6 of the peak


def compiled(**options: bool) -> Callable[[Callable], Any]:
    """numba.njit, cached on disk if a cache folder can be written, else compiled by each process."""

    def decorate(function: Callable) -> Any:
        try:
            result = numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # no writable cache folder (module, home, NUMBA_CACHE_DIR)
            return numba.njit(nogil=True, **options)(function)
        if cache := getattr(result, "_cache", None):  # none under NUMBA_DISABLE_JIT
            cache.load_overload = _or_none(cache.load_overload)
            cache.save_overload = _or_none(cache.save_overload)
        return result

    return decorate


def _or_none(access: Callable) -> Callable:
    """Cache access that ignores a full disk and unreadable files: the cache only saves time."""

    def guarded(*given: Any) -> Any:
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            return access(*given)

    return guarded


@compiled()
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


@compiled()
def all_pairs(x):
    """Pairs (n_pairs, 2) of all rows of x (n, n_samples), +inf before and after each; offsets (n + 1,). Linear time."""
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


@compiled(fastmath=True)
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


@compiled(fastmath=True)
def rasterise(rows, points, offsets, birth, persistence, resolution, spread, integrated):
    """Sums of Gaussians, (n_rows, n_channels, resolution, resolution) float32; see `imaging.images`."""
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

"""Independent, slower backends of diagrams and images, selected by name; tests and the topology chapter compare them.

`fast` is this package; `giotto` is giotto-tda (extra `[giotto]`); gudhi and persim come with the extra `[book]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mixkd.errors import MixkdError, nearest
from mixkd.topology.imaging import Grid, expect_match
from mixkd.topology.imaging import images as fast_images
from mixkd.topology.persistence import Diagrams, as_signals
from mixkd.topology.persistence import diagrams as fast_diagrams

DIAGRAM_BACKENDS = ("fast", "giotto", "gudhi")
IMAGE_BACKENDS = ("fast", "giotto", "gudhi", "persim")


def _import(module: str, package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MixkdError(f"backend: package {package} is not installed; pip install {package}") from error


def diagrams(x: np.ndarray, backend: str = "fast") -> Diagrams:
    """Finite H0 pairs of x, (n_windows, n_channels, n_samples), by the named backend.

    giotto: CubicalPersistence with reduced homology, which drops the essential class; padding is removed.
    gudhi: CubicalComplex with the samples as vertices. Raises MixkdError on an unknown or missing backend, and as
    `as_signals` does.
    """
    if backend == "fast":
        return fast_diagrams(x)
    if backend not in DIAGRAM_BACKENDS:
        raise MixkdError(f"backend: found {backend!r}, {nearest(backend, DIAGRAM_BACKENDS)}")
    x = as_signals(x)
    if len(x) == 0:
        return fast_diagrams(x)
    series = x.reshape(-1, x.shape[2])
    pairs = _giotto_pairs(series) if backend == "giotto" else [_gudhi_pairs(s) for s in series]
    offsets = np.concatenate([[0], np.cumsum([len(p) for p in pairs])]).astype(np.int64)
    return Diagrams(np.concatenate(pairs).astype(np.float32), offsets, x.min(axis=2))


def _giotto_pairs(series: np.ndarray) -> list[np.ndarray]:
    persistence = _import("gtda.homology", "giotto-tda").CubicalPersistence(homology_dimensions=(0,), n_jobs=1)
    padded = persistence.fit_transform(series)[:, :, :2]
    return [pairs[pairs[:, 1] > pairs[:, 0]] for pairs in padded]


def _gudhi_pairs(series: np.ndarray) -> np.ndarray:
    complex_ = _import("gudhi", "gudhi").CubicalComplex(vertices=series.astype(np.float64))
    complex_.compute_persistence(min_persistence=0.0)
    pairs = complex_.persistence_intervals_in_dimension(0)
    return pairs[np.isfinite(pairs[:, 1])]


def images(given: Diagrams, grid: Grid, backend: str = "fast") -> np.ndarray:
    """Persistence images of all windows by the named backend, (n_windows, n_channels, resolution, resolution).

    gudhi samples the Gaussian at pixel centres (our `sampled`), persim integrates it over the pixel (our
    `integrated`); both get pairs in pixel coordinates. giotto fits its own grid to the collection, so its images
    differ: it floors points to pixels, cuts the Gaussian at 4 spreads and weights sampled persistences. Raises
    MixkdError on an unknown or missing backend and on a grid of another number of channels.
    """
    if backend == "fast":
        return fast_images(given, grid)
    if backend not in IMAGE_BACKENDS:
        raise MixkdError(f"backend: found {backend!r}, {nearest(backend, IMAGE_BACKENDS)}")
    expect_match(given, grid)
    if len(given) == 0:
        return fast_images(given, grid)
    draw = {"gudhi": _gudhi_images, "persim": _persim_images, "giotto": _giotto_images}[backend]
    channels = [draw(given, grid, c) for c in range(given.n_channels)]
    return np.stack(channels, axis=1)


def in_pixels(given: Diagrams, grid: Grid, channel: int) -> list[np.ndarray]:
    """(birth, persistence) in pixels, (n_pairs, 2) per window, clipped to the grid as in the fast path."""
    expect_match(given, grid)
    width, height = grid.pixel_size(channel)
    low, high = grid.birth[channel]
    result = []
    for window in range(len(given)):
        pairs = given.of(window, channel).astype(np.float64)
        birth = np.clip(pairs[:, 0], low, high) - low
        persistence = np.minimum(pairs[:, 1] - pairs[:, 0], grid.persistence[channel])
        result.append(np.column_stack([birth / width, persistence / height]))
    return result


def _weights(given: Diagrams, channel: int) -> list[np.ndarray]:
    return [np.diff(given.of(window, channel).astype(np.float64), axis=1)[:, 0] for window in range(len(given))]


def _window_by_window(given: Diagrams, grid: Grid, channel: int, draw: Callable[..., np.ndarray]) -> np.ndarray:
    """(n_windows, resolution, resolution): `draw` of each window's points (pixels) and weights; 0 without points."""
    result = np.zeros((len(given), grid.spec.resolution, grid.spec.resolution))
    for i, (points, weights) in enumerate(zip(in_pixels(given, grid, channel), _weights(given, channel), strict=True)):
        if len(points):
            result[i] = draw(points, weights)
    return result


def _gudhi_images(given: Diagrams, grid: Grid, channel: int) -> np.ndarray:
    n, spread = grid.spec.resolution, grid.spec.spread
    representations = _import("gudhi.representations", "gudhi")

    def draw(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        one_by_one = iter(weights)  # gudhi requests the weight of each point in order
        place = [0.5, n - 0.5, 0.5, n - 0.5]
        image = representations.PersistenceImage(spread, lambda _: next(one_by_one), [n, n], place)
        return image.fit_transform([np.column_stack([points[:, 0], points.sum(axis=1)])]).reshape(n, n)

    return _window_by_window(given, grid, channel, draw)


def _persim_images(given: Diagrams, grid: Grid, channel: int) -> np.ndarray:
    n, spread = grid.spec.resolution, grid.spec.spread
    persim = _import("persim", "persim")

    def draw(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        imager = persim.PersistenceImager(
            birth_range=(0.0, float(n)),
            pers_range=(0.0, float(n)),
            pixel_size=1.0,
            weight=lambda birth, persistence: weights,
            weight_params={},
            kernel_params={"sigma": [[spread**2, 0.0], [0.0, spread**2]]},
        )
        return imager.transform(points, skew=False).T

    return _window_by_window(given, grid, channel, draw)


def _giotto_images(given: Diagrams, grid: Grid, channel: int) -> np.ndarray:
    n, spread = grid.spec.resolution, grid.spec.spread
    weights = np.concatenate(_weights(given, channel))
    points = in_pixels(given, grid, channel)
    longest = max(len(p) for p in points)
    padded = np.zeros((len(points) + 1, longest + 1, 3))
    for i, p in enumerate(points):
        padded[i, : len(p), 0], padded[i, : len(p), 1] = p[:, 0], p.sum(axis=1)
    padded[-1, 0, :2] = n, 2 * n  # a corner point, so that giotto's fitted grid spans ours
    drawn = _import("gtda.diagrams", "giotto-tda").PersistenceImage(
        sigma=spread, n_bins=n, weight_function=lambda persistence: persistence, n_jobs=1
    )
    per_pixel = grid.pixel_size(channel)[1] if len(weights) else 1.0
    return drawn.fit_transform(padded)[:-1, 0, ::-1] * per_pixel

"""Persistence images: diagrams rasterised to a fixed size, on a grid that is fitted on training diagrams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixkd.errors import MixkdError, short
from mixkd.specs.run import ImageSpec
from mixkd.topology.compiled import rasterise
from mixkd.topology.persistence import LARGEST, Diagrams, _array, _index, expect, expect_type
from mixkd.windows import Normalisation


@dataclass(frozen=True)
class Grid:
    """Where each channel's image lies in the (birth, persistence) plane, in the units of the signal.

    birth: (n_channels, 2) float32, lower and upper edge; persistence: (n_channels,) float32, upper edge, the lower is 0

    Raises MixkdError on other arrays, and on edges that do not rise.
    """

    birth: np.ndarray
    persistence: np.ndarray
    spec: ImageSpec

    def __post_init__(self) -> None:
        expect("Grid.birth", self.birth, np.float32, ("n_channels >= 1", 2))
        expect("Grid.persistence", self.persistence, np.float32, (len(self.birth),))
        expect_type(self.spec, ImageSpec)
        for c, ((low, high), top) in enumerate(zip(self.birth, self.persistence, strict=True)):
            if not (-LARGEST <= low < high <= LARGEST and 0 < top <= 2 * LARGEST):
                raise MixkdError(
                    f"Grid: found births {low:g} to {high:g} and persistences 0 to {top:g} in channel {c}, "
                    f"expected edges that rise, within {LARGEST:g}"
                )

    @staticmethod
    def fit(training: Diagrams, spec: ImageSpec, tail: float = 0.005) -> Grid:
        """Ranges that hold all but a `tail` of the training pairs on each side, weighted equally (declared default).

        Raises MixkdError where there is no window, or the tail is not from 0 to 0.5.
        """
        expect_type(training, Diagrams)
        if len(training) == 0:
            raise MixkdError("Grid.fit: found no windows, expected at least 1")
        if not 0 <= tail < 0.5:
            raise MixkdError(f"Grid.fit: found tail {short(str(tail))}, expected at least 0 and less than 0.5")
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
        low, high = self.birth[_index("channel", channel, len(self.birth))]
        return float(high - low) / self.spec.resolution, float(self.persistence[channel]) / self.spec.resolution

    def clipped(self, given: Diagrams) -> int:
        """Number of pairs outside the grid; they are drawn at its edge."""
        expect_match(given, self)
        count = 0
        for c in range(given.n_channels):
            pairs = given.channel(c)
            outside = (pairs[:, 0] < self.birth[c, 0]) | (pairs[:, 0] > self.birth[c, 1])
            count += int((outside | (pairs[:, 1] - pairs[:, 0] > self.persistence[c])).sum())
        return count


def expect_match(given: Diagrams, grid: Grid) -> None:
    """Raises MixkdError unless these are diagrams and a grid with the same number of channels."""
    expect_type(given, Diagrams)
    expect_type(grid, Grid)
    if given.n_channels != len(grid.birth):
        raise MixkdError(
            f"topology: found diagrams of {given.n_channels} channels, expected {len(grid.birth)} as in the grid"
        )


def images(given: Diagrams, grid: Grid, rows: np.ndarray | None = None) -> np.ndarray:
    """Persistence images, (n_rows, n_channels, resolution, resolution) float32, of windows `rows` (default: all).

    Row index: persistence upwards from 0; column: birth. Each pair adds a Gaussian weighted by its persistence (in
    units of the signal): its density at the pixel's centre per pixel area (`sampled`), or its integral over the
    pixel (`integrated`). Adams et al. 2017. Raises MixkdError for rows out of range and for a grid with another
    number of channels.
    """
    expect_match(given, grid)
    rows = np.arange(len(given)) if rows is None else _array(rows)
    integers = rows.ndim == 1 and rows.dtype.kind in "iu"
    if not integers or (rows.size and not 0 <= rows.min() <= rows.max() < len(given)):
        raise MixkdError(
            f"images: found rows {short(str(rows))}, expected integers from 0 to {len(given) - 1}, in one axis"
        )
    spec = grid.spec
    return rasterise(
        rows.astype(np.int64, copy=False),
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
        """Fit grid and normalisation on training diagrams."""
        grid = Grid.fit(training, spec)
        return Imager(grid, Normalisation.fit(images(training, grid)))

    def __call__(self, given: Diagrams, rows: np.ndarray | None = None) -> np.ndarray:
        return self.normalisation(images(given, self.grid, rows)).astype(np.float32)

"""Persistence diagrams of windows: sublevel-set H0 of each channel. Images of them: `mixkd.topology.imaging`.

Fast path: the linear-time stack algorithm for persistence of a sequence (the cancellation of rainflow counting) and
a separable Gaussian, both in `mixkd.topology.compiled`. Oracles and selectable backends: `mixkd.topology.oracles`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixkd.errors import MixkdError, short
from mixkd.topology.compiled import all_pairs

LARGEST = float(np.float32(1e30))  # beyond it, sums of persistences and images could overflow float32
LOST = 1e-3  # largest rounding error of float32, as a share of a channel's range (default chosen here)
ROUNDING = 16 * np.finfo(np.float64).eps  # relative range up to which a float64 channel is constant


@dataclass(frozen=True)
class Diagrams:
    """Finite H0 pairs (birth, death) of many channels, in the units of the signal.

    points: (n_pairs, 2) float32, those of one channel together, in order of death index along the signal
    offsets: (n_windows * n_channels + 1,) int64; channel c of window i owns offsets[i * n_channels + c] onwards
    essential: (n_windows, n_channels) float32: birth of the class that never dies, the channel's minimum

    Raises MixkdError if the three are inconsistent: compiled code follows the offsets without a check.
    """

    points: np.ndarray
    offsets: np.ndarray
    essential: np.ndarray

    def __post_init__(self) -> None:
        expect("Diagrams.essential", self.essential, np.float32, ("n_windows", "n_channels >= 1"))
        expect("Diagrams.points", self.points, np.float32, ("n_pairs", 2))
        expect("Diagrams.offsets", self.offsets, np.int64, (self.essential.size + 1,))
        steps = np.diff(self.offsets)
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.points) or (steps < 0).any():
            raise MixkdError(
                f"Diagrams.offsets: found {self.offsets[0]} to {self.offsets[-1]}, smallest step "
                f"{steps.min(initial=0)}, expected 0 to {len(self.points)}, the number of points, never falling"
            )
        if not _within(self.essential):
            raise MixkdError(f"Diagrams.essential: found a value beyond {LARGEST:g} or non-finite")
        births, deaths = self.points.T
        if not (_within(self.points) and (births < deaths).all()):
            i = int(np.argmin((births >= -LARGEST) & (births < deaths) & (deaths <= LARGEST)))
            raise MixkdError(
                f"Diagrams.points: found birth {births[i]:g} and death {deaths[i]:g} in row {i}, "
                f"expected birth < death, both within {LARGEST:g}"
            )

    def __len__(self) -> int:
        return len(self.essential)

    @property
    def n_channels(self) -> int:
        """Number of channels per window."""
        return self.essential.shape[1]

    def of(self, window: int, channel: int) -> np.ndarray:
        """(n_pairs, 2) of one channel of one window."""
        i = _index("window", window, len(self)) * self.n_channels + _index("channel", channel, self.n_channels)
        return self.points[self.offsets[i] : self.offsets[i + 1]]

    def channel(self, channel: int) -> np.ndarray:
        """All pairs of one channel, (n_pairs, 2)."""
        own = np.arange(self.n_channels) == _index("channel", channel, self.n_channels)
        return self.points[np.repeat(np.tile(own, len(self)), np.diff(self.offsets))]


def expect(name: str, array: np.ndarray, dtype: type, shape: tuple[int | str, ...]) -> None:
    """Raises MixkdError unless `array`, of any shape, has this dtype and `shape`.

    A word in `shape` stands for any length, or a length of at least 1 if it ends in `>= 1`.
    """
    found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
    fits = isinstance(array, np.ndarray) and array.dtype == dtype and array.ndim == len(shape)
    if not fits or not all(
        n >= int(wanted.endswith(">= 1")) if isinstance(wanted, str) else n == wanted
        for n, wanted in zip(array.shape, shape, strict=True)
    ):
        wanted = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise MixkdError(f"{name}: found {found}, expected {np.dtype(dtype)} {wanted}")


def expect_type(value: object, wanted: type) -> None:
    """Raises MixkdError unless `value` is an instance of `wanted`."""
    if not isinstance(value, wanted):
        raise MixkdError(f"topology: found {type(value).__name__}, expected {wanted.__name__}")


def _index(name: str, i: int, n: int) -> int:
    if isinstance(i, bool | np.bool_) or not isinstance(i, int | np.integer) or not 0 <= i < n:
        raise MixkdError(f"topology: found {name} {short(str(i))}, expected an integer from 0 to {n - 1}")
    return int(i)


def _within(x: np.ndarray) -> bool:
    """Whether all values are finite and at most LARGEST in size."""
    return x.size == 0 or bool(float(x.min()) >= -LARGEST and float(x.max()) <= LARGEST)


def _array(x: np.ndarray) -> np.ndarray:
    try:
        return np.asarray(x)
    except ValueError:  # numpy raises it for lists of unequal lengths
        raise MixkdError(f"topology: found {short(str(x))}, expected an array of numbers") from None


def as_signals(x: np.ndarray) -> np.ndarray:
    """x (n_windows, n_channels, n_samples), of any real dtype, as contiguous float32.

    Raises MixkdError on other dtypes and shapes, non-finite values, values beyond LARGEST, and channels that float32
    does not resolve.
    """
    x = _array(x)
    if x.dtype.kind not in "fiu":
        raise MixkdError(f"topology: found dtype {x.dtype}, expected real numbers, for example float32")
    if x.ndim != 3 or 0 in x.shape[1:]:
        raise MixkdError(
            f"topology: found shape {x.shape}, expected (n_windows, n_channels, n_samples >= 1) with at least 1 channel"
        )
    if not _within(x):
        _refuse_first(x)
    single = np.ascontiguousarray(x, dtype=np.float32)
    if x.size and not np.can_cast(x.dtype, np.float32):
        _refuse_unresolved(x, single)
    return single


def _refuse_first(x: np.ndarray) -> None:
    """The first value that is not finite, or beyond LARGEST."""
    at = tuple(np.argwhere(~((x >= -LARGEST) & (x <= LARGEST)))[0])
    window, channel, sample = at
    found = f"{x[at]:g}, beyond {LARGEST:g} (take a larger unit)," if np.isfinite(x[at]) else "a non-finite value"
    raise MixkdError(f"topology: found {found} in window {window}, channel {channel}, sample {sample}")


def _refuse_unresolved(x: np.ndarray, single: np.ndarray) -> None:
    """The first channel that rounding to float32 moves by more than LOST of its range within a window."""
    wide, rounding = (x, ROUNDING) if x.dtype.kind == "f" else (x.astype(np.longdouble), 0.0)  # int64 needs 64 bits
    moved = np.abs(wide - single).max(axis=(0, 2))
    low, high = wide.min(axis=2), wide.max(axis=2)
    size = np.maximum(np.abs(low), np.abs(high)).max(axis=0)
    span = (high - low).max(axis=0)
    lost = np.flatnonzero((moved > LOST * span) & (span > rounding * size))
    if len(lost):
        c = lost[0]
        window = int(np.argmax((high - low)[:, c]))
        raise MixkdError(
            f"topology: float32 does not resolve channel {c}: found values near {size[c]:g} that differ by {span[c]:g} "
            f"(window {window}); subtract the channel's mean, or take another unit"
        )


def diagrams(x: np.ndarray) -> Diagrams:
    """Sublevel-set H0 of every channel of x, (n_windows, n_channels, n_samples); zero-length pairs are left out.

    Raises MixkdError as `as_signals` does.
    """
    x = as_signals(x)
    points, offsets = all_pairs(x.reshape(-1, x.shape[2]))
    return Diagrams(points, offsets, x.min(axis=2))

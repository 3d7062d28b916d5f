"""Labels of consecutive windows, as arrays: what a student says of them, and what follows from their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Labels:
    """Windows in order: start (n,) in s, stretch (n,), p (n, n_classes), NaN where a window is out of range.

    still: (n,) bool, at rest, see `sequence`; smoothed: (n,) classes, -1 unknown; worn: (n,) bool. None: not known
    """

    start: np.ndarray
    stretch: np.ndarray
    p: np.ndarray
    still: np.ndarray | None = None
    smoothed: np.ndarray | None = None
    worn: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: slice) -> Labels:
        return Labels(**{name: array[rows] for name, array in self.columns.items()})

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The arrays that are known, by field."""
        return {name: array for name, array in vars(self).items() if array is not None}

    @property
    def confidence(self) -> np.ndarray:
        """The largest probability (n,); NaN out of range."""
        return self.p.max(axis=1)

    def classes(self, threshold: float) -> np.ndarray:
        """The most probable class (n,); -1 out of range, and where the confidence is below the threshold."""
        best = np.where(np.isnan(self.p), 0, self.p).argmax(axis=1)
        return np.where(self.confidence >= threshold, best, -1)  # NaN is not


def joined(parts: Sequence[Labels]) -> Labels:
    """Windows one after another."""
    return Labels(**{name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns})

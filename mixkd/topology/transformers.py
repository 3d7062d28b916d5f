"""Persistence of windows as scikit-learn transformers, for pipelines, grid searches and classifiers of that kind."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mixkd.specs.parts import ImageSpec
from mixkd.topology.imaging import Grid, images
from mixkd.topology.persistence import Diagrams, diagrams

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before scikit-learn 1.6

    def validate_data(estimator: Any, X: Any, **checks: Any) -> np.ndarray:
        """X as an array of any shape; sets or compares `n_features_in_`."""
        return estimator._validate_data(X, **checks)


class Windowed(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both have in common: windows in, (n, n_samples) of one channel or (n, n_channels, n_samples); rows out."""

    def _windows(self, X: Any, *, fit: bool) -> np.ndarray:
        """X of at least two axes, all but the first as in training. ValueError otherwise, as scikit-learn asks."""
        X = validate_data(self, X, reset=fit, allow_nd=True)
        if fit:
            self.shape_in_ = X.shape[1:]
        elif X.shape[1:] != self.shape_in_:
            raise ValueError(f"X: found windows of shape {X.shape[1:]}, expected {self.shape_in_} as in training")
        return X

    def _rows(self, values: np.ndarray, like: np.ndarray) -> np.ndarray:
        """Values (n, ...) flattened to (n, n_features); float64 if X is, else float32."""
        flat = values.reshape(len(values), -1)
        return flat.astype(np.float64 if like.dtype == np.float64 else np.float32, copy=False)

    def _names(self) -> list[str]:
        raise NotImplementedError

    @available_if(lambda self: getattr(self, "flat", True))  # diagrams have no columns: `set_output` leaves them alone
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """A name for each column of the result, (n_features,)."""
        super().get_feature_names_out(input_features)  # checks that it is fitted, and the names given
        return np.array(self._names(), dtype=object)


class SublevelPersistence(Windowed):
    """Sublevel-set persistence pairs of each channel of a window, most persistent first.

    X: (n, n_samples) of one channel, or (n, n_channels, n_samples). Result: (n, 2 * n_channels * n_pairs), births and
    deaths in turn, in the unit of the signal; or, for `PersistenceImage`, (n, n_channels, n_pairs, 2).

    Parameters
    ----------
    n_pairs
        Pairs per channel; None: as many as the training window with the most. Of a window with more, the most
        persistent ones stay; one with fewer is filled up with the lowest sample as birth and death.
    flat
        False for diagrams, (n, n_channels, n_pairs, 2), which `PersistenceImage` draws.

    Attributes
    ----------
    n_pairs_
        Pairs per channel of the result.

    Examples
    --------
    >>> SublevelPersistence().fit_transform([[0.0, 3.0, 1.0, 2.0, 0.5, 4.0]])
    array([[0.5, 3. , 1. , 2. ]])
    """

    def __init__(self, n_pairs: int | None = None, *, flat: bool = True):
        self.n_pairs = n_pairs
        self.flat = flat

    def fit(self, X: Any, y: Any = None) -> SublevelPersistence:
        """Learn the number of channels, samples and pairs from windows X; y is ignored."""
        x = _channels(self._windows(X, fit=True))
        if self.n_pairs is not None and not (isinstance(self.n_pairs, int | np.integer) and self.n_pairs >= 1):
            raise ValueError(f"n_pairs: found {self.n_pairs!r}, expected an integer from 1, or None")
        most = int(np.diff(diagrams(x).offsets).max()) if self.n_pairs is None else int(self.n_pairs)
        self.n_pairs_ = max(most, 1)
        self._n_features_out = 2 * x.shape[1] * self.n_pairs_
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Pairs of windows X, (n, n_features), or (n, n_channels, n_pairs, 2) if not `flat`."""
        check_is_fitted(self)
        X = self._windows(X, fit=False)
        pairs = most_persistent(diagrams(_channels(X)), self.n_pairs_)
        return self._rows(pairs, X) if self.flat else pairs

    def _names(self) -> list[str]:
        n_channels = self._n_features_out // (2 * self.n_pairs_)
        ends = ("birth", "death")
        return [f"channel{c}_{end}{i}" for c in range(n_channels) for i in range(self.n_pairs_) for end in ends]


class PersistenceImage(Windowed):
    """Persistence images of windows, as rows of pixels, on a grid that is fitted on the training windows.

    X: windows (n, n_samples) of one channel or (n, n_channels, n_samples), or diagrams (n, n_channels, n_pairs, 2) of
    `SublevelPersistence(flat=False)`. Result: (n, n_channels * resolution * resolution); reshaped to
    (n, n_channels, resolution, resolution), a row is a persistence, upwards from 0, a column is a birth.

    Parameters
    ----------
    resolution
        Pixels per side.
    spread
        Standard deviation of the Gaussian of each pair, in pixels.
    kernel
        `sampled` at the centre of a pixel, or `integrated` over it.
    tail
        Share of the training pairs that the grid leaves out on each side; they are drawn at its edge.

    Attributes
    ----------
    grid_
        `mixkd.topology.Grid` of the images.

    Examples
    --------
    >>> windows = [[0.0, 3.0, 1.0, 2.0, 0.5, 4.0], [1.0, 2.0, 0.0, 1.0, 0.0, 2.0]]
    >>> PersistenceImage(resolution=4).fit_transform(windows).shape
    (2, 16)
    """

    def __init__(
        self,
        resolution: int = 16,
        *,
        spread: float = 1.0,
        kernel: Literal["sampled", "integrated"] = "sampled",
        tail: float = 0.005,
    ):
        self.resolution = resolution
        self.spread = spread
        self.kernel = kernel
        self.tail = tail

    def fit(self, X: Any, y: Any = None) -> PersistenceImage:
        """Fit the grid on windows or diagrams X; y is ignored."""
        X = self._windows(X, fit=True)
        if X.ndim == 2 and _interleaved(X):
            raise ValueError(
                "X: found births and deaths in turn, expected windows; draw those of SublevelPersistence(flat=False), "
                "or give windows as (n, 1, n_samples)"
            )
        spec = ImageSpec(self.resolution, self.spread, self.kernel)
        self.grid_ = Grid.fit(_diagrams(X), spec, self.tail)
        self._n_features_out = len(self.grid_.birth) * self.resolution**2
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Images of windows or diagrams X, (n, n_features)."""
        check_is_fitted(self)
        X = self._windows(X, fit=False)
        return self._rows(images(_diagrams(X), self.grid_), X)

    def _names(self) -> list[str]:
        side = range(self.grid_.spec.resolution)
        channels = range(len(self.grid_.birth))
        return [f"channel{c}_persistence{row}_birth{column}" for c in channels for row in side for column in side]


def most_persistent(given: Diagrams, n_pairs: int) -> np.ndarray:
    """The n_pairs most persistent pairs of each channel, (n_windows, n_channels, n_pairs, 2) float32.

    Channels with fewer are filled up with pairs of no persistence at their minimum; of equal ones the earlier is first.
    """
    counts = np.diff(given.offsets)
    series = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((given.points[:, 0] - given.points[:, 1], series))
    rank = np.arange(len(order)) - given.offsets[series]
    first = rank < n_pairs
    result = np.tile(given.essential.reshape(-1, 1, 1), (1, n_pairs, 2))
    result[series[first], rank[first]] = given.points[order[first]]
    return result.reshape(len(given), given.n_channels, n_pairs, 2)


def _channels(X: np.ndarray) -> np.ndarray:
    """Windows with an axis of channels, (n, n_channels, n_samples)."""
    if X.ndim > 3:
        raise ValueError(f"X: found {X.ndim} axes, expected (n, n_samples) or (n, n_channels, n_samples)")
    return X if X.ndim == 3 else X[:, None]


def _diagrams(X: np.ndarray) -> Diagrams:
    """Diagrams of windows, or of an array of pairs (n, n_channels, n_pairs, 2)."""
    if X.ndim < 4:
        return diagrams(_channels(X))
    if X.ndim > 4 or X.shape[3] != 2 or not (X[..., 0] <= X[..., 1]).all():
        raise ValueError(
            f"X: found shape {X.shape}, expected diagrams (n, n_channels, n_pairs, 2) with birth <= death in each pair"
        )
    pairs = X.astype(np.float32)
    drawn = pairs[..., 0] < pairs[..., 1]
    counts = drawn.sum(axis=2).ravel()
    return Diagrams(pairs[drawn], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), pairs[..., 0].min(axis=2))


def _interleaved(X: np.ndarray) -> bool:
    """Whether rows (n, n_features) are flat diagrams: birth <= death in turn, most persistent first in each channel.

    Windows that only rise are none.
    """
    n_pairs, odd = divmod(X.shape[1], 2)
    length = X[:, 1::2] - X[:, : 2 * n_pairs : 2]
    if odd or n_pairs < 2 or (length < 0).any() or not (X[:, 1:-1:2] > X[:, 2::2]).any():
        return False
    longer = (np.diff(length, axis=1) > 0).any(axis=0)  # than the pair before, allowed where a channel begins
    inside = (np.arange(1, n_pairs) % n > 0 for n in range(2, n_pairs + 1) if n_pairs % n == 0)
    return any(not longer[where].any() for where in inside)

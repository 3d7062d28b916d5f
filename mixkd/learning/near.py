"""Partners of C-mixup: windows of near targets mix more often than windows of far targets. Yao et al. 2022."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixkd.learning.streams import Stream
from mixkd.rng import generator

BANDWIDTH = 0.2  # standard deviations of a target: declared; the source tunes it for each data set
CHUNK = 256  # windows whose weights are in memory together


def redrawn(draws: Stream, targets: np.ndarray) -> Stream:
    """A stream with near partners in place of any; rows, coefficients and what is mixed stay.

    targets: of the training windows, (n_windows, n_targets)
    """
    chosen = partners(targets, draws.rows, generator(draws.seed, "partners").random(draws.rows.shape))
    return replace(draws, partners=np.where(draws.coefficients < 1, chosen, draws.rows))


def partners(targets: np.ndarray, rows: np.ndarray, uniform: np.ndarray, bandwidth: float = BANDWIDTH) -> np.ndarray:
    """A partner for each row, (n_steps, batch_size): window j for row i with probability proportional to `weights`.

    As released: from all training windows, the row itself included. targets: (n_windows, n_targets); rows, uniform:
    (n_steps, batch_size), uniform in [0, 1).
    """
    order = rows.argsort(axis=None, kind="stable")  # all visits of a window together: its weights are computed once
    windows, first = np.unique(rows.ravel()[order], return_index=True)
    visits = np.split(order, first[1:])
    result, draws = np.empty(rows.size, np.int64), uniform.ravel()
    for at in range(0, len(windows), CHUNK):
        heights = weights(targets[windows[at : at + CHUNK]], targets, bandwidth).cumsum(axis=1)
        for visit, height in zip(visits[at : at + CHUNK], heights, strict=True):
            below = np.nextafter(height[-1], 0)  # a product may round up to the total
            result[visit] = height.searchsorted(np.minimum(draws[visit] * height[-1], below), side="right")
    return result.reshape(rows.shape)


def weights(own: np.ndarray, targets: np.ndarray, bandwidth: float) -> np.ndarray:
    """exp(-|y_i - y_j|^2 / (2 bandwidth^2)), (n, n_windows); own: (n, n_targets), targets: (n_windows, n_targets)."""
    squares = np.zeros((len(own), len(targets)))
    for column in range(targets.shape[1]):
        squares += np.subtract.outer(own[:, column].astype(np.float64), targets[:, column].astype(np.float64)) ** 2
    return np.exp(-squares / (2 * bandwidth**2))

"""Statistics of windows, as trees read them."""

from __future__ import annotations

import numpy as np


def simple_features(x: np.ndarray) -> np.ndarray:
    """Mean, sd, minimum, quartiles, maximum, mean |step|: (n, 8 * n_channels) of x (n, n_channels, n_samples)."""
    quantiles = np.quantile(x, (0, 0.25, 0.5, 0.75, 1), axis=2)
    parts = [x.mean(2), x.std(2), *quantiles, np.abs(np.diff(x, axis=2)).mean(2)]
    return np.concatenate(parts, axis=1)


def statistics(x: np.ndarray) -> np.ndarray:
    """Fifteen numbers of each channel and the correlations of all pairs of channels, of x (n, n_channels, n_samples).

    `simple_features`, and root mean square, mean absolute deviation, skewness, kurtosis, rate of crossings of the mean,
    strongest frequency (cycles per window) and entropy of the spectrum: (n, 15 * n_channels + n_pairs). Chosen here.
    """
    mean, sd = x.mean(2, keepdims=True), x.std(2, keepdims=True)
    z = (x - mean) / np.where(sd > 0, sd, 1)
    power = np.abs(np.fft.rfft(z, axis=2)[:, :, 1:]) ** 2
    share = power / np.maximum(power.sum(2, keepdims=True), 1e-12)
    crossings = (np.diff(z > 0, axis=2)).mean(2)
    parts = [np.sqrt((x**2).mean(2)), np.abs(x - mean).mean(2), (z * z * z).mean(2), (z * z * z * z).mean(2), crossings]
    parts += [1 + power.argmax(2), -(share * np.log(np.maximum(share, 1e-12))).sum(2)]
    first, second = np.triu_indices(x.shape[1], 1)
    correlations = np.einsum("nct,ndt->ncd", z, z)[:, first, second] / x.shape[2]
    return np.concatenate([simple_features(x), *parts, correlations], axis=1)

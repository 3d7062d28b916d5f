"""Baselines without a network: the majority class, and trees on statistics of a window (scikit-learn)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from mixkd.learning.fold_data import FoldData
from mixkd.windows import Windows


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
    parts = [np.sqrt((x**2).mean(2)), np.abs(x - mean).mean(2), (z**3).mean(2), (z**4).mean(2), crossings]
    parts += [1 + power.argmax(2), -(share * np.log(np.maximum(share, 1e-12))).sum(2)]
    first, second = np.triu_indices(x.shape[1], 1)
    correlations = np.einsum("nct,ndt->ncd", z, z)[:, first, second] / x.shape[2]
    return np.concatenate([simple_features(x), *parts, correlations], axis=1)


def trees(train: Windows, test: Windows, seed: int = 0) -> float:
    """Accuracy of 300 extremely randomised trees (Geurts et al. 2006) on `statistics`."""
    model = ExtraTreesClassifier(300, random_state=seed, n_jobs=1).fit(statistics(train.x), train.y)
    return float(model.score(statistics(test.x), test.y))


def split_at_random(train: Windows, test: Windows, seed: int) -> tuple[Windows, Windows]:
    """All windows, split at random instead of by subject (leaky, for comparison); same number of test windows."""
    x, y, subject = (np.concatenate([getattr(w, a) for w in (train, test)]) for a in ("x", "y", "subject"))
    recording, start = (np.concatenate([getattr(w, a) for w in (train, test)]) for a in ("recording", "start"))
    order = np.random.default_rng(seed).permutation(len(y))
    everything = Windows(x, y, subject, recording, start)
    return everything[order[len(test) :]], everything[order[: len(test)]]


def majority(train: Windows, test: Windows) -> float:
    """Accuracy of predicting the most frequent training class."""
    return float((test.y == np.bincount(train.y).argmax()).mean())


def fitted(train: Windows, seed: int = 0) -> RandomForestClassifier:
    """A random forest on simple features of the training windows, with scikit-learn's defaults (100 trees)."""
    return RandomForestClassifier(random_state=seed, n_jobs=1).fit(simple_features(train.x), train.y)


def forest(train: Windows, test: Windows, seed: int = 0) -> float:
    """Accuracy of that random forest on test windows."""
    return float(fitted(train, seed).score(simple_features(test.x), test.y))


def table(data: dict[int, FoldData], seed: int = 0) -> pd.DataFrame:
    """Accuracy of the baselines on every fold's held-out subjects; columns baseline, subject, accuracy."""
    rows = []
    for part in data.values():
        train, test = part.splits["train"], part.splits["test"]
        rows.append(("majority class", part.fold.subject, majority(train, test)))
        rows.append(("random forest", part.fold.subject, forest(train, test, seed)))
        rows.append(("extra trees", part.fold.subject, trees(train, test, seed)))
    return pd.DataFrame(rows, columns=["baseline", "subject", "accuracy"])

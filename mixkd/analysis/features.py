"""What a network's features look like: V-score of their clusters, and a map of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import v_measure_score


def v_score(features: np.ndarray, y: np.ndarray, seed: int = 0) -> float:
    """V-measure of k-means clusters (k = number of classes in y, 10 starts) of features (n, d) against labels y."""
    clusters = KMeans(n_clusters=len(np.unique(y)), n_init=10, random_state=seed).fit_predict(features)
    return float(v_measure_score(y, clusters))


def tsne(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE map (n, 2) of features (n, d); perplexity 30, or less for few windows; started from PCA."""
    perplexity = min(30.0, (len(features) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)


N_SIMILAR = 3  # pairs of classes; at most half of all
Pair = tuple[int, int]


def class_pairs(confusion: np.ndarray) -> tuple[list[Pair], list[Pair]]:
    """Similar and dissimilar pairs of classes, from counts (n_classes, n_classes) of validation subjects (row true).

    By the sum of the two rates of confusion: the highest N_SIMILAR, and all that share the lowest (as a rule none is
    confused). Classes without windows take no part.
    """
    rate = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    seen = np.flatnonzero(confusion.sum(axis=1)).tolist()
    both = {(a, b): float(rate[a, b] + rate[b, a]) for a, b in combinations(seen, 2)}
    similar = sorted(both, key=lambda pair: (-both[pair], pair))[: min(N_SIMILAR, len(both) // 2)]
    lowest = min((rate for pair, rate in both.items() if pair not in similar), default=0.0)
    return similar, [pair for pair in both if both[pair] == lowest and pair not in similar]

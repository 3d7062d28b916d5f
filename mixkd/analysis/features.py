"""What a network's features look like: V-score of their clusters, and a map of them."""

from __future__ import annotations

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

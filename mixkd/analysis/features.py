"""What a network's features look like: maps of them, and V-scores of similar and dissimilar classes."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE

from mixkd.studies import tables


def tsne(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE map (n, 2) of features (n, d); perplexity 30, or less for few windows; started from PCA."""
    perplexity = min(30.0, (len(features) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)


def similarity_map(features: np.ndarray, y: np.ndarray, per_class: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Cosine similarity of windows sorted by class, `per_class` evenly spaced ones of each, and their labels.

    The map of SP (Tung & Mori 2019) is this one with rows of unit length; features (n, d) are not negative.
    """
    rows = [own[np.arange(min(len(own), per_class)) * len(own) // min(len(own), per_class)] for own in _of_class(y)]
    chosen = np.concatenate(rows)
    unit = features[chosen] / np.maximum(np.linalg.norm(features[chosen], axis=1, keepdims=True), 1e-12)
    return unit @ unit.T, y[chosen]


def _of_class(y: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(y == c) for c in np.unique(y)]


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


def mean_scores(v_scores: list[dict[str, Any]], confusion: np.ndarray) -> tuple[float, float]:
    """Mean V-score over similar and over dissimilar pairs of classes, of a run's scores per pair; see `class_pairs`.

    NaN where the run was tested on none of them: of two classes no pair is similar, and some people do few activities.
    """
    scores = {tuple(row["pair"]): row["v_score"] for row in v_scores}
    found = ([scores[p] for p in pairs if p in scores] for pairs in class_pairs(confusion))
    similar, dissimilar = (float(np.mean(own)) if own else math.nan for own in found)
    return similar, dissimilar


def by_similarity(runs: pd.DataFrame, plain: pd.DataFrame) -> pd.DataFrame:
    """A study's rows, once with the V-score of similar classes and once of dissimilar ones; columns kind, v_score.

    Which classes are similar: by the plain students of the same fold, on its validation subjects.
    """
    confusion: dict[int, np.ndarray] = {}
    for record in tables.records(plain):
        counts = np.array(record.probes["validation_confusion"])
        confusion[record.spec.fold] = confusion.get(record.spec.fold, 0) + counts
    rows = []
    for about, record in zip(runs.to_dict("records"), tables.records(runs), strict=True):
        both = mean_scores(record.probes["v_scores"], confusion[record.spec.fold])
        rows += [about | {"kind": k, "v_score": v} for k, v in zip(("similar", "dissimilar"), both, strict=True)]
    return pd.DataFrame(rows)

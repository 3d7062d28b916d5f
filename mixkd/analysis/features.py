"""Features of a network: t-SNE and similarity maps, V-scores of similar and dissimilar classes."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from mixkd.studies import tables


def tsne(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE map (n, 2) of features (n, n_features); perplexity 30, or less for few windows; initialised by PCA."""
    from sklearn.manifold import TSNE  # here: a second of every kernel that draws no map

    perplexity = min(30.0, (len(features) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)


def similarity_map(features: np.ndarray, y: np.ndarray, per_class: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Cosine similarity (n, n) of `per_class` evenly spaced windows per class, sorted by class, and labels (n,).

    features: (n, n_features), not negative. SP's map (Tung & Mori 2019) is this one with rows of unit length.
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

    By the sum of the two confusion rates: the N_SIMILAR highest, and all with the lowest (usually 0). Classes without
    windows are ignored.
    """
    rate = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    seen = np.flatnonzero(confusion.sum(axis=1)).tolist()
    both = {(a, b): float(rate[a, b] + rate[b, a]) for a, b in combinations(seen, 2)}
    similar = sorted(both, key=lambda pair: (-both[pair], pair))[: min(N_SIMILAR, len(both) // 2)]
    lowest = min((rate for pair, rate in both.items() if pair not in similar), default=0.0)
    return similar, [pair for pair in both if both[pair] == lowest and pair not in similar]


def mean_scores(v_scores: list[dict[str, Any]], confusion: np.ndarray) -> tuple[float, float]:
    """Mean V-score over similar and over dissimilar pairs of classes; v_scores: per pair, of a run.

    confusion: (n_classes, n_classes), see `class_pairs`. NaN if the run was tested on no such pair: with two classes no
    pair is similar, and some people do few activities.
    """
    scores = {tuple(row["pair"]): row["v_score"] for row in v_scores}
    selected = ([scores[p] for p in pairs if p in scores] for pairs in class_pairs(confusion))
    similar, dissimilar = (float(np.mean(own)) if own else math.nan for own in selected)
    return similar, dissimilar


def by_similarity(runs: pd.DataFrame, plain: pd.DataFrame) -> pd.DataFrame:
    """A study's rows, once with the V-score of similar classes and once of dissimilar ones; columns kind, v_score.

    Similar classes are determined by the plain students of the same fold, on its validation subjects.
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

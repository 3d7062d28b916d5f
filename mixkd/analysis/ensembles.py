"""Answers of two networks averaged: is a teacher of another kind worth more than another network of the same kind?

And does a student of both teachers reach what the two reach together? From outputs on held-out people alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import softmax

from mixkd.analysis.agreement import pairs
from mixkd.analysis.effects import in_points
from mixkd.analysis.inference import interval
from mixkd.runs.store import RunRecord
from mixkd.studies import tables

if TYPE_CHECKING:
    from mixkd.learning.fold_data import FoldData

TOGETHER, ALIKE = "signal and image", "two signal networks"
QUESTIONS = (  # what is asked: the first minus the second
    (TOGETHER, "signal"),
    (ALIKE, "signal"),
    (TOGETHER, ALIKE),
    ("student of both", TOGETHER),
    ("student of both", "signal"),
)


def probabilities(records: Sequence[RunRecord]) -> np.ndarray:
    """Mean over networks of their probabilities on test windows, (n, n_classes)."""
    return np.mean([softmax(r.arrays["test_logits"].astype(float), axis=1) for r in records], axis=0)


def accuracies(
    signal: pd.DataFrame, *, image: pd.DataFrame, other: pd.DataFrame, student: pd.DataFrame, data: dict[int, FoldData]
) -> pd.DataFrame:
    """Accuracy of networks and of averages of two, by fold (row); means over seeds.

    signal, image: teachers; other: signal networks of the same size from other draws; student: of both teachers. One
    run each of every fold and seed. MixkdError otherwise.
    """
    rows = []
    triples = zip(pairs(signal, image), pairs(signal, other), pairs(signal, student), strict=True)
    for (first, second), (_, again), (_, taught) in triples:
        y = tables.labels(first, data)
        sets = {"signal": [first], "image": [second], TOGETHER: [first, second], ALIKE: [first, again]}
        sets["student of both"] = [taught]
        right = {name: float((probabilities(of).argmax(axis=1) == y).mean()) for name, of in sets.items()}
        rows.append({"fold": first.spec.fold} | right)
    return pd.DataFrame(rows).groupby("fold").mean()


def differences(of: pd.DataFrame, final: bool) -> pd.DataFrame:
    """QUESTIONS, as accuracy: mean over the folds of `accuracies`, with its 95 % interval if `final`."""
    rows = []
    for first, second in QUESTIONS:
        by_fold = (of[first] - of[second]).to_numpy()
        low, high = interval(by_fold) if final else (np.nan, np.nan)
        rows.append((f"{first} minus {second}", by_fold.mean(), low, high))
    return pd.DataFrame(rows, columns=["what", "effect", "low", "high"]).set_index("what")


def answers(of: pd.DataFrame) -> dict[str, str]:
    """`differences` in words, by the names that the chapter gives them."""
    names = ("second_kind", "second_seed", "kind_over_seed", "student_over_both", "student_over_signal")
    return {name: in_points(row) for name, (_, row) in zip(names, of.iterrows(), strict=True)}

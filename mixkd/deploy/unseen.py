"""Windows of people who did not train, as cross-validated students label them; and whether more people would help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax

from mixkd.analysis import baselines
from mixkd.learning.fold_data import fold_data
from mixkd.runs.store import RunRecord

SHARES = (0.25, 0.5, 1.0)  # of the training people
FOLDS = 5  # at most: forests of many folds take minutes


@dataclass(frozen=True)
class Unseen:
    """Probabilities p (n, n_classes), labels y (n,) and names of people (n,) of windows of one activity."""

    p: np.ndarray
    y: np.ndarray
    person: np.ndarray


def windows(students: list[RunRecord], name: Callable[[int], str] = str) -> Unseen:
    """The test windows of all students. name: maps a subject to a name."""
    data = {fold: fold_data(spec.data) for fold, spec in {r.spec.fold: r.spec for r in students}.items()}
    tested = [data[record.spec.fold].splits["test"] for record in students]
    logits = np.concatenate([record.arrays["test_logits"] for record in students])
    subject = np.concatenate([test.subject for test in tested])
    person = np.array([name(int(who)) for who in subject], object)
    return Unseen(softmax(logits.astype(float), axis=1), np.concatenate([test.y for test in tested]), person)


def more_people(students: list[RunRecord]) -> pd.DataFrame:
    """Accuracy of a forest on held-out people by the number of its training people, mean over folds.

    A row for each share of them; fewer people are among more.
    """
    rows = []
    for record in list({r.spec.fold: r for r in students}.values())[:FOLDS]:
        data = fold_data(record.spec.data)
        train, test = data.splits["train"], data.splits["test"]
        people = np.random.default_rng(record.spec.fold).permutation(data.fold.train)
        for n in sorted({max(round(share * len(people)), 1) for share in SHARES}):
            own = train[np.flatnonzero(np.isin(train.subject, people[:n]))]
            rows.append({"people": n, "accuracy": baselines.accuracy("random forest", own, test)})
    return pd.DataFrame(rows).groupby("people", as_index=False)["accuracy"].mean()

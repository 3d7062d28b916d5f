"""Agreement of two networks: windows on which both, one or none is right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mixkd.errors import MixkdError
from mixkd.learning.fold_data import FoldData
from mixkd.runs.store import RunRecord
from mixkd.studies import tables


def right_shares(first: np.ndarray, second: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Shares of windows on which both, one or none of two networks is right; logits (n, n_classes), labels (n,)."""
    a, b = first.argmax(axis=1) == y, second.argmax(axis=1) == y
    parts = {"both": a & b, "first": a & ~b, "second": ~a & b, "none": ~a & ~b}
    return {name: float(part.mean()) for name, part in parts.items()}


def followed(students: pd.DataFrame, teachers: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """Share of test windows on which a student predicts the class of its teacher, per subject, seeds averaged.

    Columns subject, modality (of the teacher), where (teacher `right` or `wrong`), share. `teachers`: the plain ones.
    """
    known = {record.spec.hash: record for record in tables.records(teachers)}
    rows = []
    for record in tables.records(students):
        y = tables.labels(record, data)
        answer = record.arrays["test_logits"].argmax(axis=1)
        for run in record.spec.teacher_runs:
            taught = known[run.hash].arrays["test_logits"].argmax(axis=1)
            for where, part in (("right", taught == y), ("wrong", taught != y)):
                about = {"subject": data[record.spec.fold].fold.subject, "modality": run.modality, "where": where}
                rows.append(about | {"share": float((answer == taught)[part].mean())})
    keys = ["subject", "modality", "where"]
    return pd.DataFrame(rows).groupby(keys, sort=False)["share"].mean().reset_index()


def pairs(first: pd.DataFrame, second: pd.DataFrame) -> Iterator[tuple[RunRecord, RunRecord]]:
    """Runs of one setting with those of another, by fold and seed. Raises MixkdError unless `second` has one each."""
    others: dict[tuple[int, int], RunRecord] = {}
    for record in tables.records(second):
        if others.setdefault((record.spec.fold, record.spec.seed), record) is not record:
            raise MixkdError(f"second: found two runs of {record.spec.name}'s fold and seed, expected one setting")
    for record in tables.records(first):
        if (key := (record.spec.fold, record.spec.seed)) not in others:
            raise MixkdError(f"second: found no run of {record.spec.name}'s fold and seed, expected one")
        yield record, others[key]


def class_gains(first: pd.DataFrame, second: pd.DataFrame, data: dict[int, FoldData], classes: tuple) -> pd.DataFrame:
    """Recall of each class by the first networks minus that by the second, paired by fold and seed; per subject.

    Columns subject, class, gain; mean over seeds. Classes without windows of a subject are left out.
    """
    rows = []
    for record, other in pairs(first, second):
        y = tables.labels(record, data)
        right = [r.arrays["test_logits"].argmax(axis=1) == y for r in (record, other)]
        for c in np.unique(y):
            gain = float(right[0][y == c].mean() - right[1][y == c].mean())
            rows.append({"subject": data[record.spec.fold].fold.subject, "class": classes[c], "gain": gain})
    return pd.DataFrame(rows).groupby(["subject", "class"], sort=False)["gain"].mean().reset_index()


def table(first: pd.DataFrame, second: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """`right_shares` of two networks, paired by fold and seed, per held-out subject; mean over seeds."""
    rows = []
    for record, other in pairs(first, second):
        y = tables.labels(record, data)
        shares = right_shares(record.arrays["test_logits"], other.arrays["test_logits"], y)
        rows.append({"subject": record.subject, **shares})
    return pd.DataFrame(rows).groupby("subject", sort=False).mean().reset_index()

"""Scores of a student on labelled recordings of people it has never seen.

The folder is read as for training (`dataset.toml`), windows are cut as in `predict`: half a window apart, from
stretches of one activity. Windows out of range count as wrong in accuracy and F1 and are left out of probabilities.
Labels that the student does not know are no fault of its classes: how many of their windows it calls unknown is told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.datasets.own import folder, names
from mixkd.deploy import predict, ranges, scores
from mixkd.deploy.blocks import Windows
from mixkd.deploy.predict import UNKNOWN, Student
from mixkd.errors import MixkdError
from mixkd.files import atomic_write, canonical_json

Row = dict[str, Any]


@dataclass(frozen=True)
class Scores:
    """Windows of people (n,), with labels y (n,), -1 of no class, and probabilities p (n, n_classes), NaN out of range.

    known: (n,) bool, windows that get a label; others: the labels that are no class, with their windows
    """

    student: Student
    p: np.ndarray
    y: np.ndarray
    person: np.ndarray
    known: np.ndarray
    others: dict[str, int]
    remarks: list[str]

    @property
    def _own(self) -> np.ndarray:
        return self.y >= 0

    def overall(self) -> Row:
        """accuracy and macro_f1 of labels (unknown is wrong), nll, ece, brier of windows in range, share unknown."""
        return self._row(self._own)

    def _row(self, rows: np.ndarray) -> Row:
        inside = rows & ~np.isnan(self.p[:, 0])
        measured = scores.overall(self.p[inside], self.y[inside]) if inside.any() else {}
        best = np.where(self.known, np.where(self.known[:, None], self.p, 0).argmax(1), -1)
        hits = best == self.y
        f1 = [
            2 * (hits & rows & (self.y == c)).sum() / ((rows & (best == c)).sum() + (rows & (self.y == c)).sum())
            for c in np.unique(self.y[rows])
        ]
        row: Row = {"accuracy": float(hits[rows].mean()), "macro_f1": float(np.mean(f1))}
        row |= {name: measured.get(name, float("nan")) for name in ("nll", "ece", "brier")}
        return row | {"unknown": float((~self.known[rows]).mean()), "windows": int(rows.sum())}

    def tables(self) -> dict[str, list[Row]]:
        """Rows of each class and of each person."""
        people = [{"person": who, **self._row(self._own & (self.person == who))} for who in self._people()]
        inside = self._own & self.known
        classes = scores.by_class(self.p[inside], self.y[inside], self.student.about["classes"])
        return {"windows with a label, by class": classes.to_dict("records"), "by person": people}

    def _people(self) -> list[str]:
        return list(dict.fromkeys(self.person[self._own].tolist()))

    def lines(self) -> list[str]:
        """Sentences: overall, worst person, labels that are no class, remarks on the recordings."""
        all_of_them, people = self.overall(), self.tables()["by person"]
        worst = min(people, key=lambda row: row["accuracy"])
        lines = [
            f"right on {100 * all_of_them['accuracy']:.1f} % of {all_of_them['windows']:,} windows of "
            f"{len(people)} people, macro F1 {all_of_them['macro_f1']:.3f}, NLL {all_of_them['nll']:.3f}, calibration "
            f"error {all_of_them['ece']:.3f}; {100 * all_of_them['unknown']:.1f} % are unknown",
            f"worst person: {worst['person']}, right on {100 * worst['accuracy']:.1f} %",
        ]
        if self.others:
            n, foreign = sum(self.others.values()), self.y < 0
            away = f"{100 * (~self.known[foreign]).mean():.1f} % of their {n:,} windows are unknown"
            lines.append(f"labels that are no class of the student: {names.some(self.others)}; {away}")
        return lines + [f"worth a look: {remark}" for remark in self.remarks]


def run(student: Student, base: Path) -> Scores:
    """Scores on a folder of labelled recordings. Raises MixkdError for its first problem, or if it does not fit."""
    content = folder.inspect(base, people=1)
    if content.problems:
        more = f" (and {len(content.problems) - 1} more: `mixkd data check {base}`)" if content.problems[1:] else ""
        raise MixkdError(content.problems[0] + more)
    about, described = student.about, content.description
    pairs = (
        ("rate", described.rate, about["rate"]),
        ("channels", list(described.channels), about["channels"]),
        ("units of channels", list(described.channels.values()), about["units"]),
    )
    for what, here, expected in pairs:
        if here != expected:
            raise MixkdError(f"{base / 'dataset.toml'}: found {what} {here}, expected {expected}, as of the student")
    classes, seen, others = about["classes"], ranges.Seen(about), Counter[str]()
    p, y, person = [], [], []
    for number, stretch in enumerate(content.stretches):
        if len(stretch.signal) < about["window"]:
            continue
        parts = (
            Windows(starts / about["rate"], x, number) for starts, x in predict.batches(stretch.signal, about["window"])
        )
        for part in predict.labels(student, parts, seen):
            p.append(part.p)
            y += [classes.index(stretch.label) if stretch.label in classes else -1] * len(part)
            person += [stretch.subject] * len(part)
            others[stretch.label] += len(part) * (stretch.label not in classes)
    labels = np.array(y, np.int64)
    if not (labels >= 0).any():
        raise MixkdError(f"{base}: found labels {names.some(content.classes)}, expected some of {names.some(classes)}")
    everything = np.concatenate(p)
    known = np.where(np.isnan(everything[:, 0]), -1, everything.max(1)) >= student.threshold
    there = {name: n for name, n in others.items() if n}
    remarks = [f"{what}: {n:,}" for what, n in content.counts.items()] + seen.remarks()
    return Scores(student, everything, labels, np.array(person, object), known, there, remarks)


def write(result: Scores, path: Path) -> None:
    """Write all scores as JSON; null where a score is not defined."""
    tables = {title: [_plain(row) for row in rows] for title, rows in result.tables().items()}
    content = {"overall": _plain(result.overall()), **tables, UNKNOWN: {"labels that are no class": result.others}}
    atomic_write(path, canonical_json(content) + b"\n")


def _plain(row: Row) -> Row:
    return {name: None if isinstance(v, float) and np.isnan(v) else v for name, v in row.items()}

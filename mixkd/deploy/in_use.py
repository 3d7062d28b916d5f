"""Accuracy of students in use: on whole recordings of held-out people, cut and labelled as in `mixkd predict`.

Training and the other accuracies use windows of one activity. In use, windows half a window apart cover a recording
whatever the activity; the true label of a window of several activities is the one of most samples (ties: the first
class). Samples that a loader left out are not measured: without an activity, in stretches shorter than a window, in
gaps. If recordings hold one activity each, no window is mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.metrics import f1_score

from mixkd.analysis import baselines
from mixkd.datasets import Recordings, dataset
from mixkd.deploy import predict, ranges
from mixkd.deploy.export import Portable
from mixkd.learning.fold_data import FoldData, fold_data
from mixkd.runs.single import trained_network
from mixkd.runs.store import RunRecord

UNKNOWN = -1  # code of windows that `predict` labels unknown


@dataclass(frozen=True)
class Stream:
    """Windows of whole recordings: x (n, n_channels, n_samples); (n,): y, class of most samples, and mixed (bool)."""

    x: np.ndarray
    y: np.ndarray
    mixed: np.ndarray


def joined(recordings: Recordings, subjects: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Signals (n_samples, n_channels) and labels (n_samples,) of these people; consecutive recordings are joined."""
    after = {before: i for i, before in enumerate(recordings.previous) if before >= 0}
    first = [i for i in range(len(recordings.signals)) if i not in set(after.values())]
    for i in (i for i in first if recordings.subjects[i] in subjects):
        chain = [i]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        yield tuple(np.concatenate([part[k] for k in chain]) for part in (recordings.signals, recordings.labels))


def stream(recordings: Recordings, subjects: Sequence[int], window: int) -> Stream:
    """The windows that `predict` would cut from the recordings of these people."""
    x, y, mixed = [], [], []
    for signal, label in joined(recordings, subjects):
        for starts, windows in predict.batches(signal, window) if len(signal) >= window else ():
            inside = sliding_window_view(label, window)[starts]
            counts = np.stack([(inside == c).sum(1) for c in range(len(recordings.classes))], 1)
            x.append(windows)
            y.append(counts.argmax(1))
            mixed.append(counts.max(1) < window)
    return Stream(*(np.concatenate(part) for part in (x, y, mixed)))


def labels(
    record: RunRecord, data: FoldData, x: np.ndarray, *, training: ranges.Training, units: Sequence[str]
) -> np.ndarray:
    """Classes (n,) of windows x (n, n_channels, n_samples) in physical units; UNKNOWN outside the training ranges."""
    net = Portable(trained_network(record, data), data.normalisation.mean, data.normalisation.std)
    result = np.empty(len(x), np.int64)
    with torch.inference_mode():
        for i in range(0, len(x), predict.BATCH):
            part = x[i : i + predict.BATCH]
            away = ranges.outside(ranges.statistics(part, units), units, training).any(1)
            result[i : i + predict.BATCH] = np.where(away, UNKNOWN, net(torch.from_numpy(part)).numpy().argmax(1))
    return result


def table(students: list[RunRecord]) -> pd.DataFrame:
    """A row each for the students, a forest and the majority class, all from the same training people.

    Accuracies (0 to 1) over all held-out people and seeds, on windows with one activity, mixed windows, and all; macro
    F1 on all; `unknown`: share of windows without a label, which count as wrong. Counts are of windows of one seed.
    """
    answers: dict[str, list[tuple[Stream, np.ndarray]]] = {"student": [], "random forest": [], "majority class": []}
    for fold in dict.fromkeys(record.spec.fold for record in students):
        of_fold = [record for record in students if record.spec.fold == fold]
        data, entry = fold_data(of_fold[0].spec.data), dataset(of_fold[0].spec.dataset)
        recordings, train = entry.load(), data.splits["train"]
        seen = stream(recordings, data.fold.test, entry.window)
        training = ranges.fit(train.x, recordings.units)
        answers["student"] += [
            (seen, labels(r, data, seen.x, training=training, units=recordings.units)) for r in of_fold
        ]
        forest = baselines.fitted("random forest", train).predict(seen.x)
        answers["random forest"].append((seen, forest))
        answers["majority class"].append((seen, np.full(len(seen.y), np.bincount(train.y).argmax())))
    n_seeds = len(answers["student"]) / len(answers["random forest"])
    return pd.DataFrame([row(name, pairs, n_seeds if name == "student" else 1) for name, pairs in answers.items()])


def row(name: str, answers: list[tuple[Stream, np.ndarray]], n_seeds: float) -> dict[str, object]:
    """One row of `table`; answers: (windows, predicted classes (n,)) per fold. An accuracy without windows is NaN."""
    y, mixed = (np.concatenate([getattr(seen, part) for seen, _ in answers]) for part in ("y", "mixed"))
    answer = np.concatenate([answer for _, answer in answers])
    right = answer == y
    return {
        "labels by": name,
        "one activity": float(right[~mixed].mean()) if (~mixed).any() else np.nan,
        "mixed": float(right[mixed].mean()) if mixed.any() else np.nan,
        "all": float(right.mean()),
        "macro F1": float(f1_score(y, answer, labels=np.unique(y), average="macro", zero_division=0)),
        "unknown": float((answer == UNKNOWN).mean()),
        "n one activity": round((~mixed).sum() / n_seeds),
        "n mixed": round(mixed.sum() / n_seeds),
    }

"""How right students are in use: on whole recordings of held-out people, cut and labelled as `mixkd predict` does it.

Training and the other accuracies see windows of one activity alone. In use, windows half a window apart follow one
another over a recording whatever is done; a window of several activities counts as right with the one that holds most
of its samples (of equally many: the first class). What a loader left out cannot be measured: samples without an
activity, stretches shorter than a window, holes. Where recordings hold one activity each, there is no mixed window.
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

UNKNOWN = -1  # code of the label that `predict` gives where it has none


@dataclass(frozen=True)
class Stream:
    """Windows of whole recordings: x (n, n_channels, n_samples); (n,): y, class of most samples, and mixed (bool)."""

    x: np.ndarray
    y: np.ndarray
    mixed: np.ndarray


def joined(recordings: Recordings, subjects: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Signals and labels of these people, those that continue one another put together."""
    after = {before: i for i, before in enumerate(recordings.previous) if before >= 0}
    first = [i for i in range(len(recordings.signals)) if i not in set(after.values())]
    for i in (i for i in first if recordings.subjects[i] in subjects):
        chain = [i]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        yield tuple(np.concatenate([part[k] for k in chain]) for part in (recordings.signals, recordings.labels))


def stream(recordings: Recordings, subjects: Sequence[int], window: int) -> Stream:
    """What `predict` would cut the recordings of these people into."""
    x, y, mixed = [], [], []
    for signal, label in joined(recordings, subjects):
        for starts, windows in predict.batches(signal, window) if len(signal) >= window else ():
            inside = sliding_window_view(label, window)[starts]
            counts = np.stack([(inside == c).sum(1) for c in range(len(recordings.classes))], 1)
            x.append(windows)
            y.append(counts.argmax(1))
            mixed.append(counts.max(1) < window)
    return Stream(*(np.concatenate(part) for part in (x, y, mixed)))


def labels(record: RunRecord, data: FoldData, training: ranges.Training, units: Sequence[str], x: np.ndarray):
    """Classes (n,) of windows in physical units, UNKNOWN where they are far outside the training people's ranges."""
    net = Portable(trained_network(record, data), data.normalisation.mean, data.normalisation.std)
    found = np.empty(len(x), np.int64)
    with torch.inference_mode():
        for i in range(0, len(x), predict.BATCH):
            part = x[i : i + predict.BATCH]
            away = ranges.outside(ranges.statistics(part, units), units, training).any(1)
            found[i : i + predict.BATCH] = np.where(away, UNKNOWN, net(torch.from_numpy(part)).numpy().argmax(1))
    return found


def table(students: list[RunRecord]) -> pd.DataFrame:
    """A row per labeller: the students, and what a forest and the majority class of the same training people would say.

    Accuracies (0 to 1) over all held-out people and seeds, of windows with one activity, mixed ones, and all; macro F1
    over all; `unknown`: the share that got no label, which counts as wrong. Counts are of windows of one seed.
    """
    answers: dict[str, list[tuple[Stream, np.ndarray]]] = {"student": [], "random forest": [], "majority class": []}
    for fold in dict.fromkeys(record.spec.fold for record in students):
        of_fold = [record for record in students if record.spec.fold == fold]
        data, entry = fold_data(of_fold[0].spec.data), dataset(of_fold[0].spec.dataset)
        recordings, train = entry.load(), data.parts["train"]
        seen = stream(recordings, data.fold.test, entry.window)
        training = ranges.fit(train.x, recordings.units)
        answers["student"] += [(seen, labels(r, data, training, recordings.units, seen.x)) for r in of_fold]
        forest = baselines.fitted(train).predict(baselines.simple_features(seen.x))
        answers["random forest"].append((seen, forest))
        answers["majority class"].append((seen, np.full(len(seen.y), np.bincount(train.y).argmax())))
    n_seeds = len(answers["student"]) / len(answers["random forest"])
    return pd.DataFrame([row(name, found, n_seeds if name == "student" else 1) for name, found in answers.items()])


def row(name: str, found: list[tuple[Stream, np.ndarray]], n_seeds: float) -> dict[str, object]:
    """One row of `table`; an accuracy without windows is NaN."""
    y, mixed = (np.concatenate([getattr(seen, part) for seen, _ in found]) for part in ("y", "mixed"))
    answer = np.concatenate([answer for _, answer in found])
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

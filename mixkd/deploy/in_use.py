"""Accuracy of students in use: on whole recordings of held-out people, cut and labelled as in `mixkd predict`.

Training and the other accuracies use windows of one activity. In use, windows half a window apart cover a recording
whatever the activity; the true label of a window of several activities is the one of most samples (ties: the first
class). Samples that a loader left out are not measured: without an activity, in stretches shorter than a window, in
gaps. If recordings hold one activity each, no window is mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.metrics import f1_score

from mixkd.analysis import baselines
from mixkd.datasets import Recordings, dataset
from mixkd.deploy import hidden_markov, predict, ranges
from mixkd.deploy.export import Portable
from mixkd.deploy.hidden_markov import Chain
from mixkd.learning.fold_data import FoldData, fold_data
from mixkd.runs.single import trained_network
from mixkd.runs.store import RunRecord

UNKNOWN = -1  # code of windows that `predict` labels unknown
SMOOTHED = "student, smoothed"


@dataclass(frozen=True)
class Stream:
    """Windows of whole recordings: x (n, n_channels, n_samples); (n,): y, class of most samples, mixed, recording."""

    x: np.ndarray
    y: np.ndarray
    mixed: np.ndarray
    recording: np.ndarray

    @property
    def recordings(self) -> list[slice]:
        """The windows of each recording."""
        cuts = [0, *np.flatnonzero(np.diff(self.recording)) + 1, len(self.y)]
        return [slice(a, b) for a, b in pairwise(cuts)]


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
    parts = []
    for number, (signal, label) in enumerate(joined(recordings, subjects)):
        for starts, windows in predict.batches(signal, window) if len(signal) >= window else ():
            y, mixed = truth(label, starts, window, len(recordings.classes))
            parts.append((windows, y, mixed, np.full(len(y), number)))
    return Stream(*map(np.concatenate, zip(*parts, strict=True)))


def truth(label: np.ndarray, starts: np.ndarray, window: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Class of most samples of windows, and whether there are several: (n,) each; label: (n_samples,)."""
    inside = sliding_window_view(label, window)[starts]
    counts = np.stack([(inside == c).sum(1) for c in range(n_classes)], 1)
    return counts.argmax(1), counts.max(1) < window


def chain(recordings: Recordings, subjects: Sequence[int], window: int) -> Chain | None:
    """How activities follow one another in the recordings of these people; None if no recording has two of them."""
    n_classes, sequences = len(recordings.classes), []
    for _, label in joined(recordings, subjects):
        if len(label) >= window:
            starts = np.arange(0, len(label) - window + 1, max(window // 2, 1))
            sequences.append(truth(label, starts, window, n_classes)[0])
    changes = any(np.diff(sequence).any() for sequence in sequences)
    return Chain.fit(sequences, n_classes) if changes else None


def chain_of_everybody(name: str) -> Chain | None:
    """The same of all people of a data set."""
    entry = dataset(name)
    recordings = entry.load()
    return chain(recordings, np.unique(recordings.subjects).tolist(), entry.window)


def probabilities(
    record: RunRecord, data: FoldData, x: np.ndarray, *, training: ranges.Training, units: Sequence[str]
) -> np.ndarray:
    """Probabilities (n, n_classes) of windows x (n, n_channels, n_samples) in physical units; NaN out of range."""
    net = Portable(trained_network(record, data), data.normalisation.mean, data.normalisation.std)
    result = []
    with torch.inference_mode():
        for i in range(0, len(x), predict.BATCH):
            part = x[i : i + predict.BATCH]
            away = ranges.outside(ranges.statistics(part, units), units, training).any(1)
            p = torch.softmax(net(torch.from_numpy(part)), dim=1).numpy()
            result.append(np.where(away[:, None], np.nan, p))
    return np.concatenate(result)


def labels(p: np.ndarray) -> np.ndarray:
    """The most probable class (n,) of probabilities p (n, n_classes); UNKNOWN where they are NaN."""
    away = np.isnan(p[:, 0])
    return np.where(away, UNKNOWN, np.where(away[:, None], 0, p).argmax(1))


def smoothed(model: Chain, p: np.ndarray, recordings: Sequence[slice]) -> np.ndarray:
    """Classes (n,) from p (n, n_classes) as `labels`, each given all windows of its recording."""
    posterior = np.concatenate([hidden_markov.posteriors(model, p[rows]) for rows in recordings])
    return np.where(np.isnan(p[:, 0]), UNKNOWN, posterior.argmax(1))


def table(students: list[RunRecord]) -> pd.DataFrame:
    """A row each for the students, a forest and the majority class, all from the same training people; last, the
    students' labels smoothed, if recordings hold several activities. No threshold of confidence applies.

    Accuracies (0 to 1) over all held-out people and seeds, on windows with one activity, mixed windows, and all; macro
    F1 on all; `unknown`: share of windows without a label, which count as wrong. Counts are of windows of one seed.
    """
    names = ("student", "random forest", "majority class", SMOOTHED)
    answers: dict[str, list[tuple[Stream, np.ndarray]]] = {name: [] for name in names}
    for fold in dict.fromkeys(record.spec.fold for record in students):
        of_fold = [record for record in students if record.spec.fold == fold]
        data, entry = fold_data(of_fold[0].spec.data), dataset(of_fold[0].spec.dataset)
        recordings, train = entry.load(), data.splits["train"]
        seen = stream(recordings, data.fold.test, entry.window)
        training = ranges.fit(train.x, recordings.units)
        model = chain(recordings, data.fold.train, entry.window)
        for record in of_fold:
            p = probabilities(record, data, seen.x, training=training, units=recordings.units)
            answers["student"].append((seen, labels(p)))
            if model:
                answers[SMOOTHED].append((seen, smoothed(model, p, seen.recordings)))
        forest = baselines.fitted("random forest", train).predict(seen.x)
        answers["random forest"].append((seen, forest))
        answers["majority class"].append((seen, np.full(len(seen.y), np.bincount(train.y).argmax())))
    n_seeds = len(answers["student"]) / len(answers["random forest"])
    seeds = {"student": n_seeds, SMOOTHED: n_seeds}
    return pd.DataFrame([row(name, pairs, seeds.get(name, 1)) for name, pairs in answers.items() if pairs])


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

"""Input of the checks of a folder: stretches at one rate, and a summary of each person's rows in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mixkd.datasets.own import copies

SAMPLE = 400  # rows of a person in a file that a summary samples
COUNTING = 20  # rows that a counter must exceed


class Stretch(NamedTuple):
    """Uninterrupted samples of one person, recording and activity: signal (n_samples, n_channels)."""

    subject: str
    label: str
    signal: np.ndarray


class Part(NamedTuple):
    """A stretch and the file that it is from."""

    subject: str
    label: str
    signal: np.ndarray
    path: Path


@dataclass(frozen=True)
class Edge:
    """The largest (or smallest) value of each channel, (n_channels,) each: number of times, first row.

    visits: number of runs of rows with it; inner: the next value. NaN for a channel without values.
    """

    value: np.ndarray
    times: np.ndarray
    visits: np.ndarray
    row: np.ndarray
    inner: np.ndarray


@dataclass(frozen=True)
class Summary:
    """One person's rows in one file; per channel: its edges, and whether it is a counter.

    line: of row 0 of the file; clock: first and last time in s; sample: (n_rows, n_channels), at most SAMPLE rows,
    evenly spaced; counts: (n_channels,) bool; marks: see `copies.marks`
    """

    path: Path
    subject: str
    labels: frozenset[str]
    line: int
    n_rows: int
    clock: tuple[float, float]
    high: Edge
    low: Edge
    counts: np.ndarray
    sample: np.ndarray
    marks: np.ndarray


def summaries(
    path: Path, line: int, *, subjects: np.ndarray, labels: np.ndarray, time: np.ndarray, values: np.ndarray
) -> Iterator[Summary]:
    """One summary per person of a file.

    subjects, labels: (n_rows,) words; time: (n_rows,) in s; values: (n_rows, n_channels) float32; line: of row 0
    """
    cut = np.flatnonzero(subjects[1:] != subjects[:-1]) + 1
    owners: dict[str, list[np.ndarray]] = {}
    for rows in np.split(np.arange(len(subjects)), cut):
        owners.setdefault(str(subjects[rows[0]]), []).append(rows) if len(rows) else None
    for subject, runs in owners.items():
        rows = np.concatenate(runs)
        own = values[rows]
        yield Summary(
            path=path,
            subject=subject,
            labels=frozenset(map(str, set(labels[rows]))),
            line=line,
            n_rows=len(rows),
            clock=(float(time[rows[0]]), float(time[rows[-1]])),
            high=_edge(own, rows, 1.0),
            low=_edge(own, rows, -1.0),
            counts=_counts(own, len(runs)),
            sample=own[np.linspace(0, len(own) - 1, min(SAMPLE, len(own))).round().astype(int)],
            marks=copies.marks(own),
        )


def _edge(values: np.ndarray, rows: np.ndarray, sign: float) -> Edge:
    """The largest values (sign 1) or the smallest (sign -1)."""
    signed = np.where(np.isnan(values), -np.inf, sign * values)
    most = signed.max(axis=0)
    there = signed == most
    inner = np.where(there, -np.inf, signed).max(axis=0)
    visits = there[:1].sum(axis=0) + (there[1:] & ~there[:-1]).sum(axis=0)
    lost, only = np.isinf(most), np.isinf(inner)
    return Edge(
        np.where(lost, np.nan, sign * most),
        np.where(lost, 0, there.sum(axis=0)),
        visits,
        rows[signed.argmax(axis=0)],
        np.where(lost | only, np.nan, sign * inner),
    )


def _counts(values: np.ndarray, runs: int) -> np.ndarray:
    """Channels (n_channels,) that are counters; they may restart in each run of rows."""
    return np.array([len(column) > COUNTING and counts_on(column, runs - 1) for column in values.T], bool)


def counts_on(column: np.ndarray, falls: int = 0) -> bool:
    """Whether values increase from row to row, or by equal steps (whole seconds), as clocks and indices do.

    column: (n_rows,); with a NaN it is no counter; falls: number of restarts that are allowed.
    """
    steps = np.diff(column.astype(np.float64))
    up = steps[steps > 0]
    if np.isnan(steps).any() or (steps < 0).sum() > falls or len(up) < 3:
        return False
    return bool(len(up) > len(steps) / 2 or up.max() - up.min() <= 1e-3 * up.max())

"""Recordings with placements: those of sensors at several places of the body, one beside the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from mixkd.datasets.recordings import Recordings


def joined(places: Mapping[str, Recordings]) -> Recordings:
    """The recordings of each place, of the people who have some at all places, with the placement.

    All places have the channels, units, rate and classes of the first.
    """
    everywhere = reduce(np.intersect1d, (recordings.subjects for recordings in places.values()))
    rows_of = [np.flatnonzero(np.isin(recordings.subjects, everywhere)) for recordings in places.values()]
    chosen = [(recordings, row) for recordings, rows in zip(places.values(), rows_of, strict=True) for row in rows]
    left = sum(len(recordings.signals) for recordings in places.values()) - len(chosen)
    return replace(
        next(iter(places.values())),
        signals=tuple(recordings.signals[row] for recordings, row in chosen),
        labels=tuple(recordings.labels[row] for recordings, row in chosen),
        subjects=np.array([recordings.subjects[row] for recordings, row in chosen], np.int64),
        counts={"recordings of people without the other placement, left out": left},
        placement=np.repeat(np.arange(len(places)), [len(rows) for rows in rows_of]),
        placements=tuple(places),
    )


def parted(whole: Recordings, columns: Mapping[str, Sequence[int]], channels: tuple[str, ...]) -> Recordings:
    """One recording for each place in place of one for all of them, with the placement.

    columns: those of a place among the channels of `whole`, by its name; channels: what they are called at each place
    """
    n_places, of_first = len(columns), next(iter(columns.values()))
    return replace(
        whole,
        signals=tuple(signal[:, own] for signal in whole.signals for own in columns.values()),
        labels=tuple(label for label in whole.labels for _ in columns),
        subjects=np.repeat(whole.subjects, n_places),
        channels=channels,
        units=tuple(whole.units[column] for column in of_first),
        placement=np.tile(np.arange(n_places), len(whole.signals)),
        placements=tuple(columns),
    )

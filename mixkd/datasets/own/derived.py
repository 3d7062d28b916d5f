"""Channels that are no measurement: functions of other channels, counters, codes of the activity or the person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from mixkd.datasets.own.names import some
from mixkd.datasets.own.summary import Part, Summary

EXACT = 0.99999  # squared correlation of a channel that is a function of another
SAME = 1e-6  # relative difference of values that count as equal


def constant(values: np.ndarray) -> np.ndarray:
    """Channels with one value, up to float32 rounding: (n_channels,) bool; values: (n_samples, n_channels)."""
    low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
    return high - low <= SAME * np.maximum(np.abs(low), np.abs(high))


def counters(channels: Sequence[str], files: Sequence[Summary]) -> list[str]:
    """Channels that are counters in every file, of at least two files."""
    counts = [summary.counts for summary in files if len(summary.sample) > 1]
    return [name for i, name in enumerate(channels) if len(counts) > 1 and all(each[i] for each in counts)]


def follow(channels: Sequence[str], triads: Sequence[Sequence[int]], files: Sequence[Summary]) -> Iterator[str]:
    """Channels that are the norm of three others, or a linear function of another one."""
    rows = np.concatenate([summary.sample for summary in files]).astype(np.float64)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if len(rows) < 10:
        return
    rows = rows[:: max(len(rows) // 20_000, 1)]
    lengths = {tuple(axes): np.linalg.norm(rows[:, list(axes)], axis=1) for axes in triads}
    explained: set[int] = set()
    for i, name in enumerate(channels):
        for axes, length in lengths.items():
            if i not in axes and _follows(rows[:, i], length):
                explained.add(i)
                yield f"{name} is the length of {', '.join(channels[k] for k in axes)}: nothing new, leave it out"
                break
    for i, k in combinations(range(len(channels)), 2):
        if k not in explained and _follows(rows[:, k], rows[:, i]):
            explained.add(k)
            yield f"{channels[k]} repeats {channels[i]}, up to a factor: nothing new, leave it out"


def _follows(one: np.ndarray, other: np.ndarray) -> bool:
    one, other = one - one.mean(), other - other.mean()
    size = float((one**2).sum() * (other**2).sum())
    return size > 0 and float((one * other).sum()) ** 2 > EXACT * size


def of_stretches(channels: Sequence[str], stretches: Sequence[Part]) -> Iterator[tuple[str, str | None]]:
    """Channels that are constant in every stretch but not overall: name, and what they encode, `label` or `subject`.

    A value encodes a label if no other label has it and several people do.
    """
    steady = np.all([constant(part.signal) for part in stretches], axis=0)
    first = np.array([part.signal[0] for part in stretches])
    for i in np.flatnonzero(steady & ~constant(first)):
        owners: dict[float, tuple[set[str], set[str]]] = {}
        for part, value in zip(stretches, first[:, i].tolist(), strict=True):
            who, what = owners.setdefault(value, (set(), set()))
            who.add(part.subject)
            what.add(part.label)
        one_label = all(len(what) == 1 for _, what in owners.values())
        one_person = all(len(who) == 1 for who, _ in owners.values())
        yield channels[i], "label" if one_label and not one_person else "subject" if one_person else None


def one_to_one(stretches: Sequence[Part]) -> str | None:
    """Pairs person = label, as text, if every person has one label that nobody else has; else None."""
    pairs = {(part.subject, part.label) for part in stretches}
    people, labels = {who for who, _ in pairs}, {what for _, what in pairs}
    if len(pairs) > 1 and len(pairs) == len(people) == len(labels):
        return some(f"{who} = {what}" for who, what in sorted(pairs))
    return None

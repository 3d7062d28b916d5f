"""Recordings of your own: what is in a folder of CSV or Parquet files, and everything that is wrong with it.

A file may hold one recording or many people; it is cut into stretches of one person, recording and activity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mixkd import store
from mixkd.datasets import Recordings, clock, loose, table, timing
from mixkd.datasets.description import FIELDS, Description, describe
from mixkd.datasets.faults import Faults, first
from mixkd.errors import MixkdError

PEOPLE = 3  # at least: one to test, one to validate, one to train on
CLASSES = 100  # at most: more are no activities


class Stretch(NamedTuple):
    """Uninterrupted samples of one person, recording and activity: signal (n_samples, n_channels)."""

    subject: str
    label: str
    signal: np.ndarray


@dataclass
class Found:
    """What was read: stretches, counts, and what is wrong or worth a look, a line each.

    continues: which stretches begin where the one before ends, to within one sample: same file, same person.
    """

    description: Description
    stretches: list[Stretch] = field(default_factory=list)
    continues: list[bool] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def count(self, what: str, n: int = 1) -> None:
        if n:
            self.counts[what] = self.counts.get(what, 0) + int(n)

    def grouped(self) -> list[tuple[str, int]]:
        """Problems, those that differ only in their file once, with how often."""
        alike: dict[str, list[str]] = {}
        for problem in self.problems:
            alike.setdefault(re.sub(r"^.*?(, line|: )", r"\1", problem), []).append(problem)
        return [(group[0], len(group)) for group in alike.values()]

    @property
    def people(self) -> list[str]:
        return _sorted(part.subject for part in self.stretches)

    @property
    def classes(self) -> list[str]:
        return _sorted(part.label for part in self.stretches)

    def recordings(self) -> Recordings:
        """All stretches, in the order of people, labels and files. People that are not numbers get some."""
        people, classes, about = self.people, self.classes, self.description
        parts = self.stretches
        order = sorted(range(len(parts)), key=lambda i: (people.index(parts[i].subject), classes.index(parts[i].label)))
        at = {i: number for number, i in enumerate(order)}
        ids = dict(zip(people, map(int, people) if _numbers(people) else range(1, len(people) + 1), strict=True))
        return Recordings(
            signals=tuple(parts[i].signal for i in order),
            labels=tuple(np.full(len(parts[i].signal), classes.index(parts[i].label)) for i in order),
            subjects=np.array([ids[parts[i].subject] for i in order]),
            rate=about.rate,
            channels=tuple(about.channels),
            units=tuple(about.channels.values()),
            classes=tuple(classes),
            counts=dict(self.counts),
            people={number: name for name, number in ids.items() if name != str(number)},
            previous=tuple(at[i - 1] if self.continues[i] else -1 for i in order),
        )


def _numbers(words: list[str]) -> bool:
    return all(re.fullmatch(r"\d{1,9}", word) for word in words) and len({int(word) for word in words}) == len(words)


def _sorted(words) -> list[str]:
    found = sorted(set(words))
    return sorted(found, key=int) if _numbers(found) else found


def inspect(folder: Path) -> Found:
    """Everything in the folder, and everything that is wrong with it. Raises MixkdError for `dataset.toml` alone."""
    about = describe(folder)
    found = Found(about)
    files = sorted(path for path in folder.glob(about.files) if path.is_file() and not path.name.startswith("."))
    if not files:
        found.problems.append(f"{folder}: found no file {about.files}, expected recordings")
    for path in files:
        try:
            parsed = loose.read(path, about.columns, about.spelling)
            found.count("last rows without a line end, left out", parsed.cut)
            for stretch, continues in _stretches(parsed.rows, about, about.named(path, folder), found):
                found.stretches.append(stretch)
                found.continues.append(continues)
        except Faults as faults:
            found.problems += faults.lines
        except MixkdError as error:
            found.problems.append(str(error))
    found.problems += [f"{folder}: {problem}" for problem in _problems(found)] if not found.problems else []
    found.remarks += _remarks(found)
    return found


def _stretches(
    parsed: table.Parsed, about: Description, named: dict[str, str], found: Found
) -> Iterator[tuple[Stretch, bool]]:
    """Those of a file, even in time, without holes, and whether each continues the one before."""
    words = {name: _words(parsed, getattr(about, name), named.get(name, "")) for name in FIELDS}
    same = np.ones(max(len(parsed) - 1, 0), bool)
    for name in ("subject", "recording"):
        same &= words[name][1:] == words[name][:-1]
    cuts = np.flatnonzero(~(same & (words["label"][1:] == words["label"][:-1]))) + 1
    parts = [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(parsed)], strict=True)]
    lines = [line for part in parts for line in _unnamed(parsed, part.start, words, about)]
    time, n_window = np.arange(len(parsed)) / about.rate, round(about.window * about.rate)
    try:
        if about.time:
            time = clock.seconds(parsed, about.time, about.time_unit, about.rate, n_window, found.count, same)
    except Faults as refused:
        lines = [*refused.lines, *lines]
    if lines:
        raise Faults(first(parsed.path, lines))
    until = -np.inf  # end (s) of the last stretch that was kept
    for part in parts:
        until = until if part.start and same[part.start - 1] else -np.inf
        subject, label = words["subject"][part.start], words["label"][part.start]
        if label in about.ignore:
            found.count("samples without an activity, left out", part.stop - part.start)
            continue
        factor = timing.factor(parsed.place(part.start), time[part], about.rate, n_window)
        for begin, signal in timing.whole(time[part], parsed.values[part], about.rate, factor, about.gap, found.count):
            if len(signal) < n_window:
                found.count("stretches shorter than a window, left out")
            else:
                yield Stretch(str(subject), str(label), signal), abs(begin - until) <= 1.01 / about.rate
                until = begin + len(signal) / about.rate


def _unnamed(parsed: table.Parsed, row: int, words: dict[str, np.ndarray], about: Description) -> Iterator[str]:
    """The refusal of a stretch without a person or a label."""
    if words["label"][row] not in about.ignore:
        for name in FIELDS[:2]:
            if not words[name][row]:
                expected = "one in every row (an empty one may stand in `ignore`)"
                yield str(parsed.refuse(row, f"no {name}", expected))


def _words(parsed: table.Parsed, column: str | None, otherwise: str) -> np.ndarray:
    if column is None:
        return np.full(len(parsed), otherwise, object)
    return np.array([word.strip() for word in parsed.words[column]], object)[parsed.columns[column]]


def _problems(found: Found) -> Iterator[str]:
    """What makes the whole unfit to train on."""
    people, classes = found.people, found.classes
    if len(people) < PEOPLE:
        need = f"expected at least {PEOPLE}: one to test, one to validate, one to train on"
        yield f"found {len(people)} people ({', '.join(people)}), {need}"
    if not 2 <= len(classes) <= CLASSES:
        some = ", ".join(classes[:5]) + (", …" if len(classes) > 5 else "")
        yield f"found {len(classes)} labels ({some}), expected 2 to {CLASSES}"
    seen: dict[str, str] = {}
    for subject, label, signal in found.stretches:
        other = seen.setdefault(store.sha256(signal.tobytes()), subject)
        if other != subject:
            who = f"{other} and of {subject}"
            yield f"found the same {len(signal)} samples ({label}) of {who}, expected different people"


def _remarks(found: Found) -> Iterator[str]:
    """What is worth a look."""
    if not found.stretches:
        return
    for label in found.classes:
        who = {part.subject for part in found.stretches if part.label == label}
        if len(who) == 1:
            yield f"only {who.pop()} did {label}: whoever is tested on it taught nobody"
    together = np.concatenate([part.signal[:: max(len(part.signal) // 200, 1)] for part in found.stretches])
    for i, channel in enumerate(found.description.channels):
        if together[:, i].std() < 1e-9:
            yield f"{channel} has one value, {together[0, i]:g}"
    for unit, one, other in (("g", 1.0, "m/s²"), ("m/s²", 9.81, "g")):
        axes = [i for i, name in enumerate(found.description.channels.values()) if name == unit]
        size = float(np.median(np.linalg.norm(together[:, axes], axis=1))) if len(axes) == 3 else one
        expected = 9.81 if unit == "g" else 1.0
        if abs(size / expected - 1) < 0.25:
            yield f"channels in {unit} have a median length of {size:.3g}: are they in {other}?"

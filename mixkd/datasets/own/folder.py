"""Recordings of your own: what is in a folder of CSV or Parquet files, and everything that is wrong with it.

A file may hold one recording or many people; it is cut into stretches of one person, recording and activity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.own import checks, clock, names, spreadsheets
from mixkd.datasets.own.description import FIELDS, NAME, Description, describe
from mixkd.datasets.own.summary import Stretch, summaries
from mixkd.datasets.raw import text_table, timing
from mixkd.datasets.raw.faults import Faults, first
from mixkd.errors import MixkdError, one_line


@dataclass
class Found(checks.Content):
    """What was read, counts, and what is wrong or worth a look, a line each.

    continues: which stretches begin where the one before ends, to within one sample: same file, same person.
    """

    continues: list[bool] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def count(self, what: str, n: int = 1) -> None:
        """Add `n` to what is counted under a name."""
        if n:
            self.counts[what] = self.counts.get(what, 0) + int(n)

    def leave_out(self, subject: str, label: str, n_samples: int) -> None:
        """Count a stretch that is shorter than a window."""
        self.count("stretches shorter than a window, left out")
        self.short.append((str(subject), str(label), n_samples / self.description.rate))

    def grouped(self) -> list[tuple[str, int]]:
        """Problems, those that differ only in their file once, with how often."""
        alike: dict[str, list[str]] = {}
        for problem in self.problems:
            alike.setdefault(re.sub(r"^.*?(, line|: )", r"\1", problem), []).append(problem)
        return [(group[0], len(group)) for group in alike.values()]

    @property
    def people(self) -> list[str]:
        """Names, in order."""
        return _sorted(part.subject for part in self.stretches)

    @property
    def classes(self) -> list[str]:
        """Labels, in order."""
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
    files, outputs = names.listed(folder, about.files)
    found.count("files that `mixkd predict` wrote, left out", len(outputs))
    if not files:
        found.problems.append(f"{folder}: found no file {about.files}, expected recordings")
    if mixed := names.sensors([path.relative_to(folder).as_posix() for path in files]):
        (one, other), pattern = mixed
        found.problems.append(
            f"{folder}: found files of several sensors, read as if they were one ({one}, {other}), expected one, "
            f'or all of them as columns of one table; files = "{pattern}" in {NAME} reads one'
        )
    for path in files:
        _add(path, folder, found)
    wrong = checks.problems(found) if not found.problems else ()
    found.problems += [line if line.startswith(str(folder)) else f"{folder}: {line}" for line in wrong]
    found.problems = [one_line(problem) for problem in found.problems]
    found.remarks = [one_line(remark) for remark in checks.remarks(found)]
    return found


def _add(path: Path, folder: Path, found: Found) -> None:
    """Read a file into what was found; or what is wrong with it."""
    about = found.description
    try:
        parsed = spreadsheets.read(path, about.columns, about.spelling)
        found.count("last rows without a line end, left out", parsed.cut)
        rows, named = parsed.rows, about.named(path, folder)
        for stretch, continues in _stretches(rows, about, named, found):
            found.stretches.append(stretch)
            found.paths.append(path)
            found.continues.append(continues)
        subjects, labels = (_words(rows, getattr(about, role), named.get(role, "")) for role in FIELDS[:2])
        time = rows.columns[about.time] * clock.UNITS[about.time_unit] if about.time else np.arange(len(rows))
        found.files += summaries(path, rows.format.first_line, subjects, labels, time, rows.values)
    except Faults as faults:
        found.problems += faults.lines
    except MixkdError as error:
        found.problems.append(str(error))


def _stretches(
    parsed: text_table.Parsed, about: Description, named: dict[str, str], found: Found
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
    factors = _factors(parsed, parts, time, about)
    until = -np.inf  # end (s) of the last stretch that was kept
    for part, factor in zip(parts, factors, strict=True):
        until = until if part.start and same[part.start - 1] else -np.inf
        subject, label = words["subject"][part.start], words["label"][part.start]
        if label in about.ignore:
            found.count("samples without an activity, left out", part.stop - part.start)
            continue
        for begin, signal in timing.whole(time[part], parsed.values[part], about.rate, factor, about.gap, found.count):
            if len(signal) < n_window:
                found.leave_out(subject, label, len(signal))
            else:
                yield Stretch(str(subject), str(label), signal), abs(begin - until) <= 1.01 / about.rate
                until = begin + len(signal) / about.rate


def _factors(parsed: text_table.Parsed, parts: list[slice], time: np.ndarray, about: Description) -> list[int]:
    """How many times faster than `rate` each part was recorded. Raises Faults, before anything of the file is kept."""
    factors, lines = [], []
    for part in parts:
        try:
            where, window = parsed.place(part.start), round(about.window * about.rate)
            factors.append(timing.factor(where, time[part], about.rate, window))
        except MixkdError as error:
            lines.append(str(error))
    if lines:
        raise Faults(first(parsed.path, lines))
    return factors


def _unnamed(parsed: text_table.Parsed, row: int, words: dict[str, np.ndarray], about: Description) -> Iterator[str]:
    """The refusal of a stretch without a person or a label."""
    if words["label"][row] not in about.ignore:
        for name in FIELDS[:2]:
            if not words[name][row]:
                expected = "one in every row (an empty one may stand in `ignore`)"
                yield str(parsed.refuse(row, f"no {name}", expected))


def _words(parsed: text_table.Parsed, column: str | None, otherwise: str) -> np.ndarray:
    if column is None:
        return np.full(len(parsed), otherwise, object)
    return np.array([word.strip() for word in parsed.words[column]], object)[parsed.columns[column]]

"""Recordings of your own: content and problems of a folder of CSV or Parquet files.

A file may hold one recording or many people; it is cut into stretches of one person, recording and activity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.own import checks, clock, gravity, labels, names, quality, tables, units
from mixkd.datasets.own.description import FIELDS, NAME, Description, describe
from mixkd.datasets.own.summary import Stretch, summaries
from mixkd.datasets.raw import text_table, timing
from mixkd.datasets.raw.faults import Faults, first
from mixkd.errors import MixkdError, one_line


@dataclass
class Inspection(checks.Content):
    """Content of a folder, counts of repairs, problems and remarks, a line each.

    continues: per stretch, whether it begins where the previous one of the same file and person ends, to one sample.
    """

    continues: list[bool] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    labels: labels.Table | None = None
    quality: list[quality.Quality] = field(default_factory=list)

    def count(self, what: str, n: int = 1) -> None:
        """Add `n` to the count named `what`."""
        if n:
            self.counts[what] = self.counts.get(what, 0) + int(n)

    def leave_out(self, subject: str, label: str, n_samples: int) -> None:
        """Count a stretch that is shorter than a window."""
        self.count("stretches shorter than a window, left out")
        self.short.append((str(subject), str(label), n_samples / self.description.rate))

    def grouped(self) -> list[tuple[str, int]]:
        """Problems and their numbers; problems that differ only in the file are one."""
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
        """All stretches, ordered by people, labels and files. People are numbered if their names are no numbers."""
        people, classes, about = self.people, self.classes, self.description
        stretches = self.stretches
        order = sorted(
            range(len(stretches)), key=lambda i: (people.index(stretches[i].subject), classes.index(stretches[i].label))
        )
        at = {i: number for number, i in enumerate(order)}
        ids = dict(zip(people, map(int, people) if _numbers(people) else range(1, len(people) + 1), strict=True))
        return Recordings(
            signals=tuple(stretches[i].signal for i in order),
            labels=tuple(np.full(len(stretches[i].signal), classes.index(stretches[i].label)) for i in order),
            subjects=np.array([ids[stretches[i].subject] for i in order]),
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
    unique = sorted(set(words))
    return sorted(unique, key=int) if _numbers(unique) else unique


def inspect(folder: Path, people: int = checks.PEOPLE, window: float | None = None) -> Inspection:
    """Content and problems of a folder. Raises MixkdError only for an invalid `dataset.toml`.

    people: minimum; fewer than for training are enough to score a student, and one label is too; window: s, half
    overlapping, in place of those that the folder describes
    """
    about = describe(folder)
    about = replace(about, window=window, step=window / 2) if window else about
    content = Inspection(about)
    files, outputs = names.listed(folder, about.files)
    content.count("files that `mixkd predict` wrote, left out", len(outputs))
    if not files:
        content.problems.append(f"{folder}: found no file {about.files}, expected recordings")
    if mixed := names.sensors([path.relative_to(folder).as_posix() for path in files]):
        (one, other), pattern = mixed
        content.problems.append(
            f"{folder}: found files of several sensors, read as if they were one ({one}, {other}), expected one, "
            f'or all of them joined (`sensors`); files = "{pattern}" in {NAME} reads one'
        )
    if about.labels:
        files = [path for path in files if path != folder / about.labels]
        try:
            content.labels = labels.read(folder / about.labels, about.zone)
        except MixkdError as error:
            content.problems.append(str(error))
            return content
    for path in files:
        _add(path, folder, content)
    if content.labels and not content.problems:
        content.problems += first(content.labels.path, list(content.labels.unused()))
    wrong = checks.problems(content, people) if not content.problems else ()
    content.problems += [line if line.startswith(str(folder)) else f"{folder}: {line}" for line in wrong]
    content.problems = [one_line(problem) for problem in content.problems]
    content.remarks = [one_line(remark) for remark in checks.remarks(content)]
    return content


def _add(path: Path, folder: Path, content: Inspection) -> None:
    """Add a file to `content`, or its problems."""
    about = content.description
    try:
        table = tables.read(path, about.columns, about.spelling)
        for what, n in table.counts.items():
            content.count(what, n)
        rows, named = table.rows, about.named(path, folder)
        for stretch, continues in _stretches(rows, about, named, content):
            content.stretches.append(stretch)
            content.paths.append(path)
            content.continues.append(continues)
        subjects, activities = (_words(rows, getattr(about, role), named.get(role, "")) for role in FIELDS[:2])
        time = rows.columns[about.time] * clock.UNITS[about.time_unit] if about.time else np.arange(len(rows))
        content.files += summaries(
            path, rows.format.first_line, subjects=subjects, labels=activities, time=time, values=rows.values
        )
    except Faults as faults:
        content.problems += faults.lines
    except MixkdError as error:
        content.problems.append(str(error))


def _stretches(
    parsed: text_table.Parsed, about: Description, named: dict[str, str], content: Inspection
) -> Iterator[tuple[Stretch, bool]]:
    """Stretches of a file at `about.rate`, without gaps, and whether each continues the one before."""
    words = {name: _words(parsed, getattr(about, name), named.get(name, "")) for name in FIELDS}
    same = np.ones(max(len(parsed) - 1, 0), bool)
    for name in ("subject", "recording"):
        same &= words[name][1:] == words[name][:-1]
    time, n_window = np.arange(len(parsed)) / about.rate, round(about.window * about.rate)
    lines: list[str] = []
    try:
        if about.time:
            time = clock.seconds(
                parsed,
                about.time,
                about.time_unit,
                rate=about.rate,
                window=n_window,
                count=content.count,
                same=same,
                zone=about.zone,
            )
        if content.labels:
            shown = _clock(parsed, about, time, same)
            words["label"] = content.labels.words(parsed.path, words["subject"], time, shown)
            content.count("samples without a label in the table, left out", int((words["label"] == "").sum()))
    except Faults as refused:
        lines = refused.lines
    cuts = np.flatnonzero(~(same & (words["label"][1:] == words["label"][:-1]))) + 1
    segments = [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(parsed)], strict=True)]
    lines += [line for segment in segments for line in _unnamed(parsed, segment.start, words, about)]
    if lines:
        raise Faults(first(parsed.path, lines))
    content.quality.append(_quality(parsed, about, time))
    if about.calibrate:
        channels, stated = list(about.channels), list(about.channels.values())
        values = gravity.calibrated(parsed, time, channels=channels, stated=stated, count=content.count)
        parsed = replace(parsed, values=values)
    factors = _factors(parsed, segments, time, about)
    until = -np.inf  # end (s) of the last stretch in use
    for segment, factor in zip(segments, factors, strict=True):
        until = until if segment.start and same[segment.start - 1] else -np.inf
        subject, label = words["subject"][segment.start], words["label"][segment.start]
        if content.labels and not label:
            continue
        if label in about.ignore:
            content.count("samples without an activity, left out", segment.stop - segment.start)
            continue
        for begin, signal in timing.whole(
            time[segment], parsed.values[segment], about.rate, factor=factor, gap=about.gap, count=content.count
        ):
            if len(signal) < n_window:
                content.leave_out(subject, label, len(signal))
            else:
                yield Stretch(str(subject), str(label), signal), abs(begin - until) <= 1.01 / about.rate
                until = begin + len(signal) / about.rate


def _quality(parsed: text_table.Parsed, about: Description, time: np.ndarray) -> quality.Quality:
    lasts = float(time[-1] - time[0])
    span = clock.span(parsed, about.time, about.time_unit, zone=about.zone, lasts=lasts)
    acceleration = units.acceleration(parsed.values, list(about.channels), list(about.channels.values()))
    usual = 1 / float(np.median(np.diff(time))) if len(time) > 1 else about.rate
    return quality.row(parsed.path.name, time, acceleration, rate=quality.nominal(usual), span=span)


def _clock(parsed: text_table.Parsed, about: Description, time: np.ndarray, same: np.ndarray) -> labels.Clock:
    """The clock of a file's rows, for a table of labels; without a time column it is `time` (n_rows,) in s."""
    if not about.time:
        return labels.Clock(time, False, False)
    segments = timing.constant(np.cumsum(np.r_[0, ~same]))
    values = clock.instants(parsed, about.time, about.time_unit, zone=about.zone, segments=segments)
    start = clock.start(parsed, about.time, about.time_unit, about.zone)
    return labels.Clock(values * clock.UNITS[about.time_unit], start is not None, start is not None and start[1])


def _factors(parsed: text_table.Parsed, segments: list[slice], time: np.ndarray, about: Description) -> list[Fraction]:
    """Ratio of the sampling rate of each segment to `about.rate`. Raises Faults."""
    factors: list[Fraction] = []
    lines: list[str] = []
    for segment in segments:
        try:
            where, window = parsed.place(segment.start), round(about.window * about.rate)
            factors.append(timing.factor(where, time[segment], about.rate, window))
        except MixkdError as error:
            lines.append(str(error))
    if lines:
        raise Faults(first(parsed.path, lines))
    return factors


def _unnamed(parsed: text_table.Parsed, row: int, words: dict[str, np.ndarray], about: Description) -> Iterator[str]:
    """The errors of a stretch without a person or a label."""
    if words["label"][row] not in about.ignore:
        for name in FIELDS[:2]:
            if not words[name][row] and not (about.labels and name == "label"):
                expected = "one in every row (an empty one may stand in `ignore`)"
                yield str(parsed.refuse(row, f"no {name}", expected))


def _words(parsed: text_table.Parsed, column: str | None, otherwise: str) -> np.ndarray:
    if column is None:
        return np.full(len(parsed), otherwise, object)
    return np.array([word.strip() for word in parsed.words[column]], object)[parsed.columns[column]]

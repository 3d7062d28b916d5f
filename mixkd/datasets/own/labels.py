"""A table of labels beside the recordings: a row names a file or a person, start, end (or duration) and an activity.

Starts and ends are dates on the recordings' clock, or seconds from a file's first row. Rows of no interval have no
label and are left out. Refused are intervals that overlap with two labels, end before they start or hold no row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mixkd.datasets.own import names, quotes, zones
from mixkd.datasets.raw import stamps
from mixkd.datasets.raw.text import opened
from mixkd.errors import MixkdError, listed, short

WORDS = {
    "file": ("file", "filename", "recording", "path"),
    "subject": ("subject", "person", "participant", "user", "id", "who"),
    "start": ("start", "begin", "onset", "from", "starttime", "begintime"),
    "end": ("end", "stop", "offset", "to", "endtime", "stoptime"),
    "duration": ("duration", "length"),
    "label": ("label", "activity", "class", "annotation", "event", "description", "behavior", "behaviour", "code"),
}
BESIDE = {"time", "s", "sec", "seconds", "name", "id", "utc", "local", "timestamp", "ss", "msec"}
SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Interval:
    """A row of the table: whose, from start to end: µs since 1970 if `dated`, else s from the first row of the file."""

    line: int
    whose: str
    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Clock:
    """The clock of a file in s (n_rows,), since 1970 if `dated`; utc: see `clock.start`."""

    seconds: np.ndarray
    dated: bool
    utc: bool


@dataclass
class Table:
    """The intervals of a file; by_file: whether they name files, else people; dated, utc: see `Interval`."""

    path: Path
    intervals: list[Interval]
    by_file: bool
    dated: bool
    utc: bool = False
    used: set[int] = field(default_factory=set)

    def words(self, file: Path, subjects: np.ndarray, time: np.ndarray, clock: Clock) -> np.ndarray:
        """The label of each row of a file, "" without one: (n_rows,) words.

        subjects: (n_rows,); time: (n_rows,) in s since the first row of its recording. Raises MixkdError for intervals
        that overlap, and for clocks that cannot be compared.
        """
        result = np.full(len(time), "", object)
        rows_of = self._rows_of(file, subjects)
        axis = self._axis(file, [interval for interval, _ in rows_of], time, clock) if rows_of else time
        for interval, rows in rows_of:
            inside = rows & (axis >= interval.start) & (axis < interval.end)
            if not inside.any():
                continue
            self.used.add(interval.line)
            if (other := result[inside & (result != "") & (result != interval.label)]).size:
                found = f"{short(interval.label)} where another line says {short(other[0])}"
                raise MixkdError(f"{self.path}, line {interval.line}: found {found}, expected one label at a time")
            result[inside] = interval.label
        return result

    def unused(self) -> Iterator[str]:
        """Errors of the intervals that held no row of any recording."""
        for interval in self.intervals:
            if interval.line not in self.used:
                what = "file" if self.by_file else "person"
                found = f"{short(interval.label)} of the {what} {short(interval.whose)!r}, in which no row lies"
                yield (
                    f"{self.path}, line {interval.line}: found {found}, expected a {what} and times of the recordings; "
                    "check names, clock and zone"
                )

    def _rows_of(self, file: Path, subjects: np.ndarray) -> list[tuple[Interval, np.ndarray]]:
        if self.by_file:
            own = {file.name.lower(), file.stem.lower(), file.name.partition(".")[0].lower()}
            place = file.as_posix().lower()
            every = np.ones(len(subjects), bool)
            return [
                (interval, every)
                for interval in self.intervals
                if interval.whose.lower() in own or place.endswith("/" + interval.whose.lower())
            ]
        keys = {subject: names.key(str(subject)) for subject in set(subjects)}
        return [
            (interval, subjects == subject)
            for interval in self.intervals
            for subject, key in keys.items()
            if names.key(interval.whose) == key
        ]

    def _axis(self, file: Path, intervals: list[Interval], time: np.ndarray, clock: Clock) -> np.ndarray:
        """Times (n_rows,) of the rows as the intervals count them."""
        if self.dated:
            if not clock.dated:
                found = "dates, for a recording whose clock has none"
                raise MixkdError(f"{self.path}: found {found} ({file.name}), expected seconds from its first row")
            if clock.utc != self.utc:
                one, other = ("without", "with") if clock.utc else ("with", "without")
                found = f"dates {one} a zone, for a recording {other} ({file.name})"
                way = 'state the zone, as in zone = "Europe/Berlin"'
                raise MixkdError(f"{self.path}: found {found}, expected the same clock: {way}")
            return clock.seconds * 1e6
        fits = [
            all(axis[0] - 1 <= interval.start and interval.end <= axis[-1] + 1 for interval in intervals)
            for axis in (time, clock.seconds)
        ]
        if fits[0] and fits[1] and abs(clock.seconds[0] - time[0]) > 1:
            found = f"seconds that {file.name} has from its first row and on its clock, which begins otherwise"
            raise MixkdError(f"{self.path}: found {found}, expected one meaning: subtract the start from the clock")
        return time if fits[0] or not fits[1] else clock.seconds


def roles(columns: Sequence[str]) -> dict[str, str]:
    """The column of each role of WORDS, the first that is called so."""
    result: dict[str, str] = {}
    for role, words in WORDS.items():
        for name in columns:
            of_name = set(names.parts(re.sub(r"[(\[].*?[)\]]", " ", name))) or {name.lower()}
            joined = "".join(names.parts(name))
            if name not in result.values() and (
                joined in words or (of_name & {*words} and not of_name - {*words} - BESIDE)
            ):
                result.setdefault(role, name)
    return result


def is_one(path: Path) -> bool:
    """Whether the first line of a text table names starts, ends and labels, as a table of labels has them."""
    try:
        return _complete(roles(_head(path)[0]))
    except MixkdError:
        return False


def _complete(role: dict[str, str]) -> bool:
    return {"start", "label"} <= role.keys() and bool({"end", "duration"} & role.keys())


def _head(path: Path) -> tuple[list[str], str]:
    """Names of the columns, and the separator."""
    line = next(iter(opened(path).lines()), b"").decode().rstrip("\r\n")
    ways = {separator: [name.strip() for name in quotes.fields(line, separator)] for separator in SEPARATORS}
    separator = max(ways, key=lambda separator: len(ways[separator]))
    return ways[separator], separator


def read(path: Path, zone: str | None) -> Table:
    """A table of labels. zone: of its dates, unless they state an offset from UTC. Raises MixkdError."""
    columns, separator = _head(path)
    role = roles(columns)
    whose = role.get("file") or role.get("subject")
    if not _complete(role) or not whose:
        expected = "columns of file or subject, start, end (or duration) and label"
        raise MixkdError(f"{path}, line 1: found {listed(columns)}, expected {expected}")
    rows = []
    for number, line in enumerate(opened(path).lines(), start=1):
        words = [word.strip() for word in quotes.fields(line.decode().rstrip("\r\n"), separator)]
        if number > 1 and any(words):
            if len(words) != len(columns):
                raise MixkdError(f"{path}, line {number}: found {len(words)} columns, expected {len(columns)}")
            rows.append((number, dict(zip(columns, words, strict=True))))
    if not rows:
        raise MixkdError(f"{path}: found no rows, expected labels")
    dated = stamps.fault(rows[0][1][role["start"]]) is None
    starts, utc = _times(path, rows, role["start"], dated=dated, zone=zone)
    if end := role.get("end"):
        ends, _ = _times(path, rows, end, dated=dated, zone=zone)
    else:
        ends = starts + _times(path, rows, role["duration"], dated=False, zone=None)[0] * (1e6 if dated else 1.0)
    intervals = [
        Interval(number, row[whose], start, end, row[role["label"]])
        for (number, row), start, end in zip(rows, starts.tolist(), ends.tolist(), strict=True)
    ]
    for interval in intervals:
        if not interval.end > interval.start:
            raise MixkdError(f"{path}, line {interval.line}: found an end not after its start, expected a later one")
        if not interval.label:
            raise MixkdError(f"{path}, line {interval.line}: found no {role['label']}, expected one")
    return Table(path, intervals, "file" in role, dated, utc)


def _times(
    path: Path, rows: list[tuple[int, dict[str, str]]], name: str, *, dated: bool, zone: str | None
) -> tuple[np.ndarray, bool]:
    """Times (n,) of a column: µs since 1970 for dates, and whether they are UTC; else numbers."""
    reader, times = stamps.Stamps(), []
    for number, row in rows:
        try:
            if dated and (time := int(reader.read([row[name]])[0])) < stamps.DAY:
                raise ValueError("expected a date and time")
            times.append(time if dated else float(row[name].replace(",", ".")))
        except ValueError as error:
            expected = str(error).split("expected ")[-1] if dated else "seconds"
            raise MixkdError(
                f"{path}, line {number}: found {short(row[name])!r} in {name}, expected {expected}"
            ) from error
    result = np.array(times, np.float64)
    if not np.isfinite(result).all():
        raise MixkdError(f"{path}: found a value in {name} that is not finite, expected seconds")
    utc = any(offset for _, offset in reader.ways)
    if dated and not utc and zone:
        try:
            result = np.concatenate([zones.to_utc(np.array([time], np.int64), zone) for time in times]).astype(float)
        except ValueError as error:
            raise MixkdError(f"{path}: in {name}: {error}") from error
        utc = True
    return result, utc

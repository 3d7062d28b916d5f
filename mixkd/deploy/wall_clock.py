"""Wall clock of a recording: dates and times of day of its windows, with daylight saving time.

Offsets from UTC change at quarters of an hour, in all zones in use: one look-up for each is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet

from mixkd.datasets.own import clock, parquet, quotes, spreadsheets, tables, zones
from mixkd.datasets.raw.form import DATES
from mixkd.datasets.raw.stamps import DAY, LAYOUT, MINUTE, SECOND
from mixkd.errors import MixkdError

QUARTER = 15 * MINUTE  # µs
EPOCH = clock.EPOCH * SECOND  # µs


@dataclass(frozen=True)
class WallClock:
    """First: µs since 1970 at second 0 of the recording, in UTC where `zone` is known, else local; None: unknown."""

    first: int | None = None
    zone: tzinfo | None = None

    def local(self, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Local time in µs since 1970, and its offset from UTC in minutes (0 without a zone), of times (n,) in s.

        Without a known first time, time since the start of the recording.
        """
        time = (self.first or 0) + np.rint(np.asarray(seconds) * SECOND).astype(np.int64)
        if self.zone is None:
            return time, np.zeros(len(time), np.int64)
        quarters, at = np.unique(time // QUARTER, return_inverse=True)
        offsets = np.array([_offset(self.zone, int(quarter) * QUARTER) for quarter in quarters], np.int64)[at]
        return time + offsets * MINUTE, offsets

    def written(self, seconds: np.ndarray) -> list[str]:
        """Times (n,) as ISO 8601, to 1 ms, with the offset where the zone is known; empty where no date is known."""
        if self.first is None:
            return [""] * len(seconds)
        local, offsets = self.local(seconds)
        ends = {int(m): "" if self.zone is None else shown(int(m)) for m in np.unique(offsets)}
        words = np.datetime_as_string((local // 1000).astype("datetime64[ms]"))
        return [word + ends[offset] for word, offset in zip(words.tolist(), offsets.tolist(), strict=True)]


def shown(minutes: int) -> str:
    """An offset from UTC as text: +02:00."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _offset(zone: tzinfo, instant: int) -> int:
    offset = zone.utcoffset(None) if isinstance(zone, timezone) else _moment(instant).astimezone(zone).utcoffset()
    return round((offset or timedelta()).total_seconds() / 60)


def _moment(instant: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


def named(zone: str) -> tzinfo:
    """A time zone by its name or offset, see `zones`. Raises MixkdError for an unknown one."""
    if (known := zones.zone(zone)) is None:
        raise MixkdError(f"--zone: found {zone!r}, expected a name such as Europe/Berlin or UTC")
    return known


def of_file(path: Path, about: dict[str, Any], first: float | None, zone: tzinfo | None = None) -> WallClock:
    """The wall clock of a recording whose clock column starts with `first`, in the unit that student.json states.

    zone: shown in place of the file's. Raises MixkdError if the file tells no instants that could be shown in it.
    """
    unit = about["reading"]["time_unit"]
    start = None if first is None else round(first * clock.UNITS[unit] * SECOND)
    if start is None or (start < DAY if unit in DATES else start < EPOCH):
        start = None
    own = None if start is None else _zone(path, about["reading"]) if unit in DATES else UTC
    return _shown_in(path, start, own, zone)


def of_start(
    path: Path, about: dict[str, Any], start: tuple[int, bool] | None, zone: tzinfo | None = None
) -> WallClock:
    """The same from `clock.start` of a recording that was read at once; the zone is that of dataset.toml, or UTC.

    Raises MixkdError if the file tells no instants that could be shown in `zone`.
    """
    own = zones.zone(about["reading"].get("zone") or "UTC") if start and start[1] else None
    return _shown_in(path, start[0] if start else None, own, zone)


def _shown_in(path: Path, start: int | None, own: tzinfo | None, zone: tzinfo | None) -> WallClock:
    if zone and own is None:
        known = "no date" if start is None else "no offset from UTC"
        raise MixkdError(f"{path}: found {known} in its clock, expected one to show times in {zone}: leave out --zone")
    return WallClock(start, zone or own)


def _zone(path: Path, reading: dict[str, Any]) -> tzinfo | None:
    """The offset that the first stamp states, or the zone of a Parquet column."""
    name = reading["time"]
    if tables.is_device(path):
        return None
    if parquet.is_one(path):
        kind = pyarrow.parquet.read_schema(path).field(name).type
        named_zone = getattr(kind, "tz", None)
        if named_zone and not re.match(r"[+-]", named_zone):
            return ZoneInfo(named_zone)
        words: Iterable[Any] = parquet.first_rows(path, 1)[name]
        word = (named_zone and f"2000-01-01 00:00:00{named_zone}") or str(next(iter(words)))
    else:
        top = spreadsheets.head(path, spreadsheets.Spelling.of(reading))
        line = next(top.body.lines()).decode().rstrip("\r\n")
        word = quotes.fields(line, reading["separator"])[top.names.index(name)]
    word = word.strip()
    stamp = LAYOUT.fullmatch(re.sub(r"[0-9]", "0", word).encode("ascii", "replace"))
    if not stamp or not stamp["zone"]:
        return None
    if not stamp["sign"]:
        return UTC
    hours, minutes = (int(word[slice(*stamp.span(group))] or 0) for group in ("oh", "om"))
    return timezone((-1 if stamp["sign"] == b"-" else 1) * timedelta(hours=hours, minutes=minutes))

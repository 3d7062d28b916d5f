"""Local time in a stated zone as UTC, through changes of daylight saving time; nothing is guessed.

A zone is an IANA name (Europe/Berlin), UTC, or an offset (+01:00). A clock that follows a named zone goes back by the
hour that is repeated, and never shows the hour that is left out; a clock that does not is refused, with the way on.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from mixkd.datasets.raw import stamps

LONGEST = 86_400_000_000  # µs: no two times of one moment are further apart


def zone(name: str) -> tzinfo | None:
    """The zone of a name; None for an unknown one."""
    if match := re.fullmatch(r"([+-])(\d\d):([0-5]\d)", name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(offset if match[1] == "+" else -offset) if offset < timedelta(hours=24) else None
    try:
        return UTC if name.upper() in ("UTC", "Z") else ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None


def offset(instant: int, name: str) -> int:
    """Offset (µs) of a zone from UTC at an instant (µs since 1970, UTC)."""
    of = zone(name)
    assert of is not None, name
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(instant))
    return round(of.utcoffset(moment.astimezone(of)).total_seconds()) * 1_000_000  # type: ignore[union-attr]


def written(instant: int, name: str) -> str:
    """An instant (µs since 1970, UTC) as text: the zone's local time with its offset."""
    of = zone(name)
    assert of is not None, name
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(instant))
    return moment.astimezone(of).isoformat(timespec="milliseconds")


def changes(low: int, high: int, name: str) -> list[tuple[int, int, int]]:
    """Changes of a zone's offset from `low` to `high` (µs, UTC): instant, offset before and after (µs)."""
    result = []
    for start in range(low, high, LONGEST):
        before, first, last = offset(start, name), start, start + LONGEST
        if offset(last, name) != before:
            while last - first > 1:
                middle = (first + last) // 2
                first, last = (middle, last) if offset(middle, name) == before else (first, middle)
            result.append((last, before, offset(last, name)))
    return result


def to_utc(local: np.ndarray, name: str) -> np.ndarray:
    """Instants (n,) in µs since 1970 of the local times (n,) in µs of one recording, in the order of its rows.

    Raises ValueError, `found …, expected …`, for times that a clock in the zone does not show, or shows twice.
    """
    if not len(local):
        return local
    low, high = int(local.min()) - LONGEST, int(local.max()) + LONGEST
    offsets = np.full(len(local), offset(low, name))
    for instant, before, after in changes(low, high, name):
        first, last = sorted((instant + before, instant + after))  # hours that are left out, or come twice
        there = np.flatnonzero((local >= first) & (local < last))
        if not there.size:
            at = int(np.argmax(local >= last)) if (local >= last).any() else len(local)
        elif after > before:
            raise ValueError(
                f"found {stamps.written(int(local[there[0]]))}, which clocks in {name} left out, expected a clock that "
                f'follows them; for one that did not: zone = "{_spelled(before)}"'
            )
        else:
            at = _second_time(local, there, name, (before, after))
        offsets[at:] = after
    return local - offsets


def _second_time(local: np.ndarray, there: np.ndarray, name: str, around: tuple[int, int]) -> int:
    """First row after a change by which `there`, rows of an hour, came twice; around: offsets before and after it."""
    span = around[0] - around[1]
    back = there[np.diff(local, prepend=local[0])[there] < -span / 2]
    if back.size:
        return int(back[0])
    comes, goes = there[0] > 0, there[-1] < len(local) - 1
    passed = local[max(there[0] - 1, 0) : there[-1] + 2]
    without_hole = len(passed) < 2 or np.diff(passed).max() < span / 2
    either = " or ".join(f'"{_spelled(way)}"' for way in around)
    if comes and goes and without_hole:
        raise ValueError(
            f"found a clock that does not go back at {stamps.written(int(local[there[0]]))}, as clocks in {name} did, "
            f"expected one that follows them; for one that did not: zone = {either}"
        )
    if comes == goes or not without_hole:
        raise ValueError(
            f"found {stamps.written(int(local[there[0]]))}, which clocks in {name} show twice, expected other times, "
            f"or an offset that says which: zone = {either}"
        )
    return len(local) if comes else int(there[0])


def _spelled(microseconds: int) -> str:
    minutes = abs(microseconds) // 60_000_000
    return f"{'-' if microseconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"

"""Minutes of each activity by hour and day of the wall clock, crude and adjusted for missing wear.

A window stands for the time until the next one starts. Adjusted minutes of a day are those recorded, and for each hour
of which some time is missing or not worn, that time in the proportions of the same hour of the day over all days; so
do tools of epidemiology. An hour of the day that was worn on no day leaves the adjusted minutes empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixkd.datasets.raw.stamps import DAY, HOUR, SECOND
from mixkd.deploy.labels import Labels
from mixkd.deploy.wall_clock import QUARTER, WallClock, shown

Row = dict[str, Any]
EACH = QUARTER / SECOND / 60  # minutes
REST = ("unknown", "not worn")  # columns after those of the classes


@dataclass
class Minutes:
    """Minutes of a recording by quarter of an hour: (n_classes + 2,), of each class, unknown and not worn."""

    n_classes: int
    wall: WallClock
    lasts: float  # s, of a window
    quarters: dict[int, np.ndarray] = field(default_factory=dict)
    last: tuple[float, int] | None = None  # start and column of a window that waits for the next

    def add(self, part: Labels, codes: np.ndarray) -> None:
        """Windows with classes `codes` (n,), -1 unknown."""
        columns = np.where(codes < 0, self.n_classes, codes)
        if part.worn is not None:
            columns = np.where(part.worn, columns, self.n_classes + 1)
        start = part.start
        if self.last:
            start, columns = np.r_[self.last[0], start], np.r_[self.last[1], columns]
        self._add(start[:-1], np.minimum(start[:-1] + self.lasts, start[1:]), columns[:-1])
        self.last = float(start[-1]), int(columns[-1])

    def close(self) -> None:
        """Count the last window."""
        if self.last:
            start = np.array([self.last[0]])
            self._add(start, start + self.lasts, np.array([self.last[1]]))
            self.last = None

    def _add(self, start: np.ndarray, end: np.ndarray, columns: np.ndarray) -> None:
        first = (self.wall.first or 0) / SECOND
        start, end, quarter = start + first, end + first, QUARTER / SECOND
        while len(start):
            at = np.floor(start / quarter)
            until = np.minimum(end, (at + 1) * quarter)
            names, place = np.unique(at.astype(np.int64), return_inverse=True)
            sums = np.zeros((len(names), self.n_classes + 2))
            np.add.at(sums, (place, columns), (until - start) / 60)
            for name, row in zip(names.tolist(), sums, strict=True):
                self.quarters[name] = self.quarters.get(name, 0) + row
            more = until < end
            start, end, columns = until[more], end[more], columns[more]

    @property
    def grid(self) -> Grid:
        """All quarters of the days of the recording, by the wall clock."""
        reach = range(min(self.quarters) - 26 * 4, max(self.quarters) + 26 * 4 + 1)
        number = np.array(reach)
        local, offset = WallClock(0, self.wall.zone).local(number * (QUARTER / SECOND))
        day, hour = local // DAY, local % DAY // HOUR
        recorded = np.isin(number, list(self.quarters))
        inside = (day >= day[recorded].min()) & (day <= day[recorded].max())
        nothing = np.zeros(self.n_classes + 2)
        minutes = np.array([self.quarters.get(name, nothing) for name in number[inside].tolist()])
        return Grid(day[inside], hour[inside], offset[inside], minutes)


@dataclass(frozen=True)
class Grid:
    """Quarters of an hour (n,): day since 1970, hour of the day, offset from UTC (minutes); minutes (n, n_columns)."""

    day: np.ndarray
    hour: np.ndarray
    offset: np.ndarray
    minutes: np.ndarray


def hours(minutes: Minutes, classes: Sequence[str]) -> list[Row]:
    """A row for each hour, from the first to the last recorded: minutes of classes, unknown, not worn, missing."""
    grid, dated = minutes.grid, minutes.wall.first is not None
    here = np.flatnonzero(grid.minutes.any(axis=1))
    key = np.stack([grid.day, grid.hour, grid.offset], axis=1)
    changes = np.flatnonzero((key[1:] != key[:-1]).any(axis=1)) + 1
    rows = []
    for a, b in zip([0, *changes], [*changes, len(key)], strict=True):
        if b > here[0] and a <= here[-1]:
            zone = shown(int(grid.offset[a])) if minutes.wall.zone else ""
            name = {"day": _day(grid.day[a], dated), "hour": f"{grid.hour[a]:02d}:00{zone}"}
            rows.append(name | _columns(grid.minutes[a:b].sum(axis=0), EACH * (b - a), classes))
    return rows


def days(minutes: Minutes, classes: Sequence[str]) -> list[Row]:
    """A row for each day, the same columns, and `adjusted` minutes of each class and unknown, see the module."""
    grid, dated = minutes.grid, minutes.wall.first is not None
    worn = grid.minutes[:, :-1]
    rates = np.full((24, worn.shape[1]), np.nan)
    for hour in range(24):
        total = worn[grid.hour == hour].sum(axis=0)
        if total.sum() > 0:
            rates[hour] = total / total.sum()
    missing = np.maximum(EACH - worn.sum(axis=1), 0)
    filled = worn + np.where(missing[:, None] > 1e-6, missing[:, None] * rates[grid.hour], 0)
    rows = []
    for day in np.unique(grid.day):
        own = grid.day == day
        row = {"day": _day(day, dated)} | _columns(grid.minutes[own].sum(axis=0), EACH * own.sum(), classes)
        adjusted = filled[own].sum(axis=0)
        names = [*classes, REST[0]]
        rows.append(row | {f"adjusted {n}": _rounded(m) for n, m in zip(names, adjusted, strict=True)})
    return rows


def panels(minutes: Minutes) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Of each day its name, the hours (n,) at which quarters begin, and their minutes (n, n_classes + 2)."""
    grid, dated = minutes.grid, minutes.wall.first is not None
    result = []
    for day in np.unique(grid.day):
        own = grid.day == day
        order = np.arange(own.sum()) % 4  # local days and hours begin with a quarter
        result.append((_day(day, dated), grid.hour[own] + order / 4, grid.minutes[own]))
    return result


def _columns(minutes: np.ndarray, there: float, classes: Sequence[str]) -> Row:
    row = {name: _rounded(m) for name, m in zip([*classes, *REST], minutes, strict=True)}
    return row | {"missing": _rounded(max(there - minutes.sum(), 0.0))}


def _rounded(minutes: float) -> float | None:
    return None if np.isnan(minutes) else round(float(minutes), 2)


def _day(day: int, dated: bool) -> str:
    """A date, or without dates the number of the day since the recording began, from 1."""
    return str(np.datetime64(int(day), "D")) if dated else str(int(day) + 1)

"""A recording read in blocks, at the student's rate: memory does not grow with its length.

A block of rows is joined to the last rows before it. Of those, some are decided and others wait for what follows: a
spline, a filter or a filled hole depends on rows at both sides. So blocks give what the whole file would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mixkd.datasets.own import clock, devices, gravity, quality, streamed, tables, units, zones
from mixkd.datasets.own.running import Running
from mixkd.datasets.own.spreadsheets import Spelling
from mixkd.datasets.raw import form, stamps, text_table, timing
from mixkd.datasets.raw.timing import EVEN
from mixkd.deploy.cutting import Cutter, Grid, Windows, reach
from mixkd.errors import MixkdError

Count = Callable[[str, int], None]
KNOTS = 64  # rows at either side of a spline: farther ones change it by less than float32 resolves
LARGE = 1 << 27  # bytes of a table above which it is read in blocks
DEVICE = 1 << 24  # the same of a device's file, whose samples take fewer bytes


class Unit(NamedTuple):
    """Rows: time (n,) in s since the first row of the file, values (n, n_channels), NaN where lost.

    Rows before `begin` were decided with the unit before; those from `end` on wait for the next.
    """

    time: np.ndarray
    values: np.ndarray
    begin: int
    end: int


class Piece(NamedTuple):
    """Even samples: first time (s), signal (n_samples, n_channels), whether it continues the piece before."""

    first: float
    signal: np.ndarray
    continues: bool


@dataclass
class Source:
    """The rows of a file, parsed with the settings in student.json. `count` is called for repairs and omissions."""

    path: Path
    about: dict[str, Any]
    count: Count
    n_rows: int = 0
    factor: Fraction = Fraction(1)  # the file's rate, in rates of the student
    measured: bool = False
    first: float | None = None  # value of the clock in the first row
    start: tuple[int, bool] | None = None  # see `clock.start`
    running: Running = field(default_factory=Running)

    @property
    def waits(self) -> int:
        """Rows at either side that what becomes of a row depends on."""
        seconds = self.about["reading"]["gap"] + clock.BURST
        return int(1.2 * seconds * self.about["rate"] * self.factor) + KNOTS + 2 * reach(self.factor)

    @cached_property
    def calibration(self) -> tuple[list[int], quality.Calibration] | None:
        """Channels, gain and offset, from a pass over all rows, where the student's recordings were calibrated."""
        about = self.about
        if not about["reading"].get("calibrate"):
            return None
        axes = gravity.axes(self.path, about["channels"], about["units"])
        before = Source(self.path, about | {"reading": about["reading"] | {"calibrate": False}}, lambda what, n: None)
        for _ in before.units():
            pass
        epochs = before.running.summaries
        assert epochs is not None  # `axes` are those that it sums up
        return axes, gravity.fitted(self.path, epochs)

    def units(self) -> Iterator[Unit]:
        """All rows. Raises MixkdError naming file and line."""
        way, rate = self.about["reading"], self.about["rate"]
        how, columns = Spelling.of(way), columns_of(self.about)
        unit: Unit | None = None
        carried, times, done, timed = None, np.empty(0), 0, False
        for table in streamed.blocks(self.path, columns, how, way["time"]):
            if unit:
                yield self._measured(unit, timed)
            timed = way["time"] in table.rows.columns
            self.n_rows += len(table.rows)
            for what, n in table.counts.items():
                self.count(what, n)
            rows = _joined(carried, table.rows) if carried else table.rows
            time = self._seconds(rows, times, done) if timed else (self.n_rows - np.arange(len(rows), 0, -1)) / rate
            end = max(len(rows) - self.waits, done)
            unit = Unit(time, rows.values, done, end)
            carry = min(2 * self.waits, len(rows))
            carried, times, done = _last(rows, carry), time[-carry:], max(carry - (len(rows) - end), 0)
        if not timed:
            lacking = f"the clock {way['time']!r}" if way["time"] else "a clock"
            self.count(f"rows without {lacking}, taken as {rate:g} a second", self.n_rows)
        if unit:
            yield self._measured(unit._replace(end=len(unit.time)), timed)

    def _measured(self, unit: Unit, timed: bool) -> Unit:
        rows, about = slice(unit.begin, unit.end), self.about
        if timed:
            values = units.acceleration(unit.values[rows], about["channels"], about["units"])
            self.running.add(unit.time[rows], values)
        if self.calibration is None:
            return unit
        self.count(gravity.DONE, unit.end - unit.begin)
        return unit._replace(values=gravity.applied(unit.values, *self.calibration))

    @property
    def quality(self) -> quality.Quality | None:
        """The quality of what was read, as of a recording that is read at once; None without a clock."""
        if self.first is None:
            return None
        span = clock.between(self.start, self.about["reading"].get("zone"), self.running.lasts)
        return self.running.row(self.path.name, span)

    def _seconds(self, rows: text_table.Parsed, times: np.ndarray, done: int) -> np.ndarray:
        """Time of rows (n,) in s; of the first rows it is known from the unit before, of `done` of them for good."""
        way, rate, window = self.about["reading"], self.about["rate"], self.about["window"]
        values = rows.columns[way["time"]]
        repeated = int(np.count_nonzero(np.diff(values[: len(times)]) == 0))  # counted with the unit before
        if self.first is None:
            self.first = float(values[0]) if values.dtype.kind == "f" else int(values[0])
            self.start = clock.start(rows, way["time"], way["time_unit"], way.get("zone"))

        def count(what: str, n: int) -> None:
            self.count(what, n - repeated)

        time = clock.seconds(rows, way["time"], way["time_unit"], rate=rate, window=window, count=count)
        if len(time) > window:
            factor = timing.factor(str(self.path), time, rate, window)
            if not self.measured:
                self.factor, self.measured = factor, True
            elif max(factor / self.factor, self.factor / factor) > timing.CHANGE:
                before, here = (1 / float(np.median(np.diff(part))) for part in (times, time))
                changed = f"{before:.4g} samples per second and {here:.4g} after {times[-1]:.0f} s"
                raise MixkdError(f"{self.path}: found {changed}, expected one rate throughout: put them into two files")
        if not len(times):
            return time
        time += np.median(times - time[: len(times)])
        if done:
            time[:done] = times[:done]
            time[done:] = np.maximum(time[done:], times[done - 1] + 1e-9 * np.arange(1, len(time) - done + 1))
        return time


def pieces(source: Source) -> Iterator[Piece]:
    """The recording at the student's rate, cut at gaps, in blocks; as `timing.whole` of all rows."""
    gap, rate = source.about["reading"]["gap"], source.about["rate"]
    grid: Grid | None = None
    for unit in source.units():
        raw_rate, decided = float(rate * source.factor), slice(unit.begin, unit.end)
        if source.factor < 1:
            source.count(timing.BELOW, unit.end - unit.begin)
        values, mended = timing.filled(unit.values, int(gap * raw_rate + EVEN))
        lost = np.isnan(values).any(axis=1)
        source.count(f"lost values in holes up to {gap:g} s, interpolated", int(np.count_nonzero(mended[decided])))
        source.count("samples in longer holes, where recordings end, left out", int(np.count_nonzero(lost[decided])))
        late = np.diff(unit.time) > max(gap, 1.5 / raw_rate) + EVEN / raw_rate
        late &= ~lost[1:] & ~lost[:-1]
        source.count(
            "gaps in time, where recordings end",
            int(np.count_nonzero(late[max(unit.begin - 1, 0) : max(unit.end - 1, 0)])),
        )
        cuts = np.flatnonzero(late | (lost[1:] != lost[:-1])) + 1
        for a, b in zip([0, *cuts], [*cuts, len(lost)], strict=True):
            if lost[a] or b <= unit.begin or a >= unit.end:
                continue
            continues = a < unit.begin
            if not continues or grid is None:
                grid = Grid(float(unit.time[a]), rate, source.factor)
            stop, closes = min(b, unit.end), b <= unit.end
            first = grid.start + grid.n_out / rate
            signal = grid.take(unit.time[a:b], values[a:b], stop - a, closes)
            yield Piece(first, signal, continues)


def windows(source: Source) -> Iterator[Windows]:
    """All windows of a recording. Raises MixkdError if no stretch is as long as a window."""
    about, cutter, n_short, n_stretches = source.about, None, 0, 0
    for piece in pieces(source):
        if cutter and not piece.continues:
            yield from cutter.close()
            n_short += not cutter.cut
        if cutter is None or not piece.continues:
            cutter = Cutter(piece.first, about["rate"], about["window"], n_stretches, piece.signal[:0])
            n_stretches += 1
        yield from cutter.take(piece.signal)
    if cutter:
        yield from cutter.close()
        n_short += not cutter.cut
    count_short(source.path, about, source.count, source.n_rows, n_short=n_short, n_stretches=n_stretches)


def count_short(
    path: Path, about: dict[str, Any], count: Count, n_rows: int, *, n_short: int, n_stretches: int
) -> None:
    """Count stretches shorter than a window. Raises MixkdError if all are."""
    count("stretches shorter than a window, left out", n_short)
    if n_short == n_stretches:
        most = f"{n_rows} samples, nowhere a window of {about['window']} at {about['rate']:g} Hz"
        raise MixkdError(f"{path}: found {most}, expected one at least")


def columns_of(about: dict[str, Any], *, clocked: bool = True) -> dict[str, text_table.Kind]:
    """The columns that a student reads of a recording, with its clock if there is one."""
    columns: dict[str, text_table.Kind] = dict.fromkeys(about["channels"], "number")
    way = about["reading"]
    return columns | ({way["time"]: clock.kind(way["time_unit"])} if way["time"] and clocked else {})


def settings(path: Path, about: dict[str, Any]) -> dict[str, Any]:
    """student.json as it applies to a file: that of a device has dates, and units of its own, which are converted."""
    if not tables.is_device(path):
        return about
    scale: dict[str, float] = {}
    for name, unit in zip(about["channels"], map(units.standard, about["units"]), strict=True):
        own = devices.UNITS.get(name)
        for group in units.EQUAL:
            if own in group and unit in group and own != unit:
                scale[name] = group[unit] / group[own]
    return about | {"reading": about["reading"] | {"time": "time", "time_unit": "date", "scale": scale}}


def possible(path: Path, about: dict[str, Any]) -> bool:
    """Whether a file is large and can be read in blocks: a plain table or a device's, whose clock is not changed.

    Raises MixkdError naming file and line.
    """
    way, how = about["reading"], Spelling.of(about["reading"])
    large = DEVICE if tables.is_device(path) else LARGE
    if not path.is_file() or path.stat().st_size <= large or not streamed.is_plain(path, how):
        return False
    parts = (part.rows for part in streamed.blocks(path, columns_of(about), how, way["time"]))
    rows = next(parts)
    if way["time"] not in rows.columns:
        return not way.get("calibrate")  # without a clock: refused
    if way["time_unit"] not in form.DATES:
        return True
    low = high = int(rows.columns[way["time"]].min())
    if low < stamps.DAY:
        return False  # midnight is told from all rows
    if way.get("zone") and way["time"] not in rows.utc:
        for rows in parts:
            high = int(rows.columns[way["time"]].max())
        return not zones.changes(low - zones.LONGEST, high + zones.LONGEST, way["zone"])  # else told from all rows
    return True


def _joined(before: text_table.Parsed, rows: text_table.Parsed) -> text_table.Parsed:
    """Rows after the last rows before them."""
    columns = {name: np.concatenate([before.columns[name], column]) for name, column in rows.columns.items()}
    return replace(before, values=np.concatenate([before.values, rows.values]), columns=columns)


def _last(rows: text_table.Parsed, n: int) -> text_table.Parsed:
    """The last n rows; they keep their lines."""
    form = replace(rows.format, above=rows.format.above + len(rows) - n)
    return replace(
        rows, format=form, values=rows.values[-n:], columns={name: column[-n:] for name, column in rows.columns.items()}
    )

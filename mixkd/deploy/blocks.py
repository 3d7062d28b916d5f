"""A recording read in blocks, at the student's rate: memory does not grow with its length.

A block of rows is joined to the last rows before it. Of those, some are decided and others wait for what follows: a
spline, a filter or a filled hole depends on rows at both sides. So blocks give what the whole file would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from mixkd.datasets.own import clock, quality, streamed, tables, units
from mixkd.datasets.own.running import Running
from mixkd.datasets.own.spreadsheets import Spelling
from mixkd.datasets.raw import form, stamps, text_table, timing
from mixkd.datasets.raw.timing import EVEN
from mixkd.deploy.cutting import Cutter, Windows
from mixkd.errors import MixkdError

Count = Callable[[str, int], None]
KNOTS = 64  # rows at either side of a spline: farther ones change it by less than float32 resolves
LARGE = 1 << 27  # bytes of a table above which it is read in blocks
DEVICE = 1 << 24  # the same of a device's file, whose samples take fewer bytes
TAPS = 10  # half the length of scipy's polyphase filter, in samples of the lower rate


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
    factor: int = 1  # the file's rate, in rates of the student
    measured: bool = False
    first: float | None = None  # value of the clock in the first row
    start: tuple[int, bool] | None = None  # see `clock.start`
    running: Running = field(default_factory=Running)

    @property
    def waits(self) -> int:
        """Rows at either side that what becomes of a row depends on."""
        seconds = self.about["reading"]["gap"] + clock.BURST
        return int(1.2 * seconds * self.about["rate"] * self.factor) + KNOTS + 2 * TAPS * self.factor

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
        return unit

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
            factor = int(timing.factor(str(self.path), time, rate, window))
            if self.measured and factor != self.factor:
                before, here = (1 / float(np.median(np.diff(part))) for part in (times, time))
                changed = f"{before:.4g} samples per second and {here:.4g} after {times[-1]:.0f} s"
                raise MixkdError(f"{self.path}: found {changed}, expected one rate throughout: put them into two files")
            self.factor, self.measured = factor, True
        if not len(times):
            return time
        time += np.median(times - time[: len(times)])
        if done:
            time[:done] = times[:done]
            time[done:] = np.maximum(time[done:], times[done - 1] + 1e-9 * np.arange(1, len(time) - done + 1))
        return time


@dataclass
class Grid:
    """Even samples of one stretch without gaps, `factor` times the student's rate, then lowered to it."""

    start: float
    rate: float  # of the student
    factor: int
    n_raw: int = 0  # samples before lowering
    n_out: int = 0
    buffer: list[np.ndarray] = field(default_factory=list)
    at: int = 0  # number of the first sample in the buffer

    def take(self, time: np.ndarray, values: np.ndarray, stop: int, closes: bool) -> np.ndarray:
        """The next samples at the student's rate (n, n_channels), from rows of the stretch, up to row `stop`."""
        at = (time - self.start) * self.rate * self.factor
        base = round(float(at[0]))
        if np.abs(at - base - np.arange(len(at))).max() <= EVEN or len(at) < 2:
            raw = values[max(self.n_raw - base, 0) : stop]
        else:
            grid = np.arange(self.n_raw, int(np.floor(at[stop - 1] + 1e-6)) + 1)
            raw = CubicSpline(at, values.astype(np.float64))(grid).astype(np.float32)
        self.n_raw += len(raw)
        signal = self._lowered(raw, closes) if self.factor > 1 else raw
        self.n_out += len(signal)
        return signal

    def _lowered(self, raw: np.ndarray, closes: bool) -> np.ndarray:
        """As `timing.decimated` of the whole stretch, as far as samples at both sides are known."""
        reach = TAPS * self.factor
        self.buffer.append(raw)
        joined = np.concatenate(self.buffer)
        end = self.at + len(joined)
        until = -(-end // self.factor) if closes else max((end - reach - 1) // self.factor, self.n_out)
        if until <= self.n_out:
            self.buffer = [joined]
            return joined[:0]
        signal = timing.decimated(joined, self.factor)[self.n_out - self.at // self.factor :][: until - self.n_out]
        forget = max(until - TAPS - 1, self.at // self.factor) * self.factor - self.at
        self.buffer, self.at = [joined[forget:]], self.at + forget
        return signal


def pieces(source: Source) -> Iterator[Piece]:
    """The recording at the student's rate, cut at gaps, in blocks; as `timing.whole` of all rows."""
    gap, rate = source.about["reading"]["gap"], source.about["rate"]
    grid: Grid | None = None
    for unit in source.units():
        raw_rate = rate * source.factor
        values, mended = timing.filled(unit.values, int(gap * raw_rate + EVEN))
        lost = np.isnan(values).any(axis=1)
        decided = slice(unit.begin, unit.end)
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


def possible(path: Path, about: dict[str, Any]) -> bool:
    """Whether a file is large and can be read in blocks: a plain table or a device's, at a whole multiple of the rate.

    Raises MixkdError naming file and line.
    """
    way, rate, window = about["reading"], about["rate"], about["window"]
    how = Spelling.of(way)
    large = DEVICE if tables.is_device(path) else LARGE
    if way.get("calibrate"):
        return False  # gain and offset are known from all rows
    if not path.is_file() or path.stat().st_size <= large or not streamed.is_plain(path, how):
        return False
    rows = next(iter(streamed.blocks(path, columns_of(about), how, way["time"]))).rows
    if way["time"] not in rows.columns:
        return True
    if way["time_unit"] in form.DATES and (way.get("zone") or rows.columns[way["time"]].min() < stamps.DAY):
        return False  # the hour that is repeated, and midnight, are told from all rows
    time = clock.seconds(rows, way["time"], way["time_unit"], rate=rate, window=window, count=lambda what, n: None)
    return timing.factor(str(path), time, rate, window).denominator == 1


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

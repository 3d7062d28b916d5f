"""Several sensors of one recording, a file each in one folder (or zip archive), joined by time: one table.

Columns are called by file and column, `Gyroscope x`. Rows are those of the fastest sensor; values of the others are
interpolated to its times (cubic splines), and missing (NaN) in their holes, before their start and after their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from mixkd.datasets.raw import text_table
from mixkd.errors import MixkdError, short

HOLE = 2.5  # usual steps of a sensor: values are not interpolated across longer ones
Kinds = Mapping[str, text_table.Kind]


def prefix(sensor: str) -> str:
    """The beginning of the names of a sensor's columns: `Gyroscope.csv` -> `Gyroscope `."""
    return sensor.rpartition("/")[2].partition(".")[0] + " "


def files(path: Path, sensors: Sequence[str]) -> list[Path]:
    """The files of a recording. path: its folder or zip archive, or a file in it."""
    base = path if path.is_dir() or path.suffix.lower() == ".zip" else path.parent
    return [base / sensor for sensor in sensors]


def names(path: Path, sensors: Sequence[str], columns_of: Callable[[Path], list[str]]) -> list[str]:
    """Names of the columns of a recording; those of the clock, which all files have, without the sensor's."""
    columns = [columns_of(file) for file in files(path, sensors)]
    common = [name for name in columns[0] if all(name in others for others in columns)]
    own = [prefix(sensor) + name for sensor, of in zip(sensors, columns, strict=True) for name in of]
    return [*common, *own]


def read(
    path: Path, kinds: Kinds, sensors: Sequence[str], one: Callable[[Path, Kinds], text_table.Parsed]
) -> tuple[text_table.Parsed, dict[str, int]]:
    """The named columns of a recording, and counts of rows left out; one: reads columns of a file.

    Raises MixkdError for a column that no sensor has, without a clock, and for sensors that share no time.
    """
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    clocks = [name for name, kind in kinds.items() if kind not in ("number", "note")]
    starts = [prefix(sensor) for sensor in sensors]
    for name in kinds:
        if name not in clocks and not any(name.startswith(start) for start in starts):
            beginnings = ", ".join(map(repr, starts))
            raise MixkdError(f"{path}: found the column {short(name)!r}, expected a name that begins with {beginnings}")
    if len(clocks) != 1:
        raise MixkdError(f"{path}: found no line `time`, expected the column by which {', '.join(sensors)} are joined")
    [clock] = clocks
    parts: list[tuple[list[str], text_table.Parsed]] = []
    counts: dict[str, int] = {}
    for file, start in zip(files(path, sensors), starts, strict=True):
        own = [name for name in numbers if name.startswith(start)]
        rows = one(file, {clock: kinds[clock], **{name.removeprefix(start): "number" for name in own}})
        parts.append((own, _increasing(rows, clock, counts)))
    if len({clock in rows.utc for _, rows in parts}) > 1:
        raise MixkdError(f"{path}: found clocks with and without an offset from UTC, expected one way in all files")
    times = [rows.columns[clock].astype(np.float64) for _, rows in parts]
    low, high = max(time[0] for time in times), min(time[-1] for time in times)
    if not low < high:
        first, last = (sensors[int(np.argmax([t[0] for t in times]))], sensors[int(np.argmin([t[-1] for t in times]))])
        raise MixkdError(f"{path}: found {first} starting after the end of {last}, expected sensors that share a time")
    base = int(np.argmin([np.median(np.diff(time)) for time in times]))
    grid = times[base]
    there = (grid >= low) & (grid <= high)
    counts["rows before or after other sensors record, left out"] = int((~there).sum())
    values = {
        name: column[there] if i == base else interpolated(times[i] - low, column, grid[there] - low)
        for i, (own, rows) in enumerate(parts)
        for name, column in zip(own, rows.values.T, strict=True)
    }
    rows = parts[base][1]
    form = text_table.Format({clock: kinds[clock], **dict.fromkeys(numbers, "number")})
    table = np.stack([values[name] for name in numbers], axis=1).astype(np.float32)
    return text_table.Parsed(path, form, table, {clock: rows.columns[clock][there]}, {}, rows.utc), counts


def _increasing(rows: text_table.Parsed, clock: str, counts: dict[str, int]) -> text_table.Parsed:
    """The rows without those that repeat the time before. Raises MixkdError for a clock that goes back."""
    steps = np.diff(rows.columns[clock])
    if (back := np.flatnonzero(steps < 0)).size:
        raise rows.earlier(clock, int(back[0]) + 1, "a later time in every line")
    new = np.r_[True, steps > 0]
    if new.sum() < 2:
        raise MixkdError(f"{rows.path}: found {len(rows)} rows at one time, expected a recording")
    what = "rows with the time of the row before, left out"
    counts[what] = counts.get(what, 0) + int((~new).sum())
    columns = {clock: rows.columns[clock][new]}
    return text_table.Parsed(rows.path, rows.format, rows.values[new], columns, {}, rows.utc)


def interpolated(time: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """values (n,) at increasing `time` (n,), NaN where missing, at the times `at` (m,): (m,), NaN in holes."""
    known = ~np.isnan(values)
    time, values = time[known], values[known].astype(np.float64)
    if len(time) < 2:
        return np.full(len(at), np.nan)
    result = CubicSpline(time, values)(at)
    after = np.clip(np.searchsorted(time, at, side="right"), 1, len(time) - 1)
    hole = time[after] - time[after - 1] > HOLE * np.median(np.diff(time))
    outside = (at < time[0]) | (at > time[-1])
    on = np.isin(at, time)
    return np.where((hole & ~on) | outside, np.nan, result)

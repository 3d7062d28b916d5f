"""A recording read at once: formats that cannot be read in blocks, such as files of devices and joined sensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.datasets.own import clock, gravity, quality, tables, units
from mixkd.datasets.own.spreadsheets import Spelling
from mixkd.datasets.raw import text_table, timing
from mixkd.deploy.blocks import Count, columns_of, count_short
from mixkd.errors import MixkdError


@dataclass(frozen=True)
class Recording:
    """Segments without gaps: (first time in s, signal (n_samples, n_channels)), at the student's rate.

    start: see `clock.start`; quality: None without a clock
    """

    segments: list[tuple[float, np.ndarray]]
    start: tuple[int, bool] | None
    quality: quality.Quality | None


def read(path: Path, about: dict[str, Any], count: Count = lambda what, n: None) -> Recording:
    """A file, parsed with the settings in student.json; rows are even in time where it lacks the clock.

    `count(what, n)` is called for each repair and omission. Raises MixkdError naming file and line.
    """
    way, rate, window = about["reading"], about["rate"], about["window"]
    how = Spelling.of(way)
    name = way["time"] if way["time"] in tables.column_names(path, how) else None
    table = tables.read(path, columns_of(about, clocked=name is not None), how)
    for what, n in table.counts.items():
        count(what, n)
    rows, factor, start, row = table.rows, Fraction(1), None, None
    if name:
        unit, zone = way["time_unit"], way.get("zone")
        time = clock.seconds(rows, name, unit, rate=rate, window=window, count=count, zone=zone)
        factor = timing.factor(str(path), time, rate, window)
        start = clock.start(rows, name, unit, zone)
        span = clock.span(rows, name, unit, zone=zone, lasts=float(time[-1] - time[0]))
        row = _quality(rows, time, about, span)
        if way.get("calibrate"):
            channels = {"channels": about["channels"], "stated": about["units"]}
            rows = replace(rows, values=gravity.calibrated(rows, time, **channels, count=count))
    elif way.get("calibrate"):
        raise MixkdError(f"{path}: found no clock, expected one, by which the student's recordings were calibrated")
    else:
        time = np.arange(len(rows)) / rate
        lacking = f"the clock {way['time']!r}" if way["time"] else "a clock"
        count(f"rows without {lacking}, taken as {rate:g} a second", len(rows))
    stretches = list(timing.whole(time, rows.values, rate, factor=factor, gap=way["gap"], count=count))
    segments = [(first, signal) for first, signal in stretches if len(signal) >= window]
    count_short(path, about, count, len(rows), n_short=len(stretches) - len(segments), n_stretches=len(stretches))
    return Recording(segments, start, row)


def _quality(
    rows: text_table.Parsed, time: np.ndarray, about: dict[str, Any], span: tuple[str, str]
) -> quality.Quality:
    acceleration = units.acceleration(rows.values, about["channels"], about["units"])
    usual = 1 / float(np.median(np.diff(time))) if len(time) > 1 else about["rate"]
    return quality.row(rows.path.name, time, acceleration, rate=quality.nominal(usual), span=span)

"""A clock column in seconds: repeated times are spread, a clock that goes back is refused.

Real clocks repeat times: they count whole seconds or milliseconds, or give all rows of a packet its arrival time. Such
rows are spaced at the rate of the clock and aligned to its times. A late packet is detected from the rows within
`BURST` after it; a gap remains a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import minimum_filter1d

from mixkd.datasets.own import zones
from mixkd.datasets.raw import faults, form, stamps, text_table, timing
from mixkd.datasets.raw.faults import Faults
from mixkd.datasets.raw.timing import MATCH
from mixkd.errors import MixkdError

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, **dict.fromkeys(form.DATES, 1e-6)}  # in seconds
EPOCH = 1e9  # s since 1970: 2001; smaller numbers count from the start of a device or of a file
BURST = 2.0  # s: largest shift of a row from its time (chosen here, for whole seconds and late packets)
LATER = (
    "a later time in every line: split the file there, or take out the line `time` (rows are then even in time); "
    'a usual cause is the end of daylight saving time, which a line such as zone = "Europe/Berlin" resolves'
)


def kind(unit: str) -> text_table.Kind:
    """The column kind that a clock in this unit is read as."""
    return unit if unit in form.DATES else "time"  # type: ignore[return-value]  # one of DATES


def seconds(
    rows: text_table.Parsed,
    name: str,
    unit: str,
    *,
    rate: float,
    window: int,
    count: Callable[[str, int], None],
    same: np.ndarray | None = None,
    zone: str | None = None,
) -> np.ndarray:
    """Increasing time (s) of every row since the first row of its recording: (n,).

    same: (n - 1,), whether a row belongs to the recording of the row before; default: all do. count: called with the
    number of repeated times; zone: of dates without an offset. Raises Faults for times that clocks in the zone do not
    show, a clock that goes back, or whose rate differs from `rate` in a recording of more than `window` rows.
    """
    same = np.ones(len(rows) - 1, bool) if same is None else same
    cuts = np.flatnonzero(~same) + 1
    segments = [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    values = instants(rows, name, unit, zone=zone, segments=segments)
    lines = [str(rows.earlier(name, row, LATER)) for row in np.flatnonzero((np.diff(values) < 0) & same) + 1]
    time = np.zeros(len(rows))
    for segment in segments if not lines else []:
        time[segment] = (values[segment] - values[segment.start]) * UNITS[unit]
        try:
            if not (np.diff(time[segment]) > 0).all():
                time[segment] = _spread(rows, name, segment.start, time[segment], rate, count)
            if segment.stop - segment.start > window:
                where = rows.place(segment.start) if len(segments) > 1 else str(rows.path)
                timing.check_rate(where, np.diff(time[segment]), rate)
        except MixkdError as error:
            lines.append(str(error))
    if lines:
        raise Faults(faults.first(rows.path, lines))
    return time


def instants(
    rows: text_table.Parsed, name: str, unit: str, *, zone: str | None, segments: Sequence[slice] = (slice(None),)
) -> np.ndarray:
    """The clock's values (n,): dates in their `zone` as UTC, times without a date continued past midnight.

    segments: of rows of one recording. Raises Faults for times that clocks in the zone do not show.
    """
    values = rows.columns[name]
    if unit in form.DATES and values.min() >= 0 and values.max() < stamps.DAY:
        return _past_midnight(values)
    if zone is None or unit not in form.DATES or name in rows.utc:
        return values
    result, lines = np.empty_like(values), []
    for segment in segments:
        try:
            result[segment] = zones.to_utc(values[segment], zone)
        except ValueError as error:
            lines.append(f"{rows.place(segment.start or 0)}: {error}")
    if lines:
        raise Faults(faults.first(rows.path, lines))
    return result


def start(rows: text_table.Parsed, name: str, unit: str, zone: str | None) -> tuple[int, bool] | None:
    """Time of the first row in µs since 1970, and whether it is UTC (else local time); None for a clock without a date.

    Numbers count as UTC if they lie after 2001: seconds since 1970 and the like.
    """
    if unit not in form.DATES:
        seconds = float(rows.columns[name][0]) * UNITS[unit]
        return (round(seconds * 1e6), True) if seconds >= EPOCH else None
    value = int(instants(rows, name, unit, zone=zone)[0])
    return (value, zone is not None or name in rows.utc) if value >= stamps.DAY else None


def span(rows: text_table.Parsed, name: str | None, unit: str, *, zone: str | None, lasts: float) -> tuple[str, str]:
    """Start and end of a recording that lasts some seconds, as text: with an offset from UTC where it is known."""
    return between(start(rows, name, unit, zone) if name else None, zone, lasts)


def between(first: tuple[int, bool] | None, zone: str | None, lasts: float) -> tuple[str, str]:
    """The same from the `start` of the recording."""
    if first is None:
        return "0 s", f"{lasts:.1f} s"
    moments = (first[0], first[0] + round(lasts * 1e6))
    one, other = (zones.written(at, zone or "UTC") if first[1] else stamps.written(at) for at in moments)
    return one, other


def _spread(rows: text_table.Parsed, name: str, start: int, time: np.ndarray, rate: float, count) -> np.ndarray:
    """Spread the repeated times of a recording, and count them."""
    repeated = np.count_nonzero(np.diff(time) == 0)
    placed, far = spread(time, rate)
    if far.size:
        crowded = f"more rows around {rows.shown(name, start + far[0])} than {BURST:g} s of the rate hold"
        raise rows.refuse(
            start + far[0], crowded, f"times that differ, or no line `time` (rows are then 1 / {rate:g} s apart)"
        )
    whole = len(time) < 2 * repeated and not np.mod(time, 1).any()
    how = "in whole seconds, spread evenly within each" if whole else "of the row before, spread by the rate"
    count(f"rows with a time {how}", repeated)
    return placed


def spread(time: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Increasing times (n,) in s from non-decreasing times (n,), and the rows (n_rows,) too far from their times."""
    starts = np.r_[0, np.flatnonzero(np.diff(time) > 0) + 1]  # of groups of rows with one time
    sizes, steps = np.diff(np.r_[starts, len(time)]), np.diff(time[starts])
    step = 1 / (rows_per_second(time) or rate)
    # Delay of a group against rows counted at a constant rate: the smallest delay within BURST after it.
    ahead = min(max(round(BURST / step), 1), len(time))  # rows; at most all: a longer filter only costs memory
    late = np.repeat(time[starts] - starts * step, sizes)
    late = minimum_filter1d(late, ahead, origin=-(ahead // 2), mode="nearest")[starts]
    usual = float(np.median(steps)) if len(steps) else 0.0
    hole = max(step, MATCH * usual)
    before = -1  # last group before a gap or the start: the group after it may be incomplete
    for group in np.flatnonzero(np.diff(late) > hole):
        if group == before + 1 and late[group + 1] - late[group] <= (1 + MATCH) * usual:
            late[group] = late[group + 1]
        else:
            before = group
    # Rows are at least half a step apart: if a group has too many rows, earlier rows move.
    half = starts * step / 2
    first = np.minimum.accumulate((half + late)[::-1])[::-1] + half
    width = np.full(len(starts), step)
    width[:-1] = np.where(np.diff(late) > hole, step, np.diff(first) / sizes[:-1])
    placed = np.repeat(first, sizes) + (np.arange(len(time)) - np.repeat(starts, sizes)) * np.repeat(width, sizes)
    far = (np.abs(placed - time) > BURST) | np.repeat(sizes * step > (1 + MATCH) * BURST, sizes)
    return placed - placed[0], np.flatnonzero(far)


def rows_per_second(time: np.ndarray) -> float | None:
    """Rate of time (n,) in s from complete groups of rows with equal time, gaps left out; None without groups."""
    starts = np.r_[0, np.flatnonzero(np.diff(time) > 0) + 1]
    sizes, steps = np.diff(starts)[1:], np.diff(time[starts])[1:]
    if not len(steps):
        return None
    inner = steps <= 3 * np.median(steps)
    return float(sizes[inner].sum() / steps[inner].sum())


def _past_midnight(values: np.ndarray) -> np.ndarray:
    """Times without a date (µs), continued past midnight."""
    steps = np.diff(values)
    return values + stamps.DAY * np.cumsum(np.r_[0, (steps < 0) & (steps + stamps.DAY < stamps.HOUR)])

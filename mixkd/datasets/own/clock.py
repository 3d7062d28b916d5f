"""A clock column in seconds: repeated times are spread, a clock that goes back is refused.

Real clocks repeat times: they count whole seconds or milliseconds, or give a packet the time of its arrival. Such rows
are placed by counting them at the rate that the clock shows, and held to its times: that a packet came late is seen
from what comes within `BURST` after it; a hole stays a hole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import minimum_filter1d

from mixkd.datasets.raw import faults, form, stamps, text_table, timing
from mixkd.datasets.raw.faults import Faults
from mixkd.datasets.raw.timing import MATCH
from mixkd.errors import MixkdError

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, **dict.fromkeys(form.DATES, 1e-6)}  # in seconds
BURST = 2.0  # s: by which a row may be placed beside its time (chosen here: whole seconds, and packets that were late)
LATER = (
    "a later time in every line: split the file there, or take out the line `time` (rows are then even in time); "
    "a usual cause is the end of daylight saving time"
)


def kind(unit: str) -> text_table.Kind:
    """As what a clock column in this unit is read."""
    return unit if unit in form.DATES else "time"  # type: ignore[return-value]  # one of DATES


def seconds(
    rows: text_table.Parsed,
    name: str,
    unit: str,
    rate: float,
    window: int,
    count: Callable[[str, int], None],
    same: np.ndarray | None = None,
) -> np.ndarray:
    """Increasing time (s) of every row since the first of its recording: (n,).

    same: (n - 1,) whether a row is of the recording of the row before; none: all are. count: called of repeated times.
    Raises Faults for a clock that goes back, or that ticks at another rate in a recording of at least `window` rows.
    """
    same = np.ones(len(rows) - 1, bool) if same is None else same
    values = rows.columns[name]
    if unit in form.DATES and values.min() >= 0 and values.max() < stamps.DAY:
        values = _past_midnight(values)
    lines = [str(rows.earlier(name, row, LATER)) for row in np.flatnonzero((np.diff(values) < 0) & same) + 1]
    time, cuts = np.zeros(len(rows)), np.flatnonzero(~same) + 1
    parts = [slice(start, end) for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    for part in parts if not lines else []:
        time[part] = (values[part] - values[part.start]) * UNITS[unit]
        try:
            if not (np.diff(time[part]) > 0).all():
                time[part] = _spread(rows, name, part.start, time[part], rate, count)
            if part.stop - part.start > window:
                where = rows.place(part.start) if len(parts) > 1 else str(rows.path)
                timing.check_rate(where, np.diff(time[part]), rate)
        except MixkdError as error:
            lines.append(str(error))
    if lines:
        raise Faults(faults.first(rows.path, lines))
    return time


def _spread(rows: text_table.Parsed, name: str, start: int, time: np.ndarray, rate: float, count) -> np.ndarray:
    """The times of a recording that repeats some, spread and counted."""
    repeated = np.count_nonzero(np.diff(time) == 0)
    placed, far = spread(time, rate)
    if far.size:
        found = f"more rows around {rows.shown(name, start + far[0])} than {BURST:g} s of the rate hold"
        raise rows.refuse(
            start + far[0], found, f"times that differ, or no line `time` (rows are then 1 / {rate:g} s apart)"
        )
    whole = len(time) < 2 * repeated and not np.mod(time, 1).any()
    how = "in whole seconds, spread evenly within each" if whole else "of the row before, spread by the rate"
    count(f"rows with a time {how}", repeated)
    return placed


def spread(time: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Increasing times (s) of rows whose times (n,) do not decrease, and the rows that are too far from theirs."""
    starts = np.r_[0, np.flatnonzero(np.diff(time) > 0) + 1]  # of groups of rows with one time
    sizes, steps = np.diff(np.r_[starts, len(time)]), np.diff(time[starts])
    step = 1 / (rows_per_second(time) or rate)
    # How late a group is, were its rows counted from the first: that of the least late one in what follows.
    ahead = min(max(round(BURST / step), 1), len(time))  # rows; a filter beyond the last one takes memory alone
    late = np.repeat(time[starts] - starts * step, sizes)
    late = minimum_filter1d(late, ahead, origin=-(ahead // 2), mode="nearest")[starts]
    usual = float(np.median(steps)) if len(steps) else 0.0
    hole = max(step, MATCH * usual)
    before = -1  # the group that a hole, or the beginning, comes before: its time may be cut off, not its rows lost
    for group in np.flatnonzero(np.diff(late) > hole):
        if group == before + 1 and late[group + 1] - late[group] <= (1 + MATCH) * usual:
            late[group] = late[group + 1]
        else:
            before = group
    # No two rows are closer than half a step: where there are too many, those before them move.
    half = starts * step / 2
    first = np.minimum.accumulate((half + late)[::-1])[::-1] + half
    width = np.full(len(starts), step)
    width[:-1] = np.where(np.diff(late) > hole, step, np.diff(first) / sizes[:-1])
    placed = np.repeat(first, sizes) + (np.arange(len(time)) - np.repeat(starts, sizes)) * np.repeat(width, sizes)
    far = (np.abs(placed - time) > BURST) | np.repeat(sizes * step > (1 + MATCH) * BURST, sizes)
    return placed - placed[0], np.flatnonzero(far)


def rows_per_second(time: np.ndarray) -> float | None:
    """By the whole groups of rows with one time (s), holes left out; None where there are none."""
    starts = np.r_[0, np.flatnonzero(np.diff(time) > 0) + 1]
    sizes, steps = np.diff(starts)[1:], np.diff(time[starts])[1:]
    if not len(steps):
        return None
    inner = steps <= 3 * np.median(steps)
    return float(sizes[inner].sum() / steps[inner].sum())


def _past_midnight(values: np.ndarray) -> np.ndarray:
    """Times without a date (µs) that go on past midnight."""
    steps = np.diff(values)
    return values + stamps.DAY * np.cumsum(np.r_[0, (steps < 0) & (steps + stamps.DAY < stamps.HOUR)])

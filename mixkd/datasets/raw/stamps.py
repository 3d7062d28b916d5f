"""Parser of dates and times as loggers, phones and spreadsheets write them; results in microseconds.

Read are `2021-03-04 12:30:00.5`, also with T, slashes, a comma or (GENEActiv) a colon before the fraction, an offset
from UTC or Z, AM or PM; day and month first (`04.03.2021 12:30:00`), where their order is known; and a time alone.
Ambiguous stamps are refused: two-digit years, names of time zones, files that mix formats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

WIDTH = 40  # characters of a stamp, at most
AMBIGUOUS = 'dates whose day or month may be first, expected `time_unit = "day/month"` or "month/day" in dataset.toml'
EXAMPLE = "2021-03-04 12:30:00.000"
DAY, HOUR, MINUTE, SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000  # µs
# Matches a stamp with all digits replaced by 0; the span of a group is the span of its digits.
LAYOUT = re.compile(
    rb"(?:(?:(?P<year>0000)(?P<dash>[-/.])(?P<month>00?)(?P=dash)(?P<day>00?)|(?P<first>00?)(?P<mark>[-/.])(?P<second>00?)(?P=mark)(?P<last>0000))"
    rb"(?:T|t| +))?"
    rb"(?P<H>00?):(?P<M>00)(?::(?P<S>00)(?:[.,:](?P<fraction>0{1,9}))?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    rb"(?: ?(?P<zone>Z|z|UTC|GMT|(?P<sign>[+-])(?P<oh>00):?(?P<om>00)?))?"
)


class Stamps:
    """Reads one column, block by block. Either all stamps have a date or none; the same for an offset from UTC."""

    def __init__(self, month_first: bool = False):
        self.month_first = month_first
        self.ways: set[tuple[bool, bool]] = set()
        self.year_last = False  # and no points: dates with points have the day first

    def read(self, words: Sequence[str]) -> np.ndarray:
        """µs since 1970, or since midnight without a date: (n,) int64. ValueError for invalid or mixed stamps."""
        if max(map(len, words), default=0) > WIDTH:
            raise ValueError(f"expected a date and time such as {EXAMPLE}")
        stripped = np.char.strip(np.array(words, "S"))  # UnicodeEncodeError is a ValueError
        letters = stripped.view(np.uint8).reshape(len(stripped), stripped.dtype.itemsize)
        shapes = np.where((letters >= 48) & (letters <= 57), 48, letters)
        times, left = np.zeros(len(stripped), np.int64), np.arange(len(stripped))
        while left.size:
            alike = (shapes[left] == shapes[left[0]]).all(axis=1)
            times[left[alike]] = self._alike(letters[left[alike]], shapes[left[0]].tobytes().rstrip(b"\0"))
            left = left[~alike]
        return times

    def _alike(self, letters: np.ndarray, shape: bytes) -> np.ndarray:
        """Times (n,) of stamps of one layout; letters: (n, n_letters) ASCII codes."""
        layout = LAYOUT.fullmatch(shape)
        if not layout or not (layout["S"] or layout["year"] or layout["last"]):
            raise ValueError(f"expected a date and time such as {EXAMPLE}")

        def number(name: str) -> np.ndarray:
            start, end = layout.span(name)
            return (letters[:, start:end].astype(np.int64) - 48) @ 10 ** np.arange(end - start)[::-1]

        hour, dated = number("H"), bool(layout["year"] or layout["last"])
        if layout["half"]:
            _refuse((hour < 1) | (hour > 12), "expected an hour from 1 to 12 before AM or PM")
            hour = hour % 12 + 12 * (layout["half"] in b"Pp")
        minute, second = number("M"), number("S")
        _refuse(second == 60, "expected no leap second, which has no number of its own: take out the row")
        _refuse((hour > 23) | (minute > 59) | (second > 59), "expected a time from 00:00:00 to 23:59:59")
        times = hour * HOUR + minute * MINUTE + second * SECOND
        if layout["fraction"]:
            times += number("fraction") * SECOND // 10 ** len(layout["fraction"])
        if dated:
            times += _days(*map(number, self._date(layout))) * DAY
        if layout["sign"]:
            times -= (number("oh") * HOUR + number("om") * MINUTE) * (1 if layout["sign"] == b"+" else -1)
        self.ways.add((dated, bool(layout["zone"])))
        if len(self.ways) > 1:
            raise ValueError("some stamps have a date or an offset from UTC and others have none, expected one way")
        return times

    def _date(self, layout: re.Match) -> tuple[str, str, str]:
        """The groups of year, month and day."""
        if layout["year"]:
            return "year", "month", "day"
        points = layout["mark"] == b"."
        self.year_last |= not points
        return ("last", "first", "second") if self.month_first and not points else ("last", "second", "first")

    def ambiguous(self, times: np.ndarray) -> bool:
        """Whether times (n,), read with the day first, would have other steps with the month first."""
        days = np.unique(times // DAY).astype("datetime64[D]")
        early = (days - days.astype("datetime64[M]")).astype(np.int64) < 12
        return self.year_last and len(days) > 1 and bool(early.all())


def _refuse(bad: np.ndarray, expected: str) -> None:
    if np.any(bad):
        raise ValueError(expected)


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970."""
    expected = 'expected a day that is in the calendar (month first: `time_unit = "month/day"`)'
    _refuse((month < 1) | (month > 12) | (day < 1), expected)
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = months.astype("datetime64[D]") + (day - 1)
    _refuse(days.astype("datetime64[M]") != months, expected)
    return days.astype(np.int64)


def column(words: Sequence[str], kind: str) -> np.ndarray:
    """Times (n,) of a whole column, see `Stamps.read`. kind: day/month, month/day, or date: the order that fits."""
    stamps = Stamps(kind == "month/day")
    try:
        times = stamps.read(words)
    except ValueError:
        if kind != "date":
            raise
        return Stamps(month_first=True).read(words)
    if kind == "date" and stamps.ambiguous(times):
        raise ValueError(AMBIGUOUS)
    return times


def fault(word: str, month_first: bool = False) -> str | None:
    """The expected form of a stamp, or None if `word` is one."""
    try:
        Stamps(month_first).read([word])
    except UnicodeEncodeError:
        return f"a date and time such as {EXAMPLE}"
    except ValueError as error:
        return str(error).split("expected ", 1)[-1]
    return None


def written(time: int) -> str:
    """A time (µs) as text: date and time, or time of day if it is below one day."""
    text = str(np.datetime64(int(time), "us")).replace("T", " ").removesuffix("000").removesuffix(".000")
    return text.split()[-1] if 0 <= time < DAY else text

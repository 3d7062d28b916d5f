"""Dates and times as loggers, phones and spreadsheets write them, in microseconds.

Read are `2021-03-04 12:30:00.5`, also with T, slashes, a comma or (GENEActiv) a colon before the fraction, an offset
from UTC or Z, AM or PM; day and month first (`04.03.2021 12:30:00`), where their order is known; and a time alone.
Refused is what has two meanings: two-digit years, names of time zones, files that mix these ways.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

WIDTH = 40  # characters of a stamp, at most
AMBIGUOUS = 'dates whose day or month may be first, expected `time_unit = "day/month"` or "month/day" in dataset.toml'
EXAMPLE = "2021-03-04 12:30:00.000"
DAY, HOUR, MINUTE, SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000  # µs
# Of a stamp whose digits are all written 0. A group's place is that of its digits.
LAYOUT = re.compile(
    rb"(?:(?:(?P<year>0000)(?P<dash>[-/.])(?P<month>00?)(?P=dash)(?P<day>00?)|(?P<first>00?)(?P<mark>[-/.])(?P<second>00?)(?P=mark)(?P<last>0000))"
    rb"(?:T|t| +))?"
    rb"(?P<H>00?):(?P<M>00)(?::(?P<S>00)(?:[.,:](?P<fraction>0{1,9}))?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    rb"(?: ?(?P<zone>Z|z|UTC|GMT|(?P<sign>[+-])(?P<oh>00):?(?P<om>00)?))?"
)


class Stamps:
    """Reads one column, part by part. All its stamps have a date or none has, and the same for an offset from UTC."""

    def __init__(self, month_first: bool = False):
        self.month_first = month_first
        self.ways: set[tuple[bool, bool]] = set()
        self.year_last = False  # and not with points, which only dates with the day first have

    def read(self, words: Sequence[str]) -> np.ndarray:
        """µs since 1970, or since midnight where there is no date: (n,) int64. ValueError: no stamp, or another way."""
        if max(map(len, words), default=0) > WIDTH:
            raise ValueError(f"expected a date and time such as {EXAMPLE}")
        raw = np.char.strip(np.array(words, "S"))  # UnicodeEncodeError is a ValueError
        letters = raw.view(np.uint8).reshape(len(raw), raw.dtype.itemsize)
        shapes = np.where((letters >= 48) & (letters <= 57), 48, letters)
        found, left = np.zeros(len(raw), np.int64), np.arange(len(raw))
        while left.size:
            alike = (shapes[left] == shapes[left[0]]).all(axis=1)
            found[left[alike]] = self._alike(letters[left[alike]], shapes[left[0]].tobytes().rstrip(b"\0"))
            left = left[~alike]
        return found

    def _alike(self, letters: np.ndarray, shape: bytes) -> np.ndarray:
        """Stamps of one shape: letters (n, n_letters), ASCII codes."""
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
        found = hour * HOUR + minute * MINUTE + second * SECOND
        if layout["fraction"]:
            found += number("fraction") * SECOND // 10 ** len(layout["fraction"])
        if dated:
            found += _days(*map(number, self._date(layout))) * DAY
        if layout["sign"]:
            found -= (number("oh") * HOUR + number("om") * MINUTE) * (1 if layout["sign"] == b"+" else -1)
        self.ways.add((dated, bool(layout["zone"])))
        if len(self.ways) > 1:
            raise ValueError("some stamps have a date or an offset from UTC and others have none, expected one way")
        return found

    def _date(self, layout: re.Match) -> tuple[str, str, str]:
        """The groups of year, month and day."""
        if layout["year"]:
            return "year", "month", "day"
        points = layout["mark"] == b"."
        self.year_last |= not points
        return ("last", "first", "second") if self.month_first and not points else ("last", "second", "first")

    def ambiguous(self, found: np.ndarray) -> bool:
        """Whether stamps that were read with the day first would have other steps with the month first."""
        days = np.unique(found // DAY).astype("datetime64[D]")
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
    """A whole column: see `Stamps.read`. kind: day/month, month/day, or date: whichever fits."""
    stamps = Stamps(kind == "month/day")
    try:
        found = stamps.read(words)
    except ValueError:
        if kind != "date":
            raise
        return Stamps(month_first=True).read(words)
    if kind == "date" and stamps.ambiguous(found):
        raise ValueError(AMBIGUOUS)
    return found


def fault(word: str, month_first: bool = False) -> str | None:
    """What was expected in place of a stamp, or None where it is one."""
    try:
        Stamps(month_first).read([word])
    except UnicodeEncodeError:
        return f"a date and time such as {EXAMPLE}"
    except ValueError as error:
        return str(error).split("expected ", 1)[-1]
    return None


def written(found: int) -> str:
    """A stamp as a date and time, or as a time where it has no date."""
    text = str(np.datetime64(int(found), "us")).replace("T", " ").removesuffix("000").removesuffix(".000")
    return text.split()[-1] if 0 <= found < DAY else text

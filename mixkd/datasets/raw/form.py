"""Format of a text table: columns by name and kind, separator, decimal sign, spelling of missing values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mixkd.errors import MixkdError, short

# number: a column of the float32 matrix `values`; time: float64; whole: int64; text: codes of the distinct words; note:
# as text, may be empty; skip: not read. Dates and times are µs since 1970, int64: instant: ISO 8601 without offset;
# date, day/month, month/day: as `stamps` reads them, with the order of day and month if the year is last
Kind = Literal["number", "time", "instant", "date", "day/month", "month/day", "whole", "text", "note", "skip"]
DATES = ("date", "day/month", "month/day")
LATEST = 1e20  # in whatever unit; ns since 1970 are 2e18
LONGEST = 1 << 19  # bytes of a line, at most
NAMES = {" ": "blanks", "\t": "tabs", ",": "commas", ";": "semicolons"}
INSIDE = "\x1f"  # ASCII unit separator, used if the separator also occurs inside quotes


@dataclass(frozen=True)
class Format:
    """Format of a file: its columns by name and kind in file order, separator, and whether line 1 is a header.

    missing: spellings of a missing value (NaN in the result); empty: missing values are refused.
    ends: the line end, or None for either, not mixed, if the official line end is unknown.
    above: number of lines before the first that is parsed.
    """

    columns: dict[str, Kind]
    separator: str = ","
    header: bool = False
    missing: tuple[str, ...] = ()
    ends: Literal["\n", "\r\n"] | None = "\n"
    decimal: str = "."
    above: int = 0

    @property
    def numbers(self) -> list[str]:
        """Names of the columns of numbers."""
        return [name for name, kind in self.columns.items() if kind == "number"]

    @property
    def first_line(self) -> int:
        """Number of the line of the first row."""
        return 1 + self.above + self.header

    def __str__(self) -> str:
        by = f" separated by {NAMES.get(self.separator, repr(self.separator))}" if len(self.columns) > 1 else ""
        by = "" if self.separator == INSIDE else by
        return f"{len(self.columns)} column{'s' * (len(self.columns) > 1)}{by}"


def refusal(path: Path, line: int, found: object, expected: str) -> MixkdError:
    """The error of a line of a file."""
    return MixkdError(f"{path}, line {line}: found {short(found)}, expected {expected}")

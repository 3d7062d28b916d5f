"""What a text table must be: columns by name and kind, separator, decimal sign, how lost values are spelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mixkd.errors import MixkdError, short

# number: a column of the float32 matrix `values`; time: float64; whole: int64; text: codes into the words found; note:
# the same, may be empty; skip: not read; the others are dates and times, µs since 1970, int64: instant: as ISO 8601,
# without offset; date: as `stamps` reads them, with the order of day and month where the year is last
Kind = Literal["number", "time", "instant", "date", "day/month", "month/day", "whole", "text", "note", "skip"]
DATES = ("date", "day/month", "month/day")
LATEST = 1e20  # in whatever unit; ns since 1970 are 2e18
LONGEST = 1 << 19  # bytes of a line, at most
NAMES = {" ": "blanks", "\t": "tabs", ",": "commas", ";": "semicolons"}
INSIDE = "\x1f"  # in place of a separator that also stands in quotes: ASCII's unit separator


@dataclass(frozen=True)
class Format:
    """What a file must be: its columns by name and kind in file order, separator, and whether line 1 names them.

    missing: how a lost value may be spelled (NaN in the result); in no way: a lost value is refused.
    ends: the line end, or None for either, not mixed, of files whose official line end is not known here.
    above: lines of the file before the first that is parsed.
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
    """The refusal of a line of a file."""
    return MixkdError(f"{path}, line {line}: found {short(found)}, expected {expected}")

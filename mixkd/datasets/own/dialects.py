"""Text tables that programs of devices write, known by their first lines: where rows begin, columns, clock.

- ActiGraph RAW: ten lines with rate and start, local time; names of columns or none
- GENEActiv: a hundred lines, no names of columns; a clock column
- Empatica E4: start (UTC) and rate are the first two rows; the sensor is the file's name
Where the rows have no clock, it is column CLOCK: start plus row divided by rate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixkd.datasets.raw import stamps
from mixkd.errors import MixkdError, short

CLOCK = "time"
LINES = 120  # that are looked at
ACTIGRAPH = re.compile(r"-+ ?Data (Table )?File Created By Acti[Gg]raph", re.IGNORECASE)
AXES = ["Accelerometer X", "Accelerometer Y", "Accelerometer Z"]
GENEACTIV = ["time", "x", "y", "z", "light", "button", "temperature"]
UNITS = {  # of columns whose names tell none
    **dict.fromkeys((*AXES, "x", "y", "z"), "g"),
    **dict.fromkeys(("light", "button"), "?"),
    "temperature": "°C",
}
E4 = {"acc": ["x", "y", "z"]}
E4_SENSORS = ("acc", "bvp", "eda", "hr", "temp")
E4_ACC = 1 / 64  # g: one count of the accelerometer


@dataclass(frozen=True)
class Dialect:
    """Names of the columns and lines above the first row; without a clock column, start (µs since 1970) and rate."""

    names: list[str]
    above: int
    start: int | None = None
    rate: float | None = None
    utc: bool = False

    def clock(self, n_rows: int) -> np.ndarray:
        """Times (n_rows,) in µs since 1970 of rows without a clock column."""
        assert self.start is not None
        assert self.rate
        return self.start + np.round(np.arange(n_rows) * (1e6 / self.rate)).astype(np.int64)


def of(path: Path, lines: list[str], separator: str) -> Dialect | None:
    """The dialect of a table with these first lines; None for a plain table. Raises MixkdError, such as for counts."""
    if not lines:
        return None
    if ACTIGRAPH.match(lines[0].strip('"')):
        return _actigraph(path, lines, separator)
    if re.match(r'"?Device Type"?[,;]"?GENEActiv', lines[0]):
        return _geneactiv(path, lines, separator)
    return _e4(path, lines)


def _actigraph(path: Path, lines: list[str], separator: str) -> Dialect:
    header = [line.strip(',;"\r\n\t ') for line in lines[:15]]
    text = "\n".join(header)
    end = next((i for i, line in enumerate(header) if i and re.fullmatch("-{10,}", line)), None)
    if end is None or end + 2 > len(lines):
        raise MixkdError(f"{path}: found an ActiGraph header without rows, expected a recording")
    if (epoch := re.search(r"Epoch Period \(hh:mm:ss\) (\S+)", text)) and epoch[1] != "00:00:00":
        raise MixkdError(f"{path}: found counts per epoch of {epoch[1]}, expected raw samples: export RAW data")
    first = [word.strip(' "\r\n') for word in lines[end + 1].split(separator)]
    named = any(re.search("[A-Za-z]", word) for word in first)
    names = first if named else AXES
    if not named and len(first) != len(AXES):
        raise MixkdError(f"{path}, line {end + 2}: found {len(first)} columns, expected x, y and z")
    if any(re.match("time", name, re.IGNORECASE) for name in names):
        return Dialect(names, end + 2)
    return Dialect(names, end + 1 + named, _start(path, text), _rate(path, text))


def _rate(path: Path, text: str) -> float:
    if not (rate := re.search(r"at (\d+(?:\.\d+)?) ?Hz", text)) or not float(rate[1]) > 0:
        raise MixkdError(f"{path}, line 1: found no rate, expected one such as `at 30 Hz`")
    return float(rate[1])


def _start(path: Path, text: str) -> int:
    """Start in µs; the header states the order of day and month."""
    day, time = (re.search(rf"Start {what} (\S+)", text) for what in ("Date", "Time"))
    order = re.search(r"date format (\S+)", text)
    letters = re.sub(r"[^dMy]", "", order[1]) if order else "Mdy"
    numbers = re.findall(r"\d+", day[1]) if day else []
    ranks = sorted("yMd", key=lambda letter: letters.find(letter))
    fields = dict(zip(ranks, map(int, numbers), strict=False))
    try:
        date = f"{fields['y']:04}-{fields['M']:02}-{fields['d']:02}"
        return int(stamps.Stamps().read([f"{date} {time[1]}" if time else ""])[0])
    except (KeyError, ValueError) as error:
        found = f"{short(day[0] if day else 'no Start Date')}, {short(time[0] if time else 'no Start Time')}"
        raise MixkdError(f"{path}: found {found}, expected the start as {letters}") from error


def _geneactiv(path: Path, lines: list[str], separator: str) -> Dialect:
    for above, line in enumerate(lines):
        words = [word.strip(' "\r\n') for word in line.split(separator)]
        if above and len(words) >= 4 and stamps.fault(words[0]) is None:
            return Dialect(GENEACTIV[: len(words)] + [f"column {i + 1}" for i in range(7, len(words))], above)
    raise MixkdError(f"{path}: found a GENEActiv header without rows, expected a recording")


def _e4(path: Path, lines: list[str]) -> Dialect | None:
    stem = re.split(r"[^a-z0-9]", path.name.lower())[0]
    if stem not in E4_SENSORS or len(lines) < 3:
        return None
    rows = [[word.strip() for word in line.split(",")] for line in lines[:2]]
    try:
        (start,), (rate,) = ({float(word) for word in row} for row in rows)
    except ValueError:
        return None
    names = E4.get(stem, [stem])
    if len(rows[0]) != len(names) or not (1e9 < start < 1e10 and 0 < rate <= 1024):
        return None
    return Dialect(names, 2, round(start * 1e6), rate, utc=True)

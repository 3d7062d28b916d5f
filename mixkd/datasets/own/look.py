"""The first rows of a recording, as words: what a draft of `dataset.toml` is guessed from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np

from mixkd.datasets.own import devices, dialects, joined, names, quotes, spreadsheets, tables
from mixkd.datasets.raw import faults, form, packed, stamps, text_table
from mixkd.datasets.raw.text import opened
from mixkd.errors import MixkdError

ROWS = 2000  # rows of a file that are read
SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8", "cp1252")
LOST = ("", "NaN", "nan", "NA", "null", "NULL", "None", "-", "?")
SENSOR_LOGGER = {"time", "seconds_elapsed"}  # columns of this app, whose units are standard
STANDARD = {"accelerometer": "m/s²", "gyroscope": "rad/s", "magnetometer": "µT"}


@dataclass(frozen=True)
class Look:
    """The first rows of a file, as words."""

    names: list[str]
    rows: list[list[str]]
    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    above: int = 0  # lines above the names of the columns
    named: bool = True  # False: the file has no names, they are generated
    rate: float | None = None  # stated in the lines above the names
    units: dict[str, str] = field(default_factory=dict)  # that the format states
    scale: dict[str, float] = field(default_factory=dict)  # factors to these units

    def column(self, name: str) -> list[str]:
        """The words of a column, blanks around them removed."""
        at = self.names.index(name)
        return [row[at].strip() for row in self.rows if at < len(row)]

    def numbers(self, name: str) -> np.ndarray | None:
        """A column's numbers (n,), missing values left out; None if a word is no number."""
        try:
            values = np.array([number(w, self.decimal) for w in self.column(name) if w not in LOST])
        except ValueError:
            return None
        return values if (np.abs(values) < form.LATEST).all() else None


def number(word: str, decimal: str) -> float:
    """The number that a word spells; ValueError where it spells none."""
    spelled = word if decimal == "." else word.replace(".", "?").replace(decimal, ".")
    if not faults.NUMBER.fullmatch(spelled):
        raise ValueError(f"found {word!r}, expected a number")
    return float(spelled)


def at(path: Path, sensors: Sequence[str] = ()) -> Look:
    """The first rows of a file; with `sensors`, of the files that are joined with it."""
    if sensors:
        return _joined([at(file) for file in joined.files(path, sensors)], sensors)
    if columns := tables.first_rows(path, ROWS):
        words = [["" if value is None else str(value) for value in row] for row in zip(*columns.values(), strict=True)]
        device = packed.stem(path).suffix.lower() in devices.SUFFIXES
        return Look(list(columns), words, units=devices.UNITS if device else {})
    lines, encoding = _lines(path)
    best = _of_text(path, lines)
    known = {}
    if {*best.names} >= SENSOR_LOGGER and (unit := STANDARD.get(names.sensor(path.name) or "")):
        known = {name: unit for name in best.names if name in ("x", "y", "z")}
    return Look(**{**vars(best), "encoding": encoding, "units": best.units | known})


def _of_text(path: Path, lines: list[str]) -> Look:
    """The table in lines, by its dialect, the separator that its first line declares, or the likeliest one."""
    most = max(SEPARATORS, key=lambda separator: lines[-1].count(separator) if lines else 0)
    if dialect := dialects.of(path, lines, most):
        return _of_dialect(dialect, lines, most)
    declared = re.fullmatch('"?sep=(.)"?', lines[0]) if lines else None
    looks = [_as_separated(lines, separator) for separator in (declared[1] if declared else SEPARATORS)]

    def rank(look: Look) -> tuple[bool, bool, int]:
        named = look.named and len(look.names) > 1
        return named and bool(re.search(r"[^\W\d]", "".join(look.names))), named, len(look.names)

    return max(looks, key=rank)


def at_zone(words: Sequence[str]) -> bool:
    """Whether stamps state an offset from UTC."""
    return any(re.search(r"(Z|z|UTC|GMT|[+-]\d\d:?\d\d)$", word) for word in words[:1])


def _lines(path: Path) -> tuple[list[str], str]:
    """The first lines, and the encoding by which they are text."""
    for encoding in ENCODINGS:
        try:
            text = opened(path, encoding)
        except MixkdError:
            if encoding == ENCODINGS[-1] or "no UTF-8" not in _refusal(path):
                raise
            continue
        lines = []
        for number_, line in enumerate(islice(text.lines(), ROWS + spreadsheets.ABOVE), start=1):
            if len(line) > spreadsheets.LINE:
                raise text_table.refusal(path, number_, f"{len(line)} characters", "a row of a table")
            lines.append(line.decode().rstrip("\r\n"))
        return lines, encoding
    raise AssertionError


def _refusal(path: Path) -> str:
    try:
        opened(path)
    except MixkdError as error:
        return str(error)
    return ""


def _joined(looks: list[Look], sensors: Sequence[str]) -> Look:
    common = [name for name in looks[0].names if all(name in look.names for look in looks)]
    columns = {name: looks[0].column(name) for name in common}
    units: dict[str, str] = {}
    scale: dict[str, float] = {}
    for sensor, look in zip(sensors, looks, strict=True):
        start = joined.prefix(sensor)
        columns |= {start + name: look.column(name) for name in look.names if not _is_clock(look, name, common)}
        units |= {start + name: unit for name, unit in look.units.items()}
        scale |= {start + name: factor for name, factor in look.scale.items()}
    clocks = [name for name in common if _is_clock(looks[0], name, common)]
    columns = {name: words for name, words in columns.items() if name not in common or name in clocks}
    rows = [list(row) for row in zip_longest(*columns.values(), fillvalue="")]
    return Look(**{**vars(looks[0]), "names": list(columns), "rows": rows, "units": units, "scale": scale})


def _is_clock(look: Look, name: str, common: list[str]) -> bool:
    """Whether all sensors have this column and it increases, or holds dates."""
    values = look.numbers(name)
    if name not in common:
        return False
    if values is None:
        return stamps.fault((look.column(name) or [""])[0]) is None
    return len(values) > 1 and bool((np.diff(values) >= 0).all())


def _as_separated(lines: list[str], separator: str) -> Look:
    """The table in lines with this separator: it begins at the first row with the most common number of fields."""
    rows = [[word.strip() for word in quotes.fields(line, separator)] for line in lines]
    width = Counter(len(row) for row in rows[len(rows) // 2 :]).most_common(1)[0][0] if rows else 1
    fit = [len(row) == width for row in rows]
    above = next((i for i, ok in enumerate(fit) if width > 1 and ok and all(fit[i : i + 2])), 0)
    header, body = rows[above] if rows else [], rows[above + 1 :]
    decimal = _decimal(body, separator)
    named = not _is_row(header, body[0] if body else [], decimal)
    if not named:
        body = [header, *body]
        header = ["time" if stamps.fault(word) is None else f"column {i}" for i, word in enumerate(header, start=1)]
    stated = re.search(r"(\d+(?:\.\d+)?) ?Hz", " ".join(lines[:above]))
    above -= bool(above == 1 and re.fullmatch('"?sep=."?', lines[0]))  # readers skip this line anyway
    rate = float(stated[1]) if stated else None
    return Look(header, body[:ROWS], separator, decimal, above=above, named=named, rate=rate)


def _is_row(first: list[str], second: list[str], decimal: str) -> bool:
    """Whether a first line holds numbers where the second does, and not just numbers of columns."""

    def is_value(word: str) -> bool:
        try:
            return bool(np.isfinite(number(word, decimal)))
        except ValueError:
            return stamps.fault(word) is None

    values = [one for one, other in zip(first, second, strict=False) if is_value(other)]
    return any(not word.isdigit() for word in values) and all(map(is_value, values))


def _decimal(body: list[list[str]], separator: str) -> str:
    points, commas = (sum(bool(re.fullmatch(rf"-?\d*[{sign}]\d+", w)) for row in body for w in row) for sign in ".,")
    return "," if separator != "," and commas > points else "."


def _of_dialect(dialect: dialects.Dialect, lines: list[str], separator: str) -> Look:
    rows = [[word.strip() for word in quotes.fields(line, separator)] for line in lines[dialect.above :][:ROWS]]
    decimal, header = _decimal(rows, separator), list(dialect.names)
    if dialect.rate:
        header.append(dialects.CLOCK)
        times = dialect.clock(len(rows)).view("datetime64[us]")
        rows = [[*row, str(time)] for row, time in zip(rows, times, strict=True)]
    known = {name: dialects.UNITS[name] for name in header if name in dialects.UNITS}
    scale: dict[str, float] = {}
    if dialect.names == dialects.E4["acc"] and dialect.utc:
        known, scale = dict.fromkeys("xyz", "g"), dict.fromkeys("xyz", dialects.E4_ACC)
    return Look(header, rows, separator, decimal, rate=dialect.rate, units=known, scale=scale)

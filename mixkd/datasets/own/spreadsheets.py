"""Tables of your own recordings: CSV as spreadsheets and loggers write it, and Parquet.

Harmless variants are accepted: a byte order mark, quotes, decimal commas, other columns, either line end, lines above
the names of the columns. Anything that may have lost data is not: a table of the wrong shape is refused; a last row
without a line end, which may be truncated within a number, is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.datasets.own import parquet, quotes
from mixkd.datasets.raw import faults, text_table
from mixkd.datasets.raw.faults import Faults
from mixkd.datasets.raw.text import Text, opened
from mixkd.errors import MixkdError, nearest, short

LINE = 1 << 17  # characters of a line of names, at most
ABOVE = 1000  # lines above the names, at most


@dataclass(frozen=True)
class Spelling:
    """Spelling of a text table; fields as the lines of `dataset.toml` with these names."""

    separator: str = ","
    decimal: str = "."
    missing: tuple[str, ...] = ("", "NaN", "nan")
    skip_lines: int = 0
    column_names: tuple[str, ...] = ()

    @staticmethod
    def of(reading: Mapping[str, Any]) -> Spelling:
        """From the lines in `reading`; lines that are missing there (older versions) have their defaults."""
        settings: dict[str, Any] = {name: reading[name] for name in SPELLING if name in reading}
        lists = {name: tuple(value) for name, value in settings.items() if isinstance(value, list)}
        return Spelling(**(settings | lists))


SPELLING = tuple(field.name for field in fields(Spelling))


@dataclass(frozen=True)
class Table:
    """A file's rows, and the number of last rows left out, 0 or 1."""

    rows: text_table.Parsed
    cut: int = 0


@dataclass(frozen=True)
class Head:
    """The names of the columns and the lines above the first row, with the text of the rows."""

    names: list[str]
    above: int
    body: Text


def read(path: Path, columns: Mapping[str, text_table.Kind], how: Spelling) -> Table:
    """The named columns of a CSV or Parquet file, numbers in the order of `columns`.

    Raises MixkdError, or Faults when a CSV file has several.
    """
    if parquet.is_one(path):
        _require(path, columns, parquet.names(path), "")
        return Table(parquet.read(path, columns))
    top = head(path, how)
    _require(path, columns, top.names, f", line {top.above}" if top.above else "")
    kinds = {name if name in columns else f"\0{i}": columns.get(name, "skip") for i, name in enumerate(top.names)}
    form = text_table.Format(kinds, how.separator, False, how.missing, None, how.decimal, top.above)
    rows = _read(top.body, form)
    order = [form.numbers.index(name) for name, kind in columns.items() if kind == "number"]
    if order != sorted(order):
        rows = replace(rows, values=np.ascontiguousarray(rows.values[:, order]))
    return Table(rows, top.body.cut)


def column_names(path: Path, how: Spelling) -> list[str]:
    """The columns that a CSV or Parquet file has."""
    return parquet.names(path) if parquet.is_one(path) else head(path, how).names


def head(path: Path, how: Spelling) -> Head:
    """The beginning of a text table. A first line such as `sep=;`, of spreadsheets, is one line more above."""
    text = opened(path)
    start, names, above = text.start, list(how.column_names), how.skip_lines
    for number, line in enumerate(text.lines()):
        if number == 0 and (declared := re.fullmatch(rb'"?sep=(.)"?\r?\n', line)):
            if declared[1].decode("latin-1") != how.separator:
                raise text_table.refusal(
                    path, 1, line.decode(), f"sep={how.separator}, the `separator` of dataset.toml"
                )
            above += how.skip_lines == 0
        if number >= above:
            if not names:
                names, above, start = _names(path, number, line, how.separator), above + 1, start + len(line)
            break
        start += len(line)
    return Head(names, above, replace(text, start=start))


def _names(path: Path, number: int, line: bytes, separator: str) -> list[str]:
    if len(line) > LINE:
        raise text_table.refusal(path, number + 1, f"{len(line)} characters", "a line of column names")
    return [name.strip() for name in quotes.fields(line.decode().rstrip("\r\n"), separator)]


def _read(body: Text, form: text_table.Format) -> text_table.Parsed:
    """The rows, by the first format that fits all of them."""
    if body.quotes and any(b'"' in block for block in body.blocks()):
        body, form = quotes.without(body, form)
    ways = _ways(body, form)
    try:
        return _first_that_fits(body, ways)
    except ValueError:
        body = _without_blanks(body, form)
    try:
        return _first_that_fits(body, ways)
    except ValueError as error:
        wide = [
            way for way in ways if "instant" not in way.columns.values()
        ]  # formats that accept all spellings of dates
        candidates = [[str(fault) for fault in faults.found(body.path, way, body.lines())] for way in wide]
        raise Faults(
            faults.first(body.path, min(candidates, key=len)) or [f"{body.path}: {short(error, 200)}"]
        ) from error


def _first_that_fits(body: Text, ways: list[text_table.Format]) -> text_table.Parsed:
    for way in ways[:-1]:
        try:
            return text_table.parse(body, way)
        except ValueError:
            continue
    return text_table.parse(body, ways[-1])


def _ways(body: Text, form: text_table.Format) -> list[text_table.Format]:
    """The format with each possible spelling of dates; the fastest first, if the first row has it."""
    dates = [name for name, kind in form.columns.items() if kind == "date"]
    first = next(iter(body.lines()), b"").decode().rstrip("\n").split(form.separator)
    plain = [
        name for name, word in zip(form.columns, first, strict=False) if faults.SHAPES["instant"][0].fullmatch(word)
    ]
    kinds: tuple[text_table.Kind, ...] = ("instant", "date") if {*dates} <= {*plain} else ("date", "month/day")
    return [replace(form, columns=form.columns | dict.fromkeys(dates, kind)) for kind in kinds] if dates else [form]


def _without_blanks(body: Text, form: text_table.Format) -> Text:
    """The rows without blanks around values."""
    edge = re.escape(form.separator.encode())
    if form.separator in " \t":
        return body
    tidied = re.sub(rb"[ \t]*(%b|\r?\n)[ \t]*" % edge, rb"\1", body.bytes().lstrip(b" \t"))
    return replace(body, content=tidied, start=0, end=None)


def _require(path: Path, columns: Mapping[str, text_table.Kind], names: list[str], where: str) -> None:
    for name in columns:
        if name not in names:
            raise MixkdError(f"{path}{where}: found no column {short(name)!r}, {nearest(name, names)}")
        if names.count(name) > 1:
            raise MixkdError(f"{path}{where}: found {names.count(name)} columns {short(name)!r}, expected one")

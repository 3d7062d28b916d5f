"""Tables that people made: CSV as spreadsheets and loggers write it, and Parquet.

What is only another spelling is taken as it is meant: a byte order mark, quotes, decimal commas, other columns, either
line end. What may be a loss is not: a file of the wrong shape is refused, and a last row without a line end, which may
be cut in a number, is left out and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from mixkd.datasets import table
from mixkd.errors import MixkdError, nearest

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "date": 1e-6}  # in seconds; dates are read in microseconds
SHOWN = 5  # faults of a file


class Faults(MixkdError):
    """Several refusals of one file, a line each."""

    def __init__(self, lines: list[str]):
        super().__init__(lines[0])
        self.lines = lines


@dataclass(frozen=True)
class Loose:
    """A file's rows, and how many last rows were left out (0 or 1)."""

    rows: table.Parsed
    cut: int = 0


def read(
    path: Path, columns: Mapping[str, table.Kind], separator: str, decimal: str, missing: tuple[str, ...]
) -> Loose:
    """The named columns of a CSV or Parquet file, numbers in the order of `columns`.

    Raises MixkdError, or Faults when a CSV file has several.
    """
    if is_parquet(path):
        return Loose(_parquet(path, columns))
    whole, cut = text(path)
    header, _, body = whole.partition("\n")
    names = header_names(header, separator)
    _require(path, columns, names)
    if '"' in body:
        body = _unquoted(path, body, separator)
    if decimal != ".":
        body = body.replace(decimal, ".")
    kinds = {name if name in columns else f"column {i}": columns.get(name, "skip") for i, name in enumerate(names)}
    form = table.Format(kinds, separator, header=True, missing=missing, ends=None)
    content = f"{separator.join(kinds)}\n{body}".encode()
    try:
        rows = table.read(path, form, content)
    except MixkdError as error:
        raise Faults(table.faults(path, form, content, SHOWN) or [str(error)]) from error
    order = [form.numbers.index(name) for name, kind in columns.items() if kind == "number"]
    return Loose(replace(rows, values=np.ascontiguousarray(rows.values[:, order])), cut)


def column_names(path: Path, separator: str) -> list[str]:
    """The columns that a CSV or Parquet file has."""
    if is_parquet(path):
        return _schema(path)
    return header_names(text(path)[0].partition("\n")[0], separator)


def text(path: Path) -> tuple[str, int]:
    """The file with line ends LF, up to its last whole row, and whether a row was left out."""
    try:
        found = table.text(path).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise MixkdError(f"{path}: found bytes that are no UTF-8 at {error.start}, expected a text table") from error
    if not found:
        raise MixkdError(f"{path}: found an empty file, expected a header and rows")
    whole = found[: found.rfind("\n") + 1]
    return whole, int(len(whole) < len(found))


def header_names(header: str, separator: str) -> list[str]:
    """The column names of a first line."""
    return [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]


def _require(path: Path, columns: Mapping[str, table.Kind], names: list[str]) -> None:
    for name in columns:
        if name not in names:
            raise MixkdError(f"{path}, line 1: found no column {name!r}, {nearest(name, names)}")
        if names.count(name) > 1:
            raise MixkdError(f"{path}, line 1: found {names.count(name)} columns {name!r}, expected one")


def _unquoted(path: Path, body: str, separator: str) -> str:
    """The body without quotes. A separator or a line end inside quotes is refused: rows must stay lines."""
    rows, lines = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True), []
    try:
        for row in rows:
            if bad := [field for field in row if separator in field or "\n" in field]:
                raise table.refusal(path, rows.line_num + 1, bad[0], "no separator or line end inside quotes")
            lines.append(separator.join(row) + "\n")
    except csv.Error as error:
        raise table.refusal(path, rows.line_num + 1, error, "quotes in pairs") from error
    return "".join(lines)


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


@contextmanager
def _as_parquet(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise MixkdError(f"{path}: {' '.join(str(error).split())}, expected a Parquet file") from error


def _schema(path: Path) -> list[str]:
    with _as_parquet(path):
        return pyarrow.parquet.read_schema(path).names


def first_rows(path: Path, n: int) -> dict[str, list]:
    """Up to n rows of a Parquet file, by column. MixkdError where it is none, or has no row."""
    with _as_parquet(path), pyarrow.parquet.ParquetFile(path) as file:
        rows = next(file.iter_batches(n, use_threads=False), None)
    if rows is None or not len(rows):
        raise MixkdError(f"{path}: found no rows, expected a recording")
    return rows.to_pydict()


def _parquet(path: Path, columns: Mapping[str, table.Kind]) -> table.Parsed:
    _require(path, columns, _schema(path))
    with _as_parquet(path):
        found = pyarrow.parquet.read_table(path, columns=list(columns), use_threads=False)  # see `published.columns`
        cast = {name: _cast(path, name, found[name].combine_chunks(), kind) for name, kind in columns.items()}
    if not len(found):
        raise MixkdError(f"{path}: found no rows, expected a recording")
    form = table.Format(dict(columns))
    values = np.empty((len(found), len(form.numbers)), np.float32)
    others: dict[str, np.ndarray] = {}
    words: dict[str, tuple[str, ...]] = {}
    for name, kind in columns.items():
        column = cast[name]
        if kind == "number":
            values[:, form.numbers.index(name)] = column.to_numpy(zero_copy_only=False)
        elif kind == "note":
            coded = column.fill_null("").dictionary_encode()
            others[name], words[name] = coded.indices.to_numpy(), tuple(coded.dictionary.to_pylist())
        elif column.null_count:
            row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise table.refusal(path, row + 1, f"nothing in {name}", "a time in every row")
        else:
            others[name] = column.to_numpy()
            if (lost := np.flatnonzero(~np.isfinite(others[name]))).size:
                row = int(lost[0])
                raise table.refusal(path, row + 1, f"{others[name][row]} in {name}", "a time in every row")
    if (bad := np.argwhere(np.isinf(values))).size:
        row, at = bad[0]
        raise table.refusal(path, int(row) + 1, f"{values[row, at]} in {form.numbers[at]}", "a finite number")
    return table.Parsed(path, form, values, others, words)


def _cast(path: Path, name: str, column: pa.Array, kind: table.Kind) -> pa.Array:
    """A column as the type of its kind; what is not of that kind is refused, not converted."""
    of, types = pa.types, {"number": pa.float32(), "time": pa.float64(), "note": pa.string()}
    number = of.is_integer(column.type) or of.is_floating(column.type)
    instant, note = of.is_timestamp(column.type), not of.is_nested(column.type)
    if not {"number": number, "time": number, "instant": instant, "note": note}[kind]:
        expected = {"instant": "dates", "note": "words"}.get(kind, "numbers")
        raise MixkdError(f"{path}: found {column.type} in {name}, expected {expected}")
    if kind == "instant":
        return column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    return column.cast(types[kind], safe=False)

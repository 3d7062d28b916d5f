"""Named columns of a Parquet file, as `text_table` reads them from a text table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from mixkd.datasets.raw import stamps, text_table
from mixkd.datasets.raw.form import DATES, LATEST
from mixkd.errors import MixkdError, short

NO_TIME = "a time in every row"


def is_one(path: Path) -> bool:
    """Whether a file is Parquet, by its name."""
    return path.suffix.lower() in (".parquet", ".pq")


@contextmanager
def _checked(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, ValueError, OverflowError) as error:
        raise MixkdError(f"{path}: {short(error, 200)}, expected a Parquet file") from error


def names(path: Path) -> list[str]:
    """Names of the columns of a file. Raises MixkdError if it is no Parquet file."""
    with _checked(path):
        return pyarrow.parquet.read_schema(path).names


def first_rows(path: Path, n: int) -> dict[str, list]:
    """Up to n rows by column. Raises MixkdError if the file is no Parquet file, or has no row."""
    with _checked(path), pyarrow.parquet.ParquetFile(path) as file:
        batch = next(file.iter_batches(n, use_threads=False), None)
        rows = batch.to_pydict() if batch else {}
    if not any(rows.values()):
        raise MixkdError(f"{path}: found no rows, expected a recording")
    return rows


def read(path: Path, columns: Mapping[str, text_table.Kind]) -> text_table.Parsed:
    """The named columns, which the file has, each once."""
    with _checked(path):
        table = pyarrow.parquet.read_table(path, columns=list(columns), use_threads=False)  # see `published.columns`
    if not len(table):
        raise MixkdError(f"{path}: found no rows, expected a recording")
    return _parsed(path, columns, table)


def blocks(path: Path, columns: Mapping[str, text_table.Kind], n_rows: int) -> Iterator[text_table.Parsed]:
    """As `read`, up to n_rows at a time."""
    first = 0
    with _checked(path), pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(n_rows, columns=list(columns), use_threads=False):
            yield _parsed(path, columns, pa.Table.from_batches([batch]), first)
            first += len(batch)
    if not first:
        raise MixkdError(f"{path}: found no rows, expected a recording")


def _parsed(path: Path, columns: Mapping[str, text_table.Kind], table: pa.Table, first: int = 0) -> text_table.Parsed:
    """The rows of a table, of which the first is row number `first` of the file, from 0."""
    with _checked(path):
        cast = {name: _cast(path, name, table[name].combine_chunks(), kind) for name, kind in columns.items()}
    form = text_table.Format(dict(columns), above=first)
    values = np.empty((len(table), len(form.numbers)), np.float32)
    others: dict[str, np.ndarray] = {}
    words: dict[str, tuple[str, ...]] = {}
    for name, kind in columns.items():
        if kind == "number":
            values[:, form.numbers.index(name)] = cast[name].to_numpy(zero_copy_only=False)
        elif kind == "note":
            coded = cast[name].fill_null("").dictionary_encode()
            others[name], words[name] = coded.indices.to_numpy(), tuple(coded.dictionary.to_pylist())
        else:
            others[name] = _times(path, name, cast[name], kind, first)
    if (bad := np.argwhere(np.isinf(values))).size:
        row, at = bad[0]
        raise text_table.refusal(
            path, first + int(row) + 1, f"{values[row, at]} in {form.numbers[at]}", "a finite number"
        )
    utc = frozenset(n for n in columns if pa.types.is_timestamp(table[n].type) and table[n].type.tz)
    return text_table.Parsed(path, form, values, others, words, utc)


def _times(path: Path, name: str, column: pa.Array, kind: text_table.Kind, first: int) -> np.ndarray:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise text_table.refusal(path, first + row + 1, f"nothing in {name}", NO_TIME)
    if pa.types.is_string(column.type):
        try:
            return stamps.column(column.to_pylist(), kind)
        except ValueError as error:
            raise MixkdError(f"{path}: in {name}: {short(error, 200)}") from error
    times = column.to_numpy()
    if (lost := np.flatnonzero(~(np.abs(times) < LATEST))).size:
        raise text_table.refusal(path, first + int(lost[0]) + 1, f"{times[lost[0]]} in {name}", NO_TIME)
    return times


def _cast(path: Path, name: str, column: pa.Array, kind: text_table.Kind) -> pa.Array:
    """A column as the type of its kind. Raises MixkdError for a column of another kind."""
    of, dated = pa.types, kind in DATES
    number = of.is_integer(column.type) or of.is_floating(column.type) or of.is_decimal(column.type)
    word = of.is_string(column.type) or of.is_large_string(column.type)
    fits = {"number": number, "time": number, "note": not of.is_nested(column.type)}
    if not fits.get(kind, of.is_timestamp(column.type) or word):
        expected = "dates" if dated else {"note": "words"}.get(kind, "numbers")
        raise MixkdError(f"{path}: found {short(column.type)} in {name}, expected {expected}")
    if dated and not word:
        return column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    made = column.cast({"number": pa.float32(), "time": pa.float64()}.get(kind, pa.string()), safe=False)
    made.validate(full=True)  # text of a damaged file may be no UTF-8
    return made

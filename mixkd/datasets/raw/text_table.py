"""Strict and fast reader of text tables, by pyarrow; an error is one line with file, line, value found and expected.

A file is read in blocks, so that memory holds little more than the result. pyarrow alone accepts `inf`, `nan`, numbers
that overflow, a file truncated in its last number and mixed line ends; they are refused here. Its errors name
columns by number, and no file: after one, the file is read again, line by line, up to the first fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from mixkd.datasets.raw import faults
from mixkd.datasets.raw.form import DATES, LATEST, LONGEST, Format, Kind, refusal
from mixkd.datasets.raw.stamps import AMBIGUOUS, Stamps, written
from mixkd.datasets.raw.text import Text
from mixkd.errors import MixkdError, short

__all__ = ["Format", "Kind", "Parsed", "parse", "read", "refusal", "text"]

TYPES = {
    "number": pa.float32(),
    "time": pa.float64(),
    "instant": pa.timestamp("us"),
    **dict.fromkeys(DATES, pa.string()),
    "whole": pa.int64(),
    "text": pa.string(),
    "note": pa.string(),
}
BLOCK = LONGEST  # bytes, a line at least; arrow reads up to 32 of them ahead


@dataclass(frozen=True)
class Parsed:
    """A file's content: `values` (n_rows, n_columns) float32; other columns by name, (n_rows,); `words` of text.

    utc: columns of dates that state their offset from UTC; other dates are local time.
    """

    path: Path
    format: Format
    values: np.ndarray
    columns: dict[str, np.ndarray]
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    utc: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.values)

    def place(self, row: int) -> str:
        """The file and line of a row, the beginning of an error."""
        return f"{self.path}, line {self.format.first_line + int(row)}"

    def refuse(self, row: int, found: object, expected: str) -> MixkdError:
        """The error of a row."""
        return MixkdError(f"{self.place(row)}: found {short(found)}, expected {expected}")

    def increasing(self, name: str) -> np.ndarray:
        """A strictly increasing column, (n_rows,). Raises MixkdError otherwise."""
        values = self.columns[name]
        if (bad := np.flatnonzero(np.diff(values) <= 0)).size:
            raise self.earlier(name, bad[0] + 1, "a later time in every line")
        return values

    def earlier(self, name: str, row: int, expected: str) -> MixkdError:
        """The error of a time that is not after the previous one."""
        found = f"{short(name)} {self.shown(name, row)} after {self.shown(name, row - 1)}"
        return MixkdError(f"{self.place(row)}: found {found}, expected {expected}")

    def shown(self, name: str, row: int) -> str:
        """A value of a column of times or integers as text, for errors."""
        dated = self.format.columns[name] in ("instant", *DATES)
        return written(self.columns[name][row]) if dated else str(self.columns[name][row])

    def known(self, name: str, codes: dict[int, Any] | tuple[int, ...]) -> np.ndarray:
        """A column (n_rows,) whose values are all in `codes`. Raises MixkdError otherwise."""
        values = self.columns[name]
        if (bad := np.flatnonzero(~np.isin(values, list(codes)))).size:
            raise self.refuse(bad[0], f"{name} {values[bad[0]]}", f"one of {', '.join(map(str, codes))}")
        return values

    def sampled(self, name: str, rate: float, per_second: float = 1.0, tolerance: float = 0.1) -> None:
        """Raises MixkdError if the median step of times (`per_second` units in a second) does not match `rate` (Hz)."""
        step = float(np.median(np.diff(self.columns[name]))) if len(self) > 1 else per_second / rate
        if not abs(step * rate / per_second - 1) <= tolerance:
            raise MixkdError(f"{self.path}: found {per_second / step:.4g} samples per second, expected {rate:g}")


def read(path: Path, form: Format, content: bytes | None = None) -> Parsed:
    """All rows of a file. Only `form.missing` becomes NaN. Raises MixkdError for the first invalid line.

    content: bytes to parse in place of the file's own, for loaders that clean them first.
    """
    text = Text(path, content)
    try:
        return parse(text, form)
    except ValueError as error:
        fault = next(faults.found(path, form, text.lines()), None)
        raise fault or MixkdError(f"{path}: {short(error, 200)}") from error


def parse(text: Text, form: Format) -> Parsed:
    """As `read`, of a text. Raises ValueError if a row does not match `form`; `faults` finds which."""
    try:
        return _parse(text, form, _rows(text, form))
    except OSError as error:
        raise MixkdError(f"{text.path}: {error.strerror or error}") from error


def text(path: Path) -> bytes:
    """All bytes of a file, for loaders that clean it first."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MixkdError(f"{path}: {error.strerror or error}") from error


def _rows(text: Text, form: Format) -> int:
    """The number of rows, by one fast pass that also checks the header and the line ends."""
    path, lines, returns = text.path, 0, 0
    last = first = b""
    for block in text.blocks():
        first = first or block
        lines, returns, last = lines + block.count(b"\n"), returns + block.count(b"\r"), block[-1:]
    if not first:
        what = "a header and no rows" if form.above else "an empty file"
        raise MixkdError(f"{path}: found {what}, expected {form}")
    if form.header:
        expected, names = form.separator.join(form.columns), first.split(b"\n", 1)[0].rstrip(b"\r")
        if names != expected.encode():
            raise refusal(path, 1, names.decode("utf-8", "backslashreplace"), f"the columns {expected}")
    if last != b"\n":
        raise refusal(path, lines + 1, "no line end after the last row", "one: the file may be cut off")
    if returns and (form.ends == "\n" or returns != lines):
        raise MixkdError(f"{path}: found {returns} carriage returns in {lines} lines, expected {_ends(form)}")
    if form.ends == "\r\n" and not returns:
        raise MixkdError(f"{path}: found line ends LF, expected CRLF")
    if lines < 1 + form.header:
        raise MixkdError(f"{path}: found a header and no rows, expected {form}")
    return lines - form.header


def _ends(form: Format) -> str:
    return "line ends LF" if form.ends == "\n" else "one in every line or none"


def _parse(text: Text, form: Format, n_rows: int) -> Parsed:
    used = {name: kind for name, kind in form.columns.items() if kind != "skip"}
    values = np.empty((n_rows, len(form.numbers)), np.float32)
    columns = {n: np.empty(n_rows, np.float64 if k == "time" else np.int64) for n, k in used.items() if k != "number"}
    words: dict[str, dict[str, int]] = {name: {} for name, kind in used.items() if kind in ("text", "note")}
    dates = {name: Stamps(kind == "month/day") for name, kind in used.items() if kind in DATES}
    row = 0
    for batch in _batches(text.native(), form, used):
        end = row + len(batch)
        for i, name in enumerate(form.numbers):
            values[row:end, i] = _finite(batch, name, form)
        for name, column in columns.items():
            if name in dates:
                column[row:end] = dates[name].read(batch.column(name).to_pylist())
            else:
                column[row:end] = _other(batch, name, used[name], words)
        row = end
    if row != n_rows:
        raise ValueError(f"found {row} rows, expected {n_rows}, one per line")
    for name, reader in dates.items():
        if used[name] == "date" and reader.ambiguous(columns[name]):
            raise MixkdError(f"{text.path}: found {AMBIGUOUS}")
    utc = frozenset(name for name, reader in dates.items() if any(offset for _, offset in reader.ways))
    return Parsed(text.path, form, values, columns, {name: tuple(codes) for name, codes in words.items()}, utc)


def _batches(file: pa.NativeFile, form: Format, used: Mapping[str, Kind]) -> Iterator[pa.RecordBatch]:
    with csv.open_csv(
        file,
        read_options=csv.ReadOptions(
            column_names=list(form.columns), skip_rows=int(form.header), use_threads=False, block_size=BLOCK
        ),
        parse_options=csv.ParseOptions(delimiter=form.separator, quote_char=False, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types={name: TYPES[kind] for name, kind in used.items()},
            include_columns=list(used),
            null_values=list(form.missing),
            strings_can_be_null=False,
            check_utf8=True,
            decimal_point=form.decimal,
        ),
    ) as reader:
        yield from reader


def _finite(batch: pa.RecordBatch, name: str, form: Format) -> np.ndarray:
    """Numbers of a block, (n_rows,). Non-finite values must be spelled `missing`: arrow counts only these as null."""
    column = batch.column(name)
    values = column.to_numpy(zero_copy_only=False)
    if np.count_nonzero(~np.isfinite(values)) != column.null_count:
        raise ValueError(f"a value in {name} is not finite")
    return values


def _other(batch: pa.RecordBatch, name: str, kind: Kind, words: dict[str, dict[str, int]]) -> np.ndarray:
    column = batch.column(name)  # to_numpy refuses nulls
    if kind in ("text", "note"):
        coded = column.dictionary_encode()
        known = words[name]
        codes = [known.setdefault(word, len(known)) for word in coded.dictionary.to_pylist()]
        if kind == "text" and "" in known:
            raise ValueError(f"a word in {name} is empty")
        return np.array(codes, np.int64)[coded.indices.to_numpy()]
    if kind == "time" and not (np.abs(column.to_numpy()) < LATEST).all():
        raise ValueError(f"a value in {name} is no time")
    return column.cast(pa.int64()).to_numpy() if kind == "instant" else column.to_numpy()

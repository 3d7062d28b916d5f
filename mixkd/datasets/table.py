"""Strict and fast reading of text tables: pyarrow parses; every refusal is one line with file, line, found, expected.

A file is read in blocks, so that memory holds little more than the result. pyarrow alone takes `inf`, `nan`, numbers
that overflow, a file cut in its last number and mixed line ends; those are refused here too. Its own refusals name
columns by number and no file: when there is one, the file is read again, line by line, up to the first fault.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv

from mixkd.errors import MixkdError

# number: a column of the float32 matrix `values`; time: float64; instant: a date and time, µs since 1970, int64;
# whole: int64; text: codes into the words found; note: the same, may be empty; skip: not read
Kind = Literal["number", "time", "instant", "whole", "text", "note", "skip"]
TYPES = {
    "number": pa.float32(),
    "time": pa.float64(),
    "instant": pa.timestamp("us"),
    "whole": pa.int64(),
    "text": pa.string(),
    "note": pa.string(),
}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SHAPES = {
    "number": (NUMBER, "a number"),
    "time": (NUMBER, "a number"),
    "instant": (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII), "a date and time"),
    "whole": (re.compile(r"-?\d+", re.ASCII), "a whole number"),
    "text": (re.compile(r".+"), "a word"),
    "note": (re.compile(r".*"), "a word or nothing"),
}
BLOCK = 1 << 19  # bytes; arrow reads up to 32 of them ahead
NAMES = {" ": "blanks", "\t": "tabs", ",": "commas", ";": "semicolons"}


@dataclass(frozen=True)
class Format:
    """What a file must be: its columns by name and kind in file order, separator, and whether line 1 names them.

    missing: how a lost value may be spelled (NaN in the result); in no way: a lost value is refused.
    ends: the line end, or None for either, not mixed, of files whose official line end is not known here.
    """

    columns: dict[str, Kind]
    separator: str = ","
    header: bool = False
    missing: tuple[str, ...] = ()
    ends: Literal["\n", "\r\n"] | None = "\n"

    @property
    def numbers(self) -> list[str]:
        return [name for name, kind in self.columns.items() if kind == "number"]

    @property
    def first_line(self) -> int:
        return 2 if self.header else 1


@dataclass(frozen=True)
class Parsed:
    """A file's content: `values` (n_rows, n_numbers) float32; other columns by name, (n_rows,); `words` of text."""

    path: Path
    format: Format
    values: np.ndarray
    columns: dict[str, np.ndarray]
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def refuse(self, row: int, found: object, expected: str) -> MixkdError:
        return refusal(self.path, self.format.first_line + int(row), found, expected)

    def increasing(self, name: str, within: np.ndarray | bool = True) -> np.ndarray:
        """A column whose every value is above the one before, where `within` (n_rows - 1,) asks; else refused."""
        values = self.columns[name]
        if (bad := np.flatnonzero((np.diff(values) <= 0) & within)).size:
            row = bad[0] + 1
            raise self.refuse(row, f"{name} {values[row]} after {values[row - 1]}", "a later time in every line")
        return values

    def known(self, name: str, codes: dict[int, Any] | tuple[int, ...]) -> np.ndarray:
        """A column of codes that are all in `codes`; else refused."""
        values = self.columns[name]
        if (bad := np.flatnonzero(~np.isin(values, list(codes)))).size:
            raise self.refuse(bad[0], f"{name} {values[bad[0]]}", f"one of {', '.join(map(str, codes))}")
        return values

    def sampled(self, name: str, rate: float, per_second: float = 1.0, tolerance: float = 0.1) -> None:
        """Refuse times (of which `per_second` pass in a second) whose median step is not that of `rate` (Hz)."""
        step = float(np.median(np.diff(self.columns[name]))) if len(self) > 1 else per_second / rate
        if not abs(step * rate / per_second - 1) <= tolerance:
            raise MixkdError(f"{self.path}: found {per_second / step:.4g} samples per second, expected {rate:g}")


def refusal(path: Path, line: int, found: object, expected: str) -> MixkdError:
    return MixkdError(f"{path}, line {line}: found {_short(found)}, expected {expected}")


def _short(found: object) -> str:
    text = " ".join(str(found).split()) if found else repr(found)
    return text if len(text) <= 60 else f"{text[:57]}…"


def read(path: Path, form: Format, content: bytes | None = None) -> Parsed:
    """All of a file, or one MixkdError. Nothing but `form.missing` becomes NaN.

    content: what to parse in place of the file's own bytes, where a loader had to tidy them first.
    """
    try:
        with _open(path, content) as file:
            n_rows = _rows(path, file, form)
        return _parse(path, form, n_rows, content)
    except OSError as error:
        raise MixkdError(f"{path}: {error.strerror or error}") from error


def text(path: Path) -> bytes:
    """All bytes of a file, for loaders that must tidy it first."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MixkdError(f"{path}: {error.strerror or error}") from error


def _open(path: Path, content: bytes | None) -> IO[bytes]:
    return open(path, "rb") if content is None else io.BytesIO(content)


def _native(path: Path, content: bytes | None) -> pa.NativeFile:
    """The same bytes without a Python object: arrow's threads read ahead, and would want one while Python ends."""
    if content is None:
        return pa.OSFile(os.fsencode(path))
    sink = pa.BufferOutputStream()
    sink.write(content)
    return pa.BufferReader(sink.getvalue())


def _rows(path: Path, file: IO[bytes], form: Format) -> int:
    """The number of rows, from one quick pass that also looks at the header and the line ends."""
    lines = returns = 0
    last = first = b""
    while block := file.read(BLOCK):
        first = first or block
        lines, returns, last = lines + block.count(b"\n"), returns + block.count(b"\r"), block[-1:]
    if not first:
        raise MixkdError(f"{path}: found an empty file, expected {_columns(form)}")
    if form.header:
        expected, found = form.separator.join(form.columns), first.split(b"\n", 1)[0].rstrip(b"\r").decode("latin-1")
        if found != expected:
            raise refusal(path, 1, found, f"the columns {expected}")
    if last != b"\n":
        raise refusal(path, lines + 1, "no line end after the last row", "one: the file may be cut off")
    if returns and (form.ends == "\n" or returns != lines):
        raise MixkdError(f"{path}: found {returns} carriage returns in {lines} lines, expected {_ends(form)}")
    if form.ends == "\r\n" and not returns:
        raise MixkdError(f"{path}: found line ends LF, expected CRLF")
    if lines < form.first_line:
        raise MixkdError(f"{path}: found a header and no rows, expected {_columns(form)}")
    return lines - form.header


def _ends(form: Format) -> str:
    return "line ends LF" if form.ends == "\n" else "one in every line or none"


def _columns(form: Format) -> str:
    by = f" separated by {NAMES.get(form.separator, repr(form.separator))}" if len(form.columns) > 1 else ""
    return f"{len(form.columns)} column{'s' * (len(form.columns) > 1)}{by}"


def _parse(path: Path, form: Format, n_rows: int, content: bytes | None) -> Parsed:
    used = {name: kind for name, kind in form.columns.items() if kind != "skip"}
    values = np.empty((n_rows, len(form.numbers)), np.float32)
    columns = {n: np.empty(n_rows, np.float64 if k == "time" else np.int64) for n, k in used.items() if k != "number"}
    words: dict[str, dict[str, int]] = {name: {} for name, kind in used.items() if kind in ("text", "note")}
    row = 0
    try:
        for batch in _batches(_native(path, content), form, used):
            end = row + len(batch)
            for i, name in enumerate(form.numbers):
                values[row:end, i] = _finite(batch, name, form)
            for name in columns:
                columns[name][row:end] = _other(batch, name, used[name], words)
            row = end
    except (pa.ArrowInvalid, ValueError) as error:
        raise _first_fault(path, form, content) or MixkdError(f"{path}: {' '.join(str(error).split())}") from error
    if row != n_rows:
        expected = f"{n_rows}, one per line"
        raise _first_fault(path, form, content) or MixkdError(f"{path}: found {row} rows, expected {expected}")
    return Parsed(path, form, values, columns, {name: tuple(found) for name, found in words.items()})


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
        ),
    ) as reader:
        yield from reader


def _finite(batch: pa.RecordBatch, name: str, form: Format) -> np.ndarray:
    """Numbers of a block. What is not finite must be spelled `missing`: arrow counts only that as null."""
    column = batch.column(name)
    found = column.to_numpy(zero_copy_only=False)
    if np.count_nonzero(~np.isfinite(found)) != column.null_count:
        raise ValueError(f"a value in {name} is not finite")
    return found


def _other(batch: pa.RecordBatch, name: str, kind: Kind, words: dict[str, dict[str, int]]) -> np.ndarray:
    column = batch.column(name)  # to_numpy refuses nulls
    if kind in ("text", "note"):
        coded = column.dictionary_encode()
        known = words[name]
        codes = [known.setdefault(word, len(known)) for word in coded.dictionary.to_pylist()]
        if kind == "text" and "" in known:
            raise ValueError(f"a word in {name} is empty")
        return np.array(codes, np.int64)[coded.indices.to_numpy()]
    if kind == "time" and not np.isfinite(column.to_numpy()).all():
        raise ValueError(f"a value in {name} is not finite")
    return column.cast(pa.int64()).to_numpy() if kind == "instant" else column.to_numpy()


def _first_fault(path: Path, form: Format, content: bytes | None) -> MixkdError | None:
    with _open(path, content) as file:
        return next(_faults(path, form, file), None)


def faults(path: Path, form: Format, content: bytes, most: int) -> list[str]:
    """The first faults of a file that `read` refused, a line each, and how many there are beyond them."""
    every = [str(fault) for fault in _faults(path, form, io.BytesIO(content))]
    more = [f"{path}: {len(every) - most} more faults"] if len(every) > most else []
    return every[:most] + more


def _faults(path: Path, form: Format, file: IO[bytes]) -> Iterator[MixkdError]:
    """Every line that is not as `form` says. Slow, and only reached when something is wrong."""
    kinds = list(form.columns.items())
    for number, raw in enumerate(file, start=1):
        line = raw.decode("utf-8", "backslashreplace")
        if number < form.first_line:
            continue
        found = line.rstrip("\r\n").split(form.separator)
        if len(found) != len(kinds):
            what = f"{len(found)} columns" if line.strip() else "an empty line"
            yield refusal(path, number, what, _columns(form))
            continue
        for value, (name, kind) in zip(found, kinds, strict=True):
            if kind != "skip" and (expected := _fault(value, kind, form)):
                yield refusal(path, number, f"{value!r} in {name}", expected)
                break


def _fault(value: str, kind: Kind, form: Format) -> str | None:
    """What was expected in place of `value`, or None where it is right."""
    pattern, expected = SHAPES[kind]
    if kind == "number" and value in form.missing:
        return None
    if not pattern.fullmatch(value.strip()):
        words = [word for word in form.missing if word and kind == "number"]
        return expected + (f" or {words[0]}" if words else "")
    if kind == "instant":
        try:
            np.datetime64(value)
        except ValueError:
            return expected
    elif kind == "whole" and abs(int(value)) >= 2**63:
        return "a number that int64 can hold"
    elif kind == "number" and not abs(float(value)) <= np.finfo(np.float32).max:
        return "a number that float32 can hold"
    elif kind == "time" and not np.isfinite(float(value)):
        return "a number that float64 can hold"
    return None

"""Tables of your own recordings in blocks of rows, as `spreadsheets.read` of the whole: memory does not grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixkd.datasets.own import arrays, parquet, quotes, spreadsheets, tables
from mixkd.datasets.own.spreadsheets import LINE, Head, Spelling, _read, require
from mixkd.datasets.own.tables import Table
from mixkd.datasets.raw import stamps, text_table
from mixkd.datasets.raw.text import Text
from mixkd.errors import MixkdError

BLOCK = 1 << 24  # bytes of a block of rows
ROWS = 1 << 18  # rows of a block of a Parquet file
Columns = Mapping[str, text_table.Kind]


def blocks(path: Path, columns: Columns, how: Spelling, optional: str | None = None) -> Iterator[Table]:
    """The named columns of a CSV or Parquet file, or of a device, about BLOCK bytes at a time.

    The order of day and month is the one that fits the first stamps of all blocks. A file may lack the column
    `optional`. Raises MixkdError, or Faults when a block has several.
    """
    if tables.is_device(path):
        above = 0
        for content, counts in tables.device_blocks(path):
            columns = _present(columns, list(content), optional)
            require(path, columns, list(content), "")
            rows = arrays.parsed(path, columns, content)
            yield Table(replace(rows, format=replace(rows.format, above=above)), counts)
            above += len(rows)
        return
    if parquet.is_one(path):
        columns = _present(columns, parquet.names(path), optional)
        require(path, columns, parquet.names(path), "")
        yield from map(Table, parquet.blocks(path, columns, ROWS))
        return
    top = spreadsheets.head(path, how)
    columns = _present(columns, top.names, optional)
    require(path, columns, top.names, f", line {top.above}" if top.above else "")
    spans, above = _spans(top.body), top.above
    columns = dict(columns) | _order_of_dates(path, columns, top, spans, how)
    for span in spans:
        rows = _columns(Head(top.names, above, span), columns, how)
        above += len(rows)
        yield Table(rows, {tables.CUT: top.body.cut} if span is spans[-1] else {})


def is_plain(path: Path, how: Spelling) -> bool:
    """Whether a file is one that `blocks` reads as it is: a table in no archive or a device's, nothing to convert."""
    if how.sensors or how.scale or not (tables.is_table(path) or tables.is_device(path)):
        return False
    return tables.is_device(path) or parquet.is_one(path) or spreadsheets.head(path, how).dialect is None


def _present(columns: Columns, names: list[str], optional: str | None) -> Columns:
    return {name: kind for name, kind in columns.items() if name != optional or name in names}


def _columns(top: Head, columns: Columns, how: Spelling) -> text_table.Parsed:
    """The named columns of rows, numbers in the order of `columns`."""
    kinds = {name if name in columns else f"\0{i}": columns.get(name, "skip") for i, name in enumerate(top.names)}
    form = text_table.Format(kinds, how.separator, False, how.missing, None, how.decimal, top.above)
    rows = _read(top.body, form)
    order = [form.numbers.index(name) for name, kind in columns.items() if kind == "number"]
    return rows if order == sorted(order) else replace(rows, values=np.ascontiguousarray(rows.values[:, order]))


def _spans(body: Text) -> list[Text]:
    """Consecutive spans of whole lines of a text, of about BLOCK bytes each; at least one."""
    spans: list[Text] = []
    start, end = body.start, body.end or body.start
    while start < end or not spans:
        stop = min(start + BLOCK, end)
        if stop < end:
            stop += len(next(replace(body, start=stop).lines()))
        spans.append(replace(body, start=start, end=stop))
        start = stop
    return spans


def _order_of_dates(
    path: Path, columns: Columns, top: Head, spans: list[Text], how: Spelling
) -> dict[str, text_table.Kind]:
    """The kind of columns whose dates have the year last: day/month or month/day, from the first row of each span.

    Nothing for one span: there `_read` looks at all stamps.
    """
    last = replace(spans[-1], start=max(spans[-1].start, (spans[-1].end or 0) - LINE)).bytes().splitlines()[-1:]
    lines = [*(next(span.lines(), b"") for span in spans), *last] if spans[1:] else []
    rows = [quotes.fields(line.decode(errors="replace").rstrip("\r\n"), how.separator) for line in lines]
    result: dict[str, text_table.Kind] = {}
    for name in (name for name, kind in columns.items() if kind == "date" and rows):
        words = [row[top.names.index(name)] for row in rows if len(row) == len(top.names)]
        reader = stamps.Stamps()
        try:
            times = reader.read(words)
        except ValueError:  # `_read` names the line, if the month is not first
            result[name] = "month/day" if stamps.fault(words[0], month_first=True) is None else "date"
            continue
        if reader.ambiguous(times):
            raise MixkdError(f"{path}: found {stamps.AMBIGUOUS}")
        if reader.year_last:
            result[name] = "day/month"
    return result

"""Tables as a reader wants them: words as heads, percent and nats with fitting digits, ten rows, the rest on demand."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mixkd.figures.drawn import CSV

MOST = 10  # rows in sight
LONG = 24  # letters of a cell, above which it may take several lines
PERCENT = {"accuracy": "accuracy", "macro_f1": "macro F1", "ece": "ECE", "scaled_ece": "ECE, scaled", "share": "share"}
NUMBERS = {  # head, digits after the point
    "nll": ("NLL, nats", 2),
    "scaled_nll": ("NLL, scaled, nats", 2),
    "brier": ("Brier score", 3),
    "entropy": ("entropy, nats", 2),
    "seconds": ("seconds", 1),
    "parameters": ("parameters", 0),
}
WORDS = {"dataset": "data set"}  # heads that are names in code
SIGNED = ("effect", "difference", "low", "high")
DIGITS = 2  # of other numbers
NONE = "–"
EMPTY = "Nothing to show here: no such runs are part of this build."


class Readable:
    """A table that a notebook shows for reading, with all of its numbers as CSV beside it."""

    def __init__(self, table: pd.DataFrame, heads: Sequence[str], rows: Sequence[Sequence[str]]):
        self.table, self.heads, self.rows = table, heads, rows

    def __repr__(self) -> str:
        return pd.DataFrame(self.rows, columns=pd.Index(self.heads)).to_string(index=False)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        numbers = {CSV: self.table.to_csv(index=False)} if self.rows else {}
        return {"text/plain": repr(self), "text/html": self._html(), **numbers}

    def _html(self) -> str:
        if not self.rows:
            return f"<p>{EMPTY}</p>"
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.heads)
        shown = _table(head, self.rows[:MOST])
        if rest := self.rows[MOST:]:
            shown += (
                f"<details><summary>{len(rest)} more row{'s' * (len(rest) > 1)}</summary>{_table(head, rest)}</details>"
            )
        return shown


def readable(table: pd.DataFrame | pd.Series, metric: str = "", names: Mapping[str, str] | None = None) -> Readable:
    """A table or series for reading: known scores get their unit, an index with a name becomes a column.

    Columns `low` and `high` become one, the interval; differences get their sign.

    metric: what the cells of a pivoted table are (`accuracy`, `nll`, ...). names: heads for other columns.
    """
    frame = table.to_frame() if isinstance(table, pd.Series) else table
    group = frame.columns.name if frame.columns.nlevels == 1 else None
    indexed = [str(name) for name in frame.index.names if name is not None]
    flat = frame.reset_index(drop=not indexed)
    columns = [*indexed, *frame.columns]
    heads = [*indexed, *(_flat(column, group) for column in frame.columns)]
    flat.columns = pd.Index(heads)
    kinds = [_kind(column, "" if head in indexed else metric) for column, head in zip(columns, heads, strict=True)]
    whole = [_are_whole(flat[head], 100 if kind in PERCENT else 1) for kind, head in zip(kinds, heads, strict=True)]
    cells = [
        [
            _signed(_cell(value, kind, is_whole)) if head in SIGNED else _cell(value, kind, is_whole)
            for head, value, kind, is_whole in zip(heads, row, kinds, whole, strict=True)
        ]
        for row in flat.itertuples(index=False, name=None)
    ]
    titles = [(names or {}).get(head, _head(head, column)) for head, column in zip(heads, columns, strict=True)]
    if {"low", "high"} <= set(heads):
        low, high = heads.index("low"), heads.index("high")
        cells = [[*row[:low], _interval(row[low], row[high]), *row[low + 1 : high], *row[high + 1 :]] for row in cells]
        titles = [*titles[:low], "95 % interval", *titles[low + 1 : high], *titles[high + 1 :]]
    return Readable(flat, titles, cells)


def _flat(column: Any, group: Any) -> str:
    """The name of a column; levels are joined, a number is named by what it counts."""
    if isinstance(column, tuple):
        return ", ".join(str(part) for part in column if part != "")
    return f"{group} {column:g}" if group and isinstance(column, (int, float)) else str(column)


def _kind(column: Any, metric: str) -> str:
    first = str(column[0] if isinstance(column, tuple) else column)
    return first if first in PERCENT or first in NUMBERS else metric


def _head(head: str, column: Any) -> str:
    first, *others = [str(part) for part in column if part != ""] if isinstance(column, tuple) else [head]
    name = (
        f"{PERCENT[first]}, %"
        if first in PERCENT
        else NUMBERS.get(first, (WORDS.get(first, first.replace("_", " ")), 0))[0]
    )
    return ", ".join([name, *(other.replace("_", " ") for other in others)])


def _are_whole(column: pd.Series, scale: int) -> bool:
    """Whether all numbers of a column are whole, such as counts, and settings in percent."""
    numbers = scale * pd.to_numeric(column, errors="coerce").dropna()
    return bool(np.isclose(numbers, numbers.round(), rtol=1e-6, atol=1e-9).all())


def _cell(value: Any, kind: str, is_whole: bool) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return NONE
    if isinstance(value, (str, bool)) or not hasattr(value, "__float__"):
        return str(value)
    if kind in PERCENT:
        return f"{100 * value:.{0 if is_whole else 1}f}"
    digits = NUMBERS[kind][1] if kind in NUMBERS else 0 if is_whole else DIGITS
    return f"{value:,.{digits}f}"


def _signed(cell: str) -> str:
    """A number with its sign; zero has none of minus."""
    if not cell or cell[0] not in "-0123456789":
        return cell
    return "+" + cell.lstrip("-") if cell[0] != "-" or not cell.strip("-0.,") else cell


def _interval(low: str, high: str) -> str:
    return NONE if {"", NONE} & {low, high} else f"[{low}, {high}]"


def _table(head: str, rows: Sequence[Sequence[str]]) -> str:
    body = "".join("<tr>" + "".join(map(_td, row)) + "</tr>" for row in rows)
    return f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _td(cell: str) -> str:
    return ('<td class="long">' if len(cell) > LONG else "<td>") + html.escape(cell) + "</td>"

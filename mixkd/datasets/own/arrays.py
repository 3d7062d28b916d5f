"""Columns in memory, of files that are no text tables, as `text_table` gives those of text tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mixkd.datasets.raw import text_table
from mixkd.datasets.raw.form import DATES, LATEST
from mixkd.errors import MixkdError, short

Columns = dict[str, np.ndarray]  # name -> (n_rows,): numbers, datetime64[us] or words
KINDS = {"f": "numbers", "i": "numbers", "u": "numbers", "b": "numbers", "M": "dates"}


def parsed(path: Path, kinds: Mapping[str, text_table.Kind], columns: Columns) -> text_table.Parsed:
    """The columns of `kinds`, all of which `columns` has. Raises MixkdError for another kind, or without rows."""
    n_rows = min((len(columns[name]) for name in kinds), default=0)
    if not n_rows:
        raise MixkdError(f"{path}: found no rows, expected a recording")
    form = text_table.Format(dict(kinds))
    values = np.empty((n_rows, len(form.numbers)), np.float32)
    others: dict[str, np.ndarray] = {}
    words: dict[str, tuple[str, ...]] = {}
    for name, kind in kinds.items():
        column, have = columns[name], KINDS.get(columns[name].dtype.kind, "words")
        if kind == "note":
            unique, others[name] = np.unique(column.astype(str), return_inverse=True)
            words[name] = tuple(unique.tolist())
            continue
        expected = "dates" if kind in DATES else "numbers"
        if have != expected:
            way = f'; time_unit = "{"date" if have == "dates" else "s"}" reads them' if kind != "number" else ""
            raise MixkdError(f"{path}: found {have} in {short(name)}, expected {expected}{way}")
        if kind == "number":
            with np.errstate(over="ignore"):  # too large for float32: infinite, refused below
                values[:, form.numbers.index(name)] = column
        else:
            others[name] = column.astype("datetime64[us]").astype(np.int64) if kind in DATES else column.astype(float)
            if (lost := np.flatnonzero(~(np.abs(others[name]) < LATEST))).size:
                raise text_table.refusal(path, int(lost[0]) + 1, f"no time in {name}", "a time in every row")
    if (bad := np.argwhere(np.isinf(values))).size:
        row, at = bad[0]
        raise text_table.refusal(path, int(row) + 1, f"{values[row, at]} in {form.numbers[at]}", "a finite number")
    return text_table.Parsed(path, form, values, others, words)

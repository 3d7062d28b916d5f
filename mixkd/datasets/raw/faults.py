"""The invalid lines of a text table, with reasons. Slow: only used after a table was refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from mixkd.datasets.raw import stamps
from mixkd.datasets.raw.form import DATES, LATEST, LONGEST, Format, Kind, refusal
from mixkd.errors import MixkdError

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SHAPES = {
    "number": (NUMBER, "a number"),
    "time": (NUMBER, "a number"),
    "instant": (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII), "a date and time"),
    "whole": (re.compile(r"-?\d+", re.ASCII), "a whole number"),
    "text": (re.compile(r".+"), "a word"),
    "note": (re.compile(r".*"), "a word or nothing"),
}
SHOWN, COUNTED = 5, 1000  # faults of a file, at most
BLOCK = 200  # lines that are checked together


class Faults(MixkdError):
    """Several errors in one file, a line each."""

    def __init__(self, lines: list[str]):
        super().__init__(lines[0])
        self.lines = lines


def first(path: Path, lines: list[str]) -> list[str]:
    """The first SHOWN faults of a file, and the number of the others."""
    at_least = "at least " * (len(lines) >= COUNTED)
    return lines[:SHOWN] + [f"{path}: {at_least}{len(lines) - SHOWN} more faults"] * (len(lines) > SHOWN)


def found(path: Path, form: Format, lines: Iterable[bytes]) -> Iterator[MixkdError]:
    """Errors of the lines that do not match `form`, up to `COUNTED`."""
    return islice(_refusals(path, form, lines), COUNTED)


def _refusals(path: Path, form: Format, lines: Iterable[bytes]) -> Iterator[MixkdError]:
    numbered = enumerate(lines, start=1 + form.above)
    while block := [(number, len(line), _fields(line, form)) for number, line in islice(numbered, BLOCK)]:
        kinds = _doubtful(form, [fields for _, _, fields in block])
        for number, size, fields in block:
            if number < form.first_line:
                continue
            if size > LONGEST:
                yield refusal(path, number, f"{size:,} bytes", f"a line of at most {LONGEST:,}")
            elif len(fields) != len(form.columns):
                what = f"{len(fields)} columns" if form.separator.join(fields).strip() else "an empty line"
                yield refusal(path, number, what, str(form))
            else:
                for value, name, kind in zip(fields, form.columns, kinds, strict=True):
                    if kind != "skip" and (expected := fault(value, kind, form)):
                        yield refusal(path, number, f"{_quoted(value)} in {name}", expected)
                        break


def _fields(line: bytes, form: Format) -> list[str]:
    text = line if len(line) <= LONGEST else b""
    return text.decode("utf-8", "backslashreplace").rstrip("\r\n").split(form.separator)


def _doubtful(form: Format, rows: list[list[str]]) -> list[Kind]:
    """The kinds of the columns; `skip` for dates that all parse, because checking them one by one is slow."""
    kinds = list(form.columns.values())
    for i, kind in enumerate(kinds):
        if kind in DATES:
            with suppress(ValueError):
                stamps.Stamps(kind == "month/day").read([row[i] for row in rows if len(row) == len(kinds)])
                kinds[i] = "skip"
    return kinds


def _quoted(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:40]}…")


def fault(value: str, kind: Kind, form: Format) -> str | None:
    """The expected form of `value`, or None if it is valid."""
    if kind == "number" and value in form.missing:
        return None
    if kind in DATES:
        return stamps.fault(value, month_first=kind == "month/day")
    pattern, expected = SHAPES[kind]
    spelled = value.strip(" \t") if kind in ("number", "time") else value
    if kind in ("number", "time") and form.decimal != ".":
        spelled, expected = spelled.replace(".", "?").replace(form.decimal, "."), "a number with a decimal comma"
    if not pattern.fullmatch(spelled):
        words = [word for word in form.missing if word and kind == "number"]
        return expected + (f" or {words[0]}" if words else "")
    return _beyond(spelled, kind, expected)


def _beyond(value: str, kind: Kind, expected: str) -> str | None:
    """The expected range of a well-formed value that its type cannot hold; None if it can."""
    if kind == "instant":
        try:
            np.datetime64(value)
        except ValueError:
            return expected
    elif kind == "whole" and (len(value) > 20 or abs(int(value)) >= 2**63):
        return "a number that int64 can hold"
    elif kind == "number" and not abs(float(value)) <= np.finfo(np.float32).max:
        return "a number that float32 can hold"
    elif kind == "time" and not abs(float(value)) < LATEST:
        return f"a time below {LATEST:g}"
    return None

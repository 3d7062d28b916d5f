"""Quoted fields of a text table, line by line; an unpaired quote is an ordinary character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from mixkd.datasets.raw.form import INSIDE, Format, refusal
from mixkd.datasets.raw.text import Text


@cache
def _field(separator: str) -> re.Pattern:
    """A field and what ends it: in quotes (groups 1 and 2), or not (3 and 4)."""
    by, blank = re.escape(separator), "[ \t]".replace(separator, "")
    return re.compile(rf'{blank}*"([^"]*(?:""[^"]*)*)"{blank}*({by}|$)|([^{by}]*)({by}|$)')


def _fields(line: str, separator: str) -> Iterator[tuple[str, bool]]:
    """The fields of a line, without its line end, and whether each stood in quotes."""
    at, more = 0, True
    while more and (match := _field(separator).match(line, at)):
        quoted = match[1] is not None
        yield (match[1].replace('""', '"') if quoted else match[3]), quoted
        at, more = match.end(), bool(match[2] if quoted else match[4])


def fields(line: str, separator: str) -> list[str]:
    """The fields of a line; separators inside quotes do not separate."""
    return [field for field, _ in _fields(line, separator)]


def without(body: Text, form: Format) -> tuple[Text, Format]:
    """The rows without quotes, and their format: another separator if this one occurs inside quotes."""
    by = re.escape(form.separator.encode())
    simple = rb'(?:^|(?<=%b))"([^"\n%b]*)"(?=%b|\r?\n)' % (by, by, by)
    lines = re.sub(simple, rb"\1", body.bytes(), flags=re.MULTILINE).split(b"\n")
    rows = {i: line for i, line in enumerate(lines) if b'"' in line}
    opened = 0
    for i, line in rows.items():
        number, cells = form.first_line + i, list(_fields(line.decode().removesuffix("\r"), form.separator))
        for (field, quoted), kind in zip(cells, form.columns.values(), strict=False):
            if not quoted and field.startswith('"'):
                opened = opened or number
                if kind != "skip":
                    raise refusal(body.path, number, field, "quotes in pairs")
            elif not quoted and field.endswith('"') and opened:
                raise refusal(body.path, opened, f"quotes that end in line {number}", "no line end inside quotes")
        lines[i] = INSIDE.encode().join(field.encode() for field, _ in cells)
    separator = form.separator
    if any(form.separator.encode() in lines[i] for i in rows):
        separator = INSIDE
        lines = [
            line if i in rows else line.replace(form.separator.encode(), INSIDE.encode())
            for i, line in enumerate(lines)
        ]
    else:
        lines = [
            line.replace(INSIDE.encode(), form.separator.encode()) if i in rows else line
            for i, line in enumerate(lines)
        ]
    return Text(body.path, b"\n".join(lines), cut=body.cut), replace(form, separator=separator)

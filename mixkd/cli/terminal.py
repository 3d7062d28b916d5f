"""The terminal: text as any terminal can show it, and one line for what ends a command early."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

from rich.console import Console
from rich.table import Column, Table

from mixkd.errors import MixkdError, machine_fault

# brackets and colons stand for themselves, as names of files and labels have them; a path stays in one piece
out = Console(markup=False, emoji=False, soft_wrap=True)


def table(*headers: str, title: str | None = None) -> Table:
    """A table whose long words are folded, not cut."""
    return Table(*(Column(header, overflow="fold") for header in headers), title=title)


def tolerate() -> None:
    """Let the standard streams escape what they cannot encode: `µ` in ASCII, file names that are no UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def refusal(error: BaseException) -> str | None:
    """The line for an error that ends a command; None for a bug, whose traceback is needed."""
    if isinstance(error, MixkdError):
        return str(error)
    fault = machine_fault(error)
    _drop(sys.stdout)
    return fault and str(MixkdError(fault))


def say_last(line: str) -> None:
    """Write a last line to stderr, if that still works."""
    with suppress(OSError, AttributeError):
        print(f"mixkd: {line}", file=sys.stderr, flush=True)


def _drop(stream) -> None:
    """Drop what a stream can no longer write (its disk is full), which would be a second error at exit."""
    with suppress(AttributeError):  # there is no stream where it was closed before the start
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

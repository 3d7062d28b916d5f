"""Terminal output: tables, encoding, and the last line of a failed command."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

from rich.console import Console
from rich.table import Column, Table

from mixkd.errors import MixkdError, machine_fault, missing_package

# no markup: names of files and labels may hold brackets and colons; soft wrap: a path is not broken
out = Console(markup=False, emoji=False, soft_wrap=True)


def table(*headers: str, title: str | None = None) -> Table:
    """A table that wraps long words instead of truncating them."""
    return Table(*(Column(header, overflow="fold") for header in headers), title=title)


def tolerate() -> None:
    """Make the standard streams escape characters that they cannot encode, such as `µ` in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def refusal(error: BaseException) -> str | None:
    """The last line for an error that ends a command; None for a bug, which needs its traceback."""
    if isinstance(error, MixkdError):
        return str(error)
    fault = missing_package(error) or machine_fault(error)
    _drop(sys.stdout)
    return fault and str(MixkdError(fault))


def say_last(line: str) -> None:
    """Write a last line to stderr, if that still works."""
    with suppress(OSError, AttributeError):
        print(f"mixkd: {line}", file=sys.stderr, flush=True)


def _drop(stream) -> None:
    """Discard the buffer of a stream that cannot be written (disk full): it would raise again at exit."""
    with suppress(AttributeError):  # the stream is None if it was closed at the start
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

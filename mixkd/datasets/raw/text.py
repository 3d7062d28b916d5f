"""The bytes of a text table: a span of a file, read in blocks, or content in memory if the file had to be rewritten.

`opened` accepts harmless variants: a byte order mark, UTF-16, either line end, gzip, a file inside a zip archive. A
last row without a line end may be truncated within a number: it is left out and counted.
"""

from __future__ import annotations

import codecs
import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import pyarrow as pa

from mixkd.datasets.raw import packed
from mixkd.datasets.raw.form import refusal
from mixkd.errors import MixkdError

BLOCK = 1 << 20  # bytes
MARK = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
OTHERS = {
    b"\x1f\x8b": ("a gzip archive", "a text table: unpack it first"),
    b"PK\x03\x04": ("a zip archive or an .xlsx workbook", "a text table: unpack it, or save the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("an .xls workbook", "a text table: save the sheet as CSV"),
    b"PAR1": ("a Parquet file", "a text table, or the ending .parquet"),
    b"MD\xfc\x03": ("an Axivity file", "a text table, or the ending .cwa"),
}
OTHER_CODE = 'UTF-8: save the file as UTF-8, or state its encoding, such as encoding = "cp1252"'


@dataclass(frozen=True)
class Text:
    """Bytes `start` to `end` (none: to the end) of the file, or of `content`. cut: rows left out at its end, 0 or 1."""

    path: Path
    content: bytes | None = None
    start: int = 0
    end: int | None = None
    quotes: bool = False
    cut: int = 0

    def _open(self) -> IO[bytes]:
        file = io.BytesIO(self.content) if self.content is not None else self.path.open("rb")
        file.seek(self.start)
        return file

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, a block at a time."""
        left = self._size() - self.start
        with self._open() as file:
            while left > 0 and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                yield block

    def lines(self) -> Iterator[bytes]:
        """Its lines, each with its end."""
        left = self._size() - self.start
        with self._open() as file:
            while left > 0 and (line := file.readline(left)):
                left -= len(line)
                yield line

    def bytes(self) -> bytes:
        """All of it."""
        with self._open() as file:
            return file.read(self._size() - self.start)

    def native(self) -> pa.NativeFile:
        """The same as an arrow file: arrow's threads read ahead and must not call Python while it exits."""
        if self.content is None:
            file = pa.OSFile(os.fsencode(self.path))
            return file.get_stream(self.start, self._size() - self.start) if self.start or self.end else file
        sink = pa.BufferOutputStream()
        sink.write(memoryview(self.content)[self.start : self.end])
        return pa.BufferReader(sink.getvalue())

    def _size(self) -> int:
        if self.end is not None:
            return self.end
        return len(self.content) if self.content is not None else self.path.stat().st_size


def opened(path: Path, encoding: str = "utf-8") -> Text:
    """A text file as UTF-8 with one line end throughout, up to its last complete row."""
    try:
        content = packed.content(path)
        if content is None:
            with path.open("rb") as file:
                first = file.read(4)
        else:
            first = content[:4]
        for mark, (found, expected) in OTHERS.items():
            if first.startswith(mark):
                raise MixkdError(f"{path}: found {found}, expected {expected}")
        text = Text(path, content, start=len(MARK) * first.startswith(MARK))
        if first.startswith(UTF16):
            text = Text(path, _as_utf8(text, "utf-16"))
        elif encoding != "utf-8" and not text.start:
            text = Text(path, _as_utf8(text, encoding))
        return _surveyed(text)
    except OSError as error:
        raise MixkdError(f"{path}: {error.strerror or error}") from error


def _as_utf8(text: Text, encoding: str) -> bytes:
    try:
        return text.bytes().decode(encoding).encode()
    except UnicodeError as error:
        name = encoding.upper()
        raise MixkdError(f"{text.path}: found damaged {name}, expected text: save it as UTF-8") from error


def _surveyed(text: Text) -> Text:
    """One fast pass: files that are no text are refused; mixed or old line ends are rewritten."""
    lines = returns = pairs = at = end = 0
    quotes, last, decoder = False, b"", codecs.getincrementaldecoder("utf-8")()
    for block in text.blocks():
        try:
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
        except UnicodeDecodeError:
            raise _first(text, _no_utf8, "bytes that are no UTF-8", OTHER_CODE) from None
        if b"\0" in block:
            raise _first(text, lambda line: b"\0" in line, "a zero byte", "text: save the file as UTF-8")
        lines, returns = lines + block.count(b"\n"), returns + block.count(b"\r")
        pairs += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
        quotes = quotes or b'"' in block
        if (newline := block.rfind(b"\n")) >= 0:
            end = at + newline + 1
        at, last = at + len(block), block[-1:]
    if not at:
        raise MixkdError(f"{text.path}: found an empty file, expected a header and rows")
    if returns > pairs and lines:
        raise _first(
            text, lambda line: re.search(rb"\r(?!\n)", line), "a carriage return inside", "it at line ends only"
        )
    if returns and (pairs != lines or not lines):
        old = b"\r\n" if lines else b"\r"
        return _surveyed(Text(text.path, text.bytes().replace(old, b"\n")))
    return replace(text, end=_end(text, text.start + end), quotes=quotes, cut=int(end < at))


def _end(text: Text, end: int) -> int:
    """Offset of the end of the last non-empty line; `end`: of the last line."""
    tail = replace(text, start=max(end - BLOCK, text.start), end=end).bytes()
    length = len(tail.rstrip(b"\r\n"))
    return end - len(tail) + length + (2 if tail[length:].startswith(b"\r\n") else 1) if length else end


def _no_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def _first(text: Text, bad: Callable[[bytes], object], found: str, expected: str) -> MixkdError:
    """The error of the first bad line."""
    numbers = (number for number, line in enumerate(text.lines(), start=1) if bad(line))
    return refusal(text.path, next(numbers, 1), found, expected)

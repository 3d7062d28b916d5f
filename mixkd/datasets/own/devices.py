"""Files of devices: Axivity `.cwa` and GENEActiv `.bin` by actfast (extra `devices`), ActiGraph `.gt3x` by `gt3x`.

Columns: time (of the device's clock, without a zone), x, y, z in g; of an AX6 also `gyro x`, `gyro y`, `gyro z` in °/s.
Both formats give a time to each block of samples: samples are spread evenly from block to block, unless one is lost.
actfast leaves out what is corrupt; it says nothing of a truncated last block, of two recordings in one file, or of
blocks that are lost, so these are found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np

from mixkd.datasets.own import gt3x
from mixkd.datasets.own.arrays import Columns
from mixkd.errors import MixkdError, short

SUFFIXES = (".cwa", ".bin", ".gt3x")
UNITS = {**dict.fromkeys("xyz", "g"), **{f"gyro {axis}": "°/s" for axis in "xyz"}}
SECTOR, ABOVE = 512, 1024  # bytes of a block and of the header of a .cwa file
PAGE = 3600  # letters of a page of a .bin file: 300 samples of 12 hexadecimal digits
PAGE_MARK = b"Recorded Data"  # first words of a page
BLOCK = 1 << 23  # bytes of a file that are read at a time: whole blocks
Piece = tuple[bytes, dict[str, int]]  # a header and some blocks, counts of what was left out
SAME = 0.05  # difference of a block's rate from the stated one above which a block is missing


def columns(path: Path) -> tuple[Columns, dict[str, int]]:
    """All columns of a file (n_rows,), and counts of what was left out. Raises MixkdError for an unreadable file."""
    parts, counts = list[Columns](), dict[str, int]()
    for part, left in blocks(path):
        parts.append(part)
        for what, n in left.items():
            counts[what] = counts.get(what, 0) + n
    return {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}, counts


def blocks(path: Path) -> Iterator[tuple[Columns, dict[str, int]]]:
    """The same in blocks of rows, of about BLOCK bytes of the file each; the counts come with the last one."""
    ready: Columns = {}
    counts: dict[str, int] = {}
    for part, left in gt3x.blocks(path) if path.suffix.lower() == ".gt3x" else _by_actfast(path):
        counts = {what: counts.get(what, 0) + left.get(what, 0) for what in counts | left}
        time = part["time"]
        if not len(time):
            continue
        before = ready["time"][-1] if ready else time[0] - 1
        if (backward := np.flatnonzero(np.diff(time, prepend=before) <= np.timedelta64(0))).size:
            at = time[backward[0]]
            raise MixkdError(f"{path}: found a clock that goes back to {at}, expected one recording of one device")
        if ready:
            yield ready, {}
        ready = part
    if not ready:
        raise MixkdError(f"{path}: found no samples of acceleration, expected a recording; the file may be truncated")
    yield ready, counts


def _by_actfast(path: Path) -> Iterator[tuple[Columns, dict[str, int]]]:
    """Blocks of .cwa and .bin files. The last samples of each wait for the time of the next."""
    waiting: Columns = {}
    starts = np.empty(0, np.int64)
    for content, left in _pieces(path):
        series = content["timeseries"]["high_frequency"]
        if not len(series["datetime"]):
            yield {"time": np.empty(0, "datetime64[us]")}, left
            continue
        rows = {"time": series["datetime"]} | dict(zip("xyz", series["acceleration"].T, strict=True))
        if "gyroscope" in series:
            rows |= {f"gyro {axis}": values for axis, values in zip("xyz", series["gyroscope"].T, strict=True)}
        rows = {name: np.concatenate([waiting[name], rows[name]]) if waiting else rows[name] for name in rows}
        starts = np.r_[starts, content["timeseries"]["low_frequency"]["datetime"]]
        first = np.flatnonzero(rows["time"] == starts[-1:])  # also the time of a sample before, if the clock is fast
        done = first[-1] if len(first) else 0
        ready = spread(rows["time"], starts)[:done].view("datetime64[ns]").astype("datetime64[us]")
        waiting, starts = {name: values[done:].copy() for name, values in rows.items()}, starts[-1:]
        yield {name: values[:done] for name, values in rows.items()} | {"time": ready}, left
    if waiting:
        yield waiting | {"time": waiting["time"].view("datetime64[ns]").astype("datetime64[us]")}, {}


def _pieces(path: Path) -> Iterator[tuple[Any, dict[str, int]]]:
    """What actfast makes of the header with some blocks at a time, and counts of what was left out."""
    try:
        import actfast
    except ImportError:
        raise MixkdError(
            f"{path}: found a file of a device, whose reader is missing: pip install 'mixkd[devices]'"
        ) from None
    try:
        with path.open("rb") as file, TemporaryDirectory() as folder:
            read = {b"MD": _axivity, b"De": _geneactiv}.get(file.peek(2)[:2], _unknown)
            for some, counts in read(path, file):
                piece = Path(folder) / "piece"
                piece.write_bytes(some)
                content = _content(actfast.read, piece)
                if content["format"] == "Actigraph GT3X":
                    raise MixkdError(f"{path}: found an ActiGraph file, expected the ending .gt3x: rename it")
                corrupt = len(content["warnings"])
                yield content, counts | ({"blocks or pages that are corrupt, left out": corrupt} if corrupt else {})
    except (OSError, ValueError) as error:
        if path.is_file() and not path.stat().st_size:
            raise MixkdError(f"{path}: found an empty file, expected a recording") from error
        raise MixkdError(
            f"{path}: found no file of a known device ({short(error, 100)}), expected Axivity .cwa or GENEActiv .bin"
        ) from error


def _content(read: Callable[..., Any], piece: Path) -> Any:
    """What actfast reads. A panic of it, which is no Exception, is raised as a ValueError."""
    try:
        return read(str(piece), lenient=True)
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ValueError("its reader gave up") from error
        raise


def _unknown(path: Path, file: IO[bytes]) -> Iterator[Piece]:
    yield file.read(BLOCK), {}


def spread(time: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Times (n,) in ns, spread evenly between those of consecutive blocks: `starts`, one for each, in ns.

    A block whose next one starts SAME earlier or later than its number of samples says keeps its times.
    """
    if (size := _block_size(time, starts)) is None:
        return time
    first = np.arange(0, len(time), size)
    sizes, lengths = np.diff(first), np.diff(starts)
    within = np.arange(first[-1]) - np.repeat(first[:-1], sizes)
    placed = np.repeat(starts[:-1], sizes) + np.round(within * np.repeat(lengths / sizes, sizes)).astype(np.int64)
    even = np.abs(lengths / (sizes * float(np.median(np.diff(time)))) - 1) <= SAME
    return np.r_[np.where(np.repeat(even, sizes), placed, time[: first[-1]]), time[first[-1] :]]


def _block_size(time: np.ndarray, starts: np.ndarray) -> int | None:
    """Samples of each block but the last, which may be shorter; None where blocks are not equally long."""
    if len(starts) < 2:
        return None
    low, high = -(-len(time) // len(starts)), (len(time) - 1) // (len(starts) - 1)
    # the last first: where a clock is fast, an earlier sample may bear the time at which a block starts
    for size in low + np.flatnonzero(time[low : high + 1] == starts[1])[::-1]:
        if np.array_equal(time[::size], starts):
            return int(size)
    return None


def _axivity(path: Path, file: IO[bytes]) -> Iterator[Piece]:
    """Header and blocks of a .cwa file. Raises MixkdError for blocks of several sessions or devices."""
    head, sessions, number = file.read(ABOVE), set[int](), 0
    while content := file.read(BLOCK):
        cut = len(content) % SECTOR
        blocks = np.frombuffer(content, np.uint8, len(content) - cut).reshape(-1, SECTOR)
        if (other := np.flatnonzero((blocks[:, 0] == ord("M")) & (blocks[:, 1] == ord("D")))).size:
            where = f"a second header in block {number + other[0]}"
            raise MixkdError(f"{path}: found {where}, expected one recording of one device: split the file there")
        sessions |= set(np.ascontiguousarray(blocks[:, 6:10][sound(blocks)]).view("<u4").ravel().tolist())
        if len(sessions) > 1:
            raise MixkdError(f"{path}: found blocks of {len(sessions)} sessions, expected one recording of one device")
        number += len(blocks)
        if number:
            yield head + content, {"last blocks that are truncated, left out": 1} if cut else {}
    if not number:
        yield head, {}
        raise MixkdError(f"{path}: found a header and no samples, expected a recording; the file may be truncated")


def sound(blocks: np.ndarray) -> np.ndarray:
    """Whether the 16 bit words of each block add up to 0, by its checksum."""
    return blocks.view("<u2").sum(axis=1, dtype=np.uint16) == 0


def _geneactiv(path: Path, file: IO[bytes]) -> Iterator[Piece]:
    """Header and pages of a .bin file. Raises MixkdError for a second header."""
    content = file.read(BLOCK)
    head = content.partition(PAGE_MARK)[0]
    rest, new = content[len(head) :], b" "
    headers, pages, last = len(re.findall(rb"(?m)^Device Identity", head)), 0, b""
    while new:
        new = file.read(BLOCK)
        content = rest + new
        cut = content.rfind(PAGE_MARK) if new else len(content)
        rest = content[cut:]
        headers += len(re.findall(rb"(?m)^Device Identity", content[:cut]))
        if headers > 1:
            where = f"{headers} headers"
            raise MixkdError(f"{path}: found {where}, expected one recording of one device: split the file there")
        for line in re.finditer(rb"(?m)^[0-9A-Fa-f]{12,}", content[:cut]):
            pages, last = pages + 1, line[0]
        counts: dict[str, int] = {}
        if not new:
            stated = re.search(rb"Number of Pages:\s*(\d+)", head)
            if len(last) < PAGE:
                counts["last pages that are truncated, read up to their last sample"] = 1
            if stated and int(stated[1]) > pages:
                counts["pages that the header counts and the file lacks"] = int(stated[1]) - pages
        if cut or not new:
            yield head + content[:cut], counts

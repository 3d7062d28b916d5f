"""Files of devices: Axivity `.cwa` and GENEActiv `.bin` by actfast (extra `devices`), ActiGraph `.gt3x` by `gt3x`.

Columns: time (of the device's clock, without a zone), x, y, z in g; of an AX6 also `gyro x`, `gyro y`, `gyro z` in °/s.
Both formats give a time to each block of samples: samples are spread evenly from block to block, unless one is lost.
actfast leaves out what is corrupt; it says nothing of a truncated last block, of two recordings in one file, or of
blocks that are lost, so these are found here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.datasets.own import gt3x
from mixkd.datasets.own.arrays import Columns
from mixkd.errors import MixkdError, short

SUFFIXES = (".cwa", ".bin", ".gt3x")
UNITS = {**dict.fromkeys("xyz", "g"), **{f"gyro {axis}": "°/s" for axis in "xyz"}}
SECTOR, ABOVE = 512, 1024  # bytes of a block and of the header of a .cwa file
PAGE = 3600  # letters of a page of a .bin file: 300 samples of 12 hexadecimal digits
SAME = 0.05  # difference of a block's rate from the stated one above which a block is missing


def columns(path: Path) -> tuple[Columns, dict[str, int]]:
    """All columns of a file (n_rows,), and counts of what was left out. Raises MixkdError for an unreadable file."""
    if path.suffix.lower() == ".gt3x":
        return gt3x.read(path)
    content = _by_actfast(path)
    if content["format"] == "Actigraph GT3X":
        raise MixkdError(f"{path}: found an ActiGraph file, expected the ending .gt3x: rename it")
    series = content["timeseries"]["high_frequency"]
    time, starts = series["datetime"], content["timeseries"]["low_frequency"]["datetime"]
    counts = _axivity(path) if content["format"] == "Axivity CWA" else _geneactiv(path, content)
    if len(content["warnings"]):
        counts[f"blocks or pages that are corrupt, left out (first: {short(content['warnings'][0], 80)})"] = len(
            content["warnings"]
        )
    if not len(time):
        raise MixkdError(f"{path}: found no samples, expected a recording; the file may be truncated")
    time = spread(time, starts)
    if (backward := np.flatnonzero(np.diff(time) <= 0)).size:
        at = np.datetime64(int(time[backward[0] + 1]), "ns").astype("datetime64[us]")
        raise MixkdError(f"{path}: found a clock that goes back to {at}, expected one recording of one device")
    result: Columns = {"time": time.view("datetime64[ns]").astype("datetime64[us]")}
    result |= dict(zip("xyz", series["acceleration"].T, strict=True))
    if "gyroscope" in series:
        result |= {f"gyro {axis}": values for axis, values in zip("xyz", series["gyroscope"].T, strict=True)}
    return result, counts


def spread(time: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Times (n,) in ns, spread evenly between those of consecutive blocks: `starts`, one for each, in ns.

    A block whose next one starts SAME earlier or later than its number of samples says keeps its times.
    """
    size = -(-len(time) // max(len(starts), 1))  # all blocks are equally long, but the last
    first = np.arange(0, len(time), max(size, 1))
    if len(first) < 2 or len(first) != len(starts) or (time[first] != starts).any():
        return time
    sizes, lengths = np.diff(first), np.diff(starts)
    within = np.arange(first[-1]) - np.repeat(first[:-1], sizes)
    placed = np.repeat(starts[:-1], sizes) + np.round(within * np.repeat(lengths / sizes, sizes)).astype(np.int64)
    even = np.abs(lengths / (sizes * float(np.median(np.diff(time)))) - 1) <= SAME
    return np.r_[np.where(np.repeat(even, sizes), placed, time[: first[-1]]), time[first[-1] :]]


def _by_actfast(path: Path) -> Any:
    try:
        import actfast
    except ImportError:
        raise MixkdError(
            f"{path}: found a file of a device, whose reader is missing: pip install 'mixkd[devices]'"
        ) from None
    try:
        return actfast.read(str(path), lenient=True)
    except (OSError, ValueError) as error:
        if path.is_file() and not path.stat().st_size:
            raise MixkdError(f"{path}: found an empty file, expected a recording") from error
        raise MixkdError(
            f"{path}: found no file of a known device ({short(error, 100)}), expected Axivity .cwa or GENEActiv .bin"
        ) from error


def _axivity(path: Path) -> dict[str, int]:
    """Counts of a .cwa file. Raises MixkdError for blocks of several sessions or devices."""
    body = path.stat().st_size - ABOVE
    if body < SECTOR:
        raise MixkdError(f"{path}: found a header and no samples, expected a recording; the file may be truncated")
    blocks = np.memmap(path, np.uint8, "r", ABOVE, (body // SECTOR, SECTOR))
    if (other := np.flatnonzero((blocks[:, 0] == ord("M")) & (blocks[:, 1] == ord("D")))).size:
        where = f"a second header in block {other[0]}"
        raise MixkdError(f"{path}: found {where}, expected one recording of one device: split the file there")
    sessions = np.unique(np.ascontiguousarray(blocks[sound(blocks)][:, 6:10]).view("<u4"))
    if len(sessions) > 1:
        raise MixkdError(f"{path}: found blocks of {len(sessions)} sessions, expected one recording of one device")
    cut = body % SECTOR
    return {"last blocks that are truncated, left out": 1} if cut else {}


def sound(blocks: np.ndarray) -> np.ndarray:
    """Whether the 16 bit words of each block add up to 0, by its checksum."""
    return blocks.view("<u2").sum(axis=1, dtype=np.uint16) == 0


def _geneactiv(path: Path, content: dict) -> dict[str, int]:
    """Counts of a .bin file. Raises MixkdError for a second header."""
    counts: dict[str, int] = {}
    headers = pages = 0
    last = b""
    with path.open("rb") as file:
        for line in file:
            headers += line.startswith(b"Device Identity")
            if re.fullmatch(rb"[0-9A-Fa-f]{12,}\s*", line):
                pages, last = pages + 1, line.strip()
    if headers > 1:
        raise MixkdError(f"{path}: found {headers} headers, expected one recording of one device: split the file there")
    if len(last) < PAGE:
        counts["last pages that are truncated, read up to their last sample"] = 1
    stated = re.search(r"\d+", str(content["metadata"].get("Memory Status", {}).get("Number of Pages", "")))
    if stated and int(stated[0]) > pages:
        counts["pages that the header counts and the file lacks"] = int(stated[0]) - pages
    return counts

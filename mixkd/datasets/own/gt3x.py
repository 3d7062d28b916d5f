"""ActiGraph `.gt3x`: a zip archive of `info.txt` and `log.bin` (a record for each second) or `activity.bin` (older).

Read are 16 bit samples (records of type 26, in x, y, z) and packed 12 bit ones (type 0 and `activity.bin`, in y, x, z);
the format is ActiGraph's: github.com/actigraph/GT3X-File-Format. Seconds in which the device slept have no record: they
are gaps. Times are those of the device's clock, local or UTC by its firmware; the file does not say which.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from mixkd.datasets.own.arrays import Columns
from mixkd.errors import MixkdError, short

MARK, HEAD = 0x1E, 8  # first byte, and bytes before the payload of a record
PACKED, WHOLE = 0, 26  # types of records with samples
EPOCH = 621_355_968_000_000_000  # 1970 in ticks of 100 ns since year 1
SCALES = {"NEO": 341.0, "CLE": 341.0, "MRA": 341.0, "MOS": 256.0}  # where info.txt states none, by serial number
LARGEST = 1 << 32  # bytes of a member, at most
BLOCK = 1 << 22  # bytes of a member that are read at a time
MOST = (1 << 16) + HEAD  # bytes of a record, at most
Part = tuple[np.ndarray, np.ndarray, int]  # times (n,) in µs, samples (n, 3), records that are corrupt


def blocks(path: Path) -> Iterator[tuple[Columns, dict[str, int]]]:
    """time (datetime64[us]), x, y, z in g (n_rows,), of about BLOCK bytes at a time; and counts of what was left out.

    Raises MixkdError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename for info in archive.infolist() if info.file_size < LARGEST}
            stated = dict(_info(archive.read("info.txt")))
            inner = next((name for name in ("log.bin", "activity.bin") if name in members), None)
            if inner is None:
                raise MixkdError(f"{path}: found neither log.bin nor activity.bin, expected one: an ActiGraph file")
            rate, scale = _number(path, stated, "Sample Rate"), _scale(path, stated)
            with archive.open(inner) as file:
                if inner == "activity.bin":
                    parts = _even(file, (int(_number(path, stated, "Start Date")) - EPOCH) // 10, rate)
                else:
                    parts = _log(file, rate)
                for times, samples, left in parts:
                    axes = dict(zip("xyz", (samples / np.float32(scale)).astype(np.float32).T, strict=True))
                    counts = {"records that are corrupt, left out": left} if left else {}
                    yield {"time": times.view("datetime64[us]"), **axes}, counts
    except (KeyError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise MixkdError(f"{path}: {short(error, 100)}, expected an ActiGraph archive, whole") from error


def _even(file: IO[bytes], start: int, rate: float) -> Iterator[Part]:
    n = 0
    while content := file.read(BLOCK // 9 * 9):  # 9 bytes are two samples
        samples = unpacked(content)
        yield start + np.round(np.arange(n, n + len(samples)) * 1e6 / rate).astype(np.int64), samples, 0
        n += len(samples)


def _info(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


def _number(path: Path, stated: Mapping[str, str], name: str) -> float:
    try:
        value = float(stated[name])
    except (KeyError, ValueError):
        value = np.nan
    if not 0 < value < 1e19:
        raise MixkdError(f"{path}: found {name} {stated.get(name)!r} in info.txt, expected a number") from None
    return value


def _scale(path: Path, stated: Mapping[str, str]) -> float:
    if "Acceleration Scale" in stated:
        return _number(path, stated, "Acceleration Scale")
    serial = stated.get("Serial Number", "")
    if (scale := SCALES.get(serial[:3])) is None:
        raise MixkdError(f"{path}: found no Acceleration Scale in info.txt, and no known device ({short(serial)})")
    return scale


def _log(file: IO[bytes], rate: float) -> Iterator[Part]:
    """The records of log.bin; corrupt ones are counted, together if no mark is between them."""
    content, new, damaged = b"", b" ", False
    while new:
        new = file.read(BLOCK)
        content += new
        seconds, parts, left, at = list[int](), list[np.ndarray](), 0, 0
        stop = len(content) - (MOST if new else 0)  # a record may go on in the next bytes
        while at < stop:
            payload = _payload(content, at)
            if payload is None:  # corrupt: go on at the next mark
                left += content[at] == MARK or not damaged
                damaged, at = True, content.find(MARK, at + 1)
                at = len(content) if at < 0 else at
                continue
            kind, second = struct.unpack_from("<BI", content, at + 1)
            if (kind == PACKED and len(payload) >= 9) or (kind == WHOLE and len(payload) >= 6):
                whole = payload[: len(payload) // 6 * 6]
                parts.append(unpacked(payload) if kind == PACKED else np.frombuffer(whole, "<i2").reshape(-1, 3))
                seconds.append(second)
            at += HEAD + len(payload) + 1
        content = content[at:]
        if parts or left:
            yield _spread(seconds, parts, rate), np.concatenate([np.empty((0, 3), np.int16), *parts]), left


def _spread(seconds: list[int], parts: list[np.ndarray], rate: float) -> np.ndarray:
    """Times (n,) in µs of the samples of records.

    A record of a sample too many is one of a clock that is a little fast: its samples share the second.
    """
    sizes = np.array([len(part) for part in parts], np.int64)
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    steps = np.minimum(1e6 / rate, 1e6 / np.maximum(sizes, 1))
    times = np.repeat(np.array(seconds, np.int64) * 1_000_000, sizes) + np.round(within * np.repeat(steps, sizes))
    return times.astype(np.int64)


def _payload(content: bytes, at: int) -> bytes | None:
    """The payload of the record at a position; None unless it is whole and its checksum right."""
    if content[at] != MARK or at + HEAD >= len(content):
        return None
    end = at + HEAD + int.from_bytes(content[at + 6 : at + HEAD], "little")
    if end >= len(content):
        return None
    total = np.bitwise_xor.reduce(np.frombuffer(content, np.uint8, end + 1 - at, at))
    return content[at + HEAD : end] if total == 0xFF else None  # the last byte is the complement of the others


def unpacked(content: bytes) -> np.ndarray:
    """Samples (n, 3), x, y, z, of 12 bit numbers in two's complement, packed in the order y, x, z."""
    n = len(content) * 8 // 36
    numbers = np.unpackbits(np.frombuffer(content, np.uint8), count=n * 36).reshape(-1, 12)
    signed = numbers[:, :].astype(np.int32) @ (1 << np.arange(11, -1, -1))
    return np.where(signed > 2047, signed - 4096, signed).reshape(n, 3)[:, [1, 0, 2]]

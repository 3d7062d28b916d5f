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

import numpy as np

from mixkd.datasets.own.arrays import Columns
from mixkd.errors import MixkdError, short

MARK, HEAD = 0x1E, 8  # first byte, and bytes before the payload of a record
PACKED, WHOLE = 0, 26  # types of records with samples
EPOCH = 621_355_968_000_000_000  # 1970 in ticks of 100 ns since year 1
SCALES = {"NEO": 341.0, "CLE": 341.0, "MOS": 256.0}  # of devices whose info.txt states none, by serial number
LARGEST = 1 << 32  # bytes of a member, at most


def read(path: Path) -> tuple[Columns, dict[str, int]]:
    """time (datetime64[us]), x, y, z in g (n_rows,); and counts of what was left out. Raises MixkdError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename for info in archive.infolist() if info.file_size < LARGEST}
            stated = dict(_info(archive.read("info.txt")))
            inner = next((name for name in ("log.bin", "activity.bin") if name in members), None)
            if inner is None:
                raise MixkdError(f"{path}: found neither log.bin nor activity.bin, expected one: an ActiGraph file")
            content = archive.read(inner)
    except (KeyError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise MixkdError(f"{path}: {short(error, 100)}, expected an ActiGraph archive, whole") from error
    counts: dict[str, int] = {}
    rate, scale = _number(path, stated, "Sample Rate"), _scale(path, stated)
    if inner == "activity.bin":
        start = (int(_number(path, stated, "Start Date")) - EPOCH) // 10
        samples = unpacked(content)
        times = start + np.round(np.arange(len(samples)) * 1e6 / rate).astype(np.int64)
    else:
        times, samples, counts = _log(content, rate)
    if not len(samples):
        raise MixkdError(f"{path}: found no samples of acceleration, expected a recording")
    if (backward := np.flatnonzero(np.diff(times) <= 0)).size:
        at = np.datetime64(int(times[backward[0] + 1]), "us")
        raise MixkdError(f"{path}: found a clock that goes back to {at}, expected one recording of one device")
    axes = dict(zip("xyz", (samples / scale).astype(np.float32).T, strict=True))
    return {"time": times.view("datetime64[us]"), **axes}, counts


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


def _log(content: bytes, rate: float) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Times (n,) in µs and samples (n, 3) of the records in log.bin; corrupt ones are counted."""
    seconds: list[int] = []
    parts: list[np.ndarray] = []
    left, at = 0, 0
    while at < len(content):
        payload = _payload(content, at)
        if payload is None:  # corrupt: go on at the next mark
            left += at == 0 or content[at] == MARK or left == 0
            at = content.find(MARK, at + 1)
            at = len(content) if at < 0 else at
            continue
        kind, second = struct.unpack_from("<BI", content, at + 1)
        if (kind == PACKED and len(payload) >= 9) or (kind == WHOLE and len(payload) >= 6):
            whole = len(payload) // 6 * 6
            parts.append(unpacked(payload) if kind == PACKED else np.frombuffer(payload[:whole], "<i2").reshape(-1, 3))
            seconds.append(second)
        at += HEAD + len(payload) + 1
    sizes = np.array([len(part) for part in parts], np.int64)
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # a record of a sample too many is one of a clock that is a little fast: its samples share the second
    steps = np.minimum(1e6 / rate, 1e6 / np.maximum(sizes, 1))
    times = np.repeat(np.array(seconds, np.int64) * 1_000_000, sizes) + np.round(within * np.repeat(steps, sizes))
    samples = np.concatenate(parts) if parts else np.empty((0, 3))
    return times.astype(np.int64), samples, {"records that are corrupt, left out": left} if left else {}


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

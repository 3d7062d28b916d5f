"""Location of the store, atomic writes, file locks, and array caches that are verified by SHA-256.

A file is written under a temporary name in its own folder, flushed and renamed: no reader sees half of it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import platformdirs
import safetensors.numpy

from mixkd.errors import MixkdError

CHECKOUT = Path(__file__).resolve().parent.parent
log = logging.getLogger("mixkd")
Arrays = dict[str, np.ndarray]


def home() -> Path:
    """`MIXKD_HOME`, else `.mixkd` of the checkout, else the user's cache folder."""
    if named := place("MIXKD_HOME"):
        return named
    if (CHECKOUT / "notebooks").is_dir() and (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / ".mixkd"
    cache = Path(platformdirs.user_cache_dir("mixkd"))
    if not cache.is_absolute():
        raise MixkdError(f"MIXKD_HOME: not set, and found {cache} as the user's cache; expected MIXKD_HOME to be set")
    return cache


def place(variable: str) -> Path | None:
    """The absolute path of the folder that an environment variable names, or None."""
    if not (named := os.environ.get(variable)):
        return None
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        user = named.partition("/")[0]
        raise MixkdError(f"{variable}: found {named}, expected a folder; {user} has no home folder here") from error


def places() -> dict[str, str]:
    """Environment variables that name folders, with absolute paths: for a process that works in another folder."""
    return {name: str(path) for name in ("MIXKD_HOME", "MIXKD_DATA") if (path := place(name))}


def sha256(data: bytes) -> str:
    """Hex digits of the SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def atomic_write(path: Path, data: bytes) -> None:
    """Write all of `data` to `path`, or nothing. Raises MixkdError if the disk refuses."""
    temporary = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}.tmp")  # a name has at most 255 bytes
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):  # the folder itself may be what failed
            temporary.unlink()
        reason = error.strerror or error
        raise MixkdError(f"{path}: could not write {len(data)} bytes: {reason}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`: one process at a time. The operating system frees the lock of a dead process."""
    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
        raise MixkdError(f"{path.parent}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield
    finally:
        lock.release()


def pack(arrays: Arrays) -> bytes:
    """Arrays of any shape as safetensors bytes. Arrays that are not C-contiguous are copied first."""
    return safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in arrays.items()})


TYPES = {"BOOL": "?", "U8": "u1", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}  # of safetensors, as used


def cached_arrays(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """Arrays of any shape from a cache file; `make` recomputes them if the file is missing or fails its SHA-256.

    The digest is in `path` + `.sha256`. Arrays are memory-mapped, read-only: processes share the memory of a file.
    """
    digest = path.with_name(path.name + ".sha256")
    if path.is_file() and digest.is_file():
        data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
        if hashlib.sha256(data.data).hexdigest().encode() == digest.read_bytes():
            return _unpack(data)
        log.warning("%s does not match its SHA-256: it is made again", path)
    packed = pack(make())
    atomic_write(path, packed)
    atomic_write(digest, sha256(packed).encode())
    return _unpack(np.frombuffer(packed, np.uint8))


def _unpack(data: np.ndarray) -> Arrays:
    """Arrays of a safetensors file, as views of its bytes: header size (8 bytes), header (JSON), data."""
    data = data.view(np.ndarray)  # still mapped; slices of a memmap cost several times those of an array
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:start].tobytes())
    return {
        name: data[start + at["data_offsets"][0] : start + at["data_offsets"][1]]
        .view(TYPES[at["dtype"]])
        .reshape(at["shape"])
        for name, at in header.items()
    }


def canonical_json(data: dict[str, Any]) -> bytes:
    """JSON with sorted keys; non-finite numbers are refused."""
    return json.dumps(data, sort_keys=True, indent=1, allow_nan=False).encode()

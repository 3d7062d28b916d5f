"""Atomic, verified files: a run is a JSON record plus safetensors arrays and weights. No pickle is ever loaded.

A file is written under a temporary name in its own folder, flushed and renamed; a record carries the SHA-256 of
itself and of its arrays, so reading means verifying. What fails verification is moved to `quarantine/`, reported,
and counts as missing. The record is written last: a run exists when its record does.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import filelock
import numpy as np
import platformdirs
import safetensors.numpy

from mixkd.config import RECIPE, RunSpec
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
    return {name: str(found) for name in ("MIXKD_HOME", "MIXKD_DATA") if (found := place(name))}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def atomic_write(path: Path, data: bytes) -> None:
    """Write all of `data` under `path`, or nothing. MixkdError where the disk refuses."""
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
    """One process at a time. The operating system frees the lock of a dead process."""
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
    """Arrays as safetensors bytes. safetensors writes memory as it lies, so other orders than C are copied first."""
    return safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in arrays.items()})


TYPES = {"BOOL": "?", "U8": "u1", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}  # of safetensors, as used


def cached_arrays(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """Arrays from a verified cache file (its SHA-256 stands beside it); made and stored when missing or damaged.

    They are mapped from the file, read-only: processes that use the same file share its memory.
    """
    digest = path.with_name(path.name + ".sha256")
    if path.is_file() and digest.is_file():
        raw = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
        if hashlib.sha256(raw.data).hexdigest().encode() == digest.read_bytes():
            return _unpack(raw)
        log.warning("%s does not match its SHA-256: it is made again", path)
    packed = pack(make())
    atomic_write(path, packed)
    atomic_write(digest, sha256(packed).encode())
    return _unpack(np.frombuffer(packed, np.uint8))


def _unpack(raw: np.ndarray) -> Arrays:
    """Arrays of a safetensors file, as views of its bytes: header size (8 bytes), header (JSON), data."""
    raw = raw.view(np.ndarray)  # still mapped; slices of a memmap cost several times those of an array
    start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8:start].tobytes())
    return {
        name: raw[start + at["data_offsets"][0] : start + at["data_offsets"][1]]
        .view(TYPES[at["dtype"]])
        .reshape(at["shape"])
        for name, at in header.items()
    }


def canonical_json(data: dict[str, Any]) -> bytes:
    """JSON with sorted keys; non-finite numbers are refused."""
    return json.dumps(data, sort_keys=True, indent=1, allow_nan=False).encode()


@dataclass(frozen=True)
class RunRecord:
    """One trained network. `history` has one row of metrics per epoch; `arrays` and `weights` are read when asked for.

    arrays: test_logits, validation_logits, train_logits (n_windows, n_classes), test_features (n_windows, 64 * width);
    all float32 in evaluation mode after the last epoch, rows in the order of `windows.split`.
    """

    spec: RunSpec
    history: list[dict[str, Any]]
    data: dict[str, Any]  # subjects, counts of windows, clipped points
    provenance: dict[str, Any]
    probes: dict[str, Any] = field(default_factory=dict)  # what needed the weights, see mixkd/probes.py
    folder: Path | None = field(default=None, compare=False)
    kept: Callable[[], Arrays] | None = field(default=None, compare=False, repr=False)  # of a run without a folder

    @property
    def content(self) -> dict[str, Any]:
        """The record as plain data; `of` reads it."""
        return {
            "spec": self.spec.as_dict(),
            "history": self.history,
            "data": self.data,
            "provenance": self.provenance,
            "probes": self.probes,
        }

    @classmethod
    def of(cls, content: dict[str, Any], spec: RunSpec, **where: Any) -> RunRecord:
        """The record of `spec` from its content. MixkdError when it is another run's."""
        if RunSpec.parse(content["spec"]) != spec:
            raise MixkdError(f"run {spec.hash}: its record belongs to another spec")
        return cls(spec, content["history"], content["data"], content["provenance"], content["probes"], **where)

    @property
    def current(self) -> bool:
        """Whether the code of today would compute the same: the record's recipe is that of its spec."""
        return self.provenance.get("recipe", RECIPE) == self.spec.recipe

    @property
    def subject(self) -> str:
        """The test subjects as tables name them."""
        return "+".join(map(str, self.data["subjects"]["test"]))

    def metrics(self, choice: str = "last", split: str = "test") -> dict[str, float]:
        """Metrics of `split` after the `last`, the `best_validation` or the (optimistic) `best_test` epoch."""
        if choice == "last":
            return self.history[-1][split]
        if choice not in ("best_validation", "best_test"):
            raise MixkdError(f"choice: found {choice!r}, expected last, best_validation or best_test")
        by = choice.removeprefix("best_")
        return max(self.history, key=lambda epoch: epoch[by]["accuracy"])[split]

    @cached_property
    def arrays(self) -> Arrays:
        return self.kept() if self.kept else self._read("arrays")

    @cached_property
    def weights(self) -> Arrays:
        return self._read("weights")

    def _read(self, kind: str) -> Arrays:
        if self.folder is None:
            raise MixkdError(f"run {self.spec.name} ({self.spec.hash}): its {kind} were not kept")
        return safetensors.numpy.load((self.folder / f"{self.spec.hash}.{kind}.safetensors").read_bytes())


def same_people(expected: dict[str, list[int]], record: RunRecord) -> None:
    """MixkdError unless the run saw the people `expected` in its parts: copies of a data set may hold others."""
    for part in sorted(expected):  # test first, which is short
        found, people = record.data["subjects"][part], expected[part]
        if found != people:
            about = f"run {record.spec.name} ({record.spec.hash})"
            raise MixkdError(f"{about}: found {part} subjects {found}, expected {people}: two copies of a data set")


class Readable(Protocol):
    """Where published records are found, see mixkd/published.py."""

    def get(self, spec: RunSpec) -> RunRecord | None: ...


class Store:
    """Records by spec hash below `home()/runs`, apart for each RECIPE and version of torch and numpy."""

    def __init__(self, root: Path | None = None, published: Readable | None = None):
        from importlib.metadata import version

        self.published = published
        torch = version("torch").split("+")[0]
        self.root = root or home()
        self.runs = self.root / "runs" / f"recipe{RECIPE}-torch{torch}-numpy{np.__version__}"

    def path(self, spec: RunSpec, suffix: str = ".json") -> Path:
        return self.runs / spec.hash[:2] / f"{spec.hash}{suffix}"

    def has(self, spec: RunSpec) -> bool:
        """Quick look: the record is there, unverified."""
        return self.path(spec).is_file()

    def find(self, spec: RunSpec) -> RunRecord | None:
        """The published record where this store looks there too, else the local one."""
        return (self.published.get(spec) if self.published is not None else None) or self.get(spec)

    def get(self, spec: RunSpec) -> RunRecord | None:
        """The verified record; None when it is missing, of another recipe, or damaged (then quarantined, reported)."""
        path = self.path(spec)
        try:
            raw = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            content = json.loads(raw)
            claimed = content.pop("sha256")
            if claimed != sha256(canonical_json(content)):
                raise ValueError("record does not match its SHA-256")
            record = RunRecord.of(content, spec, folder=path.parent)
            for name, digest in content["files"].items():
                if sha256((path.parent / name).read_bytes()) != digest:
                    raise ValueError(f"{name} does not match its SHA-256")
        except (ValueError, KeyError, TypeError, AttributeError, FileNotFoundError, MixkdError) as error:
            self._quarantine(spec, error)
            return None
        return record if record.current else None

    def put(self, record: RunRecord, arrays: Arrays, weights: Arrays) -> RunRecord:
        """Store a run, payload first, record last."""
        try:
            canonical_json({"history": record.history, "data": record.data, "probes": record.probes})
        except ValueError as error:
            raise MixkdError(f"run {record.spec.name}: its record is not finite; training diverged") from error
        files = {}
        for kind, payload in (("arrays", arrays), ("weights", weights)):
            for name, array in payload.items():
                if not np.isfinite(array).all():
                    raise MixkdError(f"run {record.spec.name}: {kind} {name} is not finite; training diverged")
            data = pack(payload)
            path = self.path(record.spec, f".{kind}.safetensors")
            atomic_write(path, data)
            files[path.name] = sha256(data)
        content = {**record.content, "files": files}
        content["sha256"] = sha256(canonical_json(content))
        path = self.path(record.spec)
        atomic_write(path, canonical_json(content))
        return replace(record, folder=path.parent)

    @contextmanager
    def lock(self, spec: RunSpec) -> Iterator[None]:
        """One process at a time on a spec."""
        with locked(self.path(spec, ".lock")):
            for stale in self.path(spec).parent.glob(f".{spec.hash}.*.tmp"):
                stale.unlink(missing_ok=True)  # we hold the lock: whoever wrote these is dead
            yield

    def _quarantine(self, spec: RunSpec, reason: Exception) -> None:
        folder = self.root / "quarantine"
        folder.mkdir(parents=True, exist_ok=True)
        stamp = uuid.uuid4().hex[:8]
        for path in self.path(spec).parent.glob(f"{spec.hash}.*"):
            if path.suffix != ".lock":
                with suppress(FileNotFoundError):  # another process moved it first
                    os.replace(path, folder / f"{stamp}-{path.name}")
        log.warning("run %s was damaged (%s): moved to %s, will be recomputed", spec.hash, reason, folder)

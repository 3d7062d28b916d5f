"""Atomic, verified files: a run is a JSON record plus safetensors arrays and weights. No pickle is ever loaded.

A file is written under a temporary name in its own folder, flushed and renamed; a record carries the SHA-256 of
itself and of its arrays, so reading means verifying. What fails verification is moved to `quarantine/`, reported,
and counts as missing. The record is written last: a run exists when its record does.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors.numpy

from mixkd.errors import MixkdError
from mixkd.files import Arrays, atomic_write, canonical_json, home, locked, log, pack, sha256
from mixkd.runs import conditions
from mixkd.specs.run import RECIPE, RunSpec
from mixkd.specs.tasks import TASKS


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
    probes: dict[str, Any] = field(default_factory=dict)  # what needed the weights, see mixkd/learning/probes.py
    folder: Path | None = field(default=None, compare=False)
    read_arrays: Callable[[], Arrays] | None = field(
        default=None, compare=False, repr=False
    )  # of a run without a folder

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
        """Whether the code of today would compute the same: recipe and conditions of the spec are the record's."""
        same = conditions.same(self.spec, self.data.get("conditions"))
        return self.provenance.get("recipe", 1) == self.spec.recipe and same

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
        of = TASKS[self.spec.task]
        return max(self.history, key=lambda epoch: of.sign * epoch[by][of.headline])[split]

    @cached_property
    def arrays(self) -> Arrays:
        """Read from the store when first asked for. MixkdError where they were not kept."""
        return self.read_arrays() if self.read_arrays else self._read("arrays")

    @cached_property
    def weights(self) -> Arrays:
        """Read from the store when first asked for. MixkdError where they were not kept."""
        return self._read("weights")

    def _read(self, kind: str) -> Arrays:
        if self.folder is None:
            raise MixkdError(f"run {self.spec.name} ({self.spec.hash}): its {kind} were not kept")
        return safetensors.numpy.load((self.folder / f"{self.spec.hash}.{kind}.safetensors").read_bytes())


def same_people(expected: dict[str, list[int]], record: RunRecord) -> None:
    """MixkdError unless the run saw the people `expected` in its parts: copies of a data set may hold others."""
    for part in sorted(expected):  # test first, which is short
        recorded, people = record.data["subjects"][part], expected[part]
        if recorded != people:
            about = f"run {record.spec.name} ({record.spec.hash})"
            raise MixkdError(f"{about}: found {part} subjects {recorded}, expected {people}: two copies of a data set")


class Readable(Protocol):
    """Where published records are found, see mixkd/runs/published.py."""

    def get(self, spec: RunSpec) -> RunRecord | None:
        """The record of a spec, or None."""


class Store:
    """Records by spec hash below `home()/runs`, apart for each RECIPE and version of torch and numpy."""

    def __init__(self, root: Path | None = None, published: Readable | None = None, local_first: bool = False):
        from importlib.metadata import version

        self.published, self.local_first = published, local_first
        torch = version("torch").split("+")[0]
        self.root = root or home()
        self.runs = self.root / "runs" / f"recipe{RECIPE}-torch{torch}-numpy{np.__version__}"

    def path(self, spec: RunSpec, suffix: str = ".json") -> Path:
        """Where a file of a run is, whether or not it exists."""
        return self.runs / spec.hash[:2] / f"{spec.hash}{suffix}"

    def has(self, spec: RunSpec) -> bool:
        """Quick look: the record is there, unverified."""
        return self.path(spec).is_file()

    def find(self, spec: RunSpec) -> RunRecord | None:
        """The published record where this store looks there too, else the local one; or the other way round."""
        if self.published is None or (self.local_first and self.has(spec)):
            return self.get(spec)
        return self.published.get(spec) or self.get(spec)

    def get(self, spec: RunSpec) -> RunRecord | None:
        """The verified record; None when it is missing, of another recipe, or damaged (then quarantined, reported)."""
        path = self.path(spec)
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            content = json.loads(data)
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

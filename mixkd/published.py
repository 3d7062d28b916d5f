"""The published records: append-only Parquet parts below `results/`, named with their SHA-256 in one manifest.

A row is a run: tidy columns for any reader of Parquet, the whole record as JSON, test logits as float16. Exemplar runs
have their arrays and weights beside it. The manifest is written last, so what it does not name does not exist yet.
Nothing here is ever repaired: a file that is damaged, or missing, is an error that names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixkd.config import RunSpec
from mixkd.errors import MixkdError
from mixkd.store import CHECKOUT, Arrays, RunRecord, atomic_write, canonical_json, home, pack, sha256

RESULTS = CHECKOUT / "results"
MANIFEST = "manifest.json"
MAX_BYTES = 1_400_000  # of a file: a repository host shows and diffs small files
METRICS = ("accuracy", "macro_f1", "nll", "ece", "brier")


class _Kept(dict[str, np.ndarray]):
    """The arrays of a run that were published."""

    def __init__(self, arrays: Arrays, name: str):
        super().__init__(arrays)
        self.name = name

    def __missing__(self, key: str) -> np.ndarray:
        raise MixkdError(f"run {self.name}: found no published {key}, expected one of {', '.join(self)}")


class Published:
    """Published runs by spec hash. Every file is verified against the manifest when it is first read."""

    def __init__(self, root: Path = RESULTS):
        self.root = root

    @cached_property
    def files(self) -> dict[str, str]:
        """SHA-256 by path relative to the root; empty where nothing was published."""
        path = self.root / MANIFEST
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_bytes())["files"])
        except (ValueError, KeyError, TypeError) as error:
            raise MixkdError(f"{path}: found {error}, expected a manifest of files and their SHA-256") from error

    def read(self, name: str) -> bytes:
        """A file that the manifest names. MixkdError when it is missing or is not what was published."""
        path = self.root / name
        if not path.is_file():
            raise MixkdError(f"{path}: found no such file, expected what {MANIFEST} names")
        raw = path.read_bytes()
        if (found := sha256(raw)) != self.files[name]:
            raise MixkdError(f"{path}: found SHA-256 {found[:12]}…, expected {self.files[name][:12]}…")
        return raw

    @cached_property
    def _rows(self) -> dict[str, tuple[pa.Table, int]]:
        rows: dict[str, tuple[pa.Table, int]] = {}
        for name in sorted(self.files):
            if name.endswith(".parquet"):
                table = pq.read_table(pa.BufferReader(self.read(name)))
                rows |= {spec: (table, i) for i, spec in enumerate(table["spec"].to_pylist())}
        return rows

    def __iter__(self) -> Iterator[RunSpec]:
        """The specs of all published runs."""
        for table, i in self._rows.values():
            yield RunSpec.parse(json.loads(table["record"][i].as_py())["spec"])

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, spec: RunSpec) -> bool:
        return spec.hash in self._rows

    def get(self, spec: RunSpec) -> RunRecord | None:
        """The published record, or None. It has `test_logits` alone, unless the run is an exemplar."""
        if spec.hash not in self._rows:
            return None
        table, i = self._rows[spec.hash]
        content = json.loads(table["record"][i].as_py())
        if RunSpec.parse(content["spec"]) != spec:
            raise MixkdError(f"{self.root}: run {spec.hash} belongs to another spec")
        record = RunRecord(spec, content["history"], content["data"], content["provenance"], content["probes"])
        folder = self.root / spec.dataset / "exemplars"
        if _payload(spec, "weights") in self.files:
            for kind in ("arrays", "weights"):
                self.read(_payload(spec, kind))
            return replace(record, folder=folder)
        flat = np.frombuffer(table["test_logits"][i].as_py(), "<f2").astype(np.float32)
        kept = _Kept({"test_logits": flat.reshape(-1, table["n_classes"][i].as_py())}, spec.name)
        record.__dict__["arrays"] = kept  # the cached property of a frozen dataclass
        return record


def _payload(spec: RunSpec, kind: str) -> str:
    return f"{spec.dataset}/exemplars/{spec.hash}.{kind}.safetensors"


def row(record: RunRecord) -> dict[str, Any]:
    """A record as a row of a published table."""
    spec, logits = record.spec, record.arrays["test_logits"]
    content = {
        "spec": spec.as_dict(),
        "history": record.history,
        "data": record.data,
        "provenance": record.provenance,
        "probes": record.probes,
    }
    return {
        "dataset": spec.dataset,
        "fold": spec.fold,
        "subject": "+".join(map(str, record.data["subjects"]["test"])),
        "seed": spec.seed,
        "spec": spec.hash,
        "name": spec.name,
        "role": spec.role,
        "modality": spec.modality,
        **{metric: record.metrics()[metric] for metric in METRICS},
        **{f"accuracy_{c}": record.metrics(c)["accuracy"] for c in ("best_validation", "best_test")},
        "seconds": record.provenance["seconds"],
        "cpu_capability": record.provenance["cpu_capability"],
        "commit": record.provenance["git"]["sha"],
        "dirty": record.provenance["git"]["dirty"],
        "record": json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False),
        "n_windows": len(logits),
        "n_classes": logits.shape[1],
        "test_logits": logits.astype("<f2").tobytes(),
    }


def parts(rows: Sequence[dict[str, Any]]) -> list[bytes]:
    """Rows as Parquet files of at most MAX_BYTES, in order. MixkdError when one row alone is larger."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink, compression="zstd", compression_level=9)
    raw = sink.getvalue().to_pybytes()
    if len(raw) <= MAX_BYTES:
        return [raw]
    if len(rows) == 1:
        raise MixkdError(f"run {rows[0]['name']}: found {len(raw)} bytes, expected at most {MAX_BYTES}")
    middle = len(rows) // 2
    return parts(rows[:middle]) + parts(rows[middle:])


def publish(records: Iterable[RunRecord], exemplars: Iterable[RunRecord] = (), root: Path = RESULTS) -> int:
    """Add runs that are not published yet, in new files; the number of them. Old files are never written again.

    exemplars: runs whose arrays and weights are published too. Interrupted, nothing has changed for readers.
    """
    home().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(home() / "publish.lock"):
        known = Published(root)
        new = {record.spec.hash: record for record in records if record.spec not in known}
        files = dict(known.files)
        for name in sorted({record.spec.dataset for record in new.values()}):
            own = [record for record in new.values() if record.spec.dataset == name]
            number = sum(1 for file in files if file.startswith(f"{name}/runs-"))
            ordered = sorted(own, key=lambda r: (r.spec.seed, r.spec.fold, r.spec.name, r.spec.hash))
            for i, raw in enumerate(parts([row(record) for record in ordered]), start=number + 1):
                _write(root, f"{name}/runs-{i:04d}.parquet", raw, files)
        for record in exemplars:
            for kind, payload in (("arrays", record.arrays), ("weights", record.weights)):
                if (name := _payload(record.spec, kind)) not in files:
                    _write(root, name, pack(payload), files)
        if files != known.files:
            atomic_write(root / MANIFEST, canonical_json({"files": files}) + b"\n")
        return len(new)


def _write(root: Path, name: str, raw: bytes, files: dict[str, str]) -> None:
    if len(raw) > MAX_BYTES:
        raise MixkdError(f"{root / name}: found {len(raw)} bytes, expected at most {MAX_BYTES}")
    atomic_write(root / name, raw)
    files[name] = sha256(raw)

"""The published records: append-only Parquet parts below `results/`, named with their SHA-256 in one manifest.

A row is a run: tidy columns for any reader of Parquet, the whole record as JSON, and its outputs on test and validation
windows: logits of classes as bytes, see `as_bytes`, others as float16. Exemplar runs have their arrays and weights
beside it. The manifest is written last, so what it does not name does not exist yet. Nothing here is ever repaired: a
file that is damaged, or missing, is an error that names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT, Arrays, atomic_write, canonical_json, locked, pack, sha256
from mixkd.runs.store import RunRecord
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec
from mixkd.specs.tasks import TASKS

RESULTS = CHECKOUT / "results"
MANIFEST = "manifest.json"
MAX_BYTES = 1_400_000  # of a file: a repository host shows and diffs small files
LOCK = ".publish.lock"
METRICS = ("accuracy", "macro_f1", "nll", "ece", "brier")
LOGITS = ("test_bytes", "validation_bytes", "test_logits")
STEPS = 40  # of a byte per unit of log(1 + nats): the first is 0.025 nats, the last of 255 is 586 nats below
CHOICES = ("best_validation", "best_test")
COLUMNS: dict[str, pa.DataType] = {  # stated, not inferred: the same in all parts
    "dataset": pa.string(),
    "fold": pa.int64(),
    "subject": pa.string(),
    "seed": pa.int64(),
    **dict.fromkeys(("spec", "name", "role", "modality"), pa.string()),
    **dict.fromkeys((*METRICS, *(f"accuracy_{choice}" for choice in CHOICES), "seconds"), pa.float64()),
    "cpu_capability": pa.string(),
    "commit": pa.string(),
    "dirty": pa.bool_(),
    "record": pa.string(),
    "n_windows": pa.int64(),
    "n_classes": pa.int64(),
    **dict.fromkeys(LOGITS, pa.binary()),
}


class _Kept(dict[str, np.ndarray]):
    """The arrays of a run that were published."""

    def __init__(self, arrays: Arrays, name: str):
        super().__init__(arrays)
        self.name = name

    def __missing__(self, key: str) -> np.ndarray:
        raise MixkdError(f"run {self.name}: found no published {key}, expected one of {', '.join(self)}")


def verified(path: Path, digest: str) -> bytes:
    """A published file. MixkdError when it is missing or is not what was published."""
    if not path.is_file():
        raise MixkdError(f"{path}: found no such file, expected what {MANIFEST} names")
    raw = path.read_bytes()
    if (found := sha256(raw)) != digest:
        raise MixkdError(f"{path}: found SHA-256 {found[:12]}…, expected {digest[:12]}…")
    return raw


@cache  # of the process: a chapter asks again for each of its tables
def columns(path: Path, digest: str, names: tuple[str, ...]) -> pa.Table:
    """Some columns of a verified part."""
    file = pq.ParquetFile(pa.BufferReader(verified(path, digest)))
    return file.read(columns=list(names), use_threads=False)  # arrow's threads may abort the exit (its issue 34314)


class Published:
    """Published runs by spec hash. A file is verified against the manifest when it is first read, logits when asked."""

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

    @property
    def n_bytes(self) -> int:
        """Size of all files that the manifest names."""
        return sum((self.root / name).stat().st_size for name in self.files)

    def read(self, name: str) -> bytes:
        """A file that the manifest names. MixkdError when it is missing or is not what was published."""
        return verified(self.root / name, self.files[name])

    def n_rows(self, part: str) -> int:
        """Runs of a part."""
        return len(self._columns(part, "spec"))

    def _columns(self, part: str, *names: str) -> pa.Table:
        return columns(self.root / part, self.files[part], names)

    def _light(self, part: str) -> pa.Table:
        return self._columns(part, "spec", "record", "n_classes")

    @cached_property
    def _rows(self) -> dict[str, tuple[str, int]]:
        """Part and row of each run, by spec hash."""
        parts = sorted(name for name in self.files if name.endswith(".parquet"))
        return {spec: (part, i) for part in parts for i, spec in enumerate(self._light(part)["spec"].to_pylist())}

    def _content(self, spec_hash: str) -> dict[str, Any]:
        part, i = self._rows[spec_hash]
        return json.loads(self._light(part)["record"][i].as_py())

    def _plain(self, spec_hash: str) -> dict[str, Any]:
        return self._content(spec_hash)["spec"]

    def _spec(self, spec_hash: str) -> RunSpec | None:
        """None for a run of a method that is no longer part of the package."""
        plain = self._plain(spec_hash)
        return RunSpec.parse(plain) if plain.get("method", "kd") in METHODS else None

    def __iter__(self) -> Iterator[RunSpec]:
        """The specs of all published runs of today's recipe."""
        for spec_hash in self._rows:
            spec = self._spec(spec_hash)
            if spec and spec.hash == spec_hash and spec in self:  # one of an earlier recipe may have another name today
                yield spec

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, spec: RunSpec) -> bool:
        return self.get(spec) is not None

    def retired(self, dataset: str) -> int:
        """Runs of a data set that are kept and not served: of an earlier recipe or method, or of other conditions."""
        specs = [self._spec(spec_hash) for spec_hash in self._rows if self._plain(spec_hash)["dataset"] == dataset]
        return sum(spec is None or spec not in self for spec in specs)

    def get(self, spec: RunSpec) -> RunRecord | None:
        """The published record; None when there is none of the spec's recipe (a later part replaces an earlier one).

        It has logits alone, unless the run is an exemplar.
        """
        if spec.hash not in self._rows:
            return None
        record = RunRecord.of(self._content(spec.hash), spec)
        if not record.current:
            return None
        folder = self.root / spec.dataset / "exemplars"
        if _payload(spec, "weights") in self.files:
            for kind in ("arrays", "weights"):
                self.read(_payload(spec, kind))
            return replace(record, folder=folder)
        return replace(record, read_arrays=partial(self._arrays, spec))

    def _arrays(self, spec: RunSpec) -> Arrays:
        part, i = self._rows[spec.hash]
        table, n_classes = self._columns(part, *LOGITS), self._light(part)["n_classes"][i].as_py()
        raw = {name: table[name][i].as_py() for name in table.column_names if table[name][i].is_valid}
        logits = {
            f"{split}_logits": from_bytes(np.frombuffer(raw[f"{split}_bytes"], "u1"))
            for split in ("test", "validation")
            if f"{split}_bytes" in raw
        }
        if "test_logits" in raw:
            logits["test_logits"] = np.frombuffer(raw["test_logits"], "<f2").astype(np.float32)
        return _Kept({name: flat.reshape(-1, n_classes) for name, flat in logits.items()}, spec.name)


def _payload(spec: RunSpec, kind: str) -> str:
    return f"{spec.dataset}/exemplars/{spec.hash}.{kind}.safetensors"


def as_bytes(logits: np.ndarray) -> np.ndarray:
    """How far logits (n, n_classes) are below the largest of their row, in steps that widen with it; uint8.

    0 is the largest, and it alone, so a prediction is exact. Steps of 1 / STEPS of log(1 + nats): declared.
    """
    below = np.round(STEPS * np.log1p(logits.max(axis=1, keepdims=True) - logits)).clip(1, 255)
    np.put_along_axis(below, logits.argmax(axis=1, keepdims=True), 0, axis=1)
    return below.astype(np.uint8)


def from_bytes(steps: np.ndarray) -> np.ndarray:
    """Logits, of which the largest is 0, from their bytes: right to 1.3 % of (1 + nats below); float32."""
    return -np.expm1(steps.astype(np.float32) / STEPS)


def row(record: RunRecord) -> dict[str, Any]:
    """A record as a row of a published table."""
    spec = record.spec
    arrays = replace(record).arrays  # of a copy: a record keeps what it has read
    n_windows, n_classes = arrays["test_logits"].shape
    classes = TASKS[spec.task].classes
    return {
        "dataset": spec.dataset,
        "fold": spec.fold,
        "subject": record.subject,
        "seed": spec.seed,
        "spec": spec.hash,
        "name": spec.name,
        "role": spec.role,
        "modality": spec.modality,
        **{metric: record.metrics().get(metric) for metric in METRICS},
        **{f"accuracy_{c}": record.metrics(c).get("accuracy") for c in CHOICES},
        "seconds": record.provenance["seconds"],
        "cpu_capability": record.provenance["cpu_capability"],
        "commit": record.provenance["git"]["sha"],
        "dirty": record.provenance["git"]["dirty"],
        "record": json.dumps(record.content, sort_keys=True, separators=(",", ":"), allow_nan=False),
        "n_windows": n_windows,
        "n_classes": n_classes,
        "test_bytes": as_bytes(arrays["test_logits"]).tobytes() if classes else None,
        "validation_bytes": as_bytes(arrays["validation_logits"]).tobytes() if classes else None,
        "test_logits": None if classes else arrays["test_logits"].astype("<f2").tobytes(),
    }


def parts(rows: Sequence[dict[str, Any]]) -> list[bytes]:
    """Rows as Parquet files of at most MAX_BYTES, in order. MixkdError when one row alone is larger."""
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pylist(list(rows), schema=pa.schema(COLUMNS))
    pq.write_table(table, sink, compression="zstd", compression_level=19, store_schema=False)
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
    One publisher at a time on a root, whatever store it publishes from.
    """
    exemplars = list(exemplars)
    with locked(root / LOCK):
        known = Published(root)
        _remove_strays(root, known.files)
        new = {record.spec.hash: record for record in (*records, *exemplars) if record.spec not in known}
        files = dict(known.files)
        for name in sorted({record.spec.dataset for record in new.values()}):
            own = [record for record in new.values() if record.spec.dataset == name]
            number = sum(1 for file in files if file.startswith(f"{name}/runs-"))
            ordered = sorted(own, key=lambda r: (r.spec.seed, r.spec.fold, r.spec.name, r.spec.hash))
            for i, raw in enumerate(parts([row(record) for record in ordered]), start=number + 1):
                _write(root, f"{name}/runs-{i:04d}.parquet", raw, files)
        for record in map(replace, exemplars):
            for kind, payload in (("arrays", record.arrays), ("weights", record.weights)):
                if (name := _payload(record.spec, kind)) not in files:
                    _write(root, name, pack(payload), files)
        if files != known.files:
            atomic_write(root / MANIFEST, canonical_json({"files": files}) + b"\n")
        return len(new)


def _remove_strays(root: Path, named: dict[str, str]) -> None:
    """What a killed publisher left: we hold the lock, so nobody is about to name it in the manifest."""
    for pattern in ("runs-*.parquet", "exemplars/*.safetensors", ".runs-*.tmp", "exemplars/.*.tmp"):
        for path in root.glob(f"*/{pattern}"):
            if path.relative_to(root).as_posix() not in named:
                path.unlink(missing_ok=True)
    for path in root.glob(f".{MANIFEST}.*.tmp"):
        path.unlink(missing_ok=True)


def _write(root: Path, name: str, data: bytes, files: dict[str, str]) -> None:
    if len(data) > MAX_BYTES:
        raise MixkdError(f"{root / name}: found {len(data)} bytes, expected at most {MAX_BYTES}")
    atomic_write(root / name, data)
    files[name] = sha256(data)

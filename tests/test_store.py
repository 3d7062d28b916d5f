"""Files: written whole or not at all, verified when read, quarantined when damaged, never unpickled."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors

import mixkd
from mixkd import files
from mixkd.errors import MixkdError
from mixkd.files import atomic_write, cached_arrays, canonical_json
from mixkd.runs import store
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec

SPEC, OTHER = RunSpec(seed=1), RunSpec(seed=2)
GRID = np.arange(24, dtype=np.float32).reshape(4, 6)
LAYOUTS = {
    "c": GRID,
    "fortran": np.asfortranarray(GRID),
    "transposed": GRID.reshape(2, 3, 4).transpose(2, 0, 1),
    "strided": GRID[::2, 1::3],
    "reversed": GRID[::-1, ::-1],
    "broadcast": np.broadcast_to(GRID[:1], (3, 6)),
    "scalar": np.array(7, dtype=np.int64),
    "empty": np.empty((0, 3), np.float32),
    "bool": GRID > 5,
}


def put(spec: RunSpec = SPEC, at: Store | None = None) -> Store:
    """A stored run whose numbers depend on the spec."""
    at = at or Store()
    history = [{"loss": 0.5 + spec.seed, "test": {"accuracy": 0.25}}]
    record = RunRecord(spec, history, {"subjects": {"test": [3]}}, {"seconds": 1.0})
    at.put(record, {"test_logits": GRID + spec.seed, **LAYOUTS}, {"head.weight": GRID.T * spec.seed})
    return at


def names_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


@contextmanager
def file_size_limit(n_bytes: int):
    """The disk is full after `n_bytes`, as the operating system tells a writer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def python(code: str, **popen) -> subprocess.Popen:
    header = (
        "import os, signal, sys; import numpy as np; from mixkd.specs.run import RunSpec; from mixkd import files\n"
        "from mixkd.runs import store\n"
    )
    return subprocess.Popen([sys.executable, "-c", header + code], text=True, stdout=subprocess.PIPE, **popen)


def test_plain_data_has_one_spelling():
    """Records and manifests are hashed as they are written: another spelling would retire all of them."""
    assert canonical_json({"b": 1.5, "a": {"z": [1], "y": "ü"}}) == (
        b'{\n "a": {\n  "y": "\\u00fc",\n  "z": [\n   1\n  ]\n },\n "b": 1.5\n}'
    )


# -- round trip


def test_round_trip(store_home):
    record = put().get(SPEC)
    assert (record.spec, record.history) == (SPEC, [{"loss": 1.5, "test": {"accuracy": 0.25}}])
    assert (record.data, record.provenance) == ({"subjects": {"test": [3]}}, {"seconds": 1.0})
    for name, array in {"test_logits": GRID + 1, **LAYOUTS}.items():
        assert record.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(record.arrays[name], array, err_msg=name, strict=True)
    np.testing.assert_array_equal(record.weights["head.weight"], GRID.T, strict=True)


def test_absent_is_none_and_silent(store_home, caplog):
    assert Store().get(SPEC) is None
    assert not Store().has(SPEC)
    assert put(OTHER).get(SPEC) is None
    assert not caplog.records


def test_recipe_separates_records(store_home, monkeypatch):
    put()
    monkeypatch.setattr(store, "RECIPE", store.RECIPE + 1)
    assert Store().get(SPEC) is None


TOUCHED = {
    "released sampling": RunSpec(mixup=Mixup(1.0, 0.1, "released")),
    "its teacher": RunSpec(teachers=(TeacherSpec(mixup=Mixup(1.0, 0.1, "released")),)),
    "its parent": RunSpec(mixup=Mixup(1.0, 0.1, "released"), init="scratch"),
    "local AMD": RunSpec(teachers=(TeacherSpec(),), method="amd_local"),
    "EBKD": RunSpec(teachers=(TeacherSpec(weight=0.5), TeacherSpec("image", weight=0.5)), method="ebkd"),
}


@pytest.mark.parametrize("spec", TOUCHED.values(), ids=TOUCHED)
def test_a_record_of_another_recipe_is_not_served(spec, store_home):
    assert spec.recipe == 2
    record = RunRecord(spec, [{"test": {"accuracy": 0.5}}], {"subjects": {"test": [1]}}, {"recipe": 1})
    at = Store()
    at.put(record, {}, {})
    assert at.get(spec) is None
    at.put(replace(record, provenance={"recipe": 2}), {}, {})
    assert at.get(spec).provenance == {"recipe": 2}


@pytest.mark.parametrize(
    "spec", [SPEC, OTHER, RunSpec(mixup=Mixup(0.2, 0.5)), RunSpec(mixup=Mixup(1.0, 1.0, "released"))]
)
def test_runs_that_no_change_touched_keep_their_recipe(spec):
    assert spec.recipe == 1


def test_metrics_choose_an_epoch():
    epochs = [(0.1, 0.9), (0.8, 0.2), (0.8, 0.7)]
    history = [{"validation": {"accuracy": v}, "test": {"accuracy": t}} for v, t in epochs]
    record = RunRecord(SPEC, history, {}, {})
    chosen = {choice: record.metrics(choice)["accuracy"] for choice in ("last", "best_validation", "best_test")}
    assert chosen == {"last": 0.7, "best_validation": 0.2, "best_test": 0.9}
    assert record.metrics("best_test", "validation")["accuracy"] == 0.1
    with pytest.raises(MixkdError, match="choice: found 'best'"):
        record.metrics("best")
    with pytest.raises(MixkdError, match="arrays were not kept"):
        _ = record.arrays


# -- damage


def flip(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1 :]


DAMAGE = {
    "first bit": lambda raw: flip(raw, 0),
    "middle bit": lambda raw: flip(raw, len(raw) // 2),
    "last bit": lambda raw: flip(raw, len(raw) - 1),
    "truncated": lambda raw: raw[:-1],
    "half": lambda raw: raw[: len(raw) // 2],
    "empty": lambda raw: b"",
    "longer": lambda raw: raw + b"\0",
    "binary": lambda raw: b"\xff\xfe",
}


PAYLOAD = (".arrays.safetensors", ".weights.safetensors")


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [(suffix, damage) for suffix in (".json", *PAYLOAD) for damage in DAMAGE]
    + [(suffix, "gone") for suffix in PAYLOAD],
)
def test_damage_is_quarantined_reported_and_missing(store_home, caplog, suffix, damage):
    at = put(OTHER, put())
    path = at.path(SPEC, suffix)
    damaged = None if damage == "gone" else DAMAGE[damage](path.read_bytes())
    path.unlink() if damaged is None else path.write_bytes(damaged)

    assert at.get(SPEC) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert SPEC.hash in caplog.text
    assert str(store_home / "quarantine") in caplog.text
    kept = list((store_home / "quarantine").iterdir())
    assert damaged is None or damaged in [p.read_bytes() for p in kept]
    assert len(kept) == (2 if damage == "gone" else 3)
    assert not at.has(SPEC)
    assert at.get(OTHER) is not None, "only the damaged run is moved"
    assert put(SPEC, at).get(SPEC) is not None, "and can be stored again"


def test_any_flipped_bit_of_a_record_is_found(store_home):
    at = put()
    whole = {path: path.read_bytes() for path in at.path(SPEC).parent.iterdir()}
    record = whole[at.path(SPEC)]
    for offset in range(0, len(record), 11):
        for path, raw in whole.items():
            path.write_bytes(raw)
        at.path(SPEC).write_bytes(flip(record, offset))
        assert at.get(SPEC) is None, f"byte {offset}"


@pytest.mark.parametrize("suffix", [".json", ".arrays.safetensors"])
def test_swapped_contents_of_two_runs_are_found(store_home, caplog, suffix):
    at = put(OTHER, put())
    one, other = at.path(SPEC, suffix), at.path(OTHER, suffix)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert at.get(SPEC) is None
    assert at.get(OTHER) is None
    assert {SPEC.hash, OTHER.hash} <= set(re.findall("[0-9a-f]{16}", caplog.text))


def test_a_whole_run_under_the_name_of_another_is_found(store_home):
    """Record and payload are intact: only the spec inside tells."""
    at = put(OTHER, put())
    for path in list(at.path(OTHER).parent.glob(f"{OTHER.hash}*")):
        shutil.copy(path, at.path(SPEC).parent)
    shutil.copy(at.path(OTHER), at.path(SPEC))
    assert at.get(SPEC) is None
    assert at.get(OTHER) is not None


def test_two_processes_may_find_the_same_damage(store_home, monkeypatch):
    at, replace = put(), os.replace
    at.path(SPEC).write_bytes(b"")

    def overtaken(*arguments):
        monkeypatch.setattr(os, "replace", replace)
        assert Store().get(SPEC) is None
        replace(*arguments)

    monkeypatch.setattr(os, "replace", overtaken)
    assert at.get(SPEC) is None
    assert len(names_in(store_home / "quarantine")) == 3


def test_valid_json_that_is_no_record_is_quarantined(store_home):
    at = put()
    for content in ([], {}, {"sha256": 1}, {"sha256": files.sha256(canonical_json({}))}):
        at.path(SPEC).write_text(json.dumps(content))
        assert at.get(SPEC) is None, content


# -- full disks and dead writers


def test_full_disk_leaves_nothing_of_a_new_file(tmp_path):
    data, path = bytes(range(256)) * 40, tmp_path / "new" / "file.bin"
    for n_bytes in (0, 1, 255, 4096, len(data) - 1):
        with file_size_limit(n_bytes), pytest.raises(MixkdError, match=rf"^{path}: .* {len(data)} bytes: File too"):
            atomic_write(path, data)
        assert names_in(tmp_path) == []
    with file_size_limit(len(data)):
        atomic_write(path, data)
    assert path.read_bytes() == data


def test_full_disk_costs_a_run_but_no_other(store_home, tmp_path):
    at = put(OTHER)
    sizes = {path.stat().st_size for path in at.path(OTHER).parent.iterdir()}
    for n_bytes in sorted({0, 1, *(size - 1 for size in sizes)}):
        with file_size_limit(n_bytes), pytest.raises(MixkdError, match="could not write"):
            put(SPEC, at)
        assert at.get(SPEC) is None
        assert not [name for name in names_in(store_home) if name.endswith(".tmp")]
    assert put(SPEC, at).get(SPEC) is not None
    assert at.get(OTHER) is not None


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_failure_at_the_end_of_a_write_leaves_the_old_file(tmp_path, monkeypatch, failing, error):
    def fail(*_):
        raise error

    path = tmp_path / "file"
    atomic_write(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, failing, fail)
        expected = MixkdError if isinstance(error, OSError) else KeyboardInterrupt
        with pytest.raises(expected, match="No space left" if expected is MixkdError else None):
            atomic_write(path, b"new")
    assert names_in(tmp_path) == ["file"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("written", [0, 1, 2])
def test_killed_writer_leaves_no_run_and_its_rest_is_cleaned(store_home, written):
    """Killed with the temporary file of the arrays, the weights or the record on the disk, holding the lock."""
    code = f"""
sync, calls = os.fsync, iter(range(9))
os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL) if next(calls) == {written} else sync(file)
at, spec = store.Store(), RunSpec(seed=1)
with at.lock(spec):
    at.put(store.RunRecord(spec, [], {{}}, {{}}), {{"a": np.ones(9)}}, {{"w": np.ones(9)}})
"""
    assert python(code).wait() == -signal.SIGKILL
    at = Store()
    folder = at.path(SPEC).parent
    rest = [name for name in names_in(folder) if name.endswith(".tmp")]
    assert len(rest) == 1
    assert at.get(SPEC) is None
    of_another = folder / f".{OTHER.hash}.json.0.tmp"
    of_another.touch()
    with at.lock(SPEC):
        assert [name for name in names_in(folder) if name.endswith(".tmp")] == [of_another.name]
        put(SPEC, at)
    assert at.get(SPEC) is not None


def test_one_process_at_a_time_holds_a_lock(store_home, tmp_path):
    log = tmp_path / "log"
    code = f"""
import time
for _ in range(5):
    with store.Store().lock(RunSpec(seed=1)):
        for event in "in", "out":
            with open({str(log)!r}, "a") as file:
                print(event, os.getpid(), file=file)
            time.sleep(0.01)
"""
    processes = [python(code) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    events = [line.split() for line in log.read_text().splitlines()]
    assert [event for event, _ in events] == ["in", "out"] * 15
    assert all(events[i][1] == events[i + 1][1] for i in range(0, 30, 2))


def test_lock_waits_for_the_living_and_not_for_the_dead(store_home):
    holder = python(
        "with store.Store().lock(RunSpec(seed=1)): print('held', flush=True); sys.stdin.read()", stdin=subprocess.PIPE
    )
    assert holder.stdout.readline() == "held\n"
    entered = threading.Event()

    def enter():
        with Store().lock(SPEC):
            entered.set()

    waiting = threading.Thread(target=enter, daemon=True)
    waiting.start()
    with Store().lock(OTHER):
        assert not entered.wait(0.3)
    holder.kill()
    assert entered.wait(10)
    waiting.join()
    holder.communicate()


# -- folders


def test_read_only_folder_is_one_line(store_home):
    store_home.mkdir(mode=0o500)
    if os.access(store_home, os.W_OK):
        pytest.skip("this user writes into read-only folders, as root does")
    with pytest.raises(MixkdError, match=r"cannot be written: Permission denied$"), Store().lock(SPEC):
        pass
    with pytest.raises(MixkdError, match=r"could not write .* bytes: Permission denied$"):
        put()


def test_home_that_is_a_file_is_one_line(store_home):
    store_home.write_text("")
    assert Store().get(SPEC) is None
    with pytest.raises(MixkdError, match=r"cannot be written: Not a directory$"), Store().lock(SPEC):
        pass
    with pytest.raises(MixkdError, match=r"could not write .* bytes: Not a directory$"):
        put()


def test_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("MIXKD_HOME", "~/named")
    assert files.home() == tmp_path / "named"

    for unset in (lambda: monkeypatch.setenv("MIXKD_HOME", ""), lambda: monkeypatch.delenv("MIXKD_HOME")):
        unset()
        monkeypatch.setattr(files, "CHECKOUT", tmp_path / "site-packages")
        outside = files.home()
        assert outside.is_relative_to(tmp_path)
        assert outside.name == "mixkd"

        checkout = tmp_path / "checkout"
        monkeypatch.setattr(files, "CHECKOUT", checkout)
        (checkout / "notebooks").mkdir(parents=True, exist_ok=True)
        (checkout / "pyproject.toml").touch()
        assert files.home() == checkout / ".mixkd"


# -- cached arrays, and what is refused


def test_cached_arrays_are_made_once_and_verified(tmp_path, caplog):
    made, path = [], tmp_path / "data" / "cache.safetensors"
    digest = path.with_name(path.name + ".sha256")

    def load() -> int:
        arrays = cached_arrays(path, lambda: made.append(1) or dict(LAYOUTS))
        for name, array in LAYOUTS.items():
            np.testing.assert_array_equal(arrays[name], array, strict=True)
            assert not arrays[name].flags.writeable
        return len(made)

    assert [load(), load()] == [1, 1]
    for n, (file, damage) in enumerate([(f, d) for f in (path, digest) for d in DAMAGE.values()], start=2):
        file.write_bytes(damage(file.read_bytes()))
        assert [load(), load()] == [n, n]
        assert len(caplog.records) == n - 1
    for file in (path, digest):
        file.unlink()
        made.clear()
        assert [load(), load()] == [1, 1]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["arrays", "weights"])
def test_non_finite_arrays_are_refused(store_home, kind, value):
    bad = GRID.copy()
    bad[2, 3] = value
    payload = {"arrays": {"a": GRID}, "weights": {"w": GRID}}
    payload[kind]["bad"] = bad
    with pytest.raises(MixkdError, match=f"{kind} bad is not finite"):
        Store().put(RunRecord(SPEC, [], {}, {}), payload["arrays"], payload["weights"])
    assert not Store().has(SPEC)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_metrics_are_refused(store_home, value):
    with pytest.raises(MixkdError, match="its record is not finite"):
        Store().put(RunRecord(SPEC, [{"loss": value}], {}, {}), {"a": GRID}, {"w": GRID})
    assert not list(store_home.rglob("*.safetensors")), "nothing half-written"


class Bomb:
    """Unpickling it creates the file `marker`."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def test_a_pickle_in_place_of_weights_is_not_executed(store_home, tmp_path):
    """Even when the record was forged to match it."""
    at, marker = put(), tmp_path / "marker"
    weights = at.path(SPEC, ".weights.safetensors")
    weights.write_bytes(pickle.dumps(Bomb(marker)))
    content = json.loads(at.path(SPEC).read_bytes())
    del content["sha256"]
    content["files"][weights.name] = files.sha256(weights.read_bytes())
    content["sha256"] = files.sha256(canonical_json(content))
    at.path(SPEC).write_bytes(canonical_json(content))
    with pytest.raises(safetensors.SafetensorError):
        _ = at.get(SPEC).weights
    assert not marker.exists()
    pickle.loads(weights.read_bytes())
    assert marker.exists(), "the pickle was live"


def test_pickles_are_loaded_in_one_module_only():
    package = Path(mixkd.__file__).parent
    loads = re.compile(
        r"pickle\.loads?\b|Unpickler|from pickle|torch\.load|allow_pickle|joblib|shelve|marshal|\bdill\b"
    )
    found = {str(p.relative_to(package)) for p in package.rglob("*.py") if loads.search(p.read_text())}
    assert found == {"datasets/sets/watch.py"}

"""Published records: what was put in comes out, old files stay, and whatever is damaged is named."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from runs import BOTH, mtimes, small, start, train
from scipy.special import log_softmax

from mixkd import studies
from mixkd.analysis import contrasts, decisions, round_two
from mixkd.cli import main
from mixkd.errors import MixkdError
from mixkd.runs import planning, published, sweep
from mixkd.runs.local import Local
from mixkd.runs.published import Published, publish
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Mixup
from mixkd.specs.tasks import TASKS


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> list[RunRecord]:
    """A plain student, two teachers and their student, trained."""
    store = Store(tmp_path_factory.mktemp("home"))
    student = small(teachers=BOTH)
    train(student, store)
    return [train(spec, store) for spec in (small(), *student.teacher_runs, student)]


@pytest.fixture
def root(tmp_path, store_home):
    return tmp_path / "results"


def copies(record: RunRecord, n: int) -> list[RunRecord]:
    """The record under other seeds, with other logits: equal ones would take no space."""
    return [_again(record, replace(record.spec, seed=seed)) for seed in range(10, 10 + n)]


def _again(record: RunRecord, spec) -> RunRecord:
    noise = np.random.default_rng(spec.seed).normal(size=record.arrays["test_logits"].shape)
    logits = (record.arrays["test_logits"] + noise).astype(np.float32)
    arrays = {"test_logits": logits, "validation_logits": record.arrays["validation_logits"]}
    return replace(record, spec=spec, folder=None, read_arrays=lambda: arrays)


def test_what_was_published_comes_back(stored, root):
    assert publish(stored, exemplars=stored[:1], root=root) == 4
    found = Published(root)
    assert len(found) == 4
    assert {spec.hash for spec in found} == {record.spec.hash for record in stored}
    for record in stored:
        again = found.get(record.spec)
        assert again == record  # spec, history, data, provenance and probes, to the last bit
        for split in ("test_logits", "validation_logits"):
            ours, theirs = (one.arrays[split] for one in (again, record))
            np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))
            ours, theirs = (logits.max(axis=1, keepdims=True) - logits for logits in (ours, theirs))
            assert (np.abs(ours - theirs) <= (1 + theirs) / 39).all()
    assert found.get(small(seed=9)) is None


def test_outputs_that_are_not_one_set_of_classes_have_no_validation_logits(stored, root, tmp_path):
    """A byte below the largest output says nothing of a regression or of two heads."""
    fields = {"dataset": "gait", "windows_per_class": 20, "epochs": 1, "batch_size": 16}
    force = train(small(**fields, task="regression"), Store(tmp_path))
    publish([force, stored[0]], root=root)
    there = Published(root)
    with pytest.raises(MixkdError, match="found no published validation_logits, expected one of test_logits"):
        _ = there.get(force.spec).arrays["validation_logits"]
    forces, exact = (record.arrays["test_logits"] for record in (there.get(force.spec), force))
    np.testing.assert_allclose(forces, exact, rtol=1e-3, atol=1e-4)
    assert there.get(stored[0].spec).arrays["validation_logits"].shape[1] == 4


def test_exemplars_have_everything_others_say_what_is_missing(stored, root):
    publish(stored, exemplars=stored[:1], root=root)
    exemplar, other = (Published(root).get(record.spec) for record in stored[:2])
    for kind in ("arrays", "weights"):
        for name, array in getattr(stored[0], kind).items():
            np.testing.assert_array_equal(getattr(exemplar, kind)[name], array)
    with pytest.raises(
        MixkdError, match=r"run synthetic .*: found no published test_features, expected one of test_logits"
    ):
        _ = other.arrays["test_features"]
    with pytest.raises(MixkdError, match=r"run synthetic .*: its weights were not kept"):
        _ = other.weights


def test_a_row_can_be_read_without_mixkd(stored, root):
    publish(stored, root=root)
    table = pq.read_table(root / "synthetic" / "runs-0001.parquet").to_pandas()
    row = table[table["spec"] == stored[0].spec.hash].iloc[0]
    assert (row["dataset"], row["fold"], row["seed"]) == ("synthetic", 0, 0)
    assert row["subject"] == "+".join(map(str, stored[0].data["subjects"]["test"]))
    assert row["accuracy"] == stored[0].metrics()["accuracy"]
    below = np.frombuffer(row["test_bytes"], "u1").reshape(row["n_windows"], row["n_classes"])
    logits = stored[0].arrays["test_logits"]
    np.testing.assert_array_equal(below.argmin(axis=1), logits.argmax(axis=1))
    far = logits.max(axis=1, keepdims=True) - logits > 0.1  # below that, a step is a large part
    np.testing.assert_allclose(
        (np.exp(below / 40) - 1)[far], (logits.max(axis=1, keepdims=True) - logits)[far], rtol=0.2
    )


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(2, 30)), elements=st.floats(-200, 200, width=32))
)
def test_bytes_of_logits_keep_the_prediction_and_the_likelihood(logits):
    """The likelihood of any class, by softmax in double precision: within 5 % of 1 nat plus its distance."""
    again = published.from_bytes(published.as_bytes(logits))
    np.testing.assert_array_equal(again.argmax(axis=1), logits.argmax(axis=1))
    exact, coarse = (log_softmax(z.astype(np.float64), axis=1) for z in (logits, again))
    assert (np.abs(coarse - exact) <= 0.05 * (1 - exact)).all()
    np.testing.assert_array_equal(
        published.as_bytes(again), published.as_bytes(logits)
    )  # a second time changes nothing


def test_old_files_are_never_written_again(stored, root):
    def written() -> dict[str, tuple[int, int]]:
        files = [path for path in (root / "synthetic").rglob("*") if path.is_file()]
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}

    publish(stored[:2], exemplars=stored[:1], root=root)
    first = written()
    assert publish(stored, exemplars=stored[:1], root=root) == 2
    assert publish(stored, exemplars=stored[:1], root=root) == 0
    assert first.items() < written().items()
    assert set(written()) - set(first) == {"runs-0002.parquet"}
    assert len(Published(root)) == 4


def test_a_published_run_of_another_recipe_is_not_served_and_makes_place(stored, root):
    """A change of code that touches a run retires its record; the new one stands in a later file and is served."""
    spec = replace(stored[0].spec, mixup=Mixup(1.0, 0.3, "released"))
    run = _again(stored[0], spec)
    old, new = (replace(run, provenance=run.provenance | {"recipe": n}) for n in (1, 2))
    assert publish([old, *stored[1:]], root=root) == 4
    there = Published(root)
    assert there.get(spec) is None
    assert spec not in there
    assert set(there) == {record.spec for record in stored[1:]}
    assert publish([new, *stored[1:]], root=root) == 1
    assert Published(root).get(spec).provenance["recipe"] == 2
    assert len(Published(root)) == 4


def test_runs_of_a_method_that_is_gone_are_kept_and_not_served(stored, root, monkeypatch, tmp_path):
    smooth = train(small(method="smooth"), Store(tmp_path))
    publish([smooth, *stored], root=root)
    assert Published(root).retired("synthetic") == 0
    monkeypatch.delitem(METHODS, "smooth")
    there = Published(root)
    assert set(there) == {record.spec for record in stored}
    assert there.retired("synthetic") == 1
    assert there.retired("watch") == 0


def test_equal_runs_give_equal_bytes(stored, root, tmp_path):
    publish(stored, root=root)
    publish(reversed(stored), root=tmp_path / "other")
    name = "synthetic/runs-0001.parquet"
    assert (root / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    assert (root / "manifest.json").read_bytes() == (tmp_path / "other" / "manifest.json").read_bytes()


def test_files_stay_small(stored, root, monkeypatch):
    monkeypatch.setattr(published, "MAX_BYTES", 24_000)
    many = copies(stored[0], 60)
    publish(many, root=root)
    sizes = [path.stat().st_size for path in (root / "synthetic").glob("runs-*.parquet")]
    assert len(sizes) > 1
    assert max(sizes) <= 24_000
    assert {spec.seed for spec in Published(root)} == {record.spec.seed for record in many}
    monkeypatch.setattr(published, "MAX_BYTES", 1000)
    with pytest.raises(MixkdError, match=r"run synthetic .*: found \d+ bytes, expected at most 1000"):
        publish(stored, root=root)
    assert len(Published(root)) == 60


def test_an_interrupted_publish_has_changed_nothing_and_can_be_repeated(stored, root, monkeypatch):
    publish(stored[:1], root=root)
    write = published.atomic_write

    def dies_before_the_manifest(path, data):
        if path.name == "manifest.json":
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(published, "atomic_write", dies_before_the_manifest)
    with pytest.raises(KeyboardInterrupt):
        publish(stored, root=root)
    assert (root / "synthetic" / "runs-0002.parquet").is_file()
    assert len(Published(root)) == 1
    monkeypatch.undo()
    monkeypatch.setenv("MIXKD_HOME", str(root.parent / "home"))
    assert publish(stored, root=root) == 3
    assert len(Published(root)) == 4


KILLED = """
import json, os, signal, sys
from pathlib import Path
from mixkd.specs.run import RunSpec
from mixkd.runs.published import publish
from mixkd.runs.store import Store
calls, sync = iter(range(9)), os.fsync
os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL) if next(calls) == int(sys.argv[1]) else sync(file)
found = [Store().get(RunSpec.parse(spec)) for spec in json.loads(sys.argv[2])]
publish(found, exemplars=found[:1], root=Path(sys.argv[3]))
"""


def present(root) -> set[str]:
    """Files below the root, beside the manifest and the lock."""
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    return files - {"manifest.json", ".publish.lock"}


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_killed_publishers_change_nothing_and_their_rest_is_removed(stored, root, written):
    """Killed with the temporary file of the part, the exemplar's arrays or weights, or the manifest on the disk."""
    publish(stored[:1], root=root)
    before, specs = (root / "manifest.json").read_bytes(), json.dumps([record.spec.as_dict() for record in stored])
    code = start("-c", KILLED, str(written), specs, str(root), home=stored[0].folder.parents[2])
    assert code.wait(120) == -signal.SIGKILL
    code.communicate()
    assert (root / "manifest.json").read_bytes() == before
    assert present(root) > {"synthetic/runs-0001.parquet"}
    assert list(Published(root)) == [stored[0].spec]
    (root / "synthetic" / "notes.txt").touch()
    assert publish(stored[:1], root=root) == 0
    assert present(root) == {"synthetic/runs-0001.parquet", "synthetic/notes.txt"}


def test_two_publishers_at_once_lose_nothing(stored, root, monkeypatch, tmp_path):
    """Whatever their MIXKD_HOME: a campaign has its own, `results/` is one."""
    reached, go, write = threading.Event(), threading.Event(), published.atomic_write

    def slow(path, data):
        if path.name == "manifest.json" and not reached.is_set():
            reached.set()
            assert go.wait(60)
        write(path, data)

    monkeypatch.setattr(published, "atomic_write", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(publish, stored[:2], root=root)
        assert reached.wait(60)
        monkeypatch.setenv("MIXKD_HOME", str(tmp_path / "other"))
        second = pool.submit(publish, stored[2:], root=root)
        try:
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
        finally:
            go.set()
        assert [first.result(60), second.result(60)] == [2, 2]
    assert [Published(root).get(record.spec) for record in stored] == stored


def test_a_folder_that_cannot_be_written_is_one_line(stored, root):
    root.write_text("")
    with pytest.raises(MixkdError, match=r"results: cannot be written: (File exists|Not a directory)$"):
        publish(stored, root=root)


def test_exemplars_are_published_runs(stored, root):
    assert publish([], exemplars=stored[:1], root=root) == 1
    assert Published(root).get(stored[0].spec) == stored[0]


def test_columns_have_one_type_in_all_parts(stored, root):
    """Also where all of a part's runs were trained outside a checkout."""
    nowhere = stored[0].provenance | {"git": {"sha": None, "dirty": None}}
    publish([replace(stored[0], provenance=nowhere)], root=root)
    publish(stored[1:], root=root)
    first, second = (pq.read_schema(root / "synthetic" / f"runs-000{i}.parquet") for i in (1, 2))
    assert first.equals(second)
    assert first.names == list(published.row(stored[0]))
    assert Published(root).get(stored[0].spec).provenance["git"] == {"sha": None, "dirty": None}


def test_logits_are_read_when_asked_for_and_verified_then(stored, root):
    publish(stored, root=root)
    first, second = (Published(root).get(record.spec) for record in stored[:2])
    assert first.arrays["test_logits"].dtype == np.float32
    path = root / "synthetic" / "runs-0001.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    published.columns.cache_clear()
    assert second.metrics() == stored[1].metrics()
    with pytest.raises(MixkdError, match=r"runs-0001\.parquet: found SHA-256 .*, expected"):
        _ = second.arrays
    assert first.arrays["test_logits"].shape == stored[0].arrays["test_logits"].shape


def test_a_part_is_verified_once(stored, root):
    """A chapter loads many tables: each would otherwise read and verify thousands of runs again."""
    publish(stored, root=root)
    assert Published(root).get(stored[0].spec) == stored[0]
    (root / "synthetic" / "runs-0001.parquet").unlink()
    assert [Published(root).get(record.spec) for record in stored] == stored


def test_publishing_keeps_no_arrays(stored, root):
    """The arrays of a campaign's runs do not fit into memory together."""
    fresh = [replace(record) for record in stored]
    publish(fresh, root=root)
    assert not any("arrays" in vars(record) for record in fresh)


@pytest.mark.parametrize("at", [0, 0.2, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("kind", ["runs-0001.parquet", "exemplars/{}.weights.safetensors"])
def test_damage_is_named(stored, root, at, kind):
    publish(stored, exemplars=stored[:1], root=root)
    path = root / "synthetic" / kind.format(stored[0].spec.hash)
    raw = bytearray(path.read_bytes())
    raw[int(at * len(raw))] ^= 1
    path.write_bytes(raw)
    with pytest.raises(MixkdError, match=rf"{path.name}: found SHA-256 .*, expected"):
        Published(root).get(stored[0].spec)


def test_a_missing_file_and_a_broken_manifest_are_named(stored, root):
    publish(stored, root=root)
    (root / "synthetic" / "runs-0001.parquet").unlink()
    with pytest.raises(MixkdError, match=r"runs-0001\.parquet: found no such file, expected what manifest\.json names"):
        Published(root).get(stored[0].spec)
    (root / "manifest.json").write_text("{}")
    with pytest.raises(MixkdError, match=r"manifest\.json: found .*, expected a manifest"):
        Published(root).get(stored[0].spec)
    assert Published(root / "nowhere").get(stored[0].spec) is None


def test_a_run_under_another_hash_is_refused(stored, root):
    publish(stored[:1], root=root)
    forged = Published(root)
    forged._rows[small(seed=5).hash] = forged._rows[stored[0].spec.hash]
    with pytest.raises(MixkdError, match="belongs to another spec"):
        forged.get(small(seed=5))


def test_only_what_is_missing_is_trained_with_its_teachers(stored, root, store_home):
    """A published student needs no teacher; an unpublished one needs its teacher's weights, hence a local run."""
    publish(stored, root=root)
    store = Store(published=Published(root))
    student = stored[-1].spec
    assert planning.unmet([record.spec for record in stored], store) == []
    sweep.run([record.spec for record in stored], store, on=Local(quiet=True))
    assert not store.runs.exists()
    other = replace(student, temperature=2.0)
    assert planning.unmet([other], store) == [*student.teacher_runs, other]
    assert planning.unmet([small(), other], Store(published=Published(root))) == [*student.teacher_runs, other]
    assert planning.unmet([student], Store()) == [*student.teacher_runs, student]


def test_full_reads_what_was_published_and_quick_does_not(stored, root, monkeypatch):
    publish(stored, root=root)
    monkeypatch.setattr(published.Published.__init__, "__defaults__", (root,))
    spec = stored[0].spec
    assert studies.store_of(studies.Scope(profile="full")).find(spec) == stored[0]
    assert studies.store_of(studies.Scope(profile="quick")).find(spec) is None
    assert studies.store_of(studies.Scope(profile="smoke")).find(spec) is None


def test_publish_and_verify_by_command(root, monkeypatch, capsys):
    """Stored runs of a profile are published as they are; a sample trained again is the same to the bit."""
    monkeypatch.setattr(published.Published.__init__, "__defaults__", (root,))
    monkeypatch.setattr(published.publish, "__defaults__", ((), root))
    sweep.run(studies.specs("alpha", studies.Scope("synthetic", "smoke")), on=Local(quiet=True))
    main.publish("synthetic", "smoke", 0)
    n_stored = len(mtimes(Store())) // 3  # a record, its arrays, its weights
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{n_stored} runs published" in printed
    assert f"({sum((root / name).stat().st_size for name in Published(root).files) / 1e6:.1f} MB)" in printed
    assert len(Published(root)) == n_stored
    monkeypatch.setattr(studies.results, "store_of", lambda profile: Store(root / "elsewhere", Published(root)))
    with pytest.raises(typer.Exit) as status:
        main.verify(2, "synthetic", "smoke", 0)
    assert status.value.exit_code == 0
    assert capsys.readouterr().out.count("identical") == 2


def test_runs_of_a_campaign_are_published_too(root, monkeypatch, capsys):
    """Runs of the claims that are in no study: on data sets of which a scope has few people."""
    monkeypatch.setattr(published.Published.__init__, "__defaults__", (root,))
    monkeypatch.setattr(published.publish, "__defaults__", ((), root))
    monkeypatch.setattr(studies, "every", lambda scope: [])
    monkeypatch.setattr(round_two, "campaign", lambda scope: [small(seed=9)])
    train(small(seed=9), Store())
    main.publish("synthetic", "smoke", 0)
    assert "1 runs published; of 1 runs" in " ".join(capsys.readouterr().out.split())
    assert small(seed=9) in Published(root)


def test_a_record_taken_out_is_named_by_the_claims(stored, root, monkeypatch):
    """`full` tests claims on published records alone: one that is missing stops the page."""
    monkeypatch.setattr(published.Published.__init__, "__defaults__", (root,))
    bases, lookup, final = contrasts.collect(studies.Scope("synthetic", "full"))
    assert final
    with pytest.raises(MixkdError, match=rf"claims: run {bases[0].name} \({bases[0].hash}\) is missing"):
        decisions.decide([(bases, lookup, final)])


def test_mtimes_of_the_local_store_are_left_alone(stored, root):
    store = Store(stored[0].folder.parents[2])
    before = mtimes(store)
    publish(stored, exemplars=stored, root=root)
    assert mtimes(store) == before


def test_manifest_names_every_file_with_its_hash(stored, root):
    publish(stored, exemplars=stored[:2], root=root)
    named = json.loads((root / "manifest.json").read_text())["files"]
    assert set(named) == present(root)
    assert len(named) == 1 + 2 * 2


def test_what_this_repository_publishes_is_intact():
    """Every file is the one in the manifest and small; every record parses under its own hash."""
    here = Published()
    assert all(len(here.read(name)) <= published.MAX_BYTES for name in here.files)
    files = {str(path.relative_to(here.root)) for path in here.root.glob("*/**/*") if path.is_file()}
    assert files == set(here.files)
    specs = list(here)
    assert len({spec.hash for spec in specs}) == len(specs) == len(here)
    assert not [spec.name for spec in specs if here.get(spec).provenance["git"]["dirty"]]
    for spec in specs[:: max(len(specs) // 20, 1)]:
        record = here.get(spec)
        headline = TASKS[spec.task].headline
        by_person = [found[headline] for found in record.probes["subjects"].values()]
        assert len(by_person) == len(record.data["subjects"]["test"])
        if headline == "accuracy":  # equal where one person is tested
            assert min(by_person) <= record.metrics()[headline] <= max(by_person)

"""An archive of runs: equal bytes for equal runs, readable without mixkd, and nothing of a damaged one is taken."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import nbformat
import pandas as pd
import pytest
from runs import BOTH, small, train

from mixkd import studies
from mixkd.analysis import answers, contrasts, deviations
from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT, sha256
from mixkd.runs import archive
from mixkd.runs.published import MANIFEST, Published, publish
from mixkd.runs.store import Store


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Published runs of two data sets, one with its weights."""
    folder = tmp_path_factory.mktemp("published")
    store = Store(tmp_path_factory.mktemp("home"))
    train(small(teachers=BOTH), store)
    records = [store.get(spec) for spec in (small(teachers=BOTH), *small(teachers=BOTH).teacher_runs)]
    watch = train(small(dataset="gait", task="regression", windows_per_class=20, epochs=1), store)
    publish([*records, watch], exemplars=records[:1], root=folder)
    return folder


def rewritten(files: dict[str, bytes], path):
    """An archive of these files, whatever they are."""
    path.write_bytes(archive.packed(files))
    return path


def test_what_was_packed_comes_back(root, tmp_path):
    files = archive.content(root)
    path = rewritten(files, tmp_path / "a.tar")
    assert archive.pull(str(path), tmp_path / "there") == len(Published(root).files)
    here, there = Published(root), Published(tmp_path / "there")
    assert here.files == there.files
    for spec in here:
        assert there.get(spec) == here.get(spec)
    assert archive.pull(str(path), tmp_path / "there") == 0


def test_equal_runs_make_equal_bytes(root, tmp_path):
    one, other = (archive.push(tmp_path / name, archive.content(root)) for name in ("one", "other"))
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()
    assert sha256(one.read_bytes()).startswith(one.stem.rpartition("-")[2])


def test_an_archive_is_readable_without_mixkd(root, tmp_path):
    """By tar, pandas and JSON alone: every file is named with its digest, and the page names one that can be read."""
    path = rewritten(archive.content(root), tmp_path / "a.tar")
    with tarfile.open(path) as tar:
        tar.extractall(tmp_path / "x", filter="data")
    crate = json.loads((tmp_path / "x" / "ro-crate-metadata.json").read_text())
    whole = next(entry for entry in crate["@graph"] if entry["@id"] == "./")
    parts = {entry["@id"]: entry for entry in crate["@graph"] if entry["@type"] == "File"}
    there = {p.relative_to(tmp_path / "x").as_posix() for p in (tmp_path / "x").rglob("*") if p.is_file()}
    assert {part["@id"] for part in whole["hasPart"]} == set(parts) == there - {"ro-crate-metadata.json"}
    for name, part in parts.items():
        raw = (tmp_path / "x" / name).read_bytes()
        assert (part["sha256"], part["contentSize"]) == (sha256(raw), str(len(raw)))
    page = (tmp_path / "x" / "README.md").read_text()
    (read,) = [line.split('"')[1] for line in page.splitlines() if "read_parquet" in line]
    assert len(pd.read_parquet(tmp_path / "x" / read)) in (1, 3)
    assert page.startswith("# Runs of mixkd\n\n4 trained networks on gait, synthetic")


def test_one_data_set_alone(root, tmp_path):
    path = rewritten(archive.content(root, ["gait"]), tmp_path / "a.tar")
    archive.pull(str(path), tmp_path / "there")
    assert {spec.dataset for spec in Published(tmp_path / "there")} == {"gait"}
    with pytest.raises(MixkdError, match="found no published runs of hapt"):
        archive.content(root, ["hapt"])


def test_pull_adds_to_what_is_there_and_refuses_other_bytes(root, tmp_path):
    there = tmp_path / "there"
    archive.pull(str(rewritten(archive.content(root, ["gait"]), tmp_path / "a.tar")), there)
    archive.pull(str(rewritten(archive.content(root, ["synthetic"]), tmp_path / "b.tar")), there)
    assert Published(there).files == Published(root).files
    files = archive.content(root)
    name = next(name for name in files if name.endswith(".parquet"))
    changed = files | {name: files[name] + b"0"}
    named = json.loads(files[MANIFEST])["files"] | {name: sha256(changed[name])}
    changed[MANIFEST] = json.dumps({"files": named}).encode()
    before = {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    with pytest.raises(MixkdError, match=f"{name}: found other bytes"):
        archive.pull(str(rewritten(changed, tmp_path / "c.tar")), there)
    assert {path: path.read_bytes() for path in there.rglob("*") if path.is_file()} == before


def test_a_chapter_from_a_pulled_archive_has_the_numbers_of_the_published_runs(tmp_path):
    """That of all people, in a checkout without results, where nothing can be trained: what it hands to its text."""
    path, checkout = rewritten(archive.content(datasets=["watch"]), tmp_path / "runs.tar"), tmp_path / "checkout"
    for name in ("mixkd", "notebooks"):
        shutil.copytree(CHECKOUT / name, checkout / name)
    environment = {**os.environ, "PYTHONPATH": str(checkout), "MIXKD_HOME": str(tmp_path / "home")}
    chapter = ("notebook", "12_deviations", "-p", "profile=full", "-o", str(tmp_path / "out.ipynb"))
    for words in (("results", "pull", str(path)), chapter):
        command = [sys.executable, "-m", "mixkd.cli.main", *words]
        subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)
    assert not (tmp_path / "home" / "runs").exists()
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    glued = [output for output in outputs if "scrapbook" in output.get("metadata", {})]
    named = {o.metadata.scrapbook.name: o.data["application/papermill.record/text/plain"] for o in glued}
    scope = studies.Scope("watch", "full")
    table = deviations.effects(*contrasts.collect(scope, deviations.specs))
    expected = answers.deviations(table, deviations.spreads(studies.load("methods", scope)))
    assert named == {name: repr(value) for name, value in expected.items()}


@pytest.mark.parametrize("damage", ["byte", "missing", "unknown", "outside", "cut", "no manifest", "text"])
def test_a_damaged_archive_is_refused_whole(damage, root, tmp_path):
    files = dict(archive.content(root))
    name = next(name for name in files if name.endswith(".parquet"))
    if damage == "byte":
        files[name] = files[name][:-1] + b"?"
    elif damage == "missing":
        del files[name]
    elif damage == "unknown":
        files["synthetic/runs-0099.parquet"] = b"?"
    elif damage == "outside":
        files[MANIFEST] = json.dumps({"files": {"../x": sha256(b"?")}}).encode()
    elif damage == "no manifest":
        del files[MANIFEST]
    path = rewritten(files, tmp_path / "a.tar")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "text":
        path.write_text("no archive")
    with pytest.raises(MixkdError, match=r"a\.tar: "):
        archive.pull(str(path), tmp_path / "there")
    assert not (tmp_path / "there" / MANIFEST).exists()


def test_a_link_in_an_archive_is_refused(tmp_path):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    (tmp_path / "a.tar").write_bytes(target.getvalue())
    with pytest.raises(MixkdError, match="expected an archive of runs"):
        archive.unpacked(tmp_path / "a.tar")


@pytest.fixture
def server(tmp_path):
    """A web server that shows `shown`."""
    (tmp_path / "shown").mkdir()
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path / "shown")
    made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield tmp_path / "shown", f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()


def test_pull_takes_the_newest_of_a_folder_or_an_address(root, tmp_path, server):
    shown, address = server
    archive.push(shown, archive.content(root, ["gait"]))
    newest = archive.push(shown, archive.content(root))
    for i, origin in enumerate((str(shown), address, address + "/")):
        archive.pull(origin, tmp_path / f"there-{i}")
        assert Published(tmp_path / f"there-{i}").files == Published(root).files
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    with pytest.raises(MixkdError, match=r"expected the archive that newest\.json names"):
        archive.pull(address, tmp_path / "other")
    newest.unlink()
    for origin in (str(shown), address, address + "/nowhere", str(tmp_path / "nowhere")):
        with pytest.raises(MixkdError):
            archive.pull(origin, tmp_path / "other")
    assert not (tmp_path / "other" / MANIFEST).exists()


def test_the_commands(mixkd, root, tmp_path, monkeypatch):
    monkeypatch.setattr(Published.__init__, "__defaults__", (root,))
    monkeypatch.setattr(archive.content, "__defaults__", (root, ()))
    status, said, _ = mixkd("results", "pack", "a.tar", "--dataset", "gait")
    assert status == 0
    assert said.startswith("a.tar: 5 files")
    assert mixkd("results", "verify", "a.tar")[1] == "1 files are what was published\n"
    assert mixkd("results", "pull", "a.tar", "--into", "there")[1] == "1 new files in there\n"
    status, _, error = mixkd("results", "verify", "there/manifest.json")
    assert (status, error.count("\n")) == (1, 1)

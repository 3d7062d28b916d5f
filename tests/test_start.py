"""Options of `mixkd distill`: balanced classes, and the weights of an earlier student as a start."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import SIGNAL, small, train

from mixkd.deploy import export, start
from mixkd.errors import MixkdError
from mixkd.learning import tasks
from mixkd.learning.fold_data import fold_data
from mixkd.runs import starts
from mixkd.runs.single import initial_network
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """An exported student of the data set `synthetic`, and its run."""
    folder = tmp_path_factory.mktemp("earlier")
    record = train(small(), Store(folder / "home"))
    export.export(record, fold_data(record.spec.data), folder / "student")
    return record, folder / "student"


@pytest.fixture
def copy(earlier, tmp_path, monkeypatch):
    """Writes a copy of the student with other facts in its student.json."""
    monkeypatch.setenv("MIXKD_HOME", str(tmp_path / "home"))

    def make(**facts):
        folder = tmp_path / "copy"
        shutil.copytree(earlier[1], folder, dirs_exist_ok=True)
        about = json.loads((folder / "student.json").read_text())
        about["spec"]["dataset"] = "watch"
        (folder / "student.json").write_text(json.dumps(about | facts))
        return folder

    return make


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_balanced_targets_give_the_weighted_cross_entropy_of_torch(share):
    """Also of a mixture of two windows."""
    part = replace(fold_data(small().data).splits["train"][np.arange(9)], y=np.array([0, 0, 0, 0, 0, 0, 1, 1, 3]))
    task = tasks.balanced(tasks.classification(part, 4, 0), part, 4)
    logits = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    weights = 9 / (4 * torch.tensor([6.0, 2.0, 1.0, 1.0]))
    y, other = torch.from_numpy(part.y), torch.from_numpy(part.y).flip(0)
    targets = task.targets(part)
    found = task.loss(logits, share * targets + (1 - share) * targets.flip(0))
    one, two = (torch.nn.functional.cross_entropy(logits, z, weight=weights, reduction="none") for z in (y, other))
    torch.testing.assert_close(found, share * one + (1 - share) * two)


def test_teachers_are_balanced_too_trees_are_not():
    teachers = [replace(SIGNAL, weight=0.5), replace(SIGNAL, weight=0.5, family="forest")]
    taught = small(teachers=teachers, balance=True, start="0" * 16)
    assert [run.balance for run in taught.teacher_runs] == [True, False]
    assert {run.start for run in taught.teacher_runs} == {None}
    for wrong in ({"method": "aver"}, {"task": "placement"}):
        with pytest.raises(MixkdError, match=r"RunSpec\.balance: found True, expected false for another"):
            replace(taught, start=None, **wrong)
    with pytest.raises(MixkdError, match=r"RunSpec\.start: found .*, expected nothing for another family"):
        replace(taught, balance=False, method="aver")


@pytest.mark.parametrize("same", [True, False])
def test_a_run_starts_from_the_weights_of_an_earlier_student(earlier, copy, tmp_path, same):
    record = earlier[0]
    classes = list(json.loads((earlier[1] / "student.json").read_text())["classes"])
    name, sentence = start.keep(copy(classes=classes if same else classes[::-1]), "synthetic", "WRN16-1")
    assert ("the last layer is new" in sentence) != same
    store, spec = Store(tmp_path / "home"), small(start=name)
    begun = initial_network(spec, fold_data(spec.data), store).state_dict()
    random = initial_network(small(), fold_data(spec.data), store).state_dict()
    for key, value in begun.items():
        expected = random[key].numpy() if key.startswith(starts.HEAD) and not same else record.weights[key]
        np.testing.assert_array_equal(value.numpy(), expected)
    assert spec.hash != small().hash


def test_another_network_is_no_start(copy, earlier):
    own = r"expected WRN16-1 of x \(a\), y \(a\) at 50 Hz"
    for facts, found in (
        ({"network": "WRN28-1"}, "WRN28-1 of x"),
        ({"channels": ["y", "x"]}, "WRN16-1 of y"),
        ({"units": ["m/s^2", "m/s^2"]}, r"x \(m/s\^2\)"),
        ({"rate": 100.0}, "at 100 Hz"),
    ):
        with pytest.raises(MixkdError, match=rf"--start .*copy: found .*{found}.*, {own}"):
            start.keep(copy(**facts), "synthetic", "WRN16-1")
    with pytest.raises(MixkdError, match="found a student of these recordings, expected one of other people"):
        start.keep(earlier[1], "synthetic", "WRN16-1")


def test_damaged_weights_are_refused(copy, tmp_path):
    folder = copy()
    name, _ = start.keep(folder, "synthetic", "WRN16-1")
    (folder / "student.safetensors").write_bytes(b"x")
    with pytest.raises(MixkdError, match=r"student\.safetensors: missing, or does not match its SHA-256"):
        start.keep(folder, "synthetic", "WRN16-1")
    for kept in (tmp_path / "home" / "starts").iterdir():
        kept.write_bytes(b"x")
    spec = RunSpec.parse({**small().as_dict(), "start": name})
    with pytest.raises(MixkdError, match="missing or damaged; `mixkd distill` with the same --start writes it again"):
        initial_network(spec, fold_data(spec.data), Store(tmp_path / "home"))


def test_a_ready_student_starts_from_its_published_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("MIXKD_HOME", str(tmp_path))
    with pytest.raises(MixkdError, match="found a student of these recordings"):
        start.keep("watch-shoulder", "watch", "WRN16-1")

"""The students that come with the package: those that were published, found by name, also from a wheel."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import device_files
import numpy as np
import pytest
import torch
from shared import ROOT, expand, needs_shared  # noqa: F401 - a fixture
from typer.testing import CliRunner

from mixkd.cli import main
from mixkd.datasets import dataset
from mixkd.deploy import bundle, c_header, export, predict, ready
from mixkd.deploy.predict import Student
from mixkd.learning import networks
from mixkd.learning.fold_data import fold_data
from mixkd.specs.run import RunSpec

NAMES = list(ready.DATASETS)


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_student_is_the_published_run(name):
    """Oracle: torch with the published weights, on random windows of the student's size."""
    student, stored = Student.load(name), bundle.record(ready.DATASETS[name])
    about, generator = student.about, torch.Generator()
    mean, std = (np.array(about[part], np.float32) for part in ("mean", "std"))
    size = {"n_channels": len(about["channels"]), "n_classes": len(about["classes"])}
    net = networks.build("signal", 16, 1, **size, generator=generator)
    net.load_state_dict({key: torch.from_numpy(array) for key, array in stored.weights.items()})
    rng = np.random.default_rng(1)
    x = (mean[:, None] + std[:, None] * rng.normal(size=(50, len(mean), about["window"]))).astype(np.float32)
    with torch.inference_mode():
        expected = torch.softmax(export.Portable(net, mean, std)(torch.from_numpy(x)), dim=1).numpy()
    np.testing.assert_allclose(student.probabilities(x), expected, atol=1e-5)
    assert RunSpec.parse(about["spec"]) == stored.spec


def test_the_student_of_watch_gives_the_published_logits():
    stored = bundle.record("watch")
    x = fold_data(stored.spec.data).splits["test"].x
    expected = torch.softmax(torch.from_numpy(stored.arrays["test_logits"]), dim=1).numpy()
    np.testing.assert_allclose(Student.load("watch-shoulder").probabilities(x), expected, atol=1e-4)


@needs_shared
def test_the_student_of_selfback_gives_the_published_logits(expand, monkeypatch, store_home):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("selfback")))
    stored = bundle.record("selfback")
    x = fold_data(stored.spec.data).splits["test"].x
    expected = torch.softmax(torch.from_numpy(stored.arrays["test_logits"]), dim=1).numpy()
    np.testing.assert_allclose(Student.load("selfback-wrist").probabilities(x), expected, atol=1e-4)


def stored_people(name: str) -> list[int]:
    """All people of the data set of a ready student, by its published run."""
    return [who for part in bundle.record(ready.DATASETS[name]).data["subjects"].values() for who in part]


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_student_is_small_and_states_its_people(name):
    files = {path.name: path.read_bytes() for path in (ready.STUDENTS / name).iterdir()}
    assert set(files) == {"student.onnx", "student.int8.onnx", "student.json", "README.md"}
    assert all(len(content) < 300_000 for content in files.values())
    card = files["README.md"].decode()
    rows = bundle.accuracies(ready.DATASETS[name]).drop(bundle.TREES)
    for recipe, row in rows.iterrows():
        assert f"| {recipe} | {100 * row['mean']:.1f} ± {100 * row['sd']:.1f} |" in card
    assert set(rows["people"]) == {len(np.unique(stored_people(name)))}


@pytest.mark.parametrize("name", NAMES)
def test_thresholds_of_a_ready_student_are_those_of_held_out_people(name):
    """Oracle: sorted confidences of the published logits of all folds."""
    logits = torch.from_numpy(np.concatenate([r.arrays["test_logits"] for r in bundle.records(ready.DATASETS[name])]))
    confidence = np.sort(torch.softmax(logits.double(), dim=1).amax(1).numpy())
    limits = Student.load(name).about["unknown"]
    assert limits["windows"] == len(confidence)
    assert limits["threshold"] == pytest.approx(confidence[int(0.05 * (len(confidence) + 1)) - 1], abs=1e-3)
    card = (ready.STUDENTS / name / "README.md").read_text()
    assert f"below {limits['threshold']:.3f}" in card
    assert "labels are not smoothed" in card.lower()


def test_the_chosen_recipe_is_the_most_accurate_with_weights():
    mean = sum(bundle.accuracies(name)["mean"] for name in ready.DATASETS.values())
    assert mean.drop([recipe for recipe in mean.index if "not published" in recipe]).idxmax() == next(
        iter(bundle.RECIPES)
    )


def test_predict_by_name(tmp_path, monkeypatch):
    """From any folder; a folder of that name comes first."""
    recordings = dataset("watch").load()
    signal = recordings.signals[0][:500]
    file = tmp_path / "new.csv"
    np.savetxt(file, signal, delimiter=",", header=",".join(recordings.channels), comments="")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main.app, ["predict", "watch-shoulder", str(file)])
    assert done.exit_code == 0, done.output
    with (tmp_path / "new.labels.csv").open() as table:
        written = [row["label"] for row in csv.DictReader(table)]
    rows, _ = predict.label(Student.load("watch-shoulder"), [(0.0, signal.astype(np.float32))])
    assert written == [row["label"] for row in rows]
    (tmp_path / "watch-shoulder").mkdir()
    assert ready.folder("watch-shoulder") == Path("watch-shoulder")
    names = [ready.name_of(name) for name in ("watch", "selfback", "hapt")]
    assert names == ["watch-shoulder", "selfback-wrist", "watch-shoulder"]


def test_a_file_of_a_device_needs_no_settings(tmp_path):
    """Its clock has dates, its acceleration is in g: also for students that were trained on seconds, or in m/s²."""
    rng = np.random.default_rng(0)
    (tmp_path / "new.cwa").write_bytes(device_files.cwa(rng.normal(0, 0.3, (4000, 3)) + np.array([0, 0, 1])))
    done = CliRunner().invoke(main.app, ["predict", "selfback-wrist", str(tmp_path / "new.cwa")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "new.labels.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert rows[0]["time"] == "2025-10-20T09:30:00.000"
    assert len(rows) == 15
    about = Student.load("selfback-wrist").about
    [(_, in_g)] = predict.read_recording(tmp_path / "new.cwa", about)
    [(_, other)] = predict.read_recording(tmp_path / "new.cwa", about | {"units": ["m/s^2"] * 3})
    np.testing.assert_allclose(other, 9.80665 * in_g, rtol=1e-4)


def test_predict_by_name_from_a_wheel(tmp_path):
    """Unpacked from a wheel, away from the checkout: a label and a header without training."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "mixkd", source / "mixkd", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = f"from setuptools import build_meta; print(build_meta.build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        wheel.extractall(tmp_path / "installed")
    about = Student.load("selfback-wrist").about
    signal = np.random.default_rng(0).normal(0, 0.3, (600, 3)) + np.array([0, 0, 1])
    np.savetxt(tmp_path / "new.csv", signal, delimiter=",", header=",".join(about["channels"]), comments="")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "MIXKD_HOME": str(tmp_path / "home")}
    for words in (["predict", "selfback-wrist", "new.csv"], ["export", "selfback-wrist", "--to", "c"]):
        command = [sys.executable, "-m", "mixkd.cli.main", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len((tmp_path / "new.labels.csv").read_text().splitlines()) == 1 + 4
    assert (tmp_path / "student.h").read_text() == c_header.header(Student.load("selfback-wrist"))

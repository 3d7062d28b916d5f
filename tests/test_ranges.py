"""Windows unlike any of training are not labelled; those of new people are."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shared import expand, needs_shared  # noqa: F401 - a fixture
from smoke import mixkd

from mixkd import windows
from mixkd.datasets import dataset
from mixkd.datasets.own.description import UNSTATED
from mixkd.deploy import export, predict, ranges
from mixkd.files import canonical_json, sha256
from mixkd.learning import networks

UNITS, RATE, WINDOW = ("g", "g", "g", "rad/s"), 25.0, 50


def worn(n: int, seed: int, tilt: float = 0.2) -> np.ndarray:
    """Samples (n, 4) of a sensor whose third axis points down: still or lively by turns, a little turned."""
    rng = np.random.default_rng(seed)
    lively = np.repeat(rng.choice([0.01, 0.3, 0.8], size=-(-n // 100)), 100)[:n, None]
    noise = rng.normal(size=(n, 4)) * lively
    noise[:, 2] += np.cos(tilt)
    noise[:, 0] += np.sin(tilt)
    return noise.astype(np.float32)


def cut(signal: np.ndarray) -> np.ndarray:
    return np.concatenate([x for _, x in predict.batches(signal, WINDOW)])


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A random network, and the ranges of four training people."""
    folder = tmp_path_factory.mktemp("student")
    net = networks.build("signal", 16, 1, n_channels=4, n_classes=3, generator=torch.Generator().manual_seed(0))
    x = np.concatenate([cut(worn(5000, seed, 0.1 * seed)) for seed in range(4)])
    onnx = export.to_onnx(export.Portable(net, np.zeros(4, np.float32), np.ones(4, np.float32)), x[:2])
    (folder / "student.onnx").write_bytes(onnx)
    about = {"format": predict.FORMAT, "channels": ["x", "y", "z", "w"], "units": UNITS, "classes": ["a", "b", "c"]}
    about |= {"rate": RATE, "window": WINDOW, "reading": UNSTATED, "training": ranges.fit(x, UNITS)}
    (folder / "student.json").write_bytes(canonical_json({**about, "files": {"student.onnx": sha256(onnx)}}))
    return predict.Student.load(folder)


@given(st.integers(1, 9), st.permutations(["g", "rad/s", "g", "beats"]), st.integers(0, 2**31))
def test_statistics_by_hand(n, units, seed):
    x = np.random.default_rng(seed).normal(scale=3, size=(n, 4, 7))
    found = ranges.statistics(x, units)
    for k, window in enumerate(x):
        for c, channel in enumerate(window):
            own = [found[name][k, c] for name in ("mean", "spread", "lowest", "highest")]
            np.testing.assert_allclose(own, [channel.mean(), channel.std(), channel.min(), channel.max()], rtol=1e-12)
        for u, unit in enumerate(dict.fromkeys(units)):
            norms = [np.linalg.norm([v for v, name in zip(s, units, strict=True) if name == unit]) for s in window.T]
            sizes = [found[name][k, u] for name in ranges.SIZES]
            np.testing.assert_allclose(sizes, [min(norms), np.sqrt(np.mean(np.square(norms))), max(norms)], rtol=1e-12)


@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_training_windows_are_never_outside_and_units_do_not_matter(seed, factor):
    """The rule is relative: the same recordings in another unit, trained and labelled in that, give the same answer."""
    rng = np.random.default_rng(seed)
    x, new = rng.normal(1, 2, size=(30, 4, 9)), rng.normal(1, rng.uniform(0.01, 30), size=(20, 4, 9))
    training, scaled = ranges.fit(x, UNITS), ranges.fit(factor * x, UNITS)
    assert not ranges.outside(ranges.statistics(x, UNITS), UNITS, training).any()
    one = ranges.outside(ranges.statistics(new, UNITS), UNITS, training)
    np.testing.assert_array_equal(one, ranges.outside(ranges.statistics(factor * new, UNITS), UNITS, scaled))


def labelled(student, signal):
    rows, remarks = predict.label(student, [(0.0, signal.astype(np.float32))])
    return [row["label"] for row in rows], remarks


def test_a_new_person_is_labelled(student):
    labels, remarks = labelled(student, worn(4000, 77, 0.25))
    assert (set(labels) <= {"a", "b", "c"}, remarks) == (True, [])


ACC = np.array([1, 1, 1, 0], bool)
WRONG = {
    "m/s²": (lambda x: np.where(ACC, 9.81 * x, x), r"x, y, z: 9\.\d times the size of training: m/s² in place of g?"),
    "mg": (lambda x: np.where(ACC, 1000 * x, x), "x, y, z: 1000 times the size of training: mg in place of g?"),
    "smaller": (lambda x: np.where(ACC, x / 33, x), r"x, y, z: 0\.03 times the size of training"),
    "zeros": (lambda x: 0 * x, "x, y, z: 0 times the size of training"),
    "upside down": (
        lambda x: np.where(ACC, -x, x),
        r"z: 79 windows; -[\d.]+ to .* g here, -[\d.]+ to [\d.]+ in training",
    ),
    "one channel lost": (lambda x: x * [1, 1, 0, 1], "z: 79 windows; 0 to 0 g here"),
}


@pytest.mark.parametrize(("change", "remark"), WRONG.values(), ids=WRONG)
def test_a_recording_unlike_training_is_unknown(student, change, remark):
    labels, remarks = labelled(student, change(worn(2000, 5)))
    assert labels == ["unknown"] * 79
    assert remarks[0].startswith("79 of 79 windows are far outside those of the training people")
    assert [line for line in remarks if re.match(remark, line)], remarks


@pytest.mark.parametrize("value", [400.0, -7777.0, 3e38])
def test_one_spike_costs_its_windows_alone(student, value):
    signal = worn(2000, 5)
    expected, _ = labelled(student, signal)
    signal[1010, 1] = value
    labels, remarks = labelled(student, signal)
    assert [i for i, label in enumerate(labels) if label == "unknown"] == [39, 40]
    assert [label for label in labels if label != "unknown"] == expected[:39] + expected[41:]
    assert remarks[0].startswith("2 of 79 windows")
    assert any(line.startswith("y: 2 windows") for line in remarks)


def test_the_command_says_so_and_gives_no_confidence(student, tmp_path):
    np.savetxt(tmp_path / "new.csv", 9.81 * worn(500, 6), delimiter=",", header="x,y,z,w", comments="", fmt="%.4f")
    done = mixkd("predict", str(student.folder), str(tmp_path / "new.csv"), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "worth a look: 19 of 19 windows are far outside" in done.stdout
    assert "m/s² in place of g?" in done.stdout
    with (tmp_path / "new.labels.csv").open() as file:
        assert {(row["label"], row["confidence"]) for row in csv.DictReader(file)} == {("unknown", "")}
    assert json.loads((student.folder / "student.json").read_text())["training"]["size"]["high"][0] < 10


# -- no false alarms: the windows that predict makes of people who did not train


def share_outside(name: str) -> float:
    """Of all people of a data set in percent, each measured by the ranges of the training people of its fold."""
    entry, recordings = dataset(name), dataset(name).load()
    cut = windows.cut(recordings, entry.window, entry.step, entry.rule)
    of = {s: ranges.fit(cut[np.flatnonzero(cut.subject == s)].x, recordings.units) for s in np.unique(cut.subject)}
    n = away = 0
    for fold in windows.folds(recordings.subjects, entry.test):
        training = {
            name: {
                end: get([of[s][name][end] for s in fold.train], 0) for end, get in (("low", np.min), ("high", np.max))
            }
            for name in of[fold.train[0]]
        }
        for signal, subject in zip(recordings.signals, recordings.subjects, strict=True):
            if subject in fold.test and len(signal) >= entry.window:
                for _, x in predict.batches(signal, entry.window):
                    found = ranges.statistics(x, recordings.units)
                    away += int(ranges.outside(found, recordings.units, training).any(1).sum())
                    n += len(x)
    return 100 * away / n


def test_people_of_watch_are_known(watch, monkeypatch):
    monkeypatch.setattr("mixkd.datasets.sets.watch.load", lambda: watch)
    assert share_outside("watch") == pytest.approx(0.187, abs=0.001)


@needs_shared
@pytest.mark.parametrize(("name", "expected"), [("hapt", 0.008), ("selfback", 0.036), ("dsads", 0.028)])
def test_people_of_other_sets_are_known(name, expected, expand, store_home, monkeypatch):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand(name)))
    assert share_outside(name) == pytest.approx(expected, abs=0.001)

"""Data sets: what `watch` holds, what is refused, and the closed-form topology of `synthetic`."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mixkd import files, topology
from mixkd.datasets import DATASETS, Recordings, dataset
from mixkd.datasets.raw.sources import SOURCES
from mixkd.datasets.sets import synthetic, watch
from mixkd.errors import MixkdError

# -- watch


def test_watch_is_what_was_published(watch):
    assert len(watch.signals) == len(watch.labels) == len(watch.subjects) == 140
    assert watch.rate == 50.0
    assert len(watch.channels) == len(watch.units) == 6
    assert watch.classes == ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
    assert {s.dtype for s in watch.signals} == {np.dtype(np.float32)}
    assert sum(map(len, watch.signals)) == 244_102
    assert np.bincount(np.concatenate(watch.labels)).tolist() == [26622, 39905, 40498, 37395, 37604, 30578, 31500]
    assert np.unique(watch.subjects, return_counts=True)[1].tolist() == [14] * 10, "7 exercises with both arms"
    assert all(np.isfinite(s).all() for s in watch.signals)
    acceleration, turning = (
        np.linalg.norm(np.concatenate(watch.signals)[:, c], axis=1) for c in ([0, 1, 2], [3, 4, 5])
    )
    assert np.median(acceleration[turning < 0.05]) == pytest.approx(1, abs=0.02), "in g"


def test_second_load_comes_from_the_verified_cache(store_home, monkeypatch, watch):
    first = dataset("watch").load()
    monkeypatch.setattr("mixkd.datasets.sets.watch.convert", lambda path: pytest.fail("converted again"))
    second = dataset("watch").load()
    for loaded in (first, second):
        assert [s.tobytes() for s in loaded.signals] == [s.tobytes() for s in watch.signals]
        assert [y.tolist() for y in loaded.labels] == [y.tolist() for y in watch.labels]
        np.testing.assert_array_equal(loaded.subjects, watch.subjects)
    assert [p.suffix for p in sorted(store_home.rglob("watch*"))] == [".safetensors", ".sha256"]


class Bomb:
    """Unpickling it creates the file `marker`."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def test_file_with_another_sha256_is_refused_before_it_is_unpickled(tmp_path):
    file, marker = tmp_path / "watch_dataset.npy", tmp_path / "marker"
    np.save(file, np.array(Bomb(marker), dtype=object), allow_pickle=True)
    with pytest.raises(MixkdError, match=rf"^{file}: found SHA-256 [0-9a-f]{{12}}…, expected eb122f23cdf0…"):
        watch.convert(file)
    assert not marker.exists()
    np.load(file, allow_pickle=True)
    assert marker.exists(), "the pickle was live"


def test_one_changed_byte_is_refused(tmp_path):
    raw = bytearray(watch.packaged_file().read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "changed.npy").write_bytes(raw)
    with pytest.raises(MixkdError, match="found SHA-256"):
        watch.convert(tmp_path / "changed.npy")
    with pytest.raises(MixkdError, match="No such file or directory; reinstall seglearn"):
        watch.convert(tmp_path / "absent.npy")


# -- recordings and registry


def recordings(**changed) -> Recordings:
    given = {
        "signals": (np.zeros((5, 2), np.float32), np.zeros((3, 2), np.float32)),
        "labels": (np.zeros(5, np.int64), np.ones(3, np.int64)),
        "subjects": np.array([1, 2]),
        "rate": 50.0,
        "channels": ("x", "y"),
        "units": ("g", "g"),
        "classes": ("rest", "walk"),
    }
    return Recordings(**{**given, **changed})


FIRST = np.zeros((5, 2), np.float32)


def with_value(value: float) -> np.ndarray:
    signal = np.zeros((3, 2), np.float32)
    signal[2, 1] = value
    return signal


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"signals": (FIRST, np.zeros((3, 3)))}, r"recording 1: found signal \(3, 3\) .* expected \(n_samples, 2\)"),
        ({"signals": (FIRST, np.zeros(3))}, r"recording 1: found signal \(3,\) and labels \(3,\)"),
        ({"signals": (FIRST, np.zeros((4, 2)))}, r"recording 1: found signal \(4, 2\) and labels \(3,\)"),
        ({"signals": (FIRST, with_value(np.nan))}, "recording 1: found a non-finite value at sample 2, channel y"),
        ({"signals": (FIRST, with_value(-np.inf))}, "recording 1: found a non-finite value at sample 2, channel y"),
        ({"labels": (np.zeros(5, int), np.array([0, 2, 1]))}, "recording 1: found label 2, expected 0 to 1"),
        ({"labels": (np.zeros(5, int), np.array([0, -1, 1]))}, "recording 1: found label -1, expected 0 to 1"),
        ({"labels": (np.zeros(5, int),)}, "found 2 signals, 1 labels and 2 subjects"),
        ({"labels": (np.zeros(5), np.zeros(3, int))}, "recording 0: found labels of type float64"),
        ({"units": ("g",)}, "found 1 units, expected 2"),
        ({"subjects": np.array([1])}, "found 2 signals, 2 labels and 1 subjects"),
    ],
)
def test_impossible_recordings_are_refused_in_one_line(changed, message):
    recordings()
    with pytest.raises(MixkdError, match=message) as refusal:
        recordings(**changed)
    assert "\n" not in str(refusal.value)


def test_unknown_data_set_names_the_nearest():
    with pytest.raises(MixkdError, match=r"dataset: found 'wacth', did you mean 'watch'\?"):
        dataset("wacth")


@pytest.mark.parametrize("name", ["watch", "synthetic", "gait"])
def test_every_data_set_in_the_environment_loads(name, store_home):
    loaded, entry = dataset(name).load(), dataset(name)
    assert len(np.unique(loaded.subjects)) >= 3
    assert min(map(len, loaded.signals)) >= entry.window >= entry.step >= 1
    assert set(np.concatenate(loaded.labels)) == set(range(len(loaded.classes)))


@pytest.mark.parametrize("name", DATASETS)
def test_every_entry_is_complete(name):
    entry = DATASETS[name]
    assert entry.window >= entry.step >= 1
    assert entry.epochs >= 1
    assert entry.seeds >= 1
    assert entry.batch_size == 64
    assert entry.licence
    assert entry.source in ("", *SOURCES)
    assert callable(getattr(importlib.import_module(entry.module), entry.loader))
    if name != "synthetic":
        assert f"{{{entry.citation}," in (files.CHECKOUT / "book" / "references.bib").read_text()


def test_nothing_is_read_when_modules_are_imported(tmp_path):
    """Not even looked for: importing every module of the data sets works where no folder can be read."""
    modules = sorted({entry.module for entry in DATASETS.values()})
    code = (
        f"import importlib, os; [importlib.import_module(m) for m in {modules}]; print(os.listdir({str(tmp_path)!r}))"
    )
    folders = {"UP": str(tmp_path), "MIXKD_DATA": str(tmp_path / "none"), "MIXKD_HOME": str(tmp_path / "home")}
    environment = {**os.environ, **folders}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


# -- synthetic


@pytest.mark.parametrize("amplitude", [1.0, 0.7])
@pytest.mark.parametrize("dips", [False, True])
@pytest.mark.parametrize("k", [1, 2, 7])
def test_noiseless_wave_has_the_diagram_of_the_docstring(k, dips, amplitude):
    x = synthetic.wave(k + 1 / synthetic.RATE, tempo=1, dips=dips, amplitude=amplitude)  # the last crest included
    shoulder = np.cos(0.2 * np.pi)
    expected = [(-1, shoulder)] * (k - 1) + [(0, shoulder)] * (k + 1) if dips else [(-1, 1)] * (k - 1)
    found = topology.diagrams(x[None, None])
    np.testing.assert_allclose(np.sort(found.of(0, 0), axis=0), np.reshape(expected, (-1, 2)) * amplitude, atol=1e-6)
    assert found.essential[0, 0] == pytest.approx(-amplitude)


def test_synthetic_is_the_same_every_time():
    one, other = synthetic.load(), synthetic.load()
    assert [s.tobytes() for s in one.signals] == [s.tobytes() for s in other.signals]
    assert len(one.signals) == 6 * 4
    assert one.signals[0].shape == (24 * 50, 2)

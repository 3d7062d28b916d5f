"""selfBACK: real files where they are at hand, made-up ones for what must not go unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from smoke import ROOT

from mixkd.datasets import dataset, selfback
from mixkd.errors import MixkdError

SHARED = Path(os.environ.get("MIXKD_SHARED", ROOT.parent / "shared")) / "data"
START = np.datetime64("2016-04-13T11:29:12.000")


def text(xyz: np.ndarray, ms: np.ndarray | None = None) -> str:
    """A file as the authors wrote it."""
    ms = np.arange(len(xyz)) * 10 if ms is None else ms
    times = [str(START + np.timedelta64(int(t), "ms")).replace("T", " ") for t in ms]
    rows = [f"{time},{x},{y},{z}" for time, (x, y, z) in zip(times, xyz.tolist(), strict=True)]
    return "time,x,y,z\n" + "\n".join(rows) + "\n"


def wave(n: int, hertz: float = 2.0) -> np.ndarray:
    seconds = np.arange(n) / 100
    return np.stack([np.sin(2 * np.pi * hertz * seconds), np.full(n, 1.0), np.full(n, -0.5)], axis=1)


@pytest.fixture
def files(tmp_path, monkeypatch, store_home):
    """Two people, two activities, in the layout of the authors' repository."""
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    root = tmp_path / "selfback" / "raw" / "9_class" / "wrist50"
    for activity, person, n in (("jogging", "026", 1200), ("jogging", "007", 800), ("sitting", "026", 601)):
        (root / activity).mkdir(parents=True, exist_ok=True)
        (root / activity / f"{person}.csv").write_text(text(wave(n)))
    return root


def test_recordings_at_half_the_rate(files):
    found = dataset("selfback").load()
    assert (found.rate, found.units, len(found.classes)) == (50.0, ("g", "g", "g"), 9)
    pieces = zip(found.subjects, found.labels, found.signals, strict=True)
    about = [(int(subject), found.classes[y[0]], len(x)) for subject, y, x in pieces]
    assert about == [(7, "jogging", 400), (26, "jogging", 600), (26, "sitting", 301)]
    middle = slice(20, -20)  # the filter needs a few samples at the ends
    np.testing.assert_allclose(found.signals[1][middle], wave(1200)[::2][middle], atol=2e-3)


def test_what_is_too_fast_for_the_new_rate_is_filtered_out(files):
    (files / "jogging" / "026.csv").write_text(text(wave(1200, hertz=45)))
    (piece,) = selfback.parse(files / "jogging" / "026.csv")
    assert np.abs(piece[20:-20, 0]).max() < 0.01  # unfiltered, it would show as a wave of 5 Hz


def test_a_gap_splits_the_recording(files):
    ms = np.arange(600) * 10 + np.where(np.arange(600) >= 250, 60, 0)
    (files / "sitting" / "026.csv").write_text(text(wave(600), ms))
    assert [len(piece) for piece in selfback.parse(files / "sitting" / "026.csv")] == [125, 175]


def test_parsed_once_and_again_when_a_file_changes(files, store_home):
    first = dataset("selfback").load()
    caches = list((store_home / "data").glob("selfback-*.safetensors"))
    assert len(caches) == 1
    stamp = caches[0].stat().st_mtime_ns
    dataset("selfback").load()
    assert caches[0].stat().st_mtime_ns == stamp
    (files / "jogging" / "007.csv").write_text(text(wave(900)))
    assert len(dataset("selfback").load().signals[0]) == 450 > len(first.signals[0])


GOOD = text(wave(30))
BROKEN = {
    "empty": ("", r"026\.csv, line 1: found columns , expected time, x, y, z"),
    "no rows": ("time,x,y,z\n", r"026\.csv: found no rows after the header"),
    "other header": (
        GOOD.replace("time,x", "t,x"),
        r"026\.csv, line 1: found columns t, x, y, z, expected time, x, y, z",
    ),
    "too few columns": (GOOD + "2016-04-13 11:30:12.000,0.1,0.2\n", r"026\.csv: .*Expected 4 columns, got 3"),
    "too many columns": (GOOD + "2016-04-13 11:30:12.000,0.1,0.2,0.3,0.4\n", r"026\.csv: .*Expected 4 columns, got 5"),
    "a word": (GOOD + "2016-04-13 11:30:12.000,0.1,up,0.3\n", r"026\.csv: .*invalid value 'up'"),
    "nothing": (GOOD + "2016-04-13 11:30:12.000,0.1,,0.3\n", r"026\.csv: .*invalid value ''"),
    "nan": (GOOD + "2016-04-13 11:30:12.000,0.1,nan,0.3\n", r"026\.csv, line 32: found nan in y, expected a number"),
    "infinite": (
        GOOD + "2016-04-13 11:30:12.000,inf,0.1,0.3\n",
        r"026\.csv, line 32: found inf in x, expected a number",
    ),
    "no time": (GOOD + "yesterday,0.1,0.2,0.3\n", r"026\.csv: .*invalid value 'yesterday'"),
    "backwards": (GOOD + "2016-04-13 11:29:12.000,0.1,0.2,0.3\n", r"026\.csv, line 32: found a time before that"),
    "cut off": (GOOD[:-20], r"026\.csv: .*Expected 4 columns, got"),
    "binary": ("\x00\xff\x00", r"026\.csv"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files_are_named_in_one_line(files, store_home, content, message):
    (files / "sitting" / "026.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(MixkdError, match=message) as refusal:
        dataset("selfback").load()
    assert "\n" not in str(refusal.value)
    assert not list(store_home.rglob("*.safetensors"))


def test_unknown_names_and_missing_files(files, tmp_path, monkeypatch):
    (files / "flying").mkdir()
    (files / "flying" / "026.csv").write_text(GOOD)
    with pytest.raises(MixkdError, match=r"flying/026\.csv: found an unknown name, expected <activity>/<person>\.csv"):
        dataset("selfback").load()
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(MixkdError, match=r"nowhere/selfback/raw/9_class/wrist50: found no \*/\*\.csv, expected"):
        dataset("selfback").load()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared copies of public data are not at hand")
def test_real_samples_are_read():
    paths = sorted((SHARED / "raw_samples" / "selfback" / "raw" / "9_class" / "wrist50").rglob("*.csv"))
    assert paths
    for path in paths:
        (piece,) = selfback.parse(path)
        n_rows = len(path.read_text().splitlines()) - 1
        assert len(piece) == (n_rows + 1) // 2
        assert 0.5 < np.linalg.norm(piece.mean(axis=0)) < 1.5  # gravity

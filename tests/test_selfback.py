"""selfBACK: real files where they are at hand, made-up ones for what must not go unnoticed."""

from __future__ import annotations

import numpy as np
import pytest
from shared import SHARED, expand, needs_shared  # noqa: F401 - a fixture

from mixkd import windows
from mixkd.datasets import dataset
from mixkd.datasets.sets import selfback
from mixkd.errors import MixkdError

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
    """Two people, two activities, in the layout of the copy at UCI, whose number of people is not checked."""
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    root = tmp_path / "selfback" / "selfBACK" / "w"
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
    np.testing.assert_allclose(found.signals[1][:, 1:], wave(1200)[::2, 1:], atol=2e-3)  # gravity lasts to the ends
    assert found.counts["samples in the files, jogging"] == 2000


@pytest.mark.parametrize("rate", [97.1, 102.7])
def test_the_clock_of_the_device_is_corrected(tmp_path, rate):
    n = 1200
    stamps = np.round(np.arange(n) * 1000 / rate).astype(int)
    true = np.sin(2 * np.pi * 2 * stamps / 1000)
    path = tmp_path / "jogging" / "026.csv"
    path.parent.mkdir()
    path.write_text(text(np.stack([true, true, true], axis=1), stamps))
    pieces = selfback.gather([path])
    (piece,) = pieces.signals
    assert len(piece) == pytest.approx(n * 50 / rate, abs=1)
    expected = np.sin(2 * np.pi * 2 * np.arange(len(piece)) / 50)
    np.testing.assert_allclose(piece[20:-20, 0], expected[20:-20], atol=5e-3)


def test_what_is_too_fast_for_the_new_rate_is_filtered_out(files):
    (files / "jogging" / "026.csv").write_text(text(wave(1200, hertz=45)))
    (piece,) = selfback.gather([files / "jogging" / "026.csv"]).signals
    assert np.abs(piece[20:-20, 0]).max() < 0.01  # unfiltered, it would show as a wave of 5 Hz


def test_a_gap_splits_the_recording(files):
    for pause, lengths, split in ((60, [125, 175], 1), (30, [302], 0)):
        ms = np.arange(600) * 10 + np.where(np.arange(600) >= 250, pause, 0)
        (files / "sitting" / "026.csv").write_text(text(wave(600), ms))
        found = selfback.gather([files / "sitting" / "026.csv"])
        assert [len(piece) for piece in found.signals] == lengths
        assert found.counts["gaps above 50 ms, where recordings end"] == split
        assert found.counts["gaps of 15 to 50 ms, interpolated"] == 1 - split


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
LATER = "2016-04-13 11:30:12.000"
BROKEN = {
    "empty": ("", r"026\.csv: found an empty file, expected 4 columns separated by commas"),
    "no rows": ("time,x,y,z\n", r"026\.csv: found a header and no rows"),
    "other header": (GOOD.replace("time,x", "t,x"), r"line 1: found t,x,y,z, expected the columns time,x,y,z"),
    "too few columns": (GOOD + f"{LATER},0.1,0.2\n", r"line 32: found 3 columns, expected 4 columns"),
    "too many columns": (GOOD + f"{LATER},0.1,0.2,0.3,0.4\n", r"line 32: found 5 columns, expected 4 columns"),
    "a word": (GOOD + f"{LATER},0.1,up,0.3\n", r"line 32: found 'up' in y, expected a number$"),
    "nothing": (GOOD + f"{LATER},0.1,,0.3\n", r"line 32: found '' in y, expected a number$"),
    "nan": (GOOD + f"{LATER},0.1,nan,0.3\n", r"line 32: found 'nan' in y, expected a number$"),
    "infinite": (GOOD + f"{LATER},inf,0.1,0.3\n", r"line 32: found 'inf' in x, expected a number$"),
    "no time": (GOOD + "yesterday,0.1,0.2,0.3\n", r"line 32: found 'yesterday' in time, expected a date and time"),
    "backwards": (GOOD + "2016-04-13 11:29:12.000,0.1,0.2,0.3\n", r"line 32: found time .* after .*, expected a later"),
    "cut off": (GOOD[:-20], r"line 31: found no line end after the last row, expected one: the file may be cut off"),
    "other rate": (text(wave(30), np.arange(30) * 20), r"026\.csv: found 50 samples per second, expected 100"),
    "other class": (
        GOOD.replace("\n", ",standing\n").replace("z,standing", "z,class"),
        r"line 2: found class standing, expected sitting, the name of the folder",
    ),
    "binary": ("\x00\xff\x00", r"026\.csv, line 1"),
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
    with pytest.raises(MixkdError, match=r"flying/026\.csv: found the activity 'flying', .*lying"):
        dataset("selfback").load()
    (files / "flying" / "026.csv").rename(files / "sitting" / "me.csv")
    with pytest.raises(MixkdError, match=r"me\.csv: found the name 'me', expected the number of a person"):
        dataset("selfback").load()
    (tmp_path / "selfback" / "raw" / "9_class" / "wrist50" / "sitting").mkdir(parents=True)
    (files / "sitting" / "me.csv").rename(tmp_path / "selfback" / "raw" / "9_class" / "wrist50" / "sitting" / "1.csv")
    with pytest.raises(MixkdError, match=r"9_class/wrist50: found 1 recordings, expected 450"):
        dataset("selfback").load()
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path / "nowhere"))
    message = r"nowhere/selfback: found no folder .*, expected the raw files of selfback; fetch them with `mixkd data"
    with pytest.raises(MixkdError, match=message):
        dataset("selfback").load()


def test_fewer_people_than_published_are_reported(files, caplog):
    dataset("selfback").load()
    assert "3 recordings; published results of selfback come from 450" in caplog.text


@needs_shared
@pytest.mark.parametrize("place", ["wrist50", "thigh34"])
def test_real_samples_are_read(place):
    paths = sorted((SHARED / "raw_samples" / "selfback" / "raw" / "9_class" / place).rglob("*.csv"))
    assert paths
    for path in paths:
        found = selfback.parse(path)
        assert len(found) == len(path.read_text().splitlines()) - 1
        assert 0.5 < np.linalg.norm(found.values.mean(axis=0)) < 1.5  # gravity


SAMPLES = {  # per activity, ../shared/data/README.md: at the wrist the 34 and the 16 people, and at the thigh
    "sitting": (599_978 + 174_904, 592_482),
    "standing": (617_108 + 163_822, 616_743),
    "lying": (610_090 + 173_216, 602_696),
    "walk_slow": (612_221 + 174_671, 611_576),
    "walk_mod": (599_973 + 175_137, 599_348),
    "walk_fast": (609_354 + 168_239, 605_860),
    "upstairs": (266_515 + 118_656, 262_292),
    "downstairs": (240_691 + 111_105, 236_711),
    "jogging": (813_704 + 175_007, 808_560),
}


@needs_shared
@pytest.mark.parametrize(("name", "column", "people"), [("selfback", 0, 50), ("selfback_thigh", 1, 34)])
def test_the_whole_set_has_the_samples_that_its_notes_count(expand, store_home, monkeypatch, name, column, people):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("selfback")))
    loaded = dataset(name).load()
    counts = {activity: loaded.counts[f"samples in the files, {activity}"] for activity in SAMPLES}
    assert counts == {activity: number[column] for activity, number in SAMPLES.items()}
    assert len(loaded.signals) == 9 * people
    assert len(np.unique(loaded.subjects)) == people
    assert len(windows.folds(loaded.subjects)) == 10
    lengths = np.bincount([y[0] for y in loaded.labels], weights=[len(x) for x in loaded.signals]) * 2
    np.testing.assert_allclose(lengths, [SAMPLES[name][column] for name in loaded.classes], rtol=0.015)
    assert loaded.counts["gaps above 50 ms, where recordings end"] == 0

"""PAMAP2: files to the official format, made from the documented statistics, and the protocol of the released code."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from shared import SHARED, expand, needs_shared  # noqa: F401

from mixkd import windows
from mixkd.datasets import DATASETS, Recordings, dataset
from mixkd.datasets.raw import cache, download, text_table
from mixkd.datasets.sets import pamap2
from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data
from mixkd.specs.run import RunSpec

SECONDS = {  # of each protocol activity, people 101 to 109: the official summary
    1: (271.86, 234.29, 220.43, 230.46, 236.98, 233.39, 256.1, 241.64, 0),
    2: (234.79, 223.44, 287.6, 254.91, 268.63, 230.4, 122.81, 229.22, 0),
    3: (217.16, 255.75, 205.32, 247.05, 221.31, 243.55, 257.5, 251.59, 0),
    17: (235.72, 288.79, 279.74, 249.94, 330.33, 377.43, 294.98, 329.89, 0),
    16: (229.4, 206.82, 203.24, 200.36, 244.44, 210.77, 215.51, 242.91, 0),
    12: (158.88, 173.4, 103.87, 166.92, 142.79, 132.89, 176.44, 116.81, 0),
    13: (148.97, 152.11, 152.72, 142.83, 127.25, 112.7, 116.16, 96.53, 0),
    4: (222.52, 325.32, 290.35, 319.31, 320.32, 257.2, 337.19, 315.32, 0),
    7: (202.64, 297.38, 0, 275.32, 262.7, 266.85, 287.24, 288.87, 0),
    6: (235.74, 251.07, 0, 226.98, 245.76, 204.85, 226.79, 254.74, 0),
    5: (212.64, 92.37, 0, 0, 246.45, 228.24, 36.91, 165.31, 0),
    24: (129.11, 132.61, 0, 0, 77.32, 2.55, 0, 88.05, 63.9),
}
PUBLISHED = {  # windows in training and test, fold by fold (paper.md 5: output of the released code)
    **{101: (25223, 3726), 102: (25024, 3925), 103: (26357, 2592), 104: (25502, 3447), 105: (24884, 4065)},
    **{106: (25221, 3728), 107: (25484, 3465), 108: (25040, 3909), 109: (28857, 92)},
}
ENTRY = DATASETS["pamap2"]


def rows(subject: int, seconds: dict[int, float], seed: int = 0) -> list[str]:
    """Lines of a protocol file: 54 columns, 6 digits, transients between activities, heart rate, lost packets."""
    rng = np.random.default_rng(1000 * subject + seed)
    activity = np.concatenate(
        [np.zeros(155, int), *(np.r_[np.full(round(100 * s), a), np.zeros(80, int)] for a, s in seconds.items() if s)]
    )
    n = len(activity)
    table = np.empty((n, 54))
    table[:, 0], table[:, 1] = 5 + np.arange(n) / 100, activity
    table[:, 2] = np.where(np.arange(n) % 11 == 7, rng.integers(60, 180, n), np.nan)
    for unit in range(3):
        block = table[:, 3 + 17 * unit : 20 + 17 * unit]
        block[:] = rng.normal(scale=3, size=(n, 17))
        block[:, 0] = 32 + rng.random(n)
        block[:, 3] += 9.8
        block[:, 13:] = (1, 0, 0, 0)
        at = 200 * unit + 37
        for length in (1, 3, 9, 10, 11, 25):  # lost packets; above 10 samples they are not interpolated
            if at + length < n:
                block[at : at + length] = np.nan
            at += length + 60
    return [" ".join("NaN" if v != v else f"{v:.6g}" for v in row) for row in table]


def write(base: Path, scale: float) -> Path:
    """The nine files, each activity `scale` times as long as officially."""
    folder = base / "pamap2" / "PAMAP2_Dataset" / "Protocol"
    folder.mkdir(parents=True)
    for i, subject in enumerate(pamap2.SUBJECTS):
        seconds = {activity: of[i] * scale for activity, of in SECONDS.items()}
        (folder / f"subject{subject}.dat").write_text("\n".join(rows(subject, seconds)) + "\n")
    return folder


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    return write(tmp_path_factory.mktemp("pamap2"), 0.03)


@pytest.fixture
def files(official, monkeypatch, store_home):
    monkeypatch.setenv("MIXKD_DATA", str(official.parents[2]))
    return official


def oracle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The released preprocessing, written anew from its description with numpy's reader: signal (n, 40), class."""
    data = np.genfromtxt(path)
    order = [24, 1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 17]
    data = data[np.isin(data[:, 1], order)]
    x = np.delete(data[:, 2:], [*range(14, 18), *range(31, 35), *range(48, 52)], axis=1)
    last = np.nan
    for i in range(len(x)):
        last = x[i, 0] = last if np.isnan(x[i, 0]) else x[i, 0]
    x = np.nan_to_num(x, nan=0.0)
    x = (x - pamap2.MINIMUM) / (pamap2.MAXIMUM - pamap2.MINIMUM)
    x[x > 1], x[x < 0] = 0.99, 0
    return x[::3], np.array([order.index(a) for a in data[::3, 1]])


def oracle_windows(y: np.ndarray) -> list[int]:
    return [j for j in range(22, len(y) - 100, 22) if y[j] == y[j + 99]]


def test_the_released_form_is_that_of_the_released_code(files):
    found, entry = dataset("pamap2_released").load(), dataset("pamap2_released")
    cut = windows.cut(found, entry.window, entry.step, entry.rule)
    assert (found.rate, len(found.channels), len(found.classes)) == (pytest.approx(100 / 3), 40, 12)
    for subject, signal, label in zip(found.subjects, found.signals, found.labels, strict=True):
        x, y = oracle(files / f"subject{subject}.dat")
        np.testing.assert_array_equal(label, y)
        np.testing.assert_allclose(signal, x, atol=2e-6)
        starts = oracle_windows(y)
        mine = cut[cut.subject == subject]
        assert mine.start.tolist() == starts
        assert mine.y.tolist() == y[starts].tolist()
    assert min(x.min() for x in found.signals) >= 0
    assert max(x.max() for x in found.signals) <= 1


def test_windows_of_the_official_durations_are_those_published():
    """Without the real files: the documented seconds of each activity give the published counts, within 1 %."""
    order = list(pamap2.CODES)
    labels = [
        np.concatenate([np.full(round(100 * of[i]), order.index(a)) for a, of in SECONDS.items()])[::3]
        for i in range(9)
    ]
    blank = Recordings(
        tuple(np.zeros((len(y), 1), np.float32) for y in labels),
        tuple(labels),
        np.array(pamap2.SUBJECTS),
        100 / 3,
        ("x",),
        ("1",),
        pamap2.CLASSES,
    )
    cut = windows.cut(blank, 100, 22, "ends")
    counts = {subject: int((cut.subject == subject).sum()) for subject in pamap2.SUBJECTS}
    for subject, (train, test) in PUBLISHED.items():
        assert counts[subject] == pytest.approx(test, rel=0.01)
        assert len(cut) - counts[subject] == pytest.approx(train, rel=0.01)
    assert counts[109] == 92


def test_physical_units_and_interpolated_packets(files):
    found = dataset("pamap2").load()
    assert found.units[:2] == ("bpm", "degC")
    assert found.channels[:3] == ("heart rate", "hand temperature", "hand acc16 x")
    assert found.channels[-1] == "ankle mag z"
    released = dataset("pamap2_released").load()
    for a, b in zip(found.labels, released.labels, strict=True):
        np.testing.assert_array_equal(a, b)
    signal = np.concatenate(found.signals)
    assert (signal[:, 0] >= 60).all(), "heart rate is held, and before the first one that"
    counts = found.counts
    assert counts["values lost, heart rate left aside"] == released.counts["values lost, heart rate left aside"]
    mended, zero = counts["of these interpolated, gaps of up to 10 samples"], counts["values set to 0"]
    assert mended + zero == counts["values lost, heart rate left aside"]
    assert mended > 0 < zero
    assert released.counts["values set to 0"] > zero


def test_gaps_are_interpolated_inside_the_limit_and_inside_one_activity():
    n, channels = 200, len(pamap2.CHANNELS)
    ramp = np.repeat(np.arange(n, dtype=np.float32)[:, None], channels, axis=1)
    lost = {
        "one": (30, 31),
        "ten": (50, 60),
        "eleven": (70, 81),
        "across": (98, 103),
        "start": (0, 2),
        "end": (197, 200),
    }
    for begin, end in lost.values():
        ramp[begin:end, 1:] = np.nan
    activity = np.repeat([1, 4], 100)
    found = text_table.Parsed(Path("x"), pamap2.FORMAT, ramp, {"activity": activity})
    pieces = cache.Pieces()
    signal, label = pamap2.protocol(found, False, pieces)
    full = np.arange(n, dtype=np.float32)
    for name in ("eleven", "across", "start", "end"):
        full[slice(*lost[name])] = 0
    np.testing.assert_allclose(signal[:, 5], full[::3], rtol=1e-6)
    np.testing.assert_array_equal(label, np.repeat([1, 4], 100)[::3])
    assert pieces.counts["of these interpolated, gaps of up to 10 samples"] == 11 * 39
    assert pieces.counts["values set to 0"] == (11 + 5 + 2 + 3) * 39


def test_nine_folds_and_the_released_normalisation(files):
    for fold, subject in enumerate(pamap2.SUBJECTS):
        data = fold_data(RunSpec(dataset="pamap2_released", fold=fold).data)
        assert data.fold.test == (subject,)
    x = data.splits["train"].x
    np.testing.assert_allclose(data.normalisation.mean, x.mean((0, 2), dtype=np.float64), rtol=1e-5)
    inside = x.std(axis=2).mean(axis=0)
    np.testing.assert_allclose(data.normalisation.std, np.where(inside > 1e-12, inside, 1), rtol=1e-4)
    overall = fold_data(RunSpec(dataset="pamap2", fold=8).data)
    np.testing.assert_allclose(overall.normalisation.std, overall.splits["train"].x.std((0, 2)), rtol=1e-4)


def spoiled(official: Path, folder: Path, subject: int, change) -> None:
    """Copies of the files, one of them changed."""
    target = folder / "pamap2" / "PAMAP2_Dataset" / "Protocol"
    target.mkdir(parents=True)
    for path in official.iterdir():
        text = path.read_text()
        (target / path.name).write_text(change(text) if path.name == f"subject{subject}.dat" else text)


def without_channel(text: str) -> str:
    lines = [line.split(" ") for line in text.splitlines()]
    for line in lines:
        line[25] = "NaN"
    return "\n".join(map(" ".join, lines)) + "\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_channel, r"subject104\.dat: found no value of chest acc6 y, expected all 40 channels"),
        (
            lambda text: text.replace("5.03 0 ", "5.03 8 "),
            r"subject104\.dat, line 4: found activity 8, expected one of",
        ),
        (
            lambda text: text.replace("5.03 0 ", "5.02 0 "),
            r"line 4: found time 5\.02 after 5\.02, expected a later time",
        ),
        (lambda text: text.replace("NaN", "nan", 1), r"line 1: found 'nan' in heart rate, expected a number or NaN"),
        (lambda text: text.rsplit(" ", 1)[0] + "\n", r"found 53 columns, expected 54 columns separated by blanks"),
        (
            lambda text: "".join(f"{i / 50:.2f} {row.split(' ', 1)[1]}" for i, row in enumerate(text.splitlines(True))),
            r"subject104\.dat: found 50 samples per second, expected 100",
        ),
        (lambda text: text[:-2], "no line end after the last row"),
        (lambda text: "", "found an empty file"),
        (
            lambda text: "".join(line for line in text.splitlines(True) if line.split(" ")[1] == "0"),
            r"subject104\.dat: found no sample of the 12 protocol activities",
        ),
    ],
)
def test_damage_is_refused_and_nothing_is_cached(official, tmp_path, monkeypatch, store_home, change, message):
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    spoiled(official, tmp_path, 104, change)
    with pytest.raises(MixkdError, match=message) as refusal:
        dataset("pamap2").load()
    assert "\n" not in str(refusal.value)
    assert not list(store_home.rglob("*.safetensors"))


def test_a_missing_person_is_named(official, tmp_path, monkeypatch, store_home):
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    spoiled(official, tmp_path, 0, lambda text: text)
    (tmp_path / "pamap2" / "PAMAP2_Dataset" / "Protocol" / "subject106.dat").unlink()
    with pytest.raises(MixkdError, match=r"subject106\.dat: found no file, expected those of 9 people"):
        dataset("pamap2").load()


@needs_shared
def test_the_real_first_row():
    found = text_table.read(SHARED / "raw_samples" / "pamap2" / "subject101_first_row.dat", pamap2.FORMAT)
    assert (len(found), found.columns["time"][0], found.columns["activity"][0]) == (1, 8.38, 0)
    values = dict(zip(pamap2.CHANNELS, found.values[0], strict=True))
    picked = {"heart rate": 104, "hand temperature": 30, "hand acc16 x": 2.37223, "hand acc6 z": 3.35465}
    picked |= {"chest temperature": 31.8125, "chest gyro x": -0.00506495, "ankle mag z": -58.1438}
    for name, value in picked.items():
        assert values[name] == pytest.approx(value, rel=1e-6)


@needs_shared
def test_the_real_excerpt(expand):  # noqa: F811
    path = expand("pamap2") / "pamap2" / "PAMAP2_Dataset" / "Protocol" / "subject102.dat"
    found = pamap2.parse(path)
    with np.load(SHARED / "pamap2" / "subject102_excerpt_hand_acc6g.npz") as z:
        np.testing.assert_array_equal(found.columns["activity"], z["activity"])
        np.testing.assert_allclose(found.columns["time"], z["time_s"], atol=5e-3)
        at = pamap2.CHANNELS.index("hand acc6 x")
        np.testing.assert_array_equal(found.values[:, at : at + 3], z["acc6g"])
    lost = np.isnan(found.values[:, at])
    assert lost.sum() == 1636
    with pytest.raises(MixkdError, match="found no value of heart rate, expected all 40 channels"):
        pamap2.protocol(found, True, cache.Pieces())


REAL = Path(os.environ.get("MIXKD_DATA", "/nonexistent")) / "pamap2" / "PAMAP2_Dataset" / "Protocol"


@pytest.mark.skipif(not (REAL / "subject109.dat").is_file(), reason="MIXKD_DATA has no real files of PAMAP2")
@pytest.mark.parametrize("name", ["pamap2", "pamap2_released"])
def test_the_real_files_give_the_published_windows(name, store_home):
    assert download.check("pamap2") == []
    entry = dataset(name)
    cut = windows.cut(entry.load(), entry.window, entry.step, entry.rule)
    counts = {s: (int((cut.subject != s).sum()), int((cut.subject == s).sum())) for s in pamap2.SUBJECTS}
    assert counts == PUBLISHED

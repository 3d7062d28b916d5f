"""HAPT, DSADS, UCI HAR, MHEALTH, WISDM: real files where they are at hand, else files made to the official format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from shared import SHARED, expand, needs_shared  # noqa: F401

from mixkd import windows
from mixkd.datasets import DATASETS, dataset
from mixkd.datasets.raw import cache, paths
from mixkd.datasets.sets import dsads, hapt, mhealth, ucihar, wisdm
from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data
from mixkd.specs.run import RunSpec

TEST_PEOPLE = (2, 4, 9, 10, 12, 13, 18, 20, 24)
RNG = np.random.default_rng(0)


@pytest.fixture
def root(tmp_path, monkeypatch, store_home) -> Path:
    """An empty folder for raw files."""
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path / "raw"))
    return tmp_path / "raw"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_bytes(change(path.read_bytes().decode()).encode())


def table(values: np.ndarray, separator: str = ",", form: str = "{:.6g}") -> str:
    return "".join(separator.join(form.format(v) for v in row) + "\n" for row in values)


def refused(name: str, message: str, home: Path) -> None:
    with pytest.raises(MixkdError, match=message) as refusal:
        dataset(name).load()
    assert "\n" not in str(refusal.value)
    assert not list(home.rglob("*.safetensors")), "nothing half-parsed is kept"


def parts_of(name: str, fold: int = 0) -> dict[str, set[int]]:
    data = fold_data(RunSpec(dataset=name, fold=fold).data)
    return {part: set(found.subject.tolist()) for part, found in data.splits.items()}


# -- HAPT

LABELS = "1 1 5 3 140\n1 1 4 141 300\n2 3 12 1 130\n3 5 1 10 210\n3 5 7 260 299\n"


@pytest.fixture
def hapt_files(root) -> Path:
    folder = root / "hapt" / "RawData"
    put(folder / "labels.txt", LABELS)
    for number, user in ((1, 1), (2, 3), (3, 5)):
        for kind in ("acc", "gyro"):
            put(folder / f"{kind}_exp{number:02d}_user{user:02d}.txt", table(RNG.normal(size=(300, 3)), " "))
    return folder


def test_hapt_runs(hapt_files):
    found = dataset("hapt").load()
    about = [
        (int(s), found.classes[y[0]], len(x))
        for s, y, x in zip(found.subjects, found.labels, found.signals, strict=True)
    ]
    expected = [(1, "STANDING", 138), (1, "SITTING", 160), (3, "LIE_TO_STAND", 130), (5, "WALKING", 201)]
    assert about == [*expected, (5, "STAND_TO_SIT", 40)]
    acc = np.loadtxt(hapt_files / "acc_exp03_user05.txt")
    gyro = np.loadtxt(hapt_files / "gyro_exp03_user05.txt")
    np.testing.assert_allclose(found.signals[3], np.c_[acc, gyro][9:210], rtol=1e-6)
    assert found.counts == {"samples labelled": 669, "samples without a label, left out": 231}


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "labels.txt",
            lambda t: t.replace("1 1 4", "1 2 4"),
            r"labels\.txt, line 2: found user 2, expected 1 as in acc_exp",
        ),
        (
            "labels.txt",
            lambda t: t.replace("141 300", "141 301"),
            "line 2: found samples 141 to 301, expected samples from 1",
        ),
        (
            "labels.txt",
            lambda t: t.replace("3 140", "0 140"),
            "line 1: found samples 0 to 140, expected samples from 1 to 300",
        ),
        ("labels.txt", lambda t: t.replace("141 300", "300 141"), "line 2: found samples 300 to 141, expected"),
        (
            "labels.txt",
            lambda t: t.replace("141 300", "140 300"),
            "line 2: found samples 140 to 300 again, expected every",
        ),
        ("labels.txt", lambda t: t.replace("1 1 4", "1 1 13"), "line 2: found activity 13, expected one of 1, 2, 3"),
        ("labels.txt", lambda t: t + "4 9 1 1 9\n", r"line 6: found experiment 4, expected one that has a file in"),
        (
            "gyro_exp02_user03.txt",
            lambda t: t[: t.rindex("\n", 0, -1) + 1],
            "found 299 rows, expected 300 as in acc_exp02",
        ),
        ("acc_exp02_user03.txt", lambda t: t.replace(" ", "  ", 1), "line 1: found 4 columns, expected 3 columns"),
        ("acc_exp02_user03.txt", lambda t: "nan 1 1\n" + t, "line 1: found 'nan' in x, expected a number$"),
    ],
)
def test_hapt_damage(hapt_files, store_home, file, change, message):
    edit(hapt_files / file, change)
    refused("hapt", message, store_home)


def test_hapt_names_and_missing_files(hapt_files, store_home):
    (hapt_files / "gyro_exp02_user03.txt").unlink()
    refused("hapt", r"gyro_exp02_user03\.txt: No such file", store_home)
    (hapt_files / "acc_exp02_user03.txt").rename(hapt_files / "acc_exp2b_user03.txt")
    refused("hapt", r"acc_exp2b_user03\.txt: found this name, expected acc_expNN_userNN", store_home)
    (hapt_files / "labels.txt").unlink()
    refused("hapt", r"RawData: found no file labels\.txt", store_home)


@needs_shared
def test_hapt_has_the_windows_of_the_official_set(expand, monkeypatch, store_home):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("hapt")))
    found, entry = dataset("hapt").load(), dataset("hapt")
    samples = np.bincount(np.concatenate(found.labels)).tolist()
    assert samples == [122091, 116707, 107961, 126677, 138105, 136865, 10316, 8029, 12428, 11150, 14418, 10867]
    assert found.counts == {"samples labelled": 815_614, "samples without a label, left out": 307_158}
    cut = windows.cut(found, entry.window, entry.step)
    assert len(cut) == 10_929
    assert (cut.y < 6).sum() == 10_411
    rows = np.loadtxt(expand("hapt") / "hapt" / "RawData" / "labels.txt", dtype=int)
    fits = np.maximum((rows[:, 4] - rows[:, 3] + 1 - 128) // 64 + 1, 0)
    for user in range(1, 31):  # per person and activity
        of_user = cut[cut.subject == user]
        expected = [fits[(rows[:, 1] == user) & (rows[:, 2] == a)].sum() for a in range(1, 13)]
        assert np.bincount(of_user.y, minlength=12).tolist() == expected
    still = np.concatenate(found.signals)[np.isin(np.concatenate(found.labels), [3, 4, 5])]
    assert np.median(np.linalg.norm(still[:, :3], axis=1)) == pytest.approx(1, abs=0.03), "in g"
    assert len(windows.folds(found.subjects)) == 10
    official = parts_of("hapt_official")
    assert official["test"] == set(TEST_PEOPLE)
    assert len(official["train"] | official["validation"]) == 21
    with pytest.raises(MixkdError, match=r"RunSpec\.fold: found 2, expected 0 to 0, or 1 .*, for hapt_official"):
        fold_data(RunSpec(dataset="hapt_official", fold=2).data)


# -- DSADS


def dsads_files(root: Path, monkeypatch, segments: int = 2) -> Path:
    """All people and activities, few segments."""
    monkeypatch.setattr(dsads, "SEGMENTS", segments)
    monkeypatch.setattr(dsads, "CLASSES", dsads.CLASSES[:3])
    for label in range(1, 4):
        for person in range(1, 9):
            for i in range(1, segments + 1):
                values = RNG.normal(scale=5, size=(125, 45))
                put(
                    root / "dsads" / "data" / f"a{label:02d}" / f"p{person}" / f"s{i:02d}.txt",
                    table(values, form="{:.5g}"),
                )
    return root / "dsads" / "data"


def test_dsads_segments(root, monkeypatch):
    base = dsads_files(root, monkeypatch)
    found, entry = dataset("dsads").load(), dataset("dsads")
    assert len(found.signals) == 3 * 8 * 2
    assert found.channels[:4] == ("T ax", "T ay", "T az", "T wx")
    assert found.units[:9] == (*["m/s^2"] * 3, *["rad/s"] * 3, *["1"] * 3)
    expected = np.loadtxt(base / "a02" / "p3" / "s02.txt", delimiter=",")
    at = [i for i in range(48) if found.labels[i][0] == 1 and found.subjects[i] == 3][1]
    np.testing.assert_allclose(found.signals[at], expected, rtol=1e-6)
    assert len(windows.cut(found, entry.window, entry.step)) == 48


def test_dsads_zero_rows_are_cut_out_and_shared_recordings_left_out(root, monkeypatch):
    base = dsads_files(root, monkeypatch)
    edit(base / "a01" / "p1" / "s01.txt", lambda t: "".join(t.splitlines(True)[:100]) + ("0," * 44 + "0\n") * 25)
    edit(base / "a03" / "p2" / "s02.txt", lambda t: t.replace(t.splitlines(True)[60], "0," * 44 + "0\n"))
    both = "".join((base / "a02" / "p4" / f"s{i:02d}.txt").read_text() for i in (1, 2)).splitlines(True)
    for i in (1, 2):  # shifted by ten samples, as people 4 and 8 are
        put(base / "a02" / "p8" / f"s{i:02d}.txt", "".join((both[10:] + both[:10])[125 * (i - 1) : 125 * i]))
    found = dataset("dsads").load()
    assert found.counts["rows of zeros, cut out"] == 26
    assert found.counts["segments left out: another person's recording"] == 2
    assert (8, 1) not in {(int(s), int(y[0])) for s, y in zip(found.subjects, found.labels, strict=True)}
    assert (4, 1) in {(int(s), int(y[0])) for s, y in zip(found.subjects, found.labels, strict=True)}
    lengths = sorted(len(x) for x in found.signals)
    assert lengths == [60, 64, 100, *[125] * 44]
    assert all(x.any(axis=1).all() for x in found.signals)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[: t.rindex("\n", 0, -1) + 1], r"s02\.txt: found 124 rows, expected 125"),
        (lambda t: t.replace(",", ";"), r"s02\.txt, line 1: found 1 columns, expected 45 columns separated by commas"),
        (lambda t: "inf" + t[t.index(",") :], r"s02\.txt, line 1: found 'inf' in T ax, expected a number"),
    ],
)
def test_dsads_damage(root, monkeypatch, store_home, change, message):
    base = dsads_files(root, monkeypatch)
    edit(base / "a03" / "p5" / "s02.txt", change)
    refused("dsads", message, store_home)
    (base / "a03" / "p5" / "s02.txt").unlink()
    refused("dsads", "data: found 47 segments, expected 48; see `mixkd data check dsads`", store_home)


@needs_shared
@pytest.mark.parametrize("name", ["a01/p1/s01.txt", "a10/p1/s01.txt"])
def test_dsads_real_segments(name):
    path = SHARED / "raw_samples" / "dsads" / "data" / name
    np.testing.assert_allclose(dsads.segment(path), np.loadtxt(path, delimiter=","), rtol=1e-7)


@needs_shared
def test_dsads_whole(expand, monkeypatch, store_home):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("dsads")))
    found, entry = dataset("dsads").load(), dataset("dsads")
    assert found.counts == {
        "rows of zeros, cut out": 6950,
        "rows that occur twice in a recording, kept": 550,
        "segments left out: another person's recording": 120,
    }
    cut = windows.cut(found, entry.window, entry.step)
    assert np.bincount(cut.y).tolist() == [480] * 16 + [420, 420, 480]
    assert len(windows.folds(found.subjects)) == 8
    for person in (1, 6):
        assert set(cut.y[cut.subject == person]) == set(range(19)), "stairs too, where zeros were cut out"
    assert set(cut.y[cut.subject == 8]) == set(range(19)) - {16, 17}


# -- UCI HAR


@pytest.fixture
def ucihar_files(root) -> Path:
    base = root / "ucihar" / "UCI HAR Dataset"
    people = {"train": [1, 3, 5, 6], "test": list(TEST_PEOPLE)}
    for split, ids in people.items():
        n = 2 * len(ids)
        put(base / split / f"y_{split}.txt", "".join(f"{i % 6 + 1}\n" for i in range(n)))
        put(base / split / f"subject_{split}.txt", "".join(f"{p}\n{p}\n" for p in ids))
        put(base / split / f"X_{split}.txt", "not read")
        for channel in ucihar.CHANNELS:
            rows = RNG.normal(size=(n, 128))
            text = "".join(" " + " ".join(official(v) for v in row) + "\n" for row in rows)
            put(base / split / "Inertial Signals" / f"{channel}_{split}.txt", text)
    return base


def official(value: float) -> str:
    """As the official files print a number: right-aligned, an exponent of three digits."""
    mantissa, exponent = f"{value:.7e}".split("e")
    return f"{mantissa}e{exponent[0]}{int(exponent[1:]):03d}".rjust(15)


def test_ucihar_windows(ucihar_files):
    found, entry = dataset("ucihar").load(), dataset("ucihar")
    assert len(found.signals) == 8 + 18
    assert found.channels[0] == "total_acc_x"
    assert found.units == (*["g"] * 6, *["rad/s"] * 3)
    for i, channel in enumerate(ucihar.CHANNELS):
        path = ucihar_files / "test" / "Inertial Signals" / f"{channel}_test.txt"
        np.testing.assert_allclose(np.stack([x[:, i] for x in found.signals[8:]]), np.loadtxt(path), rtol=1e-6)
    assert [int(y[0]) for y in found.labels[:8]] == [0, 1, 2, 3, 4, 5, 0, 1]
    assert found.subjects.tolist() == [p for p in (1, 3, 5, 6, *TEST_PEOPLE) for _ in "ab"]
    assert found.counts == {"windows in test": 18, "windows in train": 8}
    cut = windows.cut(found, entry.window, entry.step)
    assert len(cut) == 26
    official = parts_of("ucihar_official")
    assert official == {"test": set(TEST_PEOPLE), "validation": {1}, "train": {3, 5, 6}}


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "train/y_train.txt",
            lambda t: t.replace("6\n", "7\n"),
            r"y_train\.txt, line 6: found number 7, expected one of 1",
        ),
        ("train/subject_train.txt", lambda t: t[:-2], r"subject_train\.txt: found 7 rows, expected 8 as in y_train"),
        (
            "test/Inertial Signals/body_acc_y_test.txt",
            lambda t: t[: t.rindex("\n", 0, -1) + 1],
            "found 17 rows, expected 18",
        ),
        (
            "test/Inertial Signals/body_acc_y_test.txt",
            lambda t: t.replace("e-0", " e-0", 1),
            "line 1: found 129 columns",
        ),
        ("test/Inertial Signals/body_acc_y_test.txt", lambda t: t[:-1], "no line end after the last row"),
        (
            "test/Inertial Signals/body_acc_y_test.txt",
            lambda t: t.replace("e-0", "d-0", 1),
            "line 1: found '.*d-.*expected a",
        ),
    ],
)
def test_ucihar_damage(ucihar_files, store_home, file, change, message):
    edit(ucihar_files / file, change)
    refused("ucihar", message, store_home)


@needs_shared
@pytest.mark.parametrize(("split", "n"), [("train", 7352), ("test", 2947)])
def test_ucihar_real_labels_and_people(split, n):
    base = SHARED / "raw_samples" / "uci_har" / "UCI HAR Dataset" / split
    people = ucihar.blanks(base / f"subject_{split}.txt", ucihar.NUMBER).columns["number"]
    assert len(people) == len(ucihar.blanks(base / f"y_{split}.txt", ucihar.NUMBER)) == n
    assert (set(people) == set(TEST_PEOPLE)) == (split == "test")


# -- MHEALTH


@pytest.fixture
def mhealth_files(root) -> Path:
    base = root / "mhealth" / "MHEALTHDATASET"
    for person in range(1, 11):
        label = np.repeat([0, 1, 0, 2, 12, 0], [20, 120, 5, 130, 110, 7])
        text = "".join(
            "\t".join([*(f"{v:.5g}" for v in row), str(y)]) + "\n"
            for row, y in zip(RNG.normal(size=(len(label), 23)), label, strict=True)
        )
        put(base / f"mHealth_subject{person}.log", text)
    put(base / "README.txt", "words")
    return base


def test_mhealth_stretches(mhealth_files):
    found = dataset("mhealth").load()
    assert len(found.signals) == 30
    assert [len(x) for x in found.signals[:3]] == [120, 130, 110]
    first = [found.classes[y[0]] for y in found.labels[:3]]
    assert first == ["standing", "sitting", "jump front and back"]
    assert sorted(set(found.subjects.tolist())) == list(range(1, 11))
    data = np.loadtxt(mhealth_files / "mHealth_subject1.log")
    np.testing.assert_allclose(found.signals[1], data[145:275, :23], rtol=1e-6)
    assert found.units[2:6] == ("m/s^2", "mV", "mV", "m/s^2")
    assert found.channels[5] == "ankle acc x"
    assert found.channels[-1] == "arm mag z"
    assert found.counts == {"samples without a label, left out": 320}
    assert len(windows.folds(found.subjects)) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace("\t1\n", "\t13\n", 1),
            r"mHealth_subject4\.log, line 21: found label 13, expected one of 0, 1",
        ),
        (lambda t: t.replace("\t", " "), "line 1: found 1 columns, expected 24 columns separated by tabs"),
        (lambda t: "\t".join(["-", *t.split("\t")[1:]]), "line 1: found '-' in chest acc x, expected a number"),
    ],
)
def test_mhealth_damage(mhealth_files, store_home, change, message):
    edit(mhealth_files / "mHealth_subject4.log", change)
    refused("mhealth", message, store_home)
    (mhealth_files / "mHealth_subject4.log").unlink()
    refused("mhealth", "found files of 9 people, expected 10", store_home)


@needs_shared
def test_mhealth_real_rows(root):
    (path,) = (SHARED / "raw_samples" / "mhealth").glob("*.log")
    pieces = mhealth.gather([put(root / "mHealth_subject1.log", path.read_text().replace("\t0\n", "\t1\n"))])
    np.testing.assert_allclose(pieces.signals[0], np.loadtxt(path)[:, :23], rtol=1e-6)


# -- WISDM


def records(person: int, word: str, n: int, start: int = 0, step_ms: float = 50, end: str = ";\n") -> str:
    time = start + np.round(np.arange(n) * step_ms * 1e6 + RNG.integers(0, 8e6, n)).astype(int)
    wave = np.sin(2 * np.pi * (time - start) / 1e9)
    return "".join(f"{person},{word},{t},{w:.7f},{9.8:.4f},-0.5{end}" for t, w in zip(time, wave, strict=True))


def test_wisdm_2019(root):
    base = root / "wisdm" / "wisdm-dataset" / "raw" / "watch" / "accel"
    for person in (1600, 1601, 1602):
        text = records(person, "A", 250) + records(person, "S", 220, start=10**12)
        put(base / f"data_{person}_accel_watch.txt", text)
    found = dataset("wisdm").load()
    assert len(found.signals) == 6
    assert [found.classes[y[0]] for y in found.labels[:2]] == ["walking", "folding clothes"]
    assert found.subjects.tolist() == [1600, 1600, 1601, 1601, 1602, 1602]
    assert (found.rate, found.units) == (20.0, ("m/s^2",) * 3)
    assert [len(x) for x in found.signals[:2]] == pytest.approx([250, 220], abs=1)
    even = np.sin(2 * np.pi * np.arange(len(found.signals[0])) / 20 + 2 * np.pi * 0.004)
    np.testing.assert_allclose(found.signals[0][2:-2, 0], even[2:-2], atol=0.05)
    np.testing.assert_allclose(found.signals[0][:, 1], 9.8, rtol=1e-6)
    assert len(found.classes) == 18


def test_wisdm_v1_with_broken_lines(root):
    lines = "".join(
        records(p, w, 300, start=10**12 * i)
        for i, (p, w) in enumerate([(33, "Jogging"), (17, "Jogging"), (5, "Sitting")])
    )
    rows = lines.splitlines()
    rows[10] = rows[10] + rows[11]  # two records in one line
    rows[11] = ""
    rows[50] = rows[50].rsplit(",", 1)[0] + ",;"  # the last value is missing
    rows[51] = rows[51].replace(";", ",;")  # a comma too many, nothing missing
    rows[70] = rows[70].replace(rows[70].split(",")[2], "0")  # no time
    rows[400] = rows[400].rsplit(",", 2)[0]  # cut off, and no end
    put(root / "wisdm_v1" / "WISDM_ar_v1.1" / "WISDM_ar_v1.1_raw.txt", "\n".join(rows) + "\n")
    found = dataset("wisdm_v1").load()
    assert found.counts["records"] == 898
    assert found.counts["broken records, left out"] == 2
    assert found.counts["records not later than the one before, left out"] == 1
    assert [found.classes[y[0]] for y in found.labels] == ["jogging", "jogging", "sitting"]
    assert found.subjects.tolist() == [33, 17, 5]
    assert [len(x) for x in found.signals] == pytest.approx([300] * 3, abs=1)


def test_wisdm_pauses_end_recordings(root):
    pieces = cache.Pieces()
    text = records(1, "A", 100) + records(1, "A", 80, start=100 * 50_000_000 + 600_000_000)
    parsed = wisdm.parse(put(root / "a.txt", text), wisdm.ACTIVITIES, pieces)
    wisdm.add(parsed, wisdm.ACTIVITIES, pieces)
    assert [len(x) for x in pieces.signals] == pytest.approx([100, 80], abs=1)
    assert pieces.counts["pauses above 0.5 s, where recordings end"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            records(1, "A", 90) + "lost\n" * 5,
            r"a\.txt: found 5 of 95 records broken, such as 'lost', expected person,act",
        ),
        ("", r"a\.txt: found 0 of 0 records broken"),
        (records(1, "Z", 90), r"a\.txt: found the activity 'Z', known: A, B"),
        (records(1, "A", 90).replace("-0.5", "nan"), r"a\.txt: found 90 of 90 records broken, such as '1,A,"),
    ],
)
def test_wisdm_damage(root, text, message):
    with pytest.raises(MixkdError, match=message) as refusal:
        wisdm.parse(put(root / "a.txt", text), wisdm.ACTIVITIES, cache.Pieces())
    assert "\n" not in str(refusal.value)


@needs_shared
def test_wisdm_real_rows(root):
    (path,) = (SHARED / "raw_samples" / "wisdm_v1.1").glob("*.txt")
    parsed = wisdm.parse(path, wisdm.V1, cache.Pieces())
    np.testing.assert_allclose(parsed.values[0], [-0.6946377, 12.680544, 0.50395286], rtol=1e-7)
    assert parsed.columns["person"].tolist() == [33] * 4


# -- all of them


def test_every_file_counts_for_the_cache(hapt_files, ucihar_files, mhealth_files):
    for name, file, old, new in (
        ("hapt", hapt_files / "labels.txt", "1 1 4 141", "1 1 6 141"),
        ("hapt", hapt_files / "gyro_exp02_user03.txt", "0.", "1."),
        ("ucihar", ucihar_files / "train" / "y_train.txt", "6\n", "5\n"),
        ("ucihar", ucihar_files / "test" / "Inertial Signals" / "body_gyro_z_test.txt", "e-001", "e-000"),
        ("mhealth", mhealth_files / "mHealth_subject10.log", "\t12\n", "\t11\n"),
    ):
        before = dataset(name).load()
        edit(file, lambda text, old=old, new=new: text.replace(old, new))
        after = dataset(name).load()
        same = all(np.array_equal(a, b) for a, b in zip(before.signals, after.signals, strict=True))
        same &= all(np.array_equal(a, b) for a, b in zip(before.labels, after.labels, strict=True))
        assert not same, file


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.source])
def test_without_files_one_line_says_what_to_do(name, root, store_home):
    source = DATASETS[name].source
    refused(
        name,
        rf"{source}: found no folder .*, expected the raw files of {source}; fetch them with `mixkd data fe",
        store_home,
    )


def test_files_are_only_looked_for_below_the_named_folder(monkeypatch, tmp_path, store_home):
    monkeypatch.delenv("MIXKD_DATA", raising=False)
    assert paths.root() == store_home / "data" / "raw"
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    assert paths.root() == tmp_path
    assert hapt.CLASSES[5] == "LAYING"

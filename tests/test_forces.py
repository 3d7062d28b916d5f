"""Data sets with forces to predict: the closed forms of `gait`, and files as published for `gaitpdb` and `running`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from shared import expand, needs_shared  # noqa: F401 - a fixture
from test_download import server, zipped  # noqa: F401 - a fixture
from test_loaders import put, refused, root  # noqa: F401 - a fixture

from mixkd import windows
from mixkd.datasets import Recordings, dataset
from mixkd.datasets.raw import download, paths
from mixkd.datasets.raw.sources import SOURCES
from mixkd.datasets.sets import gait, gaitpdb, running
from mixkd.errors import MixkdError

# -- gait

stances, shapes, unevens = st.floats(0.55, 0.7), st.floats(0.17, 0.41), st.floats(-0.05, 0.05)


@given(stances, shapes, unevens)
def test_each_foot_carries_half_of_the_body_over_a_cycle(stance, shape, uneven):
    whole, _ = integrate.quad(lambda p: float(gait.force(np.array(p / stance), stance, shape, uneven)), 0, 1, limit=200)
    assert whole == pytest.approx(0.5, abs=1e-6)


@given(stances, shapes, unevens)
def test_a_stance_has_two_peaks_and_a_dip_between_them(stance, shape, uneven):
    curve = gait.force(np.linspace(0, 1, 1001), stance, shape, uneven)
    inner = curve[1:-1]
    peaks = 1 + np.flatnonzero((inner > curve[:-2]) & (inner > curve[2:]))
    assert len(peaks) == 2
    assert peaks[0] < 500 < peaks[1]
    assert curve[peaks[0] : peaks[1]].min() < 0.999 * curve[peaks].min()
    assert ((curve[peaks] > 0.85) & (curve[peaks] < 1.35)).all()
    assert curve[0] == curve[-1] == 0 <= curve.min()
    higher = peaks[0] if uneven > 0 else peaks[1]
    assert abs(uneven) < 1e-3 or curve[higher] == curve.max(), "r > 0 raises the first"


@given(st.floats(0.8, 1.6), st.integers(0, 2**32 - 1))
def test_cycles_vary_around_their_period(period, seed):
    cycles = gait.phase(30, period, np.random.default_rng(seed))
    assert len(cycles) == 3000
    assert cycles[0] == 0
    durations = 0.01 / np.diff(cycles)[np.diff(np.floor(cycles)) == 0]
    np.testing.assert_array_less(abs(durations / period - 1), 2.5 * gait.VARIATION + 1e-9)
    assert durations.std() > 0


@pytest.fixture(scope="module")
def simulated() -> Recordings:
    return gait.load()


def test_what_is_simulated(simulated):
    assert len(simulated.signals) == 24
    assert {x.shape for x in simulated.signals} == {(3000, 16)}
    assert {f.shape for f in simulated.targets} == {(3000, 2)}
    assert simulated.classes == ("slow", "normal", "fast")
    assert [int(y[0]) for y in simulated.labels] == [0, 1, 2] * 8
    assert simulated.subjects.tolist() == [s for s in range(1, 9) for _ in "abc"]
    assert simulated.target_units == ("body weights", "body weights")
    entry = dataset("gait")
    cut = windows.cut(simulated, entry.window, entry.step)
    assert cut.x.shape == (24 * 296, 16, 50)
    np.testing.assert_array_equal(cut.target[1], simulated.targets[0][10 + 25])
    assert max(len(windows.split(cut, fold)["train"]) for fold in windows.folds(simulated.subjects)) == 5328


def strikes(force: np.ndarray) -> np.ndarray:
    """Samples at which a stance begins."""
    return 1 + np.flatnonzero((force[1:] > 0) & (force[:-1] == 0))


def test_walking_carries_the_body_and_never_flies(simulated):
    for label, forces in zip(simulated.labels, simulated.targets, strict=True):
        begin = strikes(forces[:, 0])
        inside = slice(begin[0], begin[-1])
        assert forces[inside].sum(axis=1).mean() == pytest.approx(1, abs=0.005), "whole cycles"
        on = forces[inside] > 0
        assert on.any(axis=1).all(), "a foot is on the ground"
        stance = gait.SPEEDS[simulated.classes[label[0]]][1]
        np.testing.assert_allclose(on.mean(axis=0), stance, atol=0.03)
        assert on.all(axis=1).mean() == pytest.approx(2 * stance - 1, abs=0.04), "double support"
        assert (forces[inside][~on] == 0).all()
        right = strikes(forces[:, 1])
        after = right[np.searchsorted(right, begin[:-1])] - begin[:-1]
        np.testing.assert_allclose(after / np.diff(begin), 0.5, atol=0.06)


def test_faster_steps_are_shorter_and_harder(simulated):
    for person in range(8):
        forces = [simulated.targets[3 * person + speed][:, 0] for speed in range(3)]
        cadence, peak = [len(strikes(f)) for f in forces], [f.max() for f in forces]
        assert cadence == sorted(set(cadence))
        assert peak == sorted(set(peak))


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(gait.SPEEDS)))
def test_the_readings_undone_are_the_force(seed, speed):
    """By the formulas of the docstring, without noise and drift: F is the sum of (reading / gain)^(1 / e)."""
    rng = np.random.default_rng(seed)
    person = gait.Person.draw(rng)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gait, "NOISE", 0.0)
        patch.setattr(gait, "DRIFT", 0.0)
        patch.setattr(gait, "SECONDS", 4)
        readings, forces = gait.walk(person, speed, rng)
    cells = (readings.reshape(-1, 2, 8) / person.gains) ** (1 / person.exponent)
    np.testing.assert_allclose(cells.sum(axis=2), forces, atol=1e-5)
    left = cells[:, 0][forces[:, 0] > 0.05]
    centre = left @ ((np.arange(8) + 0.5) / 8) / left.sum(axis=1)
    going = np.diff(centre)
    assert (going > -1e-6).mean() > 0.9, "from heel to toe, but for the next step"
    assert centre.min() < 0.3 < 0.7 < centre.max()


def test_noise_and_drift_are_as_stated(simulated):
    """In the swing, readings are nothing else."""
    for readings, forces in zip(simulated.signals, simulated.targets, strict=True):
        swing = readings[forces[:, 0] == 0][:, :8]
        expected = np.hypot(gait.NOISE, gait.DRIFT / np.sqrt(2))
        assert swing.std() == pytest.approx(expected, rel=0.3)
        assert abs(swing).max() < gait.DRIFT + 6 * gait.NOISE


def test_the_way_back_to_the_force_differs_between_people(simulated):
    normal = [i for i, label in enumerate(simulated.labels) if label[0] == 1]
    error = np.empty((len(normal), len(normal)))
    for row, i in enumerate(normal):
        design = np.c_[simulated.signals[i], np.ones(3000)]
        weights = np.linalg.lstsq(design, simulated.targets[i], rcond=None)[0]
        for column, j in enumerate(normal):
            predicted = np.c_[simulated.signals[j], np.ones(3000)] @ weights
            error[row, column] = np.sqrt(((predicted - simulated.targets[j]) ** 2).mean())
    own, others = np.diag(error), error[~np.eye(len(error), dtype=bool)]
    assert own.min() > 2 * gait.NOISE, "not linear either"
    assert np.median(others) > 2 * np.median(own)


def test_people_are_drawn_apart():
    people = [gait.Person.draw(np.random.default_rng(seed)) for seed in range(200)]
    gains = np.log([person.gains for person in people])
    assert gains.mean() == pytest.approx(0, abs=0.03)
    assert gains.std(axis=0) == pytest.approx(np.full((2, 8), 0.25), abs=0.05)
    for name, low, high in (("exponent", 0.6, 0.9), ("period", 1.0, 1.2), ("roll", 0.2, 0.6), ("width", 0.12, 0.2)):
        values = [getattr(person, name) for person in people]
        assert low <= min(values) < low + 0.1 * (high - low) < high - 0.1 * (high - low) < max(values) <= high, name


def test_the_simulation_is_the_same_every_time(simulated):
    again = gait.load()
    for one, other in ((simulated.signals, again.signals), (simulated.targets, again.targets)):
        assert [x.tobytes() for x in one] == [x.tobytes() for x in other]


# -- gaitpdb

RNG = np.random.default_rng(0)


def walk(seconds: float = 25, ends: str = "\r\n", time: np.ndarray | None = None) -> str:
    """A file of `gaitpdb` as published."""
    time = np.arange(round(seconds * 100)) / 100.007 if time is None else time
    cells = RNG.uniform(0, 500, (len(time), 16)).round(2)
    totals = cells.reshape(-1, 2, 8).sum(axis=2)
    rows = (
        "\t".join([f"{t:.4f}", *(f"{v:.6g}" for v in row)])
        for t, row in zip(time, np.c_[cells, totals].tolist(), strict=True)
    )
    return "".join(row + ends for row in rows)


WALKS = ("GaCo01_01", "GaPt01_02", "GaPt01_10", "JuCo01_01", "SiPt12_01")


@pytest.fixture
def walks(root) -> Path:  # noqa: F811
    """Five walks of four people, in the layout of the archive."""
    folder = root / "gaitpdb" / "gait-in-parkinsons-disease-1.0.0"
    for i, name in enumerate(WALKS):
        put(folder / f"{name}.txt", walk(25 + i, ends="\n" if i == 3 else "\r\n"))
    put(folder / "format.txt", "Data format:\n")
    put(folder / "SHA256SUMS.txt", "0  format.txt\n")
    return folder


def inner(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Heel and ball of each foot, and both totals, but for 10 s at both ends, as numpy reads them."""
    table = np.loadtxt(path)
    table = table[(table[:, 0] >= 10) & (table[-1, 0] - table[:, 0] >= 10)]
    return table[:, [1, 7, 9, 15]], table[:, [17, 18]]


def test_walks_are_what_their_files_hold(walks, caplog):
    found, entry = dataset("gaitpdb").load(), dataset("gaitpdb")
    assert found.rate == 100
    assert found.channels == ("left heel", "left ball", "right heel", "right ball")
    assert found.units == ("N",) * 4
    assert (found.target_names, found.target_units) == (("left total", "right total"), ("N", "N"))
    for name, signal, target in zip(WALKS, found.signals, found.targets, strict=True):
        cells, totals = inner(walks / f"{name}.txt")
        np.testing.assert_allclose(signal, cells, rtol=1e-6)
        np.testing.assert_allclose(target, totals, rtol=1e-6)
    assert [found.person(s) for s in found.subjects] == ["GaCo01", "GaPt01", "GaPt01", "JuCo01", "SiPt12"]
    assert len(set(found.subjects.tolist())) == 4, "a number in two studies or groups is two people"
    assert [found.classes[y[0]] for y in found.labels] == ["control", "patient", "patient", "control", "patient"]
    assert found.counts["samples in the first and last 10 s of a walk, left out"] == 5 * 2002
    assert "5 walks; the published set has 306" in caplog.text
    cut = windows.cut(found, entry.window, entry.step)
    np.testing.assert_array_equal(cut.target[0], found.targets[0][25])


def test_walks_are_parsed_once_and_again_when_a_file_changes(walks, monkeypatch):
    first = dataset("gaitpdb").load()
    with monkeypatch.context() as patch:
        patch.setattr(gaitpdb, "gather", lambda files: pytest.fail("parsed again"))
        second = dataset("gaitpdb").load()
    assert [t.tobytes() for t in first.targets] == [t.tobytes() for t in second.targets]
    put(walks / "SiPt12_01.txt", walk(33))
    assert len(dataset("gaitpdb").load().targets[4]) == 1298 > len(first.targets[4])


def test_files_by_hand_lie_in_the_folder_itself(walks, root):  # noqa: F811
    for path in list(walks.iterdir()):
        path.rename(root / "gaitpdb" / path.name)
    walks.rmdir()
    assert len(dataset("gaitpdb").load().signals) == 5


def test_a_gap_ends_a_recording_and_short_walks_are_left_out(walks):
    time = np.arange(2500) / 100
    put(walks / "GaCo01_01.txt", walk(time=time + np.where(time >= 12, 0.01, 0)))
    put(walks / "GaPt01_02.txt", walk(time=time + np.where(time >= 12, 0.004, 0)))
    put(walks / "GaPt01_10.txt", walk(19))
    found = dataset("gaitpdb").load()
    assert [len(x) for x in found.signals[:3]] == [200, 300, 500]
    assert found.person(found.subjects[3]) == "JuCo01"
    assert found.counts["gaps above 15 ms, where recordings end"] == 1
    for name in WALKS:
        put(walks / f"{name}.txt", walk(20))
    with pytest.raises(MixkdError, match=r"1\.0\.0: found no walk longer than 20 s, expected about two minutes each"):
        dataset("gaitpdb").load()


def lines(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "".join(change(text.splitlines(keepends=True)))


def fields(number: int, change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    """Changes the fields of one line, 1-based."""

    def edit(rows: list[str]) -> list[str]:
        body = rows[number - 1].rstrip("\r\n")
        rows[number - 1] = "\t".join(change(body.split("\t"))) + rows[number - 1][len(body) :]
        return rows

    return lines(edit)


DAMAGE = {
    "cut off": (lambda t: t[:-9], "line 2600: found no line end after the last row, expected one: the file may be cut"),
    "a column less": (fields(7, lambda f: f[:-1]), "line 7: found 18 columns, expected 19 columns separated by tabs"),
    "a column more": (fields(7, lambda f: [*f, "1"]), "line 7: found 20 columns, expected 19 columns"),
    "commas": (lambda t: t.replace("\t", ","), "line 1: found 1 columns, expected 19 columns separated by tabs"),
    "a lost force": (fields(9, lambda f: [*f[:-1], "NaN"]), "line 9: found 'NaN' in right total, expected a number$"),
    "an empty force": (fields(9, lambda f: [*f[:-1], ""]), "line 9: found '' in right total, expected a number$"),
    "infinite": (fields(9, lambda f: [f[0], "inf", *f[2:]]), "line 9: found 'inf' in L1, expected a number$"),
    "backwards": (lines(lambda rows: [*rows, rows[0]]), r"line 2601: found time 0\.0 after .*, expected a later time"),
    "other rate": (lines(lambda rows: rows[::2]), "found 50 samples per second, expected 100"),
    "mixed ends": (lambda t: t.replace("\r\n", "\n", 1), "found 2599 carriage returns in 2600 lines, expected one in"),
    "empty": (lambda t: "", "found an empty file, expected 19 columns"),
}


@pytest.mark.parametrize(("change", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_walks(walks, store_home, change, message):
    path = walks / "GaPt01_02.txt"
    put(path, change(path.read_bytes().decode()))
    refused("gaitpdb", r"GaPt01_02\.txt[,:] " + message, store_home)


@pytest.mark.parametrize("name", ["GaXx01_01.txt", "GaCo1_01.txt", "Copy_of_GaCo01_01.txt", "MaCo01_01.txt"])
def test_other_names_of_walks(walks, store_home, name):
    (walks / "GaCo01_01.txt").rename(walks / name)
    refused("gaitpdb", rf"{name}: found this name, expected one such as GaCo01_01\.txt", store_home)


def test_no_walks(walks, store_home):
    for path in walks.glob("*_*.txt"):
        path.unlink()
    refused("gaitpdb", r"1\.0\.0: found no file \*_\*\.txt, expected the official layout", store_home)


@needs_shared
def test_real_walks(expand, monkeypatch, store_home):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("gaitpdb")))
    found, entry = dataset("gaitpdb").load(), dataset("gaitpdb")
    files = sorted((expand("gaitpdb") / "gaitpdb").glob("GaCo*.txt"))
    assert len(files) == len(found.signals) == 8
    for path, signal, target in zip(files, found.signals, found.targets, strict=True):
        cells, totals = inner(path)
        np.testing.assert_allclose(signal, cells, rtol=1e-6)
        np.testing.assert_allclose(target, totals, rtol=1e-6)
        whole = np.loadtxt(path)
        sums = whole[:, 1:17].reshape(-1, 2, 8).sum(axis=2)
        np.testing.assert_allclose(sums, whole[:, 17:], atol=0.01)  # why not all sensors are given
        for foot in range(2):  # heel before ball
            lag = np.arange(-40, 41)
            heel, ball = signal[:, 2 * foot], signal[:, 2 * foot + 1]
            match = [np.corrcoef(heel[40:-40], np.roll(ball, -k)[40:-40])[0, 1] for k in lag]
            assert lag[np.argmax(match)] > 10
    assert set(found.people.values()) == {f"GaCo0{i}" for i in range(1, 6)}
    cut = windows.cut(found, entry.window, entry.step)
    assert cut.x.shape == (8 * 1007, 4, 50)
    n_train = [len(windows.split(cut, fold)["train"]) for fold in windows.folds(found.subjects)]
    assert n_train == [5035, 4028, 4028, 5035, 6042]
    assert download.check("gaitpdb") == []
    assert download.origin("gaitpdb") == "as published"


# -- running

HEADER = "Sub,Condition,Sex,Age,Height,Mass,RFS,MFS,FFS,Speed,Slope,StepFreq"
CONDITIONS = [(2.5, 10.0), (3.33, 0.0), (2.5, 10.0), (3.33, -5.0)]
FRAMES = 400


def trial(row: int, kind: int) -> np.ndarray:
    """A trace of 5 Hz at 500 Hz, another one for each row and file."""
    return 1.5 + np.cos(2 * np.pi * 5 * np.arange(FRAMES) / 500 + row + 10 * kind)


def joined(rows: list[np.ndarray]) -> str:
    return "".join(",".join(f"{v:.18e}" for v in row) + "\n" for row in rows)


@pytest.fixture
def runs(root, monkeypatch) -> Path:  # noqa: F811
    """Four trials at three conditions, shorter than the published ones."""
    monkeypatch.setattr(running, "FRAMES", FRAMES)
    folder, n = root / "running" / "data", range(len(CONDITIONS))
    put(folder / running.ACCELERATION, joined([np.r_[trial(i, 0), trial(i, 1)] for i in n]))
    put(folder / running.FORCE, joined([trial(i, 2) for i in n]))
    info = [f"2,NA,m,NA,173,76.8,0,86.66666667,13.3,{speed:g},{slope:g},NA" for speed, slope in CONDITIONS]
    put(folder / running.TRIALS, "\r\n".join([HEADER, *info, ""]))
    return folder


def test_trials_at_a_fifth_of_the_rate(runs):
    found = dataset("running").load()
    assert (found.rate, found.units, found.target_units) == (100.0, ("g", "g"), ("body weights",))
    assert [len(x) for x in found.signals] == [80] * 4
    middle = slice(10, -10)  # the filter needs a few samples at the ends
    for i in range(4):
        for kind, trace in enumerate((*found.signals[i].T, found.targets[i][:, 0])):
            np.testing.assert_allclose(trace[middle], trial(i, kind)[::5][middle], atol=3e-3)
    assert [found.person(s) for s in found.subjects] == [
        "2.5 m/s, +10 deg",
        "3.33 m/s, +0 deg",
        "2.5 m/s, +10 deg",
        "3.33 m/s, -5 deg",
    ]
    assert [found.classes[y[0]] for y in found.labels] == ["uphill", "level", "uphill", "downhill"]
    assert found.subjects.tolist() == [1, 3, 1, 2]


def test_what_is_too_fast_is_filtered_out_of_force_and_signal(runs):
    fast = np.cos(2 * np.pi * 95 * np.arange(FRAMES) / 500)  # would show as 5 Hz
    put(runs / running.ACCELERATION, joined([np.r_[fast, fast]] * 4))
    put(runs / running.FORCE, joined([fast] * 4))
    found = dataset("running").load()
    assert max(abs(x[10:-10]).max() for x in (*found.signals, *found.targets)) < 0.01


RUN_DAMAGE = {
    "a trial less": (
        running.FORCE,
        lines(lambda rows: rows[:-1]),
        "found 3 rows, expected 4, one for each trial in",
    ),
    "a trial more": (running.ACCELERATION, lines(lambda rows: [*rows, rows[0]]), "found 5 rows, expected 4, one for"),
    "a frame less": (
        running.FORCE,
        lambda t: t[t.index(",") + 1 :],
        "line 1: found 399 columns, expected 400 columns separated by commas",
    ),
    "a lost force": (
        running.FORCE,
        lambda t: "nan" + t[t.index(",") :],
        "line 1: found 'nan' in normal force 1, expected a number$",
    ),
    "cut off": (running.ACCELERATION, lambda t: t[:-9], "line 4: found no line end after the last row, expected one"),
    "no speed": (
        running.TRIALS,
        lambda t: t.replace(",2.5,", ",NA,", 1),
        "line 2: found 'NA' in Speed, expected a",
    ),
    "no column": (
        running.TRIALS,
        lambda t: t.replace(",Slope", ""),
        "line 1: found Sub,.*, expected the columns Sub",
    ),
    "another runner": (
        running.TRIALS,
        lambda t: t.replace("\n2,NA", "\n3,NA").replace("\n3,NA", "\n2,NA", 2),
        "line 4: found runner 3, expected 2 throughout: the set of one runner",
    ),
}


@pytest.mark.parametrize(("file", "change", "message"), RUN_DAMAGE.values(), ids=RUN_DAMAGE)
def test_damaged_trials(runs, store_home, file, change, message):
    put(runs / file, change((runs / file).read_bytes().decode()))
    refused("running", f"{file}[,:] {message}", store_home)


@pytest.mark.parametrize("file", [running.ACCELERATION, running.FORCE, running.TRIALS])
def test_missing_files_of_trials(runs, store_home, file):
    (runs / file).unlink()
    refused("running", rf"data: found no file {file}, expected the official layout", store_home)


@needs_shared
def test_real_trials(expand, root, store_home):  # noqa: F811
    source = expand("running_grf") / "running_grf"
    root.mkdir()
    (root / "running").symlink_to(source)
    found, entry = dataset("running").load(), dataset("running")
    acceleration, force = (
        np.loadtxt(source / "data" / file, delimiter=",") for file in (running.ACCELERATION, running.FORCE)
    )
    info = np.genfromtxt(source / "data" / running.TRIALS, delimiter=",", names=True, usecols=("Speed", "Slope"))
    assert len(found.signals) == 31
    assert len(found.people) == 15
    expected = acceleration.reshape(31, 2, 2480)[:, :, ::5]
    inside = slice(10, -10)
    for i in range(31):
        away = found.targets[i][inside, 0] - force[i, ::5][inside]
        assert abs(away).max() < 0.005, "body weights"
        away = found.signals[i][inside] - expected[i].T[inside]
        assert np.sqrt((away**2).mean()) < 0.02, "g; the vertical trace has a corner at 0"
        assert found.labels[i][0] == np.sign(info["Slope"][i]) + 1
        speed, slope = found.person(found.subjects[i]).removesuffix(" deg").split(" m/s, ")
        assert (float(speed), float(slope)) == (info["Speed"][i], info["Slope"][i])
    assert 0.95 < force.mean() < 1.05, "a runner's body on average"
    cut = windows.cut(found, entry.window, entry.step)
    assert cut.x.shape == (31 * 90, 2, 50)
    every = windows.folds(found.subjects)
    assert len(every) == 15
    assert max(len(windows.split(cut, fold)["train"]) for fold in every) < 6000


# -- fetching


def test_walks_are_fetched_and_read(server, monkeypatch):  # noqa: F811
    base = "gait-in-parkinsons-disease-1.0.0"
    files = {f"{base}/{name}.txt": walk().encode() for name in WALKS}
    server.content = zipped(files | {f"{base}/format.txt": b"Data format:\n"})
    local = server.url.replace("a+set.zip", "content/gaitpdb/get-zip/1.0.0/")
    monkeypatch.setitem(SOURCES, "gaitpdb", replace(SOURCES["gaitpdb"], url=local))
    assert download.fetch("gaitpdb") == paths.root() / "gaitpdb"
    assert len(dataset("gaitpdb").load().signals) == 5
    assert download.check("gaitpdb") == []
    assert not list((paths.root() / ".downloads").iterdir())


def test_trials_are_fetched_and_read(server, runs, root, monkeypatch):  # noqa: F811
    commit = SOURCES["running"].archive.removesuffix(".zip")
    base = f"Recurrent_GRF_Prediction-{commit}"
    files = {f"{base}/data/{path.name}": path.read_bytes() for path in runs.iterdir()}
    server.content = zipped(files | {f"{base}/Train_LSTM.ipynb": b"{}", f"{base}/LICENSE": b"Apache"})
    monkeypatch.setenv("MIXKD_DATA", str(root.parent / "fetched"))
    monkeypatch.setitem(SOURCES, "running", replace(SOURCES["running"], url=server.url))
    target = download.fetch("running")
    assert {path.name for path in (target / base).iterdir()} == {"data", "LICENSE"}
    assert len(dataset("running").load().targets) == 4

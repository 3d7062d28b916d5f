"""Implausible recordings are named with person, column and the way on; four real sets, and their opposites, are not."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from exported import export
from hypothesis import given
from hypothesis import strategies as st
from shared import expand, needs_shared  # noqa: F401

from mixkd import datasets
from mixkd.datasets.own import copies, draft, folder, names, units
from mixkd.datasets.sets import dsads
from mixkd.errors import MixkdError

RATE = 25
PEOPLE = ("ada", "ben", "cleo", "dov")
AXES = ["acc x", "acc y", "acc z", "gyr x", "gyr y", "gyr z"]
TOML = """
subject = "name"
label = "doing"
rate = 25.0
window = 2.0
step = 1.0
[channels]
"acc x" = "g"
"acc y" = "g"
"acc z" = "g"
"gyr x" = "rad/s"
"gyr y" = "rad/s"
"gyr z" = "rad/s"
"""
EXTRA = TOML + 'extra = "?"\n'


def recording(who: int, doing: str, seconds: float = 50) -> pd.DataFrame:
    """Stirring (2 Hz, 0.4 g) or resting, gravity mostly along z, noise of 5 mg and 10 mrad/s."""
    rng = np.random.default_rng([who, len(doing)])
    t = np.arange(round(seconds * RATE)) / RATE
    move = (0.4 if doing == "stir" else 0.0) * np.sin(2 * np.pi * (1.9 + 0.07 * who) * t)
    acc = np.array([0.1, -0.2, 0.97]) + move[:, None] * [1.0, 0.3, 0.2] + rng.normal(0, 0.005, (len(t), 3))
    gyr = 3 * move[:, None] * [0.2, 1.0, 0.4] + rng.normal(0, 0.01, (len(t), 3))
    frame = pd.DataFrame(np.c_[acc, gyr].round(4), columns=AXES)
    return frame.assign(name=PEOPLE[who], doing=doing)


@pytest.fixture
def people() -> dict[str, pd.DataFrame]:
    """A table for each of four people."""
    return {
        who: pd.concat([recording(i, "stir"), recording(i, "rest")], ignore_index=True) for i, who in enumerate(PEOPLE)
    }


@pytest.fixture
def inspected(tmp_path):
    """Writes files and a description, and inspects them."""

    def inspect(files: dict[str, pd.DataFrame], toml: str = TOML) -> folder.Inspection:
        for name, content in files.items():
            path = tmp_path / "own" / (name if "." in name else f"{name}.csv")
            path.parent.mkdir(parents=True, exist_ok=True)
            content.to_csv(path, index=False)
        (tmp_path / "own" / "dataset.toml").write_text(toml)
        return folder.inspect(tmp_path / "own")

    return inspect


def changed(people, who, rows, columns, change):
    """A copy in which `change` was applied to some values of one person."""
    table = people[who].copy()
    table.loc[rows, columns] = change(table.loc[rows, columns])
    return {**people, who: table}


def with_extra(people, make):
    return {who: table.assign(extra=make(i, table)) for i, (who, table) in enumerate(people.items())}


def of(code: dict):
    return lambda _, table: table.doing.map(code)


ACC, GYR = AXES[:3], AXES[3:]
ALL = slice(None)
REFUSED = {
    "a spike beyond any device": (
        lambda p: changed(p, "ben", 70, "acc y", lambda _: 3.1e6),
        TOML,
        r'ben\.csv, line 72: found 3100000 in acc y of ben, expected at most 400 g.*\["", "NaN", "nan", "3100000"\]',
    ),
    "a code in the rate of turning": (
        lambda p: changed(p, "dov", [5, 6, 9], "gyr z", lambda v: v * 0 - 777),
        TOML,
        r"dov\.csv, line 7: found -777 in gyr z of dov, 3 times, expected at most 350 rad/s",
    ),
    "one person in m/s²": (
        lambda p: changed(p, "cleo", ALL, ACC, lambda v: 9.81 * v),
        TOML,
        r"cleo: acc x, acc y, acc z have a median length of 9\.\d+ in cleo\.csv, as gravity has in m/s², expected 1",
    ),
    "one person in mg": (
        lambda p: changed(p, "ada", ALL, ACC, lambda v: 1000 * v),
        TOML.replace('"g"', '"?"'),
        r"ada: acc x, acc y, acc z have a median length of 99\d in ada\.csv, .* in mg, expected 1",
    ),
    "one person under two spellings": (
        lambda p: changed(p, "ben", p["ben"].doing == "rest", "name", lambda _: " Ben"),
        TOML,
        r"found one person spelled in 2 ways \('Ben', 'ben'\), expected one spelling",
    ),
    "two spellings of one number": (
        lambda p: {
            w: t.assign(name=[f"{i}", f"0{i}"][i == 2] if i < 3 else "2.0") for i, (w, t) in enumerate(p.items())
        },
        TOML,
        r"found one person spelled in 2 ways \('02', '2\.0'\)",
    ),
    "one label under two spellings": (
        lambda p: changed(p, "dov", p["dov"].doing == "stir", "doing", lambda _: "STIR"),
        TOML,
        r"found one label spelled in 2 ways \('STIR', 'stir'\)",
    ),
    "a label that is ignored in another spelling": (
        lambda p: changed(p, "dov", slice(0, 100), "doing", lambda _: "None"),
        TOML.replace("rate", 'ignore = ["none"]\nrate', 1),
        r"found one label spelled in 2 ways \('None', 'none'\)",
    ),
    "a shifted copy": (
        lambda p: {**p, "eve": p["ben"].iloc[333:1100].assign(name="eve")},
        TOML,
        r"found about 767 of the same rows of ben and of eve \(ben\.csv and eve\.csv\), expected different people",
    ),
    "elapsed seconds": (
        lambda p: with_extra(p, lambda i, t: np.arange(len(t)) / RATE + 3 * i),
        EXTRA,
        r"extra only grows from row to row, as a clock or an index does: take it out",
    ),
    "a number of the activity": (
        lambda p: with_extra(p, of({"stir": 2.5, "rest": 7.0})),
        EXTRA,
        r"extra tells the label: one value for each, in every recording; take it out",
    ),
    "an activity for a person": (
        lambda p: {w: t.assign(name="a" + str(i), doing="d" + str(i)) for i, (w, t) in enumerate(p.items())},
        TOML,
        r"everyone did one thing that nobody else did \(a0 = d0, .*\): is name an activity\?",
    ),
}
REMARKED = {
    "a value that stands alone": (
        lambda p: changed(p, "ben", 70, "acc y", lambda _: -15.9),
        TOML,
        r"ben\.csv, line 72: found -15\.9 in acc y of ben, far from all others \(the next is -0\.\d+\).*, \"-15\.9\"\]",
    ),
    "a length among its axes": (
        lambda p: with_extra(p, lambda _, t: np.linalg.norm(t[ACC], axis=1).round(4)),
        EXTRA,
        r"extra is the length of acc x, acc y, acc z: nothing new",
    ),
    "a channel twice, in another unit": (
        lambda p: with_extra(p, lambda _, t: (57.29578 * t["gyr y"]).round(3)),
        EXTRA,
        r"extra repeats gyr y, up to a factor",
    ),
    "a number of the person": (
        lambda p: with_extra(p, lambda i, _: 61.5 + i),
        EXTRA,
        r"extra has one value in every stretch: does it name the person\?",
    ),
    "a constant of any size": (
        lambda p: with_extra(p, lambda *_: 101325.37),
        EXTRA,
        r"extra has one value, 101325",
    ),
    "a sensor that failed in one person": (
        lambda p: changed(p, "cleo", ALL, "gyr x", lambda _: 0.3),
        TOML,
        r"gyr x has one value in all recordings of cleo",
    ),
    "a header with another unit": (
        lambda p: {w: t.rename(columns={"acc x": "acc x (m/s^2)"}) for w, t in p.items()},
        TOML.replace('"acc x"', '"acc x (m/s^2)"'),
        r"acc x \(m/s\^2\) is stated in g, its name says m/s²: correct the unit",
    ),
    "all in another unit": (
        lambda p: {w: t.assign(**{a: 9.81 * t[a] for a in ACC}, extra=t["acc x"] ** 2) for w, t in p.items()},
        TOML + 'extra = "g"\n',
        r"channels acc x, acc y, acc z in g have a median length of 9\.[78]\d?: are they in m/s²\?",
    ),
    "degrees among radians": (
        lambda p: changed(p, "dov", ALL, GYR, lambda v: 57.3 * v),
        TOML,
        r"dov: gyr x, gyr y, gyr z are 5\d\.?\d* times as large as other people's in the same activities",
    ),
    "half the range": (
        lambda p: changed(p, "ada", ALL, ACC, lambda v: v / 2),
        TOML,
        r"ada: acc x, acc y, acc z are 2 times as small as other people's",
    ),
    "flat zeros": (
        lambda p: changed(p, "ben", slice(300, 420), ACC, lambda v: v * 0),
        TOML,
        r"ben: acc x, acc y, acc z repeat one value \(0, 0, 0\) for 4\.8 s, first in .*ben\.csv, stir",
    ),
    "at rest, for what others do": (
        lambda p: changed(p, "cleo", slice(0, 1249), AXES, lambda v: recording(2, "rest")[AXES].to_numpy()[: len(v)]),
        TOML,
        r"cleo: [45]\d s of stir are still, unlike other people's stir: not worn\?",
    ),
    "clipped": (
        lambda p: {w: t.assign(**{"acc x": t["acc x"].clip(upper=0.4)}) for w, t in p.items()},
        TOML,
        r"acc x often has exactly 0\.4 \(of ada, ben, cleo, dov, first in .*ada\.csv\): clipped",
    ),
    "upside down": (
        lambda p: changed(p, "dov", ALL, ["acc y", "acc z"], lambda v: -v),
        TOML,
        r"dov: gravity in acc z has the opposite sign to all other people's",
    ),
    "nothing left of a person": (
        lambda p: changed(p, "dov", ALL, "doing", lambda _: "none"),
        TOML.replace("rate", 'ignore = ["none"]\nrate', 1),
        r"nothing is left of dov: ignored labels or lost values throughout",
    ),
}


def test_nothing_is_said_of_plausible_recordings(people, inspected):
    found = inspected(people)
    assert (found.problems, found.remarks) == ([], [])


@pytest.mark.parametrize(("change", "toml", "message"), REFUSED.values(), ids=REFUSED)
def test_what_makes_training_wrong_is_refused(people, inspected, change, toml, message):
    found = inspected(change(people), toml)
    assert len(found.problems) == 1, found.problems
    with pytest.raises(MixkdError, match=message):
        raise MixkdError(found.problems[0])


@pytest.mark.parametrize(("change", "toml", "message"), REMARKED.values(), ids=REMARKED)
def test_what_may_be_meant_is_remarked(people, inspected, change, toml, message):
    found = inspected(change(people), toml)
    assert found.problems == []
    assert len(found.remarks) == 1, found.remarks
    with pytest.raises(MixkdError, match=message):
        raise MixkdError(found.remarks[0])


FINE = {
    "a strong but possible value": (lambda p: changed(p, "ben", 70, "acc y", lambda _: -0.9), TOML),
    "people who move more": (lambda p: changed(p, "ben", ALL, GYR, lambda v: 3 * v), TOML),
    "a second of equal values": (lambda p: changed(p, "ben", slice(300, 325), AXES, lambda v: v * 0 + 0.3), TOML),
    "one axis the other way": (lambda p: changed(p, "dov", ALL, ["acc x"], lambda v: -v), TOML),
    "numbers of people": (lambda p: {w: t.assign(name=str(9 + i)) for i, (w, t) in enumerate(p.items())}, TOML),
    "names that differ": (lambda p: {w: t.assign(name=f"p{i}_1") for i, (w, t) in enumerate(p.items())}, TOML),
    "heart rate": (
        lambda p: with_extra(p, lambda i, t: 70 + i + np.random.default_rng(i).integers(-9, 9, len(t)).round()),
        EXTRA,
    ),
    "the unit of the header": (
        lambda p: {w: t.rename(columns={"acc x": "acc x [G]"}) for w, t in p.items()},
        TOML.replace('"acc x"', '"acc x [G]"'),
    ),
}


@pytest.mark.parametrize("column", ["name", "doing"])
def test_long_names_make_no_long_lines(people, inspected, column):
    for who, letter in (("ada", "x"), ("ben", "X")):  # one person in two spellings; or what one person alone did
        people[who] = people[who].replace({column: {people[who][column][0]: 5000 * letter}})
    found = inspected(people)
    lines = [*found.problems, *found.remarks]
    assert lines
    assert max(map(len, lines)) <= 1000


@pytest.mark.parametrize(("change", "toml"), FINE.values(), ids=FINE)
def test_what_people_do_is_not_remarked(people, inspected, change, toml):
    found = inspected(change(people), toml)
    assert (found.problems, found.remarks) == ([], [])


# -- classes and the window


def test_labels_that_a_window_loses_are_named_with_one_that_keeps_them(people, inspected):
    """Hops of 0.6 to 1.0 s among rest: none is left at 2 s; at the window that is named they are."""
    files = {}
    for who, table in people.items():
        table = table.copy()
        for k in range(10):
            start = 1300 + 110 * k
            table.loc[start : start + 14 + k, "doing"] = "hop"
        files[who] = table
    found = inspected(files)
    [remark] = found.remarks
    assert remark.startswith("hop: all of 40 stretches (0.6 to 0.96 s) are shorter than the window of 2 s")
    window = float(remark.partition("window = ")[2].split()[0])
    assert "hop" not in found.classes
    kept = inspected(files, TOML.replace("window = 2.0", f"window = {window}"))
    assert sum(part.label == "hop" for part in kept.stretches) >= 36


# -- files


def test_channels_that_never_change_are_remarked_each(people, inspected):
    still = {who: table.assign(**dict.fromkeys(AXES, 0.5)) for who, table in people.items()}
    found = inspected(still)
    assert found.problems == []
    assert [remark for remark in found.remarks if "has one value, 0.5: leave it out" in remark] == found.remarks[:6]


def test_hidden_files_and_outputs_are_no_recordings(people, inspected, tmp_path):
    upper = {f"{who}.CSV" if who == "ada" else who: table for who, table in people.items()}
    for place in (".trash/old.csv", "x/.cache/copy.csv", ".hidden.csv"):
        (tmp_path / "own" / place).parent.mkdir(parents=True, exist_ok=True)
        people["ben"].assign(name="ghost").to_csv(tmp_path / "own" / place, index=False)
    (tmp_path / "own" / "ben.labels.csv").write_text("start_s,end_s,label,confidence\n0,2,stir,0.9\n")
    found = inspected(upper, 'files = "**/*.csv"\n' + TOML)
    assert (found.problems, found.people) == ([], sorted(PEOPLE))
    assert found.counts == {"files that `mixkd predict` wrote, left out": 1}


@pytest.mark.parametrize(
    ("one", "other", "pattern"),
    [
        ("{}/Accelerometer.csv", "{}/Gyroscope.csv", "**/Accelerometer.csv"),
        ("{}_Acc.csv", "{}_Magn.csv", "*Acc*.csv"),
        ("gyro/{}.csv", "accel/{}.csv", "accel/**/*.csv"),
    ],
)
def test_sensors_in_files_of_their_own_are_refused(people, inspected, one, other, pattern):
    files = {place.format(who): table for who, table in people.items() for place in (one, other)}
    found = inspected(files, 'files = "**/*.csv"\n' + TOML)
    assert "found files of several sensors, read as if they were one" in found.problems[0]
    assert f'files = "{pattern}" in dataset.toml reads one' in found.problems[0]
    alone = inspected({}, f'files = "{pattern}"\n' + TOML)
    assert (alone.problems, alone.people) == ([], sorted(PEOPLE))


def test_files_of_two_sensors_without_names_are_remarked(people, inspected):
    three = {"acc x": "x", "acc y": "y", "acc z": "z"}, {"gyr x": "x", "gyr y": "y", "gyr z": "z"}
    files = {}
    for who, table in people.items():
        stir = table[table.doing == "stir"]
        for part, columns in zip(("k1", "k2"), three, strict=True):
            files[f"{who}-{part}.csv"] = stir.rename(columns=columns)[["x", "y", "z", "name", "doing"]]
            files[f"{who}-{part}.csv"][["x", "y", "z"]] *= 1 if part == "k1" else 9
        files[f"{who}-rest.csv"] = table[table.doing == "rest"].rename(columns=three[0])[
            ["x", "y", "z", "name", "doing"]
        ]
    toml = TOML.split("[ch")[0] + '[channels]\nx = "?"\ny = "?"\nz = "?"\n'
    assert any("but values of other size: are they two sensors?" in remark for remark in inspected(files, toml).remarks)


# -- names, units and copies


WORDS = st.text("abcxyzABCXYZéñÖЖя0189", min_size=1, max_size=8)


@given(WORDS, st.sampled_from([str.upper, str.lower, lambda w: f"  {w} ", lambda w: w]))
def test_spellings_of_a_word_have_one_key(word, spell):
    if spell(word).casefold().strip() == word.casefold():  # not where a script has no such case
        assert names.key(spell(word)) == names.key(word)


@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 3))
def test_spellings_of_a_number_have_one_key(number, before, behind):
    assert names.key("0" * before + f"{number}." + "0" * behind) == names.key(str(number))
    assert names.key(f"P_{'0' * before}{number}") == names.key(f"p{number}")


@given(st.lists(st.integers(0, 3000), min_size=2, max_size=6, unique=True))
def test_different_numbers_have_different_keys(numbers):
    assert names.alike(map(str, numbers)) == []
    assert names.alike(f"s{n // 10}_{n % 10}" for n in numbers) == []


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("acc_x [g]", "g"),
        ("Acceleration x (m/s^2)", "m/s²"),
        ("gyro y (deg/s)", "°/s"),
        ("gyr_z_rads", "rad/s"),
        ("LinAcc_ms2", "m/s²"),
        ("mag (µT)", "µT"),
        ("acc_x", None),
        ("x (left)", None),
        ("acc_g", None),
    ],
)
def test_the_unit_in_a_name(name, unit):
    assert units.in_name(name) == unit


def test_triads():
    assert units.triads(["ax", "ay", "az", "hr", "T wx", "T wy", "T wz"], ["g"] * 3 + ["1"] * 4) == [
        [0, 1, 2],
        [4, 5, 6],
    ]
    assert units.triads(["front", "up", "side", "hr"], ["g", "g", "g", "1"]) == [[0, 1, 2]]
    assert units.triads(["x", "y"], ["g", "g"]) == []


@pytest.mark.parametrize(
    ("stated", "ratio", "meant"),
    [
        ("rad/s", 55.0, "°/s"),
        ("deg/s", 0.0175, "rad/s"),
        ("m/s^2", 0.11, "g"),
        ("g", 700.0, "mg"),
        ("mg", 0.0098, "m/s²"),
        ("g", 3.0, None),
        ("bpm", 9.8, None),
        ("g", 0.0, None),
    ],
)
def test_a_ratio_tells_the_unit_that_is_meant(stated, ratio, meant):
    assert units.other(stated, ratio) == meant


@given(st.integers(0, 400), st.integers(200, 500), st.integers(0, 50))
def test_shared_rows_are_found_at_any_shift_and_nowhere_else(shift, length, seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, 1000, 3)).round(2).astype(np.float32)
    copy = np.concatenate([other[:77], one[shift : shift + length]])
    found = copies.shared([copies.marks(values) for values in (one, other[200:], copy)])
    assert found == [(0, 2, len(one[shift : shift + length]) - copies.BLOCK + 1)]


# -- false alarms on real recordings


def said(recordings, base, people=None):
    export(recordings, base, people)
    toml = draft.draft(base)
    toml.write_text(toml.read_text().replace("rate = 50.0", f"rate = {recordings.rate}"))
    found = folder.inspect(base)
    return found.problems, found.remarks


def test_nothing_is_said_of_watch(tmp_path):
    assert said(datasets.dataset("watch").load(), tmp_path / "watch") == ([], [])


@needs_shared
def test_hardly_anything_is_said_of_hapt(tmp_path, expand, monkeypatch):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("hapt")))
    problems, remarks = said(datasets.dataset("hapt").load(), tmp_path / "hapt", people=6)
    assert problems == []
    assert all("shorter than the window" in remark for remark in remarks)  # which is true
    assert len(remarks) <= 1


@needs_shared
def test_nothing_is_said_of_selfback_as_it_is_published(tmp_path, expand):  # noqa: F811
    raw = expand("selfback") / "selfback" / "raw" / "9_class" / "wrist50"
    for place in raw.glob("*/0[34][0-3].csv"):
        (tmp_path / place.parent.name).mkdir(exist_ok=True)
        shutil.copy(place, tmp_path / place.parent.name)
    toml = draft.draft(tmp_path).read_text()
    assert 'names = "{label}/{subject}.csv"' in toml
    assert "rate = 100.0" in toml
    found = folder.inspect(tmp_path)
    assert (found.problems, found.remarks) == ([], [])
    assert len(found.people) > 3


@needs_shared
def test_nothing_is_said_of_dsads(tmp_path, expand):  # noqa: F811
    for person in (1, 2, 3, 5):
        parts = []
        for activity in range(1, 20):
            at = expand("dsads") / "dsads" / "data" / f"a{activity:02}" / f"p{person}"
            signal = np.concatenate([dsads.segment(at / f"s{i:02}.txt") for i in range(20, 24)])
            parts.append(pd.DataFrame(signal, columns=dsads.CHANNELS).assign(activity=dsads.CLASSES[activity - 1]))
        pd.concat(parts).assign(person=f"p{person}").to_csv(tmp_path / f"{person}.csv", index=False)
    toml = draft.draft(tmp_path)
    assert toml.read_text().count('"m/s²"') == 15
    toml.write_text(toml.read_text().replace("rate = 50.0", f"rate = {dsads.RATE}"))
    found = folder.inspect(tmp_path)
    assert (found.problems, found.remarks) == ([], [])

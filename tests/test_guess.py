"""Drafts: what names and values tell is guessed, what is ambiguous is asked."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from mixkd.datasets.own import description, draft

TIME = np.arange(120) / 20


def axes(size=1.0, names=("x", "y", "z"), seed=0):
    """Gravity of a length, mostly along the second axis, and some motion."""
    values = np.random.default_rng(seed).normal([0.2, -0.9, 0.3], 0.05, (len(TIME), 3)) * size
    return dict(zip(names, values.round(5).T, strict=True))


def drafted(base, files, **columns):
    for i, name in enumerate(files):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns or {"time": TIME, **axes(seed=i)}).to_csv(base / name, index=False)
    draft.draft(base)
    return description.describe(base), (base / "dataset.toml").read_text()


NAMES = [f"p{who}_{what}.csv" for who, what in itertools.product((1, 2, 12), ("jump", "sit"))]
HALF = np.repeat([0, 1], 60)

ROLES = {
    "a sensor that is called user": ("userRotation.y", np.sin(TIME), None, "channel"),
    "a number of the activity": ("exerciseID", HALF, "label", "exerciseID"),
    "an activity of the user": ("user_activity", np.array(["a", "b"])[HALF], "label", "user_activity"),
    "a number of the person": ("participant no", HALF + 4, "subject", "participant no"),
    "a number of the row": ("id", 3 * np.arange(120), None, None),
    "a measurement called person": ("person", np.sin(TIME), None, "channel"),
    "a sensor called movement": ("movement", np.cos(TIME), None, "channel"),
    "another clock": ("seconds_elapsed", TIME + 3, None, None),
    "whole seconds": ("count", np.floor(TIME * 10), None, None),
}


@pytest.mark.parametrize(("name", "values", "role", "expected"), ROLES.values(), ids=ROLES)
def test_what_a_column_is(tmp_path, name, values, role, expected):
    found, _ = drafted(tmp_path, NAMES, **{"time": TIME, **axes(), name: values})
    assert found.time == "time"
    assert [name for name in found.channels if name not in "xyz"] == ([name] if expected == "channel" else [])
    if role:
        assert getattr(found, role) == expected
    else:
        assert (found.subject, found.label, found.names) == (None, None, "{subject}_{label}.csv")


def test_two_columns_that_may_be_the_label_are_asked(tmp_path):
    exercise, task = np.array(["a", "b"])[HALF], np.array(["u", "v", "w"])[np.arange(120) // 40]
    found, text = drafted(tmp_path, ["all.csv"], **axes(), who="ann", exercise=exercise, task=task)
    assert (found.subject, found.label) == ("who", "?")
    assert 'label = "?"  # exercise or task?' in text


def test_two_spellings_of_the_label_are_not(tmp_path):
    found, _ = drafted(tmp_path, ["all.csv"], **axes(), who="ann", label=HALF + 7, activity=np.array(["a", "b"])[HALF])
    assert found.label == "activity"
    assert list(found.channels) == ["x", "y", "z"]


FILES = {
    "p and a date": (
        ["2024-05-{:02}_p{}_run.csv", "2024-05-{:02}_p{}_sit.csv"],
        "2024-05-{recording}_{subject}_{label}.csv",
    ),
    "people before trials": (["run_p{}_3.csv", "sit_p{}_4.csv"], "{label}_{subject}_{recording}.csv"),
    "a word before the number": (["subj_{}_run.csv", "subj_{}_sit.csv"], "subj_{subject}_{label}.csv"),
    "activities that are numbers": (["a01_p{}.csv", "a02_p{}.csv"], "{label}_{subject}.csv"),
    "folders of one or two words": (["sit/{}.csv", "walk_fast/{}.csv"], "{label}/{subject}.csv"),
    "two words": (["{}_run_left.csv", "{}_sit_left.csv", "{}_run_right.csv"], None),
    "two numbers": (["{}_1_run.csv", "{}_2_sit.csv"], None),
}


@pytest.mark.parametrize(("shapes", "expected"), FILES.values(), ids=FILES)
def test_names_of_files(tmp_path, shapes, expected):
    files = {shape.format(*[who] * shape.count("{")) for shape in shapes for who in (3, 5, 8)}
    found, text = drafted(tmp_path, sorted(files))
    assert found.names == expected
    assert ('subject = "?"' in text) == (expected is None)


UNITS = {
    "a header": ({"Acceleration x (m/s^2)": 1.0}, {"Acceleration x (m/s^2)": "m/s²"}),
    "gravity of 9.8": (axes(9.80665), dict.fromkeys("xyz", "m/s²")),
    "gravity of 1": (axes(), dict.fromkeys("xyz", "g")),
    "gravity of 1000": (axes(1000, ("accX", "accY", "accZ")), dict.fromkeys(("accX", "accY", "accZ"), "mg")),
    "degrees": (axes(120, ("gx", "gy", "gz")), dict.fromkeys(("gx", "gy", "gz"), "°/s")),
    "a header against gravity": (axes(1, ("a x [m/s2]", "a y [m/s2]", "a z [m/s2]")), {"a y [m/s2]": "m/s²"}),
    "nothing known": ({"pressure": 1.0}, {"pressure": "?"}),
}


@pytest.mark.parametrize(("columns", "expected"), UNITS.values(), ids=UNITS)
def test_units(tmp_path, columns, expected):
    columns = {name: np.sin(TIME) if np.isscalar(value) else value for name, value in columns.items()}
    found, _ = drafted(tmp_path, NAMES, **{"time": TIME, **columns})
    assert expected.items() <= found.channels.items()


def test_a_unit_that_only_a_name_tells_is_marked(tmp_path):
    _, text = drafted(tmp_path, NAMES, **{"time": TIME, **axes(0.3), "wx": np.sin(TIME)})
    assert text.count("# unit guessed from the name") == 4


def test_sensors_in_files_of_their_own_are_joined(tmp_path):
    files = [f"s{who}_{what}/{kind}.csv" for who in (1, 2) for what in ("row", "run") for kind in ("Gyroscope", "Acc")]
    found, text = drafted(tmp_path, files)
    assert (found.files, found.names) == ("**/Acc.csv", "{subject}_{label}/Acc.csv")
    assert found.sensors == ("Acc.csv", "Gyroscope.csv")
    assert 'sensors = ["Acc.csv", "Gyroscope.csv"]  # files of one recording, joined by time' in text


def test_extensions_in_capitals(tmp_path):
    found, _ = drafted(tmp_path, [name.upper() for name in NAMES])
    assert found.names == "{subject}_{label}.CSV"

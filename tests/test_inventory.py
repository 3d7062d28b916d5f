"""What data sets hold: measured by hand on small recordings, kept beside older rows; nothing shown that was not."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from mixkd import MixkdError
from mixkd.analysis import sizes
from mixkd.cli import main
from mixkd.datasets import DATASETS, Recordings
from mixkd.datasets.raw import download
from mixkd.studies import inventory

ENTRY = replace(DATASETS["synthetic"], window=4, step=2, rule="whole", test=())


def recordings(**changes) -> Recordings:
    """Three people, four recordings of 4, 8, 6 and 2 samples, at 2 Hz."""
    lengths = (4, 8, 6, 2)
    labels = [np.full(n, label) for n, label in zip(lengths, (0, 1, 0, 1), strict=True)]
    labels[1][6:] = 0  # the last two samples are of the other class: one window less
    parts = {
        "signals": tuple(np.zeros((n, 3), np.float32) for n in lengths),
        "labels": tuple(labels),
        "subjects": np.array([5, 5, 9, 7]),
        "rate": 2.0,
        "channels": ("x", "y", "z"),
        "units": ("g",) * 3,
        "classes": ("still", "moving"),
        "counts": {"gaps, interpolated": 7},
    }
    return Recordings(**parts | changes)


def row(**changes) -> dict:
    return {**inventory.measure(recordings(), ENTRY), "files": "as published", **changes}


def test_measured_by_hand():
    assert inventory.measure(recordings(), ENTRY) == {
        "people": 3,
        "recordings": 4,
        "hours": round(20 / 2 / 3600, 4),
        "rate": 2.0,
        "channels": 3,
        "seconds": 2.0,
        "windows": {"still": 1 + 2, "moving": 2},
        "folds": 3,
        "counts": {"gaps, interpolated": 7},
    }


def test_measured_as_the_entry_cuts_and_splits():
    assert inventory.measure(recordings(), replace(ENTRY, step=1))["windows"] == {"still": 1 + 3, "moving": 3}
    ends = inventory.measure(recordings(), replace(ENTRY, rule="ends", step=1))
    assert ends["windows"] == {"still": 1, "moving": 2}, "starts at `step`, and before the last"
    assert inventory.measure(recordings(), replace(ENTRY, test=(9,)))["folds"] == 1


def test_rows_are_kept_beside_older_ones_and_replaced_by_newer(tmp_path):
    path = tmp_path / "results" / "datasets.json"
    assert inventory.read(path) == {}
    inventory.add({"watch": row(people=1), "hapt": row()}, path)
    inventory.add({"watch": row(people=2)}, path)
    assert inventory.read(path) == {"watch": row(people=2), "hapt": row()}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "datasets.json"
    path.write_text("{")
    with pytest.raises(MixkdError, match=r"datasets\.json: cannot be read as JSON; remove it"):
        inventory.add({"watch": row()}, path)
    assert path.read_text() == "{"


def test_sizes_show_every_data_set_and_no_number_that_was_not_measured():
    table = sizes.sizes({"watch": row()})
    assert list(table.index) == list(DATASETS)
    assert list(table.loc["watch"]) == ["3", "0.00", "2", "3", "2", "2", "5", "3", "as published"]
    others = table.drop("watch")
    assert set(others.pop("files")) == {"not measured"}
    assert set(others.to_numpy().ravel()) == {sizes.UNKNOWN}


def test_counts_by_class_are_added_up_and_others_kept_apart():
    counts = {"samples, still": 3, "samples, moving": 4, "samples, left out": 5}
    table = sizes.repairs({"watch": row(counts=counts), "hapt": row()})
    assert list(table["what"]) == ["samples", "samples, left out", "gaps, interpolated"]
    assert list(table["count"]) == ["7", "5", "7"]
    assert list(table.index) == ["watch", "watch", "hapt"]


def test_balance_and_scale():
    table = sizes.balance({"watch": row()})
    assert dict(zip(table["class"], table["share"], strict=True)) == {"still": 3 / 5, "moving": 2 / 5}
    assert set(table["equal"]) == {1 / 2}
    assert sizes.scale({"watch": row()}).to_dict("records") == [
        {"dataset": "watch", "people": 3, "hours": 0.0028, "classes": 2}
    ]


def test_sets_of_a_few_people_say_so():
    assert set(sizes.restrictions({}).values()) == {"is not measured here"}
    few = {"gaitpdb": row(people=5, windows={"control": 9, "patient": 0}), "running": row(people=15)}
    assert sizes.restrictions(few) == {
        "of_gaitpdb": "has 5 of its 166 people here, no patient among them: nothing here is about patients",
        "of_running": "has one runner, whose 15 speeds and slopes are counted as people",
    }


def test_sensors_and_licences_are_known_without_any_file():
    table = sizes.registered()
    assert list(table.index) == list(DATASETS)
    assert table.map(bool).to_numpy().all()


@pytest.mark.parametrize(
    ("content", "known", "record", "expected"),
    [
        ("a", {"f": "a"}, {}, "as published"),
        ("b", {"f": "a"}, {}, "not as published"),
        ("a", {"f": "a", "g": "a"}, {}, "not as published"),
        ("a", {"g": "a"}, {}, "not checked"),
        ("a", {}, {"url": "u", "files": {"f": "a"}}, "as fetched"),
        ("b", {}, {"url": "u", "files": {"f": "a"}}, "not checked"),
        ("a", {}, {"files": {"f": "a"}}, "not checked"),
    ],
)
def test_whose_files_were_read(content, known, record, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    (tmp_path / "hapt").mkdir()
    (tmp_path / "hapt" / "f").write_text(content)
    monkeypatch.setattr(download, "sha256_of", lambda path: path.read_text())
    monkeypatch.setattr(download, "known", lambda name: known)
    (tmp_path / "hapt.files.json").write_text(json.dumps(record))
    assert download.origin("hapt").startswith(expected)


def test_the_command_adds_what_is_here_and_names_what_is_not(tmp_path, monkeypatch, capsys, store_home):
    path = tmp_path / "datasets.json"
    inventory.add({"hapt": row()}, path)
    monkeypatch.setattr(main.out, "_width", 200)
    monkeypatch.setattr(sys, "argv", ["mixkd", "data", "survey", "-o", str(path)])
    with pytest.raises(SystemExit) as end:
        main.main()
    assert not end.value.code
    assert "synthetic: 6 people, 0.2 h; files installed" in capsys.readouterr().out
    assert set(inventory.read(path)) == {"watch", "synthetic", "gait", "hapt"}
    monkeypatch.setattr(sys, "argv", ["mixkd", "data", "survey", "dsads", "wach", "synthetic", "-o", str(path)])
    with pytest.raises(SystemExit) as end:
        main.main()
    said = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 1
    assert "dsads: " in said
    assert "`mixkd data fetch dsads`" in said
    assert "wach: dataset: found 'wach', did you mean 'watch'?" in said
    assert "synthetic: 6 people" in said, "the others are measured all the same"


def test_the_committed_rows_are_those_of_this_code(store_home):
    rows = inventory.read()
    assert {"watch", "synthetic"} <= set(rows) <= set(DATASETS)
    for name in ("watch", "synthetic"):
        assert inventory.survey(name) == rows[name]
    assert len({frozenset(r) for r in rows.values()}) == 1

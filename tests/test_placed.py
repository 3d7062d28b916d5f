"""Views with placements: the recordings of one person at several places, equal to those of the sets they come from."""

from __future__ import annotations

import numpy as np
import pytest
from shared import expand, needs_shared  # noqa: F401 - a fixture
from test_loaders import dsads_files, mhealth_files, put, records, root  # noqa: F401 - fixtures
from test_selfback import text, wave

from mixkd import windows
from mixkd.datasets import Recordings, dataset
from mixkd.datasets.sets import dsads, mhealth, selfback
from mixkd.errors import MixkdError

WORN = {  # people and activities by place
    "w": [("jogging", 7, 800), ("jogging", 26, 1200), ("jogging", 30, 900), ("sitting", 26, 600), ("sitting", 30, 600)],
    "t": [("jogging", 26, 1000), ("jogging", 30, 700), ("sitting", 26, 800), ("sitting", 44, 600)],
}


@pytest.fixture
def selfback_files(root):  # noqa: F811
    """Three people with a sensor at the wrist, three at the thigh, two of them with both: as at UCI."""
    for place, recordings in WORN.items():
        for activity, person, n in recordings:
            path = root / "selfback" / "selfBACK" / place / activity / f"{person:03d}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(wave(n, hertz=1 + person / 50 + (place == "t"))))


def rows(found: Recordings) -> list[tuple[int, int, bytes]]:
    return [
        (int(s), int(y[0]), x.tobytes()) for s, y, x in zip(found.subjects, found.labels, found.signals, strict=True)
    ]


def test_both_places_of_those_who_wore_both(selfback_files):
    found = dataset("selfback_placed").load()
    assert found.placements == ("wrist", "thigh")
    for place, name in enumerate(("selfback", "selfback_thigh")):
        expected = [row for row in rows(dataset(name).load()) if row[0] in (26, 30)]
        placed = [row for row, at in zip(rows(found), found.placement, strict=True) if at == place]
        assert placed == expected
    assert found.placement.tolist() == [0] * 4 + [1] * 3
    assert found.counts == {"recordings of people without the other placement, left out": 2}
    assert found.classes == selfback.CLASSES
    cut = windows.cut(found, 250, 250)
    assert cut.placement.tolist() == [0] * 5 + [1] * 4


def test_files_are_parsed_once_for_all_views(selfback_files, monkeypatch):
    dataset("selfback").load()
    dataset("selfback_thigh").load()
    monkeypatch.setattr(selfback, "gather", lambda files: pytest.fail("parsed again"))
    assert len(dataset("selfback_placed").load().signals) == 7


def test_each_unit_has_its_columns(root, monkeypatch):  # noqa: F811
    base = dsads_files(root, monkeypatch)
    whole = dataset("dsads").load()
    monkeypatch.setattr(dsads, "gather", lambda base: pytest.fail("parsed again"))
    found, entry = dataset("dsads_placed").load(), dataset("dsads_placed")
    assert len(found.signals) == 5 * len(whole.signals) == 5 * 48
    assert found.placements == ("torso", "right arm", "left arm", "right leg", "left leg")
    assert found.channels == ("acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z", "mag x", "mag y", "mag z")
    assert found.units == ("m/s^2",) * 3 + ("rad/s",) * 3 + ("1",) * 3
    assert found.placement.tolist() == [0, 1, 2, 3, 4] * 48
    at = next(i for i in range(48) if whole.labels[i][0] == 1 and whole.subjects[i] == 3)
    expected = np.loadtxt(base / "a02" / "p3" / "s01.txt", delimiter=",")
    for unit in range(5):
        assert (found.labels[5 * at + unit][0], found.subjects[5 * at + unit]) == (1, 3)
        np.testing.assert_allclose(found.signals[5 * at + unit], expected[:, 9 * unit : 9 * unit + 9], rtol=1e-6)
    cut = windows.cut(found, entry.window, entry.step)
    assert cut.x.shape == (240, 9, 100)
    assert np.bincount(cut.placement).tolist() == [48] * 5


def test_each_place_of_mhealth_has_its_acceleration(mhealth_files, monkeypatch):  # noqa: F811
    whole = dataset("mhealth").load()
    monkeypatch.setattr(mhealth, "gather", lambda files: pytest.fail("parsed again"))
    found = dataset("mhealth_placed").load()
    assert len(found.signals) == 3 * len(whole.signals) == 3 * 30
    assert found.placements == ("chest", "left ankle", "right lower arm")
    assert (found.channels, found.units) == (("acc x", "acc y", "acc z"), ("m/s^2",) * 3)
    assert found.placement.tolist() == [0, 1, 2] * 30
    expected = np.loadtxt(mhealth_files / "mHealth_subject1.log")[145:275]  # its second stretch: sitting
    for place, first in enumerate((0, 5, 14)):  # columns of the official files
        assert (found.labels[3 + place][0], found.subjects[3 + place]) == (1, 1)
        np.testing.assert_allclose(found.signals[3 + place], expected[:, first : first + 3], rtol=1e-6)


WATCH, PHONE = {1600: "AS", 1601: "A", 1602: "S", 1603: "A"}, {1601: "AS", 1602: "A", 1603: "S", 1604: "A"}


def test_watch_and_phone_of_those_who_have_both(root, store_home):  # noqa: F811
    """Whose activities differ between the two; people of one device alone are left out."""
    base = root / "wisdm" / "wisdm-dataset" / "raw"
    for device, people in (("watch", WATCH), ("phone", PHONE)):
        if device == "phone":
            with pytest.raises(MixkdError, match=r"found no folder wisdm-dataset/raw/phone/accel, .*fetch wisdm"):
                dataset("wisdm_placed").load()
        for person, activities in people.items():
            text = "".join(records(person, word, 240, start=10**12 * i) for i, word in enumerate(activities))
            put(base / device / "accel" / f"data_{person}_accel_{device}.txt", text)
    found = dataset("wisdm_placed").load()
    assert found.placements == ("watch", "phone")
    watch = [(person, 0, word) for person in (1601, 1602, 1603) for word in WATCH[person]]
    phone = [(person, 1, word) for person in (1601, 1602, 1603) for word in PHONE[person]]
    about = zip(found.subjects, found.placement, found.labels, strict=True)
    assert [(int(s), int(p), "ABCDEFGHIJKLMOPQRS"[y[0]]) for s, p, y in about] == watch + phone
    alone = dataset("wisdm").load()
    at = alone.subjects.tolist().index(1601)
    np.testing.assert_array_equal(found.signals[0], alone.signals[at])
    assert found.counts == {"recordings of people without the other placement, left out": 3}
    assert set(windows.cut(found, 100, 100).placement.tolist()) == {0, 1}


def test_nobody_is_in_two_parts_at_two_places(root, monkeypatch):  # noqa: F811
    dsads_files(root, monkeypatch)
    cut = windows.cut(found := dataset("dsads_placed").load(), 100, 100)
    for fold in windows.folds(found.subjects):
        parts = windows.split(cut, fold)
        people = [set(part.subject.tolist()) for part in parts.values()]
        assert sum(map(len, people)) == len(set.union(*people)) == 8
        assert all(set(part.placement.tolist()) == set(range(5)) for part in parts.values())


@needs_shared
def test_selfback_whole(expand, monkeypatch, store_home):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand("selfback")))
    found, entry = dataset("selfback_placed").load(), dataset("selfback_placed")
    assert len(found.signals) == 612
    people = [*range(26, 32), *range(33, 37), *range(39, 45), *range(46, 64)]  # ../shared/data/README.md
    for place in (0, 1):
        here = np.flatnonzero(found.placement == place)
        pairs = sorted((int(found.subjects[i]), int(found.labels[i][0])) for i in here)
        assert pairs == [(person, activity) for person in people for activity in range(9)]
    cut = windows.cut(found, entry.window, entry.step)
    assert np.bincount(cut.placement).tolist() == [9797, 9792]

"""Mixup chosen on validation people: who is chosen, from what, and what it changes, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from runs import small
from scipy import stats

from mixkd.analysis import adaptive
from mixkd.studies import designs, tables

SETTINGS = ("no mixup", "alpha 0.2", "full mixup")
VALIDATION = [[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]]  # by fold: a setting each
TESTED = [[0.9, 0.3, 0.8], [0.8, 0.1, 0.2], [0.2, 0.5, 0.6]]


def frame(tested=TESTED, validation=VALIDATION) -> pd.DataFrame:
    rows = [
        ("watch", "signal", fold, name, validation[fold][i], tested[fold][i], 1 - tested[fold][i] / 10)
        for fold in range(3)
        for i, name in enumerate(SETTINGS)
    ]
    columns = ["dataset", "teachers", "fold", "setting", "validation_nll", "nll", "accuracy"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=3)


def test_choices_by_hand():
    taken = adaptive.choices(frame()).pivot(index="fold", columns="rule", values="setting")
    assert list(taken["validation"]) == list(SETTINGS)
    # means of the other folds: (0.5, 0.3, 0.4), (0.55, 0.4, 0.7), (0.85, 0.2, 0.5)
    assert list(taken["fixed"]) == ["alpha 0.2"] * 3
    assert set(taken["none"]) == {"no mixup"}
    assert set(taken["default"]) == {"full mixup"}


@pytest.mark.parametrize("fold", range(3))
def test_no_choice_sees_the_unseen_person(fold):
    """Whatever the scores of a fold's own person are, its choices stay; those of others may change."""
    other = [row if i != fold else [-9.0, 9.0, -99.0] for i, row in enumerate(TESTED)]
    before, after = (adaptive.choices(frame(tested)) for tested in (TESTED, other))
    same = before["setting"] == after["setting"]
    assert same[before["fold"] == fold].all()
    assert not same[before["rule"] == "fixed"].all()
    assert same[before["rule"] != "fixed"].all()


def test_changes_are_of_the_same_unseen_person():
    found = adaptive.table(frame()).set_index(["rival", "metric"])
    differences = [0.9 - 0.3, 0.0, 0.6 - 0.5]
    row = found.loc[("fixed", "nll")]
    assert row["effect"] == pytest.approx(sum(differences) / 3)
    bounds = stats.t.interval(0.95, 2, row["effect"], stats.sem(differences))
    assert (row["low"], row["high"]) == pytest.approx(bounds)
    assert found.loc[("none", "accuracy"), "effect"] == pytest.approx(-(0.0 - 0.7 + 0.4) / 30)
    assert set(found["n"]) == {3}
    times = adaptive.counts(frame()).loc["signal"]
    assert times["chosen"].to_dict() == dict.fromkeys(SETTINGS, 1)
    assert times["fixed"].to_dict() == {"no mixup": 0, "alpha 0.2": 3, "full mixup": 0}


def test_words():
    of = pd.concat([frame().assign(teachers=name) for name in adaptive.TEACHERS])
    effect = adaptive.table(of)
    for side, low, high in (("no clear change of", -0.1, 0.2), ("lower", -0.3, -0.1), ("higher", 0.1, 0.3)):
        clauses = adaptive.sentence(effect.assign(low=low, high=high)).split("; ")
        assert clauses[:2] == [
            f"signal teacher: {side} NLL (+0.23 nats [{low:+.2f}, {high:+.2f}]",
            "accuracy -2.3 points)",
        ]
    nothing = adaptive.table(frame()[:0])
    assert adaptive.sentence(nothing) == adaptive.MISSING
    assert adaptive.counts(frame()[:0]).empty


def test_settings_of_the_study_have_names_of_their_own():
    runs = designs.teacher_mixup(small(), 1.0)
    about = pd.DataFrame(map(tables.describe, runs))
    record = SimpleNamespace(metrics=lambda choice, split: {"nll": {"validation": 7.0, "test": 8.0}[split]})
    of = adaptive.candidates(about.assign(record=record))
    assert set(of["validation_nll"]) == {7.0}
    assert not of.duplicated(["teachers", "setting"]).any()
    by = {name: set(part["setting"]) for name, part in of.groupby("teachers")}
    assert by["signal"] == by["image"] >= {"no mixup", "full mixup", "alpha 0.2", "10 % of a batch"}
    assert by["both"] == {"no mixup", "full mixup", "signal alone", "image alone"}

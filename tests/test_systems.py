"""Thirteen systems side by side: rows with chapters and sources, controls with as many steps, and what is said."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from smoke import ROOT

from mixkd import figures, studies, topology
from mixkd.analysis import forces, line, pictures, side_by_side, systems
from mixkd.analysis.effects import specs
from mixkd.analysis.systems import INGREDIENTS, SYSTEMS
from mixkd.runs.planning import with_requirements
from mixkd.runs.store import RunRecord
from mixkd.specs.parts import ImageSpec
from mixkd.studies import Scope, catalogue

EFFECTS = [system.effect for system in SYSTEMS if system.effect]
(BASE, *_) = studies.bases(Scope("synthetic"))


def test_every_system_has_a_chapter_a_source_and_known_parts():
    assert len({system.name for system in SYSTEMS}) == len(SYSTEMS) == 13
    cited = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(), re.MULTILINE))
    for system in SYSTEMS:
        assert (ROOT / "notebooks" / f"{system.chapter}.ipynb").is_file(), system.name
        assert not system.source or system.source in cited, system.source
        assert set(system.shares) <= set(INGREDIENTS)
    told = systems.ingredients().set_index("name")
    assert told.loc["TPKD", list(INGREDIENTS)].to_list() == [True, True, False, False, True, False, False]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.what)
def test_a_system_and_its_control_have_as_many_steps_on_the_same_people(effect):
    changed, plain = effect.changed(BASE), effect.plain(BASE)
    assert changed != plain
    for field in ("windows", "batch_size", "learning_rate", "family", "task"):
        assert getattr(changed, field) == getattr(plain, field), field
    ours, theirs = (sum(run.total_epochs for run in (spec, *spec.teacher_runs)) for spec in (changed, plain))
    assert ours == theirs, "teachers count too"


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_studies_have_the_runs(profile):
    scope = Scope("synthetic", profile)
    every = set(with_requirements(studies.every(scope)))
    for effect in EFFECTS:
        bases = line.first(studies.bases_of(effect.study, scope))
        assert set(specs(bases, catalogue.every_run(effect.study, scope), [effect])) <= every, effect.what


def record(spec) -> RunRecord:
    metrics = dict.fromkeys(("accuracy", "nll"), 0.5 + 0.1 * spec.fold + 0.04 * spec.seed)
    about = {"subjects": {"test": [spec.fold]}, "windows": {"train": 650}}
    probes = {"subjects": {str(spec.fold): metrics}, "validation_confusion": [[1]]}
    return RunRecord(spec, [{"test": metrics}], about, {}, probes)


def test_scores_are_of_the_system_and_steps_of_all_people(monkeypatch):
    """Two people at 50 and 60 %, 4 more with another seed; 650 windows make 10 batches, also for two people."""
    two = Scope("synthetic", "quick")
    bases = [replace(base, batch_size=64, epochs=7, seed=seed) for base in studies.bases(two) for seed in (0, 1)]
    part = line.Portion("synthetic", tuple(EFFECTS), bases, record, False)
    monkeypatch.setattr(line, "portions", lambda scope, of: [part])
    scores = side_by_side.scores(two).set_index("what")
    assert list(scores.index) == [effect.what for effect in EFFECTS]
    assert scores["mean"].to_numpy() == pytest.approx(57)
    assert scores["sd"].to_numpy() == pytest.approx(10 / math.sqrt(2))
    assert set(scores["people"]) == {2}
    assert scores["steps"].to_dict() == {e.what: 140 if e.what == "TPKD" else 70 for e in EFFECTS}


ROWS = pd.DataFrame(
    [
        ("A", "watch", 0.02, 0.01, 0.03),
        ("B", "watch", -0.02, -0.03, -0.01),
        ("C", "watch", 0.0, -0.01, 0.01),
        ("D", "watch", 0.05, math.nan, math.nan),
        ("A", "selfback", 0.05, math.nan, math.nan),
    ],
    columns=["what", "dataset", "effect", "low", "high"],
).assign(metric="accuracy")


def test_the_answer_counts_clear_effects_and_names_them():
    nll = ROWS.assign(metric="nll", low=1, high=2)
    assert side_by_side.answer(pd.concat([ROWS, nll])) == (
        'on watch "A" gained clearly and "B" lost clearly, 1 of 4 show no clear difference, '
        "1 of 4 cannot be judged, for there are too few people; "
        "on selfback 1 of 1 cannot be judged, for there are too few people"
    )


def test_the_figures_show_every_row():
    fig = figures.effects(ROWS.assign(n=2, people=2))
    drawn = [drawn for drawn in fig.axes[0].get_lines() if drawn.get_marker() == "D"]
    assert sorted(float(one.get_xdata()[0]) for one in drawn) == pytest.approx(sorted(100 * ROWS["effect"]))
    marks = [mark for mark in figures.shared(systems.ingredients()).axes[0].get_lines() if mark.get_marker() == "o"]
    assert sum(len(mark.get_xdata()) for mark in marks) == sum(len(system.shares) for system in SYSTEMS)


def test_forces_are_in_per_cent_of_the_error_of_labels(monkeypatch):
    """Two people, wrong by 2 and 4 with labels, by 1 and 4 with time: 0.5 less of 3."""
    errors = {"labels": (2.0, 4.0), "time-aware": (1.0, 4.0)}
    table = pd.DataFrame(
        {"dataset": "gait", "fold": i, "seed": 0, "system": name, "subject": str(i), "rmse": rmse}
        for name, of_people in errors.items()
        for i, rmse in enumerate(of_people)
    ).assign(nrmse=0.1, pearson_r=0.9)
    monkeypatch.setattr(forces, "everywhere", lambda scope: (table, []))
    row = side_by_side.of_forces(Scope("watch", "quick")).loc["gait"]
    assert (row["labels"], row["time-aware"], row["people"]) == (3.0, 2.5, 2)
    assert row["effect"] == pytest.approx(-100 / 6)
    assert math.isnan(row["low"])
    shown = side_by_side.in_units(side_by_side.of_forces(Scope("watch", "quick")))
    assert shown.loc["gait"].to_dict() == {
        **{"unit": "body weights", "labels": "3.00", "time-aware": "2.50", "effect": "-16.7", "people": "2 people"}
    }


def test_errors_of_forces_have_three_digits_and_differences_a_sign():
    errors = pd.DataFrame(
        [(131.6, 0.098, 11.9, -0.194, 24.0, 15), (0.159, 0.0876, -7.48, -29.8, 14.8, 5)],
        index=["running", "gaitpdb"],
        columns=["labels", "time-aware", "effect", "low", "high", "people"],
    )
    assert side_by_side.in_units(errors).to_numpy().tolist() == [
        ["body weights", "132", "0.0980", "+11.9", "-0.2", "+24.0", "15 conditions of one runner"],
        ["N", "0.159", "0.0876", "-7.5", "-29.8", "+14.8", "5 people"],
    ]


def test_pictures_have_the_fidelity_of_interpolation_that_scipy_finds():
    """Bilinear interpolation again, by scipy, at the finest pixels of the same pictures."""
    scope = Scope("synthetic", "smoke")
    diagrams = next(iter(studies.data(scope).values())).diagrams["train"]
    grid = topology.Grid.fit(diagrams, ImageSpec())
    truth = pictures.truths(diagrams, grid, pictures.spread(diagrams, 0), channel=0)
    given, exact = truth[min(truth)], truth[max(truth)]
    at = (np.arange(exact.shape[1]) + 0.5) * given.shape[1] / exact.shape[1] - 0.5
    places = np.meshgrid(at, at, indexing="ij")
    read = np.array([ndimage.map_coordinates(picture, places, order=1, mode="nearest") for picture in given])
    errors = np.square(read - exact).mean(axis=(1, 2))
    found = side_by_side.of_pictures(scope)
    assert found["bilinear"] == pytest.approx(np.mean(-10 * np.log10(errors)), abs=1e-3)
    assert 15 < found["Poly-INR"] < 60


def test_the_legend_names_every_data_set_where_the_first_row_has_one_alone():
    rows = ROWS[(ROWS["what"] != "A") | (ROWS["dataset"] == "watch")]
    other = ROWS[ROWS["what"] == "B"].assign(dataset="selfback")
    (legend,) = figures.effects(pd.concat([rows, other]).assign(n=2, people=2)).legends
    assert [text.get_text() for text in legend.get_texts()] == ["watch, 2 people", "selfback, 2 people"]

"""Effects of stronger teachers: budgets, names, and the runs that studies have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mixkd import studies
from mixkd.analysis import effects, line, stronger
from mixkd.runs.planning import with_requirements
from mixkd.specs.run import Mixup, RunSpec
from mixkd.studies import Scope, catalogue

BASE = RunSpec(dataset="synthetic")


@pytest.mark.parametrize("effect", stronger.STRONGER, ids=lambda effect: effect.what)
def test_no_side_has_fewer_steps_than_it_is_compared_with(effect):
    """Trees take none. A gain over labels is against as many steps as teacher and student take together."""
    changed, plain = effect.changed(BASE), effect.plain(BASE)
    assert changed != plain
    assert changed.windows == plain.windows
    networks = ([r for r in (spec, *spec.teacher_runs) if r.family == "wrn"] for spec in (changed, plain))
    ours, theirs = (sum(run.total_epochs for run in runs) for runs in networks)
    if "against labels" in effect.what:
        assert ours == theirs
    assert changed.depth == plain.depth or "against WRN16-1" in effect.what or "trees" in effect.what


@pytest.mark.parametrize("profile", ["quick", "full"])
@pytest.mark.parametrize("of", [stronger.STRONGER, stronger.REPAIRED])
def test_effects_need_runs_that_the_studies_have(of, profile):
    scope = Scope("synthetic", profile)
    study = of[0].study
    wanted = effects.specs(line.first(catalogue.bases_of(study, scope)), catalogue.every_run(study, scope), of)
    assert set(with_requirements(wanted)) <= set(with_requirements(studies.specs(study, scope)))


def test_what_methods_change_as_published_is_the_end_of_a_sentence():
    rows = [("SimKD with its convolutions", "watch", -0.016, -0.041, 0.009, 10)]
    rows += [("DIST, T = 1, weights 1", name, 0.01, float("nan"), float("nan"), 2) for name in ("watch", "hapt")]
    table = pd.DataFrame(rows, columns=["what", "dataset", "effect", "low", "high", "people"])
    table = pd.concat([table.assign(metric="accuracy"), table.assign(metric="nll", effect=9.0)])
    against = "against ordinary distillation"
    assert stronger.as_published(table) == {
        "simkd_by": f"-1.6 points [-4.1, +0.9] {against} (watch, 10 people)",
        "dist_by": f"+1.0 points {against} (watch, 2 people); +1.0 points {against} (hapt, 2 people)",
    }
    assert {effect.what for effect in stronger.REPAIRED} >= set(table["what"])


def test_names_of_runs():
    runs = studies.specs("stronger", Scope("watch", "full"))
    names = {stronger.called(spec) for spec in runs}
    assert len(names) == len({replace(spec, fold=0, seed=0) for spec in runs}) == 15
    assert {
        "extra trees themselves",
        "WRN16-1, labels alone, 2x",
        "WRN10-1, taught by extra trees, with mixup",
        "WRN10-1, taught by extra trees and signal network",
        "WRN16-1, taught by signal network and image network",
    } <= names


def test_the_table_averages_seeds_before_people():
    of = replace(BASE, mixup=Mixup())
    rows = [(BASE, "1", 0.5), (BASE, "1", 0.7), (BASE, "2", 0.8), (of, "1", 0.4), (of, "2", 0.4)]
    found = stronger.table(pd.DataFrame(rows, columns=["spec", "subject", "accuracy"]).assign(nll=1.0))
    assert list(found.index) == ["WRN16-1, labels alone", "WRN16-1, labels alone, with mixup"]
    assert found["accuracy"].to_list() == pytest.approx([0.7, 0.4])
    assert found["sd"].to_list() == pytest.approx([0.2 / 2**0.5, 0])


@pytest.mark.parametrize(
    ("bounds", "begins"),
    [
        (
            [(0.01, 0.03), (0.02, 0.04)],
            "On watch, trees as teachers raise a student's accuracy against labels alone: +2.0 ",
        ),
        (
            [(-0.03, -0.01), (-0.04, -0.02)],
            "On watch, trees as teachers lower a student's accuracy against labels alone: ",
        ),
        ([(0.01, 0.03), (-0.02, 0.04)], "On watch, trees as teachers do not clearly change every student's accuracy "),
        ([(np.nan, np.nan)] * 2, "On watch, trees as teachers change a student's accuracy against labels alone: "),
    ],
)
def test_the_answer_follows_the_intervals_of_both_sizes(bounds, begins):
    whats = [f"WRN{depth}-1 by trees, against labels alone" for depth in (16, 10)]
    rows = pd.DataFrame(bounds, columns=["low", "high"]).assign(what=whats, metric="accuracy", dataset="watch")
    rows["effect"] = rows[["low", "high"]].mean(axis=1).fillna(0.02)
    others = rows.assign(what="WRN16-1 by trees, against one by a signal network")
    found = stronger.answer(pd.concat([rows, others, rows.assign(metric="nll")]))
    assert found.startswith(begins)
    assert found.count("points") == 2
    assert "(WRN16-1)" in found
    assert found.endswith("(WRN10-1).")

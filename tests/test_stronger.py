"""Effects of stronger teachers: budgets, names, and the runs that studies have."""

from __future__ import annotations

from dataclasses import replace

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


def test_names_of_runs():
    runs = studies.specs("stronger", Scope("watch", "full"))
    names = {stronger.called(spec) for spec in runs}
    assert len(names) == len({replace(spec, fold=0, seed=0) for spec in runs}) == 15
    assert {
        "extra trees, as a teacher",
        "WRN16-1 of labels, 2x",
        "WRN10-1 of extra trees, mixup",
        "WRN10-1 of extra trees and signal network",
        "WRN16-1 of signal network and image network",
    } <= names


def test_the_table_averages_seeds_before_people():
    of = replace(BASE, mixup=Mixup())
    rows = [(BASE, "1", 0.5), (BASE, "1", 0.7), (BASE, "2", 0.8), (of, "1", 0.4), (of, "2", 0.4)]
    found = stronger.table(pd.DataFrame(rows, columns=["spec", "subject", "accuracy"]).assign(nll=1.0))
    assert list(found.index) == ["WRN16-1 of labels", "WRN16-1 of labels, mixup"]
    assert found["accuracy"].to_list() == pytest.approx([0.7, 0.4])
    assert found["sd"].to_list() == pytest.approx([0.2 / 2**0.5, 0])

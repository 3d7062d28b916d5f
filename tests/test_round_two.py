"""The second round of claims: what it compares, and the command that trains it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import small, train

from mixkd import studies
from mixkd.analysis import decisions
from mixkd.analysis.claims import CLAIMS, scratch
from mixkd.analysis.measures import MEASURES, measure
from mixkd.analysis.round_two import ROUND_TWO, campaign, change
from mixkd.cli import sweeps
from mixkd.errors import MixkdError
from mixkd.runs.planning import with_requirements
from mixkd.runs.store import Store
from mixkd.studies import Scope

METRICS = sorted({part.metric for claim in ROUND_TWO for part in claim.parts})


def test_names_go_on_and_contrasts_compare_like_with_like():
    assert [claim.name for claim in (*CLAIMS, *ROUND_TWO)] == [f"H{i}" for i in range(1, 21)]
    base = small(fold=3, seed=5)
    for claim in ROUND_TWO:
        for part in claim.parts:
            assert sum(weight for weight, _ in part.terms) == pytest.approx(0)
            assert {(make(base).fold, make(base).seed) for _, make in part.terms} == {(3, 5)}
            assert part.metric in MEASURES


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(0.1, 3))
def test_change_is_that_of_the_least_squares_line(values, weight):
    temperatures = (1.0, 4.0, 8.0)
    terms = change({t: scratch(temperature=t) for t in temperatures}, weight)
    slope = np.polyfit(np.log2(temperatures), values, 1)[0]
    found = sum(w * value for (w, _), value in zip(terms, values, strict=True))
    assert found == pytest.approx(weight * 3 * slope, abs=1e-9)


def test_two_signal_teachers_differ_in_their_seeds_alone():
    (part,) = next(claim for claim in ROUND_TWO if claim.name == "H19").parts
    run = part.terms[1][1](small(seed=2))
    one, other = run.teacher_runs
    assert (one.seed, other.seed) == (2, 102)
    assert one == small(seed=2, role="teacher")
    assert other == small(seed=102, role="teacher")
    assert studies.tables.describe(run)["teachers"] == "two signal"
    with pytest.raises(MixkdError, match=r"RunSpec\.people: found 3"):
        small(people=3, teachers=run.teachers)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return train(small(), Store(tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_measured_by_person(metric, record):
    found = measure(record, metric, np.eye(4))
    assert list(found.index) == [record.subject]
    assert np.isfinite(found).all()


def test_accuracy_under_a_corruption_is_the_mean_of_its_curve(record):
    found = measure(record, "curve_gap", np.eye(4)).item()
    assert found == pytest.approx(np.mean(record.probes["curves"]["gap"]))
    (scaled,) = record.probes["scaled"]["subjects"].values()
    assert measure(record, "nll_scaled", np.eye(4)).item() == scaled["nll"]


@pytest.mark.parametrize(("probe", "metric"), [("scaled", "nll_scaled"), ("curves", "curve_noise")])
def test_a_record_of_before_says_what_it_lacks(record, probe, metric):
    probes = {name: value for name, value in record.probes.items() if name != probe}
    with pytest.raises(MixkdError, match=rf"run synthetic .*: found no {probe}, expected a run since"):
        measure(replace(record, probes=probes), metric, np.eye(4))


def test_data_with_targets_is_refused():
    with pytest.raises(MixkdError, match="campaign: found gait, which has targets"):
        campaign(Scope("gait", "full"))


def test_a_study_has_what_the_first_round_lacks(monkeypatch):
    monkeypatch.setitem(studies.STUDIES, "second_round", replace(studies.STUDIES["second_round"], published=None))
    scope = Scope("synthetic", "full")
    assert set(campaign(scope)) <= set(studies.every(scope))


def test_runs_that_do_not_differ_show_no_effect(record):
    bases = [small(fold=fold, seed=seed) for fold in range(3) for seed in range(2)]
    decided = decisions.decide([(bases, lambda spec: replace(record, spec=spec), True)], ROUND_TWO)
    assert list(decided.claims["claim"]) == [claim.name for claim in ROUND_TWO]
    np.testing.assert_allclose(decided.parts["effect"], 0, atol=1e-12)


def test_the_command_plans_what_both_rounds_compare_one_seed_after_the_other(store_home, capsys):
    runs = campaign(Scope("synthetic", "full"))
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    sweeps.campaign("synthetic", dry_run=True)
    n_runs = len(with_requirements(runs))
    assert f"{n_runs} runs, {n_runs} missing" in capsys.readouterr().out
    assert not Store().runs.exists()


def test_the_declaration_names_every_contrast_and_what_is_claimed_of_it():
    table = decisions.declared(ROUND_TWO)
    assert list(table.index) == [claim.name for claim in ROUND_TWO]
    assert table.loc["H20", "claimed"] == "nll_scaled not above"
    assert table.loc["H17", "contrast"].count("; ") == 1

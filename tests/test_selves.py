"""Self-distillation and two heads: effects against plain loops, costs by hand, samples without effect by their rule."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_siblings import T, ce, kl, spec_of, taken_apart

from mixkd import studies
from mixkd.analysis import comparison, effects, line, selves
from mixkd.learning.methods import RULES
from mixkd.specs.run import RunSpec, TeacherSpec
from mixkd.studies import Scope, tables

# -- the loss


@pytest.fixture(autouse=True)
def _whole(monkeypatch):
    """As if the campaign were published."""
    monkeypatch.setitem(studies.STUDIES, "two_heads", replace(studies.STUDIES["two_heads"], published=None))


def test_smooth_distill_of_two_heads_is_the_released_objective():
    """a [CE1 + eta T^2 KL1] + (1 - a) [CE2 + eta T^2 KL2] with a = eta = 1/2; T as released."""
    _, z, step = taken_apart(spec_of("smooth", dataset="watch", task="two_heads"))
    by = z + np.random.default_rng(0).normal(size=z.shape).astype(np.float32)  # an average that differs by now
    step = replace(step, taught=[replace(step.taught[0], logits=torch.from_numpy(by))])
    parts = {name: part.detach().numpy() for name, part in RULES["smooth"].loss(step).items()}
    target, heads = step.target.numpy(), [slice(0, 7), slice(7, None)]
    expected = [0.5 * (ce(z[:, h], target[:, h]) + 0.5 * kl(z[:, h], by[:, h])) for h in heads]
    assert T == 3
    np.testing.assert_allclose(parts["CE"] + parts["agreement"], sum(expected), rtol=1e-4)


# -- the study


def test_the_study_of_two_heads_has_the_released_temperature_and_a_rate_for_mtl_net():
    runs = studies.specs("two_heads", Scope("watch", "full"))
    assert {run.temperature for run in runs if run.method != "kd"} == {3.0}
    assert {run.learning_rate for run in runs if run.family == "wrn"} == {0.1}
    assert len({run.learning_rate for run in runs if run.family != "wrn"}) == 1
    of_one = [(run.family, run.task, run.method) for run in runs if run.fold == 0]
    own = [("classification", "kd"), ("placement", "kd"), *(("two_heads", m) for m in ("kd", "smooth", "dropout"))]
    released = [("mtl_released", "two_heads", method) for method in ("kd", "smooth")]
    assert of_one == [(family, *each) for family in ("wrn", "mtl") for each in own] + released


def test_two_heads_are_compared_where_placements_are_and_runs_are_published():
    assert selves.scopes(Scope("synthetic", "smoke")) == [Scope("watch", "smoke")]
    assert selves.scopes(Scope("dsads_placed", "quick")) == [Scope("dsads_placed", "quick")]


# -- effects

FOLDS = {0: ("1", "2"), 1: ("3",), 2: ("4", "5", "6")}
RNG = np.random.default_rng(3)


def record(spec: RunSpec) -> SimpleNamespace:
    """As much of a record as effects read: random metrics of each person."""
    prefixes = selves.PREFIXES[spec.task].values()
    metrics = [f"{prefix}{metric}" for prefix in prefixes for metric in ("accuracy", "nll", "ece")]
    people = {person: dict(zip(metrics, RNG.random(len(metrics)), strict=True)) for person in FOLDS[spec.fold]}
    return SimpleNamespace(spec=spec, probes={"subjects": people, "validation_confusion": [[1]]})


def mean_of(by_fold: dict[int, list[float]]) -> tuple[float, float, float]:
    """Mean over folds of the means over their people, and its 95 % t interval by scipy."""
    units = [np.mean(values) for values in by_fold.values()]
    return (np.mean(units), *stats.t.interval(0.95, len(units) - 1, np.mean(units), stats.sem(units)))


def test_ways_without_a_second_network_are_compared_on_the_same_people():
    bases = [RunSpec(fold=fold, seed=seed) for fold in FOLDS for seed in (0, 1)]
    made = {run: record(run) for run in effects.specs(bases, True, selves.ALONE)}
    table = effects.table(bases, made.get, True, selves.ALONE).set_index(["what", "metric"])
    pairs = {"Smooth-Distill against scratch": ({"method": "smooth", "temperature": 3.0}, {})}
    taught = {"teachers": (TeacherSpec(),), "temperature": 4.0, "kd_weight": 0.7}
    pairs["signal teacher against scratch 2x"] = (taught, {"init": "scratch"})
    for what, (changed, plain) in pairs.items():
        by_fold = {fold: [] for fold in FOLDS}
        for fold, people in FOLDS.items():
            for person in people:
                gaps = []
                for seed in (0, 1):
                    base = RunSpec(fold=fold, seed=seed)
                    of = [made[replace(base, **f)].probes["subjects"][person]["nll"] for f in (changed, plain)]
                    gaps.append(of[0] - of[1])
                by_fold[fold].append(np.mean(gaps))
        found = table.loc[what, "nll"]
        np.testing.assert_allclose(found[["effect", "low", "high"]].astype(float), mean_of(by_fold))
        assert (found["n"], found["people"]) == (3, 6)
    points = effects.table(bases, made.get, False, selves.ALONE)
    assert points["low"].isna().all()


def heads_table() -> pd.DataFrame:
    specs = [run for run in studies.specs("two_heads", Scope("watch", "full")) if run.fold in FOLDS]
    return pd.DataFrame([{**tables.describe(spec), "record": record(spec)} for spec in specs])


def test_each_head_is_compared_with_its_own_control():
    runs = heads_table()
    scores = selves.scores(runs)
    assert len(scores) == 6 * (2 * (1 + 1 + 3 * 2) + 2 * 2)
    table = selves.heads(scores, final=True).set_index(["head", "what", "metric"])
    of = {(r.spec.family, r.spec.task, r.spec.method, r.spec.fold): r.probes["subjects"] for r in runs["record"]}

    def differences(changed: tuple, plain: tuple, metrics: tuple[str, str]) -> dict[int, list[float]]:
        return {
            fold: [of[(*changed, fold)][p][metrics[0]] - of[(*plain, fold)][p][metrics[1]] for p in people]
            for fold, people in FOLDS.items()
        }

    hard, smooth = ("mtl", "two_heads", "kd"), ("wrn", "two_heads", "smooth")
    cases = {
        ("placement", "MTL-net: hard sharing against single task", "accuracy"): (
            *(hard, ("mtl", "placement", "kd")),
            ("placement_accuracy", "accuracy"),
        ),
        ("activity", "WRN16-1: Smooth-Distill against hard sharing", "nll"): (
            *(smooth, ("wrn", "two_heads", "kd")),
            ("nll", "nll"),
        ),
        ("placement", "hard sharing: as released against repaired", "nll"): (
            *(("mtl_released", "two_heads", "kd"), hard),
            ("placement_nll",) * 2,
        ),
    }
    for key, (changed, plain, metrics) in cases.items():
        expected = mean_of(differences(changed, plain, metrics))
        np.testing.assert_allclose(table.loc[key, ["effect", "low", "high"]].astype(float), expected)
    assert set(table["question"]) == {"WRN16-1", "MTL-net", "released"}


def test_contrasts_without_runs_are_left_out():
    runs = heads_table()
    quick = selves.heads(selves.scores(runs[runs["network"] == "WRN16-1"]), final=False)
    assert set(quick["question"]) == {"WRN16-1"}
    assert quick.groupby(["head", "what"]).size().tolist() == [2] * 6


def test_words_follow_the_intervals():
    """Rows of two contexts a and b: what is clear is named with its direction, metric and context."""
    rows = pd.DataFrame(
        [
            ("one", "accuracy", "a", 0.02, 0.01, 0.03),
            ("one", "nll", "a", 0.1, -0.1, 0.3),
            ("two", "accuracy", "a", -0.02, -0.03, -0.01),
            ("two", "nll", "a", -0.2, -0.3, -0.1),
            ("one", "accuracy", "b", 0.01, -0.1, 0.1),
            ("one", "nll", "b", 0.2, 0.1, 0.3),
        ],
        columns=["what", "metric", "dataset", "effect", "low", "high"],
    )
    rows["where"] = rows["what"] + " on " + rows["dataset"]
    assert selves.changes(rows, final=True) == (
        "raises accuracy (one on a), lowers accuracy (two on a), raises NLL (one on b) and lowers NLL (two on a)"
    )
    assert selves.changes(rows.assign(low=-1, high=1), final=True) == "clearly changes neither accuracy nor NLL"
    assert "changes accuracy by +2.0 points (one on a), -2.0 points (two on a) and +1.0 points (one on b), with" in (
        selves.changes(rows, final=False)
    )
    heads = rows.assign(head=["activity", "activity", "placement", "placement", "activity", "activity"])
    assert selves.by_head(heads, True) == (
        "For activity it raises accuracy (one on a) and raises NLL (one on b); "
        "for placement it lowers accuracy (two on a) and lowers NLL (two on a)."
    )


UP, DOWN, OPEN = (0.01, 0.03), (-0.03, -0.01), (-0.01, 0.02)


def against_scratch(**bounds: tuple) -> pd.DataFrame:
    """Of each way intervals of accuracy and of NLL on `watch`; `longer` is scratch 2x."""
    names = {"smooth": selves.SMOOTH, "dropout": selves.DROPOUT, "longer": "scratch 2x", "teacher": "signal teacher"}
    rows = [
        {
            "what": f"{names[way]} against scratch",
            "metric": metric,
            "effect": (low + high) / 2,
            "low": low,
            "high": high,
        }
        for way, both in bounds.items()
        for metric, (low, high) in zip(("accuracy", "nll"), both, strict=True)
    ]
    return pd.DataFrame(rows).assign(dataset="watch")


@pytest.mark.parametrize(
    ("smooth", "dropout", "begins"),
    [
        (
            (OPEN, OPEN),
            (OPEN, OPEN),
            "No: on watch no way of self-distillation clearly changes accuracy or NLL. For com",
        ),
        (
            (OPEN, DOWN),
            (OPEN, OPEN),
            "Yes: Smooth-Distill lowers NLL (watch); Dropout self-distillation clearly changes",
        ),
        (
            (OPEN, UP),
            (DOWN, OPEN),
            "No: Smooth-Distill raises NLL (watch); Dropout self-distillation lowers accuracy (",
        ),
        (
            (UP, UP),
            (OPEN, OPEN),
            "In part: Smooth-Distill raises accuracy (watch) and raises NLL (watch); Dropout self",
        ),
    ],
)
def test_the_answer_is_about_self_distillation_and_not_about_longer_training(smooth, dropout, begins):
    ways = against_scratch(smooth=smooth, dropout=dropout, longer=(UP, UP), teacher=(UP, DOWN))
    answer = selves.alone(ways, True)
    assert answer.startswith(begins)
    assert answer.endswith(" For comparison, training twice as long raises accuracy (watch) and raises NLL (watch).")
    assert "signal teacher" not in answer
    assert selves.alone(ways, False).startswith("Open: Smooth-Distill changes accuracy by ")


def test_levels_are_means_of_the_runs_that_are_compared(monkeypatch):
    """Two seeds of all comparisons but one, which has the first seed: scratch has a row for each."""
    bases = [RunSpec(fold=fold, seed=seed) for fold in FOLDS for seed in (0, 1)]
    made = {run: record(run) for run in effects.specs(bases, True, selves.ALONE)}
    later = tuple(effect for effect in selves.ALONE if effect.what.startswith("Dropout"))
    both = tuple(effect for effect in selves.ALONE if effect not in later)
    portions = [line.Portion("watch", both, bases, made.get, True)]
    portions.append(line.Portion("watch", later, line.first(bases), made.get, True))
    monkeypatch.setattr(line, "portions", lambda scope, of: iter(portions))
    table = selves.levels(Scope("watch"))
    ways = {seeds: list(part["training"]) for seeds, part in table.groupby("seeds")}
    assert ways[1] == ["scratch", selves.DROPOUT]
    assert set(ways[2]) == set(selves.WAYS) - {selves.DROPOUT}
    for (_, n_seeds, way), row in table.set_index(["dataset", "seeds", "training"]).iterrows():
        for metric in ("accuracy", "nll", "ece"):
            of_runs = [made[selves.WAYS[way](base)].probes["subjects"] for base in bases if base.seed < n_seeds]
            expected = np.mean([np.mean([values[metric] for values in people.values()]) for people in of_runs])
            assert row[metric] == pytest.approx(expected)


def test_the_answers_of_the_chapter():
    runs = heads_table()
    two = selves.heads(selves.scores(runs), final=True)
    one = against_scratch(smooth=(OPEN, OPEN), dropout=(OPEN, OPEN), longer=(UP, OPEN))
    one = pd.concat([one, one.assign(what=one["what"] + " 2x", low=0.1, high=0.2)])
    unseen = np.array([[False, True, True], [True, True, True]])
    told = selves.answers(one, two, True, unseen=unseen)
    assert (told["seen"], told["n_samples"]) == (1, 3)
    assert told["alone"] == (
        "No: on watch no way of self-distillation clearly changes accuracy or NLL. "
        "For comparison, training twice as long raises accuracy (watch)."
    )
    few = selves.heads(selves.scores(runs[runs["network"] == "WRN16-1"]), final=False)
    told = selves.answers(one, few, False, unseen=unseen)
    assert [f"or {head} it changes accuracy by " in told["heads"] for head in ("activity", "placement")] == [True, True]
    assert told["heads"].count("points (WRN16-1 on watch)") == 2
    assert "not part of this build" in told["defect"]
    taught = runs.assign(method=["Scratch", "Base"] + ["Smooth-Distill"] * (len(runs) - 2), temperature=3.0)
    assert selves.temperatures(taught) == {"temperatures": "signal teacher 3, Smooth-Distill 3"}


def test_gains_are_against_the_plain_student_where_others_have_no_teacher_either():
    about = {
        "dataset": "watch",
        "network": "WRN16-1",
        "total_epochs": 20,
        "subject": "1",
        "seed": 0,
        "teachers": "none",
    }
    runs = [("Smooth-Distill", "S", "a", 0.7), ("Scratch", "S", "a", 0.5), ("Scratch", "Mix-S", "a", 0.1)]
    runs += [("Scratch", "S", "b", 0.9), ("Dropout self-distillation", "S", "b", 0.6)]
    table = pd.DataFrame([{**about, "method": m, "case": c, "task": t, "accuracy": a} for m, c, t, a in runs])
    np.testing.assert_allclose(comparison.gains(table)["gain"], [0.2, 0, -0.4, 0, -0.3])


# -- costs and samples


def test_costs_by_hand():
    """Of a training of 10 steps: a network that learns counts three forward passes a step, one that answers one."""
    base = RunSpec(epochs=2, batch_size=4)
    table = selves.costs(base, 21, (6, 100), 7).set_index("way")
    two = ("signal teacher", "Stochastic teacher")  # networks
    assert table["networks"].to_dict() == {way: 1 + (way in two) for way in selves.WAYS}
    assert table["steps"].to_dict() == {way: 20 if way in (*two, "scratch 2x") else 10 for way in selves.WAYS}
    own = table.loc["scratch", "parameters"]
    assert (table["parameters"] / own).to_dict() == {way: 1 + (way in (*two, "Smooth-Distill")) for way in selves.WAYS}
    assert table.loc[["scratch", "signal teacher", "Smooth-Distill", "scratch 2x"], "work"].tolist() == pytest.approx(
        [1, (3 + 4) / 3, 4 / 3, 2]
    )
    more = table["work"] - table.loc["scratch", "work"]
    assert 0 < more["Dropout self-distillation"] < 0.01
    assert 0 < more["Stochastic teacher"] - more["signal teacher"] < 0.01


@settings(deadline=None, max_examples=8)
@given(st.integers(1, 7), st.integers(30, 60))
def test_as_released_every_fourth_row_of_the_reshaped_window_is_seen(n_channels, n_samples):
    """Two poolings that stride over rows leave every fourth; a row is n_samples numbers in order of time."""
    x = np.random.default_rng(n_samples).normal(size=(6, n_channels, n_samples)).astype(np.float32)
    unseen = selves.unseen("mtl_released", x, 4)
    row = np.arange(n_samples * n_channels).reshape(n_samples, n_channels).T // n_samples
    assert unseen[row % 4 != 0].all()
    repaired = selves.unseen("mtl", x, 4)
    assert repaired.any(axis=0).sum() <= 6, "at most the last few samples, where pooling leaves a rest"
    assert not repaired[:, : n_samples - 6].any()
    seen_rows = unseen[row % 4 == 0].reshape(-1)
    assert (~seen_rows).any()


def test_a_third_of_the_published_window_is_seen():
    x = np.random.default_rng(0).normal(size=(16, 3, 100)).astype(np.float32)
    seen = ~selves.unseen("mtl_released", x, 16).all(axis=0)
    assert seen.tolist() == [True] * 34 + [False] * 66
    assert not selves.unseen("mtl", x, 16).any()

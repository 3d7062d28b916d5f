"""Effects: each is the changed setting minus the plain one, on runs whose metrics are a known function of settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from runs import small
from scipy import stats

from mixkd import figures, studies
from mixkd.analysis import effects
from mixkd.analysis.effects import EFFECTS
from mixkd.runs.published import METRICS
from mixkd.runs.store import RunRecord

BASES = [small(fold=fold, seed=seed) for fold in range(5) for seed in (0, 1)]
BY_SUBJECT = np.array([1.0, 0.6, 1.3, 0.9, 1.2])  # how strongly a setting acts on a person


def score(spec) -> float:
    """A number in which every setting that the effects change has a weight of its own."""
    signal, image = (any(t.modality == m for t in spec.teachers) for m in ("signal", "image"))
    mixed = sum(t.mixup is not None for t in spec.teachers) / max(1, len(spec.teachers))
    start = {"random": 0.0, "scratch": 0.011, "base": 0.017}[spec.init]
    cooled = 0.001 * (spec.temperature - 4) * bool(spec.teachers)
    return (
        0.02 * signal + 0.05 * image + 0.007 * mixed + start + cooled + 0.03 * (spec.mixup.share if spec.mixup else 0)
    )


def lookup(spec) -> RunRecord:
    value = BY_SUBJECT[spec.fold] * score(spec) + 0.1 * spec.seed
    metrics = dict.fromkeys(METRICS, 0.5 + value) | {"nll": 2 - value}
    probes = {"subjects": {str(spec.fold): metrics}, "validation_confusion": [[1]]}
    return RunRecord(spec, [{"test": metrics}], {"subjects": {"test": [spec.fold]}}, {}, probes)


def test_effects_are_changed_minus_plain_per_subject():
    table = effects.table(BASES, lookup).set_index(["what", "metric"])
    for effect in EFFECTS:
        by_subject = BY_SUBJECT * (score(effect.changed(BASES[0])) - score(effect.plain(BASES[0])))
        found = table.loc[effect.what, "accuracy"]
        assert found["effect"] == pytest.approx(by_subject.mean())
        assert (found["n"], found["people"]) == (5, 5)
        oracle = stats.ttest_1samp(by_subject, 0).confidence_interval(0.95)
        assert (found["low"], found["high"]) == pytest.approx((oracle.low, oracle.high))
        assert table.loc[effect.what, "nll"]["effect"] == pytest.approx(-by_subject.mean())


def test_every_effect_changes_something_and_has_a_name_of_its_own():
    assert len({effect.what for effect in EFFECTS}) == len(EFFECTS)
    for effect in EFFECTS:
        assert abs(score(effect.changed(BASES[0])) - score(effect.plain(BASES[0]))) > 1e-6, effect.what


def test_few_people_give_points_alone():
    table = effects.table(BASES[:2], lookup, final=False)
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["effect"].notna().all()
    assert {effect.what for effect in EFFECTS} - set(table["what"]) == {
        "25 % of each batch mixed",
        "50 % of each batch mixed",
        "plain teacher, temperature 2",
        "mixup-trained teacher, temperature 2",
    }


def test_effects_need_runs_that_the_studies_have():
    for profile in ("quick", "full"):
        every = {run.hash for run in studies.every(studies.Scope("synthetic", profile))}
        wanted = effects.specs(studies.bases(studies.Scope("synthetic", profile, 0)), final=profile == "full")
        assert {run.hash for run in wanted} <= every


def test_people_of_a_fold_are_one_unit():
    """Each fold tests two people, the second of whom is moved half as much."""

    def pairs(spec) -> RunRecord:
        found = lookup(spec)
        ((name, metrics),) = found.probes["subjects"].items()
        half = {key: 0.5 + (value - 0.5) / 2 for key, value in metrics.items()}
        return replace(found, probes=found.probes | {"subjects": {name: metrics, f"1{name}": half}})

    one, two = (effects.table(BASES, runs).query("metric == 'accuracy'").set_index("what") for runs in (lookup, pairs))
    assert set(two["n"]) == {5}
    assert set(two["people"]) == {10}
    assert two[["effect", "low", "high"]].to_numpy() == pytest.approx(0.75 * one[["effect", "low", "high"]].to_numpy())


def test_agreement_of_data_sets():
    """Rows: same and clear, same but not clear, opposite and clear, opposite but not clear."""
    rows = [("a", 1, 2), ("b", -1, 2), ("c", 1, 2), ("d", 1, 2)]
    others = [("a", 1, 3), ("b", 1, 4), ("c", -4, -2), ("d", -2, 1)]
    table = pd.DataFrame(
        [
            {"what": what, "dataset": name, "effect": (low + high) / 2, "low": low, "high": high}
            for name, part in (("watch", rows), ("selfback", others))
            for what, low, high in part
        ]
    )
    assert effects.agreement(table) == {"same": 2, "clear": 1, "opposite": 1}


def test_a_figure_of_effects_colours_data_sets():
    one = effects.table(BASES, lookup).query("study == 'share'")
    fig = figures.effects(one)
    drawn = [line.get_xdata()[0] for line in fig.axes[0].get_lines() if line.get_marker() == "D"]
    assert drawn == pytest.approx([3 * share for share in studies.SHARES[1:]])
    assert not fig.legends
    assert [axis.get_xlabel() for axis in fig.axes] == ["points of accuracy", "NLL, nats; lower is better"]
    both = figures.effects(pd.concat([one, one.assign(dataset="watch", effect=one["effect"] / 2)]))
    drawn = [line for line in both.axes[0].get_lines() if line.get_marker() == "D"]
    assert len({line.get_color() for line in drawn}) == 2
    assert len({line.get_ydata()[0] for line in drawn}) == len(drawn) == 8
    (legend,) = both.legends
    assert [text.get_text() for text in legend.get_texts()] == ["synthetic, 5 people", "watch, 5 people"]
    grouped = figures.effects(pd.concat([one, one.assign(dataset="watch", people=25)]))
    (legend,) = grouped.legends
    assert [text.get_text() for text in legend.get_texts()] == ["synthetic, 5 people", "watch, 25 people in 5 groups"]


@pytest.mark.parametrize(("names", "text"), [("a", "a"), ("ab", "a and b"), ("abc", "a, b and c")])
def test_names_stand_together_as_in_a_sentence(names, text):
    assert effects.together(names) == text

"""The claims: statistics against oracles, verdicts on made-up records whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import small
from scipy import stats

from mixkd import figures, studies
from mixkd.analysis import claims, contrasts, decisions, features, inference
from mixkd.analysis.claims import AFTERWARDS, CLAIMS, Claim, Part
from mixkd.analysis.measures import MEASURES, measure
from mixkd.datasets import DATASETS
from mixkd.errors import MixkdError
from mixkd.runs.published import METRICS
from mixkd.runs.store import RunRecord
from mixkd.studies import catalogue

some_differences = st.lists(st.floats(-1, 1).map(lambda d: round(d, 6)), min_size=2, max_size=9).map(np.array)


# -- statistics


@given(some_differences.filter(lambda d: d.std() > 1e-6))
def test_interval(differences):
    oracle = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert inference.interval(differences) == pytest.approx((oracle.low, oracle.high))


def test_holm():
    assert inference.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert inference.holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


# -- which classes are similar


def test_class_pairs_come_from_a_confusion_matrix():
    confusion = np.array([[8, 2, 0, 0, 0], [1, 9, 0, 0, 0], [0, 0, 7, 3, 0], [0, 1, 0, 9, 0], [0, 0, 0, 0, 0]])
    similar, dissimilar = features.class_pairs(confusion)
    assert similar == [(0, 1), (2, 3), (1, 3)]  # the fifth class has no windows
    assert dissimilar == [(0, 2), (0, 3), (1, 2)]
    few = np.array([[8, 2, 0], [0, 9, 1], [0, 0, 9]])
    assert features.class_pairs(few) == ([(0, 1)], [(0, 2)])


# -- verdicts


def record(spec, accuracy, subject):
    """A record whose metrics all equal `accuracy`, but for what the claims ask of probes."""
    metrics = dict.fromkeys(METRICS, accuracy)
    scores = [{"pair": [a, b], "v_score": accuracy} for a in range(3) for b in range(a + 1, 3)]
    probes = {
        "subjects": {subject: metrics},
        "validation_confusion": [[5, 1, 0], [1, 5, 0], [0, 0, 6]],
        "v_scores": scores,
        "sharpness": accuracy,
        **dict.fromkeys(("gaussian", "missing", "fgsm"), [accuracy] * 3),
    }
    history = [{"test": metrics, "validation": metrics}]
    return RunRecord(spec, history, {"subjects": {"test": [int(subject)]}}, {}, probes)


BASES = [small(fold=fold, seed=seed) for fold in range(10) for seed in (0, 1)]
A, B = claims.scratch(), claims.student("both")


def lookup_of(difference, noise=0.004):
    """Runs in which students of both teachers are better than plain ones by `difference`, with noise per subject."""
    rng = np.random.default_rng(1)
    shift = {fold: difference + noise * e for fold, e in enumerate(stats.zscore(rng.normal(size=10)))}
    found = {}
    for base in BASES:
        seed_effect = 0.2 * base.seed  # falls out of every contrast
        for make, gain in ((A, 0.0), (B, shift[base.fold])):
            found[make(base).hash] = record(make(base), 0.5 + seed_effect + gain, str(base.fold))
    return lambda spec: found.get(spec.hash)


def test_effect_interval_and_n_are_over_subjects_where_seeds_agree():
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    tested = decisions.decide([(BASES, lookup_of(0.02), True)], [claim])
    (part,) = tested.parts.to_dict("records")
    assert (part["n"], part["people"], part["margin"]) == (10, 10, 0.01)
    assert part["effect"] == pytest.approx(0.02)
    half = stats.t.ppf(0.975, 9) * 0.004 * math.sqrt(10 / 9) / math.sqrt(10)
    assert (part["low"], part["high"]) == pytest.approx((0.02 - half, 0.02 + half))
    assert tested.claims["verdict"].item() == "supported"
    by_subject = tested.contrasts["synthetic", "H", "B minus A"]
    assert list(by_subject.index) == [(fold, str(fold)) for fold in range(10)]


def test_people_that_the_data_set_names_unpaired_are_left_out(monkeypatch):
    name = BASES[0].dataset
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], unpaired=(3, 99)))
    part = Part("B minus A", claims.minus(B, A), "above")
    left = contrasts.contrast(part, BASES, lookup_of(0.02))
    assert list(left.index) == [(fold, str(fold)) for fold in range(10) if fold != 3]
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], unpaired=(3, 13)))
    together = replace(part, metric="sharpness")
    assert len(contrasts.contrast(together, BASES, pairs(0.02))) == 9  # of a group: when all of it is left out
    assert len(contrasts.contrast(part, BASES, pairs(0.02))) == 18


def pairs(difference, noise=0.004):
    """Two people per fold, n and 10 + n; the second gains a point less."""
    alone = lookup_of(difference, noise)

    def lookup(spec):
        found = alone(spec)
        (metrics,) = found.probes["subjects"].values()
        lower = {name: value - 0.01 * (spec.teachers != ()) for name, value in metrics.items()}
        subjects = {str(spec.fold): metrics, str(10 + spec.fold): lower}
        together = {"subjects": {"test": [spec.fold, 10 + spec.fold]}}
        return replace(found, data=together, probes=found.probes | {"subjects": subjects})

    return lookup


def test_people_of_a_group_share_their_networks():
    """Two people per fold: twenty differences, but ten units; the same where a metric was measured on both together."""
    part = Part("B minus A", claims.minus(B, A), "above")
    claim = Claim("H", "", "", "", (part, replace(part, text="on both", metric="sharpness")))
    tested = decisions.decide([(BASES, pairs(0.02), True)], [claim])
    by_person, together = tested.contrasts.values()
    assert (len(by_person), len(together)) == (20, 10)
    assert list(tested.parts["n"]) == [10, 10]
    assert list(tested.parts["people"]) == [20, 20]
    units = contrasts.units(by_person)
    assert units[3] == pytest.approx((by_person[3, "3"] + by_person[3, "13"]) / 2)
    first = tested.parts.iloc[0]
    assert first["effect"] == pytest.approx(by_person.mean())
    assert (first["low"], first["high"]) == pytest.approx(inference.interval(units))


def test_few_people_give_points_and_no_verdict():
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    tested = decisions.decide([(BASES[:4], lookup_of(0.02), False)], [claim])
    assert tested.claims["verdict"].item() == "needs full"
    assert tested.parts[["low", "high", "gain"]].isna().all(axis=None)
    assert tested.parts["effect"].notna().all()


@pytest.mark.parametrize("metric", sorted({part.metric for claim in (*CLAIMS, *AFTERWARDS) for part in claim.parts}))
def test_every_metric_of_the_claims_can_be_measured(metric):
    found = measure(record(BASES[0], 0.7, "3"), metric, np.array([[5, 1, 0], [1, 5, 0], [0, 0, 6]]))
    difference = metric == "v_gap" or metric.startswith("kept_")
    assert found.to_dict() == pytest.approx({"3": 0.0 if difference else 0.7})


def test_what_is_kept_is_that_of_corrupted_minus_that_of_clean_windows():
    corrupted = record(BASES[0], 0.7, "3")
    corrupted = replace(corrupted, probes=corrupted.probes | {"missing": [0.6, 0.5, 0.3]})
    found = measure(corrupted, "kept_missing_3", np.zeros((3, 3)))
    assert found.to_dict() == pytest.approx({"3": 0.3 - 0.7})


def test_a_fold_without_the_classes_that_are_asked_for_is_left_out():
    """No pair of two classes is similar; of three, the first fold's person did but one."""
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above", "v_similar"),))
    lookup, two, one = lookup_of(0.05), {"validation_confusion": [[5, 1], [1, 5]]}, {"v_scores": []}

    def of_two(spec):
        return replace(found := lookup(spec), probes=found.probes | two)

    def without_first(spec):
        return replace(found := lookup(spec), probes=found.probes | one) if spec.fold == 0 else lookup(spec)

    tested = decisions.decide([(BASES, without_first, True)], [claim])
    assert (tested.parts["n"].item(), tested.claims["verdict"].item()) == (9, "supported")
    tested = decisions.decide([(BASES, of_two, True)], [claim])
    assert (tested.parts["n"].item(), tested.claims["verdict"].item()) == (0, "undecided")
    assert np.isnan(tested.parts["effect"].item())
    assert tested.claims[["effect", "excluded"]].eq(1).all(axis=None)
    figures.forest("H", tested)  # an empty row is drawn without complaint
    figures.scorecard(tested)


def test_a_missing_record_is_named():
    lookup = lookup_of(0.02)
    lost = B(BASES[7])
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    with pytest.raises(MixkdError, match=rf"claims: run .* \({lost.hash}\) is missing"):
        decisions.decide([(BASES, lambda spec: None if spec == lost else lookup(spec), True)], [claim])


# -- several data sets


def test_data_sets_stand_below_each_other_each_corrected_alone():
    good = Claim("H1", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    bad = Claim("H2", "", "", "", (Part("A minus B", claims.minus(A, B), "above"),))
    lookup = lookup_of(0.02)
    others = [replace(base, dataset="watch") for base in BASES]

    def same(spec):
        found = lookup(replace(spec, dataset="synthetic"))
        return found and replace(found, spec=spec)

    found = [(BASES, lookup, True), (others, same, True)]
    one, both = decisions.decide(found[:1], [good, bad]), decisions.of_each(found, [good, bad])
    assert list(both.claims["dataset"]) == ["synthetic"] * 2 + ["watch"] * 2
    assert list(both.claims["effect"]) == pytest.approx([*one.claims["effect"]] * 2)
    assert {name for name, *_ in both.contrasts} == {"synthetic", "watch"}
    told = "2 of 2 are decided: H1 supported, opposite of what is claimed: H2"
    assert decisions.outcome(one) == told
    assert decisions.outcome(both) == f"on synthetic {told}; on watch {told}"


def test_full_tests_every_published_campaign_without_its_recordings(monkeypatch, tmp_path):
    """Two data sets, one of which has no files here: the number of its folds is known from the survey."""
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    monkeypatch.setattr(contrasts, "CAMPAIGNS", ("synthetic", "selfback"))
    (synthetic, _, _), (selfback, _, final) = contrasts.everywhere(studies.Scope("synthetic", "full"))
    assert ({base.dataset for base in synthetic}, {base.dataset for base in selfback}) == ({"synthetic"}, {"selfback"})
    assert final
    assert sorted((base.fold, base.seed) for base in selfback) == [
        (fold, seed) for fold in range(10) for seed in (0, 1)
    ]
    assert [
        bases[0].dataset
        for bases, _, _ in contrasts.everywhere(studies.Scope("synthetic", "smoke"), runs=lambda bases: [])
    ] == ["synthetic"]


# -- the twelve


def test_twelve_claims_from_runs_that_the_studies_have():
    assert [claim.name for claim in CLAIMS] == [f"H{i}" for i in range(1, 13)]
    for profile in ("quick", "full"):
        bases = list(studies.bases(studies.Scope("synthetic", profile, 0)))
        needed = {run.hash for run in claims.specs(bases)}
        assert needed <= {run.hash for run in studies.every(studies.Scope("synthetic", profile))}
        parts = [part for claim in AFTERWARDS for part in claim.parts]
        assert {make(base).hash for base in bases for part in parts for _, make in part.terms} <= needed


def test_contrasts_compare_like_with_like():
    """Every contrast's coefficients sum to zero, and what it compares is trained on the same fold and seed."""
    base = small(fold=3, seed=5)
    for claim in (*CLAIMS, *AFTERWARDS):
        for part in claim.parts:
            assert sum(weight for weight, _ in part.terms) == pytest.approx(0)
            assert {(make(base).fold, make(base).seed, make(base).dataset) for _, make in part.terms} == {
                (3, 5, "synthetic")
            }
            assert part.metric in MEASURES


def test_similar_classes_are_those_of_the_fold_s_own_validation_people():
    """Fold 0 confuses classes 0 and 1, fold 1 classes 1 and 2; only the pair of the own fold counts."""
    found = {}
    for fold, pair in ((0, (0, 1)), (1, (1, 2))):
        confusion = np.diag([6, 6, 6])
        confusion[pair] = 3
        for make, score in ((A, 0.2), (B, 0.9)):
            plain = record(make(small(fold=fold)), 0.5, str(fold))
            scores = [{"pair": p, "v_score": score if tuple(p) == pair else 0.5} for p in ([0, 1], [0, 2], [1, 2])]
            probes = {**plain.probes, "validation_confusion": confusion.tolist(), "v_scores": scores}
            found[plain.spec.hash] = replace(plain, probes=probes)
    part = Part("", claims.minus(B, A), "above", "v_similar")
    by_subject = contrasts.contrast(part, [small(fold=0), small(fold=1)], lambda spec: found[spec.hash])
    assert by_subject.to_dict() == pytest.approx({(0, "0"): 0.7, (1, "1"): 0.7})


def test_full_decides_claims_on_whole_seeds_of_the_second_round_too(monkeypatch):
    """A seed of which one run is missing is left out, and so is a data set without a whole seed."""
    monkeypatch.setattr(contrasts, "CAMPAIGNS", ())
    scope = studies.Scope("synthetic", "full")
    first, other = catalogue.SECOND_ROUND
    lost = claims.specs([b for b in studies.bases(replace(scope, dataset=first)) if b.seed == 1])[-1]
    there = lambda spec: spec.dataset == first and spec.seed < 2 and spec != lost  # noqa: E731
    monkeypatch.setattr(studies, "store_of", lambda scope: SimpleNamespace(find=there))
    decisive = contrasts.of_claims(scope)
    assert [{base.dataset for base in bases} for bases, _, _ in decisive] == [{"synthetic"}, {first}]
    assert {base.seed for base in decisive[1][0]} == {0}
    assert [one for one in contrasts.of_claims(replace(scope, dataset=first)) if one[0][0].dataset == other] == []

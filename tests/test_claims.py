"""The claims: statistics against oracles, verdicts on made-up records whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import small
from scipy import stats

from mixkd import figures, studies
from mixkd.analysis import claims, features, inference, verdicts
from mixkd.analysis.claims import AFTERWARDS, CLAIMS, Claim, Part
from mixkd.analysis.measures import MEASURES, measure
from mixkd.datasets import DATASETS
from mixkd.errors import MixkdError
from mixkd.runs.published import METRICS
from mixkd.runs.store import RunRecord

some_differences = st.lists(st.floats(-1, 1).map(lambda d: round(d, 6)), min_size=2, max_size=9).map(np.array)


# -- statistics


@given(some_differences)
def test_sign_flip_is_exact(differences):
    """Oracle: scipy's permutation test of one sample, over all patterns."""
    oracle = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    means = [abs(np.mean(differences * signs)) for signs in product([1, -1], repeat=len(differences))]
    by_hand = np.mean([m >= abs(differences.mean()) - 1e-12 for m in means])
    assert inference.sign_flip(differences) == pytest.approx(by_hand)
    assert inference.sign_flip(differences) == pytest.approx(oracle.pvalue, abs=2.1 / 2 ** len(differences))


def test_sign_flip_of_many_subjects_is_drawn():
    differences = np.random.default_rng(3).normal(0.4, 1, 50)
    p = inference.sign_flip(differences)
    assert p == inference.sign_flip(differences)
    assert p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.25)
    assert inference.sign_flip(differences + 10) == 1 / (2**16 + 1)


@given(some_differences.filter(lambda d: d.std() > 1e-6))
def test_interval(differences):
    oracle = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert inference.interval(differences) == pytest.approx((oracle.low, oracle.high))


@pytest.mark.parametrize("level", [0.05, 0.05 / 12])
def test_detectable_effect_has_the_stated_power(level):
    rng = np.random.default_rng(0)
    differences = rng.normal(0, 1, 10)
    differences = (differences - differences.mean()) / differences.std(ddof=1)
    shift = inference.detectable(differences, level)
    drawn = rng.normal(shift, 1, (20_000, 10))
    assert (stats.ttest_1samp(drawn, 0, axis=1).pvalue < level).mean() == pytest.approx(0.8, abs=0.01)


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


def verdict_of(difference, direction="above", noise=0.004, metric="accuracy"):
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), direction, metric),))
    tested = verdicts.assess(BASES, lookup_of(difference, noise), claims=[claim])
    return tested.claims["verdict"].item()


EXPECTED = {  # margin of accuracy 0.01, half width of the interval 0.003
    (0.02, "above"): "supported",
    (0.02, "below"): "contradicted",
    (0.02, "differs"): "supported",
    (-0.02, "differs"): "supported",
    (0.02, "not_above"): "contradicted",
    (0.012, "not_above"): "undecided",  # beyond zero, but not surely beyond the margin
    (0.006, "above"): "supported",  # inside the margin, but on one side of zero
    (0.006, "below"): "contradicted",
    (0.006, "not_above"): "supported",
    (0.0, "above"): "contradicted",  # the whole interval is inside the margin
    (0.0, "below"): "contradicted",
    (0.0, "differs"): "contradicted",
    (0.0, "not_above"): "supported",
    (-0.02, "not_above"): "supported",
    (-0.02, "below"): "supported",
    (-0.02, "above"): "contradicted",
    (-0.006, "above"): "contradicted",
}


@pytest.mark.parametrize(("difference", "direction"), EXPECTED)
def test_verdict_of_a_clear_difference(difference, direction):
    assert verdict_of(difference, direction) == EXPECTED[difference, direction]


@pytest.mark.parametrize("direction", ["above", "below", "differs", "not_above"])
def test_noise_leaves_a_claim_undecided(direction):
    assert verdict_of(0.005, direction, noise=0.05) == "undecided"


def test_effect_interval_and_n_are_over_subjects_with_seeds_averaged():
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    tested = verdicts.assess(BASES, lookup_of(0.02), claims=[claim])
    (part,) = tested.parts.to_dict("records")
    assert (part["n"], part["margin"]) == (10, 0.01)
    assert part["effect"] == pytest.approx(0.02)
    half = stats.t.ppf(0.975, 9) * 0.004 * math.sqrt(10 / 9) / math.sqrt(10)
    assert (part["low"], part["high"]) == pytest.approx((0.02 - half, 0.02 + half))
    assert part["p"] == pytest.approx(2 / 2**10)
    by_subject = tested.contrasts["synthetic", "H", "B minus A"]
    assert list(by_subject.index) == [(fold, str(fold)) for fold in range(10)]


def test_people_that_the_data_set_names_unpaired_are_left_out(monkeypatch):
    name = BASES[0].dataset
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], unpaired=(3, 99)))
    part = Part("B minus A", claims.minus(B, A), "above")
    left = verdicts.contrast(part, BASES, lookup_of(0.02))
    assert list(left.index) == [(fold, str(fold)) for fold in range(10) if fold != 3]
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], unpaired=(3, 13)))
    together = replace(part, metric="sharpness")
    assert len(verdicts.contrast(together, BASES, pairs(0.02))) == 9  # of a group: when all of it is left out
    assert len(verdicts.contrast(part, BASES, pairs(0.02))) == 18


def pairs(difference):
    """Two people per fold, n and 10 + n; the second gains a point less."""
    alone = lookup_of(difference)

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
    tested = verdicts.assess(BASES, pairs(0.02), claims=[claim])
    by_person, together = tested.contrasts.values()
    assert (len(by_person), len(together)) == (20, 10)
    assert list(tested.parts["n"]) == [10, 10]
    assert list(tested.parts["people"]) == [20, 20]
    units = verdicts.units(by_person)
    assert units[3] == pytest.approx((by_person[3, "3"] + by_person[3, "13"]) / 2)
    first = tested.parts.iloc[0]
    assert first["effect"] == pytest.approx(by_person.mean())
    assert (first["low"], first["high"]) == pytest.approx(inference.interval(units))
    assert first["p"] == 2 / 2**10


def test_the_table_tells_what_people_as_units_would_have_said():
    """Too few folds for any p below the level; twice as many people."""
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    few = [base for base in BASES if base.fold < 5]
    table = verdicts.sensitivity(few, pairs(0.03), claims=[claim])
    assert table.loc["H", ["as_claimed", "by_person"]].tolist() == ["undecided", "supported"]
    assert "by_person" not in verdicts.sensitivity(BASES, lookup_of(0.02), claims=[claim])


def test_a_clear_loss_within_the_margin_contradicts_however_large_p_is():
    """So does an interval around zero and within it: stronger evidence must not give a weaker verdict."""
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    few = [base for base in BASES if base.fold < 5]
    for loss in (0.0, -0.005):
        tested = verdicts.assess(few, lookup_of(loss, noise=0.0005), claims=[claim])
        (part,) = tested.parts.to_dict("records")
        assert part["p"] > 0.05
        assert tested.claims["verdict"].item() == "contradicted"


def test_every_part_must_hold_and_holm_counts_the_claims():
    good = Part("good", claims.minus(B, A), "above")
    bad = Part("bad", claims.minus(A, B), "above")
    alone, both = Claim("H1", "", "", "", (good,)), Claim("H2", "", "", "", (good, bad))
    tested = verdicts.assess(BASES, lookup_of(0.02), claims=[alone, both]).claims
    assert list(tested["verdict"]) == ["supported", "contradicted"]
    assert list(tested["p"]) == pytest.approx([2 / 2**10, 4 / 2**10])
    assert list(tested["adjusted"]) == pytest.approx([4 / 2**10, 4 / 2**10])
    differences = verdicts.contrast(good, BASES, lookup_of(0.02)).to_numpy()
    strictest = verdicts.assess(BASES, lookup_of(0.02), claims=[alone, both]).parts["detectable"]
    assert strictest.to_numpy() == pytest.approx(inference.detectable(differences, 0.05 / 2))
    many = [replace(alone, name=f"H{i}") for i in range(26)]  # 26 * 2 / 1024 > 0.05
    assert set(verdicts.assess(BASES, lookup_of(0.02), claims=many).claims["verdict"]) == {"undecided"}


def test_against_a_claim_its_clearest_part_counts_by_the_number_of_parts():
    parts = tuple(Part(way, claims.minus(B, A), way, "accuracy") for way in ("below", "not_above"))
    tested = verdicts.assess(BASES, lookup_of(0.0135), claims=[Claim("H", "", "", "", parts)])
    assert list(tested.parts["says"]) == ["against"] * 2
    clearest, other = sorted(tested.parts["p"])
    assert other > 2 * clearest
    assert tested.claims["p"].item() == pytest.approx(2 * clearest)


def test_few_people_give_points_and_no_verdict():
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    tested = verdicts.assess(BASES[:4], lookup_of(0.02), final=False, claims=[claim])
    assert tested.claims["verdict"].item() == "needs full"
    assert tested.parts[["low", "high", "p"]].isna().all(axis=None)
    assert tested.parts["effect"].notna().all()


def test_sensitivity_asks_the_same_of_other_metrics():
    """All metrics of these records are equal, so a gain in accuracy is a loss in NLL."""
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    other = Claim("I", "", "", "", (Part("B minus A", claims.minus(B, A), "above", "sharpness"),))
    table = verdicts.sensitivity(BASES, lookup_of(0.2), claims=[claim, other])
    assert table.loc["H"].to_dict() == {
        "dataset": "synthetic",
        "as_claimed": "supported",
        "macro_f1": "supported",
        "nll": "contradicted",
        "accuracy_best_validation": "supported",
    }
    assert table.loc["I"].to_dict() == {
        "dataset": "synthetic",
        "as_claimed": "supported",
        "macro_f1": "",
        "nll": "",
        "accuracy_best_validation": "",
    }


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

    tested = verdicts.assess(BASES, without_first, claims=[claim])
    assert (tested.parts["n"].item(), tested.claims["verdict"].item()) == (9, "supported")
    tested = verdicts.assess(BASES, of_two, claims=[claim])
    assert (tested.parts["n"].item(), tested.claims["verdict"].item()) == (0, "undecided")
    assert np.isnan(tested.parts["effect"].item())
    assert tested.claims["adjusted"].item() == 1
    figures.forest("H", tested)  # an empty row is drawn without complaint
    figures.scorecard(tested)


def test_a_missing_record_is_named():
    lookup = lookup_of(0.02)
    lost = B(BASES[7])
    claim = Claim("H", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    with pytest.raises(MixkdError, match=rf"claims: run .* \({lost.hash}\) is missing"):
        verdicts.assess(BASES, lambda spec: None if spec == lost else lookup(spec), claims=[claim])


# -- several data sets


def test_data_sets_stand_below_each_other_each_corrected_alone():
    good = Claim("H1", "", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
    bad = Claim("H2", "", "", "", (Part("A minus B", claims.minus(A, B), "above"),))
    lookup = lookup_of(0.02)
    one = verdicts.assess(BASES, lookup, claims=[good, bad])
    others = [replace(base, dataset="watch") for base in BASES]

    def same(spec):
        found = lookup(replace(spec, dataset="synthetic"))
        return found and replace(found, spec=spec)

    other = verdicts.assess(others, same, claims=[good, bad])
    both = verdicts.join([one, other])
    assert list(both.claims["dataset"]) == ["synthetic"] * 2 + ["watch"] * 2
    assert list(both.claims["adjusted"]) == pytest.approx([*one.claims["adjusted"]] * 2)
    assert set(both.contrasts) == set(one.contrasts) | set(other.contrasts)
    said = "H1 supported, H2 contradicted, 0 undecided"
    assert verdicts.outcome(one, final=True) == f"on synthetic {said}"
    assert verdicts.outcome(both, final=True) == f"on synthetic {said}; on watch {said}"
    none = replace(one, claims=one.claims.assign(verdict="undecided"))
    assert verdicts.outcome(none, final=True) == "on synthetic none supported, none contradicted, 2 undecided"
    assert verdicts.outcome(one, final=False).startswith("none is decided here")


def test_full_tests_every_published_campaign_without_its_recordings(monkeypatch, tmp_path):
    """Two data sets, one of which has no files here: the number of its folds is known from the survey."""
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    monkeypatch.setattr(verdicts, "CAMPAIGNS", ("synthetic", "selfback"))
    (synthetic, _, _), (selfback, _, final) = verdicts.everywhere(studies.Scope("synthetic", "full"))
    assert ({base.dataset for base in synthetic}, {base.dataset for base in selfback}) == ({"synthetic"}, {"selfback"})
    assert final
    assert sorted((base.fold, base.seed) for base in selfback) == [
        (fold, seed) for fold in range(10) for seed in (0, 1)
    ]
    assert [
        bases[0].dataset
        for bases, _, _ in verdicts.everywhere(studies.Scope("synthetic", "smoke"), runs=lambda bases: [])
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
    by_subject = verdicts.contrast(part, [small(fold=0), small(fold=1)], lambda spec: found[spec.hash])
    assert by_subject.to_dict() == pytest.approx({(0, "0"): 0.7, (1, "1"): 0.7})

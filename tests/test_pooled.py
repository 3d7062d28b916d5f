"""Average effects over data sets: by hand, by simulation, and what is decided of claims."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mixkd.analysis.pooled import Average, Odds, average, heterogeneity, odds, power, verdicts

# sd of folds, of seeds and of the rest, in points: medians over contrasts of accuracy on watch and selfback
SPREADS = ((1.25, 0.57, 3.2), (1.23, 0.1, 1.75))
LAYOUT = ((10, 3), (10, 2))


def campaign(rng: np.random.Generator, effect: float = 0.0, many: tuple[int, ...] = ()) -> list[np.ndarray]:
    """Differences of two data sets with the same true effect, (n_folds, n_seeds) each; `many` of them."""
    sets = []
    for (a, b, rest), (n_folds, n_seeds) in zip(SPREADS, LAYOUT, strict=True):
        folds, seeds = rng.normal(0, a, (*many, n_folds, 1)), rng.normal(0, b, (*many, 1, n_seeds))
        sets.append(effect + folds + seeds + rng.normal(0, rest, (*many, n_folds, n_seeds)))
    return sets


def test_one_seed_is_the_t_interval_of_scipy():
    differences = np.array([1.0, 2.0, 4.0, 3.5, -1.0])
    found = average([differences[:, None]])
    theirs = stats.ttest_1samp(differences, 0.0)
    assert found.effect == pytest.approx(differences.mean())
    assert found.interval == pytest.approx(tuple(theirs.confidence_interval()))
    assert found.df == pytest.approx(4)
    one_sided = stats.ttest_1samp(differences, 0.5, alternative="greater").pvalue
    assert 1 - found.beyond(0.5) == pytest.approx(one_sided)


def test_two_sets_of_one_seed_are_welch():
    """The mean of two means: half of Welch's statistic of x against -y."""
    x, y = np.array([1.0, 2.0, 4.0, 3.5]), np.array([0.5, -1.0, 6.0, 2.0, 0.0, 1.0])
    found = average([x[:, None], y[:, None]])
    welch = stats.ttest_ind(x, -y, equal_var=False)
    assert found.df == pytest.approx(welch.df)
    assert found.effect / found.se == pytest.approx(welch.statistic)


def test_seeds_that_move_all_folds_together_widen_it():
    folds = np.array([[1.0], [2.0], [0.0], [1.0]])
    alone = average([np.hstack([folds, folds, folds])])
    moved = average([folds + np.array([[-1.0, 0.0, 1.0]])])
    assert moved.effect == alone.effect
    assert alone.se**2 == pytest.approx(folds.var(ddof=1) / 4)
    assert moved.se**2 == pytest.approx(folds.var(ddof=1) / 4 + 1 / 3)
    assert alone.df == pytest.approx(3)
    a, b = folds.var(ddof=1) / 4, 1 / 3
    assert moved.df == pytest.approx((a + b) ** 2 / (a**2 / 3 + b**2 / 2))


@given(st.floats(-5, 5), st.integers(0, 100))
def test_a_shift_moves_the_effect_and_nothing_else(shift, seed):
    sets = campaign(np.random.default_rng(seed))
    here, there = average(sets), average([differences + shift for differences in sets])
    assert there.effect == pytest.approx(here.effect + shift, abs=1e-9)
    assert (there.se, there.df) == pytest.approx((here.se, here.df))


@given(st.integers(0, 100), st.floats(0.1, 3))
def test_a_claim_and_its_mirror_have_the_same_odds(seed, margin):
    sets = campaign(np.random.default_rng(seed))
    up, down = average(sets), average([-differences for differences in sets])
    for a, b in (("above", "below"), ("differs", "differs")):
        one, other = odds(up, a, margin), odds(down, b, margin)
        assert vars(one) == pytest.approx(vars(other))


def test_coverage_is_nominal():
    """Of 20,000 simulated campaigns, 95 % of intervals hold the true effect, within a point."""
    low, high = average(campaign(np.random.default_rng(0), 0.7, (20_000,))).interval
    assert 0.94 < np.mean((low <= 0.7) & (high >= 0.7)) < 0.96


@pytest.mark.parametrize(("truth", "wrong"), [(0.0, {"supported", "opposite"}), (1.0, {"no relevant effect"})])
def test_wrong_verdicts_on_any_of_twelve_claims_are_rare(truth, wrong):
    n = 1_000
    found = average(campaign(np.random.default_rng(1), truth, (n, 12)))
    erred = 0
    for i in range(n):
        rows = [Average(found.effect[i, j], found.se[i, j], found.df[i, j]) for j in range(12)]
        erred += bool(wrong & set(verdicts([[odds(one, "above", 1.0)] for one in rows])["verdict"]))
    assert erred / n < 0.05 + 2 * math.sqrt(0.05 * 0.95 / n)


YES, NO, OPEN = 1e-6, 1 - 1e-6, 0.4
GAIN = Odds(YES, NO, OPEN, YES)
SMALL_GAIN = Odds(YES, NO, YES, YES)
LOSS = Odds(NO, YES, YES, OPEN)
SMALL_LOSS = Odds(NO, YES, YES, YES)
NOTHING = Odds(OPEN, OPEN, YES, YES)
UNSURE = Odds(OPEN, OPEN, OPEN, OPEN)


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ([GAIN], "supported"),
        ([SMALL_GAIN], "no relevant effect"),
        ([LOSS], "opposite"),
        ([SMALL_LOSS], "no relevant effect"),
        ([NOTHING], "no relevant effect"),
        ([UNSURE], "undecided"),
        ([GAIN, GAIN], "supported"),
        ([GAIN, UNSURE], "undecided"),
        ([GAIN, NOTHING], "no relevant effect"),
        ([UNSURE, LOSS], "opposite"),
    ],
)
def test_verdicts_of_one_claim(parts, verdict):
    assert verdicts([parts])["verdict"].tolist() == [verdict]


def test_claims_are_corrected_by_holm():
    """p of 0.01 of an effect is enough for one claim and too much for twelve."""
    good, rest = [Odds(0.005, 0.995, OPEN, YES)], [UNSURE]
    assert verdicts([good])["verdict"][0] == "supported"
    table = verdicts([good] + [rest] * 11)
    assert table["verdict"].tolist() == ["undecided"] * 12
    assert table["effect"][0] == pytest.approx(0.12)


def test_no_gain_of_a_margin_may_be_what_is_claimed():
    sets = [np.full((4, 1), 0.2) + np.array([[0.1], [-0.1], [0.05], [-0.05]])]
    assert verdicts([[odds(average(sets), "not_above", 1.0)]])["verdict"][0] == "supported"
    assert verdicts([[odds(average([s + 3 for s in sets]), "not_above", 1.0)]])["verdict"][0] == "opposite"


def test_a_difference_of_either_sign():
    sets = [np.array([[0.1], [-0.1], [0.05], [-0.05]])]
    for shift, verdict in ((2.0, "supported"), (-2.0, "supported"), (0.0, "no relevant effect")):
        assert verdicts([[odds(average([s + shift for s in sets]), "differs", 1.0)]])["verdict"][0] == verdict


def test_one_fold_decides_nothing():
    found = average([np.ones((1, 3)), np.ones((5, 3))])
    assert found.effect == 1
    assert math.isnan(found.se)
    assert verdicts([[odds(found, "above", 0.1)]])["verdict"][0] == "undecided"


def test_equal_differences_are_certain():
    found = average([np.ones((5, 3))])
    assert (found.interval, found.beyond(0.5), found.beyond(2.0)) == ((1.0, 1.0), 1.0, 0.0)


def test_heterogeneity_is_that_of_cochran():
    rng = np.random.default_rng(2)
    sets = campaign(rng)
    apart = [sets[0], sets[1] + 20]
    assert heterogeneity(apart) < 1e-6 < heterogeneity(sets)
    effects, variances = zip(*((a.effect, a.se**2) for a in (average([s]) for s in sets)), strict=True)
    q = (effects[0] - effects[1]) ** 2 / sum(variances)  # of two sets
    assert heterogeneity(sets) == pytest.approx(stats.chi2.sf(q, 1))
    assert math.isnan(heterogeneity(sets[:1]))


def test_power_is_that_of_a_t_test_where_a_seed_is_all_there_is():
    """Of one seed, folds spread by 2 points: a paired t test of 20 folds."""
    folds = np.array([-1.0, 1.0] * 5)[:, None] * 2 * math.sqrt(0.9)
    theirs = stats.nct.sf(stats.t.ppf(0.95, 19), 19, math.sqrt(20) / 2)
    assert power([folds], 20, 1, margin=1.0, n=4000) == pytest.approx(theirs, abs=0.02)


def test_more_people_and_more_seeds_decide_more():
    sets = campaign(np.random.default_rng(3))
    few, people, seeds = (power(sets, *size, margin=1.0) for size in ((10, 3), (40, 3), (10, 12)))
    assert few < people
    assert few < seeds

"""C-mixup: partners are drawn with the probabilities of its equation, from all windows, the same in every process."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import SIGNAL, results, small, train
from scipy import stats

from mixkd.errors import MixkdError
from mixkd.learning import near
from mixkd.learning.fold_data import fold_data
from mixkd.learning.streams import stream
from mixkd.learning.training import stream_of
from mixkd.runs.store import Store
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec

NEAR = Mixup(1.0, partners="near")
GAIT = {"dataset": "gait", "task": "regression", "windows_per_class": 3}
TARGETS = st.lists(st.lists(st.floats(-3, 3), min_size=2, max_size=2), min_size=3, max_size=8).map(np.array)


def probability(targets: np.ndarray, i: int, j: int, bandwidth: float) -> float:
    """Yao et al. 2022, equation by equation, in plain Python."""

    def height(k: int) -> float:
        return math.exp(-sum((a - b) ** 2 for a, b in zip(targets[i], targets[k], strict=True)) / 2 / bandwidth**2)

    return height(j) / sum(height(k) for k in range(len(targets)))


@pytest.mark.parametrize("bandwidth", [0.1, 1.0, 5.0])
def test_partners_have_the_probabilities_of_the_source(bandwidth):
    rng, n, visits = np.random.default_rng(3), 6, 4000
    targets = rng.normal(0, 1, (n, 2))
    rows = rng.permuted(np.tile(np.arange(n), (visits, 1)), axis=1)
    partners = near.partners(targets, rows, rng.random(rows.shape), bandwidth)
    for i in range(n):
        count = np.bincount(partners[rows == i], minlength=n)
        expected = visits * np.array([probability(targets, i, j, bandwidth) for j in range(n)])
        common = expected > 5  # a condition of the test
        assert count[~common].sum() <= 40
        if common.sum() > 1:
            of_common = expected[common] / expected[common].sum() * count[common].sum()
            assert stats.chisquare(count[common], of_common).pvalue > 1e-4


@given(TARGETS, st.integers(0, 2**31), st.floats(0.05, 10))
def test_a_partner_inverts_the_cumulated_probability(targets, seed, bandwidth):
    """Row by row: the first window at which the sum of probabilities is above the uniform number."""
    rng, n = np.random.default_rng(seed), len(targets)
    rows, uniform = rng.integers(0, n, (2, 3)), rng.random((2, 3))
    found = near.partners(targets, rows, uniform, bandwidth)
    for i, u, partner in zip(rows.ravel(), uniform.ravel(), found.ravel(), strict=True):
        up_to = np.cumsum([probability(targets, i, j, bandwidth) for j in range(n)])
        assert up_to[partner] >= u - 1e-9, f"found {partner}"
        assert partner == 0 or up_to[partner - 1] <= u + 1e-9


@given(TARGETS, st.permutations(range(3)), st.integers(0, 2**31))
def test_the_order_of_visits_changes_no_partner(targets, order, seed):
    rng = np.random.default_rng(seed)
    rows, uniform = rng.integers(0, len(targets), (3, 4)), rng.random((3, 4))
    again = near.partners(targets, rows[list(order)], uniform[list(order)])
    assert np.array_equal(again, near.partners(targets, rows, uniform)[list(order)])


def test_a_window_far_from_all_others_is_its_own_partner_and_the_largest_number_stays_inside():
    targets = np.array([[0.0], [50.0], [100.0]])
    rows = np.array([[0, 1, 2]])
    for u in (0.0, 0.5, np.nextafter(1, 0)):
        assert np.array_equal(near.partners(targets, rows, np.full(rows.shape, u)), rows)


def test_one_bandwidth_of_infinity_is_mixup_with_any_window():
    rng = np.random.default_rng(0)
    rows, uniform = rng.integers(0, 9, (20, 4)), rng.random((20, 4))
    found = near.partners(rng.normal(size=(9, 2)), rows, uniform, bandwidth=1e9)
    assert np.array_equal(found, np.floor(9 * uniform).astype(int))


def test_a_stream_of_near_partners_shares_all_else_with_one_of_any():
    targets = np.random.default_rng(1).normal(size=(40, 2))
    for share in (1.0, 0.5):
        any_ = stream(40, 8, 3, Mixup(0.4, share), seed=5)
        close = near.redrawn(any_, targets)
        assert np.array_equal(any_.rows, close.rows)
        assert np.array_equal(any_.coefficients, close.coefficients)
        mixed = any_.coefficients < 1
        apart = [np.linalg.norm(targets[s.rows] - targets[s.partners], axis=2)[mixed] for s in (any_, close)]
        assert apart[1].mean() < 0.5 * apart[0].mean()
        assert np.array_equal(close.partners[close.coefficients == 1], close.rows[close.coefficients == 1])


def test_draws_of_a_run_are_near_in_its_standardised_training_targets():
    spec = small(**GAIT, mixup=NEAR)
    data = fold_data(spec.data)
    draws = stream_of(spec.stream, data)
    target = data.splits["train"].target
    z = (target - target.mean(0)) / target.std(0)
    apart = np.linalg.norm(z[draws.rows] - z[draws.partners], axis=2)
    assert apart.max() < 6 * near.BANDWIDTH
    assert apart.mean() > 0


def test_it_trains_student_and_teacher_and_comes_out_the_same_again(tmp_path):
    spec = small(**GAIT, mixup=NEAR, teachers=(TeacherSpec(mixup=NEAR),), epochs=1, batch_size=48)
    for name in ("one", "two"):
        assert train(spec, Store(tmp_path / name)).data["mixed_share"] > 0.9
    assert results(Store(tmp_path / "one")) == results(Store(tmp_path / "two"))


@pytest.mark.parametrize("fields", [{"mixup": NEAR}, {"teachers": (TeacherSpec(mixup=NEAR),)}])
@pytest.mark.parametrize("task", ["classification", "two_heads"])
def test_classes_are_not_near_or_far(task, fields):
    message = rf"^RunSpec.task: found '{task}', expected regression for mixup of near partners"
    with pytest.raises(MixkdError, match=message):
        RunSpec(task=task, **fields)


def test_any_partner_is_the_hash_of_before():
    assert RunSpec(mixup=Mixup(0.4)).hash == RunSpec(mixup=Mixup(0.4, partners="any")).hash
    spec = RunSpec(dataset="gait", task="regression", mixup=Mixup(0.4), teachers=(SIGNAL,))
    assert spec.hash != RunSpec.parse({**spec.as_dict(), "mixup": {"alpha": 0.4, "partners": "near"}}).hash

"""Streams: pure, paired over settings, mixing exactly what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mixkd.errors import MixkdError
from mixkd.learning.streams import Stream, mix, mixed_rows, stream
from mixkd.rng import generator
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec

SIZES = st.tuples(st.integers(3, 12), st.integers(0, 25), st.integers(1, 3)).map(lambda t: (t[0], t[0] + t[1], t[2]))
SEEDS = st.integers(0, 2**31 - 1)
SHARES = st.floats(0.2, 1)  # of 3 rows or more: at least one is mixed
MIXUPS = st.builds(
    Mixup, st.floats(0.05, 10), SHARES, st.sampled_from(["exact", "released"]), st.sampled_from(["row", "batch"])
)


def arrays(draws: Stream) -> tuple[np.ndarray, ...]:
    return draws.rows, draws.partners, draws.coefficients


def same(one: Stream, other: Stream) -> bool:
    return all(map(np.array_equal, arrays(one), arrays(other)))


def plain(draws: Stream) -> np.ndarray:
    return draws.rows == draws.partners


@given(SIZES, st.none() | MIXUPS, SEEDS)
def test_stream_is_a_pure_function(sizes, mixup, seed):
    batch_size, n_windows, n_epochs = sizes
    one = stream(n_windows, batch_size, n_epochs, mixup, seed=seed)
    assert same(one, stream(n_windows, batch_size, n_epochs, mixup, seed=seed))
    assert [a.dtype for a in arrays(one)] == [np.int64, np.int64, np.float32]
    assert len(one) == n_epochs * (n_windows // batch_size)
    assert {a.shape for a in arrays(one)} == {(len(one), batch_size)}
    last = one[len(one) - 1]
    np.testing.assert_array_equal(last.partners, one.partners[-1])
    np.testing.assert_array_equal(last.mixed, one.coefficients[-1] < 1)


def test_streams_of_two_seeds_differ():
    assert not same(stream(64, 8, 2, Mixup(), seed=0), stream(64, 8, 2, Mixup(), seed=1))
    assert not np.array_equal(generator(0, "order").random(3), generator(0, "partners").random(3))


@given(SIZES, st.none() | MIXUPS, SEEDS)
def test_every_epoch_visits_each_window_at_most_once(sizes, mixup, seed):
    batch_size, n_windows, n_epochs = sizes
    draws = stream(n_windows, batch_size, n_epochs, mixup, seed=seed)
    epochs = draws.rows.reshape(n_epochs, -1)
    for epoch in epochs:
        assert len(set(epoch)) == len(epoch) == n_windows // batch_size * batch_size
        assert set(epoch) <= set(range(n_windows))
    if mixup is None:
        assert plain(draws).all()
        assert (draws.coefficients == 1).all()
    else:
        np.testing.assert_array_equal(draws.rows, stream(n_windows, batch_size, n_epochs, None, seed=seed).rows)


def test_epochs_have_orders_of_their_own():
    epochs = stream(200, 10, 3, None, seed=0).rows.reshape(3, -1)
    assert (np.sort(epochs) == np.arange(200)).all()
    assert not any((epochs[a] == epochs[b]).mean() > 0.1 for a, b in ((0, 1), (0, 2), (1, 2)))


@given(SIZES, MIXUPS, SEEDS)
def test_labels_of_a_draw_sum_to_one(sizes, mixup, seed):
    batch_size, n_windows, n_epochs = sizes
    labels = np.eye(3, dtype=np.float32)[np.arange(n_windows) % 3]
    draws = stream(n_windows, batch_size, n_epochs, mixup, seed=seed)
    rows, partners, coefficients = (a.ravel() for a in arrays(draws))
    assert (coefficients >= 0).all()
    assert (coefficients <= 1).all()
    target = mix(labels[rows], labels[partners], coefficients)
    assert (target >= 0).all()
    np.testing.assert_allclose(target.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(target[coefficients == 1], labels[rows[coefficients == 1]])
    clean = stream(n_windows, batch_size, n_epochs, None, seed=seed)
    for batch, *both in zip(clean.rows, draws.rows, draws.partners, strict=True):
        assert set(np.concatenate(both)) <= set(batch), "both partners come from the batch"


@given(SIZES, SHARES, SEEDS)
def test_exactly_the_share_is_mixed(sizes, share, seed):
    batch_size, n_windows, n_epochs = sizes
    draws = stream(n_windows, batch_size, n_epochs, Mixup(1.0, share), seed=seed)
    assert ((draws.coefficients < 1).sum(axis=1) == round(share * batch_size)).all()
    assert plain(draws)[draws.coefficients == 1].all()
    full = stream(n_windows, batch_size, n_epochs, Mixup(1.0, 1.0), seed=seed)
    assert (full.coefficients < 1).all()
    np.testing.assert_array_equal(np.sort(full.partners), np.sort(full.rows), "one partner each")


@given(SIZES, st.lists(SHARES, min_size=2, max_size=2), SEEDS, st.sampled_from(["exact", "released"]))
def test_a_smaller_share_mixes_some_of_the_rows_of_a_larger_one(sizes, shares, seed, sampling):
    batch_size, n_windows, n_epochs = sizes
    small, large = (
        stream(n_windows, batch_size, n_epochs, Mixup(1.0, share, sampling), seed=seed) for share in sorted(shares)
    )
    mixed = small.coefficients < 1
    assert (large.coefficients < 1)[mixed].all()
    for one, other in zip(arrays(small), arrays(large), strict=True):
        np.testing.assert_array_equal(one[mixed], other[mixed])


@given(SIZES, MIXUPS, st.floats(0.05, 10), SEEDS)
def test_alpha_changes_coefficients_only(sizes, mixup, alpha, seed):
    batch_size, n_windows, n_epochs = sizes
    one, other = (stream(n_windows, batch_size, n_epochs, m, seed=seed) for m in (mixup, replace(mixup, alpha=alpha)))
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(one.partners, other.partners)
    assert (np.sign(one.coefficients - 0.5) * np.sign(other.coefficients - 0.5) >= 0).all(), "one uniform number behind"


@pytest.mark.parametrize(
    ("share", "realised"), [(0.1, 0.408), (0.25, 0.470), (0.5, 0.604), (0.75, 0.777), (0.9, 0.910)]
)
def test_released_sampling_mixes_more_than_its_share(share, realised):
    """1 - (1 - (63/64)^k) of 64 rows, with k = int((1 - share) 64) draws with replacement."""
    assert mixed_rows((2000, 64), Mixup(1.0, share, "released"), seed=0).mean() == pytest.approx(realised, abs=0.01)


@pytest.mark.parametrize(("share", "batch_size", "clean"), [(0.9, 10, 1), (0.43, 100, 56), (0.7, 20, 6), (1.0, 7, 0)])
def test_released_sampling_draws_as_many_clean_rows_as_the_released_code(share, batch_size, clean):
    """int(batch_size * percent) draws, percent written as a decimal: int(100 * 0.57) is 56 there too."""
    mixed = mixed_rows((4000, batch_size), Mixup(1.0, share, "released"), seed=1)
    expected = (1 - 1 / batch_size) ** clean
    assert mixed.mean() == pytest.approx(expected, abs=0.005)
    assert (~mixed).sum(axis=1).max() <= clean


@pytest.mark.parametrize("sampling", ["exact", "released"])
def test_every_window_of_a_batch_is_seen_whole_or_mixed(sampling):
    draws = stream(12800, 64, 1, Mixup(1.0, 0.1, sampling), seed=0)
    assert {len(set(rows)) for rows in draws.rows} == {64}


def test_released_sampling_of_all_rows_is_exact():
    assert Mixup(0.4, 1.0, "released") == Mixup(0.4, 1.0)
    assert Mixup(0.4, 1.0, "released").hash == Mixup(0.4, 1.0).hash


@pytest.mark.parametrize(("share", "batch_size"), [(0.005, 64), (0.0078, 64), (0.2, 2), (0.03, 16)])
def test_a_share_that_mixes_no_row_is_refused(share, batch_size):
    message = rf"Mixup\.share: found {share}, expected a share that mixes at least one of {batch_size} rows"
    with pytest.raises(MixkdError, match=message):
        stream(2 * batch_size, batch_size, 1, Mixup(1.0, share), seed=0)
    with pytest.raises(MixkdError, match=message):
        RunSpec(mixup=Mixup(1.0, share), batch_size=batch_size)
    with pytest.raises(MixkdError, match=message):
        RunSpec(teachers=(TeacherSpec(mixup=Mixup(1.0, share)),), batch_size=batch_size)


def test_the_mixed_share_counts_coefficients_that_round_to_one():
    assert stream(6400, 64, 1, Mixup(1.0, 0.5), seed=0).mixed_share == 0.5
    assert stream(6400, 64, 1, None, seed=0).mixed_share == 0
    assert 0.5 < stream(6400, 64, 1, Mixup(0.01), seed=0).mixed_share < 0.65


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0, 5.0])
def test_coefficients_follow_beta(alpha):
    draws = stream(64 * 40, 64, 1, Mixup(alpha), seed=3)
    assert stats.kstest(draws.coefficients.ravel(), stats.beta(alpha, alpha).cdf).pvalue > 0.05
    assert stats.kstest(draws.coefficients.ravel(), stats.beta(1.5 * alpha, 1.5 * alpha).cdf).pvalue < 0.01


def test_one_coefficient_per_batch():
    draws = stream(64 * 50, 64, 2, Mixup(1.0, coefficient="batch"), seed=0)
    assert (draws.coefficients == draws.coefficients[:, :1]).all()
    assert len(set(draws.coefficients[:, 0])) == 100
    assert stats.kstest(draws.coefficients[:, 0], "uniform").pvalue > 0.05


def test_fewer_windows_than_a_batch_are_refused():
    with pytest.raises(MixkdError, match="found 63 training windows, expected at least one batch of 64"):
        stream(63, 64, 1, None, seed=0)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 2, 5)])
def test_mix(shape):
    rng = np.random.default_rng(0)
    own, partner, weight = rng.normal(size=shape), rng.normal(size=shape), np.array([1, 0, 0.25, 0.5])
    expected = [w * a + (1 - w) * b for w, a, b in zip(weight, own, partner, strict=True)]
    np.testing.assert_allclose(mix(own, partner, weight), expected)
    np.testing.assert_allclose(mix(*map(torch.from_numpy, (own, partner, weight))), expected)
    np.testing.assert_array_equal(mix(own, partner, weight)[:2], [own[0], partner[1]])


def test_golden():
    """Written by printing the arrays: a change means that every stored run was trained on another stream."""
    draws = stream(9, 4, 1, Mixup(0.4, 0.5), seed=7)
    assert draws.rows.tolist() == [[6, 2, 1, 8], [0, 3, 5, 7]]
    assert draws.partners.tolist() == [[6, 1, 1, 8], [0, 3, 5, 5]]
    expected = [[0.98066932, 0.99300903, 1, 1], [1, 0.94399923, 1, 0.00012597381]]
    np.testing.assert_allclose(draws.coefficients, expected, rtol=1e-6)

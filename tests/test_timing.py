"""Uneven stamps and lost samples: what is interpolated, how well, and where a recording ends."""

from __future__ import annotations

import numpy as np
import pytest

from mixkd.datasets.raw import timing


def test_runs_end_where_a_step_is_above_the_limit():
    assert timing.runs(np.array([0, 10, 20, 71, 81, 131]), 50) == [slice(0, 3), slice(3, 6)]
    assert timing.runs(np.array([0, 60]), 50) == [slice(0, 1), slice(1, 2)]
    assert timing.runs(np.array([5]), 50) == [slice(0, 1)]


def test_constant_stretches():
    assert timing.constant(np.array([3, 3, 1, 1, 1, 3])) == [slice(0, 2), slice(2, 5), slice(5, 6)]
    assert timing.constant(np.array([True])) == [slice(0, 1)]
    assert timing.constant(np.array([], int)) == []


@pytest.mark.parametrize(("hertz", "atol"), [(2, 1e-4), (10, 5e-3), (20, 0.05)])
def test_even_follows_a_wave_up_to_half_of_the_band(hertz, atol):
    time = np.arange(2000) / 97.1
    found = timing.even(time, np.sin(2 * np.pi * hertz * time)[:, None], 100.0)[50:-50, 0]
    expected = np.sin(2 * np.pi * hertz * np.arange(50, 50 + len(found)) / 100)
    np.testing.assert_allclose(found, expected, atol=atol)


def test_even_grid():
    assert timing.even(np.array([0, 0.01, 0.02, 0.05]), np.zeros((4, 2)), 100.0).shape == (6, 2)
    exact = timing.even(np.arange(5) / 100, np.arange(10.0).reshape(5, 2), 100.0)
    np.testing.assert_allclose(exact, np.arange(10.0).reshape(5, 2), atol=1e-6)
    assert exact.dtype == np.float32
    assert len(timing.even(np.array([0, 0.29, 0.57]), np.zeros((3, 1)), 100.0)) == 58, "0.57 * 100 is 56.99…"
    assert timing.even(np.array([3.0]), np.ones((1, 2)), 100.0).tolist() == [[1.0, 1.0]]


def test_monotone_does_not_overshoot_where_steps_are_very_uneven():
    time = np.array([0, 0.05, 0.0501, 0.1, 0.15, 0.2])
    step = np.array([0, 0, 1, 1, 1, 1.0])[:, None]
    found = timing.even(time, step, 100.0, monotone=True)
    assert found.min() >= 0
    assert found.max() <= 1
    assert timing.even(time, step, 100.0).max() > 1.5, "a spline does"


def test_decimated_keeps_slow_waves_and_levels_and_drops_fast_ones():
    seconds = np.arange(1000) / 100
    slow, fast = (np.sin(2 * np.pi * hertz * seconds) for hertz in (5, 40))
    found = timing.decimated(np.stack([slow, fast, np.ones(1000)], axis=1), 2)
    assert found.shape == (500, 3)
    np.testing.assert_allclose(found[20:-20, 0], slow[::2][20:-20], atol=5e-3)
    assert np.abs(found[20:-20, 1]).max() < 0.01
    np.testing.assert_allclose(found[:, 2], 1, atol=1e-3)


def test_filled_inside_the_limit():
    lost = np.nan
    values = np.array([lost, 1, lost, lost, 4, lost, lost, lost, 8, lost])
    found, done = timing.filled(values, 2)
    np.testing.assert_array_equal(found, [lost, 1, 2, 3, 4, lost, lost, lost, 8, lost])
    assert np.flatnonzero(done).tolist() == [2, 3]
    both, marks = timing.filled(np.stack([values, np.arange(10.0)], axis=1), 3)
    np.testing.assert_array_equal(both[:, 0], [lost, 1, 2, 3, 4, 5, 6, 7, 8, lost])
    np.testing.assert_array_equal(both[:, 1], np.arange(10.0))
    assert not marks[:, 1].any()
    assert np.isnan(values).sum() == 7, "the argument is left alone"
    np.testing.assert_array_equal(timing.filled(np.full(4, lost), 9)[0], np.full(4, lost))


def test_held():
    lost = np.nan
    np.testing.assert_array_equal(timing.held(np.array([lost, 2, lost, lost, 5, lost])), [lost, 2, 2, 2, 5, 5])
    np.testing.assert_array_equal(timing.held(np.full(3, lost)), np.full(3, lost))

"""Persistence as scikit-learn transformers: its own checks, the functions they are made of, and pipelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from mixkd.errors import MixkdError
from mixkd.specs.run import ImageSpec
from mixkd.topology import Grid, PersistenceImage, SublevelPersistence, diagrams, images, oracles

X = np.random.default_rng(5).normal(size=(12, 3, 40)).astype(np.float32)


@parametrize_with_checks([SublevelPersistence(), PersistenceImage(), SublevelPersistence(n_pairs=2)])
def test_scikit_learn_accepts_them(estimator, check):
    before = np.random.get_state()  # noqa: NPY002 - some checks seed the legacy generator
    check(estimator)
    np.random.set_state(before)  # noqa: NPY002


def test_rows_are_the_images_of_the_functions():
    made = PersistenceImage(8, spread=0.7, kernel="integrated", tail=0.02).fit(X[:8])
    grid = Grid.fit(diagrams(X[:8]), ImageSpec(8, 0.7, "integrated"), tail=0.02)
    expected = images(diagrams(X), grid)
    rows = made.transform(X)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows.reshape(12, 3, 8, 8), expected)
    np.testing.assert_array_equal(made.transform(X.astype(np.float64)), rows.astype(np.float64))


@given(
    arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 15)), elements=st.integers(-4, 4))
)
def test_pairs_are_those_of_gudhi_most_persistent_first(x):
    pairs = SublevelPersistence(flat=False).fit_transform(x)
    expected = oracles.diagrams(x, "gudhi")
    for window in range(len(x)):
        for channel in range(x.shape[1]):
            own = pairs[window, channel]
            length = own[:, 1] - own[:, 0]
            assert (np.diff(length) <= 0).all()
            assert (own[length == 0] == x[window, channel].min()).all()
            assert sorted(map(tuple, own[length > 0])) == sorted(map(tuple, expected.of(window, channel)))


def test_fewer_pairs_are_the_most_persistent_ones():
    whole = SublevelPersistence(flat=False).fit_transform(X)
    np.testing.assert_array_equal(SublevelPersistence(3, flat=False).fit_transform(X), whole[:, :, :3])
    np.testing.assert_array_equal(SublevelPersistence(3).fit_transform(X), whole[:, :, :3].reshape(12, -1))


def test_diagrams_are_drawn_as_their_windows_are():
    chain = make_pipeline(SublevelPersistence(flat=False), PersistenceImage(8))
    np.testing.assert_allclose(chain.fit_transform(X), PersistenceImage(8).fit_transform(X), rtol=1e-5, atol=1e-6)


def test_one_channel_may_have_no_axis():
    for each in (SublevelPersistence(), PersistenceImage(8)):
        np.testing.assert_array_equal(each.fit_transform(X[:, 0]), clone(each).fit_transform(X[:, :1]))


def test_columns_have_the_names_of_what_they_hold():
    table = SublevelPersistence().set_output(transform="pandas").fit_transform(X)
    whole = SublevelPersistence(flat=False).fit_transform(X)
    np.testing.assert_array_equal(table["channel2_death1"], whole[:, 2, 1, 1])
    made = PersistenceImage(8).set_output(transform="pandas").fit(X)
    drawn = images(diagrams(X), made.grid_)
    np.testing.assert_array_equal(made.transform(X)["channel1_persistence3_birth5"], drawn[:, 1, 3, 5])
    assert isinstance(make_pipeline(made).set_output(transform="pandas").transform(X), pd.DataFrame)
    assert not hasattr(SublevelPersistence(flat=False), "get_feature_names_out")


def test_a_grid_search_over_the_image_learns():
    """Two kinds of windows that differ in how far they swing, whose settings a search sets and clones."""
    rng, y = np.random.default_rng(0), np.arange(60) % 2
    windows = rng.normal(size=(60, 1, 50)) * np.where(y, 1.6, 1.0)[:, None, None]
    chain = make_pipeline(PersistenceImage(), LogisticRegression(max_iter=500))
    search = GridSearchCV(chain, {"persistenceimage__resolution": [4, 8], "persistenceimage__spread": [0.5, 1.0]}, cv=3)
    assert search.fit(windows, y).best_score_ > 0.8
    assert search.best_estimator_[0].grid_.spec.resolution == search.best_params_["persistenceimage__resolution"]


FLAT = SublevelPersistence().fit_transform(X)
REFUSED = {
    "flat diagrams": (PersistenceImage(), FLAT, "found births and deaths in turn, expected windows"),
    "five axes": (PersistenceImage(), X[None, None], "found shape .*, expected diagrams"),
    "deaths before births": (PersistenceImage(), -np.ones((2, 1, 3, 2)).cumsum(3), "birth <= death"),
    "diagrams": (SublevelPersistence(), X[:, :, :, None], "found 4 axes, expected"),
    "no pairs": (SublevelPersistence(0), X, "n_pairs: found 0, expected an integer from 1"),
    "a part of a pair": (SublevelPersistence(1.5), X, "n_pairs: found 1.5"),
    "an unknown kernel": (PersistenceImage(kernel="other"), X, "kernel"),
    "one pixel": (PersistenceImage(1), X, "resolution: found 1, expected 2 to 256 pixels"),
    "half of the pairs": (PersistenceImage(tail=0.5), X, "found tail 0.5"),
    "numbers beyond float32": (PersistenceImage(), X * 1e35, "take a larger unit"),
}


@pytest.mark.parametrize(("transformer", "x", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_window_is_refused(transformer, x, message):
    with pytest.raises((ValueError, MixkdError), match=message):
        clone(transformer).fit(x)


def test_windows_of_another_shape_are_refused():
    for each in (SublevelPersistence(), PersistenceImage()):
        with pytest.raises(ValueError, match=r"found windows of shape \(3, 20\), expected \(3, 40\) as in training"):
            each.fit(X).transform(X[:, :, :20])


@pytest.mark.parametrize("x", [np.arange(12.0).reshape(2, 6), [[0.0, 3, 1, 2, 0.5, 4], [1, 2, 0, 1, 0, 2]]])
def test_rising_and_alternating_windows_are_no_diagrams(x):
    assert PersistenceImage(4).fit_transform(x).shape == (2, 16)

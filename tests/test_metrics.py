"""Metrics against scikit-learn, and calibration against closed forms."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from mixkd.learning import metrics

CASES = st.tuples(st.integers(1, 60), st.integers(2, 7), st.floats(0.1, 10), st.integers(0, 10**6))


def case(n: int, n_classes: int, scale: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=(n, n_classes)).astype(np.float32), rng.integers(0, n_classes, n)


@given(CASES)
def test_summary_equals_scikit_learn(given_):
    logits, y = case(*given_)
    p, predicted = softmax(logits.astype(np.float64), axis=1), logits.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": accuracy_score(y, predicted),
            "macro_f1": f1_score(y, predicted, average="macro"),
            "nll": log_loss(y, p, labels=range(logits.shape[1])),
            "brier": np.mean([sum((p[i, c] - (c == y[i])) ** 2 for c in range(p.shape[1])) for i in range(len(y))]),
            "ece": naive_ece(p, y, 15),
        }
    found = metrics.summary(logits, y)
    assert found == pytest.approx(expected, abs=1e-9)
    assert {type(value) for value in found.values()} == {float}


def naive_ece(p: np.ndarray, y: np.ndarray, n_bins: int) -> float:
    """Guo et al. 2017, equation 3: bin m holds confidences in ((m - 1) / M, m / M]."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    total = 0.0
    for m in range(1, n_bins + 1):
        inside = [i for i in range(len(y)) if (m - 1) / n_bins < confidence[i] <= m / n_bins]
        if inside:
            total += len(inside) / len(y) * abs(right[inside].mean() - confidence[inside].mean())
    return total


def answers(*confidence_and_right: tuple[float, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two classes; class 0 is answered with this confidence."""
    confidence, right = map(np.array, zip(*confidence_and_right, strict=True))
    return np.column_stack([confidence, 1 - confidence]), np.where(right, 0, 1)


@pytest.mark.parametrize("accuracy", [0.6, 0.75, 1.0])
def test_ece_of_the_calibrated_is_zero(accuracy):
    p, y = answers(*[(accuracy, i < 20 * accuracy) for i in range(20)])
    assert metrics.ece(p, y) == pytest.approx(0)


@pytest.mark.parametrize(("confidence", "right", "expected"), [(1.0, False, 1.0), (0.9, True, 0.1), (0.7, False, 0.7)])
def test_ece_of_one_answer(confidence, right, expected):
    assert metrics.ece(*answers((confidence, right))) == pytest.approx(expected)


def test_ece_by_hand():
    p, y = answers((0.9, True), (0.9, False), (0.6, True), (0.6, True))
    assert metrics.ece(p, y, n_bins=5) == pytest.approx(0.5 * abs(0.5 - 0.9) + 0.5 * abs(1 - 0.6))
    assert metrics.ece(p, y, n_bins=1) == pytest.approx(abs(0.75 - 0.75)), "one bin hides it"


@pytest.mark.parametrize("error", [0.0, 0.15])
def test_the_debiased_error_is_the_true_one_where_the_plain_one_is_too_large(error):
    """300 simulated people of 100 windows, who are right less often than they say by `error`."""
    rng = np.random.default_rng(0)
    plain, squares = [], []
    for _ in range(300):
        confidence = rng.uniform(0.6, 1, 100)
        right = rng.random(100) < confidence - error
        p = np.stack([confidence, 1 - confidence], axis=1)
        plain.append(metrics.ece(p, np.where(right, 0, 1)))
        squares.append(metrics.debiased(p, np.where(right, 0, 1)) ** 2)
    assert np.mean(plain) > error + 0.01
    assert np.sqrt(np.mean(squares)) == pytest.approx(error, abs=0.05 if error == 0 else 0.02)
    assert np.sqrt(np.mean(squares)) < np.mean(plain)


def test_the_debiased_error_by_hand():
    """Three of four right at 0.9 each: 0.15 squared, less 0.75 * 0.25 / 3; of one window a bin says nothing."""
    p, y = answers((0.9, True), (0.9, True), (0.9, True), (0.9, False))
    assert metrics.debiased(p, y, n_bins=1) == 0.0
    p, y = answers(*[(0.9, False)] * 4, (0.6, True))
    assert metrics.debiased(p, y, n_bins=5) == pytest.approx(np.sqrt(0.8 * 0.9**2))


def test_reliability_by_hand():
    p, y = answers((0.9, True), (1.0, False), (0.6, True), (0.8, True))
    found = metrics.reliability(p, y, n_bins=5)  # upper edges 0.2, 0.4, 0.6, 0.8, 1.0 belong to their bin
    np.testing.assert_allclose(found["share"], [0, 0, 0.25, 0.25, 0.5])
    np.testing.assert_allclose(found["confidence"], [np.nan, np.nan, 0.6, 0.8, 0.95])
    np.testing.assert_allclose(found["accuracy"], [np.nan, np.nan, 1, 1, 0.5])


def test_the_first_and_the_last_bin():
    """Of twenty classes the most likely may have 1/20, in the first bin; rounding may leave a sum above 1."""
    p = np.full((1, 20), 1 / 20)
    assert metrics.reliability(p, np.array([0]))["share"].tolist() == [1, *[0] * 14]
    p = np.array([[1 + 1e-12, 0]])
    assert metrics.reliability(p, np.array([0]))["share"].tolist() == [*[0] * 14, 1]


@given(CASES)
def test_confusion_equals_scikit_learn(given_):
    logits, y = case(*given_)
    expected = confusion_matrix(y, logits.argmax(axis=1), labels=range(logits.shape[1]))
    np.testing.assert_array_equal(metrics.confusion(logits, y), expected)


@given(CASES, st.floats(-30, 30), st.permutations(range(7)))
def test_metrics_do_not_see_constants_or_names_of_classes(given_, constant, order):
    logits, y = case(*given_)
    order = np.array([c for c in order if c < logits.shape[1]])
    renamed = metrics.summary(logits[:, np.argsort(order)] + np.float32(constant), order[y])
    assert renamed == pytest.approx(metrics.summary(logits, y), rel=1e-3, abs=1e-3)

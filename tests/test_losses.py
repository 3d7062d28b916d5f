"""Losses against independent formulas, and the mathematics that knowledge distillation relies on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F

from mixkd.losses import kd, soft_cross_entropy

SHAPES = st.tuples(st.integers(1, 6), st.integers(2, 12))
LOGITS = SHAPES.flatmap(lambda shape: arrays(np.float64, (2, *shape), elements=st.floats(-20, 20)))
TEMPERATURES = st.sampled_from([0.5, 1.0, 4.0, 8.0])


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def some_logits(n_classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    return tuple(torch.from_numpy(rng.normal(0, 3, (7, n_classes))) for _ in range(2))


# -- kd


@given(LOGITS, TEMPERATURES)
def test_kd_equals_the_formula_and_kl_div_loss(logits, temperature):
    student, teacher = logits
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    found = kd(*map(torch.from_numpy, logits), temperature)
    np.testing.assert_allclose(found, temperature**2 * (p * np.log(p / q)).sum(axis=1), rtol=1e-8, atol=1e-10)
    log_s, log_t = (F.log_softmax(torch.from_numpy(z) / temperature, dim=1) for z in logits)
    batchmean = torch.nn.KLDivLoss(reduction="batchmean", log_target=True)(log_s, log_t)
    torch.testing.assert_close(found.mean(), temperature**2 * batchmean, rtol=1e-9, atol=1e-10)
    assert (found >= -1e-10).all()


@given(LOGITS, TEMPERATURES)
def test_kd_of_equal_logits_is_zero_and_pulls_nowhere(logits, temperature):
    teacher = torch.from_numpy(logits[0])
    student = teacher.clone().requires_grad_()
    loss = kd(student, teacher, temperature)
    loss.sum().backward()
    assert (loss == 0).all()
    assert student.grad.abs().max() < 1e-12 * temperature**2


@given(LOGITS, TEMPERATURES, st.floats(-50, 50), st.floats(-50, 50))
def test_kd_does_not_see_constants(logits, temperature, to_student, to_teacher):
    student, teacher = map(torch.from_numpy, logits)
    moved = kd(student + to_student, teacher + to_teacher, temperature)
    torch.testing.assert_close(moved, kd(student, teacher, temperature), rtol=1e-8, atol=1e-8)


def numerical_gradient(temperature: float, step: float = 1e-4) -> np.ndarray:
    """d kd / d student by central differences, (n, n_classes)."""
    student, teacher = some_logits()
    shifts = step * torch.eye(5, dtype=torch.float64)
    columns = [kd(student + s, teacher, temperature) - kd(student - s, teacher, temperature) for s in shifts]
    return torch.stack(columns, dim=1).numpy() / (2 * step)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kd_gradient(temperature):
    student, teacher = (z.requires_grad_() for z in some_logits())
    kd(student, teacher, temperature).sum().backward()
    expected = temperature * (
        softmax(student.detach().numpy() / temperature) - softmax(teacher.detach().numpy() / temperature)
    )
    np.testing.assert_allclose(student.grad, expected, atol=1e-10)
    np.testing.assert_allclose(numerical_gradient(temperature), expected, atol=1e-6)


def test_temperature_squared_keeps_the_size_of_the_gradient():
    """For a large temperature it tends to the gradient of half the squared distance of centred logits, over classes."""
    student, teacher = (z - z.mean(dim=1, keepdim=True) for z in some_logits())
    limit = ((student - teacher) / 5).numpy()
    for temperature, tolerance in ((100.0, 0.05), (1000.0, 0.005)):
        error = numerical_gradient(temperature, step=0.1) - limit
        assert np.linalg.norm(error) < tolerance * np.linalg.norm(limit)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_huge_logits_stay_finite(dtype, temperature):
    teacher = 1e4 * torch.tensor([[1, -1, 0], [-1, 1, 1], [1, 1, 1]], dtype=dtype)
    student = (-teacher).requires_grad_()
    target = torch.eye(3, dtype=dtype)
    loss = kd(student, teacher, temperature).sum() + soft_cross_entropy(student, target).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(student.grad).all()
    assert loss > 1e4


def test_one_value_per_window():
    student, teacher = some_logits()
    for loss in (lambda s, t: kd(s, t, 4.0), lambda s, t: soft_cross_entropy(s, t.softmax(dim=1))):
        whole = loss(student, teacher)
        assert whole.shape == (7,)
        torch.testing.assert_close(whole[2:4], loss(student[2:4], teacher[2:4]))


# -- cross-entropy with label distributions


@given(LOGITS, st.randoms(use_true_random=False))
def test_one_hot_targets_give_the_usual_cross_entropy(logits, random):
    z = torch.from_numpy(logits[0])
    y = torch.tensor([random.randrange(z.shape[1]) for _ in z])
    found = soft_cross_entropy(z, F.one_hot(y, z.shape[1]).double())
    torch.testing.assert_close(found, F.cross_entropy(z, y, reduction="none"))


@given(LOGITS, st.floats(0, 1))
def test_cross_entropy_of_a_mixed_label_is_the_mixture_of_cross_entropies(logits, share):
    z, n_classes = torch.from_numpy(logits[0]), logits.shape[2]
    one, other = (F.one_hot((torch.arange(len(z)) + k) % n_classes, n_classes).double() for k in (0, 1))
    mixed = soft_cross_entropy(z, share * one + (1 - share) * other)
    expected = share * soft_cross_entropy(z, one) + (1 - share) * soft_cross_entropy(z, other)
    torch.testing.assert_close(mixed, expected)


@given(LOGITS)
def test_cross_entropy_is_entropy_plus_divergence(logits):
    student, teacher = map(torch.from_numpy, logits)
    p = teacher.softmax(dim=1)
    entropy = soft_cross_entropy(teacher, p)
    torch.testing.assert_close(
        soft_cross_entropy(student, p), entropy + kd(student, teacher, 1.0), rtol=1e-8, atol=1e-8
    )

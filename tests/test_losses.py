"""Losses against independent formulas, and the mathematics that knowledge distillation relies on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F

from mixkd.errors import MixkdError
from mixkd.learning import losses, map_losses
from mixkd.learning.losses import kd, soft_cross_entropy

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


# -- what has no meaning is refused or defined, never NaN

NAN, INF = float("nan"), float("inf")


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("temperature", [0.0, -1.0, -1e-9, NAN])
@pytest.mark.parametrize("loss", [losses.kd, losses.dist])
def test_a_temperature_that_is_not_above_zero_is_refused(loss, temperature):
    with pytest.raises(MixkdError, match=r"temperature: found .*, expected a number above 0"):
        loss(*some_logits(), temperature)


@pytest.mark.parametrize("value", [-INF, INF, NAN])
@pytest.mark.parametrize("which", [0, 1])
def test_logits_that_are_not_finite_are_refused(value, which):
    pair = some_logits()
    pair[which].detach()[2, 1] = value
    calls = [lambda: losses.kd(*pair, 2.0), lambda: losses.dist(*pair, 2.0)]
    calls += [lambda: losses.soft_cross_entropy(pair[which], pair[1 - which].softmax(1))]
    calls += [lambda: losses.entropy_trust(pair), lambda: losses.label_trust(pair, pair[1 - which].softmax(1))]
    for call in calls:
        with pytest.raises(MixkdError, match="logits of a network: found values that are not finite"):
            call()


def test_shapes_that_would_broadcast_are_refused():
    student, teacher = some_logits()
    for call in (
        lambda: losses.kd(student, teacher[:1], 2.0),
        lambda: losses.soft_cross_entropy(student, teacher.softmax(1)[:, :1]),
        lambda: losses.dist(student, teacher[:, :1], 2.0),
        lambda: map_losses.at([random(4, 8, 1, 16)], [random(4, 8, 1, 1)]),
        lambda: map_losses.amd([random(4, 8, 1, 16)], [random(4, 8, 4, 4)], local=False),
    ):
        with pytest.raises(MixkdError, match=r"found shapes .* expected equal ones"):
            call()


def test_rescaling_equal_logits_is_refused():
    logits = torch.tensor([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
    with pytest.raises(MixkdError, match="logits of window 1: found equal values"):
        losses.rescaled(logits)
    torch.testing.assert_close(losses.rescaled(logits[:1]).std(dim=1), torch.ones(1))


@pytest.mark.parametrize("n", [0, 1])
def test_one_teacher_cannot_be_weighed_against_others(n):
    with pytest.raises(MixkdError, match=f"trust: found {n} teacher"):
        losses.trust(torch.ones(n, 5))


@pytest.mark.parametrize("n", [2, 4, 7])
def test_tpkd_of_too_few_windows_is_refused(n):
    """Of one window per block the correlation minus 1 is 0, whatever student and teacher are."""
    own, other = (torch.randn(n, 4, 1, 6, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    with pytest.raises(MixkdError, match=f"tpkd: found {n} windows, expected at least 8"):
        map_losses.tpkd([own], [[other]], [1.0])
    twice = [torch.cat([part] * 4)[:8] + 0.1 * torch.arange(8)[:, None, None, None] for part in (own, other)]
    assert map_losses.tpkd([twice[0]], [[twice[1]]], [1.0]) > 0


def test_a_window_of_zeros_is_like_no_other_in_sp():
    own = random(4, 3, 1, 5)
    own[1] = 0
    own.requires_grad_()
    loss = map_losses.sp([own], [[random(4, 3, 1, 5)]], [1.0])
    loss.backward()
    assert loss.isfinite()
    assert own.grad.isfinite().all()


def test_equal_outputs_are_at_distance_one():
    p = torch.full((3, 4), 0.25, requires_grad=True)
    distance = losses.pearson_distance(p, random(3, 4))
    distance.sum().backward()
    torch.testing.assert_close(distance, torch.ones(3))
    assert p.grad.isfinite().all()

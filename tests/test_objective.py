"""The loss of a method as a function: what a training step minimises, and formulas written a second time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from runs import small, step_of
from scipy.special import log_softmax, softmax
from torch.nn import functional as F

from mixkd.errors import MixkdError
from mixkd.learning.networks import Outputs
from mixkd.learning.objective import OF_LOGITS, OF_MAPS, objective
from mixkd.learning.training import distil_loss
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Constant, TeacherSpec

RNG = np.random.default_rng(3)
Z, T, U = (torch.from_numpy(RNG.normal(0, 2, (9, 4))) for _ in range(3))
Y = torch.from_numpy(RNG.integers(0, 4, 9))
SHARES = F.one_hot(Y, 4).double()


def outputs(logits: torch.Tensor) -> Outputs:
    stages = tuple(torch.from_numpy(RNG.normal(0, 1, (9, 4 * k, 1, 8 // k))) for k in (1, 2, 4))
    return Outputs(logits, stages[-1].mean((2, 3)), stages)


S, A, B = map(outputs, (Z, T, U))


def test_kd_is_the_formula():
    """(1 - w) CE + w T^2 KL, teachers with equal weights, written in numpy."""
    ce = -log_softmax(Z.numpy(), axis=1)[np.arange(9), Y]
    kl = np.zeros(9)
    for teacher in (T, U):
        p = softmax(teacher.numpy() / 3, axis=1)
        kl += 0.5 * (p * (np.log(p) - log_softmax(Z.numpy() / 3, axis=1))).sum(axis=1)
    found = objective("kd", Z, Y, [T, U], temperature=3.0, kd_weight=0.6)
    np.testing.assert_allclose(found, (0.4 * ce + 0.6 * 9 * kl).mean(), rtol=1e-12)


def test_without_teachers_it_is_cross_entropy():
    torch.testing.assert_close(objective("kd", Z, Y), F.cross_entropy(Z, Y))
    smooth = F.cross_entropy(Z, Y, label_smoothing=0.3)
    torch.testing.assert_close(objective("label_smoothing", Z, Y, share=0.3), smooth)


@pytest.mark.parametrize("method", OF_LOGITS + OF_MAPS)
def test_it_is_what_a_training_step_minimises(method):
    about = METHODS[method]
    taught = [] if about.teachers == "none" else [A] if about.teachers == "one signal" else [A, B]
    weights = {2: (0.3, 0.7), 1: (1.0,), 0: ()}[len(taught)]
    spec = small(method=method, teachers=[TeacherSpec(weight=w) for w in weights], temperature=2.0, kd_weight=0.8)
    expected, _ = distil_loss(step_of(S, SHARES, taught, spec))
    found = objective(method, S, Y, taught, temperature=2.0, kd_weight=0.8, weights=weights)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_student_learns_from_it():
    """Gradients reach the student alone."""
    student, teacher = Z.clone().requires_grad_(), T.clone().requires_grad_()
    objective("kd", student, SHARES, [teacher.detach()]).backward()
    assert student.grad.abs().max() > 0


def test_constants_of_a_method_have_its_defaults():
    spec = small(method="label_smoothing", constants=[Constant("share", 0.1)])
    expected, _ = distil_loss(step_of(S, SHARES, [], spec))
    torch.testing.assert_close(objective("label_smoothing", Z, Y), expected, rtol=0, atol=0)


REFUSED = {
    "a method of steps": (("patch_swap", Z, Y), {}, "its loss needs batches or layers; expected one of kd, aver"),
    "a typing error": (("kdd", Z, Y), {}, "found 'kdd', did you mean 'kd'"),
    "logits for maps": (("at", Z, Y, [T]), {}, "found logits alone, expected `Outputs` with maps"),
    "weights for others": (("kd", Z, Y, [T]), {"weights": [0.5, 0.5]}, "found 2 for 1 teachers"),
    "weights beyond one": (("kd", Z, Y, [T, U]), {"weights": [0.5, 0.7]}, "sum to 1"),
    "one teacher to weigh": (("ebkd", Z, Y, [T]), {}, "two teachers or more"),
    "no teacher": (("dist", Z, Y), {}, "expected teachers for this method"),
    "another constant": (("kd", Z, Y, [T]), {"share": 0.1}, "constants"),
    "no temperature": (("kd", Z, Y, [T]), {"temperature": 0.0}, "temperature: found 0.0"),
    "other classes": (("kd", Z, Y, [T[:, :3]]), {}, "logits of student and teacher: found shapes"),
    "labels beyond": (("kd", Z, Y + 3, [T]), {}, r"target: found torch.int64 \(9,\), expected classes from 0 to 3"),
    "too few labels": (("kd", Z, Y[:5], [T]), {}, "target: found"),
    "whole numbers": (("kd", Z.long(), Y, [T]), {}, "logits: found torch.int64"),
    "not finite": (("kd", Z / 0, Y, [T]), {}, "not finite"),
}


@pytest.mark.parametrize(("arguments", "settings", "message"), REFUSED.values(), ids=REFUSED)
def test_what_it_cannot_use_is_refused(arguments, settings, message):
    with pytest.raises(MixkdError, match=message):
        objective(*arguments, **settings)


def test_every_method_is_a_function_or_refused():
    for method in METHODS.keys() - {*OF_LOGITS, *OF_MAPS}:
        with pytest.raises(MixkdError, match="needs batches or layers"):
            objective(method, S, Y, [A])

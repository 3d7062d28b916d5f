"""Stochastic self-distillation: a trained network under many dropout masks; the student chooses which to follow."""

from __future__ import annotations

import torch

from mixkd.learning import losses
from mixkd.learning.methods.kd import Parts, Step
from mixkd.learning.methods.rule import Rule


def ssd(step: Step) -> Parts:
    """ce CE + features mean (f - sum_k a_k f_k)^2, with the features f_k of the teacher under dropout mask k.

    Aslam et al. 2025, by the released code. Declared: masks on the features alone, so that a pass costs a product.
    """
    constant = step.spec.constant
    student, teacher = step.student.features, step.taught[0].features
    losses.same_size(student, teacher, "features of student and teacher")
    masks = step.rng("dropout").random((int(constant("passes")), *teacher.shape), dtype="float32") >= constant("rate")
    passes = teacher * torch.from_numpy(masks).to(teacher.dtype) / (1 - constant("rate"))
    gap = (student - followed(student, passes, step.spec.temperature, constant("quantile"))).pow(2).mean(dim=1)
    ce = step.task.loss(step.student.logits, step.target)
    return {"CE": constant("ce") * ce, "features": constant("features") * gap}


def followed(student: torch.Tensor, passes: torch.Tensor, temperature: float, quantile: float) -> torch.Tensor:
    """sum_k a_k f_k, (n, n_features), of passes (n_passes, n, n_features): a = softmax_k(f . f_k / temperature).

    Weights below this quantile of a window's weights are dropped, the others sum to 1. As released, the gradient flows
    through the weights too.
    """
    weights = ((student * passes).sum(dim=2) / temperature).softmax(dim=0)  # (n_passes, n)
    weights = torch.where(weights >= weights.quantile(quantile, dim=0), weights, 0)
    return (weights.unsqueeze(2) * passes).sum(dim=0) / weights.sum(dim=0).unsqueeze(1)


RULES = {
    "ssd": Rule(ssd),
}

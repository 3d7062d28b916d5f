"""Self-distillation: the student's teacher is an average of itself, or itself with other dropout masks."""

from __future__ import annotations

import torch

from mixkd.learning.methods.kd import Parts, Step
from mixkd.learning.methods.rule import Rule
from mixkd.learning.networks import Network
from mixkd.learning.teachers import Averaged, Teacher
from mixkd.specs.run import RunSpec


def averaged(spec: RunSpec, net: Network) -> list[Teacher]:
    """An exponential moving average of the student, from its initial weights on."""
    return [Averaged(net, spec.modality, spec.constant("decay"), ramp=bool(spec.constant("ramp")))]


def smooth(step: Step) -> Parts:
    """CE + weight T^2 KL to the averaged student. Smooth-Distill 2025, by its released code; a ramp is declared."""
    return with_agreement(step, step.task.kd(step.student.logits, step.logits[0], step.spec.temperature))


def dropout(step: Step) -> Parts:
    """CE + weight T^2 (KL + KL) / 2 between two dropout masks of the features. Lee et al. 2022."""
    one, other = masked_logits(step)
    T, kd = step.spec.temperature, step.task.kd
    return with_agreement(step, (kd(one, other, T) + kd(other, one, T)) / 2)


def with_agreement(step: Step, agreement: torch.Tensor) -> Parts:
    """The loss of the task, and the method's weight times a term (n,)."""
    task = step.task.loss(step.student.logits, step.target)
    return {"CE": task, "agreement": step.spec.constant("weight") * agreement}


def masked_logits(step: Step) -> list[torch.Tensor]:
    """Logits (n, n_outputs) of the student's features under each of two dropout masks."""
    assert step.net
    features, rate = step.student.features, step.spec.constant("rate")
    keep = step.rng("dropout").random((2, *features.shape), dtype="float32") >= rate
    return [step.net.head(features * torch.from_numpy(mask) / (1 - rate)) for mask in keep]


RULES = {
    "smooth": Rule(smooth, teachers=averaged),
    "dropout": Rule(dropout),
}

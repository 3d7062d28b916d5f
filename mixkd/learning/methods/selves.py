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
    one, other = masked_logits(step, 2)
    T, kd = step.spec.temperature, step.task.kd
    return with_agreement(step, (kd(one, other, T) + kd(other, one, T)) / 2)


def stochastic(step: Step) -> Parts:
    """CE + weight T^2 sum_k w_k KL to the outputs under dropout masks k, w = softmax of minus their KL to the student.

    A teacher of many stochastic passes, filtered by the student (Aslam et al. 2025). Reconstructed: masks on the
    features, so that a pass costs one product with the head.
    """
    T, kd = step.spec.temperature, step.task.kd
    passes = [logits.detach() for logits in masked_logits(step, int(step.spec.constant("passes")))]
    distances = torch.stack([kd(step.student.logits, logits, T) for logits in passes])  # (n_passes, n)
    weights = (-distances.detach()).softmax(dim=0)
    return with_agreement(step, (weights * distances).sum(dim=0))


def with_agreement(step: Step, agreement: torch.Tensor) -> Parts:
    """The loss of the task, and the method's weight times a term (n,)."""
    task = step.task.loss(step.student.logits, step.target)
    return {"CE": task, "agreement": step.spec.constant("weight") * agreement}


def masked_logits(step: Step, n_masks: int) -> list[torch.Tensor]:
    """Logits (n, n_outputs) of the student's features under `n_masks` dropout masks of their own."""
    assert step.net
    features, rate = step.student.features, step.spec.constant("rate")
    keep = step.rng("dropout").random((n_masks, *features.shape), dtype="float32") >= rate
    return [step.net.head(features * torch.from_numpy(mask) / (1 - rate)) for mask in keep]


RULES = {
    "smooth": Rule(smooth, teachers=averaged),
    "dropout": Rule(dropout),
    "stochastic": Rule(stochastic),
}

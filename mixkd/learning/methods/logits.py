"""Methods that read the teachers' logits alone."""

from __future__ import annotations

from functools import partial

import torch

from mixkd.learning import losses
from mixkd.learning.methods.step import Parts, Step, basic, by_trust, kd, weighted


def kd_loss(step: Step) -> Parts:
    """(1 - kd_weight) CE + kd_weight sum_m w_m kd_m. Hinton et al. 2015."""
    return basic(step, weighted)


def aver(step: Step) -> Parts:
    """KD from the mean of the teachers' logits. Of their probabilities it would be `kd_loss` in gradient."""
    mean = torch.stack([w * logits for w, logits in zip(step.weights, step.logits, strict=True)]).sum(dim=0)
    return basic(step, lambda step: kd(step.student.logits, mean, step.spec))


def ebkd(step: Step) -> Parts:
    """Teachers weighted per window by inverse entropy. Kwon et al. 2020."""
    return basic(step, partial(by_trust, losses.entropy_trust(step.logits)))


def ebkd_softmax(step: Step) -> Parts:
    """EBKD with the weights of CA-MKD, of entropies."""
    return basic(step, partial(by_trust, losses.entropy_softmax_trust(step.logits)))


def dist(step: Step) -> Parts:
    """CE + 2 (relations of rows + relations of columns). Huang et al. 2022."""
    relations = losses.dist(step.student.logits, step.logits[0], step.spec.temperature)
    return {"CE": losses.soft_cross_entropy(step.student.logits, step.target), "relations": 2 * relations}

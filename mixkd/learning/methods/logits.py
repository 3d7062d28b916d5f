"""Methods that read the teachers' logits alone, or change the labels."""

from __future__ import annotations

from functools import partial

import torch

from mixkd.learning import losses
from mixkd.learning.methods.kd import Parts, Step, basic, kd, kd_loss
from mixkd.learning.methods.rule import Rule


def by_trust(trust: torch.Tensor, step: Step) -> torch.Tensor:
    """sum_m trust_m kd_m, (n,), with weights per window (n_teachers, n)."""
    return (trust * torch.stack([kd(step.student.logits, teacher, step) for teacher in step.logits])).sum(dim=0)


def aver(step: Step) -> Parts:
    """KD from the mean of the teachers' logits. Of their probabilities it would be `kd_loss` in gradient."""
    mean = torch.stack([w * logits for w, logits in zip(step.weights, step.logits, strict=True)]).sum(dim=0)
    return basic(step, lambda step: kd(step.student.logits, mean, step))


def ebkd(step: Step) -> Parts:
    """Teachers weighted per window by inverse entropy. Kwon et al. 2020."""
    return basic(step, partial(by_trust, losses.entropy_trust(step.logits)))


def ebkd_softmax(step: Step) -> Parts:
    """EBKD with the weights of CA-MKD, of entropies."""
    return basic(step, partial(by_trust, losses.entropy_softmax_trust(step.logits)))


def dist(weight: float, step: Step) -> Parts:
    """CE + weight (relations of rows + relations of columns). Huang et al. 2022."""
    relations = weight * losses.dist(step.student.logits, step.logits[0], step.spec.temperature)
    return {"CE": losses.soft_cross_entropy(step.student.logits, step.target), "relations": relations}


def lskd(step: Step) -> Parts:
    """ce CE + weight KD of standardised logits. Sun et al. 2024 (logit standardization), as released.

    Standardised logits are `rescaled` ones: a softmax does not see the mean that is taken off too. MIX-KD's RL is this
    term at temperature 1, with the cross-entropy on rescaled logits too; TDA_KD's, at temperature 1/2.
    """
    constant, z = step.spec.constant, step.student.logits
    standard = losses.kd(losses.rescaled(z), losses.rescaled(step.logits[0]), step.spec.temperature)
    return {"CE": constant("ce") * step.task.loss(z, step.target), "KD": constant("weight") * standard}


def rld(step: Step) -> Parts:
    """CE + confidence term + correlation term, with their weights. Sun et al. 2024 (refined logits), as released.

    Declared: no warm-up; the class of a mixed label is that of its larger part.
    """
    z, teacher, label, T = step.student.logits, step.logits[0], step.target.argmax(dim=1), step.spec.temperature
    return {
        "CE": step.task.loss(z, step.target),
        "confidence": step.spec.constant("confidence") * losses.sample_confidence(z, teacher, label, T),
        "correlation": step.spec.constant("correlation") * losses.masked_correlation(z, teacher, label, T),
    }


def label_smoothing(step: Step) -> Parts:
    """CE against labels that give a share to all classes alike. Szegedy et al. 2016."""
    share = step.spec.constant("share")
    return {"CE": step.task.loss(step.student.logits, (1 - share) * step.target + share / step.target.shape[1])}


RULES = {
    "kd": Rule(kd_loss),
    "aver": Rule(aver),
    "ebkd": Rule(ebkd),
    "ebkd_softmax": Rule(ebkd_softmax),
    "dist": Rule(partial(dist, 2.0)),
    "dist_plain": Rule(partial(dist, 1.0)),
    "label_smoothing": Rule(label_smoothing),
    "lskd": Rule(lskd),
    "rld": Rule(rld),
}

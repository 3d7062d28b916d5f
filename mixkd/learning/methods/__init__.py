"""The losses of the distillation methods, a function each; their facts are in `mixkd/specs/methods.py`."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mixkd.errors import MixkdError
from mixkd.learning import losses
from mixkd.learning.methods import logits, maps
from mixkd.learning.methods.maps import adapters
from mixkd.learning.methods.step import Parts, Step, cross_entropy, kd

__all__ = ["LOSSES", "Parts", "Step", "adapters", "distil_loss", "kd", "loss_parts"]

LOSSES: dict[str, Callable[[Step], Parts]] = {
    "kd": logits.kd_loss,
    "aver": logits.aver,
    "ebkd": logits.ebkd,
    "ebkd_softmax": logits.ebkd_softmax,
    "dist": logits.dist,
    "camkd": maps.camkd,
    "at": maps.at,
    "sp": maps.sp,
    "tpkd": maps.tpkd,
    "amd": maps.amd,
    "amd_local": maps.amd_local,
    "simkd": maps.simkd,
}


def loss_parts(step: Step) -> Parts:
    """The weighted parts of a step's loss by name. Without teachers: cross-entropy alone."""
    return LOSSES[step.spec.method](step) if step.taught else {"CE": cross_entropy(step)}


def distil_loss(step: Step) -> tuple[torch.Tensor, Parts]:
    """The loss of a step, scalar: the sum of its parts; and those, each a scalar.

    Raises MixkdError where it is not finite, naming the network or the part, and what to do.
    """
    losses.finite(step.student.logits, "the student", "; training diverged: lower the learning rate")
    for teacher, answer in zip(step.spec.teachers, step.logits, strict=True):
        losses.finite(answer, f"the {teacher.modality} teacher", "; train it anew")
    parts = loss_parts(step)
    per_window, scalars = ([part for part in parts.values() if part.ndim == n] for n in (1, 0))
    terms = ([torch.stack(per_window).sum(dim=0).mean()] if per_window else []) + scalars
    result = torch.stack(terms).sum()
    if not torch.isfinite(result):
        bad = ", ".join(name for name, part in parts.items() if not torch.isfinite(part).all()) or "the sum"
        raise MixkdError(f"loss: found {result.item()} in {bad}, expected a finite number; lower the learning rate")
    return result, {name: part.detach().mean() for name, part in parts.items()}

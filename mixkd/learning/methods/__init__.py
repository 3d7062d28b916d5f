"""The losses of the distillation methods, a function each; their facts are in `mixkd/specs/methods.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from mixkd.errors import MixkdError
from mixkd.learning import losses
from mixkd.learning.methods import logits, maps
from mixkd.learning.methods.step import Parts, Step, cross_entropy, kd
from mixkd.learning.networks import WideResNet
from mixkd.specs.run import RunSpec

__all__ = ["RULES", "Parts", "Rule", "Step", "distil_loss", "kd", "loss_parts"]


@dataclass(frozen=True)
class Rule:
    """What a method computes. loss: parts of a step's loss; beside: layers that are trained beside the student and
    dropped after; after: what is done after each step with the student and those layers.
    """

    loss: Callable[[Step], Parts]
    beside: Callable[[RunSpec, WideResNet], nn.ModuleList] = lambda spec, net: nn.ModuleList()
    after: Callable[[WideResNet, nn.ModuleList], None] | None = None


RULES = {
    "kd": Rule(logits.kd_loss),
    "aver": Rule(logits.aver),
    "ebkd": Rule(logits.ebkd),
    "ebkd_softmax": Rule(logits.ebkd_softmax),
    "dist": Rule(logits.dist),
    "camkd": Rule(maps.camkd, maps.adapters),
    "at": Rule(maps.at),
    "sp": Rule(maps.sp),
    "tpkd": Rule(maps.tpkd),
    "amd": Rule(maps.amd),
    "amd_local": Rule(maps.amd_local),
    "simkd": Rule(maps.simkd),
}


def loss_parts(step: Step) -> Parts:
    """The weighted parts of a step's loss by name. Without a method or teachers: the loss of the task alone."""
    alone = not step.taught and step.method.teachers != "none"
    return {"CE": cross_entropy(step)} if alone else RULES[step.spec.method].loss(step)


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

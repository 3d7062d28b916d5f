"""A training step as methods see it, KD, and the parts that most methods share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from mixkd.learning import losses
from mixkd.learning.fold_data import Batch
from mixkd.learning.networks import Network, Outputs
from mixkd.learning.tasks import Task
from mixkd.rng import generator
from mixkd.specs.methods import METHODS, Method
from mixkd.specs.run import RunSpec

Parts = dict[str, torch.Tensor]  # of a loss, weighted, by name: (n,), averaged over windows, or scalars


@dataclass(frozen=True)
class Step:
    """One draw: outputs of student and teachers, its (mixed) target (n, n_outputs), and layers trained beside.

    net, x, batch: the student, its inputs and the batch, for methods that look at it again
    """

    student: Outputs
    target: torch.Tensor
    taught: Sequence[Outputs]
    spec: RunSpec
    task: Task
    beside: nn.ModuleList
    net: Network | None = None
    x: torch.Tensor | None = None
    batch: Batch | None = None

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator for this step and purpose, such as another view of the batch: the same in every training."""
        assert self.batch
        return generator(self.spec.seed, purpose, str(self.batch.step))

    @property
    def method(self) -> Method:
        """Facts of its method."""
        return METHODS[self.spec.method]

    @property
    def weights(self) -> list[float]:
        """Of the teachers."""
        return [teacher.weight for teacher in self.spec.teachers]

    @property
    def logits(self) -> list[torch.Tensor]:
        """Of the teachers, (n, n_classes) each."""
        return [outputs.logits for outputs in self.taught]


def cross_entropy(step: Step) -> torch.Tensor:
    """(1 - kd_weight) times the loss of the task against the (mixed) target, (n,); of classes, cross-entropy."""
    z = step.student.logits if step.spec.logit_scaling == "exact" else losses.rescaled(step.student.logits)
    return (1 - step.spec.kd_weight) * step.task.loss(z, step.target)


def kd(student: torch.Tensor, teacher: torch.Tensor, step: Step) -> torch.Tensor:
    """KD of a window, (n,), in the form that the spec asks for.

    `released` scaling divides logits by their standard deviation, with no temperature (MIX-KD); `tda_kd` by half of
    it, and keeps the factor T^2. `released` reduction also averages over classes: it divides by their number.
    """
    spec = step.spec
    if spec.logit_scaling == "exact":
        result = step.task.kd(student, teacher, spec.temperature)
    else:
        sharper = 2.0 if spec.logit_scaling == "tda_kd" else 1.0
        student, teacher = (sharper * losses.rescaled(z) for z in (student, teacher))
        result = spec.temperature**2 * losses.kd(student, teacher, 1.0)
    return result / student.shape[1] if spec.kd_reduction == "released" else result


def basic(step: Step, term: Callable[[Step], torch.Tensor]) -> Parts:
    """(1 - kd_weight) CE + kd_weight KD, made in this order: the last bits of the logits' gradient depend on it."""
    return {"CE": cross_entropy(step), "KD": step.spec.kd_weight * term(step)}


def weighted(step: Step) -> torch.Tensor:
    """sum_m w_m kd_m, (n,), with the teachers' fixed weights."""
    result = torch.zeros_like(step.target[:, 0])
    for w, teacher in zip(step.weights, step.logits, strict=True):
        result = result + w * kd(step.student.logits, teacher, step)
    return result


def kd_loss(step: Step) -> Parts:
    """(1 - kd_weight) CE + kd_weight sum_m w_m kd_m. Hinton et al. 2015."""
    return basic(step, weighted)

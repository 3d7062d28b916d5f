"""The loss of a distillation method as one function of tensors, for training loops of your own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from mixkd.errors import MixkdError, listed, nearest
from mixkd.learning import tasks
from mixkd.learning.methods import Step
from mixkd.learning.networks import Outputs
from mixkd.learning.training import distil_loss
from mixkd.specs.methods import METHODS
from mixkd.specs.run import KD_WEIGHT, TEMPERATURE, Constant, RunSpec, TeacherSpec

OF_LOGITS = ("kd", "aver", "ebkd", "ebkd_softmax", "dist", "dist_plain", "label_smoothing", "lskd", "rld")
OF_MAPS = ("at", "sp", "tpkd", "amd", "amd_local")  # also of maps: `Outputs.stages`


def objective(
    method: str,
    student: torch.Tensor | Outputs,
    target: torch.Tensor,
    teachers: Sequence[torch.Tensor | Outputs] = (),
    *,
    temperature: float = TEMPERATURE,
    kd_weight: float = KD_WEIGHT,
    weights: Sequence[float] | None = None,
    **constants: float,
) -> torch.Tensor:
    """What a student minimises under a method of `OF_LOGITS` or `OF_MAPS`: the mean loss of a batch, scalar.

    student, teachers: logits (n, n_classes), or `Outputs`, with a map per stage for methods of maps. target: classes
    (n,), or shares of classes (n, n_classes), such as mixed labels. weights: of the teachers, to sum 1; None: equal.
    constants: those of the method, such as `share` of label smoothing. Raises MixkdError for other methods, for what
    the method cannot use, for unequal shapes and for a loss that is not finite.

    >>> student = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.5]], requires_grad=True)
    >>> teacher = torch.tensor([[3.0, 0.0, -2.0], [0.0, 0.5, 2.0]])
    >>> loss = objective("kd", student, torch.tensor([0, 2]), [teacher], temperature=4.0)
    >>> loss.backward()
    >>> f"{loss.item():.4f}"
    '0.4445'
    """
    if method not in OF_LOGITS + OF_MAPS:
        known = method in METHODS
        why = "a method of a training step: its loss needs batches or layers" if known else nearest(method, METHODS)
        raise MixkdError(f"objective: found {method!r}, {why}; expected one of {listed(OF_LOGITS + OF_MAPS)}")
    own, taught = as_outputs(student), [as_outputs(teacher) for teacher in teachers]
    shares = [1 / len(taught) for _ in taught] if weights is None else list(weights)
    if len(shares) != len(taught):
        raise MixkdError(f"weights: found {len(shares)} for {len(taught)} teachers, expected one for each")
    if method in OF_MAPS and not all(outputs.stages for outputs in [own, *taught]):
        raise MixkdError(f"objective: found logits alone, expected `Outputs` with maps of each stage for {method}")
    spec = RunSpec(
        method=method,
        teachers=tuple(TeacherSpec(weight=share) for share in shares),
        temperature=temperature,
        kd_weight=kd_weight,
        batch_size=max(len(own.logits), 2),
        constants=tuple(Constant(name, value) for name, value in constants.items()),
    )
    n_classes = own.logits.shape[1]
    step = Step(own, as_shares(target, own.logits), taught, spec, tasks.classification(None, n_classes, 0), NONE)
    return distil_loss(step)[0]


NONE = nn.ModuleList()  # layers beside


def as_outputs(of: torch.Tensor | Outputs) -> Outputs:
    """Outputs with logits (n, n_classes). Raises MixkdError for another shape or no floating-point numbers."""
    outputs = of if isinstance(of, Outputs) else Outputs(of, of)
    if outputs.logits.ndim != 2 or not outputs.logits.is_floating_point():
        found = f"{outputs.logits.dtype} {tuple(outputs.logits.shape)}"
        raise MixkdError(f"logits: found {found}, expected floating-point numbers (n, n_classes)")
    return outputs


def as_shares(target: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Shares of classes, (n, n_classes), of classes (n,) or shares themselves. Raises MixkdError for others."""
    n, n_classes = logits.shape
    if target.shape == (n,) and not target.is_floating_point() and n and 0 <= target.min() <= target.max() < n_classes:
        return F.one_hot(target.long(), n_classes).to(logits.dtype)
    if target.shape != logits.shape or not target.is_floating_point():
        wanted = f"classes from 0 to {n_classes - 1}, ({n},), or shares ({n}, {n_classes})"
        raise MixkdError(f"target: found {target.dtype} {tuple(target.shape)}, expected {wanted}")
    return target

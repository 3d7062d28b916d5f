"""What a network is trained for: targets of windows, losses of its outputs, metrics.

Mixup mixes targets, so they are numbers, (n, n_outputs) float32. A new task is a row here and one in
`mixkd/specs/tasks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from mixkd.errors import MixkdError
from mixkd.learning import losses, metrics
from mixkd.windows import Windows


@dataclass(frozen=True)
class Task:
    """A task on the windows of one fold.

    targets: of windows, (n, n_outputs) float32; loss: of outputs and (mixed) targets, (n,); kd: of outputs of student
    and teacher at a temperature, (n,); summary: metrics of outputs (n, n_outputs) on windows, by name; probes: whether
    those of classes apply; in_units: outputs (n, n_outputs) in the units of the targets, of a regression
    """

    targets: Callable[[Windows], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    summary: Callable[[np.ndarray, Windows], dict[str, float]]
    kd: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor] = losses.kd
    probes: bool = False
    in_units: Callable[[np.ndarray], np.ndarray] = lambda outputs: outputs


def one_hot(labels: np.ndarray, n_classes: int) -> torch.Tensor:
    """(n, n_classes) float32 of labels (n,)."""
    return F.one_hot(torch.from_numpy(labels), n_classes).float()


def classification(train: Windows | None, n_classes: int, n_placements: int) -> Task:
    """The activity of a window."""
    return Task(
        lambda part: one_hot(part.y, n_classes),
        losses.soft_cross_entropy,
        lambda outputs, part: metrics.summary(outputs, part.y),
        probes=True,
    )


def balanced(task: Task, train: Windows, n_classes: int) -> Task:
    """The same with targets times n / (n_classes * n_c), of n training windows n_c of the class: all count alike."""
    counts = torch.from_numpy(np.bincount(train.y, minlength=n_classes))
    weights = len(train) / (n_classes * counts.clamp_min(1)).float()
    return replace(task, targets=lambda part: task.targets(part) * weights)


def placement_of(part: Windows) -> np.ndarray:
    """Where the sensor was worn, (n,) int64. MixkdError where that is not recorded."""
    if part.placement is None:
        raise MixkdError("task: found windows without a placement, expected a data set with placements, such as watch")
    return part.placement


def placement(train: Windows, n_classes: int, n_placements: int) -> Task:
    """Where the sensor of a window was worn."""
    return Task(
        lambda part: one_hot(placement_of(part), n_placements),
        losses.soft_cross_entropy,
        lambda outputs, part: metrics.summary(outputs, placement_of(part)),
    )


def two_heads(train: Windows, n_classes: int, n_placements: int) -> Task:
    """Activity and placement: one layer whose first outputs are the activity's. Losses: the mean over both heads.

    Smooth-Distill's equal weights. Metrics of the placement begin with `placement_`.
    """

    def both(loss: Callable[..., torch.Tensor], a: torch.Tensor, b: torch.Tensor, *rest: float) -> torch.Tensor:
        heads = zip(a.split([n_classes, n_placements], 1), b.split([n_classes, n_placements], 1), strict=True)
        return torch.stack([loss(one, other, *rest) for one, other in heads]).mean(0)

    def summary(outputs: np.ndarray, part: Windows) -> dict[str, float]:
        second = metrics.summary(outputs[:, n_classes:], placement_of(part))
        first = metrics.summary(outputs[:, :n_classes], part.y)
        return {**first, **{f"placement_{name}": value for name, value in second.items()}}

    return Task(
        lambda part: torch.cat([one_hot(part.y, n_classes), one_hot(placement_of(part), n_placements)], 1),
        partial(both, losses.soft_cross_entropy),
        summary,
        partial(both, losses.kd),
    )


def regression(train: Windows, n_classes: int, n_placements: int) -> Task:
    """Targets at the middle of a window, in training standardised by their mean and deviation over training windows.

    Losses: mean squared error. Metrics are in the targets' units, see `metrics.errors`.
    """

    def target_of(part: Windows) -> np.ndarray:
        if part.target is None:
            raise MixkdError("task: found windows without targets, expected a data set with targets, such as gait")
        return part.target.astype(np.float64)

    mean, deviation = target_of(train).mean(0), target_of(train).std(0)
    deviation = np.where(deviation > 0, deviation, 1.0)

    def squared(a: torch.Tensor, b: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        losses.same_size(a, b, "outputs and targets")
        return (a - b).pow(2).mean(1)

    def in_units(outputs: np.ndarray) -> np.ndarray:
        return outputs * deviation + mean

    return Task(
        lambda part: torch.from_numpy((target_of(part) - mean) / deviation).float(),
        squared,
        lambda outputs, part: metrics.errors(in_units(outputs), target_of(part)),
        squared,
        in_units=in_units,
    )


TASKS: dict[str, Callable[[Windows, int, int], Task]] = {
    "classification": classification,
    "placement": placement,
    "two_heads": two_heads,
    "regression": regression,
}

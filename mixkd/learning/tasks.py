"""What a network is trained for: targets of windows, the loss against them, metrics of its outputs.

Mixup mixes targets, so they are numbers, (n, n_outputs) float32. A new task is a row here and one in
`mixkd/specs/tasks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from mixkd.learning import losses, metrics
from mixkd.windows import Windows


@dataclass(frozen=True)
class Task:
    """A row of the table.

    targets: of windows, given the number of classes, (n, n_outputs) float32; loss: of outputs and (mixed) targets,
    (n,); summary: metrics of outputs (n, n_outputs) on windows, by name; probes: whether those of classes apply
    """

    targets: Callable[[Windows, int], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    summary: Callable[[np.ndarray, Windows], dict[str, float]]
    probes: bool = False


def one_hot(part: Windows, n_classes: int) -> torch.Tensor:
    """(n, n_classes)"""
    return F.one_hot(torch.from_numpy(part.y), n_classes).float()


TASKS = {
    "classification": Task(
        one_hot, losses.soft_cross_entropy, lambda outputs, part: metrics.summary(outputs, part.y), probes=True
    )
}

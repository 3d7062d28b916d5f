"""Stochastic gradient descent with momentum and weight decay."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.optim.sgd import sgd


class SGD:
    """torch's own, as `torch.optim.SGD` takes its steps, to the bit.

    Not that class: it imports torch's compiler, which costs every process 2.5 seconds and is of no use here.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], rate: float, momentum: float, decay: float):
        self.parameters, self.rate, self.momentum, self.decay = list(parameters), rate, momentum, decay
        self.velocities: list[torch.Tensor | None] = [None] * len(self.parameters)

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step against the gradients, at the present rate. A parameter without a gradient stays."""
        moved = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        velocities = [self.velocities[i] for i in moved]
        sgd(
            params=[self.parameters[i] for i in moved],
            d_p_list=[p.grad for p in self.parameters if p.grad is not None],
            momentum_buffer_list=velocities,
            weight_decay=self.decay,
            momentum=self.momentum,
            lr=self.rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for i, velocity in zip(moved, velocities, strict=True):
            self.velocities[i] = velocity

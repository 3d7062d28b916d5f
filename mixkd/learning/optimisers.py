"""Steps of gradient descent: torch's own functions, to the bit.

Not torch's classes: they import its compiler, which costs every process 2.5 seconds and is of no use here.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.optim.adam import adam
from torch.optim.sgd import sgd


class Optimiser:
    """Parameters, the rate of the next step, and the gradients of the last one."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], rate: float):
        self.parameters: list[torch.Tensor] = list(parameters)
        self.rate = rate

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for p in self.parameters:
            p.grad = None


class SGD(Optimiser):
    """Stochastic gradient descent with momentum and weight decay, as `torch.optim.SGD` takes its steps."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], rate: float, momentum: float, decay: float):
        super().__init__(parameters, rate)
        self.momentum, self.decay = momentum, decay
        self.velocities: list[torch.Tensor | None] = [None] * len(self.parameters)

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


class Adam(Optimiser):
    """Kingma & Ba 2015, as `torch.optim.Adam` takes its steps. Every parameter needs a gradient."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], rate: float, beta: float = 0.9):
        super().__init__(parameters, rate)
        self.beta = beta  # of the mean of gradients; that of their squares stays
        self.means, self.squares = ([torch.zeros_like(p) for p in self.parameters] for _ in range(2))
        self.counts = [torch.tensor(0.0) for _ in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """One step at the present rate and beta."""
        adam(
            self.parameters,
            [p.grad for p in self.parameters if p.grad is not None],
            self.means,
            self.squares,
            [],
            self.counts,
            amsgrad=False,
            beta1=self.beta,
            beta2=0.999,
            lr=self.rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

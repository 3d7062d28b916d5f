"""Runs of one shape trained at once, as `training.fit` trains them one by one: the same draws, losses and steps.

A step asks nothing of the card and copies nothing to it: draws, inputs and traces lie there, and losses are looked at
after each epoch. On a card the step is recorded once and replayed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from mixkd.errors import MixkdError
from mixkd.learning.fold_data import FoldData
from mixkd.learning.methods import Parts, Step
from mixkd.learning.networks import Outputs
from mixkd.learning.schedules import learning_rate
from mixkd.learning.stacked import give_back, joined, stack
from mixkd.learning.streams import Stream, mix
from mixkd.learning.teachers import Traced
from mixkd.learning.training import History, Learner, terms
from mixkd.specs import stacks

ROWS = 256  # of an evaluation, at once
WARM_UP = 3  # steps before one is recorded, as CUDA asks for


class _Group:
    """Runs of a stack with the same loss: rows of one large batch to it."""

    def __init__(self, members: list[int], students: Sequence[Learner], device: str):
        self.runs, self.members = members, torch.tensor(members, device=device)
        self.spec = students[members[0]].spec  # of any of them, to the loss
        every = [students[i].teachers for i in members]
        teachers = [[teacher.logits for teacher in ones if isinstance(teacher, Traced)] for ones in every]
        self.traces = [torch.stack(of_runs, dim=1) for of_runs in zip(*teachers, strict=True)]
        self.sums: dict[str, torch.Tensor] = {}  # of the parts over the steps of an epoch, (n_members,)

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, at: torch.Tensor, data: FoldData) -> torch.Tensor:
        """The sum of the losses of its runs, of (n_networks, n, n_classes) each."""
        own, target = (every[self.members].flatten(0, 1) for every in (logits, targets))
        traced = [trace.index_select(0, at)[0].flatten(0, 1) for trace in self.traces]
        taught = [Outputs(answer, answer.new_empty(0)) for answer in traced]
        parts = terms(Step(Outputs(own, own.new_empty(0)), target, taught, self.spec, data.task, nn.ModuleList()))
        means: Parts = {name: part.view(len(self.runs), -1).mean(1) for name, part in parts.items()}
        for name, mean in means.items():
            if name not in self.sums:
                self.sums[name] = torch.zeros_like(mean)
            self.sums[name].add_(mean.detach())
        return torch.stack(list(means.values())).sum()

    def losses(self, n_steps: int) -> list[tuple[float, dict[str, float]]]:
        """Of each run, its loss and its parts, means over the steps since the last call."""
        means = {name: (total / n_steps).tolist() for name, total in self.sums.items()}
        for total in self.sums.values():
            total.zero_()
        rows = [{name: mean[i] for name, mean in means.items()} for i in range(len(self.runs))]
        return [(sum(parts.values()), parts) for parts in rows]


class Stack:
    """Runs in training, and all that a step reads, in the memory of a device."""

    def __init__(self, students: Sequence[Learner], draws: Sequence[Stream], data: FoldData):
        self.students, self.data, self.device = students, data, data.device
        self.spec, self.n_steps = students[0].spec, len(draws[0])
        self.net = stack([student.net for student in students]).to(self.device)
        self.weights: list[torch.Tensor] = [p for p in self.net.parameters() if p.requires_grad]
        self.velocities = [torch.zeros_like(p) for p in self.weights]
        streams = list({id(stream): stream for stream in draws}.values())
        places = {id(stream): i for i, stream in enumerate(streams)}
        self.stream_of = torch.tensor([places[id(stream)] for stream in draws], device=self.device)
        arrays = ([getattr(s, name) for s in streams] for name in ("rows", "partners", "coefficients"))
        self.rows, self.partners, self.coefficients = (
            torch.from_numpy(np.stack(array, axis=1)).to(self.device) for array in arrays
        )
        self.mixes = bool((self.coefficients < 1).any())
        rates = [learning_rate(step, self.n_steps, self.spec) for step in range(self.n_steps)]
        self.rates = torch.tensor(rates, dtype=self.weights[0].dtype, device=self.device)
        self.at = torch.zeros(1, dtype=torch.int64, device=self.device)
        keys: dict[Hashable, list[int]] = {}
        for i, student in enumerate(students):
            keys.setdefault(stacks.loss(student.spec), []).append(i)
        self.groups = [_Group(members, students, self.device) for members in keys.values()]

    def drawn(self, every: torch.Tensor) -> torch.Tensor:
        """Of inputs or targets of all windows, (n_windows, ...), those of the step: (n_networks, n, ...)."""
        rows, partners, coefficients = (
            tensor.index_select(0, self.at)[0] for tensor in (self.rows, self.partners, self.coefficients)
        )
        own = every[rows.flatten()]
        if self.mixes:
            own = mix(own, every[partners.flatten()], coefficients.flatten())
        return own.unflatten(0, rows.shape)[self.stream_of]

    def step(self) -> None:
        """One step of all runs. The step after it follows by itself."""
        for p in self.weights:
            p.grad = None
        x = joined(self.drawn(self.data.whole(self.spec.modality, "train")))
        x = x.bfloat16() if self.spec.precision == "bfloat16" else x
        logits, targets = self.net(x).to(self.weights[0].dtype), self.drawn(self.data.targets)
        torch.stack([group.loss(logits, targets, self.at, self.data) for group in self.groups]).sum().backward()
        self._move()
        self.at.add_(1)

    @torch.no_grad()
    def _move(self) -> None:
        """Stochastic gradient descent with momentum and weight decay, see `optimisers.SGD`."""
        slopes = [p.grad for p in self.weights if p.grad is not None]
        torch._foreach_add_(slopes, self.weights, alpha=self.spec.weight_decay)
        torch._foreach_mul_(self.velocities, self.spec.momentum)
        torch._foreach_add_(self.velocities, slopes)
        rate = self.rates.index_select(0, self.at)[0]
        torch._foreach_sub_(self.weights, list(torch._foreach_mul(self.velocities, rate)))

    @torch.inference_mode()
    def logits(self, split: str) -> np.ndarray:
        """Of all windows of a part, in evaluation mode, (n_networks, n_windows, n_outputs)."""
        self.net.eval()
        x = self.data.whole(self.spec.modality, split)
        blocks = (joined(block.expand(len(self.students), *block.shape)) for block in x.split(ROWS))
        return torch.cat([self.net(block) for block in blocks], dim=1).cpu().numpy()

    def recorded(self) -> Any:
        """A function that takes a step: on a card, one that replays it without asking the processor again."""
        if self.device == "cpu":
            return self.step
        self.net.train()
        state = [*self.net.state_dict().values(), *self.velocities, self.at]
        before = [tensor.clone() for tensor in state]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        with torch.no_grad():
            for tensor, old in zip(state, before, strict=True):
                tensor.copy_(old)
        for group in self.groups:
            group.losses(1)  # forgets the steps before
        return graph.replay


def fit(students: Sequence[Learner], draws: Sequence[Stream], data: FoldData) -> list[History]:
    """Train networks in place, each along its own draws; see `training.fit`, whose rows of an epoch these are.

    data: on the device to train on. All teachers are traces there. Raises MixkdError where a loss is not finite.
    """
    for student in students:
        if not all(isinstance(teacher, Traced) for teacher in student.teachers):
            raise MixkdError(f"run {student.spec.name}: found a teacher without a trace, expected one in a stack")
    stacked = Stack(students, draws, data)
    n_epochs = stacked.spec.epochs
    per_epoch = stacked.n_steps // n_epochs
    histories: list[History] = [[] for _ in students]
    step = stacked.recorded()
    for epoch in range(n_epochs):
        stacked.net.train()
        for _ in range(per_epoch):
            step()
        for group in stacked.groups:
            for i, (loss, parts) in zip(group.runs, group.losses(per_epoch), strict=True):
                if not np.isfinite(loss):
                    raise MixkdError(
                        f"run {students[i].spec.name}, epoch {epoch}: found the loss {loss}; training diverged: "
                        "lower the learning rate"
                    )
                histories[i].append({"loss": loss, "parts": parts})
        for split in ("validation", "test"):
            for history, logits in zip(histories, stacked.logits(split), strict=True):
                history[-1][split] = data.task.summary(logits, data.splits[split])
    give_back(stacked.net, [student.net for student in students])
    return histories

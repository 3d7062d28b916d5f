"""The one loop. Scratch networks, teachers and students, with and without mixup, are branches of one visible step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from mixkd.errors import MixkdError
from mixkd.learning.fold_data import FoldData, Split
from mixkd.learning.methods import RULES, Step, distil_loss
from mixkd.learning.networks import Outputs, WideResNet
from mixkd.learning.streams import Draw, Stream, stream
from mixkd.learning.tasks import TASKS
from mixkd.rng import generator
from mixkd.specs.run import Modality, RunSpec
from mixkd.specs.tasks import TASKS as FACTS
from mixkd.specs.views import StreamView


def learning_rate(step: int, n_steps: int, spec: RunSpec) -> float:
    """Rate of a step. `onecycle`: linear warm-up over 30 %, cosine to 0 (Smith & Topin 2018, constant momentum).

    `step`: the released schedule of 200 epochs, scaled: rate, then / 5, / 50, / 500 from 5, 32.5 and 66 % on.
    """
    at = step / n_steps
    if spec.schedule == "step":
        return spec.learning_rate * (1.0 if at < 0.05 else 0.2 if at < 0.325 else 0.02 if at < 0.66 else 0.002)
    warm = 0.3
    factor = at / warm if at < warm else 0.5 * (1 + math.cos(math.pi * (at - warm) / (1 - warm)))
    return spec.learning_rate * max(factor, 1e-3)


@torch.inference_mode()
def evaluate(net: WideResNet, data: FoldData, modality: Modality, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, n_classes) and features (n, 64 * width) of a split in evaluation mode, in batches of 256."""
    net.eval()
    features = [
        net.features(data.inputs(modality, split, rows))
        for rows in np.array_split(np.arange(len(data.parts[split])), math.ceil(len(data.parts[split]) / 256))
    ]
    joined = torch.cat(features)
    return net.head(joined).numpy(), joined.numpy()


@dataclass(frozen=True)
class Teacher:
    """A trained network that answers for the draws of a stream: live, or (logits only) from its trace."""

    net: WideResNet
    modality: Modality
    trace: torch.Tensor | None = None


class Batch:
    """A draw with its mixed inputs, targets and teachers' answers, each computed once for all students in lockstep."""

    def __init__(self, step: int, draw: Draw, data: FoldData):
        self.step, self.draw, self.data = step, draw, data
        self._inputs: dict[Modality, torch.Tensor] = {}
        self._taught: dict[int, Outputs] = {}

    def inputs(self, modality: Modality) -> torch.Tensor:
        """Mixed inputs of a modality, see `FoldData.mixed`."""
        if modality not in self._inputs:
            self._inputs[modality] = self.data.mixed(modality, self.draw)
        return self._inputs[modality]

    @cached_property
    def targets(self) -> torch.Tensor:
        """(batch_size, n_outputs); of classes, their distributions."""
        return self.data.mixed_targets(self.draw)

    def taught(self, teacher: Teacher) -> Outputs:
        """What a teacher says of this batch; of a traced one, the logits alone."""
        if teacher.trace is not None:
            logits = teacher.trace[self.step]
            return Outputs(logits, logits.new_empty(0))
        if id(teacher.net) not in self._taught:
            with torch.no_grad():
                self._taught[id(teacher.net)] = teacher.net.outputs(self.inputs(teacher.modality))
        return self._taught[id(teacher.net)]


@torch.inference_mode()
def trace(net: WideResNet, modality: Modality, data: FoldData, draws: Stream) -> torch.Tensor:
    """A teacher's logits along a stream, (n_steps, batch_size, n_classes) float32.

    Unmixed rows are looked up among the logits of the clean windows; mixed rows are computed, a batch at a time.
    In evaluation mode a row's logits do not depend on its batch, so both equal the live teacher's (tested).
    """
    clean = torch.from_numpy(evaluate(net, data, modality, "train")[0].copy())
    result = clean[torch.from_numpy(draws.rows)]
    flat, batch_size = result.view(-1, clean.shape[1]), draws.rows.shape[1]
    rows, partners, coefficients = draws.rows.ravel(), draws.partners.ravel(), draws.coefficients.ravel()
    mixed = np.flatnonzero(coefficients < 1)
    for at in np.array_split(mixed, math.ceil(len(mixed) / batch_size) or 1):
        if len(at):
            flat[at] = net(data.mixed(modality, Draw(rows[at], partners[at], coefficients[at])))
    return result


def stream_of(about: StreamView, data: FoldData) -> Stream:
    """The draws of a run. Students of one fold and seed share them, whatever their teachers and initialisation."""
    seed = int(generator(about.seed, "stream", about.role).integers(2**62))
    return stream(len(data.parts["train"]), about.batch_size, about.epochs, about.mixup, seed)


@dataclass
class Learner:
    """A network in training, with its teachers and what its method trains beside it."""

    spec: RunSpec
    net: WideResNet
    teachers: list[Teacher]
    beside: torch.nn.ModuleList
    optimiser: torch.optim.SGD


def new_optimiser(net: WideResNet, beside: torch.nn.ModuleList, spec: RunSpec) -> torch.optim.SGD:
    """SGD over what may change in the network and beside it."""
    trainable = [p for p in (*net.parameters(), *beside.parameters()) if p.requires_grad]
    return torch.optim.SGD(trainable, spec.learning_rate, spec.momentum, weight_decay=spec.weight_decay)


def train_step(student: Learner, batch: Batch) -> dict[str, float]:
    """One step along the stream: the draw mixes input, label and what the teachers see. The loss and its parts.

    Raises MixkdError naming run, step and the part of the loss that is not a number.
    """
    taught = [batch.taught(teacher) for teacher in student.teachers]
    x = batch.inputs(student.spec.modality)
    step = Step(student.net.outputs(x), batch.targets, taught, student.spec, student.beside, student.net, x, batch.step)
    try:
        loss, parts = distil_loss(step)
    except MixkdError as error:
        raise MixkdError(f"run {student.spec.name}, step {batch.step}: {error}") from error
    student.optimiser.zero_grad()
    loss.backward()
    student.optimiser.step()
    if after := RULES[student.spec.method].after:
        after(student.net, student.beside)
    return {**{name: part.item() for name, part in parts.items()}, "loss": loss.item()}


History = list[dict[str, Any]]


def fit(students: list[Learner], data: FoldData, draws: Stream) -> list[History]:
    """Train networks in place, in lockstep along `draws`; per network one row per epoch.

    A row: loss and its parts, means over steps; validation, test.

    Each comes out as it would alone: they share what a batch holds, and nothing that a step changes.
    """
    n_epochs = students[0].spec.epochs
    per_epoch = len(draws) // n_epochs
    histories: list[History] = [[] for _ in students]
    best: dict[int, dict[str, torch.Tensor]] = {}
    for epoch in range(n_epochs):
        losses: list[list[dict[str, float]]] = [[] for _ in students]
        for student in students:
            student.net.train()
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            batch = Batch(step, draws[step], data)
            for student, found in zip(students, losses, strict=True):
                student.optimiser.param_groups[0]["lr"] = learning_rate(step, len(draws), student.spec)
                found.append(train_step(student, batch))
        for i, (student, found) in enumerate(zip(students, losses, strict=True)):
            means = {name: float(np.mean([step[name] for step in found])) for name in found[0]}
            row: dict[str, Any] = {"loss": means.pop("loss"), "parts": means}
            for split in ("validation", "test"):
                logits, _ = evaluate(student.net, data, student.spec.modality, split)
                row[split] = TASKS[data.about.task].summary(logits, data.parts[split])
            histories[i].append(row)
            if student.spec.stopping == "best_validation" and best_epoch(histories[i], student.spec.task) == epoch:
                best[i] = {name: value.clone() for name, value in student.net.state_dict().items()}
    for i, state in best.items():  # early stopped: as if training had ended there
        students[i].net.load_state_dict(state)
        histories[i] = histories[i][: best_epoch(histories[i], students[i].spec.task) + 1]
    return histories


def best_epoch(history: History, task: str) -> int:
    """The first epoch of the best headline metric on validation subjects."""
    of = FACTS[task]
    return int(np.argmax([of.sign * row["validation"][of.headline] for row in history]))

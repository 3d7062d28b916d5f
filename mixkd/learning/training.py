"""The training loop: one step for scratch networks, teachers and students, with and without mixup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from mixkd.errors import MixkdError
from mixkd.learning import losses, map_losses, near
from mixkd.learning.fold_data import Batch, FoldData, evaluate
from mixkd.learning.methods import RULES, Parts, Step, cross_entropy
from mixkd.learning.networks import Network, Outputs
from mixkd.learning.optimisers import SGD
from mixkd.learning.schedules import learning_rate, passes_and_steps
from mixkd.learning.streams import Stream, stream
from mixkd.learning.teachers import Teacher
from mixkd.rng import generator
from mixkd.specs.run import RunSpec
from mixkd.specs.tasks import TASKS
from mixkd.specs.views import StreamView


def stream_of(about: StreamView, data: FoldData) -> Stream:
    """The draws of a run. Students of one fold and seed share them, whatever their teachers and initialisation."""
    seed = int(generator(about.seed, "stream", about.role).integers(2**62))
    n_windows, size = len(data.splits["train"]), about.batch_size
    passes, n_steps = passes_and_steps(n_windows, data.fold.whole or n_windows, size, about.epochs)
    draws = stream(n_windows, size, passes, about.mixup, seed=seed, order=about.order).first(n_steps)
    draws = replace(draws, augment=about.augment, seed=seed)
    return near.redrawn(draws, data.targets.numpy()) if about.mixup and about.mixup.partners == "near" else draws


@dataclass
class Learner:
    """A network in training, with its teachers and what its method trains beside it."""

    spec: RunSpec
    net: Network
    teachers: list[Teacher]
    beside: torch.nn.ModuleList
    optimiser: SGD


def learner(spec: RunSpec, net: Network, teachers: Sequence[Teacher]) -> Learner:
    """A network before its first step, with the teachers of its spec; its method adds its own, and layers beside."""
    rule = RULES[spec.method]
    every = [*teachers, *rule.teachers(spec, net)]
    beside = rule.beside(spec, net, every)
    trainable = [p for p in (*net.parameters(), *beside.parameters()) if p.requires_grad]
    return Learner(spec, net, every, beside, SGD(trainable, spec.learning_rate, spec.momentum, spec.weight_decay))


def outputs(net: Network, x: torch.Tensor, spec: RunSpec) -> Outputs:
    """Of a student in a step, float32 whatever the precision of its products; see `Network.outputs`."""
    if spec.precision == "float32":
        return net.outputs(x)
    with torch.autocast(x.device.type, torch.bfloat16):
        low = net.outputs(x)
    return Outputs(low.logits.float(), low.features.float(), tuple(stage.float() for stage in low.stages))


def train_step(student: Learner, batch: Batch) -> dict[str, float]:
    """One step along the stream: the draw mixes inputs, targets and what the teachers see. The loss and its parts.

    Raises MixkdError naming run, step and the part of the loss that is not a number.
    """
    spec, net, task = student.spec, student.net, batch.data.task
    x = RULES[spec.method].sees(batch, spec)
    taught = [teacher.outputs(batch) for teacher in student.teachers]
    step = Step(outputs(net, x, spec), batch.targets, taught, spec, task, student.beside, net, x, batch)
    try:
        loss, parts = distil_loss(step)
    except MixkdError as error:
        raise MixkdError(f"run {spec.name}, step {batch.step}: {error}") from error
    if student.optimiser.parameters:  # trees have none
        student.optimiser.zero_grad()
        loss.backward()
        student.optimiser.step()
    for teacher in student.teachers:
        teacher.follow(net, batch.step)
    return {**{name: part.item() for name, part in parts.items()}, "loss": loss.item()}


def terms(step: Step) -> Parts:
    """The weighted parts of a step's loss by name, (n,) or scalars.

    Without a method or teachers it is the loss of the task alone. Raises MixkdError for outputs that are not finite,
    naming the network, and what to do.
    """
    losses.finite(step.student.logits, "the student", "; training diverged: lower the learning rate")
    for i, answer in enumerate(step.logits):
        named = f"the {step.spec.teachers[i].modality} teacher" if i < len(step.spec.teachers) else "its own teacher"
        losses.finite(answer, named, "; train it anew")
    plain = not step.taught and not step.method.alone
    parts = {"CE": cross_entropy(step)} if plain else RULES[step.spec.method].loss(step)
    if step.spec.orthogonality:
        parts["orthogonality"] = step.spec.orthogonality * map_losses.orthogonal_spheres(step.student.features)
    return parts


def distil_loss(step: Step) -> tuple[torch.Tensor, Parts]:
    """The loss of a step, scalar: the sum of its `terms`; and those, each a scalar, by name.

    Raises MixkdError where it is not finite, naming the network or the part, and what to do.
    """
    parts = terms(step)
    per_window, scalars = ([part for part in parts.values() if part.ndim == n] for n in (1, 0))
    summands = ([torch.stack(per_window).sum(dim=0).mean()] if per_window else []) + scalars
    result = torch.stack(summands).sum()
    if not torch.isfinite(result):
        bad = ", ".join(name for name, part in parts.items() if not torch.isfinite(part).all()) or "the sum"
        raise MixkdError(f"loss: found {result.item()} in {bad}, expected a finite number; lower the learning rate")
    return result, {name: part.detach().mean() for name, part in parts.items()}


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
            for student, of_epoch in zip(students, losses, strict=True):
                student.optimiser.rate = learning_rate(step, len(draws), student.spec)
                of_epoch.append(train_step(student, batch))
        for i, (student, of_epoch) in enumerate(zip(students, losses, strict=True)):
            means = {name: float(np.mean([step[name] for step in of_epoch])) for name in of_epoch[0]}
            row: dict[str, Any] = {"loss": means.pop("loss"), "parts": means}
            for split in ("validation", "test"):
                logits, _ = evaluate(student.net, data, student.spec.modality, split)
                row[split] = data.task.summary(logits, data.splits[split])
            histories[i].append(row)
            if student.spec.stopping == "best_validation" and best_epoch(histories[i], student.spec.task) == epoch:
                best[i] = {name: value.clone() for name, value in student.net.state_dict().items()}
    for i, state in best.items():  # early stopped: as if training had ended there
        students[i].net.load_state_dict(state)
        histories[i] = histories[i][: best_epoch(histories[i], students[i].spec.task) + 1]
    return histories


def best_epoch(history: History, task: str) -> int:
    """The first epoch of the best headline metric on validation subjects."""
    of = TASKS[task]
    return int(np.argmax([of.sign * row["validation"][of.headline] for row in history]))

"""The one loop. Scratch networks, teachers and students, with and without mixup, are branches of one visible step."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from mixkd import metrics, networks, probes
from mixkd.config import Modality, RunSpec
from mixkd.errors import MixkdError
from mixkd.inputs import FoldData, Split, for_spec, prepare
from mixkd.methods import METHODS, adapters, distil_loss
from mixkd.mixing import Draw, Stream, generator, stream
from mixkd.networks import Outputs, WideResNet
from mixkd.provenance import provenance
from mixkd.store import Arrays, RunRecord, Store, same_people

MAX_TRACE_BYTES = 512 * 2**20  # of one group of students; above it, teachers run live


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


def initial_network(spec: RunSpec, data: FoldData, store: Store) -> WideResNet:
    """The network before its first step: random, or with the last weights of the parent run."""
    n_channels = data.parts["train"].x.shape[1]
    seed = int(generator(spec.seed, "network", spec.role, spec.modality).integers(2**62))
    net = networks.build(
        spec.modality, spec.depth, spec.width, n_channels, data.n_classes, torch.Generator().manual_seed(seed)
    )
    if spec.method == "simkd":
        net.reuse_head(64 * spec.teachers[0].width, torch.Generator().manual_seed(seed + 1))
    if spec.parent:
        load_weights(net, required(spec.parent, store, data))
    return net


def load_weights(net: WideResNet, record: RunRecord) -> WideResNet:
    net.load_state_dict({name: torch.from_numpy(array) for name, array in record.weights.items()})
    return net


def trained_network(record: RunRecord, data: FoldData) -> WideResNet:
    """A stored run's network, in evaluation mode."""
    spec = record.spec
    n_channels = data.parts["train"].x.shape[1]
    net = networks.build(spec.modality, spec.depth, spec.width, n_channels, data.n_classes, torch.Generator())
    if spec.method == "simkd":
        net.reuse_head(64 * spec.teachers[0].width, torch.Generator())
    return load_weights(net, record).eval()


def trained(spec: RunSpec, store: Store) -> RunRecord:
    record = store.get(spec)
    if record is None:
        raise MixkdError(f"run {spec.name} ({spec.hash}) is needed first and is not in the store")
    return record


def required(spec: RunSpec, store: Store, data: FoldData) -> RunRecord:
    """The stored run that another needs. MixkdError when it is missing, or saw other people, such as those to test."""
    record = trained(spec, store)
    same_people(data.subjects, record)
    return record


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
    """A draw with its mixed inputs, labels and teachers' answers, each computed once for all students in lockstep."""

    def __init__(self, step: int, draw: Draw, data: FoldData):
        self.step, self.draw, self.data = step, draw, data
        self._inputs: dict[Modality, torch.Tensor] = {}
        self._taught: dict[int, Outputs] = {}

    def inputs(self, modality: Modality) -> torch.Tensor:
        if modality not in self._inputs:
            self._inputs[modality] = self.data.mixed(modality, self.draw)
        return self._inputs[modality]

    @cached_property
    def labels(self) -> torch.Tensor:
        """Label distributions, (batch_size, n_classes)."""
        return self.data.mixed_labels(self.draw)

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


def stream_of(spec: RunSpec, data: FoldData) -> Stream:
    """The stream of a run. Students of one fold and seed share it, whatever their teachers and initialisation."""
    seed = int(generator(spec.seed, "stream", spec.role).integers(2**62))
    return stream(len(data.parts["train"]), spec.batch_size, spec.epochs, spec.mixup, seed)


Traces = dict[str, torch.Tensor]  # by hash of the teacher's run and of the stream, see `trace_key`


def trace_key(teacher: RunSpec, spec: RunSpec) -> str:
    mixup = spec.mixup.hash if spec.mixup else "clean"
    return f"{teacher.hash}/{mixup}/{spec.role}/{spec.image_mixing if teacher.modality == 'image' else ''}"


@dataclass
class Learner:
    """A network in training, with its teachers and what its method trains beside it."""

    spec: RunSpec
    net: WideResNet
    teachers: list[Teacher]
    adapters: torch.nn.ModuleList
    optimiser: torch.optim.SGD


def learner(
    spec: RunSpec, data: FoldData, store: Store, draws: Stream, traces: Traces | None, nets: dict[str, WideResNet]
) -> Learner:
    """A run before its first step. `nets` holds the teachers' networks by run, shared by students in lockstep.

    Logits come from `traces` (missing ones are added, up to the cap), live where it is None or features are needed.
    """
    teachers = []
    for teacher, run in zip(spec.teachers, spec.teacher_runs, strict=True):
        if run.hash not in nets:
            nets[run.hash] = trained_network(required(run, store, data), data)
        known = None
        if traces is not None and not METHODS[spec.method].features:
            key, n_bytes = trace_key(run, spec), draws.rows.size * data.n_classes * 4
            if key not in traces and sum(t.nbytes for t in traces.values()) + n_bytes <= MAX_TRACE_BYTES:
                traces[key] = trace(nets[run.hash], teacher.modality, data, draws)
            known = traces.get(key)
        teachers.append(Teacher(nets[run.hash], teacher.modality, known))
    net, beside = initial_network(spec, data, store), adapters(spec)
    if spec.method == "simkd":
        net.head.load_state_dict(teachers[0].net.head.state_dict())
    return Learner(spec, net, teachers, beside, new_optimiser(net, beside, spec))


def new_optimiser(net: WideResNet, beside: torch.nn.ModuleList, spec: RunSpec) -> torch.optim.SGD:
    trainable = [p for p in (*net.parameters(), *beside.parameters()) if p.requires_grad]
    return torch.optim.SGD(trainable, spec.learning_rate, spec.momentum, weight_decay=spec.weight_decay)


def train_step(student: Learner, batch: Batch) -> float:
    """One step along the stream: the draw mixes input, label and what the teachers see. Returns the loss."""
    taught = [batch.taught(teacher) for teacher in student.teachers]
    outputs = student.net.outputs(batch.inputs(student.spec.modality))
    loss = distil_loss(outputs, batch.labels, taught, student.spec, student.adapters)
    student.optimiser.zero_grad()
    loss.backward()
    student.optimiser.step()
    return loss.item()


History = list[dict[str, Any]]


def fit(students: list[Learner], data: FoldData, draws: Stream) -> list[History]:
    """Train networks in place, in lockstep along `draws`; per network one row per epoch: loss, validation, test.

    Each comes out as it would alone: they share what a batch holds, and nothing that a step changes.
    """
    n_epochs = students[0].spec.epochs
    per_epoch = len(draws) // n_epochs
    histories: list[History] = [[] for _ in students]
    best: dict[int, dict[str, torch.Tensor]] = {}
    for epoch in range(n_epochs):
        losses: list[list[float]] = [[] for _ in students]
        for student in students:
            student.net.train()
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            batch = Batch(step, draws[step], data)
            for student, found in zip(students, losses, strict=True):
                student.optimiser.param_groups[0]["lr"] = learning_rate(step, len(draws), student.spec)
                found.append(train_step(student, batch))
                if not math.isfinite(found[-1]):
                    name = student.spec.name
                    raise MixkdError(f"run {name}: loss is {found[-1]} at step {step}; lower the learning rate")
        for i, (student, found) in enumerate(zip(students, losses, strict=True)):
            row: dict[str, Any] = {"loss": float(np.mean(found))}
            for split in ("validation", "test"):
                logits, _ = evaluate(student.net, data, student.spec.modality, split)
                row[split] = metrics.summary(logits, data.parts[split].y)
            histories[i].append(row)
            if student.spec.stopping == "best_validation" and best_epoch(histories[i]) == epoch:
                best[i] = {name: value.clone() for name, value in student.net.state_dict().items()}
    for i, state in best.items():  # early stopped: as if training had ended there
        students[i].net.load_state_dict(state)
        histories[i] = histories[i][: best_epoch(histories[i]) + 1]
    return histories


def best_epoch(history: History) -> int:
    """The first epoch of the highest accuracy on validation subjects."""
    return int(np.argmax([row["validation"]["accuracy"] for row in history]))


def run(spec: RunSpec, store: Store, data: FoldData | None = None, traces: Traces | None = None) -> RunRecord:
    """The stored record of a run whose requirements are stored, trained when it is missing; one process at a time."""
    return run_together([spec], store, data, traces)[0]


def run_together(
    specs: list[RunSpec], store: Store, data: FoldData | None = None, traces: Traces | None = None
) -> list[RunRecord]:
    """Records of runs that share stream and images; the missing ones are trained in lockstep, on one teacher pass."""
    with ExitStack() as locks:
        for spec in sorted(specs, key=lambda s: s.hash):  # in one order everywhere: no two processes wait in a ring
            locks.enter_context(store.lock(spec))
        missing = [spec for spec in specs if store.get(spec) is None]
        if missing:
            _train(missing, store, data or prepare(missing[0]), traces)
        return [trained(spec, store) for spec in specs]


def _train(specs: list[RunSpec], store: Store, data: FoldData, traces: Traces | None) -> None:
    start = time.perf_counter()
    if data.spec != specs[0]:
        data = for_spec(data, specs[0])
    draws, nets = stream_of(specs[0], data), dict[str, WideResNet]()
    students = [learner(spec, data, store, draws, traces, nets) for spec in specs]
    histories = fit(students, data, draws)
    seconds = (time.perf_counter() - start) / len(specs)
    for student, history in zip(students, histories, strict=True):
        _store(student, history, data, store, seconds)


def _store(student: Learner, history: History, data: FoldData, store: Store, seconds: float) -> None:
    spec, arrays = student.spec, {}
    for split in ("train", "validation", "test"):
        arrays[f"{split}_logits"], features = evaluate(student.net, data, spec.modality, split)
        if split == "test":
            arrays["test_features"] = features
    about: dict[str, Any] = {
        "subjects": data.subjects,
        "windows": {name: len(part) for name, part in data.parts.items()},
    }
    if spec.sees_images:
        about["clipped_pairs"] = {name: data.imager.grid.clipped(d) for name, d in data.diagrams.items()}
    weights = {name: tensor.numpy() for name, tensor in student.net.state_dict().items()}
    found = probe(student, data, arrays)
    store.put(RunRecord(spec, history, about, provenance(spec.seed, seconds), found), arrays, weights)


def probe(student: Learner, data: FoldData, arrays: Arrays) -> dict[str, Any]:
    """What later analyses ask of a network: clusters, smoothness of answers and targets, robustness of students."""
    train, validation, test = (data.parts[split] for split in ("train", "validation", "test"))
    found: dict[str, Any] = {
        "v_scores": probes.pair_v_scores(arrays["test_features"], test.y),
        "train_entropy": probes.entropy_curve(arrays["train_logits"]),
        "logit_sd": float(arrays["test_logits"].std(axis=1, ddof=1).mean()),
        "validation_confusion": metrics.confusion(arrays["validation_logits"], validation.y).tolist(),
        "subjects": {
            str(subject): metrics.summary(
                arrays["test_logits"][test.subject == subject], test.y[test.subject == subject]
            )
            for subject in data.fold.test
        },
    }
    draws = stream_of(student.spec, data)
    epoch = draws.first(len(draws) // student.spec.epochs)
    targets = [trace(t.net, t.modality, data, epoch).flatten(0, 1).numpy() for t in student.teachers]
    found["target_entropy"] = [probes.entropy_curve(logits) for logits in targets]
    if student.spec.modality == "signal":
        inputs = data.signals["test"], test.y, data.signals["train"], train.y
        found |= probes.signal_probes(student.net, *inputs, fold=student.spec.fold)
    return found

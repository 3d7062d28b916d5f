"""The one loop. Scratch networks, teachers and students, with and without mixup, are branches of one visible step."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from mixkd import metrics, networks, windows
from mixkd.config import Modality, RunSpec
from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.losses import kd, soft_cross_entropy
from mixkd.mixing import Draw, Stream, generator, mix, stream
from mixkd.networks import WideResNet, channels_last
from mixkd.provenance import provenance
from mixkd.store import RunRecord, Store
from mixkd.topology import Diagrams, Imager, diagrams
from mixkd.windows import Normalisation, Windows

Split = str  # "train", "validation" or "test"
MAX_TRACE_BYTES = 512 * 2**20  # of one group of students; above it, teachers run live


@dataclass(frozen=True)
class FoldData:
    """Everything a run of one fold sees. Normalisation and image ranges are fitted on the training windows."""

    parts: dict[Split, Windows]
    fold: windows.Fold
    n_classes: int
    spec: RunSpec

    @cached_property
    def normalisation(self) -> Normalisation:
        return Normalisation.fit(self.parts["train"].x)

    @cached_property
    def signals(self) -> dict[Split, torch.Tensor]:
        """Normalised windows, (n_windows, n_channels, 1, n_samples), channels last."""
        return {name: as_input(self.normalisation(part.x)) for name, part in self.parts.items()}

    @cached_property
    def diagrams(self) -> dict[Split, Diagrams]:
        """Of the windows in physical units."""
        return {name: diagrams(part.x) for name, part in self.parts.items()}

    @cached_property
    def imager(self) -> Imager:
        assert self.spec.image is not None
        return Imager.fit(self.diagrams["train"], self.spec.image)

    @cached_property
    def labels(self) -> torch.Tensor:
        """One-hot labels of the training windows, (n_windows, n_classes)."""
        return F.one_hot(torch.from_numpy(self.parts["train"].y), self.n_classes).float()

    def inputs(self, modality: Modality, split: Split, rows: np.ndarray) -> torch.Tensor:
        """Unmixed network inputs of some windows."""
        if modality == "signal":
            return self.signals[split][torch.from_numpy(rows)]
        return as_input(self.imager(self.diagrams[split], rows))

    def mixed(self, modality: Modality, draw: Draw) -> torch.Tensor:
        """Training inputs of a draw: the same rows, partners and coefficients for signal and image."""
        own = self.inputs(modality, "train", draw.rows)
        if not draw.mixed.any():
            return own
        coefficients = torch.from_numpy(draw.coefficients)
        if modality == "image" and self.spec.image_mixing == "recompute":
            x = self.parts["train"].x
            mixture = mix(x[draw.rows], x[draw.partners], draw.coefficients)
            return as_input(self.imager(diagrams(mixture)))
        return mix(own, self.inputs(modality, "train", draw.partners), coefficients)

    def mixed_labels(self, draw: Draw) -> torch.Tensor:
        """Label distributions of a draw, (batch_size, n_classes)."""
        return mix(self.labels[draw.rows], self.labels[draw.partners], torch.from_numpy(draw.coefficients))


def as_input(x: np.ndarray) -> torch.Tensor:
    return channels_last(torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)))


def prepare(spec: RunSpec) -> FoldData:
    """Load, cut and split the data of a run. Raises MixkdError for an unknown data set or fold."""
    entry = dataset(spec.dataset)
    recordings = entry.load()
    cut = windows.cut(recordings, entry.window, entry.step)
    if spec.windows_per_class:
        cut = windows.thin(cut, spec.windows_per_class)
    folds = windows.folds(recordings.subjects)
    if spec.fold >= len(folds):
        raise MixkdError(f"RunSpec.fold: found {spec.fold}, expected 0 to {len(folds) - 1} for {spec.dataset}")
    return FoldData(windows.split(cut, folds[spec.fold]), folds[spec.fold], len(recordings.classes), spec)


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
    if spec.parent:
        load_weights(net, trained(spec.parent, store))
    return net


def load_weights(net: WideResNet, record: RunRecord) -> WideResNet:
    net.load_state_dict({name: torch.from_numpy(array) for name, array in record.weights.items()})
    return net


def trained_network(record: RunRecord, data: FoldData) -> WideResNet:
    """A stored run's network, in evaluation mode."""
    spec = record.spec
    n_channels = data.parts["train"].x.shape[1]
    net = networks.build(spec.modality, spec.depth, spec.width, n_channels, data.n_classes, torch.Generator())
    return load_weights(net, record).eval()


def trained(spec: RunSpec, store: Store) -> RunRecord:
    record = store.get(spec)
    if record is None:
        raise MixkdError(f"run {spec.name} ({spec.hash}) is needed first and is not in the store")
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
    """A trained network that answers for the draws of a stream: live, or from its trace."""

    net: WideResNet
    modality: Modality
    weight: float
    trace: torch.Tensor | None = None

    @torch.inference_mode()
    def logits(self, step: int, draw: Draw, data: FoldData) -> torch.Tensor:
        """(batch_size, n_classes) for one step."""
        return self.net(data.mixed(self.modality, draw)) if self.trace is None else self.trace[step]


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


def teachers_of(spec: RunSpec, data: FoldData, draws: Stream, store: Store, traces: Traces | None) -> list[Teacher]:
    """A run's teachers. With `traces` they are traced (missing traces are added, up to the cap), with None live."""
    result = []
    for teacher, run in zip(spec.teachers, spec.teacher_runs, strict=True):
        net = trained_network(trained(run, store), data)
        known = None
        if traces is not None:
            key, n_bytes = trace_key(run, spec), draws.rows.size * data.n_classes * 4
            if key not in traces and sum(t.nbytes for t in traces.values()) + n_bytes <= MAX_TRACE_BYTES:
                traces[key] = trace(net, teacher.modality, data, draws)
            known = traces.get(key)
        result.append(Teacher(net, teacher.modality, teacher.weight, known))
    return result


def distil_loss(student: torch.Tensor, target: torch.Tensor, taught: list[torch.Tensor], spec: RunSpec) -> torch.Tensor:
    """L = (1 - kd_weight) CE(soft label) + kd_weight sum_m w_m kd_m, averaged over the batch."""
    loss = (1 - spec.kd_weight) * soft_cross_entropy(student, target)
    for teacher, logits in zip(spec.teachers, taught, strict=True):
        loss = loss + spec.kd_weight * teacher.weight * kd(student, logits, spec.temperature)
    return loss.mean()


def train_step(
    net: WideResNet,
    optimiser: torch.optim.Optimizer,
    draw: Draw,
    step: int,
    teachers: list[Teacher],
    data: FoldData,
    spec: RunSpec,
) -> float:
    """One step along the stream: the draw mixes input, label and what the teachers see. Returns the loss."""
    taught = [teacher.logits(step, draw, data) for teacher in teachers]
    student = net(data.mixed(spec.modality, draw))
    loss = distil_loss(student, data.mixed_labels(draw), taught, spec)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def new_optimiser(net: WideResNet, spec: RunSpec) -> torch.optim.SGD:
    return torch.optim.SGD(net.parameters(), spec.learning_rate, spec.momentum, weight_decay=spec.weight_decay)


def fit(spec: RunSpec, data: FoldData, net: WideResNet, teachers: list[Teacher], draws: Stream) -> list[dict]:
    """Train `net` in place along `draws`; returns one row per epoch: loss, and metrics on validation and test."""
    optimiser, per_epoch = new_optimiser(net, spec), len(draws) // spec.epochs
    history = []
    for epoch in range(spec.epochs):
        net.train()
        losses = []
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            optimiser.param_groups[0]["lr"] = learning_rate(step, len(draws), spec)
            losses.append(train_step(net, optimiser, draws[step], step, teachers, data, spec))
            if not math.isfinite(losses[-1]):
                raise MixkdError(f"run {spec.name}: loss is {losses[-1]} at step {step}; lower the learning rate")
        row: dict[str, Any] = {"loss": float(np.mean(losses))}
        for split in ("validation", "test"):
            logits, _ = evaluate(net, data, spec.modality, split)
            row[split] = metrics.summary(logits, data.parts[split].y)
        history.append(row)
    return history


def run(spec: RunSpec, store: Store, data: FoldData | None = None, traces: Traces | None = None) -> RunRecord:
    """The stored record of a run whose requirements are stored, trained when it is missing; one process at a time."""
    with store.lock(spec):
        record = store.get(spec)
        return record if record is not None else _train(spec, store, data or prepare(spec), traces)


def _train(spec: RunSpec, store: Store, data: FoldData, traces: Traces | None) -> RunRecord:
    start = time.perf_counter()
    if data.spec != spec:
        data = for_spec(data, spec)
    draws = stream_of(spec, data)
    net = initial_network(spec, data, store)
    history = fit(spec, data, net, teachers_of(spec, data, draws, store, traces), draws)
    arrays = {}
    for split in ("train", "validation", "test"):
        arrays[f"{split}_logits"], features = evaluate(net, data, spec.modality, split)
        if split == "test":
            arrays["test_features"] = features
    about: dict[str, Any] = {
        "subjects": {name: list(getattr(data.fold, name)) for name in data.parts},
        "windows": {name: len(part) for name, part in data.parts.items()},
    }
    if spec.sees_images:
        about["clipped_pairs"] = {name: data.imager.grid.clipped(d) for name, d in data.diagrams.items()}
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    record = RunRecord(spec, history, about, provenance(spec.seed, time.perf_counter() - start))
    return store.put(record, arrays, weights)


def for_spec(data: FoldData, spec: RunSpec) -> FoldData:
    """The data of another run; what was computed is kept where it does not depend on the run."""
    if any(getattr(spec, name) != getattr(data.spec, name) for name in ("dataset", "fold", "windows_per_class")):
        return prepare(spec)
    other = FoldData(data.parts, data.fold, data.n_classes, spec)
    shared = ["normalisation", "signals", "diagrams", "labels"]
    if data.spec.image == spec.image:
        shared.append("imager")
    other.__dict__.update({name: data.__dict__[name] for name in shared if name in data.__dict__})
    return other


SEED_NOISE = 0.10  # points of accuracy: three times the seed-to-seed standard deviation measured on `watch`


def compare(old: RunRecord, new: RunRecord) -> tuple[str, bool]:
    """Verdict on a run that was trained again. Equal machines and versions must give the same bytes.

    Elsewhere (other CPU capability, versions or threads) the last accuracies must agree within SEED_NOISE.
    """
    same_place = all(
        old.provenance[k] == new.provenance[k] for k in ("versions", "cpu_capability", "threads", "device")
    )
    same_bits = old.history == new.history and all(
        np.array_equal(array, new.weights[name]) for name, array in old.weights.items()
    )
    if same_bits:
        return "identical", True
    gap = abs(old.metrics()["accuracy"] - new.metrics()["accuracy"])
    if same_place:
        return f"differs on the same machine, accuracy by {gap:.4f}", False
    return f"other machine, accuracy differs by {gap:.4f}", gap <= SEED_NOISE

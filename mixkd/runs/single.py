"""From a spec and the stored runs it requires to its record: prepare, train in lockstep, probe, store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch

from mixkd.errors import MixkdError
from mixkd.learning import stacked_training, training
from mixkd.learning.families import FAMILIES
from mixkd.learning.fold_data import FoldData, evaluate, fold_data
from mixkd.learning.forest import ForestNet
from mixkd.learning.methods import RULES
from mixkd.learning.networks import Network
from mixkd.learning.probing import probe
from mixkd.learning.streams import Stream
from mixkd.learning.teachers import Live, Teacher, Traced, trace
from mixkd.learning.training import History, Learner, fit, stream_of
from mixkd.rng import generator
from mixkd.runs import starts
from mixkd.runs.conditions import conditions
from mixkd.runs.provenance import provenance
from mixkd.runs.store import RunRecord, Store, same_people
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec
from mixkd.specs.views import DataView, NetworkView, StreamView

MAX_TRACE_BYTES = 512 * 2**20  # of one group of students; above it, teachers run live

TraceKey = tuple[str, StreamView, DataView | None]
Traces = dict[TraceKey, torch.Tensor]


def trace_key(teacher: RunSpec, spec: RunSpec) -> TraceKey:
    """All that a trace of `teacher` along the stream of `spec` depends on."""
    return teacher.hash, spec.stream, spec.data if teacher.modality == "image" or spec.on_sphere else None


def untrained(about: NetworkView, data: FoldData) -> Network:
    """A random network, of its own draws."""
    seed = int(generator(about.seed, "network", about.role, about.modality).integers(2**62))
    n_channels, n_samples = data.splits["train"].x.shape[1:]
    return FAMILIES[about.family](about, (n_channels, n_samples), data.n_outputs, seed)


def initial_network(spec: RunSpec, data: FoldData, store: Store) -> Network:
    """The network before its first step: random, grown, or with the last weights of the parent run."""
    net = untrained(spec.network, data)
    if isinstance(net, ForestNet):
        net.grow(data.signals["train"], data.splits["train"].y, spec.seed)
    if spec.parent:
        load_weights(net, required(spec.parent, store, data))
    elif spec.start:
        starts.load(net, spec.start)
    return net


def load_weights(net: Network, record: RunRecord) -> Network:
    """`net` itself, with the stored weights."""
    net.load_state_dict({name: torch.from_numpy(array) for name, array in record.weights.items()})
    return net


def trained_network(record: RunRecord, data: FoldData) -> Network:
    """A stored run's network, in evaluation mode."""
    return load_weights(untrained(record.spec.network, data), record).eval()


def trained(spec: RunSpec, store: Store) -> RunRecord:
    """The stored record. MixkdError when it is missing."""
    record = store.get(spec)
    if record is None:
        raise MixkdError(f"run {spec.name} ({spec.hash}) is needed first and is not in the store")
    return record


def required(spec: RunSpec, store: Store, data: FoldData) -> RunRecord:
    """The stored run that another needs. MixkdError when it is missing, or saw other people, such as those to test."""
    record = trained(spec, store)
    same_people(data.subjects, record)
    return record


def learner(
    spec: RunSpec, data: FoldData, store: Store, draws: Stream, *, traces: Traces | None, nets: dict[str, Network]
) -> Learner:
    """A run before its first step. `nets` holds the teachers' networks by run, shared by students in lockstep.

    Logits come from `traces` (missing ones are added, up to the cap), live where it is None or features are needed.
    """
    teachers: list[Teacher] = []
    for teacher, run in zip(spec.teachers, spec.teacher_runs, strict=True):
        if run.hash not in nets:
            nets[run.hash] = trained_network(required(run, store, data), data).to(data.device)
        known = None
        if traces is not None and METHODS[spec.method].reads == "logits":
            key, n_bytes = trace_key(run, spec), draws.rows.size * data.n_outputs * 4
            fits = data.device != "cpu" or sum(t.nbytes for t in traces.values()) + n_bytes <= MAX_TRACE_BYTES
            if key not in traces and fits:
                traces[key] = trace(nets[run.hash], teacher.modality, data, draws)
            known = traces.get(key)
        teachers.append(Live(nets[run.hash], teacher.modality) if known is None else Traced(known))
    return training.learner(spec, initial_network(spec, data, store), teachers)


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
            _train(missing, store, fold_data(missing[0].data, data), traces)
        return [trained(spec, store) for spec in specs]


def run_stacked(specs: list[RunSpec], store: Store, device: str) -> Iterator[RunSpec]:
    """Train runs of one shape (see mixkd/specs/stacks.py) side by side on a device; each one when it is stored."""
    with ExitStack() as locks:
        for spec in sorted(specs, key=lambda s: s.hash):
            locks.enter_context(store.lock(spec))
        missing = [spec for spec in specs if store.get(spec) is None]
        made = _train_stacked(missing, store, device) if missing else {}
        for spec in specs:
            if spec in made:
                _store(store, *made[spec])
            yield spec


Trained = tuple[Learner, History, FoldData, Stream, float]


def _train_stacked(specs: list[RunSpec], store: Store, device: str) -> dict[RunSpec, Trained]:
    start = time.perf_counter()
    nets, traces = dict[str, Network](), Traces()
    data, there, draws = dict[DataView, FoldData](), dict[DataView, FoldData](), dict[StreamView, Stream]()
    for spec in specs:
        if spec.data not in data:
            data[spec.data] = fold_data(spec.data, next(iter(data.values()), None))
            there[spec.data] = data[spec.data].on(device)
        if spec.stream not in draws:
            draws[spec.stream] = stream_of(spec.stream, data[spec.data])
    students = [learner(spec, there[spec.data], store, draws[spec.stream], traces=traces, nets=nets) for spec in specs]
    histories = stacked_training.fit(students, [draws[spec.stream] for spec in specs], there[specs[0].data])
    seconds = (time.perf_counter() - start) / len(specs)
    for student in students:
        student.net.to(device)
    return {
        spec: (student, history, there[spec.data], draws[spec.stream], seconds)
        for spec, student, history in zip(specs, students, histories, strict=True)
    }


def _train(specs: list[RunSpec], store: Store, data: FoldData, traces: Traces | None) -> None:
    start = time.perf_counter()
    draws, nets = stream_of(specs[0].stream, data), dict[str, Network]()
    students = [learner(spec, data, store, draws, traces=traces, nets=nets) for spec in specs]
    histories = fit(students, data, draws)
    seconds = (time.perf_counter() - start) / len(specs)
    for student, history in zip(students, histories, strict=True):
        _store(store, student, history, data, draws, seconds)


def _store(store: Store, student: Learner, history: History, data: FoldData, draws: Stream, seconds: float) -> None:
    spec, arrays = student.spec, {}
    for split in ("train", "validation", "test"):
        arrays[f"{split}_logits"], features = evaluate(student.net, data, spec.modality, split)
        if split == "test":
            arrays["test_features"] = features
    about: dict[str, Any] = {
        "subjects": data.subjects,
        "windows": {name: len(part) for name, part in data.splits.items()},
        "conditions": conditions(spec),
        **RULES[spec.method].about(spec, data, draws),
    }
    if spec.mixup:
        about["mixed_share"] = draws.mixed_share
    if spec.sees_images:
        about["clipped_pairs"] = {name: data.imager.grid.clipped(d) for name, d in data.diagrams.items()}
    weights = {name: tensor.cpu().numpy() for name, tensor in student.net.state_dict().items()}
    probes = probe(student, data, draws, arrays)
    store.put(RunRecord(spec, history, about, provenance(spec, seconds, data.device), probes), arrays, weights)

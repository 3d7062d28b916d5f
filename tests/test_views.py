"""What each view of a run depends on: every field is changed in turn, and what comes out is computed."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from runs import BOTH, IMAGE, SIGNAL, small

from mixkd.learning import tasks
from mixkd.learning.fold_data import fold_data
from mixkd.learning.training import stream_of
from mixkd.runs.single import trace_key, untrained
from mixkd.specs import tasks as task_facts
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Constant, ImageSpec, Mixup, RunSpec

BASE = small(teachers=BOTH, mixup=Mixup(0.4, 0.5), image=ImageSpec(8))
DATA, STREAM, NETWORK = "data", "stream", "network"
CHANGED = {  # field: another value, and which views it changes
    "dataset": ("watch", {DATA, STREAM}),
    "fold": (1, {DATA, STREAM}),
    "seed": (3, {STREAM, NETWORK}),
    "depth": (10, {NETWORK}),
    "width": (2, {NETWORK}),
    "init": ("scratch", set()),
    "teachers": ((IMAGE,), set()),
    "method": ("aver", set()),
    "kd_reduction": ("released", set()),
    "logit_scaling": ("tda_kd", set()),
    "stopping": ("best_validation", set()),
    "mixup": (Mixup(0.4), {STREAM}),
    "temperature": (2.0, set()),
    "kd_weight": (0.3, set()),
    "image_mixing": ("recompute", {DATA}),
    "image": (ImageSpec(12), {DATA}),
    "epochs": (3, {STREAM}),
    "batch_size": (8, {STREAM}),
    "schedule": ("step", set()),
    "learning_rate": (0.01, set()),
    "momentum": (0.5, set()),
    "weight_decay": (0.0, set()),
    "windows_per_class": (3, {DATA, STREAM}),
    "task": ("mirrored", {DATA}),
    "constants": ((Constant("strength", 2.0),), set()),
    "orthogonality": (0.1, set()),
    "family": ("mtl", {NETWORK}),
    "order": ("time", {STREAM}),
    "people": (2, {DATA, STREAM}),
    "label_noise": (0.25, {DATA, STREAM}),
    "balance": (True, {DATA}),
    "start": ("0" * 16, set()),
    "precision": ("bfloat16", set()),
}
OF_PLAIN = {  # without teachers
    "role": ("teacher", {STREAM, NETWORK}),
    "modality": ("image", {DATA, NETWORK}),
    "augment": ("removal", {STREAM}),
}


def mirrored(train, n_classes, n_placements) -> tasks.Task:
    task = tasks.classification(train, n_classes, n_placements)
    return replace(task, targets=lambda part: task.targets(part).flip(1))


@pytest.fixture(autouse=True)
def _mirrored(monkeypatch):
    monkeypatch.setitem(tasks.TASKS, "mirrored", mirrored)
    monkeypatch.setitem(METHODS, "kd", replace(METHODS["kd"], constants={"strength": 1.0}))
    monkeypatch.setitem(task_facts.TASKS, "mirrored", task_facts.TASKS["classification"])


def computed(spec: RunSpec) -> dict[str, bytes]:
    """What each view gives: images and mixed images; draws; weights."""
    data = fold_data(spec.data)
    draws = stream_of(spec.stream, data)
    found = [data.signals["train"].numpy(), data.targets.numpy()]
    if spec.image:
        fixed = stream_of(small(fold=0, windows_per_class=2, mixup=Mixup(1.0), epochs=1, batch_size=4).stream, data)
        found += [data.imager(data.diagrams["train"]), data.mixed("image", fixed[0]).numpy()]
    spans = np.concatenate([a.length for step in range(len(draws)) if (a := draws[step].augmentation)] or [[]])
    net = untrained(spec.network, data)
    return {
        DATA: b"".join(np.ascontiguousarray(x).tobytes() for x in found),
        STREAM: draws.rows.tobytes() + draws.partners.tobytes() + draws.coefficients.tobytes() + spans.tobytes(),
        NETWORK: b"".join(p.detach().numpy().tobytes() for p in net.parameters()),
    }


def test_every_field_is_changed_here():
    assert CHANGED.keys() | OF_PLAIN.keys() == {field.name for field in fields(RunSpec)}


@pytest.mark.parametrize("name", [*CHANGED, *OF_PLAIN])
def test_a_view_changes_exactly_with_what_it_gives(name):
    base = BASE if name in CHANGED else small()
    value, changed = (CHANGED | OF_PLAIN)[name]
    other = replace(base, **{name: value})
    assert other != base
    views = {view for view in (DATA, STREAM, NETWORK) if getattr(other, view) != getattr(base, view)}
    assert views == changed
    before, after = computed(base), computed(other)
    also = {NETWORK} if name == "dataset" else set()  # which has other channels and classes
    # the same numbers of rows, of other windows; classes that are balanced already
    alike = {"fold": {STREAM}, "label_noise": {STREAM}, "balance": {DATA}}.get(name, set())
    assert {view for view in before if before[view] != after[view]} == (changed | also) - alike


@pytest.mark.parametrize("name", CHANGED)
def test_a_trace_is_read_for_its_own_stream_alone(name):
    """It has another key exactly when stream or teacher differ, or, of an image teacher, the data."""
    value, changed = CHANGED[name]
    other = replace(BASE, **{name: value})
    for teacher in (SIGNAL, IMAGE):
        mine, theirs = (_run_of(spec, teacher.modality) for spec in (BASE, other))
        if mine is None or theirs is None:
            continue
        images = teacher.modality == "image" and DATA in changed
        same = mine.hash == theirs.hash and STREAM not in changed and not images
        assert (trace_key(mine, BASE) == trace_key(theirs, other)) == same


def _run_of(spec: RunSpec, modality: str) -> RunSpec | None:
    return next((run for run in spec.teacher_runs if run.modality == modality), None)

"""Small runs, and `mixkd` in processes of its own, for the tests of training, sweeps, faults and the command."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import torch
from torch import nn

from mixkd.files import sha256
from mixkd.learning import tasks
from mixkd.learning.methods import RULES, Step
from mixkd.learning.networks import Outputs
from mixkd.runs import single
from mixkd.runs.planning import with_requirements
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec

FULL, PARTIAL, RELEASED = Mixup(0.4), Mixup(1.0, 0.5), Mixup(1.0, 0.25, "released")
SIGNAL, IMAGE = TeacherSpec(), TeacherSpec(modality="image")
BOTH = (replace(SIGNAL, weight=0.3), replace(IMAGE, weight=0.7))


def small(**fields: Any) -> RunSpec:
    """A run of a fraction of a second: 64 training windows, four steps per epoch, two epochs."""
    return RunSpec(**{"dataset": "synthetic", "windows_per_class": 4, "epochs": 2, "batch_size": 16, **fields})


def tiny(**fields: Any) -> RunSpec:
    """A run for tests of what happens around training: 32 training windows, two steps per epoch, two epochs."""
    return small(**{"windows_per_class": 2, **fields})


def train(spec: RunSpec, store: Store) -> RunRecord:
    """The record of a run, trained in this process with all that it needs."""
    return [single.run(needed, store) for needed in with_requirements([spec])][-1]


def results(store: Store) -> dict[str, Any]:
    """What a store's runs hold, by spec hash, without what may differ between equal runs (wall time, git state)."""
    found = {}
    for path in store.runs.rglob("*.json"):
        record = json.loads(path.read_bytes())
        times = [record["provenance"].pop(name) for name in ("seconds", "finished")]
        assert all(times)
        del record["sha256"], record["provenance"]["git"]
        assert record["files"] == {name: sha256((path.parent / name).read_bytes()) for name in record["files"]}
        found[path.stem] = record
    return found


def mtimes(store: Store) -> dict[Path, int]:
    """When each file of a finished run was written."""
    finished = {path.stem for path in store.runs.rglob("*.json")}
    files = [path for path in store.runs.rglob("*.*") if path.name.split(".")[0] in finished and path.suffix != ".lock"]
    return {path: path.stat().st_mtime_ns for path in files}


def lost(store: Store) -> set[str]:
    """Hashes of runs that were begun since the last call, and are neither stored nor in training.

    Whoever trained them is dead.
    """
    found = set()
    for path in store.runs.rglob("*.lock"):  # made when a run begins
        with open(path) as file, suppress(BlockingIOError):  # held where it is in training
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.with_suffix(".json").exists():
                found.add(path.stem)
                path.unlink()
    return found


def start(*arguments: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    """A Python process with a MIXKD_HOME, which Ctrl-C reaches also where it does not reach pytest."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MIXKD_HOME": str(home), **environment},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(event: Callable[[], Any], seconds: float = 120) -> Any:
    """What `event` returns as soon as that is true."""
    end = monotonic() + seconds
    while not (found := event()):
        assert monotonic() < end, "waited in vain"
        sleep(0.02)
    return found


def layers_beside(spec: RunSpec) -> nn.ModuleList:
    """What a method trains beside the student; of those that are not made from the student."""
    return RULES[spec.method].beside(spec, None, []) if not METHODS[spec.method].own_head else nn.ModuleList()


def step_of(student: Outputs, target: torch.Tensor, taught: Sequence[Outputs], spec: RunSpec) -> Step:
    """A step of classification with these outputs; layers beside have the dtype of the target."""
    task = tasks.classification(None, target.shape[1], 0)
    return Step(student, target, taught, spec, task, layers_beside(spec).to(target.dtype))

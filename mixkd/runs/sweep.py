"""Specs -> records: trains what is missing, in chunks that share a stream, on an executor.

Every finished run is stored by its worker at once, so an interruption costs at most the runs in flight, and the same
call goes on where it stopped. A failed run is reported with its spec; only runs that need it are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from mixkd.datasets import DATASETS, dataset
from mixkd.errors import MixkdError
from mixkd.runs.local import Local
from mixkd.runs.planning import chunks_to_train
from mixkd.runs.schedule import LEFT_OUT, Schedule
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.run import RunSpec
from mixkd.specs.tasks import TASKS

SHOWN = 3  # failed runs in an error


class Executor(Protocol):
    """Where runs are trained: on this machine (`Local`), or on another engine."""

    @property
    def stacked(self) -> bool:
        """Whether runs of one shape share a chunk, to be trained side by side."""

    def train(self, schedule: Schedule, store: Store) -> None:
        """Take chunks from the schedule until nothing waits, train their runs into the store, report each of them."""


def run(specs: Iterable[RunSpec], store: Store | None = None, *, on: Executor | None = None) -> list[RunRecord]:
    """Records of the runs, in their order; what is missing is trained first, requirements included.

    on: the executor, `Local()` when left out. Raises MixkdError after all others are done, naming runs that failed;
    those left out for want of them are counted.
    """
    store, specs = store or Store(), list(specs)
    for spec in specs:
        labelled(spec)
    executor = on or Local()
    if missing := chunks_to_train(specs, store, executor.stacked):
        schedule = Schedule(missing)
        executor.train(schedule, store)
        if schedule.failures:
            n_runs = len(schedule.specs)
            raise MixkdError(f"{len(schedule.failures)} of {n_runs} runs failed: {_causes(schedule.failures)}")
    return [_record(spec, store) for spec in specs]


def labelled(spec: RunSpec) -> None:
    """Refuse a data set that is unknown or lacks the labels of the task (MixkdError)."""
    labels = dataset(spec.dataset).labels
    if lacking := [label for label in TASKS[spec.task].needs if label not in labels]:
        having = [name for name, entry in DATASETS.items() if set(TASKS[spec.task].needs) <= set(entry.labels)]
        found = f"found {spec.task!r} for {spec.dataset}, which has no {lacking[0]}"
        raise MixkdError(f"RunSpec.task: {found}; expected a data set that has: {', '.join(having)}")


def _causes(failures: list[tuple[RunSpec, str]]) -> str:
    """The first SHOWN failed runs and their errors, and how many more there are and were left out."""
    causes = [f"{spec.name} ({spec.hash}): {error}" for spec, error in failures if error != LEFT_OUT]
    more = [f"{len(causes) - SHOWN} more"] if len(causes) > SHOWN else []
    left_out = [f"{n} left out: runs they need failed"] if (n := len(failures) - len(causes)) else []
    return "; ".join(causes[:SHOWN] + more + left_out)


def _record(spec: RunSpec, store: Store) -> RunRecord:
    if (record := store.find(spec)) is None:
        raise MixkdError(f"run {spec.name} ({spec.hash}) was trained and is no longer in the store")
    return record

"""Specs -> records: trains what is missing, in one-thread worker processes, in chunks that share a stream.

Every finished run is stored by its worker at once, so an interruption costs at most the runs in flight, and the same
call goes on where it stopped. A failed run is reported with its spec; only runs that need it are left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.runs.planning import Chunk, chunks, estimated_seconds, level, unmet
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.run import RunSpec

LEFT_OUT = "left out: a run it needs failed"
SHOWN = 3  # failed runs in an error
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # keep freed memory: saves page faults on long windows, changes no number
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _urgency(chunk: Chunk) -> tuple[int, int, float]:
    """One seed after the other, so that an interrupted campaign has whole repetitions; then what others wait for."""
    first = chunk.specs[0]
    return -first.seed, -level(first), chunk.seconds


def run(
    specs: Iterable[RunSpec], store: Store | None = None, workers: int | None = None, quiet: bool = False
) -> list[RunRecord]:
    """Records of the runs, in their order; what is missing is trained first, requirements included.

    Raises MixkdError after all others are done, naming runs that failed; those left out for want of them are counted.
    """
    store, specs = store or Store(), list(specs)
    for name in {spec.dataset for spec in specs}:
        dataset(name)
    if missing := unmet(specs, store):
        n_workers = workers or n_cores()
        failures = _Sweep(chunks(missing), store).train(min(n_workers, len(missing)), quiet)
        if failures:
            raise MixkdError(f"{len(failures)} of {len(missing)} runs failed: {_causes(failures)}")
    return [_found(spec, store) for spec in specs]


def _causes(failures: list[tuple[RunSpec, str]]) -> str:
    """The first SHOWN failed runs and their errors, and how many more there are and were left out."""
    causes = [f"{spec.name} ({spec.hash}): {error}" for spec, error in failures if error != LEFT_OUT]
    more = [f"{len(causes) - SHOWN} more"] if len(causes) > SHOWN else []
    left_out = [f"{n} left out: runs they need failed"] if (n := len(failures) - len(causes)) else []
    return "; ".join(causes[:SHOWN] + more + left_out)


def _found(spec: RunSpec, store: Store) -> RunRecord:
    if (record := store.find(spec)) is None:
        raise MixkdError(f"run {spec.name} ({spec.hash}) was trained and is no longer in the store")
    return record


@dataclass
class _Sweep:
    """The state that the threads share; each thread feeds one worker process."""

    waiting: list[Chunk]
    store: Store
    failures: list[tuple[RunSpec, str]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    running: dict[str, RunSpec] = field(default_factory=dict)
    finished_seconds: float = 0.0
    stop: bool = False

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self.specs = {spec.hash: spec for chunk in self.waiting for spec in chunk.specs}
        self.total_seconds = sum(chunk.seconds for chunk in self.waiting)
        self.processes: list[subprocess.Popen] = []

    def train(self, n_workers: int, quiet: bool) -> list[tuple[RunSpec, str]]:
        threads = [threading.Thread(target=self._feed, daemon=True) for _ in range(n_workers)]
        for thread in threads:
            thread.start()
        try:
            with _reporter(self, quiet) as report:
                while any(thread.is_alive() for thread in threads):
                    with self.changed:
                        self.changed.wait(timeout=1.0)
                    report()
        finally:  # also on Ctrl-C: nobody trains for a reader that is gone
            with self.changed:
                self.stop = True
            for process in self.processes:
                process.kill()
                process.wait()
        return self.failures

    def _feed(self) -> None:
        worker = None
        while chunk := self._next():
            try:
                worker = worker if worker and worker.poll() is None else self._start()
                self._send(worker, chunk)
            except Exception as error:  # a feeder must not die: the others would wait for its chunk
                self._fail(chunk, f"{type(error).__name__}: {error}")
        if worker and worker.stdin:
            with suppress(OSError):  # it died with something unread
                worker.stdin.close()

    def _start(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "mixkd.runs.worker", str(self.store.root)]
        environment = {**os.environ, **WORKER_ENVIRONMENT}
        with self.changed:
            if self.stop:
                raise RuntimeError("the sweep was stopped")
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches the sweep, which ends its workers
            )
            self.processes.append(process)
        return process

    def _fail(self, chunk: Chunk, error: str) -> None:
        with self.changed:
            known = self.done | {spec.hash for spec, _ in self.failures}
            self.failures += [(spec, error) for spec in chunk.specs if spec.hash not in known]
            for spec in chunk.specs:
                self.running.pop(spec.hash, None)
            self.changed.notify_all()

    def _next(self) -> Chunk | None:
        """A chunk whose requirements are met; waits for one, None when there is nothing left to do."""
        with self.changed:
            while not self.stop:
                self._leave_out()
                ready = [chunk for chunk in self.waiting if chunk.needs <= self.done]
                if ready:
                    chosen = max(ready, key=_urgency)
                    self.waiting.remove(chosen)
                    self.running[chosen.specs[0].hash] = chosen.specs[0]
                    return chosen
                if not self.waiting or not self.running:
                    return None
                self.changed.wait(timeout=1.0)
        return None

    def _leave_out(self) -> None:
        """Give up runs whose requirements failed, and those that need them in turn: they have a higher level."""
        failed = {spec.hash for spec, _ in self.failures}
        for chunk in sorted(self.waiting, key=lambda chunk: level(chunk.specs[0])):
            for spec in [s for s in chunk.specs if any(needed.hash in failed for needed in s.requires)]:
                chunk.specs.remove(spec)
                failed.add(spec.hash)
                self.failures.append((spec, LEFT_OUT))
            chunk.needs -= failed
        self.waiting = [chunk for chunk in self.waiting if chunk.specs]

    def _send(self, worker: subprocess.Popen, chunk: Chunk) -> None:
        assert worker.stdin
        assert worker.stdout
        left = list(chunk.specs)
        try:
            worker.stdin.write(json.dumps([spec.as_dict() for spec in left]) + "\n")
            worker.stdin.flush()
        except OSError:
            pass  # it died: readline below returns nothing
        while left:
            line = worker.stdout.readline()
            spec = left.pop(0)
            error = json.loads(line)["error"] if line else f"its worker died (exit status {worker.wait()})"
            with self.changed:
                self.running.pop(spec.hash, None)
                if error:
                    self.failures.append((spec, error))
                else:
                    self.done.add(spec.hash)
                self.finished_seconds += estimated_seconds(spec)
                if left and not line:  # the rest of the chunk never started: another worker takes it
                    rest = Chunk(left, chunk.needs, sum(map(estimated_seconds, left)))
                    self.waiting.append(rest)
                    left = []
                elif left:
                    self.running[left[0].hash] = left[0]
                self.changed.notify_all()


class _reporter:
    """Progress on stderr: a bar on a terminal, a line now and then in a log, nothing when quiet."""

    def __init__(self, sweep: _Sweep, quiet: bool):
        self.sweep, self.start, self.last = sweep, time.monotonic(), time.monotonic()
        console = Console(stderr=True)
        self.bar: Progress | None = None
        self.write: Callable[[str], None] | None = None
        if console.is_terminal and not quiet:
            columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self.bar = Progress(*columns, console=console)
            self.task = self.bar.add_task("", total=len(sweep.specs))
        elif not quiet:
            self.write = lambda text: print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> Callable[[], None]:
        if self.bar:
            self.bar.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        self._report()
        if self.bar:
            self.bar.stop()

    def _report(self) -> None:
        done = len(self.sweep.done) + len(self.sweep.failures)
        running = ", ".join(spec.name for spec in list(self.sweep.running.values()))
        text = f"{self._left()} left; {running}"
        if self.bar:
            self.bar.update(self.task, completed=done, description=text)
        elif self.write and time.monotonic() - self.last > 20:
            self.write(f"training {done}/{len(self.sweep.specs)}: {text}")
            self.last = time.monotonic()

    def _left(self) -> str:
        finished, elapsed = self.sweep.finished_seconds, time.monotonic() - self.start
        if not finished:
            return "?"
        return f"{elapsed / finished * (self.sweep.total_seconds - finished) / 60:.1f} min"

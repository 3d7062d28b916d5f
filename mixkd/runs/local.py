"""Training on this machine: one-thread worker processes, a feeding thread each, one chunk at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass

from mixkd.errors import MixkdError, short
from mixkd.runs.planning import Chunk
from mixkd.runs.progress import Reporter
from mixkd.runs.schedule import Schedule
from mixkd.runs.store import Store

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


def usable(device: str) -> None:
    """Refuse a device that torch does not see (MixkdError)."""
    if device == "cpu":
        return
    import torch

    if device != "cuda" or not torch.cuda.is_available():
        seen = "cpu or cuda" if torch.cuda.is_available() else "cpu: torch sees no graphics card here"
        raise MixkdError(f"device: found {short(device)}, expected {seen}")


@dataclass(frozen=True)
class Local:
    """Trains with so many workers, as many as there are cores when left out; `quiet`: without progress on stderr.

    device: `cuda` trains runs that can be stacked on a graphics card, which the workers share.
    """

    workers: int | None = None
    quiet: bool = False
    device: str = "cpu"

    @property
    def stacked(self) -> bool:
        """See `sweep.Executor`."""
        return self.device != "cpu"

    def train(self, schedule: Schedule, store: Store) -> None:
        """Train until nothing waits. On the way out, by Ctrl-C too, no worker is left.

        Raises MixkdError for a device that is not there.
        """
        usable(self.device)
        feeders = _Feeders(schedule, store, self.device)
        n_workers = min(self.workers or n_cores(), len(schedule.specs))
        threads = [threading.Thread(target=feeders.feed, daemon=True) for _ in range(n_workers)]
        for thread in threads:
            thread.start()
        try:
            with Reporter(schedule, self.quiet) as report:
                while any(thread.is_alive() for thread in threads):
                    feeders.wait()
                    report()
        finally:
            feeders.end()


class _Feeders:
    """What the feeding threads share: the schedule, behind one condition, and the worker processes."""

    def __init__(self, schedule: Schedule, store: Store, device: str):
        self.schedule, self.store, self.device = schedule, store, device
        self.changed = threading.Condition()
        self.processes: list[subprocess.Popen] = []
        self.stop = False

    def wait(self) -> None:
        """Until something changed, a second at most."""
        with self.changed:
            self.changed.wait(timeout=1.0)

    def end(self) -> None:
        """Kill all workers; no new one starts."""
        with self.changed:
            self.stop = True
        for process in self.processes:
            process.kill()
            process.wait()

    def feed(self) -> None:
        """Give a worker one chunk after the other until nothing waits."""
        worker = None
        while chunk := self._next():
            try:
                worker = worker if worker and worker.poll() is None else self.start_worker()
                self._send(worker, chunk)
            except Exception as error:  # a feeder must not die: the others would wait for its chunk
                with self.changed:
                    self.schedule.fail(chunk, f"{type(error).__name__}: {error}")
                    self.changed.notify_all()
        if worker and worker.stdin:
            with suppress(OSError):  # it died with something unread
                worker.stdin.close()

    def _next(self) -> Chunk | None:
        with self.changed:
            while not self.stop:
                if chunk := self.schedule.take():
                    return chunk
                if not self.schedule.waiting or not self.schedule.running:
                    return None
                self.changed.wait(timeout=1.0)
        return None

    def start_worker(self) -> subprocess.Popen:
        """A worker process that waits for its first chunk."""
        with self.changed:
            if self.stop:
                raise RuntimeError("the sweep was stopped")
            process = subprocess.Popen(
                # -P: a folder that happens to be called mixkd, such as a clone, is not the package
                [sys.executable, "-P", "-m", "mixkd.runs.worker", str(self.store.root), self.device],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **WORKER_ENVIRONMENT},
                start_new_session=True,  # Ctrl-C reaches the sweep, which ends its workers
            )
            self.processes.append(process)
        return process

    def _send(self, worker: subprocess.Popen, chunk: Chunk) -> None:
        assert worker.stdin
        assert worker.stdout
        with suppress(OSError):  # it died: readline below returns nothing
            worker.stdin.write(chunk.line + "\n")
            worker.stdin.flush()
        for at, spec in enumerate(chunk.specs):
            line = worker.stdout.readline()
            error = json.loads(line)["error"] if line else f"its worker died (exit status {worker.wait()})"
            rest = Chunk(chunk.name, chunk.specs[at + 1 :])
            with self.changed:
                self.schedule.finish(spec, error)
                if rest.specs and line:
                    self.schedule.start(rest.specs[0])
                elif rest.specs:  # they never started: another worker takes them
                    self.schedule.put_back(rest)
                self.changed.notify_all()
            if not line:
                return

"""Which chunk is trained next, and what became of each run. Bookkeeping alone: no process, no thread, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from mixkd.runs.cost import estimated_seconds
from mixkd.runs.planning import Chunk, level
from mixkd.specs.run import RunSpec

LEFT_OUT = "left out: a run it needs failed"


def urgency(chunk: Chunk) -> tuple[int, int, float]:
    """One seed after the other, so that an interrupted campaign has whole repetitions; then what others wait for."""
    first = chunk.specs[0]
    return -first.seed, -level(first), chunk.seconds


class Schedule:
    """The state of a sweep: chunks that wait, runs in training, failures with their errors in order of time."""

    def __init__(self, chunks: Iterable[Chunk]):
        self.waiting = list(chunks)
        self.specs = {spec.hash: spec for chunk in self.waiting for spec in chunk.specs}
        self.unfinished = set(self.specs)
        self.running: dict[str, RunSpec] = {}
        self.failures: list[tuple[RunSpec, str]] = []
        self.total_seconds = sum(chunk.seconds for chunk in self.waiting)
        self.finished_seconds = 0.0

    def take(self) -> Chunk | None:
        """The most urgent chunk whose requirements are trained; None where each one waits for a run in training."""
        ready = [chunk for chunk in self.waiting if not chunk.needs & self.unfinished]
        if not ready:
            return None
        chosen = max(ready, key=urgency)
        self.waiting.remove(chosen)
        self.start(chosen.specs[0])
        return chosen

    def start(self, spec: RunSpec) -> None:
        """A run is in training now."""
        self.running[spec.hash] = spec

    def finish(self, spec: RunSpec, error: str | None = None) -> None:
        """A run is trained, or failed: then all that need it, directly or not, are left out."""
        self.running.pop(spec.hash, None)
        if spec.hash not in self.unfinished:
            return
        self.unfinished.discard(spec.hash)
        self.finished_seconds += estimated_seconds(spec)
        if error:
            self.failures.append((spec, error))
            self._leave_out()

    def fail(self, chunk: Chunk, error: str) -> None:
        """No run of a chunk that is not finished can be trained."""
        for spec in chunk.specs:
            if spec.hash in self.unfinished:
                self.finish(spec, error)

    def put_back(self, chunk: Chunk) -> None:
        """Runs of a chunk that never started wait again."""
        left = chunk.only(self.unfinished)
        if left.specs:
            self.waiting.append(left)

    def _leave_out(self) -> None:
        failed = {spec.hash for spec, _ in self.failures}
        for chunk in sorted(self.waiting, key=lambda chunk: level(chunk.specs[0])):  # a run's needs have lower levels
            for spec in chunk.specs:
                if any(required.hash in failed for required in spec.requires):
                    failed.add(spec.hash)
                    self.unfinished.discard(spec.hash)
                    self.failures.append((spec, LEFT_OUT))
        left = (chunk.only(self.unfinished) for chunk in self.waiting)
        self.waiting = [chunk for chunk in left if chunk.specs]

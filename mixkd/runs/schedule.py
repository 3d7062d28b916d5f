"""Which chunk is trained next, and what became of each run. Bookkeeping alone: no process, no thread, no clock."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable

from mixkd.runs.cost import estimated_seconds
from mixkd.runs.planning import Chunk, level
from mixkd.specs.run import RunSpec

LEFT_OUT = "left out: a run it needs failed"


def order(chunk: Chunk) -> tuple[int, int, float]:
    """One seed after the other, so that an interrupted campaign has whole repetitions; then what others wait for."""
    first = chunk.specs[0]
    return first.seed, level(first), -chunk.seconds


class Schedule:
    """The state of a sweep: chunks that wait, runs in training, failures with their errors in order of time."""

    def __init__(self, chunks: Iterable[Chunk]):
        self.waiting: dict[int, Chunk] = {}  # by number
        self.running: dict[str, RunSpec] = {}
        self.failures: list[tuple[RunSpec, str]] = []
        self.finished_seconds = 0.0
        self._ready: list[tuple[tuple, int]] = []  # a heap: number of each chunk that waits for nothing
        self._wanting: dict[int, int] = {}  # how many unfinished runs outside it a chunk waits for
        self._waits_for: dict[str, list[int]] = defaultdict(list)
        self._made = 0
        chunks = list(chunks)
        self.specs = {spec.hash: spec for chunk in chunks for spec in chunk.specs}
        self.unfinished = set(self.specs)
        self.total_seconds = sum(chunk.seconds for chunk in chunks)
        self._needed_by: dict[str, list[RunSpec]] = defaultdict(list)
        for spec in self.specs.values():
            for required in spec.requires:
                self._needed_by[required.hash].append(spec)
        for chunk in chunks:
            self.put_back(chunk)

    def take(self) -> Chunk | None:
        """The most urgent chunk whose requirements are trained; None where each one waits for a run in training."""
        while self._ready:
            number = heapq.heappop(self._ready)[1]
            chosen = self.waiting.pop(number).only(self.unfinished)
            if chosen.specs:
                self.start(chosen.specs[0])
                return chosen
        return None

    def start(self, spec: RunSpec) -> None:
        """A run is in training now."""
        self.running[spec.hash] = spec

    def finish(self, spec: RunSpec, error: str | None = None) -> None:
        """A run is trained, or failed: then all that need it, directly or not, are left out."""
        self.running.pop(spec.hash, None)
        if spec.hash not in self.unfinished:
            return
        self.finished_seconds += estimated_seconds(spec)
        if error:
            self.failures.append((spec, error))
            self._leave_out(spec)
        self._settle(spec)

    def fail(self, chunk: Chunk, error: str) -> None:
        """No run of a chunk that is not finished can be trained."""
        for spec in chunk.specs:
            if spec.hash in self.unfinished:
                self.finish(spec, error)

    def put_back(self, chunk: Chunk) -> None:
        """Runs of a chunk that never started wait again."""
        left = chunk.only(self.unfinished)
        if not left.specs:
            return
        number, self._made = self._made, self._made + 1
        wanted = left.needs & self.unfinished
        self.waiting[number], self._wanting[number] = left, len(wanted)
        for unfinished in wanted:
            self._waits_for[unfinished].append(number)
        if not wanted:
            heapq.heappush(self._ready, (order(left), number))

    def _settle(self, spec: RunSpec) -> None:
        """Nobody waits for this run any longer."""
        self.unfinished.discard(spec.hash)
        for number in self._waits_for.pop(spec.hash, ()):
            self._wanting[number] -= 1
            if not self._wanting[number] and number in self.waiting:
                heapq.heappush(self._ready, (order(self.waiting[number]), number))

    def _leave_out(self, failed: RunSpec) -> None:
        for spec in self._needed_by[failed.hash]:
            if spec.hash in self.unfinished:
                self.failures.append((spec, LEFT_OUT))
                self._leave_out(spec)
                self._settle(spec)

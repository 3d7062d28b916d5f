"""Ten and a hundred thousand runs: what planning them costs, and how a hundred nodes that fail would get through them.

`python -m benchmarks.scale`. Planning is measured. The cluster is simulated with the schedule of a real sweep and a
clock that is not: a job trains the runs of a chunk one after the other, each takes its estimate times a drawn factor,
a node fails now and then, and what was not finished on it waits again. The numbers of the simulation are declared.
"""

from __future__ import annotations

import heapq
import math
import resource
import time
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import show, write
from mixkd.analysis import round_two
from mixkd.rng import generator
from mixkd.runs import planning
from mixkd.runs.cost import estimated_seconds
from mixkd.runs.planning import Chunk
from mixkd.runs.schedule import Schedule
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope

SIZES = (10_000, 100_000)
NODES = 100
START = 40.0  # seconds from a job that can start to its first run: queue, environment, data
SPREAD = 0.3  # standard deviation of the logarithm of a run's time over its estimate
BETWEEN_FAILURES = 24 * 3600.0  # mean seconds between two failures of a node
REPAIR = 1800.0  # seconds until it is back


@dataclass
class Outcome:
    """Seconds: of the whole, of training that counts, of training that was lost, of starts."""

    clock: float = 0.0
    trained: float = 0.0
    lost: float = 0.0
    starting: float = 0.0
    failures: int = 0


def many(n: int) -> list[RunSpec]:
    """At least `n` runs: those of the claims on `watch`, seed after seed."""
    one = [spec for spec in round_two.campaign(Scope("watch", "full")) if spec.seed == 0]
    return [replace(spec, seed=1000 * k) for k in range(math.ceil(n / len(one))) for spec in one]


def simulate(chunks: list[Chunk], n_nodes: int, rng: np.random.Generator) -> Outcome:
    """The schedule of `chunks` on nodes that fail."""
    schedule, result = Schedule(chunks), Outcome()
    free, now = list(range(n_nodes)), 0.0
    fails_at = rng.exponential(BETWEEN_FAILURES, n_nodes)
    events: list[tuple[float, int, str, tuple]] = []  # time, number, what, about
    numbers = count()

    def at(when: float, what: str, *about: object) -> None:
        heapq.heappush(events, (when, next(numbers), what, about))

    while schedule.unfinished:
        while free and (chunk := schedule.take()):
            node = free.pop()
            result.starting += START
            at(now + START, "run", node, chunk, 0)
        now, _, what, about = heapq.heappop(events)
        if what == "back":
            free.append(about[0])
            continue
        node, chunk, i = about
        if what == "done":
            schedule.finish(chunk.specs[i])
            i += 1
        if i == len(chunk.specs):
            free.append(node)
            continue
        seconds = estimated_seconds(chunk.specs[i]) * float(rng.lognormal(0.0, SPREAD))
        if now + seconds > fails_at[node]:
            result.failures += 1
            result.lost += max(0.0, fails_at[node] - now)
            down = max(now, float(fails_at[node]))
            fails_at[node] = down + REPAIR + rng.exponential(BETWEEN_FAILURES)
            schedule.put_back(Chunk(chunk.name, chunk.specs[i:]))
            at(down + REPAIR, "back", node)
        else:
            result.trained += seconds
            at(now + seconds, "done", node, chunk, i)
    result.clock = now
    return result


def critical_path(specs: list[RunSpec]) -> float:
    """Seconds of the longest chain of runs that need each other."""
    ends: dict[str, float] = {}
    for spec in planning.with_requirements(specs):
        begin = max((ends[required.hash] for required in spec.requires), default=0.0)
        ends[spec.hash] = begin + estimated_seconds(spec)
    return max(ends.values())


def measure(n: int, folder: Path) -> dict[str, float]:
    """Planning of at least `n` runs, and the simulation."""
    specs = many(n)
    start = time.perf_counter()
    chunks = planning.chunks_to_train(specs, Store(folder))
    Schedule(chunks)
    planning_seconds = time.perf_counter() - start
    longest = critical_path(specs)
    outcome = simulate(chunks, NODES, generator(n, "scale"))
    return {
        "runs": sum(len(chunk.specs) for chunk in chunks),
        "chunks": len(chunks),
        "planning_seconds": planning_seconds,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "core_hours": outcome.trained / 3600,
        "hours": outcome.clock / 3600,
        "least_hours": max(outcome.trained / NODES, longest) / 3600,
        "starting_share": outcome.starting / (NODES * outcome.clock),
        "failures": outcome.failures,
        "lost_share": outcome.lost / (outcome.trained + outcome.lost),
        "critical_path_minutes": longest / 60,
    }


def main() -> None:
    """Measure, print, and keep the numbers."""
    with TemporaryDirectory() as folder:
        rows = [measure(n, Path(folder)) for n in SIZES]
    about = {
        "nodes": NODES,
        "start_seconds": START,
        "spread": SPREAD,
        "hours_between_failures": BETWEEN_FAILURES / 3600,
        "repair_seconds": REPAIR,
    }
    write(
        "scale", {"simulated": about, "rows": rows}, clock="planning: wall time of one process; the rest is simulated"
    )
    columns = [f"{row['runs']:,} runs" for row in rows]
    table = [
        {"": name.replace("_", " "), **{c: row[name] for c, row in zip(columns, rows, strict=True)}} for name in rows[0]
    ]
    show(f"{NODES} nodes, simulated", table)


if __name__ == "__main__":
    main()

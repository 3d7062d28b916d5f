"""How long the runs of `full` took by the clock: `python -m benchmarks.campaign [WORKERS]`, where they were made.

The store of the campaign (`MIXKD_HOME`) tells when each run was begun (its lock was opened) and ended (its record was
written). Wall time is that during which at least one run was under way, so pauses of the campaign do not count.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from benchmarks import show, write
from mixkd import studies
from mixkd.errors import MixkdError
from mixkd.runs import planning, sweep
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec

CLOCK = "wall time by the times of files; other work beside the campaign is not left out"


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals (begin, end)."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def measure(wanted: list[RunSpec], workers: int, store: Store) -> dict[str, float]:
    """Number of runs, wall hours and runs per hour. MixkdError where the store lacks one of them."""
    if missing := [spec for spec in wanted if not store.has(spec)]:
        raise MixkdError(f"{store.root}: {len(missing)} of {len(wanted)} runs are missing, first {missing[0].name}")
    hours = covered((_time(store, spec, ".lock"), _time(store, spec, ".json")) for spec in wanted) / 3600
    return {
        "runs": len(wanted),
        "wall_hours": hours,
        "runs_per_hour": len(wanted) / hours,
        "workers": workers,
        "cores": sweep.n_cores(),
    }


def _time(store: Store, spec: RunSpec, suffix: str) -> float:
    return store.path(spec, suffix).stat().st_mtime


def main() -> None:
    wanted = planning.with_requirements(studies.every("watch", "full"))
    workers = int(sys.argv[1]) if sys.argv[1:] else sweep.n_cores()  # as a sweep does
    measured = measure(wanted, workers, Store())
    show("The runs of `full` on watch", [measured])
    write("campaign", measured, CLOCK)


if __name__ == "__main__":
    main()

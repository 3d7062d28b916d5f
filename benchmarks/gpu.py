"""Runs side by side on a graphics card: `python -m benchmarks.gpu [DATASET]`, at most eight minutes.

It measures a step of stacks of several sizes; then how many runs a grid trains in some minutes on the card, and on as
many processes as there are cores, both from an empty store and with all that a run needs: data, traces and probes.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import mean

import torch

from benchmarks import show, write
from mixkd.analysis import round_two
from mixkd.errors import MixkdError
from mixkd.learning import training
from mixkd.learning.fold_data import fold_data
from mixkd.learning.stacked_training import Stack
from mixkd.learning.teachers import Traced
from mixkd.runs import planning, single
from mixkd.runs.local import Local, n_cores, usable
from mixkd.runs.schedule import Schedule
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope

SIZES = (1, 8, 32, 66)
STEPS = 100
ON_THE_CARD, ON_THE_PROCESSOR = 240, 90  # seconds of the grid on each


def step_times(specs: list[RunSpec], folder: Path) -> list[dict[str, float]]:
    """Milliseconds of a step of stacks of students with drawn traces, and memory of the card."""
    data, rows = fold_data(specs[0].data), []
    there = data.on("cuda")
    for n in SIZES:
        torch.cuda.reset_peak_memory_stats()
        chosen = [specs[i % len(specs)] for i in range(n)]
        streams = {spec.stream: training.stream_of(spec.stream, data).first(STEPS + 10) for spec in chosen}
        students = []
        for spec in chosen:
            shape = *streams[spec.stream].rows.shape, data.n_outputs
            traces = [Traced(torch.randn(shape, device="cuda")) for _ in spec.teachers]
            students.append(training.learner(spec, single.initial_network(spec, data, Store(folder)), traces))
        stack = Stack(students, [streams[spec.stream] for spec in chosen], there)
        stack.net.train()
        step = stack.recorded()
        for _ in range(5):
            step()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(STEPS):
            step()
        torch.cuda.synchronize()
        milliseconds = 1e3 * (time.perf_counter() - start) / STEPS
        memory = torch.cuda.max_memory_allocated() / 2**20
        rows.append({"runs": n, "step_ms": milliseconds, "per_run_ms": milliseconds / n, "card_megabytes": memory})
    return rows


class TimeIsUp(Exception):
    """The seconds of a grid are over."""


def stop(*_: object) -> None:
    """What the clock does in the main thread: the workers of a sweep end with it."""
    raise TimeIsUp


@contextmanager
def watched() -> Iterator[list[float]]:
    """How busy the card is, in percent, each second meanwhile."""
    found: list[float] = []
    over = threading.Event()

    def look() -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while not over.wait(1.0):
            found.append(float(subprocess.run(query, capture_output=True, text=True).stdout.split()[0]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def grid(specs: list[RunSpec], device: str, seconds: float, folder: Path) -> dict[str, float]:
    """Runs of a grid that are trained from nothing in so many seconds, by one worker for each core."""
    store, executor = Store(folder), Local(n_cores(), quiet=True, device=device)
    schedule = Schedule(planning.chunks_to_train(specs, store, executor.stacked))
    start = time.perf_counter()
    with watched() as busy, suppress(TimeIsUp):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        executor.train(schedule, store)
    signal.setitimer(signal.ITIMER_REAL, 0)
    hours = (time.perf_counter() - start) / 3600
    done = len(schedule.specs) - len(schedule.unfinished)
    return {"runs": done, "hours": hours, "runs_per_hour": done / hours, "card_busy_percent": mean(busy)}


def main(dataset: str = "watch") -> None:
    """Measure, print, and keep the numbers."""
    usable("cuda")
    signal.signal(signal.SIGALRM, stop)
    torch.backends.cudnn.allow_tf32 = False
    specs = round_two.campaign(Scope(dataset, "full"))
    students = [s for s in specs if s.fold == 0 and s.modality == "signal" and s.width == 1 and s.init == "random"]
    with tempfile.TemporaryDirectory() as folder:
        steps = step_times(students, Path(folder) / "steps")
        card = grid(specs, "cuda", ON_THE_CARD, Path(folder) / "card")
        processor = grid(specs, "cpu", ON_THE_PROCESSOR, Path(folder) / "processor")
    grids = {"card": card, "processor": processor}
    content = {
        "card": torch.cuda.get_device_name(),
        "dataset": dataset,
        "cores": n_cores(),
        "steps": steps,
        "grid": grids,
        "ratio": card["runs_per_hour"] / processor["runs_per_hour"],
        "memory_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }
    write("gpu", content, clock="wall time")
    show(f"{content['card']}, steps of {students[0].batch_size} windows of {dataset}", steps)
    show("a grid from an empty store", [{"on": name, **row} for name, row in grids.items()])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MixkdError as refusal:
        sys.exit(f"error: {refusal}")

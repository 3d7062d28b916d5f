"""Speed, measured fairly: variants take turns in one process on one thread, and ratios come from the same round."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from statistics import median
from typing import Any, TypeVar

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mixkd.analysis.cost import BENCHMARKS
from mixkd.files import atomic_write, canonical_json
from mixkd.runs import provenance
from mixkd.runs.local import WORKER_ENVIRONMENT

Name = TypeVar("Name", bound=Hashable)
BLOCK = 0.1  # seconds that a variant runs at least when it is its turn
CLOCK = "CPU seconds of the process, one thread: waiting for a busy core is left out, shared caches and memory are not"


def as_worker() -> None:
    """One thread and the allocator of a sweep's worker: restarts Python, which reads that environment at its start."""
    if not WORKER_ENVIRONMENT.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **WORKER_ENVIRONMENT})
    torch.set_num_threads(1)


def measure(functions: Mapping[Name, Callable[[], object]], repeats: int) -> dict[Name, list[float]]:
    """Seconds per call of every variant in each of `repeats` rounds; one call of each before warms up and compiles."""
    for function in functions.values():
        function()
    rounds = [{name: _seconds(function) for name, function in functions.items()} for _ in range(repeats)]
    return {name: [times[name] for times in rounds] for name in functions}


def _seconds(function: Callable[[], object]) -> float:
    start, elapsed, calls = time.process_time(), 0.0, 0
    while elapsed < BLOCK:
        function()
        calls += 1
        elapsed = time.process_time() - start
    return elapsed / calls


def ratio(of: list[float], to: list[float]) -> float:
    """Median over the rounds of of / to."""
    return median(a / b for a, b in zip(of, to, strict=True))


def write(name: str, content: dict[str, Any], clock: str = CLOCK) -> None:
    """benchmarks/records/NAME.json with where its numbers come from; floats keep four digits."""
    about = {
        "clock": clock,
        "cpu": provenance.cpu(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "git": provenance.git_state("benchmarks/records"),  # those of the benchmarks before this one
        "threads": torch.get_num_threads(),
        "versions": provenance.versions(),
    }
    atomic_write(BENCHMARKS / f"{name}.json", canonical_json({**_rounded(content), "provenance": about}) + b"\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """A table on the terminal; its columns are the keys of the first row."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column, value in rows[0].items():
        words = isinstance(value, str)
        table.add_column(column.replace("_", " "), justify="left" if words else "right", no_wrap=words)
    for row in rows:
        table.add_row(*map(_text, row.values()))
    Console(width=100).print(title, table, sep="\n")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)

"""Execution of all notebooks, each in a kernel of its own, by two processes that are loaded once."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mixkd.book import notebook
from mixkd.errors import MixkdError
from mixkd.files import places
from mixkd.runs.local import n_cores


@dataclass(frozen=True)
class Execution:
    """One executed notebook."""

    name: str
    parameters: dict[str, Any]
    seconds: float


def execute_all(stage: Path, parameters: dict[str, Any]) -> list[Execution]:
    """Execute every notebook of the checkout into the stage, two at a time, one thread each.

    In reverse order: one of the last notebooks trains, takes longest, and should start first.
    """
    paths = sorted(notebook.NOTEBOOKS.glob("*.ipynb"), reverse=True)
    with ProcessPoolExecutor(min(2, n_cores()), get_context("spawn"), _alone) as pool:
        done = [pool.submit(_execute, path, stage / "notebooks" / path.name, parameters) for path in paths]
        try:
            return [each.result() for each in done][::-1]
        except BrokenProcessPool as error:
            raise MixkdError(
                "notebooks: found a process that was killed, expected both to live; is memory left?"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _alone() -> None:
    """In each process: kernels of one thread; what they print is dropped, their errors come back as exceptions."""
    os.environ.update(places(), OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def _execute(path: Path, output: Path, parameters: dict[str, Any]) -> Execution:
    assignments = [f"{name}={value}" for name, value in parameters.items()]
    start = time.perf_counter()
    try:
        notebook.execute(path, output, notebook.parse_assignments(path, assignments))
    except Exception as error:
        raise MixkdError(f"notebooks/{path.name} failed: {error}") from error
    return Execution(path.stem, parameters, time.perf_counter() - start)

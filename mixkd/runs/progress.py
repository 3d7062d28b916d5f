"""Progress of a schedule on stderr: a bar on a terminal, a line now and then in a log, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mixkd.runs.schedule import Schedule

SECONDS = 20  # between two lines of a log


class Reporter:
    """Shows a schedule while it is entered, each time it is called."""

    def __init__(self, schedule: Schedule, quiet: bool = False):
        self.schedule, self.start, self.last = schedule, time.monotonic(), time.monotonic()
        console = Console(stderr=True)
        self.bar: Progress | None = None
        self.write: Callable[[str], None] | None = None
        if console.is_terminal and not quiet:
            columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self.bar = Progress(*columns, console=console)
            self.task = self.bar.add_task("", total=len(schedule.specs))
        elif not quiet:
            self.write = lambda text: print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> Reporter:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self()
        if self.bar:
            self.bar.stop()

    def __call__(self) -> None:
        """Show how many runs are finished, the time left, and what is in training."""
        n_runs = len(self.schedule.specs)
        done = n_runs - len(self.schedule.unfinished)
        running = ", ".join(spec.name for spec in list(self.schedule.running.values()))
        text = f"{self._left()} left; {running}"
        if self.bar:
            self.bar.update(self.task, completed=done, description=text)
        elif self.write and time.monotonic() - self.last > SECONDS:
            self.write(f"training {done}/{n_runs}: {text}")
            self.last = time.monotonic()

    def _left(self) -> str:
        finished, elapsed = self.schedule.finished_seconds, time.monotonic() - self.start
        if not finished:
            return "?"
        return f"{elapsed / finished * (self.schedule.total_seconds - finished) / 60:.1f} min"

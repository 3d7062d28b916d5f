"""A sweep in parts, for the job arrays of any scheduler: which chunks a part trains, and a script that starts them all.

All parts work on one store. What a part needs of another it trains itself, unless it is there or in training: a run is
locked while it is trained, so none is trained twice, and parts may start in any order or fail alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mixkd.errors import MixkdError, nearest, short
from mixkd.files import places
from mixkd.runs import sweep
from mixkd.runs.cluster import MEMORY_MB, minutes
from mixkd.runs.planning import Plan, chunks_to_train, level
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec


@dataclass(frozen=True)
class Part:
    """Part `index`, from 0, of `n`."""

    index: int
    n: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """Of `i/n`. Raises MixkdError for anything else."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not match or int(match[1]) >= int(match[2]):
            raise MixkdError(f"shard: found {short(text)}, expected i/n with i from 0 to n - 1, such as 0/4")
        return cls(int(match[1]), int(match[2]))

    def own(self, runs: Iterable[RunSpec], store: Store) -> list[list[RunSpec]]:
        """Its missing runs, those that others need first, a list for each level; every run is in one of the n parts."""
        mine = [chunk for chunk in chunks_to_train(runs, store) if int(chunk.name, 16) % self.n == self.index]
        waves = groupby(mine, lambda chunk: level(chunk.specs[0]))
        return [[spec for chunk in wave for spec in chunk.specs] for _, wave in waves]


def train(runs: Iterable[RunSpec], store: Store, part: Part, on: sweep.Executor) -> int:
    """Train what is missing of a part; the number of its runs. Raises MixkdError as `sweep.run` does."""
    waves = part.own(runs, store)
    for wave in waves:
        sweep.run(wave, store, on=on)
    return sum(map(len, waves))


@dataclass(frozen=True)
class Scheduler:
    """How a batch system is told of an array of jobs. The fields of its lines: n, last, hours, minutes, memory."""

    lines: tuple[str, ...]
    index: str  # the number of a job, from 0, as its shell has it
    submit: str


SCHEDULERS = {
    "slurm": Scheduler(
        (
            "#SBATCH --job-name=mixkd --array=0-{last} --cpus-per-task=1 --mem={memory}",
            "#SBATCH --time={hours:02d}:{minutes:02d}:00",
        ),
        "$SLURM_ARRAY_TASK_ID",
        "sbatch",
    ),
    "pbs": Scheduler(
        (
            "#PBS -N mixkd",
            "#PBS -J 0-{last}",
            "#PBS -l select=1:ncpus=1:mem={memory}B",
            "#PBS -l walltime={hours:02d}:{minutes:02d}:00",
        ),
        "$PBS_ARRAY_INDEX",
        "qsub",
    ),
    "sge": Scheduler(
        ("#$ -N mixkd", "#$ -t 1-{n}", "#$ -l h_vmem={memory},h_rt={hours:02d}:{minutes:02d}:00"),
        "$((SGE_TASK_ID - 1))",
        "qsub",
    ),
}


def script(name: str, plan: Plan, n: int, command: Sequence[str]) -> str:
    """A job script of `n` parts for a scheduler, to work where it was made. command: that of the sweep.

    Raises MixkdError for an unknown scheduler, and for more parts than runs.
    """
    if name not in SCHEDULERS:
        raise MixkdError(f"print-job: found {name!r}, {nearest(name, SCHEDULERS)}")
    if not 1 <= n <= max(plan.total, 1):
        raise MixkdError(f"parts: found {n}, expected 1 to {plan.total}, the number of runs")
    chosen = SCHEDULERS[name]
    wanted = minutes(3600 * plan.core_hours / n)
    about = {"n": n, "last": n - 1, "hours": wanted // 60, "minutes": wanted % 60, "memory": f"{MEMORY_MB}M"}
    head = [line.format(**about) for line in chosen.lines]
    place = [f"cd {shlex.quote(str(Path.cwd()))}"]
    place += [f"export {key}={shlex.quote(value)}" for key, value in places().items()]
    parts = f'--workers 1 --shard "{chosen.index}/{n}"'
    note = f"# {len(plan.missing)} runs, about {plan.core_hours:.1f} core-hours; start it with: {chosen.submit} FILE"
    return "\n".join(["#!/bin/sh", *head, note, *place, f"exec {shlex.join(command)} {parts}", ""])

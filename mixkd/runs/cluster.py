"""A sweep on a cluster: its chunks as jobs of Snakemake, which runs in an environment of its own (`make cluster`).

A start works in a folder of its own, and the store says what is trained. So nothing has to be unlocked after a crash:
the same command goes on where it stopped, and jobs of an earlier start find their runs stored or in training.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TextIO

from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT, atomic_write, canonical_json, locked, places
from mixkd.runs.local import WORKER_ENVIRONMENT
from mixkd.runs.planning import Chunk
from mixkd.runs.progress import Reporter
from mixkd.runs.schedule import Schedule
from mixkd.runs.store import Store

ENGINE = CHECKOUT / ".venv-cluster" / "bin" / "snakemake"
WORKFLOW = CHECKOUT / "workflow"
MEMORY_MB = 3000  # of a job; measured: 0.8 GB on watch, 1.1 GB on selfback
SLACK = 3  # times the estimate: other processors, other load
LEAST_MINUTES = 30
SECONDS = 1.0  # between two looks at the answers


def profile(name: str) -> Path:
    """The folder of a Snakemake profile: one of ours by name, or any. Raises MixkdError where there is none."""
    own = WORKFLOW / "profiles"
    chosen = own / name if os.sep not in name else Path(name)
    if not (chosen / "config.yaml").is_file():
        known = sorted(path.name for path in own.iterdir()) if own.is_dir() else []
        raise MixkdError(
            f"on: found {name!r}, expected {', '.join(known)}, or ./FOLDER of a profile, with a config.yaml"
        )
    return chosen.absolute()


@dataclass
class Cluster:
    """Trains with Snakemake, as a profile says: on this machine, on Slurm, on Kubernetes."""

    name: str
    quiet: bool = False
    stacked: bool = field(default=False, init=False)

    def train(self, schedule: Schedule, store: Store) -> None:
        """Train until nothing waits; what is in training ends with Snakemake, by Ctrl-C too.

        Raises MixkdError for an unknown profile, and where Snakemake is not installed.
        """
        profile_folder = profile(self.name)
        if not ENGINE.is_file():
            raise MixkdError(f"{ENGINE}: found no Snakemake, expected it there; install it with `make cluster`")
        chunks = list(schedule.waiting.values())
        work, owner = new_folder(store.root / "cluster")
        write(work, chunks, store)
        command: list[str | Path] = [
            ENGINE,
            "--snakefile",
            WORKFLOW / "Snakefile",
            "--directory",
            work,
            "--keep-going",
            "--nolock",
        ]
        with owner, open(work / "log", "w") as log:
            process = subprocess.Popen(
                [*command, "--profile", profile_folder],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[owner.fileno()],  # Snakemake holds the lock too, and frees it when it ends, however it ends
                start_new_session=True,
            )
            try:
                self._follow(process, Answers(work, chunks, schedule))
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: jobs here end too, others are cancelled
                    process.wait()
        for spec in [spec for chunk in chunks for spec in chunk.specs if spec.hash in schedule.unfinished]:
            schedule.finish(spec, None if store.has(spec) else f"its job left no answer, see {work / 'log'}")

    def _follow(self, process: subprocess.Popen, answers: Answers) -> None:
        with Reporter(answers.schedule, self.quiet) as report:
            ended = False
            while not ended:
                ended = process.poll() is not None  # asked first: then the last answers are read after the end
                answers.read()
                report()
                if not ended:
                    time.sleep(SECONDS)


class Answers:
    """What the jobs say of their runs, a line each, read as they write."""

    def __init__(self, work: Path, chunks: list[Chunk], schedule: Schedule):
        self.schedule, self.specs = schedule, {spec.hash: spec for chunk in chunks for spec in chunk.specs}
        self.places = {work / "answers" / chunk.name: 0 for chunk in chunks}

    def read(self) -> None:
        """Tell the schedule what is new."""
        for path, at in self.places.items():
            with suppress(FileNotFoundError), open(path, "rb") as file:
                file.seek(at)
                for line in file:
                    if not line.endswith(b"\n"):  # it is being written
                        break
                    self.places[path] += len(line)
                    answer = json.loads(line)
                    self.schedule.finish(self.specs[answer["hash"]], answer["error"])


def new_folder(root: Path) -> tuple[Path, TextIO]:
    """A folder for a start, and its owner's file, locked; folders of earlier starts go where nobody holds theirs."""
    with locked(root / ".lock"):  # or another start could take a new folder for one that was left
        for old in root.iterdir():
            with suppress(OSError), open(old / "owner") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(old)
        made = Path(mkdtemp(dir=root))
        own = open(made / "owner", "w")  # noqa: SIM115 it stays open as long as the start
        fcntl.flock(own, fcntl.LOCK_EX)
    return made, own


def minutes(seconds: float) -> int:
    """What a job with so much estimated training asks for."""
    return max(LEAST_MINUTES, math.ceil(SLACK * seconds / 60))


def write(work: Path, chunks: list[Chunk], store: Store) -> None:
    """The plan of a start as files: a line of JSON for each chunk, and what each needs."""
    owner_of = {spec.hash: chunk.name for chunk in chunks for spec in chunk.specs}
    needs = {chunk.name: sorted({owner_of[h] for h in chunk.needs if h in owner_of}) for chunk in chunks}
    environment = [f"{name}={shlex.quote(value)}" for name, value in (WORKER_ENVIRONMENT | places()).items()]
    worker = shlex.join([sys.executable, "-P", "-m", "mixkd.runs.worker", str(store.root.absolute())])
    plan = {
        "command": f"env {' '.join(environment)} {worker}",
        "memory_mb": MEMORY_MB,
        "chunks": {chunk.name: {"needs": needs[chunk.name], "minutes": minutes(chunk.seconds)} for chunk in chunks},
    }
    for name in ("chunks", "answers", "done", "logs"):
        (work / name).mkdir()
    for chunk in chunks:
        (work / "chunks" / chunk.name).write_text(chunk.line + "\n", encoding="utf-8")
    atomic_write(work / "plan.json", canonical_json(plan))

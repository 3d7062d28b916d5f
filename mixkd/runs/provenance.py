"""Where a number comes from: code, versions, device, threads; and whether another training gives it again."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.files import CHECKOUT, sha256
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec
from mixkd.specs.tasks import TASKS

PACKAGES = ("mixkd", "torch", "numpy", "numba", "scikit-learn", "giotto-tda")
CPU = ("vendor_id", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")
PLACE = ("versions", "cpu", "cpu_capability", "threads", "device")  # where these are equal, so are the bytes of a run


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    result = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            result[package] = version(package)
        except PackageNotFoundError:
            result[package] = "not installed"
    return result


@cache
def cpu(root: Path = Path("/")) -> str:
    """The processor's name with a digest of its model, flags and cache sizes, by which libraries choose kernels.

    The name alone where there is no /proc.
    """
    path = root / "proc/cpuinfo"
    if not path.is_file():
        return platform.processor() or platform.machine()
    first = path.read_text(encoding="utf-8").partition("\n\n")[0]
    about = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    caches = sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    known = [*(about.get(key, "") for key in CPU), *(path.read_text(encoding="utf-8").strip() for path in caches)]
    return f"{about.get('model name', platform.machine())} {sha256(repr(known).encode())[:8]}"


@cache
def git_state(*besides: str) -> dict[str, Any]:
    """Commit and dirty flag of the checkout that `mixkd` runs from; None outside a checkout.

    besides: folders whose changes do not count, because nothing that is recorded depends on them.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(CHECKOUT), *arguments]
        return os.fsdecode(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout).strip()

    leave_out = [f":(exclude){folder}" for folder in besides]
    try:
        if git("rev-parse", "--show-toplevel") != str(CHECKOUT):
            return {"sha": None, "dirty": None}
        return {"sha": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--", ".", *leave_out))}
    except (OSError, subprocess.SubprocessError):
        return {"sha": None, "dirty": None}


def provenance(spec: RunSpec, seconds: float, device: str = "cpu") -> dict[str, Any]:
    """The record's provenance. Times and git state are the only entries that differ between equal runs.

    seconds: of the training, with its traces; not of reading data before, nor of the probes after it. finished: when
    its probes were done, in UTC (in records since 29 November 2026). device: that it was trained on, of torch.
    """
    import torch

    return {
        "recipe": spec.recipe,
        "versions": versions(),
        "device": "cpu" if device == "cpu" else torch.cuda.get_device_name(device),
        "cpu": cpu(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "seed": spec.seed,
        "git": git_state(),
        "seconds": round(seconds, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


PAIRS = 40  # of seeds, at least (default chosen here): fewer tell no quantile


def seed_noise(records: Iterable[RunRecord], task: str = "classification") -> float | None:
    """By how much 99 of 100 pairs of seeds of one run of a task differ in its headline metric, at most.

    None for fewer than PAIRS pairs. records: of one data set, whose noise is not that of another. Runs of few people
    are left out: their seed chooses the people too.
    """
    scores_of: dict[str, list[float]] = {}
    for record in records:
        if record.spec.task == task and record.spec.people is None:
            scores_of.setdefault(replace(record.spec, seed=0).hash, []).append(headline(record))
    gaps = [abs(a - b) for scores in scores_of.values() for a, b in combinations(scores, 2)]
    return float(np.quantile(gaps, 0.99)) if len(gaps) >= PAIRS else None


def headline(record: RunRecord) -> float:
    """The headline metric of a run's task after the last epoch, on the test subjects."""
    return record.metrics()[TASKS[record.spec.task].headline]


def compare(old: RunRecord, new: RunRecord, noise: float | None) -> tuple[str, bool]:
    """Verdict on a run that was trained again. Equal machines and versions must give the same bytes.

    Elsewhere, or where the record does not tell (runs published before `cpu` was recorded), the last headline
    metrics of the task must agree within the noise of seeds; without one (see `seed_noise`), and for runs of few
    people, they are not judged, which the verdict says.
    """
    same_place = all(old.provenance.get(k) == new.provenance[k] for k in PLACE)
    same_bits = [row | {"parts": None} for row in old.history] == [row | {"parts": None} for row in new.history] and (
        old.folder is None  # published without weights
        or all(np.array_equal(array, new.weights[name]) for name, array in old.weights.items())
    )
    if same_bits:
        return "identical", True
    metric, gap = TASKS[old.spec.task].headline, abs(headline(old) - headline(new))
    if same_place:
        return f"differs on the same machine, {metric} by {gap:.4f}", False
    where = "other machine" if "cpu" in old.provenance else "machine not recorded"
    if noise is None or old.spec.people is not None:
        return f"{where}, {metric} differs by {gap:.4f}; not judged: too few seeds of such runs", True
    return f"{where}, {metric} differs by {gap:.4f}", gap <= noise

"""Where a number comes from: code, versions, device, threads; and whether another training gives it again."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from mixkd.store import CHECKOUT, RECIPE, RunRecord

PACKAGES = ("mixkd", "torch", "numpy", "numba", "scikit-learn", "giotto-tda")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def git_state(*besides: str) -> dict[str, Any]:
    """Commit and dirty flag of the checkout that `mixkd` runs from; None outside a checkout.

    besides: folders whose changes do not count, because nothing that is recorded depends on them.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(CHECKOUT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    leave_out = [f":(exclude){folder}" for folder in besides]
    try:
        if git("rev-parse", "--show-toplevel") != str(CHECKOUT):
            return {"sha": None, "dirty": None}
        return {"sha": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--", ".", *leave_out))}
    except (OSError, subprocess.SubprocessError):
        return {"sha": None, "dirty": None}


def provenance(seed: int, seconds: float) -> dict[str, Any]:
    """The record's provenance. Times and git state are the only entries that differ between equal runs.

    seconds: of the training, with its traces; not of reading data before, nor of the probes after it.
    """
    import torch

    return {
        "recipe": RECIPE,
        "versions": versions(),
        "device": "cpu",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "seed": seed,
        "git": git_state(),
        "seconds": round(seconds, 3),
    }


SEED_NOISE = 0.13  # of accuracy: 99 of 100 pairs of seeds of one run differ by less (780 pairs, published `watch`)


def compare(old: RunRecord, new: RunRecord) -> tuple[str, bool]:
    """Verdict on a run that was trained again. Equal machines and versions must give the same bytes.

    Elsewhere (other CPU capability, versions or threads) the last accuracies must agree within SEED_NOISE.
    """
    same_place = all(
        old.provenance[k] == new.provenance[k] for k in ("versions", "cpu_capability", "threads", "device")
    )
    same_bits = old.history == new.history and (
        old.folder is None  # published without weights
        or all(np.array_equal(array, new.weights[name]) for name, array in old.weights.items())
    )
    if same_bits:
        return "identical", True
    gap = abs(old.metrics()["accuracy"] - new.metrics()["accuracy"])
    if same_place:
        return f"differs on the same machine, accuracy by {gap:.4f}", False
    return f"other machine, accuracy differs by {gap:.4f}", gap <= SEED_NOISE

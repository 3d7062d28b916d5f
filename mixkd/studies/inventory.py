"""What the data sets hold: a row per set, measured from its recordings and kept in `results/datasets.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mixkd import windows
from mixkd.datasets import DATASETS, Dataset, Recordings
from mixkd.datasets.raw import download, paths
from mixkd.errors import MixkdError, nearest
from mixkd.files import atomic_write, canonical_json
from mixkd.runs.published import RESULTS

RECORD = RESULTS / "datasets.json"
Rows = dict[str, dict[str, Any]]  # by name of the data set


def measure(recordings: Recordings, entry: Dataset) -> dict[str, Any]:
    """What one data set holds, as its loader gives it and as `entry` cuts it."""
    cut = windows.cut(recordings, entry.window, entry.step, entry.rule)
    return {
        "people": len(np.unique(recordings.subjects)),
        "recordings": len(recordings.signals),
        "hours": round(sum(map(len, recordings.signals)) / recordings.rate / 3600, 4),
        "rate": round(recordings.rate, 4),
        "channels": len(recordings.channels),
        "seconds": round(entry.window / recordings.rate, 4),
        "windows": {name: int((cut.y == label).sum()) for label, name in enumerate(recordings.classes)},
        "folds": len(windows.folds(recordings.subjects, entry.test)),
        "counts": dict(recordings.counts),
    }


def survey(name: str) -> dict[str, Any]:
    """`measure` of a public data set, and whose files were read. MixkdError where they are not here."""
    if name not in DATASETS:
        raise MixkdError(f"dataset: found {name!r}, {nearest(name, DATASETS)}")
    entry = DATASETS[name]
    row = measure(entry.load(), entry)
    return {**row, "files": download.origin(entry.source) if entry.source else "installed"}


def here() -> list[str]:
    """The data sets whose files are on this machine."""
    return [name for name, entry in DATASETS.items() if not entry.source or (paths.root() / entry.source).is_dir()]


def read(path: Path = RECORD) -> Rows:
    """The rows measured so far, on whichever machine; none where there is no file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MixkdError(f"{path}: cannot be read as JSON; remove it and run `mixkd data survey`") from error


def add(rows: Rows, path: Path = RECORD) -> None:
    """Write rows beside those measured before, in the place of older ones of the same sets."""
    atomic_write(path, canonical_json(read(path) | rows) + b"\n")

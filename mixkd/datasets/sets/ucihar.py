"""`ucihar`: a phone at the waist, six activities, 30 people, as windows (Anguita et al. 2013).

Windows of 128 samples (2.56 s at 50 Hz, overlapping by half), denoised by its authors: acceleration without gravity
and in all (g), and angular rate (rad/s). Each window is a recording. The raw signals behind them are `hapt`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.raw import cache, paths, text_table
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RATE, WINDOW = 50.0, 128
CLASSES = ("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING")
KINDS = {"total_acc": "g", "body_acc": "g", "body_gyro": "rad/s"}
CHANNELS = tuple(f"{kind}_{axis}" for kind in KINDS for axis in "xyz")
UNITS = tuple(unit for unit in KINDS.values() for _ in "xyz")
SPLITS = ("train", "test")
SIGNAL = text_table.Format({f"{i}": "number" for i in range(1, WINDOW + 1)}, " ", ends=None)
NUMBER = text_table.Format({"number": "whole"}, " ", ends=None)


def blanks(path: Path, form: text_table.Format) -> text_table.Parsed:
    """A table with any number of blanks between columns and at the ends of a line."""
    tidy = re.sub(rb" +", b" ", text_table.text(path))
    tidy = re.sub(rb"^ | (?=\r?$)", b"", tidy, flags=re.MULTILINE)
    return text_table.read(path, form, tidy)


def part(base: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows (n_windows, n_samples, n_channels), classes and people (n_windows,) of the split `train` or `test`."""
    y = blanks(base / split / f"y_{split}.txt", NUMBER)
    label = y.known("number", tuple(range(1, len(CLASSES) + 1))) - 1
    people = blanks(base / split / f"subject_{split}.txt", NUMBER)
    x = np.empty((len(y), WINDOW, len(CHANNELS)), np.float32)
    tables = [people]
    for i, channel in enumerate(CHANNELS):
        tables.append(blanks(base / split / "Inertial Signals" / f"{channel}_{split}.txt", SIGNAL))
        if len(tables[-1]) == len(y):
            x[:, :, i] = tables[-1].values
    for table in tables:
        if len(table) != len(y):
            raise MixkdError(f"{table.path}: found {len(table)} rows, expected {len(y)} as in {y.path.name}")
    return x, label, people.columns["number"]


def gather(base: Path) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    pieces = cache.Pieces()
    for split in SPLITS:
        x, label, people = part(base, split)
        pieces.count(f"windows in {split}", len(x))
        for window, y, person in zip(x, label, people, strict=True):
            pieces.add(window, y, int(person))
    return pieces


def load() -> Recordings:
    """10,299 windows of 30 people."""
    base, _ = paths.folder("ucihar", ("UCI HAR Dataset",))
    files = [path for split in SPLITS for path in paths.listed(base, f"{split}/**/*.txt") if path.name[0] != "X"]
    parsed = cache.cached("ucihar", VERSION, base=base, files=files, make=lambda: gather(base))
    return cache.recordings(parsed, rate=RATE, channels=CHANNELS, units=UNITS, classes=CLASSES)

"""`hapt`: a phone at the waist, six activities and six postural transitions of 30 people (Reyes-Ortiz et al. 2016).

Acceleration (g, with gravity) and angular rate (rad/s) at 50 Hz: the raw signals behind UCI HAR. `labels.txt` lists
segments (experiment, label, first and last sample, 1-based, inclusive); each is a recording. Others are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.raw import cache, paths, text_table
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RATE = 50.0
CLASSES = (
    *("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING"),
    *("STAND_TO_SIT", "SIT_TO_STAND", "SIT_TO_LIE", "LIE_TO_SIT", "STAND_TO_LIE", "LIE_TO_STAND"),
)
CHANNELS, UNITS = ("ax", "ay", "az", "wx", "wy", "wz"), ("g", "g", "g", "rad/s", "rad/s", "rad/s")
SIGNAL = text_table.Format({"x": "number", "y": "number", "z": "number"}, " ", ends=None)
LABELS = text_table.Format(dict.fromkeys(("experiment", "user", "activity", "first", "last"), "whole"), " ", ends=None)
NAME = re.compile(r"acc_exp(\d+)_user(\d+)\.txt")


def experiment(path: Path) -> tuple[int, int, np.ndarray]:
    """Number and user of an acceleration file, and its samples with those of the gyroscope: (n_samples, n_channels)."""
    named = NAME.fullmatch(path.name)
    if not named:
        raise MixkdError(f"{path}: found this name, expected acc_expNN_userNN.txt")
    other = path.with_name(path.name.replace("acc", "gyro", 1))
    acc, gyro = text_table.read(path, SIGNAL), text_table.read(other, SIGNAL)
    if len(acc) != len(gyro):
        raise MixkdError(f"{other}: found {len(gyro)} rows, expected {len(acc)} as in {path.name}")
    return int(named[1]), int(named[2]), np.concatenate([acc.values, gyro.values], axis=1)


def gather(files: list[Path], labels: Path) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    runs = text_table.read(labels, LABELS)
    runs.known("activity", tuple(range(1, len(CLASSES) + 1)))
    columns = [runs.columns[name] for name in LABELS.columns]
    pieces, seen = cache.Pieces(), np.zeros(len(runs), bool)
    for path in files:
        number, user, signal = experiment(path)
        labelled = np.zeros(len(signal), bool)
        for row in np.flatnonzero(columns[0] == number):
            _, person, activity, first, last = (int(column[row]) for column in columns)
            if person != user:
                raise runs.refuse(row, f"user {person}", f"{user} as in {path.name}")
            if not 1 <= first <= last <= len(signal):
                raise runs.refuse(row, f"samples {first} to {last}", f"samples from 1 to {len(signal)} in order")
            if labelled[first - 1 : last].any():
                raise runs.refuse(row, f"samples {first} to {last} again", "every sample labelled once")
            labelled[first - 1 : last], seen[row] = True, True
            pieces.add(signal[first - 1 : last], activity - 1, user)
        pieces.count("samples labelled", labelled.sum())
        pieces.count("samples without a label, left out", len(labelled) - labelled.sum())
    if not seen.all():
        row = int(np.flatnonzero(~seen)[0])
        raise runs.refuse(row, f"experiment {columns[0][row]}", f"one that has a file in {labels.parent}")
    return pieces


def load() -> Recordings:
    """1,214 labelled segments of 30 people."""
    base, _ = paths.folder("hapt", ("RawData", "HAPT Data Set/RawData"))
    files = paths.listed(base, "acc_exp*.txt")
    labels = base / "labels.txt"
    used = [*files, *(path for path in paths.listed(base, "gyro_exp*.txt")), *paths.listed(base, "labels.txt")]
    parsed = cache.cached("hapt", VERSION, base=base, files=used, make=lambda: gather(files, labels))
    return cache.recordings(parsed, rate=RATE, channels=CHANNELS, units=UNITS, classes=CLASSES)

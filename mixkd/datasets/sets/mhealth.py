"""`mhealth`: units at chest, ankle and lower arm during twelve exercises of ten people (Banos et al. 2014).

Shimmer2, 50 Hz: acceleration (m/s^2, with gravity), angular rate (deg/s), magnetic field (its own unit), and two leads
of an electrocardiogram (mV). The files have no time stamps. Every stretch of one label is a recording; samples of no
activity (label 0) are left out.

`mhealth_placed` has each recording three times, once for each place and with its acceleration only, which all have.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.placed import parted
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RATE = 50.0
CLASSES = (
    *("standing", "sitting", "lying", "walking", "climbing stairs", "waist bends forward"),
    *("frontal elevation of arms", "knees bending", "cycling", "jogging", "running", "jump front and back"),
)
UNIT = {"acc": "m/s^2", "gyro": "deg/s", "mag": "1"}
CHANNELS = (
    *(f"chest acc {axis}" for axis in "xyz"),
    *("ECG 1", "ECG 2"),
    *(f"{place} {kind} {axis}" for place in ("ankle", "arm") for kind in UNIT for axis in "xyz"),
)
UNITS = tuple("mV" if channel.startswith("ECG") else UNIT[channel.split()[1]] for channel in CHANNELS)
PLACEMENTS = {"chest": "chest", "ankle": "left ankle", "arm": "right lower arm"}  # by the name in CHANNELS
FORMAT = text_table.Format({**dict.fromkeys(CHANNELS, "number"), "label": "whole"}, "\t", ends=None)
NAME = re.compile(r"mHealth_subject(\d+)\.log")
N_PEOPLE = 10


def gather(files: list[Path]) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    pieces = cache.Pieces()
    for path in files:
        if not (named := NAME.fullmatch(path.name)):
            raise MixkdError(f"{path}: found this name, expected mHealth_subjectN.log")
        table = text_table.read(path, FORMAT)
        label = table.known("label", tuple(range(len(CLASSES) + 1)))
        pieces.count("samples without a label, left out", np.count_nonzero(label == 0))
        for run in timing.constant(label):
            if label[run.start]:
                pieces.add(table.values[run], int(label[run.start]) - 1, int(named[1]))
    return pieces


def load() -> Recordings:
    """The labelled stretches of ten people."""
    base, _ = paths.folder("mhealth", ("MHEALTHDATASET",))
    files = paths.listed(base, "mHealth_subject*.log")
    if len(files) != N_PEOPLE:
        raise MixkdError(f"{base}: found files of {len(files)} people, expected {N_PEOPLE}; see `mixkd data check`")
    parsed = cache.cached("mhealth", VERSION, base=base, files=files, make=lambda: gather(files))
    return cache.recordings(parsed, rate=RATE, channels=CHANNELS, units=UNITS, classes=CLASSES)


def placed() -> Recordings:
    """One recording of three channels, the acceleration, for each place in place of one for all, with the placement."""
    axes = tuple(f"acc {axis}" for axis in "xyz")
    return parted(
        load(), {place: [CHANNELS.index(f"{unit} {a}") for a in axes] for unit, place in PLACEMENTS.items()}, axes
    )

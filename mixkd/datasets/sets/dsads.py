"""`dsads`: five motion units (torso, arms, legs) during 19 daily and sports activities of 8 people (Altun et al. 2010).

Xsens MTx, 25 Hz, each acceleration (m/s^2, with gravity), angular rate (rad/s) and magnetic field (relative to the
earth's, no unit). Published as 60 segments of 5 s per person and activity, in `aNN/pN/sNN.txt`; each is a recording.

Two known defects are repaired: rows of zeros in all channels are cut out; if two people have the same recording of an
activity (4 and 8: rowing and jumping), that of the later person is left out, so that a split by subject does not leak.

`dsads_placed` has each recording five times, once for each unit and with its nine channels only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.placed import parted
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RATE = 25.0
ROWS, SEGMENTS, PEOPLE = 125, 60, 8
CLASSES = (
    *("sitting", "standing", "lying on back", "lying on right side", "ascending stairs", "descending stairs"),
    *("standing in elevator", "moving in elevator", "walking", "walking on treadmill", "walking on inclined treadmill"),
    *("running on treadmill", "stepper", "cross trainer", "cycling horizontal", "cycling vertical", "rowing"),
    *("jumping", "basketball"),
)
KINDS = {"a": "m/s^2", "w": "rad/s", "m": "1"}
CHANNELS = tuple(f"{unit} {kind}{axis}" for unit in ("T", "RA", "LA", "RL", "LL") for kind in KINDS for axis in "xyz")
UNITS = tuple(KINDS[channel.split()[1][0]] for channel in CHANNELS)
PLACEMENTS = ("torso", "right arm", "left arm", "right leg", "left leg")  # in the order of the columns
OF_UNIT = tuple(f"{sensor} {axis}" for sensor in ("acc", "gyro", "mag") for axis in "xyz")
FORMAT = text_table.Format(dict.fromkeys(CHANNELS, "number"), ends=None)


def segment(path: Path) -> np.ndarray:
    """Samples of one file: (n_samples, n_channels), 125 x 45."""
    table = text_table.read(path, FORMAT)
    if len(table) != ROWS:
        raise MixkdError(f"{path}: found {len(table)} rows, expected {ROWS}")
    return table.values


def distinct(signal: np.ndarray) -> set[bytes]:
    """The distinct non-zero rows of signal (n_samples, n_channels), as bytes."""
    return {row.tobytes() for row in signal[signal.any(axis=1)]}


def gather(base: Path) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    pieces = cache.Pieces()
    for label in range(len(CLASSES)):
        known: list[set[bytes]] = []  # of earlier people, same activity
        for person in range(1, PEOPLE + 1):
            folder = base / f"a{label + 1:02d}" / f"p{person}"
            signal = np.concatenate([segment(folder / f"s{i:02d}.txt") for i in range(1, SEGMENTS + 1)])
            rows, n_zeros = distinct(signal), np.count_nonzero(~signal.any(axis=1))
            if any(len(rows & other) > len(rows) / 2 for other in known):
                pieces.count("segments left out: another person's recording", SEGMENTS)
                continue
            known.append(rows)
            pieces.count("rows of zeros, cut out", n_zeros)
            pieces.count("rows that occur twice in a recording, kept", len(signal) - n_zeros - len(rows))
            for part in signal.reshape(SEGMENTS, ROWS, -1):
                alive = part.any(axis=1)
                for run in timing.constant(alive):
                    if alive[run.start]:
                        pieces.add(part[run], label, person)
    return pieces


def load() -> Recordings:
    """9,000 recordings of 8 people, of 5 s, or 4 s where zeros were cut out."""
    base, _ = paths.folder("dsads", ("data",))
    files = paths.listed(base, "a*/p*/s*.txt")
    expected = len(CLASSES) * PEOPLE * SEGMENTS
    if len(files) != expected:
        raise MixkdError(f"{base}: found {len(files)} segments, expected {expected}; see `mixkd data check dsads`")
    parsed = cache.cached("dsads", VERSION, base=base, files=files, make=lambda: gather(base))
    return cache.recordings(parsed, rate=RATE, channels=CHANNELS, units=UNITS, classes=CLASSES)


def placed() -> Recordings:
    """One recording for each unit in place of one for all five: 45,000, of nine channels, with the placement."""
    n = len(OF_UNIT)
    return parted(load(), {place: range(i * n, (i + 1) * n) for i, place in enumerate(PLACEMENTS)}, OF_UNIT)

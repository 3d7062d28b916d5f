"""`pamap2`: three motion units and heart rate, nine people, twelve activities (Reiss, Stricker 2012).

The protocol is that of the group's released code (jeunsom/TDA_KD): the protocol files only; samples of no or other
activity dropped and the rest joined; 40 channels, without the orientation, which is invalid; heart rate held until the
next; every third sample, so 33.3 Hz. A window of 100 is kept where its first and last label agree (rule `ends`).

`pamap2` has physical units and interpolates up to 0.1 s of lost packets inside one activity; values missing for longer
are 0, as in the released code. `pamap2_released` follows that code throughout: missing values are 0, each channel is
scaled by fixed limits to 0 to 1, and later normalised by the mean standard deviation inside windows (scaling `within`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RAW_RATE, EVERY = 100.0, 3
LIMIT = 10  # samples at 100 Hz that are interpolated
SUBJECTS = tuple(range(101, 110))
CODES = {  # of the protocol, in the released order of classes
    **{24: "rope jumping", 1: "lying", 2: "sitting", 3: "standing", 4: "walking", 5: "running", 6: "cycling"},
    **{7: "Nordic walking", 12: "ascending stairs", 13: "descending stairs", 16: "vacuum cleaning", 17: "ironing"},
}
OTHERS = (0, 9, 10, 11, 18, 19, 20)  # transient, and optional activities
CLASSES = tuple(CODES.values())
UNIT = {
    "temperature": "degC",
    **{f"{kind} {axis}": unit for kind, unit in (("acc16", "m/s^2"), ("acc6", "m/s^2")) for axis in "xyz"},
    **{f"{kind} {axis}": unit for kind, unit in (("gyro", "rad/s"), ("mag", "uT")) for axis in "xyz"},
}
PLACES = ("hand", "chest", "ankle")
CHANNELS = ("heart rate", *(f"{place} {name}" for place in PLACES for name in UNIT))
UNITS = ("bpm", *(unit for _ in PLACES for unit in UNIT.values()))
COLUMNS: dict[str, text_table.Kind] = {"time": "time", "activity": "whole", "heart rate": "number"}
for _place in PLACES:
    COLUMNS |= {f"{_place} {name}": "number" for name in UNIT}
    COLUMNS |= {f"{_place} orientation {i}": "skip" for i in range(4)}
FORMAT = text_table.Format(COLUMNS, " ", missing=("NaN",), ends=None)
# Limits of the released code, channel by channel.
MAXIMUM = np.array(
    [
        *(202.0, 35.5, 47.6314, 155.532, 157.76, 45.5484, 62.2598, 61.728, 21.8452, 13.1222, 14.2184, 137.544),
        *(109.181, 100.543, 38.5625, 26.386, 153.582, 37.2936, 23.9101, 61.9328, 36.9676, 15.5171, 5.97964, 2.94183),
        *(80.4739, 39.7391, 95.8415, 35.4375, 157.232, 157.293, 150.99, 61.9509, 62.0461, 60.9357, 17.4204, 13.5882),
        *(13.9617, 91.4247, 92.867, 146.651),
    ]
)
MINIMUM = np.array(
    [
        *(0.0, 0.0, -114.755, -104.301, -73.0384, -61.1938, -61.8086, -61.4193, -27.8044, -17.8495, -14.2647),
        *(-103.941, -200.043, -163.608, 0.0, -29.0888, -38.1657, -57.2366, -32.9627, -39.7561, -56.0108, -10.1563),
        *(-5.06858, -3.99487, -70.0627, -122.48, -66.6847, 0.0, -155.068, -155.617, -156.179, -60.3067, -61.9064),
        *(-62.2629, -14.162, -13.0401, -14.0196, -172.865, -137.908, -102.232),
    ]
)


def parse(path: Path) -> text_table.Parsed:
    """One file: increasing times at 100 Hz, known activities, 40 channels with NaN for missing values."""
    table = text_table.read(path, FORMAT)
    table.increasing("time")
    table.known("activity", (*CODES, *OTHERS))
    table.sampled("time", RAW_RATE)
    return table


def protocol(table: text_table.Parsed, released: bool, pieces: cache.Pieces) -> tuple[np.ndarray, np.ndarray]:
    """Signal (n_samples, n_channels) and class (n_samples,) of every third protocol sample; counts go to `pieces`."""
    activity = table.columns["activity"]
    selected = np.isin(activity, list(CODES))
    pieces.count("samples of no or other activity, left out", np.count_nonzero(~selected))
    if not selected.any():
        raise MixkdError(f"{table.path}: found no sample of the {len(CODES)} protocol activities")
    values, label = table.values, np.array([list(CODES).index(code) for code in activity[selected]])
    if empty := [name for name, lost in zip(CHANNELS, np.isnan(values[selected]).all(axis=0), strict=True) if lost]:
        raise MixkdError(f"{table.path}: found no value of {empty[0]}, expected all {len(CHANNELS)} channels")
    pieces.count("values lost, heart rate left aside", np.count_nonzero(np.isnan(values[selected, 1:])))
    if not released:
        for run in timing.constant(activity):
            if selected[run.start]:
                values[run, 1:], done = timing.filled(values[run, 1:], LIMIT)
                pieces.count(f"of these interpolated, gaps of up to {LIMIT} samples", np.count_nonzero(done))
    signal = values[selected]
    signal[:, 0] = timing.held(signal[:, 0])
    if not released:  # values before the first heart rate
        signal[:, 0] = timing.held(signal[::-1, 0])[::-1]
    pieces.count("values set to 0", np.count_nonzero(np.isnan(signal)))
    np.nan_to_num(signal, copy=False, nan=0.0)
    return (scaled(signal) if released else signal)[::EVERY], label[::EVERY]


def scaled(signal: np.ndarray) -> np.ndarray:
    """Signal (n_samples, n_channels) scaled by fixed limits to 0 to 1; values above 1 become 0.99, below 0 become 0."""
    x = (signal - MINIMUM) / (MAXIMUM - MINIMUM)
    return np.where(x > 1, 0.99, np.where(x < 0, 0.0, x)).astype(np.float32)


def gather(files: list[Path], released: bool) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    pieces = cache.Pieces()
    for subject, path in zip(SUBJECTS, files, strict=True):
        pieces.add(*protocol(parse(path), released, pieces), subject)
    return pieces


def load() -> Recordings:
    """One recording per person, in physical units."""
    return _load("pamap2", released=False)


def released() -> Recordings:
    """The same samples, scaled as in the released code, without unit."""
    return _load("pamap2_released", released=True)


def _load(name: str, released: bool) -> Recordings:
    base, _ = paths.folder("pamap2", ("PAMAP2_Dataset/Protocol",))
    files = [base / f"subject{subject}.dat" for subject in SUBJECTS]
    if missing := [path for path in files if not path.is_file()]:
        raise MixkdError(
            f"{missing[0]}: found no file, expected those of {len(SUBJECTS)} people; see `mixkd data check`"
        )
    parsed = cache.cached(name, VERSION, base=base, files=files, make=lambda: gather(files, released))
    units = ("1",) * len(CHANNELS) if released else UNITS
    return cache.recordings(parsed, rate=RAW_RATE / EVERY, channels=CHANNELS, units=units, classes=CLASSES)

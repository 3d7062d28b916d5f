"""`selfback`: acceleration at the wrist (or thigh) during nine daily activities (Sani et al. 2017).

Axivity AX3, +-8 g, nominally 100 Hz; one file per person and activity, about three minutes each. The authors'
repository has 50 people at the wrist, 34 of them at the thigh too; the copy at UCI (521) has 33.

The clock deviates from its nominal rate: recordings have 97 to 103 samples per second, stamped to the millisecond.
Each is resampled to 100 Hz, low-passed and decimated to 50 Hz, the rate of `watch`. A gap of at most 50 ms between
stamps is interpolated, a longer one ends the recording. Units: g.

`selfback_placed` joins both places of the people who wore both. Wrist and thigh were started by hand, one after the
other: a recording at one place is not aligned with that at the other.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.placed import joined
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.errors import MixkdError, nearest

VERSION = 1  # of the parser
RAW_RATE, RATE = 100.0, 50.0
GAP = 50  # ms
CLASSES = ("sitting", "standing", "lying", "walk_slow", "walk_mod", "walk_fast", "upstairs", "downstairs", "jogging")
CHANNELS, UNITS = ("x", "y", "z"), ("g", "g", "g")
log = logging.getLogger("mixkd")
WRIST, THIGH = ("raw/9_class/wrist50", "selfBACK/w"), ("raw/9_class/thigh34", "selfBACK/t")  # repository, UCI
PLACEMENTS = ("wrist", "thigh")
PEOPLE = {"selfback": 50, "selfback_thigh": 34}  # of the repository, and of published results
COLUMNS: dict[str, text_table.Kind] = {"time": "instant", "x": "number", "y": "number", "z": "number"}


def parse(path: Path) -> text_table.Parsed:
    """One file: `time,x,y,z`, in the thigh's files also `class`, which must be the name of its folder."""
    try:
        with open(path, "rb") as file:
            named = file.readline(100).rstrip() == b"time,x,y,z,class"
    except OSError as error:
        raise MixkdError(f"{path}: {error.strerror or error}") from error
    columns: dict[str, text_table.Kind] = {**COLUMNS, "class": "text"} if named else COLUMNS
    table = text_table.read(
        path, text_table.Format(columns, header=True, ends="\n" if "9_class" in path.parts else None)
    )
    table.increasing("time")
    table.sampled("time", RAW_RATE, per_second=1e6)
    for code, word in enumerate(table.words.get("class", ())):
        if word != path.parent.name:
            row = np.flatnonzero(table.columns["class"] == code)[0]
            raise table.refuse(row, f"class {word}", f"{path.parent.name}, the name of the folder")
    return table


def gather(files: list[Path]) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    pieces = cache.Pieces()
    for path in files:
        activity, person = path.parent.name, path.stem
        if activity not in CLASSES:
            raise MixkdError(f"{path}: found the activity {activity!r}, {nearest(activity, CLASSES)}")
        if not person.isdecimal():
            raise MixkdError(f"{path}: found the name {person!r}, expected the number of a person")
        table = parse(path)
        pieces.count(f"samples in the files, {activity}", len(table))
        time = table.columns["time"] // 1000  # ms
        segments = timing.runs(time, GAP)
        pieces.count(f"gaps above {GAP} ms, where recordings end", len(segments) - 1)
        steps = np.diff(time)
        pieces.count(f"gaps of 15 to {GAP} ms, interpolated", np.count_nonzero((steps >= 15) & (steps <= GAP)))
        for segment in segments:
            resampled = timing.even((time[segment] - time[segment][0]) / 1000, table.values[segment], RAW_RATE)
            pieces.add(timing.decimated(resampled, round(RAW_RATE / RATE)), CLASSES.index(activity), int(person))
    return pieces


def load() -> Recordings:
    """At the wrist: 450 recordings of 50 people."""
    return _load("selfback", WRIST)


def thigh() -> Recordings:
    """At the thigh: 306 recordings of 34 people."""
    return _load("selfback_thigh", THIGH)


def placed() -> Recordings:
    """At wrist and thigh, with the placement: 612 recordings of the 34 people who wore both."""
    return joined(dict(zip(PLACEMENTS, (load(), thigh()), strict=True)))


def _load(name: str, layouts: tuple[str, str]) -> Recordings:
    base, layout = paths.folder("selfback", layouts)
    files = paths.listed(base, "*/*.csv")
    expected = PEOPLE[name] * len(CLASSES)
    if len(files) != expected:
        if layout == layouts[0]:
            raise MixkdError(f"{base}: found {len(files)} recordings, expected {expected}; see `mixkd data check`")
        log.warning("%s: %d recordings; published results of %s come from %d", base, len(files), name, expected)
    parsed = cache.cached(name, VERSION, base=base, files=files, make=lambda: gather(files))
    return cache.recordings(parsed, rate=RATE, channels=CHANNELS, units=UNITS, classes=CLASSES)

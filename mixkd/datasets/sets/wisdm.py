"""`wisdm` (2019): a watch's acceleration, 51 people, 18 activities; `wisdm_v1`: a phone's, 36 people, 6 activities.

20 Hz, m/s^2 with gravity (Weiss et al. 2019; Kwapisz et al. 2010). Records are `person,activity,nanoseconds,x,y,z;`. In
the files of v1.1 some lines hold two records, miss values or are empty: records are matched one by one, broken ones are
counted and left out, and a file with more than 1 % of them is refused. Records whose time is not above the previous one
are counted and left out. Steps are irregular: each segment of one activity is resampled (PCHIP) to 20 Hz; a pause above
half a second ends it.

`wisdm_placed` has the phone's acceleration of 2019 beside the watch's, of the people who have both.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.placed import joined
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.errors import MixkdError, nearest

VERSION = 1  # of the parser
RATE = 20.0
PAUSE = 0.5  # s
BROKEN = 0.01  # largest share of broken records
CHANNELS, UNITS = ("x", "y", "z"), ("m/s^2",) * 3
ACTIVITIES = {
    **{"A": "walking", "B": "jogging", "C": "stairs", "D": "sitting", "E": "standing", "F": "typing"},
    **{"G": "brushing teeth", "H": "eating soup", "I": "eating chips", "J": "eating pasta", "K": "drinking"},
    **{"L": "eating sandwich", "M": "kicking", "O": "playing catch", "P": "dribbling", "Q": "writing"},
    **{"R": "clapping", "S": "folding clothes"},
}
V1 = {name: name.lower() for name in ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")}
NUMBER = rb"[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?"
RECORD = re.compile(rb"\s*(\d+,[A-Za-z]+,\d+(?:,%b){3}),?\s*" % NUMBER)
COLUMNS: dict[str, text_table.Kind] = {"person": "whole", "activity": "text", "time": "whole"}
FORMAT = text_table.Format({**COLUMNS, **dict.fromkeys("xyz", "number")})


def parse(path: Path, activities: dict[str, str], pieces: cache.Pieces) -> text_table.Parsed:
    """All records of a file; broken ones are counted."""
    records = [r for r in re.split(rb"[;\n]", text_table.text(path)) if r.strip()]
    matches = [RECORD.fullmatch(record) for record in records]
    good = [match[1] for match in matches if match]
    pieces.count("records", len(good))
    pieces.count("broken records, left out", len(records) - len(good))
    if len(good) < (1 - BROKEN) * len(records) or not good:
        first = next((r for r, match in zip(records, matches, strict=True) if not match), b"")
        raise MixkdError(
            f"{path}: found {len(records) - len(good):,} of {len(records):,} records broken, such as "
            f"{first[:60].decode('ascii', 'backslashreplace')!r}, expected person,activity,nanoseconds,x,y,z;"
        )
    parsed = text_table.read(path, FORMAT, b"\n".join(good) + b"\n")
    for word in parsed.words["activity"]:
        if word not in activities:
            raise MixkdError(f"{path}: found the activity {word!r}, {nearest(word, activities)}")
    return parsed


def add(parsed: text_table.Parsed, activities: dict[str, str], pieces: cache.Pieces) -> None:
    """Add the segments of one person and activity, resampled to RATE."""
    words, names = parsed.words["activity"], list(activities)
    person, activity, time = (parsed.columns[name] for name in COLUMNS)
    for run in timing.constant(person * len(words) + activity):
        seconds = (time[run] - time[run.start]) / 1e9
        later = np.flatnonzero(np.diff(np.maximum.accumulate(seconds), prepend=-np.inf) > 0)
        pieces.count("records not later than the one before, left out", len(seconds) - len(later))
        seconds, values = seconds[later], parsed.values[run][later]
        segments = timing.runs(seconds, PAUSE)
        pieces.count(f"pauses above {PAUSE:g} s, where recordings end", len(segments) - 1)
        for segment in segments:
            resampled = timing.even(seconds[segment], values[segment], RATE, monotone=True)
            pieces.add(resampled, names.index(words[activity[run.start]]), int(person[run.start]))


def gather(files: list[Path], activities: dict[str, str]) -> cache.Pieces:
    """All recordings of the set, and counts of repairs and omissions. Raises MixkdError for an unexpected file."""
    pieces = cache.Pieces()
    for path in files:
        add(parse(path, activities, pieces), activities, pieces)
    return pieces


def load() -> Recordings:
    """The watch's acceleration of 2019."""
    base, _ = paths.folder("wisdm", ("wisdm-dataset/raw/watch/accel",))
    return _load("wisdm", base, paths.listed(base, "data_*_accel_watch.txt"), ACTIVITIES)


def placed() -> Recordings:
    """The acceleration of watch and phone of 2019, with the placement, of the people who have both."""
    base, _ = paths.folder("wisdm", ("wisdm-dataset/raw/phone/accel",))
    phone = _load("wisdm_phone", base, paths.listed(base, "data_*_accel_phone.txt"), ACTIVITIES)
    return joined({"watch": load(), "phone": phone})


def v1() -> Recordings:
    """The phone's acceleration of v1.1."""
    base, _ = paths.folder("wisdm_v1", ("WISDM_ar_v1.1",))
    return _load("wisdm_v1", base, paths.listed(base, "WISDM_ar_v1.1_raw.txt"), V1)


def _load(name: str, base: Path, files: list[Path], activities: dict[str, str]) -> Recordings:
    parsed = cache.cached(name, VERSION, base=base, files=files, make=lambda: gather(files, activities))
    return cache.recordings(parsed, rate=RATE, channels=CHANNELS, units=UNITS, classes=tuple(activities.values()))

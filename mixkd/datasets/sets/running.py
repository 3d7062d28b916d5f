"""`running`: acceleration and ground reaction force of ONE runner at 15 speeds and slopes (Alcantara et al. 2022).

From the authors' repository: 31 trials of 4.96 s on an instrumented treadmill, 500 Hz, filtered and aligned by them;
`Accelerometer_one_sub.csv` and `GRF_one_sub.csv` have a trial in each row, the vertical acceleration before the
anterior-posterior one, `Sub_Info_one_sub.csv` its speed and slope. The force is that normal to the belt, in body
weights. The files name no unit of acceleration: its range fits g only. Each vertical trace is shifted so that its
lowest value is 0. All signals are brought to 100 Hz through a low-pass, force included, so that they stay aligned.

What is called a subject here is a CONDITION, a speed and a slope: a fold tests a condition that was not trained on, of
the same runner. Nothing can be said about other runners. The set of all 19 (Zenodo 5224624) has another layout, which
is not known here: it is not read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.datasets.raw.sources import RUNNING_COMMIT
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RAW_RATE, RATE = 500.0, 100.0
FRAMES = 2480  # of a trial
CLASSES = ("downhill", "level", "uphill")
CHANNELS, UNITS = ("vertical", "anterior-posterior"), ("g", "g")
TARGETS = ("normal force",)
ACCELERATION, FORCE, TRIALS = "Accelerometer_one_sub.csv", "GRF_one_sub.csv", "Sub_Info_one_sub.csv"
LAYOUTS = ("data", f"Recurrent_GRF_Prediction-{RUNNING_COMMIT}/data")  # by hand, fetched
INFO: dict[str, text_table.Kind] = {
    **{"Sub": "whole", "Condition": "skip", "Sex": "skip", "Age": "skip", "Height": "skip", "Mass": "skip"},
    **{"RFS": "skip", "MFS": "skip", "FFS": "skip", "Speed": "number", "Slope": "number", "StepFreq": "skip"},
}


def conditions(path: Path) -> list[tuple[float, float]]:
    """Speed (m/s) and slope (degrees) of each trial. MixkdError where there are several runners."""
    table = text_table.read(path, text_table.Format(INFO, header=True, ends=None))
    runner = table.columns["Sub"]
    if (others := np.flatnonzero(runner != runner[0])).size:
        raise table.refuse(others[0], f"runner {runner[others[0]]}", f"{runner[0]} throughout: the set of one runner")
    return [(float(speed), float(slope)) for speed, slope in table.values]


def trials(path: Path, names: tuple[str, ...], n: int) -> np.ndarray:
    """One file, (n, n_samples, n_channels): a trial in each row, the frames of one name after those of the other."""
    columns = [f"{name} {frame}" for name in names for frame in range(1, FRAMES + 1)]
    found = text_table.read(path, text_table.Format(dict.fromkeys(columns, "number"), ends=None))
    if len(found) != n:
        raise MixkdError(f"{path}: found {len(found)} rows, expected {n}, one for each trial in {TRIALS}")
    return found.values.reshape(n, len(names), FRAMES).swapaxes(1, 2)


def gather(base: Path, about: list[tuple[float, float]]) -> cache.Pieces:
    """All trials of the set. MixkdError for a file that is not as published."""
    pieces, known = cache.Pieces(), sorted(set(about))
    signals, forces = (
        trials(base / file, names, len(about)) for file, names in ((ACCELERATION, CHANNELS), (FORCE, TARGETS))
    )
    factor = round(RAW_RATE / RATE)
    for condition, signal, force in zip(about, signals, forces, strict=True):
        label = 1 + int(np.sign(condition[1]))
        subject = 1 + known.index(condition)
        pieces.add(timing.decimated(signal, factor), label, subject, timing.decimated(force, factor))
    return pieces


def load() -> Recordings:
    """31 trials of one runner at 15 conditions, which are the subjects."""
    base, _ = paths.folder("running", LAYOUTS)
    files = [path for name in (ACCELERATION, FORCE, TRIALS) for path in paths.listed(base, name)]
    about = conditions(base / TRIALS)
    people = {i: f"{speed:.3g} m/s, {slope:+.3g} deg" for i, (speed, slope) in enumerate(sorted(set(about)), start=1)}
    parsed = cache.cached("running", VERSION, base=base, files=files, make=lambda: gather(base, about))
    return cache.recordings(
        parsed,
        rate=RATE,
        channels=CHANNELS,
        units=UNITS,
        classes=CLASSES,
        people=people,
        target_names=TARGETS,
        target_units=("body weights",),
    )

"""`gaitpdb`: force under the feet of 93 patients with Parkinson's disease and 73 controls, walking (PhysioNet 2008).

Insoles (Ultraflex) with eight force sensors each, 100 Hz, about two minutes of level walking; one file of 19 columns
for each walk: time, L1 to L8, R1 to R8, left total, right total, in N. PhysioNet's `format.txt` places 1 at the end of
the heel, 8 at the tip of the toes, 7 under the ball of the foot, on its inner side.

The totals are the plain sums of the eight sensors: from all of them there is nothing to learn. So the signals here are
two sensors of each foot, 1 (heel) and 7 (ball), and the targets both totals: what all eight would have measured.

Targets stay in N. They are not divided by the body weight, because the insoles are not calibrated to it (a control of
83 kg, 814 N, has a median of 1060 N on both feet) and the weight of some people is not known.

The first and last 10 s of each walk are left out: standing, starting, stopping. Turns inside a walk remain, as do walks
with a second task (number 10 of study `Ga`). A person is a number within a study (Ga, Ju, Si) and a group (Co, Pt).
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np

from mixkd.datasets import Recordings
from mixkd.datasets.raw import cache, paths, text_table, timing
from mixkd.errors import MixkdError

VERSION = 1  # of the parser
RATE = 100.0
TRIM = 10.0  # s, at both ends
GAP = 0.015  # s: a lost sample
RECORDS = 306  # of the published set
STUDIES, GROUPS, CLASSES = ("Ga", "Ju", "Si"), ("Co", "Pt"), ("control", "patient")
NAME = re.compile(r"((Ga|Ju|Si)(Co|Pt)(\d\d))_\d\d\.txt")
SENSORS = ("L1", "L7", "R1", "R7")
CHANNELS, UNITS = ("left heel", "left ball", "right heel", "right ball"), ("N",) * 4
TARGETS = ("left total", "right total")
COLUMNS: dict[str, text_table.Kind] = {"time": "time"}
COLUMNS |= {
    sensor: "number" if sensor in SENSORS else "skip" for sensor in (f"{foot}{i}" for foot in "LR" for i in range(1, 9))
}
COLUMNS |= dict.fromkeys(TARGETS, "number")
FORMAT = text_table.Format(COLUMNS, "\t", ends=None)
log = logging.getLogger("mixkd")


def person(path: Path) -> tuple[int, int, str]:
    """Subject, class and name of the person whose walk a file is. MixkdError for another name."""
    named = NAME.fullmatch(path.name)
    if not named:
        raise MixkdError(f"{path}: found this name, expected one such as GaCo01_01.txt or JuPt03_06.txt")
    name, study, group, number = named.groups()
    label = GROUPS.index(group)
    return 100 * (len(GROUPS) * STUDIES.index(study) + label) + int(number), label, name


def gather(files: list[Path]) -> cache.Pieces:
    """All walks of the set, and counts of what was left out. MixkdError for a file that is not as published."""
    pieces = cache.Pieces()
    for path in files:
        subject, label, _ = person(path)
        table = text_table.read(path, FORMAT)
        time = table.increasing("time")
        table.sampled("time", RATE)
        inside = np.flatnonzero((time - time[0] >= TRIM) & (time[-1] - time >= TRIM))
        pieces.count(f"samples in the first and last {TRIM:g} s of a walk, left out", len(time) - len(inside))
        parts = timing.runs(time[inside], GAP) if len(inside) else []
        pieces.count(f"gaps above {GAP * 1000:g} ms, where recordings end", max(len(parts) - 1, 0))
        for part in parts:
            values = table.values[inside[part]]
            pieces.add(values[:, : len(SENSORS)], label, subject, values[:, len(SENSORS) :])
    if not pieces.signals:
        raise MixkdError(
            f"{files[0].parent}: found no walk longer than {2 * TRIM:g} s, expected about two minutes each"
        )
    return pieces


def load() -> Recordings:
    """306 walks of 166 people, or those that are here."""
    base, _ = paths.folder("gaitpdb", ("gait-in-parkinsons-disease-1.0.0", "."))
    files = paths.listed(base, "*_*.txt")
    if len(files) != RECORDS:
        log.warning("%s: %d walks; the published set has %d", base, len(files), RECORDS)
    people = {subject: name for subject, _, name in map(person, files)}
    parsed = cache.cached("gaitpdb", VERSION, base=base, files=files, make=lambda: gather(files))
    return cache.recordings(
        parsed,
        rate=RATE,
        channels=CHANNELS,
        units=UNITS,
        classes=CLASSES,
        people=people,
        target_names=TARGETS,
        target_units=("N", "N"),
    )

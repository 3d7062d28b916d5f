"""A student inside GGIR, an R package for accelerometers: student.R, and the process that it starts.

GGIR calls an external function on blocks of acceleration, calibrated and resampled to the student's rate (its article
"Embedding external functions in GGIR"). The text of student.R is student.R.in.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from mixkd.deploy.predict import UNKNOWN, Student
from mixkd.errors import MixkdError

UNITS = {"g": "g", "mg": "mg", "m/s²": "ms2"}  # as GGIR writes them


def script(student: Student) -> str:
    """The text of student.R. Raises MixkdError unless the student takes three channels of acceleration in one unit."""
    about = student.about
    units = set(about["units"])
    if len(about["channels"]) != 3 or len(units) != 1 or not units <= UNITS.keys():
        channels = ", ".join(f"{c} in {u}" for c, u in zip(about["channels"], about["units"], strict=True))
        wanted = "three channels of acceleration, as GGIR passes them on; use `mixkd predict` for this student"
        raise MixkdError(f"{student.folder}: found {channels}, expected {wanted}")
    names = [*about["classes"], UNKNOWN]
    return Template((resources.files("mixkd.deploy") / "student.R.in").read_text(encoding="utf-8")).substitute(
        CHANNELS=", ".join(map(text, about["channels"])),
        WINDOW=f"{about['window'] / about['rate']:g}",
        RATE=f"{about['rate']:.17g}",
        UNIT=UNITS[units.pop()],
        PYTHON=text(Path(sys.executable).as_posix()),
        STUDENT=text(student.folder.resolve().as_posix()),
        LABELS=", ".join(map(text, names)),
    )


def text(name: str) -> str:
    """A string literal of R in plain ASCII."""
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\U{ord(c):08x}" for c in name) + '"'


def seconds(student: Student, signal: np.ndarray) -> np.ndarray:
    """Class of every second (n,) of a signal (n_samples, 3) at the student's rate; n_classes where it is unknown.

    That of the window whose centre is nearest to the centre of the second. GGIR's resampling may drop a sample, so the
    number of seconds is rounded.
    """
    rate, names = student.about["rate"], [*student.about["classes"], UNKNOWN]
    predicted = student.predict(signal, rate)
    centre = (predicted.start + predicted.end) / 2
    nearest = np.searchsorted((centre[1:] + centre[:-1]) / 2, np.arange(round(len(signal) / rate)) + 0.5)
    return np.array([names.index(label) for label in predicted.label])[nearest]


def main(folder: str, block: str) -> None:
    """Print the classes of a file of float32, three numbers a sample, a line each second, from 1 as R counts."""
    signal = np.fromfile(block, "<f4").reshape(-1, 3)
    print(*seconds(Student.load(folder), signal) + 1, sep="\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MixkdError as error:
        sys.exit(str(error))

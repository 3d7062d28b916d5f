"""Calibration of a recording to local gravity, where `dataset.toml` asks for it (`calibrate = true`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mixkd.datasets.own import quality, units
from mixkd.datasets.raw import text_table
from mixkd.errors import MixkdError

WAY = "or no line `calibrate`"
DONE = "rows calibrated to gravity"  # what is counted


def calibrated(
    rows: text_table.Parsed,
    time: np.ndarray,
    *,
    channels: Sequence[str],
    stated: Sequence[str],
    count: Callable[[str, int], None],
) -> np.ndarray:
    """The values (n_rows, n_channels) with gain and offset of their accelerometer removed, see `quality.calibration`.

    time: (n_rows,) in s; stated: units of the channels. Raises MixkdError without one accelerometer of three axes in g,
    for times that start anew, and without enough still epochs that face both ways on each axis.
    """
    of = axes(rows.path, channels, stated)
    if (np.diff(time) < 0).any():
        raise MixkdError(f"{rows.path}: calibrate: found several recordings, expected one in a file, {WAY}")
    made = fitted(rows.path, quality.epochs(time, rows.values[:, of]))
    count(DONE, len(rows))
    return applied(rows.values, of, made)


def axes(path: Path, channels: Sequence[str], stated: Sequence[str]) -> list[int]:
    """The channels of the accelerometer. Raises MixkdError unless there is one, of three axes in g."""
    triads = [triad for triad in units.triads(channels, stated) if units.standard(stated[triad[0]]) in units.GRAVITY]
    if len(triads) != 1 or any(units.standard(stated[i]) != "g" for i in triads[0]):
        there = ", ".join(f"{name} ({unit})" for name, unit in zip(channels, stated, strict=True))
        raise MixkdError(f"{path}: calibrate: found {there}, expected one accelerometer of 3 axes in g, {WAY}")
    return triads[0]


def fitted(path: Path, epochs: quality.Epochs) -> quality.Calibration:
    """Gain and offset. Raises MixkdError without enough still epochs that face both ways on each axis."""
    made = quality.calibration(epochs)
    if not made.faces:
        still = f"{made.n} still epochs of {quality.EPOCH:g} s"
        expected = f"{quality.ENOUGH} at least, that face up and down on each axis"
        raise MixkdError(f"{path}: calibrate: found {still}, expected {expected}, {WAY}")
    return made


def applied(values: np.ndarray, of: list[int], made: quality.Calibration) -> np.ndarray:
    """A copy of values (n_rows, n_channels) whose channels `of` are calibrated."""
    values = values.copy()
    values[:, of] = ((values[:, of] + made.offset) * made.gain).astype(np.float32)
    return values

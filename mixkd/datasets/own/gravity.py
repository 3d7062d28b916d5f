"""Calibration of a recording to local gravity, where `dataset.toml` asks for it (`calibrate = true`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mixkd.datasets.own import quality, units
from mixkd.datasets.raw import text_table
from mixkd.errors import MixkdError


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
    way = "or no line `calibrate`"
    axes = [axes for axes in units.triads(channels, stated) if units.standard(stated[axes[0]]) in units.GRAVITY]
    if len(axes) != 1 or any(units.standard(stated[i]) != "g" for i in axes[0]):
        there = ", ".join(f"{name} ({unit})" for name, unit in zip(channels, stated, strict=True))
        raise MixkdError(f"{rows.path}: calibrate: found {there}, expected one accelerometer of 3 axes in g, {way}")
    if (np.diff(time) < 0).any():
        raise MixkdError(f"{rows.path}: calibrate: found several recordings, expected one in a file, {way}")
    made = quality.calibration(quality.epochs(time, rows.values[:, axes[0]]))
    if not made.faces:
        still = f"{made.n} still epochs of {quality.EPOCH:g} s"
        expected = f"{quality.ENOUGH} at least, that face up and down on each axis"
        raise MixkdError(f"{rows.path}: calibrate: found {still}, expected {expected}, {way}")
    count("rows calibrated to gravity", len(rows))
    values = rows.values.copy()
    values[:, axes[0]] = ((values[:, axes[0]] + made.offset) * made.gain).astype(np.float32)
    return values

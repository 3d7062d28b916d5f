"""Units of motion sensors: spellings, ranges of devices, the length of gravity.

The largest values are those of the widest devices on sale (H3LIS331: 400 g; ADXRS649: 20,000 degrees per second).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

SPELLED = {
    "g": ("g", "gs", "gee", "g-force"),
    "mg": ("mg",),
    "m/s²": ("m/s²", "m/s2", "m/s^2", "m/s**2", "m/s/s", "ms2", "ms-2", "ms^-2", "m·s-2", "m·s^-2", "m·s⁻²", "mps2"),
    "rad/s": ("rad/s", "rads", "rad·s-1", "rad·s⁻¹", "rad/sec", "radps"),
    "°/s": ("°/s", "deg/s", "deg/sec", "degree/s", "degrees/s", "dps", "degs"),
    "µT": ("µt", "μt", "ut", "microtesla"),
}
GRAVITY = {"g": 1.0, "mg": 1000.0, "m/s²": 9.80665}
EQUAL = (GRAVITY, {"rad/s": np.pi, "°/s": 180.0})  # one size in the units of each quantity
LARGEST = {"g": 400.0, "mg": 400_000.0, "m/s²": 3923.0, "rad/s": 350.0, "°/s": 20_000.0, "µT": 50_000.0}
NEAR = 0.25  # relative difference of a median length from gravity's
ABOUT = 1.6  # largest ratio of sizes of recordings in the same unit


def standard(unit: str) -> str:
    """The standard spelling of a known unit; unknown units unchanged."""
    short = re.sub(r"\s+", "", unit).lower()
    return next((known for known, words in SPELLED.items() if short in words), unit)


def in_name(name: str) -> str | None:
    """The unit that a column's name states, such as `acc_x [g]` or `Acceleration x (m/s^2)`; None without one."""
    words = re.findall(r"[(\[]([^()\[\]]+)[)\]]", name)
    last = name.rpartition("_")[2]
    if len(last) > 2 or last.lower() == "mg":  # `acc_x_g` may be a sensor called g
        words.append(last if "_" in name else "")
    return next((unit for word in words if (unit := standard(word)) in SPELLED), None)


def of_length(length: float) -> str | None:
    """The unit in which gravity has this length; None for a length that is not gravity's."""
    return next((unit for unit, gravity in GRAVITY.items() if abs(length / gravity - 1) <= NEAR), None)


def other(unit: str, ratio: float) -> str | None:
    """The unit in which values are about `ratio` times those in `unit`; None if no known unit fits."""
    mine = standard(unit)
    for sizes in EQUAL:
        for name, size in sizes.items():
            if mine in sizes and name != mine and ratio > 0 and 1 / ABOUT < ratio * sizes[mine] / size < ABOUT:
                return name
    return None


def triads(channels: Sequence[str], stated: Sequence[str]) -> list[list[int]]:
    """Triples of axes: channels whose names differ only in x, y, z, else the only three channels with their unit."""
    result: list[list[int]] = []
    index = {name.lower(): i for i, name in enumerate(channels)}
    for name in index:
        for at in [at for at, letter in enumerate(name[:200]) if letter == "x"]:  # names may be very long
            axes = [index.get(name[:at] + axis + name[at + 1 :], -1) for axis in "xyz"]
            if min(axes) >= 0:
                result.append(axes)
                break
    used = {i for axes in result for i in axes}
    for unit in dict.fromkeys(stated):
        same = [i for i, other in enumerate(stated) if other == unit and i not in used]
        if len(same) == 3 and unit != "?":
            result.append(same)
    return sorted(result)


def length(signal: np.ndarray, axes: Sequence[int]) -> float:
    """Median norm of three channels, `axes`, of signal (n_samples, n_channels). NaN without samples."""
    if not len(signal):
        return np.nan
    return float(np.nanmedian(np.linalg.norm(signal[:, list(axes)].astype(np.float64), axis=1)))


def acceleration(values: np.ndarray, channels: Sequence[str], stated: Sequence[str]) -> np.ndarray | None:
    """Acceleration (n_rows, 3) in g, of the first accelerometer in values (n_rows, n_channels); None without one."""
    for axes in triads(channels, stated):
        gravity = GRAVITY.get(standard(stated[axes[0]]))
        if gravity:
            return values[:, axes] / np.float32(gravity)
    return None

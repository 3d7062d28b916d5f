"""Detection of windows far outside the ranges of the training people, which a network must not label.

Seven statistics of a window (n_channels, n_samples). Of each channel: its mean, spread (standard deviation), lowest and
highest value. Of all channels in one unit: the size of their vector (Euclidean norm per sample), its smallest value,
quadratic mean and largest value. Sizes reveal wrong units and dead sensors and do not depend on orientation.

A window lies far outside where one of them leaves the training range (all windows of all training people), widened by:
half its width on both sides for means, its whole width for lowest and highest values, a factor of 2 for sizes;
spreads have no upper limit, and a tenth of the smallest as the lower one. Chosen here: of held-out people of watch,
HAPT, selfBACK and DSADS 0.19, 0.01, 0.04 and 0.03 % of the windows lie outside; of three training people 0.04 to 0.5 %.
An upside-down sensor is detected only if all training people wore it the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixkd.datasets.own import units as units_of

BATCH = 256  # windows, in double precision
WIDENED = {"mean": 0.5, "lowest": 1.0, "highest": 1.0}  # by this share of the width
SIZE, SPREAD = 2.0, 10.0  # factors
SIZES = ("smallest size", "size", "largest size")
SHOWN = 6  # channels with a remark
MOST = 2048  # batches whose sizes a recording keeps


Training = dict[str, dict[str, list[float]]]  # "low", "median" and "high" of each statistic, see `fit`


def statistics(x: np.ndarray, units: Sequence[str]) -> dict[str, np.ndarray]:
    """Statistics (n_windows, n_channels) and sizes (n_windows, n_units) of x (n_windows, n_channels, n_samples)."""
    x = np.asarray(x, np.float64)
    squares = np.stack([(x[:, channels] ** 2).sum(1) for channels in by_unit(units).values()], 1)
    return {
        "mean": x.mean(2),
        "spread": x.std(2),
        "lowest": x.min(2),
        "highest": x.max(2),
        "smallest size": np.sqrt(squares.min(2)),
        "size": np.sqrt(squares.mean(2)),
        "largest size": np.sqrt(squares.max(2)),
    }


def by_unit(units: Sequence[str]) -> dict[str, list[int]]:
    """The channels of each unit."""
    return {unit: [i for i, other in enumerate(units) if other == unit] for unit in dict.fromkeys(units)}


def fit(x: np.ndarray, units: Sequence[str]) -> Training:
    """Smallest, median and largest value of each statistic over x (n_windows, n_channels, n_samples), as plain data."""
    batches = [statistics(x[i : i + BATCH], units) for i in range(0, len(x), BATCH)]
    values = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    ends = {"low": 0.0, "median": 0.5, "high": 1.0}
    return {name: {end: np.quantile(v, q, axis=0).tolist() for end, q in ends.items()} for name, v in values.items()}


def limits(training: Training, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a statistic, the widened training range: (n_channels,) each, of sizes (n_units,)."""
    low, high = (np.array(training[name][end]) for end in ("low", "high"))
    if name == "spread":
        return low / SPREAD, np.full(len(low), np.inf)
    if name in SIZES:
        return low / SIZE, high * SIZE
    width = np.maximum(high - low, 0.01 * np.maximum(np.abs(low), np.abs(high)))  # a constant channel has a small width
    return low - WIDENED[name] * width, high + WIDENED[name] * width


def outside(stats: dict[str, np.ndarray], units: Sequence[str], training: Training) -> np.ndarray:
    """Where a channel, or the size of its unit, is outside its limits: bool, (n_windows, n_channels).

    stats: result of `statistics`
    """
    away = {}
    for name, values in stats.items():
        low, high = limits(training, name)
        away[name] = ~((values >= low) & (values <= high))  # NaN is outside
    own = np.any([away[name] for name in away if name not in SIZES], axis=0)
    sizes = np.any([away[name] for name in SIZES], axis=0)
    place = list(by_unit(units))
    return own | sizes[:, [place.index(unit) for unit in units]]


@dataclass
class Seen:
    """What was out of range in a recording, window by window: counts, extremes, and ratios of sizes to training."""

    about: dict[str, Any]  # student.json
    n: int = 0
    n_away: int = 0
    count: np.ndarray | int = 0  # windows out of range by channel
    lowest: np.ndarray | float = np.inf
    highest: np.ndarray | float = -np.inf
    sizes: list[np.ndarray] = field(default_factory=list)  # (n, n_units) of each batch; every other one when long

    def add(self, stats: dict[str, np.ndarray], away: np.ndarray) -> None:
        """Windows with these statistics; away: result of `outside`, (n_windows, n_channels)."""
        self.n, self.n_away, self.count = (
            self.n + len(away),
            self.n_away + int(away.any(1).sum()),
            self.count + away.sum(0),
        )
        self.lowest = np.minimum(self.lowest, stats["lowest"].min(0))
        self.highest = np.maximum(self.highest, stats["highest"].max(0))
        self.sizes.append(stats["size"])
        if len(self.sizes) > MOST:
            self.sizes = self.sizes[::2]

    def remarks(self) -> list[str]:
        """Remarks on the recording, a line each."""
        channels, units, training = (self.about[name] for name in ("channels", "units", "training"))
        if not self.n_away:
            return []
        count, lowest, highest = (np.atleast_1d(each) for each in (self.count, self.lowest, self.highest))
        unknown = "windows are far outside those of the training people, so their label is unknown"
        lines = [f"{self.n_away} of {self.n} {unknown}"]
        for u, (unit, group) in enumerate(by_unit(units).items()):
            typical = training["size"]["median"][u]
            ratio = float(np.median(np.concatenate(self.sizes)[:, u])) / typical if typical > 0 else 1.0
            if count[group].any() and not 1 / SIZE <= ratio <= SIZE:
                names = ", ".join(channels[i] for i in group[:SHOWN]) + (", …" if len(group) > SHOWN else "")
                other = units_of.other(unit, ratio)
                meant = f": {other} in place of {unit}?" if other else ""
                lines.append(f"{names}: {times(ratio)} the size of training{meant}")
        for i in np.flatnonzero(count)[:SHOWN]:
            here = f"{lowest[i]:.4g} to {highest[i]:.4g} {units[i]} here"
            there = f"{training['lowest']['low'][i]:.4g} to {training['highest']['high'][i]:.4g} in training"
            lines.append(f"{channels[i]}: {count[i]} windows; {here}, {there}")
        hidden = int((count > 0).sum()) - SHOWN
        return lines + ([f"{hidden} more channels"] if hidden > 0 else [])


def times(ratio: float) -> str:
    """A ratio in words, to two digits."""
    if ratio == 0:
        return "0 times"
    digits = 1 - int(np.floor(np.log10(ratio)))
    return f"{round(ratio, digits):g} times"

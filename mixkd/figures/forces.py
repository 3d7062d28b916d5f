"""Figures of chapter 22: readings with true and predicted force, and effects on RMSE per person."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mixkd.analysis.forces import UNITS, Excerpt, against_control, difference
from mixkd.analysis.forces import effects as effects_of
from mixkd.figures import people
from mixkd.figures.style import CLASS_COLOURS, COLOURS, INK, WIDTH, figure, literal


@figure
@literal
def force_excerpt(shown: Excerpt, targets: tuple[str, ...], unit: str) -> Figure:
    """Readings of all channels (top), and below each target: true (grey) and predicted by each system (dots)."""
    n = len(targets)
    fig, axes = plt.subplots(1 + n, 1, figsize=(WIDTH, 2.0 + 1.6 * n), sharex=True, height_ratios=[1.2] + [1.0] * n)
    axes[0].plot(shown.seconds, shown.readings, lw=0.8, alpha=0.8)
    axes[0].set_ylabel("readings")
    for target, (axis, name) in enumerate(zip(axes[1:], targets, strict=True)):
        axis.plot(shown.seconds, shown.force[:, target], color=INK, lw=2.2, alpha=0.6, label="true")
        for colour, (system, predicted) in zip(CLASS_COLOURS, shown.predicted.items(), strict=False):
            axis.plot(shown.at, predicted[:, target], "o", color=colour, ms=3.5, mew=0, label=system)
        axis.set_title(name, fontsize=10.5)
        axis.set_ylabel(unit, fontsize=10.5)
    axes[-1].set_xlabel("time, s")
    handles, labels = axes[1].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return fig


@figure
def force_effects(table: pd.DataFrame, final: bool) -> Figure:
    """RMSE of each system minus that of labels alone: a panel per data set, a dot per person, mean and interval."""
    sets = list(table["dataset"].unique())
    pairs = against_control(table)
    names = list(pairs)
    size = (WIDTH, 1.3 + 0.42 * len(names))
    fig, axes = plt.subplots(1, len(sets), figsize=size, sharey=True, squeeze=False)
    for axis, name in zip(axes[0], sets, strict=True):
        part = table[table["dataset"] == name]
        axis.axvline(0, color=INK, lw=1)
        for row in effects_of(part, pairs, final).to_dict("records"):
            y = names.index(row["what"])
            by_person = difference(part, *pairs[row["what"]])
            people.dots(axis, by_person, y - 0.17, name)
            axis.plot([row["low"], row["high"]], [y + 0.15] * 2, color=COLOURS["signal"], lw=3, solid_capstyle="butt")
            axis.plot(row["effect"], y + 0.15, "D", color=COLOURS["signal"], ms=5)
        axis.set_title(name, fontsize=11)
        axis.set_xlabel(UNITS[name])
        axis.locator_params(axis="x", nbins=3)
        axis.grid(axis="x")
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=10.5)
    axes[0, 0].set_ylim(len(names) - 0.4, -0.6)
    fig.suptitle("RMSE minus that of labels", fontsize=10)
    return fig

"""Figures of the chapters on the line of work: what systems do to windows."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.figures.style import CLASS_COLOURS, COLOURS, INK, WIDTH, figure


@figure
def swapped(pair: np.ndarray, taken: np.ndarray, *, rate: float, unit: str) -> Figure:
    """Two windows of one channel and class, pair (2, n_samples), and their two views after a swap of segments.

    taken: (n_samples,) share of the partner; shaded where it is 1.
    """
    colours = COLOURS["signal"], COLOURS["image"]
    seconds = np.arange(len(taken)) / rate
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 3.4), sharex=True, sharey=True)
    for row, (own, other) in enumerate((pair, pair[::-1])):
        axes[row, 0].plot(seconds, own, color=colours[row])
        view = (1 - taken) * own + taken * other
        for colour, where in ((colours[row], taken < 0.5), (colours[1 - row], taken >= 0.5)):
            axes[row, 1].plot(seconds, np.where(where, view, np.nan), color=colour)
        edges = np.flatnonzero(np.diff(taken) != 0)
        for edge in edges:
            axes[row, 1].plot(seconds[edge : edge + 2], view[edge : edge + 2], color=INK, lw=1)
        axes[row, 0].set_ylabel(unit)
    axes[0, 0].set_title("two windows of one activity")
    axes[0, 1].set_title("the two views")
    for axis in axes[1]:
        axis.set_xlabel("seconds")
    return fig


@figure
def augmented(window: np.ndarray, views: Mapping[str, np.ndarray], *, rate: float) -> Figure:
    """A normalised window of one channel (n_samples,), and what each kind makes of it, by name."""
    seconds = np.arange(len(window)) / rate
    fig, axes = plt.subplots(2, 3, figsize=(WIDTH, 3.4), sharex=True, sharey=True)
    for axis, (name, view) in zip(axes.flat, {"as recorded": window, **views}.items(), strict=True):
        axis.plot(seconds, window, color=INK, alpha=0.35, lw=1)
        axis.plot(seconds, view, color=COLOURS["signal"] if name != "as recorded" else INK)
        axis.set_title(name)
    for axis in axes[1]:
        axis.set_xlabel("seconds")
    for axis in axes[:, 0]:
        axis.set_ylabel("sd")
    return fig


@figure
def shared(systems: pd.DataFrame) -> Figure:
    """Which ingredients each system uses; rows by year; boolean columns after `name`, `year`."""
    ordered = systems.sort_values("year", kind="stable")
    names = [f"{name} ({year})" for name, year in zip(ordered["name"], ordered["year"], strict=True)]
    ingredients = [column for column in systems if column not in ("name", "year")]
    fig, axis = plt.subplots(figsize=(WIDTH, 4.6))
    for x, ingredient in enumerate(ingredients):
        rows = np.flatnonzero(ordered[ingredient])
        axis.plot([x, x], [rows.min(), rows.max()], color=INK, alpha=0.4, lw=1)
        axis.plot(np.full(len(rows), x), rows, "o", color=CLASS_COLOURS[x], ms=9)
    axis.set_yticks(range(len(names)), names, fontsize=10.5)
    axis.set_xticks(range(len(ingredients)), ingredients, rotation=35, ha="left", fontsize=10.5)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlim=(-0.6, len(ingredients) - 0.4))
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(False)
    axis.grid(axis="y")
    return fig

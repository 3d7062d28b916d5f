"""Figures of chapter 24: what moments of images mean, teachers that read them, and their students."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.figures import people
from mixkd.figures.style import (
    COLOURS,
    INK,
    WIDTH,
    class_colour,
    figure,
    literal,
    matrix,
    percent,
    spelt,
)

KINDS = {"image": COLOURS["image"], "linear": COLOURS["Mix-T & S"], "pooled": COLOURS["T & Mix-S"]}


@figure
@literal
def moment_centres(numbers: np.ndarray, y: np.ndarray, classes: tuple[str, ...], unit: str) -> Figure:
    """Mean lifetime over mean birth of one channel, a dot per window and a large one per class.

    numbers: (n, 3), see `analysis.moments.readable`; y: labels (n,)
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    for label, name in enumerate(classes):
        own = numbers[y == label, 1:]
        if len(own):
            colour = class_colour(label)
            axis.plot(own[:, 0], own[:, 1], ".", color=colour, alpha=0.45, ms=5, mew=0, label=f"_{name}")
            (median,) = axis.plot(*np.nanmedian(own, axis=0), "o", color=colour, mec=INK, ms=9, label=spelt(name, 18))
            median.set(alpha=0.85, zorder=4)  # above the dots of all classes
    axis.set(xlabel=f"mean birth, {unit}", ylabel=f"mean lifetime, {unit}")
    axis.grid()
    fig.legend(loc="outside right upper", fontsize=9)
    return fig


@figure
def moment_scores(runs: pd.DataFrame, names: list[str]) -> Figure:
    """Accuracy of teachers and students, a dot per held-out person; `names`: of the rows, what each is called."""
    runs = runs.assign(name=names)
    order = sorted(runs["name"].unique(), key=lambda name: not name.endswith("teacher"))
    groups = [(_label(name), _colour(name), runs[runs["name"] == name]) for name in order]
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    people.columns(axis, groups, "accuracy")
    axis.axvline(sum(name.endswith("teacher") for name in order) - 0.5, color=INK, lw=1, ls=":")
    axis.set_ylabel("accuracy")
    percent(axis)
    people.legend(fig, runs["subject"])
    return fig


def _label(name: str) -> str:
    """In two lines, so that a phone has space for all names: `from` over `labels 2x`."""
    return name.replace("labels alone,", "labels").replace("labels alone", "labels").replace(" ", "\n", 1)


def _colour(name: str) -> str:
    return next((colour for kind, colour in KINDS.items() if kind in name), INK)


@figure
@literal
def moment_weights(moved: np.ndarray, powers: tuple[tuple[int, int], ...], channels: tuple[str, ...]) -> Figure:
    """How far each moment (column) of each channel (row) moves the logits of a linear teacher, (n_rows, n_columns)."""
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.34 * len(moved)))
    columns_ = [f"$M_{{{p}{q}}}$" for p, q in powers]
    with plt.rc_context({"text.parse_math": True}):
        matrix(axis, moved, list(channels), columns_, cmap="Oranges", vmin=0)
        for text in axis.get_xticklabels():
            text.set_parse_math(True)
    if len(moved) > 12:
        axis.tick_params(axis="y", labelsize=8.5)
        for text in axis.texts:
            text.set_visible(False)
    axis.set(xlabel="moment", ylabel="channel")
    return fig

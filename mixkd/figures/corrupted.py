"""Figures of chapters 9 and 10: corrupted inputs, and the loss surface around students."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.figures import people
from mixkd.figures.style import COLOURS, INK, WIDTH, figure, percent

SHARPNESS = "sharpness, thousandths of a nat"
CASES = ("T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S")
KIND_NAMES = {
    "gaussian": "Gaussian noise, sd",
    "missing": "missing block, share of the window",
    "fgsm": "FGSM, epsilon",
    "ifgsm": "I-FGSM, epsilon",
}


@figure
def corrupted_window(windows: dict[str, np.ndarray], channel: int, rate: float) -> Figure:
    """One channel of a window, clean and corrupted; windows: normalised, (n_channels, n_samples) by name."""
    fig, axes = plt.subplots(1, len(windows), figsize=(WIDTH, 2.2), sharey=True)
    clean = windows["clean"][channel]
    seconds = np.arange(len(clean)) / rate
    titles = {"clean": "clean", "gaussian": "Gaussian noise", "missing": "missing block"}
    for axis, (name, window) in zip(axes, windows.items(), strict=True):
        axis.plot(seconds, clean, color=INK, lw=1, alpha=0.6)
        axis.plot(seconds, window[channel], color=COLOURS["none" if name == "clean" else "signal"], lw=1.6)
        axis.set(title=titles[name], xlabel="time, s")
    axes[0].set_ylabel("normalised signal")
    return fig


@figure
def robustness(table: pd.DataFrame, kinds: tuple[str, ...], by: str, value: str = "accuracy") -> Figure:
    """Accuracy against strength, a panel per kind, a line per group of column `by`: mean over held-out subjects.

    Bars: 95 % interval over subjects.
    """
    fig, axes = plt.subplots(1, len(kinds), figsize=(WIDTH, 3.1), sharey=True)
    for axis, kind in zip(axes, kinds, strict=True):
        part = table[table["kind"] == kind]
        groups = list(part.groupby(by, sort=False))
        for i, (group, rows) in enumerate(groups):
            shift = 0.008 * part["strength"].max() * (i - (len(groups) - 1) / 2)
            people.mean_line(axis, rows, "strength", value, colour=COLOURS[group], label=group, shift=shift)
        axis.set(xlabel=KIND_NAMES[kind], xticks=sorted(part["strength"].unique()))
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy" if value == "accuracy" else "change of accuracy")
    percent(axes[0])
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9, columnspacing=1)
    return fig


@figure
def corruption_curves(table: pd.DataFrame) -> Figure:
    """Accuracy against severity with (Mix-S) and without mixup (S), a panel per kind of corruption and data set.

    Columns dataset, fold, kind, severity, case, accuracy; mean over folds, bars: its 95 % interval. The first severity
    is that of clean windows.
    """
    parts = dict(list(table.groupby(["kind", "dataset"])))
    panels = [(kind, name) for kind in table["kind"].unique() for name in table["dataset"].unique()]
    n_rows = math.ceil(len(panels) / 2)
    fig, axes = plt.subplots(n_rows, 2, figsize=(WIDTH, 0.7 + 1.5 * n_rows), sharey=True)
    for axis, (kind, name) in zip(axes.flat, panels, strict=False):
        part = parts[kind, name]
        severities = list(part["severity"].unique())
        placed = part.assign(place=part["severity"].map(severities.index), subject=part["fold"])
        for case, rows in placed.groupby("case", sort=False):
            colour, shift = (COLOURS["none"], 0.05) if case == "S" else (COLOURS["signal"], -0.05)
            people.mean_line(axis, rows, "place", "accuracy", colour=colour, label=case, ms=3.5, shift=shift)
        axis.set_xticks(range(len(severities)), [f"{severity:g}" for severity in severities], fontsize=9)
        axis.set_title(f"{kind}, {name}" if table["dataset"].nunique() > 1 else kind, fontsize=9)
        axis.grid(axis="y")
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy")
    percent(axes[0, 0])
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


@figure
def line_between(table: pd.DataFrame, first: str, second: str) -> Figure:
    """Accuracy along the straight line between two students; columns at, batchnorm, split, accuracy."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharex=True, sharey=True)
    colours = {"train": COLOURS["signal"], "test": COLOURS["image"]}
    for axis, batchnorm in zip(axes, ("interpolated", "recomputed"), strict=True):
        for split, colour in colours.items():
            part = table[(table["batchnorm"] == batchnorm) & (table["split"] == split)]
            axis.plot(part["at"], part["accuracy"], color=colour, label=split)
        for at in (0, 1):
            axis.axvline(at, color=INK, lw=1, ls=":")
        axis.set(title=f"BatchNorm {batchnorm}", ylim=(0, 1.02))
        axis.set_xticks([0, 1], [first.replace(" & ", "\n& "), second.replace(" & ", "\n& ")])
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy")
    axes[0].legend(loc="lower left")
    percent(axes[0])
    return fig


@figure
def sharpness(table: pd.DataFrame) -> Figure:
    """Sharpness of the student's minimum by case of mixup, and by teachers (panels)."""
    table = table.assign(sharpness=1000 * table["sharpness"])
    panels = [by for by in ("signal", "image", "both") if by in set(table["teachers"])]
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.1), sharey=True, squeeze=False)
    for axis, by in zip(axes.flat, panels, strict=True):
        groups = []
        for case in CASES:
            part = table[(table["teachers"] == by) & (table["case"] == case)]
            groups.append((case, COLOURS[case], part))
        people.columns(axis, groups, "sharpness")
        axis.set(title=f"from {by}", xticks=[])
    axes.flat[0].set_ylabel(SHARPNESS)
    handles = [axes.flat[0].plot([], [], color=COLOURS[case], lw=3, label=case)[0] for case in CASES]
    people.legend(fig, table["subject"], handles=handles)
    return fig


@figure
def sharp_against_robust(table: pd.DataFrame) -> Figure:
    """Accuracy under FGSM against sharpness, a dot per case, teachers and held-out subject."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    for case, part in table.groupby("case", sort=False):
        mean = part.groupby(["teachers", "subject"])[["sharpness", "fgsm"]].mean()
        for (_, subject), pair in mean.iterrows():
            people.mark(axis.plot(1000 * pair["sharpness"], pair["fgsm"], color=COLOURS[case], **people.DOT), subject)
        axis.plot([], [], "o", color=COLOURS[case], label=case)
    axis.set(xlabel=SHARPNESS, ylabel="accuracy under FGSM")
    axis.grid()
    fig.legend(loc="outside upper center", ncols=4, fontsize=9, columnspacing=1)
    percent(axis)
    return fig

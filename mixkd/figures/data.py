"""Figures of chapters 1 and 15: recordings, windows, splits; data sets side by side."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mixkd.datasets import Recordings
from mixkd.figures.style import (
    CLASS_COLOURS,
    COLOURS,
    INK,
    WIDTH,
    class_colour,
    figure,
    height,
    legend_columns,
    literal,
    percent,
    spelt,
    subject_ticks,
)
from mixkd.figures.svg import PHONE
from mixkd.windows import Fold, Windows

BESIDE: dict[tuple[int, int], dict[str, str]] = {  # a dot: offset of a name in points, and what of it is there
    (7, 0): {"ha": "left", "va": "center"},
    (-7, 0): {"ha": "right", "va": "center"},
    (0, 6): {"ha": "center", "va": "bottom"},
    (0, -6): {"ha": "center", "va": "top"},
    (0, 7): {"ha": "right", "va": "bottom"},
    (0, -7): {"ha": "left", "va": "top"},
}
PER_ROW = 9  # panels side by side, one per channel


@figure
@literal
def window_per_class(windows: Windows, recordings: Recordings, subject: int) -> Figure:
    """A window from the middle of each class of one subject: three channels of one unit."""
    n_classes = len(recordings.classes)
    n_columns = min(n_classes, 4)
    n_rows = -(-n_classes // n_columns)
    fig, axes = plt.subplots(n_rows, n_columns, figsize=(WIDTH, 1.9 * n_rows), sharex=True, sharey=True, squeeze=False)
    seconds = np.arange(windows.x.shape[2]) / recordings.rate
    shown = alike(recordings.units)
    for axis in axes.flat[n_classes:]:
        axis.axis("off")
    for label, axis in zip(range(n_classes), axes.flat, strict=False):
        rows = np.flatnonzero((windows.subject == subject) & (windows.y == label))
        for colour, channel in zip(CLASS_COLOURS, shown if len(rows) else (), strict=False):
            x = windows.x[rows[len(rows) // 2], channel]
            axis.plot(seconds, x, color=colour, lw=1.4)
        axis.set_title(spelt(recordings.classes[label], 17), **({} if n_classes <= 9 else {"fontsize": 10}))
    handles = [Line2D([], [], color=colour, lw=1.4) for colour in CLASS_COLOURS[: len(shown)]]
    labels, title = [recordings.channels[c] for c in shown], f"channel, {recordings.units[shown[0]]}"
    if n_classes < axes.size:
        axes.flat[-1].legend(handles, labels, loc="center", title=title)
    else:
        fig.legend(handles, labels, loc="outside upper center", ncols=len(shown), title=title)
    fig.supxlabel("time, s", fontsize=11)
    return fig


def alike(units: tuple[str, ...]) -> tuple[int, ...]:
    """Indices of the first three adjacent channels of one unit (the axes of a sensor), else of the first channels."""
    first = next((i for i in range(len(units) - 2) if len(set(units[i : i + 3])) == 1), 0)
    return tuple(range(first, min(first + 3, len(units))))


@figure
@literal
def windows_per_subject(windows: Windows, classes: tuple[str, ...]) -> Figure:
    """Windows of each class that each subject contributed."""
    subjects = np.unique(windows.subject)
    n_columns = legend_columns(classes)
    n_lines = -(-len(classes) // n_columns)
    fig, axis = plt.subplots(figsize=(WIDTH, height(2.9, len(subjects)) + 0.2 * (n_lines - 1)))
    left = np.zeros(len(subjects))
    for label, name in enumerate(classes):
        count = np.array([((windows.subject == s) & (windows.y == label)).sum() for s in subjects])
        axis.barh(range(len(subjects)), count, left=left, color=class_colour(label), label=name, height=0.8)
        left += count
    subject_ticks(axis, subjects)
    axis.invert_yaxis()
    axis.set(xlabel="windows", ylabel="subject")
    axis.legend(ncols=n_columns, loc="lower center", bbox_to_anchor=(0.46, 1.0), columnspacing=0.8, handlelength=1)
    return fig


@figure
@literal
def channel_ranges(windows: Windows, recordings: Recordings) -> Figure:
    """Distribution of the values of each channel, per subject."""
    subjects = np.unique(windows.subject)
    n = len(recordings.channels)
    n_rows, n_columns = -(-n // PER_ROW), min(n, PER_ROW)
    small = n_columns > 6 or len(subjects) > 12
    size = (WIDTH, n_rows * height(2.6 if n_rows == 1 else 1.7, len(subjects)))
    fig, axes = plt.subplots(n_rows, n_columns, figsize=size, sharey=True, squeeze=False)
    for axis in axes.flat[n:]:
        axis.axis("off")
    for channel, axis in enumerate(axes.flat[:n]):
        low, middle, high = np.array(
            [np.quantile(windows.x[windows.subject == s, channel], (0.05, 0.5, 0.95)) for s in subjects]
        ).T
        axis.hlines(range(len(subjects)), low, high, color=COLOURS["signal"], lw=2.5, alpha=0.5)
        axis.plot(middle, range(len(subjects)), "o", color=COLOURS["signal"], ms=4)
        axis.set_title(spelt(recordings.channels[channel], 8))
        axis.set_xlabel(recordings.units[channel])
        axis.xaxis.set_major_locator(MaxNLocator(2, integer=True))
        if small:
            axis.title.set_fontsize(9)
            axis.xaxis.label.set_fontsize(9)
            axis.tick_params(labelsize=8.5)
    subject_ticks(axes.flat[0], subjects, small)
    axes.flat[0].invert_yaxis()
    for axis in axes[:, 0]:
        axis.set_ylabel("subject")
    return fig


@figure
def folds(all_folds: tuple[Fold, ...]) -> Figure:
    """Training, validation and test subjects of each fold."""
    subjects = sorted({s for f in all_folds for s in (*f.train, *f.validation, *f.test)})
    fig, axis = plt.subplots(figsize=(WIDTH, height(3.0, len(subjects))))
    roles = {"train": COLOURS["none"], "validation": COLOURS["T & Mix-S"], "test": COLOURS["signal"]}
    for role, colour in roles.items():
        at = [(i, subjects.index(s)) for i, f in enumerate(all_folds) for s in getattr(f, role)]
        x, y = np.array(at).T
        alpha = 0.35 if role == "train" else 1
        size = 70 if len(subjects) <= 12 else 30
        axis.scatter(x, y, s=size, marker="s", color=colour, alpha=alpha, lw=0, label=role)
    axis.set_xticks(range(len(all_folds)))
    subject_ticks(axis, subjects)
    axis.set(xlabel="fold", ylabel="subject")
    axis.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return fig


@figure
def leakage(by_subject: dict[str, float], by_window: dict[str, float]) -> Figure:
    """Accuracy of one random forest per fold when windows are split at random and when subjects are."""
    fig, axis = plt.subplots(figsize=(WIDTH, 2.4))
    rows = {"windows split at random": by_window, "whole subjects held out": by_subject}
    for y, (name, values) in enumerate(rows.items()):
        v = np.array(list(values.values()))
        colour = COLOURS["image"] if y == 0 else COLOURS["signal"]
        axis.plot(v, np.full(len(v), y), "o", color=colour, alpha=0.85, mew=0, ms=8)
        axis.plot([v.mean()] * 2, [y - 0.25, y + 0.25], color=colour, lw=3)
        axis.text(v.mean(), y - 0.32, f"mean {100 * v.mean():.1f} %", color=colour, ha="center", va="bottom")
        axis.text(0.0, y, name, color=INK, ha="left", va="center")
    axis.set(xlim=(0, 1.02), ylim=(1.5, -0.7), yticks=[], xlabel="accuracy")
    axis.spines["left"].set_visible(False)
    percent(axis, "x")
    return fig


@figure
def people_and_hours(table: pd.DataFrame, chosen: str) -> Figure:
    """Hours against people, a dot per data set; sets with the same recordings share a dot."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    for (people, hours), part in table.groupby(["people", "hours"]):
        names = list(part["dataset"])
        colour = COLOURS["image"] if chosen in names else COLOURS["signal"]
        axis.plot(people, hours, "o", color=colour, ms=9, mew=0)
        axis.annotate(", ".join(names), (people, hours), (0, 0), textcoords="offset points", color=INK, fontsize=9)
    axis.set(xscale="log", yscale="log", xlabel="people", ylabel="hours of recordings")
    axis.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
    axis.xaxis.minorticks_off()
    axis.yaxis.set_major_formatter("{x:g}")
    axis.margins(0.15)
    axis.grid()
    _place_names(fig, axis)
    return fig


def _place_names(fig: Figure, axis: Axes) -> None:
    """Put each name beside its dot where it covers no other name or dot, also on a phone."""
    width = fig.get_figwidth()
    fig.set_figwidth(PHONE)
    fig.draw_without_rendering()
    taken = [dot.get_window_extent() for dot in axis.get_lines()]
    for name in axis.texts:
        for at, beside in BESIDE.items():
            name.set(position=at, **beside)
            box = name.get_window_extent()
            inside = axis.bbox.containsx(box.x0) and axis.bbox.containsx(box.x1)
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(name.get_window_extent())
    fig.set_figwidth(width)


@figure
def class_balance(table: pd.DataFrame, chosen: str) -> Figure:
    """Share of each class in the windows of a data set, a dot per class; the bar: all classes equal."""
    names = list(table["dataset"].unique())
    fig, axis = plt.subplots(figsize=(WIDTH, 1.0 + 0.34 * len(names)))
    for y, name in enumerate(names):
        part = table[table["dataset"] == name]
        colour = COLOURS["image"] if name == chosen else COLOURS["signal"]
        axis.plot([part["equal"].iloc[0]] * 2, [y - 0.32, y + 0.32], color=INK, lw=2)
        axis.plot(part["share"], [y] * len(part), "o", color=colour, alpha=0.85, mew=0)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set_xlabel("share of the windows")
    axis.grid(axis="x")
    percent(axis, "x")
    return fig

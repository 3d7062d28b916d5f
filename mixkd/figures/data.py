"""Figures of chapter 1: recordings, windows, splits."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mixkd.datasets import Recordings
from mixkd.figures.style import CLASS_COLOURS, COLOURS, INK, WIDTH, figure, percent
from mixkd.windows import Fold, Windows


@figure
def window_per_class(windows: Windows, recordings: Recordings, subject: int) -> Figure:
    """A window from the middle of each class of one subject; first half of the channels above, the rest below."""
    n_classes, n_channels = len(recordings.classes), len(recordings.channels)
    n_columns = min(n_classes, 4)
    n_rows = -(-n_classes // n_columns)
    fig, axes = plt.subplots(n_rows, n_columns, figsize=(WIDTH, 1.9 * n_rows), sharex=True, sharey=True, squeeze=False)
    seconds = np.arange(windows.x.shape[2]) / recordings.rate
    for axis in axes.flat[n_classes:]:
        axis.axis("off")
    for label, axis in zip(range(n_classes), axes.flat, strict=False):
        rows = np.flatnonzero((windows.subject == subject) & (windows.y == label))
        x = windows.x[rows[len(rows) // 2]]
        for channel in range(min(3, n_channels)):
            axis.plot(seconds, x[channel], color=CLASS_COLOURS[channel], lw=1.4, label=recordings.channels[channel])
        axis.set_title(recordings.classes[label])
    handles, labels = axes.flat[0].get_legend_handles_labels()
    if n_classes < axes.size:
        axes.flat[-1].legend(handles, labels, loc="center", title=f"channel, {recordings.units[0]}")
    else:
        axes.flat[0].legend(fontsize=8)
    fig.supxlabel("time, s", fontsize=11)
    return fig


@figure
def windows_per_subject(windows: Windows, classes: tuple[str, ...]) -> Figure:
    """Windows of each class that each subject contributed."""
    subjects = np.unique(windows.subject)
    fig, axis = plt.subplots(figsize=(WIDTH, 2.9))
    left = np.zeros(len(subjects))
    for label, name in enumerate(classes):
        count = np.array([((windows.subject == s) & (windows.y == label)).sum() for s in subjects])
        axis.barh(range(len(subjects)), count, left=left, color=CLASS_COLOURS[label % 9], label=name, height=0.8)
        left += count
    axis.set_yticks(range(len(subjects)), subjects)
    axis.invert_yaxis()
    axis.set(xlabel="windows", ylabel="subject")
    axis.legend(ncols=len(classes), loc="lower center", bbox_to_anchor=(0.46, 1.0), columnspacing=0.8, handlelength=1)
    return fig


@figure
def channel_ranges(windows: Windows, recordings: Recordings) -> Figure:
    """Distribution of the values of each channel, per subject: people move, and wear a watch, differently."""
    subjects = np.unique(windows.subject)
    n = len(recordings.channels)
    fig, axes = plt.subplots(1, n, figsize=(WIDTH, 2.6), sharey=True, squeeze=False)
    for channel, axis in enumerate(axes.flat):
        low, middle, high = np.array(
            [np.quantile(windows.x[windows.subject == s, channel], (0.05, 0.5, 0.95)) for s in subjects]
        ).T
        axis.hlines(range(len(subjects)), low, high, color=COLOURS["signal"], lw=2.5, alpha=0.5)
        axis.plot(middle, range(len(subjects)), "o", color=COLOURS["signal"], ms=4)
        axis.set_title(f"{recordings.channels[channel]}")
        axis.set_xlabel(recordings.units[channel])
        axis.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.flat[0].set_yticks(range(len(subjects)), subjects)
    axes.flat[0].set_ylabel("subject")
    axes.flat[0].invert_yaxis()
    return fig


@figure
def folds(all_folds: tuple[Fold, ...]) -> Figure:
    """Who trains, validates and tests in each fold."""
    subjects = sorted({s for f in all_folds for s in (*f.train, *f.validation, *f.test)})
    fig, axis = plt.subplots(figsize=(WIDTH, 3.0))
    roles = {"train": COLOURS["none"], "validation": COLOURS["T & Mix-S"], "test": COLOURS["signal"]}
    for role, colour in roles.items():
        at = [(i, subjects.index(s)) for i, f in enumerate(all_folds) for s in getattr(f, role)]
        x, y = np.array(at).T
        alpha = 0.35 if role == "train" else 1
        axis.scatter(x, y, s=70, marker="s", color=colour, alpha=alpha, lw=0, label=role)
    axis.set_xticks(range(len(all_folds)))
    axis.set_yticks(range(len(subjects)), [str(s) for s in subjects])
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
        axis.plot(v, np.full(len(v), y), "o", color=colour, alpha=0.6, mew=0, ms=8)
        axis.plot([v.mean()] * 2, [y - 0.25, y + 0.25], color=colour, lw=3)
        axis.text(v.mean(), y - 0.32, f"mean {100 * v.mean():.1f} %", color=colour, ha="center", va="bottom")
        axis.text(0.0, y, name, color=INK, ha="left", va="center")
    axis.set(xlim=(0, 1.02), ylim=(1.5, -0.7), yticks=[], xlabel="accuracy")
    axis.spines["left"].set_visible(False)
    percent(axis, "x")
    return fig

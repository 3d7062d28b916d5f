"""Figures of your own recordings: content of a folder, and a recording labelled by a student."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from mixkd.datasets import Recordings
from mixkd.figures import timeline
from mixkd.figures.style import CLASS_COLOURS, WIDTH, figure, literal

SHOWN = 12  # classes and channels with a signal drawn
NUMBERED = 120  # cells with their number written


@figure
@literal
def overview(recordings: Recordings, window: float) -> Figure:
    """Minutes of each person and class, and one window (s) of each class."""
    classes, people = recordings.classes, np.unique(recordings.subjects)
    shown = classes[:SHOWN]
    height = max(0.32 * len(people) + 1.6, 0.62 * len(shown) + 1.0)
    fig = plt.figure(figsize=(1.6 * WIDTH, min(height, 14)))
    grid = fig.add_gridspec(len(shown), 2, width_ratios=(1.1, 1))
    _minutes(fig.add_subplot(grid[:, 0]), recordings.minutes(), [recordings.person(p) for p in people], classes)
    first = None
    for row, name in enumerate(shown):
        axis = fig.add_subplot(grid[row, 1], sharex=first)
        first = first or axis
        of_class = (s for s, label in zip(recordings.signals, recordings.labels, strict=True) if label[0] == row)
        _signal(axis, max(of_class, key=len), recordings, window)
        axis.set_title(name, fontsize=10)
        axis.tick_params(labelbottom=row == len(shown) - 1, labelsize=9)
    axis.set_xlabel("time, s")
    handles, labels = axis.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper right", ncols=min(len(labels), 6), fontsize=9)
    return fig


@figure
@literal
def labelled(about: dict[str, Any], segments: list[tuple[float, np.ndarray]], rows: list[dict[str, Any]]) -> Figure:
    """A new recording with the student's labels, see `timeline`; segments: (time in s, (n_samples, n_channels))."""
    fig, axis = plt.subplots(figsize=(1.4 * WIDTH, 3.4))
    timeline.draw(axis, about, segments, rows)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=6, fontsize=9)
    return fig


def _minutes(axis, minutes: np.ndarray, people: list[str], classes: tuple[str, ...]) -> None:
    axis.imshow(minutes, cmap="Blues", vmin=0, aspect="auto")
    for (i, j), value in np.ndenumerate(minutes) if minutes.size <= NUMBERED else ():
        dark = value > 0.6 * minutes.max()
        axis.text(
            j,
            i,
            f"{value:.1f}" if value else "none",
            ha="center",
            va="center",
            color="w" if dark else "#444444",
            fontsize=9,
        )
    axis.set_xticks(range(len(classes)), classes, rotation=40, ha="right")
    axis.set_yticks(range(len(people)), people)
    axis.set_title("minutes of each person and class")


def _signal(axis, signal: np.ndarray, recordings: Recordings, window: float) -> None:
    """The middle window of a signal (n_samples, n_channels)."""
    n = min(round(window * recordings.rate), len(signal))
    part = signal[(len(signal) - n) // 2 :][:n]
    for channel, name in enumerate(recordings.channels[:SHOWN]):
        axis.plot(
            np.arange(n) / recordings.rate, part[:, channel], color=CLASS_COLOURS[channel % 9], lw=1.2, label=name
        )

"""Figures of your own recordings: content of a folder, and a recording labelled by a student."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixkd.datasets import Recordings
from mixkd.figures import timeline
from mixkd.figures.style import CLASS_COLOURS, WIDTH, figure, literal
from mixkd.figures.svg import PHONE

SHOWN = 12  # classes and channels with a signal drawn
ALIKE = 0.2  # by which minutes may differ, as a share, to be written once
NUMBERED = 120  # cells with their number written


@figure
@literal
def overview(recordings: Recordings, window: float) -> Figure:
    """Minutes of each person and class, and one window (s) of each class."""
    classes, persons = recordings.classes, np.unique(recordings.subjects)
    shown, many = classes[:SHOWN], len(persons) > 12
    n_rows = -(-len(shown) // 2)
    above = min(0.9 + 0.3 * len(persons), 5.0)
    fig = plt.figure(figsize=(WIDTH, above + 1.25 * n_rows + 0.9))
    grid = fig.add_gridspec(1 + n_rows, 2, height_ratios=[above / 1.25] + [1.0] * n_rows)
    axis = fig.add_subplot(grid[0, :])
    _minutes(axis, recordings.minutes(), [recordings.person(p) for p in persons], classes)
    axis.tick_params(axis="y", labelsize=7 if many else 9)
    first = None
    for place, name in enumerate(shown):
        axis = fig.add_subplot(grid[1 + place // 2, place % 2], sharex=first)
        first = first or axis
        of_class = (s for s, label in zip(recordings.signals, recordings.labels, strict=True) if label[0] == place)
        _signal(axis, max(of_class, key=len), recordings, window)
        axis.set_title(name, fontsize=10)
        lowest = place + 2 >= len(shown)
        axis.tick_params(labelbottom=lowest, labelsize=9)
        axis.set_xlabel("time, s" if lowest else "")
        axis.set_ylabel(_unit(recordings) if place % 2 == 0 else "", fontsize=9)
    handles, labels = axis.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3), fontsize=9)
    return fig


@figure
@literal
def labelled(about: dict[str, Any], segments: list[tuple[float, np.ndarray]], rows: list[dict[str, Any]]) -> Figure:
    """A new recording with the student's labels, see `timeline`; segments: (time in s, (n_samples, n_channels))."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    timeline.draw(axis, about, segments, rows, width=0.85 * PHONE)  # names fit on a phone too
    fig.legend(loc="outside lower center", ncols=3, fontsize=9)
    return fig


def _unit(recordings: Recordings) -> str:
    """The units of channels, or nothing where they are many."""
    units = list(dict.fromkeys(recordings.units[:SHOWN]))
    return ", ".join(units) if len(units) <= 2 else ""


def _minutes(axis: Axes, minutes: np.ndarray, people: list[str], classes: tuple[str, ...]) -> None:
    """Shaded cells with their numbers; of numbers that are nearly the same, the range stands in the title, once."""
    low, high = minutes[minutes > 0].min(), minutes.max()
    alike = high - low <= ALIKE * high
    axis.imshow(minutes, cmap="Blues", vmin=0, vmax=2.5 * high if alike else high, aspect="auto")
    numbers = list(dict.fromkeys(f"{value:.1f}" for value in (low, high)))
    for (i, j), value in np.ndenumerate(minutes) if minutes.size <= NUMBERED else ():
        colour = "w" if value > 0.6 * minutes.max() else "#444444"
        text = ("" if alike else f"{value:.1f}") if value else "none"
        if text:
            axis.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
    long = max(map(len, classes)) > 72 / len(classes)
    slant: dict[str, Any] = {"rotation": 40, "ha": "right"} if long else {}
    axis.set_xticks(range(len(classes)), classes, fontsize=9, **slant)
    axis.set_yticks(range(len(people)), people)
    axis.hlines(np.arange(len(people) - 1) + 0.5, -0.5, len(classes) - 0.5, colors="w", lw=1.5)
    axis.vlines(np.arange(len(classes) - 1) + 0.5, -0.5, len(people) - 0.5, colors="w", lw=1.5)
    each = f":\n{' to '.join(numbers)} in each shaded cell" if alike else ""
    axis.set_title(f"minutes of each person and class{each}")


def _signal(axis: Axes, signal: np.ndarray, recordings: Recordings, window: float) -> None:
    """The middle window of a signal (n_samples, n_channels)."""
    n = min(round(window * recordings.rate), len(signal))
    part = signal[(len(signal) - n) // 2 :][:n]
    for channel, name in enumerate(recordings.channels[:SHOWN]):
        axis.plot(
            np.arange(n) / recordings.rate, part[:, channel], color=CLASS_COLOURS[channel % 9], lw=1.2, label=name
        )

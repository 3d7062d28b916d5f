"""Held-out people in figures: a dot each, a thin line that joins the dots of one person, and a mean with its interval.

A person's artists are labelled `_<name>`, so that the CSV of a figure names them, and have the gid `person-<name>`,
by which `site.js` finds the same person in all figures of a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixkd.analysis import inference
from mixkd.figures.style import INK

FEWEST = 3  # people of whom an interval is drawn
INTERVAL = "_95 % interval"
DOT: dict[str, Any] = {"marker": "o", "ls": "none", "ms": 4, "alpha": 0.85, "mew": 0}
THIN: dict[str, Any] = {"lw": 0.9, "alpha": 0.35}


def in_order(subjects: Iterable[str]) -> list[str]:
    """Subjects by number, each once: 2 before 10."""
    return sorted(set(subjects), key=lambda s: (len(str(s)), str(s)))


def gid(subject: str) -> str:
    """The id of artists of a person."""
    return f"person-{quote(str(subject), safe='+')}"


def mark(artists: Iterable[Artist], subject: str) -> None:
    """Make artists those of one person."""
    for artist in artists:
        artist.set(label=f"_{subject}", gid=gid(subject))


def interval(values: pd.Series) -> tuple[float, float]:
    """95 % t interval of the mean of a value per person; NaN for fewer than three."""
    return inference.interval(values.to_numpy(float)) if len(values) >= FEWEST else (np.nan, np.nan)


def of_each(table: pd.DataFrame, value: str) -> pd.Series:
    """The mean of each person over seeds and settings, in order."""
    means = table.groupby("subject")[value].mean()
    return means.loc[in_order(means.index)]


def _column(axis: Axes, means: pd.Series, x: float, *, colour: str, half: float) -> None:
    """A dot per person at position x, a bar at their mean, 2 `half` wide, and its interval through the bar."""
    if means.empty:
        return
    for subject, mean in means.items():
        mark(axis.plot(x, mean, color=colour, **DOT), str(subject))
    mean, (low, high) = means.mean(), interval(means)
    axis.plot([x - half, x + half], [mean] * 2, color=colour, lw=3, solid_capstyle="butt", label="_mean")
    if np.isfinite(low):
        axis.plot([x, x], [low, high], color=colour, lw=1.6, label=INTERVAL)


def dots(axis: Axes, values: pd.Series, y: float, dataset: str) -> None:
    """A dot per person of a data set at height y; values by an index with a level `subject`."""
    for subject, value in zip(values.index.get_level_values("subject"), values, strict=True):
        mark(axis.plot(value, y, color=INK, **DOT), f"{subject} of {dataset}")


def row(axis: Axes, means: pd.Series, y: float, *, colour: str) -> None:
    """A lying column: a dot per person at height y, a bar at the mean, its interval through the bar."""
    for subject, mean in means.items():
        mark(axis.plot(mean, y, color=colour, **DOT), str(subject))
    mean, (low, high) = means.mean(), interval(means)
    axis.plot([mean] * 2, [y - 0.3, y + 0.3], color=colour, lw=3, label="_mean")
    if np.isfinite(low):
        axis.plot([low, high], [y, y], color=colour, lw=1.6, label=INTERVAL)


def side_by_side(axis: Axes, means: list[tuple[float, str, pd.Series]], half: float = 0.28) -> None:
    """Columns (x, colour, a value per person); a thin line joins the dots of each person, from left to right."""
    wide = pd.DataFrame({x: values for x, _, values in means})
    for subject, values in wide.loc[in_order(wide.index)].iterrows():
        of_one = values.dropna()
        if len(of_one) > 1:
            mark(axis.plot(of_one.index, of_one, color=INK, zorder=1.5, **THIN), str(subject))
    for x, colour, values in means:
        _column(axis, values.dropna(), x, colour=colour, half=half)


def columns(axis: Axes, groups: list[tuple[str, str, pd.DataFrame]], value: str) -> None:
    """A column of dots per (label, colour, table), from left to right, with a line per person."""
    side_by_side(axis, [(x, colour, of_each(table, value)) for x, (_, colour, table) in enumerate(groups)])
    axis.set_xticks(range(len(groups)), [label for label, _, _ in groups])
    axis.set_xlim(-0.6, len(groups) - 0.4)
    axis.grid(axis="y")


def lines(axis: Axes, table: pd.DataFrame, x: str, value: str, *, colour: str) -> None:
    """A thin line per person through the means at each x, and a thick one through their mean, with intervals."""
    for subject, own in table.groupby("subject"):
        curve = own.groupby(x)[value].mean()
        mark(axis.plot(curve.index, curve, "o-", color=colour, ms=3, mew=0, lw=1, alpha=0.4), str(subject))
    mean_line(axis, table, x, value, colour=colour, style="o-", lw=3)


def mean_line(axis: Axes, table: pd.DataFrame, x: str, value: str, *, colour: str, **look: Any) -> None:
    """A line through the means over people at each x, and a bar for the 95 % interval of each mean.

    look: of the line; `style` its format, `at` a column whose means are the places in place of x, `shift` of them all.
    """
    style, at, shift = look.pop("style", "o-"), look.pop("at", x), look.pop("shift", 0.0)
    groups = [part for _, part in table.groupby(x)]
    places = [part[at].mean() + shift for part in groups]
    each = [of_each(part, value) for part in groups]
    axis.plot(places, [means.mean() for means in each], style, color=colour, **look)
    for place, (low, high) in zip(places, map(interval, each), strict=True):
        if np.isfinite(low):
            axis.plot([place] * 2, [low, high], color=colour, lw=1.4, alpha=0.45, label=INTERVAL)


def key(subjects: Iterable[str], kind: str = "dot and line") -> str:
    """What dots, lines and bars of people mean, in lines that a phone has space for; kind: "dot" or "thin line" too."""
    names = {str(subject) for subject in subjects}
    whom = "held-out group of people" if any("+" in name for name in names) else "held-out person"
    mean = ("thick line: mean", "its bars") if kind == "thin line" else ("bar: mean", "line through it")
    return f"each {kind}: one {whom}\n{mean[0]}" + f", {mean[1]}: 95 % interval" * (len(names) >= FEWEST)


def legend(fig: Figure, subjects: Iterable[str], kind: str = "dot and line", **options: Any) -> None:
    """A legend above a figure that says what the artists of people mean, and names the handles in `options`."""
    options = {"handles": [], "ncols": 4, "fontsize": 9, "columnspacing": 1} | options
    fig.legend(loc="outside upper center", title=key(subjects, kind), title_fontsize=9, **options)

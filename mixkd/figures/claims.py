"""Figures of claims and effects: verdicts with intervals, and effects of changed settings."""

from __future__ import annotations

import math
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixkd.analysis.decisions import Decided
from mixkd.analysis.measures import MEASURES
from mixkd.figures import people
from mixkd.figures.style import CLASS_COLOURS, COLOURS, INK, WIDTH, figure

VERDICT_COLOURS = {
    "supported": COLOURS["both"],
    "opposite": COLOURS["image"],
    "no relevant effect": CLASS_COLOURS[4],
    "undecided": COLOURS["none"],
    "needs full": COLOURS["signal"],
}
CLAIMED = {
    "above": "above zero",
    "below": "below zero",
    "differs": "not zero",
    "not_above": "not above the margin",
}
# no-break spaces: a page would make one space of several
BELOW = "← against\u00a0\u00a0\u00a0\u00a0 effect, in margins \u00a0\u00a0\u00a0\u00a0as claimed →"


def who(dataset: str, people: int, units: int) -> str:
    """Label of a data set: its name, number of people, and number of groups if they were tested in groups."""
    return f"{dataset}, {people} people" + (f" in {units} groups" if units < people else "")


def as_claimed(contrasts: pd.DataFrame) -> np.ndarray:
    """Sign (n,) of an effect that supports the claim, for each row of `contrasts`: +1 or -1."""
    return np.where(contrasts["direction"].isin(["below", "not_above"]), -1.0, 1.0)


@figure
def scorecard(tested: Decided) -> Figure:
    """All claims: effects and intervals in units of their margin; effects as claimed point to the right.

    A panel per data set, two beside each other, or one for the average over them.
    """
    names = list(tested.claims["dataset"].unique())
    n_columns, n_rows = min(len(names), 2), math.ceil(len(names) / 2)
    size = (WIDTH + 1.6 * (n_columns - 1), n_rows * (0.9 + 0.3 * (len(tested.parts) // len(names))))
    fig, axes = plt.subplots(n_rows, n_columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, names, strict=False):
        claims, contrasts = (table[table["dataset"] == name] for table in (tested.claims, tested.parts))
        _card(axis, claims.set_index("claim"), contrasts.to_dict("records"), as_claimed(contrasts))
        ticks = [-30, -5, -1, 0, 1, 5, 30]
        axis.set_xticks(ticks, [f"{t}" for t in ticks], fontsize=9)
        axis.minorticks_off()
        axis.set_xlabel(BELOW, fontsize=10 if len(names) == 1 else 8.5)
        axis.tick_params(labelbottom=True)
        if len(names) > 1:
            axis.set_title(who(name, contrasts["people"].max(), contrasts["n"].max()))
    axes[0, 0].invert_yaxis()
    shown = [v for v in VERDICT_COLOURS if v in set(tested.claims["verdict"])]
    handles = [axes[0, 0].plot([], [], "D", color=VERDICT_COLOURS[v], label=v)[0] for v in shown]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(shown))
    return fig


def _card(axis: Axes, claims: pd.DataFrame, contrasts: list[dict], sign: np.ndarray) -> None:
    axis.axvspan(-1, 1, color=INK, alpha=0.12, lw=0)
    axis.axvline(0, color=INK, lw=1)
    labels: list[str] = []
    for y, (row, s) in enumerate(zip(contrasts, sign, strict=True)):
        about = claims.loc[row["claim"]]
        colour = VERDICT_COLOURS[about["verdict"]]
        ends = s * np.array([row["low"], row["high"]]) / row["margin"]
        axis.plot(ends, [y, y], color=colour, lw=3, solid_capstyle="butt")
        axis.plot(s * row["effect"] / row["margin"], y, "D" if row["direction"] != "differs" else "s", color=colour)
        first = y == 0 or row["claim"] != contrasts[y - 1]["claim"]
        labels.append(f"{textwrap.fill(about['title'], 21)}  {row['claim']}" if first else "")
    axis.set_yticks(range(len(contrasts)), labels, fontsize=8.5, linespacing=1.0)
    axis.set_xscale("symlog", linthresh=1, linscale=0.5)


@figure
def forest(claim: str, tested: Decided) -> Figure:
    """One claim: a panel per contrast; per data set a dot per held-out subject and the mean with its interval.

    A metric that was measured on all subjects of a fold together has one dot for them.
    """
    own = tested.parts[tested.parts["claim"] == claim]
    verdicts = tested.claims[tested.claims["claim"] == claim].set_index("dataset")["verdict"]
    texts = list(own["part"].unique())
    fig, axes = plt.subplots(
        len(texts), 1, figsize=(WIDTH, (0.6 + 0.55 * len(verdicts)) * len(texts) + 0.35), squeeze=False
    )
    for axis, text in zip(axes.flat, texts, strict=True):
        rows = own[own["part"] == text].to_dict("records")
        for y, row in enumerate(rows):
            by_subject = tested.contrasts[row["dataset"], claim, text]
            _effect(axis, y, row, by_subject, VERDICT_COLOURS[verdicts[row["dataset"]]])
        _frame(axis, rows)
    return fig


def _effect(axis: Axes, y: int, row: dict, by_subject: pd.Series, colour: str) -> None:
    scale = MEASURES[row["metric"]].scale
    people.dots(axis, scale * by_subject, y - 0.2, row["dataset"])
    axis.plot([scale * row["low"], scale * row["high"]], [y + 0.15] * 2, color=colour, lw=3, solid_capstyle="butt")
    axis.plot(scale * row["effect"], y + 0.15, "D", color=colour)


def _frame(axis: Axes, rows: list[dict]) -> None:
    """Elements that the data sets of a panel share: margin, unit, text of the contrast."""
    shown = MEASURES[rows[0]["metric"]]
    margin = shown.scale * shown.margin
    axis.axvspan(-margin, margin, color=INK, alpha=0.12, lw=0)
    axis.axvline(0, color=INK, lw=1)
    axis.set(ylim=(len(rows) - 0.45, -0.55))
    axis.set_yticks(range(len(rows)), [row["dataset"] for row in rows], fontsize=10)
    axis.tick_params(axis="y", length=0)
    axis.set_title(textwrap.fill(rows[0]["part"], 44), fontsize=10)
    axis.set_xlabel(f"{shown.unit}; claimed: {CLAIMED[rows[0]['direction']]}", fontsize=10)
    axis.spines["left"].set_visible(False)


@figure
def choices(of: pd.DataFrame) -> Figure:
    """Claims (panels) under each choice (row): effect of the first part in declared margins, positive as claimed.

    Of `sensitivity.table`.
    """
    claims, names = list(of["claim"].unique()), list(of["choice"].unique())
    size = (WIDTH, 0.9 + 0.24 * len(names))
    fig, axes = plt.subplots(1, len(claims), figsize=size, sharex=True, sharey=True, squeeze=False)
    for axis, claim in zip(axes[0], claims, strict=True):
        axis.axvspan(-1, 1, color=INK, alpha=0.12, lw=0)
        axis.axvline(0, color=INK, lw=1)
        for row in of[of["claim"] == claim].drop_duplicates("choice").to_dict("records"):
            y, colour = names.index(row["choice"]), VERDICT_COLOURS[row["verdict"]]
            axis.plot([row["low"], row["high"]], [y, y], color=colour, lw=3, solid_capstyle="butt")
            axis.plot(row["effect"], y, "D", color=colour, ms=5)
        axis.set_title(claim, fontsize=11)
        axis.locator_params(axis="x", nbins=3)
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=10)
    axes[0, 0].invert_yaxis()
    fig.supxlabel(BELOW, fontsize=10)
    shown = [v for v in VERDICT_COLOURS if v in set(of["verdict"])]
    handles = [axes[0, 0].plot([], [], "D", color=VERDICT_COLOURS[v], label=v)[0] for v in shown]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(shown))
    return fig


@figure
def effects(table: pd.DataFrame) -> Figure:
    """Effects on one metric or two, side by side, with intervals, a row each; data sets, where several, by colour.

    Columns: what, metric, dataset, effect, low, high, n, people.
    """
    rows, sets = list(table["what"].unique()), list(table["dataset"].unique())
    labels = [textwrap.fill(name, 22) for name in rows]
    n_lines = max(label.count("\n") + 1 for label in labels)
    height = 0.9 + max(0.28 + 0.2 * len(sets), 0.08 + 0.18 * n_lines) * len(rows)
    metrics = table["metric"].unique()
    fig, axes = plt.subplots(1, len(metrics), figsize=(WIDTH, height), sharey=True, squeeze=False)
    first = table.groupby("dataset")["what"].first()  # whose row names the data set in the legend
    alike = table.groupby("dataset")["n"].nunique() == 1  # else a legend cannot tell the number of people
    for axis, metric in zip(axes[0], metrics, strict=True):
        scale, unit = MEASURES[metric].scale, MEASURES[metric].unit
        axis.axvline(0, color=INK, lw=1)
        for row in table[table["metric"] == metric].to_dict("records"):
            place = sets.index(row["dataset"])
            colour = CLASS_COLOURS[place]
            y = rows.index(row["what"]) + min(0.3, 0.8 / len(sets)) * (place - (len(sets) - 1) / 2)
            named = len(sets) > 1 and row["what"] == first[row["dataset"]]
            title = who(row["dataset"], row["people"], row["n"]) if alike[row["dataset"]] else row["dataset"]
            label = title if named else None
            axis.plot([scale * row["low"], scale * row["high"]], [y, y], color=colour, lw=3, solid_capstyle="butt")
            axis.plot(scale * row["effect"], y, "D", color=colour, ms=5, label=label)
        axis.set_xlabel(f"{unit}; lower is better" if metric == "nll" else unit)
        axis.grid(axis="x")
        axis.locator_params(
            axis="x", nbins=8 if len(metrics) == 1 else 4 if metric == "accuracy" else 3
        )  # else they overlap
    axes[0, 0].set_yticks(range(len(rows)), labels, fontsize=11)
    axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
    if len(sets) > 1:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=min(len(sets), 2))
    return fig

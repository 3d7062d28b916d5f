"""Figures of chapters 11 and 12: what held, what did not, and what released code changes."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixkd.analysis.verdicts import Tested
from mixkd.figures.style import COLOURS, INK, WIDTH, figure

VERDICT_COLOURS = {
    "supported": COLOURS["both"],
    "contradicted": COLOURS["image"],
    "undecided": COLOURS["none"],
    "needs full": COLOURS["signal"],
}
METRIC_UNITS = {  # factor and unit of an axis
    "accuracy": (100, "points of accuracy"),
    "macro_f1": (100, "points of F1"),
    "nll": (1, "NLL, nats"),
    "sharpness": (1, "sharpness, nats"),
    "fgsm_2": (100, "points of accuracy"),
    "gaussian_3": (100, "points of accuracy"),
    "missing_3": (100, "points of accuracy"),
    "v_similar": (1, "V-score"),
    "v_gap": (1, "V-score"),
}


def as_claimed(parts: pd.DataFrame) -> np.ndarray:
    """+1 where a positive effect speaks for the claim, -1 where a negative one does."""
    return np.where(parts["direction"].isin(["below", "not_above"]), -1.0, 1.0)


@figure
def scorecard(claims: pd.DataFrame, parts: pd.DataFrame) -> Figure:
    """All claims at a glance: effects and intervals in units of their margin, to the right what was claimed."""
    verdicts, titles = (claims.set_index("claim")[name] for name in ("verdict", "title"))
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.3 * len(parts)))
    axis.axvspan(-1, 1, color=INK, alpha=0.12, lw=0)
    axis.axvline(0, color=INK, lw=1)
    sign = as_claimed(parts)
    names: list[str] = []
    for y, (row, s) in enumerate(zip(parts.to_dict("records"), sign, strict=True)):
        colour = VERDICT_COLOURS[verdicts[row["claim"]]]
        ends = s * np.array([row["low"], row["high"]]) / row["margin"]
        axis.plot(ends, [y, y], color=colour, lw=3, solid_capstyle="butt")
        axis.plot(s * row["effect"] / row["margin"], y, "D" if row["direction"] != "differs" else "s", color=colour)
        first = y == 0 or row["claim"] != parts["claim"].iloc[y - 1]
        names.append(f"{titles[row['claim']]}  {row['claim']}" if first else "")
    axis.set_yticks(range(len(parts)), names, fontsize=10)
    axis.set_xscale("symlog", linthresh=1, linscale=0.5)
    ticks = [-30, -10, -3, -1, 0, 1, 3, 10, 30]
    axis.set_xticks(ticks, [f"{t}" for t in ticks])
    axis.minorticks_off()
    axis.invert_yaxis()
    axis.set_xlabel("against      effect, in margins      as claimed")
    shown = [v for v in VERDICT_COLOURS if v in set(verdicts)]
    handles = [axis.plot([], [], "D", color=VERDICT_COLOURS[v], label=v)[0] for v in shown]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(shown))
    return fig


@figure
def forest(claim: str, tested: Tested) -> Figure:
    """One claim: a row per part, a dot per held-out subject, the mean with its interval, the margin shaded."""
    own = tested.parts[tested.parts["claim"] == claim]
    verdict = tested.claims.set_index("claim")["verdict"][claim]
    fig, axes = plt.subplots(len(own), 1, figsize=(WIDTH, 0.35 + 1.15 * len(own)), squeeze=False)
    for axis, row in zip(axes.flat, own.to_dict("records"), strict=True):
        _effect(axis, row, tested.contrasts[claim, row["part"]], VERDICT_COLOURS[verdict])
    return fig


def _effect(axis: Axes, row: dict, by_subject: pd.Series, colour: str) -> None:
    scale, unit = METRIC_UNITS[row["metric"]]
    margin = scale * row["margin"]
    axis.axvspan(-margin, margin, color=INK, alpha=0.12, lw=0)
    axis.axvline(0, color=INK, lw=1)
    axis.plot(scale * by_subject, np.full(len(by_subject), 0.25), "o", color=INK, alpha=0.6, mew=0, ms=4.5)
    axis.plot([scale * row["low"], scale * row["high"]], [-0.25, -0.25], color=colour, lw=3, solid_capstyle="butt")
    axis.plot(scale * row["effect"], -0.25, "D", color=colour)
    axis.set(ylim=(-0.7, 0.7), yticks=[])
    axis.set_title(row["part"], fontsize=10)
    axis.set_xlabel(unit, fontsize=10)
    axis.spines["left"].set_visible(False)


@figure
def deviations(table: pd.DataFrame) -> Figure:
    """Effect of what released code does otherwise, on accuracy (left) and NLL (right), with intervals."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.9 + 0.45 * table["deviation"].nunique()), sharey=True)
    names = list(table["deviation"].unique())
    for axis, metric in zip(axes, ("accuracy", "nll"), strict=True):
        scale, unit = METRIC_UNITS[metric]
        axis.axvline(0, color=INK, lw=1)
        for row in table[table["metric"] == metric].to_dict("records"):
            y = names.index(row["deviation"])
            axis.plot([scale * row["low"], scale * row["high"]], [y, y], color=COLOURS["signal"], lw=3)
            axis.plot(scale * row["effect"], y, "D", color=COLOURS["signal"])
        axis.set_xlabel(unit)
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(names)), [textwrap.fill(name, 26) for name in names], fontsize=9.5)
    axes[0].invert_yaxis()
    return fig

"""Figures of chapter 7: temperature and mixup smooth the same targets."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.analysis.measures import MEASURES
from mixkd.figures import people
from mixkd.figures.style import (
    CLASS_COLOURS,
    COLOURS,
    INK,
    WIDTH,
    class_colour,
    figure,
    legend_columns,
    literal,
    matrix,
    percent,
)

VALUE_NAMES = {"accuracy": "accuracy", "nll": "NLL, nats", "ece": "calibration error"}


@figure
def target_entropy(table: pd.DataFrame) -> Figure:
    """Mean entropy of the targets a student learns from. Columns: case, temperature, entropy, limit (log n_classes)."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.1))
    limit = table["limit"].iloc[0]
    axis.axhline(limit, color=INK, ls=":", lw=1)
    axis.text(table["temperature"].min(), limit, "all classes equal", color=INK, va="bottom", fontsize=9)
    for case, part in table.groupby("case", sort=False):
        people.mean_line(axis, part, "temperature", "entropy", colour=COLOURS[case], label=case)
    temperatures = sorted(table["temperature"].unique())
    axis.set_xscale("log", base=2)
    axis.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axis.set(xlabel="temperature", ylabel="entropy of the targets, nats", ylim=(0, limit * 1.12))
    axis.grid(axis="y")
    axis.legend()
    return fig


@figure
def scaled_nll(curves: pd.DataFrame) -> Figure:
    """NLL by one temperature for all outputs after training, a line per case; of `temperature_scaling.curves`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.1))
    axis.axvline(1, color=INK, ls=":", lw=1)
    axis.text(1.03, 1, "as trained", color=INK, fontsize=9, va="top", transform=axis.get_xaxis_transform())
    for (case, line), style in zip(curves.iterrows(), ("-", "--"), strict=False):
        best = line.idxmin()
        axis.plot(line.index, line, style, color=COLOURS[case], label=f"{case}: best at {best:.2g}")
        axis.plot(best, line[best], "D", color=COLOURS[case], ms=7)
    axis.set_xscale("log", base=2)
    ticks = [0.25, 0.5, 1, 2, 4, 8]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.set(xlabel="temperature that divides the outputs after training", ylabel="NLL, nats")
    axis.set_ylim(top=1.6 * curves.min(axis=1).max())
    axis.grid(axis="y")
    axis.legend()
    return fig


@figure
def grid(table: pd.DataFrame, value: str) -> Figure:
    """A metric of the student for every temperature and case, mean over held-out subjects; the brighter, the better.

    Colours span three declared margins on both sides of the mean at least, so that noise is not stretched.
    """
    cases = ["T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S"]
    means = table.pivot_table(index="case", columns="temperature", values=value).loc[cases]
    scale, text = (100, ".1f") if value in ("accuracy", "ece") else (1, ".2f")
    fig, axis = plt.subplots(figsize=(WIDTH, 2.7))
    shown = scale * means.to_numpy()
    least, middle = 3 * scale * MEASURES[value].margin, shown.mean()
    limits = {"vmin": min(shown.min(), middle - least), "vmax": max(shown.max(), middle + least)}
    colours = "cividis" if value == "accuracy" else "cividis_r"
    matrix(axis, shown, cases, [f"{t:g}" for t in means.columns], text=text, cmap=colours, **limits)
    unit = ", %" if scale == 100 else ""
    axis.set(xlabel="temperature", title=f"{VALUE_NAMES[value]}{unit} (brighter: better)")
    return fig


@figure
def smooth_against_score(table: pd.DataFrame) -> Figure:
    """Accuracy and NLL of the student against the entropy of its targets; bars: 95 % intervals over people."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.1))
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        for case, part in table.groupby("case", sort=False):
            people.mean_line(axis, part, "temperature", value, colour=COLOURS[case], at="entropy", label=case)
        axis.set(ylabel=VALUE_NAMES[value])
        axis.grid(axis="y")
    percent(axes[0])
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=9, columnspacing=1)
    fig.supxlabel("entropy of the targets, nats", fontsize=10)
    return fig


@figure
def matched_temperature(table: pd.DataFrame) -> Figure:
    """The temperature at which a plain teacher's targets have the entropy of a mixup-trained teacher's.

    Columns: subject, temperature (of the mixup-trained teacher), effective (of the plain teacher).
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 3.0))
    grid_ = sorted(table["temperature"].unique())
    axis.plot(grid_, grid_, color=INK, ls=":", lw=1)
    axis.text(grid_[-1], grid_[-1], "equal ", color=INK, ha="right", va="bottom", fontsize=9)
    people.lines(axis, table, "temperature", "effective", colour=COLOURS["Mix-T & S"])
    people.legend(fig, table["subject"], "thin line")
    axis.set_xscale("log", base=2)
    axis.set_yscale("log", base=2)
    axis.set_xticks(grid_, [f"{t:g}" for t in grid_])
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set(
        xlabel="temperature with the mixup-trained teacher", ylabel="temperature of an equally\nsmooth plain teacher"
    )
    return fig


@figure
def reliability(curves: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Accuracy against confidence, a panel per case; on the diagonal they are equal.

    curves: results of `metrics.reliability`, (n_bins,) each
    """
    fig, axes = plt.subplots(1, len(curves), figsize=(WIDTH, 2.3), sharex=True, sharey=True)
    for axis, (case, curve) in zip(np.atleast_1d(axes), curves.items(), strict=True):
        axis.plot([0, 1], [0, 1], color=INK, ls=":", lw=1)
        shown = curve["share"] > 0
        axis.plot(curve["confidence"][shown], curve["accuracy"][shown], "-", color=COLOURS[case], lw=1)
        axis.scatter(
            curve["confidence"],
            curve["accuracy"],
            s=8 + 250 * curve["share"],
            color=COLOURS[case],
            alpha=0.7,
            lw=0,
            clip_on=False,
        )
        gap = np.nansum(curve["share"] * np.abs(curve["accuracy"] - curve["confidence"]))
        axis.set_title(f"{case}\nECE {100 * gap:.1f} %", fontsize=10)
        axis.set(xlim=(0, 1.03), ylim=(0, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), xlabel="confidence")
        axis.set_aspect("equal")
    np.atleast_1d(axes)[0].set_ylabel("accuracy")
    return fig


@figure
@literal
def feature_maps(maps: dict[str, np.ndarray], y: np.ndarray, classes: tuple[str, ...]) -> Figure:
    """t-SNE maps (n, 2) of the student's features of one held-out subject by class y (n,); a panel per case."""
    ncols = legend_columns(classes)
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.6 + 0.21 * ((len(classes) - 1) // ncols)))
    for axis, (case, points) in zip(axes.flat, maps.items(), strict=True):
        for label, name in enumerate(classes):
            chosen = points[y == label]
            axis.scatter(*chosen.T, s=9, color=class_colour(label), alpha=0.8, lw=0, label=name)
        axis.set(title=case, xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=ncols, markerscale=2, columnspacing=1)
    return fig


@figure
@literal
def similarity_maps(maps: dict[str, np.ndarray], y: np.ndarray, classes: tuple[str, ...]) -> Figure:
    """Similarity (n, n) of the same windows in several networks; windows are sorted by class y (n,)."""
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.2), sharex=True, sharey=True)
    starts = np.flatnonzero(np.diff(y, prepend=-1))
    middles = (starts + np.append(starts[1:], len(y))) / 2 - 0.5
    for axis, (name, values) in zip(axes.flat, maps.items(), strict=True):
        axis.imshow(values, vmin=0, vmax=1, interpolation="nearest")
        axis.set(title=name)
        names, size = [classes[c] for c in y[starts]], 8.5 if len(starts) <= 9 else 6
        axis.set_xticks(middles, names, rotation=90, fontsize=size)
        axis.set_yticks(middles, names, fontsize=size)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    return fig


@figure
def v_scores(table: pd.DataFrame) -> Figure:
    """V-score of students' features by case, for similar (left) and dissimilar classes; columns kind, case, v_score."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    for axis, kind in zip(axes, ("similar", "dissimilar"), strict=True):
        cases = table[table["kind"] == kind].groupby("case", sort=False)
        people.columns(axis, [(case, COLOURS[case], part) for case, part in cases], "v_score")
        axis.set(title=f"{kind} classes", xticks=[], ylim=(0, 1.02))
    axes[0].set_ylabel("V-score")
    handles = [axes[0].plot([], [], color=COLOURS[c], lw=3, label=c)[0] for c in table["case"].unique()]
    people.legend(fig, table["subject"], handles=handles)
    return fig


@figure
def matched_effects(table: pd.DataFrame, metric: str) -> Figure:
    """Effect of the matched temperature against effect of mixup in the teacher; columns subject, mixup, matched."""
    scale, unit = (100, "points of accuracy") if metric == "accuracy" else (1, "NLL, nats")
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    mean = scale * table.groupby(["subject", "temperature"])[["mixup", "matched"]].mean()
    axis.axline((0, 0), slope=1, color=INK, ls=":", lw=1)
    axis.axhline(0, color=INK, lw=0.8)
    axis.axvline(0, color=INK, lw=0.8)
    for (temperature, part), colour in zip(mean.groupby("temperature"), CLASS_COLOURS, strict=False):
        for (subject, _), pair in part.iterrows():
            people.mark(axis.plot(pair["mixup"], pair["matched"], color=colour, **people.DOT), subject)
        axis.plot([], [], "o", color=colour, label=f"T = {temperature:g}")
    axis.set(xlabel=f"mixup in the teacher: change in {unit}", ylabel=f"matched temperature:\nchange in {unit}")
    axis.legend()
    return fig

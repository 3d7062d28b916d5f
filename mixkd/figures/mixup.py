"""Figures of chapters 5 and 6: draws, the four cases, strength and share of mixup."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy.stats import beta

from mixkd.figures import people
from mixkd.figures.style import COLOURS, INK, WIDTH, figure, percent
from mixkd.learning.streams import Stream

TEACHERS = ("signal", "image", "both")
CASES = ("T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S")


@figure
def teacher_mixup(table: pd.DataFrame) -> Figure:
    """Accuracy of the student against the mixup that trained its one teacher: strength (left) and share (right).

    Means over people with their 95 % intervals.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    one = table[table["teachers"] != "both"]
    partial = one["teacher_share"].between(0, 1, inclusive="neither")
    constant = {"teacher_share": 1, "teacher_alpha": one.loc[partial, "teacher_alpha"].max()}
    for axis, name in zip(axes, ("teacher_alpha", "teacher_share"), strict=True):
        other = "teacher_share" if name == "teacher_alpha" else "teacher_alpha"
        for i, (by, part) in enumerate(one.groupby("teachers", sort=False)):
            chosen = part[(part["mixed_teachers"] == "none") | (part[other] == constant[other])].fillna({name: 0.0})
            look = {"shift": 0.012 * (i - 0.5), "label": f"from {by}"}
            people.mean_line(axis, chosen, name, "accuracy", colour=COLOURS[by], **look)
        axis.set_xlabel({"teacher_alpha": "alpha (0: no mixup)", "teacher_share": "share that is mixed"}[name])
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy of the student")
    percent(axes[0])
    axes[0].legend()
    return fig


@figure
def four_cases(table: pd.DataFrame, value: str = "accuracy") -> Figure:
    """The four cases of mixup in teacher and student, by teacher; grey: no teacher, without and with mixup."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    ticks = []
    for g, by in enumerate(("none", *TEACHERS)):
        cases = ("S", "Mix-S") if by == "none" else CASES
        group = []
        for i, case in enumerate(cases):
            x = 5 * g + 0.9 * (i - (len(cases) - 1) / 2)
            part = table[(table["teachers"] == by) & (table["case"] == case)]
            group.append((x, COLOURS[case], people.of_each(part, value)))
        people.side_by_side(axis, group)
        ticks.append(5 * g)
    axis.set_xticks(ticks, ["no\nteacher", *(f"from\n{by}" for by in TEACHERS)])
    axis.set_ylabel({"accuracy": "accuracy of the student", "nll": "NLL, nats"}.get(value, value))
    axis.grid(axis="y")
    if value == "accuracy":
        percent(axis)
    handles = [axis.plot([], [], color=COLOURS[case], lw=3, label=case)[0] for case in ("S", "Mix-S", *CASES)]
    people.legend(fig, table["subject"], handles=handles, ncols=3)
    return fig


@figure
def case_gain(table: pd.DataFrame) -> Figure:
    """Change of accuracy and NLL against T & S of the same kind of teacher and the same subject, seeds averaged."""
    table = table.groupby(["teachers", "case", "subject"], sort=False)[["accuracy", "nll"]].mean().reset_index()
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    for axis, value, scale in ((axes[0], "accuracy", 100), (axes[1], "nll", 1)):
        axis.axhline(0, color=INK, lw=1)
        plain = table[table["case"] == "T & S"].set_index(["teachers", "subject"])[value]
        for x, case in enumerate(CASES[1:]):
            part = table[(table["case"] == case) & (table["teachers"] != "none")]
            change = scale * (part.set_index(["teachers", "subject"])[value] - plain).dropna()
            present = [by for by in TEACHERS if by in change.index]
            shifts = dict(zip(TEACHERS, (-0.27, 0, 0.27), strict=True))
            columns = [(x + shifts[by], COLOURS[by], change.loc[by]) for by in present]
            people.side_by_side(axis, columns, half=0.1)
        axis.set_xticks(range(3), [c.replace(" & ", "\n& ") for c in CASES[1:]], fontsize=8)
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy, points against T & S")
    axes[1].set_ylabel("NLL, nats against T & S")
    handles = [axes[0].plot([], [], "o", color=COLOURS[by], label=f"from {by}")[0] for by in TEACHERS]
    people.legend(fig, table["subject"], handles=handles)
    return fig


@figure
def mixed_window(
    own: np.ndarray, partner: np.ndarray, coefficients: tuple[float, ...], *, rate: float, unit: str
) -> Figure:
    """Two windows of one channel, (n_samples,) each, and their mixtures."""
    seconds = np.arange(len(own)) / rate
    fig, axes = plt.subplots(1, len(coefficients), figsize=(WIDTH, 2.2), sharey=True)
    for axis, c in zip(np.atleast_1d(axes), coefficients, strict=True):
        axis.plot(seconds, own, color=COLOURS["signal"], lw=1.2, alpha=0.6)
        axis.plot(seconds, partner, color=COLOURS["image"], lw=1.2, alpha=0.6)
        axis.plot(seconds, c * own + (1 - c) * partner, color=COLOURS["both"], lw=2)
        axis.set_title(f"{c:g} : {1 - c:g}", fontsize=11)
        axis.set_xlabel("time, s")
    np.atleast_1d(axes)[0].set_ylabel(unit)
    return fig


@figure
def beta_densities(alphas: tuple[float, ...], streams: dict[float, Stream]) -> Figure:
    """Histogram of a stream's coefficients, with the density of Beta(a, a) they are drawn from."""
    fig, axes = plt.subplots(1, len(alphas), figsize=(WIDTH, 2.2), sharey=True)
    grid = np.linspace(0.01, 0.99, 197)
    for axis, alpha in zip(np.atleast_1d(axes), alphas, strict=True):
        axis.hist(
            streams[alpha].coefficients.ravel(),
            bins=25,
            range=(0, 1),
            density=True,
            color=COLOURS["T & Mix-S"],
            alpha=0.5,
        )
        axis.plot(grid, beta(alpha, alpha).pdf(grid), color=INK)
        axis.set(title=f"alpha = {alpha:g}", xlabel="coefficient", ylim=(0, 4))
    np.atleast_1d(axes)[0].set_ylabel("density")
    return fig


@figure
def alphas(table: pd.DataFrame, without: pd.DataFrame) -> Figure:
    """Accuracy and NLL of the student of both teachers against alpha; on the left, without mixup."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    values = sorted(table["alpha"].unique())
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        people.columns(
            axis,
            [("none", COLOURS["T & S"], without)]
            + [(f"{a:g}", COLOURS["T & Mix-S"], table[table["alpha"] == a]) for a in values],
            value,
        )
        axis.set(ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
        axis.tick_params(axis="x", labelsize=8.5)
    percent(axes[0])
    fig.supxlabel("alpha", fontsize=10)
    people.legend(fig, table["subject"])
    return fig


@figure
def shares(table: pd.DataFrame) -> Figure:
    """Accuracy and NLL of the student of both teachers against the realised share of mixed rows; column realised."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    exact = table[table["sampling"] == "exact"]
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        people.lines(axis, exact, "share", value, colour=COLOURS["T & Mix-S"])
        released = table[table["sampling"] == "released"]
        people.mean_line(axis, released, "realised", value, colour=COLOURS["image"], style="s")
        axis.set(ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
        axis.set_xticks([0, 0.5, 1])
        percent(axis, "x")
        axis.grid(axis="y")
    percent(axes[0])
    looks = (("o-", COLOURS["T & Mix-S"], "exact"), ("s", COLOURS["image"], "as released"))
    handles = [axes[1].plot([], [], style, color=colour, label=name)[0] for style, colour, name in looks]
    people.legend(fig, table["subject"], "thin line", handles=handles)
    fig.supxlabel("share of a batch that is mixed", fontsize=10)
    return fig


@figure
def realised_shares(table: pd.DataFrame) -> Figure:
    """Realised against requested share of mixed rows in a stream. Columns: share, sampling, realised."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.0))
    axis.plot([0, 1], [0, 1], color=INK, lw=1, ls=":")
    for sampling, colour in (("exact", COLOURS["both"]), ("released", COLOURS["image"])):
        part = table[table["sampling"] == sampling].sort_values("share")
        axis.plot(part["share"], part["realised"], "o-", color=colour, label=sampling)
    axis.set(xlabel="share asked for", ylabel="share mixed", xlim=(0, 1.02), ylim=(0, 1.04))
    axis.legend(title="sampling", loc="lower right")
    percent(axis)
    percent(axis, "x")
    axis.grid()
    return fig


@figure
def image_gap(linear: np.ndarray, recompute: np.ndarray, distances: np.ndarray) -> Figure:
    """Mixture of two images, image of the mixture, (resolution, resolution) each, and distances (n,) of many pairs."""
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.5))
    limit = max(linear.max(), recompute.max())
    for axis, image, title in ((axes[0], linear, "mixture of images"), (axes[1], recompute, "image of mixture")):
        axis.imshow(image, origin="lower", vmin=0, vmax=limit)
        axis.set(xticks=[], yticks=[], title=title)
        axis.spines[:].set_visible(False)
    sns.histplot(distances, bins=25, color=COLOURS["image"], ax=axes[2])
    axes[2].set(xlabel="relative distance", ylabel="mixed windows", yticks=[])
    return fig

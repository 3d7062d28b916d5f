"""Figures of chapters 5 and 6: draws, the four cases, strength and share of mixup."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy.stats import beta

from mixkd.figures.style import COLOURS, INK, WIDTH, columns, dots, figure, percent
from mixkd.learning.streams import Stream

TEACHERS = ("signal", "image", "both")
CASES = ("T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S")


@figure
def teacher_mixup(table: pd.DataFrame) -> Figure:
    """Accuracy of the student against the mixup that trained its one teacher: strength (left) and share (right)."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    one = table[table["teachers"] != "both"]
    partial = one["teacher_share"].between(0, 1, inclusive="neither")
    constant = {"teacher_share": 1, "teacher_alpha": one.loc[partial, "teacher_alpha"].max()}
    for axis, name in zip(axes, ("teacher_alpha", "teacher_share"), strict=True):
        other = "teacher_share" if name == "teacher_alpha" else "teacher_alpha"
        for by, part in one.groupby("teachers", sort=False):
            chosen = part[(part["mixed_teachers"] == "none") | (part[other] == constant[other])].fillna({name: 0.0})
            mean = chosen.groupby(name)["accuracy"].mean()
            axis.plot(mean.index, mean, "o-", color=COLOURS[by], label=f"from {by}")
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
        for i, case in enumerate(cases):
            x = 5 * g + 0.9 * (i - (len(cases) - 1) / 2)
            part = table[(table["teachers"] == by) & (table["case"] == case)]
            label = case if by in ("none", "signal") else None
            dots(axis, part, x, value, colour=COLOURS[case], label=label)
        ticks.append(5 * g)
    axis.set_xticks(ticks, ["no teacher", *(f"from {by}" if by != "both" else "from both" for by in TEACHERS)])
    axis.set_ylabel({"accuracy": "accuracy of the student", "nll": "NLL, nats"}.get(value, value))
    axis.grid(axis="y")
    if value == "accuracy":
        percent(axis)
    axis.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), columnspacing=1.5)
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
            keys = list(part[["teachers", "subject"]].itertuples(index=False, name=None))
            change = scale * (part[value].to_numpy() - plain.loc[keys].to_numpy())
            for by, shift in zip(TEACHERS, (-0.22, 0, 0.22), strict=True):
                chosen = change[(part["teachers"] == by).to_numpy()]
                axis.plot(np.full(len(chosen), x + shift), chosen, "o", color=COLOURS[by], alpha=0.85, mew=0)
                axis.plot(
                    [x + shift - 0.09, x + shift + 0.09], [chosen.mean()] * 2, color=COLOURS[by], lw=3, label=f"_{by}"
                )
        axis.set_xticks(range(3), [c.replace(" & ", "\n& ") for c in CASES[1:]], fontsize=9)
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy, points against T & S")
    axes[1].set_ylabel("NLL, nats against T & S")
    handles = [axes[0].plot([], [], "o", color=COLOURS[by], label=f"from {by}")[0] for by in TEACHERS]
    fig.legend(handles=handles, loc="outside upper center", ncols=3)
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
        columns(
            axis,
            [("none", COLOURS["T & S"], without)]
            + [(f"{a:g}", COLOURS["T & Mix-S"], table[table["alpha"] == a]) for a in values],
            value,
        )
        axis.set(xlabel="alpha", ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
    percent(axes[0])
    return fig


@figure
def shares(table: pd.DataFrame) -> Figure:
    """Accuracy and NLL of the student of both teachers against the realised share of mixed rows; column realised."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    exact = table[table["sampling"] == "exact"]
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        for _, part in exact.groupby("subject"):
            curve = part.groupby("share")[value].mean()
            axis.plot(curve.index, curve, "o-", color=COLOURS["T & Mix-S"], alpha=0.4, lw=1)
        mean = exact.groupby("share")[value].mean()
        axis.plot(mean.index, mean, "o-", color=COLOURS["T & Mix-S"], lw=3, label="exact")
        released = table[table["sampling"] == "released"].groupby("realised")[value].mean()
        axis.plot(released.index, released, "s", color=COLOURS["image"], label="as released")
        axis.set(xlabel="share of a batch that is mixed", ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
        axis.set_xticks([0, 0.5, 1])
        percent(axis, "x")
        axis.grid(axis="y")
    percent(axes[0])
    axes[1].legend(fontsize=9)
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

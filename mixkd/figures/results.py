"""Figures of chapters 3 to 6: accuracies of teachers and students. Tables come from `studies.load`."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta

from mixkd.figures.style import COLOURS, INK, WIDTH, dots, figure, matrix, percent, subject_legend
from mixkd.mixing import Stream

TEACHERS = ("signal", "image", "both")
CASES = ("T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S")


def _rows(axis: Axes, groups: list[tuple[str, str, pd.DataFrame]], value: str) -> None:
    """A line of dots per (label, colour, table), read from top to bottom."""
    for x, (_, colour, table) in enumerate(groups):
        dots(axis, table, x, value, colour)
    axis.set_xticks(range(len(groups)), [label for label, _, _ in groups])
    axis.set_xlim(-0.6, len(groups) - 0.4)
    axis.grid(axis="y")


@figure
def teachers(table: pd.DataFrame, baselines: pd.DataFrame) -> Figure:
    """Accuracy per held-out subject: majority class, random forest, and the networks that teach."""
    groups = [(name.replace(" ", "\n"), INK, part) for name, part in baselines.groupby("baseline", sort=False)]
    for (modality, network, mixed), part in table.groupby(["modality", "network", table["share"] > 0], sort=False):
        label = f"{modality}\n{str(network).removeprefix('WRN')}{' mixup' if mixed else ''}"
        groups.append((label, COLOURS[modality], part))
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    _rows(axis, groups, "accuracy")
    axis.tick_params(axis="x", labelsize=9)
    axis.set_ylabel("accuracy")
    percent(axis)
    subject_legend(axis, table)
    return fig


@figure
def learning_curves(histories: pd.DataFrame) -> Figure:
    """Validation and test accuracy over epochs. Columns: subject, modality, epoch, validation, test."""
    subjects = list(histories["subject"].unique())
    fig, axes = plt.subplots(1, len(subjects), figsize=(WIDTH, 2.9), sharey=True, squeeze=False)
    for axis, subject in zip(axes.flat, subjects, strict=True):
        for modality, runs in histories[histories["subject"] == subject].groupby("modality", sort=False):
            part = runs.groupby("epoch")[["validation", "test"]].mean().reset_index()
            axis.plot(
                part["epoch"], part["validation"], color=COLOURS[modality], ls=":", label=f"{modality}, validation"
            )
            axis.plot(part["epoch"], part["test"], color=COLOURS[modality], label=f"{modality}, test")
        axis.set(title=f"subject {subject} held out", xlabel="epoch")
        axis.grid(axis="y")
    axes.flat[0].set_ylabel("accuracy")
    percent(axes.flat[0])
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=9, columnspacing=1)
    return fig


@figure
def confusion(matrices: dict[str, np.ndarray], classes: tuple[str, ...]) -> Figure:
    """Share of each true class (row) that was called each class (column)."""
    fig, axes = plt.subplots(1, len(matrices), figsize=(WIDTH, 0.55 + 0.42 * len(classes)), sharey=True, squeeze=False)
    for axis, (name, counts) in zip(axes.flat, matrices.items(), strict=True):
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        matrix(axis, share, list(classes), list(classes), text=".1f", vmin=0, vmax=1, cmap="Blues")
        axis.set(title=f"{name} teacher", xlabel="called")
        axis.tick_params(axis="x", labelsize=8.5)
    axes.flat[0].set_ylabel("true")
    return fig


@figure
def agreement(table: pd.DataFrame) -> Figure:
    """How often both, one or none of the two teachers is right. Columns: subject, both, first, second, none."""
    parts = {
        "both": ("both right", COLOURS["both"]),
        "first": ("only signal", COLOURS["signal"]),
        "second": ("only image", COLOURS["image"]),
        "none": ("both wrong", COLOURS["none"]),
    }
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.5 * len(table)))
    left = np.zeros(len(table))
    for part, (label, colour) in parts.items():
        share = table[part].to_numpy()
        axis.barh(range(len(table)), share, left=left, color=colour, label=label, height=0.7)
        for y, (start, width) in enumerate(zip(left, share, strict=True)):
            if width > 0.04:
                axis.text(start + width / 2, y, f"{100 * width:.0f}", color="white", ha="center", va="center")
        left += share
    axis.set_yticks(range(len(table)), [f"subject {s}" for s in table["subject"]])
    axis.invert_yaxis()
    axis.set(xlabel="share of test windows", xlim=(0, 1))
    axis.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    percent(axis, "x")
    return fig


@figure
def resolution(table: pd.DataFrame) -> Figure:
    """Accuracy of the image teacher against pixels per side, on validation (which chooses) and on test subjects."""
    fig, axis = plt.subplots(figsize=(WIDTH, 2.8))
    pixels = sorted(table["resolution"].unique())
    for value, style, label in (("validation_accuracy", ":", "validation"), ("accuracy", "-", "test")):
        mean = table.groupby("resolution")[value].mean()
        axis.plot(range(len(pixels)), mean.loc[pixels], style, marker="o", color=COLOURS["image"], label=label)
    axis.set_xticks(range(len(pixels)), [f"{p} x {p}" for p in pixels])
    axis.set(xlabel="pixels", ylabel="accuracy, mean")
    axis.grid(axis="y")
    axis.legend()
    percent(axis)
    return fig


@figure
def methods(table: pd.DataFrame) -> Figure:
    """Accuracy of the student by method, with total epochs under each name; WRN16-1 throughout."""
    order = [("Scratch", "none"), ("Scratch 2x", "none"), ("Base", "signal"), ("Base", "image")]
    order += [("Base", "both"), ("Base 2x", "both"), ("Ann", "both")]
    groups = []
    for method, by in order:
        part = table[(table["method"] == method) & (table["teachers"] == by)]
        epochs = int(part["total_epochs"].iloc[0])
        name = "" if by == "none" else f"\nfrom {by}"
        groups.append((f"{method}{name}\n{epochs} epochs", COLOURS[by if method == "Base" else method], part))
    fig, axis = plt.subplots(figsize=(WIDTH, 3.5))
    _rows(axis, groups, "accuracy")
    axis.tick_params(axis="x", labelsize=8.5)
    axis.set_ylabel("accuracy of the student")
    percent(axis)
    subject_legend(axis, table)
    return fig


@figure
def gains(table: pd.DataFrame) -> Figure:
    """Points of accuracy over the control with equal total epochs, per held-out subject."""
    single = table[table["method"] == "Scratch"].set_index(["subject", "seed"])
    double = table[table["method"] == "Scratch 2x"].set_index(["subject", "seed"])
    students = table[table["teachers"] != "none"]
    groups = []
    for (method, by), part in students.groupby(["method", "teachers"], sort=False):
        base = double if part["total_epochs"].iloc[0] > single["total_epochs"].iloc[0] else single
        gain = 100 * (
            part["accuracy"].to_numpy()
            - base["accuracy"].loc[[*zip(part["subject"], part["seed"], strict=True)]].to_numpy()
        )
        colour = COLOURS[by if method == "Base" else method]
        groups.append((f"{method}\n{by}", colour, part.assign(gain=gain)))
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    axis.axhline(0, color=INK, lw=1)
    _rows(axis, groups, "gain")
    axis.set_ylabel("gain, points of accuracy")
    subject_legend(axis, table)
    return fig


@figure
def method_gains(table: pd.DataFrame) -> Figure:
    """Points of accuracy over the scratch student of as many epochs, per held-out subject, a row per method."""
    keys = ["method", "teachers", "total_epochs"]
    by_subject = table.groupby([*keys, "subject"], sort=False)["accuracy"].mean().reset_index()
    alone = by_subject[by_subject["teachers"] == "none"].set_index(["total_epochs", "subject"])["accuracy"]
    taught = by_subject[by_subject["teachers"] != "none"]
    groups = list(taught.groupby(keys, sort=False))
    fig, axis = plt.subplots(figsize=(WIDTH, 0.7 + 0.32 * len(groups)))
    axis.axvline(0, color=INK, lw=1)
    for y, ((_, by, epochs), part) in enumerate(groups):
        gain = 100 * (part["accuracy"].to_numpy() - alone.loc[epochs].loc[part["subject"]].to_numpy())
        axis.plot(gain, [y] * len(gain), "o", color=COLOURS[by], alpha=0.6, mew=0)
        axis.plot([gain.mean()] * 2, [y - 0.3, y + 0.3], color=COLOURS[by], lw=3)
    axis.set_yticks(range(len(groups)), [f"{m} ({e})" for (m, _, e), _ in groups])
    axis.invert_yaxis()
    axis.set_xlabel("gain, points of accuracy")
    axis.grid(axis="x")
    handles = [axis.plot([], [], "o", color=COLOURS[by], label=f"from {by}")[0] for by in TEACHERS]
    fig.legend(handles=handles, loc="outside upper center", ncols=3)
    return fig


@figure
def temperature(table: pd.DataFrame) -> Figure:
    """Accuracy and NLL of the student against the temperature."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        for subject, part in table.groupby("subject"):
            curve = part.groupby("temperature")[value].mean()
            axis.plot(curve.index, curve, "o-", color=COLOURS["signal"], alpha=0.45, lw=1)
            axis.text(curve.index[-1] * 1.06, curve.iloc[-1], f"{subject}", color=INK, va="center")
        mean = table.groupby("temperature")[value].mean()
        axis.plot(mean.index, mean, "o-", color=COLOURS["signal"], lw=3)
        axis.set_xscale("log", base=2)
        axis.set_xticks(
            sorted(table["temperature"].unique()), [f"{t:g}" for t in sorted(table["temperature"].unique())]
        )
        axis.set(xlabel="temperature", ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
        axis.grid(axis="y")
    percent(axes[0])
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
            dots(axis, part, x, value, COLOURS[case], label=case if by in ("none", "signal") else None)
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
    """Change of accuracy and NLL against T & S of the same teacher and subject."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    for axis, value, scale in ((axes[0], "accuracy", 100), (axes[1], "nll", 1)):
        axis.axhline(0, color=INK, lw=1)
        plain = table[table["case"] == "T & S"].set_index(["teachers", "subject", "seed"])[value]
        for x, case in enumerate(CASES[1:]):
            part = table[(table["case"] == case) & (table["teachers"] != "none")]
            keys = list(part[["teachers", "subject", "seed"]].itertuples(index=False, name=None))
            change = scale * (part[value].to_numpy() - plain.loc[keys].to_numpy())
            for by, shift in zip(TEACHERS, (-0.22, 0, 0.22), strict=True):
                chosen = change[(part["teachers"] == by).to_numpy()]
                axis.plot(np.full(len(chosen), x + shift), chosen, "o", color=COLOURS[by], alpha=0.6, mew=0)
                axis.plot(
                    [x + shift - 0.09, x + shift + 0.09], [chosen.mean()] * 2, color=COLOURS[by], lw=3, label=f"_{by}"
                )
        axis.set_xticks(range(3), [c.replace(" & ", "\n& ") for c in CASES[1:]], fontsize=9.5)
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy, points against T & S")
    axes[1].set_ylabel("NLL, nats against T & S")
    handles = [axes[0].plot([], [], "o", color=COLOURS[by], label=f"from {by}")[0] for by in TEACHERS]
    fig.legend(handles=handles, loc="outside upper center", ncols=3)
    return fig


@figure
def mixed_window(
    own: np.ndarray, partner: np.ndarray, coefficients: tuple[float, ...], rate: float, unit: str
) -> Figure:
    """Two windows of one channel and their mixtures."""
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
        _rows(
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
    """Accuracy and NLL of the student of both teachers against the share of each batch that is mixed."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    exact = table[table["sampling"] == "exact"]
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        for _, part in exact.groupby("subject"):
            curve = part.groupby("share")[value].mean()
            axis.plot(curve.index, curve, "o-", color=COLOURS["T & Mix-S"], alpha=0.4, lw=1)
        mean = exact.groupby("share")[value].mean()
        axis.plot(mean.index, mean, "o-", color=COLOURS["T & Mix-S"], lw=3)
        axis.set(xlabel="share of a batch that is mixed", ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
        axis.set_xticks([0, 0.5, 1])
        percent(axis, "x")
        axis.grid(axis="y")
    percent(axes[0])
    return fig


@figure
def realised_shares(table: pd.DataFrame) -> Figure:
    """Share of rows that a stream mixes against the share asked for. Columns: share, sampling, realised."""
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
    """The mixture of two images, the image of the mixture, and how far apart the two are over many pairs."""
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.5))
    limit = max(linear.max(), recompute.max())
    for axis, image, title in ((axes[0], linear, "mixture of images"), (axes[1], recompute, "image of mixture")):
        axis.imshow(image, origin="lower", vmin=0, vmax=limit)
        axis.set(xticks=[], yticks=[], title=title)
        axis.spines[:].set_visible(False)
    sns.histplot(distances, bins=25, color=COLOURS["image"], ax=axes[2])
    axes[2].set(xlabel="relative distance", ylabel="mixed windows", yticks=[])
    return fig

"""Figures of chapters 3, 4 and 8: accuracies of teachers and students. Tables come from `studies.load`."""

from __future__ import annotations

import math
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.figures import people
from mixkd.figures.style import COLOURS, INK, WIDTH, figure, literal, matrix, percent

TEACHERS = ("signal", "image", "both")


@figure
def teachers(table: pd.DataFrame, baselines: pd.DataFrame) -> Figure:
    """Accuracy per held-out subject: baselines and teachers.

    A baseline far below all others, such as the majority class, is named with its mean in place of a column.
    """
    mean = baselines.groupby("baseline", sort=False)["accuracy"].mean()
    far = mean[mean < table["accuracy"].min() / 2]
    baselines = baselines[~baselines["baseline"].isin(far.index)]
    broken = re.compile(r" |(?<=[a-z])(?=[A-Z])")  # narrow labels: "Mini" over "Rocket"
    groups = [(broken.sub("\n", name), INK, part) for name, part in baselines.groupby("baseline", sort=False)]
    for (modality, network, mixed), part in table.groupby(["modality", "network", table["share"] > 0], sort=False):
        label = f"{modality}\n{str(network).removeprefix('WRN')}{chr(10) + 'mixup' if mixed else ''}"
        groups.append((label, COLOURS[modality], part))
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    people.columns(axis, groups, "accuracy")
    axis.tick_params(axis="x", labelsize=9 if len(groups) < 9 else 7.5)
    axis.set_ylabel("accuracy")
    if len(far):
        left_out = ", ".join(f"{name} ({100 * value:.1f} %)" for name, value in far.items())
        axis.set_xlabel(f"below the axis: {left_out}", fontsize=9)
    percent(axis)
    people.legend(fig, table["subject"])
    return fig


@figure
def learning_curves(histories: pd.DataFrame) -> Figure:
    """Validation and test accuracy over epochs. Columns: subject, modality, epoch, validation, test."""
    subjects = list(histories["subject"].unique())
    n_rows, n_columns = math.ceil(len(subjects) / 5), min(len(subjects), 5)
    size = (WIDTH, 0.6 + (2.3 if n_rows == 1 else 1.9 * n_rows))
    fig, axes = plt.subplots(n_rows, n_columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat[len(subjects) :]:
        axis.set_axis_off()
    for axis, subject in zip(axes.flat, subjects, strict=False):
        for modality, runs in histories[histories["subject"] == subject].groupby("modality", sort=False):
            part = runs.groupby("epoch")[["validation", "test"]].mean().reset_index()
            for split, style in (("validation", ":"), ("test", "-")):
                lines = axis.plot(
                    part["epoch"], part[split], style, color=COLOURS[modality], label=f"{modality}, {split}"
                )
                lines[0].set_gid(people.gid(subject))
        axis.set_title(f"subject {subject} held out" if len(subjects) < 4 else f"{subject} held out")
        if "+" in subject:
            axis.set_title(f"{subject}\nheld out", fontsize=9)
        axis.grid(axis="y")
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy")
    percent(axes.flat[0])
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=9, columnspacing=1)
    return fig


@figure
@literal
def confusion(matrices: dict[str, np.ndarray], classes: tuple[str, ...]) -> Figure:
    """Share of each true class (row) predicted as each class (column), from counts (n_classes, n_classes) by name.

    With many classes, one matrix below the other.
    """
    n, many = len(classes), len(classes) > 9
    shape = (len(matrices), 1) if many else (1, len(matrices))
    size = (WIDTH, 1.5 + 0.26 * n * len(matrices) if many else 0.55 + 0.42 * n)
    fig, axes = plt.subplots(*shape, figsize=size, sharex=many, sharey=True, squeeze=False)
    names = list(classes)
    for axis, (name, counts) in zip(axes.flat, matrices.items(), strict=True):
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        matrix(axis, share, names, names, text=".1f", vmin=0, vmax=1, cmap="Blues")
        axis.set_title(name)
        axis.tick_params(axis="x", labelsize=8.5, rotation=90 if max(map(len, names)) > 5 else 0)
        if many:
            axis.tick_params(axis="y", labelsize=8.5)
            for text in axis.texts:
                text.set(fontsize=8.5, visible=text.get_text() != "0.0")
    for axis in axes[-1]:
        axis.set_xlabel("predicted class")
    for axis in axes[:, 0]:
        axis.set_ylabel("true")
    return fig


@figure
def agreement(table: pd.DataFrame) -> Figure:
    """Shares of windows on which two teachers are right. Columns: subject, both, first, second, none."""
    categories = {
        "both": ("both right", COLOURS["both"]),
        "first": ("only signal", COLOURS["signal"]),
        "second": ("only image", COLOURS["image"]),
        "none": ("both wrong", COLOURS["none"]),
    }
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.5 * len(table)))
    left = np.zeros(len(table))
    for part, (label, colour) in categories.items():
        share = table[part].to_numpy()
        axis.barh(range(len(table)), share, left=left, color=colour, label=label, height=0.7)
        for y, (start, width) in enumerate(zip(left, share, strict=True)):
            if width > 0.04:
                axis.text(start + width / 2, y, f"{100 * width:.0f}", color="white", ha="center", va="center")
        left += share
    size = 9 if table["subject"].str.contains("+", regex=False).any() else None
    axis.set_yticks(range(len(table)), [f"subject {s}" for s in table["subject"]], fontsize=size)
    axis.invert_yaxis()
    axis.set(xlabel="share of test windows", xlim=(0, 1))
    axis.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    percent(axis, "x")
    return fig


@figure
def resolution(table: pd.DataFrame) -> Figure:
    """Accuracy of the image teacher against pixels per side, on validation (for selection) and test subjects.

    Bars: 95 % interval over test subjects, or over the validation subjects that belong to them.
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 2.8))
    pixels = sorted(table["resolution"].unique())
    for value, style, label in (("validation_accuracy", ":", "validation"), ("accuracy", "-", "test")):
        placed = table.assign(place=table["resolution"].map(pixels.index))
        look = {"style": f"o{style}", "shift": 0.04 if style == "-" else -0.04, "label": label}
        people.mean_line(axis, placed, "place", value, colour=COLOURS["image"], **look)
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
        groups.append((f"{method}{name}\n{epochs} epochs", COLOURS[method if by == "none" else by], part))
    fig, axis = plt.subplots(figsize=(WIDTH, 3.5))
    people.columns(axis, groups, "accuracy")
    axis.tick_params(axis="x", labelsize=8.5)
    axis.set_ylabel("accuracy of the student")
    percent(axis)
    people.legend(fig, table["subject"])
    return fig


@figure
def gains(table: pd.DataFrame) -> Figure:
    """Points of accuracy gained on the control, per held-out subject; column gain of `comparison.gains`."""
    students = table[table["teachers"] != "none"].groupby(["method", "teachers"], sort=False)
    groups = [(f"{name}\n{by}", COLOURS[by], part.assign(gain=100 * part["gain"])) for (name, by), part in students]
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    axis.axhline(0, color=INK, lw=1)
    people.columns(axis, groups, "gain")
    axis.set_ylabel("gain, points of accuracy")
    people.legend(fig, table["subject"])
    return fig


@figure
def method_gains(table: pd.DataFrame) -> Figure:
    """Points of accuracy gained on the control, per held-out subject, a row per method; see `gains`."""
    taught = table[table["teachers"] != "none"].groupby(["method", "teachers", "total_epochs"], sort=False)
    groups = [(name, 100 * part.groupby("subject")["gain"].mean()) for name, part in taught]
    fig, axis = plt.subplots(figsize=(WIDTH, 0.7 + 0.32 * len(groups)))
    axis.axvline(0, color=INK, lw=1)
    for y, ((_, by, _), gain) in enumerate(groups):
        people.row(axis, gain, y, colour=COLOURS[by])
    names = [method for (method, _, _), _ in groups]
    labels = [f"{m}, {by} ({e})" if names.count(m) > 1 else f"{m} ({e})" for (m, by, e), _ in groups]
    axis.set_yticks(range(len(groups)), labels)
    axis.invert_yaxis()
    axis.set_xlabel("gain, points of accuracy")
    axis.grid(axis="x")
    handles = [axis.plot([], [], "o", color=COLOURS[by], label=f"from {by}")[0] for by in TEACHERS]
    people.legend(fig, table["subject"], "dot", handles=handles)
    return fig


@figure
def capacity(students: pd.DataFrame, teachers: pd.DataFrame) -> Figure:
    """Accuracy of the student against that of its teacher, a mark per size of the teacher, whose shape names it.

    Marks: means over subjects; bars: their 95 % intervals.
    """
    alone = teachers[teachers["case"] == "S"].groupby(["modality", "network"])["accuracy"].mean()
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    base = students[students["method"] == "Base"]
    shapes = dict(zip(base["teacher_network"].unique(), "os^D", strict=False))
    for (by, network), part in base.groupby(["teachers", "teacher_network"], sort=False):
        taught_by = alone.loc[[(m, network) for m in (("signal", "image") if by == "both" else (by,))]].mean()
        each = people.of_each(part, "accuracy")
        score, (low, high) = each.mean(), people.interval(each)
        axis.plot([taught_by] * 2, [low, high], color=COLOURS[by], lw=1.2, alpha=0.35, label=people.INTERVAL)
        axis.plot(taught_by, score, shapes[network], color=COLOURS[by], label=f"_{network}")
    kinds = [("o", COLOURS[by], f"from {by}") for by in base["teachers"].unique()]
    kinds += [(shape, INK, network) for network, shape in shapes.items()]
    handles = [axis.plot([], [], shape, color=colour, label=name)[0] for shape, colour, name in kinds]
    fig.legend(handles=handles, loc="outside upper center", ncols=4, columnspacing=1)
    axis.set(xlabel="accuracy of the teacher (of both: their mean)", ylabel="accuracy of the student")
    axis.margins(0.15)
    axis.grid()
    percent(axis)
    percent(axis, "x")
    return fig


@figure
def weights(table: pd.DataFrame) -> Figure:
    """Accuracy of the student of both teachers against kd_weight (left) and the image teacher's weight (right)."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    shown = (("kd_weight", table[table["image_weight"] == 0.5]), ("image_weight", table[table["kd_weight"] == 0.7]))
    for axis, (name, part) in zip(axes, shown, strict=True):
        values = sorted(part[name].unique())
        placed = part.assign(place=part[name].map(values.index))
        people.lines(axis, placed, "place", "accuracy", colour=COLOURS["both"])
        axis.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        axis.set_xlabel(name)
        axis.grid(axis="y")
    axes[0].set_ylabel("accuracy of the student")
    percent(axes[0])
    people.legend(fig, table["subject"], "thin line")
    return fig


@figure
def followed(table: pd.DataFrame) -> Figure:
    """Agreement of the student with its teacher, where the teacher is right (left) and wrong (right)."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    for axis, where in zip(axes, ("right", "wrong"), strict=True):
        part = table[table["where"] == where]
        people.columns(axis, [(m, COLOURS[m], part[part["modality"] == m]) for m in ("signal", "image")], "share")
        axis.set(title=f"teacher {where}", xlabel="teacher", ylim=(0, 1.02))
    axes[0].set_ylabel("same answer")
    percent(axes[0])
    people.legend(fig, table["subject"])
    return fig


@figure
def class_gains(table: pd.DataFrame) -> Figure:
    """Points of recall gained per class; columns subject, class, gain."""
    groups = [(name, COLOURS["both"], part.assign(gain=100 * part["gain"])) for name, part in table.groupby("class")]
    upright = max(len(name) for name, _, _ in groups) > 80 / len(groups)
    fig, axis = plt.subplots(figsize=(WIDTH, 4.2 if upright else 3.1))
    axis.axhline(0, color=INK, lw=1)
    people.columns(axis, groups, "gain")
    axis.tick_params(axis="x", labelsize=9, rotation=90 if upright else 0)
    axis.set_ylabel("gain, points of recall")
    people.legend(fig, table["subject"])
    return fig


@figure
def temperature(table: pd.DataFrame) -> Figure:
    """Accuracy and NLL of the student against the temperature."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    for axis, value in zip(axes, ("accuracy", "nll"), strict=True):
        people.lines(axis, table, "temperature", value, colour=COLOURS["signal"])
        axis.set_xscale("log", base=2)
        axis.set_xticks(
            sorted(table["temperature"].unique()), [f"{t:g}" for t in sorted(table["temperature"].unique())]
        )
        axis.set(xlabel="temperature", ylabel={"accuracy": "accuracy", "nll": "NLL, nats"}[value])
        axis.grid(axis="y")
    percent(axes[0])
    people.legend(fig, table["subject"], "thin line")
    return fig

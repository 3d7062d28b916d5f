"""Figures of chapter 2: from window to diagram to image."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.analysis import inference
from mixkd.figures.style import COLOURS, INK, WIDTH, figure, literal, spelt
from mixkd.topology.imaging import Grid

PAIR = COLOURS["image"]


@figure
def sublevel_sets(x: np.ndarray, rate: float, levels: tuple[float, ...], unit: str) -> Figure:
    """Sublevel sets of one channel x (n_samples,) at rising levels, with their number of components."""
    seconds = np.arange(len(x)) / rate
    fig, axes = plt.subplots(1, len(levels), figsize=(WIDTH, 2.3), sharey=True)
    for axis, level in zip(np.atleast_1d(axes), levels, strict=True):
        below = x <= level
        pieces = int(below[0]) + int((below[1:] & ~below[:-1]).sum())
        axis.plot(seconds, x, color=INK, lw=1.2)
        axis.plot(seconds, np.where(below, x, np.nan), color=COLOURS["signal"], lw=3)
        beside = np.convolve(below, [1, 0, 1], "same") > 0
        axis.plot(seconds[below & ~beside], x[below & ~beside], "o", color=COLOURS["signal"], ms=3, mew=0)
        axis.axhline(level, color=COLOURS["signal"], lw=1, ls=":")
        axis.set_title(f"{pieces} piece{'s' if pieces != 1 else ''}")
        axis.set_xlabel("time, s")
    np.atleast_1d(axes)[0].set_ylabel(unit)
    return fig


@figure
def pairs(x: np.ndarray, diagram: np.ndarray, *, essential: float, rate: float, unit: str) -> Figure:
    """One channel x (n_samples,) with its most persistent pairs, and its diagram (n_pairs, 2)."""
    seconds = np.arange(len(x)) / rate
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9), width_ratios=(1.5, 1))
    left.plot(seconds, x, color=INK, lw=1.3)
    order = np.argsort(diagram[:, 1] - diagram[:, 0])[::-1]
    for rank, (birth, death) in enumerate(diagram[order[:5]]):
        at = seconds[np.flatnonzero(x == birth)[0]]
        left.plot([at, at], [birth, death], color=PAIR, lw=2.5)
        left.text(at, death, f" {rank + 1}" if rank < 3 else "", color=PAIR, va="bottom", ha="center", fontsize=10)
    lowest = np.argmin(x)
    left.plot(seconds[lowest], x[lowest], "v", color=COLOURS["signal"], ms=8)
    left.set(xlabel="time, s", ylabel=unit)
    limits = [min(x.min(), essential), x.max()]
    right.plot(limits, limits, color=INK, lw=1, ls=":")
    right.plot(diagram[:, 0], diagram[:, 1], "o", color=PAIR, alpha=0.8, mew=0, ms=6)
    for rank, (birth, death) in enumerate(diagram[order[:3]]):
        right.annotate(
            str(rank + 1), (birth, death), (0, 4), textcoords="offset points", color=PAIR, ha="center", fontsize=10
        )
    right.plot(essential, limits[1], "v", color=COLOURS["signal"], ms=8)
    right.set(xlabel=f"birth, {unit}", ylabel=f"death, {unit}")
    right.set_aspect("equal")
    return fig


@figure
def from_diagram_to_image(points: np.ndarray, image: np.ndarray, grid: Grid, *, channel: int, unit: str) -> Figure:
    """Points (n_pairs, 2) in the (birth, persistence) plane with the grid; their image (resolution, resolution)."""
    (low, high), top = grid.birth[channel], grid.persistence[channel]
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharex=True, sharey=True)
    left.scatter(points[:, 0], points[:, 1] - points[:, 0], s=28, color=PAIR, alpha=0.85, lw=0)
    width, height = grid.pixel_size(channel)
    step = max(1, grid.spec.resolution // 16)
    left.set_xticks(low + width * step * np.arange(grid.spec.resolution // step + 1), minor=True)
    left.set_yticks(height * step * np.arange(grid.spec.resolution // step + 1), minor=True)
    left.grid(which="minor", alpha=0.25, lw=0.5)
    left.tick_params(which="minor", length=0)
    left.set(xlim=(low, high), ylim=(0, top), xlabel=f"birth, {unit}", ylabel=f"persistence, {unit}", title="pairs")
    right.imshow(image, origin="lower", extent=(low, high, 0, top), aspect="auto")
    right.set(xlabel=f"birth, {unit}", title=f"image, {len(image)} x {len(image)}")
    return fig


@figure
def stability(table: pd.DataFrame) -> Figure:
    """Bottleneck distance of diagrams against the largest change of a sample by added noise."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.0))
    axis.plot(table["noise"], table["bottleneck"], "o", color=COLOURS["signal"], alpha=0.85, mew=0, ms=5)
    limit = table["noise"].max() * 1.05
    axis.plot([0, limit], [0, limit], color=INK, lw=1.2, ls="--")
    axis.text(limit * 0.03, limit * 0.93, "dashed: the theorem's bound", color=INK, va="top")
    axis.set(xlabel="largest change of any sample", ylabel="bottleneck distance", xlim=(0, limit), ylim=(0, limit))
    return fig


@figure
def backend_images(images: dict[str, np.ndarray]) -> Figure:
    """Images (resolution, resolution) of one diagram by several backends, and their distances to the first."""
    fig, axes = plt.subplots(1, len(images), figsize=(WIDTH, 2.5))
    reference = next(iter(images.values()))
    for axis, (name, image) in zip(axes, images.items(), strict=True):
        axis.imshow(image, origin="lower")
        distance = float(np.linalg.norm(image - reference) / np.linalg.norm(reference))
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("reference" if image is reference else f"{inference.percent(distance)} away")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return fig


@figure
def backend_speed(table: pd.DataFrame) -> Figure:
    """Windows per second of each method, from the benchmark record. Columns: task, method, windows_per_second."""
    tasks = list(table["task"].unique())
    fig, axes = plt.subplots(1, len(tasks), figsize=(WIDTH, 2.7))
    for axis, task in zip(np.atleast_1d(axes), tasks, strict=True):
        part = table[table["task"] == task].sort_values("windows_per_second")
        rates = part["windows_per_second"]
        axis.barh(part["method"], rates, color=[COLOURS.get(method, INK) for method in part["method"]])
        for y, value in enumerate(rates):
            axis.text(value, y, f" {value:,.0f}", va="center", color=INK, fontsize=9)
        axis.set(xscale="log", title=task, xlabel="windows per second")
        axis.set_xlim(rates.min() / 2, rates.max() * 8)
    return fig


@figure
@literal
def mean_images(images: np.ndarray, y: np.ndarray, classes: tuple[str, ...], channel: str) -> Figure:
    """Mean image of each class minus the mean over classes; images: (n, resolution, resolution), y: (n,)."""
    n_columns = min(len(classes), 7)
    n_rows = -(-len(classes) // n_columns)
    fig, axes = plt.subplots(n_rows, n_columns, figsize=(WIDTH, 1.55 * n_rows), layout="constrained", squeeze=False)
    means = np.stack([images[y == label].mean(axis=0) for label in range(len(classes))])
    difference = means - means.mean(axis=0)
    limit = np.quantile(np.abs(difference), 0.995)
    for axis in axes.flat[len(classes) :]:
        axis.axis("off")
    for axis, image, name in zip(axes.flat, difference, classes, strict=False):
        axis.imshow(image, origin="lower", cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(spelt(name, 12), fontsize=10 if n_rows == 1 else 8)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel(channel)
    return fig

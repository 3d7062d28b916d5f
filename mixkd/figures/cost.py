"""Figures of chapter 13: cost of teachers, students and topology. Times come from the benchmark records."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixkd.figures.style import COLOURS, INK, WIDTH, figure


@figure
def network_sizes(table: pd.DataFrame) -> Figure:
    """Multiply-adds per window against parameters; the student is the ringed point."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.3))
    for modality, part in table.groupby("modality", sort=False):
        axis.plot(part["parameters"], part["multiply_adds"], "o", color=COLOURS[modality], label=f"{modality} network")
        for row in part.itertuples():
            gap = 11 if row.network == "WRN16-1" else 8  # the student's has a ring
            offset, side = ((-gap, -4), "right") if modality == "image" else ((gap, -4), "left")
            at = (row.parameters, row.multiply_adds)
            axis.annotate(row.network, at, xytext=offset, textcoords="offset points", ha=side, fontsize=10.5)
    student = table[(table["modality"] == "signal") & (table["network"] == "WRN16-1")].iloc[0]
    axis.plot(student["parameters"], student["multiply_adds"], "o", ms=15, mfc="none", mec=INK)
    axis.set(xscale="log", yscale="log", xlabel="parameters", ylabel="multiply-adds per window")
    axis.set_xlim(table["parameters"].min() / 1.8, table["parameters"].max() * 1.8)
    axis.grid()
    axis.legend(loc="upper left")
    return fig


@figure
def latency(table: pd.DataFrame) -> Figure:
    """Milliseconds for one window on one core. Columns: name, kind (signal, image, topology), milliseconds."""
    part = table.sort_values("milliseconds", ascending=False)
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.27 * len(part)))
    colours = {"signal": COLOURS["signal"], "image": COLOURS["image"], "topology": COLOURS["both"]}
    axis.barh(part["name"], part["milliseconds"], color=[colours[k] for k in part["kind"]])
    for y, value in enumerate(part["milliseconds"]):
        _beside(axis, value, y, f"{value:.2g}", fontsize=9)
    axis.set(xscale="log", xlabel="milliseconds per window, batch of one, one core")
    axis.set_xlim(right=part["milliseconds"].max() * 3)
    axis.tick_params(axis="y", labelsize=10)
    return fig


@figure
def topology_share(table: pd.DataFrame) -> Figure:
    """Time of the image path, split into topology and network. Columns: name, topology, network (milliseconds)."""
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.5 * len(table)))
    y = np.arange(len(table))
    axis.barh(y, table["topology"], color=COLOURS["both"], label="topology")
    axis.barh(y, table["network"], left=table["topology"], color=COLOURS["image"], label="network")
    for at, row in zip(y, table.itertuples(), strict=True):
        total = row.topology + row.network
        _beside(axis, total, at, f"{100 * row.topology / total:.0f} % topology", fontsize=9)
    axis.set_yticks(y, table["name"])
    axis.set(xlabel="milliseconds per window, batch of 64, one core")
    axis.set_xlim(right=(table["topology"] + table["network"]).max() * 1.3)
    axis.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return fig


@figure
def training_cost(table: pd.DataFrame) -> Figure:
    """Time of one training step. Columns: name, milliseconds, relative (to the first)."""
    fig, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.45 * len(table)))
    axis.barh(table["name"], table["milliseconds"], color=COLOURS["both"])
    for y, (value, relative) in enumerate(zip(table["milliseconds"], table["relative"], strict=True)):
        _beside(axis, value, y, f"{value:.1f} ms, x {relative:.2f}")
    axis.invert_yaxis()
    axis.set(xlabel="milliseconds per step, batch of 64, one core")
    axis.set_xlim(right=table["milliseconds"].max() * 1.35)
    return fig


def _beside(axis: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """A text 3 points to the right of the end of a bar."""
    axis.annotate(text, (x, y), xytext=(3, 0), textcoords="offset points", va="center", color=INK, **look)

"""Figures of chapter 25: pictures of a diagram between its pixels."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from mixkd.figures.style import COLOURS, INK, WIDTH, figure

WAYS = {
    "Poly-INR": COLOURS["image"],
    "SIREN": COLOURS["signal"],
    "bilinear": COLOURS["both"],
    "bicubic": COLOURS["Mix-T & S"],
}
DASHES = {"bilinear": "--", "bicubic": "-."}


@figure
def readings(drawn: dict[str, np.ndarray]) -> Figure:
    """One picture read in several ways, (resolution, resolution) each, with distances to the second, the exact one."""
    exact = list(drawn.values())[1]
    n_columns = 3
    n_rows = -(-len(drawn) // n_columns)
    fig, axes = plt.subplots(n_rows, n_columns, figsize=(WIDTH, 2.5 * n_rows))
    fig.set_layout_engine("constrained", h_pad=0.11)  # between an error and the name below it
    for axis, (name, picture) in zip(axes.flat, drawn.items(), strict=False):
        axis.imshow(picture, origin="lower", vmin=0, vmax=exact.max(), interpolation="nearest")
        axis.set_title(f"{name}, {len(picture)} px", fontsize=10.5)
        if picture is not exact and picture.shape == exact.shape:
            axis.set_xlabel(
                f"error {100 * np.sqrt(np.square(picture - exact).mean()) / exact.max():.2f} % of the peak", fontsize=9
            )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return fig


@figure
def psnr_by_size(table: pd.DataFrame, trained: int) -> Figure:
    """PSNR against parameters, at the pixels of the fit (dotted) and at the finest ones; interpolation as lines."""
    finest = table["resolution"].max()
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    for way, part in table.groupby("way", sort=False):
        colour, fine = WAYS[way], part[part["resolution"] == finest]
        if (part["parameters"] == 0).all():
            axis.axhline(fine["psnr"].item(), color=colour, lw=1.5, ls=DASHES[way], label=f"{way}, {finest} px")
            continue
        seen = part[part["resolution"] == trained]
        axis.plot(
            seen["parameters"], seen["psnr"], "o:", color=colour, alpha=0.6, label=f"{way}, {trained} px (fitted)"
        )
        axis.plot(fine["parameters"], fine["psnr"], "o-", color=colour, label=f"{way}, {finest} px")
    axis.set(xscale="log", xlabel="parameters, codes included", ylabel="PSNR, dB")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.grid(axis="y")
    fig.legend(loc="outside upper center", ncols=2, fontsize=9)
    return fig


@figure
def cut(lines: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Values along one row of a picture by way: places (n,) and values (n,); the exact ones are drawn first, wide."""
    fig, axis = plt.subplots(figsize=(WIDTH, 2.9))
    for name, (at, values) in lines.items():
        if name == "exact":
            axis.plot(at, values, color=INK, lw=5, alpha=0.35, label=name)
        elif name == "pixels":
            axis.plot(at, values, "o", color=INK, ms=5, label=name)
        else:
            axis.plot(at, values, color=WAYS[name], lw=1.5, ls=DASHES.get(name, "-"), label=name)
    axis.set(xlabel="birth, from the lower to the upper edge", ylabel="value, of the peak", xlim=(-1, 1))
    axis.grid(axis="y")
    axis.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9, columnspacing=1)
    return fig

"""Figures of the chapter on mixup on a sphere: pairs that disagree, and a path beside the straight line."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.figures.style import COLOURS, INK, WIDTH, figure, percent

LINE, ARC = COLOURS["image"], COLOURS["both"]


@figure
def inconsistency(table: pd.DataFrame) -> Figure:
    """Relative distance between the image of a window and its image, then total persistence left, by way.

    Columns: way, relative, alive. Diamond: mean, line: the middle four fifths of the pairs.
    """
    ways = list(table["way"].unique())
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.9 + 0.45 * len(ways)), sharey=True)
    for axis, column in zip(axes, ("relative", "alive"), strict=True):
        for y, way in enumerate(ways):
            values = table.loc[table["way"] == way, column]
            colour = ARC if "sphere" in way or "decoded" in way else LINE if "mixed" in way else INK
            axis.plot(values.quantile([0.1, 0.9]), [y, y], color=colour, lw=2.5, alpha=0.5)
            axis.plot(values.mean(), y, "D", color=colour, ms=7, mew=0)
        percent(axis, "x")
        axis.set_xlim(left=min(0, axis.get_xlim()[0]))
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(ways)), ways)
    axes[0].invert_yaxis()
    axes[0].set_xlabel("distance of images")
    axes[1].set_xlabel("persistence left")
    axes[1].axvline(1, color=INK, lw=1, ls=":")
    return fig


@figure
def sphere_path(
    paths: dict[str, tuple[np.ndarray, np.ndarray]], coefficients: tuple[float, ...], *, channel: int, rate: float
) -> Figure:
    """One channel on the straight line and on the arc between two windows: windows together, then images of each.

    paths: by way, windows (n, n_channels, n_samples) and images (n, n_channels, resolution, resolution)
    """
    fig, axes = plt.subplots(
        1 + len(paths), len(coefficients), figsize=(WIDTH, 4.3), squeeze=False, sharey="row", height_ratios=(1.2, 1, 1)
    )
    shown = np.concatenate([images[:, channel] for _, images in paths.values()])
    limits = {"vmin": shown.min(), "vmax": shown.max()}  # one scale of colours: the first column shows the same pair
    for (way, (windows, images)), colour, row in zip(paths.items(), (LINE, ARC), axes[1:], strict=True):
        for i, (above, axis) in enumerate(zip(axes[0], row, strict=True)):
            seconds = np.arange(windows.shape[2]) / rate
            above.plot(seconds, windows[i, channel], color=colour, lw=1.4, label=way)
            axis.imshow(images[i, channel], origin="lower", **limits)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(way.replace(" on the ", "\non the "), color=colour, fontsize=9)
    for axis, coefficient in zip(axes[0], coefficients, strict=True):
        axis.set_title(f"{coefficient:g} : {1 - coefficient:g}", fontsize=11)
        axis.set_xlabel("time, s", fontsize=10)
    axes[0, 0].set_ylabel("window, sd", fontsize=9)
    return fig

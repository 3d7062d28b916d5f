"""Figure of chapter 21: which samples of a window reach the outputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from mixkd.figures.style import COLOURS, WIDTH, figure, literal


@figure
@literal
def seen_samples(unseen: Mapping[str, np.ndarray], channels: Sequence[str]) -> Figure:
    """Numbers of a window without effect, (n_channels, n_samples) bool by name of the network, and their share."""
    fig, axes = plt.subplots(len(unseen), 1, figsize=(WIDTH, 0.5 + 1.25 * len(unseen)), sharex=True, squeeze=False)
    colours = [COLOURS["signal"], COLOURS["Mix-S"]]
    for axis, (name, none) in zip(axes.flat, unseen.items(), strict=True):
        axis.imshow(none, cmap=ListedColormap(colours), vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axis.set_title(f"{name}: {100 * none.all(axis=0).mean():.0f} % of samples without effect")
        axis.set_yticks(range(len(channels)), list(channels))
        axis.spines[:].set_visible(False)
    axes[-1, 0].set_xlabel("sample of the window")
    handles = [axes[0, 0].plot([], [], "s", color=c)[0] for c in colours]
    fig.legend(handles, ["has an effect", "gradient exactly 0"], loc="outside upper center", ncols=2)
    return fig

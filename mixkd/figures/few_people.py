"""Figure of chapter 27: accuracy against the number of training people."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd.figures import people
from mixkd.figures.style import COLOURS, WIDTH, figure, percent

SYSTEM_COLOURS = {
    "scratch": COLOURS["Scratch"],
    "mixup": COLOURS["T & Mix-S"],
    "KD": COLOURS["signal"],
    "KD + mixup": COLOURS["both"],
    "scratch 2x": COLOURS["Mix-T & S"],
}


@figure
def people_curves(table: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """Accuracy against training people, a line per system through its means; a dot per fold, intervals where known.

    Of `analysis.few_people`: `curves` and `means`.
    """
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    cells = list(table["cell"].unique())
    for i, (system, colour) in enumerate(SYSTEM_COLOURS.items()):
        own = means[means["system"] == system]
        x = np.array([cells.index(cell) for cell in own["cell"]]) + 0.08 * (i - 2)
        dots = table[table["system"] == system].groupby(["cell", "subject"], sort=False)["accuracy"].mean()
        for at, cell in zip(x, own["cell"], strict=True):
            for name, dot in dots[cell].items():
                people.mark(axis.plot(at, dot, color=colour, **people.DOT | {"alpha": 0.4}), name)
        axis.vlines(x, own["low"], own["high"], color=colour, lw=3, alpha=0.55)
        axis.plot(x, own["mean"], "D-", color=colour, ms=6, label=system)
    axis.set_xticks(range(len(cells)), cells)
    axis.set(xlabel="training people", ylabel="accuracy on held-out people", xlim=(-0.4, len(cells) - 0.6))
    axis.grid(axis="y")
    percent(axis)
    fig.legend(ncols=5, loc="outside upper center")
    return fig

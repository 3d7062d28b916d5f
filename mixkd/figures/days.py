"""A recording day by day: for each quarter of an hour, the minutes of each activity."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mixkd.figures.timeline import UNKNOWN, look
from mixkd.files import atomic_write

MOST = 31  # days in a picture; later ones are left out and counted
EACH = 0.25  # h


def plot(days: Sequence[tuple[str, np.ndarray, np.ndarray]], classes: Sequence[str], path: Path) -> None:
    """Write a panel per day as PNG.

    days: (name, hours (n,) at which quarters begin, minutes (n, n_classes + 2) of each class, unknown and not worn)
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = days[:MOST]
    fig = Figure(figsize=(9, 1.2 + 0.8 * len(shown)), layout="constrained")
    buffer = io.BytesIO()
    with rc_context({"text.parse_math": False}):  # in a name, `$` is a character
        axes = fig.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (name, begin, minutes) in zip(axes, shown, strict=True):
            draw(axis, begin, minutes, classes)
            axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        left = f"; {len(days) - MOST} more days are left out" if len(days) > MOST else ""
        axes[-1].set(xlim=(0, 24), xticks=range(0, 25, 3), xlabel=f"hour{left}")
        handles, names = axes[0].get_legend_handles_labels()
        fig.legend(handles, names, loc="outside right upper", fontsize=8)
        FigureCanvasAgg(fig).print_png(buffer)
    atomic_write(path, buffer.getvalue())


def draw(axis, begin: np.ndarray, minutes: np.ndarray, classes: Sequence[str]) -> None:
    """Stacked bars of one day, see `plot`; what is missing stays white."""
    styles = {name: {**look(name, list(classes)), "alpha": 0.85} for name in classes}
    styles |= {"unknown": UNKNOWN, "not worn": {"color": "#d9d9d9"}}
    below = np.zeros(len(begin))
    for column, (name, style) in enumerate(styles.items()):
        axis.bar(begin, minutes[:, column], EACH, bottom=below, align="edge", lw=0, label=name, **style)
        below += minutes[:, column]
    axis.set(ylim=(0, 60 * EACH), yticks=[])

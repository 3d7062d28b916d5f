"""Style of all figures: colour-blind safe (Okabe & Ito), transparent, mid-grey; legible in light and dark theme."""

from __future__ import annotations

import functools
import io
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mixkd.figures import svg
from mixkd.figures.timeline import COLOURS as CLASS_COLOURS

INK = "#7a7a7a"  # in files; the book has an ink per theme
COLOURS: dict[Any, str] = {
    "signal": "#0072B2",
    "image": "#D55E00",
    "both": "#009E73",
    "none": "#8c8c8c",
    "S": "#5f5f5f",
    "Mix-S": "#a3a3a3",
    "T & S": "#56B4E9",
    "Mix-T & S": "#CC79A7",
    "T & Mix-S": "#E69F00",
    "Mix-T & Mix-S": "#8A7F00",
    "Scratch": "#8c8c8c",
    "Scratch 2x": "#5f5f5f",
    "student": "#009E73",
    "fast": "#009E73",
    "giotto": "#D55E00",
    "gudhi": "#0072B2",
    "persim": "#CC79A7",
    "ripser, persim": "#CC79A7",
    "ripser": "#CC79A7",
    "gudhi, line": "#56B4E9",
}
WIDTH = 6.4  # inches; the text stays readable when a phone shrinks it

RC: dict[Any, Any] = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.dpi": 170,
    "savefig.dpi": 170,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "axes.grid": False,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.8,
    "image.cmap": "viridis",
    "figure.constrained_layout.use": True,
}

P = ParamSpec("P")


def figure(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the book's style and return a closed figure, so that a notebook shows it exactly once."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with plt.rc_context(RC):
            tables = (getattr(value, "claims", value) for value in args)  # of decided claims, or the table itself
            empty = any(isinstance(table, pd.DataFrame) and table.empty for table in tables)
            result = (
                _note("nothing to show here: no such runs are part of this build") if empty else draw(*args, **kwargs)
            )
        plt.close(result)
        _shown_as_svg(result)
        return result

    return styled


def _shown_as_svg(fig: Figure) -> None:
    """A notebook shows the drawing of `svg.py`, not a PNG."""
    fig._repr_mimebundle_ = lambda **_: svg.bundle(fig)  # type: ignore[attr-defined]
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
        shell.display_formatter.formatters["image/png"].pop(Figure, None)


def literal(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """For figures with names of people, classes or channels: `$` is an ordinary character."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with plt.rc_context({"text.parse_math": False}):
            return draw(*args, **kwargs)

    return drawn


def _note(text: str) -> Figure:
    fig, axis = plt.subplots(figsize=(WIDTH, 0.6))  # IPython shows no figure without axes
    axis.text(0.5, 0.5, text, ha="center", va="center")
    axis.set_axis_off()
    return fig


def png(fig: Figure) -> bytes:
    """A figure on white, for pages outside the book."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", facecolor="white")
    return buffer.getvalue()


def percent(axis: Axes, which: str = "y") -> None:
    """Ticks of a share or an accuracy as percentages."""
    target = axis.yaxis if which == "y" else axis.xaxis
    target.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


def class_colour(label: int) -> tuple[float, float, float]:
    """One colour per class; the second nine are paler, the third darker."""
    shade, colour = divmod(label, len(CLASS_COLOURS))
    towards, weight = ((0.0, 0.0), (1.0, 0.55), (0.0, 0.5))[shade % 3]
    red, green, blue = ((1 - weight) * part + weight * towards for part in to_rgb(CLASS_COLOURS[colour]))
    return red, green, blue


def spelt(name: str, width: int) -> str:
    """The name of a class or channel in lines of `width` letters where it has gaps."""
    return textwrap.fill(name.replace("_", " "), width, break_long_words=False)


def legend_columns(names: Sequence[str], letters: int = 72) -> int:
    """How many names fit side by side above or below a figure."""
    return max(1, min(len(names), letters // (max(map(len, names)) + 5)))


def height(base: float, n: int) -> float:
    """Height in inches of a figure that lists n subjects; `base` is for ten."""
    return base + 0.11 * max(0, n - 10)


def subject_ticks(axis: Axes, subjects: Sequence[int], small: bool = False) -> None:
    """A line for each subject, named small where there are many."""
    size = 7 if small or len(subjects) > 12 else None
    axis.set_yticks(range(len(subjects)), [str(s) for s in subjects], fontsize=size)


def matrix(axis: Axes, values: np.ndarray, rows: list[str], columns: list[str], *, text: str = ".2f", **kwargs) -> None:
    """A heat map of values (n_rows, n_columns), with labels and numbers."""
    sns.heatmap(
        values,
        ax=axis,
        annot=True,
        fmt=text,
        annot_kws={"fontsize": 9.5},
        cbar=False,
        xticklabels=columns,
        yticklabels=rows,
        **kwargs,
    )
    mesh = axis.collections[0]
    mesh.update_scalarmappable()
    cells = np.asarray(mesh.get_facecolor())[:, :3].reshape(*values.shape, 3)
    for number in axis.texts:  # black or white, whichever contrasts more with the cell (WCAG 2)
        x, y = number.get_position()
        channels = cells[int(y), int(x)]
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        number.set_color("black" if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else "white")
    axis.tick_params(length=0, rotation=0)

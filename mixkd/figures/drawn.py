"""The numbers of a figure, read from the figure itself: what the page offers as CSV is what is drawn."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

CSV = "text/csv"  # beside the drawing that every viewer shows
HEAD = ("panel", "series", "x", "y", "value")
MOST = 20_000  # rows; more is a picture, not a table

Row = tuple[str, str, object, object, object]


def table(fig: Figure) -> str | None:
    """CSV of points, lines, bars and cells of a figure, one row each; None where there are none, or too many.

    value: the number of a cell or the length of a bar. Names of ticks stand in place of their positions.
    """
    rows = [row for i, axis in enumerate(fig.axes, 1) for row in _of(axis, i)]
    if not 0 < len(rows) <= MOST:
        return None
    with io.StringIO() as buffer:
        csv.writer(buffer, lineterminator="\n").writerows([HEAD, *rows])
        return buffer.getvalue()


def _of(axis: Axes, number: int) -> Iterator[Row]:
    panel = " ".join((axis.get_title("left") or axis.get_title() or axis.get_ylabel() or str(number)).split())
    named_x, named_y = _names(axis.xaxis), _names(axis.yaxis)
    for line in axis.lines:
        if line.get_transform() == axis.transData:  # not a line across the whole axis
            for x, y in zip(*_data(line), strict=True):
                yield panel, _name(line), _at(x, named_x), _at(y, named_y), ""
    for patch in axis.patches:
        if isinstance(patch, Rectangle):
            (x, y), width, height = patch.get_xy(), patch.get_width(), patch.get_height()
            lies = any(abs(y + height / 2 - at) < 0.01 for at in named_y)
            at = ("", _at(y + height / 2, named_y)) if lies else (_at(x + width / 2, named_x), "")
            yield panel, _name(patch), *at, _number(width if lies else height)
    for collection in axis.collections:
        if isinstance(collection, PathCollection):
            for x, y in np.ma.filled(collection.get_offsets(), np.nan):
                yield panel, _name(collection), _at(x, named_x), _at(y, named_y), ""
        elif isinstance(collection, QuadMesh) and (cells := collection.get_array()) is not None:
            yield from _cells(panel, np.atleast_2d(np.ma.filled(cells, np.nan)), 0.5, named_x, named_y)
    for image in axis.images:
        if (pixels := image.get_array()) is not None and pixels.ndim == 2:
            yield from _cells(panel, np.ma.filled(pixels, np.nan), 0.0, named_x, named_y)


def _cells(panel: str, cells: np.ndarray, half: float, named_x: dict, named_y: dict) -> Iterator[Row]:
    for (row, column), value in np.ndenumerate(cells):
        yield panel, "", _at(column + half, named_x), _at(row + half, named_y), _number(value)


def _data(line: Line2D) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.asarray(values) for values in line.get_data())
    return x, y


def _names(axis) -> dict[float, str]:
    """Names of ticks by position; empty for an axis of numbers."""
    if not isinstance(axis.get_major_locator(), FixedLocator):
        return {}
    labels = [" ".join(label.get_text().split()) for label in axis.get_ticklabels()]
    if not any(letter.isalpha() for letter in "".join(labels)):
        return {}
    return {float(at): label for at, label in zip(axis.get_ticklocs(), labels, strict=False)}


def _at(value: object, names: dict[float, str]) -> object:
    number = _number(value)
    near = next((name for at, name in names.items() if isinstance(number, float) and abs(at - number) < 0.3), None)
    return number if near is None else near


def _number(value: object) -> object:
    try:
        return float(f"{float(value):.6g}")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)


def _name(artist) -> str:
    label = " ".join(str(artist.get_label()).split())
    return "" if label.startswith(("_child", "_nolegend")) else label.removeprefix("_")

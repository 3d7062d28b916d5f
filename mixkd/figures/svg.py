"""Figures for the book as SVG: text stays text, colours are variables of the page, and phones get a narrow drawing."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text

from mixkd.figures import drawn

NARROW = "image/svg+xml+narrow"  # our own type, beside the drawing that every viewer shows
PHONE, LARGEST = 3.7, 4.5  # inches: as wide as a narrow drawing should be, and as it may be
MOST_COLUMNS = 2  # of panels side by side in a narrow drawing
LETTERS = 48  # of names side by side in a legend of it
FONTS = "Verdana, 'DejaVu Sans', sans-serif"  # of nearly equal widths; the first is there on most machines


def drawing(fig: Figure, **options: Any) -> str:
    """The SVG of a figure, without the header and the metadata of a file."""
    with io.StringIO() as buffer, plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mixkd"}):
        fig.savefig(buffer, format="svg", metadata={"Date": None}, **options)
        text = buffer.getvalue()
    number = itertools.count()  # a person has several artists, and an id is unique
    text = re.sub(r'\bid="(person-[^"]*)"', lambda m: f'id="{next(number)}-{m[1]}"', text)
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"'DejaVu Sans'(, [^;\"]*)?", lambda _: FONTS, text)


def narrow(fig: Figure) -> str | None:
    """The same figure drawn for a phone, with text of the same size; None where it does not fit.

    Where it does not fit as it is, its panels and the names of its legends stand below one another.
    """
    text = _fitting(fig)
    for upright in (False, True) if text is None else ():
        with _stacked(fig, upright):
            text = text or _fitting(fig)
    return text


def _fitting(fig: Figure) -> str | None:
    specs = [axis.get_subplotspec() for axis in fig.axes]
    if max((spec.get_gridspec().ncols for spec in specs if spec), default=1) > MOST_COLUMNS:
        return None
    before = tuple(fig.get_size_inches())
    fig.set_size_inches(PHONE, before[1])
    try:
        with warnings.catch_warnings(action="error", category=UserWarning):  # of a layout without room for its axes
            text = drawing(fig, bbox_inches="tight", pad_inches=0.02)
            fig.draw_without_rendering()
        fits = points(text)[0] <= 72 * LARGEST and not any(map(_crowded, fig.axes)) and not _overlapping(fig)
    except UserWarning:
        return None
    finally:
        fig.set_size_inches(before)
    return text if fits else None


@contextmanager
def _stacked(fig: Figure, upright: bool) -> Iterator[None]:
    """Panels of one row below one another, those of several rows in two columns; with the names they share.

    upright: names below an axis are turned.
    """
    placed = [(axis, place) for axis in fig.axes if (place := axis.get_subplotspec())]
    panels, places = [axis for axis, _ in placed], [place for _, place in placed]
    grid = places[0].get_gridspec() if places else None
    undo: list[Callable[[], Any]] = []
    if grid and 1 < len(panels) == grid.nrows * grid.ncols and (grid.nrows == 1 or all(map(_titled, panels))):
        n_columns = 1 if grid.nrows == 1 else MOST_COLUMNS
        n_rows = -(-len(panels) // n_columns)
        own, height = GridSpec(n_rows, n_columns, figure=fig), fig.get_figheight()
        fig.set_figheight(height * n_rows / grid.nrows)
        undo.append(partial(fig.set_figheight, height))
        for i, (axis, place) in enumerate(placed):
            undo.append(partial(axis.set_subplotspec, place))
            axis.set_subplotspec(own[i // n_columns, i % n_columns])
            if axis.get_shared_y_axes().joined(axis, panels[0]):
                undo += _named(axis.yaxis, panels[0].yaxis, "labelleft", i % n_columns == 0)
            if grid.nrows > 1 and axis.get_shared_x_axes().joined(axis, panels[-1]):
                undo += _named(axis.xaxis, panels[-1].xaxis, "labelbottom", i + n_columns >= len(panels))
    for label in (label for axis in panels if upright for label in axis.get_xticklabels()):
        undo.append(partial(label.set_rotation, label.get_rotation()))
        label.set_rotation(90)
    legends = list(fig.legends)
    for legend in legends:
        names = [text.get_text() for text in legend.get_texts()]
        title, colour = legend.get_title(), legend.get_texts()[0].get_color() if names else None
        look = {"title": title.get_text() or None, "title_fontsize": 9, "fontsize": 9, "labelcolor": colour}
        n_columns = max(1, LETTERS // (max(map(len, names), default=1) + 5))
        handles = [handle for handle in legend.legend_handles if handle is not None]
        look |= {"ncols": n_columns, "columnspacing": 1, "frameon": False}
        fig.legend(handles, names, loc="outside upper center", **look).get_title().set_color(title.get_color())
        legend.remove()
    try:
        yield
    finally:
        fig.legends[:] = legends
        for back in reversed(undo):
            back()


def _titled(axis: Axes) -> bool:
    return bool(axis.get_title("left") or axis.get_title()) or not axis.axison


def _named(axis: Axis, named: Axis, side: str, shown: bool) -> list[Callable[[], Any]]:
    """Show or hide an axis's name and numbers, those of `named`; returns what undoes it."""
    before = axis.get_label_text(), axis.get_tick_params()[side]
    name = named.get_label_text()
    axis.set_label_text(name if shown else "")
    show: Callable[[bool], None] = lambda on: axis.set_tick_params(which="both", **{side: on})  # noqa: E731
    show(shown)
    return [partial(axis.set_label_text, before[0]), partial(show, before[1])]


def _crowded(axis: Axes) -> bool:
    """Whether names below an axis, as it was laid out last, touch one another."""
    extents = (label.get_window_extent().extents for label in axis.get_xticklabels() if label.get_text())
    boxes = sorted(extents, key=lambda box: box[0])
    return any(left[2] > right[0] for left, right in itertools.pairwise(boxes))


def _overlapping(fig: Figure) -> bool:
    """Whether titles and names of axes, of one panel or of neighbours, touch one another."""
    axes = [axis for axis in fig.axes if axis.axison]
    texts = [text for axis in axes for text in (axis.xaxis.label, axis.yaxis.label)]
    for axis in axes:
        texts += [own for own in axis.get_children() if isinstance(own, Text) and own not in axis.texts]  # titles
    boxes = [text.get_window_extent().padded(-1) for text in texts if text.get_visible() and text.get_text()]
    return any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def points(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in points."""
    match = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert match
    return float(match[1]), float(match[2])


def bundle(fig: Figure) -> dict[str, str]:
    """What IPython shows of a figure: its SVG, and a narrow one and its numbers where there are any."""
    others = {NARROW: narrow(fig), drawn.CSV: drawn.table(fig)}
    return {"image/svg+xml": drawing(fig)} | {kind: text for kind, text in others.items() if text}

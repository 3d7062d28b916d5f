"""Figures for the book as SVG: text stays text, colours are variables of the page, and phones get a narrow drawing."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from mixkd.figures import drawn

NARROW = "image/svg+xml+narrow"  # our own type, beside the drawing that every viewer shows
PHONE, LARGEST = 3.7, 4.5  # inches: as wide as a narrow drawing should be, and as it may be
MOST_COLUMNS = 2  # of panels side by side in a narrow drawing
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
    """The same figure drawn for a phone, with text of the same size; None where it does not fit."""
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

"""Plot of a labelled recording; the drawing time hardly depends on its length.

Per column of the plot, a channel is a line from its lowest to its highest sample, and the background colour is the
label of most of the column. Recordings with fewer samples or windows than columns are drawn in full.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.files import atomic_write

COLUMNS = 1500
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7F00", "#5f5f5f", "#7B3294")
UNKNOWN = {"facecolor": "none", "edgecolor": "#8c8c8c", "hatch": "////"}
LETTER = 0.078  # inches, of a name above the plot
UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0}

Segments = list[tuple[float, np.ndarray]]  # first time (s) and signal (n_samples, n_channels)
Rows = list[dict[str, Any]]


def plot(about: dict[str, Any], segments: Segments, rows: Rows, path: Path) -> None:
    """Write the plot of a labelled recording as PNG."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(9, 3.6), layout="constrained")
    buffer = io.BytesIO()
    with rc_context({"text.parse_math": False}):  # in a name, `$` is a character
        draw(fig.add_subplot(), about, segments, rows)
        fig.legend(loc="outside right upper", fontsize=8.5)
        FigureCanvasAgg(fig).print_png(buffer)
    atomic_write(path, buffer.getvalue())


def draw(axis, about: dict[str, Any], segments: Segments, rows: Rows, *, width: float = 6.5) -> None:
    """Draw the recording on bands in the colours of its labels, named above if there is space, else in the legend.

    Above a band that is too short, a label is named the first time only. width: of the axis in inches, about
    """
    end = rows[-1]["end_s"]
    unit, scale = next((unit, scale) for unit, scale in UNITS.items() if end > 2 * scale or scale == 1)
    _signals(axis, about, segments, end, scale)
    intervals, above = bands(rows), axis.get_xaxis_transform()
    looks = {label: look(label, about["classes"]) for _, _, label in intervals}
    free, unnamed = 0.0, dict.fromkeys(looks)
    letter = LETTER / width * end
    for start, until, label in intervals:
        place, size = max(start, free), letter * len(label)
        if place + size <= until or (label in unnamed and place == start and start + size <= end):
            colour = looks[label].get("edgecolor") or looks[label]["color"]
            axis.text(place / scale, 1.01, label, transform=above, color=colour, fontsize=9)
            free = place + size
            unnamed.pop(label, None)
    for start, until, label in intervals:
        name = {"label": label} if label in unnamed else {}
        unnamed.pop(label, None)
        axis.axvspan(start / scale, until / scale, lw=0, zorder=0, **looks[label], **name)
    axis.set(xlabel=f"time, {unit}", ylabel=", ".join(dict.fromkeys(about["units"])), xlim=(0, end / scale))


def look(label: str, classes: list[str]) -> dict[str, Any]:
    """Fill style of a label's bands: a colour per class, hatched for any other label (unknown)."""
    return {"color": COLOURS[classes.index(label) % len(COLOURS)], "alpha": 0.25} if label in classes else UNKNOWN


def bands(rows: Rows) -> list[tuple[float, float, str]]:
    """(start, end, label) of adjacent windows with one label, in s; where windows overlap, the later one counts.

    With more windows than columns, each column has the label of most of its time.
    """
    start, end = (np.array([row[name] for row in rows], float) for name in ("start_s", "end_s"))
    end[:-1] = np.minimum(end[:-1], start[1:])
    names = list(dict.fromkeys(row["label"] for row in rows))
    code = np.array([names.index(row["label"]) for row in rows])
    if len(rows) > COLUMNS:
        edges = np.linspace(0, end[-1], COLUMNS + 1)
        held = np.stack([_held(start, end, code == i, edges) for i in range(len(names))])
        start, end, code = edges[:-1], edges[1:], np.where(held.any(0), held.argmax(0), -1)
    cuts = np.flatnonzero((code[1:] != code[:-1]) | (start[1:] > end[:-1])) + 1
    spans = [(a, b - 1) for a, b in pairwise([0, *cuts, len(code)])]
    return [(float(start[a]), float(end[b]), names[code[a]]) for a, b in spans if code[a] >= 0]


def _held(start: np.ndarray, end: np.ndarray, where: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Time (s) of each column that is covered by windows where `where` (bool) is true."""
    lengths = np.cumsum(np.where(where, end - start, 0))
    before = np.stack([start, end], 1).ravel(), np.stack([np.r_[0, lengths[:-1]], lengths], 1).ravel()
    return np.diff(np.interp(edges, *before))


def _signals(axis, about: dict[str, Any], segments: Segments, end: float, scale: float) -> None:
    rate = about["rate"]
    if sum(len(signal) for _, signal in segments) > 4 * COLUMNS:
        low, high = envelope(segments, rate, end)
        x = np.repeat(np.linspace(0, end, COLUMNS, endpoint=False) + end / COLUMNS / 2, 2) / scale
        values = np.stack([low, high], 1).reshape(-1, low.shape[1])
    else:
        hole = np.full((1, len(about["channels"])), np.nan)
        values = np.concatenate([piece for _, signal in segments for piece in (signal, hole)])
        x = np.concatenate([first + np.arange(len(signal) + 1) / rate for first, signal in segments]) / scale
    for channel, name in enumerate(about["channels"]):
        axis.plot(x, values[:, channel], lw=0.8, color=COLOURS[channel % len(COLOURS)], label=name)


def envelope(segments: Segments, rate: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each channel in each column, (n_columns, n_channels); NaN without samples."""
    low = np.full((COLUMNS, segments[0][1].shape[1]), np.nan, np.float32)
    high = low.copy()
    for columns, extremes in _columns(segments, rate, end):
        low[columns] = np.fmin(low[columns], extremes[0])
        high[columns] = np.fmax(high[columns], extremes[1])
    return low, high


def _columns(segments: Segments, rate: float, end: float) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    edges = np.arange(COLUMNS) * end / COLUMNS
    for first, signal in segments:
        begin = np.ceil((edges - first) * rate).clip(0, len(signal)).astype(int)
        columns = np.flatnonzero(np.diff(begin, append=len(signal)) > 0)
        yield columns, (np.minimum.reduceat(signal, begin[columns]), np.maximum.reduceat(signal, begin[columns]))

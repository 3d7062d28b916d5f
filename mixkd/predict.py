"""An exported student at work on a new recording, through ONNX, without torch.

In: a folder that `export.py` wrote, and a CSV or Parquet file with a column per channel in the student's units.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.datasets import clock, loose, table, timing
from mixkd.errors import MixkdError
from mixkd.store import atomic_write, sha256

BATCH = 256
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7F00", "#5f5f5f", "#7B3294")
FORMAT = 2  # of student.json


@dataclass(frozen=True)
class Student:
    """An exported network and what it expects; see student.json."""

    folder: Path
    about: dict[str, Any]

    @staticmethod
    def load(folder: Path) -> Student:
        """Raises MixkdError for a folder without a student, or one whose network is not what was exported."""
        path = folder / "student.json"
        try:
            about = json.loads(path.read_bytes())
            if about["format"] != FORMAT:
                raise ValueError(f"format {about['format']}, not {FORMAT}")
            digest = about["files"]["student.onnx"]
            if sha256((folder / "student.onnx").read_bytes()) != digest:
                raise ValueError("student.onnx does not match its SHA-256")
        except OSError as error:
            raise MixkdError(f"{error.filename}: {error.strerror}, expected a student that mixkd exported") from error
        except (ValueError, KeyError, TypeError) as error:
            raise MixkdError(f"{path}: found {error}, expected a student that mixkd exported") from error
        return Student(folder, about)

    @cached_property
    def session(self):
        import onnxruntime

        return onnxruntime.InferenceSession(str(self.folder / "student.onnx"), providers=["CPUExecutionProvider"])

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """(n, n_classes) of windows (n, n_channels, n_samples) in physical units."""
        parts = np.array_split(windows, range(BATCH, len(windows), BATCH))
        logits = np.concatenate([self.session.run(None, {"windows": part})[0] for part in parts])
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)


def read_recording(
    path: Path, about: dict[str, Any], count: Callable[[str, int], None] = lambda what, n: None
) -> list[tuple[float, np.ndarray]]:
    """Stretches without holes, (first time in s, signal (n_samples, n_channels)), of the student's channels and rate.

    The file is read as those that the student was made of; a column of their time is used where there is one. `count`
    hears what was mended or left out. Raises MixkdError naming file and line.
    """
    way = about["reading"]
    columns: dict[str, table.Kind] = dict.fromkeys(about["channels"], "number")
    how = loose.Spelling.of(way)
    time_column = way["time"] if way["time"] in loose.column_names(path, how) else None
    if time_column:
        columns[time_column] = clock.kind(way["time_unit"])
    parsed = loose.read(path, columns, how)
    count("last rows without a line end, left out", parsed.cut)
    rows = parsed.rows
    rate, factor, time = about["rate"], 1, np.arange(len(rows)) / about["rate"]
    if not time_column:
        count(f"rows without the clock {way['time']!r}, taken as {rate:g} a second", len(rows))
    else:
        time = clock.seconds(rows, time_column, way["time_unit"], rate, about["window"], count)
        factor = timing.factor(str(path), time, rate, about["window"])
    parts = timing.whole(time, rows.values, rate, factor, way["gap"], count)
    stretches = list(parts)
    fit = [(start, signal) for start, signal in stretches if len(signal) >= about["window"]]
    count("stretches shorter than a window, left out", len(stretches) - len(fit))
    if not fit:
        most = f"{len(rows)} samples, nowhere a window of {about['window']} at {rate:g} Hz"
        raise MixkdError(f"{path}: found {most}, expected one at least")
    return fit


def label(student: Student, parts: list[tuple[float, np.ndarray]]) -> list[dict[str, Any]]:
    """Rows start_s, end_s, label, confidence of windows, half a window apart; the last one ends its stretch."""
    window, rate = student.about["window"], student.about["rate"]
    starts, windows = [], []
    for first, signal in parts:
        n = len(signal)
        at = sorted({*range(0, n - window + 1, max(window // 2, 1)), n - window})
        starts += [first + s / rate for s in at]
        windows += [signal[s : s + window].T for s in at]
    p = student.probabilities(np.stack(windows).astype(np.float32))
    return [
        {
            "start_s": round(start, 3),
            "end_s": round(start + window / rate, 3),
            "label": student.about["classes"][int(row.argmax())],
            "confidence": round(float(row.max()), 4),
        }
        for start, row in zip(starts, p, strict=True)
    ]


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """The labelled windows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue().encode())


def plot(about: dict[str, Any], parts: list[tuple[float, np.ndarray]], rows: list[dict[str, Any]], path: Path) -> None:
    """The labelled recording as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(9, 3.6), layout="constrained")
    draw(fig.add_subplot(), about, parts, rows)
    fig.legend(loc="outside right upper", fontsize=8)
    raw = io.BytesIO()
    FigureCanvasAgg(fig).print_png(raw)
    atomic_write(path, raw.getvalue())


def draw(axis, about: dict[str, Any], parts: list[tuple[float, np.ndarray]], rows: list[dict[str, Any]]) -> None:
    """The recording with a coloured band per labelled window."""
    for i, (first, signal) in enumerate(parts):
        axis.set_prop_cycle(None)  # a channel has one colour in all stretches
        for channel, name in enumerate(about["channels"]):
            seconds = first + np.arange(len(signal)) / about["rate"]
            axis.plot(seconds, signal[:, channel], lw=0.8, label=None if i else name)
    end = rows[-1]["end_s"]
    free = 0.0  # where the last name ends: where there is no place for the next, its colour must do
    for i, row in enumerate(rows):
        until = min(rows[i + 1]["start_s"] if i + 1 < len(rows) else row["end_s"], row["end_s"])
        colour = COLOURS[about["classes"].index(row["label"]) % len(COLOURS)]
        axis.axvspan(row["start_s"], until, color=colour, alpha=0.25, lw=0)
        past = row["start_s"] + 0.012 * len(row["label"]) * end
        if free <= row["start_s"] and past <= end and (i == 0 or row["label"] != rows[i - 1]["label"]):
            axis.text(
                row["start_s"], 1.01, row["label"], transform=axis.get_xaxis_transform(), color=colour, fontsize=9
            )
            free = past
    axis.set(xlabel="time, s", ylabel=", ".join(dict.fromkeys(about["units"])), xlim=(0, end))

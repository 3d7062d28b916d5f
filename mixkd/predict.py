"""An exported student at work on a new recording, through ONNX, without torch.

In: a folder that `export.py` wrote, and a CSV file with a column per channel in the student's units and rate.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from mixkd.errors import MixkdError
from mixkd.store import atomic_write, sha256

BATCH = 256
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7F00", "#5f5f5f", "#7B3294")
RATE_TOLERANCE = 0.05  # of the rate: walking is not that exact either


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
            digest = about["files"]["student.onnx"]
            if sha256((folder / "student.onnx").read_bytes()) != digest:
                raise ValueError("student.onnx does not match its SHA-256")
        except (OSError, ValueError, KeyError, TypeError) as error:
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


def read_recording(path: Path, about: dict[str, Any]) -> np.ndarray:
    """The student's channels of a CSV file, (n_samples, n_channels) float32. Other columns are left alone.

    A numeric column `time` (seconds) is held against the student's rate. Raises MixkdError naming file and line.
    """
    channels = about["channels"]
    try:
        header = pyarrow.csv.open_csv(path).schema.names
        missing = [name for name in channels if name not in header]
        if missing:
            found = ", ".join(header)
            raise MixkdError(f"{path}, line 1: found columns {found}, expected also {', '.join(missing)}")
        names = [*channels, *(["time"] if "time" in header else [])]
        kinds = dict.fromkeys(channels, pa.float32())
        options = pyarrow.csv.ConvertOptions(column_types=kinds, include_columns=names, null_values=[])
        table = pyarrow.csv.read_csv(path, convert_options=options)
    except (OSError, pa.ArrowInvalid) as error:
        raise MixkdError(f"{path}: {' '.join(str(error).split())}, expected numbers under a header") from error
    signal = np.stack([table[name].to_numpy() for name in channels], axis=1)
    if not np.isfinite(signal).all():
        row, channel = np.argwhere(~np.isfinite(signal))[0]
        raise MixkdError(
            f"{path}, line {row + 2}: found {signal[row, channel]} in {channels[channel]}, expected a number"
        )
    if len(signal) < about["window"]:
        raise MixkdError(f"{path}: found {len(signal)} samples, expected at least {about['window']}, one window")
    if "time" in header and pa.types.is_floating(table["time"].type):
        step = float(np.median(np.diff(table["time"].to_numpy())))
        rate = 1 / step if step > 0 else float("inf")
        if abs(rate / about["rate"] - 1) > RATE_TOLERANCE:
            raise MixkdError(f"{path}: found {rate:.4g} samples per second in time, expected {about['rate']:g}")
    return signal


def label(student: Student, signal: np.ndarray) -> list[dict[str, Any]]:
    """Rows start_s, end_s, label, confidence of windows, half a window apart; the last one ends the recording."""
    window, rate, n = student.about["window"], student.about["rate"], len(signal)
    starts = sorted({*range(0, n - window + 1, max(window // 2, 1)), n - window})
    windows = np.stack([signal[s : s + window].T for s in starts]).astype(np.float32)
    p = student.probabilities(windows)
    return [
        {
            "start_s": round(start / rate, 3),
            "end_s": round((start + window) / rate, 3),
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


def plot(about: dict[str, Any], signal: np.ndarray, rows: list[dict[str, Any]], path: Path) -> None:
    """The recording with a coloured band per labelled window, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(9, 3.6), layout="constrained")
    axis = fig.add_subplot()
    seconds = np.arange(len(signal)) / about["rate"]
    for channel, name in enumerate(about["channels"]):
        axis.plot(seconds, signal[:, channel], lw=0.8, label=name)
    for i, row in enumerate(rows):
        until = rows[i + 1]["start_s"] if i + 1 < len(rows) else row["end_s"]
        colour = COLOURS[about["classes"].index(row["label"]) % len(COLOURS)]
        axis.axvspan(row["start_s"], until, color=colour, alpha=0.25, lw=0)
        if i == 0 or row["label"] != rows[i - 1]["label"]:
            axis.text(
                row["start_s"], 1.01, row["label"], transform=axis.get_xaxis_transform(), color=colour, fontsize=9
            )
    axis.set(xlabel="time, s", ylabel=", ".join(dict.fromkeys(about["units"])), xlim=(0, seconds[-1]))
    axis.legend(loc="upper right", fontsize=8, ncols=3)
    raw = io.BytesIO()
    FigureCanvasAgg(fig).print_png(raw)
    atomic_write(path, raw.getvalue())

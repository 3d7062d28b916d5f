"""Labels of a new recording by an exported student, with ONNX, without torch.

Input: a folder written by `export.py`, and a CSV or Parquet file with a column per channel in the student's units.
Recordings pass in blocks: memory does not grow with their length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mixkd.deploy import ranges, ready, sequence, stream, whole
from mixkd.deploy.blocks import Count, settings
from mixkd.deploy.cutting import Windows
from mixkd.deploy.labels import Labels, joined
from mixkd.errors import MixkdError, one_line
from mixkd.files import sha256

BATCH = 256
FORMAT = 3  # of student.json
UNKNOWN = "unknown"  # label of windows outside the training ranges, or below the threshold of confidence


@dataclass(frozen=True)
class Student:
    """An exported network and its description, see student.json."""

    folder: Path
    about: dict[str, Any]

    @staticmethod
    def load(folder: str | Path) -> Student:
        """Read a folder, or a ready student by its name (`ready.DATASETS`).

        Raises MixkdError if it holds no student, or if the network does not match its SHA-256.
        """
        folder = ready.folder(Path(folder))
        path = folder / "student.json"
        try:
            about = json.loads(path.read_bytes())
            if about["format"] != FORMAT:
                again = "; `mixkd distill` exports it again, from the runs that it has stored"
                raise ValueError(f"format {about['format']}, not {FORMAT}{again}")
            digest = about["files"]["student.onnx"]
            if sha256((folder / "student.onnx").read_bytes()) != digest:
                raise ValueError("student.onnx does not match its SHA-256")
        except OSError as error:
            raise MixkdError(f"{error.filename}: {error.strerror}, expected a student that mixkd exported") from error
        except (ValueError, KeyError, TypeError) as error:
            raise MixkdError(f"{path}: found {error}, expected a student that mixkd exported") from error
        return Student(folder, about)

    def predict(self, signal: np.ndarray, rate: float) -> stream.Predicted:
        """Labels of a signal (n_samples, n_channels) in the student's units, sampled at `rate` Hz.

        Windows are half a window apart, the last one ends with the signal. Raises MixkdError for other channels, values
        that are not finite, a rate that is no multiple of the student's, and signals shorter than a window.
        """
        return stream.predict(self, signal, rate)

    def stream(self) -> stream.Stream:
        """Labels as samples arrive: `push` them, then `finish`."""
        return stream.Stream(self)

    @cached_property
    def session(self):
        """The network in onnxruntime, loaded once."""
        return session_of((self.folder / "student.onnx").read_bytes())

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """Probabilities (n, n_classes) of windows (n, n_channels, n_samples) in physical units."""
        split = np.array_split(windows, range(BATCH, len(windows), BATCH))
        logits = np.concatenate([self.session.run(None, {"windows": part})[0] for part in split])
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)

    @property
    def threshold(self) -> float:
        """The confidence below which a label is unknown, see `rejection`; 0 for a student without one."""
        return self.about.get("unknown", {}).get("threshold", 0.0)


def labels(student: Student, parts: Iterable[Windows], seen: ranges.Seen) -> Iterator[Labels]:
    """Probabilities of the windows of a recording. `seen` counts those out of range."""
    about, axes = student.about, sequence.accelerometer(student.about)
    for part in parts:
        batches = []
        for i in range(0, len(part.start), BATCH):
            x = np.ascontiguousarray(part.x[i : i + BATCH], np.float32)
            stats = ranges.statistics(x, about["units"])
            away = ranges.outside(stats, about["units"], about["training"])
            seen.add(stats, away)
            p, known = np.full((len(x), len(about["classes"])), np.nan, np.float32), ~away.any(1)
            if known.any():
                p[known] = student.probabilities(x[known])
            still = None if axes is None else sequence.still(stats, axes, about["units"][axes[0]])
            batches.append(Labels(part.start[i : i + BATCH], np.full(len(x), part.stretch), p, still))
        yield joined(batches)


def session_of(onnx: bytes) -> Any:
    """A network in onnxruntime."""
    import onnxruntime

    return onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])


def read_recording(
    path: Path, about: dict[str, Any], count: Count = lambda what, n: None
) -> list[tuple[float, np.ndarray]]:
    """Segments without gaps, (first time in s, signal (n_samples, n_channels)), with the student's channels and rate.

    The file is parsed with the settings in student.json; its time column is used if there is one. `count(what, n)` is
    called for each repair and omission. Raises MixkdError naming file and line.
    """
    return whole.read(path, settings(path, about), count).segments


def cut(segments: list[tuple[float, np.ndarray]], about: dict[str, Any]) -> Iterator[Windows]:
    """The windows of segments, (first time in s, signal (n_samples, n_channels)) each, half a window apart."""
    for i, (first, signal) in enumerate(segments):
        for starts, x in batches(signal, about["window"]):
            yield Windows(first + starts / about["rate"], x, i)


def label(student: Student, segments: list[tuple[float, np.ndarray]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows start_s, end_s, label, confidence of windows half a window apart; and remarks, a line each.

    segments: (first time in s, signal (n_samples, n_channels)). Windows far outside the training ranges (`ranges`) are
    `unknown`, without a confidence; those below the threshold of confidence (`rejection`) are unknown too.
    """
    about, seen = student.about, ranges.Seen(student.about)
    window, rate, names = about["window"], about["rate"], [*about["classes"], UNKNOWN]
    rows = []
    for part in labels(student, cut(segments, about), seen):
        for start, best, top in zip(part.start, part.classes(student.threshold), part.confidence, strict=True):
            row = {"start_s": round(float(start), 3), "end_s": round(float(start + window / rate), 3)}
            rows.append(row | {"label": names[best], "confidence": "" if np.isnan(top) else round(float(top), 4)})
    return rows, [one_line(remark) for remark in seen.remarks()]


def batches(signal: np.ndarray, window: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """First samples (n,) and windows (n, n_channels, n_samples) of signal (n_samples, n_channels), by BATCH.

    Windows are half a window apart; the last one ends with the signal.
    """
    n = len(signal)
    starts = np.array(sorted({*range(0, n - window + 1, max(window // 2, 1)), n - window}))
    view = sliding_window_view(signal, window, axis=0)
    for i in range(0, len(starts), BATCH):
        at = starts[i : i + BATCH]
        yield at, np.ascontiguousarray(view[at], np.float32)

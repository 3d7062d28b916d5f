"""Labels of a new recording by an exported student, with ONNX, without torch.

Input: a folder written by `export.py`, and a CSV or Parquet file with a column per channel in the student's units.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mixkd.datasets.own import clock, quality, spreadsheets, tables
from mixkd.datasets.own import units as units_of
from mixkd.datasets.raw import text_table, timing
from mixkd.deploy import ranges, ready, stream
from mixkd.errors import MixkdError, one_line
from mixkd.files import atomic_write, sha256

BATCH = 256
FORMAT = 3  # of student.json
UNKNOWN = "unknown"  # label of windows outside the training ranges


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


def session_of(onnx: bytes) -> Any:
    """A network in onnxruntime."""
    import onnxruntime

    return onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])


def read_recording(
    path: Path,
    about: dict[str, Any],
    count: Callable[[str, int], None] = lambda what, n: None,
    assess: Callable[[quality.Quality], None] = lambda row: None,
) -> list[tuple[float, np.ndarray]]:
    """Segments without gaps, (first time in s, signal (n_samples, n_channels)), with the student's channels and rate.

    The file is parsed with the settings in student.json; its time column is used if there is one. `count(what, n)` is
    called for each repair and omission, `assess(row)` with its quality. Raises MixkdError naming file and line.
    """
    way = about["reading"]
    columns: dict[str, text_table.Kind] = dict.fromkeys(about["channels"], "number")
    how = spreadsheets.Spelling.of(way)
    time_column = way["time"] if way["time"] in tables.column_names(path, how) else None
    if time_column:
        columns[time_column] = clock.kind(way["time_unit"])
    table = tables.read(path, columns, how)
    for what, n in table.counts.items():
        count(what, n)
    rows = table.rows
    rate, factor, time = about["rate"], Fraction(1), np.arange(len(rows)) / about["rate"]
    if not time_column:
        count(f"rows without the clock {way['time']!r}, taken as {rate:g} a second", len(rows))
    else:
        time = clock.seconds(
            rows, time_column, way["time_unit"], rate=rate, window=about["window"], count=count, zone=way.get("zone")
        )
        factor = timing.factor(str(path), time, rate, about["window"])
    _report(rows, about, time_column, time, assess)
    stretches = list(timing.whole(time, rows.values, rate, factor=factor, gap=way["gap"], count=count))
    fit = [(start, signal) for start, signal in stretches if len(signal) >= about["window"]]
    count("stretches shorter than a window, left out", len(stretches) - len(fit))
    if not fit:
        most = f"{len(rows)} samples, nowhere a window of {about['window']} at {rate:g} Hz"
        raise MixkdError(f"{path}: found {most}, expected one at least")
    return fit


def _report(rows: text_table.Parsed, about: dict[str, Any], name: str | None, time: np.ndarray, assess) -> None:
    way, lasts = about["reading"], float(time[-1] - time[0])
    span = clock.span(rows, name, way["time_unit"], zone=way.get("zone"), lasts=lasts)
    acceleration = units_of.acceleration(rows.values, about["channels"], about["units"])
    usual = 1 / float(np.median(np.diff(time))) if len(time) > 1 else about["rate"]
    assess(quality.row(rows.path.name, time, acceleration, rate=quality.nominal(usual), span=span))


def label(student: Student, segments: list[tuple[float, np.ndarray]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows start_s, end_s, label, confidence of windows half a window apart; and remarks, a line each.

    segments: (first time in s, signal (n_samples, n_channels)). Windows far outside the training ranges (`ranges`) are
    `unknown`, without a confidence.
    """
    about = student.about
    window, rate, classes = about["window"], about["rate"], about["classes"]
    rows: list[dict[str, Any]] = []
    seen: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    for first, signal in segments:
        for starts, x in batches(signal, window):
            stats = ranges.statistics(x, about["units"])
            away = ranges.outside(stats, about["units"], about["training"])
            known = ~away.any(1)
            p = np.zeros((len(x), len(classes)))
            if known.any():
                p[known] = student.probabilities(x[known])
            best, top = p.argmax(1), p.max(1)
            for i, start in enumerate(first + starts / rate):
                row = {"start_s": round(float(start), 3), "end_s": round(float(start + window / rate), 3)}
                answer = (classes[best[i]], round(float(top[i]), 4)) if known[i] else (UNKNOWN, "")
                rows.append(row | dict(zip(("label", "confidence"), answer, strict=True)))
            seen.append((stats, away))
    merged = {name: np.concatenate([stats[name] for stats, _ in seen]) for name in ("lowest", "highest", "size")}
    away = np.concatenate([away for _, away in seen])
    remarks = ranges.remarks(about["channels"], about["units"], about["training"], stats=merged, away=away)
    return rows, [one_line(remark) for remark in remarks]


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


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the labelled windows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue().encode())

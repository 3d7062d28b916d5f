"""What `mixkd predict` takes for a day and a week of recording: `python -m benchmarks.predict`.

24 hours of three channels at 50 Hz as CSV (4.3 million rows), and 7 days at 100 Hz (60 million rows), labelled by a
random WRN16-1 in windows of 2 s at 50 Hz, each in a process of its own: wall time and largest memory. Of days, once the
label changes every five minutes, once with every window.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import torch

from benchmarks import show, write
from mixkd.datasets.own.description import UNSTATED
from mixkd.deploy import export, predict, ranges
from mixkd.files import atomic_write, canonical_json, sha256
from mixkd.learning import networks

RATE, WINDOW, HOURS = 50, 100, 24
DAYS, FASTER = 7, 2  # of the long recording: days, and its rate in rates of the student
CHANNELS, UNITS, CLASSES = ["x", "y", "z"], ["g", "g", "g"], ["calm", "lively"]

COMMAND = """
import atexit, pathlib, re, sys
from mixkd.cli import main

def peak():  # Linux; not that of getrusage, which a process inherits from the one that started it
    found = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
    pathlib.Path(sys.argv[-1]).with_name("peak").write_text(found[1])

atexit.register(peak)
main.main()
"""


def halves() -> tuple[np.ndarray, np.ndarray]:
    """Two signals of half a window, (WINDOW // 2, 3): a calm one and a lively one, of which all recordings are made."""
    rng = np.random.default_rng(0)
    calm, lively = (rng.normal(scale=scale, size=(WINDOW // 2, 3)) for scale in (0.1, 0.8))
    gravity = np.array([0, 0, 1])
    return (calm + gravity).astype(np.float32), (lively + gravity).astype(np.float32)


def day(changing: bool) -> np.ndarray:
    """Signals (n_samples, 3): calm and lively in turn, every half window or every five minutes."""
    repeats = 1 if changing else 5 * 60 * RATE // (WINDOW // 2)
    pair = np.concatenate([np.tile(half, (repeats, 1)) for half in halves()])
    return np.tile(pair, (HOURS * 3600 * RATE // len(pair), 1))


def student(folder: Path, one: np.ndarray, other: np.ndarray) -> None:
    """An exported random network that gives two windows (WINDOW, 3) different labels."""
    net = networks.build("signal", 16, 1, n_channels=3, n_classes=2, generator=torch.Generator().manual_seed(0)).eval()
    portable = export.Portable(net, np.zeros(3, np.float32), np.ones(3, np.float32))
    x = np.stack([one.T, other.T])
    with torch.no_grad():
        logits = portable(torch.from_numpy(x))
        portable.net.head.bias[1] -= (logits[:, 1] - logits[:, 0]).mean()
    onnx = export.to_onnx(portable, x)
    about = {"format": predict.FORMAT, "channels": CHANNELS, "units": UNITS, "classes": CLASSES, "rate": float(RATE)}
    about |= {"window": WINDOW, "reading": UNSTATED, "training": ranges.fit(x, UNITS)}
    about["files"] = {"student.onnx": sha256(onnx)}
    atomic_write(folder / "student.onnx", onnx)
    atomic_write(folder / "student.json", canonical_json(about))


def measured(folder: Path, what: str, changing: bool, days: int = 1, factor: int = 1) -> dict[str, Any]:
    """A row of the record; factor: rate of the file, in rates of the student."""
    signal, (calm, lively) = np.repeat(day(changing), factor, axis=0), halves()
    pairs = (calm, lively, lively, calm) if changing else (calm, calm, lively, lively)
    student(folder / what, np.concatenate(pairs[:2]), np.concatenate(pairs[2:]))
    file, rate = folder / f"{what}.csv", RATE * factor
    with file.open("wb") as out:
        out.write(b"time,x,y,z\n")
        for i in range(days):
            times = np.round((i * len(signal) + np.arange(len(signal))) / rate, 2)
            table = pa.table([times, *np.round(signal.astype(np.float64), 4).T], ["time", *CHANNELS])
            pyarrow.csv.write_csv(table, out, pyarrow.csv.WriteOptions(include_header=False))
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", COMMAND, "predict", str(folder / what), str(file)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    assert status == 0, "predict failed"
    peak = int((folder / "peak").read_text()) * 1024
    with file.with_suffix(".labels.csv").open(newline="") as table_of_labels:
        labels = [row["label"] for row in csv.DictReader(table_of_labels)]
    return {
        "what": what,
        "rows": days * len(signal),
        "windows": len(labels),
        "changes": sum(a != b for a, b in zip(labels[1:], labels, strict=False)),
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": peak / 1e6,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        names = {"changes every five minutes": False, "changes with every window": True}
        rows = [measured(Path(folder), what, changing) for what, changing in names.items()]
        week = [measured(Path(folder), f"{DAYS} days", False, days=DAYS, factor=FASTER)]
    show(f"predict on {HOURS} hours at {RATE} Hz, three channels", rows)
    show(f"predict on {DAYS} days at {FASTER * RATE} Hz, three channels", week)
    write(
        "predict",
        {"days": rows, "week": week},
        clock="wall seconds of a process of its own, with as many threads as it takes",
    )


if __name__ == "__main__":
    main()

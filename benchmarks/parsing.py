"""How fast and how lean raw files are read, against numpy.genfromtxt: `python -m benchmarks.parsing`.

A PAMAP2 file of 150 MB and selfBACK's 11.3 million rows, made to the official formats (some rows, repeated), on one
thread. Rates are paired, on a small part of the same file, because genfromtxt would take minutes and gigabytes for the
whole. Peak memory is what a fresh process holds at most while it reads, above what it held before, and is given as a
multiple of the final array.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import as_worker, measure, ratio, show, write
from mixkd.datasets.raw import cache, text_table
from mixkd.datasets.sets import pamap2, selfback

ROUNDS, WHOLE = 5, 3  # of the part, of whole sets
PAMAP2_BYTES = 150_000_000
SELFBACK_FILES, SELFBACK_ROWS = 756, 15_001  # 11.3 million rows
SELFBACK = text_table.Format(selfback.COLUMNS, header=True)


def make_pamap2(path: Path, n_bytes: int) -> None:
    """2,000 distinct rows, over and over; 2 % of packets lost, heart rate in every eleventh row."""
    rng = np.random.default_rng(0)
    values = rng.normal(scale=5, size=(2000, 54))
    values[:, 1] = 4
    values[rng.random(2000) < 0.02, 3:20] = np.nan
    values[np.arange(2000) % 11 > 0, 2] = np.nan
    rows = "".join(" ".join("NaN" if v != v else f"{v:.6g}" for v in row) + "\n" for row in values).encode()
    path.write_bytes(rows * max(1, n_bytes // len(rows)))


def make_selfback(path: Path, n_rows: int) -> None:
    stamps = np.datetime64("2016-04-13T11:29:12.809") + np.arange(n_rows) * np.timedelta64(10, "ms")
    xyz = np.random.default_rng(0).integers(-200, 200, (n_rows, 3)) / 64
    rows = [f"{str(t).replace('T', ' ')},{x},{y},{z}\n" for t, (x, y, z) in zip(stamps, xyz.tolist(), strict=True)]
    path.write_text("time,x,y,z\n" + "".join(rows))


def read_pamap2(path: Path) -> np.ndarray:
    return text_table.read(path, pamap2.FORMAT).values


def read_selfback(path: Path) -> np.ndarray:
    """The file as often as selfBACK has files, into one array, as its loader gathers them."""
    pieces = cache.Pieces()
    for _ in range(SELFBACK_FILES):
        pieces.add(text_table.read(path, SELFBACK).values, 0, 1)
    return pieces.arrays()["signal"]


def genfromtxt_pamap2(path: Path) -> np.ndarray:
    return np.genfromtxt(path)


def genfromtxt_selfback(path: Path) -> np.ndarray:
    return np.genfromtxt(path, delimiter=",", skip_header=1, usecols=(1, 2, 3))


READERS = {"pamap2": read_pamap2, "selfback": read_selfback}


def alone(name: str, path: Path) -> None:
    """In a process of its own: seconds of CPU, growth of the peak of memory and size of the array, on stdout."""
    read_pamap2(path.with_name(f"small-{path.name}")) if name == "pamap2" else text_table.read(path, SELFBACK)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew from what is held now
    before, start = peak(), time.process_time()
    array = READERS[name](path)
    print(time.process_time() - start, peak() - before, array.nbytes, len(array))


def peak() -> int:
    """Bytes that this process held at most."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def whole(name: str, path: Path, n_bytes: int) -> dict[str, Any]:
    runs = []
    for _ in range(WHOLE):
        command = [sys.executable, "-m", "benchmarks.parsing", name, str(path)]
        runs.append([float(v) for v in subprocess.check_output(command, text=True).split()])
    seconds, growth, size, rows = (median(column) for column in zip(*runs, strict=True))
    return {
        "what": name,
        "megabytes": n_bytes / 1e6,
        "rows": int(rows),
        "megabytes_per_second": n_bytes / 1e6 / seconds,
        "seconds": seconds,
        "array_megabytes": size / 1e6,
        "peak_over_array": growth / size,
    }


def main() -> None:
    if len(sys.argv) == 3:
        alone(sys.argv[1], Path(sys.argv[2]))
        return
    as_worker()
    with tempfile.TemporaryDirectory() as folder:
        big, small, csv = (Path(folder) / name for name in ("p.dat", "small-p.dat", "s.csv"))
        make_pamap2(big, PAMAP2_BYTES)
        make_pamap2(small, 1)
        make_selfback(csv, SELFBACK_ROWS)
        times = measure(
            {
                "pamap2": lambda: read_pamap2(small),
                "pamap2, genfromtxt": lambda: genfromtxt_pamap2(small),
                "selfback": lambda: text_table.read(csv, SELFBACK),
                "selfback, genfromtxt": lambda: genfromtxt_selfback(csv),
            },
            ROUNDS,
        )
        rows = [
            {**whole("pamap2", big, big.stat().st_size), "genfromtxt_times_slower": _slower(times, "pamap2")},
            {
                **whole("selfback", csv, csv.stat().st_size * SELFBACK_FILES),
                "genfromtxt_times_slower": _slower(times, "selfback"),
            },
        ]
    show("Reading raw files: whole sets, and numpy.genfromtxt on a part", rows)
    write("parsing", {"sets": rows, "rounds": ROUNDS})


def _slower(times: dict[str, list[float]], name: str) -> float:
    return ratio(times[f"{name}, genfromtxt"], times[name])


if __name__ == "__main__":
    main()

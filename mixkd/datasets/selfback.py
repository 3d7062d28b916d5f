"""`selfback`: wrist acceleration of 50 people during nine activities (Sani et al. 2017; UCI 521).

Axivity AX3, 100 Hz, steps of 1/64 g, limits +-8 g; a file per person and activity of about three minutes. The layout
is that of the authors' repository: `raw/9_class/wrist50/<activity>/<person>.csv` with columns time, x, y, z. The clock
steps by 9 to 11 ms (rounding), taken as even. Halved to 50 Hz behind an anti-aliasing filter (declared default).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.signal import resample_poly

from mixkd import store
from mixkd.datasets import Recordings, raw
from mixkd.errors import MixkdError

RAW_RATE = 100.0
RATE = 50.0
MAX_GAP = 50  # ms without a sample; a longer gap splits the recording
CLASSES = (
    *("sitting", "standing", "lying", "walk_slow", "walk_mod", "walk_fast"),
    *("upstairs", "downstairs", "jogging"),
)
COLUMNS = {"time": pa.timestamp("ms"), "x": pa.float32(), "y": pa.float32(), "z": pa.float32()}


def parse(path: Path) -> list[np.ndarray]:
    """Uninterrupted pieces of one file, (n_samples, 3) in g at 50 Hz. Clocks that run backwards are refused."""
    table = raw.read_csv(path, COLUMNS)
    gaps = np.diff(table["time"].astype("datetime64[ms]").astype(np.int64))
    if len(gaps) and gaps.min() < 0:
        line = int(gaps.argmin()) + 3
        raise MixkdError(f"{path}, line {line}: found a time before that of the line above, expected rising times")
    xyz = np.stack([table[name] for name in "xyz"], axis=1)
    pieces = np.split(xyz, np.flatnonzero(gaps > MAX_GAP) + 1)
    return [resample_poly(piece, 1, 2, axis=0).astype(np.float32) for piece in pieces]


def convert(root: Path, paths: list[Path]) -> dict[str, np.ndarray]:
    """All files as plain arrays, one entry of length, label and subject per uninterrupted piece."""
    signals, labels, subjects = [], [], []
    for path in paths:
        if path.parent.name not in CLASSES or not path.stem.isdigit():
            expected = f"<activity>/<person>.csv with an activity of {', '.join(CLASSES)}"
            raise MixkdError(f"{path.relative_to(root)}: found an unknown name, expected {expected}")
        for piece in parse(path):
            signals.append(piece)
            labels.append(CLASSES.index(path.parent.name))
            subjects.append(int(path.stem))
    return {
        "signal": np.concatenate(signals),
        "length": np.array([len(s) for s in signals], dtype=np.int64),
        "label": np.array(labels, dtype=np.int64),
        "subject": np.array(subjects, dtype=np.int64),
    }


def load() -> Recordings:
    """The recordings of all people; parsed once to the store's own format, verified on reading."""
    root = raw.folder("selfback") / "raw" / "9_class" / "wrist50"
    paths = raw.listed(root, "*/*.csv", "the files of selfBACK (github.com/rgu-selfback/Datasets)")
    key = f"selfback-{raw.fingerprint(root, paths)}-recipe{store.RECIPE}.safetensors"
    arrays = store.cached_arrays(store.home() / "data" / key, lambda: convert(root, paths))
    ends = np.cumsum(arrays["length"])[:-1]
    return Recordings(
        signals=tuple(np.split(arrays["signal"], ends)),
        labels=tuple(np.full(n, y) for n, y in zip(arrays["length"], arrays["label"], strict=True)),
        subjects=arrays["subject"],
        rate=RATE,
        channels=("x", "y", "z"),
        units=("g", "g", "g"),
        classes=CLASSES,
    )

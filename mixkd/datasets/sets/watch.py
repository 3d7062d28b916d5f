"""`watch`: smartwatch accelerometer and gyroscope during shoulder exercises, packaged with seglearn.

Ten people, seven exercises, both arms, 50 Hz (Burns et al. 2018, arXiv 1802.01489). Units: the file names none;
at rest the acceleration has length 1, hence g; the angular rates match those of arm movements in rad/s.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import numpy as np

from mixkd import files
from mixkd.datasets import Recordings
from mixkd.errors import MixkdError
from mixkd.specs.run import RECIPE

SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
RATE = 50.0
SIDES = ("left", "right")  # 0 and 1, as documented in seglearn
CLASSES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")
UNITS = ("g", "g", "g", "rad/s", "rad/s", "rad/s")


def packaged_file() -> Path:
    """The file inside the installed package seglearn, which is not imported."""
    spec = importlib.util.find_spec("seglearn")
    if spec is None or spec.origin is None:
        raise MixkdError("dataset watch: package seglearn is not installed; pip install seglearn==1.2.5")
    return Path(spec.origin).parent / "data" / "watch_dataset.npy"


def convert(path: Path) -> dict[str, np.ndarray]:
    """Arrays of the packaged file: signal (n_samples, n_channels); length, label, subject, side (n_recordings,).

    The SHA-256 is checked before unpickling.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MixkdError(f"{path}: {error.strerror}; reinstall seglearn==1.2.5") from error
    if (found := hashlib.sha256(data).hexdigest()) != SHA256:
        raise MixkdError(f"{path}: found SHA-256 {found[:12]}…, expected {SHA256[:12]}…; reinstall seglearn==1.2.5")
    content = np.load(io.BytesIO(data), allow_pickle=True).item()
    return {
        "signal": np.concatenate(content["X"]).astype(np.float32),
        "length": np.array([len(x) for x in content["X"]], dtype=np.int64),
        "label": np.asarray(content["y"]).astype(np.int64).ravel(),
        "subject": np.asarray(content["subject"]).astype(np.int64).ravel(),
        "side": np.asarray(content["side"]).astype(np.int64).ravel(),
    }


def load() -> Recordings:
    """140 recordings of 10 subjects; converted once to the store's own format, verified on reading."""
    path = files.home() / "data" / f"watch-{SHA256[:16]}-recipe{RECIPE}.safetensors"
    arrays = files.cached_arrays(path, lambda: convert(packaged_file()))
    ends = np.cumsum(arrays["length"])[:-1]
    return Recordings(
        signals=tuple(np.split(arrays["signal"], ends)),
        labels=tuple(np.full(n, y) for n, y in zip(arrays["length"], arrays["label"], strict=True)),
        subjects=arrays["subject"],
        rate=RATE,
        channels=CHANNELS,
        units=UNITS,
        classes=CLASSES,
        placement=arrays["side"],
        placements=SIDES,
    )

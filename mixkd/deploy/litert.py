"""A student as LiteRT (TensorFlow Lite), for Android and microcontrollers.

Google's converter runs as a process in an environment of its own, `make litert`: it needs an older typing-extensions
than the book, and jax and transformers (2 GB).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from mixkd.deploy.folded import folded
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError, short
from mixkd.files import CHECKOUT

ENGINE = CHECKOUT / ".venv-litert" / "bin" / "python"
CONVERTER = CHECKOUT / "workflow" / "to_litert.py"


def run(*words: Path | str) -> None:
    """The converter's script, on some files. Raises MixkdError where its environment is missing, or when it fails."""
    if not ENGINE.is_file():
        raise MixkdError(f"{ENGINE}: found no LiteRT, expected it there; install it with `make litert`")
    done = subprocess.run([ENGINE, CONVERTER, *words], capture_output=True, text=True, errors="replace")
    if done.returncode:
        reason = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise MixkdError(f"LiteRT: found {short(reason[-1])}, expected a converted student; see `make litert`")


def model(student: Student) -> bytes:
    """A model of one window (1, n_channels, n_samples) in physical units; it answers with probabilities (1, n_classes).

    It has no check of units or range, and no thresholds of unknown. Raises MixkdError, see `run` and `folded`.
    """
    net = folded((student.folder / "student.onnx").read_bytes(), str(student.folder / "student.onnx"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "net.npz", n_samples=student.about["window"], **net.arrays())
        run("convert", folder / "net.npz", folder / "student.tflite")
        return (folder / "student.tflite").read_bytes()


def probabilities(model: bytes, windows: np.ndarray) -> np.ndarray:
    """What a model answers on windows (n, n_channels, n_samples): (n, n_classes). Raises MixkdError, see `run`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "student.tflite").write_bytes(model)
        np.save(folder / "windows.npy", windows.astype(np.float32))
        run("answer", folder / "student.tflite", folder / "windows.npy", folder / "answers.npy")
        return np.load(folder / "answers.npy")

"""A student in int8, for small processors: 8-bit weights and activations; and how many bytes weights take.

After Jacob et al. 2018: an affine scale per activation, from its range over calibration windows, and one per output
channel of the weights. Batch normalisation, sums and the mean stay in float32, as ONNX Runtime has no 8-bit form of
all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

MOST = 256  # windows of calibration
BATCH = 32  # windows that are calibrated at a time
QUANTISED = ("Conv", "Gemm")


def quantised(onnx: bytes, windows: np.ndarray) -> bytes:
    """An exported student (`export.to_onnx`) with its convolutions and its head in int8.

    windows: of training, (n, n_channels, n_samples) in physical units, over which the ranges of activations are taken:
    they are static. Dynamic ones, of each window, would have to be computed on the device.
    Activations are signed: unsigned ones overflow in the 16-bit sums of processors without VNNI.
    """
    from onnx import load_model_from_string
    from onnxruntime import quantization as q

    batches = iter(np.array_split(windows, range(BATCH, len(windows), BATCH)))

    class Calibration(q.CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(batches, None)
            return None if batch is None else {"windows": batch}

    with TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "student.onnx"
        q.quantize_static(
            load_model_from_string(onnx),
            str(path),
            Calibration(),
            op_types_to_quantize=list(QUANTISED),
            quant_format=q.QuantFormat.QDQ,
            per_channel=True,
            activation_type=q.QuantType.QInt8,
            weight_type=q.QuantType.QInt8,
        )
        return path.read_bytes()


def calibration(x: np.ndarray) -> np.ndarray:
    """At most MOST of the training windows x (n, n_channels, n_samples), evenly spaced."""
    return x[np.linspace(0, len(x) - 1, min(len(x), MOST)).round().astype(int)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its advice to fold constants first, for larger networks."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def weight_bytes(onnx: bytes) -> int:
    """Bytes of all constants of a network: weights, biases, normalisation and, of int8, scales."""
    from onnx import load_model_from_string, numpy_helper

    return sum(numpy_helper.to_array(constant).nbytes for constant in load_model_from_string(onnx).graph.initializer)

"""Export of a trained student: ONNX, safetensors, and a description of its input and output. `predict.py` runs it.

The exported network takes windows in physical units; normalisation is its first layer.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from mixkd.datasets import dataset
from mixkd.datasets.own.description import UNSTATED
from mixkd.deploy import int8, ranges
from mixkd.deploy.predict import FORMAT
from mixkd.errors import MixkdError
from mixkd.files import atomic_write, canonical_json, pack, sha256
from mixkd.learning import networks
from mixkd.learning.fold_data import FoldData
from mixkd.learning.networks import Network
from mixkd.runs.cost import multiply_adds
from mixkd.runs.single import trained_network
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec

TOLERANCE = 1e-5  # relative difference of logits, ONNX and torch (default chosen here; float32 resolves 1e-7)
SIZES = (1, 2, 7, 256)  # of the batches in which they are compared


class Portable(nn.Module):
    """A network that includes its normalisation: logits (n, n_classes) of windows (n, n_channels, n_samples)."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, net: Network, mean: np.ndarray, std: np.ndarray):
        super().__init__()
        self.net = net.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.register_buffer("mean", torch.from_numpy(mean.reshape(1, -1, 1)))
        self.register_buffer("std", torch.from_numpy(std.reshape(1, -1, 1)))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits (n, n_classes) of windows (n, n_channels, n_samples) in physical units."""
        return self.net(((windows - self.mean) / self.std).unsqueeze(2))


def export(record: RunRecord, data: FoldData, folder: Path) -> dict[str, Any]:
    """Write student.onnx, student.int8.onnx, student.safetensors and student.json; returns the description.

    The description is written last. Raises MixkdError for another task than classification, and if ONNX
    and torch disagree on 256 training windows.
    """
    spec, normalisation = record.spec, data.normalisation
    if spec.modality != "signal":
        raise MixkdError(f"export: found a network of modality {spec.modality}, expected signal: a student")
    if spec.task != "classification":
        raise MixkdError(f"export: found a network trained for {spec.task}, expected classification: `predict` labels")
    portable = Portable(trained_network(record, data), normalisation.mean, normalisation.std)
    x = int8.calibration(data.splits["train"].x)
    onnx = to_onnx(portable, x[:2])
    gap = agreement(portable, onnx, x)
    weights = pack({name: tensor.numpy() for name, tensor in portable.state_dict().items()})
    small = int8.quantised(onnx, x)
    files = {"student.onnx": onnx, "student.int8.onnx": small, "student.safetensors": weights}
    about = {
        **description(spec, data, portable.net),
        "files": {name: sha256(content) for name, content in files.items()},
    }
    about |= {"onnx_gap": gap, "onnx_bytes": len(onnx), "int8_bytes": len(small)}
    for name, content in files.items():
        atomic_write(folder / name, content)
    atomic_write(folder / "student.json", canonical_json(about) + b"\n")
    return about


def description(spec: RunSpec, data: FoldData, net: Network) -> dict[str, Any]:
    """Input, output and cost of the student, as plain data."""
    entry = dataset(spec.dataset)
    recordings = entry.load()
    n_channels, n_samples = data.splits["train"].x.shape[1:]
    return {
        "format": FORMAT,
        "channels": list(recordings.channels),
        "units": list(recordings.units),
        "rate": recordings.rate,
        "window": n_samples,
        "classes": list(recordings.classes),
        "reading": entry.reading or UNSTATED,
        "mean": data.normalisation.mean.tolist(),
        "std": data.normalisation.std.tolist(),
        "training": ranges.fit(data.splits["train"].x, recordings.units),
        "network": f"WRN{spec.depth}-{spec.width}",
        "parameters": networks.n_parameters(net),
        "multiply_adds": multiply_adds(
            spec.modality,
            spec.depth,
            spec.width,
            (n_channels, n_samples),
            n_classes=data.n_outputs,
            head=spec.network.head,
        ),
        "spec": spec.as_dict(),
    }


def to_onnx(portable: Portable, x: np.ndarray) -> bytes:
    """The network as one ONNX file for any number of windows; x: an example, (n, n_channels, n_samples)."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch's own exporter
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns about torchvision, which is not needed
        path = Path(folder) / "student.onnx"
        torch.onnx.export(
            portable.eval(),
            (torch.from_numpy(x),),
            str(path),
            input_names=["windows"],
            output_names=["logits"],
            dynamic_shapes={"windows": {0: torch.export.Dim("n", min=1)}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return _without_traces(path.read_bytes())


def _without_traces(onnx: bytes) -> bytes:
    """Without the exporter's notes on every layer: a quarter of the file, with paths of this machine."""
    from onnx import load_model_from_string

    model = load_model_from_string(onnx)
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    return model.SerializeToString()


def agreement(portable: Portable, onnx: bytes, x: np.ndarray) -> float:
    """Largest difference between the logits of ONNX, in batches of several sizes, and torch.

    x: windows (n, n_channels, n_samples). The difference is relative to the largest logit, or to 1 if all are smaller.
    Raises MixkdError above TOLERANCE, or if a label differs.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = portable(torch.from_numpy(x)).numpy()
    scale, worst = max(float(np.abs(expected).max()), 1.0), 0.0
    for size in SIZES:
        batches = np.array_split(x, range(size, len(x), size))
        actual = np.concatenate([session.run(None, {"windows": batch})[0] for batch in batches])
        gap, differ = (
            float(np.abs(actual - expected).max()) / scale,
            int((actual.argmax(1) != expected.argmax(1)).sum()),
        )
        if differ or not gap <= TOLERANCE:
            found_here = f"ONNX logits {gap:.2g} of their size away from torch and {differ} other labels"
            raise MixkdError(
                f"export: found {found_here} in batches of {size}, expected at most {TOLERANCE:g} and none"
            )
        worst = max(worst, gap)
    return worst

"""The arithmetic of an exported student as plain arrays, for a forward pass without a library (C, JavaScript).

Read from student.onnx, with onnx and numpy alone. Batch normalisation that follows a convolution is part of its weights
and bias; one that reads a sum of a residual block is a scale and a shift per channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixkd.errors import MixkdError

STUDENT = "the layers of a plain WideResNet of width 1, which `mixkd distill` exports"


@dataclass(frozen=True)
class Block:
    """ReLU(scale * x + shift), convolution, ReLU, convolution; plus x, or the strided shortcut of the first ReLU."""

    scale: np.ndarray  # (n_in,)
    shift: np.ndarray  # (n_in,)
    first: np.ndarray  # (n_out, 3, n_in)
    bias: np.ndarray  # (n_out,), of the first convolution
    second: np.ndarray  # (n_out, 3, n_out)
    shortcut: np.ndarray | None  # (n_out, n_in), where the width doubles

    @property
    def stride(self) -> int:
        """Samples from one output to the next."""
        return 1 if self.shortcut is None else 2

    @property
    def widths(self) -> tuple[int, int]:
        """n_in and n_out."""
        return len(self.scale), len(self.bias)


@dataclass(frozen=True)
class Folded:
    """A WideResNet for windows (n_samples, n_channels) in physical units; all arrays are float32."""

    mean: np.ndarray  # (n_channels,)
    std: np.ndarray  # (n_channels,)
    stem: np.ndarray  # (n_out, 3, n_channels)
    blocks: tuple[Block, ...]
    scale: np.ndarray  # (n_features,), before the mean over time
    shift: np.ndarray  # (n_features,)
    head: np.ndarray  # (n_classes, n_features)
    bias: np.ndarray  # (n_classes,)

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, in the order of their use."""
        named = {"mean": self.mean, "std": self.std, "stem": self.stem}
        for i, block in enumerate(self.blocks):
            names = ("scale", "shift", "first", "bias", "second", "shortcut")
            named |= {f"{name}{i}": getattr(block, name) for name in names if getattr(block, name) is not None}
        return named | {"scale": self.scale, "shift": self.shift, "head": self.head, "bias": self.bias}


def folded(onnx: bytes, name: str = "student.onnx") -> Folded:
    """The network of a student.onnx; name: of the file, for errors. Raises MixkdError for any but a WRN of width 1."""
    from onnx import load_model_from_string, numpy_helper

    graph = load_model_from_string(onnx).graph
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    layers = _layers(graph, values)
    n_blocks = sum(layer.endswith(".conv1") for layer in layers)
    try:
        blocks = tuple(_block(layers, f"net.blocks.{i}") for i in range(n_blocks))
        expected = 3 + sum(3 + (block.shortcut is not None) for block in blocks)
        if len(layers) != expected:
            raise MixkdError(f"{name}: found {len(layers)} layers, expected {expected}: {STUDENT}")
        (stem, _), (scale, shift), (head, bias) = (layers[f"net.{part}"] for part in ("stem", "bn", "head"))
        mean, std = values["mean"].ravel(), values["std"].ravel()
    except KeyError as error:
        raise MixkdError(f"{name}: found no {error.args[0]}, expected {STUDENT}") from error
    return Folded(mean, std, _taps(stem), blocks, scale, shift, head, bias)


def _layers(graph: Any, values: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(weights, bias) of convolutions and the head, (scale, shift) of batch normalisations, by the layer's name."""
    layers = {}
    for node in graph.node:
        name = node.input[1].removesuffix(".weight") if len(node.input) > 1 else ""
        if node.op_type in ("Conv", "Gemm"):
            weight = values[node.input[1]]
            layers[name] = weight, values[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        elif node.op_type == "BatchNormalization":
            gain, offset, mean, variance = (values[part].astype(np.float64) for part in node.input[1:])
            epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
            scale = gain / np.sqrt(variance + epsilon)
            layers[name] = scale.astype(np.float32), (offset - mean * scale).astype(np.float32)
    return layers


def _block(layers: dict[str, tuple[np.ndarray, np.ndarray]], name: str) -> Block:
    scale, shift = layers[f"{name}.bn1"]
    first, bias = layers[f"{name}.conv1"]
    shortcut = layers[f"{name}.shortcut"][0][:, :, 0, 0] if f"{name}.shortcut" in layers else None
    return Block(scale, shift, _taps(first), bias, _taps(layers[f"{name}.conv2"][0]), shortcut)


def _taps(weight: np.ndarray) -> np.ndarray:
    """(n_out, n_in, 1, 3) to (n_out, 3, n_in): products with consecutive samples."""
    return np.ascontiguousarray(weight[:, :, 0].transpose(0, 2, 1))

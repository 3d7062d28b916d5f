"""Run by the environment of LiteRT, see `mixkd.deploy.litert`: it has torch and the converter, and not this package."""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch.nn import functional as F


class Net(torch.nn.Module):
    """The arrays of `folded.Folded`, by the names of its `arrays`, as a module."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        super().__init__()
        self.arrays = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Probabilities (1, n_classes) of a window (1, n_channels, n_samples)."""
        of = self.arrays
        x = self.convolved((x - of["mean"][:, None]) / of["std"][:, None], "stem")
        for i in range(sum(name.startswith("first") for name in of)):
            h = self.rectified(x, f"scale{i}", f"shift{i}")
            halves = f"shortcut{i}" in of
            skip = F.conv1d(h, of[f"shortcut{i}"][:, :, None], stride=2) if halves else x
            h = F.relu(self.convolved(h, f"first{i}", of[f"bias{i}"], 2 if halves else 1))
            x = self.convolved(h, f"second{i}") + skip
        features = self.rectified(x, "scale", "shift").mean(-1)
        return F.linear(features, of["head"], of["bias"]).softmax(1)

    def convolved(self, x: torch.Tensor, name: str, bias: torch.Tensor | None = None, stride: int = 1) -> torch.Tensor:
        """By taps (n_out, 3, n_in)."""
        return F.conv1d(x, self.arrays[name].transpose(1, 2), bias, stride, padding=1)

    def rectified(self, x: torch.Tensor, scale: str, shift: str) -> torch.Tensor:
        """ReLU of a scale and a shift per channel."""
        return F.relu(self.arrays[scale][:, None] * x + self.arrays[shift][:, None])


def convert(arrays: str, target: str) -> None:
    """Write the network of an .npz file as a model."""
    import litert_torch

    named = dict(np.load(arrays))
    shape = (1, len(named["mean"]), int(named.pop("n_samples")))
    litert_torch.convert(Net(named).eval(), (torch.zeros(shape),)).export(target)


def answer(model: str, windows: str, target: str) -> None:
    """Write the answers of a model on windows, one after the other."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for window in np.load(windows):
        interpreter.set_tensor(taken["index"], window[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(given["index"])[0])
    np.save(target, np.array(answers))


if __name__ == "__main__":
    (convert if sys.argv[1] == "convert" else answer)(*sys.argv[2:])

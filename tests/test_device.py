"""The student outside Python: its forward pass in JavaScript and C against ONNX."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from torch import nn

from mixkd.deploy import export, javascript
from mixkd.deploy.folded import folded
from mixkd.deploy.predict import FORMAT, Student
from mixkd.errors import MixkdError
from mixkd.files import sha256
from mixkd.learning.networks import build

NODE = shutil.which("node")
N_CHANNELS, N_SAMPLES, N_CLASSES = 3, 101, 5  # an odd number of samples: strides round up
MEAN, STD = np.array([0.1, -0.2, 9.8], np.float32), np.array([0.5, 2.0, 3.0], np.float32)


def network(width: int = 1) -> nn.Module:
    """A network whose batch normalisations all differ from the identity and whose answers vary."""
    generator = torch.Generator().manual_seed(5)
    net = build("signal", 16, width, n_channels=N_CHANNELS, n_classes=N_CLASSES, generator=generator)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(std=0.3, generator=generator)
    with torch.inference_mode():
        logits = export.Portable(net, MEAN, STD)(torch.from_numpy(windows(200)))
    net.head.bias.data -= logits.mean(0)
    return net


def exported(net: nn.Module, folder) -> Student:
    """The files of a student that other programs read."""
    onnx = export.to_onnx(export.Portable(net, MEAN, STD), windows(2))
    about = {"format": FORMAT, "rate": 50.0, "window": N_SAMPLES, "files": {"student.onnx": sha256(onnx)}}
    about |= {"channels": ["x", "y", "z"], "units": ["g"] * 3, "classes": [f"class {i}" for i in range(N_CLASSES)]}
    folder.mkdir()
    (folder / "student.onnx").write_bytes(onnx)
    (folder / "student.json").write_text(json.dumps(about))
    return Student.load(folder)


def windows(n: int) -> np.ndarray:
    """(n, N_CHANNELS, N_SAMPLES): noise and oscillations of many sizes around gravity."""
    rng = np.random.default_rng(3)
    t = np.arange(N_SAMPLES) / 50
    phase, rate, size = (
        rng.uniform(0, 6, (n, N_CHANNELS, 1)),
        rng.uniform(0.2, 9, (n, 1, 1)),
        rng.exponential(4, (n, 1, 1)),
    )
    x = size * np.sin(2 * np.pi * rate * t + phase) + rng.normal(size=(n, N_CHANNELS, N_SAMPLES))
    return (x + np.array([[0.0], [0.0], [9.8]])).astype(np.float32)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return exported(network(), tmp_path_factory.mktemp("home") / "student")


def rows(x: np.ndarray) -> np.ndarray:
    """Windows sample by sample, a row each: what scripts and C take."""
    return x.transpose(0, 2, 1).reshape(len(x), -1)


def test_a_network_of_another_kind_is_refused(student):
    onnx = (student.folder / "student.onnx").read_bytes()
    for changed, missing in ((b"net.stem.wexght", "net.stem"), (b"nxt.blocks.2.bn1.weight", "net.blocks.2.bn1")):
        original = changed.replace(b"wexght", b"weight").replace(b"nxt", b"net")
        with pytest.raises(
            MixkdError, match=rf"^a\.onnx: found no {missing}, expected the layers of a plain WideResNet"
        ):
            folded(onnx.replace(original, changed), "a.onnx")
    with pytest.raises(MixkdError, match=r"found 23 layers, expected 22: those of a plain WideResNet"):
        folded(onnx.replace(b"net.blocks.4.shortcut.weight", b"net.blocks.4.shxrtcut.weight"))


@pytest.mark.skipif(NODE is None, reason="no node found; Debian: apt-get install nodejs")
def test_javascript_gives_the_probabilities_of_onnx(student, tmp_path):
    x = windows(100)
    (tmp_path / "student.js").write_text(javascript.script(student))
    (tmp_path / "x.json").write_text(json.dumps(rows(x).tolist()))
    code = """
const student = require("./student.js"), x = require("./x.json");
const refused = [[1, 2], new Array(x[0].length).fill(NaN)].map((w) => {
  try { return student.probabilities(w); } catch (error) { return `${error}`; }
});
console.log(JSON.stringify({ p: x.map((w) => student.probabilities(Float32Array.from(w))), refused, ...student }));
"""
    done = subprocess.run([NODE, "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    expected = student.probabilities(x)
    np.testing.assert_allclose(answer["p"], expected, atol=1e-5)
    assert len(set(expected.argmax(1))) >= 3
    assert {name: answer[name] for name in javascript.STATED} == {
        name: student.about[name] for name in javascript.STATED
    }
    assert answer["refused"] == [
        "RangeError: window: found 2 numbers, expected 101 x 3",
        "RangeError: window: found NaN at 0, expected a finite number",
    ]

"""The student outside Python: its forward pass in JavaScript and C against ONNX."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mixkd.deploy import c_header, device, elsewhere, export, javascript, litert, ranges
from mixkd.deploy.elsewhere import COMPILER, NODE
from mixkd.deploy.folded import folded
from mixkd.deploy.predict import FORMAT, Student
from mixkd.errors import MixkdError
from mixkd.files import sha256
from mixkd.learning.networks import build, n_parameters

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
    about |= {
        "channels": ["x", "y", "z"],
        "units": ["g", "g", "m/s²"],
        "classes": ["sit", "walk", "what??/", "run", "Zähne"],
    }
    about |= {"network": "WRN16-1", "multiply_adds": 12345, "training": ranges.fit(windows(300), about["units"])}
    about |= {"unknown": {"threshold": 0.5}}
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


def test_exported_networks_name_no_place_of_this_machine(student):
    """torch's exporter notes the source line of each layer, with its path."""
    onnx = (student.folder / "student.onnx").read_bytes()
    assert b"mixkd" not in onnx
    assert b".py" not in onnx
    assert len(onnx) < 4 * n_parameters(network()) + 20_000


def test_a_network_of_another_kind_is_refused(student):
    onnx = (student.folder / "student.onnx").read_bytes()
    for changed, missing in ((b"net.stem.wexght", "net.stem"), (b"nxt.blocks.2.bn1.weight", "net.blocks.2.bn1")):
        original = changed.replace(b"wexght", b"weight").replace(b"nxt", b"net")
        with pytest.raises(
            MixkdError, match=rf"^a\.onnx: found no {missing}, expected the layers of a plain WideResNet"
        ):
            folded(onnx.replace(original, changed), "a.onnx")
    with pytest.raises(MixkdError, match=r"found 23 layers, expected 22: the layers of a plain WideResNet of width 1"):
        folded(onnx.replace(b"net.blocks.4.shortcut.weight", b"net.blocks.4.shxrtcut.weight"))
    wide = export.to_onnx(export.Portable(network(3), MEAN, STD), windows(2))
    with pytest.raises(
        MixkdError, match=r"found no net.blocks.0.bn1, expected the layers of a plain WideResNet of width 1"
    ):
        folded(wide)


@pytest.mark.skipif(NODE is None, reason="no node found; Debian: apt-get install nodejs")
def test_javascript_gives_the_probabilities_of_onnx(student):
    x = windows(100)
    expected = student.probabilities(x)
    np.testing.assert_allclose(elsewhere.in_javascript(student, x), expected, atol=1e-5)
    assert len(set(expected.argmax(1))) >= 3


@pytest.mark.skipif(NODE is None, reason="no node found; Debian: apt-get install nodejs")
def test_javascript_says_what_it_takes_and_refuses_the_rest(student, tmp_path):
    (tmp_path / "student.js").write_text(javascript.script(student))
    code = """
const student = require("./student.js");
const refused = [[1, 2], new Array(303).fill(NaN)].map((window) => {
  try { return student.probabilities(window); } catch (error) { return `${error}`; }
});
console.log(JSON.stringify({ refused, ...student }));
"""
    done = subprocess.run([NODE, "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert {name: answer[name] for name in javascript.STATED} == {
        name: student.about[name] for name in javascript.STATED
    }
    assert answer["refused"] == [
        "RangeError: window: found 2 numbers, expected 101 x 3",
        "RangeError: window: found NaN at 0, expected a finite number",
    ]


@pytest.mark.skipif(COMPILER is None, reason="no C compiler found; Debian: apt-get install gcc")
def test_c_gives_the_labels_of_predict(student):
    """Of 1,000 windows, some of them unknown, and of broken ones: labels of `predict`, probabilities of ONNX."""
    x = windows(1000)
    x[:40] *= 5
    x[40, 0, 3], x[41, 2, 100] = np.nan, np.inf
    x[42, 1] = 0.3  # a dead sensor
    label, p = elsewhere.in_c(student, x)
    units, training = student.about["units"], student.about["training"]
    with np.errstate(invalid="ignore"):
        unknown = ranges.outside(ranges.statistics(x, units), units, training).any(1)
    assert 40 < unknown.sum() < 100
    assert unknown[40:43].all()
    expected = student.probabilities(x)
    unsure = expected.max(1) < 0.5
    assert 20 < (unsure & ~unknown).sum() < 500
    np.testing.assert_array_equal(label, np.where(unknown | unsure, -1, expected.argmax(1)))
    np.testing.assert_allclose(p, np.where(unknown[:, None], 0, expected), atol=1e-5)


@pytest.mark.skipif(COMPILER is None or not shutil.which("size"), reason="no C compiler or `size` found; Debian: gcc")
def test_the_header_states_what_the_compiler_measures(student, tmp_path):
    (tmp_path / "student.h").write_text(c_header.header(student))
    unit = '#include "student.h"\nint label(const float *x, float *p) { return mixkd_student(x, p); }\n'
    (tmp_path / "unit.c").write_text(unit)
    subprocess.run([COMPILER, "-std=c99", "-Os", "-fstack-usage", "-c", "unit.c"], cwd=tmp_path, check=True)
    sizes = subprocess.run(["size", "unit.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    code_and_constants, initialised, zeroed = map(int, sizes.splitlines()[1].split()[:3])
    needs = c_header.needed_by(student)
    assert needs.flash < code_and_constants < needs.flash + 4096
    assert (initialised, zeroed) == (0, pytest.approx(needs.ram, abs=64))  # alignment
    stack = sum(int(line.split("\t")[1]) for line in (tmp_path / "unit.su").read_text().splitlines())
    assert stack < c_header.STACK
    text = " ".join((tmp_path / "student.h").read_text().split())
    for stated in (f"{needs.flash:,} bytes of weights", f"{needs.ram:,} bytes of static", f"{needs.work:,} multiply"):
        assert stated in text


def test_the_strings_of_c_are_those_of_the_student(student, tmp_path):
    if COMPILER is None:
        pytest.skip("no C compiler found; Debian: apt-get install gcc")
    (tmp_path / "student.h").write_text(c_header.header(student))
    lines = "for (int k = 0; k < MIXKD_CLASSES; k++) puts(mixkd_classes[k]);"
    (tmp_path / "main.c").write_text(
        f'#include <stdio.h>\n#include "student.h"\nint main(void) {{ {lines} return 0; }}\n'
    )
    subprocess.run([COMPILER, "-std=c99", "main.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == student.about["classes"]


def test_the_forms_of_a_ready_student_agree(watch):
    """On windows of `watch`; with the label of ONNX for a class, ONNX and its equals are always right."""
    student = Student.load("watch-shoulder")
    x = np.stack([signal[200:300].T for signal in watch.signals[:40]]).astype(np.float32)
    table = elsewhere.table(student, x, student.probabilities(x).argmax(1))
    exact = [form for form in table.index if form != "ONNX, int8"]
    assert len(exact) == 1 + bool(COMPILER) + bool(NODE) + litert.ENGINE.is_file()
    assert (table.loc[exact, ["accuracy", "same label"]] == 1).all(axis=None)
    assert table.loc[exact, "largest difference"].max() < 1e-5 < table.loc["ONNX, int8", "largest difference"]
    assert table.loc["ONNX, int8", "accuracy"] == table.loc["ONNX, int8", "same label"]


def test_export_by_command(student, mixkd, tmp_path):
    folder = str(student.folder)
    assert mixkd("export", folder, "--to", "c") == (0, "student.h\n", "")
    assert (tmp_path / "student.h").read_text() == c_header.header(student)
    assert mixkd("export", folder, "--to", "js", "-o", "page.js") == (0, "page.js\n", "")
    assert (tmp_path / "page.js").read_text() == javascript.script(student)
    status, _, error = mixkd("export", "nowhere", "--to", "c", "-o", "none.h")
    assert (status, error.count("\n"), (tmp_path / "none.h").exists()) == (1, 1, False)
    assert "nowhere/student.json: No such file or directory, expected a student" in error


# -- LiteRT


@pytest.mark.skipif(not litert.ENGINE.is_file(), reason="no LiteRT: `make litert` installs it")
def test_litert_gives_the_probabilities_of_onnx(student, mixkd, tmp_path):
    status, _, error = mixkd("export", str(student.folder), "--to", "litert")
    assert status == 0, error
    x = windows(100)
    answers = litert.probabilities((tmp_path / "student.tflite").read_bytes(), x)
    np.testing.assert_allclose(answers, student.probabilities(x), atol=1e-5)


def test_without_litert_the_way_on_is_told(student, mixkd, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "ENGINE", tmp_path / "python")
    status, _, error = mixkd("export", str(student.folder), "--to", "litert")
    assert (status, error.count("\n")) == (1, 1)
    assert "found no LiteRT, expected it there; install it with `make litert`" in error
    assert not (tmp_path / "student.tflite").exists()


def test_what_the_converter_says_is_one_line(student, mixkd, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "ENGINE", Path(sys.executable))  # which has no converter
    status, _, error = mixkd("export", str(student.folder), "--to", "litert")
    assert (status, error.count("\n")) == (1, 1)
    assert "LiteRT: found ModuleNotFoundError: No module named 'litert_torch'" in error
    assert not (tmp_path / "student.tflite").exists()


@pytest.mark.parametrize(
    ("difference", "text"), [(0.0, "0"), (8e-7, "below 0.00001"), (0.00025, "0.00025"), (0.1987, "0.20")]
)
def test_differences_have_no_exponent(difference, text):
    assert device.plain(difference) == text

"""A student for pages: its weights as JSON, and one script file with the forward pass of student.js, for file://."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import Any

import numpy as np

from mixkd.deploy.folded import folded
from mixkd.deploy.predict import Student

STATED = ("channels", "units", "rate", "window", "classes")  # of student.json


def source() -> str:
    """The text of student.js: the function MixkdStudent."""
    return (resources.files("mixkd.deploy") / "student.js").read_text(encoding="utf-8")


def data(student: Student) -> dict[str, Any]:
    """What MixkdStudent takes, as plain data: input, classes, widths of the blocks, and weights.

    weights: base64 of little-endian float32, the arrays of `Folded.arrays` one after another. About a third of a
    megabyte for the student of the paper.
    """
    net = folded((student.folder / "student.onnx").read_bytes(), str(student.folder / "student.onnx"))
    weights = np.concatenate([array.ravel() for array in net.arrays().values()]).astype("<f4")
    return {
        **{name: student.about[name] for name in STATED},
        "stem": len(net.stem),
        "blocks": [list(block.widths) for block in net.blocks],
        "weights": base64.b64encode(weights.tobytes()).decode(),
    }


def script(student: Student, name: str = "student") -> str:
    """A script that needs nothing else: student.js and, under `name`, the student itself."""
    text = json.dumps(data(student), allow_nan=False)
    return f"""{source()}
const {name} = MixkdStudent({text});
if (typeof module !== "undefined") module.exports = {name};
"""

"""A student as C, JavaScript and LiteRT, run on this machine: what a chapter and the tests compare with ONNX."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from mixkd.deploy import c_header, javascript, litert
from mixkd.deploy.predict import Student, session_of

COMPILER = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
NODE = shutil.which("node")
FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
MAIN_C = r"""
#include <stdio.h>
#include "student.h"

int main(void)
{
    static float window[MIXKD_SAMPLES * MIXKD_CHANNELS], p[MIXKD_CLASSES];
    while (fread(window, sizeof window, 1, stdin) == 1) {
        printf("%d", mixkd_student(window, p));
        for (int k = 0; k < MIXKD_CLASSES; k++)
            printf(" %.9g", (double)p[k]);
        printf("\n");
    }
    return 0;
}
"""
MAIN_JS = """
const student = require("./student.js"), windows = require("./windows.json");
console.log(JSON.stringify(windows.map((window) => student.probabilities(window))));
"""


def rows(windows: np.ndarray) -> np.ndarray:
    """Windows (n, n_channels, n_samples) as C and JavaScript take them: sample by sample, a row each, float32."""
    return np.ascontiguousarray(windows.transpose(0, 2, 1), np.float32).reshape(len(windows), -1)


def in_c(student: Student, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes (n,), -1 for unknown, and probabilities (n, n_classes) of windows (n, n_channels, n_samples), compiled.

    Needs COMPILER; warnings are errors.
    """
    with TemporaryDirectory() as folder:
        (Path(folder) / "student.h").write_text(c_header.header(student), encoding="ascii")
        (Path(folder) / "main.c").write_text(MAIN_C, encoding="ascii")
        subprocess.run([str(COMPILER), *FLAGS, "main.c", "-o", "main", "-lm"], cwd=folder, check=True)
        done = subprocess.run([f"{folder}/main"], input=rows(windows).tobytes(), capture_output=True, check=True)
    answer = np.array([line.split() for line in done.stdout.splitlines()], float)
    return answer[:, 0].astype(int), answer[:, 1:]


def in_javascript(student: Student, windows: np.ndarray) -> np.ndarray:
    """Probabilities (n, n_classes) of windows (n, n_channels, n_samples) in node. Needs NODE."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "student.js").write_text(javascript.script(student), encoding="utf-8")
        (Path(folder) / "windows.json").write_text(json.dumps(rows(windows).tolist()))
        done = subprocess.run([str(NODE), "-e", MAIN_JS], cwd=folder, capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout))


def table(student: Student, windows: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Every form of a student against ONNX in float32, as far as this machine can run it, a row each.

    On windows (n, n_channels, n_samples) of classes y (n,), none of them unknown: accuracy and share of equal labels
    (0 to 1), largest difference of a probability.
    """
    exact = student.probabilities(windows)
    forms = {"ONNX, float32": exact, "ONNX, int8": _int8(student, windows)}
    if COMPILER:
        forms["C, float32"] = in_c(student, windows)[1]
    if NODE:
        forms["JavaScript"] = in_javascript(student, windows)
    if litert.ENGINE.is_file():
        forms["LiteRT"] = litert.probabilities(litert.model(student), windows)
    return pd.DataFrame(
        {
            form: {
                "accuracy": float((p.argmax(1) == y).mean()),
                "same label": float((p.argmax(1) == exact.argmax(1)).mean()),
                "largest difference": float(np.abs(p - exact).max()),
            }
            for form, p in forms.items()
        }
    ).T


def _int8(student: Student, windows: np.ndarray) -> np.ndarray:
    session = session_of((student.folder / "student.int8.onnx").read_bytes())
    logits = session.run(None, {"windows": windows})[0]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)

"""What the student weighs and takes in int8, and what that costs in accuracy: `python -m benchmarks.int8`.

Students whose weights are published, of the first fold, on its held-out people; calibrated on 256 training windows.
Times are of ONNX Runtime on one thread, float32 and int8 in turn; memory is that of a process of its own. Data sets
whose recordings are not here are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from benchmarks import as_worker, measure, ratio, show, write
from mixkd.analysis.contrasts import CAMPAIGNS
from mixkd.deploy import device
from mixkd.deploy.int8 import MOST, weight_bytes
from mixkd.learning.fold_data import fold_data
from mixkd.runs.cost import largest_activation, multiply_adds
from mixkd.runs.published import Published
from mixkd.runs.store import RunRecord
from mixkd.specs.run import Mixup, RunSpec
from mixkd.studies import Scope, bases, taught
from mixkd.studies.inventory import here

BATCH, ROUNDS = 64, 9

PROCESS = """
import json, pathlib, re, sys
import numpy as np, onnxruntime

def peak():  # Linux
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) * 1024

window, before = np.load(sys.argv[2]), peak()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
onnxruntime.InferenceSession(sys.argv[1], options).run(None, {"windows": window})
print(json.dumps([before, peak()]))
"""


def students(base: RunSpec) -> dict[str, RunSpec]:
    both = taught(base, "both")
    return {
        "labels": base,
        "signal teacher": taught(base, "signal"),
        "both teachers": both,
        "both teachers, mixup": taught(base, "both", mixup=Mixup()),
    }


def session(onnx: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def published(spec: RunSpec) -> RunRecord:
    record = Published().get(spec)
    assert record, f"{spec.name} is not published"
    return record


def memory(onnx: bytes, x: np.ndarray) -> dict[str, float]:
    """Largest memory of a process that labels one window, and what it was before the student was loaded."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("student.onnx", "window.npy")]
        Path(files[0]).write_bytes(onnx)
        np.save(files[1], x[:1])
        done = subprocess.run([sys.executable, "-c", PROCESS, *files], capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    return {"process_megabytes": after / 1e6, "added_megabytes": (after - before) / 1e6}


def sizes(forms: dict[str, bytes], x: np.ndarray, n_classes: int) -> list[dict[str, Any]]:
    """A row per form of the student: bytes, times, memory."""
    functions: dict[tuple[str, int], Callable[[], object]] = {}
    for form, onnx in forms.items():
        for n in (1, BATCH):
            functions[form, n] = partial(session(onnx).run, None, {"windows": x[:n]})
    times = measure(functions, ROUNDS)
    shape = x.shape[1:]
    numbers = largest_activation("signal", 1, shape)
    return [
        {
            "form": form,
            "file_bytes": len(onnx),
            "weight_bytes": weight_bytes(onnx),
            "activation_bytes": numbers * (4 if form == "float32" else 1),
            "multiply_adds": multiply_adds("signal", 16, 1, shape, n_classes=n_classes),
            "one_ms": 1e3 * median(times[form, 1]),
            "one_over_float32": ratio(times[form, 1], times["float32", 1]),
            "batch_over_float32": ratio(times[form, BATCH], times["float32", BATCH]),
            **memory(onnx, x),
        }
        for form, onnx in forms.items()
    ]


def main() -> None:
    as_worker()
    rows: list[dict[str, Any]] = []
    weighed: list[dict[str, Any]] = []
    for name in (name for name in CAMPAIGNS if name in here()):
        base = next(bases(Scope(name, "full")))
        data = fold_data(base.data)
        for what, spec in students(base).items():
            forms = dict(zip(("float32", "int8"), device.forms(published(spec), data), strict=True))
            own = device.scores(forms["float32"], forms["int8"], data).to_dict("records")
            rows += [{"dataset": name, "student": what, **row} for row in own]
            if name == CAMPAIGNS[0] and what == "signal teacher":
                weighed = sizes(forms, data.splits["test"].x, data.n_outputs)
    show("Accuracy of students in float32 and int8, held-out people", rows)
    show("The student of a signal teacher, in both forms", weighed)
    write("int8", {"accuracy": rows, "sizes": weighed, "batch": BATCH, "rounds": ROUNDS, "calibrated": MOST})


if __name__ == "__main__":
    main()

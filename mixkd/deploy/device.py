"""What a student needs on a device, and what int8 changes on people who did not train it: numbers and sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mixkd.deploy import c_header, export, int8
from mixkd.deploy.predict import Student, session_of
from mixkd.learning.fold_data import FoldData, fold_data
from mixkd.runs.single import trained_network
from mixkd.runs.store import RunRecord


def forms(record: RunRecord, data: FoldData) -> tuple[bytes, bytes]:
    """A trained student as ONNX in float32 and in int8, calibrated on training windows."""
    net = export.Portable(trained_network(record, data), data.normalisation.mean, data.normalisation.std)
    onnx = export.to_onnx(net, data.splits["train"].x[:2])
    return onnx, int8.quantised(onnx, int8.calibration(data.splits["train"].x))


def scores(exact: bytes, rounded: bytes, data: FoldData) -> pd.DataFrame:
    """A row per held-out person: windows, accuracy (0 to 1) in float32 and int8, share of windows with the same label.

    exact, rounded: the two `forms`
    """
    test = data.splits["test"]
    by = [session_of(onnx).run(None, {"windows": test.x})[0].argmax(axis=1) for onnx in (exact, rounded)]
    right = {"float32": by[0] == test.y, "int8": by[1] == test.y, "same_label": by[0] == by[1]}
    table = pd.DataFrame({"subject": test.subject, "windows": 1, **right}).groupby("subject", as_index=False)
    return table.agg({"windows": "sum", **dict.fromkeys(right, "mean")})


def unseen(students: Sequence[RunRecord]) -> pd.DataFrame:
    """`scores` of the students of all folds, of one seed, on the people held out from each."""
    one = [record for record in students if record.spec.seed == students[0].spec.seed]
    parts = []
    for record in one:
        data = fold_data(record.spec.data)
        parts.append(scores(*forms(record, data), data))
    return pd.concat(parts, ignore_index=True)


def in_int8(people: pd.DataFrame | None) -> str:
    """Sentence on `unseen`: mean over people."""
    if people is None:
        return "What int8 changes was not measured: the weights of published students are not kept."
    exact, rounded, same = (100 * people[name].mean() for name in ("float32", "int8", "same_label"))
    worst = 100 * (people["int8"] - people["float32"]).min()
    over = f"mean over {len(people)} people; worst person {worst:+.1f} points" if len(people) > 1 else "one person"
    return (
        f"In int8 {same:.1f} % of the windows of people who did not train keep their label; accuracy is "
        f"{rounded:.1f} % in place of {exact:.1f} % ({over})."
    )


def needs(student: Student) -> str:
    """Sentence on the student in C and in int8: flash, RAM, multiply-adds."""
    about, in_c = student.about, c_header.needed_by(student)
    return (
        f"In C (`mixkd export`, float32) it needs {in_c.flash / 1000:.0f} kB of flash for constants, "
        f"{in_c.ram / 1000:.1f} kB of RAM and {in_c.work / 1e6:.1f} million multiply-adds for a window of "
        f"{about['window'] / about['rate']:g} s; student.int8.onnx has {about['int8_bytes'] / 1000:.0f} kB."
    )


def plain(difference: float) -> str:
    """A difference of probabilities without an exponent."""
    if difference and difference < 1e-5:
        return "below 0.00001"
    return f"{difference:.{2 if difference >= 0.01 else 5}f}" if difference else "0"


def answer(table: pd.DataFrame, away: np.ndarray, n_compared: int) -> dict[str, float]:
    """What the text of a chapter states: table of `elsewhere`, of some windows; away: (n,), which lie out of range."""
    return {
        "device_windows": len(away),
        "device_compared": n_compared,
        "device_unknown": int(away.sum()),
        "device_same": 100 * float(table.loc["ONNX, int8", "same label"]),
    }

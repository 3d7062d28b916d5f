"""What explorables show, as plain data: windows, logits of teachers, a student, the line between two."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mixkd.analysis import landscape
from mixkd.datasets import dataset
from mixkd.deploy import export, javascript
from mixkd.deploy.predict import Student
from mixkd.learning.fold_data import fold_data
from mixkd.learning.probes import evenly
from mixkd.runs.store import RunRecord
from mixkd.specs.run import ImageSpec, Mixup
from mixkd.studies import Scope, bases
from mixkd.studies.bases import MODALITIES, taught
from mixkd.studies.designs import ALPHAS, PARTIAL_SHARES, TEMPERATURES, four_cases
from mixkd.studies.scope import DEFAULT_ALPHA
from mixkd.studies.tables import describe
from mixkd.topology import Grid

N_CHANNELS = 3  # of a window, at most
LIVELY = 0.9  # of the windows of a class, one with more persistence than this share of them is shown


def packed(array: np.ndarray) -> str:
    """The bytes of an array, in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def windows(scope: Scope, records: Sequence[RunRecord]) -> dict[str, Any]:
    """A training window of each class with the grids of its images: signals (n_channels, n_samples) float32."""
    recordings, base = dataset(scope.dataset).load(), next(bases(scope))
    data, n_channels = fold_data(base.data), min(N_CHANNELS, len(recordings.channels))
    part, diagrams = data.splits["train"], data.diagrams["train"]
    grid, ends = Grid.fit(diagrams, ImageSpec()), diagrams.offsets[:: diagrams.n_channels]
    total = np.array([np.diff(diagrams.points[a:b]).sum() for a, b in pairwise(ends)])
    chosen = []
    for label, name in enumerate(recordings.classes):
        rows = np.flatnonzero(part.y == label)
        if len(rows):
            row = rows[np.argsort(total[rows])[int(LIVELY * (len(rows) - 1))]]
            chosen.append({"label": name, "signals": [packed(x.astype("<f4")) for x in part.x[row, :n_channels]]})
    names = list(zip(recordings.channels, recordings.units, strict=True))[:n_channels]
    edges = list(zip(grid.birth.tolist(), grid.persistence.tolist(), strict=True))[:n_channels]
    return {
        "windows": chosen,
        "channels": [{"name": name, "unit": unit} for name, unit in names],
        "grids": [{"birth": birth, "top": top} for birth, top in edges],
        "rate": recordings.rate,
        "n": grid.spec.resolution,
        "spread": grid.spec.spread,
    }


MIXUPS = (None, *(Mixup(alpha) for alpha in ALPHAS), *(Mixup(DEFAULT_ALPHA, share) for share in PARTIAL_SHARES))
N_WINDOWS = 10  # of each held-out person whose logits are shown
FINE = 200  # steps of a logit in a nat


def softening(scope: Scope, records: Sequence[RunRecord]) -> dict[str, Any]:
    """Logits of trained teachers for held-out windows of the first seed, and the scores of their measured students.

    logits: how far below the largest of their window, in steps, (n_windows, n_classes) int16 in base64
    """
    of = {record.spec: record for record in records}
    folds = [base for base in bases(scope) if base.seed == scope.seed][:10]
    classes, truth, teachers = dataset(scope.dataset).load().classes, [], []
    for base in folds:
        y = fold_data(base.data).splits["test"].y
        truth += y[evenly(len(y), N_WINDOWS)].tolist()
    for modality, mixup in product(MODALITIES, MIXUPS):
        runs = [of.get(taught(base, modality, mixup).teacher_runs[0]) for base in folds]
        if None in runs:
            continue
        logits = [run.arrays["test_logits"] for run in runs if run]
        rows = np.concatenate([z[evenly(len(z), N_WINDOWS)] for z in logits])
        steps = np.rint(FINE * (rows - rows.max(axis=1, keepdims=True))).clip(-32768, 0).astype("<i2")
        students = []
        for temperature in TEMPERATURES:
            taught_by = [of.get(taught(base, modality, mixup, temperature=temperature)) for base in folds]
            scored = [run.metrics() for run in taught_by if run]
            if len(scored) == len(folds):
                means = {name: float(np.mean([one[name] for one in scored])) for name in ("accuracy", "nll")}
                students.append({"temperature": temperature, **means})
        words = "no mixup" if mixup is None else f"mixup, α = {mixup.alpha:g}, {100 * mixup.share:.0f} % of each batch"
        teachers.append({"modality": modality, "mixup": words, "logits": packed(steps), "students": students})
    about = {"classes": classes, "truth": truth, "fine": FINE, "people": len(folds)}
    return about | {"teachers": teachers}


SECONDS = 12  # of a held-out recording


def student(scope: Scope, records: Sequence[RunRecord]) -> dict[str, Any]:
    """What a student reads and, `later`, its network and a stretch of each class by a person it never saw.

    samples: (n_samples, n_channels) int16 in base64, in steps of `scale` of each channel
    """
    base, of = next(bases(scope)), {record.spec: record for record in records}
    both, data = taught(base, "both"), fold_data(base.data)
    record = next(of[spec] for spec in (replace(both, init="scratch"), both, base) if spec in of)
    with TemporaryDirectory() as name:
        export.export(record, data, Path(name))
        network = javascript.data(Student.load(Path(name)))
    recordings, chosen = dataset(scope.dataset).load(), []
    for label, text in enumerate(recordings.classes):
        for who, y, x in zip(recordings.subjects, recordings.labels, recordings.signals, strict=True):
            rows = np.flatnonzero(y == label)
            if who in data.fold.test and len(rows) >= 2 * network["window"]:
                stretch = x[rows[0] : rows[-1] + 1][: int(SECONDS * recordings.rate)]
                scale = np.abs(stretch).max(axis=0) / 32767 + 1e-9
                samples = packed(np.rint(stretch / scale).astype("<i2"))
                chosen.append({"label": text, "samples": samples, "scale": scale.tolist()})
                break
    about = {name: network[name] for name in javascript.STATED} | {"person": recordings.person(data.fold.test[0])}
    later = {"student": network, "recordings": chosen}
    return about | {"megabytes": round(len(json.dumps(later)) / 1e6, 1), "later": {"network": later}}


AT = np.array([-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5])  # places on the line between two students


def surface(scope: Scope, records: Sequence[RunRecord]) -> dict[str, Any]:
    """Loss and accuracy on the lines from the student of two plain teachers to its three cases with mixup."""
    base, of = next(bases(scope)), {record.spec: record for record in records}
    data = fold_data(base.data)
    plain, *others = [of[run] for run in four_cases(base, scope.alpha) if len(run.teachers) == 2]
    lines = []
    for other in others:
        measured = landscape.line(plain, other, data, AT)
        values: dict[str, dict[str, Any]] = {}
        for (batchnorm, split), part in measured.groupby(["batchnorm", "split"]):
            scores = {name: [None if np.isnan(v) else v for v in part[name]] for name in ("loss", "accuracy")}
            values.setdefault(batchnorm, {})[split] = scores
        lines.append({"to": describe(other.spec)["case"], "values": values})
    return {"at": AT.tolist(), "lines": lines, "person": dataset(scope.dataset).load().person(data.fold.test[0])}

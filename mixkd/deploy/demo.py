"""The first success: a published student labels recordings of a person it never saw, as one page that needs no network.

Nothing is trained. The student is exported on the way, so `mixkd predict` can use it afterwards.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from mixkd import figures, studies, topology
from mixkd.datasets import Recordings, dataset
from mixkd.deploy import batch, in_use, predict
from mixkd.deploy.export import export
from mixkd.errors import MixkdError
from mixkd.figures import style, timeline
from mixkd.files import atomic_write
from mixkd.learning.fold_data import FoldData, fold_data
from mixkd.runs.published import Published
from mixkd.runs.store import RunRecord
from mixkd.specs.parts import ImageSpec
from mixkd.studies import Scope, taught

SECONDS = 24  # of each activity that are shown
EXERCISES = {  # of the shoulder, as the data set abbreviates them (Burns et al. 2018)
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "forward elevation",
    "IR": "internal rotation",
    "ER": "external rotation",
    "TRAP": "trapezius extension",
    "ROW": "upright row",
}
CHANNEL = 0  # whose persistence image is drawn


def student() -> RunRecord:
    """The published student of a signal and an image teacher, with its weights. Raises MixkdError without it."""
    base = next(studies.bases(Scope("watch", "full")))
    record = Published().get(taught(base, "both"))
    if record is None:
        raise MixkdError("demo: found no published student in results/, expected a clone of the repository with it")
    return record


def recording(recordings: Recordings, subject: int) -> tuple[np.ndarray, np.ndarray]:
    """SECONDS of each activity of one person, one after the other: (n_samples, n_channels) and labels (n_samples,)."""
    parts, seen = [], set()
    for signal, labels in in_use.joined(recordings, [subject]):
        if (label := int(labels[0])) not in seen:
            seen.add(label)
            n = min(len(signal), round(SECONDS * recordings.rate))
            parts.append((signal[:n], labels[:n]))
    return np.concatenate([signal for signal, _ in parts]), np.concatenate([labels for _, labels in parts])


def run(folder: Path, say: Callable[[str], None]) -> Path:
    """Export the student, label the recording, write the page; returns it, `folder`/index.html."""
    record = student()
    data = fold_data(record.spec.data)
    recordings, (subject, *_) = dataset(record.spec.dataset).load(), data.fold.test
    export(record, data, folder / "student")
    made = predict.Student.load(folder / "student")
    signal, labels = recording(recordings, subject)
    rows, _ = predict.label(made, [(0.0, signal)])
    right = accuracy(rows, labels, recordings)
    outcome = f"{right:.0%} of {len(rows)} windows of person {subject} are labelled right"
    say(f"{outcome}; the network was trained on {len(data.fold.train)} others")
    timeline.plot(made.about, [(0.0, signal)], rows, folder / "labels.png")
    batch.write(rows, folder / "labels.csv")
    pictures = {"labels": (folder / "labels.png").read_bytes(), **topological(data, signal, recordings)}
    page = PAGE.format(
        outcome=html.escape(outcome),
        truth=html.escape(", then ".join(f"{EXERCISES[name]} ({name})" for name in order(labels, recordings))),
        channels=html.escape(", ".join(made.about["channels"])),
        parameters=f"{made.about['parameters']:,}",
        n_train=len(data.fold.train),
        subject=subject,
        **{name: base64.b64encode(raw).decode() for name, raw in pictures.items()},
    )
    atomic_write(folder / "index.html", page.encode())
    return folder / "index.html"


def accuracy(rows: list[dict], labels: np.ndarray, recordings: Recordings) -> float:
    """Share of labelled windows whose label is that of most of their samples, of labels (n_samples,)."""
    right = 0
    for row in rows:
        first, last = (round(row[end] * recordings.rate) for end in ("start_s", "end_s"))
        most = int(np.bincount(labels[first:last]).argmax())
        right += row["label"] == recordings.classes[most]
    return right / len(rows)


def order(labels: np.ndarray, recordings: Recordings) -> list[str]:
    """Names of the activities in the order in which they were done, of labels (n_samples,)."""
    changes = [int(labels[0]), *(int(after) for before, after in pairwise(labels) if before != after)]
    return [recordings.classes[label] for label in changes]


def topological(data: FoldData, signal: np.ndarray, recordings: Recordings) -> dict[str, bytes]:
    """PNG of the pairs and of the persistence image of the first window of signal (n_samples, n_channels)."""
    n = data.splits["train"].x.shape[2]
    window = np.ascontiguousarray(signal[None, :n].transpose(0, 2, 1), np.float32)
    own, unit = topology.diagrams(window), recordings.units[CHANNEL]
    grid = topology.Grid.fit(topology.diagrams(data.splits["train"].x[::10]), ImageSpec(32))
    image = topology.images(own, grid)[0, CHANNEL]
    diagram, lowest = own.of(0, CHANNEL), own.essential[0, CHANNEL]
    pairs = figures.pairs(window[0, CHANNEL], diagram, essential=lowest, rate=recordings.rate, unit=unit)
    drawn = figures.from_diagram_to_image(diagram, image, grid, channel=CHANNEL, unit=unit)
    return {"pairs": style.png(pairs), "image": style.png(drawn)}


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>A student at work</title>
<style>
body{{font:17px/1.6 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}}
img{{max-width:100%;height:auto}} figure{{margin:1.5rem 0}} figcaption{{color:#555;font-size:.9em}}</style>
<h1>A student at work</h1>
<p>A network of {parameters} parameters, taught by a signal teacher and an image teacher, reads a smartwatch.
It was trained on {n_train} people; person {subject} was not among them. <strong>{outcome}.</strong></p>
<figure><img src="data:image/png;base64,{labels}" alt="The recording in the colours of its labels. {outcome}.">
<figcaption>Its labels. Done in truth: {truth}.</figcaption></figure>
<h2>What the image teacher saw</h2>
<figure><img src="data:image/png;base64,{pairs}" alt="The first window of the recording with its most persistent
valleys, beside the same as points of birth and death.">
<figcaption>The valleys of the first two seconds: each is a pair of birth and death.</figcaption></figure>
<figure><img src="data:image/png;base64,{image}" alt="The pairs on a grid, and blurred to a persistence image.">
<figcaption>The pairs as a persistence image. Only the teacher sees it; the student reads the signal.</figcaption>
</figure>
<h2>Next</h2>
<p>The labels are in <code>labels.csv</code>, the student in <code>student/</code>. Label a file of your own with its
channels ({channels}): <code>mixkd predict student new.csv</code>. Build the book: <code>make book</code>.</p>
</html>
"""

"""The demo: a published student on a person it never saw, as one page without network."""

from __future__ import annotations

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup

from mixkd.datasets import dataset
from mixkd.deploy import demo, in_use
from mixkd.learning.fold_data import fold_data


def test_the_demo_labels_a_person_it_never_saw(mixkd, tmp_path):
    status, out, err = mixkd("demo", "-o", "first")
    assert (status, err) == (0, "")
    spec = demo.student().spec
    data, recordings = fold_data(spec.data), dataset("watch").load()
    (subject,) = data.fold.test
    assert subject not in data.fold.train
    signal, labels = demo.recording(recordings, subject)
    assert len(signal) == len(labels)
    assert set(labels) == set(range(len(recordings.classes)))
    rows = pd.read_csv(tmp_path / "first" / "labels.csv")
    truth = [
        recordings.classes[np.bincount(labels[round(50 * a) : round(50 * b)]).argmax()]
        for a, b in rows.to_numpy()[:, :2]
    ]
    right = float((rows["label"] == truth).mean())
    assert right > 0.7
    assert f"{right:.0%} of {len(rows)} windows of person {subject}" in out
    page = BeautifulSoup((tmp_path / "first" / "index.html").read_text(), "html.parser")
    assert f"{right:.0%} of {len(rows)}" in page.text
    assert len(page.select("img")) == 3
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.select("img"))
    assert not page.select("script, link[href^=http]")
    for name in demo.EXERCISES.values():
        assert name in page.text
    assert (tmp_path / "first" / "student" / "student.onnx").is_file()


def test_the_recording_is_of_one_person_and_in_order():
    recordings = dataset("watch").load()
    signal, labels = demo.recording(recordings, 3)
    names = demo.order(labels, recordings)
    assert sorted(names) == sorted(recordings.classes)
    whole = [part for part, _ in in_use.joined(recordings, [3])]
    n = int(np.argmax(labels != labels[0]))
    assert any(np.array_equal(part[:n], signal[:n]) for part in whole)

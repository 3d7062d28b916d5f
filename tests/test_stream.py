"""A student on signals in memory: `predict` labels as the command does, `stream` as `predict` does, in any pieces."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import small, train
from scipy.signal import resample_poly
from test_structure import ABSENT

from mixkd.deploy import export, predict
from mixkd.deploy.predict import Student
from mixkd.deploy.stream import joined
from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data
from mixkd.runs.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    record = train(small(), Store(home))
    export.export(record, fold_data(record.spec.data), home / "student")
    return home / "student"


@pytest.fixture(scope="module")
def student(folder):
    return Student.load(str(folder))


@pytest.fixture(scope="module")
def signal(student):
    """Eleven windows and a bit, of which the samples 600 to 700 are far outside the training people's."""
    x = fold_data(small().data).splits["test"].x
    whole = np.concatenate([window.T for window in x[:12]])[:1130]
    whole[600:700, 0] *= 60  # in one channel
    return whole


def test_a_signal_is_labelled_as_the_command_labels_a_file(student, signal):
    rows, _ = predict.label(student, [(0.0, signal)])
    found = student.predict(signal, 50)
    assert found.label.tolist() == [row["label"] for row in rows]
    np.testing.assert_allclose(found.start, [row["start_s"] for row in rows], atol=1e-3)
    np.testing.assert_allclose(found.end, [row["end_s"] for row in rows], atol=1e-3)
    unknown = found.label == predict.UNKNOWN
    assert 0 < unknown.sum() < len(found) / 2
    np.testing.assert_allclose(found.probabilities[~unknown].sum(axis=1), 1, atol=1e-5)
    assert np.isnan(found.probabilities[unknown]).all()
    best = np.array(student.about["classes"])[found.probabilities[~unknown].argmax(axis=1)]
    assert best.tolist() == found.label[~unknown].tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(cuts=st.lists(st.integers(0, 1130), max_size=12), length=st.integers(100, 1130))
def test_a_stream_labels_as_predict_does_however_the_signal_is_cut(student, signal, cuts, length):
    whole, stream = student.predict(signal[:length], 50.0), student.stream()
    edges = sorted({0, length, *(cut for cut in cuts if cut < length)})
    parts = [stream.push(signal[a:b]) for a, b in pairwise(edges)]
    found = joined([*parts, stream.finish()])
    for name in ("start", "end", "label"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    np.testing.assert_allclose(found.probabilities, whole.probabilities, atol=1e-5)


def test_a_window_is_labelled_with_its_last_sample(student, signal):
    stream = student.stream()
    counts = [len(stream.push(sample)) for sample in signal[:160]]
    assert np.flatnonzero(counts).tolist() == [99, 149]
    assert len(stream._waiting) <= 100
    assert stream.finish().start.tolist() == [60 / 50]
    assert stream.push(signal[:100]).start.tolist() == [0.0], "it starts anew"
    assert len(stream.finish()) == 0
    assert len(stream.finish()) == 0


def test_twice_the_rate_is_thinned(student, signal):
    fine = resample_poly(signal[:500], 2, 1, axis=0)
    assert student.predict(fine, 100).label.tolist() == student.predict(signal[:500], 50).label.tolist()


REFUSED = {
    "another rate": (np.zeros((200, 2)), 65, "rate: found 65 Hz, expected 50 or a multiple of it: resample"),
    "a lower rate": (np.zeros((200, 2)), 25, "rate: found 25 Hz"),
    "no rate": (np.zeros((200, 2)), 0, "rate: found 0 Hz"),
    "not a rate": (np.zeros((200, 2)), np.nan, "rate: found nan Hz"),
    "channels first": (np.zeros((2, 200)), 50, r"found float64 \(2, 200\), expected real numbers \(n_samples, 2\)"),
    "words": (np.full((200, 2), "1"), 50, "signal: found <U1"),
    "a hole": (np.where(np.arange(400).reshape(200, 2) == 31, np.nan, 0), 50, "found nan in sample 15, y"),
    "too short": (np.zeros((99, 2)), 50, "found 99 samples at 50 Hz, expected 100 at least"),
}


@pytest.mark.parametrize(("signal", "rate", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_student_was_not_made_for_is_refused(student, signal, rate, message):
    with pytest.raises(MixkdError, match=message):
        student.predict(signal, rate)


def test_a_refused_piece_is_not_taken(student, signal):
    stream = student.stream()
    stream.push(signal[:90])
    with pytest.raises(MixkdError, match="found inf in sample 0, x"):
        stream.push([[np.inf, 0.0]])
    assert stream.push(signal[90:100]).start.tolist() == [0.0]


def test_labelling_needs_nothing_that_training_needs(folder, tmp_path):
    """`Student` and the command, as after `pip install mixkd`; a command that trains says what to install."""
    np.savetxt(tmp_path / "new.csv", np.zeros((150, 2)), delimiter=",", header="x,y", comments="")
    code = f"import numpy as np; from mixkd.deploy.predict import Student; s = Student.load({str(folder)!r})\n"
    code += "assert len(s.predict(np.zeros((150, 2)), 50)) == len(s.stream().push(np.zeros((150, 2)))) == 2\n"
    code += "from mixkd.cli.main import main; sys.argv = ['mixkd', *sys.argv[1:]]; main()"

    def command(*words: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-c", ABSENT + code, *words], capture_output=True, text=True)
        return done.returncode, done.stderr

    assert command("predict", str(folder), str(tmp_path / "new.csv")) == (0, "")
    assert (tmp_path / "new.labels.png").is_file()
    code, line = command("distill", "synthetic", "-o", str(tmp_path / "out"))
    assert (code, line) == (1, 'mixkd: package pandas is not installed; pip install "mixkd[train]"\n')
    assert not (tmp_path / "out").exists()

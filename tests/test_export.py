"""A student taken away answers as it did at home, without torch, and refuses what it was not made for."""

from __future__ import annotations

import copy
import csv
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import safetensors.numpy
import torch
from runs import IMAGE, mtimes, small, train
from smoke import mixkd
from typer.testing import CliRunner
from watched import watched  # noqa: F401 - a fixture

from mixkd import studies
from mixkd.cli import main
from mixkd.datasets import dataset
from mixkd.deploy import batch, device, distill, export, in_use, predict
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError
from mixkd.figures import timeline
from mixkd.learning.fold_data import fold_data
from mixkd.runs.single import trained_network
from mixkd.runs.store import Store


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def made(home):
    """A trained student, its data, and the folder it was exported to."""
    record = train(small(), Store(home))
    data = fold_data(record.spec.data)
    export.export(record, data, home / "student")
    return record, data, home / "student"


def test_onnx_answers_as_torch_does_for_any_number_of_windows(made):
    record, data, folder = made
    net = trained_network(record, data)
    session = onnxruntime.InferenceSession(str(folder / "student.onnx"))
    for n in (1, 3, 40):
        x = data.splits["test"].x[:n]
        with torch.inference_mode():
            expected = net(data.signals["test"][:n]).numpy()  # normalised at home
        np.testing.assert_allclose(session.run(None, {"windows": x})[0], expected, atol=1e-5)


def test_probabilities_are_softmax_of_the_stored_logits(made):
    record, data, folder = made
    p = Student.load(folder).probabilities(data.splits["test"].x)
    expected = torch.softmax(torch.from_numpy(record.arrays["test_logits"]), dim=1).numpy()
    np.testing.assert_allclose(p, expected, atol=1e-5)


def test_description_and_weights(made):
    _, data, folder = made
    about = json.loads((folder / "student.json").read_text())
    assert (about["format"], about["rate"], about["window"]) == (3, 50.0, 100)
    assert (about["channels"], about["classes"][0], about["network"]) == (["x", "y"], "slow", "WRN16-1")
    assert about["onnx_gap"] <= 1e-5
    weights = safetensors.numpy.load_file(folder / "student.safetensors")
    assert (
        sum(array.size for name, array in weights.items() if name.endswith("weight") or name.endswith("bias"))
        == (about["parameters"])
    )
    np.testing.assert_array_equal(weights["mean"].ravel(), data.normalisation.mean)


def test_only_students_are_exported(home):
    spec = replace(small(), role="teacher", modality=IMAGE.modality)
    record = train(spec, Store(home))
    with pytest.raises(MixkdError, match="found a network of modality image, expected signal"):
        export.export(record, fold_data(record.spec.data), home / "none")
    assert not (home / "none").exists()


def scaled(portable, factor):
    """The same network with logits `factor` times as large."""
    with torch.no_grad():
        portable.net.head.weight *= factor
        portable.net.head.bias *= factor
    return portable


def test_large_logits_may_differ_by_as_large_a_part(made):
    """Thousands hold three decimals less than units: the same network, relative to its logits as exact as before."""
    record, data, _ = made
    x = np.random.default_rng(4).normal(scale=3, size=(37, *data.splits["test"].x.shape[1:])).astype(np.float32)
    for factor in (1.0, 5e3):
        portable = scaled(export.Portable(trained_network(record, data), *vars(data.normalisation).values()), factor)
        assert 0 <= export.agreement(portable, export.to_onnx(portable, x[:2]), x) <= export.TOLERANCE


def test_a_network_that_onnx_gets_wrong_is_not_written(made, monkeypatch, tmp_path):
    """By a thousandth of its logits, or in a label."""
    right = export.to_onnx
    for wrong in (lambda net, x: right(scaled(net, 1.001), x), lambda net, x: right(scaled(net, -1.0), x)):
        monkeypatch.setattr(export, "to_onnx", lambda net, x, wrong=wrong: wrong(copy.deepcopy(net), x))
        with pytest.raises(MixkdError, match=r"ONNX logits .* away from torch and \d+ other labels in batches"):
            export.export(made[0], made[1], tmp_path / "wrong")
        assert not (tmp_path / "wrong").exists()


def test_int8_is_scored_on_held_out_people(made):
    record, data, folder = made
    exact, rounded = ((folder / name).read_bytes() for name in ("student.onnx", "student.int8.onnx"))
    table = device.scores(exact, rounded, data)
    stored = {int(subject): scores["accuracy"] for subject, scores in record.probes["subjects"].items()}
    assert dict(zip(table["subject"], table["float32"], strict=True)) == pytest.approx(stored)
    by = [predict.session_of(o).run(None, {"windows": data.splits["test"].x})[0].argmax(1) for o in (exact, rounded)]
    assert (table["same_label"] * table["windows"]).sum() == (by[0] == by[1]).sum()
    assert (table["int8"] * table["windows"]).sum() == (by[1] == data.splits["test"].y).sum()
    operators = {node.op_type for node in onnx.load_model_from_string(rounded).graph.node}
    assert "DequantizeLinear" in operators
    assert "DynamicQuantizeLinear" not in operators
    nothing = table.assign(int8=table["float32"] - 0.125, same_label=0.5)
    assert "In int8 50.0 % of the windows" in device.in_int8(nothing)
    assert "(one person)" in device.in_int8(nothing[:1])
    assert "(mean over 2 people; worst person -12.5 points)" in device.in_int8(pd.concat([nothing[:1]] * 2))


# -- a new recording


def recording(path, signal, extra=None):
    columns = {"x": signal[:, 0], "note": ["a"] * len(signal), "y": signal[:, 1], **(extra or {})}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def signal(made):
    x = made[1].splits["test"].x
    return np.concatenate([x[0].T, x[5].T, x[9].T])[:260]


def test_every_sample_of_a_recording_is_labelled(made, signal, tmp_path):
    student = Student.load(made[2])
    [(first, read)] = parts = predict.read_recording(recording(tmp_path / "a.csv", signal), student.about)
    np.testing.assert_allclose(read, signal, atol=1e-6)
    assert first == 0
    rows, _ = predict.label(student, parts)
    assert [(row["start_s"], row["end_s"]) for row in rows] == [(0, 2), (1, 3), (2, 4), (3, 5), (3.2, 5.2)]
    p = student.probabilities(signal[None, :100].transpose(0, 2, 1))[0]
    assert (rows[0]["label"], rows[0]["confidence"]) == (student.about["classes"][p.argmax()], round(float(p.max()), 4))
    batch.write(rows, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == [row["label"] for row in rows]


def test_accuracy_in_use_is_of_the_labels_that_predict_gives(made, tmp_path):
    """The same windows and the same labels as the command writes, `unknown` included."""
    record, data, folder = made
    student, recordings = Student.load(folder), dataset("synthetic").load()
    parts = list(in_use.joined(recordings, data.fold.test))
    parts[0][0][300:] *= 40  # nothing like training from the seventh second on
    rows, _ = predict.label(student, [(0.0, signal) for signal, _ in parts])
    seen = [x for signal, _ in parts for _, x in predict.batches(signal, 100)]
    p = in_use.probabilities(
        record, data, np.concatenate(seen), training=student.about["training"], units=recordings.units
    )
    found = in_use.labels(p)
    assert [row["label"] for row in rows] == [(*recordings.classes, "unknown")[i] for i in found]
    assert 17 <= (found == in_use.UNKNOWN).sum() < len(found) / 2


def test_a_recording_is_read_as_it_was_made(made, signal, tmp_path):
    """Twice the rate, Parquet, a short hole and a long one: the same signal at the student's rate, in two stretches."""
    about = Student.load(made[2]).about
    n = len(signal)
    twice = pd.DataFrame(
        {"time": np.arange(2 * n) / 100, "x": np.sin(np.arange(2 * n) / 40), "y": np.arange(2 * n) / n}
    )
    twice.loc[[20, 21], "x"] = np.nan
    twice.loc[240:299, "y"] = np.nan
    twice.to_parquet(tmp_path / "a.parquet")
    told: dict[str, int] = {}
    parts = predict.read_recording(tmp_path / "a.parquet", about, told.__setitem__)
    assert told["lost values in holes up to 0.1 s, interpolated"] == 2
    assert told["samples in longer holes, where recordings end, left out"] == 60
    assert told["stretches shorter than a window, left out"] == 0
    assert [(first, len(part)) for first, part in parts] == [(0, 120), (3, 110)]
    for first, part in parts:
        at = 100 * first + 2 * np.arange(len(part))
        np.testing.assert_allclose(part[5:-5], np.stack([np.sin(at / 40), at / n], 1)[5:-5], atol=0.02)
    ends = [row["end_s"] for row in predict.label(Student.load(made[2]), parts)[0]]
    assert ends == [2, 2.4, 5, 5.2]


def test_a_recording_without_the_clock_is_said_to_be_read_by_rows(made, signal, tmp_path):
    told: dict[str, int] = {}
    file = recording(tmp_path / "new.csv", signal)
    predict.read_recording(file, Student.load(made[2]).about, told.__setitem__)
    assert told["rows without the clock 'time', taken as 50 a second"] == len(signal)


@pytest.mark.parametrize("output", ["new.csv", "labels.png"])
def test_labels_do_not_overwrite_the_recording_or_the_plot(made, signal, tmp_path, output):
    file = recording(tmp_path / "new.csv", signal)
    before = file.read_bytes()
    done = mixkd("predict", str(made[2]), str(file), "-o", str(tmp_path / output), home=tmp_path)
    assert done.returncode == 1
    wrong = "the name of the recording or of the plot"
    assert done.stderr == f"mixkd: -o {tmp_path / output}: found {wrong}, expected a new .csv or .parquet\n"
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]
    assert file.read_bytes() == before


def test_interrupted_while_it_draws_predict_leaves_the_labels(made, tmp_path, monkeypatch):
    """Windows reach the network in batches; the table is whole before the picture begins."""
    signal = np.concatenate(list(made[1].splits["test"].x.transpose(0, 2, 1)) * 40)
    np.savetxt(tmp_path / "new.csv", signal, delimiter=",", header="x,y", comments="")
    sizes, whole = [], predict.Student.probabilities

    def seen(self, x):
        sizes.append(len(x))
        return whole(self, x)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict.Student, "probabilities", seen)
    monkeypatch.setattr(timeline, "plot", interrupted)
    done = CliRunner().invoke(main.app, ["predict", str(made[2]), str(tmp_path / "new.csv")])
    assert done.exit_code == 130
    n = 2 * len(signal) // 100 - 1
    assert len((tmp_path / "new.labels.csv").read_text().splitlines()) == 1 + n
    assert f"{n} windows:" in done.stdout
    assert not (tmp_path / "new.labels.png").exists()
    assert max(sizes) <= predict.BATCH < n


def test_predicting_needs_no_torch(made):
    code = f"""
import sys; from pathlib import Path; import numpy as np; from mixkd.deploy import predict
student = predict.Student.load(Path({str(made[2])!r}))
predict.label(student, [(0.0, np.zeros((150, 2), np.float32))])
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


NUMBERS = np.linspace(0, 1, 150)
REFUSED = {
    "a channel is missing": ("x,z\n1,2\n", r"line 1: found no column 'y', known: x, z"),
    "a word": ("x,y\n" + "1,2\n" * 120 + "1,up\n", r"line 122: found 'up' in y, expected a number"),
    "infinite": ("x,y\n" + "1,2\n" * 120 + "1,inf\n", r"line 122: found 'inf' in y, expected a number"),
    "too short": ("x,y\n" + "1,2\n" * 99, r"found 99 samples, nowhere a window of 100 at 50 Hz"),
    "full of holes": ("x,y\n" + ("1,2\n" * 90 + ",\n" * 6) * 3, r"found 288 samples, nowhere a window of 100"),
    "a column too many": ("x,y\n" + "1,2\n" * 120 + "1,2,3\n", r"line 122: found 3 columns, expected 2"),
    "back in time": ("time,x,y\n0.00,1,2\n0.02,1,2\n0.01,1,2\n", r"line 4: found time 0.01 after 0.02"),
    "another rate": (
        "time,x,y\n" + "".join(f"{i / 20},1,2\n" for i in range(150)),
        r"found 20 samples per second, expected 50, or from half",
    ),
    "empty": ("", r"found an empty file"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_recording_is_refused_in_one_line(made, tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(MixkdError, match=message) as refusal:
        predict.read_recording(path, Student.load(made[2]).about)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


def test_a_damaged_student_is_refused(made, tmp_path):
    with pytest.raises(MixkdError, match=r"student\.json: No such file or directory, expected a student"):
        Student.load(tmp_path)
    for path in made[2].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    about = json.loads((tmp_path / "student.json").read_text())
    (tmp_path / "student.json").write_text(json.dumps({**about, "format": 2}))
    with pytest.raises(MixkdError, match=r"student\.json: found format 2, not 3; `mixkd distill` exports it again"):
        Student.load(tmp_path)
    (tmp_path / "student.json").write_text(json.dumps(about))
    raw = bytearray((tmp_path / "student.onnx").read_bytes())
    raw[1000] ^= 1
    (tmp_path / "student.onnx").write_bytes(raw)
    with pytest.raises(MixkdError, match=r"student\.onnx does not match its SHA-256"):
        Student.load(tmp_path)


# -- from recordings to a student


def test_distill_and_predict_by_command(home, tmp_path, watched):  # noqa: F811
    """What a practitioner types: a report about people the students never saw, a student, labels of a recording."""
    out = tmp_path / "student"
    done = mixkd("distill", "synthetic", "--profile", "smoke", "-o", str(out), home=home)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        "README.md",
        "report.html",
        "student.json",
        "student.onnx",
        "student.int8.onnx",
        "student.safetensors",
    }
    bases, final = distill.specs(studies.Scope("synthetic", "smoke"))
    store = Store(home)
    taught = [store.get(studies.taught(base, "both")).metrics()["accuracy"] for base in bases]
    practice = "it is right on"  # on whole recordings, as `predict` labels them
    for sentence in (f"right on {100 * np.mean(taught):.1f} %", practice, "these recordings hold one activity each"):
        assert sentence in (out / "report.html").read_text()
        assert sentence in (out / "README.md").read_text()
        assert sentence in " ".join(done.stdout.split())
    assert "for a student to use, take quick or full" in " ".join(done.stdout.split())
    in_int8 = "of the windows of people who did not train keep their label"
    assert all(in_int8 in (out / name).read_text() for name in ("report.html", "README.md"))
    assert "src='data:image/png" in (out / "report.html").read_text()
    everybody = store.get(final)
    assert len(everybody.data["subjects"]["train"]) == 6  # nobody is left out of the exported student
    before = mtimes(store)
    again = mixkd("distill", "synthetic", "--profile", "smoke", "-o", str(out), home=home)
    assert again.returncode == 0, again.stderr
    assert "training: 0 of" in again.stdout
    assert mtimes(store) == before
    x = fold_data(final.data).splits["test"].x[0].T
    file = recording(tmp_path / "new.csv", np.concatenate([x, x]))
    done = mixkd("predict", str(out), str(file), home=home)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "new.labels.csv").read_text().splitlines()) == 1 + 3
    assert (tmp_path / "new.labels.png").read_bytes().startswith(b"\x89PNG")
    assert (watched.files(), watched.sockets()) == ([], []), "nothing is reported, nothing left in the user's home"


@pytest.mark.parametrize(
    "modules", ["mixkd.book.build, mixkd.book.notebook, onnxscript", "mixkd.deploy.export", "mixkd.deploy.predict"]
)
def test_nothing_is_reported_by_dependencies(made, watched, modules):  # noqa: F811
    """onnxruntime 1.29 and later write a device identifier and queue events at import, unless told not to."""
    file = str(made[2] / "student.onnx")
    code = f"import {modules}; from onnxruntime import InferenceSession; InferenceSession({file!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (watched.files(), watched.sockets()) == ([], [])


def test_headline_has_an_interval_from_three_people_on():
    rows = [(str(p), p, 0, 0.5 + 0.1 * p, 0.5, 0.1 * p) for p in range(1, 4)]
    people = pd.DataFrame(rows, columns=["subject", "fold", "seed", "student", "scratch", "gain"])
    text = distill.headline(people)
    half = 4.302653 * 10 / np.sqrt(3)
    assert "right on 70.0 % (sd 10.0)" in text
    assert (
        f"+20.0 points against the same network without teachers, 95 % interval [{20 - half:+.1f}, {20 + half:+.1f}]."
        in text
    )
    assert "interval" not in distill.headline(people[:2])
    grouped = distill.headline(people.assign(fold=[1, 2, 2]))  # two people tested on the same networks
    assert "interval" not in grouped
    assert "+17.5 points" in grouped, "the mean over folds, which the interval is of"

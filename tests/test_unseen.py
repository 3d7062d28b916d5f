"""What people who did not train say of a student: thresholds that hold, sets that cover, scores by hand."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support
from smoke import mixkd
from test_ranges import RATE, UNITS, WINDOW, worn

from mixkd.datasets.own import streamed
from mixkd.datasets.own.description import UNSTATED
from mixkd.deploy import batch, blocks, export, in_use, predict, ranges, rejection, report, score, scores, tables
from mixkd.deploy.hidden_markov import Chain
from mixkd.deploy.unseen import Unseen
from mixkd.errors import MixkdError
from mixkd.figures import days
from mixkd.files import canonical_json, sha256
from mixkd.learning import networks

# -- thresholds


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("n", [19, 40, 300])
def test_a_new_exchangeable_value_is_below_with_at_most_the_share(n, share):
    """And with a probability that is no smaller than that share less one order statistic; means of 4,000 draws."""
    rng, n_draws = np.random.default_rng(n), 4000
    values = rng.beta(5, 2, (n_draws, n + 1))
    below = np.array([row[-1] < rejection.lowest(row[:-1], share) for row in values])
    slack = 4 * np.sqrt(share * (1 - share) / n_draws)
    assert share - 1 / (n + 1) - slack <= below.mean() <= share + slack


def test_too_few_values_reject_nothing():
    assert rejection.lowest(np.full(18, 0.9), 0.05) == 0
    assert rejection.lowest(np.array([0.3, *[0.9] * 18]), 0.05) == 0.3


def draws(n: int, seed: int, people: int = 1) -> Unseen:
    """Labels drawn from the probabilities themselves: right by construction."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.7, 0.7, 0.7], n)
    y = (p.cumsum(1) > rng.random(n)[:, None]).argmax(1)
    return Unseen(p, y, np.repeat([f"p{i}" for i in range(people)], n // people))


def test_sets_of_new_windows_hold_the_true_label_as_often_as_stated():
    one, other = draws(5000, 1), draws(20_000, 2)
    limits = rejection.calibrated(one.p, one.y)
    covered = (other.p >= limits["set_threshold"])[np.arange(20_000), other.y].mean()
    assert 1 - limits["set_alpha"] - 0.015 <= covered <= 1 - limits["set_alpha"] + 0.02
    assert (other.p.max(1) < limits["threshold"]).mean() == pytest.approx(limits["share"], abs=0.01)


def test_each_person_is_judged_by_thresholds_from_the_others():
    unseen = draws(900, 3, people=3)
    p = unseen.p.copy()
    p[:300] = [0.34, 0.33, 0.33]  # p0 is nothing like the others
    table = rejection.by_person(p, unseen.y, unseen.person).set_index("person")
    others = rejection.calibrated(p[300:], unseen.y[300:])
    assert table.loc["p0", "unknown"] == (others["threshold"] > 0.34) == 1
    assert table.loc["p1", "covered"] < 1
    assert np.isnan(table.loc["p0", "accuracy with a label"])
    assert not len(rejection.by_person(p[:300], unseen.y[:300], unseen.person[:300]))


# -- scores


@given(st.integers(1, 200), st.integers(0, 999))
def test_scores_of_classes_are_those_of_scikit_learn(n, seed):
    unseen = draws(n, seed)
    found = scores.by_class(unseen.p, unseen.y, ("a", "b", "c"))
    expected = precision_recall_fscore_support(unseen.y, unseen.p.argmax(1), labels=[0, 1, 2], zero_division=np.nan)
    for name, values in zip(("precision", "recall", "F1", "windows"), expected, strict=True):
        there = np.isfinite(found[name]) & np.isfinite(values)
        np.testing.assert_allclose(found[name][there], values[there])
    assert found["windows"].sum() == n


def test_sentences_of_the_report():
    unseen = draws(900, 3, people=3)
    about = {"unknown": rejection.calibrated(unseen.p, unseen.y)}
    whole = pd.DataFrame({"labels by": ["student", in_use.SMOOTHED], "all": [0.7, 0.75]})
    curve = pd.DataFrame({"people": [2, 4, 8], "accuracy": [0.5, 0.6, 0.65]})
    people = pd.DataFrame({"subject": ["1", "2", "2"], "student": [0.5, 0.3, 0.5]})
    assert report.worst(people) == "The worst is 2, with 40.0 % right."
    covered = 100 * rejection.by_person(unseen.p, unseen.y, unseen.person)["covered"]
    covers = f"the true one for {covered.mean():.1f} % of the windows (worst person: {covered.min():.1f} %)"
    stated = report.thresholds(about, unseen)
    assert covers in stated
    limits = about["unknown"]
    assert (
        f"called unknown if its largest probability is below {limits['threshold']:.3f}; the threshold is chosen"
        in stated
    )
    assert f"at least {limits['set_threshold']:.3f}; it is meant to contain the true label in 90 % of cases" in stated
    assert "one activity each" in report.smoothing(about, whole)
    assert "held-out people +5.0 points" in report.smoothing(about | {"smoothing": {}}, whole)
    assert "65.0 % with 8 training people" in report.more_people(curve)
    assert "+5.0 points, so more people can be expected to help" in report.more_people(curve)
    assert "cannot be said" in report.more_people(curve[:1])


# -- a student with thresholds, in use


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A random network of three classes with thresholds and a chain."""
    folder = tmp_path_factory.mktemp("student")
    build = torch.Generator().manual_seed(0)
    net = networks.build("signal", 16, 1, n_channels=4, n_classes=3, generator=build).eval()
    portable = export.Portable(net, np.zeros(4, np.float32), np.ones(4, np.float32))
    x = np.stack([worn(WINDOW, seed).T for seed in range(60)]).astype(np.float32)
    onnx = export.to_onnx(portable, x[:2])
    about = {"format": predict.FORMAT, "channels": list("xyzw"), "units": UNITS, "classes": list("abc"), "rate": RATE}
    about |= {"window": WINDOW, "reading": UNSTATED, "training": ranges.fit(x, UNITS)}
    chain = Chain.fit([np.array([0, 0, 1, 1, 2, 2, 0])], 3)
    about |= {"files": {"student.onnx": sha256(onnx)}, "smoothing": chain.plain}
    (folder / "student.onnx").write_bytes(onnx)
    (folder / "student.json").write_bytes(canonical_json(about))
    p = predict.Student.load(folder).probabilities(x)
    limits = {"threshold": float(np.median(p.max(1))), "set_threshold": float(np.quantile(p, 0.4))}
    (folder / "student.json").write_bytes(canonical_json(about | {"unknown": limits}))
    return predict.Student.load(folder)


def recorded(path, n: int, seed: int, first: str | None = None):
    table = pd.DataFrame(worn(n, seed), columns=list("xyzw"))
    if first:
        table.insert(0, "time", pd.date_range(first, periods=n, freq="40ms"))
    table.to_csv(path, index=False)
    return path


def test_a_folder_gives_one_table_and_a_bad_file_leaves_nothing(student, tmp_path):
    """All probabilities, labels at the threshold, sets, smoothed labels; and the refusal is one line."""
    base = tmp_path / "new"
    base.mkdir()
    for i, name in enumerate(("a.csv", "b.csv", "d.csv")):
        recorded(base / name, 500 + 100 * i, i)
    (base / "c.csv").write_text((base / "a.csv").read_text() + "1,2,3,up\n")
    done = mixkd("predict", str(student.folder), str(base), "--sets", home=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "refused: " + str(base / "c.csv") + ", line 502: found 'up' in w, expected a number" in done.stdout
    assert "1 of 4 recordings refused" in done.stdout
    days = base / "predicted.days.labels.csv"
    assert f"{days}: adjusted minutes are empty where an hour of the day was worn on no day\n" in done.stdout
    assert all(row["adjusted a"] == "" for row in csv.DictReader(days.read_text().splitlines()))
    written = {path.name for path in base.iterdir()} - {f"{c}.csv" for c in "abcd"}
    pictures = {f"{c}.labels.png" for c in "abd"}
    assert written == {f"predicted.{word}labels.csv" for word in ("", "hours.", "days.")} | pictures
    with (base / "predicted.labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {"a.csv", "b.csv", "d.csv"}
    own = [row for row in rows if row["file"] == "b.csv"]
    segments = predict.read_recording(base / "b.csv", student.about)
    [(_, signal)] = segments
    p = student.probabilities(np.concatenate([x for _, x in predict.batches(signal, WINDOW)]))
    found = np.array([[float(row[f"p {c}"]) for c in "abc"] for row in own])
    np.testing.assert_allclose(found, p, atol=6e-5)
    expected = ["abc"[row.argmax()] if row.max() >= student.threshold else "unknown" for row in p]
    assert [row["label"] for row in own] == expected == [row["label"] for row in predict.label(student, segments)[0]]
    assert len({*expected}) > 1
    limit = student.about["unknown"]["set_threshold"]
    assert [row["likely"] for row in own] == ["|".join(np.array(list("abc"))[r >= limit]) or "unknown" for r in p]
    assert {row["smoothed"] for row in own} <= set("abc")
    assert {row["worn"] for row in own} == {"yes"}


def test_parquet_and_csv_hold_the_same_and_times_are_those_of_the_file(student, tmp_path):
    files = [recorded(tmp_path / f"{c}.csv", 400, i, "2025-10-26 00:59:50") for i, c in enumerate("ab")]
    about = student.about | {"reading": UNSTATED | {"time_unit": "date"}}
    timed = predict.Student(student.folder, about)
    kinds = {}
    for end in ("csv", "parquet"):
        result = batch.run(timed, files, tmp_path / f"out.labels.{end}", print)
        kinds[end] = result.n_windows
    assert len(set(kinds.values())) == 1
    table = pyarrow.parquet.read_table(tmp_path / "out.labels.parquet").to_pandas()
    same = pd.read_csv(tmp_path / "out.labels.csv")
    pd.testing.assert_frame_equal(table, same, check_dtype=False)
    assert table["time"].iloc[1] == "2025-10-26T00:59:51.000"
    assert batch.listed([tmp_path]) == files, "tables of predict are no recordings"
    assert batch.listed([tmp_path / "*.csv"]) == files
    same_name = tmp_path / "more" / "a.csv"
    assert batch.shown([files[0], files[1], same_name]) == {
        files[0]: files[0].as_posix(),
        files[1]: "b.csv",
        same_name: same_name.as_posix(),
    }
    with pytest.raises(MixkdError, match="found no recording"):
        batch.listed([tmp_path / "*.txt"])


def test_a_fault_at_the_end_takes_back_the_rows_before_it(student, tmp_path, monkeypatch):
    files = [recorded(tmp_path / f"{c}.csv", 2000, i) for i, c in enumerate("ab")]
    files[0].write_text(files[0].read_text() + "1,2,3,up\n")
    monkeypatch.setattr(streamed, "BLOCK", 20_000)
    monkeypatch.setattr(blocks, "LARGE", 0)
    lines: list[str] = []
    at_once = predict.Student(student.folder, {name: v for name, v in student.about.items() if name != "smoothing"})
    result = batch.run(at_once, files, tmp_path / "out.labels.csv", lines.append)
    assert set(pd.read_csv(tmp_path / "out.labels.csv")["file"]) == {"b.csv"}
    assert list(result.refused) == files[:1]
    assert lines[0].startswith(f"refused: {files[0]}, line 2002: found 'up' in w")


def test_long_recordings_are_drawn_day_by_day_and_short_ones_with_signals(student, tmp_path, monkeypatch):
    files = [recorded(tmp_path / "a.csv", 400, 1)]
    result = batch.run(student, files, tmp_path / "out.labels.csv", print)
    drawn = []
    monkeypatch.setattr(days, "plot", lambda panels, classes, path: drawn.append(panels))
    assert list(batch.pictures(student, result, tmp_path / "out.labels.csv")) == [tmp_path / "out.labels.png"]
    assert (tmp_path / "out.labels.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.undo()
    monkeypatch.setattr(batch, "SHORT", -1)
    whole = days.plot
    monkeypatch.setattr(days, "plot", lambda *given: (drawn.append(given[0]), whole(*given)))
    assert len(list(batch.pictures(student, result, tmp_path / "out.labels.csv"))) == 1
    [[(name, begin, minutes)]] = drawn
    assert (name, begin.tolist()) == ("1", [i / 4 for i in range(96)])
    assert minutes.sum() == pytest.approx(400 / RATE / 60)


def test_ctrl_c_keeps_whole_blocks_under_a_name_that_says_so(student, tmp_path, monkeypatch):
    files = [recorded(tmp_path / f"{c}.csv", 400, i) for i, c in enumerate("ab")]
    add, lines = tables.Table.add, []

    def interrupted(self, block):
        if self.parts and self.writer is None:
            raise KeyboardInterrupt
        add(self, block)

    monkeypatch.setattr(tables.Table, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batch.run(student, files, tmp_path / "out.labels.csv", lines.append)
    kept = pd.read_csv(tmp_path / "out.partial.labels.csv")
    assert set(kept["file"]) == {"a.csv"}
    assert lines[-1] == f"interrupted: {len(kept)} windows are in {tmp_path / 'out.partial.labels.csv'}"
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "b.csv", "out.partial.labels.csv"}


def test_a_student_is_scored_on_new_labelled_people(student, tmp_path):
    """One person is enough; a label that is no class is told; the labels are those of `predict`."""
    base = tmp_path / "labelled"
    base.mkdir()
    truth = {"p1_a": 1, "p1_b": 2, "p2_a": 3, "p2_swim": 4}
    for name, seed in truth.items():
        recorded(base / f"{name}.csv", 500, seed)
    lines = ['names = "{subject}_{label}.csv"', f"rate = {RATE}", "window = 2.0", "[channels]"]
    lines += [f'{c} = "{unit}"' for c, unit in zip("xyzw", UNITS, strict=True)]
    (base / "dataset.toml").write_text("\n".join(lines) + "\n")
    out = tmp_path / "scores.json"
    done = mixkd("score", str(student.folder), str(base), "-o", str(out), home=tmp_path)
    assert done.returncode == 0, done.stderr
    expected: dict[str, list[bool]] = {}
    for name in truth:
        subject, label = name.split("_")
        rows, _ = predict.label(student, predict.read_recording(base / f"{name}.csv", student.about))
        if label != "swim":
            expected.setdefault(subject, []).extend(row["label"] == label for row in rows)
    content = json.loads(out.read_text())
    assert {row["person"]: row["accuracy"] for row in content["by person"]} == pytest.approx(
        {who: np.mean(hits) for who, hits in expected.items()}
    )
    everybody = [hit for hits in expected.values() for hit in hits]
    assert content["overall"]["accuracy"] == pytest.approx(np.mean(everybody))
    assert content["unknown"] == {"labels that are no class": {"swim": 19}}
    assert "labels that are no class of the student: swim" in done.stdout
    assert f"right on {100 * np.mean(everybody):.1f} % of 57 windows of 2 people" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate = 25.0", "rate = 50.0", r"dataset\.toml: found rate 50\.0, expected 25\.0, as of the student"),
        ('x = "g"', 'x = "m/s²"', "found units of channels"),
        ("{label}.csv", "{label}.txt", "expected"),
    ],
)
def test_a_folder_that_does_not_fit_is_not_scored(student, tmp_path, old, new, message):
    recorded(tmp_path / "p1_a.csv", 500, 1)
    lines = ['names = "{subject}_{label}.csv"', f"rate = {RATE}", "[channels]"]
    lines += [f'{c} = "{unit}"' for c, unit in zip("xyzw", UNITS, strict=True)]
    (tmp_path / "dataset.toml").write_text("\n".join(lines).replace(old, new) + "\n")
    with pytest.raises(MixkdError, match=message):
        score.run(student, tmp_path)

"""Analyses against closed forms and against scipy and scikit-learn."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from runs import BOTH, FULL, SIGNAL, small
from scipy import stats
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix

from benchmarks import campaign
from mixkd import studies, windows
from mixkd.analysis import agreement, baselines, comparison, cost, features, smoothness
from mixkd.datasets.sets import synthetic
from mixkd.errors import MixkdError
from mixkd.learning import metrics, probes, training
from mixkd.learning.fold_data import FoldData, FoldWindows, fold_data
from mixkd.learning.statistics import simple_features, statistics
from mixkd.runs.store import RunRecord, Store
from mixkd.studies import tables
from mixkd.windows import Windows

LOGITS = arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(2, 9)), elements=st.floats(-10, 10, width=32))

# -- smoothness


def mean_entropy(logits: np.ndarray, temperature: float) -> float:
    """The oracle: scipy's entropy of the probabilities."""
    return float(stats.entropy(softmax(logits.astype(np.float64) / temperature, axis=1), axis=1).mean())


def some_logits(seed: int, n_classes: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (50, n_classes))


@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0.25, 64))
def test_entropy_between_the_points_of_a_curve(seed, n_classes, temperature):
    logits = some_logits(seed, n_classes)
    curve = np.array(probes.entropy_curve(logits))
    assert smoothness.entropy_at(curve, temperature) == pytest.approx(mean_entropy(logits, temperature), abs=0.02)
    for i in (0, 8, 16, 32):
        assert smoothness.entropy_at(curve, probes.TEMPERATURES[i]) == pytest.approx(
            mean_entropy(logits, probes.TEMPERATURES[i])
        )


@pytest.mark.parametrize("temperature", studies.TEMPERATURES)
def test_the_study_s_temperatures_are_points_of_the_curve(temperature):
    assert np.isclose(probes.TEMPERATURES, temperature).any()


@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0.5, 16))
def test_effective_temperature_is_found_again(seed, n_classes, temperature):
    logits = some_logits(seed, n_classes)
    curve = np.array(probes.entropy_curve(logits))
    found = smoothness.effective_temperature(curve, mean_entropy(logits, temperature))
    assert found == pytest.approx(temperature, rel=0.03)
    assert smoothness.entropy_at(curve, found) == pytest.approx(mean_entropy(logits, temperature), abs=1e-9)


@pytest.mark.parametrize("target", [-0.1, 0.0, np.log(4), 2.0])
def test_impossible_entropy_is_refused(target):
    curve = np.array(probes.entropy_curve(some_logits(0, 4)))
    with pytest.raises(MixkdError, match=r"target_entropy: found .* nats, expected .* to 1\.38. nats"):
        smoothness.effective_temperature(curve, target)


def test_impossible_temperature_is_refused():
    with pytest.raises(MixkdError, match=r"temperature: found 100, expected 0\.25 to 64"):
        smoothness.entropy_at(np.arange(33.0), 100.0)


@pytest.fixture(scope="module")
def temperature_study(shared_home):
    """A smoke study of small runs, trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXKD_HOME", str(shared_home))
        yield studies.load("temperature", studies.Scope("synthetic", "smoke"))


def test_target_entropies(temperature_study):
    found = smoothness.target_entropies(temperature_study)
    assert found["limit"].tolist() == [np.log(4)] * len(found)
    for _, part in found.groupby(["subject", "teacher_mixup", "share"]):
        assert (np.diff(part.sort_values("temperature")["entropy"]) > 0).all()
    for _, row in found[(found["share"] == 0) & (found["fold"] == 0)].iterrows():
        spec = row["spec"]
        data = fold_data(spec.data)
        first_epoch = training.stream_of(spec.stream, data).rows.ravel()[: len(data.splits["train"]) // 64 * 64]
        logits = Store().get(spec.teacher_runs[0]).arrays["train_logits"][first_epoch]
        assert row["entropy"] == pytest.approx(mean_entropy(logits, spec.temperature), rel=1e-5)


def test_matched_temperatures_match(temperature_study):
    found = smoothness.matched_temperatures(temperature_study)
    assert found["temperature"].tolist() == 2 * list(studies.FEW_TEMPERATURES)
    for subject, part in temperature_study.groupby("subject"):
        logits = {
            bool(spec.mixup): Store().get(spec).arrays["train_logits"]
            for spec in {run for spec in part["spec"] for run in spec.teacher_runs}
        }
        for row in found[found["subject"] == subject].itertuples():
            mixed, plain = mean_entropy(logits[True], row.temperature), mean_entropy(logits[False], row.effective)
            assert plain == pytest.approx(mixed, abs=0.02)


def test_matched_effects_of_a_made_up_study():
    """Students whose NLL is log2 T without mixup, and 5 with it."""
    rows = [
        ("1", 0, mixed, t, 0.0, 5.0 if mixed else np.log2(t)) for mixed in (False, True) for t in studies.TEMPERATURES
    ]
    table = pd.DataFrame(rows, columns=["subject", "seed", "teacher_mixup", "temperature", "share", "nll"])
    matched = pd.DataFrame(
        [("1", 0, 2.0, 2.0**2.5), ("1", 0, 4.0, 100.0)], columns=["subject", "seed", "temperature", "effective"]
    )
    effects = smoothness.matched_effects(table, matched, "nll")
    (row,) = effects.to_dict("records")  # 100 lies beyond the study
    assert (row["temperature"], row["mixup"]) == (2.0, 4.0)
    assert row["matched"] == pytest.approx(1.5)
    assert smoothness.signed(effects, "nll").loc[2.0].to_dict() == {"mixup": "+4.00", "matched": "+1.50"}
    assert smoothness.signed(effects.assign(mixup=-0.04, matched=0.0), "accuracy").loc[2.0].tolist() == ["-4.0", "+0.0"]


# -- features


def blobs(n: int, n_classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return 100 * np.eye(n_classes, 5)[y] + rng.normal(size=(n, 5)), y


@pytest.mark.parametrize("n", [4, 40, 120])
def test_tsne_is_a_deterministic_map(n):
    x, y = blobs(n)
    found = features.tsne(x.astype(np.float32))
    assert found.shape == (n, 2)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, features.tsne(x.astype(np.float32)))
    if n == 120:
        centres = np.stack([found[y == c].mean(axis=0) for c in range(3)])
        spread = max(found[y == c].std() for c in range(3))
        assert np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1).min() > 2 * spread


# -- agreement


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 5))
def test_right_shares_and_confusion(seed, n, n_classes):
    rng = np.random.default_rng(seed)
    signal, image, y = rng.normal(size=(n, n_classes)), rng.normal(size=(n, n_classes)), rng.integers(0, n_classes, n)
    shares = agreement.right_shares(signal, image, y)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["both"] + shares["first"] == pytest.approx(accuracy_score(y, signal.argmax(1)))
    assert shares["both"] + shares["second"] == pytest.approx(accuracy_score(y, image.argmax(1)))
    wrong = [s.argmax() != c != i.argmax() for s, i, c in zip(signal, image, y, strict=True)]
    assert shares["none"] == pytest.approx(np.mean(wrong))
    expected = confusion_matrix(y, signal.argmax(1), labels=range(n_classes))
    np.testing.assert_array_equal(metrics.confusion(signal, y), expected)


# -- baselines


@pytest.fixture(scope="module")
def parts():
    recordings = synthetic.load()
    fold = windows.folds(recordings.subjects)[0]
    return windows.split(windows.thin(windows.cut(recordings, 100, 50), 10), fold)


def labelled(y: list[int]) -> Windows:
    n = np.arange(len(y))
    return Windows(np.zeros((len(y), 1, 4)), np.array(y), n, n, n)


def test_majority_is_of_the_training_labels():
    assert baselines.accuracy("majority class", labelled([2, 0, 2, 1]), labelled([1, 2, 1, 1])) == 0.25
    assert baselines.accuracy("majority class", labelled([0]), labelled([1, 1])) == 0


def test_random_split_keeps_every_window_once_and_shares_subjects(parts):
    train, test = parts["train"], parts["test"]
    found = baselines.split_at_random(train, test, seed=0)
    assert [len(part) for part in found] == [len(train), len(test)]
    before, after = (
        sorted((w.recording[i], w.start[i], w.subject[i], w.y[i], w.x[i].sum()) for w in both for i in range(len(w)))
        for both in ((train, test), found)
    )
    assert before == after
    assert set(found[0].subject) & set(found[1].subject)


@pytest.mark.parametrize("name", sorted(baselines.BASELINES.keys() - {"majority class"}))
def test_every_baseline_beats_the_majority_and_is_the_same_again(parts, name):
    assert baselines.accuracy("majority class", parts["train"], parts["test"]) == 0.25
    found = baselines.accuracy(name, parts["train"], parts["test"])
    assert found > 0.6
    assert found == baselines.accuracy(name, parts["train"], parts["test"])


@pytest.mark.parametrize("name", sorted(baselines.BASELINES))
@pytest.mark.parametrize("known", [(0, 1, 2), (1, 3), (2,)])
def test_logits_of_baselines_are_finite_and_of_all_classes(name, known):
    """Where the training people lack classes too: they never win against those that were trained."""
    if name in ("LightGBM", "MiniRocket") and len(known) == 1:
        pytest.skip("needs two classes")
    rng = np.random.default_rng(0)
    y, n = rng.choice(known, size=40), np.arange(40)
    train = Windows(rng.normal(size=(40, 2, 30)) + y[:, None, None], y, n, n, n)
    model = baselines.fitted(name, train)
    z = baselines.logits(model, train.x, 4)
    assert z.shape == (40, 4)
    assert np.isfinite(z).all()
    np.testing.assert_array_equal(z.argmax(axis=1), model.predict(train.x))


def test_simple_features_of_one_channel_by_hand():
    found = simple_features(np.array([[[0.0, 1, 3, 6, 10]]]))
    np.testing.assert_allclose(found[0], [4, np.sqrt(13.2), 0, 1, 3, 6, 10, 2.5])
    two = np.random.default_rng(0).normal(size=(3, 2, 9))
    alone = [simple_features(two[:, [c]]) for c in range(2)]
    np.testing.assert_allclose(simple_features(two)[:, ::2], alone[0])
    np.testing.assert_allclose(simple_features(two)[:, 1::2], alone[1])


def test_statistics_of_known_signals():
    """Of a sine of five cycles and of a constant, by hand; correlations of all pairs are those of numpy."""
    t = np.arange(100)
    sine, still = 2 + np.sin(2 * np.pi * (5 * t + 0.5) / 100), np.full(100, 3.0)
    found = statistics(np.array([[sine, still]]))[0]
    assert len(found) == 15 * 2 + 1
    rms, deviation, skewness, kurtosis, crossings, strongest, entropy = found[16:30].reshape(7, 2)
    assert rms == pytest.approx([np.sqrt(4.5), 3])
    assert deviation == pytest.approx([2 / np.pi, 0], abs=5e-3)
    assert skewness == pytest.approx([0, 0], abs=1e-9)
    assert kurtosis == pytest.approx([1.5, 0])
    assert crossings == pytest.approx([9 / 99, 0], abs=1.1 / 99)
    assert strongest[0] == 5
    assert entropy == pytest.approx([0, 0], abs=1e-6)
    x = np.random.default_rng(0).normal(size=(4, 3, 50)).cumsum(2)
    expected = np.array([np.corrcoef(window)[np.triu_indices(3, 1)] for window in x])
    np.testing.assert_allclose(statistics(x)[:, -3:], expected)
    assert np.isfinite(statistics(np.zeros((2, 1, 8)))).all()


# -- cost


def test_network_costs_of_pamap2():
    table = cost.network_costs(n_channels=40, n_samples=100, resolution=64, n_classes=12)
    assert table["modality"].tolist() == ["signal"] * 4 + ["image"] * 4
    assert table["network"].tolist() == ["WRN16-1", "WRN16-3", "WRN28-1", "WRN28-3"] * 2
    signal, image = (table[table["modality"] == m] for m in ("signal", "image"))
    assert signal["parameters"].tolist() == [63_020, 537_644, 128_428, 1_120_940]
    assert image["parameters"].tolist() == [180_524, 1_555_244, 374_956, 3_299_756]
    np.testing.assert_allclose(signal["multiply_adds"] / 1e6, [2.2, 17.8, 4.3, 37.1], rtol=0.02)
    np.testing.assert_allclose(image["multiply_adds"] / 1e6, [129, 914, 242, 1933], rtol=0.02)


def test_benchmark_records(tmp_path):
    (tmp_path / "topology.json").write_text(json.dumps({"ratio": 3}))
    assert cost.benchmark("topology", tmp_path) == {"ratio": 3}
    with pytest.raises(MixkdError, match=r"latency\.json: no such benchmark record; run `make bench`"):
        cost.benchmark("latency", tmp_path)


# -- comparison


def test_methods_are_compared_per_subject_with_seeds_averaged_first():
    rows = [("Scratch", "none", 20, s, seed, 0.5 + 0.1 * s) for s in (1, 2, 3) for seed in (0, 1)]
    rows += [("Scratch 2x", "none", 40, s, seed, 0.6) for s in (1, 2, 3) for seed in (0, 1)]
    rows += [("Base", "both", 20, s, seed, 0.6 + 0.1 * s + 0.02 * seed) for s in (1, 2, 3) for seed in (0, 1)]
    rows += [("TPKD, Ann", "both", 40, s, 0, 0.6 - 0.1 * s) for s in (1, 2, 3)]
    runs = pd.DataFrame(rows, columns=["method", "teachers", "total_epochs", "subject", "seed", "accuracy"])
    runs = runs.assign(dataset="watch", network="WRN16-1", task="classification", case="S")
    table = comparison.table(runs.astype({"subject": str})).set_index("method")
    np.testing.assert_allclose(table["n"], 3)
    np.testing.assert_allclose(table["mean"], [0.7, 0.6, 0.81, 0.4])
    np.testing.assert_allclose(table["sd"], [0.1, 0, 0.1, 0.1], atol=1e-12)
    np.testing.assert_allclose(table["gain"], [0, 0, 0.11, -0.2], atol=1e-12)
    assert "reconstructed" in table["source"]["TPKD, Ann"]


# -- made-up records: answers, clusters and seconds that are known


def made_up(spec, answers: list[int], **about) -> RunRecord:
    """A record that answers so on the test windows (three classes)."""
    data = {"subjects": {"test": [7], "validation": [8], "train": [9]}} | about.get("data", {})
    made = RunRecord(spec, [], data, about.get("provenance", {}), about.get("probes", {}))
    made.__dict__["arrays"] = {"test_logits": np.eye(3, dtype=np.float32)[answers]}
    return made


def table_of(*records: RunRecord) -> pd.DataFrame:
    return pd.DataFrame([{**tables.describe(r.spec), "subject": "7", "record": r} for r in records])


def a_fold(y: list[int]) -> FoldData:
    part = labelled(y)
    parts = dict.fromkeys(("train", "validation", "test"), part)
    return FoldData(FoldWindows(parts, windows.Fold((7,), (8,), (9,)), 3, "overall"), small().data)


def test_followed_counts_equal_answers_where_the_teacher_is_right_and_wrong():
    student = small(teachers=BOTH)
    signal, image = student.teacher_runs
    y = [0, 0, 1, 2]
    records = made_up(student, [0, 1, 1, 0]), made_up(signal, [0, 0, 1, 0]), made_up(image, [1, 1, 1, 2])
    found = agreement.followed(table_of(records[0]), table_of(*records[1:]), {0: a_fold(y)})
    shares = found.set_index(["modality", "where"])["share"]
    assert shares["signal", "right"] == pytest.approx(2 / 3)
    assert shares["signal", "wrong"] == 1
    assert shares["image", "right"] == pytest.approx(1 / 2)
    assert shares["image", "wrong"] == pytest.approx(1 / 2)


def test_answers_of_other_people_are_not_compared_with_the_labels_here():
    """As published runs and a copy of the data set with other people would be."""
    other = made_up(small(), [0, 1], data={"subjects": {"test": [6], "validation": [8], "train": [9]}})
    with pytest.raises(
        MixkdError, match=r"^run .*: found test subjects \[6\], expected \[7\]: two copies of a data set$"
    ):
        tables.labels(other, {0: a_fold([0, 1])})
    assert tables.labels(made_up(small(), [0, 1]), {0: a_fold([0, 1])}).tolist() == [0, 1]


def test_a_study_whose_runs_saw_other_people_is_refused(monkeypatch):
    runs = [made_up(small(), [0]), made_up(small(seed=1), [0], data={"subjects": {"test": [6]}})]
    monkeypatch.setattr(studies.results.sweep, "run", lambda *_: runs)
    with pytest.raises(MixkdError, match="two copies of a data set"):
        studies.load("mixup", studies.Scope("synthetic", "smoke"))


def test_class_gains_are_differences_of_recall():
    first, second = made_up(small(teachers=[SIGNAL]), [0, 0, 1, 2]), made_up(small(), [0, 1, 1, 1])
    found = agreement.class_gains(table_of(first), table_of(second), {0: a_fold([0, 0, 1, 1])}, ("a", "b", "c"))
    assert found.set_index("class")["gain"].to_dict() == {"a": 0.5, "b": -0.5}


def test_runs_are_paired_with_the_one_run_of_their_fold_and_seed():
    first, second = table_of(made_up(small(), [0])), table_of(made_up(small(), [0]), made_up(small(mixup=FULL), [0]))
    assert list(agreement.pairs(first, second[:1])) == [(first["record"][0], second["record"][0])]
    with pytest.raises(MixkdError, match=r"found two runs of .* expected one setting"):
        list(agreement.pairs(first, second))
    with pytest.raises(MixkdError, match=r"found no run of .* expected one"):
        list(agreement.pairs(first, table_of(made_up(small(seed=1), [0]))))


def test_by_similarity_takes_the_pairs_that_plain_students_confuse():
    scores = [{"pair": pair, "v_score": v} for pair, v in (([0, 1], 0.1), ([0, 2], 0.8), ([1, 2], 0.6))]
    confusion = [[3, 3, 0], [0, 6, 0], [0, 0, 6]]
    run = made_up(small(mixup=FULL), [0], probes={"v_scores": scores})
    plain = made_up(small(), [0], probes={"validation_confusion": confusion})
    found = features.by_similarity(table_of(run), table_of(plain)).set_index("kind")["v_score"]
    assert found.to_dict() == pytest.approx({"similar": 0.1, "dissimilar": 0.7})


def test_campaign_adds_up():
    def took(spec, seconds):
        data = {"windows": {"train": 640}}
        return made_up(spec, [0], provenance={"seconds": seconds}, data=data)

    runs = [
        took(small(), 10.0),
        took(small(seed=1), 20.0),
        took(small(seed=2), 60.0),
        took(small(teachers=BOTH), 3570.0),
    ]
    (row,) = cost.campaign(runs).to_dict("records")
    assert (row["runs"], row["median_seconds"]) == (4, 40.0)
    assert row["core_hours"] == pytest.approx(3660 / 3600)
    n_steps = 640 // 16 * 2  # batch 16, two epochs; two teachers cost live minus traced
    assert cost.live_hours(runs, {"live": 30.0, "traced": 10.0}) == pytest.approx(n_steps * 20 / 1000 / 3600)
    one = [took(small(teachers=[SIGNAL]), 1.0), took(small(teachers=[SIGNAL], method="at"), 1.0)]
    assert cost.live_hours(one, {"live": 30.0, "traced": 10.0}) == pytest.approx(n_steps * 10 / 1000 / 3600)


def test_wall_time_of_a_campaign_leaves_pauses_out(tmp_path):
    """Two runs side by side, one within another, a pause of an hour, a third run: 100 + 20 seconds."""
    store, specs = Store(tmp_path), [small(seed=seed) for seed in range(4)]
    for spec, (begin, end) in zip(specs, [(0, 60), (30, 100), (40, 50), (3700, 3720)], strict=True):
        for suffix, time in ((".lock", begin), (".json", end)):
            store.path(spec, suffix).parent.mkdir(parents=True, exist_ok=True)
            store.path(spec, suffix).touch()
            os.utime(store.path(spec, suffix), (time, time))
    found = campaign.measure(specs, 2, store)
    assert (found["runs"], found["workers"]) == (4, 2)
    assert found["wall_hours"] == pytest.approx(120 / 3600)
    assert found["runs_per_hour"] == pytest.approx(120)
    with pytest.raises(MixkdError, match=r"1 of 5 runs are missing, first synthetic"):
        campaign.measure([*specs, small(seed=4)], 2, store)


def test_similarity_map_sorts_by_class_and_compares_directions():
    features_, y = blobs(30)
    values, labels = features.similarity_map(features_, y, per_class=4)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    np.testing.assert_allclose(np.diag(values), 1)
    same = labels[:, None] == labels[None]
    assert values[same].min() > 0.95 > 0.3 > np.abs(values[~same]).max()
    np.testing.assert_allclose(features.similarity_map(7 * features_, y, per_class=4)[0], values)

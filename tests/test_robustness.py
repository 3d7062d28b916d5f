"""Robustness, landscape and deviations, on real studies of small runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mixkd import studies
from mixkd.analysis import deviations, landscape, robustness
from mixkd.runs.published import Published
from mixkd.runs.store import Store
from mixkd.specs.run import Mixup
from mixkd.studies import Scope, tables


@pytest.fixture(scope="module")
def module_home(shared_home):
    """One store for this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXKD_HOME", str(shared_home))
        yield


@pytest.fixture(scope="module")
def mixup_study(module_home):
    """Plain and mixed students of a tiny data set, and its data."""
    return studies.load("mixup", Scope("synthetic", "smoke")), studies.data(Scope("synthetic", "smoke", 0))


def test_robustness_compares_the_same_windows(mixup_study):
    runs, data = mixup_study
    table = robustness.table(runs, data)
    assert len(table) == len(runs) * 16  # four kinds, clean and three strengths
    for about, record in zip(runs.to_dict("records"), tables.records(runs), strict=True):
        own = table[table["spec"] == about["spec"]].set_index(["kind", "strength"])
        assert own.loc[("gaussian", 0.0), "accuracy"] == pytest.approx(about["accuracy"])
        assert own.loc[("missing", 0.30), "accuracy"] == record.probes["missing"][2]
        assert own.loc[("fgsm", 0.05), "kept"] == pytest.approx(
            record.probes["fgsm"][1] - own.loc[("fgsm", 0.0), "accuracy"]
        )


def test_corrupted_windows_differ_where_they_should(mixup_study):
    _, data = mixup_study
    windows = robustness.corrupted_windows(data[0], row=3, level=3)
    clean = data[0].signals["test"][3, :, 0].numpy()
    np.testing.assert_array_equal(windows["clean"], clean)
    assert (windows["gaussian"] - clean).std() == pytest.approx(0.12, rel=0.2)
    gone = (windows["missing"] != clean).all(axis=0)
    assert gone.sum() == 30
    assert (windows["missing"][:, gone] == 0).all()


def test_ends_of_the_line_are_the_two_students(mixup_study):
    runs, data = mixup_study
    first, second = tables.records(runs[runs["fold"] == 0])[2:4]
    table = landscape.line(first, second, data[0], np.array([0.0, 0.5, 1.0]))
    test = table[(table["split"] == "test") & (table["batchnorm"] == "interpolated")].set_index("at")
    for at, record in ((0.0, first), (1.0, second)):
        assert test.loc[at, "accuracy"] == pytest.approx(record.metrics()["accuracy"])
        assert test.loc[at, "loss"] == pytest.approx(record.metrics()["nll"], rel=1e-4)
    itself = landscape.line(first, first, data[0], np.array([0.3]))
    same = itself[(itself["split"] == "test") & (itself["batchnorm"] == "interpolated")]
    assert same["loss"].item() == pytest.approx(first.metrics()["nll"], rel=1e-4)


def test_no_accuracy_where_a_mixed_variance_is_negative(mixup_study):
    runs, data = mixup_study
    first, second = tables.records(runs[runs["fold"] == 0])[2:4]
    larger = replace(second)
    larger.__dict__["weights"] = {n: 10 * w if n.endswith("running_var") else w for n, w in second.weights.items()}
    table = landscape.line(first, larger, data[0], np.array([-0.5, 0.5])).set_index(["batchnorm", "at"]).sort_index()
    assert table.loc[("interpolated", -0.5), ["accuracy", "loss"]].isna().all(axis=None)
    assert table.drop(("interpolated", -0.5)).notna().all(axis=None)


@pytest.mark.parametrize(
    ("dip", "words"),
    [
        (-1.96, "the lowest test accuracy on the way is 2.0 points below that of the worse student"),
        (0.0, "the test accuracy on the way is nowhere below that of the worse student"),
    ],
)
def test_the_way_between_two_students_in_words(dip, words):
    assert landscape.barrier(dip) == words


def test_runs_without_flatness_are_counted_and_not_shown(mixup_study):
    runs, _ = mixup_study
    n, records = len(runs), tables.records(runs)
    assert landscape.with_flatness(runs) == f"of the {n} students on this page, {n} have them"
    assert not landscape.flatness(runs).empty
    older = [replace(record, probes={k: v for k, v in record.probes.items() if k != "flatness"}) for record in records]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "records", lambda runs: [*older[1:], records[0]])
        assert landscape.with_flatness(runs) == f"of the {n} students on this page, 1 has them"
        patch.setattr(tables, "records", lambda runs: older)
        assert landscape.with_flatness(runs) == f"of the {n} students on this page, none have them"
        assert landscape.flatness(runs).empty


def test_the_runs_of_every_deviation_are_published():
    base = next(studies.bases(Scope("watch", "full", 0)))
    trained = set(studies.every(Scope("watch", "full")))
    for deviation in deviations.DEVIATIONS:
        assert {deviation.released(base), deviation.exact(base)} <= trained, deviation.what


def test_deviations_are_released_minus_exact(module_home):
    study = studies.load("deviations", Scope("synthetic", "smoke"))
    studies.load("share", Scope("synthetic", "smoke"))
    store = Store()
    table = deviations.effects(list(studies.bases(Scope("synthetic", "smoke", 0))), store.get, final=False)
    found = table.set_index(["what", "metric"])["effect"]
    by_option = study.groupby(["kd_reduction", "logit_scaling"])[["accuracy", "nll"]].mean()
    for what, key in (
        ("KL averaged over classes too", ("released", "exact")),
        ("logits divided by their sd, no temperature", ("exact", "released")),
    ):
        for metric in ("accuracy", "nll"):
            expected = by_option.loc[key, metric] - by_option.loc[("exact", "exact"), metric]
            assert found[what, metric] == pytest.approx(expected)
    exact = study[(study["kd_reduction"] == "exact") & (study["logit_scaling"] == "exact")]
    assert found["best epoch on the test person", "accuracy"] == pytest.approx(
        (exact["accuracy_best_test"] - exact["accuracy"]).mean()
    )


def test_quoted_spread_is_a_standard_error_over_runs():
    runs = pd.DataFrame(
        [("Base", "both", subject, seed, 0.5 + 0.1 * int(subject)) for subject in "1234" for seed in (0, 1)],
        columns=["method", "teachers", "subject", "seed", "accuracy"],
    )
    (row,) = deviations.spreads(runs).to_dict("records")
    assert row["sd"] == pytest.approx(np.std([0.6, 0.7, 0.8, 0.9], ddof=1))
    assert row["quoted"] == pytest.approx(np.std([0.6, 0.7, 0.8, 0.9]) / np.sqrt(7))


def test_what_mixup_does_to_gaps_is_the_mean_difference_of_published_accuracies():
    """On selfback, +25.0 points [+14.3, +35.7]: the review's numbers, found from the same records by other code."""
    rows = robustness.of_mixup(Scope("selfback", "full"))
    own = rows[(rows["dataset"] == "selfback") & (rows["what"] == "no teacher: 30 % missing")]
    assert [round(100 * own[name].item(), 1) for name in ("effect", "low", "high")] == [25.0, 14.3, 35.7]
    gaps = {}
    for base in studies.bases(Scope("selfback", "full")):
        after, before = (Published().get(replace(base, mixup=mixup)).probes["missing"][2] for mixup in (Mixup(), None))
        gaps.setdefault(base.fold, []).append(after - before)
    assert own["effect"].item() == pytest.approx(np.mean([np.mean(of_fold) for of_fold in gaps.values()]))
    said = robustness.sentences(rows)
    assert said["mixup_gap"].endswith("+25.0 [+14.3, +35.7] on selfback (n = 10)") or said["mixup_gap"].startswith(
        "+25.0 [+14.3, +35.7] on selfback (n = 10)"
    )
    assert set(said) == {"mixup_clean", "mixup_noise", "mixup_gap", "mixup_attack"}

"""Averages of networks: probabilities by hand, accuracy of a pair that is right where one is sure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from runs import small

from mixkd.analysis import ensembles
from mixkd.analysis.effects import in_points
from mixkd.errors import MixkdError
from mixkd.runs.store import RunRecord
from mixkd.studies import tables

Y = np.array([0, 1, 1, 0])


def runs(*logits, seeds=(0, 1)) -> pd.DataFrame:
    """One run of each seed and of two folds, all with these logits for class 1 over class 0."""
    answers = np.stack([np.zeros(4), np.array(logits)], axis=1)
    records = [
        RunRecord(small(fold=fold, seed=seed), [], {}, {}, read_arrays=lambda: {"test_logits": answers})
        for fold in (0, 1)
        for seed in seeds
    ]
    return pd.DataFrame({"record": records})


@pytest.fixture(autouse=True)
def labels(monkeypatch):
    monkeypatch.setattr(tables, "labels", lambda record, data: Y)


def test_probabilities_are_averaged_not_logits():
    sure, unsure = (runs(value, 0, 0, 0)["record"][0] for value in (np.log(99), -np.log(3)))
    found = ensembles.probabilities([sure, unsure])
    assert found[0] == pytest.approx([(0.01 + 0.75) / 2, (0.99 + 0.25) / 2])
    assert found.sum(axis=1) == pytest.approx(np.ones(4))


def test_a_pair_is_right_where_the_sure_one_is():
    """Of the third window the signal networks are wrong and unsure, the image teacher is right and sure."""
    signal, image = runs(-3, 3, -0.2, -3), runs(-3, 3, 4, 0.1)
    found = ensembles.accuracies(signal, image=image, other=runs(-3, 3, -0.3, -3), student=runs(-3, -3, 4, -3), data={})
    assert len(found) == 2
    expected = {"signal": 0.75, "image": 0.75, "signal and image": 1.0, "two signal networks": 0.75}
    assert found.iloc[0].to_dict() == expected | {"student of both": 0.75}
    told = ensembles.differences(found, False)
    assert told["effect"].to_list() == [0.25, 0, 0.25, -0.25, 0]
    assert told["low"].isna().all()
    assert ensembles.answers(told)["kind_over_seed"] == "+25.0 points"


def test_intervals_are_those_of_folds():
    rng = np.random.default_rng(0)
    of = pd.DataFrame(
        rng.random((10, 5)), columns=["signal", ensembles.TOGETHER, ensembles.ALIKE, "student of both", "image"]
    )
    found = ensembles.differences(of, True).loc["signal and image minus signal"]
    by_fold = of[ensembles.TOGETHER] - of["signal"]
    assert found["effect"] == pytest.approx(by_fold.mean())
    half = 2.2621571628 * by_fold.std(ddof=1) / np.sqrt(10)
    assert [found["low"], found["high"]] == pytest.approx([by_fold.mean() - half, by_fold.mean() + half])
    effect, low, high = (100 * found[name] for name in ("effect", "low", "high"))
    assert in_points(found) == f"{effect:+.1f} points [{low:+.1f}, {high:+.1f}]"


def test_runs_of_other_seeds_are_not_paired():
    whole, part = runs(1, 1, 1, 1), runs(1, 1, 1, 1, seeds=(0,))
    with pytest.raises(MixkdError, match="second: found no run of"):
        ensembles.accuracies(whole, image=part, other=whole, student=whole, data={})

"""Scores by condition and their paired changes: means, intervals and words, against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixkd.analysis import paired

RNG = np.random.default_rng(2)


def runs(gains: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Three folds and two seeds, shuffled: accuracy of a fold and seed, plus a gain of each condition and kind."""
    rows = [
        (cell, kind, fold, seed, 0.5 + fold / 10 + gain * (1 + fold) + seed / 50, 1.0 + fold - 10 * gain)
        for (cell, kind), gain in gains.items()
        for fold in range(3)
        for seed in range(2)
    ]
    table = pd.DataFrame(rows, columns=["cell", "kind", "fold", "seed", "accuracy", "nll"])
    return table.sample(frac=1, random_state=1).sort_values("cell", kind="stable", ignore_index=True)


GAINS = {("a", "labels"): 0.0, ("a", "KD"): 0.01, ("b", "labels"): -0.1, ("b", "KD"): -0.12}


def test_changes_are_paired_by_fold_and_condition():
    found = paired.scores(runs(GAINS), "kind", "labels", within="cell", final=True)
    assert found.index.names == ["cell", "kind"]
    assert found.loc[("a", "KD"), "change"] == pytest.approx(2.0)  # mean of 1, 2, 3 points
    assert found.loc[("b", "KD"), "change"] == pytest.approx(-4.0)
    assert found.loc[("b", "KD"), "nll_change"] == pytest.approx(0.2)
    assert found.loc[("a", "labels"), "accuracy"] == pytest.approx(0.61)
    bounds = stats.t.interval(0.95, 2, 2.0, stats.sem([1, 2, 3]))
    assert found.loc[("a", "KD"), ["low", "high"]].tolist() == pytest.approx(list(bounds))
    assert paired.scores(runs(GAINS), "kind", "labels", within="cell")["low"].isna().all()


def test_words():
    found = paired.scores(runs(GAINS), "kind", "labels", within="cell")
    assert paired.changes(found, "labels") == "a: KD +2.0; b: KD -4.0"
    assert paired.levels(found, "labels") == "a: 61.0 %, b: 41.0 %"
    assert paired.words(found, "labels")["change"].to_list() == [None, "+2.0", None, "-4.0"]
    assert paired.words(found, "labels")["nll_change"].to_list() == [None, "-0.10", None, "+0.20"]
    whole = paired.scores(runs(GAINS), "kind", "labels", within="cell", final=True)
    assert paired.words(whole, "labels").loc[("a", "KD"), "change"] == "+2.0 [-0.5, +4.5]"
    assert paired.changes(whole, "labels").startswith("a: KD +2.0 [-0.5, +4.5]; b: KD -4.0 [")

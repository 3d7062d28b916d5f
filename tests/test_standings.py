"""The table over all data sets: what an ensemble and a temperature are, and that what is published is up to date."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax

from mixkd import studies
from mixkd.analysis import baselines, standings
from mixkd.runs.published import Published
from mixkd.specs.run import RunSpec

ENSEMBLE = next(way for way in standings.WAYS if len(way.makes) == 2)
BASES = [RunSpec(fold=fold, seed=seed) for fold in range(3) for seed in range(2)]


def logits(spec: RunSpec, n: int = 30) -> np.ndarray:
    """Random, of each run its own."""
    return np.random.default_rng(int(spec.hash, 16) % 2**32).normal(size=(n, 4)) * 3


def lookup(without=None):
    """Finds every run but one."""
    return lambda spec: None if spec == without else SimpleNamespace(spec=spec, arrays={"test_logits": logits(spec)})


def test_an_ensemble_answers_with_the_mean_of_probabilities():
    answers = standings.answers(ENSEMBLE, BASES, lookup())
    one, other = (logits(make(BASES[3])) for make in ENSEMBLE.makes)
    mean = (softmax(one, axis=1) + softmax(other, axis=1)) / 2
    np.testing.assert_allclose(softmax(answers[1, 1], axis=1), mean, atol=1e-12)


@pytest.mark.parametrize("i", [0, 1])
def test_a_seed_counts_where_all_of_its_runs_are_there(i):
    missing = ENSEMBLE.makes[i](BASES[-1])
    assert standings.seeds(BASES, lookup(missing), ENSEMBLE) == [0]
    assert {seed for _, seed in standings.answers(ENSEMBLE, BASES, lookup(missing))} == {0}


def test_the_temperature_of_a_fold_has_not_seen_it():
    answers = standings.answers(standings.WAYS[0], BASES, lookup())
    y = {fold: np.random.default_rng(fold).integers(0, 4, size=30) for fold in range(3)}
    after = standings.scaled(answers, y)
    grid = np.geomspace(0.05, 400, 4000)
    z, right = np.concatenate([answers[f, 1] for f in (0, 2)]), np.concatenate([y[0], y[2]])
    nll = lambda z, y, t: -log_softmax(z / t, axis=1)[np.arange(len(y)), y].mean()  # noqa: E731
    best = grid[np.argmin([nll(z, right, t) for t in grid])]
    assert after[1, 1] == pytest.approx(nll(answers[1, 1], y[1], best), abs=2e-3)


@pytest.mark.parametrize("dataset", pd.unique(pd.read_csv(standings.PUBLISHED)["dataset"]))
def test_the_published_table_is_that_of_the_published_runs(dataset):
    table = pd.read_csv(standings.PUBLISHED).query("dataset == @dataset").set_index(["kind", "way"])
    bases, runs = list(studies.bases(studies.Scope(dataset, "full"))), Published()
    for way in standings.WAYS:  # published logits are rounded, which may decide between two classes
        seeds = standings.seeds(bases, runs.get, way)
        assert bool(seeds) == ((way.kind, way.name) in table.index), way
        if len(way.makes) == 1 and seeds:
            own = [(b.fold, runs.get(way.makes[0](b)).metrics()) for b in bases if b.seed in seeds]
            means = pd.DataFrame([{"fold": fold, **metrics} for fold, metrics in own]).groupby("fold").mean()
            row = table.loc[way.kind, way.name]
            assert row["accuracy"] == pytest.approx(100 * means["accuracy"].mean(), abs=0.03)
            assert row["sd"] == pytest.approx(100 * means["accuracy"].std(), abs=0.03)
            assert row["nll"] == pytest.approx(means["nll"].mean(), rel=1e-3, abs=1e-3)
            assert (row["folds"], row["seeds"]) == (len(means), len(seeds))
    for name, rows in pd.read_csv(baselines.PUBLISHED).query("dataset == @dataset").groupby("baseline"):
        assert table.loc["baseline", name]["accuracy"] == pytest.approx(100 * rows["accuracy"].mean(), rel=1e-3)


def test_recordings_of_other_people_are_refused():
    from mixkd.errors import MixkdError

    class Other:
        """Data of the same folds with other people."""

        subjects = {"train": [1], "validation": [2], "test": [99]}  # noqa: RUF012
        splits = {"test": SimpleNamespace(y=np.zeros(30, dtype=int))}  # noqa: RUF012

    runs = Published()
    bases = [base for base in studies.bases(studies.Scope("watch", "full")) if base.fold == 0]
    with pytest.raises(MixkdError, match="99"):
        standings.of_networks([replace(bases[0])], runs.get, {0: Other()})  # type: ignore[dict-item]

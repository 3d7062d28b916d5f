"""One temperature after training: fitted without the person it is used for; what it leaves of a difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mixkd import figures, studies
from mixkd.analysis import temperature_scaling
from mixkd.studies import Scope, tables


@pytest.fixture(scope="module")
def study():
    scope = Scope("watch", "full")
    runs = studies.load("mixup", scope)
    return runs[(runs["teachers"] == "none") & (runs["seed"] == 1)], studies.data(scope)


def nll(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return -log_softmax(z.astype(float) / t, 1)[np.arange(len(y)), y].mean()


def test_the_temperature_of_a_person_is_the_best_of_all_others(study):
    table, data = study
    found = temperature_scaling.scaled(table, data)
    assert len(found) == 20
    part = table[table["case"] == "S"].sort_values("fold")
    logits = [record.arrays["test_logits"] for record in tables.records(part)]
    labels = [data[fold].splits["test"].y for fold in part["fold"]]
    for person in (0, 7):
        z, y = (np.concatenate([a for i, a in enumerate(of) if i != person]) for of in (logits, labels))
        best = np.exp(minimize_scalar(lambda u, z=z, y=y: nll(z, y, np.exp(u)), bounds=(-3, 3), method="bounded").x)
        row = found[(found["case"] == "S") & (found["fold"] == person)].iloc[0]
        assert row["temperature"] == pytest.approx(best, rel=1e-3)
        assert row["scaled_nll"] == pytest.approx(nll(logits[person], labels[person], row["temperature"]))
        assert row["nll"] == pytest.approx(part["nll"].iloc[person], abs=2e-3)  # published as float16


def test_curves_are_means_over_runs_and_the_figure_marks_their_minimum(study):
    table, data = study
    curves = temperature_scaling.curves(table, data)
    at = int(np.argmin(abs(temperature_scaling.TEMPERATURES - 1)))
    assert temperature_scaling.TEMPERATURES[at] == pytest.approx(1, rel=0.07)
    part = table[table["case"] == "Mix-S"]
    expected = [
        nll(record.arrays["test_logits"], data[record.spec.fold].splits["test"].y, temperature_scaling.TEMPERATURES[at])
        for record in tables.records(part)
    ]
    assert curves.loc["Mix-S"].iloc[at] == pytest.approx(np.mean(expected))
    (axis,) = figures.scaled_nll(curves).axes
    marked = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "D"]
    assert marked == list(curves.idxmin(axis=1))
    plt.close("all")


def test_one_fold_has_no_other_people(study):
    table, data = study
    found = temperature_scaling.scaled(table[table["fold"] == 3], data)
    assert found[["temperature", "scaled_nll"]].isna().all(axis=None)
    assert found["nll"].notna().all()


def test_answers_by_hand():
    rows = [("S", 2.0, 0.8, 0.5), ("S", 8.0, 0.6, 0.5), ("Mix-S", 1.0, 0.5, 0.45), ("Mix-S", 1.0, 0.5, 0.45)]
    told = temperature_scaling.answers(
        pd.DataFrame(rows, columns=["case", "temperature", "nll", "scaled_nll"]), "S", "Mix-S"
    )
    assert told == pytest.approx(
        {"best_plain": 4, "best_mixed": 1, "acts_like": 4, "gain_as_is": -0.2, "gain_scaled": -0.05}
    )

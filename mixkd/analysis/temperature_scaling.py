"""One temperature after training: what is left of a difference in likelihood once each network has its own.

Published runs before 29 November 2026 have no validation logits. So the temperature of a network is fitted on the
other held-out people of its kind and seed, each answered by the network that did not train on them: no person's
temperature has seen that person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax

from mixkd.learning import calibration, metrics
from mixkd.studies import tables

if TYPE_CHECKING:
    from mixkd.learning.fold_data import FoldData

TEMPERATURES = np.geomspace(0.25, 8, 31)
OF_PROBABILITIES = ("nll", "ece", "brier")


def scaled(table: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """A row per run of a study: case, fold, seed, temperature; metrics as is and `scaled_` (of one fold: NaN).

    Runs of a case and a seed are one group; metrics are of all held-out people of the fold.
    """
    rows = []
    for (case, seed), part in table.groupby(["case", "seed"], sort=False):
        logits, y = zip(*(tables.pooled(one, data) for _, one in part.groupby("fold")), strict=True)
        for i, fold in enumerate(sorted(part["fold"].unique())):
            others = [j for j in range(len(y)) if j != i]
            temperature = float("nan")
            if others:
                rest = (np.concatenate([of[j] for j in others]) for of in (logits, y))
                temperature = calibration.temperature(*rest)
            before = metrics.summary(logits[i], y[i])
            after = metrics.summary(logits[i] / temperature, y[i]) if others else dict.fromkeys(before, temperature)
            rows.append(
                {"case": case, "fold": fold, "seed": seed, "temperature": temperature}
                | {name: before[name] for name in OF_PROBABILITIES}
                | {f"scaled_{name}": after[name] for name in OF_PROBABILITIES}
            )
    return pd.DataFrame(rows)


def errors_by_person(table: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """A row per run and held-out person: case, subject, ece, and `debiased`, see `metrics.debiased`."""
    rows = []
    for case, record in zip(table["case"], tables.records(table), strict=True):
        y, subjects = tables.labels(record, data), data[record.spec.fold].splits["test"].subject
        p = softmax(record.arrays["test_logits"].astype(np.float64), axis=1)
        for subject in np.unique(subjects):
            own = p[subjects == subject], y[subjects == subject]
            errors = {"ece": metrics.ece(*own), "debiased": metrics.debiased(*own)}
            rows.append({"case": case, "subject": int(subject)} | errors)
    return pd.DataFrame(rows)


def curves(table: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """NLL of each case (row) with all of its runs' logits divided by each of TEMPERATURES (columns); mean over runs."""
    rows = {}
    for case, part in table.groupby("case", sort=False):
        runs = [tables.pooled(part.iloc[[i]], data) for i in range(len(part))]
        rows[case] = np.mean([nll_at_each(logits, y) for logits, y in runs], axis=0)
    return pd.DataFrame(rows, index=TEMPERATURES).T


def nll_at_each(logits: np.ndarray, y: np.ndarray) -> list[float]:
    """NLL (nats) of labels (n,) under logits (n, n_classes) divided by each of TEMPERATURES."""
    return [metrics.nll(log_softmax(logits.astype(np.float64) / t, axis=1), y) for t in TEMPERATURES]


def answers(of_runs: pd.DataFrame, plain: str, mixed: str) -> dict[str, float]:
    """What the chapter says of `scaled`: best temperatures (geometric means) and differences in NLL, mixed - plain."""
    of_runs = of_runs.assign(log_temperature=np.log(of_runs["temperature"]))
    mean = of_runs.groupby("case")[["log_temperature", "nll", "scaled_nll"]].mean()
    best = np.exp(mean["log_temperature"])
    return {
        "best_plain": best[plain],
        "best_mixed": best[mixed],
        "acts_like": best[plain] / best[mixed],
        "gain_as_is": mean.loc[mixed, "nll"] - mean.loc[plain, "nll"],
        "gain_scaled": mean.loc[mixed, "scaled_nll"] - mean.loc[plain, "scaled_nll"],
    }

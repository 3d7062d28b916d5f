"""Methods side by side: one row each, over held-out subjects, seeds averaged first."""

from __future__ import annotations

import pandas as pd

from mixkd.specs.methods import METHODS

SOURCES = {method.title: method.source for method in METHODS.values()} | {
    "Scratch": "control: labels only",
    "Base": METHODS["kd"].source,
    "Ann": "the group's papers: starts from a scratch student",
    "Base 2x": "control of Ann: as many epochs, all of them taught",
    "Scratch 2x": "control of Ann: as many epochs, none of them taught",
    "ESKD": "Cho & Hariharan 2019: early-stopped teacher",
    "RL": "Choi et al. 2023: logits divided by their standard deviation",
}  # by the name that tables use, see `tables.method_of`
KEYS = ["method", "teachers", "total_epochs"]


def gains(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with `gain`: accuracy minus that of the scratch student with equal network, task, epochs, subject, seed.

    Of students without teachers those that teach themselves are compared too.
    """
    same = ["dataset", "network", "task", "total_epochs", "subject", "seed"]
    plain = runs["method"].str.startswith("Scratch") & (runs["case"] == "S")
    alone = runs[plain].set_index(same)["accuracy"]
    control = alone.loc[[*runs[same].itertuples(index=False, name=None)]]
    return runs.assign(gain=runs["accuracy"] - control.to_numpy())


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Per method and teachers: accuracy over subjects (of their mean over seeds), mean, sd, worst, n; mean `gain`."""
    by_subject = gains(runs).groupby([*KEYS, "subject"], sort=False)[["accuracy", "gain"]].mean()
    groups = by_subject.groupby(KEYS, sort=False)
    result = (
        groups["accuracy"]
        .agg(mean="mean", sd="std", worst="min", n="count")
        .assign(gain=groups["gain"].mean())
        .reset_index()
    )
    return result.assign(source=[SOURCES.get(name.split(", ")[0], "") for name in result["method"]])

"""Scores of kinds of runs under several conditions, and their paired changes against one kind, the control."""

from __future__ import annotations

import math

import pandas as pd

from mixkd.analysis.inference import bounds, interval

SYSTEMS = {"S": "labels", "Mix-S": "mixup", "T & S": "KD", "T & Mix-S": "KD + mixup"}  # by case, of one teacher or none
NONE = (math.nan, math.nan)
COLUMNS = ["accuracy", "nll", "change", "low", "high", "nll_change"]


def scores(runs: pd.DataFrame, kind: str, control: str, *, within: str, final: bool = False) -> pd.DataFrame:
    """Means over folds by condition (column `within` of the runs) and kind (column `kind`), seeds averaged first.

    accuracy (a share), nll; `change` of accuracy against the control of the same condition and fold, in points, with
    its 95 % t interval over folds (`low`, `high`) if `final`; nll_change. Without runs the columns alone.
    """
    rows = []
    for condition, part in runs.groupby(within, sort=False):
        by_fold = part.groupby([kind, "fold"], sort=False)[["accuracy", "nll"]].mean()
        for name in part[kind].unique():
            own = by_fold.loc[name]
            change = own - by_fold.loc[control]
            low, high = interval(100 * change["accuracy"].to_numpy()) if final and name != control else NONE
            means = own["accuracy"].mean(), own["nll"].mean(), 100 * change["accuracy"].mean()
            rows.append((condition, name, *means, low, high, change["nll"].mean()))
    table = pd.DataFrame(rows, columns=[within, kind, *COLUMNS]).set_index([within, kind])
    return table.round(12) + 0.0  # no minus before zero


def changes(table: pd.DataFrame, control: str) -> str:
    """Changes of accuracy against the control by condition, of `scores`, as the end of a sentence, in points."""
    clauses = []
    for condition, part in table.groupby(level=0, sort=False):
        others = part.droplevel(0).drop(index=control)
        clauses.append(f"{condition}: " + ", ".join(f"{name} {_points(row)}" for name, row in others.iterrows()))
    return "; ".join(clauses)


def levels(table: pd.DataFrame, kind: str) -> str:
    """Mean accuracy of one kind by condition, of `scores`, as the end of a sentence."""
    means = table.xs(kind, level=1)["accuracy"]
    return ", ".join(f"{condition}: {100 * mean:.1f} %" for condition, mean in means.items())


def words(table: pd.DataFrame, control: str) -> pd.DataFrame:
    """`scores` for reading: changes as text, with signs and intervals; None for the control itself."""
    rows = [None if name == control else row for (_, name), row in table.iterrows()]
    changes = {
        "change": [row if row is None else _points(row) for row in rows],
        "nll_change": [row if row is None else f"{row['nll_change']:+z.2f}" for row in rows],
    }
    return table[["accuracy", "nll"]].assign(**changes)


def _points(row: pd.Series) -> str:
    return f"{row['change']:+z.1f} {bounds(row['low'], row['high'])}".rstrip()

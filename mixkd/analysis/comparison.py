"""Methods side by side: one row each, over held-out subjects, seeds averaged first."""

from __future__ import annotations

import pandas as pd

from mixkd.methods import SOURCES


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Accuracy per method and teachers: mean and sd over subjects (of their mean over seeds), their number n.

    `gain` is the mean difference, on the same subject, to the scratch student of as many epochs.
    """
    keys = ["method", "teachers", "total_epochs"]
    by_subject = runs.groupby([*keys, "subject"], sort=False)["accuracy"].mean().reset_index()
    alone = by_subject[by_subject["teachers"] == "none"].set_index(["total_epochs", "subject"])["accuracy"]
    control = alone.loc[[*zip(by_subject["total_epochs"], by_subject["subject"], strict=True)]].to_numpy()
    by_subject["gain"] = by_subject["accuracy"] - control
    groups = by_subject.groupby(keys, sort=False)
    result = groups["accuracy"].agg(mean="mean", sd="std", n="count").assign(gain=groups["gain"].mean()).reset_index()
    return result.assign(source=[SOURCES.get(name.split(", ")[0], "") for name in result["method"]])

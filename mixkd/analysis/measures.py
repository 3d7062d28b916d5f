"""Metrics of claims and effects: how to compute each from a record, its margin, its unit in figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixkd.analysis.features import mean_scores
from mixkd.errors import MixkdError
from mixkd.runs.published import METRICS
from mixkd.runs.store import RunRecord


@dataclass(frozen=True)
class Measure:
    """`margin`: largest negligible difference (declared). Figures show `scale` times the metric, in `unit`."""

    margin: float
    unit: str = "points of accuracy"
    scale: float = 100

    @property
    def digits(self) -> int:
        """Digits after the point in text and tables."""
        return 2 if self.scale == 1 else 1


MEASURES = {
    **dict.fromkeys(("accuracy", "accuracy_best_validation"), Measure(0.01)),
    **dict.fromkeys(("fgsm_2", "gaussian_3", "missing_3"), Measure(0.01)),  # accuracy of corrupted windows
    **dict.fromkeys(("kept_gaussian_3", "kept_missing_3"), Measure(0.01)),  # the same minus that of clean ones
    **dict.fromkeys(("curve_noise", "curve_gap", "ifgsm_2"), Measure(0.01)),  # curve: mean over severities
    "macro_f1": Measure(0.01, "points of F1"),
    **dict.fromkeys(("nll", "nll_scaled"), Measure(0.05, "NLL, nats", 1)),  # scaled: after one temperature
    "ece": Measure(0.01, "ECE, points"),
    "sharpness": Measure(0.001, "sharpness, thousandths of a nat", 1000),  # see `decisions.CHANGES`
    **dict.fromkeys(("v_similar", "v_gap"), Measure(0.02, "V-score", 1)),
}


def whom(*metrics: str) -> str:
    """What one value of these metrics is about: a person, or people who were measured together."""
    by_person = all(metric in (*METRICS, "nll_scaled") for metric in metrics)
    return "person" if by_person else "person, or per group of people who were measured together"


def measure(record: RunRecord, metric: str, confusion: np.ndarray) -> pd.Series:
    """A metric of a run by held-out subject, or one value for all subjects of the fold if measured on them together.

    confusion: (n_classes, n_classes), of plain students on the fold's validation subjects; determines similar and
    dissimilar classes. If the run was tested on no such pair, there is no V-score and the result is empty.
    """
    probes = record.probes
    if metric in METRICS:
        return pd.Series({subject: values[metric] for subject, values in probes["subjects"].items()})
    for name, start in (("scaled", "nll_scaled"), ("curves", "curve_")):
        if metric.startswith(start) and name not in probes:
            raise MixkdError(f"run {record.spec.name}: found no {name}, expected a run since 29 November 2026")
    if metric == "nll_scaled":
        return pd.Series({subject: values["nll"] for subject, values in probes["scaled"]["subjects"].items()})
    if metric == "accuracy_best_validation":
        value = record.metrics("best_validation")["accuracy"]
    elif metric.startswith("gained_"):  # by a choice of epoch
        value = record.metrics(metric.removeprefix("gained_"))["accuracy"] - record.metrics()["accuracy"]
    elif metric == "sharpness":
        value = probes["sharpness"]
    elif metric in ("v_similar", "v_gap"):
        similar, dissimilar = mean_scores(probes["v_scores"], confusion)
        value = similar if metric == "v_similar" else dissimilar - similar
        if math.isnan(value):
            return pd.Series(index=pd.Index([], dtype=object), dtype=float)
    elif metric.startswith("curve_"):
        value = float(np.mean(probes["curves"][metric.removeprefix("curve_")]))
    else:
        kind, level = metric.removeprefix("kept_").split("_")
        clean = record.metrics()["accuracy"] if metric.startswith("kept_") else 0.0
        value = probes[kind][int(level) - 1] - clean
    return pd.Series({record.subject: value})

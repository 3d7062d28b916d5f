"""The loss surface around students: the straight line between two of them, and how sharp their minima are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from mixkd.learning import probes
from mixkd.learning.fold_data import FoldData
from mixkd.runs.single import trained_network
from mixkd.runs.store import RunRecord
from mixkd.studies import tables

N_TRAIN = 1024  # evenly spaced training windows that stand for all


def line(first: RunRecord, second: RunRecord, data: FoldData, at: np.ndarray) -> pd.DataFrame:
    """Accuracy and loss at (1 - at) * first + at * second, two signal networks of one architecture; at: (n,).

    Columns at, batchnorm, split, accuracy, loss. `recomputed`: BatchNorm statistics of training windows at each point;
    `interpolated`: mixed like the weights, which degrades good networks (Izmailov et al. 2018); NaN if, beyond the
    ends, a mixed variance is negative.
    """
    ends = [trained_network(record, data).state_dict() for record in (first, second)]
    net = trained_network(first, data)
    inputs = {}
    for split in ("train", "test"):
        rows = probes.evenly(len(data.splits[split]), N_TRAIN if split == "train" else len(data.splits[split]))
        inputs[split] = data.signals[split][rows], torch.from_numpy(data.splits[split].y[rows])
    points = []
    for t in at:
        here = {
            name: torch.lerp(a, ends[1][name], float(t)) if a.is_floating_point() else a for name, a in ends[0].items()
        }
        net.load_state_dict(here)
        for batchnorm in ("interpolated", "recomputed"):
            if batchnorm == "recomputed":
                probes.recompute_batchnorm(net, inputs["train"][0])
            for split, (x, y) in inputs.items():
                measured = {"accuracy": probes.accuracy(net, x, y), "loss": probes.loss(net, x, y)}
                points.append({"at": float(t), "batchnorm": batchnorm, "split": split, **measured})
    return pd.DataFrame(points)


def flatness(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean ascent (nats) and trace of the Hessian, temperature-scaled, by case; of runs that have them."""
    probes = [record.probes.get("flatness", {}) for record in tables.records(runs)]
    columns = {name: [probe.get(name) for probe in probes] for name in ("ascent", "trace")}
    return runs.assign(**columns).groupby("case", sort=False)[list(columns)].mean().dropna()


def with_flatness(runs: pd.DataFrame) -> str:
    """How many runs have the two measures of `flatness`, as a clause."""
    n = sum("flatness" in record.probes for record in tables.records(runs))
    return f"of the {len(runs)} students on this page, {n or 'none'} {'has' if n == 1 else 'have'} them"


def barrier(dip: float) -> str:
    """Points of accuracy that the way between two students lies below the worse one, zero or less, as a clause."""
    if dip > -0.05:
        return "the test accuracy on the way is nowhere below that of the worse student"
    return f"the lowest test accuracy on the way is {-dip:.1f} points below that of the worse student"


def sharpness(runs: pd.DataFrame) -> pd.DataFrame:
    """A study's rows with `sharpness`, `train_loss` (nats) and `fgsm`: accuracy under FGSM at the middle epsilon."""
    probes = [record.probes for record in tables.records(runs)]
    columns = {name: [probe[name] for probe in probes] for name in ("sharpness", "train_loss")}
    return runs.assign(**columns, fgsm=[probe["fgsm"][1] for probe in probes])

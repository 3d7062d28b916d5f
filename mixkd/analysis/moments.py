"""What the image teacher knows that ten moments of each channel do not: readable moments, teachers, students, costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import torch

from mixkd.analysis import baselines, effects
from mixkd.analysis.claims import Make, scratch
from mixkd.learning import networks
from mixkd.learning.fold_data import FoldData
from mixkd.learning.moments import POWERS, moments
from mixkd.runs import single
from mixkd.runs.cost import network_multiply_adds
from mixkd.specs.parts import Family
from mixkd.specs.run import RunSpec, TeacherSpec
from mixkd.studies import tables, taught
from mixkd.topology import Grid

NAMES: dict[Family, str] = {"wrn": "image", "moments": "linear", "wrn_moments": "pooled"}
READABLE = ("mass", "birth", "lifetime")
CUT = 1e-3  # directions of the moments in which windows differ less than this part of the most are left out


def symbol(power: tuple[int, int]) -> str:
    """The name of a moment, as in the formulas: M and its two indices."""
    return "M" + "".join("₀₁₂₃"[p] for p in power)


def readable(drawn: np.ndarray, grid: Grid) -> np.ndarray:
    """Total persistence, and means of birth and lifetime weighted by persistence, of images: (n, n_channels, 3).

    In units of the signal, from the moments M_00, M_10 and M_01 of images (n, n_channels, resolution, resolution) that
    are not normalised. NaN are the means of an empty image.
    """
    raw = moments(torch.from_numpy(drawn).double()).numpy()
    mass, x, y = (raw[:, :, POWERS.index(powers)] for powers in ((0, 0), (1, 0), (0, 1)))
    with np.errstate(invalid="ignore", divide="ignore"):
        right, up = (x / mass + 1) / 2, (y / mass + 1) / 2
    low, high = grid.birth.T.astype(np.float64)
    return np.stack([mass * grid.spec.resolution**2, low + right * (high - low), up * grid.persistence], axis=2)


def from_pairs(pairs: np.ndarray) -> np.ndarray:
    """The same three numbers, (n_columns,), from the pairs (n_pairs, 2) of a diagram, without an image."""
    lifetime = pairs[:, 1] - pairs[:, 0]
    return np.array([lifetime.sum(), *(lifetime @ np.stack([pairs[:, 0], lifetime], axis=1) / lifetime.sum())])


def influence(logits: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, float]:
    """How far each moment moves a linear teacher's logits, (n_channels, n_rows) in the order of POWERS, and the fit.

    Logits (n, n_classes) of images `seen` (n, n_channels, resolution, resolution) are linear in the moments, so least
    squares reads the weights back; logits count up to a number that all classes share. A moment moves them by its
    weight times its standard deviation over the windows: root mean square over classes. The fit is the share of the
    variance of logits that is explained.
    """
    raw = moments(torch.from_numpy(seen).double()).numpy()
    x = raw.reshape(len(raw), -1)
    x = x - x.mean(axis=0)
    x /= np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    y = logits.astype(np.float64)
    y = y - y.mean(axis=1, keepdims=True)
    y -= y.mean(axis=0)
    weights = np.linalg.lstsq(x, y, rcond=CUT)[0]
    explained = 1 - np.square(y - x @ weights).sum() / np.square(y).sum()
    return np.sqrt(np.square(weights).mean(axis=1)).reshape(raw.shape[1:]), float(explained)


def influences(runs: pd.DataFrame, data: dict[int, FoldData]) -> tuple[np.ndarray, float]:
    """Mean of `influence` over the linear teachers of a study, on windows of held-out people: (n_channels, n_rows)."""
    per_fold = []
    for record in tables.records(runs[(runs["role"] == "teacher") & (runs["network"] == tables.NETWORKS["moments"])]):
        part = data[record.spec.fold]
        tables.labels(record, data)  # refuses other people
        imager = FoldData(part.base, record.spec.data).imager
        per_fold.append(influence(record.arrays["test_logits"], imager(part.diagrams["test"])))
    moved, fits = zip(*per_fold, strict=True)
    return np.mean(moved, axis=0), float(np.mean(fits))


def majority(runs: pd.DataFrame, data: dict[int, FoldData]) -> float:
    """Accuracy of the majority class of the training windows, mean over the folds of a study."""
    parts = (data[fold].splits for fold in runs["fold"].unique())
    return float(np.mean([baselines.accuracy("majority class", part["train"], part["test"]) for part in parts]))


def names(runs: pd.DataFrame) -> list[str]:
    """What the chapter calls each run: a teacher or a student by its kind of teacher."""
    of = {tables.network_of(TeacherSpec("image", family=family)): name for family, name in NAMES.items()}
    longer = {"Scratch 2x": "labels alone, 2x"}  # as many steps as student and teacher together
    return [
        f"{of[row.network]} teacher"
        if row.role == "teacher"
        else f"from {of.get(row.teacher_network) or longer.get(row.method, 'labels alone')}"
        for row in runs.itertuples()
    ]


def table(runs: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """Per network of the study: mean and sd of accuracy over held-out people, NLL, parameters, multiply-adds."""
    groups = runs.assign(name=names(runs)).groupby("name", sort=False)
    by_subject = groups[["accuracy", "nll"]].mean()
    people = runs.assign(name=names(runs)).groupby(["name", "subject"], sort=False)["accuracy"].mean()
    spread = people.groupby("name", sort=False).agg(sd="std", n="count")
    sizes = {name: size(part["spec"].iloc[0], data) for name, part in groups}
    return by_subject.join(spread).join(pd.DataFrame(sizes, index=["parameters", "multiply_adds"]).T)


def size(spec: RunSpec, data: dict[int, FoldData]) -> tuple[int, int]:
    """Parameters, and multiply-adds for one input, of the network of a run."""
    part = data[spec.fold]
    shape = part.splits["train"].x.shape[1:]
    if spec.image and spec.modality == "image":
        shape = (shape[0], spec.image.resolution, spec.image.resolution)
    work = network_multiply_adds(spec, shape, part.n_outputs)
    return networks.n_parameters(single.untrained(spec.network, part)), work


def _student(family: Family) -> Make:
    return lambda base: taught(base, "image", teachers=(TeacherSpec("image", family=family),))


def _teacher(family: Family) -> Make:
    return lambda base: _student(family)(base).teacher_runs[0]


CONTRASTS: tuple[tuple[str, Make, Make], ...] = (
    ("linear teacher against image teacher", _teacher("moments"), _teacher("wrn")),
    ("pooled teacher against image teacher", _teacher("wrn_moments"), _teacher("wrn")),
    ("taught by image against labels alone", _student("wrn"), scratch()),
    ("taught by linear against labels alone", _student("moments"), scratch()),
    ("taught by pooled against labels alone", _student("wrn_moments"), scratch()),
    ("taught by linear against labels alone, 2x", _student("moments"), scratch(init="scratch")),
    ("taught by linear against taught by image", _student("moments"), _student("wrn")),
)


def contrasts(runs: pd.DataFrame, final: bool) -> pd.DataFrame:
    """Paired differences between networks of the study that are there, as `effects.table` has them."""
    known = dict(zip(runs["spec"], tables.records(runs), strict=True))
    bases = [spec for spec in known if spec.role == "student" and not spec.teachers and spec.init == "random"]
    return pd.DataFrame(
        {"what": what, "metric": metric, "dataset": bases[0].dataset}
        | effects.summary(effects.difference(changed, plain, metric, bases=bases, lookup=known.get), final)
        for what, changed, plain in CONTRASTS
        if changed(bases[0]) in known
        for metric in effects.SHOWN
    )


def _clear(row: pd.Series) -> str:
    """What the interval of an effect says of zero."""
    if math.isnan(row["low"]):
        return "so few people give no interval"
    side = "above zero" if row["low"] > 0 else "below zero" if row["high"] < 0 else "on both sides of zero"
    return f"the interval lies {side}"


def answers(networks: pd.DataFrame, differences: pd.DataFrame, majority: float, moved: np.ndarray) -> dict[str, Any]:
    """What the chapter says, of `table`, `contrasts`, the accuracy of the majority class and `influences`."""
    accuracy = networks["accuracy"]
    effect = differences[differences["metric"] == "accuracy"].set_index("what")
    above = {name: accuracy[f"{name} teacher"] - majority for name in ("linear", "image")}
    gain = effect.loc["taught by linear against labels alone"]
    strongest = POWERS[int(moved.mean(axis=0).argmax())]
    pooled = effect.index == "pooled teacher against image teacher"
    work = networks["multiply_adds"]
    return {
        "majority": 100 * majority,
        **{f"{name}_teacher": 100 * accuracy[f"{name} teacher"] for name in above},
        "share": 100 * above["linear"] / above["image"],
        "scratch": 100 * accuracy["from labels alone"],
        **{f"from_{name}": 100 * accuracy[f"from {name}"] for name in above},
        "taught_image": effects.in_points(effect.loc["taught by image against labels alone"]),
        "taught_linear": effects.in_points(gain),
        "clear": _clear(gain),
        "linear_or_image": effects.in_points(effect.loc["taught by linear against taught by image"]),
        "pooled": effects.in_points(effect[pooled].iloc[0]) if pooled.any() else "not trained here",
        "cheaper": work["image teacher"] / work["linear teacher"],
        "parameters": int(networks["parameters"]["linear teacher"]),
        "strongest": symbol(strongest),
        "n": int(gain["n"]),
    }

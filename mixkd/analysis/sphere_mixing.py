"""Mixup on a sphere: do the image of a mixed window and its mixed image agree, how alive is the window, who learns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from mixkd.analysis.inference import interval
from mixkd.learning.fold_data import FoldData, Split, fold_data
from mixkd.learning.sphere import MODALITIES
from mixkd.learning.streams import Draw
from mixkd.rng import generator
from mixkd.specs.run import Mixup, RunSpec
from mixkd.studies.line import DECODED
from mixkd.topology.persistence import diagrams

Values = dict[str, float | str]
REAL, INPUTS, SPHERE, RECONSTRUCTED = "real", "inputs mixed", "mixed on the sphere", "decoded, not mixed"


@dataclass(frozen=True)
class Spaces:
    """The data of one fold, mixed as inputs and on the sphere."""

    inputs: FoldData
    sphere: FoldData


def spaces(base: RunSpec) -> Spaces:
    """Of the fold of a run, with its default images."""
    sphere = fold_data(replace(base, mixup=Mixup(where="sphere")).data)
    return Spaces(fold_data(replace(sphere.about, on_sphere=False), sphere), sphere)


def couples(n_windows: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of different windows (n,) and their partners (n,), no two of them the same window."""
    order = generator(seed, "couples").permutation(n_windows)
    n = min(n, n_windows // 2)
    return order[:n], order[n : 2 * n]


def validity(of: Spaces, rows: np.ndarray, partners: np.ndarray, coefficient: float = 0.5) -> pd.DataFrame:
    """A row per way of mixing and pair of training windows, `rows` and `partners`, (n,) each.

    distance: of the image of the window from the image, both normalised, in norms of a real image (their mean)
    relative: the same in the mean norm of the two images
    alive: total persistence of the window over the (weighted) mean of the two windows it is made of
    nearest: root mean squared distance to the nearest training window that it is not made of
    """
    half, one = (np.full(len(rows), value, np.float32) for value in (coefficient, 1.0))
    ways = {
        REAL: (of.inputs, Draw(rows, partners, one)),
        INPUTS: (of.inputs, Draw(rows, partners, half)),
        SPHERE: (of.sphere, Draw(rows, partners, half)),
        RECONSTRUCTED: (of.sphere, Draw(rows, rows, half)),
    }
    x = of.inputs.signals["train"]
    size = norms(of.inputs, of.inputs.inputs("image", "train", rows).numpy()).mean()
    lives = total_persistence(x.squeeze(2).numpy())
    tables = []
    for way, (data, draw) in ways.items():
        signals, images = (data.mixed(modality, draw) for modality in MODALITIES)
        own = image_of(data, signals)
        distance = np.linalg.norm((own - images.numpy()).reshape(len(rows), -1), axis=1)
        both = (norms(data, own) + norms(data, images.numpy())) / 2
        weight = draw.coefficients
        expected = weight * lives[draw.rows] + (1 - weight) * lives[draw.partners]
        apart = torch.cdist(signals.flatten(1), x.flatten(1)).numpy() / math.sqrt(x[0].numel())
        for made_of in (draw.rows, draw.partners):
            apart[np.arange(len(rows)), made_of] = np.inf
        columns = {"distance": distance / size, "relative": distance / both, "nearest": apart.min(1)}
        alive = total_persistence(signals.squeeze(2).numpy()) / expected
        tables.append(pd.DataFrame({"way": way, **columns, "alive": alive}))
    return pd.concat(tables, ignore_index=True)


def image_of(data: FoldData, signals: torch.Tensor) -> np.ndarray:
    """Normalised persistence images (n, n_channels, resolution, resolution) of normalised windows, drawn anew."""
    mean, std = (z[:, None] for z in (data.normalisation.mean, data.normalisation.std))
    return data.imager(diagrams(signals.squeeze(2).numpy() * std + mean))


def norms(data: FoldData, images: np.ndarray) -> np.ndarray:
    """Norms (n,) of normalised images (n, n_channels, resolution, resolution): distances from the empty image."""
    empty = data.imager.normalisation(np.zeros_like(images[:1]))
    return np.linalg.norm((images - empty).reshape(len(images), -1), axis=1)


def total_persistence(signals: np.ndarray) -> np.ndarray:
    """Sum of the lifetimes of all pairs of windows (n, n_channels, n_samples), over channels: (n,)."""
    pairs = diagrams(signals)
    ends = np.concatenate([[0.0], np.cumsum(pairs.points[:, 1] - pairs.points[:, 0], dtype=np.float64)])
    return np.diff(ends[pairs.offsets[:: pairs.n_channels]])


def lost(of: Spaces, split: Split) -> dict[str, float]:
    """Mean squared error of decoded signals and images of a split, by modality, over that of decoding all to 0."""
    rows, net = np.arange(len(of.sphere.splits[split])), of.sphere.sphere.net
    pair = [of.sphere.inputs(modality, split, rows) for modality in MODALITIES]
    latents = net.encode(pair)
    return {
        name: ((net.decode(latents, name) - x).pow(2).mean() / x.pow(2).mean()).item()
        for name, x in zip(MODALITIES, pair, strict=True)
    }


def path(of: Spaces, own: int, partner: int, coefficients: Sequence[float]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Windows (n, n_channels, n_samples) and images on the way from one window to another, by way of mixing."""
    weights = np.array(coefficients, np.float32)
    draw = Draw(np.full(len(weights), own), np.full(len(weights), partner), weights)
    ways = {}
    for way, data in ((INPUTS, of.inputs), (SPHERE, of.sphere)):
        signals, images = (data.mixed(modality, draw).numpy() for modality in MODALITIES)
        ways[way] = signals[:, :, 0], images
    return ways


CONTROLS = {  # of a way to mix: what it is compared with, of the same teachers
    "inputs": "none",
    "sphere": "inputs",
    "inputs, half": "none",
    "sphere, half": "inputs, half",
    "decoded": "none",
}


def mixing(run: pd.Series) -> str:
    """What the table of students calls the mixup of a run."""
    if run["mixed_on"] == "none":
        return "none"
    if run["alpha"] == DECODED:
        return "decoded"
    where = {"input": "inputs", "sphere": "sphere"}[run["mixed_on"]]
    return where if run["share"] == 1 else f"{where}, half"


def students(runs: pd.DataFrame, final: bool) -> pd.DataFrame:
    """A row per teachers and mixing: means over folds, and the difference of accuracy from the control by fold.

    Accuracies in per cent; sd: over folds; low, high: 95 % interval of the difference if `final`.
    """
    named = runs.assign(mixing=[mixing(row) for _, row in runs.iterrows()], accuracy=100 * runs["accuracy"])
    groups = named.groupby(["teachers", "mixing"], sort=False)
    by_fold = {key: part.groupby("fold")[["accuracy", "nll"]].mean() for key, part in groups}
    rows = []
    for (teachers, name), own in by_fold.items():
        mean = {"accuracy": own["accuracy"].mean(), "sd": own["accuracy"].std(), "nll": own["nll"].mean()}
        row = {"teachers": teachers, "mixing": name, **mean, "n": len(own), "against": CONTROLS.get(name, "")}
        if row["against"]:
            differences = own["accuracy"] - by_fold[teachers, row["against"]]["accuracy"]
            low, high = interval(differences.to_numpy()) if final else (math.nan, math.nan)
            row |= {"difference": differences.mean(), "low": low, "high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def answer(pairs: pd.DataFrame, table: pd.DataFrame, held_out: dict[str, float], trained: dict[str, float]) -> Values:
    """What the chapter says first: of `validity`, `students`, and `lost` of held-out and of training windows."""
    mean = pairs.groupby("way")[["distance", "relative", "alive", "nearest"]].mean()
    linear, between = mean.loc[INPUTS], mean.loc[SPHERE]
    alone = table[table["teachers"] == "none"].set_index("mixing")
    gain = alone["difference"]
    clear = {name: _clear(alone.loc[name]) for name in ("inputs", "sphere")}
    return {
        "consistent": _consistent(linear, between),
        "learn": "learn more" if gain["sphere"] > 0 else "learn less" if gain["sphere"] < 0 else "learn as much",
        **{f"gain_{name}": gain[name] for name in ("inputs", "sphere")},
        **{f"clear_{name}": text for name, text in clear.items()},
        **{f"{name}_{key}": 100 * row[name] for key, row in _rows(mean) for name in ("distance", "relative", "alive")},
        **{f"nearest_{key}": row["nearest"] for key, row in _rows(mean)},
        **{f"trained_{name}": 100 * value for name, value in trained.items()},
        **{f"held_out_{name}": 100 * value for name, value in held_out.items()},
    }


def _consistent(linear: pd.Series, between: pd.Series) -> str:
    """Whether pairs mixed on the sphere agree better, by both measures, as the end of a sentence."""
    nearer = {bool(between[measure] < linear[measure]) for measure in ("relative", "distance")}
    if len(nearer) == 2:
        return "cannot be called more or less consistent than pairs mixed as inputs, because two measures disagree"
    return f"are {'more' if nearer.pop() else 'less'} consistent than pairs mixed as inputs"


def _rows(mean: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    keys = {"real": REAL, "inputs": INPUTS, "sphere": SPHERE, "decoded": RECONSTRUCTED}
    return [(key, mean.loc[way]) for key, way in keys.items()]


def _clear(row: pd.Series) -> str:
    """Whether the interval of a difference leaves out zero, as the end of a sentence."""
    if math.isnan(row["low"]):
        return "a point without an interval"
    return "with an interval that leaves out zero" if row["low"] > 0 or row["high"] < 0 else "an interval around zero"

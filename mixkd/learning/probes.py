"""Measurements on a network right after training, before its weights are dropped: robustness, sharpness, clusters.

Robustness and sharpness are of signal networks only. Levels and shares of the corruptions come from notes on the
group's work. Declared defaults, not in the notes: noise sd in units of the normalised signal, one contiguous missing
block set to 0 in all channels, the epsilons, the radius and the number of directions.
"""

from __future__ import annotations

import copy
import math
from itertools import combinations
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.cluster import KMeans
from sklearn.metrics import v_measure_score
from torch import nn
from torch.nn import functional as F

from mixkd.learning.corruptions import CORRUPTIONS, TURNED, Sensors, gap, noise
from mixkd.learning.teachers import ROWS_ON_A_CARD
from mixkd.rng import generator

Kind = Literal["gaussian", "missing"]
Labelled = tuple[torch.Tensor, np.ndarray]  # windows with their labels

GAUSSIAN = (0.06, 0.09, 0.12)  # sd of levels 1-3, units of the normalised signal
MISSING = (0.15, 0.22, 0.30)  # share of the window, levels 1-3
LEVELS: dict[Kind, tuple[float, ...]] = {"gaussian": GAUSSIAN, "missing": MISSING}
EPSILONS = (0.02, 0.05, 0.1)  # L-infinity, units of the normalised signal
OVERSTEP = 1.25  # total step length of an iterated attack, in epsilons
RADIUS = 0.1  # of sharpness, in norms of each filter
N_DIRECTIONS = 4
TEMPERATURES = np.geomspace(0.25, 64, 33)
BATCH = 256


def parts(n: int, most: int) -> list[np.ndarray]:
    """Row indices 0 to n - 1, (n_rows,) each, in the fewest batches of at most `most`; sizes differ by at most 1."""
    return np.array_split(np.arange(n), math.ceil(n / most))


def device_of(net: nn.Module) -> torch.device:
    """Where a network is; windows are brought to it."""
    return next((p.device for p in net.parameters()), torch.device("cpu"))  # trees have no parameters


def evenly(n: int, n_rows: int) -> np.ndarray:
    """Indices of `n_rows` evenly spaced rows of n, or of all n if there are fewer: (n_rows,)."""
    return np.arange(n) if n <= n_rows else np.arange(n_rows) * n // n_rows


@torch.inference_mode()
def logits_of(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Logits (n, n_classes) of windows x (n, n_channels, height, width), in evaluation mode."""
    net.eval()
    device = device_of(net)
    most = BATCH if device.type == "cpu" else ROWS_ON_A_CARD
    return torch.cat([net(x[rows].to(device)) for rows in parts(len(x), most)]).cpu()


def accuracy(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Accuracy on windows x (n, n_channels, height, width) with labels y (n,); NaN if a logit is not finite."""
    logits = logits_of(net, x)
    return float((logits.argmax(dim=1) == y).double().mean()) if logits.isfinite().all() else math.nan


def loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Mean cross entropy (nats) on x (n, n_channels, height, width) with labels y (n,), in evaluation mode."""
    return float(F.cross_entropy(logits_of(net, x), y))


def corrupted(x: torch.Tensor, kind: Kind, level: int, rng: np.random.Generator) -> torch.Tensor:
    """A corrupted copy of normalised windows (n, n_channels, 1, n_samples), in their memory format. Levels are 1 to 3.

    `gaussian` adds white noise; `missing` sets one block of round(share * n_samples) samples per window to 0, in all
    channels, with a uniform start.
    """
    return (noise if kind == "gaussian" else gap)(x, LEVELS[kind][level - 1], rng)


def curves(net: nn.Module, test: Labelled, sensors: Sensors, *, fold: int) -> dict[str, list[float]]:
    """Accuracy on windows (n, n_channels, 1, n_samples) by kind of corruption, of rising severity; see `corruptions`.

    Draws depend on fold, kind and severity alone: all runs of a fold see the same corrupted windows. No sensor is
    turned where none has three axes.
    """
    x, y = test[0], torch.as_tensor(test[1], dtype=torch.int64)
    result = {}
    for kind, corruption in CORRUPTIONS.items():
        if kind == TURNED and not sensors.triples:
            continue
        draws = [(severity, generator(fold, "curve", kind, str(severity))) for severity in corruption.severities]
        inputs = (corruption.apply(x, severity, rng, sensors) for severity, rng in draws)
        result[kind] = [accuracy(net, corrupt, y) for corrupt in inputs]
    return result


def fgsm(net: nn.Module, x: torch.Tensor, y: torch.Tensor, epsilon: float, *, steps: int = 1) -> torch.Tensor:
    """Adversarial inputs: x (n, ...), moved by at most epsilon per value to raise the cross entropy with labels y (n,).

    One step is FGSM (Goodfellow et al. 2015). Several are I-FGSM (Kurakin et al. 2017) with steps of OVERSTEP * epsilon
    / steps, clipped to the epsilon ball; OVERSTEP > 1, so that every point of the ball can be reached. No random start,
    no clipping to the data range. Only the loss is in double precision: in float32, 1 - p of a confident network is 0.
    In evaluation mode; gradients of the parameters are unchanged.
    """
    net.eval()
    x, y = x.to(device_of(net)), y.to(device_of(net))
    result = []
    for rows in parts(len(x), BATCH):
        clean, moved = x[rows].detach(), x[rows].detach()
        for _ in range(steps):
            moved = moved.clone().requires_grad_()
            with torch.enable_grad():
                height = F.cross_entropy(net(moved).double(), y[rows], reduction="sum")
                (slope,) = torch.autograd.grad(height, moved)
            moved = moved.detach() + OVERSTEP * epsilon / steps * slope.sign()
            moved = moved.clamp(clean - epsilon, clean + epsilon)
        result.append(moved)
    return torch.cat(result)


@torch.no_grad()
def recompute_batchnorm(net: nn.Module, x: torch.Tensor) -> nn.Module:
    """Recompute the running statistics of all BatchNorm layers as averages over batches of x (n, ...).

    Variances are unbiased and within batches, as in training. Leaves `net` in evaluation mode.
    """
    x = x.to(device_of(net))
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    net.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        for rows in parts(len(x), BATCH):
            net(x[rows])
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
    return net


def filter_normalised(net: nn.Module, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """A random direction in parameter space, by parameter name, of any shape; Li et al. 2018.

    Each convolution filter and each row of a linear layer has the norm of its counterpart in the network; entries of
    BatchNorm and biases are 0.
    """
    result = {}
    for name, p in net.named_parameters():
        if p.ndim < 2:
            result[name] = torch.zeros_like(p)
            continue
        drawn = torch.from_numpy(rng.standard_normal(p.shape, dtype=np.float32)).to(p.device)
        own, its = (torch.linalg.vector_norm(t, dim=tuple(range(1, p.ndim)), keepdim=True) for t in (p.detach(), drawn))
        result[name] = drawn * (own / its)
    return result


def sharpness(net: nn.Module, x: torch.Tensor, y: torch.Tensor, rng: np.random.Generator) -> float:
    """Mean rise of the cross entropy (nats) at RADIUS along N_DIRECTIONS filter-normalised directions.

    x: (n, ...), y: (n,). BatchNorm statistics are recomputed on x at both ends. Works on a copy of `net`.
    """
    probe = copy.deepcopy(net)
    here = loss(recompute_batchnorm(probe, x), x, y)
    rises = []
    for _ in range(N_DIRECTIONS):
        direction = filter_normalised(net, rng)
        with torch.no_grad():
            for (name, p), origin in zip(probe.named_parameters(), net.parameters(), strict=True):
                p.copy_(origin + RADIUS * direction[name])
        rises.append(loss(recompute_batchnorm(probe, x), x, y) - here)
    return float(np.mean(rises))


def pair_v_scores(features: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    """Per pair of classes a < b in y (n,): V-measure of 2-means (4 starts) on their rows of (n, n_features)."""
    result = []
    for a, b in combinations(np.unique(y).tolist(), 2):
        rows = (y == a) | (y == b)
        clusters = KMeans(n_clusters=2, n_init=4, random_state=0).fit_predict(features[rows])
        result.append({"pair": [a, b], "v_score": float(v_measure_score(y[rows], clusters))})
    return result


def entropy_curve(logits: np.ndarray) -> list[float]:
    """Mean entropy (nats) of softmax(logits / T), logits (n, n_classes), for each T of TEMPERATURES."""
    log_p = [log_softmax(logits.astype(np.float64) / temperature, axis=1) for temperature in TEMPERATURES]
    return [float(-(np.exp(lp) * lp).sum(axis=1).mean()) for lp in log_p]


def signal_probes(net: nn.Module, test: Labelled, train: Labelled, *, fold: int) -> dict[str, Any]:
    """Robustness of a signal network on test windows per level or epsilon; sharpness and loss on training windows.

    Windows are (n, n_channels, 1, n_samples), labels (n,). Draws depend on the fold alone: all runs of a fold see the
    same corrupted windows and, where shapes agree, the same directions before scaling. Corruptions use all test
    windows; attacks (for time), sharpness and loss 256 evenly spaced windows. Leaves `net` in evaluation mode.
    """
    (test_x, y), (train_x, train_y) = ((x, torch.as_tensor(labels, dtype=torch.int64)) for x, labels in (test, train))
    result: dict[str, Any] = {}
    for kind, strengths in LEVELS.items():
        levels = range(1, len(strengths) + 1)
        inputs = (corrupted(test_x, kind, i, generator(fold, "corruption", kind, str(i))) for i in levels)
        result[kind] = [accuracy(net, x, y) for x in inputs]
    rows = evenly(len(test_x), BATCH)
    x, labels = test_x[rows], y[rows]
    for name, steps in (("fgsm", 1), ("ifgsm", 10)):
        result[name] = [accuracy(net, fgsm(net, x, labels, epsilon, steps=steps), labels) for epsilon in EPSILONS]
    rows = evenly(len(train_x), BATCH)
    x, labels = train_x[rows], train_y[rows]
    result["sharpness"] = sharpness(net, x, labels, generator(fold, "sharpness"))
    result["train_loss"] = loss(net, x, labels)
    return result

"""What is measured on a network right after training, before its weights are dropped: robustness, sharpness, clusters.

Of signal networks alone: corrupted windows, adversarial windows and the sharpness of the minimum. Levels and shares of
the corruptions: notes on the group's work. Declared defaults, where the notes are silent: a noise sd in units of the
normalised signal, one contiguous missing block set to 0 in all channels, the epsilons, the radius and the directions.
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

from mixkd.rng import generator

Kind = Literal["gaussian", "missing"]

GAUSSIAN = (0.06, 0.09, 0.12)  # sd of levels 1-3, units of the normalised signal
MISSING = (0.15, 0.22, 0.30)  # share of the window, levels 1-3
LEVELS: dict[Kind, tuple[float, ...]] = {"gaussian": GAUSSIAN, "missing": MISSING}
EPSILONS = (0.02, 0.05, 0.1)  # L-infinity, units of the normalised signal
OVERSTEP = 1.25  # how far the steps of an iterated attack would go together, in epsilons
RADIUS = 0.1  # of sharpness, in norms of each filter
N_DIRECTIONS = 4
TEMPERATURES = np.geomspace(0.25, 64, 33)
BATCH = 256


def parts(n: int) -> list[np.ndarray]:
    """Rows 0 to n - 1 in order, in the fewest parts of at most BATCH rows, which differ by one row at most."""
    return np.array_split(np.arange(n), math.ceil(n / BATCH))


def evenly(n: int, n_rows: int) -> np.ndarray:
    """`n_rows` evenly spaced rows of n, or all where there are no more."""
    return np.arange(n) if n <= n_rows else np.arange(n_rows) * n // n_rows


@torch.inference_mode()
def logits_of(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """(n, n_classes), in evaluation mode."""
    net.eval()
    return torch.cat([net(x[rows]) for rows in parts(len(x))])


def accuracy(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Share of windows that are called right; NaN for a network whose answers are not numbers."""
    logits = logits_of(net, x)
    return float((logits.argmax(dim=1) == y).double().mean()) if logits.isfinite().all() else math.nan


def loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Mean cross entropy (nats) in evaluation mode."""
    return float(F.cross_entropy(logits_of(net, x), y))


def corrupted(x: torch.Tensor, kind: Kind, level: int, rng: np.random.Generator) -> torch.Tensor:
    """A corrupted copy of normalised windows (n, n_channels, 1, n_samples), in their memory format. Levels are 1 to 3.

    `gaussian` adds white noise; `missing` sets one block of round(share * n_samples) samples per window to 0, in all
    channels, with a uniform start.
    """
    strength, result = LEVELS[kind][level - 1], x.clone()
    if kind == "gaussian":
        return result.add_(torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32)), alpha=strength)
    n_samples = x.shape[-1]
    length = round(strength * n_samples)
    start = torch.from_numpy(rng.integers(0, n_samples - length + 1, (len(x), 1, 1, 1)))
    at = torch.arange(n_samples)
    return result.masked_fill_((at >= start) & (at < start + length), 0)


def fgsm(net: nn.Module, x: torch.Tensor, y: torch.Tensor, epsilon: float, steps: int = 1) -> torch.Tensor:
    """Inputs x (n, ...) moved by at most epsilon per value towards a higher cross entropy with labels y (n,).

    One step is FGSM (Goodfellow et al. 2015). More are I-FGSM (Kurakin et al. 2017) with steps of 1.25 epsilon / steps
    (a declared default), each clipped to the epsilon ball, so that all of it can be reached. No start at random, no
    clipping to a range of the data. The loss alone is in double precision, where 1 - p of a sure network is not yet 0.
    In evaluation mode; parameters keep the gradients they had.
    """
    net.eval()
    result = []
    for rows in parts(len(x)):
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
    """Running statistics of all BatchNorm layers anew: the averages over the batches of x (n, ...). In evaluation mode.

    Variances are within batches, unbiased, as training accumulates them.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    net.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        for rows in parts(len(x)):
            net(x[rows])
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
    return net


def filter_normalised(net: nn.Module, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """A random direction in the space of the parameters, by name; Li et al. 2018.

    Each filter of a convolution and each row of a linear map has the norm that it has in the network; BatchNorm and
    biases do not move.
    """
    result = {}
    for name, p in net.named_parameters():
        if p.ndim < 2:
            result[name] = torch.zeros_like(p)
            continue
        drawn = torch.from_numpy(rng.standard_normal(p.shape, dtype=np.float32))
        own, its = (torch.linalg.vector_norm(t, dim=tuple(range(1, p.ndim)), keepdim=True) for t in (p.detach(), drawn))
        result[name] = drawn * (own / its)
    return result


def sharpness(net: nn.Module, x: torch.Tensor, y: torch.Tensor, rng: np.random.Generator) -> float:
    """Mean rise of the cross entropy (nats) of x (n, ...) at RADIUS along N_DIRECTIONS filter-normalised directions.

    BatchNorm statistics are those of x at either end. Works on a copy: `net` itself stays as it is.
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
    """Per pair of classes a < b in y (n,): V-measure of 2-means (4 starts) of their rows of features (n, d)."""
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


def signal_probes(
    net: nn.Module, test_x: torch.Tensor, test_y: np.ndarray, train_x: torch.Tensor, train_y: np.ndarray, fold: int
) -> dict[str, Any]:
    """Of a signal network: accuracy per level (or epsilon) on corrupted test windows; sharpness, loss on training ones.

    Windows are (n, n_channels, 1, n_samples). Draws depend on the fold alone: all runs of a fold see the same corrupted
    windows and, where shapes agree, the same directions before scaling. Corruptions use all test windows, attacks 256
    evenly spaced ones (for time), sharpness and loss 256 training windows. Leaves the network in evaluation mode.
    """
    y = torch.as_tensor(test_y, dtype=torch.int64)
    result: dict[str, Any] = {}
    for kind, strengths in LEVELS.items():
        levels = range(1, len(strengths) + 1)
        inputs = (corrupted(test_x, kind, i, generator(fold, "corruption", kind, str(i))) for i in levels)
        result[kind] = [accuracy(net, x, y) for x in inputs]
    rows = evenly(len(test_x), BATCH)
    x, labels = test_x[rows], y[rows]
    for name, steps in (("fgsm", 1), ("ifgsm", 10)):
        result[name] = [accuracy(net, fgsm(net, x, labels, epsilon, steps), labels) for epsilon in EPSILONS]
    rows = evenly(len(train_x), BATCH)
    x, labels = train_x[rows], torch.as_tensor(train_y[rows], dtype=torch.int64)
    result["sharpness"] = sharpness(net, x, labels, generator(fold, "sharpness"))
    result["train_loss"] = loss(net, x, labels)
    return result

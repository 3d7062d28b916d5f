"""How flat the loss is around a network's weights, after one temperature: along the worst direction, and on average.

Dividing the outputs by one temperature first keeps a network that is merely surer from looking sharper.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning.probes import device_of, evenly

RADIUS = 0.5  # of the ascent; source: Kwon et al. 2021
N_ASCENT, N_TRACE = 256, 128  # windows: declared
N_DIRECTIONS = 10  # of the trace: declared


def of(
    net: nn.Module, x: torch.Tensor, y: torch.Tensor, temperature: float, *, rng: np.random.Generator
) -> dict[str, float]:
    """`ascent` and `trace` on evenly spaced windows of x (n, ...) with labels y (n,), those that are finite."""
    x, y = x.to(device_of(net)), y.to(device_of(net))
    few, fewer = evenly(len(x), N_ASCENT), evenly(len(x), N_TRACE)
    measured = {
        "ascent": ascent(net, x[few], y[few], temperature),
        "trace": hessian_trace(net, x[fewer], y[fewer], temperature, rng=rng),
    }
    return {name: value for name, value in measured.items() if math.isfinite(value)}


def _loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor, temperature: float) -> torch.Tensor:
    return F.cross_entropy(net(x).double() / temperature, y)


def ascent(net: nn.Module, x: torch.Tensor, y: torch.Tensor, temperature: float) -> float:
    """Rise of the cross entropy (nats) after one step up, w |w| g RADIUS / ||w g|| for weights w and gradient g.

    x: (n, ...), y: (n,). Adaptive sharpness (Kwon et al. 2021): not changed by a scale that goes from a layer to the
    next. In evaluation mode; the network is left as it was.
    """
    net.eval()
    weights = [p for p in net.parameters() if p.requires_grad]
    before = [p.detach().clone() for p in weights]
    here = _loss(net, x, y, temperature)
    slopes = torch.autograd.grad(here, weights)
    norm = torch.stack([(w.detach() * g).norm() for w, g in zip(weights, slopes, strict=True)]).norm()
    with torch.no_grad():
        for w, g in zip(weights, slopes, strict=True):
            w.add_(w**2 * g * (RADIUS / norm.clamp_min(1e-12)))
        there = _loss(net, x, y, temperature)
        for w, old in zip(weights, before, strict=True):
            w.copy_(old)
    return float(there - here.detach())


def hessian_trace(
    net: nn.Module, x: torch.Tensor, y: torch.Tensor, temperature: float, *, rng: np.random.Generator
) -> float:
    """Trace of the Hessian of the cross entropy in the weights, estimated along random signs (Hutchinson 1989).

    x: (n, ...), y: (n,). In evaluation mode.
    """
    net.eval()
    weights = [p for p in net.parameters() if p.requires_grad]
    slopes = torch.autograd.grad(_loss(net, x, y, temperature), weights, create_graph=True)
    total = 0.0
    for _ in range(N_DIRECTIONS):
        signs = [torch.from_numpy(2.0 * rng.integers(2, size=w.shape) - 1).to(w) for w in weights]
        along = torch.stack([(g * v).sum() for g, v in zip(slopes, signs, strict=True)]).sum()
        curved = torch.autograd.grad(along, weights, retain_graph=True)
        total += sum(float((h * v).sum()) for h, v in zip(curved, signs, strict=True))
    return total / N_DIRECTIONS

"""Kinds of corruption and their severities: noise, gaps, lost channels, a turned sensor, wrong gain, wrong rate.

Kinds and severities are declared here. They act on normalised windows; a sensor is turned in physical units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from mixkd.windows import Normalisation

Draws = np.random.Generator
Corrupt = Callable[[torch.Tensor, float, Draws, Normalisation], torch.Tensor]


def noise(x: torch.Tensor, sd: float, rng: Draws, _: Normalisation | None = None) -> torch.Tensor:
    """White Gaussian noise, in standard deviations of the channel."""
    return x.add(torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32)), alpha=sd)


def gap(x: torch.Tensor, share: float, rng: Draws, _: Normalisation | None = None) -> torch.Tensor:
    """One block of each window, in all channels, set to the channel's mean; its start is uniform."""
    n_samples = x.shape[-1]
    length = round(share * n_samples)
    start = torch.from_numpy(rng.integers(0, n_samples - length + 1, (len(x), 1, 1, 1)))
    at = torch.arange(n_samples)
    return x.clone().masked_fill_((at >= start) & (at < start + length), 0)


def lost_channels(
    x: torch.Tensor, share: float, rng: np.random.Generator, _: Normalisation | None = None
) -> torch.Tensor:
    """As many channels of each window, at least one, set to their means."""
    n, n_channels = x.shape[:2]
    order = rng.random((n, n_channels)).argsort(1).argsort(1)
    lost = torch.from_numpy(order < max(1, round(share * n_channels)))
    return x.clone().masked_fill_(lost[:, :, None, None], 0)


def turned(x: torch.Tensor, degrees: float, rng: Draws, normalisation: Normalisation) -> torch.Tensor:
    """Every three channels, from the first, are one sensor's axes; all of a window are turned alike, about one axis.

    The axis is uniform on the sphere. Channels that are left over stay as they are.
    """
    n_axes = x.shape[1] // 3 * 3
    mean, sd = (torch.from_numpy(a[:n_axes])[:, None, None] for a in (normalisation.mean, normalisation.std))
    physical = (x[:, :n_axes] * sd + mean).unflatten(1, (-1, 3))
    by = torch.from_numpy(rotations(len(x), np.deg2rad(degrees), rng))
    result = x.clone()
    result[:, :n_axes] = (torch.einsum("nij,nsjht->nsiht", by, physical).flatten(1, 2) - mean) / sd
    return result


def rotations(n: int, angle: float, rng: np.random.Generator) -> np.ndarray:
    """Rotation matrices (n, 3, 3) float32 by an angle in radians about random axes. Formula of Rodrigues."""
    axis = rng.standard_normal((n, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    cross = np.cross(np.eye(3), axis[:, None])  # maps v to axis x v
    return (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).astype(np.float32)


def gain(x: torch.Tensor, factor: float, rng: Draws, normalisation: Normalisation) -> torch.Tensor:
    """Physical values times the factor or divided by it, a half of the windows each."""
    mean, sd = (torch.from_numpy(a)[:, None, None] for a in (normalisation.mean, normalisation.std))
    power = torch.from_numpy(rng.choice([-1.0, 1.0], (len(x), 1, 1, 1)).astype(np.float32))
    return ((x * sd + mean) * factor**power - mean) / sd


def rate(x: torch.Tensor, factor: float, rng: Draws, _: Normalisation | None = None) -> torch.Tensor:
    """Time runs faster by the factor, or slower, about the middle of a window; a half of the windows each.

    Samples are interpolated linearly; outside of the window its first and last samples go on.
    """
    n_samples = x.shape[-1]
    speed = factor ** rng.choice([-1.0, 1.0], len(x))
    middle = (n_samples - 1) / 2
    at = (middle + speed[:, None] * (np.arange(n_samples) - middle)).clip(0, n_samples - 1)  # (n, n_samples)
    below = np.minimum(at.astype(np.int64), n_samples - 2)
    share = torch.from_numpy((at - below).astype(np.float32))[:, None, None]
    first, second = (torch.from_numpy(i)[:, None, None].expand(x.shape) for i in (below, below + 1))
    return x.gather(3, first) * (1 - share) + x.gather(3, second) * share


@dataclass(frozen=True)
class Corruption:
    """severities: from mild to severe, in `unit`."""

    apply: Corrupt
    severities: tuple[float, ...]
    unit: str


CORRUPTIONS = {
    "noise": Corruption(noise, (0.1, 0.2, 0.4, 0.8), "standard deviations"),
    "gap": Corruption(gap, (0.1, 0.2, 0.4, 0.8), "share of the window"),
    "lost channels": Corruption(lost_channels, (0.15, 0.3, 0.5, 0.8), "share of the channels"),
    "turned sensor": Corruption(turned, (10.0, 20.0, 40.0, 80.0), "degrees"),
    "gain": Corruption(gain, (1.1, 1.25, 1.5, 2.0), "factor"),
    "rate": Corruption(rate, (1.1, 1.25, 1.5, 2.0), "factor"),
}

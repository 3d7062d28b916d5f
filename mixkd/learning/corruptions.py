"""Kinds of corruption and their severities: noise, gaps, lost channels, a turned sensor, wrong gain, wrong rate.

Kinds and severities are declared here. They act on normalised windows; a sensor is turned in physical units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mixkd.windows import Normalisation

Draws = np.random.Generator


@dataclass(frozen=True)
class Sensors:
    """What the channels of windows are: their normalisation, and the first channel of each sensor with three axes."""

    normalisation: Normalisation
    triples: tuple[int, ...]

    @classmethod
    def of(cls, channels: Sequence[str], normalisation: Normalisation) -> Sensors:
        """Three consecutive channels are the axes of a sensor where their names differ in a last x, y and z alone."""
        names = [name.lower() for name in channels]
        axes = [[name[:-1] + axis for axis in "xyz"] for name in names]
        return cls(normalisation, tuple(i for i in range(len(names) - 2) if names[i : i + 3] == axes[i]))


Corrupt = Callable[[torch.Tensor, float, Draws, Sensors], torch.Tensor]


def noise(x: torch.Tensor, sd: float, rng: Draws, _: Sensors | None = None) -> torch.Tensor:
    """White Gaussian noise, in standard deviations of the channel."""
    return x.add(torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32)), alpha=sd)


def gap(x: torch.Tensor, share: float, rng: Draws, _: Sensors | None = None) -> torch.Tensor:
    """One block of each window, in all channels, set to the channel's mean; its start is uniform."""
    n_samples = x.shape[-1]
    length = round(share * n_samples)
    start = torch.from_numpy(rng.integers(0, n_samples - length + 1, (len(x), 1, 1, 1)))
    at = torch.arange(n_samples)
    return x.clone().masked_fill_((at >= start) & (at < start + length), 0)


def lost_channels(x: torch.Tensor, share: float, rng: np.random.Generator, _: Sensors | None = None) -> torch.Tensor:
    """round(share * n_channels) channels of each window, at least one, set to their means."""
    n, n_channels = x.shape[:2]
    order = rng.random((n, n_channels)).argsort(1).argsort(1)
    lost = torch.from_numpy(order < max(1, round(share * n_channels)))
    return x.clone().masked_fill_(lost[:, :, None, None], 0)


def turned(x: torch.Tensor, degrees: float, rng: Draws, sensors: Sensors) -> torch.Tensor:
    """Each sensor with three axes, in physical units; all of a window alike, about an axis uniform on the sphere."""
    mean, sd = scale(sensors.normalisation)
    by, result = torch.from_numpy(rotations(len(x), np.deg2rad(degrees), rng)), x.clone()
    for first in sensors.triples:
        own = slice(first, first + 3)
        physical = x[:, own] * sd[own] + mean[own]
        result[:, own] = (torch.einsum("nij,njht->niht", by, physical) - mean[own]) / sd[own]
    return result


def scale(normalisation: Normalisation) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, (n_channels, 1, 1)."""
    mean, sd = (torch.from_numpy(a)[:, None, None] for a in (normalisation.mean, normalisation.std))
    return mean, sd


def rotations(n: int, angle: float, rng: np.random.Generator) -> np.ndarray:
    """Rotation matrices (n, 3, 3) float32 by an angle in radians about random axes. Formula of Rodrigues."""
    axis = rng.standard_normal((n, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    cross = np.cross(np.eye(3), axis[:, None])  # maps v to axis x v
    return (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).astype(np.float32)


def gain(x: torch.Tensor, factor: float, rng: Draws, sensors: Sensors) -> torch.Tensor:
    """Physical values times the factor or divided by it, a half of the windows each."""
    mean, sd = scale(sensors.normalisation)
    power = torch.from_numpy(rng.choice([-1.0, 1.0], (len(x), 1, 1, 1)).astype(np.float32))
    return ((x * sd + mean) * factor**power - mean) / sd


def rate(x: torch.Tensor, factor: float, rng: Draws, _: Sensors | None = None) -> torch.Tensor:
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

    @property
    def clean(self) -> float:
        """The severity that changes nothing."""
        return 1.0 if self.unit == "factor" else 0.0


TURNED = "turned sensor"
CORRUPTIONS = {
    "noise": Corruption(noise, (0.1, 0.2, 0.4, 0.8), "standard deviations"),
    "gap": Corruption(gap, (0.1, 0.2, 0.4, 0.8), "share of the window"),
    "lost channels": Corruption(lost_channels, (0.15, 0.3, 0.5, 0.8), "share of the channels"),
    TURNED: Corruption(turned, (10.0, 20.0, 40.0, 80.0), "degrees"),
    "gain": Corruption(gain, (1.1, 1.25, 1.5, 2.0), "factor"),
    "rate": Corruption(rate, (1.1, 1.25, 1.5, 2.0), "factor"),
}

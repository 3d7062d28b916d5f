"""Geometric moments of images: ten numbers a channel as features, and as a way to pool the maps of a WideResNet.

M_pq = mean of x^p y^q I(x, y) for p + q <= 3 with x, y in [-1, 1] at pixel centres. Of a persistence image, x runs over
births and y over lifetimes: M_00 is its mass, M_10 / M_00 and M_01 / M_00 its centre. After deep geometric moments
(Singh et al. 2023), which learn the basis; here it is fixed.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning.networks import Network, Outputs, WideResNet

ORDER = 3
POWERS = tuple((p, q) for p in range(ORDER + 1) for q in range(ORDER + 1 - p))  # ten


def centres(size: int, dtype: torch.dtype) -> torch.Tensor:
    """Centres of the pixels of a side of this size, (n,), on an axis from -1 to 1."""
    return (torch.arange(size, dtype=dtype) + 0.5) / size * 2 - 1


def moments(images: torch.Tensor) -> torch.Tensor:
    """Moments of images or maps (n, n_channels, height, width), (n, n_channels, 10) in the order of POWERS.

    x runs along the width, y along the height.
    """
    height, width = images.shape[2:]
    x, y = (centres(size, images.dtype) for size in (width, height))
    return torch.stack([(images * x**p * y[:, None] ** q).mean((2, 3)) for p, q in POWERS], dim=2)


class MomentNet(Network):
    """A linear classifier on the standardised moments of persistence images (n, n_channels, resolution, resolution)."""

    head: nn.Linear

    def __init__(self, n_channels: int, n_outputs: int):
        super().__init__()
        self.bn = nn.BatchNorm1d(len(POWERS) * n_channels, affine=False)
        self.head = nn.Linear(len(POWERS) * n_channels, n_outputs)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_features): ten standardised moments a channel."""
        return self.bn(moments(x).flatten(1))


class MomentPooledWideResNet(WideResNet):
    """A WideResNet for images whose last maps are pooled to ten moments each, not to their mean."""

    def __init__(self, depth: int, width: int, n_channels: int, n_classes: int):
        super().__init__("image", depth, width, n_channels, n_classes)
        self.head = nn.Linear(len(POWERS) * self.head.in_features, n_classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_features): ten moments of each of the 64 * width last maps."""
        return moments(F.relu(self.bn(self.blocks(self.stem(x))), inplace=True)).flatten(1)

    def outputs(self, x: torch.Tensor) -> Outputs:
        """Logits (n, n_outputs) and features (n, n_features)."""
        return Network.outputs(self, x)

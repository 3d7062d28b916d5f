"""The network families that a spec may name, and a random network of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from mixkd.errors import MixkdError
from mixkd.learning import mtl_net, networks
from mixkd.learning.forest import ForestNet
from mixkd.learning.moments import MomentNet, MomentPooledWideResNet
from mixkd.learning.mtl_net import MTLNet
from mixkd.learning.networks import Network, undrawn
from mixkd.specs.views import NetworkView

Build = Callable[[NetworkView, tuple[int, int], int, int], Network]


def wrn(about: NetworkView, shape: tuple[int, int], n_outputs: int, seed: int) -> Network:
    """A WideResNet for windows of `shape`, (n_channels, n_samples); one of SimKD ends in its teacher's head."""
    draw = torch.Generator().manual_seed(seed)
    net = networks.build(
        about.modality, about.depth, about.width, n_channels=shape[0], n_classes=n_outputs, generator=draw
    )
    if about.head:
        net.reuse_head(64 * about.head, torch.Generator().manual_seed(seed + 1), convolutions=about.convolutions)
    return net


def mtl(about: NetworkView, shape: tuple[int, int], n_outputs: int, seed: int, *, released: bool = False) -> Network:
    """MTL-net for windows of `shape`, (n_channels, n_samples); uniform 1 / sqrt(fan in), as torch does by default."""
    draw = torch.Generator().manual_seed(seed)
    if mtl_net.n_flat(shape[0], shape[1], released) <= 0:
        raise MixkdError(f"RunSpec.family: found MTL-net for windows of {shape[1]} samples, expected at least 28")
    net = undrawn(MTLNet, shape[0], shape[1], n_outputs, released=released)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for p in module.parameters():
                nn.init.uniform_(p, -bound, bound, generator=draw)
    return net


def moments(about: NetworkView, shape: tuple[int, int], n_outputs: int, seed: int) -> Network:
    """A linear classifier on the moments of images of `shape[0]` channels, uniform 1 / sqrt(fan in)."""
    net = undrawn(MomentNet, shape[0], n_outputs)
    net.bn.reset_running_stats()
    bound = 1 / math.sqrt(net.head.in_features)
    draw = torch.Generator().manual_seed(seed)
    for p in net.head.parameters():
        nn.init.uniform_(p, -bound, bound, generator=draw)
    return net


def wrn_moments(about: NetworkView, shape: tuple[int, int], n_outputs: int, seed: int) -> Network:
    """A WideResNet for images of `shape[0]` channels, pooled by moments."""
    net = undrawn(MomentPooledWideResNet, about.depth, about.width, shape[0], n_outputs)
    return networks.initialised(net, torch.Generator().manual_seed(seed))


FAMILIES: dict[str, Build] = {
    "wrn": wrn,
    "mtl": mtl,
    "mtl_released": partial(mtl, released=True),
    "moments": moments,
    "wrn_moments": wrn_moments,
    "forest": lambda about, shape, n_outputs, seed: ForestNet(n_outputs),
}

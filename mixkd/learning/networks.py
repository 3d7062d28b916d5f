"""WideResNet in 1-D (signals) and 2-D (persistence images) from one definition; parameter and multiply-add counts.

Zagoruyko & Komodakis 2016, with the stage widths and strides of the group's released code: stem 16, stages
16k / 32k / 64k, strides 1 / 2 / 2, kernel 3, pre-activation, global average pooling. A 1-D network is a 2-D one with
kernels (1, 3) on inputs of height 1: the same arithmetic, and channels-last memory makes it faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional as F

from mixkd.specs.run import Modality

Made = TypeVar("Made", bound=nn.Module)


class Block(nn.Module):
    """Pre-activation residual block: BN, ReLU, 3, BN, ReLU, 3; a strided 1 x 1 shortcut where the width changes."""

    def __init__(self, n_in: int, n_out: int, stride: tuple[int, int], kernel: tuple[int, int]):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.bn1 = nn.BatchNorm2d(n_in)
        self.conv1 = nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, kernel, 1, padding, bias=False)
        self.shortcut = None if n_in == n_out else nn.Conv2d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # in place where no backward pass needs what is overwritten: the same bits, fewer trips to memory
        """(n, n_channels, height, width) to the same with its own n_channels."""
        h = F.relu(self.bn1(x), inplace=True)
        skip = x if self.shortcut is None else self.shortcut(h)
        return self.conv2(F.relu(self.bn2(self.conv1(h)), inplace=True)).add_(skip)


@dataclass(frozen=True)
class Outputs:
    """What a network says of a batch: logits (n, n_classes), features (n, n_features), a map per stage."""

    logits: torch.Tensor
    features: torch.Tensor
    stages: tuple[torch.Tensor, ...] = ()


class Network(nn.Module):
    """Of any family: features of an input, and a head on them, linear but for trees."""

    head: nn.Module

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_features): what the head reads."""
        raise NotImplementedError

    def outputs(self, x: torch.Tensor) -> Outputs:
        """Logits (n, n_outputs) and features (n, n_features), and maps where it has them."""
        features = self.features(x)
        return Outputs(self.head(features), features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, n_outputs)."""
        return self.head(self.features(x))


class WideResNet(Network):
    """Logits (n, n_classes) of inputs (n, n_channels, 1, n_samples) or (n, n_channels, resolution, resolution)."""

    head: nn.Linear

    def __init__(self, modality: Modality, depth: int, width: int, n_channels: int, n_classes: int):
        super().__init__()
        kernel, down = ((1, 3), (1, 2)) if modality == "signal" else ((3, 3), (2, 2))
        self.kernel, n_in, blocks = kernel, 16, []
        self.stem = nn.Conv2d(n_channels, n_in, kernel, 1, (kernel[0] // 2, kernel[1] // 2), bias=False)
        for stage in range(3):
            n_out = 16 * width * 2**stage
            for i in range((depth - 4) // 6):
                blocks.append(Block(n_in, n_out, down if stage > 0 and i == 0 else (1, 1), kernel))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.bn = nn.BatchNorm2d(n_in)
        self.transfer: nn.Module = nn.Identity()  # SimKD's ways to the teacher: from maps to maps,
        self.project: nn.Module = nn.Identity()  # or from features to features
        self.head = nn.Linear(n_in, n_classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_features), 64 * width of them."""
        maps = F.relu(self.bn(self.blocks(self.stem(x))), inplace=True)
        return self.project(self.transfer(maps).mean((-2, -1)))

    def outputs(self, x: torch.Tensor) -> Outputs:
        """Logits (n, n_outputs), features (n, n_features), a map after each stage (the last as it is pooled)."""
        per_stage, stages = len(self.blocks) // 3, []
        x = self.stem(x)
        for i, block in enumerate(self.blocks, start=1):
            x = block(x)
            if i % per_stage == 0:
                stages.append(x)
        stages[-1] = self.transfer(F.relu(self.bn(stages[-1]), inplace=True))
        features = self.project(stages[-1].mean((-2, -1)))
        return Outputs(self.head(features), features, tuple(stages))

    def reuse_head(self, n_features: int, generator: torch.Generator, *, convolutions: bool = False) -> WideResNet:
        """SimKD: a learned way, a linear map or convolutions, to n_features; then a head for the teacher's numbers."""
        n_in = self.head.in_features
        if convolutions:
            self.transfer = initialised(undrawn(bottleneck, n_in, n_features, self.kernel), generator)
        else:
            self.project = undrawn(nn.Linear, n_in, n_features)
            bound = 1 / math.sqrt(n_in)
            nn.init.uniform_(self.project.weight, -bound, bound, generator=generator)
            nn.init.zeros_(self.project.bias)
        head = undrawn(nn.Linear, n_features, self.head.out_features).requires_grad_(False)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        self.head = head
        return self


def undrawn(make: Callable[..., Made], *arguments: Any, **named: Any) -> Made:
    """A module whose numbers its caller draws: those it is made with cost the global generator nothing."""
    with torch.random.fork_rng(devices=[]):
        return make(*arguments, **named)


def build(
    modality: Modality, depth: int, width: int, *, n_channels: int, n_classes: int, generator: torch.Generator
) -> WideResNet:
    """A network initialised from `generator` alone: He-normal convolutions (fan out), uniform 1/sqrt(fan in) head."""
    net = undrawn(WideResNet, modality, depth, width, n_channels, n_classes)
    return initialised(net, generator)


def bottleneck(n_in: int, n_out: int, kernel: tuple[int, int]) -> nn.Sequential:
    """Three convolutions from maps of n_in to n_out channels, each with BatchNorm and ReLU. Chen et al. 2022."""
    half, padding = n_out // 2, (kernel[0] // 2, kernel[1] // 2)
    layers: list[nn.Module] = []
    for a, b, size, pad in ((n_in, half, (1, 1), (0, 0)), (half, half, kernel, padding), (half, n_out, (1, 1), (0, 0))):
        layers += [nn.Conv2d(a, b, size, padding=pad, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def initialised(net: Made, generator: torch.Generator) -> Made:
    """A network with initial weights, all drawn from `generator`."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.zeros_(module.bias)
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """(n, n_channels, n_samples) -> (n, n_channels, 1, n_samples), images unchanged; in channels-last memory."""
    x = x.unsqueeze(2) if x.ndim == 3 else x
    return x.contiguous(memory_format=torch.channels_last)


def n_parameters(net: nn.Module) -> int:
    """How many numbers a network has."""
    return sum(p.numel() for p in net.parameters())

"""Mixup on a sphere: windows and their persistence images have one latent there, and mixtures lie on the path between.

Inspired by Wasserstein auto-encoders with a hyperspherical latent for two modalities. z = E(x) / |E(x)|; the prior is a
Gaussian divided by its norm, which takes the place of von Mises-Fisher draws; the loss is the reconstruction of both
modalities plus a weighted MMD (Tolstikhin et al. 2018) between latents and prior. Networks and constants are declared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning.networks import undrawn
from mixkd.learning.optimisers import Adam
from mixkd.learning.schedules import falling
from mixkd.learning.streams import Draw
from mixkd.rng import generator
from mixkd.specs.parts import Modality

MODALITIES: tuple[Modality, ...] = ("signal", "image")
N_LATENT, N_HIDDEN = 16, 128
WEIGHT = 10.0  # of the MMD
SCALE = 2.0  # of its kernel: the mean squared distance of two uniform points, as for the Gaussian of the source
EPOCHS, BATCH, RATE = 20, 128, 1e-2  # of Adam, whose rate falls to 0 along a cosine
SEED = 0

Pair = Sequence[torch.Tensor]  # a batch of signals (n, n_channels, 1, n_samples) and of their images


def slerp(own: torch.Tensor, partner: torch.Tensor, coefficient: torch.Tensor) -> torch.Tensor:
    """Points (n, n_features) on the shorter arcs from `partner` (coefficient 0) to `own` (1), a coefficient per row.

    The angle to `own` is (1 - coefficient) times that between the two, all of norm 1.
    """
    cosine = (own * partner).sum(1, keepdim=True)
    across = partner - cosine * own
    angle = (1 - coefficient[:, None]) * torch.atan2(across.norm(dim=1, keepdim=True), cosine)
    return F.normalize(angle.cos() * own + angle.sin() * F.normalize(across))


def prior(n: int, draws: torch.Generator) -> torch.Tensor:
    """Uniform points of the sphere, (n, n_features): Gaussian ones divided by their norm."""
    return F.normalize(torch.randn(n, N_LATENT, generator=draws))


def mmd(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Squared maximum mean discrepancy of two samples (n, n_features), unbiased, scalar; Gretton et al. 2012.

    Kernel: inverse multiquadric, SCALE / (SCALE + |u - v|^2).
    """

    def kernel(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return SCALE / (SCALE + (u[:, None] - v).pow(2).sum(2))

    def within(u: torch.Tensor) -> torch.Tensor:
        return (kernel(u, u).sum() - len(u)) / (len(u) * (len(u) - 1))  # of a point and itself it is 1

    return within(a) + within(b) - 2 * kernel(a, b).mean()


class AutoEncoder(nn.Module):
    """A perceptron to the latent for each modality, whose outputs are added, and one back."""

    def __init__(self, shapes: Sequence[torch.Size]):
        super().__init__()
        self.shapes = shapes
        sizes = [shape.numel() for shape in shapes]
        self.encoders = nn.ModuleList(_perceptron(size, N_LATENT) for size in sizes)
        self.decoders = nn.ModuleList(_perceptron(N_LATENT, size) for size in sizes)

    def encode(self, pair: Pair) -> torch.Tensor:
        """Latents of norm 1, (n, n_features)."""
        encoded = [encoder(x.flatten(1)) for encoder, x in zip(self.encoders, pair, strict=True)]
        return F.normalize(torch.stack(encoded).sum(0))

    def decode(self, latents: torch.Tensor, modality: Modality) -> torch.Tensor:
        """Inputs of a modality, (n, n_channels, height, width), of latents (n, n_features)."""
        i = MODALITIES.index(modality)
        return self.decoders[i](latents).view(-1, *self.shapes[i])


def _perceptron(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, N_HIDDEN), nn.ReLU(), nn.Linear(N_HIDDEN, n_out))


def initial(shapes: Sequence[torch.Size], draws: torch.Generator) -> AutoEncoder:
    """A random auto-encoder for inputs of these shapes; all draws are from `draws`: uniform 1 / sqrt(fan in)."""
    net = undrawn(AutoEncoder, shapes)
    for layer in (module for module in net.modules() if isinstance(module, nn.Linear)):
        for p in layer.parameters():
            nn.init.uniform_(p, -(layer.in_features**-0.5), layer.in_features**-0.5, generator=draws)
    return net


def losses(net: AutoEncoder, pair: Pair, draws: torch.Generator) -> dict[str, torch.Tensor]:
    """Mean squared error of each modality, of inputs (n, n_channels, height, width), and weighted MMD: scalars."""
    latents = net.encode(pair)
    parts = {"MMD": WEIGHT * mmd(latents, prior(len(latents), draws))}
    for modality, x in zip(MODALITIES, pair, strict=True):
        parts[modality] = F.mse_loss(net.decode(latents, modality), x)
    return parts


@dataclass(frozen=True)
class Sphere:
    """A fitted auto-encoder, the latents of the training windows (n_windows, n_features), and its losses by epoch."""

    net: AutoEncoder
    latents: torch.Tensor
    losses: list[dict[str, float]]

    @staticmethod
    def fit(n_windows: int, inputs: Callable[[np.ndarray], Pair], seed: int = SEED) -> Sphere:
        """The sphere of training windows, whose signals and images `inputs` gives for some rows.

        A pure function of its arguments. Also where gradients are off: a trace may be the first to ask for it.
        """
        with torch.inference_mode(False), torch.enable_grad():
            orders = generator(seed, "sphere", "order")
            draws = torch.Generator().manual_seed(int(generator(seed, "sphere").integers(2**62)))
            net = initial([x.shape[1:] for x in inputs(np.arange(1))], draws)
            size = min(BATCH, n_windows)
            n_steps = EPOCHS * (n_windows // size)
            optimiser, rates = Adam(net.parameters(), RATE), falling(RATE, n_steps)
            history = []
            for _ in range(EPOCHS):
                order = orders.permutation(n_windows)[: n_windows // size * size]
                steps = []
                for rows in order.reshape(-1, size):
                    parts = losses(net, inputs(rows), draws)
                    optimiser.zero_grad()
                    torch.stack(list(parts.values())).sum().backward()
                    optimiser.rate = next(rates)
                    optimiser.step()
                    steps.append({name: part.item() for name, part in parts.items()})
                history.append({name: float(np.mean([step[name] for step in steps])) for name in steps[0]})
            net.requires_grad_(False)
            batches = np.array_split(np.arange(n_windows), -(-n_windows // 256))
            return Sphere(net, torch.cat([net.encode(inputs(rows)) for rows in batches]), history)

    @torch.no_grad()
    def mixed(self, modality: Modality, draw: Draw, own: torch.Tensor) -> torch.Tensor:
        """`own`, inputs of the rows of a draw (batch_size, n_channels, height, width), with mixed rows decoded.

        Each from the point between the latents of row and partner. Changes `own`.
        """
        rows, partners = (self.latents[at[draw.mixed]] for at in (draw.rows, draw.partners))
        between = slerp(rows, partners, torch.from_numpy(draw.coefficients[draw.mixed]))
        own[torch.from_numpy(draw.mixed)] = self.net.decode(between, modality)
        return own

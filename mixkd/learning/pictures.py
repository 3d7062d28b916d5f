"""Pictures as continuous functions: coordinate networks that are fitted to images, each picture with a code of its own.

`Polynomial` follows the idea of Poly-INR (Singh et al. 2023), `Sinusoidal` that of SIREN (Sitzmann et al. 2020); both
are inspired by these papers and small: auto-decoders, where weights and codes are fitted together. For Poly-INR a US
patent application is pending (2024/0412319); this is a demonstration, derived from the equation alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning.moments import centres
from mixkd.learning.networks import undrawn
from mixkd.learning.optimisers import Adam
from mixkd.learning.schedules import one_cycle

LEVELS = 4
CODE = 8  # numbers of a picture's code: declared
SLOPE = 0.2  # of the leaky rectifier; released code of Poly-INR
OMEGA = 10.0  # frequency of the sine: declared, for 16 pixels; its source has 30, for pictures of hundreds
N_STEPS = 200
RATE = 0.01  # highest learning rate: declared


class Pictures(nn.Module):
    """Of n pictures: codes of CODE numbers each, and a network that all share, which reads a code and a place."""

    def __init__(self, n: int):
        super().__init__()
        self.codes = nn.Parameter(torch.empty(n, CODE))

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """Values (n, n_positions) of all pictures at places (n_positions, 2), x and y from -1 to 1."""
        raise NotImplementedError

    def start(self, draw: torch.Generator) -> None:
        """Set codes and weights, all drawn from `draw`."""
        nn.init.normal_(self.codes, generator=draw)


class Polynomial(Pictures):
    """h_{l+1} = lrelu(W_l (h_l * A_l x)) with h_0 = 1 and x = (x, y, 1): the code makes the matrices A_l.

    Without the rectifier this is a polynomial of degree LEVELS in the coordinates, which enter in no other way.
    """

    def __init__(self, n: int, width: int):
        super().__init__(n)
        self.affine = nn.ModuleList(nn.Linear(CODE, 3 * width) for _ in range(LEVELS))
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in range(LEVELS))
        self.head = nn.Linear(width, 1)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """See `Pictures`: (n, n_positions)."""
        x = F.pad(places, (0, 1), value=1.0)  # (n_positions, 3)
        h = torch.ones(())
        for affine, mix in zip(self.affine, self.mix, strict=True):
            a = affine(self.codes).unflatten(1, (3, -1))  # (n, 3, width)
            h = F.leaky_relu(mix(h * (x @ a)), SLOPE)  # (n, n_positions, width)
        return self.head(h).squeeze(2)

    def start(self, draw: torch.Generator) -> None:
        """See `Pictures`. Products of levels start small: with larger ones training gets stuck (scales: declared)."""
        super().start(draw)
        for layer in (*self.mix, self.head):
            nn.init.normal_(layer.weight, std=0.5 / math.sqrt(layer.in_features), generator=draw)
            nn.init.zeros_(layer.bias)
        for layer in self.affine:
            nn.init.normal_(layer.get_parameter("weight"), std=0.3 / math.sqrt(CODE), generator=draw)
            nn.init.normal_(layer.get_parameter("bias"), std=0.7, generator=draw)


class Sinusoidal(Pictures):
    """h_{l+1} = sin(OMEGA (W_l h_l + b_l)) with h_0 = (x, y): the code makes the shifts b_l."""

    def __init__(self, n: int, width: int):
        super().__init__(n)
        self.shift = nn.ModuleList(nn.Linear(CODE, width) for _ in range(LEVELS))
        self.mix = nn.ModuleList(nn.Linear(width if level else 2, width, bias=False) for level in range(LEVELS))
        self.head = nn.Linear(width, 1)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """See `Pictures`: (n, n_positions)."""
        h = places
        for shift, mix in zip(self.shift, self.mix, strict=True):
            h = torch.sin(OMEGA * (mix(h) + shift(self.codes)[:, None]))  # (n, n_positions, width)
        return self.head(h).squeeze(2)

    def start(self, draw: torch.Generator) -> None:
        """See `Pictures`. Weights as in the source: of the first layer up to 1 / fan in, of others less, by OMEGA."""
        super().start(draw)
        for level, layer in enumerate((*self.mix, self.head)):
            bound = math.sqrt(6 / layer.in_features) / OMEGA if level else 1 / layer.in_features
            nn.init.uniform_(layer.weight, -bound, bound, generator=draw)
        nn.init.zeros_(self.head.bias)
        for layer in self.shift:
            bound = 1 / math.sqrt(CODE)
            nn.init.uniform_(layer.get_parameter("weight"), -bound / 4, bound / 4, generator=draw)
            nn.init.uniform_(layer.get_parameter("bias"), -bound, bound, generator=draw)


KINDS: dict[str, type[Polynomial] | type[Sinusoidal]] = {"Poly-INR": Polynomial, "SIREN": Sinusoidal}


@dataclass(frozen=True)
class Fitted:
    """Pictures as fitted, and the mean squared error before each step."""

    net: Pictures
    errors: list[float]

    @torch.no_grad()
    def at(self, resolution: int) -> np.ndarray:
        """The pictures with this many pixels per side, (n, resolution, resolution)."""
        return self.net(places(resolution)).unflatten(1, (resolution, resolution)).numpy()


def places(resolution: int) -> torch.Tensor:
    """Centres of pixels, (resolution * resolution, 2), row by row: x runs along a row, y over rows."""
    at = centres(resolution, torch.float32)
    return torch.stack([at.repeat(resolution), at.repeat_interleave(resolution)], dim=1)


def fit(kind: str, pictures: np.ndarray, width: int, *, seed: int, n_steps: int = N_STEPS) -> Fitted:
    """A network of a kind (see KINDS) fitted to pictures (n, resolution, resolution): Adam, one cycle, all at once."""
    net = undrawn(KINDS[kind], len(pictures), width)
    net.start(torch.Generator().manual_seed(seed))
    target, at = torch.from_numpy(pictures).float().flatten(1), places(pictures.shape[1])
    optimiser = Adam(net.parameters(), RATE)
    errors = []
    for optimiser.rate, optimiser.beta in one_cycle(RATE, n_steps):
        optimiser.zero_grad()
        error = F.mse_loss(net(at), target)
        error.backward()
        optimiser.step()
        errors.append(error.item())
    return Fitted(net, errors)

"""Augmentations of windows in training, as values: what is done to each row of a batch is drawn with the batch.

The five of the group's study of augmentations in distillation (Jeon et al. 2022). Its "Mix1" and "Mix2" are
compositions of transforms, not mixup. Their ranges are not published: those here are declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mixkd.specs.parts import Augment

if TYPE_CHECKING:
    import torch

MOST_REMOVED, MOST_SHIFTED = 0.5, 0.5  # of a window
MOST_NOISE = 0.2  # sd, in units of the normalised signal
PARTS: dict[Augment, tuple[str, ...]] = {
    "none": (),
    "removal": ("removal",),
    "noise": ("noise",),
    "shifting": ("shifting",),
    "mix1": ("removal", "shifting"),
    "mix2": ("removal", "noise", "shifting"),
}


@dataclass(frozen=True)
class Augmentation:
    """Of each row of a batch, (n,): start and length of a removed span, a circular shift, all as shares of the window,
    and the sd of noise. seed: of the noise itself.
    """

    start: np.ndarray
    length: np.ndarray
    shift: np.ndarray
    noise: np.ndarray
    seed: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised windows (n, n_channels, 1, n_samples) with a span set to 0, noise added, and shifted, as drawn."""
        import torch  # here: chapters that only draw need none

        n_samples = x.shape[-1]
        at = np.arange(n_samples)
        first = np.rint(self.start * n_samples)[:, None]
        removed = (at >= first) & (at < first + np.rint(self.length * n_samples)[:, None])
        x = x * torch.from_numpy(~removed)[:, None, None]
        if self.noise.any():
            draws = np.random.default_rng(self.seed).standard_normal(tuple(x.shape), dtype=np.float32)
            x = x + torch.from_numpy(self.noise)[:, None, None, None] * torch.from_numpy(draws)
        source = (at - np.rint(self.shift * n_samples)[:, None].astype(np.int64)) % n_samples
        return x.gather(-1, torch.from_numpy(source)[:, None, None].expand_as(x))


def draw(kind: Augment, n: int, rng: np.random.Generator) -> Augmentation | None:
    """What is done to the n rows of a batch; None for `none`. Parts that a kind lacks are 0."""
    if kind == "none":
        return None
    uniform = rng.random((4, n))
    has = {part: float(part in PARTS[kind]) for part in ("removal", "noise", "shifting")}
    length = has["removal"] * MOST_REMOVED * uniform[0]
    return Augmentation(
        start=uniform[1] * (1 - length),
        length=length,
        shift=has["shifting"] * MOST_SHIFTED * uniform[2],
        noise=(has["noise"] * MOST_NOISE * uniform[3]).astype(np.float32),
        seed=int(rng.integers(2**62)),
    )

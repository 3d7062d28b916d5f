"""Draws and streams: everything random about batching and mixing, as values, from one pure function of a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.special import betaincinv

from mixkd.errors import MixkdError
from mixkd.learning import augment
from mixkd.learning.augment import Augmentation
from mixkd.rng import generator
from mixkd.specs.parts import Augment, Mixup, Order

if TYPE_CHECKING:
    import torch

Array = TypeVar("Array", np.ndarray, "torch.Tensor")


@dataclass(frozen=True)
class Draw:
    """What one training step uses. All (batch_size,): window rows, partner rows, coefficient of the row itself.

    A row is mixed where its coefficient is below 1 (a drawn one may round to 1, which mixes nothing).
    """

    rows: np.ndarray
    partners: np.ndarray
    coefficients: np.ndarray
    augmentation: Augmentation | None = None

    @property
    def mixed(self) -> np.ndarray:
        """Which rows are mixed, (batch_size,) bool."""
        return self.coefficients < 1


@dataclass(frozen=True)
class Stream:
    """All draws of a training; three arrays (n_steps, batch_size): int64, int64, float32."""

    rows: np.ndarray
    partners: np.ndarray
    coefficients: np.ndarray
    augment: Augment = "none"
    seed: int = 0  # of the augmentations

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def mixed_share(self) -> float:
        """Part of all rows that is mixed: below the share asked for where coefficients round to 1 (small alpha)."""
        return float((self.coefficients < 1).mean())

    def first(self, n_steps: int) -> Stream:
        """The first steps."""
        return replace(
            self, rows=self.rows[:n_steps], partners=self.partners[:n_steps], coefficients=self.coefficients[:n_steps]
        )

    def __getitem__(self, step: int) -> Draw:
        rng = generator(self.seed, "augmentation", str(step))
        augmentation = augment.draw(self.augment, self.rows.shape[1], rng)
        return Draw(self.rows[step], self.partners[step], self.coefficients[step], augmentation)


def stream(
    n_windows: int, batch_size: int, n_epochs: int, mixup: Mixup | None, *, seed: int, order: Order = "shuffled"
) -> Stream:
    """Every epoch visits the windows in a new order, in full batches (the rest of an epoch is dropped).

    Streams of one seed share the order, the partners and the uniform numbers behind the coefficients over all
    `mixup` settings, and the rows that a smaller share mixes are among those of a larger one: so two studies that
    differ in alpha or share differ in nothing else. MIX-KD's released code permutes both partners; as the order of a
    batch is free, that is one permutation, as here. `near` partners: see mixkd/learning/near.py.
    Raises MixkdError when there are fewer windows than a batch.
    """
    per_epoch = n_windows // batch_size
    if per_epoch == 0:
        raise MixkdError(f"stream: found {n_windows} training windows, expected at least one batch of {batch_size}")
    rng = generator(seed, "order")
    if order == "time":  # consecutive windows, from another one on in each epoch; the order of batches is random
        starts = (rng.permutation(per_epoch) * batch_size + rng.integers(n_windows) for _ in range(n_epochs))
        rows = (np.concatenate(list(starts))[:, None] + np.arange(batch_size)) % n_windows
    else:
        epochs = [rng.permutation(n_windows)[: per_epoch * batch_size] for _ in range(n_epochs)]
        rows = np.concatenate(epochs).reshape(-1, batch_size)
    if mixup is None:
        return Stream(rows, rows, np.ones(rows.shape, np.float32))

    partner = permutations(generator(seed, "partners"), rows.shape)
    uniform = generator(seed, "coefficients").random(rows.shape)
    if mixup.coefficient == "batch":
        uniform = np.repeat(uniform[:, :1], batch_size, axis=1)
    coefficients = betaincinv(mixup.alpha, mixup.alpha, uniform).astype(np.float32)
    mixed = mixed_rows(rows.shape, mixup, seed)
    return Stream(
        rows,
        np.where(mixed, np.take_along_axis(rows, partner, axis=1), rows),
        np.where(mixed, coefficients, np.float32(1)),
    )


def permutations(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """One permutation of the columns per row, (n_steps, batch_size)."""
    return rng.random(shape).argsort(axis=1)


def mixed_rows(shape: tuple[int, int], mixup: Mixup, seed: int) -> np.ndarray:
    """Which rows of each batch are mixed, boolean (n_steps, batch_size).

    `exact`: round(share * batch_size) rows. `released`: int((1 - share) * batch_size) rows to leave clean are drawn
    with replacement, as in the released code of MIX-KD, so more than the share is mixed. Raises MixkdError where
    `exact` mixes no row.
    """
    batch_size, n_mixed = shape[1], mixup.n_rows(shape[1])
    if mixup.sampling == "exact":
        rank = permutations(generator(seed, "mixed"), shape)
        mixed = np.zeros(shape, bool)
        np.put_along_axis(mixed, rank[:, :n_mixed], True, axis=1)
        return mixed
    n_draws = int(batch_size * round(1 - mixup.share, 12))  # of the decimal number that a user of MIX-KD would write
    clean = generator(seed, "clean").integers(0, batch_size, shape)[:, :n_draws]
    mixed = np.ones(shape, bool)
    np.put_along_axis(mixed, clean, False, axis=1)
    return mixed


def mix(own: Array, partner: Array, coefficient: Array) -> Array:
    """coefficient * own + (1 - coefficient) * partner, (n, ...), a coefficient per row; Zhang et al. 2018."""
    shape = (-1,) + (1,) * (own.ndim - 1)
    weight = coefficient.reshape(shape)
    return weight * own + (1 - weight) * partner

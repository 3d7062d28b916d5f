"""Losses of logits, as pure functions of tensors: one value per window, which the caller averages over the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from mixkd.errors import MixkdError


def finite(logits: torch.Tensor, whose: str = "a network", way_on: str = "") -> None:
    """Refuse logits that are infinite or NaN (MixkdError): they would make any loss NaN."""
    if not torch.isfinite(logits).all():
        raise MixkdError(f"logits of {whose}: found values that are not finite, expected finite numbers{way_on}")


def positive(temperature: float) -> None:
    """Refuse a temperature of 0 or below (MixkdError)."""
    if not temperature > 0:
        raise MixkdError(f"temperature: found {temperature!r}, expected a number above 0")


def same_size(one: torch.Tensor, other: torch.Tensor, what: str) -> None:
    """Refuse tensors of different shapes (MixkdError), which arithmetic would broadcast."""
    if one.shape != other.shape:
        raise MixkdError(f"{what}: found shapes {tuple(one.shape)} and {tuple(other.shape)}, expected equal ones")


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """-sum_c y_c log softmax(z)_c, (n,), for logits and label distributions (n, n_classes).

    Raises MixkdError for unequal shapes and logits that are not finite.
    """
    same_size(logits, target, "logits and labels")
    finite(logits)
    return -(target * F.log_softmax(logits, dim=1)).sum(dim=1)


def kd(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """T^2 sum_c p_t log(p_t / p_s) with p = softmax(z / T), (n,), for logits (n, n_classes). Hinton et al. 2015.

    T^2 keeps the size of the gradient independent of the temperature. Raises MixkdError for a temperature of 0 or
    below, unequal shapes and logits that are not finite.
    """
    positive(temperature)
    same_size(student, teacher, "logits of student and teacher")
    for logits in (student, teacher):
        finite(logits)
    log_s = F.log_softmax(student / temperature, dim=1)
    log_t = F.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * (log_t.exp() * (log_t - log_s)).sum(dim=1)


def rescaled(logits: torch.Tensor) -> torch.Tensor:
    """z / std(z) per window, unbiased over classes: MIX-KD's replacement of the temperature. Choi et al. 2023.

    Raises MixkdError where all logits of a window are equal.
    """
    spread = logits.std(dim=1, keepdim=True)
    if not (spread > 0).all():
        row = int(torch.nonzero(~(spread > 0).flatten())[0])
        raise MixkdError(f"logits of window {row}: found equal values, expected a standard deviation to divide by")
    return logits / spread


# -- which teacher to trust, per window


def trust(parts: torch.Tensor) -> torch.Tensor:
    """Weights (n_teachers, n) that sum to 1, (1 - part) / (n_teachers - 1), of parts (n_teachers, n) that sum to 1.

    Raises MixkdError for fewer than two teachers.
    """
    if len(parts) < 2:
        raise MixkdError(f"trust: found {len(parts)} teacher, expected two or more to weigh against each other")
    return (1 - parts) / (len(parts) - 1)


def entropies(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """Entropy of softmax(z) in nats, (n_teachers, n)."""
    return torch.stack([soft_cross_entropy(z, z.softmax(dim=1)) for z in taught])


def entropy_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD: a teacher of low entropy H weighs more, by 1 - H / sum H; equal weights where all H are 0.

    Kwon et al. 2020, as released with CA-MKD, which halves the weights of two teachers once more.
    """
    doubt = entropies(taught)
    total = doubt.sum(dim=0)
    return trust(torch.where(total > 0, doubt / total.clamp_min(torch.finfo(total.dtype).tiny), 1 / len(doubt)))


def entropy_softmax_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD's idea with the weights of CA-MKD: by 1 - softmax of the teachers' entropies. Declared here."""
    return trust(entropies(taught).softmax(dim=0))


def label_trust(taught: Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """CA-MKD: a teacher of low cross-entropy with the (mixed) label weighs more, by 1 - softmax. Zhang et al. 2022."""
    return trust(torch.stack([soft_cross_entropy(z, target) for z in taught]).softmax(dim=0))


# -- logits as relations


def pearson_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """1 - Pearson correlation of the rows of a and b, (n,); 1 for a row of equal values. Unequal shapes: MixkdError."""
    same_size(a, b, "outputs of student and teacher")
    return 1 - F.cosine_similarity(a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True), dim=1)


def dist(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """DIST: T^2 (mean distance of rows + of columns) of the softened outputs, scalar. Huang et al. 2022.

    Raises MixkdError as `kd` does.
    """
    positive(temperature)
    for logits in (student, teacher):
        finite(logits)
    p_s, p_t = ((z / temperature).softmax(dim=1) for z in (student, teacher))
    return temperature**2 * (pearson_distance(p_s, p_t).mean() + pearson_distance(p_s.T, p_t.T).mean())


# -- features

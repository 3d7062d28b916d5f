"""Losses of logits, as pure functions of tensors: one value per window, (n,); the caller averages over the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from mixkd.errors import MixkdError

MASKED = -1e9  # a logit without a probability, in float32 too


def finite(logits: torch.Tensor, whose: str = "a network", way_on: str = "") -> None:
    """Raises MixkdError if logits, of any shape, are infinite or NaN: they would make any loss NaN.

    On a graphics card it asks nothing, as each answer halts it; there the losses of an epoch are looked at.
    """
    if not logits.is_cuda and not torch.isfinite(logits).all():
        raise MixkdError(f"logits of {whose}: found values that are not finite, expected finite numbers{way_on}")


def positive(temperature: float) -> None:
    """Raises MixkdError for a temperature of 0 or below."""
    if not temperature > 0:
        raise MixkdError(f"temperature: found {temperature!r}, expected a number above 0")


def same_size(one: torch.Tensor, other: torch.Tensor, what: str) -> None:
    """Raises MixkdError for two tensors, of any shape, whose shapes differ: arithmetic would broadcast them."""
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
    """z / std(z) of logits (n, n_classes), std per window, unbiased over classes; same shape. Choi et al. 2023.

    MIX-KD uses it in place of the temperature. Raises MixkdError if all logits of a window are equal.
    """
    spread = logits.std(dim=1, keepdim=True)
    if not spread.is_cuda and not (spread > 0).all():
        row = int(torch.nonzero(~(spread > 0).flatten())[0])
        raise MixkdError(f"logits of window {row}: found equal values, expected a standard deviation to divide by")
    return logits / spread


# -- weights of several teachers, per window


def trust(shares: torch.Tensor) -> torch.Tensor:
    """Weights (1 - share) / (n_teachers - 1), (n_teachers, n), of shares (n_teachers, n); both sum to 1 over teachers.

    Raises MixkdError for fewer than two teachers.
    """
    if len(shares) < 2:
        raise MixkdError(f"trust: found {len(shares)} teacher, expected two or more to weigh against each other")
    return (1 - shares) / (len(shares) - 1)


def entropies(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """Entropy of softmax(z) in nats, (n_teachers, n), of logits z (n, n_classes) of each teacher."""
    return torch.stack([soft_cross_entropy(z, z.softmax(dim=1)) for z in taught])


def entropy_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD: weights (n_teachers, n) by 1 - H / sum H, H the entropy of a teacher; equal weights where all H are 0.

    taught: logits (n, n_classes) of each teacher. Kwon et al. 2020, as released with CA-MKD, which divides the weights
    of two teachers by 2 again.
    """
    doubt = entropies(taught)
    total = doubt.sum(dim=0)
    return trust(torch.where(total > 0, doubt / total.clamp_min(torch.finfo(total.dtype).tiny), 1 / len(doubt)))


def entropy_softmax_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD with the weights of CA-MKD: 1 - softmax of the teachers' entropies, (n_teachers, n). Declared here."""
    return trust(entropies(taught).softmax(dim=0))


def label_trust(taught: Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """CA-MKD: weights (n_teachers, n) by 1 - softmax of cross-entropies with labels (n, n_classes).

    Zhang et al. 2022.
    """
    return trust(torch.stack([soft_cross_entropy(z, target) for z in taught]).softmax(dim=0))


# -- refined logits: what a teacher says against a label is left out


def versus_rest(logits: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (n, 2) of the chosen class (n,) and of all others together, of logits (n, n_classes)."""
    log_p, own = F.log_softmax(logits, dim=1), F.one_hot(chosen, logits.shape[1]).bool()
    return torch.stack([log_p[own], log_p.masked_fill(own, -torch.inf).logsumexp(dim=1)], dim=1)


def sample_confidence(
    student: torch.Tensor, teacher: torch.Tensor, label: torch.Tensor, temperature: float
) -> torch.Tensor:
    """T^2 KL, (n,), of two-way distributions: the teacher's best class and the rest; the label's class and the rest.

    So a teacher that is wrong still says how sure to be. For logits (n, n_classes) and labels (n,). Sun et al. 2024.
    """
    best = versus_rest(teacher / temperature, teacher.argmax(dim=1))
    return temperature**2 * kd(versus_rest(student / temperature, label), best, 1.0)


def masked_correlation(
    student: torch.Tensor, teacher: torch.Tensor, label: torch.Tensor, temperature: float
) -> torch.Tensor:
    """`kd` over the classes to which the teacher gives less than to the label's, (n,); 0 where there are none or one.

    For logits (n, n_classes) and labels (n,). Sun et al. 2024.
    """
    masked = teacher >= teacher.gather(1, label.unsqueeze(1))
    return kd(student.masked_fill(masked, MASKED), teacher.masked_fill(masked, MASKED), temperature)


# -- relations between logits


def pearson_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """1 - Pearson correlation of the rows of a and b, (n, n_classes) each: (n,). A constant row gives 1.

    Raises MixkdError for unequal shapes.
    """
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

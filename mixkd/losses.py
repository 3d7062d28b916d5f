"""Losses as pure functions of tensors. Each returns one value per window; the caller averages over the batch."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """-sum_c y_c log softmax(z)_c, (n,), for logits and label distributions (n, n_classes)."""
    return -(target * F.log_softmax(logits, dim=1)).sum(dim=1)


def kd(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """T^2 sum_c p_t log(p_t / p_s) with p = softmax(z / T), (n,), for logits (n, n_classes). Hinton et al. 2015.

    T^2 keeps the size of the gradient independent of the temperature.
    """
    log_s = F.log_softmax(student / temperature, dim=1)
    log_t = F.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * (log_t.exp() * (log_t - log_s)).sum(dim=1)

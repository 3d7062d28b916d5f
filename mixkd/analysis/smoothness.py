"""How smooth targets are: entropy, effective temperature, and the spread of logits."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax

from mixkd.errors import MixkdError


def entropy(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Entropy of softmax(logits / temperature) in nats, (n,), for logits (n, n_classes)."""
    log_p = log_softmax(logits.astype(np.float64) / temperature, axis=-1)
    return -(np.exp(log_p) * log_p).sum(axis=-1)


def effective_temperature(logits: np.ndarray, target_entropy: float, low: float = 1e-2, high: float = 1e4) -> float:
    """The temperature at which the mean entropy of softmax(logits / T) equals `target_entropy` (nats).

    Mean entropy grows with the temperature, so there is one. Raises MixkdError when it lies outside [low, high].
    """

    def gap(log_temperature: float) -> float:
        return float(entropy(logits, np.exp(log_temperature)).mean()) - target_entropy

    if not gap(np.log(low)) <= 0 <= gap(np.log(high)):
        limit = np.log(logits.shape[-1])
        raise MixkdError(f"target_entropy: found {target_entropy:.4g} nats, expected one in (0, {limit:.4g})")
    return float(np.exp(brentq(gap, np.log(low), np.log(high), xtol=1e-10)))


def logit_spread(logits: np.ndarray) -> np.ndarray:
    """Standard deviation of each row's logits, (n,)."""
    return logits.std(axis=-1)

"""One temperature for a trained network's outputs, fitted on validation people. Guo et al. 2017."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mixkd.learning import metrics

LOWEST, HIGHEST = 0.02, 50.0  # of a fitted temperature: declared


def temperature(logits: np.ndarray, y: np.ndarray) -> float:
    """The temperature in [LOWEST, HIGHEST] of the smallest NLL of logits (n, n_classes) against labels (n,).

    The NLL is convex in 1 / temperature, so what is found is the only minimum there.
    """
    z = logits.astype(np.float64)

    def nll(log_temperature: float) -> float:
        return metrics.nll(log_softmax(z / np.exp(log_temperature), axis=1), y)

    bounds = np.log(LOWEST), np.log(HIGHEST)
    return float(np.exp(minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))

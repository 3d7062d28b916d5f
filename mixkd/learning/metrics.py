"""Metrics of outputs against labels or targets. Probabilities are softmax(logits); all functions are pure."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

N_BINS = 15  # of the expected calibration error


def summary(logits: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """accuracy, macro_f1, nll (nats), ece, brier of logits (n, n_classes) against labels (n,)."""
    log_p = log_softmax(logits.astype(np.float64), axis=1)
    return {
        "accuracy": float((logits.argmax(axis=1) == y).mean()),
        "macro_f1": macro_f1(logits.argmax(axis=1), y),
        "nll": nll(log_p, y),
        "ece": ece(np.exp(log_p), y),
        "brier": float(((np.exp(log_p) - np.eye(logits.shape[1])[y]) ** 2).sum(axis=1).mean()),
    }


def nll(log_p: np.ndarray, y: np.ndarray) -> float:
    """Mean negative log-likelihood (nats) of labels (n,) under log-probabilities (n, n_classes)."""
    return float(-log_p[np.arange(len(y)), y].mean())


def errors(predicted: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """rmse, in the units of the targets; nrmse, divided by each target's range; pearson_r. Means over targets.

    predicted, target: (n, n_targets). A target without any range counts with nrmse 0 and r 0.
    """
    rmse = np.sqrt(((predicted - target) ** 2).mean(axis=0))
    span = np.ptp(target, axis=0)
    a, b = predicted - predicted.mean(axis=0), target - target.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    r = np.divide((a * b).sum(axis=0), size, out=np.zeros_like(rmse), where=size > 0)
    nrmse = np.divide(rmse, span, out=np.zeros_like(rmse), where=span > 0)
    return {"rmse": float(rmse.mean()), "nrmse": float(nrmse.mean()), "pearson_r": float(r.mean())}


def macro_f1(predicted: np.ndarray, y: np.ndarray) -> float:
    """Mean of 2 tp / (2 tp + fp + fn) over the classes in predicted (n,) or labels y (n,)."""
    classes = np.union1d(predicted, y)
    hits = np.array([((predicted == c) & (y == c)).sum() for c in classes])
    total = np.array([(predicted == c).sum() + (y == c).sum() for c in classes])
    return float((2 * hits / total).mean())


def confusion(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Counts (n_classes, n_classes), row true and column predicted class, of logits (n, n_classes) and labels (n,)."""
    n_classes = logits.shape[1]
    return np.bincount(y * n_classes + logits.argmax(axis=1), minlength=n_classes**2).reshape(n_classes, n_classes)


def reliability(p: np.ndarray, y: np.ndarray, n_bins: int = N_BINS) -> dict[str, np.ndarray]:
    """Mean confidence, accuracy (NaN if empty) and share of windows per bin of confidence, (n_bins,) each.

    Bins have equal width; p: (n, n_classes), y: (n,).
    """
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        return {
            "confidence": np.bincount(bins, confidence, n_bins) / count,
            "accuracy": np.bincount(bins, right, n_bins) / count,
            "share": count / len(y),
        }


def debiased(p: np.ndarray, y: np.ndarray, n_bins: int = N_BINS) -> float:
    """Root mean square of accuracy - confidence over windows, by bins of confidence, less what chance alone gives.

    p: (n, n_classes), y: (n,). Of each bin's squared error its variance under chance is taken off; bins of one window
    are left out; a negative sum counts as 0. Kumar, Liang & Ma 2019. The plain error is biased upwards for few windows.
    """
    r = reliability(p, y, n_bins)
    count = np.round(r["share"] * len(y))
    many = count > 1
    accuracy, confidence = r["accuracy"][many], r["confidence"][many]
    chance = accuracy * (1 - accuracy) / (count[many] - 1)
    return float(np.sqrt(max(0.0, (r["share"][many] * ((accuracy - confidence) ** 2 - chance)).sum())))


def ece(p: np.ndarray, y: np.ndarray, n_bins: int = N_BINS) -> float:
    """Expected calibration error: mean |accuracy - confidence| over bins, weighted by share. Guo et al. 2017.

    p: (n, n_classes), y: (n,).
    """
    r = reliability(p, y, n_bins)
    return float(np.nansum(r["share"] * np.abs(r["accuracy"] - r["confidence"])))

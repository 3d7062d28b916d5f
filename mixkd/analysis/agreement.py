"""Where two networks are right together, alone, or not at all; confusion matrices."""

from __future__ import annotations

import numpy as np


def right_shares(signal: np.ndarray, image: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Shares of windows on which both, one or none of two networks is right; logits (n, n_classes), labels (n,)."""
    s, i = signal.argmax(axis=1) == y, image.argmax(axis=1) == y
    parts = {"both": s & i, "signal": s & ~i, "image": ~s & i, "none": ~s & ~i}
    return {name: float(part.mean()) for name, part in parts.items()}


def confusion(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Counts (n_classes, n_classes): row true, column called."""
    n_classes = logits.shape[1]
    return np.bincount(y * n_classes + logits.argmax(axis=1), minlength=n_classes**2).reshape(n_classes, n_classes)

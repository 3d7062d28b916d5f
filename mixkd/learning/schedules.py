"""The learning rate along a training."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mixkd.specs.run import RunSpec


def learning_rate(step: int, n_steps: int, spec: RunSpec) -> float:
    """Rate of a step. `onecycle`: linear warm-up over 30 %, cosine to 0 (Smith & Topin 2018, constant momentum).

    `step`: the released schedule of 200 epochs, scaled: rate, then / 5, / 50, / 500 from 5, 32.5 and 66 % on.
    """
    at = step / n_steps
    if spec.schedule == "step":
        return spec.learning_rate * (1.0 if at < 0.05 else 0.2 if at < 0.325 else 0.02 if at < 0.66 else 0.002)
    warm = 0.3
    factor = at / warm if at < warm else 0.5 * (1 + math.cos(math.pi * (at - warm) / (1 - warm)))
    return spec.learning_rate * max(factor, 1e-3)


def passes_and_steps(n_windows: int, whole: int, batch_size: int, n_epochs: int) -> tuple[int, int]:
    """Passes over the training windows, the last cut short, and steps of a training.

    The steps are those of `n_epochs` over the `whole` windows of all training people, of whom fewer may train: so
    people are compared, and not steps. Below a batch, where `stream` refuses, as many passes as epochs.
    """
    n_steps = whole // batch_size * n_epochs
    per_pass = n_windows // batch_size
    return -(-n_steps // per_pass) if per_pass else n_epochs, n_steps


def falling(rate: float, n_steps: int) -> Iterator[float]:
    """Rates of n_steps steps, from `rate` towards 0 along a cosine: those of torch's `CosineAnnealingLR`."""
    for step in range(n_steps):
        yield rate
        rate *= (1 + math.cos(math.pi * (step + 1) / n_steps)) / (1 + math.cos(math.pi * step / n_steps))


def one_cycle(rate: float, n_steps: int) -> Iterator[tuple[float, float]]:
    """Rate and Adam's beta of n_steps steps: those of torch's `OneCycleLR` (Smith & Topin 2018).

    The rate rises from a 25th to `rate` over 30 %, then falls to a 10,000th of its start; beta goes the other way.
    """
    top, last = 0.3 * n_steps - 1, n_steps - 1
    for step in range(n_steps):
        rises = step <= top
        at = step / top if rises else (step - top) / (last - top)
        rates, betas = ((rate / 25, rate), (0.95, 0.85)) if rises else ((rate, rate / 25 / 1e4), (0.85, 0.95))
        yield _between(*rates, at), _between(*betas, at)


def _between(start: float, end: float, at: float) -> float:
    """From start (at 0) to end (at 1) along a cosine."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * at) + 1)

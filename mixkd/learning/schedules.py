"""The learning rate along a training."""

from __future__ import annotations

import math

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

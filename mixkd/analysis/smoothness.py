"""How smooth targets are: entropy and effective temperature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import log_softmax

from mixkd.config import RunSpec
from mixkd.errors import MixkdError
from mixkd.inputs import FoldData, for_spec
from mixkd.store import Store
from mixkd.training import stream_of, trace, trained, trained_network


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


def target_logits(spec: RunSpec, data: FoldData, store: Store) -> np.ndarray:
    """Logits of the first teacher of `spec` along the first epoch of its stream, (n_windows, n_classes)."""
    teacher, run = spec.teachers[0], spec.teacher_runs[0]
    draws = stream_of(spec, data)
    epoch = draws.first(len(draws) // spec.epochs)
    net = trained_network(trained(run, store), data)
    return trace(net, teacher.modality, data, epoch).flatten(0, 1).numpy()


def target_entropies(table: pd.DataFrame, data: dict[int, FoldData]) -> pd.DataFrame:
    """A temperature study with `entropy`, the mean entropy of the targets (nats), and its upper `limit`."""
    store, rows, logits = Store(), [], {}
    for spec in table["spec"]:
        key = (spec.teacher_runs[0].hash, spec.mixup, spec.fold, spec.seed)
        if key not in logits:
            logits[key] = target_logits(spec, for_spec(data[spec.fold], spec), store)
        rows.append(float(entropy(logits[key], spec.temperature).mean()))
    n_classes = next(iter(logits.values())).shape[1]
    return table.assign(entropy=rows, limit=np.log(n_classes))


def matched_temperatures(table: pd.DataFrame) -> pd.DataFrame:
    """For each temperature, the one at which the plain teacher is as smooth as the mixup-trained one at the first.

    Takes a temperature study's rows; returns subject, seed, temperature, effective. Clean training windows.
    """
    clean, store, rows = table[table["share"] == 0], Store(), []
    for (subject, seed), part in clean.groupby(["subject", "seed"], sort=False):
        plain, mixed = (
            trained(part[part["teacher_mixup"] == is_mixed]["spec"].iloc[0].teacher_runs[0], store)
            for is_mixed in (False, True)
        )
        for temperature in sorted(part["temperature"].unique()):
            target = float(entropy(mixed.arrays["train_logits"], temperature).mean())
            effective = effective_temperature(plain.arrays["train_logits"], target)
            rows.append({"subject": subject, "seed": seed, "temperature": temperature, "effective": effective})
    return pd.DataFrame(rows)

"""Entropy of teacher targets, and how much of mixup's effect an entropy-matched temperature reproduces.

Entropies come from curves in the records: mean entropy (nats) of softmax(logits / T) at `probes.TEMPERATURES`, (n,).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mixkd.analysis.measures import MEASURES
from mixkd.errors import MixkdError
from mixkd.learning.probes import TEMPERATURES
from mixkd.studies import tables

LOG_T = np.log(TEMPERATURES)


def entropy_at(curve: np.ndarray, temperature: float) -> float:
    """Mean entropy (nats) at a temperature: curve (n,), interpolated in log T."""
    if not TEMPERATURES[0] <= temperature <= TEMPERATURES[-1]:
        expected = f"{TEMPERATURES[0]:g} to {TEMPERATURES[-1]:g}"
        raise MixkdError(f"temperature: found {temperature:g}, expected {expected}")
    return float(np.interp(math.log(temperature), LOG_T, curve))


def effective_temperature(curve: np.ndarray, target_entropy: float) -> float:
    """The temperature at which curve (n,) has this entropy (nats); unique, because entropy increases with temperature.

    Raises MixkdError if the entropy is outside the curve.
    """
    if not curve[0] <= target_entropy <= curve[-1]:
        expected = f"{curve[0]:.4g} to {curve[-1]:.4g} nats"
        raise MixkdError(f"target_entropy: found {target_entropy:.4g} nats, expected {expected}")
    return float(np.exp(np.interp(target_entropy, curve, LOG_T)))


def target_entropies(table: pd.DataFrame) -> pd.DataFrame:
    """A study's rows with `entropy`, the mean entropy of the first teacher's targets (nats), and its upper `limit`."""
    entropies, limits = [], []
    for spec, record in zip(table["spec"], tables.records(table), strict=True):
        entropies.append(entropy_at(np.array(record.probes["target_entropy"][0]), spec.temperature))
        limits.append(math.log(len(record.probes["validation_confusion"])))
    return table.assign(entropy=entropies, limit=limits)


def matched_temperatures(table: pd.DataFrame) -> pd.DataFrame:
    """For each T, the temperature at which the plain teacher's mean entropy equals the mixup-trained teacher's at T.

    Takes a temperature study's rows; returns subject, seed, temperature, effective. On clean training windows.
    """
    clean, rows = table[table["share"] == 0], []
    for (subject, seed), part in clean.groupby(["subject", "seed"], sort=False):
        plain, mixed = (
            np.array(tables.records(part[part["teacher_mixup"] == is_mixed])[0].probes["target_entropy"][0])
            for is_mixed in (False, True)
        )
        for temperature in sorted(part["temperature"].unique()):
            effective = effective_temperature(plain, entropy_at(mixed, temperature))
            rows.append({"subject": subject, "seed": seed, "temperature": temperature, "effective": effective})
    return pd.DataFrame(rows)


def matched_effects(table: pd.DataFrame, matched: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Effect of mixup in the teacher on a metric of its student, and effect of the matched temperature alone.

    Per subject, seed and temperature: `mixup` is Mix-T & S minus T & S; `matched` is T & S at the matched temperature
    minus T & S, interpolated in log T between the study's temperatures. Matches outside of these are left out.
    """
    clean = (
        table[table["share"] == 0].set_index(["subject", "seed", "teacher_mixup", "temperature"])[metric].sort_index()
    )
    rows = []
    for row in matched.to_dict("records"):
        plain, mixed = (clean.loc[row["subject"], row["seed"], is_mixed] for is_mixed in (False, True))
        if plain.index[0] <= row["effective"] <= plain.index[-1]:
            there = np.interp(math.log(row["effective"]), np.log(plain.index), plain)
            here = plain[row["temperature"]]
            rows.append(row | {"mixup": mixed[row["temperature"]] - here, "matched": there - here})
    return pd.DataFrame(rows, columns=[*matched.columns, "mixup", "matched"])


def signed(effect: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means of `matched_effects` by temperature, as text with signs, in the unit of the metric."""
    measure = MEASURES[metric]
    means = measure.scale * effect.groupby("temperature")[["mixup", "matched"]].mean()
    return means.map(f"{{:+z.{measure.digits}f}}".format)

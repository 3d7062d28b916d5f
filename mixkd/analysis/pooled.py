"""Average effects over data sets, decided against a margin.

The estimand is the mean of the data sets' own means, each with equal weight, whatever their numbers of people. Folds
and seeds are both drawn: one seed gives all folds of a data set the same initial weights, so what a seed does to a
contrast is common to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, stdtr, stdtrit

from mixkd.analysis.claims import Direction
from mixkd.analysis.inference import LEVEL, holm


@dataclass(frozen=True)
class Spread:
    """Mean squares of differences (..., n_folds, n_seeds): of folds, of seeds, and of what neither explains, (...,)."""

    folds: Any
    seeds: Any
    rest: Any

    @classmethod
    def of(cls, differences: np.ndarray) -> Spread:
        """Two-way analysis of variance without replicates; with one seed, that of folds alone."""
        n_folds, n_seeds = differences.shape[-2:]
        by_fold, by_seed = differences.mean(-1, keepdims=True), differences.mean(-2, keepdims=True)
        of_folds = n_seeds * by_fold.var(axis=(-2, -1), ddof=1)
        if n_seeds == 1:
            return cls(of_folds, 0.0 * of_folds, 0.0 * of_folds)
        rest = differences - by_fold - by_seed + differences.mean((-2, -1), keepdims=True)
        squares = (rest**2).sum((-2, -1)) / ((n_folds - 1) * (n_seeds - 1))
        return cls(of_folds, n_folds * by_seed.var(axis=(-2, -1), ddof=1), squares)


@dataclass(frozen=True)
class Average:
    """An average effect over data sets, its standard error and degrees of freedom: numbers, or (...,) of campaigns."""

    effect: Any
    se: Any
    df: Any

    def toward(self, direction: Direction) -> Average:
        """With the claimed direction as positive: mirrored where `below` is claimed."""
        return replace(self, effect=-self.effect) if direction == "below" else self

    @property
    def interval(self) -> tuple[Any, Any]:
        """95 % t interval."""
        half = stdtrit(self.df, 1 - LEVEL / 2) * self.se
        return self.effect - half, self.effect + half

    def beyond(self, bound: float) -> Any:
        """Probability of a true effect above `bound`, of a flat prior; 1 minus it is the p of "not above `bound`"."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.effect - bound) / self.se  # infinite where all differences are equal
        return stdtr(self.df, t)


def average(sets: Sequence[np.ndarray]) -> Average:
    """The average effect of differences (..., n_folds, n_seeds) of each data set; folds and seeds are random.

    Variance of a set's mean: (MS folds + MS seeds - MS rest) / (folds * seeds), the seeds' part not below zero over all
    sets; degrees of freedom by Satterthwaite, with those of the seeds for their part. NaN where a set has one fold.
    """
    means = [differences.mean((-2, -1)) for differences in sets]
    if min(differences.shape[-2] for differences in sets) < 2:
        return Average(np.mean(means, axis=0), math.nan, math.nan)
    of_folds, of_seeds, squares, df_seeds = 0.0, 0.0, 0.0, 0
    for differences in sets:
        n_folds, n_seeds = differences.shape[-2:]
        spread, share = Spread.of(differences), 1 / (n_folds * n_seeds * len(sets) ** 2)
        of_folds = of_folds + share * spread.folds
        squares = squares + (share * spread.folds) ** 2 / (n_folds - 1)
        of_seeds = of_seeds + share * (spread.seeds - spread.rest)
        df_seeds += n_seeds - 1
    of_seeds = np.maximum(of_seeds, 0.0)
    squares = squares + of_seeds**2 / max(df_seeds, 1)
    variance = of_folds + of_seeds
    df = np.where(squares > 0, variance**2 / np.where(squares > 0, squares, 1.0), 1.0)[()]
    return Average(np.mean(means, axis=0), np.sqrt(variance), df)


@dataclass(frozen=True)
class Odds:
    """One-sided p of a part of a claim, `gain` being an effect in the claimed direction.

    shown: that there is no gain; opposite: that there is no loss; excluded: that the gain is a margin or more; small:
    that the loss is.
    """

    shown: float
    opposite: float
    excluded: float
    small: float


def odds(found: Average, direction: Direction, margin: float) -> Odds:
    """The p of a part. `differs`: a gain is a difference to either side. `not_above`: what is claimed is no gain."""
    if direction == "differs":
        shown = min(found.beyond(0), 1 - found.beyond(0))
        return Odds(shown, 1.0, max(found.beyond(margin), 1 - found.beyond(-margin)), 1.0)
    if direction == "not_above":
        return Odds(found.beyond(margin), 1 - found.beyond(margin), 1.0, 1.0)
    gain = found.toward(direction)
    return Odds(1 - gain.beyond(0), gain.beyond(0), gain.beyond(margin), 1 - gain.beyond(-margin))


def verdicts(parts: Sequence[Sequence[Odds]]) -> pd.DataFrame:
    """A row per claim, each with its parts: corrected p of an effect and of its being less than a margin; verdict.

    A claim is supported by all of its parts and refuted by any. Two families, each corrected over claims by Holm: that
    there is an effect (two-sided), and that a gain, or a loss, of a margin or more is excluded.
    """
    shown = [min(1.0, 2 * max(p.shown for p in claim)) for claim in parts]
    opposite = [min(1.0, 2 * len(claim) * min(p.opposite for p in claim)) for claim in parts]
    excluded = holm([min(1.0, len(claim) * min(p.excluded for p in claim)) for claim in parts])
    small = holm([min(1.0, max(p.small for p in claim)) for claim in parts])
    effect = holm([min(pair) for pair in zip(shown, opposite, strict=True)])
    result = []
    for i in range(len(parts)):
        gain = shown[i] <= opposite[i]
        clear, too_small = effect[i] < LEVEL, (excluded if gain else small)[i] < LEVEL
        if clear and not too_small:
            verdict = "supported" if gain else "opposite"
        else:
            verdict = "no relevant effect" if excluded[i] < LEVEL else "undecided"
        result.append({"effect": effect[i], "excluded": excluded[i], "verdict": verdict})
    return pd.DataFrame(result)


def heterogeneity(sets: Sequence[np.ndarray]) -> float:
    """p of Cochran's Q: whether the data sets (n_folds, n_seeds) have one effect. NaN for a single set."""
    if len(sets) < 2:
        return math.nan
    alone = [average([differences]) for differences in sets]
    weights = np.array([1 / one.se**2 for one in alone])
    effects = np.array([one.effect for one in alone])
    q = float((weights * (effects - np.average(effects, weights=weights)) ** 2).sum())
    return float(chdtrc(len(sets) - 1, q))


def power(
    sets: Sequence[np.ndarray], n_folds: int, n_seeds: int, *, margin: float, level: float = LEVEL, n: int = 1000
) -> float:
    """Chance to exclude a gain of a margin at `level`, one-sided, if there is no effect: by simulation of n campaigns.

    With so many folds and seeds in each data set, and the variances of these differences (n_folds, n_seeds).
    """
    rng, drawn = np.random.default_rng(0), []
    for differences in sets:
        spread, (folds, seeds) = Spread.of(differences), differences.shape
        of_fold = math.sqrt(max(spread.folds - spread.rest, 0.0) / seeds)
        of_seed = math.sqrt(max(spread.seeds - spread.rest, 0.0) / folds)
        both = rng.normal(0, of_fold, (n, n_folds, 1)) + rng.normal(0, of_seed, (n, 1, n_seeds))
        drawn.append(both + rng.normal(0, math.sqrt(spread.rest), (n, n_folds, n_seeds)))
    return float((average(drawn).beyond(margin) < level).mean())

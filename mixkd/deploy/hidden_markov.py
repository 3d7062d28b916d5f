"""A hidden Markov model of activities over windows: how labels follow one another, learnt from training labels.

A window's emission is the student's probability of each class, divided by the class's share in training (the scaled
likelihood of hybrid models, Bourlard & Morgan 1994), to the power `WEIGHT`: windows half a window apart contain each
sample twice. The smoothed label is the most probable class given all windows of the stretch (forward-backward).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WEIGHT = 0.5
PRIOR = 0.5  # a count that every row of transitions has in addition: what training never shows is rare, not impossible
LAG = 900  # windows that a label waits for, at most: by then the chain has forgotten where it started


@dataclass(frozen=True)
class Chain:
    """Shares of classes in training (n_classes,), and probabilities of the next class given this, (row, column)."""

    share: np.ndarray
    transition: np.ndarray

    @staticmethod
    def fit(sequences: Iterable[np.ndarray], n_classes: int) -> Chain:
        """From sequences of classes (n_windows,), one for each stretch, at the steps of `predict`."""
        counts, share = np.full((n_classes, n_classes), PRIOR / n_classes), np.full(n_classes, PRIOR / n_classes)
        for sequence in sequences:
            share += np.bincount(sequence, minlength=n_classes)
            np.add.at(counts, (sequence[:-1], sequence[1:]), 1)
        return Chain(share / share.sum(), counts / counts.sum(axis=1, keepdims=True))

    @staticmethod
    def of(plain: dict[str, Any]) -> Chain:
        """From its line in student.json."""
        return Chain(np.array(plain["share"]), np.array(plain["transition"]))

    @property
    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {"share": self.share.tolist(), "transition": self.transition.tolist()}

    def emissions(self, p: np.ndarray) -> np.ndarray:
        """Emissions (n, n_classes) of probabilities p (n, n_classes); equal where p is NaN: an unknown window."""
        scaled = np.where(np.isnan(p), self.share, np.maximum(p, 1e-6)) / self.share
        return scaled**WEIGHT


@dataclass
class Smoother:
    """Forward-backward over a stretch that arrives in blocks; posteriors leave `LAG` windows later."""

    chain: Chain
    lag: int = LAG
    forward: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))  # of windows that wait
    emission: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    last: np.ndarray | None = None  # forward probabilities of the window before the block

    def take(self, p: np.ndarray, closes: bool = False) -> np.ndarray:
        """Posteriors (n, n_classes) of the next windows that are ready, once p (n, n_classes) of others arrived."""
        emission = self.chain.emissions(p)
        forward = np.empty_like(emission)
        before = self.last
        for i, seen in enumerate(emission):
            here = (self.chain.share if before is None else before @ self.chain.transition) * seen
            before = forward[i] = here / here.sum()
        self.last = before
        self.emission = np.concatenate([self.emission.reshape(-1, emission.shape[1]), emission])
        self.forward = np.concatenate([self.forward.reshape(-1, emission.shape[1]), forward])
        n = len(self.forward) if closes else max(len(self.forward) - self.lag, 0)
        posterior, after = np.empty_like(self.forward), np.ones(emission.shape[1])
        for i in range(len(posterior) - 1, -1, -1):
            both = self.forward[i] * after
            posterior[i] = both / both.sum()
            after = self.chain.transition @ (self.emission[i] * after)
            after /= after.sum()
        self.forward, self.emission = self.forward[n:], self.emission[n:]
        if closes:
            self.last = None
        return posterior[:n]


def posteriors(chain: Chain, p: np.ndarray) -> np.ndarray:
    """Posteriors (n, n_classes) of the classes of all windows of a stretch, from probabilities p (n, n_classes)."""
    return Smoother(chain).take(p, closes=True)

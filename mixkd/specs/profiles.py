"""How much of a study is run: `smoke`, `quick` or `full`."""

from __future__ import annotations

from dataclasses import dataclass

from mixkd.specs.strict import Spec


@dataclass(frozen=True)
class Profile(Spec):
    """How much of a study is run. It chooses folds, seeds and sizes (`smoke` only), never a code path.

    folds: the first so many folds, None for all; n_seeds: repetitions, counted up from the notebook's seed.
    """

    name: str = "quick"
    folds: int | None = None
    n_seeds: int = 1
    epochs: int | None = None
    windows_per_class: int | None = None
    full: bool = False  # every run of a study; networks of depth 28 for the first seed


PROFILES = {
    p.name: p
    for p in (
        Profile("smoke", folds=2, epochs=3, windows_per_class=6),
        Profile("quick", folds=2),
        Profile("full", n_seeds=3, full=True),
    )
}

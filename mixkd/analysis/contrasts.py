"""Contrasts of claims and effects on the records of a data set: paired by subject, fold and seed.

Subjects of one fold are tested on the same networks, so together they are one unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from mixkd import studies
from mixkd.analysis.claims import Part, specs
from mixkd.analysis.measures import measure
from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.runs import sweep
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope
from mixkd.studies.catalogue import CAMPAIGNS, SECOND_ROUND

Lookup = Callable[[RunSpec], RunRecord | None]
Found = tuple[list[RunSpec], Lookup, bool]  # bases of a data set, how to find their runs, and whether it has all people


def required(lookup: Lookup, spec: RunSpec) -> RunRecord:
    """The record of a run that a comparison needs. Raises MixkdError where it is missing."""
    if (record := lookup(spec)) is None:
        raise MixkdError(
            f"claims: run {spec.name} ({spec.hash}) is missing; train it with `mixkd campaign {spec.dataset}`"
        )
    return record


def by_seed(part: Part, bases: Sequence[RunSpec], lookup: Lookup) -> pd.Series:
    """The part's contrast by fold, seed and held-out subject. `unpaired` subjects are left out.

    A metric measured on all subjects of a fold together has one row; a metric that is undefined (V-scores of classes
    without windows) has none. Raises MixkdError for a missing run.
    """

    rows, unpaired = [], {str(subject) for subject in dataset(bases[0].dataset).unpaired}
    for base in bases:
        plain = [required(lookup, other) for other in bases if other.fold == base.fold]
        confusion = np.sum([record.probes["validation_confusion"] for record in plain], axis=0)
        terms = [weight * measure(required(lookup, make(base)), part.metric, confusion) for weight, make in part.terms]
        differences = sum(terms[1:], terms[0])
        differences = differences[[not set(names.split("+")) <= unpaired for names in differences.index]]
        rows.append(pd.concat({(base.fold, base.seed): differences}, names=["fold", "seed", "subject"]))
    together = pd.concat(rows)
    if not np.isfinite(together).all():
        raise MixkdError(f"claims: {part.text}: found a {part.metric} that is not finite")
    return together


def over_seeds(differences: pd.Series) -> pd.Series:
    """A contrast by fold and held-out subject, seeds averaged, of `by_seed`."""
    return differences.groupby(level=["fold", "subject"], sort=False).mean()


def contrast(part: Part, bases: Sequence[RunSpec], lookup: Lookup) -> pd.Series:
    """The part's contrast by fold and held-out subject, seeds averaged; see `by_seed`."""
    return over_seeds(by_seed(part, bases, lookup))


def units(differences: pd.Series) -> np.ndarray:
    """A contrast by fold, (n,): subjects of a fold are tested on the same networks, so they are not independent."""
    return differences.groupby(level="fold", sort=False).mean().to_numpy()


def n_people(differences: pd.Series) -> int:
    """Number of distinct subjects in a contrast."""
    return sum(names.count("+") + 1 for names in differences.index.get_level_values("subject"))


def collect(scope: Scope, runs: Callable[[Sequence[RunSpec]], list[RunSpec]] = specs) -> Found:
    """Bases, lookup and whether all people are there.

    Trains what is missing, but not for `full`: a page that needs days of training names the first missing run instead.
    """
    bases = list(studies.bases(scope))
    if not scope.full:
        sweep.run(runs(bases))
    return bases, cache(studies.store_of(scope).find), scope.full


def campaigns(scope: Scope) -> list[Scope]:
    """A scope and, of `full`, the same on the other data sets whose campaigns are published."""
    others = CAMPAIGNS if scope.full else ()
    return [replace(scope, dataset=name) for name in dict.fromkeys([scope.dataset, *others])]


def everywhere(scope: Scope, runs: Callable[[Sequence[RunSpec]], list[RunSpec]] = specs) -> list[Found]:
    """`collect` of each of the `campaigns`."""
    return [collect(one, runs) for one in campaigns(scope)]


def of_claims(scope: Scope) -> list[Found]:
    """What decides the twelve claims: `everywhere` and, of `full`, whole seeds of the second round's data sets."""
    others = [name for name in SECOND_ROUND if scope.full and name != scope.dataset]
    return everywhere(scope) + [one for name in others for one in whole_seeds(replace(scope, dataset=name))]


def whole_seeds(scope: Scope, runs: Callable[[Sequence[RunSpec]], list[RunSpec]] = specs) -> list[Found]:
    """A data set with those seeds alone of which all runs are published: one item, or none without such a seed."""
    lookup, of_seed = cache(studies.store_of(scope).find), defaultdict(list)
    for base in studies.bases(scope):
        of_seed[base.seed].append(base)
    whole = [base for own in of_seed.values() if all(map(lookup, runs(own))) for base in own]
    return [(sorted(whole, key=lambda base: base.fold), lookup, True)] if whole else []

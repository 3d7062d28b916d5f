"""What each way to a classifier reaches, costs and needs, on every data set: students, teachers, ensembles, baselines.

`python -m benchmarks.standings` publishes the table, since recordings of other data sets are not in the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import softmax

from mixkd.analysis import baselines
from mixkd.analysis.claims import MIX, Make, scratch, student
from mixkd.analysis.contrasts import Lookup, required
from mixkd.files import CHECKOUT
from mixkd.learning import calibration, metrics
from mixkd.learning.fold_data import FoldData
from mixkd.specs.run import RunSpec
from mixkd.studies import tables
from mixkd.studies.designs import TWO_SIGNAL

PUBLISHED = CHECKOUT / "results" / "standings.csv"
Kind = Literal["student", "teacher", "ensemble", "baseline"]


@dataclass(frozen=True)
class Way:
    """A row of the table. An ensemble averages the probabilities of the networks of all its runs."""

    kind: Kind
    name: str
    makes: tuple[Make, ...]


def teachers(make: Make, index: int = 0) -> Make:
    """The run that trains a teacher of a student."""
    return lambda base: make(base).teacher_runs[index]


SIGNAL, IMAGE = teachers(student("signal")), teachers(student("image"))
WAYS = (
    Way("student", "labels", (scratch(),)),
    Way("student", "labels, mixup", (scratch(mixup=MIX),)),
    Way("student", "labels, twice as long", (scratch(init="scratch"),)),
    Way("student", "signal teacher", (student("signal"),)),
    Way("student", "image teacher", (student("image"),)),
    Way("student", "both teachers", (student("both"),)),
    Way("student", "both teachers, mixup", (student("both", mixup=MIX),)),
    Way("teacher", "signal network", (SIGNAL,)),
    Way("teacher", "image network", (IMAGE,)),
    Way("ensemble", "signal and image network", (SIGNAL, IMAGE)),
    Way("ensemble", "two signal networks", (SIGNAL, teachers(student("signal", teachers=TWO_SIGNAL), 1))),
)
Answers = dict[tuple[int, int], np.ndarray]  # by fold and seed, (n_windows, n_classes)


def seeds(bases: Sequence[RunSpec], lookup: Lookup, way: Way) -> list[int]:
    """The seeds of which every run of a way is there."""
    of = {base.seed for base in bases}
    missing = {base.seed for base in bases if not all(lookup(make(base)) for make in way.makes)}
    return sorted(of - missing)


def answers(way: Way, bases: Sequence[RunSpec], lookup: Lookup) -> Answers:
    """Logits on test windows, of an ensemble the logarithm of its mean probability; of whole seeds alone."""
    whole, result = seeds(bases, lookup, way), Answers()
    for base in (base for base in bases if base.seed in whole):
        every = [required(lookup, make(base)).arrays["test_logits"].astype(float) for make in way.makes]
        mean = np.mean([softmax(z, axis=1) for z in every], axis=0)
        result[base.fold, base.seed] = every[0] if len(every) == 1 else np.log(mean)
    return result


def scaled(logits: Answers, y: dict[int, np.ndarray]) -> dict[tuple[int, int], float]:
    """NLL with outputs divided by one temperature, by fold and seed; y: labels (n_windows,) by fold.

    It is fitted on the other folds of the seed, each answered by the network that did not train on them: published
    runs of before 29 November 2026 have no validation logits.
    """
    result = {}
    for fold, seed in logits:
        others = [other for other, again in logits if again == seed and other != fold]
        z = np.concatenate([logits[other, seed] for other in others])
        temperature = calibration.temperature(z, np.concatenate([y[other] for other in others]))
        result[fold, seed] = metrics.summary(logits[fold, seed] / temperature, y[fold])["nll"]
    return result


def of_networks(bases: Sequence[RunSpec], lookup: Lookup, data: dict[int, FoldData]) -> pd.DataFrame:
    """A row per way, fold and seed that is there: kind, way, fold, seed, accuracy, nll, scaled_nll.

    Raises MixkdError where the recordings here are of other people than the runs'.
    """
    rows = []
    for way in WAYS:
        there = {base.fold: record for base in bases if (record := lookup(way.makes[0](base)))}  # of any seed
        y = {fold: tables.labels(record, data) for fold, record in there.items()}
        logits = answers(way, bases, lookup)
        after = scaled(logits, y)
        for (fold, seed), z in logits.items():
            scores = metrics.summary(z, y[fold])
            one = {"accuracy": scores["accuracy"], "nll": scores["nll"], "scaled_nll": after[fold, seed]}
            rows.append({"kind": way.kind, "way": way.name, "fold": fold, "seed": seed} | one)
    return pd.DataFrame(rows)


def of_baselines(dataset: str) -> pd.DataFrame:
    """The same rows of the published baselines; their temperature is fitted on the validation people."""
    rows = pd.read_csv(baselines.PUBLISHED, dtype={"subject": str})
    rows = rows[rows["dataset"] == dataset].rename(columns={"baseline": "way"}).assign(kind="baseline")
    return rows[["kind", "way", "fold", "seed", "accuracy", "nll", "scaled_nll"]]


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """By kind and way: mean accuracy (per cent) and its sd over folds, mean NLLs (nats), numbers of folds and seeds."""
    by_fold = rows.groupby(["kind", "way", "fold"], sort=False)[["accuracy", "nll", "scaled_nll"]].mean()
    groups = by_fold.groupby(level=["kind", "way"], sort=False)
    result = groups.mean()
    result.insert(1, "sd", 100 * groups["accuracy"].std())
    result["accuracy"] *= 100
    counts = rows.groupby(["kind", "way"], sort=False)[["fold", "seed"]].nunique()
    return result.join(counts.rename(columns={"fold": "folds", "seed": "seeds"}))


def published() -> pd.DataFrame:
    """The published table: index kind and way, columns data set over measure."""
    rows = pd.read_csv(PUBLISHED)
    wide = rows.pivot(index=["kind", "way"], columns="dataset").swaplevel(axis=1)
    order = pd.MultiIndex.from_frame(rows[["kind", "way"]].drop_duplicates())
    return wide.loc[order, list(pd.unique(rows["dataset"]))]

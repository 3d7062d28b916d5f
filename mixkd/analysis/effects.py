"""Effects of changing one setting, on each data set of the campaign: with intervals, without verdicts.

Paired by held-out subject with seeds averaged, folds as units, as for the claims, but neither corrected for multiple
tests nor declared before the runs: a supplement to the claims, no further claims.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mixkd.analysis.claims import BY, MIX, Make, Part, minus, scratch, student
from mixkd.analysis.contrasts import Lookup, contrast, n_people, units
from mixkd.analysis.inference import bounds, interval
from mixkd.analysis.measures import MEASURES
from mixkd.specs.run import TEMPERATURE, Mixup, RunSpec
from mixkd.studies.designs import FEW_SHARES, FEW_TEMPERATURES, SHARES, TEMPERATURES
from mixkd.studies.tables import case

SHOWN = ("accuracy", "nll")
LONGER = "scratch 2x against scratch"
TOO_FEW = "too few people for an interval"
HEADS = {  # of effects in words
    "accuracy": "accuracy, points",
    "nll": "NLL, nats",
    "ece": "ECE, points",
    "v_similar": "V-score of similar classes",
}


@dataclass(frozen=True)
class Effect:
    """A changed setting and its baseline `plain`. `full_only`: not in profiles of few people."""

    study: str
    what: str
    changed: Make
    plain: Make
    full_only: bool = False
    metrics: tuple[str, ...] = SHOWN


EFFECTS = (
    Effect("mixup", "no teacher: Mix-S", scratch(mixup=MIX), scratch()),
    *(
        Effect("mixup", f"{by}: {case(True, *mixed)}", student(by, mixed[0], mixup=mixed[1]), student(by))
        for by in BY
        for mixed in ((MIX, None), (None, MIX), (MIX, MIX))  # in the teacher's training, in the distillation
    ),
    *(
        Effect(
            "share",
            f"{100 * share:g} % of each batch mixed",
            student("both", mixup=Mixup(share=share)),
            student("both"),
            full_only=share not in FEW_SHARES,
        )
        for share in SHARES[1:]
    ),
    *(
        Effect(
            "temperature",
            f"{'mixup-trained' if mixup else 'plain'} teacher, temperature {t:g}",
            student("signal", mixup, temperature=t),
            student("signal", mixup),
            full_only=t not in FEW_TEMPERATURES,
        )
        for mixup in (None, MIX)
        for t in TEMPERATURES
        if t != TEMPERATURE
    ),
    *(Effect("teachers", f"{by} against scratch", student(by), scratch()) for by in BY),
    Effect("teachers", LONGER, scratch(init="scratch"), scratch()),
    Effect("teachers", "Base 2x against scratch 2x", student("both", init="base"), scratch(init="scratch")),
    Effect("teachers", "Ann against Base 2x", student("both", init="scratch"), student("both", init="base")),
)


def shown(final: bool, of: Sequence[Effect] = EFFECTS) -> list[Effect]:
    """All effects if `final`, else those of profiles of few people."""
    return [effect for effect in of if final or not effect.full_only]


def specs(bases: Iterable[RunSpec], final: bool = False, of: Sequence[Effect] = EFFECTS) -> list[RunSpec]:
    """The runs that the effects compare, each once."""
    runs = [make(base) for base in bases for effect in shown(final, of) for make in (effect.changed, effect.plain)]
    return list(dict.fromkeys(runs))


def table(bases: Sequence[RunSpec], lookup: Lookup, final: bool = True, of: Sequence[Effect] = EFFECTS) -> pd.DataFrame:
    """A row per effect and metric: study, what, metric, dataset and `summary`; intervals if `final`."""
    return pd.DataFrame(
        {"study": e.study, "what": e.what, "metric": metric, "dataset": bases[0].dataset}
        | summary(difference(e.changed, e.plain, metric, bases=bases, lookup=lookup), final)
        for e in shown(final, of)
        for metric in e.metrics
    )


def difference(changed: Make, plain: Make, metric: str, *, bases: Sequence[RunSpec], lookup: Lookup) -> pd.Series:
    """`changed` minus `plain` by fold and held-out subject, seeds averaged."""
    return contrast(Part("effect", minus(changed, plain), "differs", metric), bases, lookup)


def summary(differences: pd.Series, final: bool = True) -> dict[str, float]:
    """Mean of differences over units, its 95 % interval if `final`, number n of units and of people."""
    by_unit = units(differences)
    low, high = interval(by_unit) if final else (math.nan, math.nan)
    about = {"n": len(by_unit), "people": n_people(differences)}
    return {"effect": float(by_unit.mean()), "low": low, "high": high, **about}


def in_points(row: pd.Series) -> str:
    """An effect on accuracy in words, with its interval where there is one, of `summary`."""
    return f"{100 * row['effect']:+.1f} points {bounds(100 * row['low'], 100 * row['high'])}".rstrip()


def together(names: Sequence[str]) -> str:
    """Names as part of a sentence: `a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def in_words(table: pd.DataFrame, by: Sequence[str] = ("what", "dataset")) -> pd.DataFrame:
    """Effects for reading: a row per group of `by`, a column per metric with the effect and, where there is one, its
    interval, in the metric's unit: `-0.5 [-1.4, +0.4]`."""
    return (
        table.assign(
            metric=table["metric"].map(HEADS),
            effect=[_words(row) for row in table.to_dict("records")],
        )
        .pivot_table(index=[*by], columns="metric", values="effect", aggfunc="first", sort=False)
        .rename_axis(columns=None)
    )


def _words(row: dict) -> str:
    measure = MEASURES[row["metric"]]
    effect, low, high = (measure.scale * row[name] for name in ("effect", "low", "high"))
    return f"{effect:+z.{measure.digits}f} {bounds(low, high, measure.digits)}".rstrip()


def agreement(table: pd.DataFrame) -> dict[str, int]:
    """Number of effects on one metric that agree in sign over data sets.

    same: same sign on all data sets; clear: also all intervals exclude zero; opposite: intervals that exclude zero on
    both sides.
    """
    side, low, high = (table.pivot(index="what", columns="dataset", values=c) for c in ("effect", "low", "high"))
    up, down = low > 0, high < 0
    return {
        "same": int(((side > 0).all(axis=1) | (side < 0).all(axis=1)).sum()),
        "clear": int((up.all(axis=1) | down.all(axis=1)).sum()),
        "opposite": int((up.any(axis=1) & down.any(axis=1)).sum()),
    }

"""Effects of the systems of the line of work, each against its natural control, and sentences that state them.

Both sides of a row have the same people, folds, seeds and number of gradient steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby

import pandas as pd

from mixkd.analysis import effects
from mixkd.analysis.claims import MIX, scratch, student
from mixkd.analysis.contrasts import Lookup, campaigns
from mixkd.analysis.effects import Effect
from mixkd.analysis.inference import bounds
from mixkd.analysis.measures import MEASURES
from mixkd.runs import sweep
from mixkd.specs.run import TEMPERATURE, RunSpec, TeacherSpec
from mixkd.studies import bases as every_base
from mixkd.studies import store_of
from mixkd.studies.catalogue import bases_of
from mixkd.studies.line import KINDS, SPHERES, SWAP_OPTIONS
from mixkd.studies.scope import Scope

swap = partial(scratch, method="patch_swap", temperature=TEMPERATURE)
SWAP, KD = swap(), student("signal")
PATCH_SWAP = (
    Effect("patch_swap", "patch swap", SWAP, scratch()),
    Effect("patch_swap", "mixup", scratch(mixup=MIX), scratch()),
    Effect("patch_swap", "label smoothing", scratch(method="label_smoothing"), scratch()),
    Effect("patch_swap", "patch swap on top of mixup", swap(mixup=MIX), scratch(mixup=MIX)),
    Effect("patch_swap", "patch swap on top of KD", student("signal", method="patch_swap"), KD),
    *(
        Effect("patch_swap", f"option: {name}", swap(constants=(option,)), SWAP, full_only=True)
        for name, option in SWAP_OPTIONS.items()
    ),
)
FEATURES = ("accuracy", "nll", "ece", "v_similar")
NAMES = {"accuracy": "accuracy", "nll": "NLL"}  # of the metrics that `side` judges
SPHERE = (
    Effect("spheres", "term beside labels alone", scratch(orthogonality=SPHERES), scratch(), metrics=FEATURES),
    Effect(
        "spheres",
        "term on top of mixup",
        scratch(orthogonality=SPHERES, mixup=MIX),
        scratch(mixup=MIX),
        metrics=FEATURES,
    ),
    Effect(
        "spheres",
        "term on top of KD",
        student("signal", orthogonality=SPHERES),
        student("signal"),
        full_only=True,
        metrics=FEATURES,
    ),
    Effect("spheres", "mixup itself", scratch(mixup=MIX), scratch(), metrics=FEATURES),
)
AUGMENTATION = (
    Effect("augmentation", "Mixup, no teacher", scratch(mixup=MIX), scratch()),
    Effect("augmentation", "Mix1, no teacher", scratch(augment="mix1"), scratch()),
    Effect("augmentation", "Mixup, student of a plain teacher", student("signal", mixup=MIX), KD),
    *(
        Effect("augmentation", f"{kind.capitalize()}, {whom}", changed, KD, full_only=kind != "mix1")
        for kind in sorted(KINDS, key=lambda kind: kind != "mix1")
        for whom, changed in (
            ("student of a plain teacher", student("signal", augment=kind)),
            ("student and teacher", student("signal", augment=kind, teachers=(TeacherSpec(augment=kind),))),
        )
    ),
    Effect(
        "augmentation",
        "Noise for the student, shifting for the teacher",
        student("signal", augment="noise", teachers=(TeacherSpec(augment="shifting"),)),
        KD,
        full_only=True,
    ),
    Effect(
        "augmentation",
        "Early stopped teacher (ESKD)",
        student("signal", teachers=(TeacherSpec(stopping="best_validation"),)),
        KD,
        full_only=True,
    ),
)


@dataclass(frozen=True)
class Portion:
    """Effects of one study on one data set: bases, how to find their runs, and whether these are of all people."""

    dataset: str
    effects: tuple[Effect, ...]
    bases: list[RunSpec]
    lookup: Lookup
    whole: bool


def portions(scope: Scope, of: Sequence[Effect]) -> Iterator[Portion]:
    """What a scope shows of some effects, with all runs of it: trained where missing, but not for `full`.

    `full`: on each data set of the campaign the effects whose runs of all people are there, of all seeds or of the
    first alone; others as `quick` has them.
    """
    lookup = cache(store_of(scope).find)
    for one in campaigns(scope):
        everyone = list(every_base(one)) if scope.full else []
        for study, own in groupby(of, lambda effect: effect.study):
            rest = list(own)
            for people in (everyone, first(everyone)):
                there = [effect for effect in rest if people and all_there(effect, people, lookup)]
                if there:
                    yield Portion(one.dataset, tuple(there), people, lookup, True)
                    rest = [effect for effect in rest if effect not in there]
            chosen = effects.shown(False, tuple(rest))
            if chosen and one.dataset == scope.dataset:
                few = first(bases_of(study, one))
                if not scope.full:
                    sweep.run(effects.specs(few, False, chosen))
                yield Portion(one.dataset, tuple(chosen), few, lookup, False)


def all_there(effect: Effect, bases: Sequence[RunSpec], lookup: Lookup) -> bool:
    """Whether both sides of an effect can be found for every base."""
    return all(lookup(make(base)) for base in bases for make in (effect.changed, effect.plain))


def table(scope: Scope, of: Sequence[Effect]) -> pd.DataFrame:
    """`effects.table` of effects, in their order, on each data set that a scope shows; intervals where one is whole.

    seeds: number of seeds that a row averages
    """
    parts = [
        effects.table(p.bases, p.lookup, p.whole, p.effects).assign(seeds=len({base.seed for base in p.bases}))
        for p in portions(scope, of)
    ]
    place = {effect.what: i for i, effect in enumerate(of)}
    rows = pd.concat(parts, ignore_index=True)
    return rows.sort_values("what", key=lambda what: what.map(place), kind="stable", ignore_index=True)


def first(bases: Sequence[RunSpec]) -> list[RunSpec]:
    """The bases of the first seed."""
    return [base for base in bases if base.seed == min(base.seed for base in bases)]


def sentence(rows: pd.DataFrame) -> str:
    """An effect on one metric, a row per data set, as the end of a sentence: side and size with interval on each."""
    metric = MEASURES[rows["metric"].iloc[0]]
    digits = metric.digits
    clauses = []
    for row in rows.itertuples():
        value, low, high = (metric.scale * number for number in (row.effect, row.low, row.high))
        known = bounds(low, high, digits)
        size, without = f"{value:+z.{digits}f} {known}".rstrip(), "" if known else "no interval, "
        clauses.append(f"{size} on {row.dataset} ({without}n = {row.n})")
    return "; ".join(clauses)


def side(rows: pd.DataFrame) -> str:
    """Which of accuracy and NLL an effect changes clearly, and where, of rows per data set and metric, in words."""
    if rows["low"].isna().all():
        return f"is open: {effects.TOO_FEW}"
    shown = rows[rows["metric"].isin(NAMES)]
    clear = {"raised": shown["low"] > 0, "lowered": shown["high"] < 0}
    clauses = [
        f"clearly {verb} {name} on {effects.together(list(shown.loc[own, 'dataset']))}"
        for metric, name in NAMES.items()
        for verb, mask in clear.items()
        if (own := mask & (shown["metric"] == metric)).any()
    ]
    if clauses:
        return effects.together(clauses) + (
            "" if (clear["raised"] | clear["lowered"]).all() else ", with no other clear effect on accuracy or NLL"
        )
    names = " or ".join(NAMES[metric] for metric in shown["metric"].unique())
    return f"showed no clear effect on {names}{' on any data set' if shown['dataset'].nunique() > 1 else ''}"


def scattering(of: pd.DataFrame) -> str:
    """Whether the term undoes what mixup does to the V-score of similar classes, of `table` of SPHERE, in words."""
    rows = of[of["metric"] == "v_similar"]
    mixup, term = (rows[rows["what"].str.startswith(what)] for what in ("mixup itself", "term on top of mixup"))
    if rows["low"].isna().all():
        return f"Open: {effects.TOO_FEW}."
    lowered = list(mixup.loc[mixup["high"] < 0, "dataset"])
    if not lowered:
        return "There is nothing to undo: mixup did not clearly lower the V-score of similar classes."
    undone = [name for name in term.loc[term["low"] > 0, "dataset"] if name in lowered]
    if not undone:
        return (
            f"No: mixup clearly lowered the V-score on {effects.together(lowered)}, the term did not clearly raise it."
        )
    return f"Yes, on {effects.together(undone)}: mixup clearly lowered the V-score, and the term clearly raised it."


def answers(of: pd.DataFrame) -> dict[str, str]:
    """`side` and `sentence` of each effect by name: `patch_swap_on_top_of_mixup_side`, `..._accuracy`, `..._nll`."""
    values = {}
    for what, rows in of.groupby("what", sort=False):
        name = re.sub(r"\W+", "_", str(what)).strip("_").lower()
        by_metric = dict(tuple(rows.groupby("metric")))
        values[f"{name}_side"] = side(rows)
        values |= {f"{name}_{metric}": sentence(part) for metric, part in by_metric.items()}
    return values

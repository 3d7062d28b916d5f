"""What follows for somebody who trains a small network for a wearable: rules as data, and their effects on records.

Each rule names the contrast behind it. All were written after the results on watch and selfback had been seen; some
rest on a claim that was declared before, and then say which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd
from scipy.special import stdtr, stdtrit

from mixkd import studies
from mixkd.analysis import effects
from mixkd.analysis.claims import BY, LARGER, MIX, Part, Terms, minus, scratch, student
from mixkd.analysis.contrasts import Lookup, campaigns, contrast, required
from mixkd.analysis.inference import LEVEL, holm
from mixkd.analysis.line import first
from mixkd.analysis.measures import MEASURES
from mixkd.analysis.stronger import TREES
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope

OPTIMISM = "best test epoch"  # a choice of epochs, no contrast of runs


@dataclass(frozen=True)
class Rule:
    """An instruction, its reason, the contrast that shows it, and where. `claim`: one that it rests on, or none."""

    name: str
    text: str
    why: str
    contrast: str
    terms: Terms
    metrics: tuple[str, ...]
    command: str
    chapter: str
    claim: str = ""


RULES = (
    Rule(
        "mixup-teacher",
        "Train the image teacher with mixup if you need probabilities",
        "The question is not accuracy but whether a probability can be believed.",
        "student of an image teacher with mixup minus student of one without",
        minus(student("image", MIX), student("image")),
        ("nll", "ece", "accuracy"),
        "mixkd notebook 05_mixup",
        "05_mixup",
    ),
    Rule(
        "longer",
        "Train longer before you look for a teacher",
        "Twice the epochs from labels alone cost less than training a teacher; compare a teacher with that.",
        "labels, 2x epochs, minus labels",
        minus(scratch(init="scratch"), scratch()),
        ("accuracy", "nll"),
        "mixkd notebook 04_distillation",
        "04_distillation",
    ),
    Rule(
        "then-teachers",
        "Then add two teachers",
        "Both sides of this comparison train for as many epochs.",
        "both teachers, 2x epochs, minus labels, 2x epochs",
        minus(student("both", init="base"), scratch(init="scratch")),
        ("nll", "accuracy"),
        "mixkd notebook 04_distillation",
        "04_distillation",
    ),
    Rule(
        "no-mixup-in-distillation",
        "Do not add mixup to the distillation to gain accuracy",
        "The claim most often made for mixup is a gain in accuracy.",
        "mixup in the distillation minus none, mean over signal, image and both teachers",
        sum((minus(student(by, mixup=MIX), student(by), 1 / 3) for by in BY), ()),
        ("accuracy",),
        "mixkd claim H1",
        "05_mixup",
        "H1",
    ),
    Rule(
        "no-larger-teacher",
        "Do not train a larger teacher",
        "This teacher is three times as wide as its student.",
        "student of a WRN16-3 teacher minus student of a WRN16-1 teacher",
        minus(LARGER, student("signal")),
        ("accuracy",),
        "mixkd claim H10",
        "04_distillation",
        "H10",
    ),
    Rule(
        "no-image-teacher-alone",
        "Do not use an image teacher alone",
        "Persistence images cost computation when the teacher is trained.",
        "student of an image teacher minus labels",
        minus(student("image"), scratch()),
        ("accuracy", "nll"),
        "mixkd notebook 04_distillation",
        "04_distillation",
    ),
    Rule(
        "attacks",
        "Do not add mixup for the student to that for the teacher if inputs may be manipulated",
        "Mixup for both was claimed to be less sensitive.",
        "mixup for both minus mixup for the teacher alone, both teachers; accuracy under FGSM",
        minus(student("both", MIX, mixup=MIX), student("both", MIX)),
        ("fgsm_2",),
        "mixkd claim H5",
        "09_robustness",
        "H5",
    ),
    Rule(
        "gaps-or-noise",
        "Choose mixup by the faults that you expect: gaps or noise",
        "What mixup does to windows with gaps need not be what it does to noisy ones.",
        "labels with mixup minus labels; accuracy with 30 % missing, and under noise",
        minus(scratch(mixup=MIX), scratch()),
        ("missing_3", "gaussian_3"),
        "mixkd notebook 09_robustness",
        "09_robustness",
    ),
    Rule(
        "trees",
        "Try trees as teachers: they train in seconds",
        "Extra trees on simple statistics are a teacher that no network has to be trained for.",
        "student taught by trees minus labels",
        minus(TREES, scratch()),
        ("accuracy", "nll"),
        "mixkd notebook 28_stronger_teachers",
        "28_stronger_teachers",
    ),
    Rule(
        "best-epoch",
        "Never report the epoch that is best on the test people",
        "The network is the same; only the test labels tell which epoch to choose.",
        "signal teacher at its best test epoch minus the same network at its last",
        ((1.0, scratch(role="teacher")),),
        (OPTIMISM,),
        "mixkd notebook 03_teachers",
        "03_teachers",
    ),
)
UNITS = {OPTIMISM: "points of accuracy", "missing_3": "points, 30 % missing", "gaussian_3": "points, noise"}
UNITS |= {"fgsm_2": "points, under attack"}


def unit(metric: str) -> str:
    """What an effect of a rule is counted in."""
    return UNITS.get(metric, MEASURES[metric].unit if metric in MEASURES else "points of accuracy")


def scaled(row: pd.Series, column: str) -> float:
    """A number of a row in its unit."""
    return row[column] * (100 if row["metric"] == OPTIMISM else MEASURES[row["metric"]].scale)


def optimism(rule: Rule, bases: Sequence[RunSpec], lookup: Lookup) -> pd.Series:
    """Accuracy at the best test epoch minus that at the last, by fold and subjects, seeds averaged."""
    rows = {}
    for base in bases:
        record = required(lookup, rule.terms[0][1](base))
        gain = record.metrics("best_test")["accuracy"] - record.metrics()["accuracy"]
        rows[base.fold, "+".join(record.probes["subjects"]), base.seed] = gain
    return (
        pd.Series(rows).rename_axis(["fold", "subject", "seed"]).groupby(level=["fold", "subject"], sort=False).mean()
    )


def table(scope: Scope, rules: Sequence[Rule] = RULES) -> pd.DataFrame:
    """A row per rule, data set and metric: rule, dataset, metric, seeds, `effects.summary`, and p corrected by Holm.

    With runs of all seeds, or of the first where only these are there; data sets without the runs have no row.
    """
    lookup, rows = cache(studies.store_of(scope).find), []
    for one in campaigns(scope):
        everyone = list(studies.bases(one))
        for rule in rules:
            bases = next((chosen for chosen in (everyone, first(everyone)) if _there(rule, chosen, lookup)), [])
            for metric in rule.metrics if bases else ():
                if metric == OPTIMISM:
                    differences = optimism(rule, bases, lookup)
                else:
                    differences = contrast(Part(rule.name, rule.terms, "differs", metric), bases, lookup)
                seeds = len({base.seed for base in bases})
                about = {"rule": rule.name, "dataset": one.dataset, "metric": metric, "seeds": seeds}
                rows.append(about | effects.summary(differences))
    result = pd.DataFrame(rows)
    return result.assign(corrected=holm([_p(row.effect, row.low, row.high, row.n) for row in result.itertuples()]))


def _p(effect: float, low: float, high: float, n: int) -> float:
    """Two-sided p of a mean over n units, of its 95 % t interval; NaN counts as 1."""
    half = (high - low) / 2
    t = abs(effect) / half * stdtrit(n - 1, 1 - LEVEL / 2) if half > 0 else math.inf if half == 0 else 0.0
    return float(2 * (1 - stdtr(n - 1, t)))


def clear(rows: pd.DataFrame) -> str:
    """Effects on one metric, a row per data set, as the end of a sentence: where they are clear, by their intervals."""
    up, down = (list(rows.loc[mask, "dataset"]) for mask in (rows["low"] > 0, rows["high"] < 0))
    clauses = [f"{verb} on {effects.together(names)}" for verb, names in (("up", up), ("down", down)) if names]
    rest = [name for name in rows["dataset"] if name not in (*up, *down)]
    return ", ".join([*clauses, *([f"no clear change on {effects.together(rest)}"] if rest else [])])


def _there(rule: Rule, bases: Sequence[RunSpec], lookup: Lookup) -> bool:
    return all(lookup(make(base)) for base in bases for _, make in rule.terms)

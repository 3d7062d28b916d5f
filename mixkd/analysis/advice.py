"""What follows for somebody who trains a small network for a wearable: rules as data, and their effects on records.

Each rule names the contrast behind it. All were written after the results on watch and selfback had been seen; some
rest on a claim that was declared before, and then say which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mixkd.analysis import effects, pooled
from mixkd.analysis.claims import BY, LARGER, MIX, Part, Terms, minus, scratch, student
from mixkd.analysis.contrasts import Lookup, by_seed, over_seeds, required, whole_seeds
from mixkd.analysis.decisions import cells
from mixkd.analysis.inference import holm
from mixkd.analysis.measures import MEASURES
from mixkd.analysis.stronger import TREES
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope
from mixkd.studies.catalogue import CAMPAIGNS, SECOND_ROUND

OPTIMISM = "best test epoch"  # a choice of epochs, no contrast of runs
AVERAGE = "average"  # over the data sets


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
        "Test mixup under the faults that you expect, gaps or noise",
        "What mixup does to windows with gaps, and to noisy ones, is not the same on every data set.",
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
    """Accuracy at the best test epoch minus that at the last, by fold, seed and subjects."""
    rows = {}
    for base in bases:
        record = required(lookup, rule.terms[0][1](base))
        gain = record.metrics("best_test")["accuracy"] - record.metrics()["accuracy"]
        rows[base.fold, base.seed, "+".join(record.probes["subjects"])] = gain
    return pd.Series(rows).rename_axis(["fold", "seed", "subject"])


def table(scope: Scope, rules: Sequence[Rule] = RULES) -> pd.DataFrame:
    """Effects of rules, a row per rule, metric and data set, and one of their average, in which all weigh the same.

    Columns: rule, dataset, metric, seeds, those of `effects.summary`, and p of the averages corrected by Holm. Of each
    data set the seeds with all runs of the rule; one without any has no row.
    """
    rows, sets = [], dict.fromkeys([scope.dataset, *CAMPAIGNS, *SECOND_ROUND])
    for rule in rules:
        runs = lambda bases, rule=rule: [make(base) for base in bases for _, make in rule.terms]  # noqa: E731
        data_sets = [one for name in sets for one in whole_seeds(replace(scope, dataset=name), runs)]
        for metric in rule.metrics if data_sets else ():
            own, every = [], []
            for bases, lookup, _ in data_sets:
                part = Part(rule.name, rule.terms, "differs", metric)
                of_metric = partial(optimism, rule) if metric == OPTIMISM else partial(by_seed, part)
                differences = of_metric(bases, lookup)
                every.append(cells(differences))
                about = {"rule": rule.name, "dataset": bases[0].dataset, "metric": metric, "seeds": every[-1].shape[1]}
                own.append(about | effects.summary(over_seeds(differences)))
            rows += [*own, _on_average(own, every)]
    result, is_average = pd.DataFrame(rows), [row["dataset"] == AVERAGE for row in rows]
    result.loc[is_average, "corrected"] = holm(result.loc[is_average, "p"])
    return result.drop(columns="p")


def _on_average(rows: Sequence[dict[str, Any]], differences: Sequence[np.ndarray]) -> dict[str, Any]:
    average = pooled.average(differences)
    low, high = average.interval
    about = {"dataset": AVERAGE, "effect": average.effect, "low": low, "high": high}
    about |= {name: sum(row[name] for row in rows) for name in ("n", "people")}
    return rows[0] | about | {"p": 2 * min(average.beyond(0.0), 1 - average.beyond(0.0))}


def clear(rows: pd.DataFrame) -> str:
    """Effects on one metric, a row per data set, as the end of a sentence: where they are clear, by their intervals."""
    up, down = (list(rows.loc[mask, "dataset"]) for mask in (rows["low"] > 0, rows["high"] < 0))
    clauses = [f"{verb} on {effects.together(names)}" for verb, names in (("up", up), ("down", down)) if names]
    rest = [name for name in rows["dataset"] if name not in (*up, *down)]
    return ", ".join([*clauses, *([f"no clear change on {effects.together(rest)}"] if rest else [])])

"""Systems that predict forces: errors per held-out person, paired effects on RMSE, predictions of one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mixkd import studies
from mixkd.analysis.effects import TOO_FEW, summary, together
from mixkd.datasets import dataset
from mixkd.learning.fold_data import fold_data
from mixkd.runs.store import RunRecord, same_people
from mixkd.specs.run import PLAIN, RunSpec
from mixkd.studies import Scope, catalogue, inventory, tables
from mixkd.studies.line import force_systems
from mixkd.studies.scope import DEFAULT_ALPHA

METRICS = ("rmse", "nrmse", "pearson_r")
CONTROL = "labels"
UNITS = {"gait": "body weights", "gaitpdb": "N", "running": "body weights"}
PEOPLE = {"running": "conditions of one runner"}  # what a subject is, where it is no person
COUNTS = {2: "both", 3: "all three"}
QUESTIONS = {  # a difference of two systems that have one thing apart
    "time-aware, against labels": ("time-aware", CONTROL),
    "order alone, labels": ("labels, in time", CONTROL),
    "order alone, outputs and features": ("features, in time", "features"),
    "changes in time, the term": ("time-aware", "features, in time"),
    "similarities, the term": ("features", "outputs"),
    "outputs, the term": ("outputs", CONTROL),
}


def rows(records: Sequence[RunRecord], alpha: float = DEFAULT_ALPHA) -> pd.DataFrame:
    """A row per run and held-out person: dataset, fold, seed, subject, system, and METRICS on that person's windows.

    Runs that are no system of the study, such as teachers, are left out.
    """
    table = []
    for record in records:
        spec = record.spec
        about = {"dataset": spec.dataset, "fold": spec.fold, "seed": spec.seed, "system": system_of(spec, alpha)}
        for subject, scores in record.probes["subjects"].items() if about["system"] else ():
            table.append({**about, "subject": subject, **{metric: scores[metric] for metric in METRICS}})
    return pd.DataFrame(table, columns=["dataset", "fold", "seed", "system", "subject", *METRICS])


def system_of(spec: RunSpec, alpha: float) -> str:
    """The name of a run in `force_systems`, or an empty string."""
    if spec.role != "student":
        return ""
    base = replace(spec, mixup=None, **PLAIN)
    return next((name for name, run in force_systems(base, alpha).items() if run == spec), "")


def everywhere(scope: Scope) -> tuple[pd.DataFrame, list[str]]:
    """`rows` of the study on the scope's data set and, in `full`, on others; and those others without published runs.

    The scope's own runs are trained where they are missing; of others those that are published are shown.
    """
    own = catalogue.where("forces", scope)
    shown = [rows(tables.records(studies.load("forces", own)), scope.alpha)]
    absent = []
    for name in catalogue.FORCES if scope.full else ():
        if name != own.dataset:
            of_set = published(replace(own, dataset=name))
            shown.append(rows(of_set, scope.alpha))
            absent += [] if of_set else [name]
    return pd.concat(shown, ignore_index=True), absent


def published(scope: Scope) -> list[RunRecord]:
    """Stored or published runs of the study on a surveyed data set, those that are there. Trains and loads nothing."""
    if scope.dataset not in inventory.read():
        return []
    store = studies.store_of(scope)
    return [record for spec in studies.specs("forces", scope) if (record := store.find(spec))]


def difference(table: pd.DataFrame, changed: str, plain: str, metric: str = "rmse") -> pd.Series:
    """`changed` minus `plain` by fold and held-out person, seeds averaged; pairs of one seed, empty without any."""
    keys = ["fold", "subject", "seed"]
    of = {name: table[table["system"] == name].set_index(keys)[metric] for name in (changed, plain)}
    return (of[changed] - of[plain]).dropna().groupby(level=["fold", "subject"], sort=False).mean()


def effects(table: pd.DataFrame, pairs: dict[str, tuple[str, str]], final: bool) -> pd.DataFrame:
    """A row per data set and pair: dataset, what, `effects.summary` on RMSE, and `relative`, per cent of the control's.

    pairs: changed and plain system by what they differ in. Intervals if `final`. Pairs without runs are left out.
    """
    result = []
    for name, part in table.groupby("dataset", sort=False):
        control = part[part["system"] == CONTROL]["rmse"].mean()
        for what, (changed, plain) in pairs.items():
            by_person = difference(part, changed, plain)
            if len(by_person):
                about = summary(by_person, final)
                result.append({"dataset": name, "what": what, **about, "relative": 100 * about["effect"] / control})
    columns = ["dataset", "what", "effect", "low", "high", "n", "people", "relative"]
    return pd.DataFrame(result, columns=columns)


def against_control(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Every other system of the table, paired with the control."""
    return {name: (name, CONTROL) for name in table["system"].unique() if name != CONTROL}


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Mean of METRICS over people, seeds averaged first, sd of RMSE over people, and n; by data set and system."""
    keys = ["dataset", "system"]
    by_person = table.groupby([*keys, "fold", "subject"], sort=False)[list(METRICS)].mean()
    groups = by_person.groupby(level=keys, sort=False)
    return groups.mean().assign(sd=groups["rmse"].std(), n=groups.size())


@dataclass(frozen=True)
class Excerpt:
    """Some seconds of one held-out person: readings (n_samples, n_channels) and force (n_samples, n_targets).

    seconds: of samples, (n_samples,); at: of predictions, (n_windows,); predicted: (n_windows, n_targets) by system
    """

    subject: str
    seconds: np.ndarray
    readings: np.ndarray
    force: np.ndarray
    at: np.ndarray
    predicted: dict[str, np.ndarray]


def excerpt(runs: dict[str, RunRecord], length: float) -> Excerpt:
    """The first `length` seconds of the first recording that a fold tests, with the predictions of its `runs`.

    Raises MixkdError where the recordings here are of other people.
    """
    spec = next(iter(runs.values())).spec
    data, entry = fold_data(spec.data), dataset(spec.dataset)
    for record in runs.values():
        same_people(data.subjects, record)
    test, recordings = data.splits["test"], entry.load()
    number = int(test.recording[0])
    end = min(round(length * recordings.rate), len(recordings.signals[number]))
    middles = test.start + entry.window // 2
    chosen = np.flatnonzero((test.recording == number) & (middles < end))
    return Excerpt(
        recordings.person(recordings.subjects[number]),
        np.arange(end) / recordings.rate,
        recordings.signals[number][:end],
        recordings.targets[number][:end],
        middles[chosen] / recordings.rate,
        {name: data.task.in_units(record.arrays["test_logits"][chosen]) for name, record in runs.items()},
    )


def answers(table: pd.DataFrame, absent: Sequence[str], final: bool) -> dict[str, float | str]:
    """What the text of the chapter reports, of `rows` and the data sets that are not shown."""
    first = table["dataset"].iloc[0]
    questions = effects(table, QUESTIONS, final)
    own = questions[questions["dataset"] == first].set_index("what")
    keys = ("against_labels", "order_labels", "order_features", "changes", "similarities", "outputs")
    relative = {key: own["relative"].get(what, math.nan) for key, what in zip(keys, QUESTIONS, strict=True)}
    means = scores(table)
    mean = means.loc[first]
    others = {
        name: f"{part.set_index('what')['relative'].get('time-aware, against labels', math.nan):+.1f} % on {name}"
        for name, part in questions.groupby("dataset", sort=False)
        if name != first
    }
    return {
        **relative,
        "answer": answer(questions, final),
        "on": str(first),
        "control": float(mean.loc[CONTROL, "rmse"]),
        "control_r": float(mean.loc[CONTROL, "pearson_r"]),
        "unit": UNITS[str(first)],
        "people": "; ".join(sentence(name, part) for name, part in table.groupby("dataset", sort=False)),
        "elsewhere": ", ".join(others.values()) or "no other data set is shown in this build",
        "absent": f"Not shown, because no runs are published: {', '.join(absent)}." if absent else "",
        "best": ", ".join(
            f"{part['rmse'].idxmin()[1]} on {name}" for name, part in means.groupby(level="dataset", sort=False)
        ),
    }


def sentence(name: object, part: pd.DataFrame) -> str:
    """How many people of a data set were held out, and in how many folds."""
    noun = PEOPLE.get(str(name), "people")
    return f"{name}: {part['subject'].nunique()} {noun}, {part['fold'].nunique()} folds, {part['seed'].nunique()} seeds"


def answer(questions: pd.DataFrame, final: bool) -> str:
    """What the term of changes, which alone needs time order, does to RMSE on each data set: a sentence without end."""
    if not final:
        return f"Whether that term helps is open: {TOO_FEW}"
    rows = questions[questions["what"] == "changes in time, the term"]
    if not len(rows):
        return "Whether that term helps is not judged: its runs are missing"
    is_open = (rows["low"] <= 0) & (rows["high"] >= 0)
    if is_open.all():
        where = f"{COUNTS.get(len(rows), f'all {len(rows)}')} data sets" if len(rows) > 1 else rows["dataset"].iloc[0]
        return f"Whether that term helps is undecided on {where} (change of RMSE: {_sizes(rows, '{} {:+z.1f} %')})"
    verbs = {"lowers the error": rows["high"] < 0, "raises the error": rows["low"] > 0}
    verbs |= {"has an undecided effect": is_open}
    clauses = [f"{verb} on {_sizes(rows[own], '{} ({:+z.1f} % of RMSE)')}" for verb, own in verbs.items() if own.any()]
    return f"That term {together(clauses)}"


def _sizes(rows: pd.DataFrame, form: str) -> str:
    return ", ".join(form.format(row.dataset, row.relative) for row in rows.itertuples())


def for_reading(table: pd.DataFrame) -> pd.DataFrame:
    """`scores` as text, with the unit of RMSE: three digits after the point, of large numbers three digits in all."""
    means = scores(table)[["rmse", "sd", "nrmse", "pearson_r"]]
    shown = means.map(lambda score: f"{score:.3f}" if abs(score) < 10 else f"{score:#.3g}".rstrip("."))
    shown.insert(0, "unit", [UNITS[name] for name in means.index.get_level_values("dataset")])
    return shown

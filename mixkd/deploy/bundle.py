"""Build the students that come with the package, from the weights in results/: `python -m mixkd.deploy.bundle`.

Each is of the first fold and seed of its data set, so its card can state how it does on people who did not train it.
It learnt from both teachers, starting from the weights of its control (`Ann` in the book): of the recipes with
published weights the one with the highest accuracy, averaged over the held-out people of both data sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mixkd.analysis.baselines import PUBLISHED
from mixkd.datasets import dataset
from mixkd.deploy import device, in_use, ready, rejection, report, unseen
from mixkd.deploy.export import export
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError
from mixkd.files import atomic_write, canonical_json
from mixkd.learning.fold_data import fold_data
from mixkd.runs.published import Published
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope, bases, taught

Recipe = Callable[[RunSpec], RunSpec]  # from the control of a fold and seed
RECIPES: dict[str, Recipe] = {
    "both teachers, from the weights of the control (Ann): this student": lambda base: taught(
        base, "both", init="scratch"
    ),
    "both teachers (Base)": lambda base: taught(base, "both"),
    "both teachers, as many epochs as this student (Base 2x; weights not published)": lambda base: taught(
        base, "both", init="base"
    ),
    "signal teacher": lambda base: taught(base, "signal"),
    "image teacher": lambda base: taught(base, "image"),
    "labels alone (control)": lambda base: base,
    "labels alone, as many epochs as this student": lambda base: replace(base, init="scratch"),
}
TREES = "extra trees on simple statistics, no network"


def records(name: str) -> list[RunRecord]:
    """The published runs of a ready student's recipe and seed, a run per fold; its own, with weights, comes first.

    Raises MixkdError where one is not published.
    """
    first, *_ = every = list(bases(Scope(name, "full")))
    chosen = [next(iter(RECIPES.values()))(base) for base in every if base.seed == first.seed]
    published = Published()
    stored = [run for spec in chosen if (run := published.get(spec))]
    if len(stored) < len(chosen) or not stored[0].folder:
        raise MixkdError(f"bundle: found no published runs, or weights, of {chosen[0].name}, expected them in results/")
    return stored


def record(name: str) -> RunRecord:
    """The published run of a ready student, with weights. Raises MixkdError where it is not published."""
    return records(name)[0]


def accuracies(name: str) -> pd.DataFrame:
    """Accuracy on held-out people by recipe, seeds averaged: mean and standard deviation over people, their number."""
    published, columns = Published(), {}
    for recipe, make in RECIPES.items():
        runs = [run for base in bases(Scope(name, "full")) if (run := published.get(make(base)))]
        rows = [(who, scores["accuracy"]) for run in runs for who, scores in run.probes["subjects"].items()]
        columns[recipe] = pd.DataFrame(rows, columns=["subject", "accuracy"])
    trees = pd.read_csv(PUBLISHED, dtype={"subject": str}).query("dataset == @name and baseline == 'extra trees'")
    columns[TREES] = trees[["subject", "accuracy"]]  # of selfBACK by fold, five people together
    means = {recipe: rows.groupby("subject")["accuracy"].mean() for recipe, rows in columns.items()}
    return pd.DataFrame({recipe: {"mean": m.mean(), "sd": m.std(), "people": len(m)} for recipe, m in means.items()}).T


def build(student: str, out: Path) -> None:
    """Write a ready student and its card into `out`. Needs the recordings of its data set."""
    name = ready.DATASETS[student]
    students = records(name)
    stored, data = students[0], fold_data(students[0].spec.data)
    about = export(stored, data, out)
    (out / "student.safetensors").unlink()  # in results/
    del about["files"]["student.safetensors"]
    held_out = unseen.windows(students)
    about |= {"unknown": rejection.calibrated(held_out.p, held_out.y)}
    if chain := in_use.chain_of_everybody(name):
        raise MixkdError(f"bundle: found how activities change in {name} ({chain}), expected one in each recording")
    atomic_write(out / "student.json", canonical_json(about) + b"\n")
    exact, rounded = ((out / file).read_bytes() for file in ("student.onnx", "student.int8.onnx"))
    people = device.scores(exact, rounded, data)
    atomic_write(out / "README.md", card(Student.load(out), stored, people, held_out).encode())


def card(made: Student, stored: RunRecord, people: pd.DataFrame, held_out: unseen.Unseen) -> str:
    """The model card, in Markdown.

    people: result of `device.scores` on those who did not train it; held_out: windows of all folds, see `unseen`
    """
    name, about = stored.spec.dataset, made.about
    entry, by = dataset(name), accuracies(name)
    percent = {recipe: f"{100 * row['mean']:.1f} ± {100 * row['sd']:.1f}" for recipe, row in by.iterrows()}
    percent[TREES] = percent[TREES].partition(" ")[0]
    return CARD.format(
        student=ready.name_of(name),
        unknown=report.thresholds(about, held_out),
        smoothing=report.smoothing(about, None),
        title=entry.title,
        network=about["network"],
        n_train=len(stored.data["subjects"]["train"]),
        accuracy=100 * people["float32"].mean(),
        tested="the one it was tested on" if len(people) == 1 else f"the {len(people)} it was tested on",
        mean=100 * by["mean"].iloc[0],
        sd=100 * by["sd"].iloc[0],
        n_people=int(by["people"].iloc[0]),
        rows="\n".join(f"| {recipe} | {text} |" for recipe, text in percent.items()),
        channels=", ".join(f"{c} ({u})" for c, u in zip(about["channels"], about["units"], strict=True)),
        rate=about["rate"],
        window=about["window"],
        classes=", ".join(about["classes"]),
        device=f"{device.needs(made)} {device.in_int8(people)}",
        sensors=entry.sensors,
        licence=entry.licence,
        citation=re.sub(r"(\D+)(\d+)", lambda key: f"{key[1].capitalize()} et al. {key[2]}", entry.citation),
        run=stored.spec.hash,
    )


CARD = """# {student}: a student for {title}

A {network} that comes with mixkd: `mixkd predict {student} recording.csv`. Networks like it are right on
{mean:.1f} ± {sd:.1f} % of the windows (with one activity) of a person they never saw (mean and standard deviation of
{n_people} people); this one, trained on {n_train} people, on {accuracy:.1f} % for {tested}.
People, devices or places on the body unlike theirs may be worse: label some minutes of your own and compare before you
rely on it.

Accuracy on people who did not train, in percent, mean ± standard deviation over people:

| learns from | accuracy |
|---|---|
{rows}

It was chosen for the highest accuracy, averaged over selfBACK and `watch`, of the recipes with published weights. The
choice was made on these people, and recipes differ by little, so its own accuracy may be a little optimistic.

- **in**: windows of {window} samples at {rate:g} Hz, in physical units (normalisation is inside); channels,
  as columns of a file are named: {channels}
- **out**: logits of {classes}
- **unknown**: {unknown} A window far outside the ranges of the training people is unknown too.
- **smoothing**: {smoothing}
- **recorded**: {sensors}
- **on a device**: {device}
- **files**: `student.onnx`, `student.int8.onnx`, `student.json`; of the published run {run} (`results/`)
- **recordings**: {citation} (see the bibliography of the book); licence: {licence}
"""


if __name__ == "__main__":
    for each in ready.DATASETS:
        build(each, ready.STUDENTS / each)

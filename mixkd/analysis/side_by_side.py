"""All systems of the line of work in one table: scores, effects against natural controls, steps and their cost."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd

from mixkd import studies
from mixkd.analysis import forces, line, pictures
from mixkd.analysis.contrasts import required
from mixkd.analysis.cost import benchmark
from mixkd.analysis.effects import Effect, together
from mixkd.analysis.measures import measure
from mixkd.analysis.systems import SYSTEMS
from mixkd.learning.pictures import fit
from mixkd.runs.store import RunRecord
from mixkd.specs.parts import ImageSpec
from mixkd.specs.run import RunSpec
from mixkd.studies.scope import Scope
from mixkd.topology import Grid

FEW = "cannot be judged, for there are too few people"
NO_CONFUSION = np.zeros((1, 1))  # accuracy needs none


def effects() -> list[Effect]:
    """Of the systems that have students of classes."""
    return [system.effect for system in SYSTEMS if system.effect]


def scores(scope: Scope) -> pd.DataFrame:
    """By system and data set: mean and sd of accuracy over held-out people, in per cent, their number n, and steps.

    steps: gradient steps of the student; those of its teachers come on top. MixkdError for a missing run.
    """
    rows = []
    for part in line.portions(scope, effects()):
        for effect in part.effects:
            records = [required(part.lookup, effect.changed(base)) for base in part.bases]
            made = [steps(r.spec, required(part.lookup, b)) for r, b in zip(records, part.bases, strict=True)]
            of_seeds = pd.concat([measure(record, "accuracy", NO_CONFUSION) for record in records])
            people = of_seeds.groupby(level=0).mean()
            rows.append(
                {
                    "what": effect.what,
                    "dataset": part.dataset,
                    "mean": 100 * people.mean(),
                    "sd": 100 * people.std(),
                    "people": len(people),
                    "steps": round(sum(made) / len(made)),
                }
            )
    return pd.DataFrame(rows)


def steps(spec: RunSpec, of_all: RunRecord) -> int:
    """Gradient steps of a run and of those its weights started from; `of_all`: a run on all training people."""
    return of_all.data["windows"]["train"] // spec.batch_size * spec.total_epochs


def table(scope: Scope, of: pd.DataFrame) -> pd.DataFrame:
    """`scores` beside the effects on accuracy of `line.table`, in points; a row per system and data set."""
    accuracy = of[of["metric"] == "accuracy"].assign(**{c: 100 * of[c] for c in ("effect", "low", "high")})
    joined = scores(scope).merge(accuracy[["what", "dataset", "effect", "low", "high"]], on=["what", "dataset"])
    columns = ["mean", "sd", "effect", "low", "high", "people", "steps"]
    return joined.rename(columns={"what": "system"}).set_index(["dataset", "system"])[columns]


def costs() -> pd.DataFrame:
    """Of the benchmark record: milliseconds of a step of each system, and a step over one of its control."""
    return pd.DataFrame(benchmark("steps")["steps"]).set_index("name")


def answer(of: pd.DataFrame) -> str:
    """Which systems gain and lose clearly on each data set, and how many do neither, as the end of a sentence."""
    clauses = []
    for name, rows in of[of["metric"] == "accuracy"].groupby("dataset", sort=False):
        decided = rows.dropna(subset=["low"])
        quoted = '"' + decided["what"] + '"'  # some names read as words
        up, down = list(quoted[decided["low"] > 0]), list(quoted[decided["high"] < 0])
        named = [f"{together(names)} {verb} clearly" for names, verb in ((up, "gained"), (down, "lost")) if names]
        counts = (len(decided) - len(up) - len(down), "show no clear difference"), (len(rows) - len(decided), FEW)
        words = [" and ".join(named)] if named else []
        words += [f"{n} of {len(rows)} {what}" for n, what in counts if n]
        clauses.append(f"on {name} {', '.join(words)}")
    return "; ".join(clauses)


def of_forces(scope: Scope) -> pd.DataFrame:
    """Time-aware KD beside its control on each data set with forces that a scope shows: errors in its units.

    Index dataset; columns labels, time-aware (mean RMSE over people), effect, low, high (per cent of labels')
    and people.
    """
    table, _ = forces.everywhere(scope)
    final = studies.whole("forces", studies.catalogue.where("forces", scope))
    mean = forces.scores(table)["rmse"].unstack("system")[["labels", "time-aware"]]
    effect = forces.effects(table, {"time-aware": forces.QUESTIONS["time-aware, against labels"]}, final)
    per_cent = effect.set_index("dataset")[["effect", "low", "high"]].mul(100).div(mean["labels"], axis=0)
    return mean.join(per_cent).join(effect.set_index("dataset")["people"])


def in_units(errors: pd.DataFrame) -> pd.DataFrame:
    """`of_forces` as text: errors with three digits and the unit of each row, differences in percent with one more."""
    shown = errors[["labels", "time-aware"]].map(_three)
    shown.insert(0, "unit", [forces.UNITS[name] for name in errors.index])
    for column in ("effect", "low", "high"):
        shown[column] = [None if math.isnan(value) else f"{value:+z.1f}" for value in errors[column]]
    shown = shown.dropna(axis="columns", how="all")
    whom = [forces.PEOPLE.get(name, "people") for name in errors.index]
    return shown.assign(people=[f"{n} {what}" for n, what in zip(errors["people"], whom, strict=True)])


def _three(value: float) -> str:
    """A number with three significant digits, zeros at the end included."""
    return f"{value:#.3g}".rstrip(".")


def of_pictures(scope: Scope) -> pd.Series:
    """PSNR (dB) of the widest Poly-INR and of bilinear interpolation at the finest pixels, which neither was given.

    Of the first channel of the first fold's training windows, as in the chapter on pictures.
    """
    diagrams = next(iter(studies.data(scope).values())).diagrams["train"]
    grid = Grid.fit(diagrams, ImageSpec())
    truth = pictures.truths(diagrams, grid, pictures.spread(diagrams, 0), channel=0)
    given, finest = truth[min(truth)], max(truth)
    against = partial(pictures.psnr, truth=truth[finest])
    network = fit("Poly-INR", given, pictures.WIDTHS[-1], seed=scope.seed)
    return pd.Series(
        {
            "Poly-INR": against(network.at(finest)),
            "bilinear": against(pictures.interpolated(given, finest, "bilinear")),
        }
    )

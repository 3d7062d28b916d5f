"""Data efficiency: students of few training people, beside those of all; and the student in int8.

A system is compared with the scratch student of the same people, on the same held-out people, after as many steps of
the student; `scratch 2x` takes as many as student and teacher together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from mixkd.analysis import effects
from mixkd.analysis.claims import MIX, Make, scratch, student
from mixkd.analysis.contrasts import Lookup
from mixkd.analysis.inference import bounds, interval
from mixkd.learning.fold_data import fold_data
from mixkd.learning.training import stream_of
from mixkd.specs.run import RunSpec

SYSTEMS: dict[str, Make] = {
    "scratch": scratch(),
    "mixup": scratch(mixup=MIX),
    "KD": student("signal"),
    "KD + mixup": student("signal", mixup=MIX),
    "scratch 2x": scratch(init="scratch"),  # as many steps as student and teacher together
}
ALL = "all"
Values = dict[str, float | str]


def curves(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of the study with columns `system` and `cell` (2, 4 or all, in this order, as text)."""
    names = {("none", "S"): "scratch", ("none", "Mix-S"): "mixup"}
    names |= {("signal", "T & S"): "KD", ("signal", "T & Mix-S"): "KD + mixup"}
    systems = [
        "scratch 2x" if row.method == "Scratch 2x" else names[row.teachers, row.case] for row in runs.itertuples()
    ]
    cells = [str(n) if n else ALL for n in runs["people"]]
    order = pd.Series([n or float("inf") for n in runs["people"]], index=runs.index)
    return runs.assign(system=systems, cell=cells).loc[order.sort_values(kind="stable").index]


def means(table: pd.DataFrame, final: bool) -> pd.DataFrame:
    """Of `curves`: mean accuracy by cell and system over folds and, if `final`, its 95 % interval."""
    rows = []
    for (cell, system), part in table.groupby(["cell", "system"], sort=False):
        by_fold = part.groupby("fold")["accuracy"].mean().to_numpy()
        low, high = interval(by_fold) if final else (float("nan"),) * 2
        rows.append({"cell": cell, "system": system, "mean": by_fold.mean(), "low": low, "high": high})
    return pd.DataFrame(rows)


def at(make: Make, cell: str) -> Make:
    """The same run from the training people of a cell."""
    return lambda base: replace(make(base), people=None if cell == ALL else int(cell))


def gains(table: pd.DataFrame, bases: Sequence[RunSpec], lookup: Lookup, final: bool) -> pd.DataFrame:
    """Paired effects of each system against scratch with the same people, by cell: rows as of `effects.table`."""
    rows = []
    for cell in table["cell"].unique():
        for name, make in list(SYSTEMS.items())[1:]:
            pair = at(make, cell), at(SYSTEMS["scratch"], cell)
            for metric in effects.SHOWN:
                differences = effects.difference(*pair, metric, bases=bases, lookup=lookup)
                about = {"cell": cell, "system": name, "what": f"{name}, {cell} people", "metric": metric}
                rows.append(about | {"dataset": bases[0].dataset} | effects.summary(differences, final))
    return pd.DataFrame(rows)


def budget(table: pd.DataFrame) -> pd.DataFrame:
    """Of the scratch runs of the first fold by cell: training people, windows, steps, and how often a window is seen.

    Counted in the stream that each is trained on.
    """
    first = table[(table["system"] == "scratch") & (table["fold"] == table["fold"].min())]
    rows, like = [], None
    for cell, spec in zip(first["cell"], first["spec"], strict=True):
        like = fold_data(spec.data, like)
        draws, n_windows = stream_of(spec.stream, like), len(like.splits["train"])
        people, seen = len(like.fold.train), draws.rows.size / n_windows
        rows.append({"cell": cell, "people": people, "windows": n_windows, "steps": len(draws), "seen": seen})
    return pd.DataFrame(rows).set_index("cell")


def answer(table: pd.DataFrame, effect: pd.DataFrame) -> Values:
    """What helps most when people are fewest, how sure that is, and what all people bring, of `curves` and `gains`."""
    accuracy = effect[effect["metric"] == "accuracy"]
    fewest = table["cell"].iloc[0]
    few, every = (accuracy[accuracy["cell"] == cell].set_index("system") for cell in (fewest, ALL))
    best = few["effect"].idxmax()
    mean = 100 * table.groupby(["system", "cell"])["accuracy"].mean()
    row = few.loc[best]
    return {
        "fewest": "all training people" if fewest == ALL else f"{fewest} training people",
        "scratch_few": mean["scratch", fewest],
        "scratch_all": mean["scratch", ALL],
        "people_gain": mean["scratch", ALL] - mean["scratch", fewest],
        "best": best,
        "best_few": 100 * row["effect"],
        "best_all": 100 * every.loc[best, "effect"],
        "outcome": _outcome(row, best, len(few)),
        "n_folds": int(row["n"]),
    }


def _outcome(row: pd.Series, best: str, n: int) -> str:
    """The best of n effects on accuracy as a sentence, honest about its interval."""
    if row["effect"] <= 0:
        return f"none of the {n} helps: the best of them, {best}, changes accuracy by {100 * row['effect']:+.1f} points"
    sentence = f"{best} helps most: {100 * row['effect']:+.1f} points of accuracy"
    if pd.isna(row["low"]):
        return f"{sentence}, without an interval (too few folds)"
    clear = "clear of zero" if row["low"] > 0 else "which includes zero"
    return f"{sentence} {bounds(100 * row['low'], 100 * row['high'])}, {clear}"


def int8(record: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of the benchmark `int8`: accuracy by data set and student, points lost by int8, labels changed; and sizes."""
    rows = pd.DataFrame(record["accuracy"])
    rows = rows.assign(lost=100 * (rows["float32"] - rows["int8"]), changed=100 * (1 - rows["same_label"]))
    by = rows.groupby(["dataset", "student"], sort=False)
    table = by[["float32", "int8", "lost", "changed"]].mean().assign(people=by.size())
    return table, pd.DataFrame(record["sizes"]).set_index("form")


def small(record: dict[str, Any]) -> Values:
    """What int8 changes: bytes, time, accuracy; `changed_8` is over people, the students of each averaged first."""
    _, sizes = int8(record)
    rows = pd.DataFrame(record["accuracy"])
    gained = 100 * (rows["int8"] - rows["float32"])
    by_person = gained.groupby([rows["dataset"], rows["subject"]]).mean()
    one, other = sizes.loc["float32"], sizes.loc["int8"]
    return {
        "weights_32": one["weight_bytes"] / 1000,
        "weights_8": other["weight_bytes"] / 1000,
        "shrunk": one["weight_bytes"] / other["weight_bytes"],
        "activation_32": one["activation_bytes"] / 1000,
        "activation_8": other["activation_bytes"] / 1000,
        "mega_adds": one["multiply_adds"] / 1e6,
        "time": other["one_over_float32"],
        "faster": "faster" if other["one_over_float32"] < 1 else "slower",
        "batch_time": other["batch_over_float32"],
        "process": one["process_megabytes"],
        "added_32": one["added_megabytes"],
        "added_8": other["added_megabytes"],
        "changed_8": float(by_person.mean()),
        "worst_8": float(gained.min()),
        "people_int8": len(by_person),
    }


def measured_on(record: dict[str, Any]) -> str:
    """The processor, without the hash of its model, and the number of threads of a benchmark record."""
    about = record["provenance"]
    cpu = " ".join(word for word in about["cpu"].split() if not re.fullmatch(r"[0-9a-f]{8}", word))
    return f"{cpu}, {about['cpu_capability']}, {about['threads']} thread{'s' * (about['threads'] > 1)}"

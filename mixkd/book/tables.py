"""Tables of pages that are written when the book is built, in Markdown: from results, notebooks and measurements."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd

from mixkd.analysis import standings
from mixkd.analysis.cost import BENCHMARKS
from mixkd.book import notebook
from mixkd.files import CHECKOUT
from mixkd.runs.published import Published

SCALE = {  # rows of the table of a simulated cluster: what they are, and how they are written
    "planning_seconds": ("planning, measured", "{:.0f} s"),
    "peak_megabytes": ("memory of it, measured", "{:.0f} MB"),
    "core_hours": ("training", "{:,.0f} core-hours"),
    "hours": ("from start to end", "{:.1f} h"),
    "least_hours": ("at least, without failures and starts", "{:.1f} h"),
    "starting_share": ("time of nodes that starts of jobs take", "{:.0%}"),
    "failures": ("failures of nodes", "{:,.0f}"),
    "lost_share": ("training lost by them", "{:.2%}"),
}


def choices_table() -> str:
    """Table of the choices made on validation subjects, from the committed results of `benchmarks.choices`."""
    table = pd.read_csv(CHECKOUT / "results" / "choices.csv")
    means = (
        table.groupby(["choice", "value"], sort=False)[["validation_accuracy", "validation_nll"]].mean().reset_index()
    )
    rows = [
        f"| {r.choice} | {r.value} | {100 * r.validation_accuracy:.1f} % | {r.validation_nll:.2f} |"
        for r in means.itertuples()
    ]
    return "| choice | value | validation accuracy | validation NLL |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def parameter_table() -> str:
    """The parameters of all notebooks, read from the notebooks."""
    rows = [
        f"| `{name}` | {kind} | `{default}` | {help_} | {where} |"
        for name, kind, default, help_, where in notebook.parameter_table()
    ]
    return "| parameter | type | default | meaning | chapters |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


def scale_table() -> str:
    """Planning of many runs, and a simulated cluster, as `benchmarks.scale` recorded them."""
    record = json.loads((BENCHMARKS / "scale.json").read_text(encoding="utf-8"))
    about, rows = record["simulated"], record["rows"]
    head = "| | " + " | ".join(f"{row['runs']:,} runs" for row in rows) + " |\n|---|" + "---:|" * len(rows)
    lines = [
        f"| {what} | " + " | ".join(form.format(row[name]) for row in rows) + " |"
        for name, (what, form) in SCALE.items()
    ]
    note = (
        f"Simulated: {about['nodes']} nodes, {about['start_seconds']:.0f} s until a job that can start trains, "
        f"a failure of each node every {about['hours_between_failures']:.0f} h on average, half an hour of repair."
    )
    return "\n".join([head, *lines, "", note, ""])


def growth_table() -> str:
    """Size of the published runs, and of ten and a hundred times as many."""
    published = Published()
    n_runs, size = len(published), published.n_bytes
    rows = [f"| {k * n_runs:,} | {k * size / 1e6:,.0f} MB |" for k in (1, 10, 100)]
    note = (
        f"\nThe first row is what is published now, {size / n_runs / 1e3:.0f} kB a run; the others are multiples of it."
    )
    return "| runs | published size |\n|---:|---:|\n" + "\n".join(rows) + "\n" + note + "\n"


def standings_table() -> str:
    """What each way to a classifier reaches, a table per data set, as `benchmarks.standings` recorded it."""
    parts = []
    for name, rows in pd.read_csv(standings.PUBLISHED).groupby("dataset", sort=False):
        seeds, folds = int(rows["seeds"].max()), int(rows["folds"].max())
        lines = [
            f"| {r.kind} | {r.way} | {r.accuracy:.1f} ± {r.sd:.1f} | {r.nll:.2f} | {r.scaled_nll:.2f} "
            f"| {'–' if pd.isna(r.parameters) else f'{r.parameters:,.0f}'} | {r.microseconds:,.0f} |"
            for r in rows.itertuples()
        ]
        names = ("kind", "learns from, or is", "accuracy", "NLL", "scaled", "parameters", "µs")
        head = f"| {' | '.join(names)} |\n|---|---|{'---:|' * 5}"
        about = f"{folds} folds; networks: {seeds} seed{'s' if seeds > 1 else ''}."
        best = rows.sort_values("accuracy", ascending=False, kind="stable").drop_duplicates("kind")
        leaders = "; ".join(f"{r.kind}: {r.way}, {r.accuracy:.1f} %" for r in best.itertuples())
        parts.append(
            f"## {name}\n\n{about} Most accurate of each kind: {leaders}.\n\n{head}\n" + "\n".join(lines) + "\n"
        )
    return "\n".join(parts)


def wheels_table() -> str:
    """Fresh environments in which the wheel was installed and used, as `benchmarks.wheels` recorded them."""
    rows = json.loads((BENCHMARKS / "wheels.json").read_text(encoding="utf-8"))["rows"]
    names = ("python", "numpy", "scikit-learn", "scipy", "numba", "onnxruntime", "pyarrow")
    head = f"| {' | '.join(names)} | size | with `[train]` |\n|{'---|' * len(names)}---:|---:|\n"
    lines = [
        f"| {' | '.join(row[name] for name in names)} | {_size(row, 'megabytes', 'not run')} | "
        f"{_size(row, 'megabytes with torch', 'not run')} |"
        for row in rows
    ]
    note = (
        "Where a size is given, the first example of this page and a student's prediction, at once and as a stream, "
        "ran without torch; with `[train]`, a student was trained. *Not run*: there was no interpreter here, or no "
        "build of torch without CUDA; we only checked that pip finds wheels of all packages."
    )
    return head + "\n".join(lines) + f"\n\n{note}\n"


def _size(row: dict[str, Any], name: str, otherwise: str) -> str:
    return f"{row[name]:,} MB" if name in row else otherwise


GENERATED: dict[str, Callable[[], str]] = {
    "_choices.md": choices_table,
    "_parameters.md": parameter_table,
    "_scale.md": scale_table,
    "_growth.md": growth_table,
    "_standings.md": standings_table,
    "_wheels.md": wheels_table,
}

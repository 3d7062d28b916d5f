"""The live part of a book from published records: some of its runs are trained on the spot, and compared with them."""

from __future__ import annotations

from mixkd.runs import sweep
from mixkd.runs.local import Local
from mixkd.runs.provenance import compare, headline, seed_noise
from mixkd.runs.published import Published
from mixkd.runs.store import Store
from mixkd.specs.parts import Mixup
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope, bases, taught
from mixkd.studies.scope import DEFAULT_ALPHA

HEAD = "| run | published | trained here | comparison | seconds here |\n|---|---:|---:|---|---:|\n"


def runs(scope: Scope) -> dict[str, RunSpec]:
    """Of the first person and seed, by what they are: a teacher with mixup, its student, and the control."""
    control = next(bases(scope))
    student = taught(control, "signal", Mixup(DEFAULT_ALPHA))
    (teacher,) = student.teacher_runs
    return {
        "signal teacher, trained with mixup": teacher,
        "its student": student,
        "the same network from labels alone": control,
    }


def table(scope: Scope, workers: int | None = None) -> str:
    """Trains the `runs` where they are not in the store yet; what came out, as Markdown."""
    published = Published()
    chosen = {what: spec for what, spec in runs(scope).items() if scope.full and spec in published}
    if not chosen:
        return "All runs of this build were trained for it; there are no published ones to compare with.\n"
    records = [record for spec in published if spec.dataset == scope.dataset and (record := published.get(spec))]
    rows = []
    for what, spec in chosen.items():
        (here,), there = sweep.run([spec], Store(), on=Local(workers)), published.get(spec)
        assert there
        verdict, _ = compare(there, here, seed_noise(records, spec.task))
        numbers = " | ".join(f"{headline(record):.1%}" for record in (there, here))
        rows.append(f"| {what} | {numbers} | {verdict} | {here.provenance['seconds']:.0f} |")
    return HEAD + "\n".join(rows) + "\n"

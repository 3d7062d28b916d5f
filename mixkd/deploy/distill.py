"""From recordings to a student on new people: cross-validated report, then a student trained on everybody, exported.

The student (WRN16-1) learns from its teachers, for as many epochs as its control from scratch: the gain is teaching.
People who did not train also set the thresholds of `unknown` and of sets, see `rejection`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from mixkd import studies
from mixkd.datasets import dataset as dataset_entry
from mixkd.datasets import named
from mixkd.deploy import device, in_use, rejection, report, start, unseen
from mixkd.deploy import lengths as windows
from mixkd.deploy.export import export
from mixkd.deploy.predict import Student
from mixkd.deploy.report import Outcome, headline, in_practice, whole_table
from mixkd.errors import MixkdError, short
from mixkd.files import atomic_write, canonical_json
from mixkd.learning.fold_data import fold_data
from mixkd.runs import planning, sweep
from mixkd.runs.local import Local
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec, TeacherSpec
from mixkd.studies import Scope
from mixkd.windows import folds

__all__ = ["Outcome", "headline", "in_practice", "run", "runs_of", "specs", "whole_table"]

Teachers = Literal["signal", "image", "both", "forest"]
NETWORK = "WRN16-1"
BALANCED = (
    "Classes count alike in training: the cross-entropy of a window is weighted by the inverse frequency of its class."
)


def teachers_of(word: str) -> Teachers:
    """The teachers that a word names. Raises MixkdError for another word."""
    if word not in get_args(Teachers):
        raise MixkdError(f"--teachers: found {short(word)!r}, expected one of {', '.join(get_args(Teachers))}")
    return word  # type: ignore[return-value]  # one of them


def taught(base: RunSpec, by: Teachers) -> RunSpec:
    """`base` as a student of networks, see `studies.taught`, or of extra trees (`forest`)."""
    if by != "forest":
        return studies.taught(base, by)
    return replace(studies.taught(base, "signal"), teachers=(TeacherSpec(family="forest"),))


def specs(scope: Scope, by: Teachers = "both", **fields: Any) -> tuple[list[RunSpec], RunSpec]:
    """Plain students of all folds (`smoke`: of two), one seed (`full`: of several), and the student of everybody.

    fields: of all of them, see `RunSpec`
    """
    bases = list(studies.bases(scope if scope.profile == "smoke" else replace(scope, profile="full")))
    bases = [replace(base, **fields) for base in bases if scope.full or base.seed == scope.seed]
    entry = dataset_entry(scope.dataset)
    n_folds = len(folds(entry.load().subjects, entry.test))
    final = RunSpec.parse({**bases[0].as_dict(), "fold": n_folds})
    return bases, taught(final, by)


def runs_of(scope: Scope, by: Teachers = "both", **fields: Any) -> tuple[list[RunSpec], list[RunSpec]]:
    """All runs of a distillation: plain students, taught ones, that of everybody; and those exported."""
    bases, final = specs(scope, by, **fields)
    return [*bases, *(taught(base, by) for base in bases), final], [final]


def run(
    scope: Scope,
    out: Path,
    say: Callable[[str], None],
    workers: int | None = None,
    *,
    teachers: Teachers = "both",
    balance: bool = False,
    earlier: Path | None = None,
    lengths: Sequence[float] = (),
) -> Outcome:
    """Train, export and report into `out`. After an interruption, the same call resumes.

    balance: weigh classes by their inverse frequency; earlier: a student to start from, see `start`; lengths: of
    windows in s, of which the best is taken, see `lengths`. Raises MixkdError for data with targets: the student would
    label, not predict them.
    """
    notes = [BALANCED] if balance else []
    fields: dict[str, Any] = {"balance": balance}
    if lengths:
        controls = lambda each: specs(replace(scope, dataset=each), **fields)[0]  # noqa: E731
        name, sentence = windows.chosen(Path(scope.dataset), lengths, controls, say, workers=workers)
        scope, notes = replace(scope, dataset=name), [*notes, sentence]
    scope = replace(scope, dataset=named(scope.dataset))
    if "targets" in dataset_entry(scope.dataset).labels:
        other = f"expected one of activities; for targets: `mixkd sweep forces --dataset {scope.dataset}`"
        raise MixkdError(f"distill: found {scope.dataset}, a data set with targets to predict, {other}")
    if earlier:
        fields["start"], sentence = start.keep(earlier, scope.dataset, NETWORK)
        notes.append(sentence)
    runs, [final] = runs_of(scope, teachers, **fields)
    store = studies.store_of(scope)
    plan = planning.plan(runs, store)
    reused = f"; {plan.total - len(plan.missing)} are stored and not trained again"
    say(
        f"training: {len(plan.missing)} of {plan.total} runs missing, about {60 * plan.core_hours:.0f} core-minutes"
        + reused * (len(plan.missing) < plan.total)
    )
    records = sweep.run(runs, store, on=Local(workers))
    n = len(records) // 2
    plain, students, last = records[:n], records[n:-1], records[-1]
    say("exporting")
    about = export(last, fold_data(final.data), out)
    entry = dataset_entry(scope.dataset)
    say("labelling whole recordings of held-out people")
    stored = all(record.folder for record in students)  # published records come without weights
    whole = in_use.table(students) if stored else None
    held_out = unseen.windows(students, entry.load().person)
    about |= {"unknown": rejection.calibrated(held_out.p, held_out.y)}
    if chain := in_use.chain_of_everybody(scope.dataset):
        about |= {"smoothing": chain.plain}
    atomic_write(out / "student.json", canonical_json(about) + b"\n")
    curve = unseen.more_people(students)
    say("comparing int8 on held-out people")
    on_device = f"{device.needs(Student.load(out))} {device.in_int8(device.unseen(students) if stored else None)}"
    by_person = people(plain, students, entry.load().person)
    outcome = Outcome(by_person, about, whole, held_out, curve, on_device, tuple(notes))
    atomic_write(out / "report.html", report.page(outcome, entry.title, entry.quality).encode())
    atomic_write(out / "README.md", report.card(outcome, entry.title).encode())
    return outcome


def people(plain: list[RunRecord], students: list[RunRecord], name: Callable[[str], str] = str) -> pd.DataFrame:
    """Accuracy of student and control, and their difference, on every held-out person.

    name: maps a subject to a name. People of one `fold` are tested on the same networks.
    """
    rows = []
    for control, student in zip(plain, students, strict=True):
        for subject, scores in student.probes["subjects"].items():
            scratch = control.probes["subjects"][subject]["accuracy"]
            about = {
                "subject": name(subject),
                "fold": student.spec.fold,
                "seed": student.spec.seed,
                "student": scores["accuracy"],
                "scratch": scratch,
            }
            rows.append(about | {"gain": scores["accuracy"] - scratch})
    return pd.DataFrame(rows)

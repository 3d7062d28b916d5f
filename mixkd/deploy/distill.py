"""From recordings to a student on new people: cross-validated report, then a student trained on everybody, exported.

The student (WRN16-1) learns from both teachers, for as many epochs as its control from scratch: the gain is teaching.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import softmax

from mixkd import figures, studies
from mixkd.analysis.inference import interval
from mixkd.datasets import dataset as dataset_entry
from mixkd.datasets import named
from mixkd.deploy import device, in_use
from mixkd.deploy.export import export
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError
from mixkd.files import atomic_write
from mixkd.learning import metrics
from mixkd.learning.fold_data import fold_data
from mixkd.runs import planning, sweep
from mixkd.runs.local import Local
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope, tables
from mixkd.windows import folds


@dataclass(frozen=True)
class Outcome:
    """Results: a row per person and seed, the students' records, and the description of the exported student."""

    people: pd.DataFrame  # subject, seed, student, scratch, gain
    students: list[RunRecord]
    about: dict
    whole: pd.DataFrame | None  # accuracy on whole recordings, see `in_use.table`; None without the students' weights
    on_device: str  # sentences on size and on int8, see `device`


def specs(scope: Scope) -> tuple[list[RunSpec], RunSpec]:
    """Plain students of all folds (`smoke`: of two), one seed (`full`: of several), and the student of everybody."""
    bases = list(studies.bases(scope if scope.profile == "smoke" else replace(scope, profile="full")))
    bases = [base for base in bases if scope.full or base.seed == scope.seed]
    entry = dataset_entry(scope.dataset)
    n_folds = len(folds(entry.load().subjects, entry.test))
    final = RunSpec.parse({**bases[0].as_dict(), "fold": n_folds})
    return bases, studies.taught(final, "both")


def runs_of(scope: Scope) -> tuple[list[RunSpec], list[RunSpec]]:
    """All runs of a distillation: plain students, taught ones, that of everybody; and those exported."""
    bases, final = specs(scope)
    return [*bases, *(studies.taught(base, "both") for base in bases), final], [final]


def run(scope: Scope, out: Path, say: Callable[[str], None], workers: int | None = None) -> Outcome:
    """Train, export and report into `out`. After an interruption, the same call resumes.

    Raises MixkdError for data with targets: the student would label, not predict them.
    """
    scope = replace(scope, dataset=named(scope.dataset))
    if "targets" in dataset_entry(scope.dataset).labels:
        other = f"expected one of activities; for targets: `mixkd sweep forces --dataset {scope.dataset}`"
        raise MixkdError(f"distill: found {scope.dataset}, a data set with targets to predict, {other}")
    runs, [final] = runs_of(scope)
    store = studies.store_of(scope)
    plan = planning.plan(runs, store)
    say(f"training: {len(plan.missing)} of {plan.total} runs missing, about {60 * plan.core_hours:.0f} core-minutes")
    records = sweep.run(runs, store, on=Local(workers))
    n = len(records) // 2
    plain, taught, last = records[:n], records[n:-1], records[-1]
    say("exporting")
    about = export(last, fold_data(final.data), out)
    entry = dataset_entry(scope.dataset)
    say("labelling whole recordings of held-out people")
    stored = all(record.folder for record in taught)  # published records come without weights
    whole = in_use.table(taught) if stored else None
    say("comparing int8 on held-out people")
    in_int8 = device.in_int8(device.unseen(taught) if stored else None)
    on_device = f"{device.needs(Student.load(out))} {in_int8}"
    outcome = Outcome(people(plain, taught, entry.load().person), taught, about, whole, on_device)
    atomic_write(out / "report.html", report(outcome, entry.title, entry.quality).encode())
    atomic_write(out / "README.md", card(outcome, entry.title).encode())
    return outcome


def people(plain: list[RunRecord], taught: list[RunRecord], name: Callable[[str], str] = str) -> pd.DataFrame:
    """Accuracy of student and control, and their difference, on every held-out person.

    name: maps a subject to a name. People of one `fold` are tested on the same networks.
    """
    rows = []
    for control, student in zip(plain, taught, strict=True):
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


def headline(people: pd.DataFrame) -> str:
    """One sentence: accuracy on new people and its spread; the gain, mean over folds, with its interval."""
    by_person = people.groupby("subject")["student"].mean()
    by_fold = people.groupby("fold")["gain"].mean()
    low, high = interval(by_fold.to_numpy())
    spread = f" (sd {100 * by_person.std(ddof=1):.1f})" if len(by_person) > 1 else ""
    gain = f"{100 * by_fold.mean():+.1f} points against the same network without teachers"
    certain = f", 95 % interval {100 * low:+.1f} to {100 * high:+.1f}" if len(by_fold) > 2 else ""
    right = f"right on {100 * by_person.mean():.1f} %{spread} of the windows with one activity of people it never saw"
    return f"The student is {right} (n = {len(by_person)}); {gain}{certain}."


def in_practice(whole: pd.DataFrame | None) -> str:
    """Sentence on the accuracy on whole recordings, labelled as in `predict`, of student, forest and majority class."""
    if whole is None:
        return "How right it is on whole recordings was not measured: the weights of published students are not kept."
    student, forest, majority = (whole.iloc[i] for i in range(3))
    clauses = [
        f"{100 * student[what]:.1f} % of {student[f'n {what}']:,} {words}"
        for what, words in (("one activity", "with one activity"), ("mixed", "with several"))
        if student[f"n {what}"]
    ]
    single = "" if student["n mixed"] else "; these recordings hold one activity each, so changes were not measured"
    return (
        f"On all windows that `mixkd predict` makes of whole recordings of these people it is right on "
        f"{100 * student['all']:.1f} % ({', '.join(clauses)}{single}), a random forest on simple statistics on "
        f"{100 * forest['all']:.1f} %, the most frequent class on {100 * majority['all']:.1f} %."
    )


def whole_table(whole: pd.DataFrame | None) -> str:
    """The same as a table of HTML, in percent."""
    if whole is None:
        return ""
    counted = {"one activity": "n one activity", "mixed": "n mixed"}
    shown = whole.drop(columns=list(counted.values())).rename(
        columns={name: f"{name} (n = {whole[n].iloc[0]:,})" for name, n in counted.items()}
    )
    numbers = shown.columns[1:]
    return shown.assign(**(100 * shown[numbers]).round(1)).to_html(border=0, index=False, na_rep="")


def pooled(students: list[RunRecord]) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, n_classes) and labels (n,) of all held-out windows."""
    logits = [record.arrays["test_logits"] for record in students]
    data = {fold: fold_data(spec.data) for fold, spec in {record.spec.fold: record.spec for record in students}.items()}
    return np.concatenate(logits), np.concatenate([tables.labels(record, data) for record in students])


def recorded(quality: Sequence[dict[str, str]]) -> str:
    """A section on the quality of each file, as HTML; nothing without files of one's own."""
    if not quality:
        return ""
    table = pd.DataFrame(list(quality)).to_html(border=0, index=False, na_rep="")
    return f"<h2>What it was made of</h2><p>{QUALITY}</p><div class='wide'>{table}</div>"


def report(outcome: Outcome, title: str, quality: Sequence[dict[str, str]] = ()) -> str:
    """The report as one HTML page without external files; quality: a row for each file, see `quality.words`."""
    logits, y = pooled(outcome.students)
    classes = tuple(outcome.about["classes"])
    curve = metrics.reliability(softmax(logits.astype(float), axis=1), y)
    drawn = {
        "Which classes are confused": figures.confusion({"student": metrics.confusion(logits, y)}, classes),
        "Is its confidence to be trusted": figures.reliability({"student": curve}),
    }
    by_person = outcome.people.groupby("subject")[["student", "scratch", "gain"]].mean()
    table = (100 * by_person).round(1).rename_axis("person").reset_index().to_html(border=0, index=False)
    pictures = "".join(f"<h2>{title}</h2><img alt='{title}' src='{_inline(fig)}'>" for title, fig in drawn.items())
    about = outcome.about
    cost = (
        f"{about['network']}: {about['parameters']:,} parameters, {about['multiply_adds']:,} multiply-adds for a "
        f"window of {about['window'] / about['rate']:g} s; {len(about['channels'])} channels at {about['rate']:g} Hz. "
        f"The file student.onnx has {about['onnx_bytes'] / 1000:.0f} kB."
    )
    return PAGE.format(
        title=f"A student for {html.escape(title)}",
        headline=headline(outcome.people),
        in_practice=html.escape(in_practice(outcome.whole)).replace("`mixkd predict`", "<code>mixkd predict</code>"),
        whole=whole_table(outcome.whole),
        table=table,
        pictures=pictures,
        cost=cost,
        on_device=html.escape(outcome.on_device).replace("`mixkd export`", "<code>mixkd export</code>"),
        recorded=recorded(quality),
        warning=WARNING,
    )


def card(outcome: Outcome, title: str) -> str:
    """The model card, in Markdown."""
    about = outcome.about
    channels = ", ".join(f"{c} ({u})" for c, u in zip(about["channels"], about["units"], strict=True))
    return CARD.format(
        title=title,
        headline=headline(outcome.people),
        in_practice=in_practice(outcome.whole),
        channels=channels,
        rate=about["rate"],
        window=about["window"],
        classes=", ".join(about["classes"]),
        on_device=outcome.on_device,
        warning=WARNING,
    )


def _inline(fig: Figure) -> str:
    return "data:image/png;base64," + base64.b64encode(figures.png(fig)).decode()


WARNING = (
    "The exported student was trained on everybody, with the epochs that cross-validation used; the accuracies above "
    "are of students that did not know the person they were tested on. They hold for people, sensors and activities "
    "like these."
)
QUALITY = (
    "A row for each file: start and end on its clock, how far the clock runs ahead of the usual rate, gaps, share of "
    "the time that the sensor was worn (recordings of an hour or more), share of clipped rows, and how far the length "
    "of gravity is from 1 g at rest, before and after a calibration (not applied)."
)
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 17px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
img {{ max-width: 100%; }} table {{ border-collapse: collapse; }} td, th {{ padding: .2rem .9rem; text-align: right; }}
tr:nth-child(even) {{ background: #f3f3f3; }} .wide {{ overflow-x: auto; }} .lead {{ font-size: 1.15em; }}
</style>
<h1>{title}</h1>
<p class="lead">{headline}</p>
<h2>On whole recordings</h2>
<p>{in_practice}</p>
<div class="wide">{whole}</div>
<p>Percent of the windows, half a window apart, of people who did not train; a window of several activities is right
with the one that holds most of it, and <i>unknown</i> (far outside the training people's ranges) is wrong. Forest and
majority class know the same training people: a student that does not beat them is not worth its training.</p>
<h2>Person by person</h2>
<p>Accuracy in percent on windows with one activity, and the gain in points.</p>
<div class="wide">{table}</div>
{pictures}
<h2>What it costs</h2>
<p>{cost}</p>
<p>{on_device}</p>
{recorded}
<h2>Read with care</h2>
<p>{warning}</p>
</html>
"""
CARD = """# A student for {title}

{headline}

{in_practice}

- **in**: windows of {window} samples at {rate:g} Hz; channels {channels}, in physical units (normalisation is inside)
- **out**: logits of {classes}
- **unknown**: `mixkd predict` gives no label to windows far outside those of the training people (their means, spreads,
  extremes and sizes, in `student.json`; limits: `mixkd/deploy/ranges.py`): other units, dead sensors, impossible values
- **files**: `student.onnx` (input `windows`, output `logits`), the same in int8 (`student.int8.onnx`),
  `student.safetensors`, `student.json`
- **use**: `mixkd predict . recording.csv`
- **on a device**: {on_device} `mixkd export . --to c` writes it as a C99 header, `--to js` as a script for a page.

{warning}
"""

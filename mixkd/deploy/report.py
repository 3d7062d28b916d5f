"""The report and the model card of a distilled student: sentences, tables and figures in HTML and Markdown."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mixkd import figures
from mixkd.analysis.inference import bounds, interval
from mixkd.deploy import rejection, scores
from mixkd.deploy.in_use import SMOOTHED
from mixkd.deploy.unseen import Unseen
from mixkd.learning import metrics


@dataclass(frozen=True)
class Outcome:
    """Results: a row per person and seed, the description of the exported student, windows of held-out people.

    whole: accuracy on whole recordings, see `in_use.table`, None without the students' weights; curve: see `unseen`;
    on_device: sentences on size and on int8, see `device`; notes: sentences on options of the training
    """

    people: pd.DataFrame  # subject, seed, student, scratch, gain
    about: dict
    whole: pd.DataFrame | None
    unseen: Unseen
    curve: pd.DataFrame
    on_device: str
    notes: tuple[str, ...] = ()


def headline(people: pd.DataFrame) -> str:
    """One sentence: accuracy on new people and its spread; the gain, mean over folds, with its interval."""
    by_person = people.groupby("subject")["student"].mean()
    by_fold = people.groupby("fold")["gain"].mean()
    low, high = interval(by_fold.to_numpy())
    spread = f" (sd {100 * by_person.std(ddof=1):.1f})" if len(by_person) > 1 else ""
    gain = f"{100 * by_fold.mean():+.1f} points against the same network without teachers"
    certain = f", 95 % interval {bounds(100 * low, 100 * high)}" if len(by_fold) > 2 else ""
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


def recorded(quality: Sequence[dict[str, str]]) -> str:
    """A section on the quality of each file, as HTML; nothing without files of one's own."""
    if not quality:
        return ""
    table = pd.DataFrame(list(quality)).to_html(border=0, index=False, na_rep="")
    return f"<h2>What it was made of</h2><p>{QUALITY}</p><div class='wide'>{table}</div>"


def page(outcome: Outcome, title: str, quality: Sequence[dict[str, str]] = ()) -> str:
    """The report as one HTML page without external files; quality: a row for each file, see `quality.words`."""
    classes, unseen = tuple(outcome.about["classes"]), outcome.unseen
    logits = np.log(np.maximum(unseen.p, 1e-30))
    drawn = {
        "Which classes are confused": figures.confusion({"student": metrics.confusion(logits, unseen.y)}, classes),
        "Is its confidence to be trusted": figures.reliability({"student": metrics.reliability(unseen.p, unseen.y)}),
    }
    by_person = outcome.people.groupby("subject")[["student", "scratch", "gain"]].mean()
    table = (100 * by_person).round(1).rename_axis("person").reset_index().to_html(border=0, index=False)
    pictures = "".join(f"<h2>{title}</h2><img alt='{title}' src='{_inline(fig)}'>" for title, fig in drawn.items())
    limits = rejection.by_person(unseen.p, unseen.y, unseen.person)
    about = outcome.about
    cost = (
        f"{about['network']}: {about['parameters']:,} parameters, {about['multiply_adds']:,} multiply-adds for a "
        f"window of {about['window'] / about['rate']:g} s; {len(about['channels'])} channels at {about['rate']:g} Hz. "
        f"The file student.onnx has {about['onnx_bytes'] / 1000:.0f} kB."
    )
    return PAGE.format(
        title=f"A student for {html.escape(title)}",
        headline=headline(outcome.people),
        notes=html.escape(" ".join(outcome.notes)),
        in_practice=html.escape(in_practice(outcome.whole)).replace("`mixkd predict`", "<code>mixkd predict</code>"),
        whole=whole_table(outcome.whole),
        table=table,
        worst=html.escape(worst(outcome.people)),
        classes=_percent(scores.by_class(unseen.p, unseen.y, classes), "windows"),
        unknown=html.escape(thresholds(outcome.about, outcome.unseen)),
        limits=_percent(limits, "size") if len(limits) else "",
        smoothing=html.escape(smoothing(outcome.about, outcome.whole)),
        curve=html.escape(more_people(outcome.curve)),
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
        headline=" ".join([headline(outcome.people), *outcome.notes]),
        in_practice=in_practice(outcome.whole),
        channels=channels,
        rate=about["rate"],
        window=about["window"],
        classes=", ".join(about["classes"]),
        unknown=thresholds(outcome.about, outcome.unseen),
        smoothing=smoothing(outcome.about, outcome.whole),
        on_device=outcome.on_device,
        warning=WARNING,
    )


def worst(people: pd.DataFrame) -> str:
    """Sentence on the person whom the student labels worst."""
    by_person = people.groupby("subject")["student"].mean()
    return f"The worst is {by_person.idxmin()}, with {100 * by_person.min():.1f} % right."


def thresholds(about: dict, unseen: Unseen) -> str:
    """Sentences on the thresholds of `unknown` and of sets: what they are, and what held-out people say of them."""
    limits = about["unknown"]
    by_person = rejection.by_person(unseen.p, unseen.y, unseen.person)
    stated = (
        f"A window is called unknown if its {limits['quantity'].split(' of ')[0]} is below {limits['threshold']:.3f}; "
        f"the threshold is chosen so that about {100 * limits['share']:g} % of the windows lose their label. The list "
        f"of likely labels has every class with a probability of at least {limits['set_threshold']:.3f}; it is meant "
        f"to contain the true label in {100 * (1 - limits['set_alpha']):g} % of cases. Both thresholds come from "
        f"{limits['windows']:,} windows of one activity of held-out people."
    )
    if not len(by_person):
        return stated
    mean, low = by_person.mean(numeric_only=True), by_person.min(numeric_only=True)
    return (
        f"{stated} Tested on people not used for the thresholds: {100 * mean['unknown']:.1f} % of the windows are "
        f"unknown; {100 * mean['accuracy with a label']:.1f} % of the others are right (of all windows, "
        f"{100 * mean['accuracy']:.1f} %); the list has {mean['size']:.2f} labels on average and contains the true one "
        f"for {100 * mean['covered']:.1f} % of the windows (worst person: {100 * low['covered']:.1f} %)."
    )


def smoothing(about: dict, whole: pd.DataFrame | None) -> str:
    """Sentence on smoothing by a hidden Markov model: its gain on people who did not train."""
    if "smoothing" not in about:
        return (
            "Labels are not smoothed: these recordings hold one activity each, so how activities change is not known."
        )
    if whole is None or SMOOTHED not in set(whole["labels by"]):
        return "How much smoothing helps was not measured."
    rows = whole.set_index("labels by")["all"]
    gain = 100 * (rows[SMOOTHED] - rows["student"])
    return (
        "`mixkd predict` also writes labels smoothed by a hidden Markov model of the changes in the training "
        f"recordings: on whole recordings of held-out people {gain:+.1f} points."
    )


def more_people(curve: pd.DataFrame) -> str:
    """Sentence on whether more training people would help, from a forest trained on fewer of them."""
    if len(curve) < 2:
        return "Whether more people would help cannot be said from so few."
    shown = ", ".join(f"{100 * a:.1f} % with {n:.0f}" for n, a in curve[["people", "accuracy"]].itertuples(index=False))
    gain = 100 * (curve["accuracy"].iloc[-1] - curve["accuracy"].iloc[-2])
    verdict = "more people can be expected to help" if gain > 1 else "more people of this kind may not help much"
    return (
        f"A random forest is right on {shown} training people, on the same held-out people: the last doubling gave "
        f"{gain:+.1f} points, so {verdict}."
    )


def _percent(table: pd.DataFrame, *counts: str) -> str:
    """A table of shares as HTML, in percent; `counts` stay as they are."""
    numbers = [name for name in table.columns[1:] if name not in counts]
    return table.assign(**(100 * table[numbers]).round(1)).round(2).to_html(border=0, index=False, na_rep="")


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
<p>{notes}</p>
<h2>On whole recordings</h2>
<p>{in_practice}</p>
<div class="wide">{whole}</div>
<p>Percent of the windows, half a window apart, of people who did not train; a window of several activities is right
with the one that holds most of it, and <i>unknown</i> (far outside the training people's ranges) is wrong. Forest and
majority class know the same training people: a student that does not beat them is not worth its training.</p>
<h2>Person by person</h2>
<p>Accuracy in percent on windows with one activity, and the gain in points.</p>
<div class="wide">{table}</div>
<p>{worst} {curve}</p>
<h2>Class by class</h2>
<p>Percent, on windows with one activity of held-out people: precision (of the windows labelled so), recall (of those
that are so) and F1.</p>
<div class="wide">{classes}</div>
<h2>Windows without a label, sets of labels</h2>
<p>{unknown}</p>
<div class="wide">{limits}</div>
<h2>Labels in a row</h2>
<p>{smoothing}</p>
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
- **thresholds**: {unknown}
- **smoothing**: {smoothing}
- **files**: `student.onnx` (input `windows`, output `logits`), the same in int8 (`student.int8.onnx`),
  `student.safetensors`, `student.json`
- **use**: `mixkd predict . recording.csv`
- **on a device**: {on_device} `mixkd export . --to c` writes it as a C99 header, `--to js` as a script for a page.

{warning}
"""

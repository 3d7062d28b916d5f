"""Claim cards: a page per claim, an index of them, and an archive of what a verdict was computed from."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from mixkd import studies
from mixkd.analysis import outcomes
from mixkd.analysis.claims import CLAIMS, Claim, Part
from mixkd.analysis.decisions import Decided
from mixkd.analysis.inference import bounds
from mixkd.analysis.measures import MEASURES, whom
from mixkd.book import drawings
from mixkd.figures import claims as figures
from mixkd.figures import svg
from mixkd.runs.provenance import git_state, versions
from mixkd.runs.store import RunRecord

FOLDER = "claims"
CLAIMED = {
    "above": "above zero",
    "below": "below zero",
    "differs": "different from zero",
    "not_above": "not above the margin",
}
MEANING = (
    ("supported", "what is claimed holds, after correction over the twelve claims"),
    ("opposite", "there is an effect in the other direction, and it may be a margin or more"),
    ("no relevant effect", "an effect as claimed, of the margin or more, is excluded for at least one part"),
    ("undecided", "the interval allows both; more people are needed"),
)
CASES = (
    "*T* stands for teacher, *S* for student, *Mix-* for mixup in the training of the one that it precedes; *T = 8* is "
    "a temperature ({doc}`../notebooks/05_mixup`, {doc}`../notebooks/07_smoothness`).\n\n"
)
RUN_NAMES = (
    "`student signal 16-1 <image 16-1m kd T=8 mixup 1/0.1` reads: a student, WRN16-1 on signals, taught by (`<`) a "
    "WRN16-1 on images that was trained with mixup (`m`), by distillation (`kd`) at temperature 8, with mixup of alpha "
    "1 on a share of 0.1 of each batch. `from` names the network that a student starts from."
)
EFFECT = "effect [95 % interval]"
OPEN = {"needs full": "open (an interval needs all people)"}  # verdicts that a sentence words otherwise
DATE = (1980, 1, 1, 0, 0, 0)  # of files in archives: equal contents make equal bytes


def write(stage: Path) -> None:
    """Index, pages, figures and archives of all claims into a staged book, and their names into its contents."""
    folder, downloads = stage / FOLDER, stage / "_static" / FOLDER
    folder.mkdir(parents=True)
    downloads.mkdir(parents=True)
    (folder / "index.md").write_text(index(), encoding="utf-8")
    for claim in CLAIMS:
        (folder / f"{claim.name}.md").write_text(page(claim), encoding="utf-8")
        drawn = svg.bundle(figures.forest(claim.name, outcomes.published().each))
        for ending, kind in {".svg": "image/svg+xml", drawings.BESIDE: svg.NARROW}.items():
            if kind in drawn:
                (folder / f"{claim.name}{ending}").write_text(drawn[kind], encoding="utf-8")
        (downloads / f"{claim.name}.zip").write_bytes(archive(claim))
    toc = (stage / "_toc.yml").read_text(encoding="utf-8")
    pages = "".join(f"          - file: {FOLDER}/{claim.name}\n" for claim in CLAIMS)
    before = "      - file: book/what_to_do\n"
    entry = f"{before}      - file: {FOLDER}/index\n        sections:\n{pages}"
    (stage / "_toc.yml").write_text(toc.replace(before, entry, 1), encoding="utf-8")


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    return f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>'


def number(row: dict[str, Any]) -> str:
    """An effect of a part in the unit of its metric; a dash where it is not defined."""
    measure = MEASURES[row["metric"]]
    return "–" if math.isnan(row["effect"]) else f"{measure.scale * row['effect']:+z.{measure.digits}f}"


def effect(row: dict[str, Any]) -> str:
    """An effect with its interval, where there is one, and unit."""
    measure = MEASURES[row["metric"]]
    unit = measure.unit.replace("points of accuracy", "points").removeprefix("sharpness, ")
    low, high = (measure.scale * row[end] for end in ("low", "high"))
    return " ".join(filter(None, (number(row), bounds(low, high, measure.digits), unit)))


def index() -> str:
    """The index of all claims, with the verdict on each data set and on average."""
    done = outcomes.published()
    names = list(done.each.claims["dataset"].unique())
    head = ["claim", "says", *names, "on average", "size, on average"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for claim in CLAIMS:
        rows = done.rows(claim.name)
        verdicts = rows.drop_duplicates("dataset")["verdict"]
        first = rows[rows["dataset"] == rows["dataset"].iloc[-1]].iloc[0].to_dict()
        cells = [f"[{claim.name}]({claim.name}.md)", claim.title, *map(badge, verdicts), effect(first)]
        lines.append(f"| {' | '.join(cells)} |")
    meaning = "\n".join(f"{badge(word)}\n: {text}\n" for word, text in MEANING)
    return (
        "# Claims, a card each\n\nTwelve claims of the paper and its predecessors, written down before the first "
        "full campaign. Each has a page with its source, contrast, effects, and what they were computed from.\n\n"
        + ":::{container} claims-index scrolls\n"
        + "\n".join(lines)
        + f"\n:::\n\nThe effect of a claim with two parts is that of its first.\n\n{meaning}\n"
        "{doc}`../notebooks/11_claims` explains margins, intervals and the correction; {doc}`../book/what_to_do` "
        "says what follows.\n"
    )


def page(claim: Claim) -> str:
    """The card of a claim."""
    done = outcomes.published()
    rows = done.rows(claim.name)
    names = list(rows["dataset"].unique())
    verdicts = rows.drop_duplicates("dataset").set_index("dataset")["verdict"]
    average = rows[rows["dataset"] == names[-1]].to_dict("records")
    badges = "; ".join(f"{'on average' if n == names[-1] else n}: {badge(verdicts[n])}" for n in names)
    cases = CASES if any("Mix-" in part.text for part in claim.parts) else ""
    of_part = [(part, rows[rows["part"] == part.text].to_dict("records")) for part in claim.parts]
    parts = "\n\n".join(f"{formula(part)}\n\n{_effects(own, names)}" for part, own in of_part)
    people = _more_people(done.needed_people(claim.name)) if verdicts[names[-1]] == "undecided" else ""
    link = f'<a href="../_static/{FOLDER}/{claim.name}.zip" download>{claim.name}.zip</a>'
    return f"""# {claim.name}: {claim.title}

{badges}

> {claim.statement}

{sentence(average, f"**{verdicts[names[-1]]}**")}

{cases}Source
: {claim.sources}

What is tested
: The differences below are tested; the wording of the claim may say more.

{parts}

How to read names of runs
: {RUN_NAMES}

A data set with one or two seeds has few degrees of freedom, so its own interval can be wider than that of the average.

```{{image}} {claim.name}.svg
:alt: {claim.name}, {claim.title}. {_plain(average)}
:class: dark-light
```

*A dot per held-out {whom(*(part.metric for part in claim.parts))}; the mean with its interval; the margin (shaded). \
Colour: verdict of the whole claim. Points are points of accuracy.*

{people}Download
: {link}: records (CSV and Parquet), differences by person, code version, outcome.

Recompute
: `mixkd claim {claim.name}`

{{doc}}`index` lists all claims; {{doc}}`../notebooks/11_claims` tests them together.
"""


def _more_people(number: str) -> str:
    groups = number.replace(" per data set", " test groups per data set (on `watch` a group is one person)")
    chance = f"{100 * outcomes.ENOUGH:.0f} %"
    text = f"If there is no effect, it takes {groups}, to show with a chance of {chance} that it is smaller than the"
    return f"People needed\n: {text} margin.\n\n"


def _effects(rows: list[dict[str, Any]], names: list[str]) -> str:
    lines = [f"| on | people | {EFFECT} |", "|---|---|---|"]
    for row in rows:
        people = f"{row['people']}" + (f" in {row['n']} groups" if row["n"] < row["people"] else "")
        on = "average" if row["dataset"] == names[-1] else row["dataset"]
        lines.append(f"| {on} | {people} | {effect(row)} |")
    return "\n".join(lines)


def _plain(average: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['part']}: {effect(row)} on average over data sets" for row in average)


def sentence(average: list[dict[str, Any]], verdict: str) -> str:
    """What came out, of the parts on average and the verdict."""
    parts = "; ".join(f"{row['part']}: {effect(row)}, claimed {CLAIMED[row['direction']]}" for row in average)
    return f"Averaged over the data sets the verdict is {verdict}. {parts[0].upper()}{parts[1:]}."


def sentences(average: Decided) -> dict[str, str]:
    """`sentence` of each claim, of claims averaged over data sets, by name: h1, h2, ..."""
    verdicts = average.claims.set_index("claim")["verdict"].replace(OPEN)
    rows = {str(name): own.to_dict("records") for name, own in average.parts.groupby("claim", sort=False)}
    return {name.lower(): sentence(own, verdicts[name]) for name, own in rows.items()}


def accurate(average: Decided) -> dict[str, str]:
    """Whether students are more accurate with mixup (a word), by how much, and by how much with a second teacher.

    Of claims averaged over data sets, H1 and H8; the second with its verdict.
    """
    verdicts = average.claims.set_index("claim")["verdict"].replace("needs full", "open")
    rows = average.parts.drop_duplicates("claim").set_index("claim").to_dict("index")
    words = {"supported": "Yes", "no relevant effect": "No", "opposite": "No"}
    return {
        "more_accurate": words.get(verdicts["H1"], verdicts["H1"].capitalize()),
        "by_mixup": effect(rows["H1"]),
        "by_second": f"{effect(rows['H8'])} ({verdicts['H8']})",
    }


def table(decided: Decided) -> pd.DataFrame:
    """A row per part of a claim and data set, for reading: effect with interval and unit, what was claimed, verdict."""
    verdicts = decided.claims.set_index(["dataset", "claim"])["verdict"].replace(OPEN)
    rows = [
        {
            "data set": row["dataset"],
            "claim": row["claim"],
            "part": row["part"],
            EFFECT: effect(row),
            "claimed": CLAIMED[row["direction"]],
            "verdict of the claim": verdicts[row["dataset"], row["claim"]],
        }
        for row in decided.parts.to_dict("records")
    ]
    return pd.DataFrame(rows)


def formula(part: Part) -> str:
    """A contrast as a formula over runs, with the names of the runs."""
    base = next(iter(studies.bases(studies.Scope("watch", "full"))))
    terms, lines = "", []
    for i, (weight, make) in enumerate(part.terms, 1):
        size = abs(weight)
        factor = "" if size == 1 else rf"\tfrac{{1}}{{{round(1 / size)}}} " if size < 1 else f"{size:g} "
        sign = "-" if weight < 0 else "+" if i > 1 else ""
        terms += f" {sign} {factor}m_{{{i}}}"
        run = make(base).name.removeprefix(f"{base.dataset} fold {base.fold} seed {base.seed} ")
        lines.append(f"- $m_{{{i}}}$: `{run}`")
    about = f"*{part.text}*: $m_i$ is the `{part.metric}` of run $i$, per {whom(part.metric)}, averaged over seeds."
    return "\n".join([about, "", f"$$\\Delta = {terms.strip()}$$", "", *lines])


def runs(claim: Claim) -> list[RunRecord]:
    """The records that a claim compares, on all data sets."""
    records = outcomes.published().records
    specs = [
        (make(base), lookup)
        for bases, lookup, _ in records
        for base in bases
        for part in claim.parts
        for _, make in part.terms
    ]
    return [record for spec, lookup in dict(specs).items() if (record := lookup(spec))]


def outcome(claim: Claim) -> dict[str, Any]:
    """The outcome of a claim as data: code version, verdicts and effects."""
    done = outcomes.published()
    rows = done.rows(claim.name)
    columns = ["dataset", "part", "metric", "direction", "margin", "effect", "low", "high", "n", "people", "verdict"]
    about = {"claim": claim.name, "title": claim.title, "statement": claim.statement, "source": claim.source}
    return about | {"code": git_state(), "versions": versions(), "parts": rows[columns].to_dict("records")}


def archive(claim: Claim) -> bytes:
    """A zip of records (CSV and Parquet), differences by person, and the outcome."""
    contrasts = outcomes.published().each.contrasts
    own = {key: series for key, series in contrasts.items() if key[1] == claim.name}
    by_person = pd.concat({(d, p): series for (d, _, p), series in own.items()}, names=["dataset", "part"])
    table = pd.DataFrame(
        {
            "dataset": r.spec.dataset,
            "fold": r.spec.fold,
            "seed": r.spec.seed,
            "run": r.spec.hash,
            "name": r.spec.name,
            "spec": json.dumps(r.spec.as_dict(), sort_keys=True),
            **r.metrics(),
        }
        for r in runs(claim)
    )
    parquet = io.BytesIO()
    table.to_parquet(parquet, index=False)
    files = {
        "outcome.json": json.dumps(outcome(claim), indent=1).encode(),
        "runs.csv": table.to_csv(index=False).encode(),
        "runs.parquet": parquet.getvalue(),
        "differences.csv": by_person.rename("difference").reset_index().to_csv(index=False).encode(),
        "README.txt": f"{claim.name}: {claim.title}\n\nComputed by: mixkd claim {claim.name}\n".encode(),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, raw in files.items():
            packed.writestr(zipfile.ZipInfo(f"{claim.name}/{name}", DATE), raw, zipfile.ZIP_DEFLATED)
    return content.getvalue()

"""Tests of the claims: paired by subject, seeds averaged first; t interval, exact sign-flip p, Holm over the claims.

*Supported*: interval and adjusted p in the claimed direction. *Contradicted*: the same for the opposite, or the whole
interval inside the margin, around zero or on its wrong side. Otherwise *undecided*. A claim of several parts needs
every part. Subjects of one fold are tested on the same networks, so together they are one unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from mixkd import studies
from mixkd.analysis.claims import CLAIMS, Claim, Part, specs
from mixkd.analysis.inference import LEVEL, detectable, holm, interval, sign_flip
from mixkd.analysis.measures import MEASURES, measure
from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.runs import sweep
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope

CAMPAIGNS = ("watch", "selfback")  # data sets whose runs for claims and effects are published

Lookup = Callable[[RunSpec], RunRecord | None]


def required(lookup: Lookup, spec: RunSpec) -> RunRecord:
    """The record of a run that a comparison needs. Raises MixkdError where it is missing."""
    if (record := lookup(spec)) is None:
        raise MixkdError(f"claims: run {spec.name} ({spec.hash}) is missing; train it with `mixkd sweep`")
    return record


def by_seed(part: Part, bases: Sequence[RunSpec], lookup: Lookup) -> pd.Series:
    """The part's contrast by fold, seed and held-out subject. `unpaired` subjects are left out.

    A metric measured on all subjects of a fold together has one row; a metric that is undefined (V-scores of classes
    without windows) has none. Raises MixkdError for a missing run.
    """

    rows, unpaired = [], {str(subject) for subject in dataset(bases[0].dataset).unpaired}
    for base in bases:
        plain = [required(lookup, other) for other in bases if other.fold == base.fold]
        confusion = np.sum([record.probes["validation_confusion"] for record in plain], axis=0)
        terms = [weight * measure(required(lookup, make(base)), part.metric, confusion) for weight, make in part.terms]
        differences = sum(terms[1:], terms[0])
        differences = differences[[not set(names.split("+")) <= unpaired for names in differences.index]]
        rows.append(pd.concat({(base.fold, base.seed): differences}, names=["fold", "seed", "subject"]))
    together = pd.concat(rows)
    if not np.isfinite(together).all():
        raise MixkdError(f"claims: {part.text}: found a {part.metric} that is not finite")
    return together


def contrast(part: Part, bases: Sequence[RunSpec], lookup: Lookup) -> pd.Series:
    """The part's contrast by fold and held-out subject, seeds averaged; see `by_seed`."""
    return by_seed(part, bases, lookup).groupby(level=["fold", "subject"], sort=False).mean()


def units(differences: pd.Series) -> np.ndarray:
    """A contrast by fold, (n,): subjects of a fold are tested on the same networks, so they are not independent."""
    return differences.groupby(level="fold", sort=False).mean().to_numpy()


def n_people(differences: pd.Series) -> int:
    """Number of distinct subjects in a contrast."""
    return sum(names.count("+") + 1 for names in differences.index.get_level_values("subject"))


def judge(part: Part, differences: np.ndarray, level: float = LEVEL) -> dict[str, object]:
    """Effect, interval, p, uncorrected verdict and `detectable`, of differences by unit (n,).

    `says`: for, against, equal (around zero and inside the margin) or open. `inside`: whether the interval is inside
    the margin.
    """
    margin, (low, high) = MEASURES[part.metric].margin, interval(differences)
    around = margin if part.direction == "not_above" else 0.0
    inside = part.direction != "not_above" and bool(-margin < low and high < margin)
    side = "below" if high < around else "above" if low > around else "equal" if inside else "open"
    names = {"below": "against", "above": "for"}
    if part.direction in ("below", "not_above"):
        names = {"below": "for", "above": "against"}
    elif part.direction == "differs":
        names = {"below": "for", "above": "for"}
    return {
        "effect": float(differences.mean()) if len(differences) else math.nan,
        "low": low,
        "high": high,
        "n": len(differences),
        "p": sign_flip(differences - around),
        "margin": margin,
        "detectable": detectable(differences, level),
        "says": names.get(side, side),
        "inside": inside,
    }


@dataclass(frozen=True)
class Tested:
    """claims: a row per data set and claim, with the verdict; parts: a row per part.

    contrasts: by (dataset, claim, part), per fold and subject.
    """

    claims: pd.DataFrame
    parts: pd.DataFrame
    contrasts: dict[tuple[str, str, str], pd.Series]


def assess(
    bases: Sequence[RunSpec],
    lookup: Lookup,
    final: bool = True,
    claims: Sequence[Claim] = CLAIMS,
    *,
    by_person: bool = False,
) -> Tested:
    """Test the claims on the plain students `bases` and the runs made from them.

    `final` False (profiles of few people): effects only, no interval, p or verdict. `by_person`: treats people who are
    tested on the same networks as independent.
    """
    rows, contrasts, dataset = [], {}, bases[0].dataset
    for claim in claims:
        for part in claim.parts:
            effects = contrasts[dataset, claim.name, part.text] = contrast(part, bases, lookup)
            about = {"dataset": dataset, "claim": claim.name, "part": part.text}
            about |= {"metric": part.metric, "direction": part.direction}
            judged = judge(part, effects.to_numpy() if by_person else units(effects), LEVEL / len(claims))
            rows.append(about | judged | {"people": n_people(effects)})
    parts = pd.DataFrame(rows)
    verdicts = _verdicts(parts, claims)
    if not final:
        parts = parts.assign(low=np.nan, high=np.nan, p=np.nan, detectable=np.nan, says="")
        verdicts = verdicts.assign(p=np.nan, adjusted=np.nan, verdict="needs full")
    return Tested(verdicts, parts, contrasts)


def _verdicts(parts: pd.DataFrame, claims: Sequence[Claim]) -> pd.DataFrame:
    """All parts must speak for a claim, so the largest p counts; any one may speak against it, so Bonferroni there."""
    rows = []
    for claim in claims:
        own = parts[parts["claim"] == claim.name]
        against = own[own["says"] == "against"]
        p = min(1.0, against["p"].min() * len(own)) if len(against) else own["p"].max()
        rows.append(
            {"claim": claim.name, "title": claim.title, "statement": claim.statement, "source": claim.source, "p": p}
        )
    table = pd.DataFrame(rows)
    table.insert(0, "dataset", parts["dataset"].iloc[0])
    table["adjusted"] = holm(table["p"].to_list())
    table["verdict"] = [
        _verdict(parts[parts["claim"] == name], adjusted < LEVEL)
        for name, adjusted in zip(table["claim"], table["adjusted"], strict=True)
    ]
    return table


def _verdict(parts: pd.DataFrame, clear: bool) -> str:
    """Of a claim's parts; `clear`: its adjusted p is below the level."""
    against = parts["says"] == "against"
    if clear and (parts["says"] == "for").all():
        return "supported"
    negligible = (parts["says"] == "equal") | (against & parts["inside"])
    return "contradicted" if negligible.any() or (clear and against.any()) else "undecided"


def collect(
    scope: Scope, runs: Callable[[Sequence[RunSpec]], list[RunSpec]] = specs
) -> tuple[list[RunSpec], Lookup, bool]:
    """Bases, lookup and `final` for `assess` and its like.

    Trains what is missing, but not for `full`: a page that needs days of training names the first missing run instead.
    """
    bases = list(studies.bases(scope))
    if not scope.full:
        sweep.run(runs(bases))
    return bases, cache(studies.store_of(scope).find), scope.full


def campaigns(scope: Scope) -> list[Scope]:
    """A scope and, of `full`, the same on the other data sets whose campaigns are published."""
    others = CAMPAIGNS if scope.full else ()
    return [replace(scope, dataset=name) for name in dict.fromkeys([scope.dataset, *others])]


def everywhere(
    scope: Scope, runs: Callable[[Sequence[RunSpec]], list[RunSpec]] = specs
) -> list[tuple[list[RunSpec], Lookup, bool]]:
    """`collect` of each of the `campaigns`."""
    return [collect(one, runs) for one in campaigns(scope)]


def join(tested: Sequence[Tested]) -> Tested:
    """Concatenate tests of the same claims on several data sets; p values are corrected per data set."""
    contrasts = {key: effects for one in tested for key, effects in one.contrasts.items()}
    verdicts, parts = (
        pd.concat([getattr(one, table) for one in tested], ignore_index=True) for table in ("claims", "parts")
    )
    return Tested(verdicts, parts, contrasts)


def outcome(tested: Tested, final: bool) -> str:
    """Verdicts of all claims as text, for the end of a sentence."""
    if not final:
        return "none is decided here: few people and one seed give points, the full profile gives verdicts"
    return "; ".join(f"on {name} {_sentence(own)}" for name, own in tested.claims.groupby("dataset", sort=False))


def _sentence(claims: pd.DataFrame) -> str:
    """The verdicts on one data set, as prose: which, and of the undecided how many."""
    named = {v: claims["claim"][claims["verdict"] == v].to_list() for v in ("supported", "contradicted")}
    clauses = [f"{' and '.join(names) or 'none'} {verdict}" for verdict, names in named.items()]
    return ", ".join([*clauses, f"{len(claims) - sum(map(len, named.values()))} undecided"])


SENSITIVITY = {
    "macro_f1": 1.0,
    "nll": -1.0,
    "accuracy_best_validation": 1.0,
}  # instead of accuracy; -1: lower is better


def sensitivity(
    bases: Sequence[RunSpec], lookup: Lookup, final: bool = True, claims: Sequence[Claim] = CLAIMS
) -> pd.DataFrame:
    """Verdict per claim (row) as claimed, and with another metric or epoch in place of accuracy (columns).

    If subjects are tested in groups, also with people who share their networks treated as independent.
    """
    tested = assess(bases, lookup, final, claims).claims.set_index("claim")
    result = tested[["dataset", "verdict"]].rename(columns={"verdict": "as_claimed"})
    about_accuracy = [claim for claim in claims if any(part.metric == "accuracy" for part in claim.parts)]
    for metric, sign in SENSITIVITY.items():
        changed = [
            replace(claim, parts=tuple(_instead(part, metric, sign) for part in claim.parts)) for claim in claims
        ]
        verdict = assess(bases, lookup, final, changed).claims.set_index("claim")["verdict"]
        result[metric] = verdict.loc[[claim.name for claim in about_accuracy]]
    if any(len(record.probes["subjects"]) > 1 for record in map(lookup, bases) if record):
        alone = assess(bases, lookup, final, claims, by_person=True).claims
        result["by_person"] = alone.set_index("claim")["verdict"]
    return result.fillna("")


def _instead(part: Part, metric: str, sign: float) -> Part:
    if part.metric != "accuracy":
        return part
    return replace(part, metric=metric, terms=tuple((sign * weight, make) for weight, make in part.terms))

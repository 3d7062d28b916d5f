"""The second round of claims: which data sets decide it so far, how far its campaign is, curves of corruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from mixkd import studies
from mixkd.analysis import decisions
from mixkd.analysis.claims import MIX, scratch, specs
from mixkd.analysis.contrasts import Found, collect, required, whole_seeds
from mixkd.analysis.decisions import Decided
from mixkd.analysis.round_two import DECLARED, ROUND_TWO, TESTED_ON
from mixkd.learning.corruptions import CORRUPTIONS


def deciding(scope: studies.Scope) -> list[Found]:
    """What decides these claims: of `full`, the data sets they are tested on, as far as whole seeds of them are there.

    Of other profiles, the data set of the scope with its few people; missing runs are trained.
    """
    if not scope.full:
        return [collect(scope, lambda bases: specs(bases, ROUND_TWO))]
    sets = [replace(scope, dataset=name) for name in TESTED_ON]
    return [one for own in sets for one in whole_seeds(own, lambda bases: specs(bases, ROUND_TWO))]


def progress(scope: studies.Scope) -> pd.DataFrame:
    """Per data set that a scope tests on: runs of these claims, how many are there, and when the first one finished."""
    rows = []
    for name in TESTED_ON if scope.full else (scope.dataset,):
        one = replace(scope, dataset=name)
        runs = specs(studies.bases(one), ROUND_TWO)
        records = list(filter(None, map(studies.store_of(one).find, runs)))
        times = [time for record in records if (time := record.provenance.get("finished"))]
        first = min(times, default="")[:16].replace("T", " ") or ("not recorded" if records else "none yet")
        rows.append((name, len(runs), len(records), first))
    return pd.DataFrame(rows, columns=["dataset", "runs", "there", "first finished, UTC"]).set_index("dataset")


def curves(of: Sequence[Found]) -> pd.DataFrame:
    """Accuracy of students without a teacher by kind and severity of corruption, that of clean windows included.

    A row per run and severity; columns dataset, fold, kind, severity, case, accuracy.
    """
    rows = []
    for bases, lookup, _ in of:
        for case, make in (("S", scratch()), ("Mix-S", scratch(mixup=MIX))):
            for record in (required(lookup, make(base)) for base in bases):
                for kind in (kind for kind in CORRUPTIONS if kind in record.probes["curves"]):
                    severities = (CORRUPTIONS[kind].clean, *CORRUPTIONS[kind].severities)
                    accuracies = (record.metrics()["accuracy"], *record.probes["curves"][kind])
                    for severity, accuracy in zip(severities, accuracies, strict=True):
                        rows.append((bases[0].dataset, record.spec.fold, kind, severity, case, accuracy))
    return pd.DataFrame(rows, columns=["dataset", "fold", "kind", "severity", "case", "accuracy"])


def answers(scope: studies.Scope, decided: Decided, corrupted: pd.DataFrame) -> dict[str, float | str]:
    """What the text of the page names: its first sentence, the commit of the claims, the data sets that test them.

    corrupted: `curves`; of their highest severities, where mixup changes accuracy most.
    """
    about: dict[str, float | str] = {
        "answer": answer(scope, decided),
        "declared": DECLARED,
        "tested_on": " and ".join(TESTED_ON),
    }
    if corrupted.empty:
        return about | {"worst_kind": "none", "worst_set": "no data set", "worst": 0.0}
    highest = corrupted["severity"] == corrupted.groupby(["dataset", "kind"])["severity"].transform("max")
    means = corrupted[highest].groupby(["dataset", "kind", "case"])["accuracy"].mean().unstack("case")
    change = 100 * (means["Mix-S"] - means["S"])
    name, kind = tuple(change.abs().idxmax())
    return about | {"worst_kind": str(kind), "worst_set": str(name), "worst": float(change[name, kind])}


def answer(scope: studies.Scope, decided: Decided) -> str:
    """What the page says first: the verdicts, and how far the campaign is."""
    if decided.claims.empty:
        return "Nothing is decided yet: no data set has all runs of one seed."
    if not scope.full:
        return "Nothing is decided here: this build has few people and one seed; verdicts need all people."
    table = progress(scope)
    there, runs = int(table["there"].sum()), int(table["runs"].sum())
    after = "" if there == runs else f", after {there} of {runs} runs"
    return f"Over {decided.claims['dataset'].iloc[0]}{after}, {decisions.outcome(decided)}."

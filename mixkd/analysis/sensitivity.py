"""Would other choices have said otherwise? Every claim under another metric, unit, seed, data set and margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mixkd.analysis import decisions
from mixkd.analysis.claims import CLAIMS, Claim, Part
from mixkd.analysis.contrasts import Found
from mixkd.analysis.decisions import Differences

METRICS = {  # in place of accuracy; -1: lower is better
    "macro F1": ("macro_f1", 1.0),
    "NLL": ("nll", -1.0),
    "epoch best on validation people": ("accuracy_best_validation", 1.0),
}
MARGINS = {"half the margin": 0.5, "twice the margin": 2.0}
AS_DECIDED = "as decided"
STILL_OPEN = {"", "undecided", "needs full"}


@dataclass(frozen=True)
class Choice:
    """One way to decide all claims; those that it does not change are left out of `changes` (None: it changes all)."""

    name: str
    differences: Differences
    claims: Sequence[Claim]
    margins: float = 1.0
    changes: frozenset[str] | None = None


def choices(found: Sequence[Found], claims: Sequence[Claim] = CLAIMS) -> Iterator[Choice]:
    """As decided, and each choice changed alone; of seeds, those that all data sets have."""
    base = decisions.decide(found, claims).differences
    yield Choice(AS_DECIDED, base, claims)
    on_accuracy = frozenset(claim.name for claim in claims if any(part.metric == "accuracy" for part in claim.parts))
    for name, (metric, sign) in METRICS.items():
        changed = [replace(c, parts=tuple(_instead(part, metric, sign) for part in c.parts)) for c in claims]
        yield Choice(name, decisions.decide(found, changed).differences, changed, changes=on_accuracy)
    yield Choice("people as units", decisions.decide(found, claims, by_person=True).differences, claims)
    seeds = [sorted({base.seed for base in bases}) for bases, _, _ in found]
    shared = [seed for seed in seeds[0] if all(seed in of_set for of_set in seeds)]
    for seed in shared if min(map(len, seeds)) > 1 else ():
        at = [of_set.index(seed) for of_set in seeds]
        alone = {k: [d[:, [i]] if len(d) else d for i, d in zip(at, sets, strict=True)] for k, sets in base.items()}
        yield Choice(f"seed {seed} alone", alone, claims)
    names = [bases[0].dataset for bases, _, _ in found]
    for i, name in enumerate(names) if len(names) > 1 else ():
        yield Choice(f"without {name}", {k: [*sets[:i], *sets[i + 1 :]] for k, sets in base.items()}, claims)
    for name, factor in MARGINS.items():
        yield Choice(name, base, claims, factor)


def table(found: Sequence[Found], claims: Sequence[Claim] = CLAIMS) -> pd.DataFrame:
    """A row per claim, part and choice: effect, low, high, in declared margins and positive as claimed; verdict.

    Without all people: effects only.
    """
    result, final = [], all(one[2] for one in found)
    for choice in choices(found, claims):
        judged, parts = decisions.judge(choice.differences, choice.claims, choice.margins)
        verdict = judged.set_index("claim")["verdict"]
        for row in parts.to_dict("records"):
            if choice.changes is not None and row["claim"] not in choice.changes:
                continue
            sign = -1.0 if row["direction"] in ("below", "not_above") else 1.0
            unit = sign * row["margin"] / choice.margins
            ends = np.sort([row["low"] / unit, row["high"] / unit])
            about = {"claim": row["claim"], "part": row["part"], "choice": choice.name}
            about |= {"effect": row["effect"] / unit, "low": ends[0], "high": ends[1]}
            result.append(about | {"verdict": verdict[row["claim"]]})
    of_all = pd.DataFrame(result)
    return of_all if final else of_all.assign(low=np.nan, high=np.nan, verdict="needs full")


def verdicts(of: pd.DataFrame) -> pd.DataFrame:
    """Of `table`: the verdict of each claim (row) under each choice (column), empty where it changes nothing."""
    first = of.drop_duplicates(["claim", "choice"])
    wide = first.pivot(index="claim", columns="choice", values="verdict")
    return wide.loc[first["claim"].unique(), first["choice"].unique()].fillna("")


def decided(of: pd.DataFrame, at_most: int = 4) -> pd.DataFrame:
    """The rows of the first claims that are decided; where none is, of the first claims."""
    as_decided = of[of["choice"] == AS_DECIDED]
    chosen = as_decided[~as_decided["verdict"].isin(STILL_OPEN)]
    claims = (chosen if len(chosen) else as_decided)["claim"].unique()[:at_most]
    return of[of["claim"].isin(claims)]


def answer(of: pd.DataFrame) -> dict[str, str]:
    """Which decided claims keep their verdict under every choice, and which get another than undecided under one.

    And which claims are undecided, and decided under some choice (`gained`).
    """
    wide = verdicts(of)
    others = {claim: set(wide.loc[claim]) - {"", wide.loc[claim, AS_DECIDED]} for claim in wide.index}
    clear = [claim for claim in wide.index if wide.loc[claim, AS_DECIDED] not in STILL_OPEN]
    groups = {
        "robust": [claim for claim in clear if not others[claim]],
        "turned": [claim for claim in clear if others[claim] - STILL_OPEN],
        "gained": [claim for claim in wide.index if claim not in clear and others[claim] - STILL_OPEN],
    }
    return {name: ", ".join(claims) or "none" for name, claims in groups.items()}


def _instead(part: Part, metric: str, sign: float) -> Part:
    if part.metric != "accuracy":
        return part
    return replace(part, metric=metric, terms=tuple((sign * weight, make) for weight, make in part.terms))

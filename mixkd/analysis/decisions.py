"""Claims decided over data sets: parts with their average effects, and one verdict for each claim.

The rules were written before the first run on `hapt` and `dsads`, after all results on `watch` and `selfback`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixkd.analysis import pooled
from mixkd.analysis.claims import CLAIMS, Claim, Part
from mixkd.analysis.inference import LEVEL
from mixkd.analysis.measures import MEASURES
from mixkd.analysis.verdicts import Lookup, by_seed
from mixkd.specs.run import RunSpec

Found = tuple[list[RunSpec], Lookup, bool]  # bases of a data set, how to find their runs, and whether it has all people
PEOPLE, SEEDS = (10, 20, 40, 80), (3, 10)  # folds of each data set, and seeds, for which power is stated


def declared(claims: Sequence[Claim]) -> pd.DataFrame:
    """A row per claim, by its name: title, contrasts, and what is claimed of them."""
    rows = [
        {
            "claim": claim.name,
            "title": claim.title,
            "contrast": "; ".join(part.text for part in claim.parts),
            "claimed": "; ".join(f"{part.metric} {part.direction.replace('_', ' ')}" for part in claim.parts),
        }
        for claim in claims
    ]
    return pd.DataFrame(rows).set_index("claim")


def differences(part: Part, bases: Sequence[RunSpec], lookup: Lookup) -> np.ndarray:
    """A part's contrast (n_folds, n_seeds), people of a fold averaged; folds in which it is undefined are left out."""
    cells = by_seed(part, bases, lookup).groupby(level=["fold", "seed"], sort=False).mean()
    return cells.unstack("seed").dropna().to_numpy()


@dataclass(frozen=True)
class Decided:
    """claims: a row per claim; parts: a row per part, with its average effect.

    differences: by (claim, part), of each data set (n_folds, n_seeds)
    """

    claims: pd.DataFrame
    parts: pd.DataFrame
    differences: dict[tuple[str, str], list[np.ndarray]]


def decide(found: Sequence[Found], claims: Sequence[Claim] = CLAIMS) -> Decided:
    """Claims over all data sets found. Without all people: effects only, no interval, p or verdict.

    parts: claim, part, metric, direction, margin, effect, low, high, n_sets; loss, inside, gain: the posterior of a
    loss of a margin or more, of less either way, and of a gain (of a flat prior); heterogeneity: p of Cochran's Q.
    """
    rows, odds, known = [], [], {}
    final = all(one[2] for one in found)
    for claim in claims:
        of_claim = []
        for part in claim.parts:
            sets = [differences(part, bases, lookup) for bases, lookup, _ in found]
            known[claim.name, part.text] = sets
            average, margin = pooled.average(sets), MEASURES[part.metric].margin
            low, high = average.interval
            of_claim.append(pooled.odds(average, part.direction, margin))
            toward = average.toward(part.direction)
            loss, gain = 1 - toward.beyond(-margin), toward.beyond(margin)
            rows.append(
                {"claim": claim.name, "part": part.text}
                | {"metric": part.metric, "direction": part.direction, "margin": margin}
                | {"effect": average.effect, "low": low, "high": high, "n_sets": len(sets)}
                | {"loss": loss, "inside": 1 - loss - gain, "gain": gain, "heterogeneity": pooled.heterogeneity(sets)}
            )
        odds.append(of_claim)
    verdicts = pooled.verdicts(odds)
    table = pd.DataFrame({"claim": [c.name for c in claims], "title": [c.title for c in claims]}).join(verdicts)
    parts = pd.DataFrame(rows)
    if not final:
        table = table.assign(effect=np.nan, excluded=np.nan, verdict="needs full")
        parts = parts.assign(**dict.fromkeys(("low", "high", "loss", "inside", "gain", "heterogeneity"), np.nan))
    names = " and ".join(bases[0].dataset for bases, _, _ in found)
    return Decided(table.assign(dataset=names), parts.assign(dataset=names), known)


def power(decided: Decided) -> pd.DataFrame:
    """Chance to exclude a gain of a margin that is not there, by part (row), people of each data set and seeds.

    At the strictest of Holm's levels.
    """
    level = LEVEL / len(decided.claims)
    rows = {
        (row["claim"], row["part"]): {
            (n, seeds): pooled.power(
                decided.differences[row["claim"], row["part"]], n, seeds, margin=row["margin"], level=level
            )
            for seeds in SEEDS
            for n in PEOPLE
        }
        for row in decided.parts.to_dict("records")
    }
    table = pd.DataFrame(rows).T
    table.columns.names = ["people", "seeds"]
    return table


WORDS = {
    "supported": "{names} supported",
    "opposite": "opposite of what is claimed: {names}",
    "no relevant effect": "a gain of a margin or more excluded: {names}",
}


def outcome(decided: Decided) -> str:
    """The verdicts in words, for the end of a sentence: how many claims are decided, and which way."""
    verdicts = decided.claims.set_index("claim")["verdict"]
    if (verdicts == "needs full").all():
        return "none is decided here: few people and one seed give points"
    named = {word: ", ".join(verdicts.index[verdicts == word]) for word in WORDS}
    clauses = [WORDS[word].format(names=names) for word, names in named.items() if names]
    n_decided = int((verdicts != "undecided").sum())
    return (
        f"{n_decided} of {len(verdicts)} are decided: {'; '.join(clauses)}"
        if clauses
        else f"none of {len(verdicts)} is decided"
    )

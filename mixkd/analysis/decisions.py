"""Claims decided over data sets: parts with their average effects, and one verdict for each claim.

The rules were written before the first run on `hapt` and `dsads`, after all results on `watch` and `selfback`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixkd.analysis import pooled
from mixkd.analysis.claims import CLAIMS, Claim, Direction, Part
from mixkd.analysis.contrasts import Found, by_seed, n_people, over_seeds
from mixkd.analysis.inference import LEVEL
from mixkd.analysis.measures import MEASURES

COLUMNS = {"claim": "name", "title": "title", "source": "source"}  # columns of decided claims, and their fields
Differences = dict[tuple[str, str], list[np.ndarray]]  # by claim and part, of each data set (n_folds, n_seeds)
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


@dataclass(frozen=True)
class Decided:
    """claims: a row per claim; parts: a row per part, with its effect; for a data set, or averaged over several.

    differences: by (claim, part), of each data set (n_folds, n_seeds); contrasts: by (dataset, claim, part), per fold
    and subject, seeds averaged
    """

    claims: pd.DataFrame
    parts: pd.DataFrame
    differences: Differences
    contrasts: dict[tuple[str, str, str], pd.Series]


NOTHING = Decided(
    pd.DataFrame(columns=[*COLUMNS, "effect", "excluded", "verdict", "dataset"]),
    pd.DataFrame(columns=["claim", "part", "effect", "low", "high", "loss", "inside", "gain", "n", "dataset"]),
    {},
    {},
)


def cells(differences: pd.Series, by_person: bool = False) -> np.ndarray:
    """`by_seed` as (n_folds, n_seeds), people of a fold averaged; folds in which it is undefined are left out.

    by_person: a row for each person instead, as if people who are tested on the same networks were independent.
    """
    rows = ["fold", "subject"] if by_person else ["fold"]
    return differences.groupby(level=[*rows, "seed"], sort=False).mean().unstack("seed").dropna().to_numpy()


def decide(found: Sequence[Found], claims: Sequence[Claim] = CLAIMS, *, by_person: bool = False) -> Decided:
    """Claims over all data sets found, or NOTHING. Without all people: effects only, no interval or verdict."""
    if not found:
        return NOTHING
    differences, contrasts = {}, {}
    for claim, part in parts_of(claims):
        sets = []
        for bases, lookup, _ in found:
            one = by_seed(part, bases, lookup)
            contrasts[bases[0].dataset, claim.name, part.text] = over_seeds(one)
            sets.append(cells(one, by_person))
        differences[claim.name, part.text] = sets
    table, parts = judge(differences, claims)
    names = [bases[0].dataset for bases, _, _ in found]
    people = [sum(n_people(contrasts[name, c.name, part.text]) for name in names) for c, part in parts_of(claims)]
    if not all(final for _, _, final in found):
        table = table.assign(effect=np.nan, excluded=np.nan, verdict="needs full")
        parts = parts.assign(**dict.fromkeys(("low", "high", "loss", "inside", "gain", "heterogeneity"), np.nan))
    over = " and ".join(names)
    return Decided(table.assign(dataset=over), parts.assign(dataset=over, people=people), differences, contrasts)


def parts_of(claims: Sequence[Claim]) -> list[tuple[Claim, Part]]:
    """Each part with its claim."""
    return [(claim, part) for claim in claims for part in claim.parts]


def judge(differences: Differences, claims: Sequence[Claim], margins: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Claims, a row each with its verdict, and parts, of differences (n_folds, n_seeds) of each data set.

    parts: claim, part, metric, direction, margin, effect, low, high, and n_sets and n (folds) that are in it; loss,
    inside, gain: the posterior of a loss of a margin or more, of less either way, and of a gain (of a flat prior);
    heterogeneity: p of Cochran's Q. margins: a factor of all margins.
    """
    rows, odds = [], []
    for claim in claims:
        of_claim = []
        for part in claim.parts:
            sets, margin = differences[claim.name, part.text], margins * MEASURES[part.metric].margin
            row, chances = summary(sets, part.direction, margin)
            of_claim.append(chances)
            about = {"claim": claim.name, "part": part.text, "metric": part.metric, "direction": part.direction}
            rows.append(about | {"margin": margin} | row | {"n_sets": len(sets), "n": sum(map(len, sets))})
        odds.append(of_claim)
    columns = {name: [getattr(claim, field) for claim in claims] for name, field in COLUMNS.items()}
    return pd.DataFrame(columns).join(pooled.verdicts(odds)), pd.DataFrame(rows)


def summary(sets: Sequence[np.ndarray], direction: Direction, margin: float) -> tuple[dict[str, float], pooled.Odds]:
    """Average effect with its interval and posterior, of differences (n_folds, n_seeds) of each data set; its p values.

    Undefined in all folds of a data set, it is NaN, and decides nothing.
    """
    if not all(map(len, sets)):
        names = ("effect", "low", "high", "loss", "inside", "gain", "heterogeneity")
        return dict.fromkeys(names, math.nan), pooled.Odds(1.0, 1.0, 1.0, 1.0)
    average = pooled.average(sets)
    (low, high), toward = average.interval, average.toward(direction)
    loss, gain = 1 - toward.beyond(-margin), toward.beyond(margin)
    row = {"effect": average.effect, "low": low, "high": high, "loss": loss, "inside": 1 - loss - gain, "gain": gain}
    return row | {"heterogeneity": pooled.heterogeneity(sets)}, pooled.odds(average, direction, margin)


def of_each(found: Sequence[Found], claims: Sequence[Claim] = CLAIMS) -> Decided:
    """Claims on each data set alone: the rows of all, one data set after the other."""
    alone = [decide([one], claims) for one in found]
    tables, parts = (
        pd.concat([getattr(one, name) for one in alone], ignore_index=True) for name in ("claims", "parts")
    )
    return Decided(tables, parts, {}, {key: value for one in alone for key, value in one.contrasts.items()})


def power(decided: Decided) -> pd.DataFrame:
    """Chance to exclude a gain of a margin that is not there, by part (row), people of each data set and seeds.

    At the strictest of Holm's levels; of a claim with several parts, by one of them alone. NaN where a data set has
    fewer than two folds.
    """
    n_parts = decided.parts.groupby("claim").size()
    rows = {}
    for row in decided.parts.to_dict("records"):
        sets = decided.differences[row["claim"], row["part"]]
        level = LEVEL / len(decided.claims) / n_parts[row["claim"]]
        rows[row["claim"], row["part"]] = {
            (n, seeds): pooled.power(sets, n, seeds, margin=row["margin"], level=level)
            if min(map(len, sets)) > 1
            else math.nan
            for seeds in SEEDS
            for n in PEOPLE
        }
    table = pd.DataFrame(rows).T
    table.columns.names = ["people", "seeds"]
    return table


WORDS = {
    "supported": "{names} supported",
    "opposite": "opposite of what is claimed: {names}",
    "no relevant effect": "a gain of a margin or more excluded: {names}",
}


def outcome(decided: Decided, titles: bool = False) -> str:
    """The verdicts in words, for the end of a sentence: how many claims are decided, and which way, by data set.

    titles: whether each claim is named by its title too.
    """
    claims = decided.claims
    if (claims["verdict"] == "needs full").all():
        return "none is decided here: few people and one seed give points"
    if titles:
        claims = claims.assign(claim=claims["claim"] + " (" + claims["title"] + ")")
    of_sets = [(name, _outcome(own)) for name, own in claims.groupby("dataset", sort=False)]
    return "; ".join(f"on {name} {text}" for name, text in of_sets) if len(of_sets) > 1 else of_sets[0][1]


def _outcome(claims: pd.DataFrame) -> str:
    verdict = claims.set_index("claim")["verdict"]
    named = {word: ", ".join(verdict.index[verdict == word]) for word in WORDS}
    clauses = [WORDS[word].format(names=names) for word, names in named.items() if names]
    n_decided = int((verdict != "undecided").sum())
    if not clauses:
        return f"none of {len(verdict)} is decided"
    return f"{n_decided} of {len(verdict)} {'is' if n_decided == 1 else 'are'} decided: {', '.join(clauses)}"


CHANGES = (  # date, what, why; contrasts and directions are as first written
    "2026-11-21, margin of sharpness from 0.02 to 0.001 nats, after seed 0 on watch was seen: sharpness itself is "
    "about 0.01 there, so the first margin would have called any difference nothing and H5 contradicted",
    "2026-11-21, all results on watch seen: H3 and H10 claim an effect of at most the margin; they are contradicted if "
    "the effect exceeds the margin, no longer as soon as it exceeds zero; no verdict changed",
    "2026-11-21, all results on watch seen: the detectable effect is that of the strictest of Holm's levels, no longer "
    "that of one uncorrected test",
    "2026-11-22, no result on selfback seen: people who are tested on the same networks count as one unit, no longer "
    "each; on watch nothing changes",
    "2026-11-22, no result on selfback seen: if the whole interval lies inside the margin, the claim is contradicted, "
    "whatever the sign of the effect; no verdict on watch changed",
    "2026-11-22, no result on selfback seen: folds whose people did none of the classes that H11 asks for are left "
    "out of it, where they were an error; on watch there are none",
    "2026-11-29, all results on watch and selfback seen, none on hapt and dsads: verdicts on each data set follow the "
    "rules of the average over data sets; H5 on watch and H12 on selfback became `no relevant effect`, H3 and H9 on "
    "selfback undecided",
    "2026-11-30, one seed on hapt and dsads seen: the average is over all four data sets, with the seeds of hapt and "
    "dsads whose runs are all there; it was over watch and selfback",
)

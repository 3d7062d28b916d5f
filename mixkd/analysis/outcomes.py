"""Outcomes of the twelve claims on the published records, computed once per process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from mixkd.analysis import contrasts, decisions
from mixkd.analysis.claims import CLAIMS, Claim
from mixkd.analysis.contrasts import Found
from mixkd.analysis.decisions import Decided
from mixkd.errors import MixkdError, nearest
from mixkd.studies import Scope

ENOUGH = 0.8  # chance to decide that is asked for


@dataclass(frozen=True)
class Outcomes:
    """Claims on each data set of the campaign, and on their average."""

    records: list[Found]
    each: Decided
    average: Decided

    def verdict(self, claim: str) -> str:
        """The verdict on average over data sets."""
        return str(self.average.claims.set_index("claim").loc[claim, "verdict"])

    def rows(self, claim: str) -> pd.DataFrame:
        """Parts of a claim with their effects and the claim's verdict: each data set, then the average."""
        parts = pd.concat([self.each.parts, self.average.parts], ignore_index=True)
        verdicts = pd.concat([self.each.claims, self.average.claims])[["claim", "dataset", "verdict"]]
        return parts[parts["claim"] == claim].merge(verdicts, on=["claim", "dataset"])

    def needed_people(self, claim: str) -> str:
        """Folds of each data set at which a gain of a margin is excluded with a chance of ENOUGH, if there is none."""
        parts = self.average.parts[self.average.parts["claim"] == claim]
        chances = decisions.power(replace(self.average, parts=parts)).max()
        for seeds in decisions.SEEDS:
            enough = [people for people in decisions.PEOPLE if chances[people, seeds] >= ENOUGH]
            if enough:
                return f"{enough[0]} per data set, with {seeds} seeds"
        return f"more than {max(decisions.PEOPLE)} per data set, even with {max(decisions.SEEDS)} seeds"


@cache
def published() -> Outcomes:
    """Outcomes on the published records of all campaigns."""
    records = contrasts.of_claims(Scope("watch", "full"))
    return Outcomes(records, decisions.of_each(records), decisions.decide(records))


def claim_of(name: str) -> Claim:
    """A claim by its name. Raises MixkdError with the nearest name otherwise."""
    known = {claim.name: claim for claim in CLAIMS}
    if name.upper() not in known:
        raise MixkdError(f"claim: found {name!r}, {nearest(name, known)}")
    return known[name.upper()]

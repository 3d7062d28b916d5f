"""The page of rules for practitioners, from published records: each with its effects, and how far it can be trusted."""

from __future__ import annotations

import pandas as pd

from mixkd.analysis import advice, outcomes
from mixkd.analysis.advice import RULES, Rule
from mixkd.analysis.claims import CLAIMS
from mixkd.analysis.effects import together
from mixkd.analysis.inference import LEVEL, bounds
from mixkd.studies import Scope
from mixkd.studies.catalogue import CAMPAIGNS, SECOND_ROUND

FAULTS = next(rule for rule in RULES if rule.name == "gaps-or-noise")


def page() -> str:
    """The rules, a section each, in Markdown."""
    table = advice.table(Scope("watch", "full"))
    average = table[table["dataset"] == advice.AVERAGE]
    sets = [name for name in table["dataset"].unique() if name != advice.AVERAGE]
    intro = (
        f"The rules were written from the results on {together(CAMPAIGNS)}; those on {together(SECOND_ROUND)} came "
        f"later. Intervals (95 %) are of single effects. Averages are over the data sets ({together(sets)}, where the "
        f"runs are there), each with equal weight. {int((average['corrected'] < LEVEL).sum())} of {len(average)} "
        "averages stay clear when all are corrected together (Holm): they are **bold**.\n"
    )
    return "\n".join([intro, *(section(i, rule, table) for i, rule in enumerate(RULES, 1))])


def best() -> str:
    """For the home page: the first rule, and where mixup helps with windows that have gaps or noise."""
    table = advice.table(Scope("watch", "full"), (RULES[0], FAULTS))
    alone = table[table["dataset"] != advice.AVERAGE]
    gaps, noise = (advice.clear(alone[alone["metric"] == metric]) for metric in FAULTS.metrics)
    average = (table["rule"] == RULES[0].name) & (table["dataset"] == advice.AVERAGE)
    rows = table[average].set_index("metric", drop=False)
    nll, accuracy = (_number(rows.loc[name]) for name in ("nll", "accuracy"))
    return (
        "*What should I do?* Train the image teacher with mixup if you need probabilities: its student's negative "
        f"log-likelihood changes by **{nll}** on average over the data sets, its accuracy by {accuracy} points "
        "(noticed in the results of two of them, not declared before). "
        f"{{doc}}`what_to_do` has {len(RULES) - 1} more rules.\n\n"
        f"*Does it tolerate gaps and noise?* With mixup, accuracy on windows with gaps goes **{gaps}**; "
        f"on noisy ones **{noise}**.\n"
    )


def section(number: int, rule: Rule, table: pd.DataFrame) -> str:
    """A rule with its effects as a table, and its standing."""
    own = table[table["rule"] == rule.name]
    alone = own[own["dataset"] != advice.AVERAGE]
    sides = [f"{_short(m)}: {advice.clear(alone[alone['metric'] == m])}" for m in rule.metrics]
    names = [name for name in own["dataset"].unique() if name != advice.AVERAGE or alone["dataset"].nunique() > 1]
    head = ["data set", "people", "seeds", *map(advice.unit, rule.metrics)]
    lines = [f"| {' | '.join(head)} |", "|---|---:|---:|" + "---|" * len(rule.metrics)]
    lines += [row(own[own["dataset"] == name]) for name in names]
    text = f"{rule.why} **Change in {'; in '.join(sides)}.**\n\nCompared: {rule.contrast}.\n\n" + "\n".join(lines)
    where = f"See {{doc}}`../notebooks/{rule.chapter}`, or run `{rule.command}`."
    return f"## {number}. {rule.text}\n\n{text}\n\n{standing(rule)} {where}\n"


def standing(rule: Rule) -> str:
    """Whether a rule rests on a claim that was declared before the runs, and what became of that."""
    if not rule.claim:
        return "*Exploratory:* noticed in the results; not among the claims that were declared before."
    title = next(claim.title for claim in CLAIMS if claim.name == rule.claim)
    verdict = outcomes.published().verdict(rule.claim)
    about = f"({title}), which was declared before the runs and corrected with the eleven others: {verdict}"
    return f"*Declared:* rests on [{rule.claim}](../claims/{rule.claim}.md) {about}."


def _short(metric: str) -> str:
    text = advice.unit(metric).removesuffix(", nats").replace("points of ", "").replace("points, ", "accuracy, ")
    return text.replace("ECE, points", "ECE")


def row(effects: pd.DataFrame) -> str:
    """A row of the table of a rule: its effects on a data set or on average, a row of `effects` per metric."""
    first = effects.iloc[0]
    average = first["dataset"] == advice.AVERAGE
    groups = f" in {first['n']} groups" if first["n"] < first["people"] and not average else ""
    cells = [_number(own) for _, own in effects.iterrows()]
    cells = [f"**{c}**" if p < LEVEL else c for c, p in zip(cells, effects["corrected"], strict=True)]
    about = [first["dataset"], f"{first['people']}{groups}", "" if average else first["seeds"]]
    return f"| {' | '.join(map(str, [*about, *cells]))} |"


def _number(row: pd.Series) -> str:
    digits = 2 if advice.unit(row["metric"]).startswith("NLL") else 1
    effect, low, high = (advice.scaled(row, name) for name in ("effect", "low", "high"))
    return f"{effect:+z.{digits}f} {bounds(low, high, digits)}"

"""The page of rules for practitioners, from published records: each with its effects, and how far it can be trusted."""

from __future__ import annotations

import pandas as pd

from mixkd.analysis import advice, outcomes
from mixkd.analysis.advice import RULES, Rule
from mixkd.analysis.claims import CLAIMS
from mixkd.analysis.inference import LEVEL, bounds
from mixkd.studies import Scope

HEAD = (
    "| data set | people | seeds | change in | effect | 95 % interval | corrected |\n|---|---:|---:|---|---:|---|---|\n"
)


def page() -> str:
    """The rules, a section each, in Markdown."""
    table = advice.table(Scope("watch", "full"))
    clear = int((table["corrected"] < LEVEL).sum())
    intro = (
        f"{len(table)} effects are shown on this page. Intervals are of single effects. The last column says which of "
        f"them stay clear when all are corrected together (Holm): {clear} do.\n"
    )
    return "\n".join([intro, *(section(i, rule, table) for i, rule in enumerate(RULES, 1))])


def best() -> str:
    """The first rule as a paragraph of the home page."""
    table = advice.table(Scope("watch", "full"))
    own = table[table["rule"] == RULES[0].name].set_index("metric")
    rows = own.loc[["nll"]].itertuples()
    parts = [f"**{row.effect:+.2f}** {bounds(row.low, row.high, 2)} on {row.dataset}" for row in rows]
    accuracy = advice.clear(own.loc[["accuracy"]])
    return (
        "*What should I do?* Train the image teacher with mixup if you need probabilities: its student's negative "
        f"log-likelihood changes by {' and '.join(parts)}; accuracy: {accuracy} (seen in the results first). "
        f"{{doc}}`what_to_do` has {len(RULES) - 1} more rules.\n"
    )


def section(number: int, rule: Rule, table: pd.DataFrame) -> str:
    """A rule with its effects as a table, and its standing."""
    own = table[table["rule"] == rule.name]
    sides = [f"{_short(m)}: {advice.clear(own[own['metric'] == m])}" for m in rule.metrics]
    rows = "\n".join(row(values) for _, values in own.iterrows())
    text = f"{rule.why} **Change in {'; in '.join(sides)}.**\n\nCompared: {rule.contrast}.\n\n{HEAD}{rows}\n"
    where = f"See {{doc}}`../notebooks/{rule.chapter}`, or run `{rule.command}`."
    return f"## {number}. {rule.text}\n\n{text}\n{standing(rule)} {where}\n"


def standing(rule: Rule) -> str:
    """Whether a rule rests on a claim that was declared before the runs, and what became of that."""
    if not rule.claim:
        return "*Exploratory:* seen in the results first; not among the claims that were declared before."
    title = next(claim.title for claim in CLAIMS if claim.name == rule.claim)
    verdict = outcomes.published().verdict(rule.claim)
    about = f"({title}), which was declared before the runs and corrected with the eleven others: {verdict}"
    return f"*Declared:* rests on [{rule.claim}](../claims/{rule.claim}.md) {about}."


def _short(metric: str) -> str:
    text = advice.unit(metric).removesuffix(", nats").replace("points of ", "").replace("points, ", "accuracy, ")
    return text.replace("ECE, points", "ECE")


def row(values: pd.Series) -> str:
    """A row of the table of effects."""
    digits = 2 if advice.unit(values["metric"]).startswith("NLL") else 1
    effect, low, high = (advice.scaled(values, name) for name in ("effect", "low", "high"))
    clear = "clear" if values["corrected"] < LEVEL else "not clear"
    people = f"{values['people']}" + (f" in {values['n']} groups" if values["n"] < values["people"] else "")
    cells = (
        values["dataset"],
        people,
        values["seeds"],
        advice.unit(values["metric"]),
        f"{effect:+z.{digits}f}",
        bounds(low, high, digits),
        clear,
    )
    return f"| {' | '.join(map(str, cells))} |"

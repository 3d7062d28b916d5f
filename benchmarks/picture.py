"""The picture of the README, from the published records: `python -m benchmarks.picture` writes results/answer.png."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mixkd.analysis import advice
from mixkd.figures import style
from mixkd.figures.claims import effects
from mixkd.files import CHECKOUT, atomic_write
from mixkd.studies import Scope

SHOWN = {  # rules of the page What to do, and what they compare
    "no-mixup-in-distillation": "mixup in the distillation",
    "mixup-teacher": "mixup in the training of the image teacher",
    "then-teachers": "both teachers, at equal training time",
    "trees": "extra trees as the teacher (watch alone)",
}


def table() -> pd.DataFrame:
    """Effects on accuracy and NLL on average over the data sets, a row per comparison and metric."""
    rules = [rule for name in SHOWN for rule in advice.RULES if rule.name == name]
    rows = advice.table(Scope("watch", "full"), [replace(rule, metrics=("accuracy", "nll")) for rule in rules])
    return rows[rows["dataset"] == advice.AVERAGE].assign(what=rows["rule"].map(SHOWN))


def main() -> None:
    """Draws the picture."""
    atomic_write(CHECKOUT / "results" / "answer.png", style.png(effects(table())))


if __name__ == "__main__":
    main()

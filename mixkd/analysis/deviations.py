"""Differences between the group's released code and its equations, and their effects on our results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mixkd.analysis.claims import Make, Part, scratch, student
from mixkd.analysis.contrasts import Lookup, contrast
from mixkd.analysis.effects import SHOWN, difference, summary
from mixkd.specs.run import Mixup, RunSpec
from mixkd.studies.designs import TDA_KD


@dataclass(frozen=True)
class Deviation:
    """A difference between released code and this book, and the runs that show its effect: `released` minus `exact`.

    full_only: not in profiles of few people.
    """

    what: str
    where: str  # released repository and commit
    released: Make
    exact: Make
    full_only: bool = False


BOTH = student("both")
DEVIATIONS = (
    Deviation(
        "KL averaged over classes too",
        "jeunsom/TDA_KD b9091bb, jeunsom/TGD 242ad11",
        student("both", kd_reduction="released"),
        BOTH,
    ),
    Deviation(
        "logits divided by their sd, no temperature",
        "hchoi71/MIX-KD 6e8c149",
        student("both", logit_scaling="released"),
        BOTH,
    ),
    Deviation(
        "10 % partial mixup drawn with replacement",
        "hchoi71/MIX-KD 6e8c149",
        student("both", mixup=Mixup(share=0.1, sampling="released")),
        student("both", mixup=Mixup(share=0.1)),
    ),
    Deviation(
        "TDA_KD's whole loss against its equation",
        "jeunsom/TDA_KD b9091bb",
        student("both", kd_reduction="released", logit_scaling="tda_kd", **TDA_KD),
        student("both", **TDA_KD),
        full_only=True,
    ),
    Deviation(
        "AVER: mean of losses, not of logits",
        "Rorozhl/CA-MKD c2f39a9",
        BOTH,
        student("both", method="aver"),
        full_only=True,
    ),
    Deviation(
        "EBKD: inverse entropy, not softmax",
        "Rorozhl/CA-MKD c2f39a9",
        student("both", method="ebkd"),
        student("both", method="ebkd_softmax"),
        full_only=True,
    ),
    Deviation(
        "AMD with its local part (here in 1-D) against without",
        "jeunsom/AMD_loss 7169f62",
        student("signal", method="amd_local"),
        student("signal", method="amd"),
        full_only=True,
    ),
)


def shown(final: bool) -> list[Deviation]:
    """All deviations if `final`, else those of profiles of few people."""
    return [deviation for deviation in DEVIATIONS if final or not deviation.full_only]


def specs(bases: Iterable[RunSpec], final: bool = False) -> list[RunSpec]:
    """The runs that show the deviations, and the plain students."""
    return [make(base) for base in bases for d in shown(final) for make in (scratch(), d.released, d.exact)]


def effects(bases: Sequence[RunSpec], lookup: Lookup, final: bool) -> pd.DataFrame:
    """Released minus exact, in accuracy and NLL, over held-out subjects with seeds averaged; intervals if `final`."""
    rows = []
    for deviation in shown(final):
        for metric in SHOWN:
            differences = difference(deviation.released, deviation.exact, metric, bases=bases, lookup=lookup)
            about = {"what": deviation.what, "where": deviation.where, "metric": metric}
            rows.append(about | summary(differences, final))
    for choice, what in (
        ("best_test", "best epoch on the test person"),
        ("best_validation", "best epoch on validation"),
    ):
        gains = contrast(Part(what, ((1.0, BOTH),), "differs", f"gained_{choice}"), bases, lookup)
        where = "jeunsom/TDA_KD b9091bb" if choice == "best_test" else "for comparison: an honest choice"
        rows.append({"what": what, "where": where, "metric": "accuracy"} | summary(gains, final))
    return pd.DataFrame(rows).assign(dataset=bases[0].dataset)


def spreads(runs: pd.DataFrame) -> pd.DataFrame:
    """By method and teachers: standard deviation over subjects, and the spread quoted for PAMAP2 in earlier papers.

    Quoted: sd with divisor n in place of n - 1, divided by the root of the number of runs minus 1.
    """
    rows = []
    for (method, by), part in runs.groupby(["method", "teachers"], sort=False):
        scores = part.groupby("subject")["accuracy"].mean()
        quoted = scores.std(ddof=0) / math.sqrt(len(part) - 1)
        rows.append({"method": method, "teachers": by, "sd": scores.std(), "quoted": quoted, "runs": len(part)})
    return pd.DataFrame(rows)

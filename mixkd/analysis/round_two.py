"""The second round of claims as data, in the form of `claims.py`.

Written on 29 November 2026 after all results on `watch` and `selfback`, which gave rise to most of them, and before
the first run on the data sets that test them, TESTED_ON. They are a family of their own: Holm's correction covers them
alone, and the rules are those of `decisions`. Accuracy under a corruption is the mean over its severities.
"""

from __future__ import annotations

from math import log2

from mixkd import studies
from mixkd.analysis.claims import CLAIMS, MIX, Claim, Make, Part, Terms, minus, scratch, specs, student
from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.specs.run import Mixup, RunSpec
from mixkd.studies.catalogue import SECOND_ROUND
from mixkd.studies.designs import TWO_SIGNAL

TESTED_ON = SECOND_ROUND
DECLARED = "9a6adba, 29 November 2026, 16:10 UTC"  # the commit that added them, and when
DOSES = (1.0, 4.0, 8.0)  # temperatures


def change(make_at: dict[float, Make], weight: float = 1.0) -> Terms:
    """The change from the lowest to the highest temperature along the least-squares line in log2 of temperature."""
    at = {temperature: log2(temperature) for temperature in make_at}
    mean = sum(at.values()) / len(at)
    square = sum((x - mean) ** 2 for x in at.values())
    span = max(at.values()) - min(at.values())
    return tuple((weight * span * (at[t] - mean) / square, make) for t, make in make_at.items())


def doses(mixup: Mixup | None) -> dict[float, Make]:
    """Students of a signal teacher at each temperature."""
    return {t: student("signal", mixup=mixup, temperature=t) for t in DOSES}


ROUND_TWO = (
    Claim(
        "H13",
        "a teacher beats longer training",
        "A student with a teacher is better than one that learns from labels for as many steps as both take.",
        "summary",
        (Part("signal teacher minus Scratch 2x", minus(student("signal"), scratch(init="scratch")), "above"),),
    ),
    Claim(
        "H14",
        "mixup bridges gaps",
        "With mixup a student is more accurate where a block of the window is missing.",
        "ours; the paper's summary says less susceptible",
        (Part("gaps, Mix-S minus S", minus(scratch(mixup=MIX), scratch()), "above", "curve_gap"),),
    ),
    Claim(
        "H15",
        "mixup suffers from noise",
        "With mixup a student is less accurate under noise.",
        "ours, against the paper's summary",
        (Part("noise, Mix-S minus S", minus(scratch(mixup=MIX), scratch()), "below", "curve_noise"),),
    ),
    Claim(
        "H16",
        "mixup is easier to attack",
        "With mixup a student is less accurate under an iterated attack.",
        "ours, against the paper's summary",
        (Part("I-FGSM at 0.05, Mix-S minus S", minus(scratch(mixup=MIX), scratch()), "below", "ifgsm_2"),),
    ),
    Claim(
        "H17",
        "temperature on top of mixup",
        "With mixup a rising temperature costs likelihood, and more than it costs without.",
        "summary; the form is ours",
        (
            Part("NLL, T & Mix-S: change from T = 1 to T = 8, signal teacher", change(doses(MIX)), "above", "nll"),
            Part(
                "the same minus that of T & S",
                change(doses(MIX)) + change(doses(None), -1.0),
                "above",
                "nll",
            ),
        ),
    ),
    Claim(
        "H18",
        "partial mixup where full mixup is too much",
        "At a high temperature a tenth of mixed windows is better than all.",
        "summary; notes on MIX-KD",
        (
            Part(
                "T & Mix-S at T = 8, 10 % minus all, signal teacher",
                minus(
                    student("signal", mixup=Mixup(share=0.1), temperature=8.0),
                    student("signal", mixup=MIX, temperature=8.0),
                ),
                "above",
            ),
        ),
    ),
    Claim(
        "H19",
        "topology is more than a second opinion",
        "A signal and an image teacher are better than two signal teachers that differ in their seeds alone.",
        "ours",
        (
            Part(
                "both teachers minus two signal teachers",
                minus(student("both"), student("signal", teachers=TWO_SIGNAL)),
                "above",
            ),
        ),
    ),
    Claim(
        "H20",
        "one temperature replaces mixup",
        "After one temperature for each network, mixup improves the likelihood by no more than the margin.",
        "ours",
        (Part("scaled NLL, S minus Mix-S", minus(scratch(), scratch(mixup=MIX)), "not_above", "nll_scaled"),),
    ),
)


def campaign(scope: studies.Scope) -> list[RunSpec]:
    """The runs that the claims of both rounds compare, one seed after the other: an interruption leaves whole seeds.

    Raises MixkdError for data without classes.
    """
    if "targets" in dataset(scope.dataset).labels:
        raise MixkdError(f"campaign: found {scope.dataset}, which has targets; the claims are about classes")
    return sorted(specs(studies.bases(scope), (*CLAIMS, *ROUND_TWO)), key=lambda run: run.seed)

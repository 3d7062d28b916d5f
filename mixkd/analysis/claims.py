"""The paper's claims H1 to H12 as data: what is compared, in which metric and direction. `decisions.py` tests them.

Written before the first `full` run; any later edit is listed in `decisions.CHANGES`, which the book prints. The body of
the paper could not be read: `summary` means machine-written summaries of it, `notes` public notes on the group's
earlier papers, `code` the group's released code. Contrasts and margins are declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from mixkd.specs.run import Mixup, RunSpec, TeacherSpec
from mixkd.studies.bases import Teachers, taught

TRUST = {  # sources, and how far each can be trusted, by their names in claims
    "summary": "machine-written summaries of the paper, not checked against its body, which could not be read",
    "code": "the released code of MIX-KD, which shows settings, not results",
    "notes on MIX-KD": "public notes on MIX-KD, an earlier paper of the group: second-hand, and on other data",
    "notes on earlier papers": "public notes on earlier papers of the group: second-hand, and on other data",
    "tables": "numbers of the group's earlier papers, as public notes report them: second-hand, and on other data",
}

Make = Callable[[RunSpec], RunSpec]
Direction = Literal["above", "below", "differs", "not_above"]
Terms = tuple[tuple[float, Make], ...]


@dataclass(frozen=True)
class Part:
    """A contrast, the sum of coefficient times metric over `terms`, and what the claim says of it.

    direction: `above` or `below` zero, `differs` from zero, or `not_above` the margin. metric: see `measures.py`.
    """

    text: str
    terms: Terms
    direction: Direction
    metric: str = "accuracy"


@dataclass(frozen=True)
class Claim:
    """A hypothesis of the paper. It holds when every part does."""

    name: str
    title: str
    statement: str
    source: str
    parts: tuple[Part, ...]

    @property
    def sources(self) -> str:
        """Each source with how far it can be trusted, as a sentence."""
        text = "; and ".join(text for name, text in TRUST.items() if name in self.source)
        return f"{text[:1].upper()}{text[1:]}."


def student(by: Teachers, in_teacher: Mixup | None = None, **fields) -> Make:
    """The student of these teachers, made from a plain one."""
    return lambda base: taught(base, by, in_teacher, **fields)


def scratch(**fields) -> Make:
    """The plain student with other fields."""
    return lambda base: replace(base, **fields)


def minus(first: Make, second: Make, weight: float = 1.0) -> Terms:
    """Coefficients of a difference."""
    return ((weight, first), (-weight, second))


MIX = Mixup()
BY: tuple[Teachers, ...] = ("signal", "image", "both")
LARGER: Make = lambda base: replace(taught(base, "signal"), teachers=(TeacherSpec(depth=16, width=3),))  # noqa: E731
TWO_MINUS_ONE = minus(student("both"), student("signal"))

CLAIMS = (
    Claim(
        "H1",
        "mixup helps students",
        "Mixup in the distillation improves students on average.",
        "summary",
        (
            Part(
                "T & Mix-S minus T & S, mean over signal, image and both teachers",
                sum((minus(student(by, mixup=MIX), student(by), 1 / 3) for by in BY), ()),
                "above",
            ),
        ),
    ),
    Claim(
        "H2",
        "too much smoothness hurts",
        "Too much smoothness hurts: a high temperature on top of mixup.",
        "summary; notes on MIX-KD",
        (
            Part(
                "Mix-T & S at T = 8 minus T & S at T = 4, signal teacher",
                minus(student("signal", MIX, temperature=8.0), student("signal")),
                "below",
            ),
            Part(
                "T & Mix-S at T = 8 minus T & S at T = 4, signal teacher",
                minus(student("signal", mixup=MIX, temperature=8.0), student("signal")),
                "below",
            ),
        ),
    ),
    Claim(
        "H3",
        "Mix-T wants a low temperature",
        "A mixup-trained teacher wants a low temperature; for a plain teacher a high one is fine.",
        "code and notes on MIX-KD",
        (
            Part(
                "Mix-T & S at T = 1 minus T = 8, signal teacher",
                minus(student("signal", MIX, temperature=1.0), student("signal", MIX, temperature=8.0)),
                "above",
            ),
            Part(
                "T & S at T = 1 minus T = 8, signal teacher",
                minus(student("signal", temperature=1.0), student("signal", temperature=8.0)),
                "not_above",
            ),
        ),
    ),
    Claim(
        "H4",
        "better network, worse teacher",
        "A mixup-trained teacher is the better network and the worse teacher.",
        "notes on MIX-KD",
        (
            Part(
                "signal teacher with mixup minus without",
                minus(scratch(role="teacher", mixup=MIX), scratch(role="teacher")),
                "above",
            ),
            Part("Mix-T & S minus T & S, signal teacher", minus(student("signal", MIX), student("signal")), "below"),
        ),
    ),
    Claim(
        "H5",
        "mixup twice is flatter",
        "Mixup for teacher and student reaches flatter, less sensitive minima than for the teacher alone.",
        "summary",
        (
            Part(
                "sharpness, Mix-T & Mix-S minus Mix-T & S, both teachers",
                minus(student("both", MIX, mixup=MIX), student("both", MIX)),
                "below",
                "sharpness",
            ),
            Part(
                "accuracy under FGSM at 0.05, Mix-T & Mix-S minus Mix-T & S, both teachers",
                minus(student("both", MIX, mixup=MIX), student("both", MIX)),
                "above",
                "fgsm_2",
            ),
        ),
    ),
    Claim(
        "H6",
        "partial mixup avoids the loss",
        "Partial mixup avoids what full mixup loses.",
        "summary; notes on MIX-KD",
        (
            Part(
                "10 % mixed minus all mixed, both teachers",
                minus(student("both", mixup=Mixup(share=0.1)), student("both", mixup=MIX)),
                "above",
            ),
        ),
    ),
    Claim(
        "H7",
        "teachers need different mixup",
        "What mixup of a teacher does to its students differs between signal and image teachers.",
        "summary",
        (
            Part(
                "(Mix-T & S minus T & S) of the signal teacher minus the same of the image teacher",
                minus(student("signal", MIX), student("signal")) + minus(student("image"), student("image", MIX)),
                "differs",
            ),
        ),
    ),
    Claim(
        "H8",
        "two teachers beat one",
        "Both teachers together are better than either alone.",
        "summary; tables of earlier papers, second-hand",
        tuple(
            Part(f"both teachers minus the {by} teacher alone", minus(student("both"), student(by)), "above")
            for by in BY[:2]
        ),
    ),
    Claim(
        "H9",
        "Ann beats longer training",
        "Starting the student from scratch-trained weights (Ann) helps beyond the longer training.",
        "summary; tables of earlier papers, second-hand",
        (
            Part(
                "Ann minus Base 2x, both teachers",
                minus(student("both", init="scratch"), student("both", init="base")),
                "above",
            ),
        ),
    ),
    Claim(
        "H10",
        "larger is no better teacher",
        "A larger teacher is not reliably a better teacher.",
        "tables of earlier papers, second-hand",
        (Part("signal teacher WRN16-3 minus WRN16-1", minus(LARGER, student("signal")), "not_above"),),
    ),
    Claim(
        "H11",
        "similar classes disperse",
        "Mixup disperses the features of similar classes; dissimilar classes stay apart.",
        "notes on MIX-KD",
        (
            Part(
                "V-score of similar classes, Mix-S minus S", minus(scratch(mixup=MIX), scratch()), "below", "v_similar"
            ),
            Part(
                "V-score of dissimilar minus similar classes, Mix-S minus S",
                minus(scratch(mixup=MIX), scratch()),
                "above",
                "v_gap",
            ),
        ),
    ),
    Claim(
        "H12",
        "topology protects from noise",
        "With topological knowledge a student keeps more accuracy when its input is corrupted.",
        "notes on earlier papers",
        tuple(
            Part(
                f"{what} at level 3, both teachers minus signal",
                minus(student("both"), student("signal")),
                "above",
                metric,
            )
            for what, metric in (("Gaussian noise", "gaussian_3"), ("a missing block", "missing_3"))
        ),
    ),
)


# Written after results on watch had been seen, before those on selfback: where a claim's words go beyond its contrast.
AFTERWARDS = (
    Claim(
        "H2",
        "temperature alone",
        "A high temperature on top of mixup, against the same mixup at the default temperature.",
        "ours",
        (
            Part(
                "Mix-T & S at T = 8 minus T = 4, signal teacher",
                minus(student("signal", MIX, temperature=8.0), student("signal", MIX)),
                "below",
            ),
            Part(
                "T & Mix-S at T = 8 minus T = 4, signal teacher",
                minus(student("signal", mixup=MIX, temperature=8.0), student("signal", mixup=MIX)),
                "below",
            ),
        ),
    ),
    Claim(
        "H6",
        "the loss itself",
        "Full mixup loses accuracy in the first place.",
        "ours",
        (Part("all mixed minus none, both teachers", minus(student("both", mixup=MIX), student("both")), "below"),),
    ),
    Claim(
        "H12",
        "what is kept",
        "The accuracy that corruption takes away, whatever the accuracy on clean windows.",
        "ours",
        tuple(
            Part(f"{what} minus clean, both minus signal teacher", TWO_MINUS_ONE, "above", metric)
            for what, metric in (("noise", "kept_gaussian_3"), ("block", "kept_missing_3"))
        ),
    ),
)


def specs(bases: Iterable[RunSpec], claims: Iterable[Claim] = CLAIMS) -> list[RunSpec]:
    """The runs that claims compare, each once."""
    runs = [make(base) for base in bases for claim in claims for part in claim.parts for _, make in part.terms]
    return list(dict.fromkeys([*bases, *runs]))

"""The studies by name: which runs each has, for whom; a study's table is derived from the specs and their records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from mixkd.datasets import dataset
from mixkd.errors import MixkdError, nearest
from mixkd.specs.profiles import PROFILES
from mixkd.specs.run import TEMPERATURE, RunSpec
from mixkd.studies import designs, line
from mixkd.studies.bases import Extent, bases, taught
from mixkd.studies.scope import DEFAULT_ALPHA, Scope


@dataclass(frozen=True)
class Study:
    """The runs of one base, and for whom. `full_only`: not in `quick`; `one_seed`: of the first seed alone.

    needs: labels of windows beside their class, see `Dataset.labels`; elsewhere: the data set for a scope without them
    published: data sets with all of a study's runs published, None for any; brief: those with the runs of `quick`
    published for all people. On other data sets `full` has the runs of `quick` for its people.
    """

    runs: Callable[[RunSpec, Extent], list[RunSpec]]
    full_only: bool = False
    one_seed: bool = False
    needs: str = ""
    elsewhere: str = ""
    published: tuple[str, ...] | None = None
    brief: tuple[str, ...] = ()


CAMPAIGNS = ("watch", "selfback")  # data sets whose runs for claims and effects are published
SECOND_ROUND = ("hapt", "dsads")  # those on which the claims of the second round are tested
FORCES = ("gait", "gaitpdb", "running")
WATCH = ("watch",)
PLACED = ("watch", "selfback_placed", "dsads_placed")  # with the placement of the sensor
of_line = partial(Study, one_seed=True)  # of the line of work: one seed

STUDIES = {
    "teachers": Study(lambda base, of: designs.teachers(base, of.large, of.alpha)),
    "methods": Study(lambda base, of: designs.methods(base, of.full)),
    "distillation": Study(lambda base, of: designs.distillation(base, of.full)),
    "mixup": Study(lambda base, of: designs.four_cases(base, of.alpha)),
    "alpha": Study(lambda base, of: designs.alphas(base, of.full)),
    "image_mixing": Study(lambda base, of: designs.image_mixing(base, of.alpha), full_only=True),
    "share": Study(lambda base, of: designs.shares(base, of.full, of.alpha)),
    "temperature": Study(lambda base, of: designs.temperatures(base, of.full, of.alpha)),
    "capacity": Study(lambda base, of: designs.capacity(base, of.full, of.large)),
    "deviations": Study(lambda base, of: designs.deviations(base, of.full)),
    "resolution": Study(lambda base, of: designs.resolutions(base), full_only=True, one_seed=True),
    "teacher_mixup": Study(lambda base, of: designs.teacher_mixup(base, of.alpha), full_only=True, one_seed=True),
    "weights": Study(lambda base, of: designs.weights(base), full_only=True, one_seed=True),
    "second_round": Study(lambda base, of: designs.second_round(base), published=SECOND_ROUND),
    "stronger": Study(lambda base, of: designs.stronger(base, of.full), one_seed=True, published=WATCH),
    "repaired": Study(lambda base, of: designs.repaired(base, of.full), one_seed=True, published=WATCH),
    "logits": Study(lambda base, of: designs.of_logits(base), one_seed=True, published=WATCH),
    "patch_swap": of_line(line.patch_swap, published=WATCH, brief=CAMPAIGNS),
    "without_teacher": of_line(line.without_teacher, published=(), brief=WATCH),
    "spheres": of_line(line.spheres, published=WATCH, brief=CAMPAIGNS),
    "augmentation": of_line(line.augmentation, published=WATCH),
    "moments": of_line(line.moments, published=WATCH, brief=CAMPAIGNS),
    "two_heads": of_line(line.two_heads, published=WATCH, needs="placement", elsewhere="watch", brief=PLACED),
    "forces": Study(line.forces, published=(), needs="targets", elsewhere="gait", brief=FORCES),
    "few_people": of_line(line.few_people, published=WATCH),
    "label_noise": of_line(line.label_noise, published=WATCH),
    "sphere_mixing": of_line(line.sphere_mixing, published=WATCH, brief=CAMPAIGNS),
}


def where(study: str, scope: Scope) -> Scope:
    """The scope in which a study is run: on another data set, where that of the scope lacks the labels it needs.

    Raises MixkdError for an unknown study or data set, and for data without classes that are to be recognised.
    """
    if study not in STUDIES:
        raise MixkdError(f"study: found {study!r}, {nearest(study, STUDIES)}")
    chosen, labels = STUDIES[study], dataset(scope.dataset).labels
    if "targets" in labels and chosen.needs != "targets":
        raise MixkdError(f"study: found {study!r} on {scope.dataset}, which has targets; expected forces")
    return replace(scope, dataset=chosen.elsewhere) if chosen.needs and chosen.needs not in labels else scope


def every_run(study: str, scope: Scope) -> bool:
    """Whether a scope has all runs of a study: `full`, where they are published or may be trained."""
    published = STUDIES[study].published
    return scope.full and (published is None or where(study, scope).dataset in published)


def whole(study: str, scope: Scope) -> bool:
    """Whether a scope has all people in a study, be it with the runs of `quick` alone."""
    brief = scope.full and where(study, scope).dataset in STUDIES[study].brief
    return brief or every_run(study, scope)


def bases_of(study: str, scope: Scope) -> list[RunSpec]:
    """The bases of a study's runs: fewer folds and seeds where it has few runs. Raises MixkdError, see `where`."""
    every_base = bases(where(study, scope))
    folds = PROFILES["quick"].folds if scope.full and not whole(study, scope) else None
    one_seed = STUDIES[study].one_seed or folds is not None
    return [b for b in every_base if (folds is None or b.fold < folds) and (b.seed == scope.seed or not one_seed)]


def specs(study: str, scope: Scope) -> list[RunSpec]:
    """The runs of a study, each once, see `where`. Raises MixkdError for an unknown study or data set."""
    chosen_bases, full = bases_of(study, scope), every_run(study, scope)
    chosen = STUDIES[study]
    if chosen.full_only and not full:
        return []
    runs = []
    for base in chosen_bases:
        runs += chosen.runs(base, Extent(scope.alpha, full, full and base.seed == scope.seed, scope.full))
    return list(dict.fromkeys(runs))


def every(scope: Scope) -> list[RunSpec]:
    """The runs of all studies, of forces alone where the windows have them: what the book needs."""
    forces = "targets" in dataset(scope.dataset).labels
    names = [name for name, study in STUDIES.items() if not forces or study.needs == "targets"]
    return list(dict.fromkeys(run for name in names for run in specs(name, scope)))


def exemplars(scope: Scope) -> list[RunSpec]:
    """Runs whose weights are published, of the first fold and seed: for maps of features, lines and similarity maps."""
    base = next(bases(scope))
    both = [run for run in designs.four_cases(base, DEFAULT_ALPHA) if len(run.teachers) == 2]
    signal = [run for run in designs.temperatures(base, True, DEFAULT_ALPHA) if run.temperature == TEMPERATURE]
    return [base, *signal, taught(base, "image"), *both, replace(taught(base, "both"), init="scratch")]

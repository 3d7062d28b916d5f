"""What the runs of all studies start from: the scratch student of every fold and seed, and students of teachers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from mixkd import windows
from mixkd.datasets import dataset
from mixkd.specs.run import KD_WEIGHT, TEMPERATURE, Mixup, Modality, RunSpec, TeacherSpec
from mixkd.studies import inventory
from mixkd.studies.scope import Scope

Teachers = Literal["signal", "image", "both"]
MODALITIES: tuple[Modality, ...] = ("signal", "image")


@dataclass(frozen=True)
class Extent:
    """How far a study goes: alpha of its mixup, all of its runs, networks of depth 28 too.

    surveyed: people are counted as surveyed, since published runs can be read without recordings
    """

    alpha: float
    full: bool
    large: bool
    surveyed: bool = False


def bases(scope: Scope) -> Iterator[RunSpec]:
    """The plain scratch student of every fold and seed of a scope, with the data set's epochs and batch size.

    Folds are counted in the recordings; for `full`, as surveyed, since published runs can be read without recordings.
    """
    entry, chosen = dataset(scope.dataset), scope.extent
    surveyed = inventory.read().get(scope.dataset) if chosen.full else None
    batch_size = entry.batch_size
    if surveyed:
        n_folds = surveyed["folds"]
    else:
        recordings = entry.load()
        n_folds = len(windows.folds(recordings.subjects, entry.test))
        if chosen.windows_per_class:  # of few people too few are left for a batch
            trained = len(set(recordings.subjects.tolist())) - 2
            batch_size = min(batch_size, chosen.windows_per_class * len(recordings.classes) * trained)
    for fold in range(min(n_folds, chosen.folds or n_folds)):
        for seed in range(scope.seed, scope.seed + min(chosen.n_seeds, entry.seeds)):
            yield RunSpec(
                dataset=scope.dataset,
                fold=fold,
                seed=seed,
                epochs=chosen.epochs or entry.epochs,
                batch_size=batch_size,
                windows_per_class=chosen.windows_per_class,
            )


def n_trained(base: RunSpec, as_surveyed: bool) -> int:
    """Number of training people of a run's fold, from the survey of its data set or from the recordings."""
    entry = dataset(base.dataset)
    surveyed = inventory.read().get(base.dataset) if as_surveyed else None
    if surveyed:  # folds depend on ids alone; those of official test people are known, others are numbered after them
        others = max(entry.test, default=0) + 1 + np.arange(surveyed["people"] - len(entry.test))
        subjects = np.array([*entry.test, *others])
    else:
        subjects = entry.load().subjects
    return len(windows.folds(subjects, entry.test)[base.fold].train)


def taught(base: RunSpec, by: Teachers, in_teacher: Mixup | None = None, **fields: Any) -> RunSpec:
    """`base` as a student of WRN16-1 teachers, `signal`, `image` or `both`, themselves trained with `in_teacher`."""
    chosen: tuple[Modality, ...] = MODALITIES if by == "both" else (by,)
    teachers = tuple(TeacherSpec(modality=m, mixup=in_teacher, weight=1 / len(chosen)) for m in chosen)
    usual: dict[str, Any] = {"teachers": teachers, "temperature": TEMPERATURE, "kd_weight": KD_WEIGHT}
    return replace(base, **(usual | fields))

"""Which runs each chapter needs. A study is a list of specs; its table is derived from the specs and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mixkd import sweep, windows
from mixkd.config import KD_WEIGHT, PROFILES, TEMPERATURE, ImageSpec, Mixup, Modality, Profile, RunSpec, TeacherSpec
from mixkd.datasets import dataset as dataset_entry
from mixkd.errors import MixkdError, nearest
from mixkd.inputs import FoldData, prepare
from mixkd.methods import METHODS
from mixkd.store import RunRecord, Store
from mixkd.training import trained

ALPHAS = (0.2, 0.4, 1.0)  # values of the group's mixup study; 1.0 is its default
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
TEMPERATURES = (1.0, 2.0, 4.0, 8.0)
DEFAULT_ALPHA = 1.0
METRICS = ("accuracy", "macro_f1", "nll", "ece", "brier")


def profile_of(name: str) -> Profile:
    if name not in PROFILES:
        raise MixkdError(f"profile: found {name!r}, {nearest(name, PROFILES)}")
    return PROFILES[name]


def bases(dataset: str, profile: str, seed: int) -> Iterator[RunSpec]:
    """The plain scratch student of every fold and seed of a profile, with the data set's epochs and batch size."""
    entry, chosen = dataset_entry(dataset), profile_of(profile)
    n_folds = len(windows.folds(entry.load().subjects))
    for fold in range(min(n_folds, chosen.folds or n_folds)):
        for s in range(seed, seed + chosen.n_seeds):
            yield RunSpec(
                dataset=dataset,
                fold=fold,
                seed=s,
                epochs=chosen.epochs or entry.epochs,
                batch_size=entry.batch_size,
                windows_per_class=chosen.windows_per_class,
            )


def data(dataset: str, profile: str, seed: int) -> dict[int, FoldData]:
    """The data of every fold of a profile, by fold."""
    return {base.fold: prepare(base) for base in bases(dataset, profile, seed) if base.seed == seed}


def taught(base: RunSpec, by: str, in_teacher: Mixup | None = None, **fields: Any) -> RunSpec:
    """`base` as a student of WRN16-1 teachers, `signal`, `image` or `both`, themselves trained with `in_teacher`."""
    modalities: dict[str, tuple[Modality, ...]] = {
        "signal": ("signal",),
        "image": ("image",),
        "both": ("signal", "image"),
    }
    chosen = modalities[by]
    teachers = tuple(TeacherSpec(modality=m, mixup=in_teacher, weight=1 / len(chosen)) for m in chosen)
    return replace(base, teachers=teachers, **{"temperature": TEMPERATURE, "kd_weight": KD_WEIGHT, **fields})


def teachers(base: RunSpec, large: bool, alpha: float) -> list[RunSpec]:
    """The networks that teach: both modalities with and without mixup, and larger ones."""
    teacher = replace(base, role="teacher")
    image = replace(teacher, modality="image")
    sizes = [(16, 3), (28, 1), (28, 3)] if large else [(16, 3)]
    runs = [replace(m, mixup=mixup) for m in (teacher, image) for mixup in (None, Mixup(alpha))]
    runs += [replace(teacher, depth=depth, width=width) for depth, width in sizes]
    return runs + ([replace(image, depth=depth, width=width) for depth, width in sizes] if large else [])


def distillation(base: RunSpec, large: bool) -> list[RunSpec]:
    """Scratch, one teacher, two teachers; Base and Ann with their controls; a larger teacher; temperatures."""
    both, capacity = taught(base, "both"), [(16, 3), (28, 1), (28, 3)] if large else [(16, 3)]
    runs = [base, replace(base, init="scratch"), taught(base, "signal"), taught(base, "image")]
    runs += [replace(both, init=init) for init in ("random", "scratch", "base")]
    for depth, width in capacity:
        teacher = TeacherSpec(depth=depth, width=width)
        runs.append(replace(taught(base, "signal"), teachers=(teacher,)))
    return runs + [taught(base, "signal", temperature=t) for t in TEMPERATURES]


def methods(base: RunSpec) -> list[RunSpec]:
    """Every method of the table from WRN16-1 teachers, with its controls; the group's SP and TPKD start as Ann does."""
    one, both = taught(base, "signal"), taught(base, "both")
    ann = replace(both, init="scratch")
    early = replace(one, teachers=(TeacherSpec(stopping="best_validation"),))
    runs = [base, replace(base, init="scratch"), one, taught(base, "image"), early]
    runs += [both, ann, replace(both, init="base"), replace(one, logit_scaling="released", kd_weight=0.9)]
    runs += [replace(both, method=name) for name in ("aver", "ebkd", "camkd")]
    runs += [replace(one, method=name) for name in ("at", "sp", "amd", "amd_local", "simkd", "dist")]
    return runs + [replace(ann, method=name) for name in ("sp", "tpkd")]


def four_cases(base: RunSpec, alpha: float) -> list[RunSpec]:
    """Mixup in the teachers' training and/or in the distillation; for the signal teacher, the image teacher, both."""
    mixup = Mixup(alpha)
    runs = [base, replace(base, mixup=mixup)]
    for by in ("signal", "image", "both"):
        for in_teacher in (None, mixup):
            runs += [taught(base, by, in_teacher, mixup=in_student) for in_student in (None, mixup)]
    return runs


def alphas(base: RunSpec) -> list[RunSpec]:
    """The strength of mixup in the distillation from two plain teachers."""
    return [taught(base, "both", mixup=Mixup(alpha)) for alpha in ALPHAS]


def image_mixing(base: RunSpec, alpha: float) -> list[RunSpec]:
    """The image of a mixed window: mixture of images (linear) or image of the mixture (recompute)."""
    return [taught(base, "both", mixup=Mixup(alpha), image_mixing=how) for how in ("linear", "recompute")]


def resolutions(base: RunSpec, large: bool) -> list[RunSpec]:
    """Image teachers that see coarser and finer images."""
    teacher = replace(base, role="teacher", modality="image")
    return [replace(teacher, image=ImageSpec(resolution=n)) for n in (8, 16, 24, *((64,) if large else ()))]


def shares(base: RunSpec, alpha: float) -> list[RunSpec]:
    """Partial mixup in the distillation from two plain teachers; 10 % also as released."""
    exact = [taught(base, "both", mixup=Mixup.of(alpha, share)) for share in SHARES]
    return [*exact, taught(base, "both", mixup=Mixup(alpha, 0.1, "released"))]


def temperatures(base: RunSpec, alpha: float) -> list[RunSpec]:
    """Temperature x mixup, from a signal teacher: two ways to smooth the same targets."""
    mixup = Mixup(alpha)
    return [
        taught(base, "signal", in_teacher, mixup=in_student, temperature=t)
        for in_teacher in (None, mixup)
        for in_student in (None, mixup)
        for t in TEMPERATURES
    ]


STUDIES: dict[str, Callable[[RunSpec, bool, float], list[RunSpec]]] = {  # base, larger networks too, alpha
    "teachers": teachers,
    "methods": lambda base, large, alpha: methods(base),
    "distillation": lambda base, large, alpha: distillation(base, large),
    "mixup": lambda base, large, alpha: four_cases(base, alpha),
    "alpha": lambda base, large, alpha: alphas(base),
    "image_mixing": lambda base, large, alpha: image_mixing(base, alpha),
    "resolution": lambda base, large, alpha: resolutions(base, large),
    "share": lambda base, large, alpha: shares(base, alpha),
    "temperature": lambda base, large, alpha: temperatures(base, alpha),
}


def specs(
    study: str, dataset: str = "watch", profile: str = "quick", seed: int = 0, alpha: float = DEFAULT_ALPHA
) -> list[RunSpec]:
    """The runs of a study, each once. Raises MixkdError for an unknown study, data set or profile."""
    if study not in STUDIES:
        raise MixkdError(f"study: found {study!r}, {nearest(study, STUDIES)}")
    make, large = STUDIES[study], profile_of(profile).large_networks
    runs = [run for base in bases(dataset, profile, seed) for run in make(base, large and base.seed == seed, alpha)]
    return list({run.hash: run for run in runs}.values())


def every(dataset: str = "watch", profile: str = "quick", seed: int = 0) -> list[RunSpec]:
    """The runs of all studies: what the book needs."""
    runs = [run for study in STUDIES for run in specs(study, dataset, profile, seed)]
    return list({run.hash: run for run in runs}.values())


def load(
    study: str, dataset: str = "watch", profile: str = "quick", seed: int = 0, alpha: float = DEFAULT_ALPHA
) -> pd.DataFrame:
    """The study's table, one row per run, after training what is missing. Columns: see `describe`, and `METRICS`."""
    records = sweep.run(specs(study, dataset, profile, seed, alpha))
    return pd.DataFrame([row(record) for record in records])


def row(record: RunRecord) -> dict[str, Any]:
    """A record as a row of a tidy table. Metrics are the test subject's after the last epoch."""
    chosen = {f"accuracy_{c}": record.metrics(c)["accuracy"] for c in ("best_validation", "best_test")}
    return {
        **describe(record.spec),
        "subject": "+".join(map(str, record.data["subjects"]["test"])),
        **{name: record.metrics()[name] for name in METRICS},
        "validation_accuracy": record.metrics("last", "validation")["accuracy"],
        **chosen,
        "spec": record.spec,
    }


INITIALISATIONS = {"random": "Base", "scratch": "Ann", "base": "Base 2x"}


def method_of(spec: RunSpec) -> str:
    """What tables call the way a network was trained."""
    if not spec.teachers:
        return "Scratch" if spec.init == "random" else "Scratch 2x"
    start = INITIALISATIONS[spec.init]
    if spec.method != "kd":
        return METHODS[spec.method].title + ("" if start == "Base" else f", {start}")
    if spec.logit_scaling == "released":
        return "RL"
    return "ESKD" if spec.teachers[0].stopping == "best_validation" else start


def describe(spec: RunSpec) -> dict[str, Any]:
    """What tables and figures call a run."""
    modalities = [teacher.modality for teacher in spec.teachers]
    in_teacher = next((t.mixup for t in spec.teachers if t.mixup), None)
    return {
        "dataset": spec.dataset,
        "fold": spec.fold,
        "seed": spec.seed,
        "modality": spec.modality,
        "network": f"WRN{spec.depth}-{spec.width}",
        "method": method_of(spec),
        "teachers": "none" if not modalities else "both" if len(modalities) == 2 else modalities[0],
        "teacher_network": f"WRN{spec.teachers[0].depth}-{spec.teachers[0].width}" if spec.teachers else "",
        "case": case(spec.teachers != (), in_teacher, spec.mixup),
        "teacher_mixup": in_teacher is not None,
        "alpha": spec.mixup.alpha if spec.mixup else np.nan,
        "share": spec.mixup.share if spec.mixup else 0.0,
        "sampling": spec.mixup.sampling if spec.mixup else "exact",
        "image_mixing": spec.image_mixing,
        "resolution": spec.image.resolution if spec.image else 0,
        "temperature": spec.temperature,
        "total_epochs": spec.total_epochs,
    }


def case(has_teacher: bool, in_teacher: Mixup | None, in_student: Mixup | None) -> str:
    """One of the four cases of MIX-KD, or S / Mix-S without a teacher."""
    student = "Mix-S" if in_student else "S"
    return f"{'Mix-T' if in_teacher else 'T'} & {student}" if has_teacher else student


def histories(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by epoch of the table's runs; columns subject, seed, modality, epoch, validation, test."""
    rows = [
        (row["subject"], row["seed"], row["modality"], epoch, at["validation"]["accuracy"], at["test"]["accuracy"])
        for row, record in zip(table.to_dict("records"), records(table), strict=True)
        for epoch, at in enumerate(record.history, start=1)
    ]
    return pd.DataFrame(rows, columns=["subject", "seed", "modality", "epoch", "validation", "test"])


def pooled(table: pd.DataFrame, data: dict[int, FoldData]) -> tuple[np.ndarray, np.ndarray]:
    """Test logits and labels of the table's runs, one after the other."""
    found = records(table)
    logits = np.concatenate([record.arrays["test_logits"] for record in found])
    return logits, np.concatenate([data[record.spec.fold].parts["test"].y for record in found])


def records(table: pd.DataFrame) -> list[RunRecord]:
    """The stored records of a table's rows."""
    store = Store()
    return [trained(spec, store) for spec in table["spec"]]

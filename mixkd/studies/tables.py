"""Records as tidy tables: a row per run, named as tables and figures name it, and back from rows to records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mixkd.runs.published import CHOICES, METRICS
from mixkd.runs.store import RunRecord, same_people
from mixkd.specs.methods import METHODS
from mixkd.specs.parts import Family
from mixkd.specs.run import Mixup, Modality, RunSpec, TeacherSpec

if TYPE_CHECKING:
    from mixkd.learning.fold_data import FoldData


def frame(records: list[RunRecord]) -> pd.DataFrame:
    """A row per run. Without records (a study that `quick` leaves to `full`) the columns alone."""
    return pd.DataFrame([row(record) for record in records], columns=None if records else COLUMNS)


def row(record: RunRecord) -> dict[str, Any]:
    """A record as a row of a tidy table. Metrics, those of its task, are the test subject's after the last epoch."""
    chosen = {f"accuracy_{c}": record.metrics(c).get("accuracy", np.nan) for c in CHOICES}
    return {
        **describe(record.spec),
        "subject": record.subject,
        **dict.fromkeys(METRICS, np.nan),
        **record.metrics(),
        "validation_accuracy": record.metrics("last", "validation").get("accuracy", np.nan),
        **chosen,
        "spec": record.spec,
        "record": record,
    }


NETWORKS: dict[Family, str] = {
    "wrn": "WRN{depth}-{width}",
    "wrn_moments": "WRN{depth}-{width}, pooled by moments",
    "mtl": "MTL-net",
    "mtl_released": "MTL-net, as released",
    "moments": "linear, on moments",
    "forest": "extra trees",
}
INITIALISATIONS = {"random": "Base", "scratch": "Ann", "base": "Base 2x"}


def network_of(spec: RunSpec | TeacherSpec) -> str:
    """What tables call a network."""
    return NETWORKS[spec.family].format(depth=spec.depth, width=spec.width)


def method_of(spec: RunSpec) -> str:
    """What tables call the way a network was trained."""
    if not spec.teachers and spec.method != "kd":
        return METHODS[spec.method].title
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
    mixed = [teacher.modality for teacher in spec.teachers if teacher.mixup]
    return {
        "dataset": spec.dataset,
        "fold": spec.fold,
        "seed": spec.seed,
        "modality": spec.modality,
        "network": network_of(spec),
        "method": method_of(spec),
        "role": spec.role,
        "teachers": _set_of(modalities),
        "teacher_network": network_of(spec.teachers[0]) if spec.teachers else "",
        "case": case(spec.teachers != (), in_teacher, spec.mixup),
        "teacher_mixup": in_teacher is not None,
        "mixed_teachers": _set_of(mixed),
        "teacher_alpha": in_teacher.alpha if in_teacher else np.nan,
        "teacher_share": in_teacher.share if in_teacher else 0.0,
        "alpha": spec.mixup.alpha if spec.mixup else np.nan,
        "share": spec.mixup.share if spec.mixup else 0.0,
        "sampling": spec.mixup.sampling if spec.mixup else "exact",
        "partners": spec.mixup.partners if spec.mixup else "any",
        "mixed_on": spec.mixup.where if spec.mixup else "none",
        "image_mixing": spec.image_mixing,
        "resolution": spec.image.resolution if spec.image else 0,
        "temperature": spec.temperature,
        "kd_weight": spec.kd_weight,
        "image_weight": sum(teacher.weight for teacher in spec.teachers if teacher.modality == "image"),
        "kd_reduction": spec.kd_reduction,
        "logit_scaling": spec.logit_scaling,
        "total_epochs": spec.total_epochs,
        "task": spec.task,
        "order": spec.order,
        "augment": spec.augment,
        "teacher_augment": spec.teachers[0].augment if spec.teachers else "none",
        "teacher_stopping": spec.teachers[0].stopping if spec.teachers else "",
        "orthogonality": spec.orthogonality,
        "people": spec.people or 0,  # 0: all who can train
        "label_noise": spec.label_noise,
        "constants": ", ".join(f"{constant.name} {constant.value:g}" for constant in spec.constants),
    }


def _set_of(modalities: list[Modality]) -> str:
    if len(modalities) < 2:
        return modalities[0] if modalities else "none"
    return "both" if len(set(modalities)) > 1 else f"two {modalities[0]}"


def case(has_teacher: bool, in_teacher: Mixup | None, in_student: Mixup | None) -> str:
    """One of the four cases of MIX-KD, or S / Mix-S without a teacher."""
    student = "Mix-S" if in_student else "S"
    return f"{'Mix-T' if in_teacher else 'T'} & {student}" if has_teacher else student


COLUMNS = [*describe(RunSpec()), "subject", *METRICS, "validation_accuracy", *(f"accuracy_{c}" for c in CHOICES)]
COLUMNS += ["spec", "record"]


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
    of_table = records(table)
    logits = np.concatenate([record.arrays["test_logits"] for record in of_table])
    return logits, np.concatenate([labels(record, data) for record in of_table])


def labels(record: RunRecord, data: dict[int, FoldData]) -> np.ndarray:
    """Labels of a run's test windows, (n,). MixkdError where the recordings here are of other people."""
    here = data[record.spec.fold]
    same_people(here.subjects, record)
    return here.splits["test"].y


def records(table: pd.DataFrame) -> list[RunRecord]:
    """The records of a table's rows."""
    return list(table["record"])

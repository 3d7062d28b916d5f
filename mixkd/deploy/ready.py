"""Students that come with the package: a folder each below `students`, built by `bundle.py` from published weights."""

from __future__ import annotations

from pathlib import Path

STUDENTS = Path(__file__).with_name("students")
DATASETS = {"selfback-wrist": "selfback", "watch-shoulder": "watch"}  # of their recordings


def name_of(dataset: str) -> str:
    """The ready student of a data set; of `watch`, which is installed with mixkd, where there is none."""
    return {known: name for name, known in DATASETS.items()}.get(dataset, "watch-shoulder")


def folder(student: str | Path) -> Path:
    """The folder of a student: as given, or of a ready one if its name is given and no such folder is there."""
    return STUDENTS / student if str(student) in DATASETS and not Path(student).exists() else Path(student)

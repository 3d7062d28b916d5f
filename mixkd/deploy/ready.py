"""Students that come with the package: a folder each below `students`, built by `bundle.py` from published weights."""

from __future__ import annotations

from pathlib import Path

from mixkd.errors import MixkdError

STUDENTS = Path(__file__).with_name("students")
DATASETS = {"selfback-wrist": "selfback", "watch-shoulder": "watch"}  # of their recordings


def name_of(dataset: str) -> str:
    """The ready student of a data set. Raises MixkdError where there is none."""
    for name, known in DATASETS.items():
        if known == dataset:
            return name
    raise MixkdError(f"dataset: found {dataset}, expected one with a ready student: {', '.join(DATASETS.values())}")


def folder(student: str | Path) -> Path:
    """The folder of a student: as given, or of a ready one if its name is given and no such folder is there."""
    return STUDENTS / student if str(student) in DATASETS and not Path(student).exists() else Path(student)

"""Which runs each chapter needs, and their records as tables."""

from mixkd.studies.designs import (
    ALPHAS,
    FEW_TEMPERATURES,
    IMAGE_WEIGHTS,
    KD_WEIGHTS,
    SHARES,
    STUDIES,
    TEMPERATURES,
    bases,
    every,
    exemplars,
    four_cases,
    profile_of,
    specs,
    taught,
)
from mixkd.studies.results import data, every_record, load, store_of

__all__ = [
    "ALPHAS",
    "FEW_TEMPERATURES",
    "IMAGE_WEIGHTS",
    "KD_WEIGHTS",
    "SHARES",
    "STUDIES",
    "TEMPERATURES",
    "bases",
    "data",
    "every",
    "every_record",
    "exemplars",
    "four_cases",
    "load",
    "profile_of",
    "specs",
    "store_of",
    "taught",
]

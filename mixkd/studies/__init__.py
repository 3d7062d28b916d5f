"""Which runs each chapter needs, and their records as tables."""

from mixkd.studies.bases import bases, taught
from mixkd.studies.catalogue import STUDIES, bases_of, every, exemplars, specs, whole
from mixkd.studies.designs import (
    ALPHAS,
    FEW_TEMPERATURES,
    IMAGE_WEIGHTS,
    KD_WEIGHTS,
    SHARES,
    TEMPERATURES,
    four_cases,
)
from mixkd.studies.results import data, every_record, load, store_of
from mixkd.studies.scope import Scope

__all__ = [
    "ALPHAS",
    "FEW_TEMPERATURES",
    "IMAGE_WEIGHTS",
    "KD_WEIGHTS",
    "SHARES",
    "STUDIES",
    "TEMPERATURES",
    "Scope",
    "bases",
    "bases_of",
    "data",
    "every",
    "every_record",
    "exemplars",
    "four_cases",
    "load",
    "specs",
    "store_of",
    "taught",
    "whole",
]

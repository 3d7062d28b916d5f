"""One module per data set; each returns `Recordings`. The registry is what a `dataset` parameter may name."""

from types import ModuleType

from mixkd import moved
from mixkd.datasets.recordings import Recordings
from mixkd.datasets.registry import DATASETS, KEPT, Dataset, Rule, Scaling, dataset, named

__all__ = ["DATASETS", "KEPT", "Dataset", "Recordings", "Rule", "Scaling", "dataset", "named"]


def __getattr__(name: str) -> ModuleType:
    return moved(__name__, name)

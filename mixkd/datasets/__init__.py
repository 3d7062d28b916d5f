"""One module per data set; each returns `Recordings`. The registry is what a `dataset` parameter may name."""

import importlib
from types import ModuleType

from mixkd.datasets.recordings import Recordings
from mixkd.datasets.registry import DATASETS, KEPT, Dataset, Rule, Scaling, dataset, named

__all__ = ["DATASETS", "KEPT", "Dataset", "Recordings", "Rule", "Scaling", "dataset", "named"]

MOVED = {  # as `mixkd.MOVED`
    **dict.fromkeys(("archives", "download", "sources", "timing"), "raw"),
    **dict.fromkeys(("clock", "description", "draft", "folder"), "own"),
}


def __getattr__(name: str) -> ModuleType:
    """A module that has moved; AttributeError for any other name."""
    if name not in MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{MOVED[name]}.{name}")

"""Topological features of windows: persistence diagrams of sensor signals, and images of them."""

import importlib
from typing import TYPE_CHECKING, Any

from mixkd.topology.imaging import Grid, Imager, images
from mixkd.topology.persistence import Diagrams, diagrams

if TYPE_CHECKING:
    from mixkd.topology.transformers import PersistenceImage, SublevelPersistence

__all__ = ["Diagrams", "Grid", "Imager", "PersistenceImage", "SublevelPersistence", "diagrams", "images"]


def __getattr__(name: str) -> Any:
    """The transformers, loaded when they are asked for: scikit-learn costs every process half a second."""
    if name in ("PersistenceImage", "SublevelPersistence"):
        return getattr(importlib.import_module("mixkd.topology.transformers"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

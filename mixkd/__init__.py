"""mixkd: mixup, topological persistence and knowledge distillation for wearable sensor data, reproducibly."""

import importlib
import os
from types import ModuleType

from mixkd.errors import MixkdError

# Read by onnxruntime (from 1.29 on) at its import, which would write a device identifier and queue events to send.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
__all__ = ["MixkdError", "__version__"]

MOVED = {  # modules by their name of before December 2026: scripts and notebooks of readers import them so
    "backends": "topology.oracles",
    "config": "specs.run",
    "datasets.archives": "datasets.raw.archives",
    "datasets.download": "datasets.raw.download",
    "datasets.sources": "datasets.raw.sources",
    "datasets.timing": "datasets.raw.timing",
    "datasets.clock": "datasets.own.clock",
    "datasets.description": "datasets.own.description",
    "datasets.draft": "datasets.own.draft",
    "datasets.folder": "datasets.own.folder",
    "distill": "deploy.distill",
    "export": "deploy.export",
    "losses": "learning.losses",
    "metrics": "learning.metrics",
    "mixing": "learning.streams",
    "networks": "learning.networks",
    "planning": "runs.planning",
    "predict": "deploy.predict",
    "published": "runs.published",
    "store": "runs.store",
    "sweep": "runs.sweep",
    "tables": "studies.tables",
    "training": "learning.training",
}


def moved(package: str, name: str) -> ModuleType:
    """The module that was `package.name`; AttributeError for any other name."""
    former = f"{package}.{name}".removeprefix("mixkd.")
    if former not in MOVED:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return importlib.import_module(f"mixkd.{MOVED[former]}")


def __getattr__(name: str) -> ModuleType:
    return moved(__name__, name)

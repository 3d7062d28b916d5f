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


def __getattr__(name: str) -> ModuleType:
    """A module that has moved; AttributeError for any other name."""
    if name not in MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{MOVED[name]}")

"""mixkd: mixup, topological persistence and knowledge distillation for wearable sensor data, reproducibly."""

import os

from mixkd.errors import MixkdError

# Read by onnxruntime (from 1.29 on) at its import, which would write a device identifier and queue events to send.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
__all__ = ["MixkdError", "__version__"]

"""mixkd: mixup, topological persistence and knowledge distillation for wearable sensor data, reproducibly."""

from mixkd.errors import MixkdError

__version__ = "0.1.0"
__all__ = ["MixkdError", "__version__"]

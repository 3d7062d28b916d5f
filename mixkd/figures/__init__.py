"""One function per figure: a table or arrays in, a matplotlib Figure out; one style.

They are loaded when the first one is asked for: the timeline of a recording, a module, needs neither seaborn nor torch.
"""

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixkd.figures.every import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        if name.startswith("_") or find_spec(f"{__name__}.{name}"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.every"), name)

"""What the numbers of a run depend on beside its spec: how its data set is cut, and the constants of its method.

A record carries them; a record that was made under others is not served. Those of before November 2026 carry none:
what they were made under is kept in `results/conditions.json`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from mixkd.datasets import DATASETS
from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec

RECORD = CHECKOUT / "results" / "conditions.json"


def of_dataset(name: str) -> dict[str, Any] | None:
    """Window, step, rule, scaling and test people of a public data set; the name of any other says them all."""
    if name not in DATASETS:
        return None
    entry = DATASETS[name]
    return {
        "window": entry.window,
        "step": entry.step,
        "rule": entry.rule,
        "scaling": entry.scaling,
        "test": list(entry.test),
    }


def of_method(name: str) -> dict[str, Any]:
    """The constants of a method."""
    method = METHODS[name]
    constants = {"constants": dict(method.constants)} if method.constants else {}
    return {"weight": method.weight, "min_batch": method.min_batch, **constants}


def conditions(spec: RunSpec) -> dict[str, Any]:
    """What a run of today is made under, as plain data."""
    return {"cut": of_dataset(spec.dataset), "method": of_method(spec.method) if has_method(spec) else None}


def has_method(spec: RunSpec) -> bool:
    """Whether the loss of a run is that of a method, not of its task alone."""
    return bool(spec.teachers) or METHODS[spec.method].alone


@cache
def before(path: Path = RECORD) -> dict[str, Any]:
    """By data set and method, what records without conditions of their own were made under; empty without the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"datasets": {}, "methods": {}}
    except (OSError, ValueError) as error:
        raise MixkdError(f"{path}: cannot be read as JSON; take it from the repository again") from error


def same(spec: RunSpec, recorded: dict[str, Any] | None) -> bool:
    """Whether a run with these recorded conditions was made under those of today."""
    today = conditions(spec)
    if recorded is None:
        known = before()
        recorded = {
            "cut": known["datasets"].get(spec.dataset, today["cut"]),
            "method": known["methods"].get(spec.method, today["method"]) if has_method(spec) else None,
        }
    return recorded == today

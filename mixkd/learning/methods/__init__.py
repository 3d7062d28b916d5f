"""The losses of the distillation methods, a function each; their facts are in `mixkd/specs/methods.py`.

A file of this folder lists the methods it defines in its `RULES`; they are collected here, so a new method is a file
and a row of facts.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from mixkd.learning.methods.kd import Parts, Step, cross_entropy, kd
from mixkd.learning.methods.rule import Rule

__all__ = ["RULES", "Parts", "Rule", "Step", "cross_entropy", "kd"]

RULES: dict[str, Rule] = {}
for _file in iter_modules(__path__):
    RULES |= getattr(import_module(f"{__name__}.{_file.name}"), "RULES", {})

"""Base of what describes a run: frozen dataclasses, strictly parsed from plain data, with a hash stable everywhere."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

from mixkd.errors import MixkdError, nearest, quoted, short

_hints = functools.cache(typing.get_type_hints)


def _coerce(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint`, or a MixkdError naming the field `where`. No silent conversion but int -> float."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if type(value) is not str or value not in args:
            raise MixkdError(f"{where}: found {quoted(value)}, expected one of {', '.join(map(str, args))}")
        return value
    if origin in (types.UnionType, typing.Union):
        inner = next(a for a in args if a is not type(None))
        return None if value is None else _coerce(value, inner, where)
    if origin is tuple:
        if not isinstance(value, (tuple, list)):
            raise MixkdError(f"{where}: found {quoted(value)}, expected a list")
        return tuple(_coerce(v, args[0], f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise MixkdError(f"{where}: found {quoted(value)}, expected a table")
        return {str(k): _coerce(v, args[1], f"{where}.{short(k)}") for k, v in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if isinstance(value, dict):
            return typing.cast(Any, hint).parse(value, where)
        if not isinstance(value, hint):
            raise MixkdError(f"{where}: found {quoted(value)}, expected {hint.__name__} or its fields")
        return value
    if hint is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if type(value) is not hint:
        raise MixkdError(f"{where}: found {quoted(value)}, expected {hint.__name__}")
    if hint is float and not math.isfinite(value):
        raise MixkdError(f"{where}: found {quoted(value)}, expected a finite number")
    return value + 0.0 if hint is float else value  # -0.0 becomes 0.0: equal values have one hash


@dataclass(frozen=True)
class Spec:
    """Base of everything that describes a run: checked on construction, parsed from and written to plain data."""

    def __post_init__(self) -> None:
        hints = _hints(type(self))  # type: ignore[arg-type]  # a class is hashable
        for field in dataclasses.fields(self):
            value = _coerce(getattr(self, field.name), hints[field.name], f"{type(self).__name__}.{field.name}")
            object.__setattr__(self, field.name, value)
        self.check()

    def check(self) -> None:
        """Refuse impossible values (MixkdError); set fields without effect to their neutral value."""

    def neutral(self, **fields: Any) -> None:
        """Set fields without effect, while the spec is made."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def require(self, field: str, ok: bool, expected: str) -> None:
        """MixkdError naming the field unless `ok`."""
        if not ok:
            raise MixkdError(
                f"{type(self).__name__}.{field}: found {quoted(getattr(self, field))}, expected {expected}"
            )

    @classmethod
    def parse(cls, data: dict[str, Any], where: str = ""):
        """The spec from plain data. Unknown field: MixkdError naming the nearest known one."""
        if not isinstance(data, dict):
            raise MixkdError(f"{where or cls.__name__}: found {quoted(data)}, expected the fields of {cls.__name__}")
        known = [f.name for f in dataclasses.fields(cls)]
        for name in data:
            if name not in known:
                raise MixkdError(f"{where or cls.__name__}.{short(name)}: unknown field, {nearest(str(name), known)}")
        return cls(**data)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, nested; `parse` reads it."""
        return dataclasses.asdict(self)

    @functools.cached_property
    def hash(self) -> str:
        """16 hex digits of SHA-256 over the canonical JSON; equal in every process and Python version.

        Fields at their default are left out, so that a field added later leaves published hashes as they are.
        """
        text = json.dumps(_changed(self), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _changed(value: Any) -> Any:
    """Plain data of a spec without the fields that have their default."""
    if isinstance(value, tuple):
        return [_changed(item) for item in value]
    if not isinstance(value, Spec):
        return value
    fields = ((f.name, getattr(value, f.name), f.default) for f in dataclasses.fields(value))
    return {name: _changed(content) for name, content, default in fields if content != default}

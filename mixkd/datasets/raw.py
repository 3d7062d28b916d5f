"""Raw files of downloaded data sets: where they are, and a strict reader of their tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from mixkd.errors import MixkdError
from mixkd.store import home, sha256


def folder(name: str) -> Path:
    """Where the files of a data set are: below `MIXKD_DATA`, else below the store."""
    named = os.environ.get("MIXKD_DATA")
    return (Path(named).expanduser() if named else home() / "data" / "raw") / name


def listed(root: Path, pattern: str, expected: str) -> list[Path]:
    """The files below `root` that match, sorted. None: MixkdError that says where they were looked for."""
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    if not found:
        raise MixkdError(f"{root}: found no {pattern}, expected {expected}; MIXKD_DATA names the folder above it")
    return found


def fingerprint(root: Path, paths: Sequence[Path]) -> str:
    """Names a cache of what was parsed: 16 digits over names, sizes and times of the raw files."""
    lines = [f"{p.relative_to(root)} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in paths]
    return sha256("\n".join(lines).encode())[:16]


def read_csv(path: Path, columns: Mapping[str, pa.DataType]) -> dict[str, np.ndarray]:
    """Columns of a CSV file with exactly this header, all values there and finite; MixkdError naming file and line."""
    convert = csv.ConvertOptions(column_types=dict(columns), null_values=[], strings_can_be_null=False)
    try:
        header = path.open(encoding="utf-8").readline().strip().split(",")
        if header != list(columns):
            raise MixkdError(f"{path}, line 1: found columns {', '.join(header)}, expected {', '.join(columns)}")
        table = csv.read_csv(path, convert_options=convert, read_options=csv.ReadOptions(use_threads=False))
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise MixkdError(f"{path}: {' '.join(str(error).split())}, expected columns {', '.join(columns)}") from error
    if not len(table):
        raise MixkdError(f"{path}: found no rows after the header")
    result = {}
    for name, kind in columns.items():
        if pa.types.is_floating(kind):
            good = pc.is_finite(table[name]).to_numpy()
            if not good.all():
                line = int(np.flatnonzero(~good)[0]) + 2
                raise MixkdError(
                    f"{path}, line {line}: found {table[name][line - 2].as_py()} in {name}, expected a number"
                )
        result[name] = table[name].to_numpy()
    return result

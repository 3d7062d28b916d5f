"""Locations of the raw files of public data sets.

They are below the folder in `MIXKD_DATA` (files copied by hand), else below `data/raw` of the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mixkd import files
from mixkd.errors import MixkdError


def root() -> Path:
    """The folder of all raw files."""
    return files.place("MIXKD_DATA") or files.home() / "data" / "raw"


def folder(name: str, layouts: Iterable[str]) -> tuple[Path, str]:
    """The folder of a data set's files, and the one of the `layouts` that exists. Raises MixkdError if none does.

    The layout `.` is files that lie in the data set's folder itself.
    """
    base, layouts = root() / name, list(layouts)
    for layout in layouts:
        if (base / layout).is_dir():
            return base / layout, layout
    raise MixkdError(
        f"{base}: found no folder {' or '.join(layouts).removesuffix(' or .')}, expected the raw files of {name}; "
        f"fetch them with `mixkd data fetch {name}`, or set MIXKD_DATA to the folder above {base.name}/"
    )


def listed(base: Path, pattern: str) -> list[Path]:
    """The files below `base` that match `pattern`, sorted. Raises MixkdError if there is none."""
    matches = sorted(path for path in base.glob(pattern) if path.is_file())
    if not matches:
        raise MixkdError(f"{base}: found no file {pattern}, expected the official layout; see `mixkd data check`")
    return matches

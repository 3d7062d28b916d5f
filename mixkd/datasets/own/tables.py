"""A recording as a table, whatever its format: text, Parquet, MATLAB, a device's file, several sensors joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mixkd.datasets.own import arrays, devices, joined, matlab, parquet, spreadsheets
from mixkd.datasets.own.spreadsheets import Spelling
from mixkd.datasets.raw import packed, text_table
from mixkd.errors import MixkdError

Loader = Callable[[Path], tuple[arrays.Columns, dict[str, int]]]
IN_MEMORY: dict[str, Loader] = {**dict.fromkeys(devices.SUFFIXES, devices.columns), matlab.SUFFIX: matlab.columns}
CUT = "last rows without a line end, left out"


@dataclass(frozen=True)
class Table:
    """A file's rows, and counts of what was repaired, left out or is missing."""

    rows: text_table.Parsed
    counts: dict[str, int] = field(default_factory=dict)


def read(path: Path, columns: Mapping[str, text_table.Kind], how: Spelling) -> Table:
    """The named columns of a file, or of the sensors beside it, in the stated units and in the order of `columns`.

    Raises MixkdError, or Faults when a text table has several.
    """
    table = _joined(path, columns, how) if how.sensors else _read(path, columns, how)
    names = [name for name, kind in columns.items() if kind == "number"]
    if factors := {names.index(name): factor for name, factor in how.scale.items() if name in names}:
        values = table.rows.values.copy()
        values[:, list(factors)] *= np.array(list(factors.values()), np.float32)
        return replace(table, rows=replace(table.rows, values=values))
    return table


def _joined(path: Path, columns: Mapping[str, text_table.Kind], how: Spelling) -> Table:
    counts: dict[str, int] = {}

    def one(file: Path, kinds: Mapping[str, text_table.Kind]) -> text_table.Parsed:
        table = _read(file, kinds, how)
        for what, n in table.counts.items():
            counts[what] = counts.get(what, 0) + n
        return table.rows

    rows, lost = joined.read(path, columns, how.sensors, one)
    return Table(rows, counts | lost)


def _read(path: Path, columns: Mapping[str, text_table.Kind], how: Spelling) -> Table:
    if load := _loader(path):
        with _on_disk(path) as file:
            content, counts = load(file)
        spreadsheets.require(path, columns, list(content))
        return Table(arrays.parsed(path, columns, content), counts)
    if _is_parquet(path):
        with _on_disk(path) as file:
            spreadsheets.require(path, columns, parquet.names(file))
            return Table(parquet.read(file, columns))
    rows, cut = spreadsheets.read(path, columns, how)
    return Table(rows, {CUT: cut})


def column_names(path: Path, how: Spelling) -> list[str]:
    """The columns that a file has, or that the sensors beside it have."""
    if how.sensors:
        return joined.names(path, how.sensors, lambda file: column_names(file, replace(how, sensors=())))
    if is_device(path):
        return list(next(device_blocks(path))[0])
    if load := _loader(path):
        with _on_disk(path) as file:
            return list(load(file)[0])
    if _is_parquet(path):
        with _on_disk(path) as file:
            return parquet.names(file)
    return spreadsheets.head(path, how).names


def first_rows(path: Path, n: int) -> dict[str, list] | None:
    """Up to n rows by column; None for a text table. Raises MixkdError for a file without rows."""
    if load := _loader(path):
        with _on_disk(path) as file:
            content, _ = next(devices.blocks(file)) if is_device(path) else load(file)
        return {name: values[:n].tolist() for name, values in content.items()}
    if _is_parquet(path):
        with _on_disk(path) as file:
            return parquet.first_rows(file, n)
    return None


def is_table(path: Path) -> bool:
    """Whether a file is text or Parquet as it lies there."""
    return packed.stem(path) == path and packed.archive_of(path) is None and not _loader(path)


def is_device(path: Path) -> bool:
    """Whether a file is one of a device, by its ending."""
    return packed.stem(path).suffix.lower() in devices.SUFFIXES


def device_blocks(path: Path) -> Iterator[tuple[arrays.Columns, dict[str, int]]]:
    """See `devices.blocks`; also of a file in an archive."""
    with _on_disk(path) as file:
        yield from devices.blocks(file)


def _loader(path: Path) -> Loader | None:
    return IN_MEMORY.get(packed.stem(path).suffix.lower())


def _is_parquet(path: Path) -> bool:
    return parquet.is_one(packed.stem(path))


@contextmanager
def _on_disk(path: Path) -> Iterator[Path]:
    """See `packed.on_disk`; errors name `path`, not the copy."""
    with packed.on_disk(path) as file:
        try:
            yield file
        except MixkdError as error:
            if file == path:
                raise
            raise MixkdError(str(error).replace(str(file), str(path))) from error

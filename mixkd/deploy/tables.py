"""The table that `mixkd predict` writes: a row per window, CSV or Parquet, block by block.

Each recording goes to a hidden part beside the table, of whole blocks; parts are joined when all are done. A recording
that is refused leaves nothing. After an interruption, what is done is kept under a name that says `partial`.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import uuid
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from mixkd.datasets.own import parquet
from mixkd.deploy.labels import Labels
from mixkd.deploy.predict import UNKNOWN, Student
from mixkd.deploy.wall_clock import WallClock
from mixkd.errors import MixkdError

SPECIAL = set(',"\r\n')


def rows(student: Student, part: Labels, wall: WallClock, *, file: str, set_threshold: float | None) -> pa.Table:
    """The rows of windows: when, label, confidence, smoothed label, worn, likely labels, all probabilities."""
    about = student.about
    names = np.array([*about["classes"], UNKNOWN], object)
    best = part.classes(student.threshold)
    columns: dict[str, Any] = {
        "file": pa.array([file] * len(part)),
        "time": pa.array(wall.written(part.start)),
        "start_s": np.round(part.start, 3),
        "end_s": np.round(part.start + about["window"] / about["rate"], 3),
        "label": pa.array(names[best]),
        "confidence": _numbers(part.confidence),
    }
    if part.smoothed is not None:
        columns["smoothed"] = pa.array(names[part.smoothed])
    if part.worn is not None:
        columns["worn"] = pa.array(np.where(part.worn, "yes", "no"))
    if set_threshold is not None:
        likely = part.p >= set_threshold  # NaN is not
        columns["likely"] = pa.array(["|".join(names[:-1][row]) or UNKNOWN for row in likely])
    columns |= {f"p {name}": _numbers(part.p[:, i]) for i, name in enumerate(about["classes"])}
    return pa.table(columns)


def beside(target: Path, word: str, suffix: str) -> Path:
    """The path of a file that belongs to a table: `a.labels.csv`, hours: `a.hours.labels.csv`."""
    return target.with_name(f"{target.stem.removesuffix('.labels')}.{word}.labels{suffix}")


def _numbers(values: np.ndarray) -> pa.Array:
    """Numbers (n,) to 4 digits; nothing where NaN."""
    return pa.array(np.round(values.astype(np.float64), 4), from_pandas=True)


class Table:
    """A table in the making, see the module."""

    def __init__(self, target: Path, words: list[str]):
        """words: texts that the table may hold, such as labels; CSV quotes words only if one of them needs it."""
        self.target, self.parquet = target, parquet.is_one(target)
        self.quoting = "needed" if any(SPECIAL & set(word) for word in words) else "none"
        self.stem = f".{target.name[:40]}.{uuid.uuid4().hex}"
        self.parts: list[Path] = []
        self.writer: Any = None
        self.file: IO[bytes] | None = None
        self.n_rows = self.n_part = 0

    def add(self, block: pa.Table) -> None:
        """Append rows of the recording in hand."""
        try:
            if self.writer is None:
                self.target.parent.mkdir(parents=True, exist_ok=True)
                self.parts.append(self.target.with_name(f"{self.stem}.{len(self.parts)}.part"))
                self.writer = self._writer(self.parts[-1], block.schema)
            self.writer.write_table(block)
        except OSError as error:
            raise MixkdError(f"{self.target}: could not write: {error.strerror or error}") from error
        self.n_part += len(block)

    def _writer(self, part: Path, schema: pa.Schema) -> Any:
        if self.parquet:
            return pyarrow.parquet.ParquetWriter(part, schema)
        self.file = part.open("wb")
        if len(self.parts) == 1:
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(schema.names)
            self.file.write(line.getvalue().encode())
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=self.quoting)
        return pyarrow.csv.CSVWriter(self.file, schema, write_options=options)

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        if self.file is not None:
            self.file.close()
        self.writer = self.file = None

    def end(self) -> None:
        """The recording in hand is done."""
        self._close()
        self.n_rows, self.n_part = self.n_rows + self.n_part, 0

    def refuse(self) -> None:
        """Take back the recording in hand."""
        if self.writer is not None:
            self._close()
            self.parts.pop().unlink()
        self.n_part = 0

    def finish(self, target: Path | None = None) -> Path | None:
        """Join the parts under the name of the table, or of `target`. None without rows."""
        if not self.parts:
            return None
        target = target or self.target
        try:
            whole = self._joined() if len(self.parts) > 1 else self.parts[0]
            os.replace(whole, target)
        except OSError as error:
            raise MixkdError(f"{target}: could not write: {error.strerror or error}") from error
        return target

    def _joined(self) -> Path:
        whole, parts = self.target.with_name(f"{self.stem}.part"), list(self.parts)
        self.parts.append(whole)  # to be deleted if this is interrupted
        if not self.parquet:
            with whole.open("wb") as out:
                for part in parts:
                    with part.open("rb") as file:
                        shutil.copyfileobj(file, out)
            return self.parts.pop()
        with pyarrow.parquet.ParquetWriter(whole, pyarrow.parquet.read_schema(parts[0])) as writer:
            for part in parts:
                with pyarrow.parquet.ParquetFile(part) as file:
                    for batch in file.iter_batches():
                        writer.write_batch(batch)
        return self.parts.pop()

    def partial(self) -> Path | None:
        """Keep what is done, after an interruption, under a name that says so. None without rows."""
        self.end()
        return self.finish(beside(self.target, "partial", self.target.suffix))

    def discard(self) -> None:
        """Delete the parts."""
        self.refuse()
        for part in self.parts:
            part.unlink(missing_ok=True)
        self.parts = []

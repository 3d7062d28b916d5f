"""Labels of many recordings in one table, with minutes by hour and day: what `mixkd predict` does.

A recording that is refused is reported and leaves no rows; the others are labelled. Ctrl-C keeps whole blocks.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from mixkd.datasets.own import names, quality
from mixkd.datasets.own import tables as own_tables
from mixkd.deploy import blocks, minutes, predict, ranges, sequence, tables, wall_clock, whole
from mixkd.deploy.cutting import Windows
from mixkd.deploy.hidden_markov import Chain
from mixkd.deploy.labels import Labels
from mixkd.deploy.minutes import Minutes, Row
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError, one_line
from mixkd.files import atomic_write

SHORT = 8  # quarters of an hour: a recording up to this is drawn with its signals
KINDS = (".csv", ".parquet", ".pq")  # of tables that are written
RECORDINGS = (*KINDS, ".csv.gz", *own_tables.IN_MEMORY)  # in folders; other files can be named
Say = Callable[[str], None]


@dataclass
class Result:
    """What was written: windows, the table, hours and days of each recording, refused recordings."""

    n_windows: int = 0
    table: Path | None = None
    recordings: dict[Path, Minutes] = field(default_factory=dict)
    refused: dict[Path, str] = field(default_factory=dict)

    def rows(self, of: Callable[[Minutes, Sequence[str]], list[Row]], classes: Sequence[str]) -> list[Row]:
        """`minutes.hours` or `minutes.days` of all recordings, with the file's name."""
        names_of = shown(list(self.recordings))
        return [{"file": names_of[path]} | row for path, each in self.recordings.items() for row in of(each, classes)]


def listed(places: Sequence[Path], sensors: Sequence[str] = ()) -> list[Path]:
    """The recordings that files, folders and patterns name, without tables of `predict`. Raises MixkdError if none.

    sensors: files that are joined to one recording, see `joined`: the first stands for all
    """
    files: dict[Path, None] = {}
    for place in places:
        if place.is_dir():
            below = [path for path in sorted(place.rglob("*")) if path.is_file()]
            visible = [p for p in below if not any(part.startswith(".") for part in p.relative_to(place).parts)]
            visible = [path for path in visible if path.name.lower().endswith(RECORDINGS)]
            if sensors:
                visible = [path for path in visible if path.match(sensors[0])]
        elif not place.exists() and set(str(place)) & set("*?["):
            root = Path(place.anchor or ".")
            visible = sorted(path for path in root.glob(str(place.relative_to(place.anchor))) if path.is_file())
        else:
            visible = [place]
        own = [path for path in visible if not path.name.lower().endswith(names.OUTPUT)]
        if not own:
            expected = sensors[0] if sensors else f"files that end in {', '.join(RECORDINGS)}"
            raise MixkdError(f"{place}: found no recording, expected {expected}")
        files |= dict.fromkeys(own)
    return list(files)


def shown(files: Sequence[Path]) -> dict[Path, str]:
    """What tables call recordings: the name, or the path where two have the same name."""
    often = Counter(path.name for path in files)
    return {path: path.name if often[path.name] == 1 else path.as_posix() for path in files}


def target_of(files: Sequence[Path], places: Sequence[Path], output: Path | None) -> Path:
    """Where the table goes: beside one file, in one folder, else here. Raises MixkdError if it is one of the files."""
    if output is None:
        single = len(places) == 1 and not places[0].is_dir() and len(files) == 1
        folder = places[0] if len(places) == 1 and places[0].is_dir() else Path()
        return files[0].with_suffix(".labels.csv") if single else folder / "predicted.labels.csv"
    written = {output.resolve(), output.with_suffix(".png").resolve()}
    if output.suffix.lower() not in KINDS or written & {path.resolve() for path in files}:
        wrong = "the name of the recording or of the plot"
        raise MixkdError(f"-o {output}: found {wrong}, expected a new .csv or .parquet")
    return output


def run(
    student: Student, files: Sequence[Path], target: Path, say: Say, *, zone: tzinfo | None = None, sets: bool = False
) -> Result:
    """Label recordings into the table `target`. Raises MixkdError if the only recording is refused.

    zone: in which times are shown; sets: also write the labels that are likely, see `rejection`
    """
    words = [*student.about["classes"], *shown(files).values()]
    limit = _set_threshold(student) if sets else None
    table, result = tables.Table(target, words), Result()
    try:
        for path in files:
            try:
                _one(student, path, table, say, file=shown(files)[path], zone=zone, limit=limit, result=result)
            except MixkdError as error:
                table.refuse()
                result.refused[path] = str(error)
                if len(files) == 1:
                    raise
                say(f"refused: {error}")
        result.n_windows, result.table = table.n_rows, table.finish()
    except KeyboardInterrupt:
        n = table.n_rows + table.n_part
        partial = table.partial()
        say(f"interrupted: {n} windows are in {partial}" if partial else "interrupted before the first window")
        raise
    finally:
        table.discard()
    return result


def _set_threshold(student: Student) -> float:
    limits = student.about.get("unknown")
    if not limits:
        again = "`mixkd distill` exports it again with them"
        raise MixkdError(f"{student.folder / 'student.json'}: found no thresholds, expected those of sets; {again}")
    return limits["set_threshold"]


def _one(
    student: Student,
    path: Path,
    table: tables.Table,
    say: Say,
    *,
    file: str,
    zone: tzinfo | None,
    limit: float | None,
    result: Result,
) -> None:
    """Label one recording, which the table calls `file`."""
    about, counts = blocks.settings(path, student.about), dict[str, int]()

    def count(what: str, n: int) -> None:
        counts[what] = counts.get(what, 0) + int(n)

    seen = ranges.Seen(about)
    source = blocks.Source(path, about, count) if blocks.possible(path, about) else None
    if source is not None:
        parts = blocks.windows(source)
    else:
        recording = whole.read(path, about, count)
        parts = predict.cut(recording.segments, about)
        if recording.quality:
            say(quality.line(recording.quality))
    each: Minutes | None = None
    for part in labelled(student, parts, seen):
        if each is None:  # the first row's clock is known once there is a window
            if source is None or about["reading"].get("zone"):
                start = recording.start if source is None else source.start
                clock = wall_clock.of_start(path, about, start, zone)
            else:
                clock = wall_clock.of_file(path, about, source.first, zone)
            each = Minutes(len(about["classes"]), clock, about["window"] / about["rate"])
        table.add(tables.rows(student, part, clock, file=file, set_threshold=limit))
        each.add(part, part.classes(student.threshold))
    assert each
    each.close()
    table.end()
    if source and source.quality:
        say(quality.line(source.quality))
    result.recordings[path] = each
    before = f"{file}: " if table.n_rows > seen.n else ""
    for what, n in counts.items():
        if n:
            say(f"{before}{what}: {n}")
    for remark in seen.remarks():
        say(one_line(f"{before}worth a look: {remark}"))


def labelled(student: Student, windows: Iterator[Windows], seen: ranges.Seen) -> Iterator[Labels]:
    """The windows of a recording with all that a row takes from others."""
    parts = predict.labels(student, windows, seen)
    if chain := student.about.get("smoothing"):
        parts = sequence.with_smoothed(parts, Chain.of(chain))
    return parts if sequence.accelerometer(student.about) is None else sequence.with_wear(parts)


def summaries(student: Student, result: Result, target: Path, say: Callable[[str], None]) -> list[Path]:
    """Write the minutes of each hour and each day, of all recordings, as CSV; says why minutes are left empty."""
    paths = []
    for word, of in (("hours", minutes.hours), ("days", minutes.days)):
        paths.append(tables.beside(target, word, ".csv"))
        rows = result.rows(of, student.about["classes"])
        write(rows, paths[-1])
        if any(value is None for row in rows for value in row.values()):
            say(f"{paths[-1]}: adjusted minutes are empty where an hour of the day was worn on no day")
    return paths


def pictures(student: Student, result: Result, target: Path) -> Iterator[Path]:
    """Draw each recording: day by day, or with its signals if it is short."""
    from mixkd.figures import days, timeline  # here: other figures bring torch

    for path, each in result.recordings.items():
        picture = target.with_suffix(".png") if len(result.recordings) == 1 else path.with_suffix(".labels.png")
        if max(each.quarters) - min(each.quarters) > SHORT:
            days.plot(minutes.panels(each), student.about["classes"], picture)
        else:
            segments = predict.read_recording(path, student.about)
            timeline.plot(student.about, segments, predict.label(student, segments)[0], picture)
        yield picture


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """Write rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue().encode())

"""A first `dataset.toml`, guessed from the files of a folder. A person checks it, then `mixkd data check`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixkd.datasets.own import clock, description, devices, guess, joined, labels, look, names, quality
from mixkd.datasets.raw import form, stamps
from mixkd.datasets.raw.timing import MATCH
from mixkd.errors import MixkdError, listed
from mixkd.files import atomic_write

SAYS = {"subject": "who it is", "label": "what is done", "recording": "which session"}
ENDINGS = (*devices.SUFFIXES, ".csv", ".csv.gz", ".parquet", ".mat", ".txt")  # of recordings, the likeliest first


@dataclass(frozen=True)
class Sources:
    """Files of recordings, their pattern and a comment on it, the sensors that are joined, and the table of labels."""

    files: list[Path]
    pattern: str
    about: str
    sensors: list[str]
    labels: str | None


@dataclass(frozen=True)
class Guess:
    """Guessed description of a folder; the unit of each channel comes with a comment.

    roles: column of each role; doubtful: candidate columns of roles without a clear one; names: pattern of file names
    """

    title: str
    sources: Sources
    roles: dict[str, str]
    doubtful: dict[str, list[str]]
    names: str | None
    channels: dict[str, tuple[str, str]]
    unit: str
    rate: float | None


def draft(base: Path) -> Path:
    """Write `dataset.toml` into a folder of CSV or Parquet files. Raises MixkdError if it exists, or without files."""
    path = base / description.NAME
    if path.exists():
        raise MixkdError(f"{path}: is there already; change it, or delete it and draft again")
    sources = _sources(base)
    first = look.at(sources.files[0], sources.sensors)
    roles, doubtful = guess.roles(first)
    roles |= {"time": clock_of} if "time" not in roles and (clock_of := _joined_clock(first, sources.sensors)) else {}
    places = [path.relative_to(base).as_posix() for path in sources.files]
    missing = [role for role in ("subject", "label") if role not in roles and (role != "label" or not sources.labels)]
    channels = guess.channels(first, places[0])
    if not channels:
        found = listed(first.names)
        raise MixkdError(f"{sources.files[0]}: found columns {found}, expected some with numbers: channels")
    if sources.labels:
        roles.pop("label", None), doubtful.pop("label", None)
    names_of_files = guess.pattern(places, missing)
    guessed = Guess(
        base.resolve().name, sources, roles, doubtful, names_of_files, channels, *_clock(first, roles.get("time"))
    )
    atomic_write(path, _toml(first, guessed).encode("utf-8", "replace"))
    description.describe(base)
    return path


def _sources(base: Path) -> Sources:
    """The recordings of the folder: one kind of files, the likeliest; a table of labels beside them; sensors."""
    for pattern in (f"{below}*{ending}" for ending in ENDINGS for below in ("", "**/")):
        files = names.listed(base, pattern)[0]
        tables_of_labels = [path for path in _texts(base) if labels.is_one(path)]
        files = [path for path in files if path not in tables_of_labels]
        if not files:
            continue
        table = tables_of_labels[0].relative_to(base).as_posix() if tables_of_labels else None
        about = "below this folder"
        places = [path.relative_to(base).as_posix() for path in files]
        sensors: list[str] = []
        if mixed := names.sensors(places):
            (_, other), pattern = mixed
            if len(sensors := names.beside(places)) > 1:
                pattern, about = f"**/{sensors[0]}", "a recording is a folder with the `sensors`"
            else:
                sensors = []
                about = f"one of several sensors; to use others, such as {other}, join them into one table"
            files = names.listed(base, pattern)[0]
        return Sources(files, pattern, about, sensors, table)
    raise MixkdError(f"{base}: found no CSV or Parquet file and none of a device, expected recordings")


def _texts(base: Path) -> list[Path]:
    return [path for ending in ("csv", "tsv", "txt") for path in names.listed(base, f"**/*.{ending}")[0]]


def _joined_clock(first: look.Look, sensors: list[str]) -> str | None:
    """The column without a sensor's name that all sensors have."""
    starts = tuple(joined.prefix(sensor) for sensor in sensors)
    return next((name for name in first.names if sensors and not name.startswith(starts)), None)


def _clock(first: look.Look, time: str | None) -> tuple[str, float | None]:
    """The unit of the time column and the usual rate nearest to its rate; without a time column, the stated rate."""
    if time is None:
        return "s", first.rate
    words = first.column(time)
    with suppress(ValueError):
        dates = (
            stamps.Stamps().read(words) if stamps.fault((words or [""])[0]) is None else stamps.Stamps(True).read(words)
        )
        return "date", _usual(dates * clock.UNITS["date"]) or first.rate
    numbers = first.numbers(time)
    if numbers is None or len(numbers) < 2:
        return "s", first.rate
    step = float(np.median(np.diff(numbers))) or float(np.mean(np.diff(numbers)))
    unit = "s" if step < 0.9 else "ms" if step < 900 else "us" if step < 900_000 else "ns"
    return unit, _usual(numbers * clock.UNITS[unit]) or first.rate


def _usual(seconds: np.ndarray) -> float | None:
    steps = np.diff(seconds)
    step = float(np.median(steps)) if len(steps) else 0.0
    if step == 0:  # most times are repeated: rows per second up to where the clock goes back, if it does
        rising = seconds[: np.flatnonzero(np.r_[steps, -1] < 0)[0] + 1]
        step = 1 / (clock.rows_per_second(rising) or np.inf)
    if not step > 0:
        return None
    near = min(quality.RATES, key=lambda rate: abs(rate * step - 1))
    return float(near) if abs(near * step - 1) < MATCH else round(1 / step, 3)


def _toml(first: look.Look, guessed: Guess) -> str:
    """Text of the file, with a comment on each line that a person should check."""
    window = max(2.0, description.SAMPLES / (guessed.rate or 50.0))
    lines = [
        "# What mixkd must know of these recordings. Drafted by `mixkd data init`: check every line.",
        *_people(guessed),
        *_reading(first, guessed),
        _line("window", f"{window}", "s"),
        _line("step", f"{window / 2}", "s from a window to the next"),
        _line("gap", "0.1", "s; longer holes end a recording, shorter ones are interpolated"),
        "",
        "[channels]  # column = unit, in the order that networks see them",
        *(_line(_text(name), _text(unit), doubt) for name, (unit, doubt) in guessed.channels.items()),
        *_scale(first, guessed),
    ]
    return "\n".join(lines) + "\n"


def _scale(first: look.Look, guessed: Guess) -> Iterator[str]:
    factors = {name: factor for name, factor in first.scale.items() if name in guessed.channels}
    if factors:
        yield from ("", "[scale]  # column = factor from the file's values to the unit above")
        yield from (_line(_text(name), f"{factor}") for name, factor in factors.items())


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML string, a list of them a list


def _line(name: str, value: str, comment: str = "") -> str:
    return f"{name} = {value}" + (f"  # {comment}" if comment else "")


def _people(guessed: Guess) -> Iterator[str]:
    """Lines for the files, and for the columns of subject, label and recording."""
    yield _line("title", _text(guessed.title))
    yield _line("files", _text(guessed.sources.pattern), guessed.sources.about)
    if guessed.sources.sensors:
        yield _line("sensors", _text(guessed.sources.sensors), "files of one recording, joined by time")
    if guessed.sources.labels:
        yield _line("labels", _text(guessed.sources.labels), "table with file or subject, start, end and label")
    if guessed.names:
        yield _line("names", _text(guessed.names), "what a file's name says")
    for role, what in SAYS.items():
        if role in guessed.roles:
            yield _line(role, _text(guessed.roles[role]), f"column that says {what}")
        elif role == "label" and guessed.sources.labels:
            continue
        elif role != "recording" and f"{{{role}}}" not in (guessed.names or ""):
            known = f"{' or '.join(guessed.doubtful[role])}?" if role in guessed.doubtful else "NOT FOUND:"
            yield _line(role, '"?"', f"{known} column that says {what}, or write {{{role}}} into `names`")


def _reading(first: look.Look, guessed: Guess) -> Iterator[str]:
    """Lines for the spelling of files, and for the clock."""
    if first.above:
        yield _line("skip_lines", str(first.above), "above the names of the columns")
    if not first.named:
        yield _line("column_names", _text(first.names), "which the files do not name")
    if "time" in guessed.roles:
        yield _line("time", _text(guessed.roles["time"]), "column; without one, every row is 1 / rate seconds later")
        yield _line("time_unit", _text(guessed.unit), ", ".join(clock.UNITS))
        if guessed.unit in form.DATES:
            known = look.at_zone(first.column(guessed.roles["time"]))
            yield from (
                [] if known else ['# zone = "Europe/Berlin"  # of a clock without one: add it for times with a zone']
            )
    yield _line(
        "rate", f"{guessed.rate or 50.0}", "samples per second" + ("" if guessed.rate else ": NOT FOUND, a guess")
    )
    if first.encoding != "utf-8":
        yield _line("encoding", _text(first.encoding))
    if first.separator != ",":
        yield _line("separator", _text(first.separator))
    if first.decimal != ".":
        yield _line("decimal", _text(first.decimal))
    lost = [word for word in look.LOST if any(word in row for row in first.rows)]
    if set(lost) - {"", "NaN", "nan"}:
        yield _line("missing", _text(lost), "how a lost value is spelled")
    if "label" in guessed.roles and "" in first.column(guessed.roles["label"]):
        yield _line("ignore", '[""]', "labels of samples that are no activity")

"""A first `dataset.toml`, guessed from the files of a folder. A person checks it, then `mixkd data check`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from mixkd.datasets.own import clock, description, devices, guess, names, quotes, spreadsheets, tables
from mixkd.datasets.raw import faults, form, stamps, text_table
from mixkd.datasets.raw.text import opened
from mixkd.datasets.raw.timing import MATCH
from mixkd.errors import MixkdError, listed
from mixkd.files import atomic_write

ROWS = 2000  # rows of a file that are read
RATES = (1, 2, 5, 10, 12.5, 20, 25, 30, 32, 40, 50, 52, 60, 64, 75, 80, 100, 104, 120, 125, 128, 200, 208, 250, 256)
SAYS = {"subject": "who it is", "label": "what is done", "recording": "which session"}
ENDINGS = (*devices.SUFFIXES, ".csv", ".parquet", ".txt")  # of recordings, the likeliest first
LOST = ("", "NaN", "nan", "NA", "null", "NULL", "None", "-", "?")


@dataclass(frozen=True)
class Look:
    """The first rows of a file, as words."""

    names: list[str]
    rows: list[list[str]]
    separator: str = ","
    decimal: str = "."
    above: int = 0  # lines above the names of the columns
    named: bool = True  # False: the file has no names, they are generated
    rate: float | None = None  # stated in the lines above the names
    units: dict[str, str] = field(default_factory=dict)  # that the format states

    def column(self, name: str) -> list[str]:
        """The words of a column, blanks around them removed."""
        at = self.names.index(name)
        return [row[at].strip() for row in self.rows if at < len(row)]

    def numbers(self, name: str) -> np.ndarray | None:
        """A column's numbers (n,), missing values left out; None if a word is no number."""
        try:
            values = np.array([number(w, self.decimal) for w in self.column(name) if w not in LOST])
        except ValueError:
            return None
        return values if (np.abs(values) < form.LATEST).all() else None


@dataclass(frozen=True)
class Guess:
    """Guessed description of a folder; pattern of its files and unit of each channel come with a comment.

    roles: column of each role; doubtful: candidate columns of roles without a clear one; names: pattern of file names
    """

    title: str
    pattern: tuple[str, str]
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
    files, pattern = _files(base)
    look = _look(files[0])
    roles, doubtful = guess.roles(look)
    places = [path.relative_to(base).as_posix() for path in files]
    names_of_files = guess.pattern(places, [role for role in ("subject", "label") if role not in roles])
    channels = guess.channels(look, places[0])
    if not channels:
        raise MixkdError(f"{files[0]}: found columns {listed(look.names)}, expected some with numbers: channels")
    clock_of = _clock(look, roles.get("time"))
    guessed = Guess(base.resolve().name, pattern, roles, doubtful, names_of_files, channels, *clock_of)
    atomic_write(path, _toml(look, guessed).encode("utf-8", "replace"))
    description.describe(base)
    return path


def _files(base: Path) -> tuple[list[Path], tuple[str, str]]:
    """The recordings of the folder, a pattern of their names, and a comment on it."""
    for pattern in (f"{below}*{ending}" for ending in ENDINGS for below in ("", "**/")):
        if files := names.listed(base, pattern)[0]:
            if mixed := names.sensors([path.relative_to(base).as_posix() for path in files]):
                (_, other), one = mixed
                about = f"one of several sensors; to use others, such as {other}, join them into one table"
                return names.listed(base, one)[0], (one, about)
            return files, (pattern, "below this folder")
    raise MixkdError(f"{base}: found no CSV or Parquet file and none of a device, expected recordings")


def number(word: str, decimal: str) -> float:
    """The number that a word spells; ValueError where it spells none."""
    spelled = word if decimal == "." else word.replace(".", "?").replace(decimal, ".")
    if not faults.NUMBER.fullmatch(spelled):
        raise ValueError(f"found {word!r}, expected a number")
    return float(spelled)


def _look(path: Path) -> Look:
    if columns := tables.first_rows(path, ROWS):
        words = [["" if value is None else str(value) for value in row] for row in zip(*columns.values(), strict=True)]
        return Look(list(columns), words, units=devices.UNITS if path.suffix.lower() in devices.SUFFIXES else {})
    lines = []
    for at, line in enumerate(islice(opened(path).lines(), ROWS + spreadsheets.ABOVE), start=1):
        if len(line) > spreadsheets.LINE:
            raise text_table.refusal(path, at, f"{len(line)} characters", "a row of a table")
        lines.append(line.decode().rstrip("\r\n"))
    looks = [_as_separated(lines, separator) for separator in ",;\t|"]
    return max(looks, key=lambda look: (look.named and len(look.names) > 1, len(look.names)))


def _as_separated(lines: list[str], separator: str) -> Look:
    """The table in lines with this separator: it begins at the first row with the most common number of fields."""
    rows = [[word.strip() for word in quotes.fields(line, separator)] for line in lines]
    width = Counter(len(row) for row in rows[len(rows) // 2 :]).most_common(1)[0][0] if rows else 1
    fit = [len(row) == width for row in rows]
    above = next((i for i, ok in enumerate(fit) if width > 1 and ok and all(fit[i : i + 2])), 0)
    names, body = rows[above] if rows else [], rows[above + 1 :]
    points, commas = (sum(bool(re.fullmatch(rf"-?\d*[{sign}]\d+", w)) for row in body for w in row) for sign in ".,")
    decimal = "," if separator != "," and commas > points else "."
    named = not _is_row(names, body[0] if body else [], decimal)
    if not named:
        body = [names, *body]
        names = ["time" if stamps.fault(word) is None else f"column {i}" for i, word in enumerate(names, start=1)]
    stated = re.search(r"(\d+(?:\.\d+)?) ?Hz", " ".join(lines[:above]))
    above -= bool(above == 1 and re.fullmatch('"?sep=."?', lines[0]))  # readers skip this line anyway
    return Look(names, body[:ROWS], separator, decimal, above, named, float(stated[1]) if stated else None)


def _is_row(first: list[str], second: list[str], decimal: str) -> bool:
    """Whether a first line holds numbers where the second does, and not just numbers of columns."""

    def is_value(word: str) -> bool:
        try:
            return bool(np.isfinite(number(word, decimal)))
        except ValueError:
            return stamps.fault(word) is None

    values = [one for one, other in zip(first, second, strict=False) if is_value(other)]
    return any(not word.isdigit() for word in values) and all(map(is_value, values))


def _clock(look: Look, time: str | None) -> tuple[str, float | None]:
    """The unit of the time column and the usual rate nearest to its rate; without a time column, the stated rate."""
    if time is None:
        return "s", look.rate
    words = look.column(time)
    with suppress(ValueError):
        dates = (
            stamps.Stamps().read(words) if stamps.fault((words or [""])[0]) is None else stamps.Stamps(True).read(words)
        )
        return "date", _usual(dates * clock.UNITS["date"]) or look.rate
    numbers = look.numbers(time)
    if numbers is None or len(numbers) < 2:
        return "s", look.rate
    step = float(np.median(np.diff(numbers))) or float(np.mean(np.diff(numbers)))
    unit = "s" if step < 0.9 else "ms" if step < 900 else "us" if step < 900_000 else "ns"
    return unit, _usual(numbers * clock.UNITS[unit]) or look.rate


def _usual(seconds: np.ndarray) -> float | None:
    steps = np.diff(seconds)
    step = float(np.median(steps)) if len(steps) else 0.0
    if step == 0:  # most times are repeated: rows per second up to where the clock goes back, if it does
        rising = seconds[: np.flatnonzero(np.r_[steps, -1] < 0)[0] + 1]
        step = 1 / (clock.rows_per_second(rising) or np.inf)
    if not step > 0:
        return None
    near = min(RATES, key=lambda rate: abs(rate * step - 1))
    return float(near) if abs(near * step - 1) < MATCH else round(1 / step, 3)


def _toml(look: Look, guessed: Guess) -> str:
    """Text of the file, with a comment on each line that a person should check."""
    window = max(2.0, description.SAMPLES / (guessed.rate or 50.0))
    lines = [
        "# What mixkd must know of these recordings. Drafted by `mixkd data init`: check every line.",
        *_people(guessed),
        *_reading(look, guessed),
        _line("window", f"{window}", "s"),
        _line("step", f"{window / 2}", "s from a window to the next"),
        _line("gap", "0.1", "s; longer holes end a recording, shorter ones are interpolated"),
        "",
        "[channels]  # column = unit, in the order that networks see them",
        *(_line(_text(name), _text(unit), doubt) for name, (unit, doubt) in guessed.channels.items()),
    ]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML string, a list of them a list


def _line(name: str, value: str, comment: str = "") -> str:
    return f"{name} = {value}" + (f"  # {comment}" if comment else "")


def _people(guessed: Guess) -> Iterator[str]:
    """Lines for the files, and for the columns of subject, label and recording."""
    yield _line("title", _text(guessed.title))
    yield _line("files", _text(guessed.pattern[0]), guessed.pattern[1])
    if guessed.names:
        yield _line("names", _text(guessed.names), "what a file's name says")
    for role, what in SAYS.items():
        if role in guessed.roles:
            yield _line(role, _text(guessed.roles[role]), f"column that says {what}")
        elif role != "recording" and f"{{{role}}}" not in (guessed.names or ""):
            known = f"{' or '.join(guessed.doubtful[role])}?" if role in guessed.doubtful else "NOT FOUND:"
            yield _line(role, '"?"', f"{known} column that says {what}, or write {{{role}}} into `names`")


def _reading(look: Look, guessed: Guess) -> Iterator[str]:
    """Lines for the spelling of files, and for the clock."""
    if look.above:
        yield _line("skip_lines", str(look.above), "above the names of the columns")
    if not look.named:
        yield _line("column_names", _text(look.names), "which the files do not name")
    if "time" in guessed.roles:
        yield _line("time", _text(guessed.roles["time"]), "column; without one, every row is 1 / rate seconds later")
        yield _line("time_unit", _text(guessed.unit), ", ".join(clock.UNITS))
    yield _line(
        "rate", f"{guessed.rate or 50.0}", "samples per second" + ("" if guessed.rate else ": NOT FOUND, a guess")
    )
    if look.separator != ",":
        yield _line("separator", _text(look.separator))
    if look.decimal != ".":
        yield _line("decimal", _text(look.decimal))
    lost = [word for word in LOST if any(word in row for row in look.rows)]
    if set(lost) - {"", "NaN", "nan"}:
        yield _line("missing", _text(lost), "how a lost value is spelled")
    if "label" in guessed.roles and "" in look.column(guessed.roles["label"]):
        yield _line("ignore", '[""]', "labels of samples that are no activity")

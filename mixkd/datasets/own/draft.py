"""A first `dataset.toml`, guessed from the files of a folder. A person checks it, then `mixkd data check`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mixkd.datasets.own import clock, description, guess, names, parquet, quotes, spreadsheets
from mixkd.datasets.raw import faults, form, stamps, text_table
from mixkd.datasets.raw.text import opened
from mixkd.datasets.raw.timing import MATCH
from mixkd.errors import MixkdError, listed
from mixkd.files import atomic_write

ROWS = 2000  # looked at per file
RATES = (1, 2, 5, 10, 12.5, 20, 25, 30, 32, 40, 50, 52, 60, 64, 75, 80, 100, 104, 120, 125, 128, 200, 208, 250, 256)
SAYS = {"subject": "who it is", "label": "what is done", "recording": "which session"}
LOST = ("", "NaN", "nan", "NA", "null", "NULL", "None", "-", "?")


@dataclass(frozen=True)
class Look:
    """The first rows of a file, as words."""

    names: list[str]
    rows: list[list[str]]
    separator: str = ","
    decimal: str = "."
    above: int = 0  # lines above the names of the columns
    named: bool = True  # or the names are made up here
    rate: float | None = None  # that the lines above state

    def column(self, name: str) -> list[str]:
        """The words of a column, blanks around them removed."""
        at = self.names.index(name)
        return [row[at].strip() for row in self.rows if at < len(row)]

    def numbers(self, name: str) -> np.ndarray | None:
        """A column's numbers, or None when it has something else; lost values left out."""
        try:
            found = np.array([number(w, self.decimal) for w in self.column(name) if w not in LOST])
        except ValueError:
            return None
        return found if (np.abs(found) < form.LATEST).all() else None


@dataclass(frozen=True)
class Guess:
    """What is guessed of a folder; pattern of its files, unit of each channel: with what to say about it.

    roles: columns by what they say; doubtful: columns of which one may say it; names: pattern of what file names say
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
    """Write `dataset.toml` into a folder of CSV or Parquet files. Raises MixkdError when there is one, or no files."""
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
    found = Guess(base.resolve().name, pattern, roles, doubtful, names_of_files, channels, *clock_of)
    atomic_write(path, _toml(look, found).encode("utf-8", "replace"))
    description.describe(base)
    return path


def _files(base: Path) -> tuple[list[Path], tuple[str, str]]:
    """The recordings of the folder, a pattern of them, and what to say about it."""
    for pattern in ("*.csv", "*.parquet", "**/*.csv", "**/*.parquet", "*.txt", "**/*.txt"):
        if files := names.listed(base, pattern)[0]:
            if mixed := names.sensors([path.relative_to(base).as_posix() for path in files]):
                (_, other), one = mixed
                about = f"one of several sensors; to use others, such as {other}, join them into one table"
                return names.listed(base, one)[0], (one, about)
            return files, (pattern, "below this folder")
    raise MixkdError(f"{base}: found no CSV or Parquet file, expected recordings")


def number(word: str, decimal: str) -> float:
    """The number that a word spells; ValueError where it spells none."""
    spelled = word if decimal == "." else word.replace(".", "?").replace(decimal, ".")
    if not faults.NUMBER.fullmatch(spelled):
        raise ValueError(f"found {word!r}, expected a number")
    return float(spelled)


def _look(path: Path) -> Look:
    if parquet.is_one(path):
        found = parquet.first_rows(path, ROWS)
        words = [["" if value is None else str(value) for value in row] for row in zip(*found.values(), strict=True)]
        return Look(list(found), words)
    lines = []
    for at, line in enumerate(islice(opened(path).lines(), ROWS + spreadsheets.ABOVE), start=1):
        if len(line) > spreadsheets.LINE:
            raise text_table.refusal(path, at, f"{len(line)} characters", "a row of a table")
        lines.append(line.decode().rstrip("\r\n"))
    looks = [_as_separated(lines, separator) for separator in ",;\t|"]
    return max(looks, key=lambda look: (look.named and len(look.names) > 1, len(look.names)))


def _as_separated(lines: list[str], separator: str) -> Look:
    """The table that lines with this separator hold: it begins where rows begin to have as many fields as most have."""
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
    above -= bool(above == 1 and re.fullmatch('"?sep=."?', lines[0]))  # which readers take by themselves
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
    """The unit of the time column and the usual rate next to what it shows; without one, the rate that is stated."""
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
    found = float(np.median(steps)) if len(steps) else 0.0
    if found == 0:  # most times are repeated: rows per second up to where the clock goes back, if it does
        rising = seconds[: np.flatnonzero(np.r_[steps, -1] < 0)[0] + 1]
        found = 1 / (clock.rows_per_second(rising) or np.inf)
    if not found > 0:
        return None
    near = min(RATES, key=lambda rate: abs(rate * found - 1))
    return float(near) if abs(near * found - 1) < MATCH else round(1 / found, 3)


def _toml(look: Look, found: Guess) -> str:
    """The file, a comment beside each line that a person should look at."""
    window = max(2.0, description.SAMPLES / (found.rate or 50.0))
    lines = [
        "# What mixkd must know of these recordings. Drafted by `mixkd data init`: check every line.",
        *_people(found),
        *_reading(look, found),
        _line("window", f"{window}", "s"),
        _line("step", f"{window / 2}", "s from a window to the next"),
        _line("gap", "0.1", "s; longer holes end a recording, shorter ones are interpolated"),
        "",
        "[channels]  # column = unit, in the order that networks see them",
        *(_line(_text(name), _text(unit), doubt) for name, (unit, doubt) in found.channels.items()),
    ]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML string, a list of them a list


def _line(name: str, value: str, comment: str = "") -> str:
    return f"{name} = {value}" + (f"  # {comment}" if comment else "")


def _people(found: Guess) -> Iterator[str]:
    """Which files, and what says who it is and what is done."""
    yield _line("title", _text(found.title))
    yield _line("files", _text(found.pattern[0]), found.pattern[1])
    if found.names:
        yield _line("names", _text(found.names), "what a file's name says")
    for role, what in SAYS.items():
        if role in found.roles:
            yield _line(role, _text(found.roles[role]), f"column that says {what}")
        elif role != "recording" and f"{{{role}}}" not in (found.names or ""):
            known = f"{' or '.join(found.doubtful[role])}?" if role in found.doubtful else "NOT FOUND:"
            yield _line(role, '"?"', f"{known} column that says {what}, or write {{{role}}} into `names`")


def _reading(look: Look, found: Guess) -> Iterator[str]:
    """How a file is written, and its clock."""
    if look.above:
        yield _line("skip_lines", str(look.above), "above the names of the columns")
    if not look.named:
        yield _line("column_names", _text(look.names), "which the files do not name")
    if "time" in found.roles:
        yield _line("time", _text(found.roles["time"]), "column; without one, every row is 1 / rate seconds later")
        yield _line("time_unit", _text(found.unit), ", ".join(clock.UNITS))
    yield _line("rate", f"{found.rate or 50.0}", "samples per second" + ("" if found.rate else ": NOT FOUND, a guess"))
    if look.separator != ",":
        yield _line("separator", _text(look.separator))
    if look.decimal != ".":
        yield _line("decimal", _text(look.decimal))
    lost = [word for word in LOST if any(word in row for row in look.rows)]
    if set(lost) - {"", "NaN", "nan"}:
        yield _line("missing", _text(lost), "how a lost value is spelled")
    if "label" in found.roles and "" in look.column(found.roles["label"]):
        yield _line("ignore", '[""]', "labels of samples that are no activity")

"""A first `dataset.toml`, guessed from the files of a folder. A person checks it, then `mixkd data check`."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixkd.datasets import description, loose, table
from mixkd.datasets.timing import MATCH
from mixkd.errors import MixkdError
from mixkd.store import atomic_write

WORDS = {
    "subject": ("subject", "person", "participant", "user", "people", "volunteer", "patient", "subj", "who", "id"),
    "label": ("label", "activity", "class", "exercise", "movement", "action", "task", "target"),
    "recording": ("recording", "session", "trial", "experiment", "file"),
    "time": ("time", "timestamp", "seconds", "datetime", "t", "s", "ms", "date", "clock"),
}
ROWS = 2000  # looked at per file
RATES = (1, 2, 5, 10, 12.5, 20, 25, 30, 32, 40, 50, 52, 60, 64, 75, 80, 100, 104, 120, 125, 128, 200, 208, 250, 256)
LOST = ("", "NaN", "nan", "NA", "null", "NULL", "None", "-", "?")


@dataclass(frozen=True)
class Look:
    """The first rows of a file, as words."""

    names: list[str]
    rows: list[list[str]]
    separator: str = ","
    decimal: str = "."

    def column(self, name: str) -> list[str]:
        at = self.names.index(name)
        return [row[at].strip() for row in self.rows if at < len(row)]

    def numbers(self, name: str) -> np.ndarray | None:
        """A column's numbers, or None when it has something else; lost values left out."""
        try:
            return np.array([float(w.replace(self.decimal, ".")) for w in self.column(name) if w not in LOST])
        except ValueError:
            return None


def draft(base: Path) -> Path:
    """Write `dataset.toml` into a folder of CSV or Parquet files. Raises MixkdError when there is one, or no files."""
    path = base / description.NAME
    if path.exists():
        raise MixkdError(f"{path}: is there already; change it, or delete it and draft again")
    files, pattern = _files(base)
    look = _look(files[0])
    roles = _roles(look)
    names = _names(files, base, [role for role in ("subject", "label") if role not in roles])
    channels = {name: _unit(name) for name in look.names if name not in roles.values() and _is_channel(look, name)}
    if not channels:
        raise MixkdError(f"{files[0]}: found columns {', '.join(look.names)}, expected some with numbers: channels")
    unit, rate = _clock(look, roles.get("time"))
    atomic_write(path, _toml(base, pattern, look, roles, names, channels, unit, rate).encode())
    description.describe(base)
    return path


def _files(base: Path) -> tuple[list[Path], str]:
    for pattern in ("*.csv", "*.parquet", "**/*.csv", "**/*.parquet", "*.txt", "**/*.txt"):
        if files := sorted(path for path in base.glob(pattern) if path.is_file() and not path.name.startswith(".")):
            return files, pattern
    raise MixkdError(f"{base}: found no CSV or Parquet file, expected recordings")


def _look(path: Path) -> Look:
    if loose.is_parquet(path):
        found = loose.first_rows(path, ROWS)
        words = [["" if value is None else str(value) for value in row] for row in zip(*found.values(), strict=True)]
        return Look(list(found), words)
    text, _ = loose.text(path)
    header, _, body = text.partition("\n")
    separator = max(",;\t|", key=header.count)
    rows = list(csv.reader(body.split("\n", ROWS)[:ROWS], delimiter=separator))
    commas = separator != "," and any(re.fullmatch(r"-?\d+,\d+", word.strip()) for row in rows for word in row)
    return Look(loose.header_names(header, separator), rows, separator, "," if commas else ".")


def _roles(look: Look) -> dict[str, str]:
    """Which column is what, by its name."""
    roles: dict[str, str] = {}
    for role, words in WORDS.items():
        for word in words:
            for name in look.names:
                parts = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
                if word in parts and name not in roles.values():
                    roles.setdefault(role, name)
    return roles


def _names(files: list[Path], base: Path, roles: list[str]) -> str | None:
    """A pattern of names that says who and what: parts of names that differ, people by their numbers."""
    if not roles:
        return None
    places = [path.relative_to(base).as_posix() for path in files]
    tokens = [re.split(r"([_/\- .])", place) for place in places]
    if len({len(found) for found in tokens}) > 1 or len(files) < 2:
        return None
    columns = list(zip(*tokens, strict=True))
    varies = [i for i in range(0, len(columns), 2) if len(set(columns[i])) > 1]
    has_number = [i for i in varies if all(re.search(r"\d", word) for word in columns[i])]
    guess: dict[int, str] = {}
    if "subject" in roles and has_number:
        guess[has_number[0]] = "subject"
    words = [i for i in varies if i not in guess and i not in has_number]
    if "label" in roles and words:
        guess[words[0]] = "label"
    if set(guess.values()) != set(roles):
        return None
    guess |= dict.fromkeys([i for i in varies if i not in guess][:1], "recording")
    left = [i for i in varies if i not in guess]
    parts = [f"{{{guess[i]}}}" if i in guess else column[0] for i, column in enumerate(columns)]
    return None if left else "".join(parts)


def _is_channel(look: Look, name: str) -> bool:
    numbers = look.numbers(name)
    counts = numbers is not None and len(numbers) > 1 and bool((np.diff(numbers) == 1).all())  # an index, not a sensor
    return numbers is not None and len(numbers) > 0 and bool(name) and not counts


def _unit(name: str) -> str:
    """A unit by a channel's name: what people most often write. `?` asks."""
    for pattern, unit in ((r"acc|^a[xyz]|^[xyz]$", "g"), (r"gyr|^[gw][xyz]|ang", "rad/s"), (r"mag|^m[xyz]", "µT")):
        if re.search(pattern, name.lower()):
            return unit
    return "?"


def _clock(look: Look, time: str | None) -> tuple[str, float | None]:
    """The unit of the time column and the usual rate next to what it shows; no rate without one."""
    if time is None:
        return "s", None
    words = look.column(time)
    if words and all(map(table.SHAPES["instant"][0].fullmatch, words)):
        seconds = np.array([word.replace(" ", "T") for word in words], "datetime64[us]").astype(float) / 1e6
        return "date", _usual(seconds)
    numbers = look.numbers(time)
    if numbers is None or len(numbers) < 2:
        return "s", None
    step = float(np.median(np.diff(numbers)))
    unit = "s" if step < 0.9 else "ms" if step < 900 else "us" if step < 900_000 else "ns"
    return unit, _usual(numbers * loose.TIME_UNITS[unit])


def _usual(seconds: np.ndarray) -> float | None:
    steps = np.diff(seconds)
    if not len(steps) or not (found := float(np.median(steps))) > 0:
        return None
    near = min(RATES, key=lambda rate: abs(rate * found - 1))
    return float(near) if abs(near * found - 1) < MATCH else round(1 / found, 3)


def _toml(base, pattern, look, roles, names, channels, unit, rate) -> str:
    """The file, a comment beside each line that a person should look at."""

    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML string

    def line(name: str, value: str, comment: str = "") -> str:
        return f"{name} = {value}" + (f"  # {comment}" if comment else "")

    def column(role: str, what: str) -> Iterable[str]:
        if role in roles:
            yield line(role, text(roles[role]), f"column that says {what}")
        elif role in ("subject", "label") and f"{{{role}}}" not in (names or ""):
            yield line(role, '"?"', f"NOT FOUND: column that says {what}, or write {{{role}}} into `names`")

    lines = ["# What mixkd must know of these recordings. Drafted by `mixkd data init`: check every line."]
    lines += [line("title", text(base.resolve().name)), line("files", text(pattern), "below this folder")]
    if names:
        lines.append(line("names", text(names), "what a file's name says"))
    lines += [*column("subject", "who it is"), *column("label", "what is done"), *column("recording", "which session")]
    if "time" in roles:
        lines.append(line("time", text(roles["time"]), "column; without one, every row is 1 / rate seconds later"))
        lines.append(line("time_unit", text(unit), "s, ms, us, ns or date"))
    lines.append(line("rate", f"{rate or 50.0}", "samples per second" + ("" if rate else ": NOT FOUND, a guess")))
    if look.separator != ",":
        lines.append(line("separator", text(look.separator)))
    if look.decimal != ".":
        lines.append(line("decimal", text(look.decimal)))
    lost = [word for word in LOST if any(word in row for row in look.rows)]
    if set(lost) - {"", "NaN", "nan"}:
        lines.append(line("missing", "[" + ", ".join(map(text, lost)) + "]", "how a lost value is spelled"))
    if "label" in roles and "" in look.column(roles["label"]):
        lines.append(line("ignore", '[""]', "labels of samples that are no activity"))
    window = max(2.0, description.SAMPLES / (rate or 50.0))
    lines += [line("window", f"{window}", "s"), line("step", f"{window / 2}", "s from a window to the next")]
    lines.append(line("gap", "0.1", "s; longer holes end a recording, shorter ones are interpolated"))
    lines += ["", "[channels]  # column = unit, in the order that networks see them"]
    lines += [line(text(name), text(u), "unit?" if u == "?" else "") for name, u in channels.items()]
    return "\n".join(lines) + "\n"

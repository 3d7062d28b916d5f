"""Generated inputs for everything that reads what others wrote: `python -m benchmarks.generated -n 20000 csv parquet`.

A kind of input is a function `kind(rng, folder)` that writes or makes one and returns the readers to try on it, by
name. An input may be read or refused in one line; a traceback, a refusal of many characters or lines, more than `LIMIT`
seconds and a file outside the folder are faults, and printed with the seed that makes them again.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import generated_words as words
from mixkd.datasets.own import description, draft, folder
from mixkd.datasets.own.description import UNSTATED
from mixkd.deploy import predict
from mixkd.errors import MixkdError

LIMIT = 10  # s of CPU time for one input: a busy machine makes no hang
LONG = 1000  # characters of a refusal, its path left out
Kind = Callable[[np.random.Generator, Path], dict[str, Callable[[], object]]]


class Hang(BaseException):
    """An input that took too long."""


@contextmanager
def at_most(seconds: float):
    def stop(*_):
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def outcome(reader: Callable[[], object], path: Path) -> tuple[str, str]:
    """read, refused, long, warning, traceback or hang; and what to print of it."""
    try:
        with at_most(LIMIT), warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("error")
            result = reader()
    except MixkdError as error:
        result = [str(error)]
    except Warning:
        return "warning", traceback.format_exc()
    except Hang:
        return "hang", ""
    except Exception:
        return "traceback", traceback.format_exc()
    lines = result if isinstance(result, list) else []
    if any("\n" in line or len(line.replace(str(path), "")) > LONG for line in lines):
        return "long", max(lines, key=len)[:3000]
    return ("refused" if lines else "read"), ""


def tried(name: str, n: int, seed: int = 0, show: int = 3) -> Counter:
    """Outcomes of n inputs of a kind, (reader, outcome) -> count; faults are printed, `show` of each whole."""
    counts: Counter = Counter()
    for i in range(n):
        with tempfile.TemporaryDirectory() as root:
            base = Path(root) / "inside"
            base.mkdir()
            for reader, call in KINDS[name](np.random.default_rng([seed, i]), base).items():
                what, text = outcome(call, base)
                outside = sorted(path.name for path in Path(root).iterdir() if path != base)
                for kind, shown in ((what, text), *((("outside", str(outside)),) if outside else ())):
                    counts[reader, kind] += 1
                    if kind not in ("read", "refused"):
                        print(f"{name} {reader}: {kind} at seed {seed} input {i}")
                        if counts[reader, kind] <= show:
                            print(shown)
    return counts


# -- tables of recordings

TOML = """
files = "a.*"
subject = "who"
label = "what"
time = "t"
rate = 10.0
window = 1.0
step = 0.5
separator = {separator}
decimal = {decimal}
time_unit = {unit}
{more}
[channels]
x = "g"
"y [m/s²]" = "m/s²"
"""
ABOUT: dict[str, Any] = {"channels": ["x", "y [m/s²]"], "units": ["g", "m/s²"], "rate": 10.0, "window": 10}
ODD = (
    *(
        "",
        " ",
        "NaN",
        " nan",
        "inf",
        "-inf",
        "1e39",
        "1e400",
        "-0",
        "+1",
        "1_000",
        "0x10",
        "1,5",
        "1.234,5",
        "1.5",
        ".",
    ),
    *(
        "٣",
        "²",
        "\x00",
        "\x0b1",
        "\x1c1",
        "\x1f",
        "\x7f",
        "\x851",
        "\u2028",
        "\ufeff",
        "\ud7ff",
        "😀",
        "é" * 50,
        "\r",
        "\r\n",
    ),
    *(
        '"',
        '""',
        '"a',
        'a"',
        '"a,b"',
        "'",
        "\\",
        "\t",
        ";",
        ",",
        "|",
        "=",
        "sep=,",
        "# comment",
        "9" * 5000,
        "x" * 140_000,
    ),
    *("2016-12-31 23:59:60", "2023-02-30 10:00:00", "03/04/2023 10:00:00", "23:59:59.999", "0000-00-00 00:00:00"),
    *("9999-12-31T23:59:59Z", "1e308", "-1e308", "1e-320", "True", "None", "null", "-", "?", "--", "1 2", "e5", "1e"),
)
CLOCKS: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("s", lambda t: f"{t:.2f}"),
    ("s", lambda t: f"{1.6e9 + t:.3f}"),
    ("s", lambda t: str(int(t))),
    ("ms", lambda t: str(round(1000 * t))),
    ("ns", lambda t: str(1_700_000_000_000_000_000 + round(1e9 * t))),
    ("date", lambda t: str(np.datetime64("2023-05-17T23:59:58", "ms") + round(1000 * t))),
    ("date", lambda t: str(np.datetime64("2023-05-17T23:59:58", "ms") + round(1000 * t)) + "Z"),
    ("date", lambda t: str(np.datetime64("2023-05-17T23:59:58", "s") + int(t)).replace("T", " ")),
    ("month/day", lambda t: f"05/17/2023 10:00:{t:06.3f}"),
)


def grid(rng: np.random.Generator) -> tuple[str, list[list[str]]]:
    """The unit of the clock and a sound table with the names of its columns: three people, two activities."""
    unit, shown = CLOCKS[rng.integers(len(CLOCKS))]
    rows = [["t", "x", "y [m/s²]", "who", "what", "note"]]
    for i in range(108):
        x, y = rng.normal(size=2).round(3)
        rows.append([shown(i / 10), str(x), str(y), ("1", "bo", "cy")[i // 36], ("walk", "rest")[i // 18 % 2], ""])
    return unit, rows


def disturb(rng: np.random.Generator, rows: list[list[str]], separator: str) -> str:
    """A few changes to fields, rows and the text."""
    for _ in range(rng.integers(4)):
        row = rows[rng.integers(len(rows)) if rng.random() < 0.8 else 0]
        at, odd = int(rng.integers(len(row))) if row else 0, ODD[rng.integers(len(ODD))]
        if row:
            row[at] = [odd, row[at] + odd, odd + row[at]][rng.integers(3)]
    if rng.random() < 0.3:
        a, b = rng.integers(len(rows), size=2)
        change = rng.integers(5)
        if change == 0:
            rows[a], rows[b] = rows[b], rows[a]
        elif change == 1:
            rows.insert(a, [ODD[rng.integers(len(ODD))]] * int(rng.integers(8)))
        elif change == 2:
            del rows[min(a, b) : max(a, b)]
        elif change == 3:
            rows[a] = rows[a][: rng.integers(6)]
        else:
            rows[a:a] = [rows[a]] * int(rng.integers(40))
    return "\n".join(separator.join(row) for row in rows) + "\n" * int(rng.integers(3))


def encode(rng: np.random.Generator, text: str) -> bytes:
    """The bytes of a text, mostly UTF-8, sometimes cut or with a byte changed."""
    way = rng.integers(12)
    data = text.encode(["utf-16", "utf-8-sig", "latin-1", "cp1252"][way] if way < 4 else "utf-8", "replace")
    if way == 4:
        data = data.replace(b"\n", [b"\r", b"\r\n", b"\n\r", b"\n\n"][rng.integers(4)])
    if way == 5 and data:
        data = data[: rng.integers(len(data))]
    if way == 6 and data:
        at = rng.integers(len(data))
        data = data[:at] + bytes([rng.integers(256)]) + data[at + rng.integers(2) :]
    return data


def csv(rng: np.random.Generator, base: Path) -> dict[str, Callable[[], object]]:
    """A CSV file and a description that fits it, mostly."""
    unit, rows = grid(rng)
    separator = ",;\t|"[rng.choice(4, p=[0.5, 0.3, 0.1, 0.1])]
    decimal = "," if separator == ";" and rng.random() < 0.7 else "."
    if decimal == ",":
        rows[1:] = [[word.replace(".", ",") for word in row] for row in rows[1:]]
    text = disturb(rng, rows, separator)
    above = int(rng.integers(4)) if rng.random() < 0.2 else 0
    data = encode(rng, "logger at 10 Hz\n" * above + text)
    (base / "a.csv").write_bytes(data)
    if rng.random() < 0.1:
        separator, unit = ",;"[rng.integers(2)], CLOCKS[rng.integers(len(CLOCKS))][0]
    way = {"separator": separator, "decimal": decimal if decimal != separator else ".", "unit": unit}
    return _readers(base, way, f"skip_lines = {above}", {"skip_lines": above})


def parquet(rng: np.random.Generator, base: Path) -> dict[str, Callable[[], object]]:
    """A Parquet file of odd types, or a damaged one."""
    unit, rows = grid(rng)
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    arrays = {name: _array(rng, name, unit, words) for name, words in columns.items()}
    names = list(arrays)
    if rng.random() < 0.1:
        names[rng.integers(len(names))] = ODD[rng.integers(len(ODD))].encode(errors="replace").decode()
    made = pa.Table.from_arrays(list(arrays.values()), names=names)
    pq.write_table(made[: rng.integers(len(made))] if rng.random() < 0.1 else made, base / "a.parquet")
    if rng.random() < 0.2:
        data = bytearray((base / "a.parquet").read_bytes())
        at = rng.integers(len(data))
        data[at] = rng.integers(256)
        (base / "a.parquet").write_bytes(data[: rng.integers(len(data))] if rng.random() < 0.3 else data)
    return _readers(base, {"separator": ",", "decimal": ".", "unit": unit}, "", {})


def _array(rng: np.random.Generator, name: str, unit: str, words: list[str]) -> pa.Array:
    """A column as a type that fits it, or as another."""
    if rng.random() < 0.1:
        odd: list[list[Any]] = [
            [None],
            [1.0, np.nan, np.inf],
            [True],
            [[1]],
            [b"x"],
            ["a", None],
            [2**62],
            [{"a": 1}],
            [np.datetime64("NaT", "us")],
        ]
        return pa.array((odd[rng.integers(len(odd))] * len(words))[: len(words)])
    if name in ("who", "what", "note"):
        column = pa.array(words)
        return column.dictionary_encode() if rng.random() < 0.3 else column
    if name == "t" and unit in ("date", "month/day"):
        if rng.random() < 0.5:
            return pa.array(words)
        moments = np.arange(len(words)) * 100 + np.datetime64("2023-05-17T10:00", "ms")
        zone = [None, "UTC", "Europe/Berlin"][rng.integers(3)]
        return pa.array(moments).cast(pa.timestamp(["ms", "us", "ns"][rng.integers(3)], zone))
    numbers = np.array(words, float)
    if rng.random() < 0.2:
        numbers[rng.integers(len(numbers))] = [np.nan, np.inf, 1e300, -1.0][rng.integers(4)]
    types = [pa.float64(), pa.float32(), pa.float16(), pa.int64(), pa.int8(), pa.decimal128(38, 6), pa.string()]
    try:
        return pa.array(numbers).cast(types[rng.choice(7, p=[0.6, 0.1, 0.06, 0.06, 0.06, 0.06, 0.06])], safe=False)
    except pa.ArrowException:
        return pa.array(numbers)


def _readers(base: Path, way: dict[str, str], more: str, reading: dict) -> dict[str, Callable[[], object]]:
    """What reads the file of `base`: `check`, `predict` and `init`."""
    (base / "dataset.toml").write_text(
        TOML.format(more=more, **{key: json.dumps(value) for key, value in way.items()}), encoding="utf-8"
    )
    (path,) = (path for path in base.iterdir() if path.name != "dataset.toml")
    about = ABOUT | {
        "reading": UNSTATED
        | {"time": "t", "time_unit": way["unit"], "separator": way["separator"], "decimal": way["decimal"]}
        | reading
    }

    def check() -> object:
        return folder.inspect(base).problems

    def label() -> object:
        predict.read_recording(path, about)
        return []

    def init() -> object:
        (base / "dataset.toml").unlink()
        draft.draft(base)
        return []

    return {"check": check, "predict": label, "init": init}


def toml(rng: np.random.Generator, base: Path) -> dict[str, Callable[[], object]]:
    """A `dataset.toml` with odd values, or damaged, beside a sound file."""
    unit, rows = grid(rng)
    (base / "a.csv").write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    text = TOML.format(more="", separator='","', decimal='"."', unit=json.dumps(unit))
    lines = text.strip().splitlines()
    names = [f.name for f in fields(description.Description)]
    for _ in range(rng.integers(1, 4)):
        odd = ODD[rng.integers(len(ODD))]
        values = [
            json.dumps(odd),
            str(rng.normal()),
            str(int(10.0 ** rng.integers(18))),
            "-1",
            "0",
            "inf",
            "nan",
            "true",
            "[]",
        ]
        values += [
            "1e300",
            "1e-300",
            "9" * 400,
            '["a", 1]',
            "{}",
            "{a = 1}",
            '"**/*"',
            '"../*"',
            '"/*"',
            '"{subject}_{label}"',
            "2024-01-01",
        ]
        value, name = values[rng.integers(len(values))], names[rng.integers(len(names))]
        line = f"{name} = {value}"
        at = int(rng.integers(len(lines)))
        same = [i for i, old in enumerate(lines) if old.startswith(f"{name} =")]
        way = rng.integers(4)
        if way == 0 and same:
            lines[same[0]] = line
        elif way == 1:
            lines.insert(0, line)
        elif way == 2:
            lines[at] = odd if rng.random() < 0.5 else lines[at][: rng.integers(len(lines[at]) + 1)]
        else:
            lines.append(f"{json.dumps(odd)} = {value}")
    (base / "dataset.toml").write_bytes(encode(rng, "\n".join(lines) + "\n"))
    return {"check": lambda: folder.inspect(base).problems}


KINDS: dict[str, Kind] = {"csv": csv, "parquet": parquet, "toml": toml}
KINDS |= {"parameters": words.parameters, "names": words.names, "archive": words.archive}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; none: all")
    parser.add_argument("-n", type=int, default=20_000, help="inputs of each")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    faults = 0
    for name in given.kinds or KINDS:
        start = time.monotonic()
        counts = tried(name, given.n, given.seed)
        faults += sum(n for (_, what), n in counts.items() if what not in ("read", "refused"))
        print(f"{name}: {given.n} inputs in {time.monotonic() - start:.0f} s")
        for (reader, what), n in sorted(counts.items()):
            print(f"  {reader}: {what} {n}")
    print(f"{faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())

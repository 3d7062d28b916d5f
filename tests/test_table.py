"""Text tables: what is read is right, and every kind of damage is one line with file, line, found and expected."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mixkd.datasets.raw import text_table
from mixkd.errors import MixkdError

# As PAMAP2's files: time, activity, 52 numbers, blanks between, NaN for what was lost.
NAMES = [f"v{i}" for i in range(52)]
FORM = text_table.Format({"time": "time", "activity": "whole", **dict.fromkeys(NAMES, "number")}, " ", missing=("NaN",))
HEADED = text_table.Format({"time": "instant", "x": "number", "who": "text"}, header=True)
ACTIVITIES = {1: "lying", 4: "walking"}


def lines(n: int = 30) -> list[str]:
    rng = np.random.default_rng(0)
    rows = [[f"{v:.6g}" for v in rng.normal(scale=10.0 ** rng.integers(-5, 5), size=52)] for _ in range(n)]
    for i, row in enumerate(rows):
        row[i % 52] = "NaN"
    return [f"{i / 100:.2f} {(1, 4)[i % 2]} {' '.join(row)}" for i, row in enumerate(rows)]


def parse(path) -> text_table.Parsed:
    """As a loader does: the table, rising times of the nominal rate, known activities."""
    found = text_table.read(path, FORM)
    found.increasing("time")
    found.known("activity", ACTIVITIES)
    found.sampled("time", 100.0)
    return found


def write(path, text: str | bytes):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_values_are_those_of_python(tmp_path, monkeypatch):
    text = lines(3000)
    path = write(tmp_path / "good.dat", "\n".join(text) + "\n")
    expected = np.array([line.split(" ") for line in text]).astype(np.float64)
    for block in (text_table.BLOCK, 1 << 12):  # in one block, and in hundreds
        monkeypatch.setattr(text_table, "BLOCK", block)
        found = parse(path)
        assert found.values.dtype == np.float32
        np.testing.assert_array_equal(found.values, expected[:, 2:].astype(np.float32))
        np.testing.assert_array_equal(found.columns["time"], expected[:, 0])
        np.testing.assert_array_equal(found.columns["activity"], expected[:, 1])
        assert np.isnan(found.values).sum() == 3000


@pytest.mark.parametrize("text", ["9.1239e-005", "1.8085150e-004", "-.5", "7.", "1E3", " 2", "9.6e-05", "-0"])
def test_ways_to_write_a_number(tmp_path, text):
    form = text_table.Format({"a": "number", "b": "number"})
    found = text_table.read(write(tmp_path / "n.csv", f"{text},1\n2,{text}\n"), form)
    np.testing.assert_array_equal(found.values, np.array([[float(text), 1], [2, float(text)]], np.float32))


def test_dates_words_and_columns_left_out(tmp_path):
    text = "time,x,who\n2016-02-25 14:49:59.436,1,ann\n2016-02-25T14:49:59.446,2,bob\n2016-02-25 14:50:00,3,ann\n"
    found = text_table.read(write(tmp_path / "h.csv", text), HEADED)
    assert np.diff(found.columns["time"]).tolist() == [10_000, 554_000]
    assert found.columns["time"][0] == np.datetime64("2016-02-25T14:49:59.436", "us").astype(np.int64)
    assert [found.words["who"][code] for code in found.columns["who"]] == ["ann", "bob", "ann"]
    without = text_table.Format({**HEADED.columns, "who": "skip"}, header=True)
    assert text_table.read(write(tmp_path / "h.csv", text), without).columns.keys() == {"time"}


def test_line_ends_may_be_either_where_the_official_ones_are_not_known(tmp_path):
    text = "\n".join(lines(5)) + "\n"
    either = text_table.Format(FORM.columns, " ", missing=("NaN",), ends=None)
    plain = text_table.read(write(tmp_path / "lf.dat", text), either)
    other = text_table.read(write(tmp_path / "crlf.dat", text.replace("\n", "\r\n")), either)
    np.testing.assert_array_equal(plain.values, other.values)
    with pytest.raises(MixkdError, match=r"found 4 carriage returns in 5 lines, expected one in every line or none"):
        text_table.read(write(tmp_path / "mixed.dat", text.replace("\n", "\r\n", 4)), either)
    with pytest.raises(MixkdError, match="found line ends LF, expected CRLF"):
        text_table.read(tmp_path / "lf.dat", text_table.Format(FORM.columns, " ", missing=("NaN",), ends="\r\n"))


def changed(line: int, old: str, new: str) -> str:
    """The good file with something else in one line (from 1)."""
    rows = lines()
    assert old in rows[line - 1]
    rows[line - 1] = rows[line - 1].replace(old, new, 1)
    return "\n".join(rows) + "\n"


GOOD = "\n".join(lines()) + "\n"


def seventh(text: str) -> str:
    """The good file whose 7th line ends in `text` instead of its last value."""
    rows = lines()
    rows[6] = rows[6].rsplit(" ", 1)[0] + " " + text
    return "\n".join(rows) + "\n"


DAMAGE = {
    "53 columns": (GOOD.replace(lines()[6], lines()[6].rsplit(" ", 1)[0]), "line 7: found 53 columns, expected 54"),
    "55 columns": (seventh("1 2"), "line 7: found 55 columns, expected 54 columns separated by blanks"),
    "short last row": (GOOD[: GOOD.rindex(" ")] + "\n", "line 30: found 53 columns, expected 54"),
    "last number cut": (GOOD[:-3], "line 30: found no line end after the last row, expected one"),
    "empty file": ("", "bad.dat: found an empty file, expected 54 columns separated by blanks"),
    "one line end": ("\n", "line 1: found an empty line, expected 54 columns"),
    "CRLF": (GOOD.replace("\n", "\r\n"), "bad.dat: found 30 carriage returns in 30 lines, expected line ends LF"),
    "one carriage return": (GOOD.replace("\n", "\r\n", 1), "found 1 carriage returns in 30 lines, expected line ends"),
    "tabs": (GOOD.replace(" ", "\t"), "line 1: found 1 columns, expected 54 columns separated by blanks"),
    "commas between": (GOOD.replace(" ", ","), "line 1: found 1 columns, expected 54 columns separated by blanks"),
    "two blanks": (GOOD.replace(" ", "  "), "line 1: found 107 columns, expected 54"),
    "decimal comma": (seventh("2,5"), "line 7: found '2,5' in v51, expected a number or NaN$"),
    "nan": (seventh("nan"), "line 7: found 'nan' in v51, expected a number or NaN$"),
    "inf": (seventh("inf"), "line 7: found 'inf' in v51, expected a number or NaN$"),
    "-": (seventh("-"), "line 7: found '-' in v51, expected a number or NaN$"),
    "nothing": (seventh(""), "line 7: found '' in v51, expected a number or NaN$"),
    "a word": (seventh("lost"), "line 7: found 'lost' in v51, expected a number or NaN$"),
    "hexadecimal": (seventh("0x10"), "line 7: found '0x10' in v51, expected a number or NaN$"),
    "in quotes": (seventh('"2"'), "line 7: found '\"2\"' in v51, expected a number or NaN$"),
    "too large": (seventh("1e39"), "line 7: found '1e39' in v51, expected a number that float32 can hold"),
    "a zero byte": (seventh("2\0"), r"line 7: found '2\\x00' in v51, expected a number"),
    "other letters": (seventh("٣"), "line 7: found '٣' in v51, expected a number"),
    "not UTF-8": (seventh("2").encode().replace(b" 2\n", b" \xff\n"), r"line 7: found '\\\\xff' in v51, expected a nu"),
    "an empty line": (GOOD.replace(lines()[6], ""), "line 7: found an empty line, expected 54 columns"),
    "an empty last line": (GOOD + "\n", "line 31: found an empty line, expected 54 columns"),
    "a header": ("time activity\n" + GOOD, "line 1: found 2 columns, expected 54"),
    "time stands still": (changed(7, "0.06 ", "0.05 "), "line 7: found time 0.05 after 0.05, expected a later time"),
    "time runs back": (changed(7, "0.06 ", "0.01 "), "line 7: found time 0.01 after 0.05, expected a later time"),
    "no time": (changed(7, "0.06 ", "NaN "), "line 7: found 'NaN' in time, expected a number$"),
    "unknown activity": (changed(7, "0.06 1", "0.06 8"), "line 7: found activity 8, expected one of 1, 4"),
    "half an activity": (changed(7, "0.06 1", "0.06 1.5"), "line 7: found '1.5' in activity, expected a whole number"),
    "activity too large": (changed(7, "0.06 1", "0.06 1" + "0" * 20), "line 7: found '10000.*' in activity, expected"),
    "other rate": (
        "".join(f"{i / 50:.2f} {line.split(' ', 1)[1]}\n" for i, line in enumerate(lines())),
        "bad.dat: found 50 samples per second, expected 100",
    ),
}


@pytest.mark.parametrize(("text", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_one_line_with_file_line_found_and_expected(tmp_path, text, message):
    parse(write(tmp_path / "good.dat", GOOD))
    with pytest.raises(MixkdError, match=message) as refusal:
        parse(write(tmp_path / "bad.dat", text))
    assert str(refusal.value).startswith(f"{tmp_path / 'bad.dat'}")
    assert "\n" not in str(refusal.value)
    assert "expected" in str(refusal.value)


def test_damage_far_into_a_file_is_found_too(tmp_path, monkeypatch):
    monkeypatch.setattr(text_table, "BLOCK", 1 << 14)
    rows = lines(2000)
    for line, text, message in (
        (1999, "inf", "line 1999: found 'inf' in v51"),
        (1500, "1 2", "line 1500: found 55 columns"),
        (1998, "x", "line 1998: found 'x' in v51"),
    ):
        damaged = [*rows]
        damaged[line - 1] = rows[line - 1].rsplit(" ", 1)[0] + " " + text
        with pytest.raises(MixkdError, match=message):
            text_table.read(write(tmp_path / "bad.dat", "\n".join(damaged) + "\n"), FORM)


READ = """
import pathlib, sys
from mixkd.datasets.raw import text_table
path, form = pathlib.Path(sys.argv[1]), text_table.Format({"a": "number", "b": "number"})
try:
    text_table.read(path, form, path.read_bytes() if sys.argv[2] == "content" else None)
except text_table.MixkdError as error:
    print(error)
"""


@pytest.mark.parametrize("source", ["file", "content"])
def test_a_process_that_ends_at_a_fault_ends_well(tmp_path, source):
    """arrow still reads ahead then: with Python's own objects in its threads about half of these ended with SIGABRT."""
    path = write(tmp_path / "bad.csv", b"1,x\n" + b"1,2\n" * 8_000_000)
    for _ in range(12):
        done = subprocess.run([sys.executable, "-c", READ, path, source], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{path}, line 1: found 'x' in b, expected a number\n"


HEADER = {
    "header only": ("time,x,who\n", "bad.csv: found a header and no rows, expected 3 columns separated by commas"),
    "other names": ("time,y,who\n", "line 1: found time,y,who, expected the columns time,x,who"),
    "no header": ("2016-02-25 14:49:59,1,ann\n", "line 1: found 2016-02-25 14:49:59,1,ann, expected the columns"),
    "byte order mark": ("\ufefftime,x,who\n", "line 1: found .*time,x,who, expected the columns time,x,who"),
    "no word": ("time,x,who\n2016-02-25 14:49:59,1,\n", "line 2: found '' in who, expected a word"),
    "no date": ("time,x,who\n14:49:59,1,ann\n", "line 2: found '14:49:59' in time, expected a date and time"),
    "month 13": (
        "time,x,who\n2016-13-25 14:49:59,1,ann\n",
        "line 2: found '2016-13-25 14:49:59' in time, expected a date and time",
    ),
    "lost": ("time,x,who\n2016-02-25 14:49:59,NaN,ann\n", "line 2: found 'NaN' in x, expected a number$"),
}


@pytest.mark.parametrize(("text", "message"), HEADER.values(), ids=HEADER)
def test_damage_to_headers_dates_and_words(tmp_path, text, message):
    with pytest.raises(MixkdError, match=message) as refusal:
        text_table.read(write(tmp_path / "bad.csv", text), HEADED)
    assert "\n" not in str(refusal.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(MixkdError, match=r"none\.dat: No such file or directory"):
        text_table.read(tmp_path / "none.dat", FORM)
    with pytest.raises(MixkdError, match="Is a directory"):
        text_table.read(tmp_path, FORM)


def test_long_lines_are_quoted_in_part(tmp_path):
    with pytest.raises(MixkdError, match="expected") as refusal:
        text_table.read(write(tmp_path / "bad.csv", "x" * 10_000 + "\n1,2,3\n"), HEADED)
    assert len(str(refusal.value)) < len(str(tmp_path)) + 150

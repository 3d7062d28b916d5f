"""Tables and clocks as people have them: what is another spelling is read, what has two meanings is refused."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import generated
from mixkd.datasets import description, draft, folder, stamps

LINES = {
    "files": '"*.csv"',
    "subject": '"who"',
    "label": '"what"',
    "time": '"t"',
    "rate": "25.0",
    "window": "1.0",
    "step": "0.5",
}
RATE, SECONDS = 25, 4


def made(clock_of=lambda seconds: np.round(seconds, 4), people=("ann", "bob", "cy"), rate=RATE) -> pd.DataFrame:
    """Three people, two activities of 4 s each, a sine of 1 Hz; `clock_of` says what the clock shows."""
    parts = []
    for k, who in enumerate(people):
        seconds = 0.36 + np.arange(2 * SECONDS * rate) / rate
        values = {"x": np.sin(2 * np.pi * seconds + k), "y": np.cos(2 * np.pi * seconds + k)}
        labels = np.repeat(["lift", "rest"], SECONDS * rate)
        parts.append(pd.DataFrame({"t": clock_of(seconds), **values, "who": who, "what": labels}))
    return pd.concat(parts, ignore_index=True).round({"x": 4, "y": 4})


def written(base, text, channels=("x", "y"), name="a.csv", **lines):
    """A folder with one file and its `dataset.toml`; a line that is None is left out."""
    base.mkdir(exist_ok=True)
    (base / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    toml = "".join(f"{key} = {value}\n" for key, value in (LINES | lines).items() if value is not None)
    units = "".join(f'"{name}" = "g"\n' for name in channels)
    (base / "dataset.toml").write_text(f"{toml}[channels]\n{units}", encoding="utf-8")
    return base


def csv(table, **options) -> str:
    return table.to_csv(index=False, **options)


def read(base):
    found = folder.inspect(base)
    assert found.problems == []
    return found


def same_signals(found, other):
    assert [part[:2] for part in found.stretches] == [part[:2] for part in other.stretches]
    for part, expected in zip(found.stretches, other.stretches, strict=True):
        np.testing.assert_allclose(part[2], expected[2], atol=1e-5)


@pytest.fixture
def plain(tmp_path):
    """What the table is when nothing about it is special."""
    return read(written(tmp_path / "plain", csv(made())))


# -- spellings


SPELLED = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "a separator of Excel's": lambda text: "sep=,\n" + text,
    "and in quotes": lambda text: '"sep=,"\r\n' + text.replace("\n", "\r\n"),
    "old line ends": lambda text: text.replace("\n", "\r"),
    "mixed line ends": lambda text: text.replace("\n", "\r\n", 3),
    "blanks around": lambda text: text.replace(",", " ,  "),
    "quoted names": lambda text: text.replace("t,x,y,who,what", '"t","x","y","who","what"'),
    "quoted words": lambda text: text.replace("ann", '"ann"').replace("lift", ' "lift" '),
}


@pytest.mark.parametrize("spell", SPELLED.values(), ids=SPELLED)
def test_other_spellings_of_the_same_table(tmp_path, plain, spell):
    same_signals(read(written(tmp_path / "a", spell(csv(made())))), plain)


def test_names_beyond_ascii(tmp_path, plain):
    names = {"x": "Neigung_ö [°]", "y": "加速度"}
    base = written(tmp_path / "a", csv(made().rename(columns=names)), channels=names.values())
    same_signals(read(base), plain)
    (base / "dataset.toml").unlink()
    draft.draft(base)
    assert list(description.describe(base).channels) == list(names.values())


def test_blanks_around_a_lost_value(tmp_path):
    table = made().astype({"x": object})
    table.loc[30, "x"] = "  NaN "
    found = read(written(tmp_path / "a", csv(table)))
    assert found.counts == {"lost values in holes up to 0.1 s, interpolated": 1}


def test_decimal_commas_are_those_of_numbers(tmp_path, plain):
    table = made().replace({"what": {"lift": "lift, slow"}})
    base = written(tmp_path / "a", csv(table, sep=";", decimal=","), separator='";"', decimal='","')
    found = read(base)
    assert found.classes == ["lift, slow", "rest"]
    for part, expected in zip(found.stretches, plain.stretches, strict=True):
        np.testing.assert_allclose(part.signal, expected.signal, atol=1e-6)


@pytest.mark.parametrize("word", ["1.5", "1.234,5", "1,234,5", "1.234"])
def test_a_point_among_decimal_commas_is_refused(tmp_path, word):
    lines = csv(made(), sep=";", decimal=",").splitlines()
    lines[8] = ";".join([*lines[8].split(";")[:1], word, *lines[8].split(";")[2:]])
    base = written(tmp_path / "a", "\n".join(lines) + "\n", separator='";"', decimal='","')
    assert folder.inspect(base).problems == [
        f"{base}/a.csv, line 9: found '{word}' in x, expected a number with a decimal comma or NaN"
    ]


@pytest.mark.parametrize("note", ['"loose', 'a 5" cuff', 'ends"', '"a" b', '"'])
def test_a_stray_quote_in_an_unused_column(tmp_path, plain, note):
    table = made().assign(note="")
    rows = csv(table).splitlines()
    rows[40] += note
    same_signals(read(written(tmp_path / "a", "\n".join(rows) + "\n")), plain)


def test_quotes_with_a_separator_or_a_quote_inside(tmp_path):
    table = made().replace({"what": {"lift": 'lift, "slow"'}}).assign(note='one, "two"')
    assert read(written(tmp_path / "a", csv(table))).classes == ['lift, "slow"', "rest"]


def test_quotes_over_several_lines_are_refused(tmp_path):
    rows = csv(made().assign(note="n")).splitlines()
    rows[40] += '"begun'[1:]
    rows[40] = rows[40].removesuffix("nbegun") + '"begun'
    rows[41] = rows[41].removesuffix("n") + 'ended"'
    problems = folder.inspect(written(tmp_path / "a", "\n".join(rows) + "\n")).problems
    assert problems == [
        f"{tmp_path}/a/a.csv, line 41: found quotes that end in line 42, expected no line end inside quotes"
    ]


NOT_TEXT = {
    "gzip": (b"\x1f\x8b\x08\x00rest", "found a gzip archive, expected a text table: unpack it first"),
    "a workbook": (b"PK\x03\x04rest", "found a zip archive or an .xlsx workbook, expected a text table: unpack it, or"),
    "an old workbook": (
        b"\xd0\xcf\x11\xe0rest",
        "found an .xls workbook, expected a text table: save the sheet as CSV",
    ),
    "Parquet": (b"PAR1rest", "found a Parquet file, expected a text table, or the ending .parquet"),
    "Latin-1": (
        "t,x,y,who,what\n1,1,1,ä,b\n".encode("latin-1"),
        "line 2: found bytes that are no UTF-8, expected UTF-8",
    ),
    "zeros": (b"t,x\n0\0,1\n", "line 2: found a zero byte, expected text: save the file as UTF-8"),
    "half of UTF-16": (b"\xff\xfet\0,", "found damaged UTF-16, expected text: save it as UTF-8"),
    "a return inside": (b"t,x,y,who,what\n1,1,1,a\rb,b\n", "line 2: found a carriage return inside, expected it at"),
    "another separator": (b"sep=;\nt;x\n", "line 1: found sep=;, expected sep=,, the `separator` of dataset.toml"),
    "a long line": (b"t" * 300_000 + b"\n1\n", "line 1: found 300001 characters, expected a line of column names"),
    "a long row": (
        b"t,x,y,who,what\n1,1,1,a," + b"b" * 3_000_000 + b"\n",
        "line 2: found 3,000,009 bytes, expected a line of at",
    ),
}


@pytest.mark.parametrize(("raw", "message"), NOT_TEXT.values(), ids=NOT_TEXT)
def test_what_is_no_text_table_is_refused_with_a_way_on(tmp_path, raw, message):
    (problem,) = folder.inspect(written(tmp_path / "a", raw)).problems
    assert problem.startswith(f"{tmp_path}/a/a.csv")
    assert message in problem
    assert len(problem) < 400


# -- lines above the table


ABOVE = "--- made by a logger, 25 Hz ---\nSerial, 12\n\nStart 10:15:00\n"


def test_lines_above_the_names_are_found_and_left_out(tmp_path, plain):
    base = written(tmp_path / "a", ABOVE + csv(made()).replace("who", "person").replace("what", "activity"))
    (base / "dataset.toml").unlink()
    draft.draft(base)
    about = description.describe(base)
    assert (about.skip_lines, about.time, about.rate, list(about.channels)) == (4, "t", 25.0, ["x", "y"])
    text = (base / "dataset.toml").read_text()
    (base / "dataset.toml").write_text(text.replace("window = 2.0", "window = 1.0"))
    same_signals(read(base), plain)


def test_lines_above_state_a_rate_where_there_is_no_clock(tmp_path):
    base = written(tmp_path / "a", ABOVE + csv(made()[["x", "y", "who", "what"]]))
    (base / "dataset.toml").unlink()
    draft.draft(base)
    assert description.describe(base).rate == 25.0


def test_faults_below_lines_above_have_their_line(tmp_path):
    text = csv(made()).replace("0.36,", "0.36,?", 1)
    problems = folder.inspect(written(tmp_path / "a", ABOVE + text, skip_lines="4")).problems
    assert problems[0].startswith(f"{tmp_path}/a/a.csv, line 6: found '?")
    problems = folder.inspect(written(tmp_path / "a", ABOVE + text, skip_lines="3")).problems
    assert problems[0].startswith(f"{tmp_path}/a/a.csv, line 4: found no column 'x', known: Start 10:15:00")


def test_columns_without_names(tmp_path, plain):
    begin = np.datetime64("2024-05-06T07:08:09", "ms")
    table = made(lambda s: [str(begin + round(1000 * v)).replace("T", " ")[::-1].replace(".", ":", 1)[::-1] for v in s])
    base = written(tmp_path / "a", "Device,x\n" * 99 + "Rate,25 Hz\n" + csv(table, header=False))
    (base / "dataset.toml").unlink()
    draft.draft(base)
    about = description.describe(base)
    assert (about.skip_lines, about.column_names[0], about.time, about.time_unit) == (100, "time", "time", "date")
    written(base, (base / "a.csv").read_bytes(), skip_lines="100", column_names=str(list(table)), time_unit='"date"')
    same_signals(read(base), plain)


# -- dates


def in_zone(stamp, hours=2):
    local = stamp + np.timedelta64(hours, "h")
    return f"{local}+{hours:02d}:00"


SAME_DATES = {
    "UTC": lambda s: f"{s}Z",
    "UTC, by name": lambda s: f"{s}".replace("T", " ") + " UTC",
    "an offset": in_zone,
    "a shorter offset": lambda s: in_zone(s).replace("+02:00", "+02"),
    "a colon before milliseconds": lambda s: str(s).replace("T", " ").replace(".", ":"),
    "a comma": lambda s: f'"{s}"'.replace(".", ","),
    "slashes": lambda s: str(s).replace("-", "/"),
    "day first": lambda s: re.sub(r"(\d+)-(\d+)-(\d+)T", r"\3/\2/\1 ", str(s)),
    "month first": lambda s: re.sub(r"(\d+)-(\d+)-(\d+)T", r"\2/\3/\1 ", str(s)),
    "points": lambda s: re.sub(r"(\d+)-(\d+)-(\d+)T", r"\3.\2.\1 ", str(s)),
    "afternoon": lambda s: pd.Timestamp(s).strftime("%Y-%m-%d %I:%M:%S.%f %p"),
    "nanoseconds": lambda s: f"{s}000000",
    "a time alone": lambda s: str(s).split("T")[1],
}


@pytest.mark.parametrize("spell", SAME_DATES.values(), ids=SAME_DATES)
def test_spellings_of_dates(tmp_path, plain, spell):
    """Past midnight, and past noon, from the 17th to the 18th."""
    begin = np.datetime64("2023-05-17T23:59:55.000", "ms")
    table = made(lambda seconds: [spell(begin + round(1000 * s)) for s in seconds])
    base = written(tmp_path / "a", csv(table, quoting=3, escapechar="\\").replace("\\", ""), time_unit='"date"')
    same_signals(read(base), plain)
    table.to_parquet(base / "a.parquet")
    same_signals(read(written(base, b"", name="none.txt", files='"*.parquet"', time_unit='"date"')), plain) if (
        '"' not in table.t[0]
    ) else None
    for path in base.iterdir():
        if path.suffix != ".csv":
            path.unlink()
    (base / "a.csv").write_text((base / "a.csv").read_text().replace("t,x,y,who,what", "time,x,y,subject,label"))
    draft.draft(base)
    about = description.describe(base)
    assert (about.time_unit, about.rate) == ("date", 25.0)


def test_a_day_and_a_month_that_may_change_places_are_refused(tmp_path, plain):
    begin = np.datetime64("2023-03-04T23:59:58", "ms")
    day = SAME_DATES["day first"]
    text = csv(made(lambda seconds: [day(begin + round(1000 * s)) for s in seconds]))
    (problem,) = folder.inspect(written(tmp_path / "a", text, time_unit='"date"')).problems
    assert problem == (
        f"{tmp_path}/a/a.csv: found dates whose day or month may be first, "
        'expected `time_unit = "day/month"` or "month/day" in dataset.toml'
    )
    same_signals(read(written(tmp_path / "a", text, time_unit='"day/month"')), plain)


ODD = {
    "2016-12-31 23:59:60": "no leap second, which has no number of its own: take out the row",
    "2023-02-29 10:00:00": 'a day that is in the calendar (month first: `time_unit = "month/day"`)',
    "2023-02-28 24:00:00": "a time from 00:00:00 to 23:59:59",
    "2023-02-28 13:00:00 PM": "an hour from 1 to 12 before AM or PM",
    "28/02/23 10:00:00": f"a date and time such as {stamps.EXAMPLE}",
    "2023-02-28 10:00:00 CET": f"a date and time such as {stamps.EXAMPLE}",
    "10:00": f"a date and time such as {stamps.EXAMPLE}",
    "٢٠٢٣-02-28 10:00:00": f"a date and time such as {stamps.EXAMPLE}",
}


@pytest.mark.parametrize(("word", "expected"), ODD.items())
def test_what_is_no_stamp_is_refused_by_line(tmp_path, word, expected):
    table = made(lambda seconds: [f"2023-02-28 10:00:{s:06.3f}Z" for s in seconds])
    table.loc[30, "t"] = word
    base = written(tmp_path / "a", csv(table), time_unit='"date"')
    assert folder.inspect(base).problems == [f"{base}/a.csv, line 32: found '{word}' in t, expected {expected}"]
    table[["t", "x", "who", "what"]].rename(columns={"t": "time"}).to_csv(base / "a.csv", index=False)
    (base / "dataset.toml").unlink()
    draft.draft(base)


def test_stamps_with_and_without_an_offset_are_not_mixed():
    with pytest.raises(ValueError, match="some stamps have a date or an offset from UTC and others have none"):
        stamps.Stamps().read(["2023-02-28 10:00:00Z", "2023-02-28 10:00:01"])


@settings(max_examples=200, deadline=None)
@given(st.datetimes(min_value=pd.Timestamp("1000-01-01"), max_value=pd.Timestamp("9999-12-31")), st.integers(-840, 840))
def test_a_stamp_is_what_python_reads(moment, minutes):
    sign = "+" if minutes >= 0 else "-"
    offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    expected = np.datetime64(moment, "us").astype(np.int64)
    text = moment.isoformat(sep=" ", timespec="microseconds")
    other = moment.strftime("%d.%m.%Y %H:%M:%S,%f").replace(f".{moment.year}", f".{moment.year:04d}")
    assert stamps.column([text], "date") == stamps.column([other], "date") == expected
    assert stamps.column([text + offset], "date") == expected - minutes * 60_000_000


# -- generated


@pytest.mark.parametrize("kind", ["csv", "parquet", "toml"])
def test_generated_inputs_are_read_or_refused(kind, capsys):
    counts = generated.tried(kind, 40, seed=1)
    assert sum(counts.values()) >= 40
    assert {what for _, what in counts} <= {"read", "refused"}, capsys.readouterr().out

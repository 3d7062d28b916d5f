"""Tables and clocks as people have them: what is another spelling is read, what has two meanings is refused."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import generated
from mixkd.datasets.own import clock, description, draft, folder
from mixkd.datasets.raw import stamps, timing
from mixkd.deploy import predict
from mixkd.errors import MixkdError

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
    "empty lines at the end": lambda text: text + "\n\n",
    "and with returns": lambda text: text.replace("\n", "\r\n") + "\r\n\r\n",
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


@pytest.mark.parametrize("pattern", ["/tmp/*.csv", "../*.csv", "", "**.csv", "a//b", "a\\u0000b", "9" * 300])
def test_patterns_of_files_are_below_the_folder(tmp_path, pattern):
    base = written(tmp_path / "a", csv(made()), files=f'"{pattern}"')
    with pytest.raises(
        MixkdError, match=r"dataset.toml: Description.files: found .*, expected a pattern of files below"
    ):
        folder.inspect(base)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"names": '"{recording}_{recording}.csv"'}, "names: found .* each once"),
        ({"gap": "3.0"}, "gap: found 3.0, expected seconds, at most those of a window"),
        ({"window": "1e300"}, r"window: found 1e\+300, expected at least 8 samples"),
        ({"separator": '"1"'}, "separator: found '1', expected a comma, semicolon, tab or the like"),
        ({"skip_lines": "-1"}, "skip_lines: found -1, expected at most 1000 lines"),
        ({"title": "[" + "1, " * 5000 + "]"}, r"title: found \[1, 1, 1, .{0,80}…, expected str"),
        ({"x" * 5000: "1"}, "Description.x{59}…: unknown field"),
    ],
)
def test_impossible_descriptions_are_refused_in_a_short_line(tmp_path, line, message):
    base = written(tmp_path / "a", csv(made()), **line)
    with pytest.raises(MixkdError, match=message) as refusal:
        folder.inspect(base)
    assert len(str(refusal.value)) < len(str(base)) + 900


@pytest.mark.parametrize("value", [1e21, -1e300])
def test_what_is_no_time_is_refused(tmp_path, value):
    table = made()
    table.loc[7, "t"] = value
    (problem,) = folder.inspect(written(tmp_path / "a", csv(table))).problems
    assert f"a.csv, line 9: found '{value}' in t, expected a time below 1e+20" in problem


def test_text_of_a_damaged_parquet_file(tmp_path):
    made().to_parquet(tmp_path / "a.parquet", compression=None)
    raw = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(raw.replace(b"lift", b"li\xfft"))
    (problem,) = folder.inspect(written(tmp_path, b"", name="n.txt", files='"*.parquet"')).problems
    assert problem.startswith(f"{tmp_path}/a.parquet: ")
    assert "expected a Parquet file" in problem


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


# -- clocks


CLOCKS = {  # what the clock shows at `seconds`, and how far (s) steps may be from even
    "whole seconds": (np.floor, 1e-6),
    "tenths": (lambda s: np.floor(10 * s + 1e-9) / 10, 0.011),
    "packets of 5": (lambda s: np.repeat(s[4::5], 5), 1e-6),
    "packets of 7, at the beginning": (lambda s: np.repeat(s[::7], 7)[: len(s)], 1e-6),
    "packets that come late": (lambda s: np.repeat(s[4::5] + 0.03 * (np.arange(len(s) // 5) % 3 == 1), 5), 0.011),
    "two in a millisecond": (lambda s: np.where(np.arange(len(s)) % 50 == 20, s + 1 / RATE, s), 0.041),
}


@pytest.mark.parametrize(("clock_of", "most"), CLOCKS.values(), ids=CLOCKS)
def test_repeated_times_are_spread(clock_of, most):
    seconds = 0.36 + np.arange(2000) / RATE
    shown = clock_of(seconds[:1995])
    assert (np.diff(shown) == 0).any()
    found, far = clock.spread(shown - shown[0], RATE)
    assert not far.size
    steps = np.diff(found)
    assert steps.min() > 0.4 / RATE
    assert np.abs(steps - 1 / RATE).max() < most
    assert abs(np.mean(steps) - 1 / RATE) < 1e-3 / RATE


@pytest.mark.parametrize("clock_of", [np.floor, lambda s: np.floor(4 * s) / 4])
@pytest.mark.parametrize("rate", [25, 24.3, 26])
@pytest.mark.parametrize("hole", [30, 88])
def test_a_hole_among_repeated_times_stays_one(clock_of, rate, hole):
    """Rows are lost in the middle of a second: what was recorded before and after stays together."""
    seconds = np.delete(0.36 + np.arange(1500) / rate, slice(700, 700 + hole))
    shown = clock_of(seconds)
    found, far = clock.spread(shown - shown[0], 25)
    assert not far.size
    steps = np.diff(found)
    assert np.argmax(steps) == pytest.approx(699, abs=rate)
    assert steps.max() == pytest.approx(hole / rate, abs=0.4)
    assert np.abs(np.delete(steps, np.argmax(steps)) - 1 / rate).max() < 0.03


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=300), st.sampled_from([10.0, 50.0, 99.0]))
def test_spread_times_increase_whatever_the_clock_does(steps, rate):
    time = np.cumsum(np.array(steps)) / 100
    found, far = clock.spread(time - time[0], rate)
    assert (np.diff(found) > 0).all()
    assert len(found) == len(time)
    offset = (time - time[0] - found)[np.setdiff1d(np.arange(len(time)), far)]
    assert not offset.size or np.ptp(offset) <= 2 * clock.BURST + 1e-9


@pytest.mark.parametrize("tick", [1e-9, 1e-12])
def test_a_clock_that_hardly_ticks_takes_little_memory(tick):
    found, far = clock.spread(np.repeat(np.arange(30) * tick, 2), 25.0)
    assert not far.size
    assert np.diff(found) == pytest.approx(np.full(59, tick / 2))


def test_a_clock_in_whole_seconds_is_said_and_gives_the_same_windows(tmp_path, plain):
    found = read(written(tmp_path / "a", csv(made(np.floor))))
    assert found.counts == {"rows with a time in whole seconds, spread evenly within each": 3 * (200 - 9)}
    same_signals(found, plain)
    assert found.continues == plain.continues


def test_repeated_times_are_counted(tmp_path, plain):
    table = made()
    table.loc[[41, 342], "t"] = table.t[[40, 341]].to_numpy()
    found = read(written(tmp_path / "a", csv(table)))
    assert found.counts == {"rows with a time of the row before, spread by the rate": 2}


def test_more_rows_at_one_time_than_the_limit_are_refused(tmp_path):
    base = written(tmp_path / "a", csv(made(lambda s: np.floor(s / 60))))
    problems = folder.inspect(base).problems
    assert problems == [
        f"{base}/a.csv, line {line}: found more rows around 0.0 than 2 s of the rate hold, "
        "expected times that differ, or no line `time` (rows are then 1 / 25 s apart)"
        for line in (2, 202, 402)
    ]


def test_a_clock_that_goes_back_is_refused_with_a_date_and_a_way_on(tmp_path):
    """Every place at which it does, and what else is wrong in the same file."""
    begin = np.datetime64("2024-10-27T02:59:58", "ms")
    table = made(lambda s: [str(begin + round(1000 * v) - (v > 4) * np.timedelta64(1, "h")) for v in s])
    table.loc[500:520, "what"] = ""
    base = written(tmp_path / "a", csv(table), time_unit='"date"')
    problems = folder.inspect(base).problems
    assert problems == [
        *(
            f"{base}/a.csv, line {n}: found t 2024-10-27 02:00:02.040 after 2024-10-27 03:00:02, expected {clock.LATER}"
            for n in (94, 294, 494)
        ),
        f"{base}/a.csv, line 502: found no label, expected one in every row (an empty one may stand in `ignore`)",
    ]


def test_people_at_two_rates_in_one_file(tmp_path):
    """A tone of 10 Hz of one person, recorded at 50 Hz, is above what 25 Hz can hold: not aliased to 5 Hz."""
    slow, fast = made(people=("ann", "bob")), made(people=("cy",), rate=2 * RATE)
    fast["x"] = np.sin(2 * np.pi * 20 * fast.t)
    found = read(written(tmp_path / "a", csv(pd.concat([slow, fast]))))
    for part in found.stretches:
        assert len(part.signal) == SECONDS * RATE
        if part.subject == "cy":
            assert np.abs(part.signal[10:-10, 0]).max() < 0.1


def test_rates_that_change_in_a_recording_are_refused(tmp_path):
    """All of them, and nothing of the file is kept."""
    fast = made(people=("ann", "cy"), rate=2 * RATE)
    parts = [fast[:150], fast[150:400:2], made(people=("bob",)), fast[400:550], fast[550::2]]
    found = folder.inspect(written(tmp_path / "a", csv(pd.concat(parts).assign(what="lift"))))
    assert found.problems == [
        f"{tmp_path}/a/a.csv, line {line}: found 50 samples per second and 25 after 3 s, "
        "expected one rate throughout: put them into two files"
        for line in (2, 477)
    ]
    assert found.stretches == found.remarks == []


def test_a_person_whose_clock_has_another_unit_is_refused(tmp_path):
    table = made()
    table.loc[table.who == "bob", "t"] *= 1000
    (problem,) = folder.inspect(written(tmp_path / "a", csv(table))).problems
    assert problem.startswith(
        f"{tmp_path}/a/a.csv, line 202: found 0.025 samples per second, expected 25, or from half to 200 times"
        " as many; is the unit of time right?"
    )


def test_a_recording_too_slow_for_its_rate_is_refused_without_a_guess_at_the_unit():
    with pytest.raises(MixkdError) as error:
        timing.check_rate("a.csv", np.full(99, 1 / 30), 100)
    wanted = "100, or from half to 200 times as many; slower recordings cannot be brought to this rate"
    assert str(error.value) == f"a.csv: found 30 samples per second, expected {wanted}"


@pytest.mark.parametrize(("unit", "found"), [("us", "2.5e+04"), ("ns", "2.5e+07")])
def test_a_unit_of_time_that_is_a_thousand_times_too_short_is_refused(tmp_path, unit, found):
    table = made()
    table["t"] = (1000 * table.t).round()  # ms
    base = written(tmp_path / "a", csv(table), time_unit=f'"{unit}"')
    problems = folder.inspect(base).problems
    expected = f"found {found} samples per second, expected 25, or from half to 200 times as many"
    assert problems
    assert all(expected in problem for problem in problems)


def test_a_faster_stretch_in_a_slower_recording_is_refused(tmp_path):
    """Even where the median of the whole recording is that of the stated rate."""
    with pytest.raises(MixkdError, match=r"found 2\.5e\+10 samples per second, expected 25"):
        timing.factor("a.csv", np.arange(80) * 4e-11, 25.0, 50)


@pytest.mark.parametrize("rate", [10, 25, 30, 50, 100, 128])
@pytest.mark.parametrize("samples", [1, 3, 7, 29])
@pytest.mark.parametrize("begin", [0.0, 0.1, 1.7e9])
def test_a_hole_is_as_long_as_it_says(rate, samples, begin):
    """`samples` lost at `rate` are a gap of samples / rate, though binary fractions may say less."""
    n, gap = 4 * 29 + samples, round(samples / rate, 6)
    signal = np.sin(np.arange(n) / 5)[:, None]
    signal[40 : 40 + samples] = np.nan
    time = begin + np.arange(n) / rate
    assert len(list(timing.whole(time, signal, rate, factor=1, gap=gap, count=lambda what, n: None))) == 1
    assert len(list(timing.whole(time, signal, rate, factor=1, gap=gap - 0.5 / rate, count=lambda what, n: None))) == 2
    kept = np.r_[0:40, 40 + samples : n]
    step = round((samples + 1) / rate, 6)
    for limit, parts in ((step, 1), (step - 0.5 / rate, 2)):
        assert (
            len(list(timing.whole(time[kept], np.zeros((n - samples, 1)), rate, factor=1, gap=limit, count=print)))
            == parts
        )


def test_predict_reads_clocks_as_check_does(tmp_path):
    about = {
        "channels": ["x", "y"],
        "units": ["g", "g"],
        "rate": RATE,
        "window": RATE,
        "reading": {**description.UNSTATED, "time": "t"},
    }
    for name, clock_of in (("even", lambda s: s), ("whole", np.floor)):
        made(clock_of, people=("ann",)).to_csv(tmp_path / f"{name}.csv", index=False)
    told: dict[str, int] = {}
    [(first, even)] = predict.read_recording(tmp_path / "even.csv", about)
    [(start, spread)] = predict.read_recording(tmp_path / "whole.csv", about, told.__setitem__)
    assert first == start == 0
    np.testing.assert_allclose(spread, even, atol=1e-5)
    assert told["rows with a time in whole seconds, spread evenly within each"] == 191
    for old in ("skip_lines", "column_names"):
        del about["reading"][old]  # a student of an earlier version
    assert len(predict.read_recording(tmp_path / "even.csv", about)) == 1


# -- generated


@pytest.mark.parametrize("kind", ["csv", "parquet", "toml"])
def test_generated_inputs_are_read_or_refused(kind, capsys):
    counts = generated.tried(kind, 40, seed=1)
    assert sum(counts.values()) >= 40
    assert {what for _, what in counts} <= {"read", "refused"}, capsys.readouterr().out

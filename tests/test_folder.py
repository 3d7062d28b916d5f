"""Recordings of your own: however they are spelled they give the same signals; what is wrong is told, all at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from smoke import mixkd

from mixkd import datasets, studies
from mixkd.book import notebook
from mixkd.cli import main
from mixkd.datasets.own import description, draft, folder
from mixkd.deploy import distill
from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data

PEOPLE, LABELS = ("ann", "bob", "cy"), ("lift", "rest")
TOML = """
title = "three people"
files = "*.csv"
subject = "who"
label = "what"
time = "t"
rate = 50.0
window = 1.0
step = 0.5
[channels]
x = "g"
y = "g"
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXKD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def table():
    """One long table: three people, two activities of 3 s each, at 50 Hz."""
    rng, parts = np.random.default_rng(3), []
    for person in PEOPLE:
        t = np.arange(300) / 50
        x, y = rng.normal(size=(2, 300)).round(4)
        what = np.repeat(LABELS, 150)
        parts.append(pd.DataFrame({"t": t.round(3), "x": x, "y": y, "who": person, "what": what}))
    return pd.concat(parts, ignore_index=True)


def written(base, files, toml=TOML, **options):
    """A folder with these tables and a `dataset.toml`; `options` go to pandas."""
    base.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        content.to_csv(base / name, index=False, **options)
    (base / "dataset.toml").write_text(toml)
    return base


def by_person(table):
    return {f"{who}.csv": part for who, part in table.groupby("who")}


def read(base):
    found = folder.inspect(base)
    assert found.problems == []
    return found.recordings()


def same(one, other):
    assert (one.channels, one.units, one.classes, one.rate) == (other.channels, other.units, other.classes, other.rate)
    assert one.people == other.people
    np.testing.assert_array_equal(one.subjects, other.subjects)
    for a, b in zip(one.signals, other.signals, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for a, b in zip(one.labels, other.labels, strict=True):
        np.testing.assert_array_equal(a, b)


# -- every spelling of the same recordings


def test_stretches_that_continue_one_another_are_known(home, table):
    """Of one person and recording, without a hole between them; not after ignored samples, a gap, or a new person."""
    ann, bob, cy = (part.copy() for _, part in table.groupby("who"))
    ann["what"] = ["lift"] * 100 + ["rest"] * 100 + ["lift"] * 100
    bob["what"] = ["rest"] * 100 + ["none"] * 60 + ["lift"] * 140
    cy.loc[cy.index[150:], "t"] += 0.4  # a gap of 0.4 s between its two activities
    toml = TOML.replace('label = "what"', 'label = "what"\nignore = ["none"]')
    base = written(home / "one", {"all.csv": pd.concat([ann, bob, cy])}, toml)
    recordings = read(base)
    assert recordings.people == {1: "ann", 2: "bob", 3: "cy"}
    who = list(zip(recordings.subjects, (recordings.classes[labels[0]] for labels in recordings.labels), strict=True))
    assert who == [(1, "lift"), (1, "lift"), (1, "rest"), (2, "lift"), (2, "rest"), (3, "lift"), (3, "rest")]
    assert recordings.previous == (-1, 2, 0, -1, -1, -1, -1)
    assert datasets.dataset(datasets.named(str(base))).load().previous == recordings.previous


def test_a_table_gives_its_own_numbers(table, tmp_path):
    found = read(written(tmp_path / "a", {"all.csv": table}))
    assert (found.classes, found.channels, found.units, found.rate) == (LABELS, ("x", "y"), ("g", "g"), 50.0)
    assert found.people == {1: "ann", 2: "bob", 3: "cy"}
    assert found.subjects.tolist() == [1, 1, 2, 2, 3, 3]
    for i, (who, what) in enumerate((who, what) for who in PEOPLE for what in LABELS):
        rows = table[(table.who == who) & (table.what == what)]
        np.testing.assert_array_equal(found.signals[i], rows[["x", "y"]].to_numpy(np.float32))
        assert set(found.labels[i]) == {LABELS.index(what)}


def decimal_commas(base, table):
    return written(
        base, {"a.csv": table}, TOML.replace("[ch", 'separator = ";"\ndecimal = ","\n[ch'), sep=";", decimal=","
    )


def quoted_with_mark(base, table):
    return written(base, {"a.csv": table}, quoting=2, encoding="utf-8-sig", lineterminator="\r\n")


def tabs(base, table):
    return written(base, {"a.csv": table}, TOML.replace("[ch", 'separator = "\\t"\n[ch'), sep="\t")


def parquet(base, table):
    written(base, {}, TOML.replace("*.csv", "*.parquet"))
    table.astype({"who": "category"}).to_parquet(base / "a.parquet")
    return base


def milliseconds(base, table):
    late = table.assign(t=(table.t * 1000).round().astype(int) + 1_700_000_000_000)
    return written(base, {"a.csv": late}, TOML.replace("[ch", 'time_unit = "ms"\n[ch'))


def dates(base, table):
    stamps = pd.Timestamp("2026-03-29 01:59:58") + pd.to_timedelta(table.t, unit="s")
    return written(base, {"a.csv": table.assign(t=stamps)}, TOML.replace("[ch", 'time_unit = "date"\n[ch'))


def parquet_dates(base, table):
    written(base, {}, TOML.replace("*.csv", "*.parquet").replace("[ch", 'time_unit = "date"\n[ch'))
    table.assign(t=pd.Timestamp("2026-03-29") + pd.to_timedelta(table.t, unit="s")).to_parquet(base / "a.parquet")
    return base


def without_time(base, table):
    return written(base, {"a.csv": table.drop(columns="t")}, TOML.replace('time = "t"\n', ""))


def in_names(base, table):
    files = {f"{who}-{what}.csv": part[["t", "x", "y"]] for (who, what), part in table.groupby(["who", "what"])}
    toml = TOML.replace('subject = "who"\nlabel = "what"', 'names = "{subject}-{label}.csv"')
    return written(base, files, toml)


def in_folders(base, table):
    (base / "data").mkdir(parents=True)
    files = {f"data/{who}_{what}.csv": part[["t", "x", "y"]] for (who, what), part in table.groupby(["who", "what"])}
    toml = TOML.replace('subject = "who"\nlabel = "what"', 'names = "{recording}/{subject}_{label}.csv"')
    return written(base, files, toml.replace("*.csv", "**/*.csv", 1))


def other_columns(base, table):
    return written(base, {"a.csv": table.assign(note="a b", z=np.nan)[["z", "what", "y", "note", "x", "t", "who"]]})


SPELLINGS = (decimal_commas, quoted_with_mark, tabs, parquet, milliseconds, dates, parquet_dates, without_time)
SPELLINGS += (in_names, in_folders, other_columns)


@pytest.mark.parametrize("spelled", SPELLINGS, ids=lambda f: f.__name__)
def test_the_spelling_does_not_matter(table, tmp_path, spelled):
    same(read(spelled(tmp_path / "b", table)), read(written(tmp_path / "a", {"all.csv": table})))


def test_one_file_or_many(table, tmp_path):
    same(read(written(tmp_path / "b", by_person(table))), read(written(tmp_path / "a", {"all.csv": table})))


def test_files_of_watch_are_watch(tmp_path):
    watch = datasets.dataset("watch").load()
    pick = [i for i, subject in enumerate(watch.subjects) if subject <= 3]
    base = tmp_path / "watch"
    base.mkdir()
    for i in pick:
        frame = pd.DataFrame(watch.signals[i], columns=watch.channels)
        frame.to_csv(base / f"p{watch.subjects[i]}_{watch.classes[watch.labels[i][0]]}_{i}.csv", index=False)
    draft.draft(base)
    found = read(base)
    assert (set(found.classes), found.channels, found.units) == (set(watch.classes), watch.channels, watch.units)
    assert found.people == {1: "p1", 2: "p2", 3: "p3"}
    what = [watch.classes[label[0]] for label in watch.labels]
    order = sorted(pick, key=lambda i: (watch.subjects[i], what[i], str(i)))
    for i, signal, label, subject in zip(order, found.signals, found.labels, found.subjects, strict=True):
        np.testing.assert_array_equal(signal, watch.signals[i])
        assert {found.classes[k] for k in label} == {what[i]}
        assert subject == watch.subjects[i]


# -- holes and clocks


def test_holes(table, tmp_path):
    table.loc[10:12, "x"] = np.nan  # 0.06 s: interpolated
    table.loc[200:219, "y"] = np.nan  # 0.4 s: ends a recording
    table.loc[[149, 150], "x"] = np.nan  # at the border of two activities: nothing to interpolate between
    base = written(tmp_path / "a", {"all.csv": table})
    found = read(base)
    lengths = [len(signal) for signal in found.signals]
    assert lengths == [149, 80, 150, 150, 150, 150]  # and 49 samples between border and hole are too short
    line = np.linspace(*table.x[[9, 13]], 5)[1:-1]
    np.testing.assert_allclose(found.signals[0][10:13, 0], line, atol=1e-6)
    assert found.counts == {
        "lost values in holes up to 0.1 s, interpolated": 3,
        "samples in longer holes, where recordings end, left out": 22,
        "stretches shorter than a window, left out": 1,
    }


def test_gaps_in_time_end_a_recording(table, tmp_path):
    found = read(written(tmp_path / "a", {"all.csv": table.drop(index=range(60, 70))}))
    assert [len(signal) for signal in found.signals][:3] == [60, 80, 150]
    assert found.counts == {"gaps in time, where recordings end": 1}


def test_uneven_and_faster_clocks_come_to_the_rate(tmp_path):
    """A slow sine at 100 Hz, and one with a jittering clock, are what 50 Hz would have shown."""
    rng, parts = np.random.default_rng(0), []
    for k, who in enumerate(PEOPLE):
        for what in LABELS:
            step = 0.01 if k == 0 else 0.02
            t = np.arange(0, 4, step)
            t = t + rng.uniform(-0.3, 0.3, len(t)) * step * (k == 1)
            values = {"x": np.sin(3 * t), "y": np.cos(3 * t)}
            parts.append(pd.DataFrame({"t": t, **values, "who": who, "what": what}))
    found = read(written(tmp_path / "a", {f"{i}.csv": part for i, part in enumerate(parts)}))
    for i, signal in enumerate(found.signals):
        t = parts[i].t[0] + np.arange(len(signal)) / 50
        np.testing.assert_allclose(signal[10:-10, 0], np.sin(3 * t)[10:-10], atol=5e-3)
        assert 198 <= len(signal) <= 200


def test_samples_without_an_activity_are_left_out(table, tmp_path):
    table.loc[:99, "what"] = ""
    toml = TOML.replace("[ch", 'ignore = [""]\n[ch')
    found = read(written(tmp_path / "a", {"all.csv": table}, toml))
    assert len(found.signals[0]) == 50
    assert found.counts == {"samples without an activity, left out": 100}
    assert folder.inspect(written(tmp_path / "b", {"all.csv": table})).problems == [
        f"{tmp_path}/b/all.csv, line 2: found no label, expected one in every row (an empty one may stand in `ignore`)"
    ]


def test_a_last_row_that_may_be_cut_is_left_out(table, tmp_path):
    base = written(tmp_path / "a", {"all.csv": table})
    text = (base / "all.csv").read_text()
    (base / "all.csv").write_text(text.rstrip("\n"))
    found = read(base)
    assert len(found.signals[-1]) == 149
    assert found.counts == {"last rows without a line end, left out": 1}


# -- what is wrong


DESCRIPTIONS = {
    "a misspelled line": (
        TOML.replace("title", "tittle"),
        r"Description.tittle: unknown field, did you mean 'title'\?",
    ),
    "no TOML": ("title = three", r"dataset.toml: Invalid value \(at line 1, column 9\)"),
    "no channels": (TOML.split("[ch")[0], "channels: found {}, expected at least one"),
    "a number for a word": (TOML.replace('"t"', "5"), r"Description.time: found 5, expected str"),
    "no subject": (TOML.replace('subject = "who"\n', ""), r"subject: found None, expected a column, or {subject} in"),
    "both": (TOML.replace("[ch", 'names = "{subject}.csv"\n[ch'), r"subject: found 'who', expected a column, or"),
    "other braces": (TOML.replace("[ch", 'names = "{person}.csv"\n[ch'), r"names: found '{person}.csv', expected no"),
    "rate": (TOML.replace("50.0", "0.0"), "rate: found 0.0, expected samples per second"),
    "window": (
        TOML.replace("window = 1.0", "window = 0.1"),
        "window: found 0.1, expected at least 8 samples",
    ),
    "unit of time": (TOML.replace("[ch", 'time_unit = "h"\n[ch'), "time_unit: found 'h', expected one of s, ms"),
    "a unit that is a number": (TOML.replace('x = "g"', "x = 1"), "channels.x: found 1, expected str"),
}


@pytest.mark.parametrize(("toml", "message"), DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_wrong_description_is_refused_in_one_line(table, tmp_path, toml, message):
    base = written(tmp_path / "a", {"all.csv": table}, toml)
    with pytest.raises(MixkdError, match=message) as refusal:
        folder.inspect(base)
    assert str(refusal.value).startswith(f"{base}/dataset.toml: ")
    assert "\n" not in str(refusal.value)


def edit(text):
    """A change of one file's lines."""

    def change(base):
        lines = (base / "ann.csv").read_text().splitlines(keepends=True)
        (base / "ann.csv").write_text("".join(text(lines)))

    return change


FILES = {
    "a word": (
        edit(lambda ls: [*ls[:4], ls[4].replace(",", ",up", 1), *ls[5:]]),
        r"ann.csv, line 5: found 'up.*' in x",
    ),
    "infinite": (edit(lambda ls: [*ls[:4], "0.06,inf,1,ann,lift\n", *ls[5:]]), r"line 5: found 'inf' in x"),
    "a short row": (edit(lambda ls: [*ls[:4], "0.06,1\n", *ls[5:]]), r"line 5: found 2 columns, expected 5 columns"),
    "an empty line": (edit(lambda ls: [*ls[:4], "\n", *ls[5:]]), r"line 5: found an empty line"),
    "back in time": (edit(lambda ls: [*ls[:4], "0.01,1,1,ann,lift\n", *ls[5:]]), r"line 5: found t 0.01 after 0.04"),
    "no time": (edit(lambda ls: [*ls[:4], ",1,1,ann,lift\n", *ls[5:]]), r"line 5: found '' in t, expected a number"),
    "no subject": (edit(lambda ls: [*ls[:4], "0.06,1,1,,lift\n", *ls[5:]]), r"line 5: found no subject"),
    "column missing": (edit(lambda ls: ["t,x,z,who,what\n", *ls[1:]]), r"line 1: found no column 'y', known: t, what"),
    "column twice": (edit(lambda ls: ["t,x,x,who,y\n", *ls[1:]]), r"line 1: found 2 columns 'x', expected one"),
    "quotes": (
        edit(lambda ls: [*ls[:4], '0.06,1,1,"ann,lift"\n', *ls[5:]]),
        r"line 5: found 4 columns, expected 5 columns",
    ),
    "open quotes": (edit(lambda ls: [*ls[:-1], '0.06,1,1,"ann,lift\n']), r"expected quotes in pairs"),
    "empty": (lambda base: (base / "ann.csv").write_text(""), r"found an empty file"),
    "header only": (edit(lambda ls: ls[:1]), r"found a header and no rows"),
    "bytes": (
        lambda base: (base / "ann.csv").write_bytes(b"t,x\n\xff\xfe"),
        r"line 2: found bytes that are no UTF-8, expected",
    ),
    "clock": (
        lambda base: (base / "ann.csv").write_text(
            "t,x,y,who,what\n" + "".join(f"{i / 20},1,2,ann,lift\n" for i in range(300))
        ),
        r"ann.csv: found 20 samples per second, expected 50, or from half",
    ),
}


@pytest.mark.parametrize(("change", "message"), FILES.values(), ids=FILES)
def test_what_is_wrong_in_a_file_is_one_line(table, tmp_path, change, message, home):
    base = written(tmp_path / "a", by_person(table))
    change(base)
    problems = folder.inspect(base).problems
    assert len(problems) == 1
    with pytest.raises(MixkdError, match=message) as refusal:
        datasets.named(str(base))
    assert str(refusal.value).startswith(str(base / "ann.csv"))
    assert "\n" not in str(refusal.value)
    assert not home.exists()


def test_a_parquet_file_of_another_kind_is_refused(table, tmp_path):
    base = written(tmp_path / "a", {}, TOML.replace("*.csv", "*.parquet"))
    bad = {
        "words": (table.assign(x="up"), "found string in x, expected numbers"),
        "inf": (table.assign(x=np.inf), "line 1: found inf in x, expected a finite number"),
        "time": (table.assign(t=table.t.where(table.index != 3)), "line 4: found nothing in t, expected a time"),
        "dates": (table.assign(t=pd.Timestamp("2026-01-01")), r"found timestamp\[.s\] in t, expected numbers"),
        "lists": (table.assign(who=[["ann"]] * len(table)), r"found list<.*> in who, expected words"),
        "no rows": (table[:0], "found no rows, expected a recording"),
    }
    for name, (content, _) in bad.items():
        content.to_parquet(base / f"{name}.parquet")
    (base / "none.parquet").write_bytes(b"PAR1")
    bad["nan"] = None, "line 4: found nan in t, expected a time"  # as polars writes it: not null
    lost = pa.Table.from_pandas(table, preserve_index=False)
    lost = lost.set_column(0, "t", pa.array(np.where(table.index == 3, np.nan, table.t)))
    pyarrow.parquet.write_table(lost, base / "nan.parquet")
    problems = dict(zip(sorted([*bad, "none"]), folder.inspect(base).problems, strict=True))
    for name, (_, message) in bad.items():
        with pytest.raises(MixkdError, match=message):
            raise MixkdError(problems[name])
    assert "expected a Parquet file" in problems["none"]


def test_all_problems_at_once(table, tmp_path, home):
    """Three faults in one file, one in another: four lines, exit status 1, and nothing written."""
    base = written(tmp_path / "a", by_person(table))
    lines = (base / "ann.csv").read_text().splitlines()
    for row in (3, 7, 9):
        lines[row] = lines[row].replace(",", ",?", 1)
    (base / "ann.csv").write_text("\n".join(lines) + "\n")
    (base / "bob.csv").write_text("")
    before = {path: path.stat().st_mtime_ns for path in base.iterdir()}
    done = mixkd("data", "check", str(base), home=home)
    assert done.returncode == 1
    said = done.stdout.splitlines()
    assert [line.split(":")[0] for line in said[:4]] == [
        *(f"{base}/ann.csv, line {n}" for n in (4, 8, 10)),
        f"{base}/bob.csv",
    ]
    assert said[-1] == f"{base}: 4 problems"
    assert {path: path.stat().st_mtime_ns for path in base.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t.who != "cy"], "found 2 people (ann, bob), expected at least 3: one to test, one to validate"),
        (lambda t: t.assign(what="lift"), "found 1 labels (lift), expected 2 to 100"),
        (
            lambda t: pd.concat([t, t[t.who == "ann"].assign(who="dee")]),
            "of the same rows of ann and of dee (all.csv), expected different people",
        ),
    ],
)
def test_what_is_wrong_with_the_whole(table, tmp_path, change, message):
    problems = folder.inspect(written(tmp_path / "a", {"all.csv": change(table)})).problems
    assert any(message in problem for problem in problems)


def test_remarks(table, tmp_path):
    table = table.assign(z=1.0, y=table.y * 0, x=table.x * 0 + 9.81)
    table.loc[table.who == "cy", "what"] = "lift"
    table.loc[(table.who == "bob"), "what"] = "lift"
    table.loc[table.who != "ann", "x"] = 9.8
    toml = TOML + 'z = "g"\n'
    remarks = folder.inspect(written(tmp_path / "a", {"all.csv": table}, toml)).remarks
    assert "only ann did rest: whoever is tested on it taught nobody" in remarks
    assert "y has one value, 0: leave it out" in remarks
    assert any(remark.startswith("channels x, y, z in g have a median length of 9.8") for remark in remarks)


# -- kept under their content


def test_kept_recordings_are_what_was_read(table, tmp_path, home):
    base = written(tmp_path / "a", {"all.csv": table})
    name = datasets.named(str(base))
    assert name == datasets.named(str(base)) == datasets.named(name)
    same(datasets.dataset(name).load(), read(base))
    entry = datasets.dataset(name)
    assert (entry.title, entry.window, entry.step, entry.epochs) == ("three people", 50, 25, 40)
    base.rename(tmp_path / "moved")
    (tmp_path / "moved" / "all.csv").rename(tmp_path / "moved" / "other.csv")
    assert datasets.named(str(tmp_path / "moved")) == name  # where files lie does not matter


def test_other_content_is_another_data_set(table, tmp_path, home):
    base = written(tmp_path / "a", {"all.csv": table})
    name = datasets.named(str(base))
    (base / "dataset.toml").write_text(TOML.replace("step = 0.5", "step = 1.0"))
    other = datasets.named(str(base))
    assert other != name
    assert datasets.dataset(other).step == 50
    table.loc[5, "x"] += 0.001
    assert datasets.named(str(written(base, {"all.csv": table}))) != name


def test_damaged_or_unknown_is_refused(table, tmp_path, home):
    name = datasets.named(str(written(tmp_path / "a", {"all.csv": table})))
    path = home / "data" / f"{name}.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(MixkdError, match="missing or damaged; name its folder again"):
        datasets.dataset(name).load()
    with pytest.raises(MixkdError, match=r"found 'folder-0123', which .* does not hold"):
        datasets.dataset("folder-0123")
    with pytest.raises(MixkdError, match="did you mean 'watch'"):
        datasets.named("wach")


def test_a_notebook_takes_a_folder(table, tmp_path, home):
    base = written(tmp_path / "a", {"all.csv": table})
    name = notebook.check_value("dataset", str(base), "str")
    assert name == datasets.named(str(base))
    assert {spec.fold for spec in studies.bases(studies.Scope(name, "full", 0))} == {0, 1, 2}


def test_one_run_takes_a_folder(table, tmp_path, home, capsys):
    base = written(tmp_path / "a", {"all.csv": table})
    main.run([f"dataset={base}", "epochs=1", "batch_size=4"])
    assert f"{datasets.named(str(base))} fold 0" in capsys.readouterr().out


# -- drafts


def test_a_draft_of_one_long_table(table, tmp_path):
    base = tmp_path / "a"
    base.mkdir()
    table.rename(columns={"who": "PersonID", "what": "activity", "t": "timestamp"}).to_csv(base / "a.csv")
    draft.draft(base)
    found = description.describe(base)
    assert (found.subject, found.label, found.time, found.time_unit, found.rate) == (
        *("PersonID", "activity", "timestamp", "s", 50.0),
    )
    assert found.channels == {"x": "g", "y": "g"}  # and not the index that pandas wrote
    assert len(read(base).signals) == 6
    with pytest.raises(MixkdError, match="is there already"):
        draft.draft(base)


def test_a_draft_of_a_european_spreadsheet(table, tmp_path):
    base = tmp_path / "a"
    base.mkdir()
    late = table.assign(t=(1000 * table.t).round().astype(int)).rename(columns={"t": "time"})
    late.loc[3, "x"] = np.nan
    late.loc[:20, "what"] = ""
    late = late.rename(columns={"who": "subject", "what": "label"})
    late.to_csv(base / "a.csv", index=False, sep=";", decimal=",", na_rep="NA")
    draft.draft(base)
    found = description.describe(base)
    assert (found.separator, found.decimal, found.time_unit, found.rate) == (";", ",", "ms", 50.0)
    assert (found.missing, found.ignore) == (("", "NA"), ("",))
    assert len(read(base).signals) == 6


def test_a_draft_of_slow_recordings_can_be_read(tmp_path):
    t = np.arange(60) / 2
    pd.DataFrame({"time": t, "x": np.sin(t), "subject": "ann", "label": "lie"}).to_csv(tmp_path / "a.csv", index=False)
    draft.draft(tmp_path)
    found = description.describe(tmp_path)
    assert (found.rate, found.window, found.step) == (2.0, 4.0, 2.0)


def test_a_draft_says_what_it_did_not_find(table, tmp_path):
    base = tmp_path / "a"
    base.mkdir()
    table[["x", "y"]].to_csv(base / "a.csv", index=False)
    draft.draft(base)
    text = (base / "dataset.toml").read_text()
    assert 'subject = "?"  # NOT FOUND' in text
    assert "a guess" in text
    assert "found no column '?'" in folder.inspect(base).problems[0]


def test_no_draft_without_recordings(tmp_path):
    with pytest.raises(MixkdError, match="found no CSV or Parquet file"):
        draft.draft(tmp_path)
    (tmp_path / "a.csv").write_text("name,place\nann,here\n")
    with pytest.raises(MixkdError, match="expected some with numbers: channels"):
        draft.draft(tmp_path)
    assert not (tmp_path / "dataset.toml").exists()


# -- as a practitioner types it


def test_from_files_to_a_student(table, tmp_path, home):
    base = written(tmp_path / "a", by_person(table))
    checked = mixkd("data", "check", str(base), home=home)
    assert checked.returncode == 0, checked.stderr
    assert "3 people, nothing wrong" in checked.stdout
    assert "ann.csv: 0 s to " in checked.stdout
    assert (base / "dataset.png").read_bytes()[:4] == b"\x89PNG"
    done = mixkd("distill", str(base), "--profile", "smoke", "-o", str(tmp_path / "out"), home=home)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A student for three people" in page
    assert "<td>ann</td>" in page
    assert "<td>ann.csv</td>" in page, "the quality of each file"
    new = table[["t", "x", "y"]].head(100)
    new.to_csv(tmp_path / "new.csv", index=False)
    done = mixkd("predict", str(tmp_path / "out"), str(tmp_path / "new.csv"), home=home)
    assert done.returncode == 0, done.stderr
    assert "new.csv: 0 s to 2.0 s, 0.00 h at 50 Hz" in done.stdout
    assert set(pd.read_csv(tmp_path / "new.labels.csv").label) <= set(LABELS)


def test_smoke_has_batches_for_few_people(table, tmp_path, home):
    """Of 6 windows per person and class there are 12 to train on, whatever the batch size of all the windows."""
    base = written(tmp_path / "a", {"all.csv": table}, TOML.replace("step = 0.5", "step = 0.02\nbatch_size = 64"))
    name = datasets.named(str(base))
    (first, *_), (whole, *_) = (list(studies.bases(studies.Scope(name, profile, 0))) for profile in ("smoke", "quick"))
    assert (first.batch_size, whole.batch_size) == (12, 64)
    assert len(fold_data(first.data).splits["train"]) == 12


def test_too_few_people_are_refused_with_the_reason(table, tmp_path, home):
    base = written(tmp_path / "a", {"all.csv": table[table.who != "cy"]})
    with pytest.raises(
        MixkdError, match=r"found 2 people .* expected at least 3: one to test, one to validate, one to"
    ):
        distill.run(studies.Scope(str(base), "smoke"), tmp_path / "out", print)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"no parquet", b""])
def test_no_draft_of_a_damaged_parquet_file(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(MixkdError, match=r"a\.parquet: .*, expected a Parquet file"):
        draft.draft(tmp_path)


def test_no_draft_of_a_parquet_file_without_rows(tmp_path):
    pd.DataFrame({"subject": [], "x": []}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(MixkdError, match=r"a\.parquet: found no rows, expected a recording"):
        draft.draft(tmp_path)

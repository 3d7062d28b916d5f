"""Folders as people have them: each is drafted and read with the values that were written, or refused with a way on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import recipes as of
import scipy.io
from device_files import cwa, geneactiv, gt3x

from mixkd.datasets.own import description, draft, folder, units
from mixkd.deploy import whole
from mixkd.errors import MixkdError

pytest.importorskip("actfast")


def devices(ending, write, rate, seconds=of.SECONDS):
    return lambda base: [
        of.write(base, f"p{who}_{activity}.{ending}", write(of.signal(who, activity, rate, seconds)))
        for who, activity in of.each()
    ]


def ax6(samples):
    return cwa(samples, 50 * samples)


def parquet(base):
    for who, activity in of.each():
        base.mkdir(exist_ok=True)
        of.frame(who, activity).to_parquet(base / f"p{who}_{activity}.parquet")


def mat(base):
    base.mkdir()
    for who, activity in of.each():
        table = of.frame(who, activity)
        content = {"time": table.time.to_numpy(), "acc": table[["x", "y", "z"]].to_numpy(), "fs": 50.0}
        scipy.io.savemat(base / f"p{who}_{activity}.mat", content)


def spelled(how, start=of.START):
    return lambda table, who, activity: of.csv(of.stamped(table, how, start))


def as_tables(change=lambda table, who, activity: of.csv(table), ending="csv", **options):
    return lambda base: of.tables(base, change, ending, **options)


def rates(base):
    of.tables(base, lambda table, who, activity: of.actigraph(table, 30), rate=30)
    of.write(base, "p3_walk.csv", of.actigraph(of.frame(3, "walk", 100), 100))


def by_table(label_lines, name="labels.csv", spelling=None, head="file,start,end,activity"):
    """A file for each person, both activities in it, and a table of labels; label_lines: of a person's number."""

    def make(base):
        for who in of.PEOPLE:
            values = of.in_a_row(who)
            table = of.frame(who, "sit").reindex(range(len(values)))
            table["time"] = (np.arange(len(values)) / 50).round(3)
            table[["x", "y", "z"]] = values.round(5)
            of.write(base, f"p{who}.csv", of.csv(of.stamped(table, spelling) if spelling else table))
        lines = [line for who in of.PEOPLE for line in label_lines(who)]
        of.write(base, name, "\n".join([head, *lines]) + "\n")

    return make


def seconds(who):
    return f"p{who}.csv,0,12,sit", f"p{who}.csv,15,27,walk"


def dates(who):
    return f"p{who},2025-10-20 09:30:00,2025-10-20 09:30:12,sit", f"p{who},2025-10-20 09:30:15,2025-10-20 09:30:27,walk"


def windows(table, who, activity):
    return of.csv(table.assign(note="ä")).encode("cp1252")


def zoned(who):
    at = [f"2025-10-20T07:30:{second:02}Z" for second in (0, 12, 15, 27)]
    return f"p{who},{at[0]},{at[1]},sit", f"p{who},{at[2]},{at[3]},walk"


def minutes(table, who, activity):
    return of.csv(table.assign(time=1000 * table.time + 1.76e12))


# name -> how the folder is made, changes of the drafted lines, time (s) at which the signal begins
RIGHT = {
    "plain": (as_tables(), {}, 0),
    "epoch in milliseconds": (as_tables(minutes), {}, 0),
    "ActiGraph RAW": (as_tables(lambda t, who, act: of.actigraph(t, 30), rate=30), {}, 0),
    "ActiGraph RAW without names": (as_tables(lambda t, who, act: of.actigraph(t, 30, names=False), rate=30), {}, 0),
    "ActiGraph RAW, day first": (as_tables(lambda t, who, act: of.actigraph(t, 100, "dd/MM/yyyy"), rate=100), {}, 0),
    "ActiGraph RAW at two rates": (rates, {}, 0),
    "GENEActiv CSV": (as_tables(lambda t, who, act: of.geneactiv(t)), {}, 0),
    "Empatica E4 folders": (lambda base: of.folders(base, of.e4), {}, 0),
    "Empatica E4 archives": (lambda base: of.zips(base, of.e4), {}, 0),
    "Sensor Logger folders": (lambda base: of.folders(base, of.sensor_logger), {}, 0.2),
    "Sensor Logger archives": (lambda base: of.zips(base, of.sensor_logger), {}, 0.2),
    "phyphox folders": (lambda base: of.folders(base, of.phyphox), {}, 0),
    "stamps with Z": (as_tables(spelled("%Y-%m-%dT%H:%M:%S.%LZ")), {}, 0),
    "stamps with an offset": (as_tables(spelled("%Y-%m-%dT%H:%M:%S.%L+02:00")), {}, 0),
    "day first": (as_tables(spelled("%d/%m/%Y %H:%M:%S.%L")), {}, 0),
    "times of day": (as_tables(spelled("%H:%M:%S.%L")), {}, 0),
    "over midnight": (as_tables(spelled("%H:%M:%S.%L", datetime(2025, 10, 20, 23, 59, 55))), {}, 0),
    "whole seconds": (as_tables(lambda t, who, act: of.csv(t.assign(time=np.floor(t.time)))), {}, 0),
    "UTF-16": (as_tables(lambda t, who, act: of.csv(t).encode("utf-16")), {}, 0),
    "a spreadsheet": (as_tables(lambda t, who, act: "sep=;\n" + of.csv(t, sep=";", decimal=",")), {}, 0),
    "tabs": (as_tables(lambda t, who, act: of.csv(t, sep="\t"), ending="txt"), {}, 0),
    "gzip": (as_tables(lambda t, who, act: of.gz(of.csv(t)), ending="csv.gz"), {}, 0),
    "Windows letters": (as_tables(windows), {}, 0),
    "archives of tables": (
        lambda base: [
            of.write(base, f"p{w}_{a}.zip", of.archive({"data.csv": of.csv(of.frame(w, a))})) for w, a in of.each()
        ],
        {},
        0,
    ),
    "MATLAB": (mat, {}, 0),
    "Parquet": (parquet, {}, 0),
    "Axivity AX3": (devices("cwa", cwa, 100), {}, 0),
    "Axivity AX6": (devices("cwa", ax6, 100), {}, 0),
    "GENEActiv": (devices("bin", geneactiv, 50), {}, 0),
    "ActiGraph": (devices("gt3x", gt3x, 30), {}, 0),
    "25 for 50": (as_tables(rate=25), {"rate": "50.0"}, 0),
    "75 for 50": (as_tables(rate=75), {"rate": "50.0"}, 0),
    "100 for 30": (as_tables(rate=100), {"rate": "30.0"}, 0),
    "a table of labels": (by_table(seconds), {}, 0),
    "a table of labels by person": (
        by_table(dates, spelling="%Y-%m-%d %H:%M:%S.%L", head="participant,start,end,activity"),
        {},
        0,
    ),
    "labels in UTC, a clock in a zone": (
        by_table(zoned, spelling="%Y-%m-%d %H:%M:%S.%L", head="participant,start,end,activity"),
        {"zone": '"Europe/Berlin"'},
        0,
    ),
    "the end of daylight saving time": (
        lambda base: of.tables(base, at_the_change),
        {"zone": '"Europe/Berlin"'},
        0,
    ),
}


def at_the_change(table, who, activity):
    """A clock that shows 02:59:54 to 03:00:00 and goes on at 02:00:00."""
    first, second = table[table.time < 6], table[table.time >= 6]
    parts = [
        of.stamped(first, "%Y-%m-%d %H:%M:%S.%L", datetime(2025, 10, 26, 2, 59, 54)),
        of.stamped(second, "%Y-%m-%d %H:%M:%S.%L", datetime(2025, 10, 26, 1, 59, 54)),
    ]
    return of.csv(parts[0]) + of.csv(parts[1], header=False)


def changed(base: Path, lines: dict[str, str]) -> description.Description:
    """The drafted description with other lines."""
    path = base / "dataset.toml"
    head, mark, rest = path.read_text().partition("[channels]")
    kept = [line for line in head.splitlines() if line.partition(" = ")[0] not in lines]
    path.write_text("\n".join([*kept, *(f"{name} = {value}" for name, value in lines.items())]) + f"\n{mark}{rest}")
    return description.describe(base)


def in_g(about, signal):
    """The accelerometer's axes x, y, z, in g."""
    own = [name for name in about.channels if "gyro" not in name.lower()]
    axes = sorted(own[:3], key=lambda name: name.lower().split(" (")[0][-1])
    at = [list(about.channels).index(name) for name in axes]
    return signal[:, at] / units.GRAVITY[about.channels[axes[0]]]


@pytest.mark.parametrize(("make", "lines", "begins"), RIGHT.values(), ids=RIGHT)
def test_what_people_have_is_read_right(tmp_path, make, lines, begins):
    base = tmp_path / "study"
    make(base)
    draft.draft(base)
    about = changed(base, lines)
    found = folder.inspect(base)
    assert found.problems == []
    assert found.people in (["1", "2", "3"], ["p1", "p2", "p3"])
    assert found.classes == ["sit", "walk"]
    assert len(found.quality) == len({part.path for part in found.parts})
    for part in found.parts:
        assert of.SECONDS - 1.3 < len(part.signal) / about.rate <= of.SECONDS + 0.1, "all of it"
        who = int(part.subject[-1])
        truth = of.signal(who, part.label, 1000, of.SECONDS + 1, begins)
        truth = truth[np.round(np.arange(len(part.signal)) * 1000 / about.rate).astype(int)]
        inner = slice(round(about.rate / 2), -round(about.rate / 2))  # filters begin and end at the edges
        error = (in_g(about, part.signal) - truth)[inner]
        assert np.sqrt((error**2).mean()) < 0.035, "noise of 0.01 g on both, and the resolution of the device"
    _predicted(found, about)


def _predicted(found, about):
    """`predict` reads a file as training does, with what student.json says of it."""
    if about.labels:
        return
    reading = {field: getattr(about, field) for field in description.READING}
    student = {"channels": [*about.channels], "rate": about.rate, "window": 20, "reading": reading}
    student["units"] = [*about.channels.values()]
    part = found.parts[0]
    recording = whole.read(part.path, student)
    [(_, signal)] = recording.segments
    assert np.array_equal(signal, part.signal)
    assert recording.quality.start == found.quality[0].start


def test_sensors_are_joined_at_one_time(tmp_path):
    """Both sensors measure the same motion, 0.013 and 0.2 s after a common zero, at 50 and 100 Hz."""
    of.folders(tmp_path / "a", of.sensor_logger)
    draft.draft(tmp_path / "a")
    about = description.describe(tmp_path / "a")
    names = [f"{sensor} {axis}" for sensor in ("Accelerometer", "Gyroscope") for axis in "zyx"]
    assert about.channels == dict(zip(names, ["m/s²"] * 3 + ["rad/s"] * 3, strict=True))
    part = next(part for part in folder.inspect(tmp_path / "a").parts if part.label == "walk")
    both = part.signal[10:-10, :3] / 9.80665 - part.signal[10:-10, 3:]
    assert np.sqrt((both**2).mean()) < 0.02


def overlapping(who):
    return *seconds(who), f"p{who}.csv,3,5,walk"


def late(who):
    return *seconds(who), f"p{who}.csv,900,905,walk"


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


REFUSED = {  # how the folder is made, changes of the drafted lines, what `init` or `check` says
    "ActiGraph counts": (
        as_tables(lambda t, who, act: of.actigraph(t, 30, epoch="00:00:15")),
        {},
        "found counts per epoch of 00:00:15, expected raw samples: export RAW data",
    ),
    "10 for 50": (as_tables(rate=10), {"rate": "50.0"}, "found 10 samples per second, expected 50, or from half"),
    "half a gzip archive": (
        as_tables(lambda t, w, a: cut(of.gz(of.csv(t))), "csv.gz"),
        {},
        "expected a gzip archive, whole",
    ),
    "half a zip archive": (
        lambda base: [of.write(base, f"p{w}_{a}.zip", cut(of.archive(of.e4(w, a)))) for w, a in of.each()],
        {},
        "expected a zip archive",
    ),
    "half a MATLAB file": (
        lambda base: (mat(base), [p.write_bytes(cut(p.read_bytes())) for p in base.glob("*.mat")]),
        {},
        "expected a MATLAB file, whole",
    ),
    "MATLAB 7.3": (devices("mat", lambda s: b"MATLAB 7.3 MAT-file", 50), {}, 'save(…, "-v7")'),
    "a device's file called .csv": (
        devices("csv", cwa, 100),
        {},
        "found an Axivity file, expected a text table, or the",
    ),
    "sensors of two days": (
        lambda base: (
            of.folders(base, of.sensor_logger),
            [p.write_text(p.read_text().replace("\n1760", "\n1770")) for p in base.rglob("Gyroscope.csv")],
        ),
        {},
        "expected sensors that share a time",
    ),
    "a sensor that lacks": (
        lambda base: of.folders(base, of.sensor_logger),
        {"sensors": '["Accelerometer.csv", "Magnetometer.csv"]'},
        "Magnetometer",
    ),
    "two labels at a time": (by_table(overlapping), {}, "line 4: found walk where another line says sit"),
    "a label of no row": (by_table(late), {}, "line 4: found walk of the file 'p1.csv', in which no row lies"),
    "labels of nobody": (by_table(lambda who: [line.replace("p", "q", 1) for line in seconds(who)]), {}, "'q1.csv'"),
    "labels that end first": (by_table(lambda who: [f"p{who}.csv,9,3,sit"]), {}, "line 2: found an end not after its"),
    "labels in words": (by_table(lambda who: [f"p{who}.csv,0,later,sit"]), {}, "line 2: found 'later' in end"),
    "labels with dates, a clock without": (by_table(dates, head="participant,start,end,activity"), {}, "has none"),
    "labels in UTC, a clock without a zone": (
        by_table(zoned, spelling="%Y-%m-%d %H:%M:%S.%L", head="participant,start,end,activity"),
        {},
        'state the zone, as in zone = "Europe/Berlin"',
    ),
    "the end of daylight saving time": (lambda base: of.tables(base, at_the_change), {}, 'zone = "Europe/Berlin"'),
    "a zone that the clock does not follow": (
        as_tables(spelled("%Y-%m-%d %H:%M:%S.%L", datetime(2025, 3, 30, 1, 59, 55))),
        {"zone": '"Europe/Berlin"'},
        'clocks in Europe/Berlin left out, expected a clock that follows them; for one that did not: zone = "+01:00"',
    ),
    "an hour that came twice": (
        as_tables(spelled("%Y-%m-%d %H:%M:%S.%L", datetime(2025, 10, 26, 2, 10))),
        {"zone": '"Europe/Berlin"'},
        'which clocks in Europe/Berlin show twice, expected other times, or an offset that says which: zone = "+02:00"',
    ),
    "no such zone": (
        as_tables(spelled("%H:%M:%S.%L")),
        {"zone": '"Mars/Olympus"'},
        "Description.zone: found 'Mars/Olympus'",
    ),
    "empty files": (as_tables(lambda t, who, act: ""), {}, "found an empty file"),
    "no rows": (as_tables(lambda t, who, act: of.csv(t[:0])), {}, "found columns time, x, y, z, expected some with"),
    "no recordings": (
        lambda base: of.write(base, "notes.doc", "nothing"),
        {},
        "found no CSV or Parquet file and none of",
    ),
}


@pytest.mark.parametrize(("make", "lines", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_in_a_line_with_the_way_on(tmp_path, make, lines, message):
    base = tmp_path / "study"
    make(base)
    try:
        draft.draft(base)
        changed(base, lines)
        problems = folder.inspect(base).problems
    except MixkdError as error:
        problems = [str(error)]
    assert problems
    assert message in problems[0]
    assert all(line.isprintable() and len(line) < 500 for line in problems)

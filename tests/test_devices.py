"""Files of devices: values and times as they were written, and as other libraries read public files."""

from __future__ import annotations

import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from device_files import START, cwa, geneactiv, gt3x, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared import SHARED

from mixkd.datasets.own import description, devices, draft, folder
from mixkd.datasets.own import gt3x as gt3x_reader
from mixkd.deploy import predict
from mixkd.errors import MixkdError

actfast = pytest.importorskip("actfast")


def motion(n, rate, seed=0, size=0.5):
    """Gravity along z and a swing of 1.5 Hz: (n, 3) in g."""
    t, noise = np.arange(n) / rate, np.random.default_rng(seed).normal(0, 0.02, (n, 3))
    return np.c_[size * np.sin(3 * np.pi * t + seed), 0.2 * np.cos(3 * np.pi * t), np.ones(n)] + noise


def swing(n, rate):
    return 80 * np.c_[np.sin(np.arange(n) / rate), np.cos(np.arange(n) / rate), np.zeros(n)]


def put(base: Path, name: str, content: bytes) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    (base / name).write_bytes(content)
    return base / name


def axes(columns, names="xyz"):
    return np.stack([columns[name] for name in names], axis=1)


FORMATS = {  # name, bytes of samples (n, 3), rate, step of the values in g
    "AX3": ("a.cwa", cwa, 100, 1 / 256),
    "GENEActiv": ("a.bin", geneactiv, 50, 1 / 240),
    "16 bit": ("a.gt3x", gt3x, 30, 1 / 256),
    "12 bit": ("a.gt3x", lambda x: gt3x(x, kind=0), 30, 1 / 256),
    "without a log": ("a.gt3x", lambda x: gt3x(x, kind=None, scale=341), 30, 1 / 341),
}


@pytest.mark.parametrize(("name", "write", "rate", "step"), FORMATS.values(), ids=FORMATS)
def test_values_and_times_are_those_written(tmp_path, name, write, rate, step):
    n = 1200
    columns, counts = devices.columns(put(tmp_path, name, write(motion(n, rate))))
    assert not counts
    assert np.abs(axes(columns) - motion(n, rate)).max() <= 0.51 * step
    seconds = (columns["time"] - np.datetime64(START)) / np.timedelta64(1, "s")
    assert np.abs(seconds - np.arange(n) / rate).max() < 1e-4


def test_a_gyroscope_comes_in_degrees_per_second(tmp_path):
    columns, _ = devices.columns(put(tmp_path, "a.cwa", cwa(motion(800, 100), swing(800, 100))))
    assert np.abs(axes(columns) - motion(800, 100)).max() < 1 / 2048
    assert np.abs(axes(columns, ["gyro x", "gyro y", "gyro z"]) - swing(800, 100)).max() < 0.02


@pytest.mark.parametrize("real", [97.5, 99.0, 101.5])
def test_samples_are_even_in_time_at_the_rate_that_the_clock_shows(tmp_path, real):
    """A device counts its blocks at another rate than it states: without spreading, time would jump at each block."""
    columns, _ = devices.columns(put(tmp_path, "a.cwa", cwa(motion(8000, 100), real=real)))
    steps = np.diff(columns["time"]) / np.timedelta64(1, "us")
    assert (steps > 0).all()
    assert np.median(steps) == pytest.approx(1e6 / real, rel=0.02)
    assert (columns["time"][-1] - columns["time"][0]) / np.timedelta64(1, "s") == pytest.approx(7999 / real, abs=0.05)


@pytest.mark.parametrize("real", [49.5, 50.5])
@pytest.mark.parametrize("n_pages", [2, 10, 40])
def test_samples_are_even_in_time_where_the_last_page_is_short(tmp_path, real, n_pages):
    """However many pages there are: a size computed from their number and that of all samples would be too small."""
    content = geneactiv(motion(300 * n_pages, 50), real=real)[:-1500]
    columns, counts = devices.columns(put(tmp_path, "a.bin", content))
    assert list(counts.values()) == [1]
    assert 300 * (n_pages - 1) < len(columns["time"]) < 300 * n_pages
    steps = np.diff(columns["time"][: 300 * (n_pages - 1) + 1]) / np.timedelta64(1, "us")
    np.testing.assert_allclose(steps, 1e6 / real, atol=5)


def test_twelve_bits_are_what_actfast_reads(tmp_path):
    path = put(tmp_path, "a.gt3x", gt3x(motion(900, 30), kind=0))
    theirs = actfast.read(str(path))["timeseries"]["acceleration"]
    columns, _ = devices.columns(path)
    scale = 256**2  # actfast 1.3 multiplies by the scale that info.txt states; ActiGraph (and pygt3x) divide by it
    assert np.abs(axes(columns) - theirs["acceleration"] / scale).max() < 1e-6
    apart = columns["time"] - theirs["datetime"].astype("datetime64[ns]").astype("datetime64[us]")
    assert np.abs(apart / np.timedelta64(1, "us")).max() <= 1


def test_a_device_that_slept_has_gaps_and_no_invented_samples(tmp_path):
    path = put(tmp_path, "a.gt3x", gt3x(motion(900, 30), awake=lambda second: not 10 <= second < 22))
    columns, _ = devices.columns(path)
    assert len(columns["x"]) == 900 - 12 * 30
    assert np.diff(columns["time"]).max() / np.timedelta64(1, "s") == pytest.approx(12 + 1 / 30, abs=1e-3)


def test_what_is_corrupt_or_truncated_is_counted(tmp_path):
    whole = cwa(motion(8000, 100))
    broken = bytearray(whole)
    broken[1024 + 512 * 3 + 100] ^= 1
    columns, counts = devices.columns(put(tmp_path, "a.cwa", bytes(broken)))
    assert len(columns["x"]) == 8000 - 80
    assert [n for what, n in counts.items() if "corrupt" in what] == [1]
    assert np.diff(columns["time"]).max() / np.timedelta64(1, "ms") == pytest.approx(810, abs=1)
    columns, counts = devices.columns(put(tmp_path, "b.cwa", whole[:-100]))
    assert (len(columns["x"]), counts) == (8000 - 80, {"last blocks that are truncated, left out": 1})
    columns, counts = devices.columns(put(tmp_path, "c.bin", geneactiv(motion(900, 50), pages=5)[:-1000]))
    assert 600 < len(columns["x"]) < 900
    assert [*counts.values()] == [1, 2]
    log = gt3x(motion(900, 30))
    assert len(devices.columns(put(tmp_path, "d.gt3x", log))[0]["x"]) == 900


def test_a_corrupt_record_of_a_log_is_left_out_and_counted(tmp_path):
    log = b"".join(record(26, second, np.full((30, 3), second, "<i2").tobytes()) for second in range(1, 6))
    broken = bytearray(log)
    broken[len(log) // 2] ^= 0x41
    with zipfile.ZipFile(tmp_path / "a.gt3x", "w") as archive:
        archive.writestr("info.txt", "Sample Rate: 30\nAcceleration Scale: 1.0\n")
        archive.writestr("log.bin", bytes(broken))
    columns, counts = devices.columns(tmp_path / "a.gt3x")
    assert sorted({int(v) for v in columns["x"]}) == [1, 2, 4, 5]
    assert len(columns["time"]) == 120
    assert sum(counts.values()) == 1


@pytest.mark.parametrize(("name", "write", "rate", "step"), FORMATS.values(), ids=FORMATS)
def test_a_file_in_blocks_is_the_file_as_a_whole(tmp_path, monkeypatch, name, write, rate, step):
    """With blocks of a few seconds, a block that is corrupt and a clock that is a little slow."""
    content = bytearray(cwa(motion(12_000, rate), real=99.0) if write is cwa else write(motion(12_000, rate)))
    if write is cwa:
        content[1024 + 512 * 8 + 100] ^= 1
    path = put(tmp_path, name, bytes(content))
    expected, counts = devices.columns(path)
    for module, size in ((devices, 512 * 9), (gt3x_reader, 20_000)):
        monkeypatch.setattr(module, "BLOCK", size)
    monkeypatch.setattr(gt3x_reader, "MOST", 300)
    parts = list(devices.blocks(path))
    assert len(parts) > 1
    assert parts[-1][1] == counts
    for column, values in expected.items():
        np.testing.assert_array_equal(np.concatenate([part[column] for part, _ in parts]), values)


REFUSED = {
    "empty": ("a.cwa", b"", "found an empty file, expected a recording"),
    "a header alone": ("a.cwa", cwa(motion(80, 100))[:1024], "found a header and no samples"),
    "half a header": ("a.cwa", cwa(motion(80, 100))[:600], "found no file of a known device"),
    "another ending": ("a.bin", b"time,x,y,z\n1,2,3,4\n", "found no file of a known device"),
    "two devices": (
        "a.cwa",
        cwa(motion(800, 100)) + cwa(motion(800, 100)),
        "a second header in block 10, expected one",
    ),
    "two sessions": (
        "a.cwa",
        cwa(motion(800, 100)) + cwa(motion(800, 100), start=START + timedelta(hours=1), session=8)[1024:],
        "found blocks of 2 sessions",
    ),
    "a clock that goes back": (
        "a.cwa",
        cwa(motion(800, 100)) + cwa(motion(800, 100), start=START - timedelta(hours=1))[1024:],
        "found a clock that goes back to 2025-10-20T08:30",
    ),
    "two recordings": (
        "a.bin",
        geneactiv(motion(600, 50)) * 2,
        "found 2 headers, expected one recording of one device",
    ),
    "no pages": ("a.bin", geneactiv(motion(10, 50)), "found no samples"),
    "no archive": ("a.gt3x", b"PK\x03\x04 and no more", "expected an ActiGraph archive, whole"),
    "half an archive": ("a.gt3x", gt3x(motion(900, 30))[:900], "expected an ActiGraph archive, whole"),
    "an empty log": ("a.gt3x", gt3x(motion(10, 30)), "found no samples of acceleration"),
    "no file": ("a.gt3x", None, "expected an ActiGraph archive, whole"),
    "an ActiGraph file": (
        "a.bin",
        gt3x(motion(900, 30)),
        "found an ActiGraph file, expected the ending .gt3x: rename it",
    ),
}


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_recording_is_refused_in_a_line(tmp_path, name, content, message):
    path = tmp_path / name if content is None else put(tmp_path, name, content)
    with pytest.raises(MixkdError) as refused:
        devices.columns(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


WHOLE = {"cwa": cwa(motion(800, 100)), "bin": geneactiv(motion(600, 50)), "gt3x": gt3x(motion(300, 30))}
CHANGES = {
    "cut": lambda content, at, junk: content[:at],
    "overwritten": lambda content, at, junk: content[:at] + junk + content[at + len(junk) :],
    "inserted": lambda content, at, junk: content[:at] + junk + content[at:],
    "taken out": lambda content, at, junk: content[:at] + content[at + len(junk) :],
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(WHOLE)),
    change=st.sampled_from(sorted(CHANGES)),
    place=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=700),
)
def test_a_damaged_file_is_a_line_or_increasing_times_and_finite_values(tmp_path, kind, change, place, junk):
    content = WHOLE[kind]
    path = put(tmp_path, f"a.{kind}", CHANGES[change](content, round(place * len(content)), junk))
    try:
        columns, _ = devices.columns(path)
    except MixkdError as error:
        line = str(error)
    else:
        assert (np.diff(columns["time"]) > np.timedelta64(0)).all()
        assert np.isfinite(axes(columns)).all()
        assert 0 < len(columns["time"]) <= 800
        return
    assert line.startswith(f"{path}: ")


def test_without_actfast_the_way_on_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "actfast", None)
    with pytest.raises(MixkdError, match=r"pip install 'mixkd\[devices\]'"):
        devices.columns(put(tmp_path, "a.cwa", cwa(motion(800, 100))))
    assert len(devices.columns(put(tmp_path, "a.gt3x", gt3x(motion(900, 30))))[0]["x"]) == 900


@pytest.mark.parametrize(("name", "write", "rate", "step"), list(FORMATS.values())[:3], ids=list(FORMATS)[:3])
def test_a_folder_of_devices_is_drafted_checked_and_predicted(tmp_path, name, write, rate, step):
    base, ending = tmp_path / "study", name.partition(".")[2]
    for who in range(3):
        for k, activity in enumerate(("sit", "walk")):
            samples = motion(40 * rate, rate, seed=10 * who + k, size=0.1 + k)
            put(base, f"p{who}_{activity}.{ending}", write(samples))
    draft.draft(base)
    about = description.describe(base)
    assert (about.time, about.time_unit, about.rate) == ("time", "date", rate)
    assert about.names == f"{{subject}}_{{label}}.{ending}"
    assert about.channels == {"x": "g", "y": "g", "z": "g"}
    found = folder.inspect(base)
    assert (found.problems, found.people, found.classes) == ([], ["p0", "p1", "p2"], ["sit", "walk"])
    reading = {field: getattr(about, field) for field in description.READING}
    student = {"channels": [*about.channels], "units": ["g"] * 3, "rate": rate, "window": 2 * rate, "reading": reading}
    [(_, signal)] = predict.read_recording(base / f"p0_walk.{ending}", student)
    assert np.array_equal(signal, next(part.signal for part in found.stretches if part[:2] == ("p0", "walk")))


# -- public files, where they are at hand

PUBLIC = SHARED / "devices"
needs_public = pytest.mark.skipif(
    not PUBLIC.is_dir(),
    reason="sample files of wadpac/GGIRread, pfizer-opensource/scikit-digital-health, actigraph/pygt3x are not at hand",
)


@needs_public
@pytest.mark.parametrize(
    ("name", "answer", "within"),
    [
        ("ax3_sample.cwa", "ax3_data.npz", 0),
        ("ax6_sample.cwa", "ax6_data.npz", 1e-6),
        ("gnactv_sample.bin", "gnactv_data.npz", 1e-4),
    ],
)
def test_public_files_are_as_skdh_reads_them(name, answer, within):
    theirs, (columns, _) = np.load(PUBLIC / answer), devices.columns(PUBLIC / name)
    assert np.abs(axes(columns) - theirs["accel"]).max() <= within
    assert np.abs(columns["time"].astype(np.int64) / 1e6 - theirs["time"]).max() < 0.02
    if "gyro" in theirs:
        assert np.abs(axes(columns, ["gyro x", "gyro y", "gyro z"]) - theirs["gyro"]).max() < 1e-3


@needs_public
def test_an_old_actigraph_file_is_as_actilife_exports_it():
    theirs = np.loadtxt(PUBLIC / "neo.csv", delimiter=",", skiprows=11)
    columns, _ = devices.columns(PUBLIC / "neo.gt3x")
    assert np.abs(axes(columns) - theirs).max() <= 5.1e-4  # it writes three decimals
    assert columns["time"][0] == np.datetime64("2021-12-20T11:55:00")


@needs_public
def test_corrupt_blocks_of_a_public_file_are_counted():
    name = "ax3_testfile_corrupt_blocks_0_13_14_142_143_144.cwa"
    columns, counts = devices.columns(PUBLIC / name)
    assert (len(columns["x"]), [*counts.values()]) == (16_680, [6])

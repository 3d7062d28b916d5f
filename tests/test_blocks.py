"""A recording in blocks is the recording as a whole, read at once by other functions."""

from __future__ import annotations

import csv
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import device_files
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixkd.datasets.own import clock, description, gt3x, quality, spreadsheets, streamed
from mixkd.datasets.own import tables as formats
from mixkd.datasets.raw import timing
from mixkd.deploy import blocks, cutting, predict
from mixkd.deploy import whole as whole_file
from mixkd.errors import MixkdError

ABOUT = {"channels": ["x", "y"], "units": ["g", "g"], "rate": 50.0, "window": 100, "reading": description.UNSTATED}


class Counts(dict):
    """Adds up what is counted."""

    def __call__(self, what: str, n: int) -> None:
        if n:
            self[what] = self.get(what, 0) + int(n)


def whole(path: Path, counts: Counts) -> list[tuple[float, np.ndarray]]:
    """All rows at once."""
    way = ABOUT["reading"]
    columns = {**dict.fromkeys(ABOUT["channels"], "number"), "time": "time"}
    rows = formats.read(path, columns, spreadsheets.Spelling.of(way)).rows
    time = clock.seconds(rows, "time", "s", rate=50.0, window=100, count=counts)
    factor = timing.factor(str(path), time, 50.0, 100)
    return list(timing.whole(time, rows.values, 50.0, factor=factor, gap=way["gap"], count=counts))


def in_blocks(path: Path, counts: Counts) -> list[tuple[float, np.ndarray]]:
    result: list[tuple[float, list[np.ndarray]]] = []
    for piece in blocks.pieces(blocks.Source(path, ABOUT, counts)):
        if not piece.continues:
            result.append((piece.first, []))
        result[-1][1].append(piece.signal)
    return [(first, np.concatenate(signals)) for first, signals in result]


def table(n: int, factor: float, clock_is: str, seed: int) -> pd.DataFrame:
    """Rows at `factor` times 50 Hz with gaps in time and holes in the values."""
    rng, raw = np.random.default_rng(seed), 50.0 * float(factor)
    time = np.arange(n) / raw
    if clock_is == "jitters":
        time += rng.uniform(-0.3, 0.3, n) / raw
    if clock_is == "drifts":
        time *= rng.uniform(0.97, 1.03)
    for _ in range(rng.integers(0, 4)):
        time[rng.integers(1, n) :] += rng.choice([0.03, 0.08, 0.2, 5.0, 60.0])
    x = np.stack([np.sin(2 * np.pi * 1.7 * time), rng.normal(size=n).cumsum() / 30], 1)
    for _ in range(rng.integers(0, 5)):
        at = rng.integers(0, n)
        x[at : at + rng.choice([1, 2, 5, 30, 400]), rng.integers(2)] = np.nan
    return pd.DataFrame({"time": time, "x": x[:, 0], "y": x[:, 1]})


@settings(max_examples=40)
@given(
    st.integers(300, 4000),
    st.sampled_from([1, 2, 3, Fraction(3, 2), Fraction(1, 2), Fraction(3, 5), Fraction(5, 4)]),
    st.sampled_from(["is even", "jitters", "drifts"]),
    st.integers(0, 99),
    st.sampled_from([10_000, 30_000, 10**6]),
)
def test_blocks_give_what_the_whole_gives(tmp_path_factory, n, factor, clock_is, seed, size):
    path = tmp_path_factory.mktemp("blocks") / "a.csv"
    table(n, factor, clock_is, seed).to_csv(path, index=False)
    expected_counts, counts = Counts(), Counts()
    expected = whole(path, expected_counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "BLOCK", size)
        found = in_blocks(path, counts)
    assert counts == expected_counts
    assert [(round(first, 6), len(signal)) for first, signal in found] == [(round(f, 6), len(s)) for f, s in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_repeated_times_are_spread_in_blocks_too(tmp_path, monkeypatch):
    """Seconds of a clock that counts whole seconds, to a fraction of a sample; each repeat is counted once."""
    n = 20_000
    time = np.floor(np.arange(n) / 50)
    pd.DataFrame({"time": time, "x": np.sin(np.arange(n) / 40), "y": 0.0}).to_csv(tmp_path / "a.csv", index=False)
    monkeypatch.setattr(streamed, "BLOCK", 100_000)
    counts = Counts()
    [(first, signal)] = in_blocks(tmp_path / "a.csv", counts)
    assert (first, len(signal)) == (0, n)
    np.testing.assert_allclose(signal[:, 0], np.sin(np.arange(n) / 40), atol=0.01)
    assert counts == {"rows with a time in whole seconds, spread evenly within each": n - n // 50}


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.integers(2, 31))
def test_windows_of_blocks_are_those_of_the_stretch(lengths, window):
    """However the stretch arrives: half a window apart, the last one ends with it."""
    signal = np.random.default_rng(0).normal(size=(sum(lengths), 2)).astype(np.float32)
    cutter, found = cutting.Cutter(5.0, 10.0, window, 3, signal[:0]), []
    for part in np.split(signal, np.cumsum(lengths)[:-1]):
        found += cutter.take(part)
    found += cutter.close()
    assert {each.stretch for each in found} <= {3}
    if len(signal) < window:
        assert not found
        return
    starts, x = (np.concatenate(each) for each in zip(*predict.batches(signal, window), strict=True))
    np.testing.assert_allclose(np.concatenate([each.start for each in found]), 5 + starts / 10)
    np.testing.assert_array_equal(np.concatenate([each.x for each in found]), x)


def dated(path: Path, stamps: list[str]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["time", "x", "y"], *([stamp, i, 0] for i, stamp in enumerate(stamps))])
    return path


@pytest.mark.parametrize(("days", "kind"), [((11, 12, 13), "day/month"), ((3, 4), None)])
def test_the_order_of_day_and_month_is_one_in_all_blocks(tmp_path, monkeypatch, days, kind):
    """Known from any block; refused where none tells, as for the whole file."""
    words = [f"{day:02d}/03/2025 00:00:{i // 50:02d}.{i % 50 * 2:02d}" for day in days for i in range(600)]
    path = dated(tmp_path / "a.csv", words)
    monkeypatch.setattr(streamed, "BLOCK", 6000)
    tables = streamed.blocks(path, {"time": "date", "x": "number"}, spreadsheets.Spelling())
    if kind is None:
        with pytest.raises(MixkdError, match="day or month may be first"):
            list(tables)
        return
    read = list(tables)
    assert len(read) > 3
    times = np.concatenate([each.rows.columns["time"] for each in read])
    expected = pd.to_datetime(pd.Series(words), format="%d/%m/%Y %H:%M:%S.%f")
    np.testing.assert_array_equal(times, expected.astype("datetime64[us]").astype(np.int64))


def test_a_fault_in_a_later_block_names_its_line(tmp_path, monkeypatch):
    lines = ["time,x,y", *(f"{i / 50},1,2" for i in range(2000))]
    lines[1700] = "33.98,1,up"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(streamed, "BLOCK", 5000)
    with pytest.raises(MixkdError, match=r"a\.csv, line 1701: found 'up' in y, expected a number"):
        in_blocks(tmp_path / "a.csv", Counts())
    lines[1700] = "1.0,1,2"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(MixkdError, match=r"a\.csv, line 1701: found time 1\.0 after 33\.96"):
        in_blocks(tmp_path / "a.csv", Counts())


def test_a_rate_that_changes_in_a_later_block_is_refused(tmp_path, monkeypatch):
    time = np.r_[np.arange(2000) / 50, 40 + np.arange(3000) / 100]
    pd.DataFrame({"time": time, "x": 0.0, "y": 0.0}).to_csv(tmp_path / "a.csv", index=False)
    monkeypatch.setattr(streamed, "BLOCK", 8000)
    with pytest.raises(MixkdError, match=r"a\.csv: found .* samples per second and .*, expected one rate"):
        in_blocks(tmp_path / "a.csv", Counts())


def test_parquet_comes_in_blocks_too(tmp_path, monkeypatch):
    made = table(3000, 2, "jitters", 1)
    made.to_csv(tmp_path / "a.csv", index=False)
    made.to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr(streamed, "ROWS", 700)
    found, expected = in_blocks(tmp_path / "a.parquet", Counts()), whole(tmp_path / "a.csv", Counts())
    assert len(found) == len(expected)
    for (first, one), (start, other) in zip(found, expected, strict=True):
        assert first == pytest.approx(start)
        np.testing.assert_allclose(one, other, atol=1e-5)


def about_device(rate: float, **reading) -> dict:
    way = description.UNSTATED | {"time_unit": "date", "gap": 0.1} | reading
    channels = {"channels": ["x", "y", "z"], "units": ["g"] * 3}
    return {**channels, "rate": rate, "window": 100, "reading": way}


@pytest.mark.parametrize(
    ("rate", "reading"),
    [(50, {}), (100, {}), (75, {"calibrate": True}), (25, {"zone": "Europe/Berlin"})],
)
def test_a_device_in_blocks_has_the_windows_and_the_quality_of_the_whole(tmp_path, monkeypatch, rate, reading):
    rng, n = np.random.default_rng(0), rate * 900
    turn = rng.normal(size=(90, 3))
    signal = np.repeat(turn / np.linalg.norm(turn, axis=1, keepdims=True), n // 90, axis=0) * 1.03
    signal[n // 2 :] += rng.normal(0, 0.5, (n - n // 2, 3))
    signal[n // 2 : n // 2 + 40, 0] = 8.0
    content = device_files.gt3x(signal, rate=rate, awake=lambda second: not 200 <= second < 230)
    (tmp_path / "a.gt3x").write_bytes(content)
    about, counts = about_device(50.0, **reading), Counts()
    expected = whole_file.read(tmp_path / "a.gt3x", about, counts)
    monkeypatch.setattr(gt3x, "BLOCK", 50_000)
    monkeypatch.setattr(gt3x, "MOST", 1000)
    monkeypatch.setattr(blocks, "DEVICE", 1)
    assert blocks.possible(tmp_path / "a.gt3x", about)
    again = Counts()
    source = blocks.Source(tmp_path / "a.gt3x", about, again)
    found = list(blocks.windows(source))
    x = np.concatenate([part.x for part in predict.cut(expected.segments, about)])
    np.testing.assert_allclose(np.concatenate([part.x for part in found]), x, atol=1e-5)
    assert again == counts
    assert source.start == expected.start
    assert (source.quality.gaps, source.quality.clipped > 0, source.quality.error_before > 0.02) == (1, True, True)
    assert quality.words(source.quality) == quality.words(expected.quality)


def test_a_clock_that_is_changed_is_read_at_once(tmp_path, monkeypatch):
    """As what time it is follows from all rows; where the zone changes later, blocks will do."""
    monkeypatch.setattr(blocks, "DEVICE", 1)
    monkeypatch.setattr(gt3x, "BLOCK", 5_000)
    monkeypatch.setattr(gt3x, "MOST", 1000)
    about = about_device(50.0, zone="Europe/Berlin")
    for day, changes in ((26, True), (20, False)):
        content = device_files.gt3x(np.ones((50 * 60, 3)), rate=50, start=datetime(2025, 10, day, 0, 30))
        (tmp_path / "a.gt3x").write_bytes(content)
        assert blocks.possible(tmp_path / "a.gt3x", about) != changes

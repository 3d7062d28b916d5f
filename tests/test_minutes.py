"""Minutes by hour and day: equal to counting them one by one, on days of every length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mixkd.deploy import minutes, sequence, wall_clock
from mixkd.deploy.hidden_markov import Chain, posteriors
from mixkd.deploy.labels import Labels, joined
from mixkd.deploy.minutes import Minutes
from mixkd.deploy.wall_clock import WallClock
from mixkd.errors import MixkdError

CLASSES = ("sit", "walk")
BERLIN = ZoneInfo("Europe/Berlin")
AUTUMN, SPRING, PLAIN = "2025-10-25", "2025-03-29", "2025-06-01"  # the next day has 25, 23, 24 hours


def at(text: str, zone: ZoneInfo) -> int:
    """µs since 1970 of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1e6)


def made(start: np.ndarray, worn: np.ndarray | None = None) -> Labels:
    return Labels(start, np.zeros(len(start), int), np.zeros((len(start), 2)), worn=worn)


def minutes_of(n: int, wall: WallClock, seed: int, holes: int) -> tuple[Minutes, list[tuple[datetime, int]]]:
    """Windows of two minutes, a minute apart, with holes; and (local time, column) of each minute they stand for."""
    rng = np.random.default_rng(seed)
    there = np.ones(n, bool)
    for _ in range(holes):
        there[rng.integers(1, n + 1) :][: rng.integers(1, 200)] = False
    start = np.flatnonzero(there)
    codes, worn = rng.integers(-1, 2, len(start)), rng.random(len(start)) > 0.2
    result = Minutes(2, wall, 120.0)
    for rows in np.array_split(np.arange(len(start)), 3):
        if len(rows):
            result.add(made(60.0 * start[rows], worn[rows]), codes[rows])
    result.close()
    columns = np.where(worn, np.where(codes < 0, 2, codes), 3)
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall.first or 0)
    single = []
    for i, (minute, column) in enumerate(zip(start.tolist(), columns.tolist(), strict=True)):
        until = start[i + 1] if i + 1 < len(start) else minute + 2
        for each in range(minute, min(int(until), minute + 2)):
            single.append(((first + timedelta(minutes=each)).astimezone(wall.zone), column))
    return result, single


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 4000),
    st.sampled_from([AUTUMN, SPRING, PLAIN]),
    st.integers(0, 23),
    st.integers(0, 9),
    st.integers(0, 3),
)
def test_minutes_equal_those_counted_one_by_one(n, day, hour, seed, holes):
    wall = WallClock(at(f"{day} {hour:02d}:07", BERLIN), BERLIN)
    found, single = minutes_of(n, wall, seed, holes)
    expected: dict[tuple[str, str], list[int]] = {}
    for when, column in single:
        key = (f"{when:%Y-%m-%d}", f"{when:%H}:00{when:%z}"[:8] + ":00")
        expected.setdefault(key, [0] * 4)[column] += 1
    rows = {
        (r["day"], r["hour"]): [r[name] for name in (*CLASSES, *minutes.REST)] for r in minutes.hours(found, CLASSES)
    }
    assert {key: row for key, row in rows.items() if any(row)} == expected
    for row in minutes.days(found, CLASSES):
        own = [row_of for (name, _), row_of in expected.items() if name == row["day"]]
        sums = np.sum([*own, [0] * 4], axis=0)
        assert [row[name] for name in (*CLASSES, *minutes.REST)] == pytest.approx(sums)
        length = {"2025-10-26": 1500, "2025-03-30": 1380}.get(row["day"], 1440)
        assert row["missing"] == pytest.approx(length - sums.sum())


def test_adjusted_minutes_fill_an_hour_from_the_same_hour_of_other_days():
    """Three days of sitting, walking from 8 to 9; the second loses that hour to a gap, the next one to the drawer."""
    minute = np.arange(3 * 1440)
    hour, day = minute % 1440 // 60, minute // 1440
    there = ~((day == 1) & (hour == 8))
    worn = ~((day == 1) & (hour == 9))
    found = Minutes(2, WallClock(at(f"{PLAIN} 00:00", ZoneInfo("UTC"))), 60.0)
    found.add(made(60.0 * minute[there], worn[there]), np.where(hour == 8, 1, 0)[there])
    found.close()
    first, second, third = minutes.days(found, CLASSES)
    assert (second["sit"], second["walk"], second["not worn"], second["missing"]) == (1320, 0, 60, 60)
    assert (second["adjusted sit"], second["adjusted walk"]) == (1380, 60)
    assert first["adjusted walk"] == third["adjusted walk"] == 60
    assert sum(second[f"adjusted {name}"] for name in (*CLASSES, "unknown")) == 1440


def test_an_hour_that_nobody_wore_leaves_adjusted_minutes_empty():
    found = Minutes(2, WallClock(), 60.0)
    found.add(made(60.0 * np.arange(90)), np.zeros(90, int))
    found.close()
    [row] = minutes.days(found, CLASSES)
    assert (row["day"], row["sit"], row["missing"], row["adjusted sit"]) == ("1", 90, 1350, None)


# -- the wall clock


def test_times_are_written_as_in_the_standard_library():
    wall = WallClock(at("2025-10-26 01:59:59", BERLIN), BERLIN)
    seconds = np.array([0.0, 0.5, 3600.0, 7200.25])
    first = datetime.fromtimestamp((wall.first or 0) / 1e6, BERLIN)
    instants = [(first.astimezone(UTC) + timedelta(seconds=s)).astimezone(BERLIN) for s in seconds]
    assert wall.written(seconds) == [when.isoformat(timespec="milliseconds") for when in instants]
    assert WallClock(wall.first).written(seconds[:1]) == ["2025-10-25T23:59:59.000"]
    assert WallClock().written(seconds[:1]) == [""]


STAMPS = {
    "2025-10-26T01:00:00.000+02:00": ("2025-10-26T01:00:00.000+02:00", "2025-10-26T00:00:00.000+01:00"),
    "2025-10-26 01:00:00Z": ("2025-10-26T01:00:00.000+00:00", "2025-10-26T01:00:00.000+00:00"),
    "26.10.2025 01:00:00": ("2025-10-26T01:00:00.000", "no offset from UTC"),
    "01:00:00.000": ("", "no date"),
}


@pytest.mark.parametrize(("stamp", "expected"), STAMPS.items(), ids=list(STAMPS))
def test_the_zone_is_that_of_the_file(tmp_path, stamp, expected):
    """Or another, on request, where the file tells instants."""
    (tmp_path / "a.csv").write_text(f"time,x\n{stamp},1\n")
    about = {"reading": {"time": "time", "time_unit": "date", "separator": ","}}
    first = 3.6e9 if not stamp.startswith("2") else at("2025-10-26 01:00", ZoneInfo("UTC"))
    first -= 7.2e9 * stamp.endswith("+02:00")
    assert wall_clock.of_file(tmp_path / "a.csv", about, first).written(np.zeros(1)) == [expected[0]]
    london = wall_clock.named("Europe/London")
    if not expected[1].startswith("2"):
        with pytest.raises(MixkdError, match=f"found {expected[1]} in its clock, expected one to show times in"):
            wall_clock.of_file(tmp_path / "a.csv", about, first, london)
    else:
        moved = wall_clock.of_file(tmp_path / "a.csv", about, first, london).written(np.zeros(1))
        assert datetime.fromisoformat(moved[0]) == datetime.fromisoformat(expected[0])
        assert moved[0].endswith(("+01:00", "+00:00"))


def test_numbers_are_instants_only_if_they_count_from_1970(tmp_path):
    about = {"reading": {"time": "time", "time_unit": "ms", "separator": ","}}
    assert wall_clock.of_file(tmp_path, about, 1_761_440_400_000).written(np.zeros(1)) == [
        "2025-10-26T01:00:00.000+00:00"
    ]
    assert wall_clock.of_file(tmp_path, about, 86_400_000).first is None
    assert wall_clock.of_file(tmp_path, about, None) == WallClock()
    with pytest.raises(MixkdError, match="--zone: found 'Berlin', expected a name such as Europe/Berlin"):
        wall_clock.named("Berlin")


# -- what depends on neighbours


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 90)), min_size=1, max_size=8),
    st.integers(1, 40),
    st.integers(0, 99),
)
@example([(True, 60), (False, 2)], 7, 2)
@example([(True, 61)], 7, 2)
def test_a_sensor_at_rest_for_an_hour_was_not_worn(runs, size, seed):
    """However the windows arrive, and not across a gap."""
    still = np.repeat([rest for rest, _ in runs], [n for _, n in runs])
    n, rng = len(still), np.random.default_rng(seed)
    stretch = np.cumsum(rng.random(n) < 0.01)
    all_of_them = Labels(60.0 * np.arange(n), stretch, np.zeros((n, 2)), still=still)
    found = joined(list(sequence.with_wear(all_of_them[i : i + size] for i in range(0, n, size))))
    np.testing.assert_array_equal(found.start, all_of_them.start)
    expected = np.ones(n, bool)
    begin = 0
    for i in range(1, n + 1):
        if i == n or still[i] != still[begin] or stretch[i] != stretch[begin]:
            expected[begin:i] = not still[begin] or i - 1 - begin < 60
            begin = i
    np.testing.assert_array_equal(found.worn, expected)


def enumerated(chain: Chain, p: np.ndarray) -> np.ndarray:
    """Posteriors by the sum over all sequences of classes."""
    n, n_classes = p.shape
    emission, total = chain.emissions(p), np.zeros((n, n_classes))
    for path in np.ndindex(*[n_classes] * n):
        weight = chain.share[path[0]] * np.prod([emission[i, c] for i, c in enumerate(path)])
        weight *= np.prod([chain.transition[a, b] for a, b in pairwise(path)])
        total[np.arange(n), path] += weight
    return total / total.sum(axis=1, keepdims=True)


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(2, 3), st.integers(0, 999))
def test_posteriors_are_sums_over_all_sequences(n, n_classes, seed):
    rng = np.random.default_rng(seed)
    chain = Chain.fit([rng.integers(0, n_classes, rng.integers(1, 30)) for _ in range(3)], n_classes)
    p = rng.dirichlet(np.ones(n_classes), n)
    p[rng.random(n) < 0.2] = np.nan
    np.testing.assert_allclose(posteriors(chain, p), enumerated(chain, p), atol=1e-9)


def test_transitions_are_shares_of_what_followed():
    chain = Chain.fit([np.array([0] * 500 + [1] * 501), np.array([1] * 1000)], 2)
    np.testing.assert_allclose(chain.transition, [[499 / 500, 1 / 500], [0, 1]], atol=1e-3)
    np.testing.assert_allclose(chain.share, [0.25, 0.75], atol=1e-3)
    assert Chain.of(chain.plain).plain == chain.plain


@pytest.mark.parametrize("size", [37, 5000])
def test_smoothed_labels_do_not_depend_on_blocks_and_not_on_other_stretches(size):
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 0, 1, 1], 700)
    n, stretch = len(truth), np.repeat([0, 1], [2000, 1500])
    p = rng.dirichlet([1.2, 1.0], n)
    p = np.where((truth == 0)[:, None], p, p[:, ::-1])
    p[40:45] = np.nan
    chain = Chain(np.array([0.5, 0.5]), np.array([[0.99, 0.01], [0.01, 0.99]]))
    cuts = [0, *range(size, 2000, size), *range(2000, n, size), n]
    every = Labels(np.arange(n) * 1.0, stretch, p)
    parts = (every[a:b] for a, b in pairwise(cuts))
    found = joined(list(sequence.with_smoothed(parts, chain)))
    expected = np.concatenate([posteriors(chain, p[:2000]).argmax(1), posteriors(chain, p[2000:]).argmax(1)])
    expected[40:45] = -1
    np.testing.assert_array_equal(found.smoothed, expected)
    assert (found.smoothed == truth).mean() > (p.argmax(1) == truth).mean() + 0.1

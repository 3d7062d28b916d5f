"""Clocks in a zone as UTC: as `zoneinfo` of the standard library has it, through changes of daylight saving time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixkd.datasets.own import zones

NAMES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "America/Sao_Paulo")


def micro(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def clock(start: datetime, minutes: int, name: str, step: int = 1):
    """Instants (n,) and what a clock in the zone shows (n,), in µs, a row every `step` minutes."""
    moments = [start + timedelta(minutes=step * i) for i in range(minutes // step)]
    shown = [moment.astimezone(ZoneInfo(name)).replace(tzinfo=UTC) for moment in moments]
    return np.array([micro(m) for m in moments]), np.array([micro(m) for m in shown])


@given(
    start=st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    name=st.sampled_from(NAMES),
    days=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_a_clock_that_follows_its_zone_is_the_instant(start, name, days):
    """Unless the recording begins or ends in an hour that came twice."""
    instants, local = clock(start, days * 1440, name, step=15)
    try:
        result = zones.to_utc(local, name)
    except ValueError as error:
        twice = str(error)
    else:
        assert (result == instants).all()
        return
    assert "show twice" in twice


@pytest.mark.parametrize("name", NAMES[:3])
def test_all_hours_of_a_year_come_out(name):
    instants, local = clock(datetime(2025, 1, 15, 0, 7, tzinfo=UTC), 360 * 1440, name, step=10)
    assert (zones.to_utc(local, name) == instants).all()


ENDS = datetime(2025, 10, 26, 1, 0, tzinfo=UTC)  # of daylight saving time in Berlin; in spring on 30 March


@pytest.mark.parametrize(("before", "minutes"), [(30, 60), (90, 200), (70, 40), (61, 3)])
def test_the_repeated_hour_is_known_by_the_step_back_or_by_what_came_before(before, minutes):
    instants, local = clock(ENDS - timedelta(minutes=before), minutes, "Europe/Berlin")
    assert (zones.to_utc(local, "Europe/Berlin") == instants).all()


def running(start: datetime, minutes: int) -> np.ndarray:
    """A clock (n,) in µs that goes on, whatever its zone does."""
    return np.array([micro(start + timedelta(minutes=i)) for i in range(minutes)])


UNCLEAR = {
    "inside the hour that came twice": (datetime(2025, 10, 26, 2, 10, tzinfo=UTC), 20, "show twice"),
    "a clock that does not go back": (datetime(2025, 10, 26, 1, 30, tzinfo=UTC), 200, "does not go back"),
    "an hour that was left out": (datetime(2025, 3, 30, 1, 30, tzinfo=UTC), 200, "left out"),
}


@pytest.mark.parametrize(("start", "minutes", "message"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_the_zone_does_not_show_is_refused_with_offsets_that_say_it(start, minutes, message):
    local = running(start, minutes)
    with pytest.raises(ValueError, match=message) as refused:
        zones.to_utc(local, "Europe/Berlin")
    assert 'zone = "+0' in str(refused.value)
    assert (local - zones.to_utc(local, "+02:00") == 7_200_000_000).all()


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "+1", "../etc/passwd", "+25:00", "Europe"])
def test_unknown_zones_are_none(name):
    assert zones.zone(name) is None


def test_instants_are_written_with_their_offset():
    at = micro(datetime(2025, 10, 26, 0, 59, 59, 500_000, tzinfo=UTC))
    assert zones.written(at, "Europe/Berlin") == "2025-10-26T02:59:59.500+02:00"
    assert zones.written(at + 1_000_000, "Europe/Berlin") == "2025-10-26T02:00:00.500+01:00"
    assert zones.written(at, "UTC") == "2025-10-26T00:59:59.500+00:00"

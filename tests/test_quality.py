"""Quality of recordings against simulated ones whose calibration, wear, clipping, gaps and drift are known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixkd.datasets.own import quality, running

RATE = 25


def turned(n_places, seed=0, seconds=20, noise=0.003):
    """Gravity at rest in random directions, `seconds` in each: (n_rows, 3) in g."""
    generator = np.random.default_rng(seed)
    places = generator.normal(size=(n_places, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    signal = np.repeat(places, seconds * RATE, axis=0)
    return signal + generator.normal(0, noise, signal.shape)


def times(signal, rate=RATE):
    return np.arange(len(signal)) / rate


@settings(max_examples=15, deadline=None)
@given(
    gain=st.tuples(*[st.floats(0.93, 1.07)] * 3),
    offset=st.tuples(*[st.floats(-0.08, 0.08)] * 3),
    seed=st.integers(0, 99),
)
def test_calibration_recovers_gain_and_offset(gain, offset, seed):
    measured = turned(60, seed) / gain - offset
    made = quality.calibration(quality.epochs(times(measured), measured))
    assert np.abs(made.gain - gain).max() < 0.002
    assert np.abs(made.offset - offset).max() < 0.002
    assert made.after <= made.before
    assert made.after < 0.001
    assert made.n > 50


def test_without_both_sides_of_each_axis_nothing_is_calibrated():
    measured = np.abs(turned(60)) * 1.05
    made = quality.calibration(quality.epochs(times(measured), measured))
    assert (made.gain == 1).all()
    assert (made.offset == 0).all()
    assert made.before == made.after == pytest.approx(0.05, abs=0.005)


def worn_and_not(parts, seed=0):
    """Motion or rest on a table for the hours of each part: (n_rows, 3) in g."""
    generator = np.random.default_rng(seed)
    sizes = np.concatenate([np.full(round(hours * 3600 * RATE), 0.2 if worn else 0.003) for worn, hours in parts])
    return [0, 0, 1] + generator.normal(size=(len(sizes), 3)) * sizes[:, None]


@pytest.mark.parametrize(("before", "hours"), [(1, 2), (2, 1.5), (1, 1), (1.5, 4)])
def test_an_interval_without_wear_is_found_to_a_quarter_of_an_hour(before, hours):
    signal = worn_and_not([(True, before), (False, hours), (True, 1)])
    epochs = quality.epochs(times(signal), signal)
    off = epochs.start[quality.not_worn(epochs)]
    assert abs(off.min() - 3600 * before) <= 900
    assert abs(off.max() + 10 - 3600 * (before + hours)) <= 900


def test_short_rest_is_wear_and_short_recordings_are_not_assessed():
    signal = worn_and_not([(True, 1), (False, 0.5), (True, 1)])
    epochs = quality.epochs(times(signal), signal)
    assert not quality.not_worn(epochs).any()
    assert quality.not_worn(quality.epochs(times(signal[:1000]), signal[:1000])) is None


@given(cuts=st.lists(st.integers(1, 4999), max_size=5), holes=st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_summaries_are_those_of_numpy_and_can_be_joined(cuts, holes):
    signal = np.random.default_rng(holes).normal(size=(5000, 3))
    signal[700 : 700 + 100 * holes, 1] = np.nan
    whole = quality.epochs(times(signal), signal)
    for i, start in enumerate(whole.start):
        inside = signal[round(start * RATE) : round((start + 10) * RATE)]
        inside = inside[~np.isnan(inside).any(axis=1)]
        assert np.allclose(whole.mean[i], inside.mean(axis=0))
        assert np.allclose(whole.variance[i], inside.var(axis=0))
        assert (whole.low[i] == inside.min(axis=0)).all()
        assert (whole.high[i] == inside.max(axis=0)).all()
    at = [0, *sorted({round(cut / 250) * 250 for cut in cuts} - {0, 5000}), 5000]
    pieces = [quality.epochs(times(signal)[a:b], signal[a:b]) for a, b in itertools.pairwise(at)]
    joined = quality.Epochs.joined(pieces)
    assert (joined.start == whole.start).all()
    assert np.allclose(joined.variance, whole.variance)


def test_a_row_states_gaps_drift_and_clipping():
    signal = worn_and_not([(True, 1.5)])
    signal[5000:5100] = 8.0
    time = times(signal) * 1.001
    time[20_000:] += 7.0
    row = quality.row("a.csv", time, signal, rate=RATE, span=("from", "to"))
    assert (row.gaps, row.gap_s) == (1, pytest.approx(7.0, abs=0.05))
    assert row.drift == pytest.approx(0.001 * 5400, abs=0.05)
    assert row.clipped == pytest.approx(100 / len(signal))
    assert row.worn == 1.0
    assert row.hours == pytest.approx((1.5 * 3600 * 1.001 + 7) / 3600, abs=1e-4)
    assert quality.words(row)["gaps"] == "1 (7.0 s)"
    line = quality.line(row)
    assert line.startswith(
        "a.csv: from to to, 1.50 h at 24.98 Hz, clock +5.40 s against 25 Hz, gaps: 1 (7.0 s), worn 100 %"
    )
    assert "clipped 0.074 %" in line
    for errors, said in (
        ((0.041, 0.041), "41.0 mg, calibration does not help"),
        ((0.041, 0.003), "41.0 mg, calibrated 3.0"),
    ):
        about = replace(row, error_before=errors[0], error_after=errors[1])
        assert quality.line(about).endswith(f"gravity at rest off by {said}")


def test_what_cannot_be_assessed_is_left_empty():
    """Linear acceleration, without gravity; rows without a sensor of it; a file of several recordings."""
    still = np.random.default_rng(0).normal(0, 0.003, (20_000, 3))
    row = quality.row("a.csv", times(still), still, rate=RATE, span=("", ""))
    assert row.error_before is row.error_after is row.worn is None
    assert quality.row("a.csv", times(still), None, rate=RATE, span=("", "")).worn is None
    again = np.r_[times(still), times(still)]
    row = quality.row("a.csv", again, np.r_[still, still], rate=RATE, span=("", ""))
    assert row.drift is row.worn is None
    assert row.hours == pytest.approx(len(again) / RATE / 3600, rel=1e-3)


@pytest.mark.parametrize("rate", [24.9, 25.2, 31.4, 50.0, 98.6, 100.4])
def test_the_usual_rate_is_the_nearest(rate):
    assert abs(quality.nominal(rate) / rate - 1) == min(abs(usual / rate - 1) for usual in quality.RATES)


@pytest.mark.parametrize("seed", range(3))
def test_a_recording_in_pieces_has_the_row_of_the_whole(seed):
    """Two hours that lie and move in turn, with a gap and clipped values, cut anywhere."""
    rng, rate, n = np.random.default_rng(seed), 20, 2 * 3600 * 20
    way = np.repeat(rng.normal(size=(n // 1200, 3)), 1200, axis=0)
    signal = 1.02 * way / np.linalg.norm(way, axis=1, keepdims=True) + rng.normal(0, 0.004, (n, 3))
    signal[n // 2 :: 7] += rng.normal(0, 0.2, (len(signal[n // 2 :: 7]), 3))
    signal[500:520, 1] = 8.0
    time = np.arange(n) / rate + rng.uniform(-0.001, 0.001, n)
    time[n // 3 :] += 40
    whole, made = quality.row("a", time, signal, rate=rate, span=("", "")).as_dict(), running.Running()
    for part in np.split(np.arange(n), np.sort(np.r_[510, rng.integers(0, n, 9)])):
        made.add(time[part], signal[part])
    row = made.row("a", ("", "")).as_dict()
    for field, value in whole.items():
        if field in ("rate", "drift", "gap_s"):  # the median step is known to 1 µs
            assert row[field] == pytest.approx(value, rel=1e-3, abs=0.01), field
        else:
            assert row[field] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6)), field

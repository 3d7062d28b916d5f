"""Each kind of corruption against its definition; the temperature of outputs against a grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import small, train
from scipy.special import log_softmax, softmax

from mixkd.learning import calibration, metrics, probes
from mixkd.learning.corruptions import (
    CORRUPTIONS,
    TURNED,
    Sensors,
    gain,
    gap,
    lost_channels,
    noise,
    rate,
    rotations,
    turned,
)
from mixkd.learning.fold_data import fold_data
from mixkd.learning.networks import undrawn
from mixkd.rng import generator
from mixkd.runs.store import Store
from mixkd.windows import Normalisation

N, N_CHANNELS, N_SAMPLES = 40, 7, 50
MEAN, SD = (np.linspace(a, b, N_CHANNELS, dtype=np.float32) for a, b in ((-2, 3), (0.5, 2)))
NORMALISATION = Normalisation(MEAN, SD)
SENSORS = Sensors(NORMALISATION, (1, 4))  # the first channel is none of a sensor
PHYSICAL = np.random.default_rng(0).normal(size=(N, N_CHANNELS, N_SAMPLES)).cumsum(-1).astype(np.float32)
X = torch.from_numpy(NORMALISATION(PHYSICAL))[:, :, None]
PLAIN = torch.nn.Sequential(torch.nn.Flatten(), undrawn(torch.nn.Linear, N_CHANNELS * N_SAMPLES, 3))


def physical(x: torch.Tensor) -> np.ndarray:
    return x[:, :, 0].numpy() * SD[:, None] + MEAN[:, None]


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_kind_is_a_pure_function_and_grows_with_severity(kind):
    corruption, before = CORRUPTIONS[kind], X.clone()
    far = []
    for severity in corruption.severities:
        one, again, other = (corruption.apply(X, severity, generator(i), SENSORS) for i in (0, 0, 1))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)
        assert one.shape == X.shape
        assert one.isfinite().all()
        far.append((one - X).pow(2).mean().item())
    assert far == sorted(far)
    assert far[0] > 0
    assert torch.equal(X, before)
    assert list(corruption.severities) == sorted(corruption.severities)


def test_a_gap_is_one_block_of_its_length():
    found = gap(X, 0.3, generator(0)) == 0
    assert torch.equal(found, found[:, :1].expand_as(found))
    assert (found[:, 0, 0].sum(1) == 15).all()
    assert (np.diff(found[:, 0, 0].int().numpy(), axis=1) == 1).sum(1).max() <= 1


@pytest.mark.parametrize(("share", "expected"), [(0.01, 1), (0.3, 2), (0.5, 4), (1.0, 7)])
def test_whole_channels_are_lost(share, expected):
    lost = (lost_channels(X, share, generator(0)) == 0).all(dim=-1)[:, :, 0]
    assert (lost.sum(1) == expected).all()
    if expected < N_CHANNELS:
        assert len(lost.unique(dim=0)) > 1


def test_a_turned_sensor_keeps_lengths_and_angles_between_its_readings_and_leaves_other_channels():
    found = physical(turned(X, 35.0, generator(0), SENSORS))
    np.testing.assert_array_equal(found[:, 0], physical(X)[:, 0])
    for first in (1, 4):
        before, after = PHYSICAL[:, first : first + 3], found[:, first : first + 3]
        inner = [np.einsum("nit,nis->nts", a, a) for a in (before, after)]
        np.testing.assert_allclose(inner[1], inner[0], atol=2e-3)
    turns = [np.linalg.lstsq(PHYSICAL[0, i : i + 3].T, found[0, i : i + 3].T, rcond=None)[0].T for i in (1, 4)]
    np.testing.assert_allclose(turns[0], turns[1], atol=1e-4)  # all sensors of a window alike


def test_sensors_are_found_by_the_names_of_their_axes():
    names = ("heart rate", "hand ax", "hand ay", "hand az", "ecg", "wx", "wy", "wz", "mx", "my", "Mz", "ax", "ay", "bz")
    assert Sensors.of(names, NORMALISATION).triples == (1, 5, 8)
    assert Sensors.of(("x", "y", "z"), NORMALISATION).triples == (0,)
    assert Sensors.of(("z", "y", "x"), NORMALISATION).triples == ()
    data = fold_data(small().data)
    assert TURNED not in probes.curves(PLAIN, (X, np.zeros(N, int)), Sensors(NORMALISATION, ()), fold=0)
    assert all(data.base.channels[i + 2].endswith("z") for i in data.base.sensors.triples)


@given(st.floats(0.01, 3.1), st.integers(0, 9))
def test_a_rotation_has_its_angle_and_no_mirror(angle, seed):
    found = rotations(5, angle, generator(seed)).astype(np.float64)
    np.testing.assert_allclose(found @ found.transpose(0, 2, 1), np.broadcast_to(np.eye(3), found.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(found), 1, atol=1e-5)
    np.testing.assert_allclose(np.trace(found, axis1=1, axis2=2), 1 + 2 * np.cos(angle), atol=1e-5)


def test_gain_multiplies_or_divides_physical_values():
    ratio = (physical(gain(X, 1.5, generator(0), SENSORS)) / PHYSICAL)[:, 0, -1]
    up = np.isclose(ratio, 1.5, rtol=1e-3)
    assert (up | np.isclose(ratio, 1 / 1.5, rtol=1e-3)).all()
    assert 0.2 < up.mean() < 0.8


def test_rate_reads_a_line_at_other_times():
    line = torch.arange(N_SAMPLES, dtype=torch.float32).expand(N, 2, 1, N_SAMPLES)
    found = rate(line, 2.0, generator(0))[:, 0, 0].numpy()
    t = np.arange(N_SAMPLES) - 24.5
    expected = [np.clip(24.5 + speed * t, 0, 49) for speed in (2, 0.5)]
    fast = np.isclose(found, expected[0], atol=1e-4).all(1)
    assert (fast | np.isclose(found, expected[1], atol=1e-4).all(1)).all()
    assert 0.2 < fast.mean() < 0.8


def test_noise_has_its_deviation():
    assert (noise(X, 0.4, generator(0)) - X).std().item() == pytest.approx(0.4, rel=0.03)


def test_curves_are_accuracies_of_corrupted_windows():
    y = probes.logits_of(PLAIN, X).argmax(1)
    curves = probes.curves(PLAIN, (X, y.numpy()), SENSORS, fold=4)
    assert list(curves) == list(CORRUPTIONS)
    corrupt = CORRUPTIONS["rate"].apply(X, 1.5, generator(4, "curve", "rate", "1.5"), SENSORS)
    assert curves["rate"][2] == (probes.logits_of(PLAIN, corrupt).argmax(1) == y).double().mean().item()


# -- one temperature


@given(st.floats(0.1, 8), st.integers(0, 99))
def test_the_temperature_is_the_best_of_a_grid_and_undoes_a_factor(factor, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (60, 4)).astype(np.float32)
    y = np.array([rng.choice(4, p=p) for p in softmax(z.astype(float), 1)])

    def nll(temperature: float) -> float:
        return -log_softmax(z.astype(float) / temperature, 1)[np.arange(60), y].mean()

    found = calibration.temperature(z, y)
    assert nll(found) <= min(map(nll, np.geomspace(calibration.LOWEST, calibration.HIGHEST, 300))) + 1e-9
    if 0.3 < found < 3:
        assert calibration.temperature(z * np.float32(factor), y) == pytest.approx(factor * found, rel=1e-3)


def test_logits_that_are_always_right_or_say_nothing_keep_to_the_bounds():
    y = np.arange(6) % 3
    right = 5 * np.eye(3, dtype=np.float32)[y]
    assert metrics.summary(right / calibration.temperature(right, y), y)["nll"] < 1e-9
    wrong = calibration.temperature(5 * np.eye(3, dtype=np.float32)[(y + 1) % 3], y)
    assert wrong == pytest.approx(calibration.HIGHEST, rel=0.01)
    assert np.isfinite(calibration.temperature(np.zeros((6, 3), np.float32), y))


def test_a_record_has_scaled_metrics_of_each_person_by_the_temperature_of_validation_people(tmp_path):
    record = train(small(), Store(tmp_path))
    data = fold_data(small().data)
    scaled, test = record.probes["scaled"], data.splits["test"]
    assert scaled["temperature"] == calibration.temperature(
        record.arrays["validation_logits"], data.splits["validation"].y
    )
    for subject, found in scaled["subjects"].items():
        rows = test.subject == int(subject)
        expected = metrics.summary(record.arrays["test_logits"][rows] / scaled["temperature"], test.y[rows])
        assert found == {name: expected[name] for name in ("nll", "ece", "brier")}
    assert set(scaled["subjects"]) == set(record.probes["subjects"])


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS.keys() - {"lost channels"}))
def test_the_clean_severity_changes_nothing(kind):
    """Of lost channels it loses none, where the function loses one at least."""
    corruption = CORRUPTIONS[kind]
    torch.testing.assert_close(corruption.apply(X, corruption.clean, generator(0), SENSORS), X, atol=1e-5, rtol=0)
    assert corruption.clean not in corruption.severities

"""`calibrate = true`: recordings of a known gain and offset are recovered, at import and at prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mixkd.datasets.own import description, folder
from mixkd.deploy import predict
from mixkd.errors import MixkdError

GAIN, OFFSET, RATE = np.array([1.04, 0.97, 1.02]), np.array([0.03, -0.05, 0.02]), 20
ABOUT = """
names = "{subject}_{label}.csv"
time = "time"
rate = 20
window = 2.0
calibrate = true
[channels]
x = "UNIT"
y = "g"
z = "g"
"""


def study(base, faces=True, unit="g"):
    """A folder of files as a device of this gain and offset writes them; returns the true values of the first."""
    rng, true = np.random.default_rng(0), {}
    (base / "dataset.toml").write_text(ABOUT.replace("UNIT", unit))
    for name in ("p0_turn", "p0_rest", "p1_turn", "p1_rest", "p2_turn", "p2_rest"):
        way = rng.normal(size=(80, 3)) if faces else np.tile([0.0, 0.0, 1.0], (80, 1))
        way = np.repeat(way / np.linalg.norm(way, axis=1, keepdims=True), 20 * RATE, axis=0)
        true[name] = way + rng.normal(0, 0.003, way.shape)
        table = pd.DataFrame(true[name] / GAIN - OFFSET, columns=["x", "y", "z"])
        table.insert(0, "time", np.arange(len(way)) / RATE)
        table.to_csv(base / f"{name}.csv", index=False)
    return true


def test_gain_and_offset_are_recovered_at_import_and_at_prediction(tmp_path):
    true = study(tmp_path)
    found = folder.inspect(tmp_path)
    assert not found.problems
    assert found.counts["rows calibrated to gravity"] == 6 * 1600 * RATE
    [imported] = [part.signal for part in found.stretches if part[:2] == ("p0", "turn")]
    assert np.abs(imported - true["p0_turn"]).max() < 0.003
    row = found.quality[0]
    assert row.error_before > 0.01 > 0.001 > row.error_after
    about = description.describe(tmp_path)
    student = {"channels": ["x", "y", "z"], "units": ["g"] * 3, "rate": 20.0, "window": 40}
    student |= {"reading": {field: getattr(about, field) for field in description.READING}}
    [(_, signal)] = predict.read_recording(tmp_path / "p0_turn.csv", student)
    np.testing.assert_array_equal(signal, imported)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"faces": False}, "found 160 still epochs of 10 s, expected 30 at least, that face up and down on each axis"),
        ({"unit": "m/s²"}, "expected one accelerometer of 3 axes in g"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_in_a_line(tmp_path, how, message):
    study(tmp_path, **how)
    found = folder.inspect(tmp_path)
    assert message in found.problems[0]
    assert found.problems[0].endswith("or no line `calibrate`")


def test_a_student_of_calibrated_recordings_needs_a_clock(tmp_path):
    pd.DataFrame(np.ones((900, 3)), columns=["x", "y", "z"]).to_csv(tmp_path / "a.csv", index=False)
    student = {"channels": ["x", "y", "z"], "units": ["g"] * 3, "rate": 20.0, "window": 40}
    student |= {"reading": description.UNSTATED | {"calibrate": True}}
    with pytest.raises(MixkdError, match=r"a\.csv: found no clock, expected one"):
        predict.read_recording(tmp_path / "a.csv", student)

"""The picture of a labelled recording: right at every time, and as cheap for a day as for a minute."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mixkd.figures import timeline

LABELS = ("a", "b", "c")


def windows(labels, length=2.0, gap_after=None):
    """Windows of 2 s, half a window apart, with a hole of 7 s after one of them."""
    starts = [float(i) + (7.0 if gap_after is not None and i > gap_after else 0.0) for i in range(len(labels))]
    return [{"start_s": s, "end_s": s + length, "label": name} for s, name in zip(starts, labels, strict=True)]


def at(rows, time):
    """The label of the last window that holds this time, or None: what a picture without end of columns would show."""
    holding = [row["label"] for row in rows if row["start_s"] <= time < row["end_s"]]
    return holding[-1] if holding else None


@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=60), st.none() | st.integers(0, 59))
def test_bands_of_few_windows_are_exact(labels, gap_after):
    rows = windows(labels, gap_after=gap_after)
    found = timeline.bands(rows)
    for time in np.arange(0.25, rows[-1]["end_s"] + 3, 0.5):
        assert [label for start, end, label in found if start <= time < end] == [at(rows, time)] * bool(at(rows, time))
    assert all(one[2] != two[2] or one[1] < two[0] for one, two in pairwise(found)), "merged"


def test_bands_of_many_windows_show_the_label_that_holds_most_of_a_column():
    rng = np.random.default_rng(0)
    labels = [name for n in range(9000) for name in ["abc"[n % 3]] * (1 if n % 50 else rng.integers(1, 200))]
    rows = windows(labels, gap_after=12_000)
    found, end = timeline.bands(rows), rows[-1]["end_s"]
    assert len(found) <= timeline.COLUMNS
    for column in rng.integers(0, timeline.COLUMNS, 60):
        times = np.linspace(column, column + 1, 200, endpoint=False) * end / timeline.COLUMNS
        near = [row for row in rows if row["end_s"] >= times[0] and row["start_s"] <= times[-1]]
        shown = [label for start, until, label in found if start <= times[100] < until]
        here = [at(near, time) for time in times]
        counts = {name: here.count(name) for name in LABELS if name in here}
        assert bool(shown) == bool(counts)
        assert not shown or counts[shown[0]] >= max(counts.values()) - 3, "up to where the samples of this test fall"


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 300)), min_size=1, max_size=5),
    st.sampled_from([1.0, 25.0, 60.0]),
)
def test_the_envelope_holds_every_sample_and_no_other(stretches, rate):
    rng, parts, first = np.random.default_rng(len(stretches)), [], 0.0
    for n, hole in stretches:
        parts.append((first, rng.normal(size=(n, 2)).astype(np.float32)))
        first += (n + hole) / rate
    end = parts[-1][0] + len(parts[-1][1]) / rate
    low, high = timeline.envelope(parts, rate, end)
    for start, signal in parts:
        columns = ((start + np.arange(len(signal)) / rate) * timeline.COLUMNS / end).astype(int)
        near = np.clip(columns[:, None] + [-1, 0, 1], 0, timeline.COLUMNS - 1)  # rounding may choose the one beside
        assert (np.nanmin(low[near], axis=1) <= signal).all()
        assert (np.nanmax(high[near], axis=1) >= signal).all()
    samples = np.concatenate([signal for _, signal in parts])
    for channel in range(2):
        shown = np.concatenate([low[:, channel], high[:, channel]])
        assert set(shown[np.isfinite(shown)]) <= set(samples[:, channel])
    held = {
        int(start * timeline.COLUMNS / end + i * timeline.COLUMNS / end / rate)
        for start, s in parts
        for i in range(len(s))
    }
    assert abs(np.isfinite(low[:, 0]).sum() - len(held)) <= 0.02 * len(held) + 2


@pytest.mark.parametrize("labels", [["a", "b"] * 20_000, ["a"] * 40_000])
def test_a_long_recording_has_no_more_to_draw_than_the_picture_has_columns(labels):
    """As for many stretches: one line for each channel, whatever is between them."""
    parts = [(40.0 * i, np.ones((1000, 3), np.float32)) for i in range(1000)]
    axis = Figure().add_subplot()
    about = {"channels": ["x", "y", "z"], "units": ["g"] * 3, "rate": 25.0, "classes": ["a", "b"]}
    timeline.draw(axis, about, parts, windows(labels))
    assert len(axis.lines) == 3
    assert len(axis.patches) <= timeline.COLUMNS
    assert len(axis.patches) == 1 or labels[1] == "b"
    assert axis.get_xlabel() == "time, h"


def test_labels_without_place_are_in_the_legend_and_unknown_is_hatched():
    axis = Figure().add_subplot()
    about = {"channels": ["x"], "units": ["g"], "rate": 25.0, "classes": ["sit", "walk upstairs"]}
    rows = windows(["sit"] * 5 + ["walk upstairs"] + ["unknown"] + ["sit"] * 29)
    timeline.draw(axis, about, [(0.0, np.ones((900, 1), np.float32))], rows)
    assert [text.get_text() for text in axis.texts] == ["sit", "walk upstairs", "sit"]
    places = [text.get_position()[0] for text in axis.texts]
    assert places[1] == 5
    assert places[2] > 7, "behind the name before it"
    assert axis.get_legend_handles_labels()[1] == ["x", "unknown"]
    assert [bool(patch.get_hatch()) for patch in axis.patches] == [False, False, True, False]

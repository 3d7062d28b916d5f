"""Accuracy in use: every window that `predict` would make of a held-out person's recordings, and simple yardsticks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import small, train

from mixkd import studies
from mixkd.datasets import Recordings
from mixkd.deploy import distill, in_use
from mixkd.deploy.hidden_markov import Chain, posteriors
from mixkd.errors import MixkdError
from mixkd.runs.store import Store
from mixkd.specs.run import TeacherSpec


def recordings(people: list[list[list[tuple[int, int]]]], seed: int = 0) -> tuple[Recordings, dict[int, list]]:
    """Of people, their recordings, (class, length) of each stretch: stretches shuffled; and the whole recordings."""
    rng, pieces, whole = np.random.default_rng(seed), [], {}
    for subject, made in enumerate(people, start=1):
        for parts in made:
            signal = rng.normal(size=(sum(n for _, n in parts), 2)).astype(np.float32)
            label = np.concatenate([np.full(n, c) for c, n in parts])
            whole.setdefault(subject, []).append((signal, label))
            ends = [0, *np.cumsum([n for _, n in parts])]
            for k, (a, b) in enumerate(pairwise(ends)):
                pieces.append((subject, signal[a:b], label[a:b], len(pieces) - 1 if k else -1))
    order = [int(i) for i in rng.permutation(len(pieces))]
    at = {i: place for place, i in enumerate(order)} | {-1: -1}
    subjects, signals, labels, previous = zip(*(pieces[i] for i in order), strict=True)
    words = ("x", "y"), ("g", "g"), ("sit", "walk", "run")
    made = Recordings(signals, labels, np.array(subjects), 10.0, *words, previous=tuple(at[i] for i in previous))
    return made, whole


PARTS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 30)), min_size=1, max_size=6)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=2, max_size=3), st.integers(0, 99))
def test_windows_of_whole_recordings(people, seed):
    """Stretches that continue one another are one recording again; a window has the class of most of its samples."""
    made, whole = recordings(people, seed)
    window = 8
    expected = []
    for signal, label in (part for part in whole[1] if len(part[0]) >= window):
        starts = list(range(0, len(signal) - window + 1, window // 2))
        for s in [*starts, *([len(signal) - window] if starts[-1] < len(signal) - window else [])]:
            inside = label[s : s + window].tolist()
            most = min((c for c in range(3)), key=lambda c: (-inside.count(c), c))
            expected.append((signal[s : s + window].T.tobytes(), most, len(set(inside)) > 1))
    if not expected:
        return
    found = in_use.stream(made, [1], window)
    assert sorted(zip((x.tobytes() for x in found.x), found.y, found.mixed, strict=True)) == sorted(expected)


def test_how_activities_follow_one_another():
    """From whole recordings of the given people, at the steps of `predict`; nothing where no recording has two."""
    made, _ = recordings([[[(0, 40), (1, 40)], [(1, 80)]], [[(2, 40)]], [[(0, 4)]]])
    model = in_use.chain(made, [1, 2, 3], 8)
    steps = 80 // 4 - 1  # windows of a recording
    first = [0] * 10 + [1] * (steps - 10)
    expected = Chain.fit([np.array(first), np.full(steps, 1), np.full(9, 2)], 3)
    np.testing.assert_allclose(model.transition, expected.transition)
    np.testing.assert_allclose(model.share, expected.share)
    assert in_use.chain(made, [2, 3], 8) is None
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 30)
    p[3] = np.nan
    found = in_use.smoothed(model, p, [slice(0, 10), slice(10, 30)])
    separate = np.concatenate([posteriors(model, part) for part in (p[:10], p[10:])]).argmax(1)
    separate[3] = in_use.UNKNOWN
    np.testing.assert_array_equal(found, separate)


def test_a_student_may_learn_from_trees():
    bases, final = distill.specs(studies.Scope("synthetic", "smoke"), distill.teachers_of("forest"))
    assert final.teachers == (TeacherSpec(family="forest"),)
    assert distill.taught(bases[0], "both") == studies.taught(bases[0], "both")
    with pytest.raises(MixkdError, match="--teachers: found 'tree', expected one of signal, image, both, forest"):
        distill.teachers_of("tree")


def test_a_row_counts_by_hand():
    y, mixed = np.array([0, 0, 1, 1, 2]), np.array([False, False, False, True, True])
    seen = in_use.Stream(np.zeros((5, 1, 2)), y, mixed, np.zeros(5, int))
    row = in_use.row("student", [(seen, np.array([0, 1, 1, in_use.UNKNOWN, 2])), (seen, y)], 2)
    assert (row["one activity"], row["mixed"], row["all"]) == pytest.approx((5 / 6, 3 / 4, 8 / 10))
    assert (row["n one activity"], row["n mixed"], row["unknown"]) == (3, 2, 0.1)
    assert row["macro F1"] == pytest.approx(np.mean([2 * 3 / (2 * 3 + 1), 2 * 3 / (2 * 3 + 2), 1.0]))
    pure = in_use.Stream(seen.x[:3], y[:3], mixed[:3], seen.recording[:3])
    assert np.isnan(in_use.row("student", [(pure, y[:3])], 1)["mixed"])


def test_the_report_has_pure_and_mixed_windows_and_yardsticks(tmp_path):
    """Two held-out people of `synthetic`, whose recordings hold one activity each: mixed windows have no number."""
    students = [train(small(fold=fold), Store(tmp_path)) for fold in (0, 1)]
    table = in_use.table(students)
    assert table["labels by"].tolist() == ["student", "random forest", "majority class"]
    assert set(table["n one activity"]) == {2 * 4 * 23}
    assert (table["all"] == table["one activity"]).all()
    assert table["all"][2] == 0.25
    assert table["all"][1] > 0.6
    sentence = distill.in_practice(table)
    assert f"right on {100 * table['all'][0]:.1f} % (" in sentence
    assert "of 184 with one activity; these recordings hold one activity each" in sentence
    assert "25.0 %." in sentence
    changing = table.assign(**{"mixed": 0.5, "n mixed": 1750})
    assert "with one activity, 50.0 % of 1,750 with several)" in distill.in_practice(changing)
    assert "<th>mixed (n = 1,750)</th>" in distill.whole_table(changing)
    assert "not measured" in distill.in_practice(None)

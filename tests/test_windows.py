"""Windows and folds: nothing is lost, nothing is shared, and nothing is fitted on test subjects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from mixkd import windows
from mixkd.datasets import DATASETS, Recordings
from mixkd.datasets.sets import synthetic
from mixkd.errors import MixkdError
from mixkd.files import sha256
from mixkd.learning.fold_data import FoldData, FoldWindows
from mixkd.specs.run import RunSpec
from mixkd.windows import Fold, Normalisation, Windows


def recordings_of(labels: list[list[int]]) -> Recordings:
    """Recordings of two channels in which every value occurs once."""
    ends = np.cumsum([len(y) for y in labels])
    values = np.arange(2 * ends[-1], dtype=np.float32).reshape(-1, 2)
    return Recordings(
        signals=tuple(np.split(values, ends[:-1])),
        labels=tuple(np.array(y, dtype=np.int64) for y in labels),
        subjects=np.arange(len(labels)) + 10,
        rate=50.0,
        channels=("x", "y"),
        units=("g", "g"),
        classes=("a", "b", "c"),
    )


# -- cutting


@given(
    st.lists(st.lists(st.sampled_from([0, 0, 0, 0, 0, 1]), max_size=40), min_size=1, max_size=4),
    st.integers(1, 8),
    st.integers(1, 9),
)
def test_cut_equals_a_naive_loop(labels, window, step):
    given_ = recordings_of(labels)
    expected = []
    for i, y in enumerate(labels):
        start = 0
        while start + window <= len(y):
            if len(set(y[start : start + window])) == 1:
                expected.append((given_.signals[i][start : start + window].T.tolist(), y[start], 10 + i, i, start))
            start += step
    if not expected:
        with pytest.raises(MixkdError, match="windows: "):
            windows.cut(given_, window, step)
        return
    found = windows.cut(given_, window, step)
    rows = zip(found.x.tolist(), found.y, found.subject, found.recording, found.start, strict=True)
    assert list(rows) == expected
    assert found.x.dtype == np.float32
    assert len(found) == len(expected)


def test_too_short_is_refused_with_both_lengths():
    with pytest.raises(MixkdError, match="none of 10 samples with one label fits; the longest recording has 9"):
        windows.cut(recordings_of([[0] * 9, [1] * 4]), window=10, step=5)
    with pytest.raises(MixkdError, match=r"the longest recording has 0$"):
        windows.cut(replace(recordings_of([[0]]), signals=(), labels=(), subjects=np.array([], int)), 10, 5)


def test_impossible_steps_are_refused():
    with pytest.raises(MixkdError, match="found window 10 and step 0"):
        windows.cut(recordings_of([[0] * 20]), window=10, step=0)


def test_watch_has_4677_windows(watch):
    assert len(windows.cut(watch, window=100, step=50)) == 4_677


def test_windows_of_watch_are_these(watch):
    """A run's hash does not hold how windows are cut: when this changes on purpose, raise store.RECIPE."""
    entry = DATASETS["watch"]
    cut = windows.cut(watch, entry.window, entry.step)
    assert sha256(cut.x.tobytes() + cut.y.tobytes() + cut.subject.tobytes())[:16] == "9026b1564ffbf745"


# -- folds


@given(st.sets(st.integers(0, 500), min_size=3, max_size=45), st.randoms(use_true_random=False))
def test_every_subject_is_tested_once_and_parts_are_disjoint(ids, random):
    subjects = [s for s in ids for _ in range(2)]
    random.shuffle(subjects)
    found = windows.folds(np.array(subjects))
    assert sorted(s for fold in found for s in fold.test) == sorted(ids)
    for fold in found:
        assert sorted(fold.test + fold.validation + fold.train) == sorted(ids)
        assert fold.train
        others = len(ids) - len(fold.test)
        small = len(ids) <= 20
        assert len(fold.validation) == (1 if small else round(0.1 * others))
        assert len(fold.test) == 1 if small else len(fold.test) in (len(ids) // 10, len(ids) // 10 + 1)


@pytest.mark.parametrize(("n", "n_folds"), [(3, 3), (19, 19), (20, 20), (21, 10), (45, 10)])
def test_number_of_folds(n, n_folds):
    assert len(windows.folds(np.arange(n))) == n_folds


def test_validation_is_the_next_subject_cyclically():
    assert windows.folds(np.array([7, 3, 9])) == (
        Fold((3,), (7,), (9,)),
        Fold((7,), (9,), (3,)),
        Fold((9,), (3,), (7,)),
    )
    with pytest.raises(MixkdError, match="folds: found 2 subjects, expected at least 3"):
        windows.folds(np.array([1, 2, 1]))


# -- leakage


@pytest.fixture(scope="module")
def synthetic_recordings():
    return synthetic.load()


def prepared(recordings: Recordings) -> FoldData:
    """The second fold, as a run that sees images gets it."""
    fold = windows.folds(recordings.subjects)[1]
    spec = RunSpec(dataset="synthetic", fold=1, modality="image")
    parts = windows.split(windows.cut(recordings, 100, 50), fold)
    return FoldData(FoldWindows(parts, fold, len(recordings.classes), "overall"), spec.data)


def fitted(data: FoldData) -> bytes:
    """Everything that is fitted, to the last bit."""
    imager = data.imager
    parts = (data.normalisation.mean, data.normalisation.std, imager.grid.birth, imager.grid.persistence)
    return b"".join(map(bytes, (*parts, imager.normalisation.mean, imager.normalisation.std)))


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_only_training_subjects_are_fitted_on(synthetic_recordings, part):
    before = prepared(synthetic_recordings)
    touched = np.isin(synthetic_recordings.subjects, getattr(before.fold, part))
    signals = [10 * s + 3 if hit else s for s, hit in zip(synthetic_recordings.signals, touched, strict=True)]
    after = prepared(replace(synthetic_recordings, signals=tuple(signals)))
    assert (fitted(before) == fitted(after)) == (part != "train")
    assert not np.array_equal(before.splits[part].x, after.splits[part].x)


def test_no_sample_is_in_two_parts(watch):
    cut = windows.cut(watch, 100, 50)
    for fold in windows.folds(watch.subjects):
        parts = windows.split(cut, fold)
        samples = [
            {(r, s) for r, start in zip(part.recording, part.start, strict=True) for s in range(start, start + 100, 10)}
            for part in parts.values()
        ]
        assert len(set.union(*samples)) == sum(map(len, samples))
        assert sum(map(len, parts.values())) == len(cut)
        assert all(set(part.subject) == set(getattr(fold, name)) for name, part in parts.items())


# -- thinning and normalisation


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=60), st.integers(1, 8))
def test_thin_keeps_at_most_so_many_of_each_subject_and_class_evenly(rows, per_class):
    subject, y = np.array(rows).T
    every = np.arange(len(y))
    kept = windows.thin(Windows(every[:, None, None], y, subject, every, every), per_class)
    assert (np.diff(kept.start) > 0).all()
    for s, c in set(rows):
        of_group, left = np.flatnonzero((subject == s) & (y == c)), kept.start[(kept.subject == s) & (kept.y == c)]
        assert len(left) == min(per_class, len(of_group))
        assert left[0] == of_group[0]
        if len(left) > 1:
            assert left[-1] == of_group[-1]
            gaps = np.diff(np.searchsorted(of_group, left))
            assert gaps.max() - gaps.min() <= 1
        np.testing.assert_array_equal(kept.x[:, 0, 0], kept.start)


@pytest.mark.parametrize("shape", [(50, 4, 30), (20, 4, 6, 6)])
def test_normalisation_equals_scikit_learn(shape):
    x = np.random.default_rng(0).normal(5, 3, shape).astype(np.float32)
    x[:, 1] *= 1e-3
    x[:, 2] = -7.3
    by_channel = np.moveaxis(x, 1, -1).reshape(-1, 4).astype(np.float64)
    scaler = StandardScaler().fit(by_channel)
    found = Normalisation.fit(x)
    np.testing.assert_allclose(found.mean, scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(found.std, scaler.scale_, rtol=1e-6)
    expected = np.moveaxis(scaler.transform(by_channel).reshape(shape[0], *shape[2:], 4), -1, 1)
    np.testing.assert_allclose(found(x), expected, atol=1e-4)
    assert found(x).dtype == np.float32
    assert found.std[2] == 1, "a constant channel"


@pytest.mark.parametrize("scaling", ["overall", "within"])
def test_constant_and_tiny_channels_are_told_apart(scaling):
    """By the size of the values: 1e-15 of a unit is a signal, rounding of a large constant is none."""
    x = np.random.default_rng(2).normal(size=(40, 4, 30))
    x[:, 1] *= 1e-15
    x[:, 2] = 123_456_789.1
    x[:, 3] = 0
    x[:, 2] += np.random.default_rng(3).integers(-3, 4, (40, 30)) * np.spacing(x[0, 2, 0])
    found = Normalisation.fit(x, scaling)
    assert found.std[0] == pytest.approx(1, rel=0.1)
    assert found.std[1] == pytest.approx(1e-15, rel=0.1)
    assert found.std[2] == found.std[3] == 1


@pytest.mark.parametrize("scaling", ["overall", "within"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 3, 5)), r"found shape \(0, 3, 5\), expected at least one value"),
        (np.zeros((4, 3, 0)), "expected at least one value"),
        (np.zeros(7), r"found float64 \(7,\), expected real numbers \(n_windows, n_channels, ...\)"),
        (np.zeros((4, 3, 5), bool), "found bool"),
        (np.zeros((4, 3, 5), complex), "found complex128"),
        (np.zeros((4, 3, 5), object), "found object"),
        (np.zeros((4, 3, 5), str), "found <U1"),
        ([[[1.0]]], "found list"),
        (np.array([1.0, 2.0, np.nan])[None, :, None], "found a value in channel 2 that is not finite in float32"),
        (np.array([1.0, np.inf, 2.0])[None, :, None], "channel 1"),
        (np.array([1.0, 2.0, 1e39])[None, :, None], "channel 2"),
        (np.array([[[1.0, 2.0], [1e200, -1e200]]]), "channel 1"),
    ],
)
def test_nothing_is_fitted_on_what_is_no_signal(x, message, scaling):
    with pytest.raises(MixkdError, match=f"^normalisation: .*{message}"):
        Normalisation.fit(x, scaling)


@pytest.mark.parametrize("shape", [(5,), (4, 1, 9), (4, 6, 9), (3, 9)])
def test_normalisation_of_another_number_of_channels_is_refused(shape):
    fitted = Normalisation.fit(np.random.default_rng(0).normal(size=(4, 3, 9)))
    with pytest.raises(
        MixkdError, match=r"normalisation: found float64 \(.*\), expected real numbers \(n_windows, 3, "
    ):
        fitted(np.zeros(shape))


# -- as the group's released code does, and official test sets


def labelled(*labels: int) -> Recordings:
    y = np.array(labels)
    x = np.arange(len(y), dtype=np.float32)[:, None]
    return Recordings((x,), (y,), np.array([1]), 10.0, ("x",), ("1",), ("a", "b"))


def test_rule_ends_asks_for_first_and_last_and_starts_one_step_in():
    found = windows.cut(labelled(*[0] * 5, 1, *[0] * 6, *[1] * 8), 4, 2, "ends")
    assert found.start.tolist() == [4, 6, 8, 12, 14], (
        "2 ends on class 1, 10 crosses, 16 would be the last and is not cut"
    )
    assert found.y.tolist() == [0, 0, 0, 1, 1]
    assert windows.cut(labelled(*[0] * 5, 1, *[0] * 6, *[1] * 8), 4, 2).start.tolist() == [0, 6, 8, 12, 14, 16]
    with pytest.raises(MixkdError, match="windows: none of 4 samples"):
        windows.cut(labelled(*[0] * 6), 4, 2, "ends")


@pytest.mark.parametrize(("n", "validation"), [(30, (1, 3)), (12, (1,))])
def test_an_official_test_set_is_the_one_fold(n, validation):
    (fold,) = windows.folds(np.arange(1, n + 1), test=(4, 2, 9))
    assert fold.test == (2, 4, 9)
    assert fold.validation == (*validation, *((5,) if n == 30 else ()))
    assert sorted(fold.test + fold.validation + fold.train) == list(range(1, n + 1))
    with pytest.raises(MixkdError, match="folds: found no subject 31, expected all of the official test set"):
        windows.folds(np.arange(1, 31), test=(2, 31))


def test_scaling_within_windows_is_the_mean_of_their_deviations():
    x = np.random.default_rng(0).normal(size=(50, 3, 20)).astype(np.float32)
    x += np.linspace(-5, 5, 50, dtype=np.float32)[:, None, None]  # levels differ between windows
    x[:, 2] = 7
    within, overall = windows.Normalisation.fit(x, "within"), windows.Normalisation.fit(x)
    np.testing.assert_allclose(within.mean, overall.mean)
    np.testing.assert_allclose(within.std[:2], x[:, :2].std(axis=2).mean(axis=0), rtol=1e-5)
    assert (overall.std[:2] > 2 * within.std[:2]).all()
    assert within.std[2] == overall.std[2] == 1


def _walk(**fields) -> Recordings:
    n = 40
    usual = {
        "signals": (np.zeros((n, 1), np.float32), np.ones((n, 1), np.float32)),
        "labels": (np.zeros(n, np.int64),) * 2,
        "subjects": np.array([1, 2]),
        "rate": 10.0,
        "channels": ("p",),
        "units": ("kPa",),
        "classes": ("walking",),
    }
    return Recordings(**usual | fields)


def test_a_window_has_the_placement_of_its_recording_and_the_target_at_its_middle():
    force = tuple(np.arange(40, dtype=np.float32)[:, None] + 100 * i for i in range(2))
    about = {"targets": force, "target_names": ("force",), "target_units": ("N",)}
    cuts = windows.cut(_walk(placement=np.array([1, 0]), placements=("wrist", "thigh"), **about), 10, 5)
    assert cuts.target[:, 0].tolist() == [5, 10, 15, 20, 25, 30, 35, 105, 110, 115, 120, 125, 130, 135]
    assert cuts.placement.tolist() == [1] * 7 + [0] * 7
    few = cuts[np.array([0, 13])]
    assert (few.target[:, 0].tolist(), few.placement.tolist()) == ([5, 135], [1, 0])
    plain = windows.cut(_walk(), 10, 5)
    assert plain.target is None
    assert plain[np.array([0])].placement is None


FORCE = {"target_names": ("f",), "target_units": ("N",)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"placement": np.array([0]), "placements": ("wrist",)}, "found 1 placements, expected 2"),
        ({"placement": np.array([0, 1]), "placements": ("wrist",)}, "found placement 1, expected 0 to 0"),
        ({"placement": np.array([0, -1]), "placements": ("a", "b")}, "found placement"),
        ({**FORCE, "targets": (np.zeros((40, 1)),)}, "targets of 1 recordings"),
        ({**FORCE, "targets": (np.zeros((40, 1)),) * 2, "target_units": ()}, "and 0 units"),
        (
            {"targets": (np.zeros((40, 2)),) * 2, "target_names": ("f",), "target_units": ("N",)},
            r"found targets \(40, 2",
        ),
        (
            {"targets": (np.full((40, 1), np.nan),) * 2, "target_names": ("f",), "target_units": ("N",)},
            "gap in target f",
        ),
    ],
)
def test_placements_and_targets_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(MixkdError, match=message):
        _walk(**fields)

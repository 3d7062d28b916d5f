"""Wrong labels in training: how many, which, the same for teachers and students; the studies of noise and of budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import SIGNAL, small, train

from mixkd import studies
from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec, TeacherSpec
from mixkd.studies import Scope
from mixkd.windows import Windows, mislabelled


def windows(n: int, n_classes: int) -> Windows:
    """Windows without content."""
    numbers = np.arange(n)
    return Windows(np.zeros((n, 1, 2), np.float32), numbers % n_classes, numbers, numbers, numbers)


@given(st.integers(1, 300), st.integers(2, 9), st.floats(0.01, 0.99), st.integers(0, 2**31 - 1), st.integers(0, 9))
def test_the_share_is_exact_and_the_rest_untouched(n, n_classes, share, seed, fold):
    clean = windows(n, n_classes)
    view = RunSpec(seed=seed, fold=fold, label_noise=share).windows
    noisy = mislabelled(clean, view, n_classes)
    wrong = noisy.y != clean.y
    assert wrong.sum() == round(share * n)
    assert set(noisy.y) <= set(range(n_classes))
    assert noisy.x is clean.x
    np.testing.assert_array_equal(mislabelled(clean, view, n_classes).y, noisy.y)
    more = mislabelled(clean, replace(view, label_noise=0.999), n_classes)
    np.testing.assert_array_equal(more.y[wrong], noisy.y[wrong])
    np.testing.assert_array_equal(clean.y, np.arange(n) % n_classes)


def test_wrong_labels_are_of_all_other_classes_and_another_seed_draws_others():
    clean = windows(6000, 4)
    of_seeds = [mislabelled(clean, RunSpec(seed=seed, label_noise=0.5).windows, 4).y for seed in (0, 1)]
    steps = np.bincount((of_seeds[0] - clean.y) % 4) / 6000
    np.testing.assert_allclose(steps, [0.5, *[1 / 6] * 3], atol=0.02)
    assert 0.3 < ((of_seeds[0] != clean.y) == (of_seeds[1] != clean.y)).mean() < 0.7


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_only_labels_of_training_windows_change(share):
    spec = small(label_noise=share, seed=3)
    noisy, clean = (fold_data(one.data) for one in (spec, replace(spec, label_noise=0.0)))
    for part in ("train", "validation", "test"):
        changed = (noisy.splits[part].y != clean.splits[part].y).sum()
        assert changed == (round(share * len(clean.splits[part])) if part == "train" else 0)
        np.testing.assert_array_equal(noisy.splits[part].x, clean.splits[part].x)
    np.testing.assert_array_equal(noisy.targets.numpy().argmax(1), noisy.splits["train"].y)
    assert (noisy.targets.sum(1) == 1).all()


def test_a_run_learns_from_them_and_is_scored_on_right_ones(tmp_path):
    spec = small(label_noise=0.4)
    noisy, clean = (train(one, Store(tmp_path)) for one in (spec, small()))
    assert noisy.history[0]["loss"] != clean.history[0]["loss"]
    y = fold_data(clean.spec.data).splits["test"].y
    assert noisy.metrics()["accuracy"] == pytest.approx((noisy.arrays["test_logits"].argmax(1) == y).mean())


def test_without_noise_a_run_is_what_it_was():
    """Its hash and its view too; that published runs keep their hashes is tested with them."""
    assert small(label_noise=0).hash == small().hash
    assert small(label_noise=0, seed=4).windows == small(seed=9).windows


REFUSED = {
    "a share of all": ({"label_noise": 1.0}, "a share from 0 to below 1"),
    "placements": ({"label_noise": 0.2, "task": "placement"}, "0 for placement: activities"),
    "forces": ({"label_noise": 0.2, "task": "regression", "dataset": "gait"}, "0 for regression: activities"),
    "other noise for a teacher": ({"label_noise": 0.2, "teachers": (TeacherSpec(seed_offset=1),)}, "0 where a teacher"),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be(fields, message):
    with pytest.raises(MixkdError, match=rf"RunSpec.label_noise: found .*expected {message}"):
        RunSpec(**fields)


def test_one_class_has_no_wrong_label():
    with pytest.raises(MixkdError, match=r"RunSpec.label_noise: found 0.5 for watch, which has one class"):
        mislabelled(windows(4, 1), RunSpec(label_noise=0.5).windows, 1)


@pytest.mark.parametrize(
    ("profile", "shares", "teachers"), [("quick", [0.0, 0.4], [()]), ("full", [0.0, 0.2, 0.4], [(), (SIGNAL,)])]
)
def test_each_share_has_its_systems_and_its_own_teacher(profile, shares, teachers, monkeypatch):
    whole = replace(studies.STUDIES["label_noise"], published=("synthetic",))
    monkeypatch.setitem(studies.STUDIES, "label_noise", whole)
    runs = [run for run in studies.specs("label_noise", Scope("synthetic", profile)) if run.fold == 0]
    assert len(runs) == len(shares) * len(teachers) * 2
    for share in shares:
        cell = [run for run in runs if run.label_noise == share]
        expected = [(of, mixed) for of in teachers for mixed in (False, True)]
        assert [(run.teachers, run.mixup is not None) for run in cell] == expected
        assert {t.windows for run in cell for t in run.teacher_runs} <= {cell[0].windows}

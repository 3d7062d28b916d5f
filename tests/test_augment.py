"""Augmentations of windows: what is drawn is what is done, in training alone, the same for students and teachers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import IMAGE, SIGNAL, results, small

from mixkd.errors import MixkdError
from mixkd.learning import augment
from mixkd.learning.fold_data import Batch, fold_data
from mixkd.learning.teachers import Live, trace
from mixkd.learning.training import stream_of
from mixkd.runs import single
from mixkd.runs.store import Store
from mixkd.specs.run import Mixup, RunSpec

KINDS = [kind for kind in augment.PARTS if kind != "none"]
X = torch.from_numpy(np.random.default_rng(0).normal(3, 1, (200, 2, 1, 50)).astype(np.float32))


def drawn(kind: str, seed: int = 0, n: int = 200) -> augment.Augmentation:
    return augment.draw(kind, n, np.random.default_rng(seed))


@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1))
def test_a_window_is_emptied_over_one_span_gets_noise_and_is_rolled(kind, seed):
    a = drawn(kind, seed)
    after = a(X).numpy()
    if "noise" not in augment.PARTS[kind]:
        for i in range(0, 200, 17):
            expected = X[i].numpy().copy()
            first, length = round(50 * a.start[i]), round(50 * a.length[i])
            expected[..., first : first + length] = 0
            np.testing.assert_array_equal(after[i], np.roll(expected, round(50 * a.shift[i]), axis=-1))
    for part, amount, most in (
        ("removal", a.length, augment.MOST_REMOVED),
        ("shifting", a.shift, augment.MOST_SHIFTED),
        ("noise", a.noise, augment.MOST_NOISE),
    ):
        inside = (amount >= 0) & (amount <= most)
        assert inside.all()
        assert amount.any() == (part in augment.PARTS[kind])
        assert part not in augment.PARTS[kind] or 0.3 * most < amount.mean() < 0.7 * most
    assert (a.start + a.length <= 1).all()


def test_noise_has_the_drawn_deviation():
    a = drawn("noise", n=20)
    x = torch.zeros(20, 3, 1, 4000)
    np.testing.assert_allclose(a(x).numpy().std((1, 2, 3)), a.noise, rtol=0.05)


def test_none_is_nothing():
    assert augment.draw("none", 8, np.random.default_rng(0)) is None


@pytest.mark.parametrize("kind", ["removal", "mix2"])
@pytest.mark.parametrize("mixup", [None, Mixup(0.4)])
def test_a_batch_is_mixed_then_augmented_and_targets_and_tests_are_not(kind, mixup):
    plain, spec = small(mixup=mixup), small(mixup=mixup, augment=kind)
    data = fold_data(spec.data)
    draws, same = stream_of(spec.stream, data), stream_of(plain.stream, data)
    assert np.array_equal(draws.rows, same.rows)
    one, other = Batch(3, draws[3], data), Batch(3, same[3], data)
    assert torch.equal(one.inputs("signal"), draws[3].augmentation(other.inputs("signal")))
    assert torch.equal(one.targets, other.targets)
    assert not torch.equal(one.inputs("signal"), other.inputs("signal"))
    assert torch.equal(draws.first(4)[3].augmentation(X[:16]), draws[3].augmentation(X[:16]))
    assert fold_data(plain.data, data) is data


def test_a_trace_is_what_the_live_teacher_says_of_augmented_batches():
    spec = small(augment="mix2", mixup=Mixup(0.4))
    data = fold_data(spec.data)
    draws, net = stream_of(spec.stream, data), single.untrained(spec.network, data).eval()
    traced = trace(net, "signal", data, draws)
    for step in (0, len(draws) - 1):
        live = Live(net, "signal").outputs(Batch(step, draws[step], data)).logits
        torch.testing.assert_close(traced[step], live)


def test_student_and_teacher_are_augmented_each_in_its_own_training(tmp_path):
    student = small(teachers=(replace(SIGNAL, augment="noise"),), augment="mix1")
    (teacher,) = student.teacher_runs
    assert (teacher.augment, student.augment) == ("noise", "mix1")
    assert replace(student, init="scratch").parent.augment == "none"
    for store in (Store(tmp_path / "one"), Store(tmp_path / "two")):
        single.run(teacher, store)
        single.run(student, store)
    assert results(Store(tmp_path / "one")) == results(Store(tmp_path / "two"))


@pytest.mark.parametrize("fields", [{"modality": "image", "role": "teacher"}, {"teachers": (IMAGE,)}])
def test_networks_that_read_images_are_refused(fields):
    with pytest.raises(MixkdError, match=r"RunSpec\.augment: found 'noise', expected none for networks and teachers"):
        RunSpec(augment="noise", **fields)
    with pytest.raises(MixkdError, match=r"TeacherSpec\.augment: found 'noise'"):
        replace(IMAGE, augment="noise")

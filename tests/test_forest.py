"""Trees as a network, against scikit-learn's own predictions; as teachers, traced and live; what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import small, train
from sklearn.ensemble import ExtraTreesClassifier

from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data
from mixkd.learning.forest import LOWEST, N_LEAVES, N_TREES, ForestNet, Trees, below
from mixkd.learning.statistics import statistics
from mixkd.learning.teachers import Live, trace
from mixkd.learning.training import Batch, stream_of
from mixkd.runs.store import Store
from mixkd.specs.run import Constant, Mixup, RunSpec, TeacherSpec

TREES = TeacherSpec(family="forest")


@given(st.lists(st.floats(-1e30, 1e30), min_size=1))
def test_below_is_the_nearest_smaller_number(numbers):
    x = np.array(numbers)
    found = below(x)
    assert found.dtype == np.float32
    assert (found <= x).all()
    assert (np.nextafter(found, np.float32(np.inf)) > x).all()


@pytest.mark.parametrize("known", [range(4), (0, 3), (2,)])
def test_trees_answer_as_those_of_scikit_learn(known):
    rng = np.random.default_rng(len(known))
    features, y = rng.normal(size=(300, 7)).astype(np.float32), rng.choice(list(known), size=300)
    trees = Trees(4)
    trees.grow(features, y, seed=5)
    own = ExtraTreesClassifier(N_TREES, max_leaf_nodes=N_LEAVES, random_state=5).fit(features, y)
    asked = np.concatenate([features, rng.normal(size=(50, 7)).astype(np.float32)])
    expected = np.full((len(asked), 4), LOWEST)
    expected[:, own.classes_] = own.predict_proba(asked)
    found = trees(torch.from_numpy(asked)).exp().numpy()
    np.testing.assert_allclose(found, np.maximum(expected, LOWEST), atol=1e-6)
    again = Trees(4)
    again.load_state_dict(trees.state_dict())
    assert torch.equal(again(torch.from_numpy(asked)), trees(torch.from_numpy(asked)))


def test_a_stored_forest_is_scikit_learn_on_statistics_of_normalised_windows(tmp_path):
    spec = small(role="teacher", family="forest")
    record, data = train(spec, Store(tmp_path)), fold_data(spec.data)
    x = {split: statistics(data.signals[split][:, :, 0].numpy()).astype(np.float32) for split in ("train", "test")}
    own = ExtraTreesClassifier(N_TREES, max_leaf_nodes=N_LEAVES, random_state=spec.seed)
    expected = own.fit(x["train"], data.splits["train"].y).predict_proba(x["test"])
    np.testing.assert_allclose(np.exp(record.arrays["test_logits"]), np.maximum(expected, LOWEST), atol=1e-6)
    assert len(record.history) == 1
    assert record.metrics()["accuracy"] > 0.5
    assert {"curves", "scaled"} <= record.probes.keys()
    assert not {"fgsm", "sharpness"} & record.probes.keys()  # they need gradients


@pytest.mark.parametrize("mixup", [None, Mixup(), Mixup(share=0.5)])
def test_the_trace_of_a_forest_is_what_it_says_live(mixup):
    spec = small(teachers=[TREES], mixup=mixup)
    data = fold_data(spec.data)
    net = ForestNet(data.n_outputs).eval()
    net.grow(data.signals["train"], data.splits["train"].y, 0)
    draws = stream_of(spec.stream, data)
    traced, live = trace(net, "signal", data, draws), Live(net, "signal")
    for step in range(len(draws)):
        said = live.outputs(Batch(step, draws[step], data)).logits
        torch.testing.assert_close(traced[step], said, rtol=0, atol=1e-5)


def test_a_student_learns_from_trees(tmp_path):
    store, spec = Store(tmp_path), small(teachers=[TREES], mixup=Mixup())
    train(spec.teacher_runs[0], store)
    record = train(spec, store)
    assert record.history[-1]["parts"]["KD"] < record.history[0]["parts"]["KD"]
    assert record.metrics()["accuracy"] > 0.3


def test_fields_of_steps_have_no_effect_on_trees():
    plain = RunSpec(family="forest")
    for fields in ({"epochs": 7}, {"learning_rate": 0.5}, {"schedule": "step"}, {"depth": 28}, {"width": 3}):
        assert RunSpec(family="forest", **fields).hash == plain.hash
    assert TeacherSpec(family="forest", stopping="best_validation") == TREES
    assert plain.name == "watch fold 0 seed 0 student signal forest"
    assert "student signal 16-1 <signal forest kd T=" in RunSpec(teachers=(TREES,)).name
    runs = [RunSpec(teachers=(TREES,), epochs=n) for n in (5, 9)]
    assert runs[0].teacher_runs == runs[1].teacher_runs


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RunSpec(family="forest", teachers=(TREES,)), "trees learn from labels alone, at once"),
        (lambda: RunSpec(family="forest", init="scratch"), "trees learn from labels alone, at once"),
        (lambda: RunSpec(family="forest", method="label_smoothing"), "trees learn from labels alone, at once"),
        (lambda: RunSpec(family="forest", mixup=Mixup()), "trees learn one set of classes, from clean windows"),
        (lambda: RunSpec(family="forest", augment="noise"), "trees learn one set of classes, from clean windows"),
        (lambda: RunSpec(family="forest", orthogonality=0.1), "trees learn one set of classes, from clean windows"),
        (lambda: RunSpec(family="forest", task="two_heads"), "trees learn one set of classes, from clean windows"),
        (lambda: RunSpec(family="forest", modality="image"), "a family that reads images"),
        (lambda: TeacherSpec(family="forest", mixup=Mixup()), "none for trees, which learn from clean windows"),
        (lambda: TeacherSpec(family="forest", augment="noise"), "none for trees, which learn from clean windows"),
        (lambda: RunSpec(teachers=(TREES,), method="at"), "of family wrn: this method reads maps or features"),
        (lambda: RunSpec(teachers=(TREES,), task="two_heads"), "trees learn one set of classes, from clean windows"),
    ],
)
def test_what_trees_cannot_do_is_refused_in_one_line(make, said):
    with pytest.raises(MixkdError) as refusal:
        _ = make().teacher_runs
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_run_of_trees_is_not_that_of_a_network():
    assert len({RunSpec(family="forest").hash, RunSpec().hash, replace(RunSpec(), seed=1).hash}) == 3
    with pytest.raises(MixkdError):
        RunSpec(family="forest", constants=(Constant("share", 0.5),))

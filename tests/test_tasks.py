"""Targets, losses and metrics of the tasks, against scipy and numpy; what lacks labels is refused beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import BOTH, SIGNAL, results, small
from scipy.special import log_softmax, softmax
from scipy.stats import entropy, pearsonr

from mixkd.datasets import DATASETS
from mixkd.errors import MixkdError
from mixkd.learning import tasks
from mixkd.learning.fold_data import Batch, fold_data
from mixkd.learning.networks import build
from mixkd.learning.teachers import Averaged
from mixkd.learning.training import stream_of
from mixkd.runs import single, sweep
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Mixup, RunSpec
from mixkd.specs.tasks import TASKS
from mixkd.windows import Windows

RNG = np.random.default_rng(5)
N = 30


def part(**fields) -> Windows:
    n = np.arange(N)
    y, place = RNG.integers(0, 4, N), RNG.integers(0, 3, N)
    usual = {"x": np.zeros((N, 1, 4)), "y": y, "subject": n, "recording": n, "start": n, "placement": place}
    return Windows(**usual | {"target": RNG.normal(5, [2, 30], (N, 2)).astype(np.float32)} | fields)


TRAIN = part()
A, B = (RNG.normal(0, 2, (N, 7)).astype(np.float32) for _ in range(2))


def test_two_heads_are_two_classifications_of_equal_weight():
    task = tasks.two_heads(TRAIN, 4, 3)
    targets = task.targets(TRAIN).numpy()
    assert (targets[:, :4].argmax(1) == TRAIN.y).all()
    assert (targets[:, 4:].argmax(1) == TRAIN.placement).all()
    n = np.arange(N)
    losses = [-log_softmax(A[:, :4], 1)[n, TRAIN.y], -log_softmax(A[:, 4:], 1)[n, TRAIN.placement]]
    np.testing.assert_allclose(task.loss(torch.from_numpy(A), task.targets(TRAIN)), np.mean(losses, 0), rtol=1e-5)
    heads = [slice(0, 4), slice(4, 7)]
    divergences = [9 * entropy(softmax(B[:, head] / 3, 1), softmax(A[:, head] / 3, 1), axis=1) for head in heads]
    ours = task.kd(torch.from_numpy(A), torch.from_numpy(B), 3.0)
    np.testing.assert_allclose(ours, np.mean(divergences, 0), rtol=1e-4, atol=1e-6)
    found = task.summary(A, TRAIN)
    assert found["accuracy"] == (A[:, :4].argmax(1) == TRAIN.y).mean()
    assert found["placement_accuracy"] == (A[:, 4:].argmax(1) == TRAIN.placement).mean()
    alone = tasks.placement(TRAIN, 4, 3)
    assert alone.summary(A[:, 4:], TRAIN)["nll"] == pytest.approx(found["placement_nll"])


def test_regression_is_trained_standardised_and_measured_in_units():
    task, test = tasks.regression(TRAIN, 1, 0), part()
    standard = task.targets(TRAIN).numpy()
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(0), 1, rtol=1e-5)
    predicted = A[:, :2] * TRAIN.target.std(0) + TRAIN.target.mean(0)
    rmse = np.sqrt(((predicted - test.target) ** 2).mean(0))
    found = task.summary(A[:, :2], test)
    assert found["rmse"] == pytest.approx(rmse.mean(), rel=1e-5)
    assert found["nrmse"] == pytest.approx((rmse / np.ptp(test.target, 0)).mean(), rel=1e-5)
    assert found["pearson_r"] == pytest.approx(
        np.mean([pearsonr(predicted[:, i], test.target[:, i])[0] for i in (0, 1)])
    )
    a, b = torch.from_numpy(A[:, :2]), torch.from_numpy(B[:, :2])
    np.testing.assert_allclose(task.loss(a, b), ((A[:, :2] - B[:, :2]) ** 2).mean(1), rtol=1e-5)
    assert torch.equal(task.kd(a, b, 4.0), task.loss(a, b))
    with pytest.raises(MixkdError, match="outputs and targets"):
        task.loss(a, b[:, :1])


def test_a_target_that_never_changes_has_finite_metrics():
    flat = part(target=np.full((N, 1), 3, np.float32))
    found = tasks.regression(flat, 1, 0).summary(np.zeros((N, 1)), flat)
    assert found == {"rmse": 0.0, "nrmse": 0.0, "pearson_r": 0.0}


SPECS = {
    "placement": {"dataset": "watch", "task": "placement"},
    "two_heads": {"dataset": "watch", "task": "two_heads", "mixup": Mixup(0.4)},
    "two_heads, taught": {"dataset": "watch", "task": "two_heads", "teachers": BOTH},
    "two_heads, maps": {"dataset": "watch", "task": "two_heads", "teachers": (SIGNAL,), "method": "at"},
    "regression": {"dataset": "gait", "task": "regression", "mixup": Mixup(0.4), "epochs": 8},
    "regression, stopped": {"dataset": "gait", "task": "regression", "stopping": "best_validation", "epochs": 6},
    "regression, taught": {"dataset": "gait", "task": "regression", "teachers": (SIGNAL,)},
}


@pytest.mark.parametrize("fields", SPECS.values(), ids=SPECS)
def test_each_task_trains_and_is_stored(tmp_path, fields):
    spec, store = small(**fields, windows_per_class=3), Store(tmp_path)
    for needed in spec.requires:
        single.run(needed, store)
    record = single.run(spec, store)
    assert TASKS[spec.task].headline in record.metrics()
    if spec.stopping == "last":  # the best epoch may be the first
        assert record.history[-1]["loss"] < record.history[0]["loss"]
    again = Store(tmp_path / "again")
    for needed in spec.requires:
        single.run(needed, again)
    single.run(spec, again)
    assert results(store) == results(again)


@pytest.mark.parametrize(("task", "having"), [("two_heads", "watch"), ("placement", "watch"), ("regression", "gait")])
def test_a_data_set_without_the_labels_is_refused_before_anything_starts(store_home, task, having):
    with pytest.raises(MixkdError, match=rf"RunSpec.task: found '{task}' for synthetic, .*expected .*{having}"):
        sweep.run([small(task=task)])
    assert not store_home.exists()


@pytest.mark.parametrize("task", ["placement_of", "regression"])
def test_windows_without_the_labels_are_refused(task):
    bare = replace(TRAIN, placement=None, target=None)
    with pytest.raises(MixkdError, match="expected a data set with"):
        tasks.placement_of(bare) if task == "placement_of" else tasks.regression(bare, 1, 0)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.classes])
def test_a_method_that_reads_classes_is_refused_for_other_tasks(name):
    teachers = {"several": BOTH, "none": ()}.get(METHODS[name].teachers, (SIGNAL,))
    fields = {"method": name, "teachers": teachers}
    with pytest.raises(MixkdError, match="expected a task of one set of classes"):
        RunSpec(dataset="gait", task="regression", **fields)
    assert RunSpec(task="placement", **fields)


@pytest.mark.parametrize("field", ["logit_scaling", "kd_reduction"])
def test_released_forms_are_refused_for_other_tasks(field):
    with pytest.raises(MixkdError, match="released forms of KD"):
        RunSpec(task="two_heads", teachers=(SIGNAL,), **{field: "released"})


def test_the_registry_says_what_is_labelled():
    for name in ("watch", "gait", "synthetic"):
        recordings = DATASETS[name].load()
        told = {"placement": recordings.placements, "targets": recordings.target_names}
        assert set(DATASETS[name].labels) == {label for label, names in told.items() if names}


def test_an_averaged_teacher_is_the_weighted_sum_of_all_students():
    """Closed form: after steps with decays d_t, the mean is prod d of the first plus what each step gave."""
    net = build("signal", 10, 1, n_channels=2, n_classes=4, generator=torch.Generator().manual_seed(0))
    teacher = Averaged(net, "signal", 0.5)
    expected = net.head.weight.detach().clone()
    for step in range(6):
        with torch.no_grad():
            net.head.weight.add_(1.0)
            net.bn.running_mean.add_(1.0)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * net.head.weight.detach()
        teacher.follow(net, step)
    torch.testing.assert_close(teacher.net.head.weight, expected)
    assert torch.equal(teacher.net.bn.running_mean, net.bn.running_mean)
    spec = small(windows_per_class=3)
    data = fold_data(spec.data)
    batch = Batch(0, stream_of(spec.stream, data)[0], data)
    logits = teacher.outputs(batch).logits
    assert not logits.requires_grad
    assert torch.equal(logits, teacher.net(batch.inputs("signal")))

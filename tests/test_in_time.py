"""Batches of consecutive windows and the time-aware loss; MTL-net and what its released form sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import SIGNAL, results, small
from torch import nn

from mixkd.errors import MixkdError
from mixkd.learning.families import FAMILIES, mtl
from mixkd.learning.fold_data import Batch, fold_data
from mixkd.learning.methods import RULES, Step
from mixkd.learning.methods.in_time import changes
from mixkd.learning.networks import Outputs, n_parameters
from mixkd.learning.streams import stream
from mixkd.learning.training import stream_of
from mixkd.runs import cost, single
from mixkd.runs.store import Store
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec
from mixkd.specs.views import NetworkView

TWO = (TeacherSpec(weight=0.3), TeacherSpec(width=2, weight=0.7))
GAIT = {"dataset": "gait", "task": "regression", "windows_per_class": 6, "batch_size": 12}

# -- order


@pytest.mark.parametrize("n_windows", [64, 71, 200])
def test_batches_in_time_are_consecutive_and_visit_a_window_at_most_once_an_epoch(n_windows):
    draws = stream(n_windows, 16, 3, None, seed=5, order="time")
    assert (np.diff(draws.rows, axis=1) % n_windows == 1).all()
    per_epoch = n_windows // 16
    assert len(draws) == 3 * per_epoch
    for epoch in draws.rows.reshape(3, -1):
        assert len(set(epoch.tolist())) == len(epoch)
    starts = draws.rows[:, 0].reshape(3, per_epoch)
    assert len({tuple(row) for row in starts.tolist()}) == 3, "another order in each epoch"


def test_mixup_of_batches_in_time_mixes_within_the_batch():
    draws = stream(100, 10, 2, Mixup(0.4), seed=1, order="time")
    assert all(set(p) <= set(r) for r, p in zip(draws.rows.tolist(), draws.partners.tolist(), strict=True))


# -- loss


def numpy_similarity(f: np.ndarray) -> np.ndarray:
    unit = f / np.maximum(np.linalg.norm(f, axis=1, keepdims=True), 1e-12)
    return unit @ unit.T


def test_time_aware_loss_is_four_means_of_squares():
    spec = small(**GAIT, method="time_aware", teachers=TWO, order="time")
    data = fold_data(spec.data)
    batch = Batch(2, stream_of(spec.stream, data)[2], data)
    rng, n = np.random.default_rng(2), spec.batch_size
    sizes = (64, 64, 128)
    made = [(rng.normal(size=(n, 2)), rng.normal(size=(n, size))) for size in sizes]
    student, *taught = (Outputs(torch.from_numpy(z), torch.from_numpy(f)) for z, f in made)
    target = batch.targets.double()
    step = Step(student, target, taught, spec, data.task, nn.ModuleList(), None, None, batch)
    parts = {name: part.mean().item() for name, part in RULES["time_aware"].loss(step).items()}
    (z, f), *others = made
    of_batch = data.splits["train"][batch.draw.rows]
    places = list(zip(of_batch.recording, of_batch.start, strict=True))
    follows = [i for i in range(n - 1) if places[i][0] == places[i + 1][0] and places[i][1] < places[i + 1][1]]
    assert 0 < len(follows) < n - 1, "some neighbours are of two recordings"
    weights = [0.3, 0.7]
    merged = sum(w * numpy_similarity(g) for w, (_, g) in zip(weights, others, strict=True))
    moved = sum(w * numpy_similarity(np.diff(g, axis=0)[follows]) for w, (_, g) in zip(weights, others, strict=True))
    assert parts == pytest.approx(
        {
            "task": ((z - target.numpy()) ** 2).mean(),
            "outputs": sum(w * ((z - y) ** 2).mean() for w, (y, _) in zip(weights, others, strict=True)),
            "similarity": ((numpy_similarity(f) - merged) ** 2).mean(),
            "changes": ((numpy_similarity(np.diff(f, axis=0)[follows]) - moved) ** 2).mean(),
        }
    )


def test_without_neighbours_of_one_recording_changes_are_nothing():
    f = torch.arange(12.0).reshape(4, 3)
    assert torch.equal(changes(f, torch.zeros(3, dtype=torch.bool)), torch.zeros(1, 3))


def test_it_trains_on_forces_and_comes_out_the_same_again(tmp_path):
    spec = small(**GAIT, method="time_aware", teachers=TWO, order="time", epochs=6)
    for store in (Store(tmp_path / "one"), Store(tmp_path / "two")):
        for required in spec.requires:
            single.run(required, store)
        record = single.run(spec, store)
    assert results(Store(tmp_path / "one")) == results(Store(tmp_path / "two"))
    assert record.history[-1]["parts"].keys() == {"task", "outputs", "similarity", "changes"}
    assert record.history[-1]["loss"] < record.history[0]["loss"]


# -- MTL-net


def network(released: bool, shape=(3, 100), n_outputs=16) -> nn.Module:
    return mtl(NetworkView(0, "student", "signal", 16, 1, None, "mtl"), shape, n_outputs, 7, released=released)


def test_released_form_has_the_published_number_of_parameters():
    """1,798,032 for windows of 3 x 100, 13 activities and 3 placements."""
    assert n_parameters(network(released=True)) == 1_798_032


@pytest.mark.parametrize("released", [True, False])
def test_which_samples_reach_the_outputs(released):
    """As released, all rows of the reshaped input but the first have gradient 0: 34 of 100 samples are seen."""
    x = torch.randn(5, 3, 1, 100, generator=torch.Generator().manual_seed(1)).requires_grad_()
    network(released)(x).pow(2).sum().backward()
    seen = (x.grad != 0).any(0)[:, 0]  # (n_channels, n_samples)
    if released:
        order = seen.T.reshape(-1)  # sample by sample, its channels side by side, as the released code reads them
        assert order[:100].all()
        assert not order[100:].any()
        assert seen.any(0).sum() == 34
    else:
        assert seen.all()


def test_both_heads_share_all_layers_and_the_multiply_adds_are_counted():
    for released in (True, False):
        net, counted = network(released), []
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.register_forward_hook(
                    lambda layer, _, y, out=counted: out.append(layer.weight[0].numel() * y[0].numel())
                )
        net(torch.zeros(1, 3, 1, 100))
        assert cost.mtl_multiply_adds((3, 100), 16, released=released) == sum(counted)
        layers = [module.weight.numel() for module in net.modules() if isinstance(module, nn.Linear)]
        assert cost.mtl_layers((3, 100), 16, released=released) == sum(layers)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name.startswith("mtl")])
def test_each_family_trains_for_two_heads_with_an_averaged_teacher(tmp_path, family):
    spec = small(dataset="watch", task="two_heads", family=family, method="smooth", temperature=3.0, learning_rate=0.01)
    record = single.run(replace(spec, epochs=3), Store(tmp_path))
    assert {"accuracy", "placement_accuracy"} <= record.metrics().keys()
    assert record.arrays["test_features"].shape[1] == 512


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"modality": "image", "role": "teacher"}, "found 'mtl', expected a family that reads images"),
        ({"method": "at", "teachers": (SIGNAL,)}, "this method reads its maps or features"),
    ],
)
def test_a_family_that_does_not_fit_is_refused(fields, message):
    with pytest.raises(MixkdError, match=message):
        RunSpec(family="mtl", **fields)
    with pytest.raises(MixkdError, match="found MTL-net for windows of 20 samples, expected at least 28"):
        network(False, (3, 20))


def test_depth_and_width_have_no_effect_on_another_family():
    assert RunSpec(family="mtl", depth=28, width=3) == RunSpec(family="mtl")
    assert RunSpec(family="mtl").hash != RunSpec().hash

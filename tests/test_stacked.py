"""Runs side by side are the runs one by one: the same function, the same steps, the same records."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import BOTH, FULL, IMAGE, PARTIAL, SIGNAL, small, step_of, train

from mixkd.errors import MixkdError
from mixkd.learning import losses, networks, stacked, stacked_training, training
from mixkd.learning.fold_data import evaluate, fold_data
from mixkd.learning.networks import Outputs
from mixkd.learning.teachers import Live, Traced
from mixkd.runs import planning, single, worker
from mixkd.runs.local import Local
from mixkd.runs.store import Store
from mixkd.specs import stacks
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec

MIXTURE = [  # every loss that differs, with and without mixup, of two seeds
    small(),
    small(seed=1, mixup=FULL),
    small(teachers=[SIGNAL]),
    small(teachers=[SIGNAL], temperature=8, mixup=FULL),
    small(teachers=BOTH, kd_weight=0.5, mixup=PARTIAL),
    small(teachers=BOTH, method="ebkd"),
    small(teachers=[IMAGE], kd_reduction="released", logit_scaling="released"),
    small(teachers=BOTH, method="aver", seed=1),
    small(method="label_smoothing"),
]
APART = {  # what no stack holds
    "augment": small(augment="noise"),
    "orthogonality": small(orthogonality=0.1),
    "stopping": small(stopping="best_validation"),
    "family": small(family="mtl"),
    "method": small(teachers=[SIGNAL], method="dist"),
    "maps": small(teachers=[SIGNAL], method="at"),
    "recompute": small(teachers=[IMAGE], mixup=FULL, image_mixing="recompute"),
}


@given(
    st.sampled_from([("signal", (3, 29)), ("signal", (1, 64)), ("image", (2, 9, 9)), ("image", (3, 16, 16))]),
    st.sampled_from([(10, 1), (16, 1), (10, 2)]),
    st.integers(1, 4),
    st.sampled_from([2, 5, 16, 24]),
)
def test_a_stack_is_its_networks(inputs, size, n_networks, n):
    """Outputs in training and evaluation, gradients, and statistics of BatchNorm, in double precision."""
    (modality, shape), (depth, width) = inputs, size
    draw = torch.Generator().manual_seed(n)
    nets = [
        networks.build(modality, depth, width, n_channels=shape[0], n_classes=4, generator=draw).double()
        for _ in range(n_networks)
    ]
    x = torch.randn(n_networks, n, *shape, generator=draw, dtype=torch.float64)
    x = x.unsqueeze(3) if modality == "signal" else x
    slopes = torch.randn(n_networks, n, 4, generator=draw, dtype=torch.float64)
    whole = stacked.stack(nets)
    (whole(stacked.joined(x)) * slopes).sum().backward()
    for net, own, slope in zip(nets, x, slopes, strict=True):
        (net(own) * slope).sum().backward()
    for (name, together), *each in zip(whole.named_parameters(), *(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(together.grad, torch.stack([p.grad for p in each]), msg=name)
    with torch.no_grad():
        found = whole.eval()(stacked.joined(x))
        torch.testing.assert_close(found, torch.stack([net.eval()(own) for net, own in zip(nets, x, strict=True)]))
    fresh = [networks.build(modality, depth, width, n_channels=shape[0], n_classes=4, generator=draw) for _ in nets]
    stacked.give_back(whole, fresh)
    for one, other in zip(fresh, nets, strict=True):
        for name, value in other.state_dict().items():
            torch.testing.assert_close(one.state_dict()[name].double(), value.double(), msg=name)


def learners(specs, data, store, dtype=torch.float64):
    """Runs before their first step in double precision or another, with traces that are drawn, and their streams."""
    students, streams = [], {}
    for spec in specs:
        draws = streams.setdefault(spec.stream, training.stream_of(spec.stream, data))
        draw = torch.Generator().manual_seed(len(students))
        shape = *draws.rows.shape, data.n_outputs
        traces = [Traced(torch.randn(shape, generator=draw, dtype=dtype)) for _ in spec.teachers]
        net = single.initial_network(spec, data, store).to(dtype)
        students.append(training.learner(spec, net, traces))
    return students, [streams[spec.stream] for spec in specs]


@pytest.fixture
def doubled():
    """The data of the small runs in double precision, where two orders of summing differ by next to nothing."""
    data = fold_data(small().data)
    for name, x in data.signals.items():
        data.signals[name] = x.double()
    data.__dict__["targets"] = data.targets.double()
    return data


def test_stacked_training_takes_the_steps_of_single_runs(doubled, tmp_path):
    """Eight steps of nine runs with seven different losses: weights, losses, their parts and metrics."""
    (one, draws), (other, _) = (learners(MIXTURE, doubled, Store(tmp_path)) for _ in range(2))
    together = stacked_training.fit(one, draws, doubled)
    apart = [training.fit([student], doubled, own)[0] for student, own in zip(other, draws, strict=True)]
    for a, b, mine, theirs in zip(one, other, together, apart, strict=True):
        for (name, value), expected in zip(a.net.state_dict().items(), b.net.state_dict().values(), strict=True):
            torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-11, msg=f"{a.spec.name}: {name}")
        for row, expected in zip(mine, theirs, strict=True):
            assert row["loss"] == pytest.approx(expected["loss"], rel=1e-9)
            assert row["parts"] == pytest.approx(expected["parts"], rel=1e-9)
            for split in ("validation", "test"):
                assert row[split] == pytest.approx(expected[split], rel=1e-9)


def test_bfloat16_in_a_stack_and_alone_is_float32_but_for_its_rounding(tmp_path):
    """Four small steps of three runs: logits differ by the rounding of 8 bits; weights and statistics have 32."""
    data, logits = fold_data(small().data), {}
    for precision in ("float32", "bfloat16"):
        specs = [replace(MIXTURE[i], epochs=1, learning_rate=1e-3, precision=precision) for i in (1, 4, 8)]
        (one, draws), (other, _) = (learners(specs, data, Store(tmp_path), torch.float32) for _ in range(2))
        stacked_training.fit(one, draws, data)
        for student, own in zip(other, draws, strict=True):
            training.fit([student], data, own)
        logits[precision] = [[evaluate(s.net, data, "signal", "test")[0] for s in every] for every in (one, other)]
        tensors = [tensor for s in (*one, *other) for tensor in s.net.state_dict().values() if tensor.ndim]
        assert {tensor.dtype for tensor in tensors} == {torch.float32}
    exact = logits["float32"][1]
    for rounded in logits["bfloat16"]:
        for one, expected in zip(rounded, exact, strict=True):
            assert 2**-12 < np.abs(one - expected).max() / expected.std() < 2**-5
    for one, other in zip(*logits["bfloat16"], strict=True):
        assert np.abs(one - other).max() / other.std() < 2**-5


def test_a_record_says_its_precision_and_so_do_those_of_its_teachers(tmp_path):
    spec = small(teachers=BOTH, precision="bfloat16", epochs=1)
    record = train(spec, Store(tmp_path))
    for run in (spec, *spec.teacher_runs):
        assert json.loads(json.dumps(Store(tmp_path).get(run).spec.as_dict()))["precision"] == "bfloat16"
    exact = train(replace(spec, precision="float32"), Store(tmp_path))
    assert record.history[0]["loss"] == pytest.approx(exact.history[0]["loss"], rel=0.05)
    assert record.history[0]["loss"] != exact.history[0]["loss"]
    assert RunSpec(family="forest", precision="bfloat16") == RunSpec(family="forest")


def test_a_stack_refuses_a_live_teacher_and_a_loss_that_is_not_finite(doubled, tmp_path, monkeypatch):
    (student,), draws = learners([small(teachers=[SIGNAL])], doubled, Store(tmp_path))
    student.teachers[0] = Live(student.net, "signal")
    with pytest.raises(MixkdError, match="found a teacher without a trace"):
        stacked_training.fit([student], draws, doubled)
    for name, unseen in (("not finite", False), (f"{small(seed=1).name}, epoch 0: found the loss nan", True)):
        if unseen:  # as on a card, where a step looks at nothing
            monkeypatch.setattr(losses, "finite", lambda *_: None)
        students, draws = learners([small(), small(seed=1)], doubled, Store(tmp_path))
        with torch.no_grad():
            students[1].net.head.bias[0] = torch.nan
        with pytest.raises(MixkdError, match=name):
            stacked_training.fit(students, draws, doubled)


@pytest.mark.parametrize("name", METHODS)
def test_stacks_hold_the_methods_whose_loss_is_a_mean_over_windows(name):
    """All whose parts are numbers of windows, that see the batch as it is, and need traces alone."""
    method = METHODS[name]
    if method.reads == "maps" or method.own_head or name in ("patch_swap", "smooth", "dropout"):
        expected = False  # they look at more than the logits of a step
    else:
        logits = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0))
        n_teachers = {"none": 0, "several": 2}.get(method.teachers, 1)
        spec = small(teachers=[(), [SIGNAL], BOTH][n_teachers], method=name)
        outputs = [Outputs(z, torch.zeros(6, 2)) for z in logits]
        parts = training.terms(step_of(outputs[0], logits.softmax(2)[0], outputs[1 : 1 + n_teachers], spec))
        expected = all(part.shape == (6,) for part in parts.values())
    assert (name in stacks.PER_WINDOW) == expected


@pytest.mark.parametrize("field", APART)
def test_what_no_stack_holds_goes_apart(field):
    assert not stacks.stackable(APART[field])
    chunks = planning.chunks([*MIXTURE, APART[field]], stacked=True)
    assert [APART[field]] in [list(chunk.specs) for chunk in chunks]


OTHER_SHAPE = {
    "precision": "bfloat16",
    "fold": 1,
    "epochs": 3,
    "batch_size": 8,
    "width": 2,
    "learning_rate": 0.05,
    "schedule": "step",
}


@pytest.mark.parametrize(("field", "value"), OTHER_SHAPE.items())
def test_runs_of_another_shape_go_apart(field, value):
    one, other = planning.chunks([small(), replace(small(), **{field: value})], stacked=True)
    assert len(one.specs) == len(other.specs) == 1


def test_stacks_hold_every_run_once_and_are_of_even_sizes(monkeypatch):
    monkeypatch.setattr(planning, "STACK", 4)
    every = planning.with_requirements([*MIXTURE, *APART.values()])
    chunks = planning.chunks(every, stacked=True)
    assert sorted(spec.hash for chunk in chunks for spec in chunk.specs) == sorted(spec.hash for spec in every)
    levels = [planning.level(chunk.specs[0]) for chunk in chunks]
    assert all(a <= b for a, b in pairwise(levels))
    students = [len(chunk.specs) for chunk in chunks if MIXTURE[2] in chunk.specs or MIXTURE[7] in chunk.specs]
    assert max(students) - min(students) <= 1


def test_a_stacked_chunk_leaves_the_records_of_single_runs(tmp_path):
    """What they hold, and their numbers after one epoch in single precision, to what two orders of summing change."""
    specs = [replace(spec, epochs=1, learning_rate=1e-3) for spec in MIXTURE]
    one, other, answers = Store(tmp_path / "one"), Store(tmp_path / "other"), []
    for chunk in planning.chunks(planning.with_requirements(specs), stacked=True):
        done = worker.train_stack(chunk.specs, one, answers.append, "cpu")
        assert done == len(chunk.specs)
        assert [answer["hash"] for answer in answers[-done:]] == [spec.hash for spec in chunk.specs]
    assert not any(answer["error"] for answer in answers)
    for spec in specs:
        found, expected = one.get(spec), train(spec, other)
        assert found.data == expected.data
        assert found.probes.keys() == expected.probes.keys()
        assert found.provenance.keys() == expected.provenance.keys()
        assert found.history[-1]["loss"] == pytest.approx(expected.history[-1]["loss"], abs=1e-4)
        for name, array in expected.arrays.items():
            torch.testing.assert_close(found.arrays[name], array, rtol=1e-2, atol=1e-3, msg=f"{spec.name}: {name}")


def test_a_stack_that_fails_is_trained_run_by_run(tmp_path, monkeypatch, capfd):
    def fail(*_):
        raise RuntimeError("the card is gone")

    monkeypatch.setattr(stacked_training, "fit", fail)
    answers = []
    worker.train_chunk([small(), small(seed=1)], Store(tmp_path), answers.append, "card")
    assert answers == [{"hash": small(seed=seed).hash, "error": None} for seed in (0, 1)]
    assert "a stack of 2 runs failed, they go one by one" in capfd.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
@pytest.mark.parametrize("device", ["cuda", "tpu"])
def test_a_device_that_is_not_there_is_refused(device, mixkd):
    with pytest.raises(MixkdError, match=f"device: found {device}, expected cpu"):
        Local(device=device).train(None, None)
    status, _, error = mixkd("sweep", "alpha", "--dataset", "synthetic", "--profile", "smoke", "--device", device)
    assert (status, error.count("\n")) == (1, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
def test_a_card_trains_like_the_processor(tmp_path):
    """Six runs of each: losses of the first epoch agree to what single precision leaves of eight steps."""
    specs = [small(seed=seed, mixup=mixup, learning_rate=1e-3) for seed in range(3) for mixup in (None, FULL)]
    there, here = Store(tmp_path / "there"), Store(tmp_path / "here")
    assert worker.train_stack(specs, there, lambda answer: None, "cuda") == len(specs)
    for spec in specs:
        found, expected = there.get(spec), train(spec, here)
        assert found.provenance["device"] == torch.cuda.get_device_name()
        assert found.history[0]["loss"] == pytest.approx(expected.history[0]["loss"], abs=1e-3)

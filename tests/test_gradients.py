"""What a method teaches: gradients against finite differences, and which parts of the student they reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from runs import BOTH, PARTIAL, SIGNAL, small, step_of
from test_methods import OTHER, TARGET, TAUGHT, TEACHER, TWO_TEACHERS, N, outputs

from mixkd.learning import losses, map_losses, networks, training
from mixkd.learning.fold_data import fold_data
from mixkd.learning.networks import Outputs
from mixkd.runs import single
from mixkd.runs.store import Store

REACHED = {  # logits, features, stages
    **dict.fromkeys(("kd", "aver", "ebkd", "ebkd_softmax", "dist", "dist_plain", "lskd", "rld"), (True, False, False)),
    **dict.fromkeys(("at", "sp", "tpkd", "amd", "amd_local"), (True, False, True)),
    "camkd": (True, True, False),
    "simkd": (False, True, False),
    "simkd_maps": (False, False, (False, False, True)),
}


@pytest.mark.parametrize("method", TAUGHT)
def test_gradients_are_those_of_finite_differences(method):
    spec = small(teachers=BOTH if method in TWO_TEACHERS else (SIGNAL,), method=method, kd_weight=0.6, temperature=3.0)
    rng = np.random.default_rng(7)
    start = outputs(1)
    places = [start.logits, start.features, *start.stages]

    def loss(tensors):
        student = Outputs(tensors[0], tensors[1], tuple(tensors[2:]))
        return training.distil_loss(step_of(student, TARGET, [TEACHER, OTHER][: len(spec.teachers)], spec))[0]

    free = [place.clone().requires_grad_() for place in places]
    found = torch.autograd.grad(loss(free), free, allow_unused=True)
    *flat, maps = REACHED[method]
    expected = [*flat, *(maps if isinstance(maps, tuple) else [maps] * 3)]
    for i, (place, gradient, reached) in enumerate(zip(places, found, expected, strict=True)):
        direction, step = torch.from_numpy(rng.normal(size=place.shape)), 1e-5
        ends = [loss([p + s * direction if j == i else p for j, p in enumerate(places)]) for s in (step, -step)]
        slope = ((ends[0] - ends[1]) / (2 * step)).item()
        assert (abs(slope) > 1e-7) == reached, (method, i)
        there = 0.0 if gradient is None else (gradient * direction).sum().item()
        assert there == pytest.approx(slope, rel=1e-4, abs=1e-7), (method, i)


@pytest.mark.parametrize("method", ["camkd", "simkd", "simkd_maps"])
def test_step_of_the_student_learn_and_borrowed_ones_do_not(method, tmp_path):
    spec = small(teachers=BOTH if method == "camkd" else (SIGNAL,), method=method, kd_weight=0.6, mixup=PARTIAL)
    store, data = Store(tmp_path), fold_data(spec.data)
    for teacher in spec.teacher_runs:
        single.run(teacher, store)
    draws = training.stream_of(spec.stream, data)
    student = single.learner(spec, data, store, draws, traces=None, nets={})
    own = [p for part in (student.beside, student.net.project, student.net.transfer) for p in part.parameters()]
    borrowed = list(student.net.head.parameters()) if method != "camkd" else []
    before = [p.detach().clone() for p in (*own, *borrowed)]
    training.fit([student], data, draws)
    moved = [not torch.equal(a, b) for a, b in zip(before, (*own, *borrowed), strict=True)]
    assert own
    assert moved == [True] * len(own) + [False] * len(borrowed)


@pytest.mark.parametrize("depth", [16, 28])
@pytest.mark.parametrize(("modality", "shape"), [("signal", (3, 1, 40)), ("image", (3, 16, 16))])
def test_stages_are_what_leaves_the_last_block_of_each(modality, shape, depth):
    net = networks.build(
        modality, depth, 1, n_channels=3, n_classes=5, generator=torch.Generator().manual_seed(0)
    ).eval()
    per_stage, left = len(net.blocks) // 3, []
    for i in (1, 2, 3):
        net.blocks[i * per_stage - 1].register_forward_hook(lambda *call: left.append(call[-1]))
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, logits = net.outputs(x), net(x)
    left = left[:3]
    left[2] = torch.relu(net.bn(left[2]))
    for mine, theirs in zip(found.stages, left, strict=True):
        torch.testing.assert_close(mine, theirs)
    assert [stage.shape[1] for stage in found.stages] == [16, 32, 64]
    torch.testing.assert_close(found.logits, logits)


# -- closed forms


def maps(values) -> torch.Tensor:
    """(n, n_channels, 1, n_positions)"""
    return torch.tensor(values, dtype=torch.float64)[:, :, None]


def test_at_of_attention_that_does_not_overlap():
    here, there = maps([[[1.0, 0, 0, 0]]]), maps([[[0, 3.0, 0, 0]]])
    assert map_losses.at([here], [there]).item() == pytest.approx(2 / 4)


def test_sp_does_not_see_scale_or_rotation():
    rng = np.random.default_rng(0)
    own = torch.from_numpy(rng.normal(size=(N, 6, 1, 4)))
    rotation = torch.from_numpy(np.linalg.qr(rng.normal(size=(24, 24)))[0])
    turned = 5 * (own.flatten(1) @ rotation).reshape(own.shape)
    assert map_losses.sp([own], [[turned]], [1.0]).item() == pytest.approx(0, abs=1e-12)
    assert map_losses.sp([own], [[torch.from_numpy(rng.normal(size=own.shape))]], [1.0]).item() > 1e-3


def test_orthogonality_of_equal_and_of_orthogonal_columns():
    equal = map_losses.orthogonality(torch.ones(4, 4, dtype=torch.float64), 2)
    assert all(block.numpy() == pytest.approx(np.array([[0, 1], [1, 0]])) for block in equal)
    assert all(not block.any() for block in map_losses.orthogonality(torch.eye(4, dtype=torch.float64), 2))
    same, other = maps([[[1.0, 0]]] * 4), maps(np.eye(4)[:, None].tolist())
    assert map_losses.tpkd([other], [[same]], [1.0], n_patches=2).item() == pytest.approx(0.5)


def test_amd_of_uniform_maps():
    """Whatever their size: q is 1 / sqrt(n_positions) everywhere."""
    assert map_losses.amd([maps([[[2.0] * 9]])], [maps([[[7.0] * 9]])], local=True).item() == pytest.approx(
        0, abs=1e-12
    )
    joint, positive, negative = map_losses.angular(map_losses.attention(maps([[[2.0] * 4]])), 1.35, 64.0)
    for part, sign in ((joint, -1), (positive, 1), (negative, 1)):
        assert part.numpy() == pytest.approx(sign * np.full((1, 4), 0.5))


@pytest.mark.parametrize("local", [False, True])
def test_amd_can_be_trained_where_all_attention_is_in_one_place(local):
    own = maps([[[3.0, 0, 0, 0]]]).requires_grad_()
    map_losses.amd([own], [maps([[[1.0, 2, 3, 4]]])], local=local).backward()
    assert own.grad.isfinite().all()


def test_dist_does_not_see_an_affine_change_of_probabilities():
    p = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(5), N))
    assert losses.dist(p.log(), (0.6 * p + 0.4 / 5).log(), 1.0).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3])
def test_tiny_batches_and_windows_give_numbers(n):
    own, other = (torch.randn(n, 4, 1, n, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    assert map_losses.amd([own], [other], local=True).isfinite()

"""Flatness against dense Hessians and steps by hand; separation against scikit-learn and sums that are written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from mixkd.learning import flatness, networks, separation
from mixkd.rng import generator


def network(seed: int = 0) -> nn.Module:
    """Two layers and a batch norm, 3 to 4 classes, in double precision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 4)).double()
        net(torch.randn(20, 3, dtype=torch.float64))  # statistics of its own
    return net.eval()


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(n, 3, generator=draw, dtype=torch.float64)
    return x, torch.randint(4, (n,), generator=draw)


def flat(net: nn.Module) -> tuple[torch.Tensor, list[tuple[str, torch.Size]]]:
    named = list(net.named_parameters())
    return torch.cat([p.detach().flatten() for _, p in named]), [(name, p.shape) for name, p in named]


def loss_at(net: nn.Module, w: torch.Tensor, temperature: float) -> torch.Tensor:
    """Of the batch, at weights w (n_weights,)."""
    x, y = batch()
    _, shapes = flat(net)
    sizes = [shape.numel() for _, shape in shapes]
    weights = {name: part.view(shape) for (name, shape), part in zip(shapes, w.split(sizes), strict=True)}
    return F.cross_entropy(functional_call(net, weights, (x,)) / temperature, y)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.2])
def test_the_trace_is_near_that_of_the_dense_hessian(monkeypatch, temperature):
    monkeypatch.setattr(flatness, "N_DIRECTIONS", 4000)
    net = network()
    w, _ = flat(net)
    dense = torch.autograd.functional.hessian(lambda w: loss_at(net, w, temperature), w)
    found = flatness.hessian_trace(net, *batch(), temperature, rng=generator(0))
    spread = (2 * (dense**2).sum() - 2 * (dense.diagonal() ** 2).sum()).sqrt().item() / 4000**0.5
    assert found == pytest.approx(dense.trace().item(), abs=5 * spread)
    assert spread < 0.1 * abs(dense.trace().item())


@pytest.mark.parametrize("temperature", [0.5, 2.2])
def test_the_ascent_is_the_step_of_its_paper_and_leaves_the_network_alone(temperature):
    net = network()
    w, _ = flat(net)
    x, y = batch()
    g = torch.autograd.functional.jacobian(lambda w: loss_at(net, w, temperature), w)
    step = w.abs() ** 2 * g * flatness.RADIUS / (w.abs() * g).norm()
    expected = loss_at(net, w + step, temperature) - loss_at(net, w, temperature)
    assert flatness.ascent(net, x, y, temperature) == pytest.approx(expected.item(), rel=1e-9)
    assert torch.equal(flat(net)[0], w)
    assert expected > 0


@given(st.floats(0.1, 10))
def test_a_surer_network_is_as_flat_after_its_temperature(factor):
    """Output weights times a factor, temperature too: the same outputs, and the same ascent (not the same trace)."""
    net, (x, y) = network(), batch()
    surer = network()
    with torch.no_grad():
        for p in surer[3].parameters():
            p.mul_(factor)
    assert flatness.ascent(surer, x, y, factor) == pytest.approx(flatness.ascent(net, x, y, 1.0), rel=1e-6)


def test_both_are_measured_on_a_network_of_ours():
    net = networks.build("signal", 10, 1, n_channels=2, n_classes=3, generator=torch.Generator().manual_seed(0))
    x = networks.channels_last(torch.randn(30, 2, 40, generator=torch.Generator().manual_seed(1)))
    y = torch.arange(30) % 3
    before = [p.detach().clone() for p in net.parameters()]
    found, again = (flatness.of(net, x, y, 1.5, rng=generator(3)) for _ in range(2))
    assert found == again
    assert found.keys() == {"ascent", "trace"}
    assert found["ascent"] > 0
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(before, net.parameters(), strict=True))
    with torch.no_grad():
        net.head.weight.fill_(torch.nan)
    assert flatness.of(net, x, y, 1.5, rng=generator(3)) == {}


def test_silhouette_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    features = rng.normal(size=(60, 4)) + y[:, None]
    assert separation.silhouette(features, y) == pytest.approx(silhouette_samples(features, y).mean())
    assert separation.silhouette(features, y) < separation.silhouette(features + 5 * y[:, None], y)


def test_within_over_between_by_hand():
    """Classes at 0 and 4, a window a unit to either side of each: 4 within; 4 windows, 2 from the middle, between."""
    features, y = np.array([[-1.0], [1.0], [3.0], [5.0]]), np.array([0, 0, 1, 1])
    assert separation.within_over_between(features, y) == pytest.approx(4 / 16)


@pytest.mark.parametrize("y", [[1, 1, 1], [0, 1, 2]])
def test_undefined_measures_are_left_out(y):
    found = separation.of(np.arange(6.0).reshape(3, 2), np.array(y))
    assert found == ({} if len(set(y)) == 1 else {"within_over_between": 0.0})

"""Probes against closed forms: linear models, known statistics, separated blobs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch import nn
from torch.nn import functional as F

from mixkd.learning import networks, probes
from mixkd.learning.networks import channels_last
from mixkd.rng import generator


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def windows(n: int = 60, n_samples: int = 100, seed: int = 0) -> torch.Tensor:
    return channels_last(normal(n, 6, n_samples, seed=seed))


def labels(n: int = 60) -> torch.Tensor:
    return torch.arange(n) % 7


def signal_net(seed: int = 0) -> networks.WideResNet:
    net = networks.build("signal", 10, 1, n_channels=6, n_classes=7, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        net(windows(seed=9))  # statistics of BatchNorm that differ from the initial ones
    return net.eval()


def linear(weight: torch.Tensor) -> nn.Sequential:
    """Logits (n, n_classes) linear in the inputs; weight (n_classes, n_inputs)."""
    net = nn.Sequential(nn.Flatten(), nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0]))
    nn.init.zeros_(net[1].bias)
    with torch.no_grad():
        net[1].weight.copy_(weight)
    return net


def state(net: nn.Module) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in net.state_dict().items()}


@pytest.fixture
def _small_batches(monkeypatch):
    monkeypatch.setattr(probes, "BATCH", 16)


@pytest.mark.parametrize("n", [1, 255, 256, 257, 470, 1000])
def test_parts_cover_every_row_once(n):
    parts = probes.parts(n, probes.BATCH)
    assert np.concatenate(parts).tolist() == list(range(n))
    assert max(map(len, parts)) <= 256
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("n", [3, 256, 257, 470, 5000])
def test_evenly_spaced_rows(n):
    rows = probes.evenly(n, 256)
    assert len(rows) == min(n, 256)
    assert rows[0] == 0
    steps = np.diff(rows)
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1
    assert n - rows[-1] <= n / len(rows) + 1


@pytest.mark.usefixtures("_small_batches")
def test_accuracy_and_loss_equal_those_of_one_batch():
    net, x, y = signal_net(), windows(), labels()
    logits = net(x).detach()
    net.train()
    assert probes.accuracy(net, x, y) == pytest.approx((logits.argmax(1) == y).float().mean().item())
    net.train()
    assert probes.loss(net, x, y) == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_accuracy_of_a_broken_network_is_no_number(value):
    weight = normal(3, 12)
    weight[1, 4] = float(value)
    assert np.isnan(probes.accuracy(linear(weight), normal(9, 3, 1, 4), torch.arange(9) % 3))


# -- corruptions


@pytest.mark.parametrize(("level", "sd"), [(1, 0.06), (2, 0.09), (3, 0.12)])
def test_gaussian_noise_is_white_with_the_sd_of_its_level(level, sd):
    x = windows(300)
    noise = (probes.corrupted(x, "gaussian", level, generator(0)) - x).double()
    n = noise.numel()
    assert noise.std().item() == pytest.approx(sd, rel=5 / (2 * n) ** 0.5)
    assert abs(noise.mean().item()) < 5 * sd / n**0.5
    for a, b in ((noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1]), (noise[..., 1:], noise[..., :-1])):
        assert abs((a * b).mean().item()) < 5 * sd**2 / a.numel() ** 0.5


@pytest.mark.parametrize(("level", "length"), [(1, 15), (2, 22), (3, 30)])
def test_missing_is_one_block_of_all_channels(level, length):
    x = windows(2000)
    found = probes.corrupted(x, "missing", level, generator(0))
    gone = found == 0
    assert torch.equal(gone, gone[:, :1].expand_as(gone))
    assert torch.equal(found[~gone], x[~gone])
    gone = gone[:, 0, 0].numpy()
    starts = gone.argmax(axis=1)
    expected = (np.arange(100) >= starts[:, None]) & (np.arange(100) < starts[:, None] + length)
    np.testing.assert_array_equal(gone, expected)
    assert (starts.min(), starts.max()) == (0, 100 - length)
    assert np.bincount(starts).min() > 0


@pytest.mark.parametrize("kind", ["gaussian", "missing"])
def test_corruption_copies_and_is_a_pure_function_of_its_generator(kind):
    x = windows()
    before = x.clone()
    one, again, other = (probes.corrupted(x, kind, 2, generator(fold)) for fold in (0, 0, 1))
    assert torch.equal(x, before)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.stride() == x.stride()
    assert one.dtype == torch.float32


# -- adversarial inputs


@pytest.mark.parametrize("steps", [1, 10])
@pytest.mark.parametrize("epsilon", [0.02, 0.1])
@pytest.mark.usefixtures("_small_batches")
def test_attacks_on_a_linear_model_have_a_closed_form(steps, epsilon):
    """Of two classes, the loss of class 0 rises along w1 - w0, wherever one stands; that of class 1 along w0 - w1."""
    weight = normal(2, 12)
    net, x, y = linear(weight), normal(40, 3, 1, 4, seed=1), torch.arange(40) % 2
    up = (weight[1] - weight[0]).sign().reshape(3, 1, 4)
    expected = x + epsilon * torch.where(y == 0, 1, -1).reshape(-1, 1, 1, 1) * up
    torch.testing.assert_close(probes.fgsm(net, x, y, epsilon, steps=steps), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 10])
def test_attacks_leave_what_has_no_influence(steps):
    weight = normal(2, 12)
    weight[:, 3:6] = 0
    x = normal(40, 3, 1, 4, seed=1)
    moved = probes.fgsm(linear(weight), x, torch.arange(40) % 2, 0.1, steps=steps)
    assert ((moved != x).flatten(1) == (weight[0] != 0)).all()


def test_attacks_on_a_sure_network_still_know_the_way_down():
    """At 25 nats, 1 - p of the right class is 0 in single precision, and the slope would be that of the other alone."""
    weight, x = normal(2, 12), normal(40, 3, 1, 4, seed=1) / 10
    net = linear(weight)
    nn.init.constant_(net[1].bias[0], 25)
    up = (weight[1] - weight[0]).sign().reshape(3, 1, 4)
    found = probes.fgsm(net, x, torch.zeros(40, dtype=torch.int64), 0.05)
    torch.testing.assert_close(found, x + 0.05 * up, rtol=0, atol=1e-6)


def test_an_iterated_attack_follows_the_slope_and_can_turn():
    """Loss -log softmax of (z, -z) with z = (u - 0.03)**2: the climb from u = 0.02 leads down to u = 0.03 and stays."""

    class Valley(nn.Module):
        def forward(self, x):
            z = (x - 0.03) ** 2
            return torch.cat([z, -z], dim=1)

    x, y = torch.tensor([[0.02]]), torch.tensor([0])
    assert probes.fgsm(Valley(), x, y, 0.1).item() == pytest.approx(0.12)
    assert probes.fgsm(Valley(), x, y, 0.1, steps=10).item() == pytest.approx(0.03, abs=0.0125)


@pytest.mark.parametrize("steps", [1, 10])
def test_attacks_stay_in_the_ball_raise_the_loss_and_leave_no_gradients(steps):
    net, x, y = signal_net(), windows(), labels()
    before, clean = state(net), x.clone()
    net.train()
    with torch.no_grad():
        moved = probes.fgsm(net, x, y, 0.05, steps=steps)
    assert (moved - x).abs().max() <= 0.05 + 1e-6
    assert torch.equal(x, clean)
    assert not moved.requires_grad
    assert probes.loss(net, moved, y) > probes.loss(net, x, y)
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert state(net) == before


def test_more_steps_hurt_more():
    net, x, y = signal_net(), windows(), labels()
    one, ten = (probes.loss(net, probes.fgsm(net, x, y, 0.1, steps=steps), y) for steps in (1, 10))
    assert ten > one


# -- BatchNorm


@pytest.mark.usefixtures("_small_batches")
def test_batchnorm_statistics_are_averages_over_batches():
    x = 3 * normal(48, 5, 1, 7) + torch.arange(5.0).reshape(5, 1, 1)
    net = nn.Sequential(nn.BatchNorm2d(5, momentum=0.3))
    for _ in range(2):  # whatever they were before
        probes.recompute_batchnorm(net, x)
        batches = x.reshape(3, 16, 5, 7).double().numpy()
        np.testing.assert_allclose(net[0].running_mean, batches.mean(axis=(0, 1, 3)), rtol=1e-5)
        np.testing.assert_allclose(net[0].running_var, batches.var(axis=(1, 3), ddof=1).mean(axis=0), rtol=1e-5)
        assert net[0].momentum == 0.3
        assert not any(module.training for module in net.modules())


def test_batchnorm_recomputed_on_one_batch_normalises_it():
    """All layers at once: in evaluation mode the network then sees what it sees in training mode."""
    net, x = signal_net(), windows()
    with torch.no_grad():
        expected = net.train()(x)
        found = probes.recompute_batchnorm(net, x)(x)
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)  # unbiased against biased variance


def test_batchnorm_momentum_survives_a_failure():
    net = nn.Sequential(nn.BatchNorm2d(6, momentum=0.3), nn.AvgPool1d(2, padding=9))
    with pytest.raises(RuntimeError):
        probes.recompute_batchnorm(net, windows())
    assert net[0].momentum == 0.3
    assert not net[0].training


# -- sharpness


def test_directions_have_the_norms_of_the_filters():
    net = signal_net()
    direction = probes.filter_normalised(net, generator(0))
    parameters = dict(net.named_parameters())
    assert direction.keys() == parameters.keys()
    for name, p in parameters.items():
        if p.ndim < 2:
            assert (direction[name] == 0).all(), name
            continue
        own, its = (t.detach().double().flatten(1) for t in (p, direction[name]))
        torch.testing.assert_close(its.norm(dim=1), own.norm(dim=1), rtol=1e-5, atol=0, msg=name)
        cosines = F.cosine_similarity(own, its)
        assert abs(cosines.mean().item()) < 5 / own.numel() ** 0.5, name
    other = probes.filter_normalised(net, generator(1))
    assert not torch.equal(direction["stem.weight"], other["stem.weight"])


@pytest.mark.parametrize("training", [True, False])
def test_sharpness_leaves_the_network_as_it_is(training):
    net, x, y = signal_net().train(training), windows(), labels()
    before = state(net)
    first = probes.sharpness(net, x, y, generator(0))
    assert first == probes.sharpness(net, x, y, generator(0)) != probes.sharpness(net, x, y, generator(1))
    with pytest.raises(IndexError):
        probes.sharpness(net, x, y + 5, generator(0))
    assert state(net) == before
    assert all(module.training == training for module in net.modules())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert {m.momentum for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}


def test_sharpness_is_zero_without_a_radius(monkeypatch):
    monkeypatch.setattr(probes, "RADIUS", 0)
    assert probes.sharpness(signal_net(), windows(), labels(), generator(0)) == 0


def test_sharpness_ignores_stored_statistics():
    net, x, y = signal_net(), windows(), labels()
    found = probes.sharpness(net, x, y, generator(0))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.mul_(3)
            module.running_mean.add_(1)
    assert probes.sharpness(net, x, y, generator(0)) == found


def test_sharpness_does_not_see_scales_that_batchnorm_undoes():
    """A 1 x 1 filter of one channel can only be scaled: with the statistics of the moved network, nothing changes."""
    conv = nn.utils.skip_init(nn.Conv2d, 1, 3, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, -2.0, 3.0]).reshape(3, 1, 1, 1))
    net = nn.Sequential(conv, nn.BatchNorm2d(3, eps=1e-9), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x, y = normal(40, 1, 1, 4), torch.arange(40) % 3
    assert abs(probes.sharpness(net, x, y, generator(0))) < 1e-6


def test_sharpness_of_a_linear_model_is_the_mean_rise_along_its_directions():
    weight, x, y = normal(3, 12), normal(40, 3, 1, 4, seed=1), torch.arange(40) % 3
    rng, rises = generator(0), []
    for _ in range(4):
        drawn = rng.standard_normal((3, 12), dtype=np.float32)
        drawn *= np.linalg.norm(weight, axis=1, keepdims=True) / np.linalg.norm(drawn, axis=1, keepdims=True)
        rises.append(F.cross_entropy(x.flatten(1) @ (weight + 0.1 * torch.from_numpy(drawn)).T, y).item())
    expected = np.mean(rises) - F.cross_entropy(x.flatten(1) @ weight.T, y).item()
    assert probes.sharpness(linear(weight), x, y, generator(0)) == pytest.approx(expected, abs=1e-6)


def test_a_sharper_minimum_is_sharper():
    """Logits (-c |w|**2 ..., 0): a valley in w whose curvature is c."""

    class Bowl(nn.Module):
        def __init__(self, curvature):
            super().__init__()
            self.curvature = curvature
            self.weight = nn.Parameter(torch.ones(1, 50))

        def forward(self, x):
            z = -self.curvature * ((self.weight - 1) ** 2).sum() + 0 * x[:, :1]
            return torch.cat([z, torch.zeros_like(z)], dim=1)

    x, y = torch.zeros(8, 1), torch.zeros(8, dtype=torch.int64)
    flat, sharp = (probes.sharpness(Bowl(c), x, y, generator(0)) for c in (1, 4))
    assert flat == pytest.approx(np.log1p(np.exp(0.5)) - np.log(2), rel=1e-4)  # |0.1 d|**2 = 0.01 * 50
    assert sharp == pytest.approx(np.log1p(np.exp(2.0)) - np.log(2), rel=1e-4)


# -- features and logits


def test_pair_v_scores_tell_blobs_from_one_cloud():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 2, 5], 100)
    features = rng.normal(0, 1, (300, 4))
    features[y == 5] += 30  # 0 and 2 share a cloud
    features = features.astype(np.float32)
    order = rng.permutation(300)
    found = probes.pair_v_scores(features[order], y[order])
    assert [row["pair"] for row in found] == [[0, 2], [0, 5], [2, 5]]
    assert found[0]["v_score"] < 0.05
    assert found[1]["v_score"] == found[2]["v_score"] == 1
    json.dumps(found)


def test_entropy_curve_equals_scipy():
    logits = normal(40, 7).numpy() * 6
    found = probes.entropy_curve(logits)
    np.testing.assert_allclose(probes.TEMPERATURES[::4], 2.0 ** np.arange(-2, 7))
    expected = [entropy(softmax(logits.astype(float) / t, axis=1), axis=1).mean() for t in probes.TEMPERATURES]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    json.dumps(found)


# -- all of a run


def all_of(net: nn.Module, y: torch.Tensor, fold: int = 0):
    return probes.signal_probes(net, (windows(90, seed=1), y.numpy()), (windows(), labels().numpy()), fold=fold)


def test_signal_probes_are_what_their_parts_say():
    x = windows(90, seed=1)
    net = probes.recompute_batchnorm(signal_net(), x)
    y = probes.logits_of(net, x).argmax(dim=1)  # so that accuracies start at 1 and tell corruptions apart
    before = state(net)
    found = all_of(net, y, fold=3)
    assert json.loads(json.dumps(found)) == found == all_of(net, y, fold=3)
    for kind in ("gaussian", "missing"):
        noise = [generator(3, "corruption", kind, str(level)) for level in (1, 2, 3)]
        expected = [probes.accuracy(net, probes.corrupted(x, kind, i, rng), y) for i, rng in enumerate(noise, 1)]
        assert found[kind] == expected
        assert min(expected) < 1
    for name, steps in (("fgsm", 1), ("ifgsm", 10)):
        assert found[name] == [
            probes.accuracy(net, probes.fgsm(net, x, y, e, steps=steps), y) for e in (0.02, 0.05, 0.1)
        ]
    assert 1 > min(found["fgsm"]) > min(found["ifgsm"])
    assert found["train_loss"] == probes.loss(net, windows(), labels())
    assert found["sharpness"] == probes.sharpness(net, windows(), labels(), generator(3, "sharpness"))
    assert state(net) == before


def test_runs_of_a_fold_see_the_same_corrupted_windows(monkeypatch):
    seen = []

    def spy(*args):
        seen[-1].append(corrupted(*args))
        return seen[-1][-1]

    corrupted = probes.corrupted
    monkeypatch.setattr(probes, "corrupted", spy)
    for net, fold in ((signal_net(0), 0), (signal_net(1), 0), (signal_net(0), 1)):
        seen.append([])
        all_of(net, labels(90), fold)
    one, same, other = seen
    assert len(one) == 6
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))

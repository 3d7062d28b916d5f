"""Networks: their sizes, their 1-D arithmetic against nn.Conv1d, and initialisation from one generator."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning import networks
from mixkd.learning.networks import WideResNet, channels_last
from mixkd.runs import cost


def build(modality="signal", depth=16, width=1, n_channels=6, n_classes=7, seed=0) -> WideResNet:
    draw = torch.Generator().manual_seed(seed)
    return networks.build(modality, depth, width, n_channels=n_channels, n_classes=n_classes, generator=draw)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- sizes, computed from the layers of the group's released code

SIZES = [  # depth, width: parameters and 10^6 multiply-adds in 1-D (windows of 100 and 500), then in 2-D (64 x 64)
    ("signal", 40, 12, (100,), (16, 1), 63_020, 2.2),
    ("signal", 40, 12, (100,), (16, 3), 537_644, 17.8),
    ("signal", 40, 12, (100,), (28, 1), 128_428, 4.3),
    ("signal", 40, 12, (100,), (28, 3), 1_120_940, 37.1),
    ("signal", 3, 14, (500,), (16, 1), 61_374, 10.1),
    ("signal", 3, 14, (500,), (16, 3), 536_254, 88.0),
    ("signal", 3, 14, (500,), (28, 1), 126_782, 20.8),
    ("signal", 3, 14, (500,), (28, 3), 1_119_550, 184.8),
    ("image", 40, 12, (64, 64), (16, 1), 180_524, 129),
    ("image", 40, 12, (64, 64), (16, 3), 1_555_244, 914),
    ("image", 40, 12, (64, 64), (28, 1), 374_956, 242),
    ("image", 40, 12, (64, 64), (28, 3), 3_299_756, 1933),
]


@pytest.mark.parametrize(("modality", "n_channels", "n_classes", "shape", "network", "parameters", "mega"), SIZES)
def test_sizes(modality, n_channels, n_classes, shape, network, parameters, mega):
    net = build(modality, *network, n_channels, n_classes)
    assert networks.n_parameters(net) == parameters
    counted = cost.multiply_adds(modality, *network, (n_channels, *shape), n_classes=n_classes)
    assert counted / 1e6 == pytest.approx(mega, rel=0.02)


@pytest.mark.parametrize("depth", [10, 16, 22, 28, 34, 40, 46])
def test_depth_counts_the_layers(depth):
    """Depth 6n + 4: the stem, 6n convolutions in blocks and the classifier, without shortcuts."""
    layers = [m for m in build(depth=depth).modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    assert len(layers) + 1 == depth - 2


# -- the 1-D network, written with nn.Conv1d as papers draw it


class PlainBlock(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm1d(n_in), nn.BatchNorm1d(n_out)
        self.conv1 = nn.Conv1d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv1d(n_out, n_out, 3, padding=1, bias=False)
        if n_in != n_out:
            self.shortcut = nn.Conv1d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x):
        pre = F.relu(self.bn1(x))
        residual = self.conv2(F.relu(self.bn2(self.conv1(pre))))
        return residual + (self.shortcut(pre) if hasattr(self, "shortcut") else x)


class Plain(nn.Module):
    def __init__(self, depth: int, width: int, n_channels: int, n_classes: int):
        super().__init__()
        widths, n = [16, 16 * width, 32 * width, 64 * width], (depth - 4) // 6
        self.stem = nn.Conv1d(n_channels, 16, 3, padding=1, bias=False)
        self.blocks = nn.Sequential()
        for stage, stride in enumerate((1, 2, 2)):
            self.blocks.append(PlainBlock(widths[stage], widths[stage + 1], stride))
            self.blocks.extend(PlainBlock(widths[stage + 1], widths[stage + 1], 1) for _ in range(n - 1))
        self.bn, self.head = nn.BatchNorm1d(widths[3]), nn.Linear(widths[3], n_classes)

    def forward(self, x):
        return self.head(F.relu(self.bn(self.blocks(self.stem(x)))).mean(dim=2))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("depth", "width", "n_samples"), [(16, 1, 100), (16, 3, 37), (28, 1, 51)])
def test_one_dimensional_network_is_plain_conv1d(depth, width, n_samples, training):
    net = build("signal", depth, width).double()
    with torch.random.fork_rng():
        plain = Plain(depth, width, 6, 7).double()
    for i, module in enumerate(net.modules()):  # statistics and scales as after some training
        if isinstance(module, nn.BatchNorm2d):
            for k, tensor in enumerate((module.weight.data, module.bias.data, module.running_mean)):
                tensor.add_(0.3 * normal(*tensor.shape, seed=10 * i + k))
            module.running_var.mul_(normal(*module.running_var.shape, seed=i).exp())
    weights = {name: t.squeeze(2) if t.ndim == 4 else t for name, t in net.state_dict().items()}
    plain.load_state_dict(weights)
    x = normal(16, 6, n_samples).double()
    ours, theirs = net.train(training)(channels_last(x)), plain.train(training)(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    for logits in (ours, theirs):
        F.cross_entropy(logits, torch.arange(16) % 7).backward()
    torch.testing.assert_close(net.stem.weight.grad.squeeze(2), plain.stem.weight.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("modality", "shape"), [("signal", (50,)), ("image", (16, 16)), ("image", (9, 9))])
def test_features_are_what_the_head_sees(modality, shape):
    net = build(modality, width=3).eval()
    x = channels_last(normal(5, 6, *shape))
    features = net.features(x)
    assert features.shape == (5, 64 * 3)
    assert (features >= 0).all()
    torch.testing.assert_close(net(x), net.head(features))
    torch.testing.assert_close(net(x)[2:4], net(x[2:4]), rtol=1e-4, atol=1e-5)


def test_channels_last():
    signal, image = normal(4, 6, 50), normal(4, 6, 8, 8)
    assert channels_last(signal).shape == (4, 6, 1, 50)
    assert torch.equal(channels_last(signal)[:, :, 0], signal)
    assert torch.equal(channels_last(image), image)
    assert channels_last(image).is_contiguous(memory_format=torch.channels_last)


# -- initialisation


@pytest.mark.parametrize("modality", ["signal", "image"])
def test_build_is_a_pure_function_of_its_generator(modality):
    before = torch.get_rng_state()
    one, again, other = build(modality), build(modality), build(modality, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    weights = [dict(net.named_parameters()) for net in (one, again, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    drawn = {name for name in weights[0] if not torch.equal(weights[0][name], weights[2][name])}
    assert drawn == {name for name, p in one.named_parameters() if p.ndim == 4} | {"head.weight"}


@pytest.mark.parametrize(("modality", "kernel"), [("signal", 3), ("image", 9)])
def test_initial_distribution(modality, kernel):
    net = build(modality, width=3)
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            n_kernel = kernel if module.kernel_size != (1, 1) else 1
            expected = math.sqrt(2 / (module.out_channels * n_kernel))  # He et al. 2015, fan out
            n = module.weight.numel()
            assert module.weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * n)), name
            assert abs(module.weight.mean().item()) < 5 * expected / math.sqrt(n), name
        elif isinstance(module, nn.BatchNorm2d):
            values = (module.weight, module.bias, module.running_mean, module.running_var, module.num_batches_tracked)
            for tensor, value in zip(values, (1, 0, 0, 1, 0), strict=True):
                assert (tensor == value).all(), name
    bound = 1 / math.sqrt(192)
    assert 0.95 * bound < net.head.weight.abs().max() <= bound
    assert (net.head.bias == 0).all()

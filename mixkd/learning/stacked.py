"""Many networks of one shape in one: each layer holds the weights of all, so that a graphics card has enough to do.

Activations are (n_parts, n_networks * n_channels, n / n_parts, height, width), contiguous: a layer is one product of
matrices for each network and part of the batch, and so is the gradient of its weights, which are then summed over the
parts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning.networks import Network

PARTS = 16  # of a batch, at most


def columns(x: torch.Tensor, size: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> torch.Tensor:
    """What the taps of a kernel of `size` see of x (n_networks, n_channels, n, height, width).

    (n_networks, n_taps * n_channels, n, height, width), the last two those of the convolution's output.
    """
    (down, right), (above, left) = stride, padding
    padded = F.pad(x, (left, left, above, above)) if above or left else x
    n_rows, n_columns = (padded.shape[3] - size[0]) // down + 1, (padded.shape[4] - size[1]) // right + 1
    last = down * (n_rows - 1) + 1, right * (n_columns - 1) + 1
    places = [(i, j) for i in range(size[0]) for j in range(size[1])]
    return torch.cat([padded[..., i : i + last[0] : down, j : j + last[1] : right] for i, j in places], dim=1)


class _Convolve(torch.autograd.Function):
    """The convolution of each network as a product of matrices; so are both of its gradients."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, stride: Any, padding: Any) -> torch.Tensor:
        """x (n_parts, n_networks * n_in, n, height, width), weight (n_networks, n_out, n_in, height, width)."""
        own = x.unflatten(1, (len(weight), -1)).flatten(0, 1)
        seen = columns(own, weight.shape[3:], stride, padding)
        ctx.save_for_backward(seen, weight)
        ctx.about = x.shape, stride, padding
        result = x.new_empty(len(x), weight.shape[0] * weight.shape[1], *seen.shape[2:])
        torch.bmm(_flat(weight.to(x.dtype), len(x)), seen.flatten(2), out=result.view(len(seen), weight.shape[1], -1))
        return result  # no view, as what follows may write into it

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        """Gradients of x, where one is asked for, and of the weight."""
        (seen, weight), (shape, stride, padding) = ctx.saved_tensors, ctx.about
        size, (n_networks, n_out, n_in) = weight.shape[3:], weight.shape[:3]
        own = slope.contiguous().unflatten(1, (n_networks, n_out)).flatten(0, 1)
        of_parts = torch.bmm(own.flatten(2), seen.flatten(2).transpose(1, 2))
        of_parts = of_parts.view(shape[0], n_networks, n_out, *size, n_in)
        of_weight = of_parts.sum(0, dtype=weight.dtype).permute(0, 1, 4, 2, 3)
        if not ctx.needs_input_grad[0]:
            return None, of_weight, None, None
        if max(stride) > 1:  # slopes as far apart as the places of the kernel were
            pixels = (s + 2 * p - k + 1 for s, p, k in zip(shape[3:], padding, size, strict=True))
            apart = own.new_zeros(*own.shape[:3], *pixels)
            apart[..., :: stride[0], :: stride[1]] = own
            own = apart
        seen = columns(own, size, (1, 1), [k - 1 - p for k, p in zip(size, padding, strict=True)])
        turned = _flat(weight.to(slope.dtype).flip(3, 4).transpose(1, 2), shape[0])
        return torch.bmm(turned, seen.flatten(2)).view(shape), of_weight, None, None


def _flat(weight: torch.Tensor, n_parts: int) -> torch.Tensor:
    """(n_networks, n_out, n_in, height, width) to (n_parts * n_networks, n_out, n_taps * n_in)."""
    flat = weight.permute(0, 1, 3, 4, 2).flatten(2)
    return flat.expand(n_parts, *flat.shape).flatten(0, 1)


class Convolutions(nn.Module):
    """A Conv2d without bias of each network; weight (n_networks, n_out, n_in, height, width)."""

    def __init__(self, layers: Sequence[nn.Conv2d]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]).contiguous())
        self.stride, self.padding = layers[0].stride, layers[0].padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n_parts, n_networks * n_in, n, height, width) to the same with n_out channels of each."""
        return _Convolve.apply(x, self.weight, self.stride, self.padding)


class Norms(nn.Module):
    """A BatchNorm2d of each network; all its numbers (n_networks, n_channels)."""

    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor
    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, layers: Sequence[nn.BatchNorm2d]):
        super().__init__()
        for name, _ in layers[0].named_parameters():
            numbers = [getattr(layer, name).detach() for layer in layers]
            self.register_parameter(name, nn.Parameter(torch.stack(numbers)))
        for name, _ in layers[0].named_buffers():
            self.register_buffer(name, torch.stack([getattr(layer, name) for layer in layers]))
        self.momentum, self.eps = layers[0].momentum or 0.0, layers[0].eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n_parts, n_networks * n_channels, n, height, width) to the same."""
        if self.training:
            self.num_batches_tracked.add_(1)
        numbers = (self.running_mean, self.running_var, self.weight, self.bias)
        mean, var, weight, bias = (tensor.view(-1) for tensor in numbers)
        return F.batch_norm(x, mean, var, weight, bias, self.training, self.momentum, self.eps)


class Heads(nn.Module):
    """A Linear of each network; weight (n_networks, n_out, n_in), bias (n_networks, n_out)."""

    def __init__(self, layers: Sequence[nn.Linear]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n_parts, n_networks * n_in, n) to (n_networks, n_parts * n, n_out)."""
        features = x.unflatten(1, self.weight.shape[::2]).permute(1, 0, 3, 2).flatten(1, 2)
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return torch.baddbmm(bias.unsqueeze(1), features, weight.transpose(1, 2))


LAYERS: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    nn.Conv2d: Convolutions,
    nn.BatchNorm2d: Norms,
    nn.Linear: Heads,
}


def stack(nets: Sequence[Network]) -> nn.Module:
    """One network that computes what all compute: logits (n_networks, n, n_classes) of inputs as `joined` has them."""
    whole = copy.deepcopy(nets[0])
    for name, layer in nets[0].named_modules():
        if type(layer) in LAYERS:
            whole.set_submodule(name, LAYERS[type(layer)]([net.get_submodule(name) for net in nets]))
    return whole


def joined(x: torch.Tensor) -> torch.Tensor:
    """Inputs (n_networks, n, n_channels, height, width) as a stack reads them."""
    parts = x.unflatten(1, (math.gcd(x.shape[1], PARTS), -1))
    return parts.permute(1, 0, 3, 2, 4, 5).flatten(1, 2).contiguous()


@torch.no_grad()
def give_back(whole: nn.Module, nets: Sequence[Network]) -> None:
    """Every network takes its weights out of the stack."""
    state = {name: tensor.cpu() for name, tensor in whole.state_dict().items()}
    for i, net in enumerate(nets):
        net.load_state_dict({name: tensor[i] for name, tensor in state.items()})

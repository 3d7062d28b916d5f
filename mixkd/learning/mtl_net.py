"""MTL-net, the network of Smooth-Distill (2025): two convolutions over time, two hidden layers, one head for all tasks.

Each channel is filtered on its own, by the same kernels. `released` repeats two faults of the released code: samples
are reshaped where they should be transposed, which interleaves the channels, and pooling also strides over channels,
so that one row of the input, the first third of the samples of three channels, reaches the head.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning.networks import Network

KERNEL, HIDDEN = 9, (1024, 512)


def n_flat(n_channels: int, n_samples: int, released: bool) -> int:
    """Numbers that leave the convolutions: 64 filters, the rows, and the samples after two of 9 and two halvings."""
    rows = n_channels
    for _ in range(2):
        n_samples = (n_samples - KERNEL + 1) // 2
        rows = (rows + 1) // 2 if released else rows
    return 64 * rows * n_samples


class MTLNet(Network):
    """Logits (n, n_outputs) of inputs (n, n_channels, 1, n_samples)."""

    def __init__(self, n_channels: int, n_samples: int, n_outputs: int, *, released: bool = False):
        super().__init__()
        self.released = released
        self.conv1, self.conv2 = nn.Conv2d(1, 32, (1, KERNEL)), nn.Conv2d(32, 64, (1, KERNEL))
        self.hidden1 = nn.Linear(n_flat(n_channels, n_samples, released), HIDDEN[0])
        self.hidden2 = nn.Linear(HIDDEN[0], HIDDEN[1])
        self.head = nn.Linear(HIDDEN[1], n_outputs)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 512): what the head reads."""
        x = x.transpose(1, 2)  # (n, 1, n_channels, n_samples)
        if self.released:
            x = x.transpose(2, 3).reshape(x.shape)
        stride = (2, 2) if self.released else (1, 2)
        for conv in (self.conv1, self.conv2):
            x = F.max_pool2d(F.relu(conv(x)), (1, 2), stride)
        return F.relu(self.hidden2(F.relu(self.hidden1(x.flatten(1)))))

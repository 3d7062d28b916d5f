"""Extremely randomised trees as a network: it can teach like any other, though no gradient has trained it.

Geurts et al. 2006, grown by scikit-learn on `statistics`, then kept as tables of one size, so that weights of one run
fit the network of another. Logits are logarithms of the mean of the trees' shares of classes.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier
from torch import nn

from mixkd.learning.networks import Network
from mixkd.learning.statistics import statistics

N_TREES, N_LEAVES = 300, 512  # of a tree, at most: as accurate on validation people of `watch` as trees without a limit
LOWEST = 1e-3  # probability of a class: declared


def below(x: np.ndarray) -> np.ndarray:
    """The largest float32 at most x (n,): float32 numbers are on the same side of it as of x."""
    rounded = x.astype(np.float32)
    return np.where(rounded > x, np.nextafter(rounded, np.float32(-np.inf)), rounded)


class Trees(nn.Module):
    """Log-probabilities (n, n_classes) of features (n, n_features).

    Node 0 of a tree is its root. A leaf is its own child, on both sides.
    """

    feature: torch.Tensor
    threshold: torch.Tensor
    child: torch.Tensor
    share: torch.Tensor

    def __init__(self, n_classes: int):
        super().__init__()
        size = N_TREES, 2 * N_LEAVES - 1
        self.register_buffer("feature", torch.zeros(size, dtype=torch.int16))
        self.register_buffer("threshold", torch.zeros(size))
        self.register_buffer("child", torch.zeros((*size, 2), dtype=torch.int16))
        self.register_buffer("share", torch.zeros((*size, n_classes)))

    def grow(self, features: np.ndarray, y: np.ndarray, seed: int) -> None:
        """Fill the tables from trees grown on features (n, n_features) and labels y (n,)."""
        forest = ExtraTreesClassifier(N_TREES, max_leaf_nodes=N_LEAVES, random_state=seed, n_jobs=1).fit(features, y)
        for i, estimator in enumerate(forest.estimators_):
            tree, n = estimator.tree_, estimator.tree_.node_count
            itself = np.arange(n)[:, None]
            children = np.stack([tree.children_left, tree.children_right], axis=1)
            counts = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
            self.feature[i, :n] = torch.from_numpy(np.maximum(tree.feature, 0))
            self.threshold[i, :n] = torch.from_numpy(below(tree.threshold))
            self.child[i, :n] = torch.from_numpy(np.where(children < 0, itself, children))
            self.share[i][:n, forest.classes_] = torch.from_numpy(counts.astype(np.float32))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, n_features) to (n, n_classes): all windows and trees go down a level at a time, until none moves."""
        n_trees, size = self.feature.shape
        first = size * torch.arange(n_trees)  # nodes are counted through all trees
        node = first.expand(len(features), n_trees)
        feature, threshold, child = self.feature.long(), self.threshold, self.child.flatten()
        while True:
            value = features.gather(1, feature.take(node))
            after = first + child.take(2 * node + (value > threshold.take(node)))
            if torch.equal(after, node):
                shares = self.share.flatten(0, 1)[node.flatten()]
                return shares.view(len(features), n_trees, -1).mean(dim=1).clamp_min(LOWEST).log()
            node = after


class ForestNet(Network):
    """Trees on the statistics of windows (n, n_channels, 1, n_samples)."""

    head: Trees

    def __init__(self, n_classes: int):
        super().__init__()
        self.head = Trees(n_classes)

    def grow(self, x: torch.Tensor, y: np.ndarray, seed: int) -> None:
        """Fit the trees to windows x (n, n_channels, 1, n_samples) and their labels y (n,)."""
        self.head.grow(self.features(x).numpy(), y, seed)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_features) float32, see `statistics`; without a gradient."""
        return torch.from_numpy(statistics(x[:, :, 0].detach().numpy()).astype(np.float32))

"""Losses as pure functions of tensors: of logits one value per window, of features one value per batch.

The caller averages over the batch. Maps are (n, n_channels, 1, n_positions) or images; features are (n, n_features).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

Maps = Sequence[torch.Tensor]  # one per stage of a network


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """-sum_c y_c log softmax(z)_c, (n,), for logits and label distributions (n, n_classes)."""
    return -(target * F.log_softmax(logits, dim=1)).sum(dim=1)


def kd(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """T^2 sum_c p_t log(p_t / p_s) with p = softmax(z / T), (n,), for logits (n, n_classes). Hinton et al. 2015.

    T^2 keeps the size of the gradient independent of the temperature.
    """
    log_s = F.log_softmax(student / temperature, dim=1)
    log_t = F.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * (log_t.exp() * (log_t - log_s)).sum(dim=1)


def rescaled(logits: torch.Tensor) -> torch.Tensor:
    """z / std(z) per window, unbiased over classes: MIX-KD's replacement of the temperature. Choi et al. 2023."""
    return logits / logits.std(dim=1, keepdim=True)


# -- which teacher to trust, per window


def trust(doubt: torch.Tensor) -> torch.Tensor:
    """Weights (n_teachers, n) that sum to 1: (1 - softmax(doubt)) / (n_teachers - 1). Zhang et al. 2022, CA-MKD."""
    return (1 - doubt.softmax(dim=0)) / (len(doubt) - 1)


def entropy_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD: a teacher that is sure weighs more; doubt is the entropy of softmax(z). Kwon et al. 2020."""
    return trust(torch.stack([soft_cross_entropy(z, z.softmax(dim=1)) for z in taught]))


def label_trust(taught: Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """CA-MKD: a teacher that is right weighs more; doubt is its cross-entropy with the (mixed) label."""
    return trust(torch.stack([soft_cross_entropy(z, target) for z in taught]))


# -- logits as relations


def pearson_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """1 - Pearson correlation of the rows of a and b, (n,)."""
    return 1 - F.cosine_similarity(a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True), dim=1)


def dist(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """DIST: T^2 (mean distance of rows + of columns) of the softened outputs, scalar. Huang et al. 2022."""
    p_s, p_t = ((z / temperature).softmax(dim=1) for z in (student, teacher))
    return temperature**2 * (pearson_distance(p_s, p_t).mean() + pearson_distance(p_s.T, p_t.T).mean())


# -- features


def attention(maps: torch.Tensor) -> torch.Tensor:
    """Q / |Q| with Q = sum_c F_c^2, flattened over positions, (n, n_positions)."""
    return F.normalize(maps.pow(2).sum(dim=1).flatten(1), dim=1)


def at(student: Maps, teacher: Maps) -> torch.Tensor:
    """Attention transfer: sum over stages of mean (Q_s / |Q_s| - Q_t / |Q_t|)^2. Zagoruyko & Komodakis 2017."""
    return torch.stack(
        [(attention(s) - attention(t)).pow(2).mean() for s, t in zip(student, teacher, strict=True)]
    ).sum()


def gram(maps: torch.Tensor) -> torch.Tensor:
    """F F^T of flattened maps, (n, n): how alike the windows of a batch look to a stage."""
    flat = maps.flatten(1)
    return flat @ flat.T


def sp(student: Maps, teachers: Sequence[Maps], weights: Sequence[float]) -> torch.Tensor:
    """Similarity preserving: mean over stages of mean (norm(G_s) - norm(sum_m w_m G_m))^2, G = F F^T, rows to length 1.

    Tung & Mori 2019; Gram matrices of several teachers are merged before normalising, as in the group's code (TGD).
    """
    losses = []
    for stage, own in enumerate(student):
        merged = torch.stack([w * gram(maps[stage]) for w, maps in zip(weights, teachers, strict=True)]).sum(dim=0)
        losses.append((F.normalize(gram(own), dim=1) - F.normalize(merged, dim=1)).pow(2).mean())
    return torch.stack(losses).mean()


def orthogonality(similarity: torch.Tensor, n_patches: int) -> list[torch.Tensor]:
    """P^T P - I of each block of columns, columns scaled to length 1. A reconstruction of TPKD's step."""
    blocks = [F.normalize(block, dim=0) for block in similarity.tensor_split(min(n_patches, len(similarity)), dim=1)]
    return [p.T @ p - torch.eye(p.shape[1], dtype=p.dtype) for p in blocks]


def tpkd(student: Maps, teachers: Sequence[Maps], weights: Sequence[float], n_patches: int = 4) -> torch.Tensor:
    """Mean over blocks and stages of mean (O_s - O_t)^2, O = P^T P - I of a block P. Jeon et al. 2024, reconstructed.

    Known: merged row-normalised similarity maps, k patches, normalised Gram minus I. Not known: the patch rule
    (columns here) and the scale (means here).
    """
    losses = []
    for stage, own in enumerate(student):
        pairs = zip(weights, teachers, strict=True)
        merged = torch.stack([w * F.normalize(gram(maps[stage]), dim=1) for w, maps in pairs]).sum(dim=0)
        ours = orthogonality(F.normalize(gram(own), dim=1), n_patches)
        losses += [(o - t).pow(2).mean() for o, t in zip(ours, orthogonality(merged, n_patches), strict=True)]
    return torch.stack(losses).mean()


def angular(maps: torch.Tensor, margin: float, scale: float) -> list[torch.Tensor]:
    """log e^a / (e^a + e^b), a = s cos(m arccos q) and b = s (1 - q), q = Q / |Q|; each scaled to length 1.

    Joint, positive and negative map, (n, n_positions) each.
    """
    q = attention(maps).clamp(max=1 - 1e-6)  # arccos has no slope at 1
    positive, negative = scale * torch.cos(margin * torch.arccos(q)), scale * (1 - q)
    return [F.normalize(m, dim=1) for m in (F.logsigmoid(positive - negative), positive, negative)]


def amd(student: Maps, teacher: Maps, local: bool, margin: float = 1.35, scale: float = 64.0) -> torch.Tensor:
    """Angular margin distillation: mean of three mean squared differences, mean over stages. Jeon et al. 2023.

    `local` adds the mean over four segments of time, weighted 0.8 whole and 0.2 parts (1-D form of its quadrants).
    """

    def distance(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        pairs = zip(angular(s, margin, scale), angular(t, margin, scale), strict=True)
        return torch.stack([(a - b).pow(2).mean() for a, b in pairs]).mean()

    losses = []
    for s, t in zip(student, teacher, strict=True):
        whole = distance(s, t)
        if local:
            n_parts = min(4, s.shape[3])
            parts = zip(s.tensor_split(n_parts, dim=3), t.tensor_split(n_parts, dim=3), strict=True)
            whole = 0.8 * whole + 0.2 * torch.stack([distance(a, b) for a, b in parts]).mean()
        losses.append(whole)
    return torch.stack(losses).mean()

"""Losses of feature maps, as pure functions of tensors: one scalar per batch.

Maps are (n, n_channels, height, width), with height 1 for signals; one per stage of a network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from mixkd.errors import MixkdError
from mixkd.learning.losses import same_size
from mixkd.specs.methods import TPKD_PATCHES

Maps = Sequence[torch.Tensor]  # one per stage of a network


def attention(maps: torch.Tensor) -> torch.Tensor:
    """Q / norm(Q) with Q = sum_c F_c^2 of maps F (n, n_channels, height, width), flattened: (n, n_positions)."""
    return F.normalize(maps.pow(2).sum(dim=1).flatten(1), dim=1)


def at(student: Maps, teacher: Maps) -> torch.Tensor:
    """Attention transfer: sum over stages of mean (a_s - a_t)^2, a the `attention`, scalar. Zagoruyko & Komodakis 2017.

    Raises MixkdError if maps of student and teacher differ in height or width.
    """
    losses = []
    for s, t in zip(student, teacher, strict=True):
        same_size(s[:, 0], t[:, 0], "maps of student and teacher")
        losses.append((attention(s) - attention(t)).pow(2).mean())
    return torch.stack(losses).sum()


def gram(maps: torch.Tensor) -> torch.Tensor:
    """Gram matrix F F^T, (n, n), of maps (n, n_channels, height, width): similarity of windows at a stage."""
    flat = maps.flatten(1)
    return flat @ flat.T


def sp(student: Maps, teachers: Sequence[Maps], weights: Sequence[float]) -> torch.Tensor:
    """Similarity preserving: mean over stages of mean (norm(G_s) - norm(sum_m w_m G_m))^2, scalar. Tung & Mori 2019.

    G = F F^T, rows to length 1. Gram matrices of several teachers are merged before normalising, as in the group's
    code (TGD). The row of a window whose map is 0 everywhere stays 0.
    """
    losses = []
    for stage, own in enumerate(student):
        merged = torch.stack([w * gram(maps[stage]) for w, maps in zip(weights, teachers, strict=True)]).sum(dim=0)
        losses.append((F.normalize(gram(own), dim=1) - F.normalize(merged, dim=1)).pow(2).mean())
    return torch.stack(losses).mean()


def orthogonality(similarity: torch.Tensor, n_patches: int) -> list[torch.Tensor]:
    """P^T P - I of each of `n_patches` blocks P of columns of similarity (n, n), columns scaled to length 1.

    A reconstruction of TPKD's step.
    """
    blocks = [F.normalize(block, dim=0) for block in similarity.tensor_split(n_patches, dim=1)]
    return [p.T @ p - torch.eye(p.shape[1], dtype=p.dtype) for p in blocks]


def tpkd(
    student: Maps, teachers: Sequence[Maps], weights: Sequence[float], n_patches: int = TPKD_PATCHES
) -> torch.Tensor:
    """Mean over blocks and stages of mean (O_s - O_t)^2, scalar; O: `orthogonality`. Jeon et al. 2024, reconstructed.

    Known: merged row-normalised similarity maps, k patches, normalised Gram minus I. Not known: the patch rule
    (columns here) and the scale (means here). Raises MixkdError for fewer than two windows per block, where O is 0.
    """
    if len(student[0]) < 2 * n_patches:
        raise MixkdError(f"tpkd: found {len(student[0])} windows, expected at least {2 * n_patches}, two per block")
    losses = []
    for stage, own in enumerate(student):
        pairs = zip(weights, teachers, strict=True)
        merged = torch.stack([w * F.normalize(gram(maps[stage]), dim=1) for w, maps in pairs]).sum(dim=0)
        ours = orthogonality(F.normalize(gram(own), dim=1), n_patches)
        losses += [(o - t).pow(2).mean() for o, t in zip(ours, orthogonality(merged, n_patches), strict=True)]
    return torch.stack(losses).mean()


def angular(q: torch.Tensor, margin: float, scale: float) -> list[torch.Tensor]:
    """log e^a / (e^a + e^b), a = s cos(m arccos q) and b = s (1 - q), of attention q (n, n_positions).

    Joint, positive and negative map, (n, n_positions) each, rows scaled to length 1.
    """
    q = q.clamp(max=1 - 1e-6)  # the derivative of arccos is infinite at 1
    near, far = scale * torch.cos(margin * torch.arccos(q)), scale * (1 - q)
    return [F.normalize(m, dim=1) for m in (F.logsigmoid(near - far), near, far)]


def parts_of(q: torch.Tensor) -> list[torch.Tensor]:
    """Attention (n, height, width) cut into four quadrants, flattened; four time segments if height is 1 (ours)."""
    if q.shape[1] == 1:
        return [part.flatten(1) for part in q.tensor_split(min(4, q.shape[2]), dim=2)]
    halves = q.tensor_split((q.shape[1] // 2,), dim=1)
    return [part.flatten(1) for half in halves for part in half.tensor_split((q.shape[2] // 2,), dim=2)]


def amd(student: Maps, teacher: Maps, *, local: bool, margin: float = 1.35, scale: float = 64.0) -> torch.Tensor:
    """Angular margin distillation: mean of three mean squared differences, mean over stages, scalar. Jeon et al. 2023.

    local: 0.8 times that plus 0.2 times its mean over the four pieces of `parts_of`; attention stays normalised over
    the whole map, as in the released code.
    """

    def distance(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        pairs = zip(angular(s, margin, scale), angular(t, margin, scale), strict=True)
        return torch.stack([(a - b).pow(2).mean() for a, b in pairs]).mean()

    losses = []
    for s, t in zip(student, teacher, strict=True):
        same_size(s[:, 0], t[:, 0], "maps of student and teacher")
        q_s, q_t = attention(s), attention(t)
        loss = distance(q_s, q_t)
        if local:
            shape = (-1, *s.shape[2:])
            pairs = zip(parts_of(q_s.reshape(shape)), parts_of(q_t.reshape(shape)), strict=True)
            loss = 0.8 * loss + 0.2 * torch.stack([distance(a, b) for a, b in pairs]).mean()
        losses.append(loss)
    return torch.stack(losses).mean()


def orthogonal_spheres(features: torch.Tensor) -> torch.Tensor:
    """||Z^T Z - I||_F of features (n, n_features) whose columns are scaled to length 1, scalar. Orthogonal Spheres.

    Choi et al. 2020 in closed form; by columns, not rows, is declared here: with rows the minimum depends on n. With
    fewer rows than features the minimum is above 0.
    """
    z = F.normalize(features, dim=0)
    return torch.linalg.matrix_norm(z.T @ z - torch.eye(z.shape[1], dtype=z.dtype))

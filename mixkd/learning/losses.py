"""Losses as pure functions of tensors: of logits one value per window, of features one value per batch.

The caller averages over the batch. Maps are (n, n_channels, 1, n_positions) or images; features are (n, n_features).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from mixkd.errors import MixkdError
from mixkd.specs.methods import TPKD_PATCHES

Maps = Sequence[torch.Tensor]  # one per stage of a network


def finite(logits: torch.Tensor, whose: str = "a network", way_on: str = "") -> None:
    """Refuse logits that are infinite or NaN (MixkdError): they would make any loss NaN."""
    if not torch.isfinite(logits).all():
        raise MixkdError(f"logits of {whose}: found values that are not finite, expected finite numbers{way_on}")


def positive(temperature: float) -> None:
    """Refuse a temperature of 0 or below (MixkdError)."""
    if not temperature > 0:
        raise MixkdError(f"temperature: found {temperature!r}, expected a number above 0")


def same_size(one: torch.Tensor, other: torch.Tensor, what: str) -> None:
    """Refuse tensors of different shapes (MixkdError), which arithmetic would broadcast."""
    if one.shape != other.shape:
        raise MixkdError(f"{what}: found shapes {tuple(one.shape)} and {tuple(other.shape)}, expected equal ones")


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """-sum_c y_c log softmax(z)_c, (n,), for logits and label distributions (n, n_classes).

    Raises MixkdError for unequal shapes and logits that are not finite.
    """
    same_size(logits, target, "logits and labels")
    finite(logits)
    return -(target * F.log_softmax(logits, dim=1)).sum(dim=1)


def kd(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """T^2 sum_c p_t log(p_t / p_s) with p = softmax(z / T), (n,), for logits (n, n_classes). Hinton et al. 2015.

    T^2 keeps the size of the gradient independent of the temperature. Raises MixkdError for a temperature of 0 or
    below, unequal shapes and logits that are not finite.
    """
    positive(temperature)
    same_size(student, teacher, "logits of student and teacher")
    for logits in (student, teacher):
        finite(logits)
    log_s = F.log_softmax(student / temperature, dim=1)
    log_t = F.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * (log_t.exp() * (log_t - log_s)).sum(dim=1)


def rescaled(logits: torch.Tensor) -> torch.Tensor:
    """z / std(z) per window, unbiased over classes: MIX-KD's replacement of the temperature. Choi et al. 2023.

    Raises MixkdError where all logits of a window are equal.
    """
    spread = logits.std(dim=1, keepdim=True)
    if not (spread > 0).all():
        row = int(torch.nonzero(~(spread > 0).flatten())[0])
        raise MixkdError(f"logits of window {row}: found equal values, expected a standard deviation to divide by")
    return logits / spread


# -- which teacher to trust, per window


def trust(parts: torch.Tensor) -> torch.Tensor:
    """Weights (n_teachers, n) that sum to 1, (1 - part) / (n_teachers - 1), of parts (n_teachers, n) that sum to 1.

    Raises MixkdError for fewer than two teachers.
    """
    if len(parts) < 2:
        raise MixkdError(f"trust: found {len(parts)} teacher, expected two or more to weigh against each other")
    return (1 - parts) / (len(parts) - 1)


def entropies(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """Entropy of softmax(z) in nats, (n_teachers, n)."""
    return torch.stack([soft_cross_entropy(z, z.softmax(dim=1)) for z in taught])


def entropy_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD: a teacher of low entropy H weighs more, by 1 - H / sum H; equal weights where all H are 0.

    Kwon et al. 2020, as released with CA-MKD, which halves the weights of two teachers once more.
    """
    doubt = entropies(taught)
    total = doubt.sum(dim=0)
    return trust(torch.where(total > 0, doubt / total.clamp_min(torch.finfo(total.dtype).tiny), 1 / len(doubt)))


def entropy_softmax_trust(taught: Sequence[torch.Tensor]) -> torch.Tensor:
    """EBKD's idea with the weights of CA-MKD: by 1 - softmax of the teachers' entropies. Declared here."""
    return trust(entropies(taught).softmax(dim=0))


def label_trust(taught: Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """CA-MKD: a teacher of low cross-entropy with the (mixed) label weighs more, by 1 - softmax. Zhang et al. 2022."""
    return trust(torch.stack([soft_cross_entropy(z, target) for z in taught]).softmax(dim=0))


# -- logits as relations


def pearson_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """1 - Pearson correlation of the rows of a and b, (n,); 1 for a row of equal values. Unequal shapes: MixkdError."""
    same_size(a, b, "outputs of student and teacher")
    return 1 - F.cosine_similarity(a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True), dim=1)


def dist(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """DIST: T^2 (mean distance of rows + of columns) of the softened outputs, scalar. Huang et al. 2022.

    Raises MixkdError as `kd` does.
    """
    positive(temperature)
    for logits in (student, teacher):
        finite(logits)
    p_s, p_t = ((z / temperature).softmax(dim=1) for z in (student, teacher))
    return temperature**2 * (pearson_distance(p_s, p_t).mean() + pearson_distance(p_s.T, p_t.T).mean())


# -- features


def attention(maps: torch.Tensor) -> torch.Tensor:
    """Q / |Q| with Q = sum_c F_c^2, flattened over positions, (n, n_positions)."""
    return F.normalize(maps.pow(2).sum(dim=1).flatten(1), dim=1)


def at(student: Maps, teacher: Maps) -> torch.Tensor:
    """Attention transfer: sum over stages of mean (Q_s / |Q_s| - Q_t / |Q_t|)^2. Zagoruyko & Komodakis 2017.

    Raises MixkdError where maps differ in their positions.
    """
    losses = []
    for s, t in zip(student, teacher, strict=True):
        same_size(s[:, 0], t[:, 0], "maps of student and teacher")
        losses.append((attention(s) - attention(t)).pow(2).mean())
    return torch.stack(losses).sum()


def gram(maps: torch.Tensor) -> torch.Tensor:
    """F F^T of flattened maps, (n, n): how alike the windows of a batch look to a stage."""
    flat = maps.flatten(1)
    return flat @ flat.T


def sp(student: Maps, teachers: Sequence[Maps], weights: Sequence[float]) -> torch.Tensor:
    """Similarity preserving: mean over stages of mean (norm(G_s) - norm(sum_m w_m G_m))^2, G = F F^T, rows to length 1.

    Tung & Mori 2019; Gram matrices of several teachers are merged before normalising, as in the group's code (TGD).
    A window whose map is 0 everywhere is like no other: its row stays 0.
    """
    losses = []
    for stage, own in enumerate(student):
        merged = torch.stack([w * gram(maps[stage]) for w, maps in zip(weights, teachers, strict=True)]).sum(dim=0)
        losses.append((F.normalize(gram(own), dim=1) - F.normalize(merged, dim=1)).pow(2).mean())
    return torch.stack(losses).mean()


def orthogonality(similarity: torch.Tensor, n_patches: int) -> list[torch.Tensor]:
    """P^T P - I of each block of columns, columns scaled to length 1. A reconstruction of TPKD's step."""
    blocks = [F.normalize(block, dim=0) for block in similarity.tensor_split(n_patches, dim=1)]
    return [p.T @ p - torch.eye(p.shape[1], dtype=p.dtype) for p in blocks]


def tpkd(
    student: Maps, teachers: Sequence[Maps], weights: Sequence[float], n_patches: int = TPKD_PATCHES
) -> torch.Tensor:
    """Mean over blocks and stages of mean (O_s - O_t)^2, O = P^T P - I of a block P. Jeon et al. 2024, reconstructed.

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
    q = q.clamp(max=1 - 1e-6)  # arccos has no slope at 1
    near, far = scale * torch.cos(margin * torch.arccos(q)), scale * (1 - q)
    return [F.normalize(m, dim=1) for m in (F.logsigmoid(near - far), near, far)]


def parts_of(q: torch.Tensor) -> list[torch.Tensor]:
    """Attention (n, height, width) in four flattened parts: quadrants; segments of time where height is 1 (ours)."""
    if q.shape[1] == 1:
        return [part.flatten(1) for part in q.tensor_split(min(4, q.shape[2]), dim=2)]
    halves = q.tensor_split((q.shape[1] // 2,), dim=1)
    return [part.flatten(1) for half in halves for part in half.tensor_split((q.shape[2] // 2,), dim=2)]


def amd(student: Maps, teacher: Maps, local: bool, margin: float = 1.35, scale: float = 64.0) -> torch.Tensor:
    """Angular margin distillation: mean of three mean squared differences, mean over stages. Jeon et al. 2023.

    `local` weighs it 0.8 and adds 0.2 times its mean over four parts of the map, whose attention stays scaled on the
    whole map, as in the released code.
    """

    def distance(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        pairs = zip(angular(s, margin, scale), angular(t, margin, scale), strict=True)
        return torch.stack([(a - b).pow(2).mean() for a, b in pairs]).mean()

    losses = []
    for s, t in zip(student, teacher, strict=True):
        same_size(s[:, 0], t[:, 0], "maps of student and teacher")
        q_s, q_t = attention(s), attention(t)
        found = distance(q_s, q_t)
        if local:
            shape = (-1, *s.shape[2:])
            pairs = zip(parts_of(q_s.reshape(shape)), parts_of(q_t.reshape(shape)), strict=True)
            found = 0.8 * found + 0.2 * torch.stack([distance(a, b) for a, b in pairs]).mean()
        losses.append(found)
    return torch.stack(losses).mean()

"""Intra-class patch swap: two windows of one class exchange segments of time; the student agrees with itself on both.

Choi et al. 2025 swap patches of images. Adapted to time series: segments, in all channels together, at the same place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mixkd.errors import MixkdError
from mixkd.learning.fold_data import Batch, FoldData
from mixkd.learning.methods.kd import Parts, Step, kd
from mixkd.learning.methods.rule import Rule
from mixkd.learning.streams import Stream, mix
from mixkd.rng import generator
from mixkd.specs.run import RunSpec
from mixkd.windows import Windows


@dataclass(frozen=True)
class Swap:
    """partner: (n,) the row that a row is paired with, or itself; taken: (n, n_samples) share of the partner."""

    partner: np.ndarray
    taken: np.ndarray

    @property
    def alone(self) -> np.ndarray:
        """Which rows have no partner and pass unchanged, (n,)."""
        return self.partner == np.arange(len(self.partner))


def pairs(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random partner of the same group for each row, (n,); each row is in one pair; the odd one has itself."""
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    partner = np.arange(len(groups))
    for group in np.unique(groups):
        rows = order[groups[order] == group]
        first, second = rows[0 : len(rows) - 1 : 2], rows[1::2]
        partner[first], partner[second] = second, first
    return partner


def draw(rows: np.ndarray, windows: Windows, spec: RunSpec, step: int) -> Swap:
    """The pairs and segments of a step, of rows (n,) of the training windows."""
    rng = generator(spec.seed, "patch swap", str(step))
    groups = windows.y[rows]
    if spec.constant("same_person"):
        groups = groups + (windows.y.max() + 1) * windows.subject[rows]
    partner, n_samples = pairs(groups, rng), windows.x.shape[2]
    length = int(spec.constant("segment"))
    chosen = rng.random((len(rows), -(-n_samples // length))) < spec.constant("swap")
    taken = np.repeat(chosen, length, axis=1)[:, :n_samples].astype(np.float32)
    if fade := int(spec.constant("fade")):
        padded = np.pad(taken, ((0, 0), (fade // 2, fade - fade // 2)), mode="edge")
        taken = np.lib.stride_tricks.sliding_window_view(padded, fade + 1, axis=1).mean(-1, dtype=np.float32)
    first = np.arange(len(rows)) < partner
    taken = np.where(first[:, None], taken, taken[partner])  # both take the same segments: the views are complements
    swap = Swap(partner, taken)
    return Swap(partner, np.where(swap.alone[:, None], np.float32(0), taken))


def alone_share(spec: RunSpec, data: FoldData, draws: Stream) -> dict[str, float]:
    """For the record: the part of all rows of a training that had no partner."""
    alone = [draw(draws[step].rows, data.splits["train"], spec, step).alone.mean() for step in range(len(draws))]
    return {"unpaired_share": float(np.mean(alone))}


def of_batch(batch: Batch, spec: RunSpec) -> Swap:
    """The swap of a batch. MixkdError for networks that do not read signals."""
    if spec.modality != "signal":
        raise MixkdError(f"RunSpec.modality: found {spec.modality!r}, expected signal: segments of time are swapped")
    return draw(batch.draw.rows, batch.data.splits["train"], spec, batch.step)


def swapped(batch: Batch, spec: RunSpec) -> torch.Tensor:
    """The (mixed) inputs of a batch after the swap, (n, n_channels, 1, n_samples)."""
    swap, x = of_batch(batch, spec), batch.inputs("signal")
    taken = torch.from_numpy(swap.taken)[:, None, None]
    return taken * x[swap.partner] + (1 - taken) * x


def loss(step: Step) -> Parts:
    """CE on the swapped windows + weight T^2 (KL + KL) / 2 between the two of a pair; with teachers, KD as well.

    Targets of mixed windows, and the teachers' logits, are mixed by the share of time that was swapped; targets of
    clean windows are those of the class. A row without a partner has no agreement.
    """
    assert step.batch
    spec, z = step.spec, step.student.logits
    swap = of_batch(step.batch, spec)
    own = torch.from_numpy(1 - swap.taken.mean(axis=1))

    def mixed(values: torch.Tensor) -> torch.Tensor:
        return mix(values, values[swap.partner], own.to(values.dtype))

    parts = {"CE": (1 - spec.kd_weight) * step.task.loss(z, mixed(step.target))}
    if step.taught:
        answers = zip(step.weights, step.logits, strict=True)
        terms = [weight * kd(z, mixed(logits), step) for weight, logits in answers]
        parts["KD"] = spec.kd_weight * torch.stack(terms).sum(dim=0)
    other = z[swap.partner]
    views = (other.detach(), z.detach()) if spec.constant("stop_gradient") else (other, z)
    agreement = step.task.kd(z, views[0], spec.temperature) + step.task.kd(other, views[1], spec.temperature)
    return {**parts, "agreement": spec.constant("weight") / 2 * agreement}


RULES = {
    "patch_swap": Rule(loss, swapped, about=alone_share),
}

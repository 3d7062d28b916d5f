"""Who answers for the batches of a stream: a live network, its trace, or a running average of the student."""

from __future__ import annotations

import copy
import math
from typing import Protocol

import numpy as np
import torch

from mixkd.learning.fold_data import Batch, FoldData, evaluate
from mixkd.learning.networks import Network, Outputs
from mixkd.learning.streams import Draw, Stream
from mixkd.specs.run import Modality

ROWS_ON_A_CARD = 4096  # of a trace, at once


class Teacher(Protocol):
    """What a training step asks of a teacher."""

    def outputs(self, batch: Batch) -> Outputs:
        """Logits of the batch (n, n_classes), and features and maps where it has them; without a gradient."""

    def follow(self, student: Network, step: int) -> None:
        """Take notice of a student after a step, counted from 0."""


class Live:
    """A frozen network of any family; it computes a batch once for all students."""

    def __init__(self, net: Network, modality: Modality):
        self.net, self.modality = net, modality

    def outputs(self, batch: Batch) -> Outputs:
        """See `Teacher`."""
        return batch.outputs(self.net, self.modality)

    def follow(self, student: Network, step: int) -> None:
        """It stays as it is."""


class Traced:
    """Logits that were computed beforehand, (n_steps, batch_size, n_classes)."""

    def __init__(self, logits: torch.Tensor):
        self.logits = logits

    def outputs(self, batch: Batch) -> Outputs:
        """The logits alone."""
        logits = self.logits[batch.step]
        return Outputs(logits, logits.new_empty(0))

    def follow(self, student: Network, step: int) -> None:
        """It stays as it is."""


class Averaged:
    """An exponential moving average of the student's weights, in evaluation mode; its buffers are the student's.

    decay: of each step, after a ramp (1 + step) / (10 + step); None: no ramp. Tarvainen & Valpola 2017.
    """

    def __init__(self, student: Network, modality: Modality, decay: float = 0.999, *, ramp: bool = True):
        self.net = copy.deepcopy(student).requires_grad_(False).eval()
        self.modality, self.decay, self.ramp = modality, decay, ramp

    def outputs(self, batch: Batch) -> Outputs:
        """See `Teacher`. It changes with each step, so nothing is shared between students."""
        with torch.no_grad():
            return self.net.outputs(batch.inputs(self.modality))

    @torch.no_grad()
    def follow(self, student: Network, step: int) -> None:
        """Move by 1 - decay towards the student."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.ramp else self.decay
        for mean, now in zip(self.net.parameters(), student.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        for copied, current in zip(self.net.buffers(), student.buffers(), strict=True):
            copied.copy_(current)


@torch.inference_mode()
def trace(net: Network, modality: Modality, data: FoldData, draws: Stream) -> torch.Tensor:
    """A network's logits along a stream, (n_steps, batch_size, n_classes) float32.

    Rows that are augmented, or decoded from a sphere, are computed as a step has them. Else unmixed rows are looked up
    among the logits of the clean windows, and mixed rows are computed, a batch at a time. In evaluation mode a row's
    logits do not depend on its batch, so both equal the live teacher's (tested); a decoded row may, in its last bits.
    """
    if draws.augment != "none" or data.about.on_sphere:
        return torch.stack([net(data.mixed(modality, draws[step])) for step in range(len(draws))])
    clean = torch.from_numpy(evaluate(net, data, modality, "train")[0].copy()).to(data.device)
    result = clean[torch.from_numpy(draws.rows).to(data.device)]
    flat, at_once = result.view(-1, clean.shape[1]), draws.rows.shape[1] if data.device == "cpu" else ROWS_ON_A_CARD
    rows, partners, coefficients = draws.rows.ravel(), draws.partners.ravel(), draws.coefficients.ravel()
    mixed = np.flatnonzero(coefficients < 1)
    for at in np.array_split(mixed, math.ceil(len(mixed) / at_once) or 1):
        if len(at):
            flat[at] = net(data.mixed(modality, Draw(rows[at], partners[at], coefficients[at])))
    return result

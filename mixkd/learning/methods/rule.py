"""What a method computes in training, as a row of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from mixkd.learning.fold_data import Batch, FoldData
from mixkd.learning.methods.kd import Parts, Step
from mixkd.learning.networks import Network
from mixkd.learning.streams import Stream
from mixkd.learning.teachers import Teacher
from mixkd.specs.run import RunSpec


@dataclass(frozen=True)
class Rule:
    """What a method computes. loss: the parts of a step's loss.

    sees: inputs of the student, (n, n_channels, ...); by default those of the batch
    beside: layers that are trained beside the student and dropped after, given its teachers
    teachers: teachers of the method's own, such as an average of the student; they come after those of the spec
    about: what a record says of a training beside its history, such as a count of rows that were left out
    """

    loss: Callable[[Step], Parts]
    sees: Callable[[Batch, RunSpec], torch.Tensor] = lambda batch, spec: batch.inputs(spec.modality)
    beside: Callable[[RunSpec, Network, Sequence[Teacher]], nn.ModuleList] = lambda spec, net, teachers: nn.ModuleList()
    teachers: Callable[[RunSpec, Network], list[Teacher]] = lambda spec, net: []
    about: Callable[[RunSpec, FoldData, Stream], dict[str, float]] = lambda spec, data, draws: {}

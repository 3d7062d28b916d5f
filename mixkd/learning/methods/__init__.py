"""The losses of the distillation methods, a function each; their facts are in `mixkd/specs/methods.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from mixkd.learning.fold_data import Batch, FoldData
from mixkd.learning.methods import in_time, logits, maps, patch_swap, selves
from mixkd.learning.methods.kd import Parts, Step, cross_entropy, kd, kd_loss
from mixkd.learning.networks import Network
from mixkd.learning.streams import Stream
from mixkd.learning.teachers import Teacher
from mixkd.specs.run import RunSpec

__all__ = ["RULES", "Parts", "Rule", "Step", "cross_entropy", "kd"]


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


RULES = {
    "kd": Rule(kd_loss),
    "aver": Rule(logits.aver),
    "ebkd": Rule(logits.ebkd),
    "ebkd_softmax": Rule(logits.ebkd_softmax),
    "dist": Rule(logits.dist),
    "camkd": Rule(maps.camkd, beside=maps.adapters),
    "at": Rule(maps.at),
    "sp": Rule(maps.sp),
    "tpkd": Rule(maps.tpkd),
    "amd": Rule(maps.amd),
    "amd_local": Rule(maps.amd_local),
    "simkd": Rule(maps.simkd, beside=maps.of_teacher),
    "label_smoothing": Rule(logits.label_smoothing),
    "patch_swap": Rule(patch_swap.loss, patch_swap.swapped, about=patch_swap.alone_share),
    "time_aware": Rule(in_time.time_aware),
    "smooth": Rule(selves.smooth, teachers=selves.averaged),
    "dropout": Rule(selves.dropout),
    "stochastic": Rule(selves.stochastic),
}

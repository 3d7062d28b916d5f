"""Which runs can be trained side by side in one network, see mixkd/learning/stacked.py."""

from __future__ import annotations

from collections.abc import Hashable

from mixkd.specs.run import RunSpec

# methods whose loss is a mean over windows
PER_WINDOW = ("kd", "aver", "ebkd", "ebkd_softmax", "label_smoothing", "lskd", "rld")


def stackable(spec: RunSpec) -> bool:
    """Whether a run can be trained in a stack: a WideResNet, a loss of each window, draws that only mix."""
    mixes_only = spec.augment == "none" and not spec.on_sphere and spec.image_mixing == "linear"
    plain = spec.family == "wrn" and not spec.orthogonality and spec.stopping == "last"
    return mixes_only and plain and spec.method in PER_WINDOW


def shape(spec: RunSpec) -> Hashable:
    """What runs of a stack share: windows and inputs, network and optimiser."""
    network = spec.modality, spec.depth, spec.width, spec.image if spec.modality == "image" else None
    optimiser = spec.schedule, spec.learning_rate, spec.momentum, spec.weight_decay, spec.precision
    return spec.windows, spec.task, spec.balance, spec.epochs, spec.batch_size, *network, *optimiser


def loss(spec: RunSpec) -> Hashable:
    """What the loss of a window depends on, beside its draw and the teachers' logits."""
    weights = tuple(teacher.weight for teacher in spec.teachers)
    released = spec.logit_scaling, spec.kd_reduction
    return spec.task, spec.method, weights, spec.kd_weight, spec.temperature, spec.constants, *released

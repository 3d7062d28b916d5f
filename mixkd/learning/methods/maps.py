"""Methods that read features or maps of live teachers: KD and a term of their own, or (SimKD) that term alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from mixkd.learning import losses, map_losses
from mixkd.learning.methods.kd import Parts, Step, basic, weighted
from mixkd.learning.methods.logits import by_trust
from mixkd.learning.methods.rule import Rule
from mixkd.learning.networks import Network, undrawn
from mixkd.learning.teachers import Live, Teacher
from mixkd.rng import generator
from mixkd.specs.run import RunSpec


def with_term(step: Step, term: Callable[[], torch.Tensor]) -> Parts:
    """The parts of KD, and then the method's weight times its own term."""
    return {**basic(step, weighted), step.method.title: step.method.weight * term()}


def camkd(step: Step) -> Parts:
    """CA-MKD: KD and features, both weighted by how right each teacher is. Zhang et al. 2022.

    Term: sum_m trust_m mean (A_m f_s - f_m)^2 with pooled features f and learned linear maps A_m. Declared: pooled
    features, and the trust of the logits (the original weights this term anew).
    """
    trust = losses.label_trust(step.logits, step.target)
    parts = basic(step, partial(by_trust, trust))
    pairs = zip(step.beside, step.taught, strict=True)
    gaps = [(adapter(step.student.features) - t.features).pow(2).mean(1) for adapter, t in pairs]
    return {**parts, step.method.title: step.method.weight * (trust * torch.stack(gaps)).sum(dim=0).mean()}


def at(step: Step) -> Parts:
    """Attention transfer. Zagoruyko & Komodakis 2017."""
    return with_term(step, lambda: map_losses.at(step.student.stages, step.taught[0].stages))


def of_all(term: Callable[..., torch.Tensor], step: Step) -> Parts:
    """A term that merges the maps of all teachers by their weights."""
    return with_term(step, lambda: term(step.student.stages, [t.stages for t in step.taught], step.weights))


def sp(step: Step) -> Parts:
    """Similarity-preserving KD. Tung & Mori 2019."""
    return of_all(map_losses.sp, step)


def tpkd(step: Step) -> Parts:
    """Orthogonal parts of similarity maps. Jeon et al. 2024."""
    return of_all(map_losses.tpkd, step)


def amd(step: Step) -> Parts:
    """Angular margin distillation, global. Jeon et al. 2023."""
    return with_term(step, lambda: map_losses.amd(step.student.stages, step.taught[0].stages, local=False))


def amd_local(step: Step) -> Parts:
    """Angular margin distillation with its local part. Jeon et al. 2023."""
    return with_term(step, lambda: map_losses.amd(step.student.stages, step.taught[0].stages, local=True))


def simkd(step: Step) -> Parts:
    """Mean (f_s - f_t)^2 of features behind the student's map. Chen et al. 2022."""
    return {"features": F.mse_loss(step.student.features, step.taught[0].features)}


def simkd_maps(step: Step) -> Parts:
    """Mean (m_s - m_t)^2 of the last maps, the student's behind three convolutions. Chen et al. 2022, as released."""
    return {"maps": F.mse_loss(step.student.stages[-1], step.taught[0].stages[-1])}


def of_teacher(spec: RunSpec, net: Network, teachers: Sequence[Teacher]) -> nn.ModuleList:
    """SimKD: the student gets the head of its teacher, which stays fixed; nothing is trained beside."""
    assert isinstance(teachers[0], Live)
    net.head.load_state_dict(teachers[0].net.head.state_dict())
    return nn.ModuleList()


def adapters(spec: RunSpec, net: Network, teachers: Sequence[Teacher]) -> nn.ModuleList:
    """CA-MKD's linear maps from the student's features to each teacher's."""
    seed = int(generator(spec.seed, "adapters").integers(2**62))
    draw = torch.Generator().manual_seed(seed)
    layers = []
    for teacher in spec.teachers:
        layer = undrawn(nn.Linear, 64 * spec.width, 64 * teacher.width)
        nn.init.xavier_uniform_(layer.weight, generator=draw)
        nn.init.zeros_(layer.bias)
        layers.append(layer)
    return nn.ModuleList(layers)


RULES = {
    "camkd": Rule(camkd, beside=adapters),
    "at": Rule(at),
    "sp": Rule(sp),
    "tpkd": Rule(tpkd),
    "amd": Rule(amd),
    "amd_local": Rule(amd_local),
    "simkd": Rule(simkd, beside=of_teacher),
    "simkd_maps": Rule(simkd_maps, beside=of_teacher),
}

"""Distillation methods in one table: what each adds to the loss, from which source, with which weight.

Every method but DIST and SimKD is L = (1 - kd_weight) CE + kd_weight KD + weight * term, averaged over the batch;
`KD` is the weighted sum over teachers unless the method weights them per window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from mixkd.errors import MixkdError
from mixkd.learning import losses
from mixkd.learning.networks import Outputs
from mixkd.rng import generator
from mixkd.specs.run import RunSpec

Taught = list[Outputs]  # one per teacher


def teacher_weights(spec: RunSpec) -> list[float]:
    return [teacher.weight for teacher in spec.teachers]


def kd(student: torch.Tensor, teacher: torch.Tensor, spec: RunSpec) -> torch.Tensor:
    """KD of a window, (n,), in the form that the spec asks for.

    `released` scaling divides logits by their standard deviation, with no temperature (MIX-KD); `tda_kd` by half of
    it, and keeps the factor T^2. `released` reduction also averages over classes: it divides by their number.
    """
    if spec.logit_scaling == "exact":
        result = losses.kd(student, teacher, spec.temperature)
    else:
        sharper = 2.0 if spec.logit_scaling == "tda_kd" else 1.0
        student, teacher = (sharper * losses.rescaled(z) for z in (student, teacher))
        result = spec.temperature**2 * losses.kd(student, teacher, 1.0)
    return result / student.shape[1] if spec.kd_reduction == "released" else result


def cross_entropy(student: torch.Tensor, target: torch.Tensor, spec: RunSpec) -> torch.Tensor:
    """CE with the (mixed) label, (n,)."""
    return losses.soft_cross_entropy(student if spec.logit_scaling == "exact" else losses.rescaled(student), target)


def weighted(student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec) -> torch.Tensor:
    """sum_m w_m kd_m, (n,), with the teachers' fixed weights."""
    result = torch.zeros_like(target[:, 0])
    for w, teacher in zip(teacher_weights(spec), taught, strict=True):
        result = result + w * kd(student.logits, teacher.logits, spec)
    return result


def averaged(student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec) -> torch.Tensor:
    """KD from the mean of the teachers' logits, (n,). Of their probabilities it would be `weighted` in gradient."""
    mean = torch.stack([w * t.logits for w, t in zip(teacher_weights(spec), taught, strict=True)]).sum(dim=0)
    return kd(student.logits, mean, spec)


def by_trust(trust: torch.Tensor, student: Outputs, taught: Taught, spec: RunSpec) -> torch.Tensor:
    """sum_m trust_m kd_m, (n,), with weights per window (n_teachers, n)."""
    return (trust * torch.stack([kd(student.logits, teacher.logits, spec) for teacher in taught])).sum(dim=0)


def by_entropy(student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec) -> torch.Tensor:
    return by_trust(losses.entropy_trust([t.logits for t in taught]), student, taught, spec)


def by_entropy_softmax(student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec) -> torch.Tensor:
    return by_trust(losses.entropy_softmax_trust([t.logits for t in taught]), student, taught, spec)


def by_label(student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec) -> torch.Tensor:
    return by_trust(losses.label_trust([t.logits for t in taught], target), student, taught, spec)


# -- terms on features: (student, target, taught, spec, adapters) -> scalar

Term = Callable[[Outputs, torch.Tensor, Taught, RunSpec, nn.ModuleList], torch.Tensor]


def adapted_features(student, target, taught, spec, adapters) -> torch.Tensor:
    """CA-MKD's feature term: sum_m trust_m mean (A_m f_s - f_m)^2 with pooled features f and learned linear maps A_m.

    Declared: pooled features, and the trust of the logits (the original weights this term anew).
    """
    trust = losses.label_trust([t.logits for t in taught], target)
    gaps = [
        (adapter(student.features) - t.features).pow(2).mean(1) for adapter, t in zip(adapters, taught, strict=True)
    ]
    return (trust * torch.stack(gaps)).sum(dim=0).mean()


def attention_transfer(student, target, taught, spec, adapters) -> torch.Tensor:
    return losses.at(student.stages, taught[0].stages)


def similarity(student, target, taught, spec, adapters) -> torch.Tensor:
    return losses.sp(student.stages, [t.stages for t in taught], teacher_weights(spec))


def orthogonal(student, target, taught, spec, adapters) -> torch.Tensor:
    return losses.tpkd(student.stages, [t.stages for t in taught], teacher_weights(spec))


def angular(student, target, taught, spec, adapters) -> torch.Tensor:
    return losses.amd(student.stages, taught[0].stages, local=False)


def angular_local(student, target, taught, spec, adapters) -> torch.Tensor:
    return losses.amd(student.stages, taught[0].stages, local=True)


@dataclass(frozen=True)
class Method:
    """A row of the table. `features`: needs more of a teacher than its logits, hence no trace; weight: of the term."""

    title: str
    source: str
    kd: Callable[..., torch.Tensor] = weighted
    term: Term | None = None
    weight: float = 0.0
    features: bool = False


METHODS = {
    "kd": Method("KD", "Hinton et al. 2015"),
    "aver": Method("AVER", "mean of the teachers' outputs; of logits: declared", kd=averaged),
    "ebkd": Method("EBKD", "Kwon et al. 2020; weights as released with CA-MKD, to sum 1", kd=by_entropy),
    "ebkd_softmax": Method("EBKD (softmax)", "declared here: EBKD with the weights of CA-MKD", kd=by_entropy_softmax),
    "camkd": Method("CA-MKD", "Zhang et al. 2022; features, weight 1: declared", by_label, adapted_features, 1.0, True),
    "at": Method("AT", "Zagoruyko & Komodakis 2017; weight of RepDistiller", weighted, attention_transfer, 1e3, True),
    "sp": Method("SP", "Tung & Mori 2019; weight of the group's code (TGD)", weighted, similarity, 3e3, True),
    "tpkd": Method("TPKD", "Jeon et al. 2024; orthogonal step reconstructed", weighted, orthogonal, 700.0, True),
    "amd": Method("AMD (global)", "Jeon et al. 2023; weight of its paper", weighted, angular, 5e3, True),
    "amd_local": Method("AMD (global + local)", "Jeon et al. 2023, in 1-D", weighted, angular_local, 5e3, True),
    "simkd": Method("SimKD", "Chen et al. 2022; on pooled features: declared", features=True),
    "dist": Method("DIST", "Huang et al. 2022; weights 1, 2, 2"),
}


SOURCES = {method.title: method.source for method in METHODS.values()} | {
    "Scratch": "control: labels only",
    "Base": METHODS["kd"].source,
    "Ann": "the group's papers: starts from a scratch student",
    "Base 2x": "control of Ann: as many epochs, all of them taught",
    "Scratch 2x": "control of Ann: as many epochs, none of them taught",
    "ESKD": "Cho & Hariharan 2019: early-stopped teacher",
    "RL": "Choi et al. 2023: logits divided by their standard deviation",
}  # by the name that tables use, see `tables.method_of`


def adapters(spec: RunSpec) -> nn.ModuleList:
    """Layers that a method trains beside the student and drops after: CA-MKD's linear maps, one per teacher."""
    if spec.method != "camkd":
        return nn.ModuleList()
    seed = int(generator(spec.seed, "adapters").integers(2**62))
    draw = torch.Generator().manual_seed(seed)
    layers = []
    for teacher in spec.teachers:
        layer = skip_init(nn.Linear, 64 * spec.width, 64 * teacher.width)  # no draw from the global generator
        nn.init.xavier_uniform_(layer.weight, generator=draw)
        nn.init.zeros_(layer.bias)
        layers.append(layer)
    return nn.ModuleList(layers)


def loss_parts(
    student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec, adapters: nn.ModuleList
) -> dict[str, torch.Tensor]:
    """The weighted parts of a batch's loss by name: (n,), to be averaged over windows, or scalars.

    Student and teachers saw the same draw; target is its (mixed) label (n, n_classes). SimKD: mean (f_s - f_t)^2 of
    features behind the student's map. DIST: CE + 2 (rows + columns).
    """
    method = METHODS[spec.method]
    if spec.method == "simkd":
        return {"features": F.mse_loss(student.features, taught[0].features)}
    if spec.method == "dist":
        relations = losses.dist(student.logits, taught[0].logits, spec.temperature)
        return {"CE": losses.soft_cross_entropy(student.logits, target), "relations": 2 * relations}
    parts = {"CE": (1 - spec.kd_weight) * cross_entropy(student.logits, target, spec)}
    if taught:
        parts["KD"] = spec.kd_weight * method.kd(student, target, taught, spec)
    if method.term:
        parts[method.title] = method.weight * method.term(student, target, taught, spec, adapters)
    return parts


def distil_loss(
    student: Outputs, target: torch.Tensor, taught: Taught, spec: RunSpec, adapters: nn.ModuleList
) -> torch.Tensor:
    """The loss of a batch, scalar: the sum of its parts.

    Raises MixkdError where it is not finite, naming the network or the part, and what to do.
    """
    losses.finite(student.logits, "the student", "; training diverged: lower the learning rate")
    for teacher, outputs in zip(spec.teachers, taught, strict=True):
        losses.finite(outputs.logits, f"the {teacher.modality} teacher", "; train it anew")
    parts = loss_parts(student, target, taught, spec, adapters)
    per_window, scalars = ([part for part in parts.values() if part.ndim == n] for n in (1, 0))
    terms = ([torch.stack(per_window).sum(dim=0).mean()] if per_window else []) + scalars
    result = torch.stack(terms).sum()
    if not torch.isfinite(result):
        bad = ", ".join(name for name, part in parts.items() if not torch.isfinite(part).all()) or "the sum"
        raise MixkdError(f"loss: found {result.item()} in {bad}, expected a finite number; lower the learning rate")
    return result

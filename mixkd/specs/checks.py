"""A run against the facts of its method: what it asks for, and fields that have no effect on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mixkd.specs.methods import METHODS

if TYPE_CHECKING:
    from mixkd.specs.run import RunSpec

KD_WEIGHT = 0.7  # source: the group's setting for GENEActiv


def check_method(spec: RunSpec) -> None:
    """Refuse what the method cannot use (MixkdError); set fields without effect to their neutral value."""
    _constants(spec)
    if spec.family != "wrn":
        spec.require("family", METHODS[spec.method].reads == "logits", "wrn: this method reads its maps or features")
    if METHODS[spec.method].reads == "maps":
        same = all(teacher.family == "wrn" for teacher in spec.teachers)
        spec.require("teachers", same, "of family wrn: this method reads maps or features")
    if spec.teachers:
        spec.require("modality", spec.modality == "signal", "signal: a student sees signals only")
        spec.require("role", spec.role == "student", "student: only students have teachers")
        spec.require("kd_weight", spec.kd_weight > 0, "a weight above 0 for a run with teachers")
        total = sum(t.weight for t in spec.teachers)
        spec.require("teachers", abs(total - 1) < 1e-9, f"teacher weights that sum to 1 (they sum to {total:g})")
        _taught(spec)
    else:
        spec.require("init", spec.init != "base", "random or scratch: base-2x needs teachers")
        method = METHODS[spec.method]
        spec.require("method", method.alone or spec.method == "kd", "teachers for this method")
        if not method.alone:
            spec.neutral(temperature=1.0)
        if method.teachers != "none":
            spec.neutral(kd_weight=0.0, kd_reduction="exact", logit_scaling="exact")
        elif not method.kd:
            spec.neutral(kd_weight=KD_WEIGHT, kd_reduction="exact", logit_scaling="exact")


def _constants(spec: RunSpec) -> None:
    known = METHODS[spec.method].constants
    names = [constant.name for constant in spec.constants]
    expected = f"each at most once of: {', '.join(known) or 'none, for this method'}"
    spec.require("constants", set(names) <= set(known) and len(set(names)) == len(names), expected)
    spec.require("orthogonality", 0 <= spec.orthogonality <= 100, "a weight from 0 to 100")
    changed = [constant for constant in spec.constants if constant.value != known[constant.name]]
    spec.neutral(constants=tuple(sorted(changed, key=lambda constant: constant.name)))


def _taught(spec: RunSpec) -> None:
    method, modalities = METHODS[spec.method], [t.modality for t in spec.teachers]
    enough = spec.batch_size >= method.min_batch
    spec.require("batch_size", enough, f"at least {method.min_batch} windows for {method.title}")
    spec.require("method", method.teachers != "none", "no teachers for this method")
    if method.teachers == "one signal":
        spec.require("method", modalities == ["signal"], "one signal teacher for this method")
    if method.teachers == "several":
        spec.require("method", len(modalities) > 1, "two teachers or more: it weights them against each other")
    if method.weighs:
        spec.neutral(teachers=tuple(replace(t, weight=1 / len(modalities)) for t in spec.teachers))
    if not method.kd:  # its loss has weights of its own
        spec.neutral(kd_weight=KD_WEIGHT, kd_reduction="exact", logit_scaling="exact")
    if method.own_head:
        spec.require("init", spec.init == "random", "random: its head is the teacher's")
    if method.own_head or spec.logit_scaling == "released":
        spec.neutral(temperature=1.0)

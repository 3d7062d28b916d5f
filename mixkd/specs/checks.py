"""A run against the facts of its method and mixup: what they ask for, and fields that have no effect on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mixkd.specs.methods import LIMITS, METHODS, WHOLE
from mixkd.specs.parts import GROWN, ImageSpec
from mixkd.specs.tasks import TASKS

if TYPE_CHECKING:
    from mixkd.specs.run import RunSpec

KD_WEIGHT = 0.7  # source: the group's setting for GENEActiv


def check_method(spec: RunSpec) -> None:
    """Refuse what the method cannot use (MixkdError); set fields without effect to their neutral value."""
    for name, what in (("windows_per_class", "window"), ("people", "training person")):
        number = getattr(spec, name)
        spec.require(name, number is None or number >= 1, f"at least 1 {what}, or nothing for all")
    if not TASKS[spec.task].classes:
        spec.require("task", not METHODS[spec.method].classes, "a task of one set of classes for this method")
        scaled = spec.logit_scaling != "exact" or spec.kd_reduction != "exact"
        spec.require("task", not scaled, "a task of one set of classes for released forms of KD")
    spec.require("label_noise", 0 <= spec.label_noise < 1, "a share from 0 to below 1")
    changed = not spec.label_noise or (TASKS[spec.task].classes and not TASKS[spec.task].needs)
    spec.require("label_noise", changed, f"0 for {spec.task}: activities are labelled wrongly")
    _constants(spec)
    if spec.family in GROWN:
        _grown(spec)
    usual = spec.method == "kd" and spec.task == "classification"
    spec.require("balance", usual or not spec.balance, "false for another method than kd or task than classification")
    own = spec.family == "wrn" and spec.method == "kd"
    spec.require("start", own or spec.start is None, "nothing for another family than wrn or method than kd")
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


def check_inputs(spec: RunSpec) -> None:
    """Refuse mixing and augmentation that the inputs cannot have (MixkdError); neutral values without images.

    A sphere is that of windows and their images, whatever networks read.
    """
    mixups = [mixup for mixup in (spec.mixup, *(teacher.mixup for teacher in spec.teachers)) if mixup]
    on_sphere = any(mixup.where == "sphere" for mixup in mixups)
    for mixup in mixups:
        mixup.n_rows(spec.batch_size)
        known = mixup.partners == "any" or "targets" in TASKS[spec.task].needs
        spec.require("task", known, "regression for mixup of near partners, which are near in their targets")
    plain = spec.augment == "none" or not spec.sees_images
    spec.require("augment", plain, "none for networks and teachers that read images")
    if not (spec.sees_images or on_sphere):
        spec.neutral(image=None)
    elif spec.image is None:
        spec.neutral(image=ImageSpec())
    if not (spec.sees_images and spec.mixup):
        spec.neutral(image_mixing="linear")
    spec.require("image_mixing", spec.image_mixing == "linear" or not on_sphere, "linear: a sphere decodes images")


def _constants(spec: RunSpec) -> None:
    known = METHODS[spec.method].constants
    names = [constant.name for constant in spec.constants]
    expected = f"each at most once of: {', '.join(known) or 'none, for this method'}"
    spec.require("constants", set(names) <= set(known) and len(set(names)) == len(names), expected)
    for constant in spec.constants:
        low, high = LIMITS.get(constant.name, (0, 1000))
        whole = constant.name in WHOLE
        ok = low <= constant.value <= high and not (whole and constant.value % 1)
        kind = "a whole number" if whole else "a number"
        spec.require("constants", ok, f"{constant.name}: {kind} from {low:g} to {high:g}")
    spec.require("orthogonality", 0 <= spec.orthogonality <= 100, "a weight from 0 to 100")
    changed = [constant for constant in spec.constants if constant.value != known[constant.name]]
    spec.neutral(constants=tuple(sorted(changed, key=lambda constant: constant.name)))


def _grown(spec: RunSpec) -> None:
    alone = not spec.teachers and spec.method == "kd" and spec.init == "random"
    spec.require("family", alone, "one that is trained in steps: trees learn from labels alone, at once")
    plain = spec.mixup is None and spec.augment == "none" and spec.orthogonality == 0 and TASKS[spec.task].classes
    spec.require("family", plain, "one that is trained in steps: trees learn one set of classes, from clean windows")
    steps = {"epochs": 1, "schedule": "onecycle", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-4}
    spec.neutral(stopping="last", balance=False, precision="float32", **steps)


def _taught(spec: RunSpec) -> None:
    method, modalities = METHODS[spec.method], [t.modality for t in spec.teachers]
    alike = not any(t.seed_offset for t in spec.teachers)
    others = "where a teacher has a seed of its own, which draws others"
    spec.require("people", spec.people is None or alike, f"nothing (all people) {others}")
    spec.require("label_noise", not spec.label_noise or alike, f"0 {others}")
    enough = spec.batch_size >= method.min_batch
    spec.require("batch_size", enough, f"at least {method.min_batch} windows for {method.title}")
    spec.require("method", method.teachers != "none", "no teachers for this method")
    if method.teachers == "one signal":
        spec.require("method", modalities == ["signal"], "one signal teacher for this method")
    if method.teachers == "own network":
        same = [(t.modality, t.depth, t.width) for t in spec.teachers] == [("signal", spec.depth, spec.width)]
        spec.require("teachers", same, f"one signal teacher of the student's size, {spec.depth}-{spec.width}")
    if method.teachers == "several":
        spec.require("method", len(modalities) > 1, "two teachers or more: it weights them against each other")
    if method.weighs:
        spec.neutral(teachers=tuple(replace(t, weight=1 / len(modalities)) for t in spec.teachers))
    if not method.kd:  # its loss has weights of its own
        spec.neutral(kd_weight=KD_WEIGHT, kd_reduction="exact", logit_scaling="exact")
    if method.own_head:
        spec.require("init", spec.init == "random", "random: its head is the teacher's")
    if method.temperature or spec.logit_scaling == "released":
        spec.neutral(temperature=method.temperature or 1.0)

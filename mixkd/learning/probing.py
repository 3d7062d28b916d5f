"""What a record keeps of a trained network beside its outputs: metrics by subject and, of classes, probes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mixkd.files import Arrays
from mixkd.learning import calibration, flatness, metrics, probes, separation
from mixkd.learning.fold_data import FoldData
from mixkd.learning.streams import Stream
from mixkd.learning.teachers import Live, Teacher, Traced, trace
from mixkd.learning.training import Learner
from mixkd.rng import generator
from mixkd.specs.parts import GROWN


def teacher_logits(teacher: Teacher, data: FoldData, first: Stream) -> torch.Tensor:
    """Logits for the first steps of a stream, (n_steps, batch_size, n_classes), from the trace if there is one."""
    if isinstance(teacher, Traced):
        return teacher.logits[: len(first)].cpu()
    assert isinstance(teacher, Live)
    return trace(teacher.net, teacher.modality, data, first)


def probe(student: Learner, data: FoldData, draws: Stream, arrays: Arrays) -> dict[str, Any]:
    """What later analyses ask of a network: metrics by subject; of classes, what `class_probes` measures."""
    of_subjects = by_subject(data, arrays["test_logits"])
    return {"subjects": of_subjects, **(class_probes(student, data, draws, arrays) if data.task.probes else {})}


def by_subject(data: FoldData, outputs: np.ndarray) -> dict[str, dict[str, float]]:
    """Metrics of the task by held-out subject, of outputs (n, n_outputs) on the test windows."""
    test = data.splits["test"]
    rows = {str(subject): test.subject == subject for subject in data.fold.test}
    return {subject: data.task.summary(outputs[own], test[own]) for subject, own in rows.items()}


def scaled(data: FoldData, arrays: Arrays) -> dict[str, Any]:
    """The temperature fitted on validation people, and metrics by held-out subject of outputs divided by it."""
    temperature = calibration.temperature(arrays["validation_logits"], data.splits["validation"].y)
    of_probabilities = ("nll", "ece", "brier")  # the others are what they were
    subjects = by_subject(data, arrays["test_logits"] / temperature)
    return {
        "temperature": temperature,
        "subjects": {subject: {name: of[name] for name in of_probabilities} for subject, of in subjects.items()},
    }


def class_probes(student: Learner, data: FoldData, draws: Stream, arrays: Arrays) -> dict[str, Any]:
    """Clusters, smoothness of outputs and targets, robustness and flatness of networks on signals."""
    train, validation, test = (data.splits[split] for split in ("train", "validation", "test"))
    result: dict[str, Any] = {
        "v_scores": probes.pair_v_scores(arrays["test_features"], test.y),
        "train_entropy": probes.entropy_curve(arrays["train_logits"]),
        "logit_sd": float(arrays["test_logits"].std(axis=1, ddof=1).mean()),
        "validation_confusion": metrics.confusion(arrays["validation_logits"], validation.y).tolist(),
        "scaled": scaled(data, arrays),
        "separation": separation.of(arrays["test_features"], test.y),
    }
    epoch = draws.first(len(draws) // student.spec.epochs)
    frozen = student.teachers[: len(student.spec.teachers)]
    result["target_entropy"] = [
        probes.entropy_curve(teacher_logits(teacher, data, epoch).flatten(0, 1).numpy()) for teacher in frozen
    ]
    if student.spec.modality == "signal":
        tested, trained = (data.signals["test"], test.y), (data.signals["train"], train.y)
        fold = student.spec.fold
        if student.spec.family not in GROWN:  # attacks and directions need gradients
            result |= probes.signal_probes(student.net, tested, trained, fold=fold)
            draws_of_signs = generator(fold, "flatness")
            labels = torch.as_tensor(train.y, dtype=torch.int64)
            temperature = result["scaled"]["temperature"]
            result["flatness"] = flatness.of(student.net, trained[0], labels, temperature, rng=draws_of_signs)
        result["curves"] = probes.curves(student.net, tested, data.base.sensors, fold=fold)
    return result

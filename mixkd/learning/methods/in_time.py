"""Time-aware distillation for regression: batches of consecutive windows; the student keeps how features change."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from mixkd.learning import losses
from mixkd.learning.methods.kd import Parts, Step
from mixkd.learning.methods.rule import Rule


def time_aware(step: Step) -> Parts:
    """Task + outputs of the teacher + similarity of features + similarity of their changes. Jeon et al. 2025.

    The paper's form is not known; reconstructed as mean squares: of outputs, of S(F_s) - S(F_t), and of the same with
    F_{i+1} - F_i, where S is the cosine of each pair of rows. Several teachers are merged by their weights. Changes
    are those between windows of one recording.
    """
    assert step.batch
    student, spec = step.student.features, step.spec
    rows = step.batch.draw.rows
    windows = step.batch.data.splits["train"]
    same = windows.recording[rows][1:] == windows.recording[rows][:-1]
    follows = torch.from_numpy(same & (windows.start[rows][1:] > windows.start[rows][:-1]))

    def merged(values: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([weight * value for weight, value in zip(step.weights, values, strict=True)]).sum(0)

    teachers = [outputs.features for outputs in step.taught]
    answers = merged([step.task.kd(step.student.logits, logits, spec.temperature) for logits in step.logits])
    now = F.mse_loss(similarity(student), merged([similarity(f) for f in teachers]))
    moves = merged([similarity(changes(f, follows)) for f in teachers])
    return {
        "task": step.task.loss(step.student.logits, step.target),
        "outputs": spec.constant("outputs") * answers,
        "similarity": spec.constant("similarity") * now,
        "changes": spec.constant("changes") * F.mse_loss(similarity(changes(student, follows)), moves),
    }


def similarity(features: torch.Tensor) -> torch.Tensor:
    """Cosines of all pairs of rows of features (n, n_features), (n, n)."""
    unit = F.normalize(features, dim=1)
    return unit @ unit.T


def changes(features: torch.Tensor, follows: torch.Tensor) -> torch.Tensor:
    """Differences of consecutive rows of features (n, n_features) where `follows` (n - 1,) holds, (n_rows, n_features).

    One row of zeros where it holds nowhere, whose similarity is 0 for every network.
    """
    losses.same_size(features[1:, 0], follows, "features and what follows")
    chosen = (features[1:] - features[:-1])[follows]
    return chosen if len(chosen) else torch.zeros_like(features[:1])


RULES = {
    "time_aware": Rule(time_aware),
}

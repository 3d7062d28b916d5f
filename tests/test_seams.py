"""What others may add without touching a file of ours: a method without teachers on two views, and a regression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import results, small
from torch.nn import functional as F

from mixkd.errors import MixkdError
from mixkd.learning import methods, tasks
from mixkd.learning.methods import Rule, Step
from mixkd.learning.teachers import Averaged
from mixkd.runs import single, sweep
from mixkd.runs.store import Store
from mixkd.specs import methods as method_facts
from mixkd.specs import tasks as task_facts
from mixkd.specs.run import Mixup

# -- example: self-distillation. The student's answer to a shifted view of the batch follows its answer to the batch.


def two_views(step: Step) -> methods.Parts:
    shift = int(step.rng("shift").integers(1, 10))
    other = step.net.outputs(torch.roll(step.x, shift, dims=-1)).logits
    T = step.spec.temperature
    agreement = F.kl_div((other / T).log_softmax(1), (step.student.logits.detach() / T).softmax(1), reduction="none")
    mean = step.task.kd(step.student.logits, step.logits[0], T)  # of the averaged student
    terms = {"agreement": T**2 * agreement.sum(1), "average": mean}
    return {"CE": methods.cross_entropy(step), **{name: step.spec.kd_weight / 2 * t for name, t in terms.items()}}


VIEWS = Rule(two_views, teachers=lambda spec, net: [Averaged(net, spec.modality, 0.9)])

# -- example: regression. A network tells how much a window moves, whatever is done.


def size(part) -> torch.Tensor:
    return torch.from_numpy(np.log(part.x.std(axis=2).mean(axis=1, keepdims=True))).float()


def errors(outputs, part) -> dict[str, float]:
    gaps = outputs[:, 0] - size(part).numpy()[:, 0]
    return {"rmse": float(np.sqrt((gaps**2).mean())), "bias": float(gaps.mean())}


def squared(a, b, temperature=1.0) -> torch.Tensor:
    return (a - b).pow(2).mean(1)


def regression(train, n_classes, n_placements) -> tasks.Task:
    return tasks.Task(size, squared, errors, squared)


# -- what is asked of both


@pytest.fixture
def _added(monkeypatch):
    monkeypatch.setitem(method_facts.METHODS, "two views", method_facts.Method("Two views", "here", "none"))
    monkeypatch.setitem(methods.RULES, "two views", VIEWS)
    monkeypatch.setitem(task_facts.TASKS, "size", task_facts.TaskFacts("rmse", -1))
    monkeypatch.setitem(tasks.TASKS, "size", regression)


SPECS = {
    "two views": {"method": "two views", "temperature": 2.0, "kd_weight": 0.5, "mixup": Mixup(0.4)},
    "regression": {"task": "size", "epochs": 6, "mixup": Mixup(0.4)},
    "regression, early stopped": {"task": "size", "epochs": 4, "stopping": "best_validation"},
}


@pytest.mark.usefixtures("_added")
@pytest.mark.parametrize("fields", SPECS.values(), ids=SPECS)
def test_it_trains_stores_and_resumes(tmp_path, fields):
    spec, store = small(**fields), Store(tmp_path / "one")
    record = single.run(spec, store)
    losses = [row["loss"] for row in record.history]
    assert losses[-1] < losses[0]
    assert single.run(spec, store).provenance == record.provenance, "stored, so not trained again"
    single.run(spec, again := Store(tmp_path / "two"))
    assert results(store) == results(again)
    assert record.metrics("best_validation", "test") in [row["test"] for row in record.history]


@pytest.mark.usefixtures("_added")
def test_their_parts_and_metrics_are_in_the_record(tmp_path):
    views = single.run(small(**SPECS["two views"]), Store(tmp_path))
    assert views.history[0]["parts"].keys() == {"CE", "agreement", "average"}
    assert views.history[-1]["loss"] == pytest.approx(sum(views.history[-1]["parts"].values()), rel=1e-5)
    sizes = single.run(small(**SPECS["regression"]), Store(tmp_path))
    assert sizes.metrics().keys() == {"rmse", "bias"}
    assert sizes.arrays["test_logits"].shape[1] == 1
    assert set(sizes.probes) == {"subjects"}


@pytest.mark.usefixtures("_added")
@pytest.mark.parametrize("name", ["temperature", "kd_weight"])
def test_constants_of_a_method_without_teachers_stand_in_the_hash(name):
    spec = small(**SPECS["two views"])
    assert replace(spec, **{name: 0.9}).hash != spec.hash


def test_what_is_not_added_is_refused_before_anything_starts(tmp_path):
    for fields, known in (({"task": "size"}, "classification"), ({"method": "two views"}, "kd, aver")):
        with pytest.raises(MixkdError, match=f"expected one of {known}"):
            sweep.run([small(**fields)], Store(tmp_path))

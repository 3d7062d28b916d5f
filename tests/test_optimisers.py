"""Our steps and rates against torch's own classes, to the bit, and what a training imports."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.optim import lr_scheduler

from mixkd.learning.optimisers import SGD, Adam
from mixkd.learning.schedules import falling, one_cycle


def two_sets(sizes=(3, 5, 2)) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    draws = torch.Generator().manual_seed(3)
    start = [torch.randn(n, generator=draws) for n in sizes]
    ours, theirs = ([torch.nn.Parameter(t.clone()) for t in start] for _ in range(2))
    return ours, theirs


def backward(optimiser, parameters) -> None:
    optimiser.zero_grad()
    sum(((i + 2) * p.square() * p).sum() for i, p in enumerate(parameters)).backward()


def test_steps_are_those_of_torch():
    ours, theirs = two_sets()
    last = ours[2].detach().clone()
    mine, other = SGD(ours, 0.1, 0.9, 1e-2), torch.optim.SGD(theirs, 0.1, 0.9, weight_decay=1e-2)
    for step, rate in enumerate((0.1, 0.05, 0.2)):
        mine.rate = other.param_groups[0]["lr"] = rate
        for optimiser, parameters in ((mine, ours), (other, theirs)):
            # the last parameter has its first gradient in the second step
            backward(optimiser, parameters if step else parameters[:2])
            optimiser.step()
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a, b)
    assert not torch.equal(ours[2], last)


@pytest.mark.parametrize("n_steps", [7, 20, 200])
@pytest.mark.parametrize("name", ["falling", "one_cycle"])
def test_adam_under_a_schedule_is_that_of_torch(name, n_steps):
    ours, theirs = two_sets()
    mine, other = Adam(ours, 0.02), torch.optim.Adam(theirs, 0.02)
    if name == "falling":
        schedule = lr_scheduler.CosineAnnealingLR(other, n_steps)
        rates = ((rate, 0.9) for rate in falling(0.02, n_steps))
    else:
        schedule, rates = lr_scheduler.OneCycleLR(other, 0.02, total_steps=n_steps), one_cycle(0.02, n_steps)
    for step, (mine.rate, mine.beta) in enumerate(rates, 1):
        group = other.param_groups[0]
        assert (mine.rate, mine.beta) == (group["lr"], group["betas"][0])
        for optimiser, parameters in ((mine, ours), (other, theirs)):
            backward(optimiser, parameters)
            optimiser.step()
        if step < n_steps:
            schedule.step()
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a, b)
    assert step == n_steps


CODE = """
import sys
from pathlib import Path
from mixkd.runs import single
from mixkd.runs.store import Store
from mixkd.specs.run import Mixup, RunSpec
small = RunSpec(dataset="synthetic", windows_per_class=4, epochs=1, batch_size=16, mixup={mixup})
single.run(small, Store(Path(sys.argv[1])))
print([name for name in ("torch._dynamo", "sympy") if name in sys.modules])
"""


@pytest.mark.parametrize("mixup", [None, "Mixup(where='sphere')"])
def test_a_training_does_not_import_what_compiles(mixup, tmp_path):
    """torch's compiler and sympy cost each process four seconds and no run needs them."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(mixup=mixup), str(tmp_path)], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr

"""Our steps against `torch.optim.SGD`, to the bit, and what a training imports."""

from __future__ import annotations

import subprocess
import sys

import torch

from mixkd.learning.sgd import SGD


def test_steps_are_those_of_torch():
    draws = torch.Generator().manual_seed(3)
    start = [torch.randn(n, generator=draws) for n in (3, 5, 2)]
    ours, theirs = ([torch.nn.Parameter(t.clone()) for t in start] for _ in range(2))
    mine, other = SGD(ours, 0.1, 0.9, 1e-2), torch.optim.SGD(theirs, 0.1, 0.9, weight_decay=1e-2)
    for step, rate in enumerate((0.1, 0.05, 0.2)):
        mine.rate = other.param_groups[0]["lr"] = rate
        for optimiser, parameters in ((mine, ours), (other, theirs)):
            optimiser.zero_grad()
            used = parameters if step else parameters[:2]  # the last has its first gradient in the second step
            sum(((i + 2) * p.square() * p).sum() for i, p in enumerate(used)).backward()
            optimiser.step()
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a, b)
    assert not torch.equal(ours[2], start[2])


def test_a_training_does_not_import_what_compiles(tmp_path):
    """torch's compiler and sympy cost each process four seconds and no run needs them."""
    code = """
import sys
from pathlib import Path
from mixkd.runs import single
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec
small = RunSpec(dataset="synthetic", windows_per_class=4, epochs=1, batch_size=16)
single.run(small, Store(Path(sys.argv[1])))
print([name for name in ("torch._dynamo", "sympy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr

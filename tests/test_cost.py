"""What runs cost: multiply-adds without building a network, and a plan without torch or recordings."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
import torch
from torch import nn

from mixkd.analysis.cost import total
from mixkd.learning import networks
from mixkd.runs import cost


def counted(net: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of one input, as its layers are run."""
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    for module in net.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        net.eval()(networks.channels_last(torch.zeros(1, *shape)))
    return total


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 1), (16, 3), (28, 1), (28, 3)])
@pytest.mark.parametrize(
    ("modality", "shape"), [("signal", (6, 100)), ("signal", (3, 101)), ("image", (6, 16, 16)), ("image", (1, 9, 9))]
)
def test_multiply_adds_are_those_of_the_network(modality, depth, width, shape):
    net = networks.build(modality, depth, width, n_channels=shape[0], n_classes=7, generator=torch.Generator())
    assert cost.multiply_adds(modality, depth, width, shape, n_classes=7) == counted(net, shape)
    net.reuse_head(64 * 3, torch.Generator())
    assert cost.multiply_adds(modality, depth, width, shape, n_classes=7, head=3) == counted(net, shape)


def test_runs_and_hours_of_all_data_sets_are_added():
    costs = {"a": pd.DataFrame({"runs": [3, 2], "core_hours": [1.0, 0.5]})}
    costs["b"] = pd.DataFrame({"runs": [4], "core_hours": [0.25]})
    assert total(costs) == {"total_runs": 9, "total_hours": 1.75}


def test_a_plan_of_published_runs_loads_neither_torch_nor_recordings():
    code = """
import sys
from mixkd.cli import main
from mixkd.datasets import Dataset
from mixkd.studies import STUDIES
Dataset.load = None  # called, it fails
published = [name for name, study in STUDIES.items() if study.published is None]
sys.argv = ["mixkd", "sweep", *published, "--profile", "full", "--dry-run"]
try:
    main.main()
finally:
    assert not {"torch", "pandas", "matplotlib", "numba", "sklearn"} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2440 runs, 0 missing, about 0.00 core-hours")

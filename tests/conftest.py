"""Shared by all tests: derandomised hypothesis, stores of their own, and a guard over global state."""

from __future__ import annotations

import os
import random
import sys

for library in ("OMP", "MKL", "OPENBLAS"):  # before they are imported; two test workers on two cores need no more
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


import matplotlib  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("mixkd", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("mixkd")
torch.set_num_threads(1)
matplotlib.use("agg")


def global_state() -> dict[str, object]:
    """What no function of `mixkd` may leave changed."""
    _, numpy_state, *position = np.random.get_state()  # noqa: NPY002 - the legacy generator is what is guarded
    return {
        "torch default dtype": torch.get_default_dtype(),
        "torch threads": torch.get_num_threads(),
        "torch random state": torch.get_rng_state().numpy().tobytes(),
        "numpy random state": (numpy_state.tobytes(), *position),
        "python random state": random.getstate(),
        "matplotlib rc": matplotlib.rcParams.copy(),
    }


def pytest_collection_modifyitems(items):
    """The first file that uses the smoke book builds it; the others that do come in the middle, and need not wait."""
    of_book = sorted({item.path for item in items if "smoke" in item.fixturenames})
    later, others = ([i for i in items if (i.path in of_book[1:]) is late] for late in (True, False))
    half = len(others) // 2
    items[:] = others[:half] + later + others[half:]


@pytest.fixture(autouse=True)
def _global_state_is_left_alone():
    before = global_state()
    yield
    changed = [name for name, value in global_state().items() if value != before[name]]
    assert not changed, f"the test left changed: {', '.join(changed)}"


@pytest.fixture(scope="session", autouse=True)
def _one_worker_for_a_sweep():
    """Of those that tests start in their own process, unless they ask for more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mixkd.runs.local.n_cores", lambda: 1)
        yield


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory):
    """A MIXKD_HOME for tests that only read runs, of all workers: each run is trained once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared-home"


@pytest.fixture
def store_home(tmp_path, monkeypatch):
    """An empty MIXKD_HOME of this test."""
    home = tmp_path / "home"
    monkeypatch.setenv("MIXKD_HOME", str(home))
    return home


@pytest.fixture
def mixkd(monkeypatch, capsys, store_home, tmp_path):
    """Runs `mixkd WORDS` in this process, in an empty folder; returns exit status, stdout and stderr."""
    from mixkd.cli import main

    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mixkd", *words])
        with pytest.raises(SystemExit) as end:
            main.main()
        return int(end.value.code or 0), *capsys.readouterr()

    return command


@pytest.fixture(scope="session")
def watch(tmp_path_factory):
    """The recordings of `watch`, converted once per session."""
    from mixkd.datasets import dataset

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXKD_HOME", str(tmp_path_factory.mktemp("watch")))
        return dataset("watch").load()

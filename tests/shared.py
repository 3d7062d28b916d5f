"""The copies of public data beside the project, in `../shared` (or `MIXKD_SHARED`). Tests that need them may skip."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

ROOT = Path(__file__).resolve().parent.parent
PLACE = Path(os.environ.get("MIXKD_SHARED", ROOT.parent / "shared"))
SHARED = PLACE / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared copies of public data are not at hand")


@pytest.fixture(scope="session")
def expand(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes a data set in its official layout, once for all workers; returns the folder for `MIXKD_DATA`."""

    def write(name: str) -> Path:
        base = tmp_path_factory.getbasetemp()
        target = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "expanded"
        done = target / f"{name}.done"
        with filelock.FileLock(f"{target}.lock"):
            if done.exists():
                return target
            command = [sys.executable, str(PLACE / "tools" / "expand_data.py"), "--data", str(SHARED)]
            process = subprocess.run([*command, "--out", str(target), name], capture_output=True, text=True)
            assert process.returncode == 0, process.stderr
            done.touch()
        return target

    return write

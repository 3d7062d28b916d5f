"""The smoke book: built once for all test files and workers, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import filelock
import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Smoke:
    """Where the smoke book, its executed notebooks and its store are."""

    site: Path
    notebooks: Path
    home: Path


def mixkd(*words: str, home: Path, **options) -> subprocess.CompletedProcess:
    """`mixkd WORDS` in a process of its own, with its own store."""
    environment = {**os.environ, "MIXKD_HOME": str(home)}
    command = [sys.executable, "-m", "mixkd.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, **options)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Smoke:
    """`mixkd book --train smoke`: real training on few windows, every notebook, the rendered site."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "smoke-book"
    with filelock.FileLock(f"{shared}.lock"):
        if not (outcome := shared / "outcome").is_file():  # a build that failed would fail again
            done = mixkd("book", "--train", "smoke", "-o", str(shared), home=shared / "home")
            shared.mkdir(exist_ok=True)
            outcome.write_text("" if done.returncode == 0 else done.stdout + done.stderr)
        assert not outcome.read_text(), outcome.read_text()
    return Smoke(shared / "html", shared / "stage" / "notebooks", shared / "home")

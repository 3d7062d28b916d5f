"""Compiled code where it cannot be kept: no folder, a full disk, a corrupted cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mixkd

PACKAGE = Path(mixkd.__file__).parent

DOUBLE = """
from mixkd.topology.compiled import compiled

@compiled()
def double(x):
    return 2 * x

print(double(21), double.stats.cache_path is not None)
"""


def doubled(folder: Path, before: str = "", **environment: str) -> str:
    """What a fresh process prints that compiles a function of a module in the folder."""
    (folder / "double.py").write_text(DOUBLE)
    places = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(PACKAGE.parent)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{before}\nimport double"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**kept, **places, **environment})
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout.strip()


def test_function_is_kept_and_compiled_anew_where_the_cache_is_cut_short(tmp_path):
    assert doubled(tmp_path) == "42 True"
    for kind in ("nbc", "nbi"):
        (file,) = tmp_path.rglob(f"double.double-*.{kind}")
        file.write_bytes(file.read_bytes()[:20])
        assert doubled(tmp_path) == "42 True"


def test_no_folder_can_be_written(tmp_path):
    """Files stand where the folders would be: this stops root, too, as a read-only container does."""
    for name in ("__pycache__", "cache", "numba"):
        (tmp_path / name).write_text("")
    assert doubled(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "numba")) == "42 False"


def test_disk_is_full(tmp_path):
    no_bytes = "import resource, numba; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    assert doubled(tmp_path, no_bytes, PYTHONDONTWRITEBYTECODE="1") == "42 True"
    assert not list(tmp_path.rglob("*.nbc"))


def test_numba_is_used_through_it_alone():
    assert [path.stem for path in PACKAGE.rglob("*.py") if "import numba" in path.read_text()] == ["compiled"]

"""The page "Add your own method" does what it says: its two files, in a copy of the package, train a method."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from smoke import ROOT

PAGE = (ROOT / "book" / "own_method.md").read_text()
FILES = dict(re.findall(r"```\{code-block\} python\n:caption: (\S+)\n\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
SMALL = "-s dataset=synthetic -s windows_per_class=8 -s epochs=2 -s batch_size=16"
TABLE = "mixkd/specs/methods.py"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with the page's files in it."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "mixkd", root / "mixkd", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        if name == TABLE:
            source = path.read_text()
            assert source.endswith("\n}\n")
            text = source.removesuffix("}\n") + text + "}\n"
        path.write_text(text)
    return root


def in_copy(copy, *words: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(copy), "MIXKD_HOME": str(copy / "home"), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, cwd=copy)


def test_two_files_and_few_lines():
    package = {name: text for name, text in FILES.items() if name.startswith("mixkd/")}
    assert len(package) == 2
    assert sum(len(text.splitlines()) for text in package.values()) <= 60
    assert set(FILES) - set(package) == {"tests/test_confident.py"}


def test_its_commands_train_and_refuse(copy):
    *runs, refused = [in_copy(copy, "-m", "mixkd.cli.main", *shlex.split(f"{c} {SMALL}")[1:]) for c in COMMANDS]
    assert [done.returncode for done in runs] == [0, 0, 0], [done.stderr for done in runs]
    assert len({done.stdout for done in runs}) == 3  # the constant, and the method, change the network
    assert refused.returncode == 1
    assert refused.stderr.strip().count("\n") == 0
    assert "RunSpec.task: found" in refused.stderr


def test_its_test_passes_and_can_fail(copy):
    words = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", str(copy / "tests"))
    assert in_copy(copy, *words).returncode == 0
    path = copy / "mixkd" / "learning" / "methods" / "confident.py"
    right = path.read_text()
    path.write_text(right.replace("-step.spec.constant", "step.spec.constant"))
    done = in_copy(copy, *words)
    path.write_text(right)
    assert done.returncode == 1
    assert "1 failed" in done.stdout

"""The Python interface as its page shows it, its docstrings, and the wheel as it installs."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from runs import small, train
from smoke import ROOT
from test_structure import ABSENT, MODULES, name_of

from mixkd.deploy import export
from mixkd.learning.fold_data import fold_data
from mixkd.runs.store import Store

PAGE = (ROOT / "book" / "python.md").read_text()
REFERENCE = (ROOT / "book" / "api.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
AUTOMODULES = re.findall(r"^\.\. automodule:: (\S+)\n   :members:(.*)$", REFERENCE, re.MULTILINE)


def output(code: str, names: dict) -> str:
    """What a block of the page prints; it may leave torch's generator as it was."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), torch.random.fork_rng():
        exec(compile(code, "book/python.md", "exec"), names)
    return text.getvalue()


def test_the_page_runs(tmp_path, monkeypatch):
    """From top to bottom, with the student of a folder that a reader would have made."""
    record = train(small(), Store(tmp_path))
    export.export(record, fold_data(record.spec.data), tmp_path / "student")
    monkeypatch.chdir(tmp_path)
    classifier, student, stream, losses = BLOCKS
    assert len(classifier.splitlines()) <= 20
    share = re.fullmatch(r"(\d+)% of the windows of people it has not seen\n", output(classifier, {}))
    assert share
    assert int(share[1]) > 60  # one of four classes
    names: dict = {}
    assert "unknown" in output(student, names)
    labels = output(stream, names).replace("[]", "").split()
    assert labels == names["found"].label.tolist()
    output(losses, names)
    assert torch.isfinite(names["student_logits"].grad).all()
    assert names["per_window"].shape == (64,)


@pytest.mark.parametrize("path", [path for path in MODULES if ">>> " in path.read_text()], ids=name_of)
def test_examples_in_docstrings_run(path):
    module = importlib.import_module(name_of(path))
    done = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert done.attempted
    assert not done.failed


def test_the_reference_names_what_is_there():
    """Members that are listed exist, have a docstring and annotated parameters."""
    assert len(AUTOMODULES) >= 9
    for name, listed in AUTOMODULES:
        module = importlib.import_module(name)
        for member in filter(None, map(str.strip, listed.split(","))):
            assert getattr(module, member).__doc__, f"{name}.{member}"


# -- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built offline, from a copy of the files of the checkout: setuptools leaves its own beside them."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "mixkd", source / "mixkd", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    words = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(source)]
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "mixkd"
    wanted = [path for path in package.rglob("*") if path.suffix in (".py", ".txt", ".typed") and path.is_file()]
    assert {str(path.relative_to(ROOT)) for path in wanted} <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "notebooks"))]


def test_the_installed_wheel_runs_the_example_without_torch(wheel, tmp_path):
    """Elsewhere, from the installed files: the classifier of the page, and the command with its way on."""
    target = tmp_path / "site"
    words = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(target), str(wheel)]
    done = subprocess.run([sys.executable, "-m", "pip", "install", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code = ABSENT + BLOCKS[0] + "import mixkd\nprint(mixkd.__file__)\n"
    code += "from mixkd.cli.main import main\nsys.argv = ['mixkd', 'distill', 'synthetic', '-o', 'student']\nmain()\n"
    environment = {**os.environ, "PYTHONPATH": str(target), "MIXKD_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    accuracy, place = done.stdout.splitlines()
    assert re.fullmatch(r"\d+% of the windows of people it has not seen", accuracy)
    assert Path(place) == target / "mixkd" / "__init__.py"
    assert (done.returncode, done.stderr) == (1, 'mixkd: package pandas is not installed; pip install "mixkd[train]"\n')

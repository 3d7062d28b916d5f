"""The container file and the environment agree. Building needs a registry of images, which tests do not have."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
STEPS = [line.split(maxsplit=1) for line in LINES if line.strip() and not line.startswith("#")]


def of(word: str) -> list[str]:
    return [about for step, about in STEPS if step == word]


def test_every_step_is_known_and_the_first_names_the_python_of_the_project():
    assert {step for step, _ in STEPS} <= {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "USER", "CMD"}
    (image,) = of("FROM")
    version = re.fullmatch(r"python:(\d+\.\d+)-slim", image)[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"].startswith(f">={version},")
    assert f"python={version}" in (ROOT / "environment.yml").read_text()


def test_it_installs_the_lock_torch_first_as_the_makefile_does():
    runs = " && ".join(of("RUN"))
    torch, lock = runs.index("grep '^torch==' requirements.lock"), runs.index("--no-deps -r requirements.lock")
    assert torch < lock < runs.index("--editable .")
    assert re.search(r"^torch==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def test_what_it_copies_is_there_and_it_runs_as_a_user():
    for about in of("COPY"):
        *sources, _ = [word for word in about.split() if not word.startswith("--")]
        assert all((ROOT / source).exists() for source in sources)
    assert of("USER") == ["user"]
    assert json.loads(of("CMD")[0]) == ["mixkd", "--help"]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".venv-cluster", ".mixkd", "_build"} <= set(ignored)


def test_the_dev_container_is_this_one():
    about = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    folder = ROOT / ".devcontainer"
    assert (folder / about["build"]["dockerfile"]).resolve() == (ROOT / "Dockerfile").resolve()
    assert (folder / about["build"]["context"]).resolve() == ROOT.resolve()

"""Notebooks: in step with their scripts, thin, strict about parameters, executed twice with equal outputs."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from runs import results
from smoke import ROOT, Smoke, mixkd, smoke  # noqa: F401

from mixkd import MixkdError, studies
from mixkd.book import notebook
from mixkd.runs import planning, sweep
from mixkd.runs.local import Local
from mixkd.runs.store import Store

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


def cells(path: Path, kind: str = "code") -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def nbval(paths: list[Path], home: Path) -> subprocess.CompletedProcess:
    """Execute notebooks again and compare the checked cells with their stored outputs."""
    options = ("--nbval-lax", "-q", "-p", "kernels", "-n", "2", "--dist", "loadfile")
    command = [sys.executable, "-m", "pytest", *options, *map(str, paths)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {"MIXKD_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=paths[0].parent)


def test_trained_again_is_the_same(smoke: Smoke, tmp_path):  # noqa: F811
    """Every sixth run of the smoke book and what it needs, in another, empty store: bit by bit the same."""
    every = sorted(studies.every(studies.Scope("watch", "smoke")), key=lambda run: run.hash)
    sample = planning.with_requirements(every[::6])
    sweep.run(sample, Store(tmp_path), on=Local(1))
    again = results(Store(tmp_path))
    assert again.keys() == {run.hash for run in sample}
    assert again.items() <= results(Store(smoke.home)).items()


def test_nbval_of_all_chapters(smoke: Smoke):  # noqa: F811
    """Executed a second time, from the runs that the book has trained, every checked output is the same."""
    executed = sorted(smoke.notebooks.glob("*.ipynb"))
    assert [path.stem for path in executed] == NAMES
    for path in executed:
        checked = [cell for cell in cells(path) if "nbval-check-output" in tags(cell)]
        assert all(cell.outputs for cell in checked), path
    done = nbval(executed, smoke.home)
    assert done.returncode == 0, done.stdout[-4000:]


def test_nbval_fails_on_a_changed_output(smoke: Smoke, tmp_path):  # noqa: F811
    changed = tmp_path / "06_partial_mixup.ipynb"
    content = json.loads((smoke.notebooks / changed.name).read_text())
    cell = next(c for c in content["cells"] if "nbval-check-output" in c["metadata"].get("tags", []))
    data = cell["outputs"][0]["data"]
    data["text/plain"] = [line.replace("1", "2") for line in data["text/plain"]]
    changed.write_text(json.dumps(content))
    done = nbval([changed], smoke.home)
    assert done.returncode == 1
    assert "mismatch" in done.stdout


def test_chapters_are_those_of_the_contents():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    listed = [chapter["file"].partition("/") for part in contents for chapter in part["chapters"]]
    assert [name for folder, _, name in listed if folder == "notebooks"] == NAMES
    assert len({name[:2] for name in NAMES}) == len(NAMES) >= 17


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_in_step_with_its_script(path):
    script = jupytext.read(path.parent / "src" / f"{path.stem}.py")
    stored = nbformat.read(path, as_version=4)
    assert [(c.cell_type, c.source) for c in script.cells] == [(c.cell_type, c.source) for c in stored.cells]
    kept = ("tags", "mystnb")
    for a, b in zip(script.cells, stored.cells, strict=True):
        assert {k: a.metadata.get(k) for k in kept} == {k: b.metadata.get(k) for k in kept}


@pytest.mark.parametrize("newer", ["*.py", "*.ipynb"])
def test_a_sync_of_what_is_committed_changes_nothing(tmp_path, newer):
    """Whichever of a pair is newer: that is by chance in a clone."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / "jupytext.toml", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for path in tmp_path.rglob(newer):
        os.utime(path, (path.stat().st_mtime + 60,) * 2)
    scripts = [str(path) for path in before if path.suffix == ".py"]
    command = [sys.executable, "-m", "jupytext", "--sync", *scripts]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert (changed, len(scripts)) == ([], len(NOTEBOOKS))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_committed_without_outputs_and_with_a_kernel(path):
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    assert stored.metadata.kernelspec.name == "python3"
    assert not any(cell.outputs or cell.execution_count for cell in cells(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_thin(path):
    for cell in cells(path):
        assert len([line for line in cell.source.splitlines() if line]) <= 10, cell.source
        kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
        assert not any(isinstance(node, kinds) for node in ast.walk(ast.parse(cell.source))), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_is_hidden_is_one_report(path):
    """What it reports is computed where tests reach it."""
    hidden = [cell.source.splitlines() for cell in cells(path) if "remove-cell" in tags(cell)]
    assert len(hidden) <= 1
    assert all(len(lines) <= 5 and lines[-1].startswith("report(") for lines in hidden)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_opens_with_title_answer_parameters_and_their_check(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.source.startswith("# ")
    assert re.search(r"^```\{admonition\} (Claim|Answer|Goal)", first.source, re.MULTILINE)
    parameters, check = cells(path)[:2]
    assert "parameters" in tags(parameters)
    assert "check_parameters(globals())" in check.source
    declared = notebook.parameters_of(path)
    assert {"dataset", "profile", "seed"} <= set(declared)
    assert all(p.help for p in declared.values())


def test_every_figure_has_caption_name_and_alt_text():
    names = []
    for path in NOTEBOOKS:
        for cell in cells(path):
            last = cell.source.splitlines()[-1]
            if last.startswith("figures."):
                shown = cell.metadata["mystnb"]
                names.append(shown["figure"]["name"])
                assert len(shown["figure"]["caption"]) > 30, last
                assert len(shown["image"]["alt"]) > 30, last
    assert len(names) == len(set(names)) >= 50


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_at_least_three_checked_outputs(path):
    assert sum("nbval-check-output" in tags(cell) for cell in cells(path)) >= 3


def test_plain_papermill_refuses_a_wrong_parameter(tmp_path):
    source, output = ROOT / "notebooks" / "05_mixup.ipynb", tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), str(output), "-p", "aplha", "0.4"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MIXKD_HOME": str(tmp_path)})
    message = "parameter aplha: unknown, did you mean 'alpha'?"
    assert done.returncode != 0
    assert f"MixkdError: {message}" in done.stderr
    errors = [o for cell in cells(output) for o in cell.outputs if o.output_type == "error"]
    assert ["\n".join(o.traceback) for o in errors] == [f"MixkdError: {message}"]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("aplha", 0.4, "parameter aplha: unknown, did you mean 'alpha'?"),
        ("alpha", "hello", "parameter alpha: found 'hello', expected float"),
        ("alpha", -1.0, "parameter alpha: found -1.0, expected 0.01 to 100"),
        ("profile", "quik", "parameter profile: found 'quik', expected one of smoke, quick, full"),
    ],
)
def test_a_notebook_refuses_wrong_parameters_itself(name, value, message):
    """What its first code cell does with what papermill injected."""
    source = next(cell.source for cell in cells(ROOT / "notebooks" / "05_mixup.ipynb") if "parameters" in tags(cell))
    namespace: dict = {}
    exec(f"{source}\n{name} = {value!r}", namespace)
    with pytest.raises(MixkdError) as refusal:
        notebook.check_parameters(namespace)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("kernel", "code", "message"),
    [
        ("python3", "import os; os._exit(3)", "Kernel died"),
        ("dies", "0", "Kernel died before replying to kernel_info"),
        ("klingon", "0", "No such kernel named klingon"),
    ],
)
def test_a_kernel_that_does_not_live_is_one_line(tmp_path, monkeypatch, kernel, code, message):
    spec = tmp_path / "jupyter" / "kernels" / "dies" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["false"], "display_name": "Dies", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel}})
    source.cells = [nbformat.v4.new_code_cell("x: int = 1  # help", metadata={"tags": ["parameters"]})]
    source.cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(source, tmp_path / "99_mine.ipynb")
    with pytest.raises(MixkdError) as refusal:
        notebook.execute(tmp_path / "99_mine.ipynb", tmp_path / "out.ipynb", {})
    expected = f"99_mine.ipynb: found no kernel that lives ({message}), expected one to run it"
    assert str(refusal.value) == expected
    assert not list(tmp_path.glob("*out.ipynb"))


def test_papermill_with_other_parameters(tmp_path):
    output = tmp_path / "out.ipynb"
    words = ["-p", "profile", "smoke", "-p", "dataset", "synthetic", "-p", "alpha", "0.4", "-p", "seed", "7"]
    source = ROOT / "notebooks" / "06_partial_mixup.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), str(output), *words]
    environment = {**os.environ, "MIXKD_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    specs = [json.loads(p.read_text())["spec"] for p in (tmp_path / "home" / "runs").rglob("*.json")]
    assert {spec["dataset"] for spec in specs} == {"synthetic"}
    assert {spec["seed"] for spec in specs} == {7}
    assert {spec["mixup"]["alpha"] for spec in specs if spec["mixup"]} >= {0.4}


@pytest.mark.parametrize("name", ["03_teachers", "05_mixup", "14_your_turn", "16_your_recordings"])
def test_full_trains_nothing(name, tmp_path):
    """Two chapters with runs that `full` alone has, two with runs that are no study's: all are published."""
    words = (name, "-p", "profile=full", "-o", str(tmp_path / "out.ipynb"))
    done = mixkd("notebook", *words, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "home").glob("runs/*/*/*.json"))


def test_the_table_of_parameters_names_few_chapters():
    rows = {(name, help_): where for name, _, _, help_, where in notebook.parameter_table()}
    every = {path.stem[:2] for path in notebook.NOTEBOOKS.glob("*.ipynb")}
    others = rows["dataset", "name of the data set"].removeprefix("all but ").split(", ")
    declared = {p.stem[:2] for p in notebook.NOTEBOOKS.glob("*.ipynb") if "dataset" in notebook.parameters_of(p)}
    assert set(others) < every
    assert len(others) < len(declared) / 2
    assert all(where.count(",") <= len(every) / 2 for where in rows.values())

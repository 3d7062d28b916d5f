"""The house: imports point one way, modules stay small, and the files that name the environment agree."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import mixkd
from mixkd.errors import EXTRAS

PACKAGE = Path(mixkd.__file__).parent
ROOT = PACKAGE.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = sorted(PACKAGE.rglob("*.py"))
TRAIN = ("torch", "onnx", "onnxscript", "pandas", "seaborn", "seglearn")  # of the extra
ABSENT = f"""  # code after which these packages seem not to be installed
import sys

class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {TRAIN}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent)
"""
OPTIONAL = (
    "actfast",
    "gtda",
    "gudhi",
    "jupytext",
    "nbformat",
    "papermill",
    "persim",
    "ripser",
    "jupyter_book",
    "myst_nb",
    "IPython",
)

# A module imports only what stands before it; a package counts as one.
ORDER = (
    "errors",
    "rng",
    "files",
    "specs",
    "datasets",
    "windows",
    "topology",
    "learning",
    "runs",
    "studies",
    "analysis",
    "figures",
    "deploy",
    "book",
    "cli",
)


def name_of(path: Path) -> str:
    """mixkd/analysis/cost.py -> mixkd.analysis.cost"""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


def unit(module: str) -> str | None:
    """mixkd.analysis.cost -> analysis; the package itself is none."""
    return module.split(".")[1] if "." in module else None


def imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert node.module
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in NAMES else node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_up_the_list(path):
    own = unit(name_of(path))
    assert own is None or own in ORDER, f"{own} has no place in ORDER yet"
    for module in imports(path):
        if module.split(".")[0] == "mixkd" and unit(module) not in (None, own):
            allowed = ORDER[: ORDER.index(own)] if own else ("errors",)
            assert unit(module) in allowed, f"{name_of(path)} imports {module}"


def test_order_names_modules_that_exist():
    assert {unit(name) for name in NAMES} - {None} == set(ORDER)


def test_the_architecture_page_is_the_house():
    """Its table names every package and module; its picture every package, in order, and arrows that are imports."""
    page, picture = ((ROOT / "book" / f"architecture.{end}").read_text() for end in ("md", "svg"))
    rows = re.findall(r"^\| `([\w.]+)` \|.*\|(.*)\|$", page, re.MULTILINE)
    told = {f"mixkd.{package}": set(re.findall(r"`(\w+)`", names)) for package, names in rows}
    real: dict[str, set[str]] = {}
    for path in MODULES:
        package, _, module = name_of(path).rpartition(".")
        if path.name == "__init__.py" or package == "mixkd":
            real.setdefault(name_of(path), set())
        else:
            real.setdefault(package, set()).add(module)
    del real["mixkd"]
    assert told == real
    assert tuple(re.findall(r'data-package="(\w+)"', picture)) == ORDER
    used = {(unit(module), unit(name_of(path))) for path in MODULES for module in imports(path) if "mixkd." in module}
    arrows = {tuple(arrow.split()) for arrow in re.findall(r'data-arrow="([\w ]+)"', picture)}
    assert arrows <= used


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_small_and_say_what_they_are(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(source))


def public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_says_what_it_is(path):
    assert [node.name for node in public(ast.parse(path.read_text())) if not ast.get_docstring(node)] == []


def decorators(node: ast.FunctionDef) -> set[str]:
    """Names of a function's decorators, without arguments: app.command, compiled."""
    return {ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in node.decorator_list}


def positional(node: ast.FunctionDef) -> list[str]:
    """Parameters that can be passed by position, without `self` and `cls`."""
    return [each.arg for each in (*node.args.posonlyargs, *node.args.args) if each.arg not in ("self", "cls")]


BY_POSITION = 4  # arguments at most
EXEMPT = {"app.command", "compiled"}  # typer passes names; numba knows no keyword-only arguments


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_further_arguments_are_passed_by_keyword(path):
    functions = [node for node in public(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    named = [(node.name, positional(node)) for node in functions if not decorators(node) & EXEMPT]
    assert [(name, arguments) for name, arguments in named if len(arguments) > BY_POSITION] == []


def test_modules_are_found_under_their_former_names():
    """In scripts of readers; what is asked of the store beside records was in its module too."""
    code = """
from mixkd import backends, export, networks, predict, store
from mixkd.datasets import download, folder, sources, timing
assert store.sha256 and backends.diagrams and export.export and networks.build and predict.Student
assert folder.inspect and timing.whole and download.fetch and sources.SOURCES
"""
    loaded_by(code)
    for former, now in mixkd.MOVED.items():
        package, _, name = f"mixkd.{former}".rpartition(".")
        assert getattr(importlib.import_module(package), name).__name__ == f"mixkd.{now}"
        assert f"mixkd.{now}" in NAMES
    for package in (mixkd, importlib.import_module("mixkd.datasets")):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = package.nothing


def loaded_by(code: str) -> set[str]:
    """Top-level packages that a fresh process has loaded after `code`."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_importing_mixkd_loads_no_heavy_or_optional_package():
    assert loaded_by("import mixkd") & {*OPTIONAL, "torch", "numba", "matplotlib", "pandas"} == set()


def test_the_command_is_there_before_what_may_fail_to_load():
    """So that too little memory for a library is one line (`terminal.refusal`), not a traceback of the import."""
    assert loaded_by("import mixkd.cli.main") & {"numpy", "pandas", "pyarrow", "scipy", "torch", "pooch"} == set()


LIGHT = ("errors", "rng", "files", "specs", "datasets", "windows", "topology", "cli")  # packages without torch
ALSO = {"mixkd", "mixkd.deploy.predict", "mixkd.deploy.ranges", "mixkd.deploy.stream", "mixkd.figures.timeline"}


def test_topology_prediction_and_the_command_import_without_what_training_needs():
    names = sorted({name for name in NAMES if unit(name) in LIGHT} | ALSO)
    blocked = f"import importlib, sys; sys.modules.update(dict.fromkeys({TRAIN + OPTIONAL}))\n"
    assert "mixkd" in loaded_by(blocked + f"for name in {names}: importlib.import_module(name)")


def test_every_module_imports_without_what_the_book_needs():
    blocked = f"import importlib, sys; sys.modules.update(dict.fromkeys({OPTIONAL}))\n"  # None: ImportError
    loaded = loaded_by(blocked + f"for name in {sorted(NAMES)}: importlib.import_module(name)")
    assert {"mixkd", "torch"} <= loaded


# -- the environment


def normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), "exact versions only"
    pinned = {normal(name): version for name, _, version in (line.partition("==") for line in lines)}
    assert len(pinned) == len(lines)
    return pinned


def declared() -> Iterator[Requirement]:
    extras = PROJECT["optional-dependencies"]
    yield from map(Requirement, [*PROJECT["dependencies"], *(line for extra in extras.values() for line in extra)])


@pytest.mark.parametrize("requirement", [r for r in declared() if r.name != "mixkd"], ids=str)
def test_lock_satisfies_the_project(requirement):
    assert requirement.specifier.contains(locked()[normal(requirement.name)])


@pytest.mark.parametrize("name", sorted(locked().keys() - {"torch"}))
def test_lock_is_complete(name):
    """It is installed without dependencies: each must be in it. (torch comes first, with what its build needs.)"""
    needed = [Requirement(line) for line in metadata.requires(name) or []]
    for requirement in (r for r in needed if not r.marker or r.marker.evaluate({"extra": ""})):
        version = locked().get(normal(requirement.name), "missing")
        assert version != "missing", requirement
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_extras_contain_one_another():
    extras = PROJECT["optional-dependencies"]
    assert {"mixkd[giotto]", "mixkd[train]"} <= set(extras["book"])
    assert "mixkd[book,devices]" in extras["test"]
    assert {extra for r in declared() if r.name == "mixkd" for extra in r.extras} <= extras.keys()


def test_imported_packages_are_declared():
    modules = {"sklearn": "scikit-learn", "gtda": "giotto-tda", "yaml": "types-pyyaml", "IPython": "ipykernel"}
    names = {module.partition(".")[0] for path in MODULES for module in imports(path)}
    third_party = {normal(modules.get(n, n)) for n in names - sys.stdlib_module_names - {"mixkd"}}
    with_book = {normal(r.name) for r in declared()} | {"nbformat"}  # nbformat: of jupyter-book and papermill
    assert third_party <= with_book


def test_a_missing_package_is_named_with_its_extra():
    """Every package of an extra for users that code imports, and no other."""
    declared_in = {
        normal(Requirement(line).name): extra
        for extra in ("train", "giotto", "devices", "book")
        for line in PROJECT["optional-dependencies"][extra]
        if not line.startswith("mixkd[")
    }
    modules = {"gtda": "giotto-tda", "IPython": "ipykernel", "nbformat": "papermill"}
    named = {name: declared_in[normal(modules.get(name, name))] for name in EXTRAS}
    assert named == EXTRAS
    assert set(TRAIN) == {name for name, extra in EXTRAS.items() if extra == "train"}
    core = {normal(Requirement(line).name) for line in PROJECT["dependencies"]}
    imported = {module.partition(".")[0] for path in MODULES for module in imports(path)} - {"mixkd", "yaml"}
    assert {name for name in imported - sys.stdlib_module_names if normal(name) not in core} == {"sklearn"} | (
        EXTRAS.keys() & imported
    )


def test_conda_environment_installs_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [line for line in environment["dependencies"] if isinstance(line, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert {"python=3.11", "pip"} <= set(conda)
    assert not locked().keys() & {normal(re.split("[=<>]", line)[0]) for line in conda}, "one source of versions"
    assert pip[0] == "-r requirements.lock"
    assert set(pip[1:]) <= {"-e ."}, "a requirements file, which pip reads this as, knows no --no-deps"
    assert PROJECT["requires-python"].startswith(">=3.11,")


def test_setuptools_packages_every_folder():
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert sorted(configured) == sorted(name_of(path) for path in MODULES if path.name == "__init__.py")


def test_versions_agree():
    assert PROJECT["version"] == mixkd.__version__


VAGUE = {"found", "said", "told", "loose", "kept", "needed"}  # each had several meanings
ALLOWED = {"found"}  # the value that an error message says was found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_names_have_one_meaning(path):
    """No variable, function or field has a vague name; a variable `found` stands in an error message."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        name = getattr(node, "name", getattr(node, "arg", getattr(node, "id", None)))
        assert name not in VAGUE - ALLOWED, f"{name_of(path)}:{getattr(node, 'lineno', 0)}: {name}"
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == "found"]
        texts = [node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)]
        said = any(isinstance(n, ast.Name) and n.id == "found" for text in texts for n in ast.walk(text))
        given = any(argument.arg == "found" for argument in function.args.args)
        assert not uses or said or given, f"{name_of(path)}: {function.name} has a variable `found`"

"""Notebook parameters: declared once in the notebook, checked before execution.

The parameters cell reads `name: type = value  # help`. papermill injects values without a check, so the first code
cell of every notebook calls `check_parameters(globals())`; `mixkd notebook` checks before a kernel starts.
"""

from __future__ import annotations

import ast
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from mixkd.datasets import named
from mixkd.errors import MixkdError, listed, nearest
from mixkd.files import CHECKOUT, places
from mixkd.specs.profiles import PROFILES

NOTEBOOKS = CHECKOUT / "notebooks"
SOCKETS = 80  # maximum bytes of the folder's path: a socket's path has at most 103 (macOS)
TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    type: str
    default: Any
    help: str


def _one_of(known: dict) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in known), "one of " + ", ".join(known)


def _between(low: float, high: float) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: low <= value <= high), f"{low} to {high}"


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "profile": _one_of(PROFILES),
    "seed": _between(0, 2**31 - 1),
    "alpha": _between(0.01, 100),
    "resolution": _between(4, 128),
    "spread": _between(0.1, 20),
    "window": _between(0, 10**9),
    "channel": _between(0, 10**9),
    "subject": _between(0, 10**9),
    "people": _between(3, 100),
}


def check_value(name: str, value: Any, kind: str) -> Any:
    """`value` if it has the declared type (an int passes for a float) and lies in the parameter's range."""
    if kind == "float" and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if type(value) is not TYPES[kind] or (isinstance(value, float) and not math.isfinite(value)):
        raise MixkdError(f"parameter {name}: found {value!r}, expected {kind}")
    if name == "dataset":
        # a folder is imported into the store: its name there is valid in every working directory
        return named(str(value))
    if name in RULES:
        ok, expected = RULES[name]
        if not ok(value):
            raise MixkdError(f"parameter {name}: found {value!r}, expected {expected}")
    return value


def check_index(name: str, value: int, size: int) -> None:
    """Raises MixkdError for an index parameter that is out of range."""
    if value >= size:
        raise MixkdError(f"parameter {name}: found {value}, expected 0 to {size - 1}")


def check_known(name: str, value: int, known: Sequence[int]) -> None:
    """Raises MixkdError for a parameter value that is not in the data."""
    if value not in known:
        raise MixkdError(f"parameter {name}: found {value}, expected one of {listed(known)}")


def check_parameters(namespace: dict[str, Any]) -> None:
    """Check a notebook's `globals()` after its parameters cell: every value is valid, every name is declared."""
    declared = {name: getattr(hint, "__name__", str(hint)) for name, hint in namespace["__annotations__"].items()}
    for name, value in list(namespace.items()):
        if name in declared:
            namespace[name] = check_value(name, value, declared[name])
        elif not name.startswith("_") and name not in ("In", "Out") and _is_plain(value):
            raise MixkdError(f"parameter {name}: unknown, {nearest(name, declared)}")


def report(values: Mapping[str, Any]) -> None:
    """Hand values to the text of the book, which shows them by name (`{glue:text}`); the cell itself shows nothing."""
    from myst_nb import glue

    for name, value in values.items():
        glue(name, value, display=False)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, list, dict))


def path_of(name: str) -> Path:
    """Path of a notebook by name (`05_mixup`), file name or path. Raises MixkdError with the nearest name otherwise."""
    known = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    if name.removesuffix(".ipynb") in known:
        return known[name.removesuffix(".ipynb")]
    if os.path.isfile(name):  # False if `name` is no valid path
        return Path(name)
    raise MixkdError(f"notebook: found {name!r}, {nearest(name, known)}")


def parameters_of(path: Path) -> dict[str, Parameter]:
    """The declared parameters of a notebook, in order. Raises MixkdError without a parameters cell."""
    try:
        import nbformat
    except ModuleNotFoundError as error:
        raise MixkdError("package nbformat is not installed; pip install 'mixkd[book]'") from error
    try:
        cells = nbformat.read(path, as_version=4).cells
        source = next((c.source for c in cells if "parameters" in c.metadata.get("tags", [])), None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, nbformat.ValidationError) as error:
        raise MixkdError(f"{path}: found no notebook, expected an .ipynb file") from error
    if source is None:
        raise MixkdError(f"{path}: found no cell tagged `parameters`")
    try:
        return {parameter.name: parameter for parameter in _declared(source)}
    except (ValueError, TypeError, SyntaxError) as error:
        raise MixkdError(f"{path}: found {error} in its parameters, expected lines `name: type = value`") from error


def _declared(source: str) -> Iterator[Parameter]:
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            kind = ast.unparse(node.annotation)
            if kind not in TYPES:
                raise ValueError(f"the type {kind}")
            help_text = lines[node.lineno - 1].partition("#")[2].strip()
            yield Parameter(node.target.id, kind, ast.literal_eval(node.value), help_text)


def parameter_table() -> list[tuple[str, str, str, str, str]]:
    """(parameter, type, default, meaning, chapters) of all notebooks; a shared parameter is one row."""
    chapters: dict[Parameter, list[str]] = {}
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    for path in paths:
        for parameter in parameters_of(path).values():
            chapters.setdefault(parameter, []).append(path.stem.partition("_")[0])
    every = [path.stem.partition("_")[0] for path in paths]
    return [(p.name, p.type, str(p.default), p.help, _chapters(where, every)) for p, where in chapters.items()]


def _chapters(some: list[str], every: list[str]) -> str:
    """Names of some chapters, or of the others where these are few."""
    others = [name for name in every if name not in some]
    if len(some) <= len(others):
        return ", ".join(some)
    return f"all but {', '.join(others)}" if others else "all"


def parse_assignments(path: Path, assignments: list[str]) -> dict[str, Any]:
    """`name=value` strings as checked parameter values. Raises MixkdError for the first invalid one."""
    declared, result = parameters_of(path), {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise MixkdError(f"parameter {text!r}: expected name=value")
        if name not in declared:
            raise MixkdError(f"parameter {name}: unknown, {nearest(name, declared)}")
        kind = declared[name].type
        result[name] = check_value(name, _literal(value) if kind != "str" else value, kind)
    return result


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # the last two: too deeply nested
        return text


def execute(path: Path, output: Path, parameters: dict[str, Any]) -> None:
    """Run a notebook with checked parameters; `output` is written only if every cell succeeds.

    The kernel communicates over IPC sockets: ports of kernels that start together may clash (jupyter_client 487).
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from traitlets.config import Config

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    os.environ.update(places())  # the kernel works in another folder
    if output.is_dir():
        raise MixkdError(f"{output}: found a folder, expected the path of a notebook to write")
    temporary = output.with_name(f".{uuid4().hex}.ipynb")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with _folder_for_sockets() as folder:
            kernel = {"transport": "ipc", "ip": f"{folder}/kernel"} if os.name == "posix" else {}
            options = {"cwd": str(CHECKOUT), "progress_bar": False, "config": Config(KernelManager=kernel)}
            papermill.execute_notebook(str(path), str(temporary), parameters=parameters, **options)
        os.replace(temporary, output)
    except papermill.PapermillExecutionError as error:
        raise MixkdError(f"{path.name}, cell {error.exec_count}: {error.ename}: {error.evalue}") from error
    except (RuntimeError, NoSuchKernel, ValueError) as error:  # ValueError: a notebook that names no language
        raise MixkdError(f"{path.name}: found no kernel that lives ({error}), expected one to run it") from error
    finally:
        with suppress(OSError):  # the folder itself may have failed
            temporary.unlink(missing_ok=True)


def _folder_for_sockets() -> tempfile.TemporaryDirectory:
    """Temporary folder in TMPDIR, or in /tmp if paths below TMPDIR are too long for sockets."""
    place = tempfile.gettempdir()
    return tempfile.TemporaryDirectory(dir=place if len(os.fsencode(place)) <= SOCKETS else "/tmp")

"""Mutation testing: changes one place of a module at a time and runs the tests, which should fail.

    python -m benchmarks.mutants mixkd/rng.py tests/test_mixing.py tests/test_training.py --number 30 --seed 0
    python -m benchmarks.mutants mixkd/rng.py tests/test_mixing.py --only 12 80   # these again, by their numbers

Prints one line for each mutant: survived or killed, its number, the line, the code before and after. A survivor is a
missing test or an equivalent program. Works on a copy of the project in a temporary folder. Numbers hold for one
version of the module: the seed alone decides which mutants are drawn.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SKIPPED = (".*", "__pycache__", "_build", "*.egg-info")
MEMORY = 16 * 2**30  # bytes of address space of one test run: a mutant may ask for without end
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
    ast.MatMult: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
SWAPPED = {"min": "max", "minimum": "maximum", "argmin": "argmax", "amin": "amax", "floor": "ceil", "any": "all"}
SWAPPED |= {new: old for old, new in SWAPPED.items()}
CLAMPS = ("clip", "clamp", "clamp_", "clamp_min", "maximum", "minimum", "max", "min", "abs")
LIBRARIES = ("np", "torch", "F", "math")


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Every wrong version of one node, without its children's."""
    other: Any = copy.deepcopy(node)
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            other.ops[i] = COMPARISONS[type(op)]()
            yield other
            other.ops[i] = op
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in OPERATORS:
        other.op = OPERATORS[type(node.op)]()
        yield other
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield from (ast.Constant(node.value + step) for step in (1, -1))
    elif isinstance(node, ast.Call):
        yield from _changed_calls(node)
    if isinstance(node, ast.AugAssign | ast.Expr | ast.Break | ast.Continue | ast.Raise) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
    ):
        yield ast.Pass()


def _changed_calls(node: ast.Call) -> Iterator[ast.AST]:
    """min for max, and a clamp replaced by what it clamps."""
    method = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", None) not in LIBRARIES
    name = getattr(node.func, "attr", getattr(node.func, "id", None))
    if name in SWAPPED:
        other = copy.deepcopy(node)
        setattr(other.func, "attr" if isinstance(node.func, ast.Attribute) else "id", SWAPPED[name])
        yield other
    if name in CLAMPS and (method or node.args) and (name not in SWAPPED or len(node.args) > 1):
        yield node.func.value if method and isinstance(node.func, ast.Attribute) else node.args[0]


def children(node: ast.AST) -> Iterator[tuple[Any, Callable[[ast.AST], None]]]:
    """The nodes below one that compute something, each with what puts another in its place; no messages or types."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(node, ast.JoinedStr | ast.Constant):
            continue
        for i, child in enumerate(value if isinstance(value, list) else [value]):
            docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not docstring:
                if isinstance(value, list):
                    yield child, lambda new, i=i, value=value: value.__setitem__(i, new)  # type: ignore[misc]
                else:
                    yield child, lambda new, field=field: setattr(node, field, new)  # type: ignore[misc]


def mutants(node: ast.AST, tree: ast.AST) -> Iterator[tuple[int, str, str, str]]:
    """(line, before, after, source of the whole module) of every mutant below a node of the tree."""
    for child, put in children(node):
        for other in changes(child):
            put(other)
            yield child.lineno, ast.unparse(child), ast.unparse(other), ast.unparse(tree)
            put(child)
        yield from mutants(child, tree)


def run(folder: Path, tests: list[str], limit: int, **environment: str) -> str:
    """passed, failed or too long (in CPU seconds): what the tests do on the code in the folder."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))

    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "MIXKD_HOME": str(folder / "home"), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=bound,
    )
    try:  # a busy machine takes longer; what sleeps, or computes in its children, uses no CPU of its own
        code = process.wait(10 * limit)
        return "passed" if code == 0 else "too long" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "failed"
    except subprocess.TimeoutExpired:
        return "too long"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _short(code: str) -> str:
    return code if len(code) <= 100 else f"{code[:99]}…"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--number", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+")
    given = parser.parse_args()
    tree = ast.parse((ROOT / given.module).read_text())
    candidates = list(mutants(tree, tree))
    drawn = given.only or random.Random(given.seed).sample(range(len(candidates)), min(given.number, len(candidates)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(ROOT, Path(temporary) / "project", ignore=shutil.ignore_patterns(*SKIPPED)))
        if run(folder, given.tests, 600) != "passed":
            sys.exit("the tests fail on the code as it is")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        limit, survived = 20 + 3 * int(used.ru_utime + used.ru_stime), 0
        for number in sorted(drawn):
            line, before, after, source = candidates[number]
            (folder / given.module).write_text(source)
            with tempfile.TemporaryDirectory() as fresh:  # compiled functions of another mutant would be stale
                compiled = {"NUMBA_CACHE_DIR": fresh} if "numba" in source else {}
                result = run(folder, given.tests, limit, PYTHONDONTWRITEBYTECODE="1", **compiled)
            survived += result == "passed"
            word = {"passed": "SURVIVED", "failed": "killed", "too long": "killed (time)"}[result]
            print(f"{word:14}{number:5}  {given.module}:{line}  {_short(before)}  ->  {_short(after)}", flush=True)
    print(f"{len(drawn) - survived} of {len(drawn)} killed, drawn from {len(candidates)}, seed {given.seed}")


if __name__ == "__main__":
    main()

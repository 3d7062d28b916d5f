"""Docstrings of functions on arrays state shapes, in one vocabulary of axes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_structure import MODULES, ROOT, name_of

MINIMUM = 0.9  # share of public functions on arrays whose docstring states a shape
ARRAY = re.compile(r"ndarray|Tensor|Array")  # in an annotation
AXES = {
    "n_folds": "folds of a data set",
    "n_seeds": "seeds of a campaign",
    "n": "items of any kind, one per row: mostly windows",
    "n_windows": "windows, where other axes are counted too",
    "n_channels": "channels of a sensor signal, or of feature maps",
    "n_samples": "samples in time",
    "n_classes": "classes",
    "n_outputs": "classes, or 1 for regression",
    "n_networks": "networks side by side in a stack",
    "n_parts": "parts of the batch of a stack",
    "n_taps": "places of a convolution's kernel",
    "n_in": "channels that a layer reads",
    "n_out": "channels, or numbers, that a layer gives",
    "n_targets": "quantities that a regression predicts",
    "n_cells": "pressure cells of an insole",
    "n_features": "inputs of the last layer",
    "n_positions": "positions of a feature map, height times width",
    "n_teachers": "teachers",
    "n_passes": "answers of a teacher under dropout masks",
    "n_pairs": "persistence pairs",
    "n_steps": "training steps",
    "n_rows": "selected rows, or rows of a table",
    "n_columns": "columns of a table or a figure",
    "n_letters": "characters of a word",
    "n_bins": "bins of confidence",
    "n_units": "physical units",
    "n_subjects": "subjects",
    "n_recordings": "recordings",
    "batch_size": "windows of a batch",
    "resolution": "pixels per side of a persistence image",
    "height": "rows of an image or a feature map",
    "width": "columns of an image or a feature map",
}
EXPRESSION = re.compile(r"\.\.\.|\w+( [-+*] \w+)*")  # n_channels, 8 * n_channels, n - 1


def shapes(text: str) -> Iterator[str]:
    """Contents of parentheses that are shapes: lists of sizes, one of them named as an axis."""
    for content in re.findall(r"(?<!\w)\(([^()]*,[^()]*)\)", " ".join(text.split())):
        sizes = [size.strip() for size in content.removesuffix(",").split(",")]
        words = re.findall(r"\w+", content)
        if all(EXPRESSION.fullmatch(size) for size in sizes) and any(w in AXES or w.startswith("n_") for w in words):
            yield content


def states_shape(text: str) -> bool:
    """Whether a docstring has a shape, or says that there is none: `scalar`, `any shape`."""
    return any(shapes(text)) or bool(re.search(r"\bscalars?\b|\bany shape\b", text))


def functions(tree: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Public functions of a module and public methods of its public classes, by dotted name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if isinstance(node, ast.ClassDef):
                yield from functions(node, f"{prefix}.{node.name}")
            else:
                yield f"{prefix}.{node.name}", node


def annotations(node: ast.FunctionDef) -> Iterator[str]:
    """Annotations of parameters and result."""
    arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    yield from (ast.unparse(each.annotation) for each in parameters if each and each.annotation)
    if node.returns:
        yield ast.unparse(node.returns)


def without_shape(modules: list[Path]) -> tuple[list[str], int]:
    """Names of functions on arrays whose docstring states no shape, and the number of all functions on arrays."""
    missing, total = [], 0
    for path in modules:
        for name, node in functions(ast.parse(path.read_text()), name_of(path)):
            if any(map(ARRAY.search, annotations(node))):
                total += 1
                if not states_shape(ast.get_docstring(node) or ""):
                    missing.append(name)
    return missing, total


def test_functions_on_arrays_state_shapes():
    missing, total = without_shape(MODULES)
    share = 1 - len(missing) / total
    assert share >= MINIMUM, f"{share:.1%} of {total}; without a shape: " + ", ".join(missing)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_shapes_use_the_names_of_axes(path):
    """In all docstrings of a module: an axis has one name."""
    nodes = ast.walk(ast.parse(path.read_text()))
    documented = [node for node in nodes if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    texts = [ast.get_docstring(node) or "" for node in documented]
    words = {word for text in texts for shape in shapes(text) for word in re.findall(r"[A-Za-z_]\w*", shape)}
    assert words - AXES.keys() == set()


def test_every_axis_is_used():
    text = " ".join(shape for path in MODULES for shape in shapes(path.read_text()))
    assert [axis for axis in AXES if not re.search(rf"\b{axis}\b", text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("logits (n, n_classes), labels (n,)", ["n, n_classes", "n,"]),
        ("(n, 8 * n_channels) and (n - 1,)", ["n, 8 * n_channels", "n - 1,"]),
        ("(n, c, l)", ["n, c, l"]),
        ("the (birth, persistence) plane", []),
        ("(n = 3, declared)", []),
        ("calls count(what, n)", []),
    ],
)
def test_shapes_are_recognised(text, expected):
    assert list(shapes(text)) == expected


def test_a_function_without_a_shape_is_listed(tmp_path, monkeypatch):
    module = ROOT / "mixkd" / "rng.py"
    code = 'def mean(x: np.ndarray) -> float:\n    """Mean of x."""\n\n\ndef name(x: int) -> str:\n    """Name."""\n'
    monkeypatch.setattr(Path, "read_text", lambda _: code)
    assert without_shape([module]) == (["mixkd.rng.mean"], 1)

"""The frame of every chapter: the method drawn, code folded, numbers in alternative texts, a line below each figure."""

from __future__ import annotations

import ast
import html
from pathlib import Path
from typing import Any

from mixkd.book import method
from mixkd.errors import MixkdError, nearest
from mixkd.figures.drawn import CSV

TEACHES = "teach"  # tag of a cell whose code is part of the lesson; all other code is folded
SEEN = {TEACHES, "remove-cell", "remove-input", "hide-cell"}
DRAWN = "drawn"  # folder of the stage, then of the site, with the numbers of figures

Cell = dict[str, Any]


def framed(cells: list[Cell], chapter: str, seconds: float, stage: Path) -> list[Cell]:
    """The cells of an executed chapter with its frame; the numbers of its figures are written into the stage.

    Raises MixkdError for an alternative text or caption that names a number which the chapter does not report.
    """
    values = reported(cells)
    whole: list[Cell] = []
    for number, cell in enumerate(merged(cells)):
        whole.append(cell)
        if cell["cell_type"] == "code":
            fold(cell)
            if name := filled(cell, chapter, values):
                whole.append(_text(f"box-{name}", box(cell, name, chapter, seconds=seconds, stage=stage)))
            elif link := numbers(cell, f"{chapter}-{number}", stage):
                whole.append(_text(f"box-{number}", f'<p class="figure-box">{link}</p>'))
        elif len(whole) == 1 and (drawing := method.figure(chapter)):
            whole.append(_text("method", drawing))
    return whole


def merged(cells: list[Cell]) -> list[Cell]:
    """The cells with one that shows nothing put in front of the code after it: one button in place of two."""
    whole: list[Cell] = []
    for cell in cells:
        last = whole[-1] if whole else None
        if last and folded(last) and folded(cell) and not last["outputs"]:
            cell["source"] = "".join(last["source"]).rstrip() + "\n\n" + "".join(cell["source"])
            whole.pop()
        whole.append(cell)
    return whole


def folded(cell: Cell) -> bool:
    """Whether a cell is code that the page folds."""
    return cell["cell_type"] == "code" and not (SEEN | {"parameters"}) & set(cell["metadata"].get("tags", ()))


def fold(cell: Cell) -> None:
    """Hide the code of a cell behind a button, unless it teaches or is not shown at all."""
    tags = cell["metadata"].setdefault("tags", [])
    if not SEEN & set(tags) and "hide-input" not in tags:
        tags.append("hide-input")


def reported(cells: list[Cell]) -> dict[str, Any]:
    """The values that a chapter hands to its text (`notebook.report`), by name."""
    values = {}
    for output in (output for cell in cells for output in cell.get("outputs", ())):
        if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
            text = "".join(next(text for kind, text in output["data"].items() if kind.endswith("text/plain")))
            try:
                values[name] = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                values[name] = text
    return values


def filled(cell: Cell, chapter: str, values: dict[str, Any]) -> str:
    """Put the chapter's numbers into the caption and the alternative text of a figure; returns its name, or ""."""
    shown = cell["metadata"].get("mystnb", {})
    name = shown.get("figure", {}).get("name", "")
    for holder, field in ((shown.get("figure", {}), "caption"), (shown.get("image", {}), "alt")):
        if field in holder:
            try:
                holder[field] = holder[field].format_map(values)
            except (KeyError, ValueError) as error:
                known = nearest(str(error.args[0]), values)
                raise MixkdError(f"{chapter}: {field} of {name}: found {{{error.args[0]}}}, {known}") from error
    return name


def box(cell: Cell, name: str, chapter: str, *, seconds: float, stage: Path) -> str:
    """The line below a figure: how to draw it again and how long that takes, its numbers, its notebook."""
    parts = [f"Drawn by <code>mixkd notebook {html.escape(chapter)}</code> in {max(1, round(seconds))} s"]
    if link := numbers(cell, name, stage):
        parts.append(link)
    parts.append(f'<a href="../_sources/notebooks/{chapter}.ipynb" download>notebook</a>')
    return f'<p class="figure-box">{" · ".join(parts)}</p>'


def numbers(cell: Cell, name: str, stage: Path) -> str:
    """A link to the numbers of a figure or table, which are written into the stage; empty where it has none."""
    table = next((text for output in cell["outputs"] if (text := output.get("data", {}).get(CSV))), None)
    if table is None:
        return ""
    (stage / DRAWN).mkdir(exist_ok=True)
    (stage / DRAWN / f"{name}.csv").write_text("".join(table), encoding="utf-8")
    return f'<a href="../_static/{DRAWN}/{name}.csv" download>numbers (CSV)</a>'


def _text(identifier: str, source: str) -> Cell:
    return {"cell_type": "markdown", "id": identifier, "metadata": {}, "source": source}

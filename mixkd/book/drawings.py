"""Figures inside the page instead of beside it: their colours follow its theme, and a phone gets the narrow drawing."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

from mixkd.figures.style import COLOURS, INK
from mixkd.figures.svg import NARROW, points
from mixkd.files import sha256

IMAGE = re.compile(r"<img\b[^>]*?>", re.DOTALL)
BESIDE = ".narrow"  # ending of a narrow drawing, whose wide one ends in .svg
PIXELS = 4 / 3  # of a point
VARIABLES = {value.lower(): value[1:].lower() for value in (INK, *COLOURS.values())}  # book.css sets them per theme


def key(svg: str) -> str:
    """By which a drawing is known again."""
    return sha256("".join(svg.split()).encode())


def narrow_ones(notebooks: Path, pages: Path | None = None) -> dict[str, str]:
    """The narrow drawings of executed notebooks, and those beside drawings of pages, by the key of the wide ones."""
    beside = pages.glob(f"*{BESIDE}") if pages else ()
    drawn = {key(_svg(path.with_suffix(".svg"))): path.read_text(encoding="utf-8") for path in beside}
    for path in sorted(notebooks.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for data in (output.get("data", {}) for output in cell.get("outputs", ())):
                if NARROW in data:
                    drawn[key("".join(data["image/svg+xml"]))] = "".join(data[NARROW])
    return drawn


def inlined(page: str, folder: Path, small: Mapping[str, str]) -> str:
    """An HTML page with its drawings in it; `folder` is that of the page, `small` as of `narrow_ones`."""

    def replaced(match: re.Match) -> str:
        source, alt = (re.search(rf'\b{name}="([^"]*)"', match[0]) for name in ("src", "alt"))
        if not source or not alt or not source[1].endswith(".svg") or not (folder / source[1]).is_file():
            return match[0]
        text = (folder / source[1]).read_text(encoding="utf-8")
        if "matplotlib" not in text and "dark-light" not in match[0]:  # a logo
            return match[0]
        wide, label = text[text.index("<svg") :], html.unescape(alt[1])
        if (other := small.get(key(wide))) is None:
            return _framed(wide, label, "drawing scrolls")
        return _framed(wide, label, "drawing wide") + _framed(other, label, "drawing narrow")

    return IMAGE.sub(replaced, page)


def _svg(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def _framed(svg: str, label: str, classes: str) -> str:
    """A drawing as an element of a page: named, as large as it was drawn at most, its ids its own."""
    width, height = (round(PIXELS * side) for side in points(svg))
    prefix = f"d{key(svg)[:8]}"
    body = re.sub(r"<style.*?</style>|<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg[svg.index(">") + 1 :], flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', body)
    body = re.sub(r'(xlink:href=")#|(url\()#', lambda m: f"{m[1] or m[2]}#{prefix}", body)
    body = re.sub(r"#[0-9a-f]{6}\b", _variable, body, flags=re.IGNORECASE)
    body = re.sub(r"\n\s*", "\n", body)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box
    head = f'<svg {box[0]} width="{width}" height="{height}" role="img" aria-label="{html.escape(label)}"'
    scroll = ' tabindex="0"' if "scrolls" in classes else ""
    return f'<span class="{classes}"{scroll}>{head} xmlns:xlink="http://www.w3.org/1999/xlink">{body}</span>'


def _variable(colour: re.Match) -> str:
    name = VARIABLES.get(colour[0].lower())
    return f"var(--fig-{name})" if name else colour[0]

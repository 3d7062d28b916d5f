"""Explorables: pictures to drag, in plain JavaScript. Each is one script that holds its code, its style and its data.

Sources are in book/explorables; data come from the windows and the records that the pages show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mixkd.book import explorable_data, explorable_scores
from mixkd.deploy import javascript
from mixkd.files import CHECKOUT
from mixkd.runs.store import RunRecord
from mixkd.studies import Scope

SOURCES = CHECKOUT / "book" / "explorables"

# By name: what its script is made of, and the data.
EXPLORABLES: dict[str, tuple[tuple[str, ...], Callable[[Scope, Sequence[RunRecord]], dict[str, Any]]]] = {
    "flood": (("common", "topology"), explorable_data.windows),
    "mixup": (("common", "topology"), explorable_data.windows),
    "softening": (("common",), explorable_data.softening),
    "surface": (("common",), explorable_data.surface),
    "student": (("common", "network"), explorable_data.student),
    "contrast": (("common", "statistics"), explorable_scores.contrasts),
}

PICTURES = {  # figures of chapters that stand in where scripts do not run: notebook and name
    "flood": ("02_topology.ipynb", "fig-sublevel"),
    "mixup": ("05_mixup.ipynb", "fig-image-gap"),
    "softening": ("07_smoothness.ipynb", "fig-entropy"),
    "surface": ("10_landscape.ipynb", "fig-line"),
    "student": ("16_your_recordings.ipynb", "fig-own-labels"),
    "contrast": ("11_claims.ipynb", "fig-scorecard"),
}


def shortened(source: str) -> str:
    """JavaScript or CSS without indentation and lines of comments."""
    lines = [line.strip() for line in source.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("// "))


def scripts(name: str, data: dict[str, Any]) -> dict[str, str]:
    """The scripts of an explorable by file name: its own, and one for each part of its data that it loads `later`.

    On a page with several explorables what they share runs once.
    """
    parts = {f"{name}.{part}": value for part, value in data.get("later", {}).items()}
    libraries, _ = EXPLORABLES[name]
    css = shortened((SOURCES / "explorables.css").read_text(encoding="utf-8"))
    present = {key: value for key, value in data.items() if key != "later"}
    *shared, own = [shortened(source(part)) for part in (*libraries, name)]
    text = [*shared, f"explorables.style({plain(css)});", f"explorables.data.{name} = {plain(present)};", own, ""]
    later = {f"{key}.js": f'explorables.arrive("{key}", {plain(value)});\n' for key, value in parts.items()}
    return {f"{name}.js": "\n".join(text)} | later


def source(part: str) -> str:
    """The JavaScript of a part; the forward pass of the student is that of `deploy`."""
    return javascript.source() if part == "network" else (SOURCES / f"{part}.js").read_text(encoding="utf-8")


def plain(value: Any) -> str:
    """A value in JavaScript."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def write(target: Path, scope: Scope, records: Sequence[RunRecord]) -> None:
    """Write the scripts of all explorables into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for name, (_, make) in EXPLORABLES.items():
        for file, text in scripts(name, make(scope, records)).items():
            (target / file).write_text(text, encoding="utf-8")

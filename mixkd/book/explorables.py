"""Explorables: pictures to drag, in plain JavaScript. Each is one script that holds its code, its style and its data.

Sources are in book/explorables; data come from the windows and the records that the pages show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mixkd.book import explorable_data
from mixkd.files import CHECKOUT
from mixkd.runs.store import RunRecord
from mixkd.studies import Scope

SOURCES = CHECKOUT / "book" / "explorables"

# By name: what its script is made of, and the data.
EXPLORABLES: dict[str, tuple[tuple[str, ...], Callable[[Scope, Sequence[RunRecord]], dict[str, Any]]]] = {
    "flood": (("common", "topology"), explorable_data.windows),
    "contrast": (("common", "statistics"), explorable_data.contrasts),
}

PICTURES = {  # figures of chapters that stand in where scripts do not run: notebook and name
    "flood": ("02_topology.ipynb", "fig-sublevel"),
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
    sources = [(SOURCES / f"{part}.js").read_text(encoding="utf-8") for part in (*libraries, name)]
    *shared, own = [shortened(source) for source in sources]
    text = [*shared, f"explorables.style({plain(css)});", f"explorables.data.{name} = {plain(present)};", own, ""]
    later = {f"{key}.js": f'explorables.arrive("{key}", {plain(value)});\n' for key, value in parts.items()}
    return {f"{name}.js": "\n".join(text)} | later


def plain(value: Any) -> str:
    """A value in JavaScript."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def write(target: Path, scope: Scope, records: Sequence[RunRecord]) -> None:
    """Write the scripts of all explorables into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for name, (_, make) in EXPLORABLES.items():
        for file, text in scripts(name, make(scope, records)).items():
            (target / file).write_text(text, encoding="utf-8")

"""Versions of the book side by side: a rendered site is copied to /vX.Y/; versions.json tells pages of the others."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import mixkd
from mixkd.errors import MixkdError
from mixkd.files import atomic_write

LIST = "versions.json"  # names, newest first; `site.js` reads it
START = '<!DOCTYPE html><meta charset="utf-8"><title>mixkd</title><meta http-equiv="refresh" content="0; url={}/">\n'


def add(site: Path, root: Path, version: str = mixkd.__version__) -> Path:
    """Copy a rendered site to `root`/vX.Y, where it replaces the same version, and make the newest one the start page.

    Raises MixkdError if there is no rendered site.
    """
    if not (site / "index.html").is_file():
        raise MixkdError(f"{site / 'index.html'}: not found, expected a rendered book; run `make book`")
    name = "v" + ".".join(version.split(".")[:2])
    root.mkdir(parents=True, exist_ok=True)
    fresh, target = root / f".{name}", root / name
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(site, fresh)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(fresh, target)
    there = [path.parent.name for path in root.glob("v*/index.html") if re.fullmatch(r"v\d+\.\d+", path.parent.name)]
    names = sorted(there, key=lambda one: [int(part) for part in one[1:].split(".")], reverse=True)
    atomic_write(root / LIST, json.dumps(names).encode())
    atomic_write(root / "index.html", START.format(names[0]).encode())
    return target


if __name__ == "__main__":
    try:
        print(add(Path("_build/html"), Path(sys.argv[1] if len(sys.argv) > 1 else "_build/versions")))
    except MixkdError as error:
        sys.exit(f"mixkd: {error}")

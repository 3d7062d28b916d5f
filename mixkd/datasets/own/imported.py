"""Recordings of your own in the store, under a name made of their content: other files, another name, other runs."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixkd import files
from mixkd.datasets import KEPT, Dataset, Recordings
from mixkd.datasets.own import folder
from mixkd.datasets.own.description import READING
from mixkd.datasets.raw import cache
from mixkd.errors import MixkdError

log = logging.getLogger("mixkd")
PASSES = 90_000  # windows times epochs that networks train on, as on `watch`


def keep(base: Path) -> str:
    """Read a folder into the store; the name of the data set, made of its content. MixkdError for the first problem."""
    found = folder.inspect(base)
    if found.problems:
        others = f" (and {len(found.problems) - 1} more: `mixkd data check {base}`)" if found.problems[1:] else ""
        raise MixkdError(found.problems[0] + others)
    for remark in found.remarks:
        log.warning("%s: worth a look: %s", base, remark)
    about, made = found.description, found.recordings()
    window, step = round(about.window * about.rate), round(about.step * about.rate)
    n_windows = sum((len(signal) - window) // step + 1 for signal in made.signals)
    pieces = cache.Pieces(counts=dict(made.counts))
    for signal, label, subject in zip(made.signals, made.labels, made.subjects, strict=True):
        pieces.add(signal, label, int(subject))
    packed = files.pack(pieces.arrays())
    kept: dict[str, Any] = {
        "arrays": files.sha256(packed),
        "rate": made.rate,
        "channels": made.channels,
        "units": made.units,
        "classes": made.classes,
        "people": {str(number): name for number, name in made.people.items()},
        "window": window,
        "step": step,
        "epochs": about.epochs or min(max(round(PASSES / n_windows), 6), 40),
        "batch_size": about.batch_size or min(64, max(n_windows // (2 * len(found.people)), 4)),
    }
    name = KEPT + files.sha256(files.canonical_json(kept))[:12]
    files.atomic_write(_place(name, "safetensors"), packed)
    files.atomic_write(_place(name, "safetensors.sha256"), kept["arrays"].encode())
    beside = {  # no part of the name: it changes no training
        "title": about.title,
        "reading": {field: getattr(about, field) for field in READING},
        "previous": made.previous,
    }
    files.atomic_write(_place(name, "json"), files.canonical_json({**kept, **beside}))
    return name


def _place(name: str, suffix: str) -> Path:
    return files.home() / "data" / f"{name}.{suffix}"


def _about(name: str) -> dict:
    try:
        return json.loads(_place(name, "json").read_bytes())
    except (OSError, ValueError) as error:
        raise MixkdError(
            f"dataset: found {name!r}, which {files.home()} does not hold; name its folder again"
        ) from error


def entry(name: str) -> Dataset:
    """The registry entry of kept recordings."""
    about = _about(name)
    return Dataset(
        title=about["title"],
        module=__name__,
        kept=name,
        licence="your own",
        citation="",
        reading=about["reading"],
        **{field: about[field] for field in ("window", "step", "epochs", "batch_size")},
    )


def load(name: str) -> Recordings:
    """Kept recordings, verified."""
    about = _about(name)

    def lost() -> files.Arrays:
        raise MixkdError(f"{_place(name, 'safetensors')}: missing or damaged; name its folder again")

    kept = files.cached_arrays(_place(name, "safetensors"), lost)
    words = (tuple(about[part]) for part in ("channels", "units", "classes"))
    made = cache.recordings((kept, cache.counts(kept)), about["rate"], *words)
    people = {int(number): person for number, person in about["people"].items()}
    return replace(made, people=people, previous=tuple(about.get("previous", ())))

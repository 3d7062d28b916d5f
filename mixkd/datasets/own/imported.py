"""Import of your own recordings into the store, under a content hash: changed files get a new name and new runs."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixkd import files
from mixkd.datasets import KEPT, Dataset, Recordings
from mixkd.datasets.own import folder, quality
from mixkd.datasets.own.description import READING
from mixkd.datasets.raw import cache
from mixkd.errors import MixkdError

log = logging.getLogger("mixkd")
PASSES = 90_000  # windows times epochs of a training, as on `watch`


def keep(base: Path, window: float | None = None) -> str:
    """Import a folder; returns the data set's name, a content hash. Raises MixkdError for the first problem.

    window: see `folder.inspect`
    """
    content = folder.inspect(base, window=window)
    if content.problems:
        others = f" (and {len(content.problems) - 1} more: `mixkd data check {base}`)" if content.problems[1:] else ""
        raise MixkdError(content.problems[0] + others)
    for remark in content.remarks:
        log.warning("%s: worth a look: %s", base, remark)
    about, made = content.description, content.recordings()
    window, step = round(about.window * about.rate), round(about.step * about.rate)
    n_windows = sum((len(signal) - window) // step + 1 for signal in made.signals)
    pieces = cache.Pieces(counts=dict(made.counts))
    for signal, label, subject in zip(made.signals, made.labels, made.subjects, strict=True):
        pieces.add(signal, label, int(subject))
    packed = files.pack(pieces.arrays())
    payload: dict[str, Any] = {
        "arrays": files.sha256(packed),
        "rate": made.rate,
        "channels": made.channels,
        "units": made.units,
        "classes": made.classes,
        "people": {str(number): name for number, name in made.people.items()},
        "window": window,
        "step": step,
        "epochs": about.epochs or min(max(round(PASSES / n_windows), 6), 40),
        "batch_size": about.batch_size or min(64, max(n_windows // (2 * len(content.people)), 4)),
    }
    name = KEPT + files.sha256(files.canonical_json(payload))[:12]
    files.atomic_write(_place(name, "safetensors"), packed)
    files.atomic_write(_place(name, "safetensors.sha256"), payload["arrays"].encode())
    beside = {  # not hashed: it changes no training
        "title": about.title,
        "reading": {field: getattr(about, field) for field in READING},
        "previous": made.previous,
        "quality": [quality.words(each) for each in content.quality],
    }
    files.atomic_write(_place(name, "json"), files.canonical_json({**payload, **beside}))
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
    """The registry entry of imported recordings."""
    about = _about(name)
    return Dataset(
        title=about["title"],
        module=__name__,
        imported=name,
        licence="your own",
        citation="",
        reading=about["reading"],
        quality=tuple(about.get("quality", ())),
        **{field: about[field] for field in ("window", "step", "epochs", "batch_size")},
    )


def load(name: str) -> Recordings:
    """Imported recordings, verified by SHA-256."""
    about = _about(name)

    def lost() -> files.Arrays:
        raise MixkdError(f"{_place(name, 'safetensors')}: missing or damaged; name its folder again")

    arrays = files.cached_arrays(_place(name, "safetensors"), lost)
    words = {field: tuple(about[field]) for field in ("channels", "units", "classes")}
    made = cache.recordings((arrays, cache.counts(arrays)), rate=about["rate"], **words)
    people = {int(number): person for number, person in about["people"].items()}
    return replace(made, people=people, previous=tuple(about.get("previous", ())))

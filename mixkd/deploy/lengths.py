"""The length of windows, chosen on validation people by plain students that train for a quarter of the epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixkd.datasets.own import imported
from mixkd.errors import MixkdError, short
from mixkd.runs import sweep
from mixkd.runs.local import Local
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec

AUTO = (1.0, 2.0, 4.0)  # s
FOLDS = 3  # at most, whose validation people decide
SHARE = 4  # of the epochs, one in so many


def of(text: str) -> list[float]:
    """Lengths in s of the option `--window`. Raises MixkdError for anything else."""
    try:
        lengths = list(AUTO) if text == "auto" else [float(word) for word in text.split(",")]
    except ValueError:
        lengths = []
    if not lengths or not all(0 < length < 3600 for length in lengths):
        raise MixkdError(f"--window: found {short(text)!r}, expected auto, or seconds such as 2 or 1,2,4")
    return lengths


def chosen(
    folder: Path,
    lengths: Sequence[float],
    plain: Callable[[str], list[RunSpec]],
    say: Callable[[str], None],
    *,
    workers: int | None = None,
) -> tuple[str, str]:
    """The name of the imported folder at the best length, half overlapping, and a sentence on the choice.

    plain: the runs of a data set's control. The shortest of equally good lengths is taken; a length that the folder
    does not allow is reported and left out. Raises MixkdError if none is left, and for anything but a folder.
    """
    if not folder.is_dir():
        raise MixkdError(f"--window: found the data set {folder}, whose windows are fixed, expected a folder")
    if len(lengths) == 1:
        return imported.keep(folder, lengths[0]), f"Windows last {lengths[0]:g} s, as asked for."
    scores: dict[float, float] = {}
    names: dict[float, str] = {}
    for length in sorted(lengths):
        try:
            names[length] = imported.keep(folder, length)
        except MixkdError as error:
            say(f"windows of {length:g} s left out: {error}")
            continue
        runs = plain(names[length])
        runs = [run for run in runs if run.seed == runs[0].seed][:FOLDS]
        runs = [replace(run, epochs=max(run.epochs // SHARE, 1)) for run in runs]
        say(f"windows of {length:g} s: {len(runs)} students with {runs[0].epochs} epochs")
        records = sweep.run(runs, Store(), on=Local(workers))
        scores[length] = float(np.mean([record.metrics(split="validation")["accuracy"] for record in records]))
    if not scores:
        raise MixkdError(f"--window: found no length that {folder} allows, expected shorter ones")
    best = max(scores, key=lambda length: scores[length])
    shown = ", ".join(f"{100 * score:.1f} % at {length:g} s" for length, score in scores.items())
    return names[best], (
        f"Windows last {best:g} s, chosen on validation people: control students with a quarter of the epochs are "
        f"right on {shown}. The people who chose are tested too, so the accuracies may be a little optimistic."
    )

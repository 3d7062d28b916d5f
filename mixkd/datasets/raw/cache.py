"""Verified cache of the parsed raw files of a data set, and recordings built from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixkd.datasets import Recordings
from mixkd.files import Arrays, cached_arrays, home, sha256

COUNT = "count of "  # prefix of counts among the arrays of a cache


@dataclass
class Pieces:
    """Recordings while they are collected, and counts of repairs and omissions."""

    signals: list[np.ndarray] = field(default_factory=list)
    labels: list[np.ndarray] = field(default_factory=list)
    subjects: list[int] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, signal: np.ndarray, label: int | np.ndarray, subject: int, target: np.ndarray | None = None) -> None:
        """Add a recording: signal (n_samples, n_channels); label, a scalar or (n_samples,).

        target: (n_samples, n_targets), of a data set that has targets
        """
        self.signals.append(np.asarray(signal, np.float32))
        self.labels.append(np.broadcast_to(np.asarray(label, np.uint8), len(signal)))
        self.subjects.append(subject)
        if target is not None:
            self.targets.append(np.asarray(target, np.float32))

    def count(self, what: str, n: int = 1) -> None:
        """Add `n` to the count named `what`."""
        self.counts[what] = self.counts.get(what, 0) + int(n)

    def arrays(self) -> Arrays:
        """Counts, and signal (n_samples, n_channels), label (n_samples,), length and subject (n_recordings,).

        Signals become views of the joined array, so that memory holds them once.
        """
        lengths = np.array([len(s) for s in self.signals], np.int64)
        signal = np.empty((int(lengths.sum()), self.signals[0].shape[1]), np.float32)
        ends = np.cumsum(lengths)
        for i, end in enumerate(ends):
            signal[end - lengths[i] : end] = self.signals[i]
            self.signals[i] = signal[end - lengths[i] : end]
        counts = {COUNT + what: np.array([n], np.int64) for what, n in self.counts.items()}
        subjects = np.array(self.subjects, np.int64)
        arrays = {"signal": signal, "label": np.concatenate(self.labels), "length": lengths, "subject": subjects}
        return arrays | ({"target": np.concatenate(self.targets)} if self.targets else {}) | counts


def cached(
    name: str, version: int, *, base: Path, files: Sequence[Path], make: Callable[[], Pieces]
) -> tuple[Arrays, dict[str, int]]:
    """Arrays of any shape and counts of `make`, cached under a hash of the names, sizes and times of the raw files.

    version: of the parser; it increases when the parser returns other values from the same files.
    """
    states = [(path, path.stat()) for path in files]
    lines = [f"{path.relative_to(base)} {state.st_size} {state.st_mtime_ns}" for path, state in states]
    key = sha256("\n".join(lines).encode())[:16]
    arrays = cached_arrays(home() / "data" / f"{name}-{key}-v{version}.safetensors", lambda: make().arrays())
    return arrays, counts(arrays)


def counts(arrays: Arrays) -> dict[str, int]:
    """The counts among the arrays, of any shape, of a cache, as integers."""
    return {what.removeprefix(COUNT): int(n[0]) for what, n in arrays.items() if what.startswith(COUNT)}


def recordings(
    parsed: tuple[Arrays, dict[str, int]],
    *,
    rate: float,
    channels: tuple[str, ...],
    units: tuple[str, ...],
    classes: tuple[str, ...],
    **others: Any,
) -> Recordings:
    """Recordings from the result of `cached`, whose signal is (n_samples, n_channels), see `Pieces.arrays`.

    others: further fields of `Recordings`, such as the names of targets
    """
    arrays, counts = parsed
    ends = np.cumsum(arrays["length"])[:-1]
    return Recordings(
        signals=tuple(np.split(arrays["signal"], ends)),
        labels=tuple(np.split(arrays["label"].astype(np.int64), ends)),
        subjects=arrays["subject"],
        rate=rate,
        channels=channels,
        units=units,
        classes=classes,
        counts=counts,
        targets=tuple(np.split(arrays["target"], ends)) if "target" in arrays else (),
        **others,
    )

"""What every loader returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mixkd.errors import MixkdError


@dataclass(frozen=True)
class Recordings:
    """Uninterrupted signals with an activity per sample; some with a placement each, or with targets to regress on.

    signals: one (n_samples, n_channels) float32 per recording, in physical `units`
    labels: one (n_samples,) int64 per recording, index into `classes`
    subjects: (n_recordings,) int64, a person each; rate: samples per second
    counts: what the loader interpolated, split or left out, in words, with how many
    people: names of subjects, where they have some
    previous: for each recording, the index of the one that it continues without a hole (another activity), or -1;
    empty: none continues another
    placement: (n_recordings,) int64, where the sensor was worn, index into `placements`; empty: not told apart
    targets: one (n_samples, n_targets) float32 per recording, what a regression predicts; empty: nothing to regress on
    """

    signals: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray, ...]
    subjects: np.ndarray
    rate: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    classes: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    people: dict[int, str] = field(default_factory=dict)
    previous: tuple[int, ...] = ()
    placement: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    placements: tuple[str, ...] = ()
    targets: tuple[np.ndarray, ...] = ()
    target_names: tuple[str, ...] = ()
    target_units: tuple[str, ...] = ()

    def person(self, subject: int | str) -> str:
        """The name of a subject, or its number."""
        return self.people.get(int(subject), str(subject))

    def minutes(self) -> np.ndarray:
        """Minutes of each subject, in order of id, and class: (n_subjects, n_classes)."""
        ids = np.unique(self.subjects)
        samples = np.zeros((len(ids), len(self.classes)))
        for label, subject in zip(self.labels, self.subjects, strict=True):
            samples[np.searchsorted(ids, subject)] += np.bincount(label, minlength=len(self.classes))
        return samples / self.rate / 60

    def __post_init__(self) -> None:
        counts = len(self.signals), len(self.labels), len(self.subjects)
        if len(set(counts)) > 1:
            raise MixkdError(
                "recordings: found {} signals, {} labels and {} subjects, expected equal counts".format(*counts)
            )
        if len(self.units) != len(self.channels):
            raise MixkdError(
                f"recordings: found {len(self.units)} units, expected {len(self.channels)}, one per channel"
            )
        for i, (signal, label) in enumerate(zip(self.signals, self.labels, strict=True)):
            if signal.ndim != 2 or signal.shape[1] != len(self.channels) or len(signal) != len(label):
                raise MixkdError(
                    f"recording {i}: found signal {signal.shape} and labels {label.shape}, "
                    f"expected (n_samples, {len(self.channels)}) and (n_samples,)"
                )
            if not np.isfinite(signal).all():
                row, channel = np.argwhere(~np.isfinite(signal))[0]
                name = self.channels[channel]
                raise MixkdError(f"recording {i}: found a non-finite value at sample {row}, channel {name}")
            if label.dtype.kind not in "iu":
                raise MixkdError(f"recording {i}: found labels of type {label.dtype}, expected integers")
            if label.min(initial=0) < 0 or label.max(initial=0) >= len(self.classes):
                found = label.min() if label.min() < 0 else label.max()
                raise MixkdError(f"recording {i}: found label {found}, expected 0 to {len(self.classes) - 1}")
        self._check_placement()
        self._check_targets()

    def _check_placement(self) -> None:
        n, names = len(self.placement), len(self.placements)
        if n != (len(self.signals) if names else 0):
            raise MixkdError(f"recordings: found {n} placements, expected {len(self.signals)}, one per recording")
        if outside := set(self.placement.tolist()) - set(range(names)):
            raise MixkdError(f"recordings: found placement {min(outside)}, expected 0 to {names - 1}")

    def _check_targets(self) -> None:
        n, names = len(self.targets), self.target_names
        if n != (len(self.signals) if names else 0) or len(names) != len(self.target_units):
            raise MixkdError(
                f"recordings: found targets of {n} recordings with {len(names)} names and {len(self.target_units)} "
                f"units, expected those of all {len(self.signals)}, a name and a unit each, or none"
            )
        for i, (target, signal) in enumerate(zip(self.targets, self.signals, strict=False)):
            if target.shape != (len(signal), len(names)):
                raise MixkdError(
                    f"recording {i}: found targets {target.shape}, expected ({len(signal)}, {len(names)}) as its signal"
                )
            if not np.isfinite(target).all():
                row, column = np.argwhere(~np.isfinite(target))[0]
                raise MixkdError(
                    f"recording {i}: found a gap in target {names[column]} at sample {row}, expected finite numbers; "
                    "end the recording there"
                )

"""What a run of one fold sees: normalised signals, images and labels, mixed as a draw says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional as F

from mixkd import windows
from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.learning.networks import channels_last
from mixkd.learning.streams import Draw, mix
from mixkd.specs.run import Modality, RunSpec
from mixkd.topology.imaging import Imager
from mixkd.topology.persistence import Diagrams, diagrams
from mixkd.windows import Normalisation, Windows

Split = str  # "train", "validation" or "test"


@dataclass(frozen=True)
class FoldData:
    """Everything a run of one fold sees. Normalisation and image ranges are fitted on the training windows."""

    parts: dict[Split, Windows]
    fold: windows.Fold
    n_classes: int
    spec: RunSpec

    @property
    def subjects(self) -> dict[Split, list[int]]:
        """Who is in which part."""
        return {name: list(getattr(self.fold, name)) for name in self.parts}

    @cached_property
    def normalisation(self) -> Normalisation:
        return Normalisation.fit(self.parts["train"].x, dataset(self.spec.dataset).scaling)

    @cached_property
    def signals(self) -> dict[Split, torch.Tensor]:
        """Normalised windows, (n_windows, n_channels, 1, n_samples), channels last."""
        return {name: as_input(self.normalisation(part.x)) for name, part in self.parts.items()}

    @cached_property
    def diagrams(self) -> dict[Split, Diagrams]:
        """Of the windows in physical units."""
        return {name: diagrams(part.x) for name, part in self.parts.items()}

    @cached_property
    def imager(self) -> Imager:
        assert self.spec.image is not None
        return Imager.fit(self.diagrams["train"], self.spec.image)

    @cached_property
    def labels(self) -> torch.Tensor:
        """One-hot labels of the training windows, (n_windows, n_classes)."""
        return F.one_hot(torch.from_numpy(self.parts["train"].y), self.n_classes).float()

    def inputs(self, modality: Modality, split: Split, rows: np.ndarray) -> torch.Tensor:
        """Unmixed network inputs of some windows."""
        if modality == "signal":
            return self.signals[split][torch.from_numpy(rows)]
        return as_input(self.imager(self.diagrams[split], rows))

    def mixed(self, modality: Modality, draw: Draw) -> torch.Tensor:
        """Training inputs of a draw: the same rows, partners and coefficients for signal and image."""
        own = self.inputs(modality, "train", draw.rows)
        if not draw.mixed.any():
            return own
        coefficients = torch.from_numpy(draw.coefficients)
        if modality == "image" and self.spec.image_mixing == "recompute":
            x = self.parts["train"].x
            mixture = mix(x[draw.rows], x[draw.partners], draw.coefficients)
            return as_input(self.imager(diagrams(mixture)))
        return mix(own, self.inputs(modality, "train", draw.partners), coefficients)

    def mixed_labels(self, draw: Draw) -> torch.Tensor:
        """Label distributions of a draw, (batch_size, n_classes)."""
        return mix(self.labels[draw.rows], self.labels[draw.partners], torch.from_numpy(draw.coefficients))


def as_input(x: np.ndarray) -> torch.Tensor:
    return channels_last(torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)))


def prepare(spec: RunSpec) -> FoldData:
    """Load, cut and split the data of a run; the fold after the last trains on everybody, for a student to take away.

    Raises MixkdError for an unknown data set or fold.
    """
    entry = dataset(spec.dataset)
    recordings = entry.load()
    cut = windows.cut(recordings, entry.window, entry.step, entry.rule)
    if spec.windows_per_class:
        cut = windows.thin(cut, spec.windows_per_class)
    folds = windows.folds(recordings.subjects, entry.test)
    if spec.fold > len(folds):
        expected = f"0 to {len(folds) - 1}, or {len(folds)} to train on everybody"
        raise MixkdError(f"RunSpec.fold: found {spec.fold}, expected {expected}, for {spec.dataset}")
    fold = folds[spec.fold] if spec.fold < len(folds) else windows.everybody(folds)
    return FoldData(windows.split(cut, fold), fold, len(recordings.classes), spec)


def for_spec(data: FoldData, spec: RunSpec) -> FoldData:
    """The data of another run; what was computed is kept where it does not depend on the run."""
    if any(getattr(spec, name) != getattr(data.spec, name) for name in ("dataset", "fold", "windows_per_class")):
        return prepare(spec)
    other = FoldData(data.parts, data.fold, data.n_classes, spec)
    shared = ["normalisation", "signals", "diagrams", "labels"]
    if data.spec.image == spec.image:
        shared.append("imager")
    other.__dict__.update({name: data.__dict__[name] for name in shared if name in data.__dict__})
    return other

"""What a run of one fold sees: normalised signals, images and targets, mixed as a draw says; a batch of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from mixkd import windows
from mixkd.datasets import Scaling, dataset
from mixkd.learning.corruptions import Sensors
from mixkd.learning.networks import Network, Outputs, channels_last
from mixkd.learning.sphere import MODALITIES, Sphere
from mixkd.learning.streams import Draw, mix
from mixkd.learning.tasks import TASKS, Task, balanced
from mixkd.specs.run import Modality
from mixkd.specs.views import DataView, WindowsView
from mixkd.topology.imaging import Imager
from mixkd.topology.persistence import Diagrams, diagrams
from mixkd.windows import Normalisation, Windows

Split = str  # "train", "validation" or "test"


@dataclass(frozen=True)
class FoldWindows:
    """The windows of a fold, and what depends on them alone. Normalisation is fitted on the training windows.

    scaling: of the data set, see `windows.Normalisation`
    """

    splits: dict[Split, Windows]
    fold: windows.Fold
    n_classes: int
    scaling: Scaling
    n_placements: int = 0
    channels: tuple[str, ...] = ()

    @cached_property
    def normalisation(self) -> Normalisation:
        """Fitted on the training windows."""
        return Normalisation.fit(self.splits["train"].x, self.scaling)

    @cached_property
    def sensors(self) -> Sensors:
        """See `corruptions.Sensors`."""
        return Sensors.of(self.channels, self.normalisation)

    @cached_property
    def signals(self) -> dict[Split, torch.Tensor]:
        """Normalised windows, (n_windows, n_channels, 1, n_samples), channels last."""
        return {name: as_input(self.normalisation(part.x)) for name, part in self.splits.items()}

    @cached_property
    def diagrams(self) -> dict[Split, Diagrams]:
        """Of the windows in physical units."""
        return {name: diagrams(part.x) for name, part in self.splits.items()}


@dataclass(frozen=True)
class FoldData:
    """Everything a run of one fold sees: windows, which several runs may share, and images as `about` says."""

    base: FoldWindows
    about: DataView
    device: str = "cpu"
    host: FoldData | None = None  # of data on a device: the same in ordinary memory

    def on(self, device: str) -> FoldData:
        """The same, with inputs and targets in the memory of a device."""
        return replace(self, device=device, host=self)

    @property
    def splits(self) -> dict[Split, Windows]:
        """Windows by split."""
        return self.base.splits

    @property
    def fold(self) -> windows.Fold:
        """Who is tested, validated on and trained on."""
        return self.base.fold

    @property
    def n_outputs(self) -> int:
        """Of a network for this task."""
        return self.targets.shape[1]

    @property
    def normalisation(self) -> Normalisation:
        """See `FoldWindows`."""
        return self.base.normalisation

    @property
    def signals(self) -> dict[Split, torch.Tensor]:
        """See `FoldWindows`."""
        return self.base.signals

    @property
    def diagrams(self) -> dict[Split, Diagrams]:
        """See `FoldWindows`."""
        return self.base.diagrams

    @cached_property
    def task(self) -> Task:
        """What networks are trained for. Raises MixkdError where its labels are not recorded."""
        train, n_classes = self.splits["train"], self.base.n_classes
        task = TASKS[self.about.task](train, n_classes, self.base.n_placements)
        return balanced(task, train, n_classes) if self.about.balance else task

    @cached_property
    def targets(self) -> torch.Tensor:
        """Of the training windows, (n_windows, n_outputs)."""
        return self.task.targets(self.splits["train"]).to(self.device)

    @property
    def subjects(self) -> dict[Split, list[int]]:
        """Who is in which part."""
        return {name: list(getattr(self.fold, name)) for name in self.splits}

    @cached_property
    def imager(self) -> Imager:
        """Its ranges are those of the training diagrams."""
        if self.host:
            return self.host.imager
        assert self.about.image is not None
        return Imager.fit(self.diagrams["train"], self.about.image)

    @cached_property
    def sphere(self) -> Sphere:
        """Fitted on the training windows and their images."""
        return Sphere.fit(len(self.targets), lambda rows: [self.inputs(m, "train", rows) for m in MODALITIES])

    @cached_property
    def _whole(self) -> dict[tuple[Modality, Split], torch.Tensor]:
        return {}

    def whole(self, modality: Modality, split: Split) -> torch.Tensor:
        """Unmixed network inputs of all windows, in the memory of the device, where they stay."""
        if (modality, split) not in self._whole:
            x = self.signals[split] if modality == "signal" else as_input(self.imager(self.diagrams[split]))
            self._whole[modality, split] = x.to(self.device)
        return self._whole[modality, split]

    def inputs(self, modality: Modality, split: Split, rows: np.ndarray) -> torch.Tensor:
        """Unmixed network inputs of some windows."""
        if modality == "signal" or self.device != "cpu":
            return self.whole(modality, split)[torch.from_numpy(rows).to(self.device)]
        return as_input(self.imager(self.diagrams[split], rows))

    def mixed(self, modality: Modality, draw: Draw) -> torch.Tensor:
        """Training inputs of a draw: the same rows, partners and coefficients for signal and image."""
        own = self.inputs(modality, "train", draw.rows)
        if draw.augmentation:
            return draw.augmentation(self.mixed(modality, replace(draw, augmentation=None)))
        if not draw.mixed.any():
            return own
        if self.about.on_sphere:
            return self.sphere.mixed(modality, draw, own)
        coefficients = torch.from_numpy(draw.coefficients).to(self.device)
        if modality == "image" and self.about.image_mixing == "recompute":
            x = self.splits["train"].x
            mixture = mix(x[draw.rows], x[draw.partners], draw.coefficients)
            return as_input(self.imager(diagrams(mixture))).to(self.device)
        return mix(own, self.inputs(modality, "train", draw.partners), coefficients)

    def mixed_targets(self, draw: Draw) -> torch.Tensor:
        """Targets of a draw, (batch_size, n_outputs); of classes, their distributions."""
        coefficients = torch.from_numpy(draw.coefficients).to(self.device)
        return mix(self.targets[draw.rows], self.targets[draw.partners], coefficients)


class Batch:
    """A draw with its mixed inputs, targets and networks' outputs, each computed once for all students in lockstep."""

    def __init__(self, step: int, draw: Draw, data: FoldData):
        self.step, self.draw, self.data = step, draw, data
        self._inputs: dict[Modality, torch.Tensor] = {}
        self._outputs: dict[int, Outputs] = {}

    def inputs(self, modality: Modality) -> torch.Tensor:
        """Mixed inputs of a modality, see `FoldData.mixed`."""
        if modality not in self._inputs:
            self._inputs[modality] = self.data.mixed(modality, self.draw)
        return self._inputs[modality]

    @cached_property
    def targets(self) -> torch.Tensor:
        """(batch_size, n_outputs); of classes, their distributions."""
        return self.data.mixed_targets(self.draw)

    def outputs(self, net: Network, modality: Modality) -> Outputs:
        """Of a frozen network, without a gradient."""
        if id(net) not in self._outputs:
            with torch.no_grad():
                self._outputs[id(net)] = net.outputs(self.inputs(modality))
        return self._outputs[id(net)]


@torch.inference_mode()
def evaluate(net: Network, data: FoldData, modality: Modality, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, n_outputs) and features (n, n_features) of a split in evaluation mode, in batches of 256."""
    net.eval()
    features = [
        net.features(data.inputs(modality, split, rows))
        for rows in np.array_split(np.arange(len(data.splits[split])), math.ceil(len(data.splits[split]) / 256))
    ]
    joined = torch.cat(features)
    return net.head(joined).cpu().numpy(), joined.cpu().numpy()


def as_input(x: np.ndarray) -> torch.Tensor:
    """Float32 tensor in the layout of networks, see `networks.channels_last`."""
    return channels_last(torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)))


def fold_data(about: DataView, like: FoldData | None = None) -> FoldData:
    """The data that `about` describes; the windows of `like` are used where they are the same.

    Raises MixkdError for an unknown data set or fold.
    """
    if like and like.about == about:
        return like
    shared = like.base if like and like.about.windows == about.windows else None
    return FoldData(shared or fold_windows(about.windows), about)


def fold_windows(about: WindowsView) -> FoldWindows:
    """The windows of a fold. Raises MixkdError for an unknown data set or fold."""
    splits, fold, recordings = windows.of_fold(about)
    n_classes, n_placements = len(recordings.classes), len(recordings.placements)
    scaling = dataset(about.dataset).scaling
    return FoldWindows(splits, fold, n_classes, scaling, n_placements, recordings.channels)

"""What a part of the program reads of a run: its data, its stream of draws, its network. Equal views, equal results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixkd.specs.parts import Augment, Family, ImageSpec, Mixup, Modality, Order


@dataclass(frozen=True)
class WindowsView:
    """Which windows a run trains on and is tested on.

    people: number of training people, None for all; label_noise: share of training windows with a wrong label;
    seed: of both draws, None where nothing is drawn
    """

    dataset: str
    fold: int
    windows_per_class: int | None
    people: int | None = None
    seed: int | None = None
    label_noise: float = 0.0


@dataclass(frozen=True)
class DataView:
    """All that the data of a run depend on: its windows, what they are to teach, images, and how inputs are mixed."""

    windows: WindowsView
    task: str
    image: ImageSpec | None
    image_mixing: str
    on_sphere: bool
    balance: bool = False


@dataclass(frozen=True)
class StreamView:
    """All that the draws of a run depend on: runs with equal streams see the same rows, partners and coefficients."""

    windows: WindowsView
    seed: int
    role: str
    epochs: int
    batch_size: int
    mixup: Mixup | None
    augment: Augment
    order: Order


@dataclass(frozen=True)
class NetworkView:
    """All that a network before its first step depends on, but for channels and classes, which the data give.

    head: width factor of the teacher in whose head it ends (SimKD), or None for a head of its own; convolutions: its
    last maps, not the features, are brought to those of the teacher
    """

    seed: int
    role: str
    modality: Modality
    depth: int
    width: int
    head: int | None
    family: Family
    convolutions: bool = False

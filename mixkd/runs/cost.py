"""What a training costs: multiply-adds of a network and seconds of a run, from a spec and the size of its data."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from mixkd import windows
from mixkd.specs.parts import Family
from mixkd.specs.run import Modality, RunSpec
from mixkd.specs.views import WindowsView

N_MOMENTS = 10  # of a channel, see mixkd/learning/moments.py, which loads torch
TESTS = 3.0  # seconds of a run that is trained: accuracies under corruptions, flatness; nearly all that a forest takes
WINDOW_OPERATIONS, PATH_OPERATIONS = 60, 10_000  # of trees: for each number of a window, and down 300 paths; roughly


def multiply_adds(
    modality: Modality, depth: int, width: int, shape: tuple[int, ...], *, n_classes: int, head: int | None = None
) -> int:
    """Of the convolutions and the head of a WideResNet, for one input of `shape`, (n_channels, *size).

    head: width factor of the teacher in whose head it ends (SimKD), or None. Counted without building the network.
    """
    kernel, pixels, n_in = (3 if modality == "signal" else 9), list(shape[1:]), 16
    total = kernel * shape[0] * n_in * math.prod(pixels)
    for stage in range(3):
        n_out = 16 * width * 2**stage
        for block in range((depth - 4) // 6):
            if stage and not block:
                pixels = [(n + 1) // 2 for n in pixels]
            shortcut = n_in * n_out if n_in != n_out else 0
            total += (kernel * n_in * n_out + kernel * n_out * n_out + shortcut) * math.prod(pixels)
            n_in = n_out
    features = 64 * head if head else n_in
    return total + (n_in * features if head else 0) + features * n_classes


def largest_activation(modality: Modality, width: int, shape: tuple[int, ...]) -> int:
    """Numbers in the largest of the input, (n_channels, *size), and the outputs of a WideResNet's convolutions.

    Computed without building the network. While it is computed, a block holds up to three such arrays: what it reads,
    what it writes, and the input of its shortcut.
    """
    pixels, sizes = list(shape[1:]), [math.prod(shape), 16 * math.prod(shape[1:])]
    for stage in range(3):
        if stage:
            pixels = [(n + 1) // 2 for n in pixels]
        sizes.append(16 * width * 2**stage * math.prod(pixels))
    return max(sizes)


def mtl_multiply_adds(shape: tuple[int, ...], n_outputs: int, *, released: bool) -> int:
    """Of MTL-net for one input of `shape`, (n_channels, n_samples). Counted without building the network."""
    rows, n_samples, n_in, total = shape[0], shape[1], 1, 0
    for n_out in (32, 64):
        n_samples -= 8
        total += 9 * n_in * n_out * rows * n_samples
        n_samples, n_in = n_samples // 2, n_out
        rows = (rows + 1) // 2 if released else rows
    return total + mtl_layers(shape, n_outputs, released=released)


def mtl_layers(shape: tuple[int, ...], n_outputs: int, *, released: bool) -> int:
    """Weights of MTL-net's hidden layers and head, nearly all it has, for `shape`, (n_channels, n_samples)."""
    n_samples = ((shape[1] - 8) // 2 - 8) // 2
    rows = (shape[0] + 3) // 4 if released else shape[0]  # halved twice, rounded up
    return 64 * rows * n_samples * 1024 + 1024 * 512 + 512 * n_outputs


def moments_multiply_adds(shape: tuple[int, ...], n_outputs: int) -> int:
    """Of the moments of one image of `shape`, (n_channels, height, width), and of a linear classifier on them."""
    return N_MOMENTS * math.prod(shape) + N_MOMENTS * shape[0] * n_outputs


def pooled_multiply_adds(depth: int, width: int, shape: tuple[int, ...], n_outputs: int) -> int:
    """Of a WideResNet for images of `shape`, (n_channels, height, width), whose last maps are pooled by moments."""
    n_last, pixels = 64 * width, tuple((n + 3) // 4 for n in shape[1:])  # halved twice, rounded up
    trunk = multiply_adds("image", depth, width, shape, n_classes=0)
    return trunk + moments_multiply_adds((n_last, *pixels), n_outputs)


def forest_operations(shape: tuple[int, ...]) -> int:
    """Of trees on the statistics of one window of `shape`, (n_channels, n_samples), as if they were multiply-adds."""
    return WINDOW_OPERATIONS * math.prod(shape) + PATH_OPERATIONS


def network_multiply_adds(spec: RunSpec, shape: tuple[int, ...], n_outputs: int) -> int:
    """Of the network of a run for one input of `shape`, (n_channels, *size), by its family."""
    size = spec.depth, spec.width
    work: dict[Family, Callable[[], int]] = {
        "wrn": lambda: multiply_adds(spec.modality, *size, shape, n_classes=n_outputs, head=spec.network.head),
        "mtl": lambda: mtl_multiply_adds(shape, n_outputs, released=False),
        "mtl_released": lambda: mtl_multiply_adds(shape, n_outputs, released=True),
        "moments": lambda: moments_multiply_adds(shape, n_outputs),
        "wrn_moments": lambda: pooled_multiply_adds(*size, shape, n_outputs),
        "forest": lambda: forest_operations(shape),
    }
    return work[spec.family]()


@lru_cache
def _size(name: str, cap: int | None) -> tuple[int, int, int, int]:
    """Training windows of the first fold, channels, samples and classes of a data set."""
    parts, _, recordings = windows.of_fold(WindowsView(name, 0, cap))
    n_windows, n_channels, n_samples = parts["train"].x.shape
    return n_windows, n_channels, n_samples, len(recordings.classes)


def estimated_seconds(spec: RunSpec) -> float:
    """Rough time of a run on one core, for the plan and the time left.

    0.15 ms per window and epoch plus 50 ms per 10^9 multiply-adds: five networks and the sum of a `quick` profile. Each
    step changes all weights, 4 ms per 10^6: only MTL-net has so many that it counts.
    """
    n_windows, n_channels, n_samples, n_classes = _size(spec.dataset, spec.windows_per_class)
    pixels = spec.image.resolution if spec.image else 0
    shape = (n_channels, n_samples) if spec.modality == "signal" else (n_channels, pixels, pixels)
    seconds = n_windows * (1.5e-4 + 50e-12 * network_multiply_adds(spec, shape, n_classes))
    if spec.family in ("mtl", "mtl_released"):
        n_weights = mtl_layers(shape, n_classes, released=spec.family == "mtl_released")
        seconds += 4e-9 * n_weights * math.ceil(n_windows / spec.batch_size)
    return TESTS + spec.epochs * seconds

"""What a window costs when a network is used, and whether topology is to blame: `python -m benchmarks.latency`.

Windows of `watch` (6 x 100), one thread, evaluation mode: one window at a time, and batches of 64. An image network
also needs window -> diagram -> image; that is timed alone, by the fast path and by giotto-tda called directly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from gtda.diagrams import PersistenceImage
from gtda.homology import CubicalPersistence

from benchmarks import as_worker, measure, ratio, show, write
from mixkd.analysis.cost import NETWORKS
from mixkd.learning import networks
from mixkd.learning.fold_data import as_input, fold_data
from mixkd.learning.networks import WideResNet, channels_last
from mixkd.runs.cost import multiply_adds
from mixkd.specs.run import ImageSpec, Modality, RunSpec
from mixkd.topology.imaging import Imager
from mixkd.topology.persistence import diagrams

BATCH, ROUNDS, FITTED = 64, 7, 500
RESOLUTIONS = (8, 16, 64)
Key = tuple[str, int]  # what, number of windows


@dataclass(frozen=True)
class Network:
    """One row of the table."""

    modality: Modality
    depth: int
    width: int
    shape: tuple[int, ...]

    @property
    def name(self) -> str:
        pixels = f" {self.shape[-1]} px" if self.modality == "image" else ""
        return f"{self.modality} WRN{self.depth}-{self.width}{pixels}"

    def build(self, n_classes: int) -> WideResNet:
        generator = torch.Generator().manual_seed(0)
        return networks.build(
            self.modality, self.depth, self.width, n_channels=self.shape[0], n_classes=n_classes, generator=generator
        ).eval()


def answer(net: WideResNet, shape: tuple[int, ...], n: int) -> Callable[[], torch.Tensor]:
    """A function that computes the logits of n random inputs."""
    x = channels_last(torch.randn(n, *shape, generator=torch.Generator().manual_seed(0)))
    return torch.inference_mode()(lambda: net(x))


def fast(x: np.ndarray, imager: Imager) -> Callable[[], torch.Tensor]:
    """Windows in physical units -> input of an image network."""
    return lambda: as_input(imager(diagrams(x)))


def giotto(x: np.ndarray, fitted_on: np.ndarray, spec: ImageSpec) -> Callable[[], np.ndarray]:
    """The same way by giotto-tda, whose grid is fitted beforehand: series in, images out, not yet normalised."""
    persistence = CubicalPersistence(homology_dimensions=(0,), n_jobs=1)
    sample = persistence.fit_transform(fitted_on.reshape(-1, x.shape[2]).astype(np.float64))
    pixel = np.ptp(sample[:, :, 0]) / spec.resolution
    imager = PersistenceImage(spec.spread * pixel, spec.resolution, weight_function=lambda p: p, n_jobs=1).fit(sample)
    series = x.reshape(-1, x.shape[2]).astype(np.float64)
    return lambda: imager.transform(persistence.transform(series))


def topology_share(times: dict[Key, list[float]], network: Network, way: str, n: int) -> float | None:
    """Part of the time from window to logits that topology takes; None for networks that see signals."""
    if network.modality == "signal":
        return None
    topology, net = times[topology_name(network.shape[-1], way), n], times[network.name, n]
    return median(a / (a + b) for a, b in zip(topology, net, strict=True))


def topology_name(resolution: int, way: str) -> str:
    return f"topology {resolution} px, {way}"


def speed(times: dict[Key, list[float]], name: str) -> dict[str, Any]:
    return {"what": name, "one_ms": 1e3 * median(times[name, 1]), "per_second": BATCH / median(times[name, BATCH])}


def main() -> None:
    as_worker()
    data = fold_data(RunSpec(modality="image").data)
    x = data.splits["train"].x
    chosen = [Network("signal", depth, width, x.shape[1:]) for depth, width in NETWORKS]
    chosen += [Network("image", 16, width, (x.shape[1], r, r)) for width in (1, 3) for r in RESOLUTIONS]
    built = {network: network.build(data.n_outputs) for network in chosen}

    functions: dict[Key, Callable[[], object]] = {}
    for network, net in built.items():
        functions |= {(network.name, n): answer(net, network.shape, n) for n in (1, BATCH)}
    for resolution in RESOLUTIONS:
        spec = ImageSpec(resolution)
        imager = Imager.fit(data.diagrams["train"], spec)
        for n in (1, BATCH):
            functions[topology_name(resolution, "fast"), n] = fast(x[:n], imager)
            functions[topology_name(resolution, "giotto"), n] = giotto(x[:n], x[:FITTED], spec)
    times = measure(functions, ROUNDS)

    student = chosen[0].name
    rows = [
        {
            **speed(times, network.name),
            "one_over_student": ratio(times[network.name, 1], times[student, 1]),
            "batch_over_student": ratio(times[network.name, BATCH], times[student, BATCH]),
            "fast_share_of_one": topology_share(times, network, "fast", 1),
            "fast_share": topology_share(times, network, "fast", BATCH),
            "giotto_share": topology_share(times, network, "giotto", BATCH),
            "parameters": networks.n_parameters(net),
            "multiply_adds": multiply_adds(
                network.modality, network.depth, network.width, network.shape, n_classes=net.head.out_features
            ),
        }
        for network, net in built.items()
    ]
    ways = [
        {
            **speed(times, topology_name(r, way)),
            "one_times_slower": ratio(times[topology_name(r, way), 1], times[topology_name(r, "fast"), 1]),
            "batch_times_slower": ratio(times[topology_name(r, way), BATCH], times[topology_name(r, "fast"), BATCH]),
        }
        for r in RESOLUTIONS
        for way in ("fast", "giotto")
    ]
    hidden = ("fast_share_of_one", "parameters", "multiply_adds")
    show(
        f"Networks: a window alone, windows per second in batches of {BATCH}, and topology's share of an answer",
        [{key: value for key, value in row.items() if key not in hidden} for row in rows],
    )
    show("Topology alone, window to image", ways)
    write(
        "latency", {"networks": rows, "topology": ways, "batch": BATCH, "rounds": ROUNDS, "window": list(x.shape[1:])}
    )


if __name__ == "__main__":
    main()

"""Cost of networks and topology: parameters, multiply-adds, and times from the benchmark records."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT
from mixkd.learning import networks
from mixkd.runs.cost import multiply_adds
from mixkd.runs.store import RunRecord
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Modality

BENCHMARKS = CHECKOUT / "benchmarks" / "records"
NETWORKS = ((16, 1), (16, 3), (28, 1), (28, 3))


def network_costs(n_channels: int, n_samples: int, resolution: int, n_classes: int) -> pd.DataFrame:
    """Parameters and multiply-adds per window of the paper's networks in both modalities."""
    rows = []
    shapes: dict[Modality, tuple[int, ...]] = {"signal": (n_samples,), "image": (resolution, resolution)}
    for modality, shape in shapes.items():
        for depth, width in NETWORKS:
            net = networks.build(
                modality, depth, width, n_channels=n_channels, n_classes=n_classes, generator=torch.Generator()
            )
            rows.append(
                {
                    "modality": modality,
                    "network": f"WRN{depth}-{width}",
                    "parameters": networks.n_parameters(net),
                    "multiply_adds": multiply_adds(modality, depth, width, (n_channels, *shape), n_classes=n_classes),
                }
            )
    return pd.DataFrame(rows)


def image_path(latency: dict[str, Any], network: str = "WRN16-1") -> pd.DataFrame:
    """From the latency record: milliseconds per window of topology and of the network, by image size and backend."""
    speed = {row["what"]: row["per_second"] for row in latency["networks"] + latency["topology"]}
    rows = [
        (f"{size} px, {way}", 1e3 / speed[f"topology {size} px, {way}"], 1e3 / speed[f"image {network} {size} px"])
        for size in (8, 16, 64)
        for way in ("fast", "giotto")
    ]
    return pd.DataFrame(rows, columns=["name", "topology", "network"])


def benchmark(name: str, folder: Path = BENCHMARKS) -> dict[str, Any]:
    """The record that `make bench` wrote: `topology`, `training` or `latency`. Raises MixkdError if there is none."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise MixkdError(f"{path}: no such benchmark record; run `make bench`")
    return json.loads(path.read_text(encoding="utf-8"))


def made_with(name: str, folder: Path = BENCHMARKS) -> str:
    """Provenance of a benchmark record, a line each: commit; CPU and threads; package versions."""
    about = benchmark(name, folder)["provenance"]
    packages = ", ".join(f"{package} {version}" for package, version in about["versions"].items())
    changed = " with local changes" if about["git"]["dirty"] else ""
    commit = (about["git"]["sha"] or "unknown")[:10]
    place = f"{about['cpu']}, {about['cpu_capability']}, {about['threads']} thread"
    return f"commit {commit}{changed}\n{place}\n{textwrap.fill(packages, 80)}"


def campaign(records: list[RunRecord]) -> pd.DataFrame:
    """Cost of training: per kind of network, number of runs, median seconds and core-hours.

    The seconds of the first student of a stream include building its traces. Probes are not included.
    """
    kinds = [f"{r.spec.modality} {r.spec.role} WRN{r.spec.depth}-{r.spec.width}" for r in records]
    seconds = pd.DataFrame({"kind": kinds, "seconds": [r.provenance["seconds"] for r in records]})
    groups = seconds.groupby("kind")["seconds"]
    result = pd.DataFrame({"runs": groups.size(), "median_seconds": groups.median(), "core_hours": groups.sum() / 3600})
    return result.sort_values("core_hours", ascending=False)


def total(costs: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Runs and core-hours of all data sets together, of `campaign` by data set."""
    together = pd.concat(costs)
    return {"total_runs": int(together["runs"].sum()), "total_hours": float(together["core_hours"].sum())}


def live_hours(records: list[RunRecord], step: dict[str, float]) -> float:
    """Core-hours that live teachers would have added to traced students, at the benchmark's milliseconds per step.

    Two WRN16-1 teachers cost `live` minus `traced`, one half of that; larger ones are priced as these, hence too low.
    """
    total = 0.0
    for record in records:
        if record.spec.teachers and METHODS[record.spec.method].reads == "logits":
            n_steps = record.data["windows"]["train"] // record.spec.batch_size * record.spec.epochs
            total += n_steps * (step["live"] - step["traced"]) * len(record.spec.teachers) / 2
    return total / 1000 / 3600

"""What every way to a classifier reaches and costs: `python -m benchmarks.standings watch selfback hapt dsads`.

Rewrites results/standings.csv from published runs and baselines, on recordings that are here. Microseconds are of one
window in a batch of 64, one thread, from the signal to class probabilities: topology and features included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from functools import cache
from statistics import median

import numpy as np
import pandas as pd
import torch

from benchmarks import as_worker, measure
from mixkd import studies
from mixkd.analysis import baselines, standings
from mixkd.analysis.baselines import BASELINES
from mixkd.analysis.standings import WAYS, Way
from mixkd.files import atomic_write
from mixkd.learning import networks
from mixkd.learning.fold_data import FoldData, as_input, fold_data
from mixkd.learning.networks import Network
from mixkd.runs.single import untrained
from mixkd.specs.run import RunSpec
from mixkd.topology.persistence import diagrams

BATCH, ROUNDS = 64, 5


def network(spec: RunSpec, data: FoldData) -> tuple[Network, Callable[[np.ndarray], torch.Tensor]]:
    """A random network of a spec, and a function that computes its logits of windows x (n, n_channels, n_samples)."""
    net = untrained(spec.network, data).eval()
    image = spec.modality == "image"
    imager = data.imager if image else None
    return net, lambda x: net(as_input(imager(diagrams(x)) if imager else data.normalisation(x)))


def answer(way: Way, base: RunSpec, data: FoldData) -> tuple[int, Callable[[], object]]:
    """Parameters of a way, and a function that answers for a batch."""
    specs = [make(base) for make in way.makes]
    made = [network(spec, data) for spec in specs]
    x = data.splits["test"].x[:BATCH]

    @torch.inference_mode()
    def probabilities() -> object:
        return sum(net_of(x).softmax(dim=1) for _, net_of in made)

    return sum(networks.n_parameters(net) for net, _ in made), probabilities


def costs(bases: list[RunSpec], data: dict[int, FoldData], names: Collection[str]) -> pd.DataFrame:
    """By kind and way: parameters of the networks, and microseconds of a window. names: of baselines to be timed."""
    base, part = bases[0], data[bases[0].fold]
    with_images = WAYS[[way.name for way in WAYS].index("image network")].makes[0](base)
    part = fold_data(with_images.data, part)
    functions: dict[tuple[str, str], Callable[[], object]] = {}
    parameters: dict[tuple[str, str], float] = {}
    for way in WAYS:
        parameters[way.kind, way.name], functions[way.kind, way.name] = answer(way, base, part)
    x = part.splits["test"].x[:BATCH]
    for name in (name for name in BASELINES if name in names):
        model = baselines.fitted(name, part.splits["train"])
        functions["baseline", name] = lambda model=model: baselines.logits(model, x, part.base.n_classes)  # type: ignore[misc]
    times = measure(functions, ROUNDS)
    rows = [(*key, parameters.get(key), 1e6 * median(of) / len(x)) for key, of in times.items()]
    return pd.DataFrame(rows, columns=["kind", "way", "parameters", "microseconds"]).set_index(["kind", "way"])


def main() -> None:
    as_worker()
    result = []
    for name in sys.argv[1:]:
        scope = studies.Scope(name, "full")
        data, bases = studies.data(scope), list(studies.bases(scope))
        rows = standings.of_networks(bases, cache(studies.store_of(scope).find), data)
        others = standings.of_baselines(name)
        rows = pd.concat([rows, others])
        table = standings.summary(rows).join(costs(bases, data, set(others["way"]))).reset_index()
        print(name, table.round(3).to_string(), sep="\n", flush=True)
        result.append(table.assign(dataset=name))
    atomic_write(standings.PUBLISHED, pd.concat(result).to_csv(index=False, float_format="%.6g").encode())


if __name__ == "__main__":
    main()

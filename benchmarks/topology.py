"""Window -> diagram -> image against giotto-tda, gudhi, and ripser with persim: `python -m benchmarks.topology`.

One thread, one process, 2,000 windows. Peers are called directly and at their best: whole collections, float64 (faster
for giotto than float32), images in units of the signal, so that no conversion counts against them, and the allocator
of our workers, which saves giotto a quarter of its time for images. Where `n` is smaller, the way is slow and gets the
first `n` windows; rates are per window. ripser is no dependency: its rows need `pip install ripser`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median
from typing import Any

import gudhi.representations
import gudhi.sklearn
import numpy as np
import persim
from gtda.diagrams import PersistenceImage
from gtda.homology import CubicalPersistence
from scipy.sparse import coo_matrix

from benchmarks import as_worker, measure, ratio, show, write
from mixkd import topology
from mixkd.specs.run import ImageSpec
from mixkd.topology import oracles
from mixkd.topology.imaging import Grid
from mixkd.topology.persistence import Diagrams

SHAPES = ((3, 500), (27, 100))
N, FEW, BATCH, REPEATS = 2000, 100, 64, 5
PIXELS, SPREAD = 64, 1.35
SAMPLED, INTEGRATED = ImageSpec(PIXELS, SPREAD, "sampled"), ImageSpec(PIXELS, SPREAD, "integrated")
TARGETS = {"diagrams": 40, "images": 12}  # times as fast as giotto, 3 x 500


def windows(n_channels: int, n_samples: int, rate: float = 50.0, seed: int = 0) -> np.ndarray:
    """(N, n_channels, n_samples) float64, z-scored: a sine of 1 to 2.5 Hz, a random walk, noise of a tenth."""
    rng, shape = np.random.default_rng(seed), (N, n_channels, n_samples)
    turns = rng.uniform(1, 2.5, (*shape[:2], 1)) * np.arange(n_samples) / rate + rng.random((*shape[:2], 1))
    x = np.sin(2 * np.pi * turns) + 0.05 * rng.standard_normal(shape).cumsum(axis=2) + 0.1 * rng.standard_normal(shape)
    return (x - x.mean(axis=2, keepdims=True)) / x.std(axis=2, keepdims=True)


def fast_images(x: np.ndarray, grid: Grid) -> None:
    """As in training: the diagrams are kept, images are made a batch at a time."""
    given = topology.diagrams(x)
    for start in range(0, len(x), BATCH):
        topology.images(given, grid, np.arange(start, min(start + BATCH, len(x))))


class Peers:
    """The others' ways from series, (n, n_samples), to diagrams and to images on one grid for the collection."""

    def __init__(self, given: Diagrams):
        birth, persistence = given.points[:, 0], given.points[:, 1] - given.points[:, 0]
        self.birth = (float(birth.min()), float(birth.max()))
        self.persistence = (0.0, float(persistence.max()))
        self.span = max(self.birth[1] - self.birth[0], self.persistence[1])
        self.spread = SPREAD * float(np.sqrt(np.ptp(self.birth) * np.ptp(self.persistence))) / PIXELS

    def giotto(self, series: np.ndarray) -> np.ndarray:
        return CubicalPersistence(homology_dimensions=(0,), n_jobs=1).fit_transform(series)

    def giotto_images(self, series: np.ndarray) -> np.ndarray:
        imager = PersistenceImage(self.spread, PIXELS, weight_function=lambda persistence: persistence, n_jobs=1)
        return imager.fit_transform(self.giotto(series))

    def gudhi(self, series: np.ndarray) -> list[np.ndarray]:
        """The general complex, as giotto uses it."""
        result = []
        for samples in series:
            complex_ = gudhi.CubicalComplex(vertices=samples)
            complex_.compute_persistence()
            result.append(complex_.persistence_intervals_in_dimension(0))
        return result

    def gudhi_line(self, series: np.ndarray) -> list[np.ndarray]:
        """gudhi's special case for sequences, in its scikit-learn interface."""
        return gudhi.sklearn.CubicalPersistence(homology_dimensions=0, n_jobs=1).fit_transform(series)

    def gudhi_images(self, series: np.ndarray) -> np.ndarray:
        finite = [pairs[np.isfinite(pairs[:, 1])] for pairs in self.gudhi_line(series)]
        imager = gudhi.representations.PersistenceImage(
            self.spread, lambda point: point[1], [PIXELS, PIXELS], [*self.birth, *self.persistence]
        )
        return imager.fit_transform(finite)

    def ripser(self, series: np.ndarray) -> list[np.ndarray]:
        """The group's way: a sparse lower-star filtration of each sequence."""
        from ripser import ripser

        at = np.arange(series.shape[1])
        where, result = (np.concatenate([at, at[:-1]]), np.concatenate([at, at[1:]])), []
        for samples in series:
            values = np.concatenate([samples, np.maximum(samples[:-1], samples[1:])])
            matrix = coo_matrix((values, where), (len(at), len(at)))
            pairs = ripser(matrix, maxdim=0, distance_matrix=True)["dgms"][0]
            result.append(pairs[np.isfinite(pairs[:, 1]) & (pairs[:, 1] > pairs[:, 0])])
        return result

    def persim_images(self, series: np.ndarray) -> list[np.ndarray]:
        imager = persim.PersistenceImager(
            birth_range=(self.birth[0], self.birth[0] + self.span),
            pers_range=(0.0, self.span),
            pixel_size=self.span / PIXELS,  # persim's pixels are square
            kernel_params={"sigma": [[self.spread**2, 0.0], [0.0, self.spread**2]]},
        )
        return imager.transform(self.ripser(series))


def compare(shape: str, task: str, ways: dict[str, tuple[int, Callable[[], object]]]) -> list[dict[str, Any]]:
    """A row per way of doing the task; a way comes with the number of windows that it gets."""
    times = measure({name: way for name, (_, way) in ways.items()}, REPEATS)
    return [
        {
            "windows": shape,
            "task": task,
            "method": name,
            "n": n,
            "seconds": median(times[name]),
            "windows_per_second": n / median(times[name]),
            "times_slower": ratio(times[name], times["fast"]) * N / n,
        }
        for name, (n, _) in ways.items()
    ]


def speed(n_channels: int, n_samples: int, x: np.ndarray) -> list[dict[str, Any]]:
    """All rows for windows of one shape."""
    own, series, few = x.astype(np.float32), x.reshape(-1, n_samples), x[:FEW].reshape(-1, n_samples)
    given = topology.diagrams(own)
    grid, peers, shape = Grid.fit(given, SAMPLED), Peers(given), f"{n_channels} x {n_samples}"
    diagrams: dict[str, tuple[int, Callable[[], object]]] = {
        "fast": (N, lambda: topology.diagrams(own)),
        "giotto": (N, lambda: peers.giotto(series)),
        "gudhi": (N, lambda: peers.gudhi(series)),
        "gudhi, line": (N, lambda: peers.gudhi_line(series)),
    }
    images: dict[str, tuple[int, Callable[[], object]]] = {
        "fast": (N, lambda: fast_images(own, grid)),
        "giotto": (N, lambda: peers.giotto_images(series)),
        "gudhi": (FEW, lambda: peers.gudhi_images(few)),
    }
    if find_spec("ripser"):
        diagrams["ripser"] = (FEW, lambda: peers.ripser(few))
        images["ripser, persim"] = (FEW, lambda: peers.persim_images(few))
    return compare(shape, "diagrams", diagrams) + compare(shape, "images", images)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def agreement(x: np.ndarray, n_images: int = 20) -> dict[str, float]:
    """Finite pairs: largest difference as sorted multisets per series; images: relative L2 distance."""
    ours, few = topology.diagrams(x[:FEW]), topology.diagrams(x[:n_images])
    sampled, integrated = Grid.fit(ours, SAMPLED), Grid.fit(ours, INTEGRATED)
    fast, precise = topology.images(few, sampled), topology.images(few, integrated)
    return {
        "diagrams, fast and giotto": furthest(ours, oracles.diagrams(x[:FEW], "giotto")),
        "diagrams, fast and gudhi": furthest(ours, oracles.diagrams(x[:FEW], "gudhi")),
        "images, fast and gudhi (sampled)": distance(fast, oracles.images(few, sampled, "gudhi")),
        "images, fast and persim (integrated)": distance(precise, oracles.images(few, integrated, "persim")),
        "images, giotto and fast (sampled)": distance(oracles.images(few, sampled, "giotto"), fast),
        "images, sampled and integrated": distance(fast, precise),
    }


def furthest(a: Diagrams, b: Diagrams) -> float:
    """Infinite where two series differ in their number of pairs."""
    if not np.array_equal(a.offsets, b.offsets):
        return float("inf")
    series = np.repeat(np.arange(len(a.offsets) - 1), np.diff(a.offsets))
    one, other = (d.points[np.lexsort((d.points[:, 1], d.points[:, 0], series))] for d in (a, b))
    return float(np.abs(one - other).max())


def main() -> None:
    as_worker()
    rows: list[dict[str, Any]] = []
    same: dict[str, dict[str, float]] = {}
    for n_channels, n_samples in SHAPES:
        x = windows(n_channels, n_samples)
        rows += speed(n_channels, n_samples, x)
        same[f"{n_channels} x {n_samples}"] = agreement(x)
    measured = {r["task"]: r["times_slower"] for r in rows if r["method"] == "giotto" and r["windows"] == "3 x 500"}
    show(f"Topology, one thread: medians of {REPEATS} rounds", rows)
    show("Agreement", [{"of": of, **{shape: values[of] for shape, values in same.items()}} for of in same["3 x 500"]])
    show("Against giotto, 3 x 500", [{"task": t, "times_faster": measured[t], "target": TARGETS[t]} for t in TARGETS])
    versions = {name: version(name) for name in ("gudhi", "persim", "ripser") if find_spec(name)}
    targets = {task: {"measured": measured[task], "target": target} for task, target in TARGETS.items()}
    write("topology", {"rows": rows, "agreement": same, "targets": targets, "rounds": REPEATS, "peers": versions})


if __name__ == "__main__":
    main()

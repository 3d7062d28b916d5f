"""Can a diagram's picture be continuous: networks fitted to persistence images, against the surface that is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from mixkd.learning import pictures
from mixkd.learning.networks import n_parameters
from mixkd.learning.pictures import Fitted
from mixkd.topology import Diagrams, Grid, images

WIDTHS = (8, 16, 32)
INTERPOLATIONS = ("bilinear", "bicubic")
N_PICTURES = 8
FINER = (1, 2, 4)  # times as many pixels per side as the images that are fitted


def surface(given: Diagrams, grid: Grid, rows: np.ndarray, resolution: int) -> np.ndarray:
    """Persistence surfaces read at any resolution, (n_rows, n_channels, resolution, resolution) float32.

    A sum of Gaussians (Adams et al. 2017) whose spread is a length of the axes: the grid's own pixels stay its unit, so
    that the images of the grid and finer ones are values of one function.
    """
    finer = resolution / grid.spec.resolution
    spec = replace(grid.spec, resolution=resolution, spread=grid.spec.spread * finer)
    return images(given, replace(grid, spec=spec), rows) * np.float32(finer**2)


def spread(given: Diagrams, channel: int) -> np.ndarray:
    """Windows (n,) evenly spread over those whose diagram of a channel has pairs, N_PICTURES of them at most."""
    some = np.array([row for row in range(len(given)) if len(given.of(row, channel))])
    return some[np.unique(np.linspace(0, len(some) - 1, N_PICTURES).astype(int))]


def truths(given: Diagrams, grid: Grid, rows: np.ndarray, *, channel: int) -> dict[int, np.ndarray]:
    """Pictures of a channel by resolution, the grid's and finer ones: (n_rows, resolution, resolution).

    Each in units of its highest pixel at the grid's resolution.
    """
    sizes = [grid.spec.resolution * finer for finer in FINER]
    exact = {size: surface(given, grid, rows, size)[:, channel] for size in sizes}
    return {size: scaled(drawn, by=exact[grid.spec.resolution]) for size, drawn in exact.items()}


def scaled(drawn: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Pictures (n, resolution, resolution), each in units of the highest pixel of the same picture in `by`."""
    peaks = by.max(axis=(1, 2), keepdims=True)
    return drawn / np.where(peaks > 0, peaks, 1)


def interpolated(drawn: np.ndarray, resolution: int, mode: str) -> np.ndarray:
    """Pictures (n, resolution, resolution) with more pixels, interpolated; beyond the outer centres constant."""
    x = torch.from_numpy(drawn)[:, None]
    return F.interpolate(x, size=resolution, mode=mode, align_corners=False)[:, 0].numpy()


def psnr(drawn: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, peak 1: mean over pictures (n, resolution, resolution)."""
    return float(np.mean(-10 * np.log10(np.square(drawn - truth).mean(axis=(1, 2)))))


def table(truth: dict[int, np.ndarray], trained: int, *, seed: int) -> tuple[pd.DataFrame, dict[str, Fitted]]:
    """PSNR by way and resolution, and the widest network of each kind. `truth`: pictures by resolution.

    Columns way, width, parameters (0: none are fitted), resolution, psnr. Networks and interpolations see the pictures
    of the resolution `trained`.
    """
    rows, widest, seen = [], {}, truth[trained]
    for kind in pictures.KINDS:
        for width in WIDTHS:
            widest[kind] = fitted = pictures.fit(kind, seen, width, seed=seed)
            about = {"way": kind, "width": width, "parameters": n_parameters(fitted.net)}
            rows += [about | {"resolution": n, "psnr": psnr(fitted.at(n), exact)} for n, exact in truth.items()]
    for mode in INTERPOLATIONS:
        about = {"way": mode, "width": 0, "parameters": 0}
        finer = {n: exact for n, exact in truth.items() if n != trained}
        rows += [
            about | {"resolution": n, "psnr": psnr(interpolated(seen, n, mode), exact)} for n, exact in finer.items()
        ]
    return pd.DataFrame(rows), widest


def read(truth: dict[int, np.ndarray], fitted: dict[str, Fitted], finest: int) -> dict[str, np.ndarray]:
    """All pictures, (n, resolution, resolution), as given, exact, interpolated and of networks, by way."""
    given = truth[min(truth)]
    ways = {"given": given, "exact": truth[finest]}
    ways |= {mode: interpolated(given, finest, mode) for mode in INTERPOLATIONS}
    return ways | {kind: one.at(finest) for kind, one in fitted.items()}


def along(ways: dict[str, np.ndarray], trained: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Places and values (n,) along the brightest row of the first picture of each way of `read`.

    "pixels" are those of the given picture, on the same line up to half a finer pixel.
    """
    row = int(ways["given"][0].max(axis=1).argmax())
    lines = {}
    for way, drawn in ways.items():
        size = len(drawn[0])
        at = pictures.places(size)[:size, 0].numpy()
        finer = size // trained
        lines["pixels" if way == "given" else way] = at, drawn[0][row * finer + finer // 2]
    return {"exact": lines.pop("exact")} | lines


def answers(scores: pd.DataFrame, trained: int, numbers: float) -> dict[str, Any]:
    """What the chapter says, of `table` (`scores`): the best PSNR of each way at the finest resolution.

    numbers: mean of those of a diagram, two for each pair. `parameters` are those of the network with the best PSNR,
    `better`; `lost_...` is of the widest network of each kind.
    """
    finest = scores["resolution"].max()
    fine = scores[scores["resolution"] == finest].groupby("way")["psnr"].max()
    kinds = scores[scores["way"].isin(pictures.KINDS)].set_index(["way", "resolution", "width"])["psnr"]
    widest = {kind: kinds[kind].index.get_level_values("width").max() for kind in pictures.KINDS}
    lost = {kind: kinds[kind, trained, width] - kinds[kind, finest, width] for kind, width in widest.items()}
    best = max(pictures.KINDS, key=lambda kind: fine[kind])
    own = scores[(scores["way"] == best) & (scores["resolution"] == finest)].set_index("parameters")["psnr"]
    return {
        **{way.replace("-", ""): value for way, value in fine.items()},
        **{f"than_{mode}": "above" if fine[best] > fine[mode] else "below" for mode in INTERPOLATIONS},
        **{f"lost_{kind.replace('-', '')}": value for kind, value in lost.items()},
        "parameters": int(own.idxmax()),
        "better": best,
        "finest": int(finest),
        "levels": pictures.LEVELS,
        "code": pictures.CODE,
        "numbers": numbers,
    }

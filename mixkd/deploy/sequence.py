"""What a window's row takes from the windows around it: a smoothed label, and whether the sensor was worn.

Not worn is a sensor that lies still for `REST` minutes or more: of at least two of three axes of acceleration every
window has a standard deviation below 13 mg and a range below 50 mg (van Hees et al. 2013, PLoS ONE 8: e61691, who ask
it of the hour as a whole). A shorter rest is worn. Both wait for later windows, a bounded number of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mixkd.datasets.own import quality, units
from mixkd.deploy.hidden_markov import Chain, Smoother
from mixkd.deploy.labels import Labels, joined

REST = quality.WEAR / 60  # minutes


def accelerometer(about: dict[str, Any]) -> list[int] | None:
    """The three channels of the first accelerometer of a student; None without one."""
    triads = units.triads(about["channels"], about["units"])
    return next((axes for axes in triads if units.standard(about["units"][axes[0]]) in units.GRAVITY), None)


def still(stats: dict[str, np.ndarray], axes: list[int], unit: str) -> np.ndarray:
    """Whether a sensor lies still in a window (n,), from `ranges.statistics` of windows in this unit."""
    gravity = units.GRAVITY[units.standard(unit)]
    calm = (stats["spread"][:, axes] < quality.STILL * gravity) & (
        stats["highest"][:, axes] - stats["lowest"][:, axes] < quality.RANGE * gravity
    )
    return calm.sum(axis=1) >= 2


def with_smoothed(parts: Iterable[Labels], chain: Chain) -> Iterator[Labels]:
    """The windows with `smoothed`: the most probable class given all windows of the stretch; -1 out of range.

    parts: of one stretch each, in order
    """
    smoother, waiting = Smoother(chain), list[Labels]()

    def ready(p: np.ndarray, closes: bool) -> Iterator[Labels]:
        posterior = smoother.take(p, closes)
        if len(posterior):
            everything = joined(waiting)
            now, waiting[:] = everything[: len(posterior)], [everything[len(posterior) :]]
            yield replace(now, smoothed=np.where(np.isnan(now.p[:, 0]), -1, posterior.argmax(axis=1)))

    for part in parts:
        if waiting and waiting[0].stretch[0] != part.stretch[0]:
            yield from ready(part.p[:0], closes=True)
            waiting.clear()
        waiting.append(part)
        yield from ready(part.p, closes=False)
    if waiting:
        yield from ready(waiting[0].p[:0], closes=True)


def with_wear(parts: Iterable[Labels], minutes: float = REST) -> Iterator[Labels]:
    """The windows with `worn`. Windows at rest leave when the sensor moves, or has been at rest for `minutes`."""
    held: list[Labels] = []
    state, begin = (-1, False), 0.0  # stretch and `still` of the last windows, and since when

    def left(worn: bool) -> list[Labels]:
        runs = [replace(run, worn=np.full(len(run), worn)) for run in held]
        held.clear()
        return runs

    for part in parts:
        assert part.still is not None
        ready, cuts = list[Labels](), np.flatnonzero(np.diff(part.still) | (np.diff(part.stretch) != 0)) + 1
        for a, b in zip([0, *cuts], [*cuts, len(part)], strict=True):
            run = part[a:b]
            here = int(part.stretch[a]), bool(part.still[a])
            if here != state:
                ready += left(worn=True)
                state, begin = here, float(run.start[0])
            held.append(run)
            if not here[1]:
                ready += left(worn=True)
            elif run.start[-1] - begin >= 60 * minutes:
                ready += left(worn=False)
        if ready:
            yield joined(ready)
    if held:
        yield joined(left(worn=True))

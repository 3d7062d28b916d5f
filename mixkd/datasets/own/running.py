"""The quality row of a recording that is read in blocks: as `quality.row` of all its rows, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mixkd.datasets.own import quality
from mixkd.datasets.own.quality import CLIPPED, EPOCH, Epochs, Quality

Runs = tuple[float, list[tuple[int, int]]]  # an extreme value, and the runs of rows (first, after the last) with it


@dataclass
class Running:
    """Sums over the blocks of a recording. A sensor's usual value is the median of its epochs' means."""

    n_rows: int = 0
    first: float = 0.0
    last: float = 0.0
    steps: dict[int, int] = field(default_factory=dict)  # µs -> number
    long: list[float] = field(default_factory=list)  # steps (s) that may be gaps
    epochs: list[Epochs] = field(default_factory=list)
    rest: tuple[np.ndarray, np.ndarray] | None = None  # rows of an epoch that goes on
    edges: dict[tuple[int, float], Runs] = field(default_factory=dict)  # by axis and sign

    @property
    def lasts(self) -> float:
        """Seconds from the first row to the last."""
        return self.last - self.first

    def add(self, time: np.ndarray, acceleration: np.ndarray | None) -> None:
        """The next rows: time (n,) in s, increasing; acceleration (n, 3) in g, or None."""
        if not len(time):
            return
        self.first = self.first if self.n_rows else float(time[0])
        steps = np.diff(time, prepend=self.last) if self.n_rows else np.diff(time)
        short = steps <= 0.1
        for step, n in zip(*np.unique(np.rint(steps * 1e6).astype(np.int64), return_counts=True), strict=True):
            self.steps[int(step)] = self.steps.get(int(step), 0) + int(n)
        self.long += steps[~short].tolist()
        if acceleration is not None:
            self._edges(acceleration)
            if self.rest is not None:
                time = np.r_[self.rest[0], time]
                acceleration = np.concatenate([self.rest[1], acceleration])
            done = int(np.searchsorted(np.floor_divide(time, EPOCH), time[-1] // EPOCH))
            self.epochs.append(quality.epochs(time[:done], acceleration[:done]))
            self.rest = time[done:].copy(), acceleration[done:].copy()
            self.n_rows += len(steps) + (self.n_rows == 0)
        else:
            self.n_rows += len(time)
        self.last = float(time[-1])

    def _edges(self, values: np.ndarray) -> None:
        for axis, column in enumerate(values.T):
            for sign in (1.0, -1.0):
                if np.isnan(column).all():
                    continue
                here = float(np.nanmax(sign * column))
                most, runs = self.edges.get((axis, sign), (-np.inf, []))
                if here > most:
                    most, runs = here, []
                if here == most:
                    at = np.flatnonzero(np.diff(np.r_[False, sign * column == most, False])).reshape(-1, 2)
                    new = (at + self.n_rows).tolist()
                    if runs and new and runs[-1][1] == new[0][0]:
                        new[0][0] = runs.pop()[0]
                    runs += [(a, b) for a, b in new]
                self.edges[axis, sign] = most, runs

    @property
    def summaries(self) -> Epochs | None:
        """The epochs of all rows; None without acceleration."""
        return None if self.rest is None else Epochs.joined([*self.epochs, quality.epochs(*self.rest)])

    def row(self, name: str, span: tuple[str, str]) -> Quality:
        """The row of the file; span: its start and end, as text."""
        of = self.summaries
        steps = np.array(sorted(self.steps))
        counts = np.array([self.steps[step] for step in steps.tolist()])
        usual = self._usual(steps, counts)
        limit = max(quality.GAP * usual, 0.1)
        gaps = [step for step in self.long if step > limit]
        rate = quality.nominal(1 / usual)
        inner, n_inner = self.lasts - sum(gaps), int(counts.sum()) - len(gaps)
        off = None if of is None else quality.not_worn(of)
        made = None if of is None else quality.calibration(of)
        errors = (made.before, made.after) if made and made.before < quality.GRAVITY else (None, None)
        return Quality(
            name,
            *span,
            hours=self.lasts / 3600,
            rate=1 / usual,
            drift=None if abs(usual * rate - 1) > 0.1 else inner - n_inner / rate,
            gaps=len(gaps),
            gap_s=sum(gaps) - usual * len(gaps),
            worn=None if of is None or off is None else float(of.rows[~off].sum() / max(of.rows.sum(), 1)),
            clipped=0.0 if of is None else self._clipped(np.median(of.mean, axis=0)),
            error_before=errors[0],
            error_after=errors[1],
        )

    def _usual(self, steps: np.ndarray, counts: np.ndarray) -> float:
        """Median step in s."""
        return float(steps[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]) / 1e6 if len(steps) else np.nan

    def _clipped(self, usual: np.ndarray) -> float:
        """See `quality.clipped`."""
        spans = [
            span
            for (axis, sign), (most, runs) in self.edges.items()
            if abs(sign * most - usual[axis]) > 1.0
            for span in runs
            if span[1] - span[0] >= CLIPPED
        ]
        n, end = 0, 0
        for a, b in sorted(spans):
            n, end = n + max(b - max(a, end), 0), max(end, b)
        return n / max(self.n_rows, 1)

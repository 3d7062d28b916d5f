"""Implausible values, and people whose values differ from everybody else's.

Checks are physical if a unit is known (the range of devices, the length of gravity), else relative to the other people
of the folder: the same activity of other people, the same channel in other files. Limits are far beyond the values of
four public sets, in brackets (ten to fifty people; wrist, waist, limbs):

- a value is isolated if it is ISOLATED times as far from the median as any other value (at most 1.6 times), and above
  ORDINARY of the range of devices
- a person's scale differs when vectors are SCALE times as long as other people's in the same activity (1.6 times), or,
  with gravity in them, SCALE_GRAVITY times (1.2)
- all axes are flat when they repeat one value for FLAT s (0.8 s), and still when they move STILL times less than other
  people's in the same activity for STILL_FOR s (18 s)
- a channel is clipped when it comes to its largest value CLIPPED times in a file, in CLIPPED_SHARE of the rows (none)
- a sensor is turned when gravity has the other sign than for all others in more than half of their common axes and
  activities (3 of 8)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from mixkd.datasets.own import units
from mixkd.datasets.own.derived import SAME, constant
from mixkd.datasets.own.names import some
from mixkd.datasets.own.spreadsheets import Spelling
from mixkd.datasets.own.summary import Edge, Part, Summary

ISOLATED, ORDINARY = 5.0, 0.01
SCALE, SCALE_GRAVITY = 8.0, 1.6
FLAT = 2.0
STILL, STILL_FOR = 10.0, 30.0
CLIPPED, CLIPPED_SHARE = 10, 0.001
THIN = 2000
GRAVITY = 0.3  # smallest share of gravity on an axis whose sign is compared

Stretches = Sequence[Part]
Axes = Sequence[int]


def thinned(stretches: Stretches) -> list[Part]:
    """One stretch per person, label and file, thinned to about THIN samples, for medians and means."""
    groups: dict[tuple, list[np.ndarray]] = defaultdict(list)
    for part in stretches:
        groups[part.subject, part.label, part.path].append(part.signal)
    result = []
    for (subject, label, path), signals in groups.items():
        step = max(sum(map(len, signals)) // THIN, 1)
        result.append(Part(subject, label, np.concatenate([signal[::step] for signal in signals]), path))
    return result


def impossible(channels: Sequence[str], stated: Sequence[str], files: Sequence[Summary]) -> Iterator[str]:
    """Values beyond any device of the stated unit: the most extreme of each channel, and how many files have some."""
    for i, (name, unit) in enumerate(zip(channels, stated, strict=True)):
        limit = units.LARGEST.get(units.standard(unit))
        if limit is None:
            continue
        edges = [
            (summary, edge) for summary in files for edge in (summary.high, summary.low) if abs(edge.value[i]) > limit
        ]
        if edges:
            summary, edge = max(edges, key=lambda pair: abs(pair[1].value[i]))
            more = f" (and in {n - 1} more files)" if (n := len({f.path for f, _ in edges})) > 1 else ""
            yield (
                f"{_message(summary, edge, i, name)}{more}, expected at most {limit:g} {unit}: no device gives more; "
                f"{_as_missing(edge.value[i])}, or correct the unit"
            )


def isolated(channels: Sequence[str], stated: Sequence[str], files: Sequence[Summary]) -> Iterator[str]:
    """Values that are possible but far from all others: mostly codes of missing values."""
    for i, name in enumerate(channels):
        usual = np.concatenate([summary.sample[:, i] for summary in files])
        middle = float(np.median(usual[~np.isnan(usual)])) if (~np.isnan(usual)).any() else 0.0
        for side in ("high", "low"):
            edges = [(summary, getattr(summary, side)) for summary in files]
            away = [(abs(edge.value[i] - middle), summary, edge) for summary, edge in edges if edge.times[i]]
            if not away:
                continue
            most = max(distance for distance, _, _ in away)
            rest = [abs(edge.inner[i] - middle) if d == most else d for d, _, edge in away]
            rest = [distance for distance in rest if not np.isnan(distance)]
            limit = units.LARGEST.get(units.standard(stated[i]))
            if rest and max(rest) > 0 and most > ISOLATED * max(rest):
                _, summary, edge = next(entry for entry in away if entry[0] == most)
                if limit is None or ORDINARY * limit < abs(edge.value[i]) <= limit:  # beyond: refused above
                    others = middle + np.copysign(max(rest), edge.value[i] - middle)
                    yield (
                        f"{_message(summary, edge, i, name)}, far from all others (the next is {others:.4g}): "
                        f"{_as_missing(edge.value[i])}"
                    )


def _message(summary: Summary, edge: Edge, i: int, name: str) -> str:
    times = f", {int(edge.times[i])} times" if edge.times[i] > 1 else ""
    where = f"{summary.path}, line {summary.line + int(edge.row[i])}"
    return f"{where}: found {_plain(edge.value[i])} in {name} of {summary.subject}{times}"


def _as_missing(value: float) -> str:
    usual = ", ".join(f'"{word}"' for word in Spelling.missing)
    example = f'missing = [{usual}, "{_plain(value)}"]'
    return f"if it stands for a lost value, add it to `missing` as the file spells it: {example}"


def _plain(value: float) -> str:
    """A float32 with the fewest digits that identify it."""
    return np.format_float_positional(np.float32(value), trim="-")


def in_other_units(stretches: Stretches, channels: Sequence[str], axes: Axes) -> Iterator[str]:
    """People or files in which gravity has the length of another unit than in most, in the same activity."""
    lengths: dict[tuple[str, tuple], list[float]] = defaultdict(list)
    for part in stretches:
        lengths[part.label, (part.subject, part.path)].append(units.length(part.signal, axes))
    known = {at: unit for at, values in lengths.items() if (unit := units.of_length(float(np.median(values))))}
    if not known:
        return
    [(most, _)] = Counter(known.values()).most_common(1)
    others = {(label, who) for (label, (who, _)), unit in known.items() if unit == most}
    odd: dict[tuple[str, str], set] = defaultdict(set)
    for (label, (who, path)), unit in known.items():
        if unit != most and any(what == label and person != who for what, person in others):
            odd[who, unit].add(path)
    for (who, unit), paths in sorted(odd.items()):
        in_unit = [values for (_, (person, path)), values in lengths.items() if person == who and path in paths]
        length = float(np.median(np.concatenate(in_unit)))
        yield (
            f"{who}: {some(channels[i] for i in axes)} have a median length of {length:.3g} in "
            f"{some(sorted(path.name for path in paths))}, as gravity has in {unit}, expected "
            f"{units.GRAVITY[most]:.3g} as in the same activity of other people ({most}): convert these values"
        )


def scales(stretches: Stretches, channels: Sequence[str], axes: Axes, gravity: bool) -> Iterator[str]:
    """People whose vectors are far longer or shorter than other people's in the same activities."""
    log_length = _by_person(stretches, lambda part: np.log(max(units.length(part.signal, axes), 1e-30)))
    limit = np.log(SCALE_GRAVITY if gravity else SCALE)
    for who, labels in _people(log_length):
        others = {label: _others(log_length, who, label) for label in labels}
        apart = [log_length[who, label] - other for label, other in others.items() if other is not None]
        if apart and abs(median := float(np.median(apart))) > limit:
            size = np.exp(abs(median))
            yield (
                f"{who}: {some(channels[i] for i in axes)} are {size:.3g} times as "
                f"{'large' if median > 0 else 'small'} as other people's in the same activities: other units or range?"
            )


def turned(stretches: Stretches, channels: Sequence[str], axes: Axes, unit: str) -> Iterator[str]:
    """People in whom gravity has the opposite sign to all others; unit: of the values, a key of `units.GRAVITY`."""
    means = {i: _by_person(stretches, partial(_mean, channel=i, size=units.GRAVITY[unit])) for i in axes}
    for who, labels in _people(means[axes[0]]):
        opposite, common = Counter[int](), 0
        for label in labels:
            for i in axes:
                others = [v for (person, what), v in means[i].items() if what == label and person != who]
                if len(others) > 1 and abs(sum(map(np.sign, others))) == len(others):
                    if abs(np.median(others)) < GRAVITY:
                        continue
                    common += 1
                    opposite[i] += means[i][who, label] * np.sign(others[0]) < -GRAVITY
        if sum(opposite.values()) > common / 2:
            names = some(channels[i] for i in axes if opposite[i])
            yield f"{who}: gravity in {names} has the opposite sign to all other people's: worn the other way round?"


def _mean(part: Part, channel: int, size: float) -> float:
    return float(part.signal[:, channel].mean()) / size


def flat(stretches: Stretches, channels: Sequence[str], axes: Axes, rate: float) -> Iterator[str]:
    """People in whom all `axes` of a sensor repeat one value for FLAT s or more."""
    seconds: dict[str, float] = defaultdict(float)
    first: dict[str, tuple[Part, np.ndarray]] = {}
    for part in stretches:
        signal = part.signal[:, list(axes)].astype(np.float64)
        size = SAME * np.abs(signal).max(axis=0)
        for start, end in _runs((np.abs(np.diff(signal, axis=0)) <= size).all(axis=1)):
            if end - start + 1 >= FLAT * rate:
                seconds[part.subject] += (end - start + 1) / rate
                first.setdefault(part.subject, (part, signal[start]))
    for who, total in sorted(seconds.items()):
        part, value = first[who]
        values = some(f"{v + 0.0:.4g}" for v in value)  # -0 is 0
        names = some(channels[i] for i in axes)
        where = f"first in {part.path}, {part.label}"
        yield f"{who}: {names} repeat one value ({values}) for {total:.1f} s, {where}: not worn, or lost?"


def still(stretches: Stretches, rate: float) -> Iterator[str]:
    """People who hardly move for STILL_FOR s in an activity in which others move: sensor not worn."""
    n = max(round(2 * rate), 2)
    spread = np.sqrt(np.mean([part.signal.var(axis=0, dtype=np.float64) for part in stretches], axis=0))
    used = np.flatnonzero(spread > 0)
    if not used.size:
        return
    motion = [_motion(part.signal[:, used] / spread[used], n) for part in stretches]
    medians = iter([float(np.median(values)) for values in motion])
    typical = _by_person(stretches, lambda _: next(medians))
    for who, labels in _people(typical):
        for label in labels:
            usual = _others(typical, who, label)
            own = [m for m, part in zip(motion, stretches, strict=True) if (part.subject, part.label) == (who, label)]
            runs = [(b - a) * n / rate for m in own if usual for a, b in _runs(m * STILL < usual)]
            if runs and max(runs) >= STILL_FOR:
                yield f"{who}: {sum(runs):.0f} s of {label} are still, unlike other people's {label}: not worn?"


def _motion(signal: np.ndarray, n: int) -> np.ndarray:
    """Spread within each n samples: root mean square over channels. (1,) zero for a shorter signal."""
    whole = len(signal) // n
    if not whole:
        return np.zeros(1)
    return np.sqrt((signal[: whole * n].reshape(whole, n, -1).var(axis=1, dtype=np.float64)).mean(axis=1))


def clipped(channels: Sequence[str], files: Sequence[Summary]) -> Iterator[str]:
    """Channels with many samples at exactly their largest or smallest value, far from the usual ones."""
    for i, name in enumerate(channels):
        at: dict[float, list[Summary]] = defaultdict(list)
        for summary in files:
            usual = summary.sample[:, i]
            low, middle, high = np.nanquantile(usual, (0.25, 0.5, 0.75)) if (~np.isnan(usual)).any() else (0.0,) * 3
            for edge in (summary.high, summary.low):
                enough = edge.visits[i] >= CLIPPED and edge.times[i] >= CLIPPED_SHARE * summary.n_rows
                if enough and low < high and abs(edge.value[i] - middle) > 2 * (high - low) and _many(usual):
                    at[float(edge.value[i])].append(summary)
        for value, by in sorted(at.items()):
            who = some(sorted({each.subject for each in by}))
            yield f"{name} often has exactly {value:.5g} (of {who}, first in {by[0].path}): clipped by the range?"


def _many(values: np.ndarray) -> bool:
    return len(np.unique(values)) > 10


def one_value(channels: Sequence[str], stretches: Stretches) -> Iterator[str]:
    """Channels with one value, in all people or in some."""
    values: dict[str, list[np.ndarray]] = defaultdict(list)
    for part in stretches:
        values[part.subject] += [part.signal.min(axis=0, keepdims=True), part.signal.max(axis=0, keepdims=True)]
    everybody = constant(np.concatenate([edge for edges in values.values() for edge in edges]))
    single = {who: constant(np.concatenate(edges)) for who, edges in values.items()}
    for i, name in enumerate(channels):
        if everybody[i]:
            yield f"{name} has one value, {stretches[0].signal[0, i]:g}: leave it out"
        elif 0 < 2 * len(who := sorted(person for person, same in single.items() if same[i])) <= len(single):
            yield f"{name} has one value in all recordings of {some(who)}: a sensor that failed?"


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and end of each run of True."""
    if not mask.any():
        return []
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _by_person(stretches: Stretches, number: Callable[[Part], float]) -> dict[tuple[str, str], float]:
    """Median of `number` over stretches, by person and label."""
    result: dict[tuple[str, str], list[float]] = defaultdict(list)
    for part in stretches:
        result[part.subject, part.label].append(number(part))
    return {at: float(np.median(numbers)) for at, numbers in result.items()}


def _people(numbers: dict[tuple[str, str], float]) -> list[tuple[str, list[str]]]:
    labels: dict[str, list[str]] = defaultdict(list)
    for who, label in numbers:
        labels[who].append(label)
    return sorted(labels.items())


def _others(numbers: dict[tuple[str, str], float], who: str, label: str) -> float | None:
    """Median over the other people of this label; None for fewer than two."""
    values = [number for (person, what), number in numbers.items() if what == label and person != who]
    return float(np.median(values)) if len(values) > 1 else None

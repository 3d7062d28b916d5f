"""Checks of a whole folder of recordings: problems, which are refused, and remarks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from mixkd.datasets.own import copies, derived, names, plausible, units
from mixkd.datasets.own.description import SAMPLES, Description
from mixkd.datasets.own.names import some
from mixkd.datasets.own.summary import Part, Stretch, Summary

PEOPLE = 3  # minimum: one each for test, validation, training
CLASSES = 100  # maximum: more labels are no activities
FEW = 0.1  # share of a label's stretches that may be too short without a remark
PAIRED = 3.0  # ratio of sizes of values: files of two sensors, recorded at the same time
PAIRS = 6  # largest number of files of one time that are compared


@dataclass
class Content:
    """Content of a folder.

    paths: the file of each stretch; short: (subject, label, seconds) of stretches that are shorter than a window
    """

    description: Description
    stretches: list[Stretch] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    files: list[Summary] = field(default_factory=list)
    short: list[tuple[str, str, float]] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """The stretches, each with its file."""
        return [Part(*stretch, path) for stretch, path in zip(self.stretches, self.paths, strict=True)]

    @property
    def channels(self) -> list[str]:
        """Names of the channels."""
        return list(self.description.channels)

    @property
    def stated(self) -> list[str]:
        """The unit that the description states for each channel."""
        return list(self.description.channels.values())

    @property
    def triads(self) -> list[list[int]]:
        """Indices of channels that are three axes of one sensor."""
        return units.triads(self.channels, self.stated)


def problems(content: Content, least: int = PEOPLE) -> Iterator[str]:
    """Problems that make the folder unusable for training; with fewer people than that as `least`, for scoring."""
    about, stretches, files = content.description, content.parts, content.files
    people, classes = {part.subject for part in stretches}, {part.label for part in stretches}
    n_classes = 2 if least >= PEOPLE else 1
    few = len(people) < least or len(classes) < n_classes
    if few and content.short:
        yield from _short(content)
    if len(people) < least:
        need = f"expected at least {least}" + ": one to test, one to validate, one to train on" * (least == PEOPLE)
        yield f"found {len(people)} people ({some(sorted(people))}), {need}"
    if not n_classes <= len(classes) <= CLASSES:
        yield f"found {len(classes)} labels ({some(sorted(classes))}), expected {n_classes} to {CLASSES}"
    yield from _spellings("person", (summary.subject for summary in files))
    yield from _spellings("label", {*about.ignore} | {label for summary in files for label in summary.labels})
    yield from _copies(files)
    yield from plausible.impossible(content.channels, content.stated, files)
    for name in derived.counters(content.channels, files):
        yield f"{name} only grows from row to row, as a clock or an index does: take it out of [channels]"
    if not stretches:
        return
    for name, what in derived.of_stretches(content.channels, stretches):
        if what == "label":
            yield f"{name} tells the label: one value for each, in every recording; take it out of [channels]"
    if least == PEOPLE and (pairs := derived.one_to_one(stretches)):
        yield f"everyone did one thing that nobody else did ({pairs}): is {about.subject or 'the subject'} an activity?"
    thin = plausible.thinned(stretches)
    for axes in content.triads:
        yield from plausible.in_other_units(thin, content.channels, axes)


def remarks(content: Content) -> Iterator[str]:
    """Remarks: possible mistakes that do not prevent training."""
    about, stretches, files, channels = content.description, content.parts, content.files, content.channels
    if not stretches:
        return
    yield from _short(content)
    for label in sorted({part.label for part in stretches}):
        who = {part.subject for part in stretches if part.label == label}
        if len(who) == 1:
            yield f"only {who.pop()} did {label}: whoever is tested on it taught nobody"
    yield from plausible.one_value(channels, stretches)
    yield from derived.follow(channels, content.triads, files)
    for name, what in derived.of_stretches(channels, stretches):
        if what != "label":
            of = "the person" if what == "subject" else "the recording"
            yield f"{name} has one value in every stretch: does it name {of}? Take it out of [channels] if it does"
    yield from plausible.isolated(channels, content.stated, files)
    yield from plausible.clipped(channels, files)
    yield from _of_sensors(content)
    yield from plausible.still(stretches, about.rate)
    yield from _paired(files)


def _of_sensors(content: Content) -> Iterator[str]:
    """Remarks on units of channels, and on people whose sensor values differ from other people's."""
    about, channels, stretches = content.description, content.channels, content.parts
    thin = plausible.thinned(stretches)
    for name, unit in about.channels.items():
        if (shown := units.in_name(name)) and shown != units.standard(unit):
            yield f"{name} is stated in {unit}, its name says {shown}: correct the unit under [channels]"
    for axes in content.triads:
        length = float(np.median([units.length(part.signal, axes) for part in thin]))
        gravity = units.of_length(length)
        stated = units.standard(content.stated[axes[0]])
        if stated in units.GRAVITY and gravity not in (None, stated):
            shown = some(channels[i] for i in axes)
            yield f"channels {shown} in {stated} have a median length of {length:.3g}: are they in {gravity}?"
        yield from plausible.scales(thin, channels, axes, gravity=gravity is not None)
        if gravity:
            yield from plausible.turned(thin, channels, axes, gravity)
        yield from plausible.flat(stretches, channels, axes, about.rate)


def _short(content: Content) -> Iterator[str]:
    """Remarks on people without stretches, and on labels with many stretches shorter than the window."""
    about = content.description
    left = {part.subject for part in content.stretches}
    for who in sorted({summary.subject for summary in content.files} - left - {""}):
        n = sum(subject == who for subject, _, _ in content.short)
        why = f"{n} stretches are shorter than the window" if n else "ignored labels or lost values throughout"
        yield f"nothing is left of {who}: {why}"
    lost: dict[str, list[float]] = defaultdict(list)
    for _, label, duration in content.short:
        lost[label].append(duration)
    for label, seconds in sorted(lost.items()):
        n = len(seconds) + sum(part.label == label for part in content.stretches)
        if len(seconds) <= FEW * n:
            continue
        most = sorted(seconds, reverse=True)[max(int(0.9 * len(seconds)) - 1, 0)]
        fits = most * about.rate >= SAMPLES
        way = f"window = {np.floor(most * 100) / 100:g} keeps most of them" if fits else "no window is as short"
        yield (
            f"{label}: {'all' if len(seconds) == n else len(seconds)} of {n} stretches ({min(seconds):.2g} to "
            f"{max(seconds):.2g} s) are shorter than the window of {about.window:g} s, left out; {way}"
        )


def _spellings(what: str, words: Iterable[str]) -> Iterator[str]:
    for group in names.alike(words):
        shown = some(map(repr, group))
        yield f"found one {what} spelled in {len(group)} ways ({shown}), expected one spelling in all files"


def _copies(files: Sequence[Summary]) -> Iterator[str]:
    """Problems of people who share samples: the first pair of files of each two people."""
    named = set()
    for one, other, n in copies.shared([summary.marks for summary in files]):
        a, b = files[one], files[other]
        if a.subject != b.subject and (a.subject, b.subject) not in named:
            named.add((a.subject, b.subject))
            where = f"{a.path.name} and {b.path.name}" if a.path != b.path else f"{a.path.name}"
            rows = f"about {n + copies.BLOCK - 1} of the same rows"
            yield f"found {rows} of {a.subject} and of {b.subject} ({where}), expected different people"


def _paired(files: Sequence[Summary]) -> Iterator[str]:
    """Remarks on files of one time, person and label that differ in one word of the path and in size of values."""
    groups: dict[tuple, dict[str, Summary]] = defaultdict(dict)
    for summary in files:
        words = re.split(r"[_/\- .]", summary.path.as_posix())
        for at, word in enumerate(words):
            groups[at, *words[:at], "*", *words[at + 1 :], summary.subject, summary.labels][word] = summary
    ratios: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    example: dict[tuple[int, str, str], tuple[Path, Path]] = {}
    for key, group in groups.items():
        if len(group) > PAIRS:
            continue
        for (one, a), (other, b) in combinations(sorted(group.items()), 2):
            if _same_time(a, b):
                ratios[key[0], one, other].append(_size(a) - _size(b))
                example.setdefault((key[0], one, other), (a.path, b.path))
    for pair, sizes in ratios.items():
        if len(sizes) >= PEOPLE and abs(np.sign(sizes).sum()) == len(sizes) and min(map(abs, sizes)) > np.log(PAIRED):
            first, second = example[pair]
            both = f"{first.name} and {second.name}"
            yield f"{both} have the same time, person and label, but values of other size: are they two sensors?"


def _same_time(one: Summary, other: Summary) -> bool:
    lasts = one.clock[1] - one.clock[0]
    return all(abs(a - b) <= 0.1 * lasts for a, b in zip(one.clock, other.clock, strict=True))


def _size(summary: Summary) -> float:
    return float(np.log(max(float(np.nanmedian(np.linalg.norm(np.nan_to_num(summary.sample), axis=1))), 1e-30)))

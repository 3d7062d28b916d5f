"""What specs need: runs before them, those that are missing, chunks in which to train them, and what it all costs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property

from mixkd.errors import MixkdError, short
from mixkd.files import sha256
from mixkd.runs.cost import estimated_seconds
from mixkd.runs.store import RunRecord, Store
from mixkd.specs import stacks
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec

STACK = 32  # runs at most, side by side on a card
CHUNK = 12  # runs at most: bounds what a lost worker costs beyond the run in flight (its traces)


def with_requirements(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """The runs and all they need, each once, requirements first."""
    ordered: dict[str, RunSpec] = {}

    def add(spec: RunSpec) -> None:
        if spec.hash not in ordered:
            for required in spec.requires:
                add(required)
            ordered[spec.hash] = spec

    for spec in specs:
        add(spec)
    return list(ordered.values())


def unmet(specs: Iterable[RunSpec], store: Store) -> list[RunSpec]:
    """The runs to train, requirements first. What only a missing run needs must be in the local store, with weights."""
    ordered: dict[str, RunSpec] = {}

    def add(spec: RunSpec, record: RunRecord | None) -> None:
        if spec.hash not in ordered and record is None:
            for required in spec.requires:
                add(required, store.get(required))
            ordered[spec.hash] = spec

    for spec in specs:
        add(spec, store.find(spec))
    return list(ordered.values())


@dataclass(frozen=True)
class Chunk:
    """Runs of one stream that one process trains in order, and their name: that of the whole chunk, trained or not."""

    name: str
    specs: tuple[RunSpec, ...]

    @cached_property
    def needs(self) -> frozenset[str]:
        """Hashes of runs outside it that its runs need."""
        own = {spec.hash for spec in self.specs}
        return frozenset(required.hash for spec in self.specs for required in spec.requires) - own

    @cached_property
    def seconds(self) -> float:
        """Estimated, on one core."""
        return sum(map(estimated_seconds, self.specs))

    def only(self, hashes: Collection[str]) -> Chunk:
        """The part of it that is among `hashes`, under its name."""
        return Chunk(self.name, tuple(spec for spec in self.specs if spec.hash in hashes))

    @property
    def line(self) -> str:
        """One line of JSON; `parse` reads it."""
        return json.dumps({"chunk": self.name, "specs": [spec.as_dict() for spec in self.specs]})

    @classmethod
    def parse(cls, line: str) -> Chunk:
        """The chunk of a line. MixkdError where it is none."""
        try:
            content = json.loads(line)
            return cls(str(content["chunk"]), tuple(RunSpec.parse(spec) for spec in content["specs"]))
        except (ValueError, KeyError, TypeError) as error:
            raise MixkdError(f"chunk: found {short(line)}, expected a line of JSON with chunk and specs") from error


def level(spec: RunSpec) -> int:
    """How many runs, one after the other, must be trained before this one."""
    return 1 + max((level(required) for required in spec.requires), default=-1)


def together(spec: RunSpec, stacked: bool) -> Hashable:
    """What runs of a chunk share: their windows, which are read once.

    Students of one fold and stream go together, so that each trace is built once; those of feature methods, which go
    in lockstep on live teachers, share their images too. Stacked, all of one shape do.
    """
    if stacked and stacks.stackable(spec):
        return stacks.shape(spec)
    if not spec.teachers:
        return spec.windows, spec.seed
    return spec.stream, spec.data if METHODS[spec.method].reads == "maps" else None


def chunks(runs: Iterable[RunSpec], stacked: bool = False) -> list[Chunk]:
    """Runs in the parts in which they are trained, those that others need first; see `together`."""
    groups: dict[tuple[int, Hashable], list[RunSpec]] = {}
    for spec in runs:
        groups.setdefault((level(spec), together(spec, stacked)), []).append(spec)
    parts = []
    for _, group in sorted(groups.items(), key=lambda item: item[0][0]):
        largest = STACK if stacked and stacks.stackable(group[0]) else CHUNK
        size = math.ceil(len(group) / math.ceil(len(group) / largest))  # as few parts as can be, of like sizes
        parts += [tuple(group[at : at + size]) for at in range(0, len(group), size)]
    return [Chunk(sha256("".join(spec.hash for spec in part).encode())[:16], part) for part in parts]


def chunks_to_train(runs: Iterable[RunSpec], store: Store, stacked: bool = False) -> list[Chunk]:
    """What is missing of the chunks of runs and all they need."""
    runs = list(runs)
    missing = {spec.hash for spec in unmet(runs, store)}
    left = (chunk.only(missing) for chunk in chunks(with_requirements(runs), stacked))
    return [chunk for chunk in left if chunk.specs]


@dataclass
class Plan:
    """What a sweep would do."""

    total: int
    missing: list[RunSpec]
    core_hours: float
    students_per_stream: dict[str, int]


def plan(specs: Iterable[RunSpec], store: Store) -> Plan:
    """What is missing and what it costs; trains nothing."""
    specs = list(specs)
    wanted = with_requirements(specs)
    missing = unmet(specs, store)
    streams = Counter(_stream_name(spec) for spec in wanted if spec.teachers)
    return Plan(len(wanted), missing, sum(map(estimated_seconds, missing)) / 3600, streams)


def _stream_name(spec: RunSpec) -> str:
    mixup = spec.mixup
    mix = f"alpha {mixup.alpha:g}, share {mixup.share:g}, {mixup.sampling}" if mixup else "clean"
    return f"fold {spec.fold}, seed {spec.seed}, {mix}"

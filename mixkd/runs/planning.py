"""What specs need: runs before them, those that are missing, chunks in which to train them, and what it all costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mixkd.runs.cost import estimated_seconds
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec

CHUNK = 12  # runs at most: bounds what a lost worker costs beyond the run in flight (its traces)


def with_requirements(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """The runs and all they need, each once, requirements first."""
    ordered: dict[str, RunSpec] = {}

    def add(spec: RunSpec) -> None:
        if spec.hash not in ordered:
            for needed in spec.requires:
                add(needed)
            ordered[spec.hash] = spec

    for spec in specs:
        add(spec)
    return list(ordered.values())


def unmet(specs: Iterable[RunSpec], store: Store) -> list[RunSpec]:
    """The runs to train, requirements first. What only a missing run needs must be in the local store, with weights."""
    ordered: dict[str, RunSpec] = {}

    def add(spec: RunSpec, record: RunRecord | None) -> None:
        if spec.hash not in ordered and record is None:
            for needed in spec.requires:
                add(needed, store.get(needed))
            ordered[spec.hash] = spec

    for spec in specs:
        add(spec, store.find(spec))
    return list(ordered.values())


@dataclass
class Chunk:
    """Runs for one worker to train in order, and the hashes of runs outside it that they need."""

    specs: list[RunSpec]
    needs: set[str]
    seconds: float


def level(spec: RunSpec) -> int:
    """How many runs, one after the other, must be trained before this one."""
    return 1 + max((level(needed) for needed in spec.requires), default=-1)


def chunks(missing: list[RunSpec]) -> list[Chunk]:
    """Students that share fold and stream go together, so that each trace is built once; others go alone.

    Those of feature methods, which go in lockstep on live teachers, share their images too.
    """
    groups: dict[tuple, list[RunSpec]] = {}
    for spec in missing:
        alone = "" if spec.teachers else spec.hash
        images = spec.data if METHODS[spec.method].reads == "maps" else None
        groups.setdefault((level(spec), spec.stream, alone, images), []).append(spec)
    hashes = {spec.hash for spec in missing}
    result = []
    for _, group in sorted(groups.items(), key=lambda item: item[0][0]):
        for at in range(0, len(group), CHUNK):
            part = group[at : at + CHUNK]
            needs = {needed.hash for spec in part for needed in spec.requires} & hashes
            result.append(Chunk(part, needs, sum(estimated_seconds(spec) for spec in part)))
    return result


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

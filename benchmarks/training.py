"""What a student's step costs from scratch, with live teachers and with traced ones: `python -m benchmarks.training`.

On `watch`, one thread, batch 64, by `training.train_step` as in `fit`; variants on one stream take turns in blocks of
steps. Then the quick profile: all its runs priced by measured steps, evaluations and traces, with every teacher live
and with the traces that the chunks of a sweep share. The networks are untrained, which changes no time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import as_worker, measure, ratio, show, write
from mixkd import studies
from mixkd.learning import training
from mixkd.learning.fold_data import Batch, FoldData, evaluate, fold_data
from mixkd.learning.networks import Network
from mixkd.learning.teachers import Live, Traced, trace
from mixkd.runs import planning, single
from mixkd.runs.single import TraceKey, Traces, trace_key
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import PLAIN, Mixup, RunSpec

ROUNDS, ROUNDS_PER_KIND = 31, 5
TARGET = 1.15  # a traced step over a scratch step
BOTH = studies.taught(RunSpec(), "both", mixup=Mixup())  # live or traced
SCRATCH = RunSpec(mixup=Mixup())  # on the same stream


def kind(spec: RunSpec) -> RunSpec:
    """The run that stands for all that cost the same per step."""
    return replace(
        spec,
        fold=0,
        seed=0,
        init="random",
        mixup=Mixup() if spec.mixup else None,
        teachers=tuple(replace(teacher, mixup=None) for teacher in spec.teachers),
        temperature=BOTH.temperature,
    )


def network(spec: RunSpec, data: FoldData) -> Network:
    return single.initial_network(spec, data, Store())


def stepper(spec: RunSpec, data: FoldData, traces: Traces | None) -> Callable[[], float]:
    """A function that trains one step further along the stream; teachers are live without `traces`, or for features."""
    data = fold_data(spec.data, data)
    net, draws = network(spec, data).train(), training.stream_of(spec.stream, data)
    steps = cycle(range(len(draws)))
    known = None if METHODS[spec.method].reads == "maps" else traces
    teachers = [
        Live(network(run, data).eval(), t.modality) if known is None else Traced(known[trace_key(run, spec)])
        for t, run in zip(spec.teachers, spec.teacher_runs, strict=True)
    ]
    student = training.learner(spec, net, teachers)

    def step() -> float:
        at = next(steps)
        return training.train_step(student, Batch(at, draws[at], data))["loss"]

    return step


def build(specs: Iterable[RunSpec], data: FoldData) -> tuple[Traces, dict[TraceKey, float]]:
    """The traces of all teachers of the runs along their streams, and the seconds of each."""
    traces: Traces = {}
    seconds = {}
    for spec in specs:
        seen = fold_data(spec.data, data)
        draws = training.stream_of(spec.stream, seen)
        for run in spec.teacher_runs:
            if (key := trace_key(run, spec)) not in traces:
                net, start = network(run, seen).eval(), time.process_time()
                traces[key] = trace(net, run.modality, seen, draws)
                seconds[key] = time.process_time() - start
    return traces, seconds


def evaluation(spec: RunSpec, data: FoldData) -> Callable[[], object]:
    """What `fit` does after an epoch."""
    seen = fold_data(spec.data, data)
    net = network(spec, seen)
    return lambda: [evaluate(net, seen, spec.modality, split) for split in ("validation", "test")]


def trace_seconds(spec: RunSpec, seconds: dict[TraceKey, float]) -> dict[TraceKey, float]:
    """Seconds of every trace that a run needs; of a mixed stream, the mixed share costs on top of the clean rows."""
    if METHODS[spec.method].reads == "maps":
        return {}
    full, share = kind(spec), spec.mixup.share if spec.mixup else 0.0
    result = {}
    for run, same in zip(spec.teacher_runs, full.teacher_runs, strict=True):
        clean = seconds[trace_key(same, replace(full, mixup=None))]
        result[trace_key(run, spec)] = clean + share * (seconds[trace_key(same, full)] - clean)
    return result


def step_times(data: FoldData, traces: Traces) -> dict[str, Any]:
    """Step times of scratch, live and traced students on one stream, and what they say."""
    students = {
        "scratch": stepper(SCRATCH, data, None),
        "live": stepper(BOTH, data, None),
        "traced": stepper(BOTH, data, traces),
    }
    times = measure(students, ROUNDS)
    return {
        "milliseconds": {name: 1e3 * median(values) for name, values in times.items()},
        "live_over_scratch": ratio(times["live"], times["scratch"]),
        "traced_over_scratch": ratio(times["traced"], times["scratch"]),
        "target": TARGET,
    }


def quick_profile(
    data: FoldData, traces: Traces, seconds: dict[TraceKey, float], plan: planning.Plan
) -> dict[str, Any]:
    """Core-minutes of the quick profile, without loading and start-up: steps, evaluations, and traces by chunk."""
    counts = Counter(map(kind, plan.missing))
    steps = {(spec, "traced"): stepper(spec, data, traces) for spec in counts}
    steps |= {(spec, "live"): stepper(spec, data, None) for spec in counts if spec.teachers}
    per_step = {name: median(times) for name, times in measure(steps, ROUNDS_PER_KIND).items()}
    checks = {spec: evaluation(spec, data) for spec in map(shape, counts)}
    per_check = {spec: median(times) for spec, times in measure(checks, ROUNDS_PER_KIND).items()}

    def minutes(how: str) -> float:
        total = 0.0
        for spec, count in counts.items():
            n_steps = len(training.stream_of(spec.stream, data))
            step = per_step.get((spec, how), per_step[spec, "traced"])
            total += count * (n_steps * step + spec.epochs * per_check[shape(spec)])
        return total / 60

    chunks = [chunk.specs for chunk in planning.chunks(plan.missing)]
    trace_costs = [{key: s for spec in specs for key, s in trace_seconds(spec, seconds).items()} for specs in chunks]
    building = sum(sum(traced.values()) for traced in trace_costs) / 60
    return {
        "runs": len(plan.missing),
        "students_per_stream": plan.students_per_stream,
        "traces_built": sum(map(len, trace_costs)),
        "live_minutes": minutes("live"),
        "traced_minutes": minutes("traced") + building,
        "of_which_building_traces": building,
        "estimate_of_the_sweep": 60 * plan.core_hours,
        "live_over_traced": minutes("live") / (minutes("traced") + building),
        "kinds": [
            {
                "kind": label(spec),
                "runs": count,
                "live_ms": 1e3 * per_step[spec, "live"] if spec.teachers else None,
                "traced_ms": 1e3 * per_step[spec, "traced"],
            }
            for spec, count in counts.items()
        ],
    }


def shape(spec: RunSpec) -> RunSpec:
    """The run that stands for all that cost the same to evaluate."""
    return replace(kind(spec), role="student", mixup=None, **PLAIN)


def label(spec: RunSpec) -> str:
    """What is particular to a kind of run."""
    name = spec.name.split("seed 0 ")[1].replace(" T=4", "").replace(" mixup 1/1", " mixup")
    pixels = f" {spec.image.resolution} px" if spec.image else ""
    return name + pixels + (" recompute" if spec.image_mixing == "recompute" else "")


def main() -> None:
    as_worker()
    with TemporaryDirectory() as empty:
        plan = planning.plan(studies.every(studies.Scope("watch", "quick")), Store(Path(empty)))
    data = fold_data(BOTH.data)
    _ = data.signals, data.imager, data.targets  # made here, and shared by every variant
    kinds = dict.fromkeys(map(kind, [BOTH, *plan.missing]))
    traces, seconds = build([same for spec in kinds for same in (spec, replace(spec, mixup=None))], data)
    steps = step_times(data, traces)
    n_steps = len(training.stream_of(BOTH.stream, data))
    built = {
        run.modality: {
            "seconds": seconds[trace_key(run, BOTH)],
            "ms_per_step": 1e3 * seconds[trace_key(run, BOTH)] / n_steps,
        }
        for run in BOTH.teacher_runs
    }
    quick = quick_profile(data, traces, seconds, plan)

    over = {name: value for name, value in steps.items() if name != "milliseconds"}
    show(f"Milliseconds of a step with mixup, two teachers; medians of {ROUNDS} rounds", [steps["milliseconds"] | over])
    show(f"Traces of {n_steps} steps", [{"teacher": name, **cost} for name, cost in built.items()])
    show("Kinds of run in the quick profile", quick["kinds"])
    show("Students per stream", [{"stream": s, "students": n} for s, n in quick["students_per_stream"].items()])
    show("Quick profile, core-minutes", [{k: v for k, v in quick.items() if not isinstance(v, (dict, list))}])
    write("training", {"step": steps, "rounds": ROUNDS, "traces": built, "n_steps": n_steps, "quick_profile": quick})


if __name__ == "__main__":
    main()

"""What a training step of each system costs against a step of its control: `python -m benchmarks.steps`.

On `watch`, one thread, batch 64; both sides of a row take turns in blocks of steps; teachers live. The networks are
untrained, which changes no time.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from benchmarks import as_worker, measure, ratio, show, write
from benchmarks.training import stepper
from mixkd.analysis.systems import SYSTEMS
from mixkd.learning.fold_data import fold_data
from mixkd.specs.run import RunSpec

ROUNDS = 9


def main() -> None:
    as_worker()
    base = RunSpec()
    data = fold_data(base.data)
    rows = []
    for system in SYSTEMS:
        if system.effect:
            sides = {"system": system.effect.changed(base), "control": system.effect.plain(base)}
            times = measure(
                {name: stepper(replace(spec, init="random"), data, None) for name, spec in sides.items()}, ROUNDS
            )
            rows.append(
                {
                    "name": system.name,
                    "milliseconds": 1e3 * median(times["system"]),
                    "over_control": ratio(times["system"], times["control"]),
                }
            )
    show(f"A step of each system, medians of {ROUNDS} rounds", rows)
    write("steps", {"steps": rows, "rounds": ROUNDS})


if __name__ == "__main__":
    main()

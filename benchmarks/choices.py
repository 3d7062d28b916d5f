"""The defaults that validation subjects chose: `python -m benchmarks.choices` writes results/choices.csv.

Trains (what the store lacks of) 35 networks on `watch`, five folds, seed 0, looking at validation accuracy only.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mixkd.files import CHECKOUT, atomic_write
from mixkd.runs import sweep
from mixkd.specs.run import ImageSpec, RunSpec

FOLDS = range(2, 7)  # their validation subjects are 4 to 8: none of those that profile `quick` tests


def candidates() -> Iterator[tuple[str, str, RunSpec]]:
    """(choice, value, run) for every candidate and fold."""
    for fold in FOLDS:
        for rate in (0.05, 0.1, 0.2):
            yield "schedule", f"one-cycle, peak {rate:g}", RunSpec(fold=fold, learning_rate=rate)
        yield "schedule", "released steps, 0.05", RunSpec(fold=fold, schedule="step", learning_rate=0.05)
        for pixels in (8, 16, 24):
            image = ImageSpec(resolution=pixels)
            yield "resolution", f"{pixels} x {pixels}", RunSpec(fold=fold, modality="image", image=image)


def main() -> None:
    rows = list(candidates())
    records = sweep.run([spec for _, _, spec in rows])
    metrics = [record.metrics("last", "validation") for record in records]
    table = pd.DataFrame(
        {
            "choice": [choice for choice, _, _ in rows],
            "value": [value for _, value, _ in rows],
            "fold": [spec.fold for _, _, spec in rows],
            "run": [spec.hash for _, _, spec in rows],
            "validation_accuracy": [round(f["accuracy"], 4) for f in metrics],
            "validation_nll": [round(f["nll"], 4) for f in metrics],
        }
    )
    atomic_write(CHECKOUT / "results" / "choices.csv", table.to_csv(index=False).encode())
    print(table.groupby(["choice", "value"], sort=False)[["validation_accuracy", "validation_nll"]].mean().round(3))


if __name__ == "__main__":
    main()

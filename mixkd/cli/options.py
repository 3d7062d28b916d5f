"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer


def named(text: str) -> str:
    """The name of a data set, or the internal name of a folder's."""
    from mixkd.datasets import named  # imported here: numpy may fail to load

    return named(text)


Dataset = Annotated[str, typer.Option(help="Name of the data set, see `mixkd data`, or a folder.", callback=named)]
ProfileName = Annotated[str, typer.Option("--profile", help="smoke (seconds), quick (minutes) or full (hours).")]
Seed = Annotated[int, typer.Option(help="First seed.")]
Alpha = Annotated[float, typer.Option(help="a of mixup's Beta(a, a).")]
Workers = Annotated[int | None, typer.Option(min=1, help="Training processes; default: one per core.")]
Device = Annotated[str, typer.Option(help="cpu, or cuda: runs that can share a graphics card are trained there.")]
Precision = Annotated[str, typer.Option(help="Of products in training: float32, or bfloat16 for other runs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]

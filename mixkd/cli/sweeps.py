"""Commands that train many runs: those of studies, those of the claims; here, in parts, or on a cluster."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mixkd.cli import terminal
from mixkd.cli.options import Alpha, Dataset, Device, DryRun, Precision, ProfileName, Seed, Workers, named
from mixkd.cli.terminal import out
from mixkd.errors import MixkdError, listed

if TYPE_CHECKING:
    from mixkd.runs.planning import Plan
    from mixkd.specs.run import RunSpec
    from mixkd.studies import Scope

On = Annotated[
    str | None,
    typer.Option(help="Train with Snakemake: local, slurm, kubernetes, or the folder of a Snakemake profile."),
]
Shard = Annotated[
    str | None, typer.Option(metavar="i/n", help="Train part i, from 0, of n; all parts share one store.")
]
PrintJob = Annotated[str | None, typer.Option(help="Print a job script of all parts and stop: slurm, pbs or sge.")]
Parts = Annotated[int, typer.Option(help="Number of parts of --print-job.")]
SCRIPT_ONLY = ("--print-job", "--parts")  # options that a job does not repeat


@dataclass(frozen=True)
class Where:
    """Where, how, and how much of the runs to train, as the options say."""

    workers: int | None
    device: str
    precision: str
    on: str | None
    shard: str | None
    print_job: str | None
    parts: int
    dry_run: bool


def sweep(
    study: Annotated[list[str] | None, typer.Argument(help="Studies to train; all when left out.")] = None,
    dataset: Dataset = "watch",
    profile: ProfileName = "quick",
    seed: Seed = 0,
    *,
    alpha: Alpha = 1.0,
    workers: Workers = None,
    device: Device = "cpu",
    precision: Precision = "float32",
    on: On = None,
    shard: Shard = None,
    print_job: PrintJob = None,
    parts: Parts = 16,
    dry_run: DryRun = False,
) -> None:
    """Train the runs of studies that are not in the store yet. Interrupt it at will: it goes on where it stopped."""
    from mixkd import studies

    scope = studies.Scope(dataset, profile, seed, alpha)
    runs = [spec for name in study for spec in studies.specs(name, scope)] if study else studies.every(scope)
    if not runs:
        raise MixkdError(f"study: found {listed(study or ())}, with no run in {profile}, expected --profile full")
    _train(runs, scope, Where(workers, device, precision, on, shard, print_job, parts, dry_run))


def campaign(
    dataset: Annotated[str, typer.Argument(help="Name of a data set.")],
    profile: ProfileName = "full",
    seed: Seed = 0,
    *,
    workers: Workers = None,
    device: Device = "cpu",
    precision: Precision = "float32",
    on: On = None,
    shard: Shard = None,
    print_job: PrintJob = None,
    parts: Parts = 16,
    dry_run: DryRun = False,
) -> None:
    """Train the runs that the claims compare, one seed after the other. Interrupted, it goes on where it stopped."""
    from mixkd import studies
    from mixkd.analysis import round_two

    scope = studies.Scope(named(dataset), profile, seed)
    _train(round_two.campaign(scope), scope, Where(workers, device, precision, on, shard, print_job, parts, dry_run))


def _train(runs: list[RunSpec], scope: Scope, where: Where) -> None:
    """Print the plan of runs, and train what is missing; or print a job script alone."""
    from mixkd import studies
    from mixkd.runs import planning, shards, sweep
    from mixkd.runs.cluster import Cluster
    from mixkd.runs.local import Local

    store = studies.store_of(scope)
    if where.precision != "float32":
        runs = [replace(spec, precision=cast(Any, where.precision)) for spec in runs]
    plan = planning.plan(runs, store)
    if where.print_job:
        command = [sys.executable, "-P", "-m", "mixkd.cli.main", *repeated(sys.argv[1:])]
        typer.echo(shards.script(where.print_job, plan, where.parts, command), nl=False)
        return
    out.print(f"{plan.total} runs, {len(plan.missing)} missing, about {plan.core_hours:.2f} core-hours")
    if where.dry_run:
        _print_streams(plan)
        return
    on = Cluster(where.on) if where.on else Local(where.workers, device=where.device)
    if where.shard:
        part = shards.Part.parse(where.shard)
        out.print(f"{shards.train(runs, store, part, on)} runs of part {where.shard} in {store.runs}")
        return
    sweep.run(runs, store, on=on)
    out.print(f"{plan.total} runs in {store.runs}")


def _print_streams(plan: Plan) -> None:
    table = terminal.table("stream", "students")
    for stream, count in plan.students_per_stream.items():
        table.add_row(stream, str(count))
    out.print(table)


def repeated(words: list[str]) -> list[str]:
    """The words of a command that a job gives again: all but SCRIPT_ONLY options and their values."""
    again, rest = [], iter(words)
    for word in rest:
        if word in SCRIPT_ONLY:
            next(rest, None)
        elif not word.startswith(tuple(f"{name}=" for name in SCRIPT_ONLY)):
            again.append(word)
    return again

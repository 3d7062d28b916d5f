"""The command `mixkd`."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from mixkd.cli import data, options, results, students, sweeps, terminal
from mixkd.cli.options import Dataset, ProfileName, Seed, Workers
from mixkd.cli.terminal import out
from mixkd.errors import MixkdError

TRAIN = (
    "What is trained: published (three published runs, again), quick (every run of two people and one seed, about half "
    "an hour) or full (every run of all people, about 22 hours)."
)

app = typer.Typer(
    help="Mixup, topological persistence and knowledge distillation for wearable sensor data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data.app, name="data")
app.add_typer(results.app, name="results")
app.command()(sweeps.sweep)
app.command()(sweeps.campaign)
app.command()(students.distill)
app.command()(students.predict)
app.command()(students.score)
app.command()(students.export)
app.command()(students.demo)


def fields_of(settings: list[str]) -> dict[str, Any]:
    """Fields of a run from `field=JSON`; a value that is no JSON is a string."""
    fields = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise MixkdError(f"-s {text}: expected field=value")
        try:
            fields[name] = json.loads(value)
        except (ValueError, RecursionError):  # no JSON, too many digits, too deeply nested
            fields[name] = value
    return fields


@app.command()
def run(
    setting: Annotated[list[str] | None, typer.Option("-s", help="A field of the run, field=JSON; repeatable.")] = None,
) -> None:
    """Train one network (and what it needs) and print its metrics.

    Example: mixkd run -s fold=1 -s 'mixup={"alpha": 0.4}' -s 'teachers=[{"modality": "image"}]'
    """
    from mixkd.runs import sweep
    from mixkd.specs.run import RunSpec

    fields = fields_of(setting or [])
    if isinstance(fields.get("dataset"), str):
        fields["dataset"] = options.named(fields["dataset"])
    spec = RunSpec.parse(fields)
    record = sweep.run([spec])[0]
    table = terminal.table("metric", "last epoch", "best validation", "best on test (optimistic)")
    choices = [record.metrics(c) for c in ("last", "best_validation", "best_test")]
    for metric in choices[0]:
        table.add_row(metric, *(f"{c[metric]:.4f}" for c in choices))
    out.print(f"{spec.name}, {spec.total_epochs} epochs in all, run {spec.hash}")
    if (mixed := record.data.get("mixed_share")) is not None:
        out.print(f"mixed rows: {mixed:.1%}")
    out.print(table)


@app.command(name="notebook")
def notebook_command(
    name: Annotated[str, typer.Argument(help="For example 05_mixup.")],
    parameter: Annotated[list[str] | None, typer.Option("-p", help="name=value; repeatable.")] = None,
    output: Annotated[Path | None, typer.Option("-o", help="Where the executed notebook goes.")] = None,
) -> None:
    """Run a notebook with other parameters. Unknown names and wrong values are refused before it starts."""
    from mixkd.book import notebook

    path = notebook.path_of(name)
    values = notebook.parse_assignments(path, parameter or [])
    target = output or Path(f"{path.stem}.out.ipynb")
    notebook.execute(path, target, values)
    out.print(f"{target}")


@app.command()
def book(
    train: Annotated[str, typer.Option(help=TRAIN)] = "published",
    dataset: Dataset = "watch",
    seed: Seed = 0,
    workers: Workers = None,
    output: Annotated[Path, typer.Option("-o", help="Folder that gets html/.")] = Path("_build"),
) -> None:
    """Read the published runs, train what is missing and some again, execute the notebooks, render the book."""
    from mixkd import studies
    from mixkd.book import build

    scope = studies.Scope(dataset, build.profile_of(train), seed)
    out.print(f"{build.build(scope, output.absolute(), out.print, workers)}")


@app.command()
def verify(
    sample: Annotated[int, typer.Option(min=1, help="How many runs to train again.")] = 3,
    dataset: Dataset = "watch",
    profile: ProfileName = "full",
    seed: Seed = 0,
) -> None:
    """Train a sample of published (`full`) or stored runs again, with their teachers. Exit status 1 on a difference."""
    from mixkd import studies
    from mixkd.runs import sweep
    from mixkd.runs.provenance import compare, headline, seed_noise
    from mixkd.runs.published import Published
    from mixkd.runs.store import Store

    scope = studies.Scope(dataset, profile, seed)
    stored, published = studies.every_record(scope), Published()
    if retired := published.retired(dataset) if scope.full else 0:
        out.print(f"{retired} published runs are of an earlier recipe, method or cut, and are not served")
    if not stored:
        raise MixkdError(f"verify: no stored runs of {dataset}, profile {profile}; run `mixkd sweep` first")
    seeds = [record for spec in published if spec.dataset == dataset and (record := published.get(spec))]
    chosen = random.Random(seed).sample(stored, min(sample, len(stored)))
    table, worst = terminal.table("run", "stored", "again", "verdict"), 0
    with tempfile.TemporaryDirectory() as folder:
        for old, new in zip(chosen, sweep.run([r.spec for r in chosen], Store(Path(folder))), strict=True):
            verdict, ok = compare(old, new, seed_noise(seeds, old.spec.task))
            worst |= not ok
            table.add_row(old.spec.name, *(f"{headline(r):.4f}" for r in (old, new)), verdict)
    out.print(table)
    raise typer.Exit(worst)


@app.command()
def claim(name: Annotated[str, typer.Argument(help="For example H4.")]) -> None:
    """Test a claim again on the published records: effects, intervals, verdict."""
    from mixkd.analysis import outcomes
    from mixkd.book import cards

    chosen = outcomes.claim_of(name)
    rows = outcomes.published().rows(chosen.name)
    table = terminal.table("on", "part", "people", "effect [95 % interval]", "verdict")
    for row in rows.to_dict("records"):
        table.add_row(
            row["dataset"], row["part"], str(row["people"]), cards.effect(row).replace("[", "\\["), row["verdict"]
        )
    out.print(f"{chosen.name}: {chosen.title}. {chosen.statement} Source: {chosen.source}.", soft_wrap=True)
    out.print(table)


@app.command()
def publish(dataset: Dataset = "watch", profile: ProfileName = "full", seed: Seed = 0) -> None:
    """Add the stored runs of a profile and its campaign to results/, in new files; exemplars with weights."""
    from mixkd import datasets, studies
    from mixkd.analysis import round_two
    from mixkd.deploy import distill
    from mixkd.runs import planning, published
    from mixkd.runs.store import Store

    store = Store()

    def stored(runs):
        return [record for spec in runs if (record := store.get(spec))]

    scope = studies.Scope(dataset, profile, seed)
    runs, with_weights = studies.every(scope), studies.exemplars(scope)
    if dataset.startswith(datasets.KEPT):  # recordings of your own: what was distilled from them
        runs, with_weights = distill.runs_of(scope)
    elif "targets" not in datasets.dataset(dataset).labels:
        runs = list(dict.fromkeys([*runs, *round_two.campaign(scope)]))
    wanted = planning.with_requirements(runs)
    exemplars = stored(planning.with_requirements(with_weights))
    new = published.publish(stored(wanted), exemplars)
    there = published.Published()
    known, size = sum(spec in there for spec in wanted), f"{there.n_bytes / 1e6:.1f} MB"
    out.print(f"{new} runs published; of {len(wanted)} runs of {profile}, {known} are now in {there.root} ({size})")


def main() -> None:
    """Entry point: a MixkdError is one line on stderr and exit status 1; Ctrl-C is 130."""
    terminal.tolerate()
    try:
        app(prog_name="mixkd")  # also as a module
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != 130:  # typer turns Ctrl-C into a silent exit of 130
            raise
        terminal.say_last("interrupted; what was finished is kept")
        sys.exit(130)
    except Exception as error:
        if (line := terminal.refusal(error)) is None:
            raise
        terminal.say_last(line)
        sys.exit(1)


if __name__ == "__main__":
    main()

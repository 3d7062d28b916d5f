"""The command `mixkd data`: list, fetch, check and describe data sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mixkd.cli.terminal import out, table
from mixkd.errors import MixkdError, listed, short

if TYPE_CHECKING:
    from mixkd.datasets.raw.download import Progress as Report

app = typer.Typer(help="Data sets: list them, fetch and check their files, describe one.")

SHOWN = 50  # maximum number of kinds of problems

Name = Annotated[str, typer.Argument(help="Name of a data set, see `mixkd data list`.")]
NameOrFolder = Annotated[str, typer.Argument(help="Name of a data set, or a folder with recordings of your own.")]


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_command()


@app.command(name="list")
def list_command() -> None:
    """All data sets: how they are cut, how long networks train on them, and whether their files are here."""
    from mixkd.datasets import DATASETS
    from mixkd.datasets.raw import paths

    rows = table("name", "title", "window", "step", "epochs", "files", "licence")
    for key, entry in DATASETS.items():
        if not entry.source:
            files = "installed"
        else:
            files = "here" if (paths.root() / entry.source).is_dir() else f"mixkd data fetch {entry.source}"
        numbers = (f"{n}" for n in (entry.window, entry.step, entry.epochs))
        rows.add_row(key, entry.title, *numbers, files, entry.licence)
    out.print(rows)


@app.command()
def path() -> None:
    """The folder that raw files are looked for in: MIXKD_DATA, or a folder of the store."""
    from mixkd.datasets.raw import paths

    out.print(str(paths.root()))


@app.command()
def fetch(name: Name) -> None:
    """Download a data set's raw files. Shows licence and citation first; goes on where it was interrupted."""
    from mixkd.datasets.raw import download

    folder = _folder(name)
    origin = download.source(folder)
    out.print(f"{folder}: {origin.url}")
    out.print(f"licence: {origin.licence}; {origin.page}")
    out.print(f"cite: {origin.reference}")
    if origin.note:
        out.print(f"note: {origin.note}")
    with _progress() as report:
        target = download.fetch(folder, report)
    out.print(f"{target}")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder with files of devices, CSV, Parquet or MATLAB files.")],
) -> None:
    """Draft `dataset.toml`, by which recordings of your own are read, from a look at the files."""
    from mixkd.datasets.own import draft

    path = draft.draft(folder)
    out.print(path.read_text(encoding="utf-8"), highlight=False)
    out.print(f"Written to {path}. Check every line, then: mixkd data check {folder}")


@app.command()
def check(name: NameOrFolder) -> None:
    """Compare a data set's raw files with their SHA-256, then read them all. Exit status 1 when something is wrong.

    For a folder of your own: all problems at once; when there are none, what is in it, with a plot.
    """
    from mixkd.datasets import DATASETS, dataset
    from mixkd.datasets.raw import download

    if name not in DATASETS and Path(name).is_dir():
        return _check_folder(Path(name))
    entry = dataset(name)
    problems = download.check(entry.source) if entry.source else []
    for problem in problems:
        out.print(problem)
    if problems:
        out.print(f"{name}: {len(problems)} problem{'s' * (len(problems) > 1)}")
        raise typer.Exit(1)
    recordings = entry.load()
    out.print(f"{name}: {len(recordings.signals)} recordings, nothing wrong")


@app.command()
def info(name: NameOrFolder) -> None:
    """Describe a data set: subjects, hours, classes, windows, what its loader interpolated or left out, licence."""
    from mixkd import windows
    from mixkd.datasets import dataset, named

    entry = dataset(named(name))
    recordings = entry.load()
    cut = windows.cut(recordings, entry.window, entry.step, entry.rule)
    hours = sum(map(len, recordings.signals)) / recordings.rate / 3600
    out.print(f"{entry.title}; {entry.licence}")
    out.print(f"{len(set(recordings.subjects.tolist()))} subjects, {len(recordings.signals)} recordings, {hours:.2f} h")
    out.print(
        f"{recordings.rate:g} Hz; channels "
        + ", ".join(map(" ".join, zip(recordings.channels, recordings.units, strict=True)))
    )
    out.print(f"{len(cut)} windows of {entry.window} samples, step {entry.step}")
    rows = table("class", "windows")
    for i, label in enumerate(recordings.classes):
        rows.add_row(label, str(int((cut.y == i).sum())))
    out.print(rows)
    for what, count in recordings.counts.items():
        out.print(f"{what}: {count:,}")


@app.command()
def survey(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets; none: all whose files are here.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Instead of results/datasets.json.")] = None,
) -> None:
    """Measure data sets for the chapter that compares them; adds rows to results/datasets.json."""
    from mixkd.studies import inventory

    failed = 0
    for name in names or inventory.here():
        try:
            row = inventory.survey(name)
            inventory.add({name: row}, output or inventory.RECORD)
        except MixkdError as error:  # other data sets may still work
            out.print(f"{short(name)}: {error}")
            failed += 1
        else:
            out.print(f"{name}: {row['people']} people, {row['hours']:.1f} h; files {row['files']}")
    if failed:
        raise typer.Exit(1)


def _check_folder(base: Path) -> None:
    """Print all problems; without problems a table by person, repairs and remarks, and write a plot."""
    import numpy as np

    from mixkd import figures
    from mixkd.datasets.own import folder, quality
    from mixkd.files import atomic_write

    content = folder.inspect(base)
    groups = content.grouped()
    for problem, n in groups[:SHOWN]:
        out.print(problem + (f" (and the same in {n - 1} more)" if n > 1 else ""))
    if content.problems:
        if len(groups) > SHOWN:
            out.print(f"and {len(groups) - SHOWN} more kinds of problems")
        out.print(f"{base}: {len(content.problems)} problem{'s' * (len(content.problems) > 1)}")
        raise typer.Exit(1)
    rows = table("person", "stretches", *content.classes, title="minutes of each person and class")
    recordings = content.recordings()
    for subject, minutes in zip(np.unique(recordings.subjects), recordings.minutes(), strict=True):
        n_stretches = int((recordings.subjects == subject).sum())
        rows.add_row(recordings.person(subject), f"{n_stretches}", *(f"{m:.1f}" if m else "none" for m in minutes))
    out.print(rows)
    for each in content.quality[:SHOWN]:
        out.print(quality.line(each), soft_wrap=True, markup=False, highlight=False)
    if len(content.quality) > SHOWN:
        out.print(f"and {len(content.quality) - SHOWN} more files")
    for what, count in content.counts.items():
        out.print(f"{what}: {count:,}")
    for remark in content.remarks:
        out.print(f"worth a look: {remark}")
    picture = base / "dataset.png"
    atomic_write(picture, figures.png(figures.overview(recordings, content.description.window)))
    n = len(content.remarks)
    wrong = f"no problem, {n} thing{'s' * (n > 1)} worth a look" if n else "nothing wrong"
    out.print(f"{base}: {len(content.people)} people, {wrong}; {picture}")


def _folder(name: str) -> str:
    """Name of the raw folder of a data set; several data sets may share one."""
    from mixkd.datasets import dataset
    from mixkd.datasets.raw.sources import SOURCES

    entry = dataset(name)
    if entry.source not in SOURCES:
        raise MixkdError(f"data fetch: found {name!r}, which needs no download; expected one of {listed(SOURCES)}")
    return entry.source


@contextmanager
def _progress() -> Iterator[Report]:
    """Progress bar of bytes; hidden if the output is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("download", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

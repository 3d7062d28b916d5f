"""Commands on students: distil one from your own recordings, label new ones, score it, write it for a device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from mixkd.cli import terminal
from mixkd.cli.options import ProfileName, Seed, Workers
from mixkd.cli.terminal import out

STUDENT = "Folder that `mixkd distill` wrote, or a ready student: selfback-wrist or watch-shoulder."


def distill(
    dataset: Annotated[str, typer.Argument(help="Name of a data set, or a folder with recordings of your own.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder that gets the student and its report.")],
    profile: ProfileName = "quick",
    *,
    seed: Seed = 0,
    workers: Workers = None,
    teachers: Annotated[str, typer.Option(help="signal, image, both, or forest: extra trees on statistics.")] = "both",
    balance: Annotated[bool, typer.Option("--balance", help="Weigh classes by their inverse frequency.")] = False,
    window: Annotated[str | None, typer.Option(help="Seconds; auto or 1,2,4: chosen on validation people.")] = None,
    start: Annotated[Path | None, typer.Option(help="An earlier student whose weights training starts from.")] = None,
) -> None:
    """Distil a small network: a cross-validated report, and a student trained on everybody, as ONNX."""
    from mixkd.deploy import distill, lengths
    from mixkd.studies import Scope

    by = distill.teachers_of(teachers)
    scope = Scope(dataset, profile, seed)
    seconds = lengths.of(window) if window else ()
    outcome = distill.run(
        scope, out_folder, out.print, workers, teachers=by, balance=balance, earlier=start, lengths=seconds
    )
    out.print(distill.headline(outcome.people))
    out.print(distill.in_practice(outcome.whole))
    if profile == "smoke":
        out.print("smoke trains on few windows, to try the command: for a student to use, take quick or full")
    out.print(f"{out_folder / 'report.html'}", soft_wrap=True, markup=False)


def predict(
    student: Annotated[Path, typer.Argument(help=STUDENT)],
    recording: Annotated[
        list[Path], typer.Argument(help="Files as those it was trained on, folders, or patterns such as 'a/*.csv'.")
    ],
    output: Annotated[Path | None, typer.Option("-o", help="The table, .csv or .parquet; default: beside it.")] = None,
    *,
    zone: Annotated[str | None, typer.Option(help="Time zone of the times, such as Europe/Berlin.")] = None,
    sets: Annotated[bool, typer.Option("--sets", help="Also write the labels that are likely.")] = False,
) -> None:
    """Label recordings, window by window: a table, minutes by hour and day, a plot. Needs no torch."""
    from mixkd.deploy import batch
    from mixkd.deploy.predict import Student
    from mixkd.deploy.wall_clock import named

    made = Student.load(student)
    files = batch.listed(recording, made.about["reading"].get("sensors") or ())
    target = batch.target_of(files, recording, output)
    result = batch.run(made, files, target, out.print, zone=named(zone) if zone else None, sets=sets)
    if result.table:
        out.print(f"{result.n_windows} windows: {result.table}")
        for path in (*batch.summaries(made, result, target, out.print), *batch.pictures(made, result, target)):
            out.print(f"{path}")
    if result.refused:
        out.print(f"{len(result.refused)} of {len(files)} recordings refused")
        raise typer.Exit(1)


def score(
    student: Annotated[Path, typer.Argument(help=STUDENT)],
    folder: Annotated[Path, typer.Argument(help="Folder with labelled recordings and a dataset.toml.")],
    output: Annotated[Path | None, typer.Option("-o", help="Also write the scores as JSON.")] = None,
) -> None:
    """Score a student on new labelled people: overall, class by class, person by person. Needs no torch."""
    from mixkd.deploy import score
    from mixkd.deploy.predict import Student

    result = score.run(Student.load(student), folder)
    for line in result.lines():
        out.print(line)
    for title, rows in result.tables().items():
        shown = terminal.table(*rows[0], title=title)
        for row in rows:
            shown.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
        out.print(shown)
    if output:
        score.write(result, output)
        out.print(f"{output}")


def export(
    student: Annotated[Path, typer.Argument(help=STUDENT)],
    to: Annotated[
        Literal["c", "js", "litert", "ggir"],
        typer.Option(help="A C99 header, a script for pages, a LiteRT model, or a function for GGIR, an R package."),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", help="The file; default: student.h, .js, .tflite or .R here.")
    ] = None,
) -> None:
    """Write a student for a device, a phone or a page, with its weights; for GGIR, as a call of mixkd."""
    from mixkd.deploy import c_header, ggir, javascript, litert
    from mixkd.deploy.predict import Student
    from mixkd.files import atomic_write

    ways: dict[str, tuple[str, Callable[[Student], str | bytes]]] = {
        "c": (".h", c_header.header),
        "js": (".js", javascript.script),
        "litert": (".tflite", litert.model),
        "ggir": (".R", ggir.script),
    }
    suffix, write = ways[to]
    target = output or Path("student").with_suffix(suffix)
    made = write(Student.load(student))
    atomic_write(target, made.encode() if isinstance(made, str) else made)
    out.print(f"{target}", soft_wrap=True, markup=False)


def demo(
    output: Annotated[Path, typer.Option("-o", help="Folder that gets index.html, labels and the student.")] = Path(
        "demo"
    ),
) -> None:
    """Label recordings of a person with a published student that never saw them: a page, no training, no network."""
    from mixkd.deploy import demo

    out.print(f"{demo.run(output, lambda line: out.print(line, soft_wrap=True))}", soft_wrap=True, markup=False)

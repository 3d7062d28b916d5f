"""Commands on the published records: `mixkd results`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixkd.cli.terminal import out

app = typer.Typer(help="The published runs as one archive: pack, push, pull, verify.", no_args_is_help=True)
Only = Annotated[list[str] | None, typer.Option("--dataset", help="A data set to pack; repeatable. Default: all.")]
Root = Annotated[Path | None, typer.Option("--into", help="Folder of published runs; default: results/.")]


@app.command()
def pack(file: Annotated[Path, typer.Argument(help="The archive, a new .tar file.")], dataset: Only = None) -> None:
    """Write the published runs as one file. Equal runs make equal bytes."""
    from mixkd.files import atomic_write
    from mixkd.runs import archive

    files = archive.content(datasets=dataset or ())
    raw = archive.packed(files)
    atomic_write(file, raw)
    out.print(f"{file}: {len(files)} files, {len(raw) / 1e6:.1f} MB", soft_wrap=True, markup=False)


@app.command()
def push(folder: Annotated[Path, typer.Argument(help="Where archives are kept.")], dataset: Only = None) -> None:
    """Write an archive into a folder and name it the newest there; a web server that shows the folder serves `pull`."""
    from mixkd.runs import archive

    out.print(f"{archive.push(folder, archive.content(datasets=dataset or ()))}", soft_wrap=True, markup=False)


@app.command()
def pull(
    origin: Annotated[str, typer.Argument(help="An archive, or a folder or address that `push` filled.")],
    into: Root = None,
) -> None:
    """Add the runs of an archive to the published ones, after verifying every file."""
    from mixkd.runs import archive
    from mixkd.runs.published import RESULTS

    root = into or RESULTS
    out.print(f"{archive.pull(origin, root)} new files in {root}", soft_wrap=True, markup=False)


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="An archive; default: the published runs themselves.")] = None,
) -> None:
    """Compare every file with its SHA-256."""
    from mixkd.runs import archive
    from mixkd.runs.published import Published

    if file:
        n_files = len(archive.unpacked(file))
    else:
        published = Published()
        n_files = len([published.read(name) for name in published.files])
    out.print(f"{n_files} files are what was published")

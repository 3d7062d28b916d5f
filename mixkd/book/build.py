"""Build of the book: papermill executes the notebooks into a stage folder, pages are completed there, Sphinx renders.

Sphinx never executes code, so no number is stale; warnings are errors; every build starts from an empty stage.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mixkd import studies
from mixkd.analysis import contrasts
from mixkd.book import advice, cards, drawings, explorables, frame, live, notebook, site
from mixkd.book.execution import Execution, execute_all
from mixkd.book.tables import GENERATED
from mixkd.datasets import dataset
from mixkd.errors import MixkdError, nearest
from mixkd.files import CHECKOUT
from mixkd.runs import planning, sweep
from mixkd.runs.local import Local
from mixkd.runs.provenance import git_state, versions
from mixkd.runs.store import RunRecord, Store
from mixkd.studies import Scope
from mixkd.studies.results import LOCAL_FIRST

PAGES = "book"
TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}  # of the output of processes, in any locale
MEANING = {  # of profiles, for readers
    "smoke": "few windows and epochs, numbers without meaning",
    "quick": "two people, one seed",
    "full": "all people, two or three seeds",
}
TRAINED = {"published": "full", "quick": "quick", "full": "full", "smoke": "smoke"}  # profiles, by what is trained
HEADLINE = ("11_claims.ipynb", "fig-decided")  # shown on the home page


def build(scope: Scope, target: Path, say: Callable[[str], None], workers: int | None = None) -> Path:
    """Train missing runs, execute the notebooks, render into `target`/html; returns its index.html.

    Raises MixkdError on any failure; the last complete site is kept.
    """
    if not notebook.NOTEBOOKS.is_dir():
        raise MixkdError(f"{notebook.NOTEBOOKS}: not found; the book is built from a clone of the repository")
    if "targets" in dataset(scope.dataset).labels:
        raise MixkdError(
            f"book: found {scope.dataset}, expected a data set of activities; see `mixkd notebook 22_forces`"
        )
    runs = studies.every(scope)
    if os.environ.get(LOCAL_FIRST):
        say("training: every run of this data set anew, where this machine has not trained it yet")
        sweep.run([run for run in runs if run.dataset == scope.dataset], Store(), on=Local(workers))
    store = studies.store_of(scope)
    plan = planning.plan(runs, store)
    say(f"training: {len(plan.missing)} of {plan.total} runs missing, about {60 * plan.core_hours:.0f} core-minutes")
    start = time.perf_counter()
    sweep.run(runs, store, on=Local(workers))
    trained = time.perf_counter() - start
    say("live: some published runs are trained again, to compare")
    compared = live.table(scope, workers)
    shown = [record for one in contrasts.campaigns(scope) for record in studies.every_record(one)]
    stage = target / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    say("notebooks: executing")
    chosen = {"profile": scope.profile, "dataset": scope.dataset, "seed": scope.seed}
    executions = execute_all(stage, chosen)
    status = status_table(executions, len(plan.missing), trained, commits_of(shown))
    complete(stage, executions, chosen, status=status, compared=compared)
    explorables.write(stage / "explorables", scope, shown)
    for name, (page, figure) in explorables.PICTURES.items():
        (stage / "explorables" / f"{name}.svg").write_text(figure_of(stage / "notebooks" / page, figure), "utf-8")
    say("book: rendering")
    return render(stage, target)


def profile_of(train: str) -> str:
    """The profile of a book, by what is trained for it; `full` makes runs of this machine precede published ones.

    Raises MixkdError for an unknown word.
    """
    if train not in TRAINED:
        raise MixkdError(f"--train: found {train!r}, {nearest(train, list(TRAINED)[:3])}")
    if train == "full":
        os.environ[LOCAL_FIRST] = "1"  # for the kernels of notebooks too
    return TRAINED[train]


def complete(
    stage: Path,
    executions: list[Execution],
    parameters: dict[str, Any],
    *,
    status: str,
    compared: str,
) -> None:
    """Copy pages and configuration into the stage; write the generated pages; append provenance to every page."""
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(CHECKOUT / name, stage / name)
    shutil.copytree(CHECKOUT / PAGES, stage / PAGES)
    (stage / "_static").mkdir()
    shutil.move(stage / PAGES / "book.css", stage / "_static")
    _launch_buttons(stage)
    (stage / PAGES / "_status.md").write_text(status, encoding="utf-8")
    (stage / PAGES / "_live.md").write_text(compared, encoding="utf-8")
    (stage / PAGES / "_headline.svg").write_text(figure_of(stage / "notebooks" / HEADLINE[0], HEADLINE[1]), "utf-8")
    (stage / PAGES / "_advice.md").write_text(advice.page(), encoding="utf-8")
    (stage / PAGES / "_best.md").write_text(advice.best(), encoding="utf-8")
    cards.write(stage)
    for name, table in GENERATED.items():
        (stage / PAGES / name).write_text(table(), encoding="utf-8")
    for execution in executions:
        path = stage / "notebooks" / f"{execution.name}.ipynb"
        content = json.loads(path.read_text(encoding="utf-8"))
        foot = footer(execution.parameters, f"{execution.seconds:.0f} s for this notebook")
        for cell in content["cells"]:
            tags = cell["metadata"].get("tags", [])
            if "injected-parameters" in tags:
                tags.append("remove-cell")  # the cell of defaults shows the values of this page
            elif "parameters" in tags:
                cell["source"] = with_values("".join(cell["source"]), execution.parameters)
        content["cells"] = frame.framed(content["cells"], execution.name, execution.seconds, stage)
        content["cells"].append({"cell_type": "markdown", "id": "provenance", "metadata": {}, "source": foot})
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    for path in sorted((stage / PAGES).glob("[!_]*.md")):
        text = path.read_text(encoding="utf-8") + "\n" + footer(parameters, "a page without computation")
        path.write_text(text, encoding="utf-8")


def with_values(source: str, values: dict[str, Any]) -> str:
    """The cell of a notebook's parameters with the values of a page in place of its defaults."""

    def line(match: re.Match) -> str:
        name, kind, default, comment = match.groups("")
        return f"{name}{kind} = {json.dumps(values[name]) if name in values else default}{comment}"

    return re.sub(r"^(\w+)(: \w+)? = (.*?)(  # .*)?$", line, source, flags=re.MULTILINE)


def figure_of(path: Path, name: str) -> str:
    """The SVG of a named figure of an executed notebook. Raises MixkdError if there is none."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") == name:
            for output in cell["outputs"]:
                if svg := output.get("data", {}).get("image/svg+xml"):
                    return "".join(svg)
    raise MixkdError(f"{path.name}: found no figure {name!r}")


def footer(parameters: dict[str, Any], wall_time: str) -> str:
    """The footer of a page: parameters, commit, versions, wall time."""
    rows = [f"{name} | `{value}`" for name, value in parameters.items()]
    if (profile := parameters.get("profile")) in MEANING:
        rows.insert(0, f"runs | {MEANING[profile]}")
    rows += [
        f"rendered by | {commit(git_state())}",
        "versions | " + ", ".join(f"{k} {v}" for k, v in versions().items()),
    ]
    rows.append(f"wall time | {wall_time}")
    table = "\n".join(f"| {row} |" for row in rows)
    return f"\n:::{{dropdown}} How this page was made\n:class-container: provenance\n\n| | |\n|---|---|\n{table}\n:::\n"


def commits_of(records: Iterable[RunRecord]) -> list[str]:
    """The distinct commits that trained these runs, as text."""
    return sorted({commit(record.provenance["git"]) for record in records})


def commit(git: dict[str, Any]) -> str:
    """A commit as text."""
    if not git["sha"]:
        return "code outside a checkout"
    return f"`{git['sha'][:10]}`{' with local changes' if git['dirty'] else ''}"


def status_table(executions: list[Execution], n_trained: int, seconds: float, commits: list[str]) -> str:
    """The table of the status page: notebooks with wall times, number of runs trained, commits of the runs."""
    rows = "\n".join(f"| {e.name} | {e.seconds:.0f} s |" for e in executions)
    trained = f"{n_trained} of the runs that the figures show were trained for this build, in {seconds / 60:.1f} min."
    trained = trained if n_trained else "All runs that the figures show were there; some were trained again to compare."
    by = f":::{{dropdown}} Versions of the code that trained them: {len(commits)}\n\n{', '.join(commits)}\n:::\n"
    table = f"| notebook | wall time |\n|---|---|\n{rows}\n"
    minutes = sum(e.seconds for e in executions) / 60
    folded = f":::{{dropdown}} {len(executions)} notebooks, {minutes:.0f} min one after the other\n\n{table}:::\n"
    return f"{trained}\n\n{by}\n{folded}"


def _launch_buttons(stage: Path) -> None:
    """Binder and Colab buttons, as soon as pyproject.toml names a real address."""
    url = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    if "example.org" in url:
        return
    with open(stage / "_config.yml", "a", encoding="utf-8") as config:
        config.write(f"\nrepository:\n  url: {url}\n  branch: main\n")
        config.write(
            "launch_buttons:\n  binderhub_url: https://mybinder.org\n  colab_url: https://colab.research.google.com\n"
        )


def render(stage: Path, target: Path) -> Path:
    """Run Sphinx on the stage; the site replaces `target`/html only when it is complete. Returns its index.html."""
    output = target / "sphinx"
    shutil.rmtree(output, ignore_errors=True)
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-P", "-c", jupyter_book, "build", str(stage), "--path-output", str(output)]
    command += ["--warningiserror", "--keep-going", "--all"]
    done = subprocess.run(command, capture_output=True, **TEXT, env={**os.environ, "PYTHONUTF8": "1"})
    log = target / "sphinx.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode or not (output / "_build" / "html" / "index.html").is_file():
        problems = [line for line in (done.stdout + done.stderr).splitlines() if "WARNING" in line or "ERROR" in line]
        raise MixkdError(f"book: Sphinx failed, see {log}: {problems[0] if problems else 'no page was written'}")
    site.finish(output / "_build" / "html", drawings.narrow_ones(stage / "notebooks", stage / cards.FOLDER))
    for name in ("explorables", frame.DRAWN):  # not before: jupyter-book loads each script below _static on every page
        if (stage / name).is_dir():
            shutil.copytree(stage / name, output / "_build" / "html" / "_static" / name)
    pages = target / "html"
    shutil.rmtree(pages, ignore_errors=True)
    os.replace(output / "_build" / "html", pages)
    shutil.rmtree(output)
    return pages / "index.html"

"""Build of the book: papermill executes the notebooks into a stage folder, pages are completed there, Sphinx renders.

Sphinx never executes code, so no number is stale; warnings are errors; every build starts from an empty stage.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixkd import studies
from mixkd.analysis import contrasts
from mixkd.book import explorables, live, notebook
from mixkd.book.tables import GENERATED
from mixkd.datasets import dataset
from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT, places
from mixkd.runs import planning, sweep
from mixkd.runs.local import Local, n_cores
from mixkd.runs.provenance import git_state, versions
from mixkd.runs.store import RunRecord
from mixkd.studies import Scope

PAGES = "book"
TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}  # of the output of processes, in any locale
HEADLINE = ("11_claims.ipynb", "fig-scorecard")  # shown on the home page


@dataclass(frozen=True)
class Execution:
    """One executed notebook."""

    name: str
    parameters: dict[str, Any]
    seconds: float


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
        (stage / "explorables" / f"{name}.png").write_bytes(figure_of(stage / "notebooks" / page, figure))
    say("book: rendering")
    return render(stage, target)


def execute_all(stage: Path, parameters: dict[str, Any]) -> list[Execution]:
    """Execute every notebook of the checkout into the stage, two at a time, one thread each.

    In reverse order: one of the last notebooks trains, takes longest, and should start first.
    """
    paths = sorted(notebook.NOTEBOOKS.glob("*.ipynb"), reverse=True)

    def execute(path: Path) -> Execution:
        output = stage / "notebooks" / path.name
        assignments = [f"{name}={value}" for name, value in parameters.items()]
        options = [word for text in assignments for word in ("-p", text)]
        command = [sys.executable, "-m", "mixkd.cli.main", "notebook", str(path), "-o", str(output), *options]
        start = time.perf_counter()
        environment = {**os.environ, **places(), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, **TEXT, cwd=CHECKOUT, env=environment)
        if done.returncode:
            reason = done.stderr.strip().splitlines()
            raise MixkdError(f"notebooks/{path.name} failed: {reason[-1] if reason else done.returncode}")
        return Execution(path.stem, parameters, time.perf_counter() - start)

    with ThreadPoolExecutor(min(2, n_cores())) as pool:
        return list(pool.map(execute, paths))[::-1]


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
    _maths_offline(stage)
    _launch_buttons(stage)
    (stage / PAGES / "_status.md").write_text(status, encoding="utf-8")
    (stage / PAGES / "_live.md").write_text(compared, encoding="utf-8")
    (stage / PAGES / "_headline.png").write_bytes(figure_of(stage / "notebooks" / HEADLINE[0], HEADLINE[1]))
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


def figure_of(path: Path, name: str) -> bytes:
    """The PNG of a named figure of an executed notebook. Raises MixkdError if there is none."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") == name:
            for output in cell["outputs"]:
                if png := output.get("data", {}).get("image/png"):
                    return base64.b64decode(png)
    raise MixkdError(f"{path.name}: found no figure {name!r}")


def each_script_once(html: str) -> str:
    """Drop repeated script elements: jupyter-book adds some twice, which fails in a browser (const, MathJax)."""
    seen = set()

    def keep_first(match: re.Match) -> str:
        source = re.search(r'src="([^"]+)"', match[1])
        key = source[1] if source else match[0]
        repeated = key in seen
        seen.add(key)
        return "" if repeated else match[0]

    return re.sub(r"<script\b([^>]*)>.*?</script>", keep_first, html, flags=re.DOTALL)


def footer(parameters: dict[str, Any], wall_time: str) -> str:
    """The footer of a page: parameters, commit, versions, wall time."""
    rows = [f"{name} | `{value}`" for name, value in parameters.items()]
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
    trained = f"{n_trained} runs were trained in {seconds / 60:.1f} min" if n_trained else "nothing had to be trained"
    by = ", ".join(commits)
    table = f"| notebook | wall time |\n|---|---|\n{rows}\n"
    return f"In this build {trained}. The runs it shows were trained by {by}.\n\n{table}"


def _maths_offline(stage: Path) -> None:
    """MathJax from the installed package sphinx-mathjax-offline: formulas need no other host."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise MixkdError("package sphinx-mathjax-offline is not installed; pip install 'mixkd[book]'")
    target = stage / "_static" / "mathjax"
    target.mkdir()
    shutil.copy(Path(spec.origin).parent / "static" / "mathjax" / "tex-svg.js", target)


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
    command = [sys.executable, "-c", jupyter_book, "build", str(stage), "--path-output", str(output)]
    command += ["--warningiserror", "--keep-going", "--all"]
    done = subprocess.run(command, capture_output=True, **TEXT, env={**os.environ, "PYTHONUTF8": "1"})
    log = target / "sphinx.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode or not (output / "_build" / "html" / "index.html").is_file():
        problems = [line for line in (done.stdout + done.stderr).splitlines() if "WARNING" in line or "ERROR" in line]
        raise MixkdError(f"book: Sphinx failed, see {log}: {problems[0] if problems else 'no page was written'}")
    for page in (output / "_build" / "html").rglob("*.html"):
        page.write_text(each_script_once(page.read_text(encoding="utf-8")), encoding="utf-8")
    if (stage / "explorables").is_dir():  # not before: jupyter-book loads each script below _static on every page
        shutil.copytree(stage / "explorables", output / "_build" / "html" / "_static" / "explorables")
    site = target / "html"
    shutil.rmtree(site, ignore_errors=True)
    os.replace(output / "_build" / "html", site)
    shutil.rmtree(output)
    return site / "index.html"

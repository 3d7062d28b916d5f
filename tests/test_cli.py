"""The command: it helps, it does what it says, and a refusal is one line on stderr with exit status 1."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from runs import PARTIAL, mtimes, results, small

from mixkd import studies
from mixkd.book import notebook
from mixkd.cli import main
from mixkd.cli.main import app
from mixkd.datasets import DATASETS
from mixkd.errors import MixkdError
from mixkd.runs import planning, sweep
from mixkd.runs.store import Store

COMMANDS = (
    "data",
    "results",
    "run",
    "sweep",
    "campaign",
    "notebook",
    "book",
    "verify",
    "publish",
    "distill",
    "export",
    "predict",
    "demo",
    "claim",
    "score",
)


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch):
    monkeypatch.setattr(main.out, "_width", 200)


# -- help


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)])
def test_help(mixkd, words):
    status, out, err = mixkd(*words, "--help")
    assert (status, err) == (0, "")
    assert "Usage: mixkd" in out
    assert all(name in out for name in (words or COMMANDS))


def test_every_command_is_listed_here():
    found = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert found | {group.name for group in app.registered_groups} == set(COMMANDS)


ROOT = Path(__file__).parent.parent
PAGES = [path for folder in (ROOT, ROOT / "book") for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_on_pages_have_the_options_they_use(page):
    """Every `mixkd` line of a block for the shell: its command is there, and so are its options."""
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("mixkd ")]
    for line in lines:
        words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
        command = typer.main.get_command(app)
        while words and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        used = {word.partition("=")[0] for word in words if re.match("-[a-z-]", word)}
        assert used <= known, line


def test_the_command_in_a_process_of_its_own(store_home):
    """As users start it: nothing but the line on stderr, and status 1."""
    done = subprocess.run(
        [sys.executable, "-m", "mixkd.cli.main", "data", "info", "wach"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "mixkd: dataset: found 'wach', did you mean 'watch'?\n"


def test_a_sweep_in_half_the_bits_is_of_other_runs(mixkd, monkeypatch):
    trained = []
    monkeypatch.setattr(sweep, "run", lambda runs, store, on: trained.append(runs))
    words = ("sweep", "alpha", "--dataset", "synthetic", "--profile", "smoke")
    for more in ((), ("--precision", "bfloat16")):
        assert mixkd(*words, *more)[0] == 0
    usual, half = trained
    assert {spec.precision for spec in usual} == {"float32"}
    assert half == [replace(spec, precision="bfloat16") for spec in usual]


# -- data


def test_data_lists_all(mixkd):
    status, out, err = mixkd("data", "list")
    assert (status, err) == (0, "")
    assert all(name in out and entry.title in out for name, entry in DATASETS.items())
    assert mixkd("data")[1] == out


def test_data_describes_one(mixkd):
    status, out, err = mixkd("data", "info", "watch")
    assert (status, err) == (0, "")
    for fact in ("10 subjects", "140 recordings", "50 Hz", "4677 windows of 100 samples, step 50", "BSD-3-Clause"):
        assert fact in out
    counts = [int(count) for count in re.findall(r"│\s+(\d+)\s+│$", out, re.MULTILINE)]
    assert (len(counts), sum(counts)) == (7, 4677)


# -- refusals

REFUSED = {
    "data info sinthetic": "dataset: found 'sinthetic', did you mean 'synthetic'?",
    "run -s fold": "-s fold: expected field=value",
    "run -s epoch=3": "RunSpec.epoch: unknown field, did you mean 'epochs'?",
    "run -s epochs=three": "RunSpec.epochs: found 'three', expected int",
    "run -s epochs=3.0": "RunSpec.epochs: found 3.0, expected int",
    "run -s epochs=0": "RunSpec.epochs: found 0, expected at least 1 epoch",
    "run -s mixup={": "RunSpec.mixup: found '{', expected Mixup or its fields",
    'run -s mixup={"alpa":1}': "RunSpec.mixup.alpa: unknown field, did you mean 'alpha'?",
    "run -s teachers=image": "RunSpec.teachers: found 'image', expected a list",
    "run -s temperature=NaN": "RunSpec.temperature: found nan, expected a finite number",
    "run -s init=base": "RunSpec.init: found 'base', expected random or scratch: base-2x needs teachers",
    "run -s dataset=wach": "dataset: found 'wach', did you mean 'watch'?",
    "run -s dataset=synthetic -s task=two_heads": (
        "RunSpec.task: found 'two_heads' for synthetic, which has no placement; "
        "expected a data set that has: watch, selfback_placed, dsads_placed, mhealth_placed, wisdm_placed"
    ),
    "sweep mixpu": "study: found 'mixpu', did you mean 'mixup'?",
    "sweep mixup --profile quik": "profile: found 'quik', did you mean 'quick'?",
    "sweep mixup --dataset wach": "dataset: found 'wach', did you mean 'watch'?",
    "sweep mixup --alpha 0": "Mixup.alpha: found 0.0, expected a number from 0.01 to 100",
    "campaign gait": "campaign: found gait, which has targets; the claims are about classes",
    "campaign wach": "dataset: found 'wach', did you mean 'watch'?",
    "sweep mixup --seed -1": "RunSpec.seed: found -1, expected a seed from 0 to 2^31 - 1",
    "book --train ful": "--train: found 'ful', did you mean 'full'?",
    "claim H44": "claim: found 'H44', did you mean 'H4'?",
    "verify --profile smoke": "verify: no stored runs of watch, profile smoke; run `mixkd sweep` first",
    "notebook 05_mixpu": "notebook: found '05_mixpu', did you mean '05_mixup'?",
    "notebook 05_mixup -p aplha=1": "parameter aplha: unknown, did you mean 'alpha'?",
    "notebook 05_mixup -p alpha": "parameter 'alpha': expected name=value",
    "notebook 05_mixup -p alpha=much": "parameter alpha: found 'much', expected float",
    "notebook 05_mixup -p alpha={[]}": "parameter alpha: found '{[]}', expected float",
    "notebook 05_mixup -p alpha=0": "parameter alpha: found 0.0, expected 0.01 to 100",
    "notebook 05_mixup -p seed=1.5": "parameter seed: found 1.5, expected int",
    "notebook 05_mixup -p seed=-1": "parameter seed: found -1, expected 0 to 2147483647",
    "notebook 05_mixup -p profile=quik": "parameter profile: found 'quik', expected one of smoke, quick, full",
}


@pytest.mark.parametrize(("line", "message"), REFUSED.items(), ids=REFUSED)
def test_refused_in_one_line_before_any_work(mixkd, line, message, store_home, tmp_path, monkeypatch):
    for module, name in ((notebook, "execute"), (sweep, "Schedule")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("work began"))
    assert mixkd(*line.split()) == (1, "", f"mixkd: {message}\n")
    assert not list(tmp_path.rglob("*.ipynb"))
    assert not Store().runs.exists()


def test_a_script_is_no_notebook(mixkd):
    path = str(notebook.NOTEBOOKS / "src" / "05_mixup.py")
    assert mixkd("notebook", path) == (1, "", f"mixkd: {path}: found no notebook, expected an .ipynb file\n")


def test_notebooks_need_the_packages_of_the_book(mixkd, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbformat", None)  # as where they are not installed
    expected = "mixkd: package nbformat is not installed; pip install 'mixkd[book]'\n"
    assert mixkd("notebook", "05_mixup") == (1, "", expected)


def test_a_notebook_is_not_executed_into_a_folder(tmp_path):
    with pytest.raises(MixkdError, match=r"found a folder, expected the path of a notebook to write"):
        notebook.execute(notebook.path_of("05_mixup"), tmp_path, {})


USAGE = ("tarin", "sweep --profle smoke", "verify --sample many", "verify --sample 0", "sweep --workers -1")


@pytest.mark.parametrize("line", USAGE)
def test_wrong_usage_is_status_2_without_traceback(mixkd, line):
    status, out, err = mixkd(*line.split())
    assert (status, out) == (2, "")
    assert "Usage: mixkd" in err
    assert "Traceback" not in err


# -- run


def test_run_trains_and_prints(mixkd):
    spec = small(teachers=[{"modality": "signal"}], mixup=PARTIAL, fold=1)
    words = [word for name, value in spec.as_dict().items() for word in ("-s", f"{name}={json.dumps(value)}")]
    status, out, err = mixkd("run", *words)
    assert status == 0
    assert all(line.startswith("training ") for line in err.splitlines()), "progress alone, and that of slow machines"
    record = Store().get(spec)
    assert out.startswith(f"{spec.name}, 2 epochs in all, run {spec.hash}\nmixed rows: 50.0%\n")
    for metric in record.metrics():
        values = [f"{record.metrics(c)[metric]:.4f}" for c in ("last", "best_validation", "best_test")]
        assert re.search(r"\W+".join([metric, *values]), out)
    before = mtimes(Store())
    assert mixkd("run", *words) == (0, out, "")
    assert mtimes(Store()) == before


def test_run_reports_what_fails_in_training(mixkd):
    status, out, err = mixkd("run", "-s", "dataset=synthetic", "-s", "fold=7", "-s", "epochs=1")
    assert (status, out) == (1, "")
    assert re.fullmatch(
        r"mixkd: 1 of 1 runs failed: .*: RunSpec.fold: found 7, expected 0 to 5, or 6 to train .*\n", err
    )


# -- sweep and verify

SMOKE = ("--profile", "smoke", "--dataset", "synthetic")


def test_dry_run_prints_the_plan_and_trains_nothing(mixkd):
    status, out, err = mixkd("sweep", "alpha", "share", *SMOKE, "--dry-run")
    assert (status, err) == (0, "")
    runs = [run for study in ("alpha", "share") for run in studies.specs(study, studies.Scope("synthetic", "smoke"))]
    total = len(planning.with_requirements(runs))
    assert out.startswith(f"{total} runs, {total} missing, about 0.0")
    assert re.search(r"fold 1, seed 0, alpha 0.2, share 1, exact\W+1\W", out)
    assert re.search(r"fold 0, seed 0, clean\W+1\W", out)
    assert not Store().runs.exists()


def test_dry_run_of_the_book(mixkd):
    status, out, _ = mixkd("sweep", "--dataset", "synthetic", "--dry-run")
    assert status == 0
    assert f"{len(planning.with_requirements(studies.every(studies.Scope('synthetic'))))} runs" in out


def tampered(spec, store: Store) -> None:
    """Rewrite a stored run so that it verifies but is not what its spec gives."""
    record = store.get(spec)
    store.put(record, record.arrays, {**record.weights, "head.bias": record.weights["head.bias"] + np.float32(1e-6)})


def without_progress(err: str) -> str:
    """stderr without the lines that a sweep of more than 20 seconds writes, as it does on a busy machine."""
    return "".join(line for line in err.splitlines(keepends=True) if not re.match(r"training \d+/\d+: ", line))


def test_a_sweep_without_runs_is_refused(mixkd):
    expected = "mixkd: study: found weights, with no run in smoke, expected --profile full\n"
    assert mixkd("sweep", "weights", *SMOKE) == (1, "", expected)


def test_sweep_then_verify(mixkd):
    status, out, err = mixkd("sweep", "alpha", *SMOKE, "--workers", "2")
    store, specs = Store(), studies.specs("alpha", studies.Scope("synthetic", "smoke"))
    runs = planning.with_requirements(specs)
    assert (status, without_progress(err)) == (0, "")
    assert out == f"{len(runs)} runs, {len(runs)} missing, about 0.01 core-hours\n{len(runs)} runs in {store.runs}\n"
    before = results(store)
    assert before.keys() == {run.hash for run in runs}

    status, out, err = mixkd("verify", *SMOKE, "--sample", "1")
    assert (status, without_progress(err)) == (0, "")
    assert out.count("identical") == 1
    assert results(store) == before

    for spec in runs:
        tampered(spec, store)
    assert all(store.get(spec) for spec in runs)
    status, out, err = mixkd("verify", *SMOKE, "--sample", "1")
    assert (status, without_progress(err)) == (1, "")
    assert out.count("differs on the same machine, accuracy by 0.0000") == 1

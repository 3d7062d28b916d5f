"""The wheel in fresh environments: versions, sizes, example, prediction: `python -m benchmarks.wheels WORDS`.

A word is an interpreter: a fresh environment with the newest releases; with `+older` behind it, with numpy 1.26; with
`+train`, the extra [train] is added then, and a student trained. A version such as 3.14 stands for an interpreter that
is not here: what pip would install for it is recorded, and nothing is run. Rows are added to the record.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from mixkd.analysis.cost import BENCHMARKS
from mixkd.deploy import export
from mixkd.files import CHECKOUT, atomic_write, canonical_json
from mixkd.learning.fold_data import fold_data
from mixkd.runs import sweep
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec

OLDER = ("numpy<2", "pyarrow<26")  # pyarrow 26 refuses numpy 1.26 without saying so beforehand
TRAINED = ("dataset=synthetic", "windows_per_class=4", "epochs=1", "batch_size=16", 'teachers=[{"modality":"image"}]')
ABOUT = "import platform, sysconfig; print(platform.python_version(), sysconfig.get_path('purelib'))"
SHOWN = ("numpy", "scipy", "scikit-learn", "numba", "onnxruntime", "pyarrow")
PREDICTION = """
import sys, numpy as np
from mixkd.deploy.predict import Student
student = Student.load(sys.argv[1])
signal = np.random.default_rng(0).normal(size=(500, 2))
found, stream = student.predict(signal, 50), student.stream()
assert "torch" not in sys.modules and len(found) == 9
assert [*stream.push(signal[:220]).label, *stream.push(signal[220:]).label, *stream.finish().label] == list(found.label)
"""


def example() -> str:
    """The first example of the page `book/python.md`, windows to images to a classifier."""
    return re.findall(r"```python\n(.*?)```", (CHECKOUT / "book" / "python.md").read_text(encoding="utf-8"), re.S)[0]


def wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into a folder, from a copy: setuptools leaves files beside what it builds."""
    source = folder / "source"
    shutil.copytree(CHECKOUT / "mixkd", source / "mixkd", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run([sys.executable, *words], check=True)
    return next(folder.glob("*.whl"))


def call(python: Path, *words: str, home: Path) -> str:
    """Standard output of a process that sees no other packages than those of its environment."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"MIXKD_HOME": str(home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(python), *words], capture_output=True, text=True, cwd=home, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)[:200]}: {done.stderr[-2000:]}")
    return done.stdout


def install(python: Path, *words: str, home: Path) -> None:
    """Install into the environment of `python`, which has no pip of its own."""
    quiet = ("--quiet", "--no-compile", "--disable-pip-version-check")
    call(Path(sys.executable), "-m", "pip", "--python", str(python), "install", *quiet, *words, home=home)


def megabytes(site: Path) -> int:
    """Size of the installed packages."""
    return round(sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6)


def student(folder: Path) -> Path:
    """The folder of a small student, trained and exported here."""
    spec = RunSpec(dataset="synthetic", windows_per_class=4, epochs=2, batch_size=16)
    export.export(sweep.run([spec], Store(folder / "store"))[0], fold_data(spec.data), folder / "student")
    return folder / "student"


def measured(interpreter: str, built: Path, folder: Path, options: set[str]) -> dict[str, Any]:
    """A row: what was installed, how large, what the example prints; ends with an error if anything fails."""
    subprocess.run([interpreter, "-m", "venv", "--without-pip", str(folder)], check=True)
    python, home = folder / "bin" / "python", folder / "home"
    home.mkdir()
    limits = OLDER if "older" in options else ()
    install(python, str(built), *limits, home=home)
    version, site = call(python, "-c", ABOUT, home=home).split()
    packages = {each.metadata["Name"]: each.version for each in distributions(path=[site])}
    row: dict[str, Any] = {"python": version} | {name: packages[name] for name in SHOWN}
    row["megabytes"] = megabytes(Path(site))
    call(python, "-c", "import mixkd, sys; assert 'numpy' not in sys.modules", home=home)
    row["example"] = call(python, "-c", example(), home=home).strip()
    call(python, "-c", PREDICTION, str(built.parent / "student"), home=home)
    if "train" in options:
        lock = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8").split()
        torch = next(line for line in lock if line.startswith("torch=="))  # of which there is a build without CUDA
        install(python, f"{built}[train]", torch, *limits, home=home)
        row["torch"] = call(python, "-c", "import torch; print(torch.__version__)", home=home).strip()
        row["megabytes with torch"] = megabytes(Path(site))
        settings = (word for field in TRAINED for word in ("-s", field))
        call(python, "-m", "mixkd.cli.main", "run", *settings, home=home)
    return row


def resolved(version: str, built: Path, folder: Path) -> dict[str, Any]:
    """A row: what pip would install for an interpreter that is not here, from wheels alone."""
    about = ("--dry-run", "--ignore-installed", "--only-binary=:all:", "--python-version", version, "--report", "-")
    words = ("-m", "pip", "install", "--quiet", *about, "--target", str(folder), "--ignore-requires-python", str(built))
    report = json.loads(call(Path(sys.executable), *words, home=folder.parent))
    versions = {each["metadata"]["name"]: each["metadata"]["version"] for each in report["install"]}
    return {"python": version, **{name: versions[name] for name in SHOWN}}


def main(words: list[str]) -> None:
    """Adds rows to benchmarks/records/wheels.json, or replaces those of the same Python and numpy."""
    record = BENCHMARKS / "wheels.json"
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        built = wheel(base)
        student(base)
        for i, word in enumerate(words):
            interpreter, *options = word.split("+")
            if re.fullmatch(r"3\.\d+", interpreter):
                row = resolved(interpreter, built, base / f"{i}")
            else:
                row = measured(interpreter, built, base / f"{i}", set(options))
                shutil.rmtree(base / f"{i}")
            rows = json.loads(record.read_text(encoding="utf-8"))["rows"] if record.is_file() else []
            rows = [each for each in rows if key(each) != key(row)] + [row]
            atomic_write(record, canonical_json({"rows": sorted(rows, key=key)}) + b"\n")
            print(row, flush=True)


def key(row: dict[str, Any]) -> tuple[list[int], bool]:
    """Minor version of Python, and whether numpy is 2, to sort by."""
    return [int(part) for part in row["python"].split(".")[:2]], row["numpy"] >= "2"


if __name__ == "__main__":
    main(sys.argv[1:])

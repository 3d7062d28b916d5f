"""Generated words, parameters and archives, for `benchmarks.generated`."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from mixkd.book import notebook
from mixkd.cli.main import fields_of
from mixkd.datasets import DATASETS, dataset, named
from mixkd.datasets.own import imported
from mixkd.datasets.raw import archives
from mixkd.specs.run import RunSpec
from mixkd.studies import STUDIES, Scope, specs

Readers = dict[str, Callable[[], object]]
CHARACTERS = "aZ0 -_.~/\\'\"[]{}(),;:=%$#@!*?&|<>+\n\t\r\x00\x1b\x7fäµ²é\u00a0\u200b\u202e\u3042\U0001f600\udcff"
MODES: tuple[Literal["w:", "w:gz", "w:bz2", "w:xz"], ...] = ("w:", "w:gz", "w:bz2", "w:xz")
NUMBERS = ("0", "-0", "1", "-1", "7", "1.5", "1e3", "1e400", "-1e400", "1e-400", "nan", "inf", "0x10", "1_000", "٣")


def word(rng: np.random.Generator, known: list[str]) -> str:
    """A known word, as it is, misspelt or in other case; a number; characters at random; or something far too long."""
    way = rng.integers(8)
    chosen = known[rng.integers(len(known))]
    if way == 0:
        return chosen
    if way == 1:
        at = int(rng.integers(len(chosen) + 1))
        return chosen[:at] + CHARACTERS[rng.integers(len(CHARACTERS))] + chosen[at + int(rng.integers(2)) :]
    if way == 2:
        return (chosen.upper(), f" {chosen}", f"{chosen}\n", f"./{chosen}", f"../{chosen}", f"~{chosen}")[
            rng.integers(6)
        ]
    if way == 3:
        return NUMBERS[rng.integers(len(NUMBERS))]
    if way == 4:
        return str(10 ** int(rng.integers(400))) if rng.random() < 0.9 else "9" * 5000
    if way == 5:
        return "([{-~"[rng.integers(5)] * int(rng.choice([1, 50, 3000]))
    if way == 6:
        return CHARACTERS[rng.integers(len(CHARACTERS))] * int(rng.choice([1, 255, 300, 5000]))
    return "".join(rng.choice(list(CHARACTERS), rng.integers(12)))


def value(rng: np.random.Generator, depth: int = 0) -> object:
    """Plain data, as JSON and papermill have it."""
    way = rng.integers(9 if depth < 3 else 6)
    if way < 3:
        return word(rng, ["signal", "image", "kd", "exact", "released", "synthetic", "quick"])
    if way == 3:
        return (None, True, False)[rng.integers(3)]
    if way == 4:
        return int(rng.integers(-3, 100)) if rng.random() < 0.8 else 10 ** int(rng.integers(300))
    if way == 5:
        return float(rng.choice([0.5, -1.0, 1e300, 1e-300, np.nan, np.inf, 16.0]))
    if way == 6:
        return [value(rng, depth + 1) for _ in range(rng.integers(4))]
    names = ["alpha", "share", "modality", "depth", "width", "mixup", "weight", "resolution", "sampling"]
    return {word(rng, names): value(rng, depth + 1) for _ in range(rng.integers(4))}


@cache
def _notebooks() -> dict[Path, list[str]]:
    return {path: list(notebook.parameters_of(path)) for path in sorted(notebook.NOTEBOOKS.glob("*.ipynb"))}


def parameters(rng: np.random.Generator, base: Path) -> Readers:
    """Assignments for `mixkd notebook -p`, values that papermill injects, and settings for `mixkd run -s`."""
    path, names = list(_notebooks().items())[rng.integers(len(_notebooks()))]
    assignments = [f"{word(rng, names)}={word(rng, ['watch', 'quick', '0.4', '7', 'True'])}" for _ in range(2)]
    declared = notebook.parameters_of(path)
    injected = {name: p.default for name, p in declared.items()} | {word(rng, names): value(rng)}
    injected["__annotations__"] = {name: p.type for name, p in declared.items()}
    fields = list(RunSpec().as_dict())
    settings = [f"{word(rng, fields)}={json.dumps(value(rng)) if rng.random() < 0.7 else word(rng, ['1'])}"]
    return {
        "notebook": lambda: notebook.parse_assignments(path, assignments),
        "papermill": lambda: notebook.check_parameters(injected),
        "run": lambda: RunSpec.parse(fields_of(settings)).hash,
    }


def names(rng: np.random.Generator, base: Path) -> Readers:
    """Names of data sets, studies, profiles and notebooks."""
    dataset_name = word(rng, [*DATASETS, f"{imported.KEPT}0123456789ab"])
    study, profile = word(rng, list(STUDIES)), word(rng, ["smoke", "quick", "full"])
    chapter = word(rng, [path.stem for path in _notebooks()])
    return {
        "dataset": lambda: dataset(dataset_name).title,
        "named": lambda: named(dataset_name),
        "study": lambda: len(specs(study, Scope("synthetic", profile))),
        "chapter": lambda: notebook.path_of(chapter),
    }


def _member(rng: np.random.Generator, odd: float) -> str:
    segments = [
        "data",
        "a.csv",
        "..",
        ".",
        "",
        "b.zip",
        "ä.txt",
        "x" * 255,
        "x" * 300,
        "C:",
        "con",
        "a\\b",
        "a\nb",
        "\x00",
        " ",
        "~",
    ]
    return ("/" if rng.random() < 0.1 else "") + "/".join(rng.choice(segments, rng.integers(1, 4)))


def _content(rng: np.random.Generator) -> bytes:
    return bytes(int(rng.choice([0, 10, 5000, 200_000]))) if rng.random() < 0.5 else rng.bytes(int(rng.integers(2000)))


def _zip(rng: np.random.Generator, odd: float, depth: int = 0) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", int(rng.choice([0, 8, 12, 14]))) as archive:
        warnings.simplefilter("ignore")
        for _ in range(rng.integers(1, 6)):
            info = zipfile.ZipInfo("x")
            info.filename = _member(rng, odd)
            if rng.random() < odd / 3:
                kind = rng.choice([stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFREG, stat.S_IFCHR])
                info.create_system, info.external_attr = 3, (int(kind) | 0o777) << 16
            nested = info.filename.endswith(".zip") and depth < 2
            archive.writestr(info, _zip(rng, odd, depth + 1) if nested else _content(rng))
    return buffer.getvalue()


def _tar(rng: np.random.Generator, odd: float) -> bytes:
    buffer = io.BytesIO()
    kinds = [tarfile.REGTYPE] * 6 + [
        tarfile.DIRTYPE,
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CHRTYPE,
    ]
    with tarfile.open(fileobj=buffer, mode=MODES[rng.integers(4)]) as archive:
        for _ in range(rng.integers(1, 6)):
            info = tarfile.TarInfo(_member(rng, odd).replace("\x00", "0"))
            content = _content(rng)
            info.size, info.linkname = len(content), _member(rng, odd)
            info.type = kinds[rng.integers(len(kinds))] if rng.random() < odd else tarfile.REGTYPE
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def archive(rng: np.random.Generator, base: Path) -> Readers:
    """Zip and tar archives with odd members; many of them damaged, cut or under another name."""
    zipped, odd = rng.random() < 0.6, float(rng.choice([0, 0.1, 0.5]))
    data = bytearray(_zip(rng, odd) if zipped else _tar(rng, odd))
    for _ in range(int(rng.choice([0, 0, 0, 1, 5]))):
        at = (
            int(rng.integers(len(data)))
            if rng.random() < 0.5
            else len(data) - 1 - int(rng.integers(min(len(data), 200)))
        )
        data[at] = int(rng.integers(256))
    if rng.random() < 0.1:
        data = data[: rng.integers(len(data) + 1)]
    if rng.random() < 0.05:
        data += rng.bytes(50)
    path = base / ("a.zip" if zipped == (rng.random() < 0.95) else str(rng.choice(["a.tar.gz", "a.tar", "a.bin"])))
    path.write_bytes(data)
    return {"unpack": lambda: _unpacked(path, base)}


def _unpacked(path: Path, base: Path) -> None:
    """Unpack. What is refused must leave nothing; what is unpacked holds plain files only."""
    target = base / "set"
    try:
        archives.unpack(path, target, 1_000_000)
    except Exception:
        assert sorted(base.iterdir()) == [path], "a refused archive left something"
        raise
    assert all(p.is_dir() or (p.is_file() and not p.is_symlink()) for p in target.rglob("*"))

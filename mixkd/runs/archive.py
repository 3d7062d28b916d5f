"""Published records as one file: to keep, to cite, to send, and to read without mixkd.

An archive is a plain tar of Parquet parts, weights of exemplars, their manifest with SHA-256, a licence, a page that
says how to read them, and RO-Crate metadata. Equal records make equal bytes, and an archive is named by them.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pooch
import requests

from mixkd.errors import MixkdError, short
from mixkd.files import CHECKOUT, atomic_write, canonical_json, locked, sha256
from mixkd.runs.published import LOCK, MANIFEST, RESULTS, Published

CRATE, PAGE, LICENCE, NEWEST = "ro-crate-metadata.json", "README.md", "LICENSE", "newest.json"
TIMEOUT = 30  # seconds without a byte
HOW = """\
# Runs of mixkd

{n_runs} trained networks on {datasets}: a row of a Parquet file is a run.

    import pandas as pd
    runs = pd.read_parquet("{example}")
    print(runs[["dataset", "fold", "seed", "name", "accuracy", "nll"]])

The column `record` holds the whole record of a run as JSON: its settings, a row per epoch, the people it was trained
and tested on, versions and machine. `test_bytes` holds its outputs, `n_windows` x `n_classes` bytes: a logit is
exp(byte / 40) - 1 below the largest of its window. Forces and two heads have `test_logits` instead, numbers of 16 bits.
`{manifest}` names every file with its SHA-256.
"""


def content(root: Path = RESULTS, datasets: Iterable[str] = ()) -> dict[str, bytes]:
    """The files of an archive by name, of all data sets or some. MixkdError where there is none, or one is damaged."""
    published, wanted = Published(root), tuple(datasets)
    names = [name for name in sorted(published.files) if not wanted or name.split("/")[0] in wanted]
    if not any(name.endswith(".parquet") for name in names):
        raise MixkdError(
            f"{root}: found no published runs of {', '.join(wanted) or 'any data set'}; see `mixkd publish`"
        )
    files = {name: published.read(name) for name in names}
    parts = [name for name in names if name.endswith(".parquet")]
    n_runs = sum(published.n_rows(part) for part in parts)
    sets = sorted({name.split("/")[0] for name in parts})
    page = HOW.format(n_runs=n_runs, datasets=", ".join(sets), example=parts[0], manifest=MANIFEST)
    files[MANIFEST] = canonical_json({"files": {name: published.files[name] for name in names}}) + b"\n"
    files[PAGE], files[LICENCE] = page.encode(), (CHECKOUT / "LICENSE").read_bytes()
    files[CRATE] = canonical_json(crate(files, n_runs, sets)) + b"\n"
    return files


def crate(files: dict[str, bytes], n_runs: int, datasets: list[str]) -> dict[str, Any]:
    """RO-Crate 1.1 metadata of an archive."""
    parts = [
        {"@id": name, "@type": "File", "contentSize": str(len(raw)), "sha256": sha256(raw)}
        for name, raw in sorted(files.items())
    ]
    about = {
        "name": f"Runs of mixkd on {', '.join(datasets)}",
        "description": f"Records of {n_runs} trained networks: settings, metrics per epoch, outputs on test windows.",
        "license": {"@id": LICENCE},
    }
    return described(about, parts)


def described(about: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """RO-Crate 1.1 metadata of a folder and its parts, https://w3id.org/ro/crate/1.1; adds what all crates share."""
    about = {
        "@id": "./",
        "@type": "Dataset",
        "isBasedOn": {"@id": "https://doi.org/10.1109/JSEN.2024.3517653"},
        "hasPart": [{"@id": part["@id"]} for part in parts],
    } | about
    itself = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [itself, about, *parts]}


def packed(files: dict[str, bytes]) -> bytes:
    """A tar of files by name, the same bytes for the same files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, raw in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(raw), 0o644
            tar.addfile(member, io.BytesIO(raw))
    return target.getvalue()


def unpacked(path: Path) -> dict[str, bytes]:
    """The files of an archive that its manifest names, by name. MixkdError where one is missing, damaged or unknown."""
    try:
        with tarfile.open(path) as tar:
            files = {}
            for member in tar:
                file = tar.extractfile(member)
                if file is None:
                    raise MixkdError(
                        f"{path}: found {short(member.name)}, which is no file; expected an archive of runs"
                    )
                files[member.name] = file.read()
        named = dict(json.loads(files[MANIFEST])["files"])
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise MixkdError(f"{path}: found {error or type(error).__name__}, expected an archive of runs") from error
    for name, digest in named.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise MixkdError(f"{path}: found the name {short(name)}, expected one below results/")
        found = sha256(files[name]) if name in files else "no such file"
        if found != digest:
            raise MixkdError(f"{path}: {name}: found {found[:12]}, expected SHA-256 {digest[:12]}")
    if unknown := files.keys() - named.keys() - {MANIFEST, PAGE, LICENCE, CRATE}:
        raise MixkdError(f"{path}: found {short(sorted(unknown)[0])}, which its manifest does not name")
    return {name: files[name] for name in named}


def push(folder: Path, files: dict[str, bytes]) -> Path:
    """Put an archive into a folder, such as one that a web server shows, and say there that it is the newest."""
    raw = packed(files)
    path = folder / f"mixkd-runs-{sha256(raw)[:12]}.tar"
    atomic_write(path, raw)
    atomic_write(folder / NEWEST, canonical_json({"archive": path.name, "sha256": sha256(raw)}) + b"\n")
    return path


def pull(origin: str, root: Path = RESULTS) -> int:
    """Add the runs of an archive, or of the newest one of a folder or address, to the published ones; new files.

    Raises MixkdError for what is no archive, or another content under a name that is known; then nothing is changed.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = unpacked(_fetched(origin, Path(folder)))
    with locked(root / LOCK):
        known = Published(root).files
        for name, raw in files.items():
            if known.get(name, sha256(raw)) != sha256(raw):
                raise MixkdError(
                    f"{origin}: {name}: found other bytes than those of {root}; pull it into an empty folder"
                )
        new = {name: raw for name, raw in files.items() if name not in known}
        for name, raw in new.items():
            atomic_write(root / name, raw)
        if new:
            every = known | {name: sha256(raw) for name, raw in new.items()}
            atomic_write(root / MANIFEST, canonical_json({"files": every}) + b"\n")
    return len(new)


def _fetched(origin: str, folder: Path) -> Path:
    """The archive as a file on this machine."""
    if not origin.startswith(("http://", "https://")):
        path = Path(origin)
        return path / _newest((path / NEWEST).read_bytes, origin)["archive"] if path.is_dir() else path

    def read() -> bytes:
        answer = requests.get(f"{origin.rstrip('/')}/{NEWEST}", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.content

    newest = _newest(read, origin)
    url = f"{origin.rstrip('/')}/{newest['archive']}"
    try:
        return Path(pooch.retrieve(url, known_hash=f"sha256:{newest['sha256']}", path=folder, fname="archive.tar"))
    except (ValueError, OSError) as error:  # ValueError: another hash
        raise MixkdError(f"{url}: found {short(str(error))}, expected the archive that {NEWEST} names") from error


def _newest(read: Callable[[], bytes], origin: str) -> dict[str, str]:
    try:
        content = json.loads(read())
        return {key: str(content[key]) for key in ("archive", "sha256")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MixkdError(
            f"{origin}: found no {NEWEST} ({short(str(error))}), expected what `mixkd results push` wrote"
        ) from error

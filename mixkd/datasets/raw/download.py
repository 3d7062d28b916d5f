"""Download of raw data by pooch, with resume, size limits and checksums; later checks of the files.

The unpacked files of an archive appear below `paths.root()` at once or not at all. `NAME.files.json` records the
SHA-256 of the archive and of every file at the first download; every later check compares with it.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import os
import re
from collections.abc import Callable, Iterable
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any

import pooch
import requests

from mixkd import files
from mixkd.datasets.raw import archives, paths
from mixkd.datasets.raw.sources import SOURCES, Source
from mixkd.errors import MixkdError, nearest, short

TIMEOUT = 30.0  # seconds without a byte
CHUNK = 1 << 16
Progress = Callable[[int, int | None], object]  # bytes so far, total bytes if known


def source(name: str) -> Source:
    """The source of a data set. Raises MixkdError for an unknown name."""
    if name not in SOURCES:
        raise MixkdError(f"download: found {name!r}, {nearest(name, SOURCES)}")
    return SOURCES[name]


def fetch(name: str, progress: Progress = lambda done, total: None) -> Path:
    """The folder of a data set's raw files, downloaded if missing. Raises MixkdError with instructions on failure."""
    origin, target = source(name), paths.root() / name
    if target.exists():
        return target
    pooch.get_logger().setLevel(logging.ERROR)
    record = _record(name)
    known = origin.sha256 or record.get("archive")
    downloads = paths.root() / ".downloads"
    archive = downloads / origin.archive
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            origin.url,
            known_hash=f"sha256:{known}" if known else None,
            fname=archive.name,
            path=downloads,
            downloader=lambda url, file, _: _download(url, Path(file), archive, origin, progress),
        )
    except ValueError as error:  # pooch raises it for another hash
        raise MixkdError(
            f"{origin.url}: found another SHA-256 than {known[:12] if known else None}…, which "
            f"{'is the official one' if origin.sha256 else f'{_recorded(name)} records'}; nothing was kept"
        ) from error
    except OSError as error:
        raise MixkdError(f"{downloads}: cannot be written: {error.strerror or error}") from error
    digest = sha256_of(archive)
    try:
        archives.unpack(archive, target, origin.unpacked, keep=origin.keep, name=origin.url)
    finally:
        archive.unlink(missing_ok=True)  # a damaged archive is downloaded again
    _write_record(name, {"archive": digest, "files": manifest(target), "url": origin.url})
    return target


def _download(url: str, output: Path, archive: Path, origin: Source, progress: Progress) -> None:
    """Download to `output`. An interrupted download resumes if the server supports ranges and its file is unchanged."""
    part, mark = (archive.with_name(archive.name + suffix) for suffix in (".part", ".part.etag"))
    done = part.stat().st_size if part.is_file() and mark.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers |= {"Range": f"bytes={done}-", "If-Range": mark.read_text(encoding="utf-8")}
    by_hand = f"fetch it by hand from {origin.page} and set MIXKD_DATA"
    refused = f"{url}: found {{}}, expected an archive; nothing was kept; {by_hand}"
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416 and done:  # already complete, or another file: start again
                mark.unlink()
                return _download(url, output, archive, origin, progress)
            if answer.status_code not in (200, 206):
                raise MixkdError(f"{url}: found HTTP status {answer.status_code}, expected 200; or {by_hand}")
            done = done if answer.status_code == 206 else 0
            blocks = answer.iter_content(CHUNK)
            first = next(blocks, b"")
            if not done and (other := _no_archive(answer, first)):
                raise MixkdError(refused.format(other))
            length = answer.headers.get("Content-Length", "")
            total = done + int(length) if length.isdecimal() else None
            if (total or 0) > origin.limit:
                raise MixkdError(f"{url}: found {total:,} bytes, expected at most {origin.limit:,}; nothing was kept")
            mark.unlink(missing_ok=True)
            if tag := answer.headers.get("ETag") or answer.headers.get("Last-Modified"):
                files.atomic_write(mark, tag.encode())
            _keep(chain([first], blocks), part, done, origin, lambda done: progress(done, total))
    except requests.Timeout as error:
        raise MixkdError(f"{url}: no answer within {TIMEOUT:g} s; run it again to go on, or {by_hand}") from error
    except requests.RequestException as error:
        done = part.stat().st_size if part.is_file() else 0
        way_on = f"{done:,} bytes are kept: run it again to go on, or {by_hand}"
        raise MixkdError(f"{url}: found {_reason(error)}, expected the whole file; {way_on}") from error
    os.replace(part, output)
    mark.unlink(missing_ok=True)


def _keep(blocks: Iterable[bytes], part: Path, done: int, origin: Source, progress: Callable[[int], object]) -> None:
    """Append blocks to the `done` bytes of a partial file; it is deleted if it exceeds the limit."""
    with open(part, "ab" if done else "wb") as file:
        for block in blocks:
            done += len(block)
            if done > origin.limit:
                part.unlink()
                raise MixkdError(f"{origin.url}: found more than {origin.limit:,} bytes, the limit; nothing was kept")
            file.write(block)
            progress(done)


def _no_archive(answer: requests.Response, first: bytes) -> str | None:
    """Description of a response that is no archive, by its first bytes; None if it may be one."""
    if not first.strip():
        return "an empty answer"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    page = kind in ("text/html", "application/xhtml+xml") or start.startswith(
        (b"<!doctype", b"<html", b"<head", b"<!--")
    )
    if not page and not (
        kind.startswith("text/") or kind.endswith(("json", "xml")) or start.startswith((b"{", b"<?xml"))
    ):
        return None
    title = re.search(rb"<title[^>]*>(.*?)</title", first, re.IGNORECASE | re.DOTALL)
    text = html.unescape((title[1] if title else first[:200]).decode("utf-8", "replace"))
    where = f" from {answer.url}" if answer.history else ""
    what = f"a web page ({kind or 'no type'}" if page else f"text ({kind or 'no type'}"
    return f"{what}, {short(text)!r}){where}"


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection closed early"
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__


def sha256_of(path: Path) -> str:
    """Hex digits of the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}


def _recorded(name: str) -> Path:
    return paths.root() / f"{name}.files.json"


def _record(name: str) -> dict[str, Any]:
    """The record of the first download; empty without one, and for files that were copied by hand."""
    try:
        return json.loads(_recorded(name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise MixkdError(f"{_recorded(name)}: cannot be read as JSON; remove it to record anew") from error


def _write_record(name: str, content: dict[str, Any]) -> None:
    files.atomic_write(_recorded(name), files.canonical_json(content) + b"\n")


def known(name: str) -> dict[str, str]:
    """SHA-256 of official files where known, by name; names that end in / are folders, see `of_folder`."""
    file = resources.files("mixkd.datasets") / "manifests" / f"{name}.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def of_folder(digests: dict[str, str], folder: str) -> str:
    """One SHA-256 for all files of a folder: over the lines `digest  name` in order."""
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.items()) if path.startswith(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check(name: str) -> list[str]:
    """Problems of a data set's raw files, a line each, against the official SHA-256 and the record.

    Files that were copied by hand are recorded by the first check without problems.
    """
    source(name)
    folder = paths.root() / name
    if not folder.is_dir():
        raise MixkdError(f"{folder}: found no folder, expected the raw files; `mixkd data fetch {name}` fetches them")
    digests, record, official, problems = manifest(folder), _record(name), known(name), []
    if not any(_digest(digests, path) for path in official):
        official = {}  # another layout, or only files of unknown SHA-256
    for expected, what in ((record.get("files", {}), "as recorded"), (official, "as published")):
        for path, digest in expected.items():
            here = _digest(digests, path)
            if here != digest:
                problems.append(
                    f"{folder / path}: found {f'SHA-256 {here[:12]}…' if here else 'nothing'}, {what} {digest[:12]}…"
                )
    if not record and not problems:
        _write_record(name, {"files": digests})
    return problems


def origin(name: str) -> str:
    """Whether a data set's raw files match the official SHA-256 (as far as known), or the recorded download."""
    digests, record, official = manifest(paths.root() / name), _record(name), known(name)
    here = {path: _digest(digests, path) for path in official}
    if any(here.values()):
        return "as published" if here == official else "not as published"
    return "as fetched" if "url" in record and record["files"] == digests else "not checked"


def _digest(digests: dict[str, str], path: str) -> str | None:
    if not path.endswith("/"):
        return digests.get(path)
    return of_folder(digests, path) if any(name.startswith(path) for name in digests) else None

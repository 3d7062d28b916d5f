"""Safe unpacking of archives: the target folder appears complete, or not at all.

Refused: paths outside the folder, links and devices, repeated names, encryption, and more bytes or files than a limit
(counted while unpacking, because headers may be wrong). Checksums inside the archive are verified by reading.
Zip files inside (as the UCI repository packs some sets) are unpacked in place, one level deep.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from mixkd.errors import MixkdError

MAX_FILES = 50_000
CHUNK = 1 << 20
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, UnicodeError)


@dataclass
class _Unpacking:
    """State of one call of `unpack`: limits, bytes and files written so far."""

    name: str  # of the archive, in errors
    limit: int
    keep: tuple[str, ...]
    written: int = 0
    n_files: int = 0
    names: set[str] = field(default_factory=set)

    def refuse(self, found: str, expected: str) -> MixkdError:
        return MixkdError(f"{self.name}: found {found}, expected {expected}; nothing was unpacked")


def unpack(archive: Path, target: Path, limit: int, *, keep: tuple[str, ...] = ("*",), name: str = "") -> None:
    """Files of a zip or tar archive that match one of `keep`, into the new folder `target`; at most `limit` bytes.

    name: of the archive in errors, in place of its path. Raises MixkdError for a damaged or hostile archive; `target`
    does not exist then.
    """
    if target.exists():
        raise MixkdError(f"{target}: found it in the way, expected to make this folder; nothing was unpacked")
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    job = _Unpacking(name or str(archive), limit, keep)
    try:
        temporary.mkdir(parents=True)
        with open(archive, "rb") as file:
            _members(job, file, archive.name, temporary, inner=True)
        if not job.n_files:
            raise job.refuse("no file", f"some that match {' or '.join(keep)}")
        os.replace(temporary, target)
    except BROKEN as error:
        raise job.refuse(f"a damaged archive ({' '.join(str(error).split())})", "a whole one") from error
    except OSError as error:
        raise MixkdError(f"{job.name}: could not unpack to {target}: {error.strerror or error}") from error
    except RuntimeError as error:  # zipfile raises it for encryption
        raise job.refuse(str(error), "no encryption") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _members(job: _Unpacking, file: IO[bytes], name: str, folder: Path, inner: bool) -> None:
    """Write the members of `file` below `folder`. All names of a zip are checked before the first is written."""
    if name.lower().endswith(".zip"):
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for info in members:
                _check_zip(job, info)
            for info in members:
                if not info.is_dir():
                    with archive.open(info) as content:
                        _file(job, content, info.filename, folder, inner)
        return
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for member in archive:
            _check_tar(job, member)
            if member.isfile() and (body := archive.extractfile(member)):
                with body:
                    _file(job, body, member.name, folder, inner)


def _check_zip(job: _Unpacking, info: zipfile.ZipInfo) -> None:
    _check_name(job, info.orig_filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise job.refuse(f"the link or device {info.filename!r}", "files and folders only")
    _check_size(job, info.file_size)


def _check_tar(job: _Unpacking, member: tarfile.TarInfo) -> None:
    _check_name(job, member.name)
    if not (member.isfile() or member.isdir()):
        raise job.refuse(f"the link or device {member.name!r}", "files and folders only")
    _check_size(job, member.size)


def _check_name(job: _Unpacking, name: str) -> None:
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name)
    if outside or "\\" in name or not name.isprintable() or not path.parts:
        raise job.refuse(f"the name {name!r}", "names inside the folder")


def _check_size(job: _Unpacking, size: int) -> None:
    if job.written + size > job.limit:
        raise job.refuse(f"more than {job.limit:,} bytes", "less, the limit for this data set")


def _file(job: _Unpacking, content: IO[bytes], name: str, folder: Path, inner: bool) -> None:
    """Write one member, or its members if it is itself an archive."""
    path = PurePosixPath(name)
    target = folder.joinpath(*path.parts)
    known = str(target).casefold()  # names that differ in case are one file on some systems
    if known in job.names:
        raise job.refuse(f"the name {name!r} twice", "every name once")
    job.names.add(known)
    if len(job.names) > MAX_FILES:
        raise job.refuse(f"more than {MAX_FILES:,} files", "fewer")
    nested = inner and path.suffix.lower() == ".zip"
    if not nested and not any(fnmatchcase(str(path), pattern) for pattern in job.keep):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as file:
        for block in _blocks(content):
            _check_size(job, len(block))
            job.written += len(block)
            file.write(block)
    if nested:
        with open(target, "rb") as file:
            _members(job, file, path.name, target.parent, inner=False)
        job.written -= target.stat().st_size
        target.unlink()
    else:
        job.n_files += 1


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(CHUNK):
        yield block

"""Compressed files and files inside zip archives, addressed as if an archive were a folder: `p1.zip/Gyroscope.csv`."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mixkd.errors import MixkdError, short

LARGEST = 1 << 33  # bytes of a file, unpacked
BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError)


def archive_of(path: Path) -> Path | None:
    """The zip archive that a path leads into; None for a path of the file system."""
    return next((up for up in path.parents if up.suffix.lower() == ".zip" and up.is_file()), None)


def members(archive: Path) -> list[str]:
    """Names of the files in a zip archive. Raises MixkdError if it is damaged."""
    with _whole(archive, "a zip archive"), zipfile.ZipFile(archive) as file:
        return sorted(info.filename for info in file.infolist() if not info.is_dir())


def content(path: Path) -> bytes | None:
    """The bytes of a file that is compressed (`.gz`) or inside a zip archive; None for any other file."""
    if archive := archive_of(path):
        name = path.relative_to(archive).as_posix()
        with _whole(path, "a file in a zip archive"), zipfile.ZipFile(archive) as file:
            if file.getinfo(name).file_size > LARGEST:
                raise MixkdError(f"{path}: found more than {LARGEST:,} bytes, expected a recording: unpack it first")
            return file.read(name)
    if path.suffix.lower() == ".gz":
        with _whole(path, "a gzip archive, whole"), gzip.open(path) as packed:
            unpacked = packed.read(LARGEST + 1)
        if len(unpacked) > LARGEST:
            raise MixkdError(f"{path}: found more than {LARGEST:,} bytes, expected a recording: unpack it first")
        return unpacked
    return None


def stem(path: Path) -> Path:
    """The path without `.gz`: its ending tells the format."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


@contextmanager
def on_disk(path: Path) -> Iterator[Path]:
    """A path of the file system with the bytes of `path`, for readers of other libraries."""
    if (unpacked := content(path)) is None:
        yield path
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / stem(path).name
        copy.write_bytes(unpacked)
        yield copy


@contextmanager
def _whole(path: Path, expected: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise MixkdError(f"{path}: found {short(error, 100)}, expected {expected}") from error

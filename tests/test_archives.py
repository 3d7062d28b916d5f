"""Archives: good ones are unpacked, hostile and damaged ones leave nothing anywhere."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import tempfile
import uuid
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from mixkd.datasets.raw import archives
from mixkd.errors import MixkdError

CONTENT = b"1,2,3\n" * 50
LIMIT = 1_000_000
OUTSIDE = f"{tempfile.gettempdir()}/mixkd-{uuid.uuid4().hex}"  # an absolute name that nothing else writes


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name) if compression == zipfile.ZIP_STORED else name, content)
    return buffer.getvalue()


def zip_of(name: str, mode: int, content: bytes = b"/etc/passwd") -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data/a.csv", CONTENT)
        archive.writestr(info, content)
    return buffer.getvalue()


def twice(name: str, again: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns() if name == again else nullcontext():
        archive.writestr(name, CONTENT)
        archive.writestr(again, b"other")
    return buffer.getvalue()


def tarred(*members: tuple[str, bytes, bytes, str], mode: str = "w:gz") -> bytes:
    """Members as (name, type, content, link)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, kind, content, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content), link
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


FILE = ("data/a.csv", tarfile.REGTYPE, CONTENT, "")


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def unpack(tmp_path: Path, name: str, raw: bytes, **options) -> dict[str, bytes | None]:
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / name).write_bytes(raw)
    archives.unpack(tmp_path / "in" / name, tmp_path / "out" / "set", **{"limit": LIMIT, **options})
    return {name: raw for name, raw in snapshot(tmp_path / "out" / "set").items() if raw is not None}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.zip", zipped({"data/": b"", "data/a.csv": CONTENT, "b.txt": b"b"})),
        ("a.tar.gz", tarred(("data", tarfile.DIRTYPE, b"", ""), FILE, ("b.txt", tarfile.REGTYPE, b"b", ""))),
        ("a.tar", tarred(FILE, ("./b.txt", tarfile.REGTYPE, b"b", ""), mode="w")),
        ("a.zip", zipped({"inner.zip": zipped({"data/a.csv": CONTENT}), "b.txt": b"b"})),
    ],
    ids=["zip", "tar.gz", "tar", "nested"],
)
def test_good_archives(tmp_path, name, raw):
    assert unpack(tmp_path, name, raw) == {"data/a.csv": CONTENT, "b.txt": b"b"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["set"], "no temporary folder stays"


def test_only_what_is_wanted_is_written(tmp_path):
    inner = zipped({"S/raw/1.txt": b"1", "S/docs/r.pdf": b"r"})
    raw = zipped({"inner.zip": inner, "readme.txt": b"b"})
    assert unpack(tmp_path, "a.zip", raw, keep=("S/raw/*",)) == {"S/raw/1.txt": b"1"}
    with pytest.raises(MixkdError, match=r"found no file, expected some that match none/\*"):
        archives.unpack(tmp_path / "in" / "a.zip", tmp_path / "out" / "other", LIMIT, keep=("none/*",))


DEEP = zipped({"one.zip": zipped({"two.zip": zipped({"../x": b"x"})})})
LIAR = bytearray(zipped({"bomb": bytes(3 * LIMIT)}))  # deflated to 3 kB; its headers say that it holds 10 bytes
for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
    at = LIAR.index(signature) + offset
    LIAR[at : at + 4] = (10).to_bytes(4, "little")
LOCKED = bytearray(zipped({"data/a.csv": CONTENT}))
for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
    LOCKED[LOCKED.index(signature) + offset] |= 1
FLIPPED = bytearray(zipped({"data/a.csv": CONTENT}, zipfile.ZIP_STORED))
FLIPPED[FLIPPED.index(CONTENT) + 7] ^= 1

HOSTILE = {
    "zip: above the folder": ("a.zip", zipped({"data/a.csv": CONTENT, "../evil": b"x"}), r"found the name '\.\./evil'"),
    "zip: deep above": ("a.zip", zipped({"data/../../evil": b"x"}), "found the name 'data/../../evil'"),
    "zip: absolute": ("a.zip", zipped({OUTSIDE: b"x"}), f"found the name '{OUTSIDE}'"),
    "zip: a drive": ("a.zip", zipped({"C:/evil": b"x"}), "found the name 'C:/evil'"),
    "zip: backslashes": ("a.zip", zipped({"..\\evil": b"x"}), r"found the name '\.\.\\\\evil'"),
    "zip: symbolic link": ("a.zip", zip_of("data/l", stat.S_IFLNK | 0o777), "found the link or device 'data/l'"),
    "zip: device": ("a.zip", zip_of("data/d", stat.S_IFCHR | 0o666), "found the link or device 'data/d'"),
    "zip: twice": ("a.zip", twice("data/a.csv", "data/a.csv"), "found the name 'data/a.csv' twice"),
    "zip: twice but for case": ("a.zip", twice("data/a.csv", "data/A.csv"), "found the name 'data/A.csv' twice"),
    "zip: large": ("a.zip", zipped({"a": bytes(LIMIT), "b": b"1"}), "found more than 1,000,000 bytes"),
    "zip: bomb": ("a.zip", zipped({"a": bytes(50 * LIMIT)}), "found more than 1,000,000 bytes"),
    "zip: bomb in a zip": ("a.zip", zipped({"b.zip": zipped({"a": bytes(50 * LIMIT)})}), "found more than 1,000,000"),
    "zip: lying headers": ("a.zip", bytes(LIAR), r"found (more than|a damaged archive)"),
    "zip: hostile in a zip": ("a.zip", zipped({"b.zip": zipped({"../../evil": b"x"})}), "found the name '../../evil'"),
    "zip: encrypted": ("a.zip", bytes(LOCKED), "is encrypted, password required.*, expected no encryption"),
    "zip: cut off": ("a.zip", zipped({"data/a.csv": CONTENT})[:-30], "found a damaged archive"),
    "zip: changed byte": ("a.zip", bytes(FLIPPED), r"found a damaged archive \(Bad CRC-32 for file 'data/a.csv'"),
    "zip: something else": ("a.zip", b"<html>not found</html>", "found a damaged archive .File is not a zip file"),
    "zip: nothing": ("a.zip", zipped({}), "found no file, expected some"),
    "tar: above the folder": ("a.tgz", tarred(FILE, ("../evil", tarfile.REGTYPE, b"x", "")), "found the name '../evil"),
    "tar: absolute": ("a.tgz", tarred(FILE, (OUTSIDE, tarfile.REGTYPE, b"x", "")), f"found the name '{OUTSIDE}'"),
    "tar: symbolic link": ("a.tgz", tarred(FILE, ("l", tarfile.SYMTYPE, b"", "/tmp")), "found the link or device 'l'"),
    "tar: hard link": ("a.tgz", tarred(FILE, ("l", tarfile.LNKTYPE, b"", "data/a.csv")), "found the link or device"),
    "tar: device": ("a.tgz", tarred(FILE, ("d", tarfile.CHRTYPE, b"", "")), "found the link or device 'd'"),
    "tar: twice": ("a.tgz", tarred(FILE, FILE), "found the name 'data/a.csv' twice"),
    "tar: bomb": ("a.tgz", tarred(FILE, ("b", tarfile.REGTYPE, bytes(2 * LIMIT), "")), "found more than 1,000,000"),
    "tar: cut off": ("a.tgz", tarred(FILE, mode="w:gz")[:-20], "found a damaged archive"),
    "tar: something else": ("a.tgz", gzip.compress(b"hello"), "found a damaged archive"),
}


@pytest.mark.parametrize(("name", "raw", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_leave_nothing(tmp_path, name, raw, message):
    (tmp_path / "sentinel").write_bytes(b"here before")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(raw)
    (tmp_path / "out").mkdir()
    before = snapshot(tmp_path)
    with pytest.raises(MixkdError, match=message) as refusal:
        archives.unpack(tmp_path / "in" / name, tmp_path / "out" / "set", LIMIT)
    assert snapshot(tmp_path) == before
    assert not Path(OUTSIDE).exists()
    assert str(refusal.value).startswith(f"{tmp_path / 'in' / name}: ")
    assert "\n" not in str(refusal.value)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    with pytest.raises(MixkdError, match="found more than 3 files, expected fewer"):
        unpack(tmp_path, "a.zip", zipped({str(i): b"" for i in range(4)}))


def test_a_folder_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "out" / "set").mkdir(parents=True)
    (tmp_path / "out" / "set" / "mine").write_text("mine")
    with pytest.raises(MixkdError, match="found it in the way"):
        unpack(tmp_path, "a.zip", zipped({"a": b"a"}))
    assert snapshot(tmp_path / "out" / "set") == {"mine": b"mine"}


def test_an_archive_that_is_not_there(tmp_path):
    with pytest.raises(MixkdError, match=r"none\.zip: could not unpack .*: No such file"):
        archives.unpack(tmp_path / "none.zip", tmp_path / "set", LIMIT)
    assert snapshot(tmp_path) == {}

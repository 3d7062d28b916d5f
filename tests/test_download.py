"""Downloads from a server on this machine: whole, interrupted, changed, refused, slow; and what is checked later."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mixkd.cli import data, main
from mixkd.datasets.raw import download, paths
from mixkd.datasets.raw.sources import SOURCES, Source
from mixkd.errors import MixkdError

FILES = {"S/a.csv": b"1,2,3\n" * 9000, "S/b.csv": np.random.default_rng(0).bytes(200_000)}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


ARCHIVE = zipped(FILES)


class Server(ThreadingHTTPServer):
    """Serves `content`; misbehaves as told, and remembers what it was asked."""

    daemon_threads = True
    content = ARCHIVE
    cut: int | None = None  # the connection closes after so many bytes of an answer
    status = 200
    ranges = True  # understands Range
    length = True  # tells the length
    pause = 0.0  # seconds before the answer
    etag = '"one"'
    kind: str | None = None  # Content-Type
    login = False  # sends whoever asks for the archive to another page

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/a+set.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        time.sleep(server.pause)
        if server.status != 200:
            self.send_error(server.status)
            return
        if server.login and self.path != "/login":
            self.send_response(302)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        if asked and server.ranges and self.headers.get("If-Range") == server.etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if asked and start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if server.length:
            self.send_header("Content-Length", str(len(body)))
        if server.ranges:
            self.send_header("ETag", server.etag)
        if server.kind:
            self.send_header("Content-Type", server.kind)
        self.end_headers()
        with suppress(OSError):  # the other side may have had enough
            self.wfile.write(body if server.cut is None else body[: server.cut])


@pytest.fixture
def server(monkeypatch, tmp_path, store_home) -> Iterator[Server]:
    """A server whose archive is the data set `selfback`."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path / "raw"))
    monkeypatch.setattr(download, "TIMEOUT", 5.0)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setitem(SOURCES, "selfback", origin(running))
        yield running
        running.shutdown()
        thread.join()


def origin(server: Server, **fields) -> Source:
    plain = {"page": "https://example.org/page", "limit": 10**6, "unpacked": 10**6}
    return Source(**{"url": server.url, "licence": "CC BY 4.0", "reference": "Sani 2017", **plain, **fields})


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(message: str) -> MixkdError:
    """The refusal of a fetch: one line, and nothing in the place of the data set."""
    with pytest.raises(MixkdError, match=message) as refusal:
        download.fetch("selfback")
    assert "\n" not in str(refusal.value)
    assert not (paths.root() / "selfback").exists()
    assert not list(paths.root().glob(".selfback*"))
    return refusal.value


def recorded() -> dict:
    return json.loads((paths.root() / "selfback.files.json").read_text())


def parts() -> list[str]:
    return sorted(path.name for path in (paths.root() / ".downloads").iterdir())


def test_fetch_and_record(server):
    seen = []
    target = download.fetch("selfback", lambda done, total: seen.append((done, total)))
    assert target == paths.root() / "selfback"
    assert content(target) == FILES
    assert seen[-1] == (len(ARCHIVE), len(ARCHIVE))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    record = recorded()
    assert record["archive"] == hashlib.sha256(ARCHIVE).hexdigest()
    assert record["files"] == {name: hashlib.sha256(raw).hexdigest() for name, raw in FILES.items()}
    assert parts() == [], "the archive is not kept twice"
    assert download.fetch("selfback") == target
    assert len(server.asked) == 1, "what is there is not fetched again"


def test_an_interrupted_fetch_goes_on_where_it_stopped(server):
    server.cut = 2 * download.CHUNK
    refused(r"found the connection closed early, .*131,072 bytes are kept: run it again to go on")
    assert parts() == ["a-set.zip.part", "a-set.zip.part.etag"]
    server.cut = download.CHUNK
    refused("196,608 bytes are kept")
    server.cut = None
    seen = []
    download.fetch("selfback", lambda done, total: seen.append((done, total)))
    assert server.asked == [None, "bytes=131072-", "bytes=196608-"]
    assert seen[0][0] > 196_608
    assert seen[-1] == (len(ARCHIVE), len(ARCHIVE))
    assert content(paths.root() / "selfback") == FILES
    assert parts() == []


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(server):
    server.cut = 100_000
    refused("kept")
    server.cut, server.etag = None, '"two"'
    server.content = zipped({"S/new.csv": np.random.default_rng(1).bytes(200_000)})
    download.fetch("selfback")
    assert content(paths.root() / "selfback").keys() == {"S/new.csv"}
    assert recorded()["archive"] == hashlib.sha256(server.content).hexdigest(), "and nothing of the old one before it"


def test_a_fetch_that_was_killed_after_its_last_byte_is_begun_again(server):
    server.cut = 100_000
    refused("kept")
    server.cut = None
    (paths.root() / ".downloads" / "a-set.zip.part").write_bytes(ARCHIVE)
    download.fetch("selfback")
    assert server.asked == [None, f"bytes={len(ARCHIVE)}-", None]
    assert content(paths.root() / "selfback") == FILES


def test_a_server_that_cannot_go_on_starts_again(server):
    server.cut, server.ranges = 100_000, False
    refused("kept")
    server.cut = None
    download.fetch("selfback")
    assert server.asked == [None, None]
    assert content(paths.root() / "selfback") == FILES


def test_a_mark_of_an_older_answer_is_forgotten(server):
    server.cut = 2 * download.CHUNK
    refused("kept")
    server.ranges = False
    refused("kept")
    assert parts() == ["a-set.zip.part"]


def test_another_file_than_the_official_one(server, monkeypatch):
    monkeypatch.setitem(SOURCES, "selfback", origin(server, sha256="0" * 64))
    refused(r"a\+set\.zip: found another SHA-256 than 000000000000…, which is the official one; nothing was kept")
    assert parts() == []


def test_another_file_than_the_first_time(server):
    target = download.fetch("selfback")
    for path in sorted(target.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    target.rmdir()
    server.content = zipped({"S/a.csv": b"4,5,6\n"})
    refused(r"found another SHA-256 than [0-9a-f]{12}…, which .*selfback\.files\.json records; nothing was kept")
    server.content = ARCHIVE
    download.fetch("selfback")
    assert download.check("selfback") == []


def test_an_archive_cut_off_by_a_server_that_tells_no_length(server):
    server.length, server.cut = False, 100_000
    refused(r"a\+set\.zip: found a damaged archive .*, expected a whole one; nothing was unpacked")
    assert parts() == [], "a damaged archive is fetched again"
    server.cut = None
    assert content(download.fetch("selfback")) == FILES


PAGE = b"\n<!DOCTYPE html><html><head><title lang='en'>Please\n log in &amp; agree</title></head></html>"
NO_ARCHIVES = {
    "page": ("text/html; charset=utf-8", PAGE, "a web page (text/html, 'Please log in & agree')"),
    "page without type": (None, PAGE, "a web page (no type, 'Please log in & agree')"),
    "page said to be a zip": ("application/zip", PAGE, "a web page (application/zip, 'Please log in & agree')"),
    "page without title": ("text/html", b"<p>Gone", "a web page (text/html, '<p>Gone')"),
    "long title": ("text/html", b"<title>" + b"x" * 9000 + b"</title>", "a web page (text/html, 'xxx"),
    "error of an interface": ("application/json", b'{"error": 404}', """text (application/json, '{"error": 404}')"""),
    "text": ("text/plain", b"No such file \xff", "text (text/plain, 'No such file \ufffd')"),
    "nothing": ("application/zip", b"", "an empty answer"),
}


@pytest.mark.parametrize(("kind", "body", "found"), NO_ARCHIVES.values(), ids=NO_ARCHIVES)
@pytest.mark.parametrize("length", [True, False])
def test_something_else_in_place_of_the_archive(server, kind, body, found, length):
    server.kind, server.content, server.length = kind, body, length
    expected = (
        "expected an archive; nothing was kept; fetch it by hand from https://example.org/page and set MIXKD_DATA"
    )
    error = str(refused("found"))
    assert error.startswith(f"{server.url}: found {found}")
    assert error.endswith(f", {expected}")
    assert len(error) < 500
    assert parts() == []


def test_a_redirect_to_a_page_for_logging_in(server):
    server.login, server.kind, server.content = True, "text/html", PAGE
    page = server.url.replace("a+set.zip", "login")
    refused(rf"a\+set\.zip: found a web page \(text/html, 'Please log in & agree'\) from {page}, expected an archive")


def test_a_page_in_place_of_the_rest_leaves_what_was_fetched(server):
    server.cut = 2 * download.CHUNK
    refused("131,072 bytes are kept")
    server.cut, server.etag, server.content, server.kind = None, '"two"', PAGE, "text/html"
    refused("found a web page")
    server.etag, server.content, server.kind = '"one"', ARCHIVE, None
    assert content(download.fetch("selfback")) == FILES
    assert server.asked[-1] == "bytes=131072-"


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_error_of_the_server(server, status):
    server.status = status
    refused(
        rf"found HTTP status {status}, expected 200; or fetch it by hand from https://example.org/page and set MIXKD"
    )


def test_no_answer_in_time(server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    server.pause = 1.0
    refused(r"no answer within 0\.2 s; run it again to go on, or fetch it by hand from https://example.org/page")


def test_no_server(server, monkeypatch):
    monkeypatch.setitem(SOURCES, "selfback", origin(server, url="http://127.0.0.1:9/a.zip"))
    refused("found no connection, expected the whole file; 0 bytes are kept")


@pytest.mark.parametrize("length", [True, False])
def test_more_than_the_limit(server, monkeypatch, length):
    server.length = length
    monkeypatch.setitem(SOURCES, "selfback", origin(server, limit=100_000))
    refused("expected at most 100,000" if length else "found more than 100,000 bytes, the limit; nothing was kept")
    assert not [name for name in parts() if name.endswith(".part")]


def test_hostile_archives_leave_nothing(server):
    server.content = zipped({"S/a.csv": b"1", "../../evil": b"x"})
    refused(r"found the name '\.\./\.\./evil', expected names inside the folder; nothing was unpacked")
    assert [p.name for p in paths.root().iterdir()] == [".downloads"]
    assert parts() == []


def test_only_what_is_wanted_is_kept(server, monkeypatch):
    monkeypatch.setitem(SOURCES, "selfback", origin(server, keep=("*/a.csv",)))
    assert content(download.fetch("selfback")).keys() == {"S/a.csv"}


def test_a_folder_that_cannot_be_written(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path / "file"))
    with pytest.raises(MixkdError, match=r"file/\.downloads: cannot be written: Not a directory"):
        download.fetch("selfback")


# -- checking


def test_check_finds_what_changed(server):
    target = download.fetch("selfback")
    assert download.check("selfback") == []
    assert download.check("selfback") == []
    (target / "S" / "a.csv").write_bytes(b"1,2,4\n" * 9000)
    (target / "S" / "b.csv").unlink()
    changed, missing = download.check("selfback")
    assert recorded()["archive"] == hashlib.sha256(ARCHIVE).hexdigest(), "checking records nothing over it"
    assert changed.startswith(f"{target / 'S' / 'a.csv'}: found SHA-256 ")
    assert f"as recorded {hashlib.sha256(FILES['S/a.csv']).hexdigest()[:12]}…" in changed
    assert missing.startswith(f"{target / 'S' / 'b.csv'}: found nothing, as recorded ")


def test_files_brought_by_hand_are_recorded_by_the_first_check(server):
    (paths.root() / "selfback").mkdir(parents=True)
    (paths.root() / "selfback" / "mine.csv").write_bytes(b"1")
    assert download.check("selfback") == []
    (paths.root() / "selfback" / "mine.csv").write_bytes(b"2")
    (problem,) = download.check("selfback")
    assert "mine.csv: found SHA-256" in problem


def test_known_files_are_compared_with_what_was_published(server, tmp_path):
    name = "raw/9_class/wrist50/jogging/007.csv"
    assert len(download.known("selfback")) == 756
    file = paths.root() / "selfback" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"time,x,y,z\n")
    problems = download.check("selfback")
    assert len(problems) == 756
    assert any(f"{name}: found SHA-256" in p and "as published" in p for p in problems)
    assert sum("found nothing, as published" in problem for problem in problems) == 755
    assert not (paths.root() / "selfback.files.json").exists(), "nothing wrong is recorded as right"


def test_folders_have_one_digest():
    known = download.known("dsads")
    assert len(known) == 19 * 8
    assert all(name.endswith("/") and len(digest) == 64 for name, digest in known.items())
    files = {"data/a01/p1/s01.txt": "0" * 64, "data/a01/p1/s02.txt": "1" * 64, "data/a01/p10/s01.txt": "2" * 64}
    lines = f"{'0' * 64}  data/a01/p1/s01.txt\n{'1' * 64}  data/a01/p1/s02.txt\n"
    assert download.of_folder(files, "data/a01/p1/") == hashlib.sha256(lines.encode()).hexdigest()


def test_nothing_to_check(server):
    with pytest.raises(MixkdError, match="selfback: found no folder, expected the raw files; `mixkd data fetch self"):
        download.check("selfback")
    with pytest.raises(MixkdError, match="download: found 'selfbak', did you mean 'selfback'"):
        download.check("selfbak")


def test_a_damaged_record(server):
    download.fetch("selfback")
    (paths.root() / "selfback.files.json").write_text("{")
    with pytest.raises(MixkdError, match=r"selfback\.files\.json: cannot be read as JSON; remove it to record anew"):
        download.check("selfback")


# -- sources


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_complete(name):
    source = SOURCES[name]
    assert source.url.startswith("https://")
    assert source.page.startswith("https://")
    assert 10**6 < source.limit <= source.unpacked < 10**10
    assert source.licence
    assert source.reference
    assert "/" not in source.archive
    assert "+" not in source.archive
    assert source.archive.endswith((".zip", ".tar.gz"))


# -- the command


@contextmanager
def _exit(status: int):
    with pytest.raises(SystemExit) as end:
        yield
    assert int(end.value.code or 0) == status


def test_the_command_shows_licence_and_citation_first(server, monkeypatch, capsys):
    monkeypatch.setitem(SOURCES, "selfback", replace(SOURCES["selfback"], note="All 50 elsewhere."))
    order = []
    fetch = download.fetch
    monkeypatch.setattr(download, "fetch", lambda *a: (order.append(capsys.readouterr().out), fetch(*a))[1])
    monkeypatch.setattr(main.out, "_width", 200)
    monkeypatch.setattr("sys.argv", ["mixkd", "data", "fetch", "selfback_thigh"])
    with _exit(0):
        main.main()
    for fact in ("licence: CC BY 4.0; https://example.org/page", "cite: Sani 2017", "note: All 50 elsewhere."):
        assert fact in order[0]
    assert capsys.readouterr().out.strip() == str(paths.root() / "selfback")
    monkeypatch.setattr("sys.argv", ["mixkd", "data", "list"])
    with _exit(0):
        main.main()
    assert "│ here" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["mixkd", "data", "path"])
    with _exit(0):
        main.main()
    assert capsys.readouterr().out == f"{paths.root()}\n"


def test_the_command_reports_problems_and_refusals(server, monkeypatch, capsys):
    (download.fetch("selfback") / "S" / "a.csv").unlink()
    monkeypatch.setattr("sys.argv", ["mixkd", "data", "check", "selfback"])
    with _exit(1):
        main.main()
    out = capsys.readouterr().out
    assert "a.csv: found nothing, as recorded" in out
    assert "selfback: 1 problem\n" in out
    for words, message in (
        (["fetch", "watch"], "data fetch: found 'watch', which needs no download; expected one of selfback, "),
        (["fetch", "selfbak"], "dataset: found 'selfbak', did you mean 'selfback'?"),
    ):
        monkeypatch.setattr("sys.argv", ["mixkd", "data", *words])
        with _exit(1):
            main.main()
        assert f"mixkd: {message}" in capsys.readouterr().err
    assert data.out is main.out

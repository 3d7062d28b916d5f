"""The book as one PDF, and versions of the book side by side."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading

import pytest
from browser import BROWSER

from mixkd.book import editions, pdf
from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT

NAV = (
    '<nav class="bd-links"><a class="reference internal" href="read.html">Read</a>'
    '<a class="reference internal" href="../notebooks/one.html">1. One</a></nav><p class="colophon">Version</p>'
)


def a_page(body: str) -> str:
    head = '<title>Book — Book</title><script src="../_static/site.js"></script>'
    return f"<html><head>{head}</head><body>{NAV}<article>{body}</article></body></html>"


@pytest.fixture
def site(tmp_path):
    """Three pages with links to one another, to a place in a page, to a file and to the web."""
    folder = tmp_path / "html"
    one = '<h1 id="top">One</h1><a href="#top">up</a><a href="../book/read.html#top">read</a>'
    one += '<svg><use xlink:href="#top"/></svg>'
    pages = {
        "book/index.html": '<h1 id="top">Home</h1><a class="reference internal" href="../notebooks/one.html">here</a>',
        "book/read.html": '<h1 id="top">Read</h1><a href="../a.zip">file</a><a href="https://example.org/">web</a>',
        "notebooks/one.html": one,
    }
    for name, body in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(a_page(body), encoding="utf-8")
    (folder / "index.html").write_text("start", encoding="utf-8")
    return folder


def test_pages_become_chapters_whose_names_are_unique_and_links_lead_into_the_book(site):
    text = pdf.whole(site)
    assert re.findall(r'<li><a href="#(\w+)">(.*?)</a>', text) == [("p0", "Start"), ("p1", "Read"), ("p2", "1. One")]
    names = re.findall(r'\bid="([^"]+)"', text)
    assert names == ["p0", "p0-top", "p1", "p1-top", "p2", "p2-top"]
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(names)
    assert re.search(r'<a href="#p2-top">up</a><a href="#p1-top">read</a>', text)
    assert "https://example.org/" in text
    assert "a.zip" not in text, "a file beside the book is not in it"
    assert "<script" not in text


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_the_pdf_is_printed_and_each_page_links_to_it_once(site):
    for _ in range(2):
        raw = pdf.printed(site).read_bytes()
    assert raw.startswith(b"%PDF")
    assert b"file://" not in raw
    assert raw.count(b"/Type /Page\n") == 4, "contents and three chapters"
    for page in site.glob("*/*.html"):
        assert page.read_text(encoding="utf-8").count('href="../mixkd.pdf"') == 1
    assert sorted(path.name for path in site.iterdir()) == ["book", "index.html", "mixkd.pdf", "notebooks"]


def test_without_a_book_or_a_browser_nothing_is_printed(site, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(MixkdError, match="expected a Chromium"):
        pdf.printed(site)
    monkeypatch.setattr(pdf.shutil, "which", lambda name: "chromium")
    with pytest.raises(MixkdError, match="run `make book`"):
        pdf.printed(tmp_path)


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_page_of_a_version_leads_to_the_others(site, tmp_path):
    (site / "_static").mkdir()
    shutil.copy(CHECKOUT / "book" / "site.js", site / "_static")
    for version in ("0.2", "0.9"):
        editions.add(site, tmp_path / "versions", version)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "versions"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = f"--headless --no-sandbox --disable-gpu --virtual-time-budget=5000 --user-data-dir={tmp_path / 'p'}"
        url = f"http://127.0.0.1:{server.server_port}/v0.9/book/read.html"
        command = [str(BROWSER), *options.split(), "--dump-dom", url]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
        server.shutdown()
    assert re.search(r'Other versions: <a href="../../v0.2/">v0.2</a></p>', shown)


def test_versions_lie_side_by_side_newest_first(site, tmp_path):
    root = tmp_path / "versions"
    for version in ("0.9.3", "0.10.0", "0.2.0", "0.9.4"):
        (site / "index.html").write_text(version, encoding="utf-8")
        editions.add(site, root, version)
    assert json.loads((root / "versions.json").read_text()) == ["v0.10", "v0.9", "v0.2"]
    assert (root / "v0.9" / "index.html").read_text() == "0.9.4"
    assert "url=v0.10/" in (root / "index.html").read_text()
    assert (root / "v0.2" / "notebooks" / "one.html").is_file()
    with pytest.raises(MixkdError, match="run `make book`"):
        editions.add(tmp_path / "none", root)

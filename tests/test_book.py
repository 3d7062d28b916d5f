"""The rendered book, from its HTML: pages, figures, alt text, links, maths, provenance; and in a browser."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from browser import BROWSER
from bs4 import BeautifulSoup
from smoke import ROOT, Smoke, smoke  # noqa: F401

from mixkd import MixkdError
from mixkd.book import build, execution, notebook

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
RAW = re.compile(r"\{(glue|doc|numref|cite|ref)\b|Traceback \(most recent|\$\$|\\begin\{")


@functools.cache
def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(), "html.parser")


def pages(smoke: Smoke) -> dict[str, BeautifulSoup]:  # noqa: F811
    return {name: page(smoke.site / f"{name}.html") for name in PAGES}


def test_a_broken_reference_fails_the_build_and_keeps_the_old_site(tmp_path):
    stage = tmp_path / "stage"
    (stage / "book").mkdir(parents=True)
    (stage / "_static").mkdir()
    shutil.copy(ROOT / "_config.yml", stage)
    shutil.copy(ROOT / "book" / "book.css", stage / "_static")
    for name in ("references.bib", "logo.svg"):
        shutil.copy(ROOT / "book" / name, stage / "book")
    (stage / "_toc.yml").write_text("format: jb-book\nroot: only\n")
    (stage / "only.md").write_text("# A page\n\n{doc}`no_such_page`\n")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("the last success")
    with pytest.raises(MixkdError, match="no_such_page"):
        build.render(stage, tmp_path)
    assert (tmp_path / "html" / "index.html").read_text() == "the last success"


def test_a_failing_notebook_fails_the_build_by_name(tmp_path, monkeypatch):
    import nbformat

    source = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    source.cells = [nbformat.v4.new_code_cell("x: int = 1  # help", metadata={"tags": ["parameters"]})]
    source.cells.append(nbformat.v4.new_code_cell("raise ValueError('on purpose')"))
    nbformat.write(source, tmp_path / "99_broken.ipynb")
    monkeypatch.setattr(notebook, "NOTEBOOKS", tmp_path)
    with pytest.raises(MixkdError, match=r"99_broken\.ipynb.*ValueError: on purpose"):
        execution.execute_all(tmp_path / "stage", {"x": 2})
    assert not (tmp_path / "stage" / "notebooks" / "99_broken.ipynb").exists()


def test_every_page_of_the_toc_is_there(smoke: Smoke):  # noqa: F811
    assert all((smoke.site / f"{name}.html").is_file() for name in PAGES)
    assert (smoke.site / "index.html").is_file()


def test_figures_have_alt_text_captions_and_numbers(smoke: Smoke):  # noqa: F811
    count = 0
    for name, soup in pages(smoke).items():
        for image in soup.select("article img"):
            assert len(image.get("alt", "")) > 20, (name, image)
        if name.startswith("notebooks/"):
            for figure in soup.select("article figure:not(.method)"):
                count += 1
                assert re.match(r"Figure \d+", figure.select_one(".caption-number").text), name
                assert len(figure.select_one(".caption-text").text) > 30, name
    assert count >= 25


def test_internal_links_resolve(smoke: Smoke):  # noqa: F811
    for name, soup in pages(smoke).items():
        here = smoke.site / f"{name}.html"
        for link in soup.select("a[href]"):
            parts = urlsplit(link["href"])
            if parts.scheme or link["href"] == "#":
                continue
            target = (here.parent / unquote(parts.path)).resolve() if parts.path else here
            assert target.is_file(), (name, link["href"])
            if parts.fragment and target.suffix == ".html":
                assert page(target).find(id=unquote(parts.fragment)), (name, link["href"])


def test_nothing_is_loaded_from_another_host(smoke: Smoke):  # noqa: F811
    for name, soup in pages(smoke).items():
        loaded = [tag.get("src") for tag in soup.select("script[src], img[src], iframe[src]")]
        loaded += [tag.get("href") for tag in soup.select("link[rel=stylesheet], link[rel=preload], link[rel=icon]")]
        assert not [url for url in loaded if urlsplit(url).netloc], name


def test_no_raw_markup_and_no_traceback(smoke: Smoke):  # noqa: F811
    for name, soup in pages(smoke).items():
        text = BeautifulSoup(str(soup.select_one("article")), "html.parser")
        for shown in text.select("pre, code, .math, script"):
            shown.decompose()
        assert not RAW.search(text.text), (name, RAW.search(text.text))
        assert name == "book/api" or "MixkdError" not in text.text  # there it is part of docstrings


def test_every_page_ends_with_its_provenance(smoke: Smoke):  # noqa: F811
    for name, soup in pages(smoke).items():
        foot = soup.select(".provenance")[-1].text
        for word in ("profile", "smoke", "watch", "seed", "torch", "wall time"):
            assert word in foot, (name, word)
        sha = build.git_state()["sha"]
        assert sha is None or sha[:10] in foot, name


def test_numbers_in_prose_are_filled_in(smoke: Smoke):  # noqa: F811
    text = page(smoke.site / "book" / "index.html").select_one("article").text
    assert re.search(r"the student reaches\s+\d+\.\d % without mixup", text)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found; Debian: apt-get install chromium")
@pytest.mark.parametrize("name", PAGES)
def test_in_a_browser(smoke: Smoke, name, tmp_path):  # noqa: F811
    """No console error, no request to another host, formulas drawn, images loaded."""
    handler = functools.partial(Quiet, directory=str(smoke.site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
        options += " --disable-component-update --enable-logging=stderr --virtual-time-budget=15000 --dump-dom"
        command = [str(BROWSER), *options.split(), f"--user-data-dir={tmp_path}"]
        command.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        url = f"http://127.0.0.1:{server.server_port}/{name}.html"
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=120)
        server.shutdown()
    known = ("[togglebutton]: ", "[PST]: ")  # the theme says hello
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not [line for line in console if not any(words in line for words in known)]
    soup = BeautifulSoup(done.stdout, "html.parser")
    assert soup.select_one("article h1")
    if "topology" in name:
        assert soup.select("math msub")

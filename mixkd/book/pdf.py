"""The whole book as one PDF: articles of a rendered site in the order of its sidebar, printed by Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mixkd.book import site
from mixkd.errors import MixkdError

NAME = "mixkd.pdf"  # beside the folders of the pages
HOME = "book/index.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LINK = re.compile(r'<a class="reference internal" href="([^"#]+\.html)">\s*(.*?)\s*</a>', re.S)
STYLE = """<style>
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-center { content: counter(page); font: 9pt sans-serif; } }
body { font-size: 10.5pt; } .chapter { break-before: page; } figure, table, .admonition { break-inside: avoid; }
.drawing.narrow, .headerlink, .figure-box, details.hide, .provenance { display: none !important; }
.bd-content pre { white-space: pre-wrap; overflow-wrap: anywhere; } .contents li { list-style: none; }
</style>"""


def browser() -> str | None:
    """The program of a Chromium; None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def printed(folder: Path) -> Path:
    """Write the PDF of a rendered site and link to it below the sidebar of each page; returns its path.

    Raises MixkdError without a Chromium, and if it prints nothing.
    """
    program = browser()
    if program is None:
        raise MixkdError(f"pdf: found none of {', '.join(BROWSERS)}; expected a Chromium; Debian: apt install chromium")
    if not (folder / HOME).is_file():
        raise MixkdError(f"{folder / HOME}: not found, expected a rendered book; run `make book`")
    source, target, part = folder / "book" / "_print.html", folder / NAME, folder / f"{NAME}.part"
    options = "--headless --no-sandbox --disable-gpu --no-pdf-header-footer --generate-pdf-document-outline"
    command = [program, *options.split(), f"--print-to-pdf={part.resolve()}", source.resolve().as_uri()]
    source.write_text(whole(folder), encoding="utf-8")
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    finally:
        source.unlink()
    if done.returncode or not part.is_file():
        raise MixkdError(f"pdf: {program} printed nothing: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    os.replace(part, target)
    for one in folder.glob("*/*.html"):
        page = one.read_text(encoding="utf-8")
        if NAME not in page:
            link = f'<p class="colophon"><a href="../{NAME}">The book as PDF</a><br>'
            one.write_text(page.replace('<p class="colophon">', link, 1), encoding="utf-8")
    return target


def whole(folder: Path) -> str:
    """One page with a table of contents and the articles of all pages; links between pages become links inside it."""
    home = (folder / HOME).read_text(encoding="utf-8")
    sidebar = home.partition('<nav class="bd-links')[2].partition("</nav>")[0]
    links = [("index.html", "Start"), *LINK.findall(sidebar)]
    titles = {os.path.normpath(f"book/{link}"): text for link, text in links}
    number = {name: i for i, name in enumerate(titles)}
    head = re.sub(r"<script\b.*?</script>", "", home.partition("</head>")[0], flags=re.S)
    chapters = [_article(folder / name, folder, number) for name in titles]
    contents = "".join(f'<li><a href="#p{number[name]}">{text}</a></li>' for name, text in titles.items())
    name = re.split(" [—-] ?", site.title(home))[0]
    front = f'<h1>{name}</h1><ul class="contents">{contents}</ul>'
    body = f'<main class="bd-content">{site.colophon()}{front}{"".join(chapters)}</main>'
    head = head.replace("<html", '<html data-theme="light"', 1)
    return f"{head}{STYLE}</head><body>{body}</body></html>"


def _article(path: Path, folder: Path, number: dict[str, int]) -> str:
    """The article of a page; its names start with its number, so that they are unique in the book."""
    own = number[str(path.relative_to(folder))]
    article = re.search(r"<article\b[^>]*>(.*)</article>", path.read_text(encoding="utf-8"), re.S)
    text = re.sub(r"<script\b.*?</script>", "", article[1] if article else "", flags=re.S)

    def link(match: re.Match) -> str:
        page, _, name = match[1].partition("#")
        to = own if not page else number.get(os.path.normpath(path.relative_to(folder).parent / page))
        return "" if to is None else f'href="#p{to}{"-" if name else ""}{name}"'  # no path of this machine

    text = re.sub(r'\bid="', f'id="p{own}-', text)
    text = re.sub(r"url\(#", f"url(#p{own}-", text)
    text = re.sub(r'href="([^":]*)"', link, text)
    return f'<section class="chapter" id="p{own}">{text}</section>'


if __name__ == "__main__":
    try:
        print(printed(Path(sys.argv[1] if len(sys.argv) > 1 else "_build/html")))
    except MixkdError as error:
        sys.exit(f"mixkd: {error}")

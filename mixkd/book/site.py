"""Rendered pages, finished: light, readable without a mouse, described for search engines and for links to them.

Formulas become MathML, which browsers draw themselves; what no page needs (the script of Font Awesome, MathJax, Thebe)
is left out. Text in, text out: nothing is parsed and written anew.
"""

from __future__ import annotations

import html
import re
import shutil
import struct
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import mixkd
from mixkd.book import drawings, glossary, icons
from mixkd.errors import MixkdError
from mixkd.files import CHECKOUT, canonical_json, sha256
from mixkd.runs import archive
from mixkd.runs.archive import CRATE
from mixkd.runs.provenance import git_state

ASSETS = ("site.js", "search.js", "card.png", "favicon.svg")  # of book/; in the stage, every page would load them twice
MISSING = "404.html"
UNUSED = re.compile(r"fontawesome/[\d.]+/js/|fa-(brands-4|regular-4|solid-9)00\.woff2|[Tt]hebe|[Mm]ath[Jj]ax", re.ASCII)
ACCENTED = re.compile(  # a letter with an accent and an index, which docutils puts below the letter
    r'<munderover>(<m[in]>[^<]*</m[in]>)((?:(?!<munderover>).)*?)(<mo stretchy="false">[^<]</mo>)</munderover>'
)
LETTERS = 160  # of a description, which search engines show
END = '<div class="sidebar-primary-items__end sidebar-primary__section">'  # of the sidebar
VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def finish(site: Path, narrow: Mapping[str, str]) -> None:
    """Finish every page of a rendered site in place, and add the page for addresses that do not exist.

    narrow: drawings for phones, see `drawings.narrow_ones`. Raises MixkdError for a formula that cannot be converted.
    """
    pages = sorted(path for path in site.rglob("*.html") if "_static" not in path.relative_to(site).parts)
    words = glossary.terms(site)
    for path in pages:
        page = drawings.inlined(path.read_text(encoding="utf-8"), path.parent, narrow)
        path.write_text(finished(page, path, site, words), encoding="utf-8")
    (site / "_static").mkdir(exist_ok=True)
    scripts = [*(site / "_static").rglob("*.js")]
    icons.cut(site / "_static", (path.read_text(encoding="utf-8") for path in (*pages, *scripts)))
    for name in ASSETS:
        shutil.copy(CHECKOUT / "book" / name, site / "_static" / name)
    shutil.copy(CHECKOUT / "book" / MISSING, site / MISSING)
    described = {str(path.relative_to(site)): path.read_text(encoding="utf-8") for path in pages}
    (site / CRATE).write_bytes(canonical_json(crate(described)) + b"\n")


def finished(page: str, path: Path, site: Path, words: Sequence[glossary.Term] = ()) -> str:
    """The text of a page, finished. path: where it lies; its images are measured there. words: linked at first use."""
    if "</head>" not in page:  # a page that only leads to another
        return page
    page = accessible(lean(each_script_once(page)))
    try:
        page = with_mathml(page)
    except ValueError as error:
        raise MixkdError(f"{path.name}: {error}; expected LaTeX that docutils converts to MathML") from error
    page = re.sub(r"<img\b[^>]*>", partial(_sized, folder=path.parent), page)
    root = "../" * (len(path.relative_to(site).parts) - 1)
    if path.relative_to(site).as_posix() not in glossary.NOT_LINKED:
        page = glossary.linked(page, words, root)
    page = page.replace("</head>", head(page, root) + "</head>", 1)
    return page.replace(END, END + colophon(), 1)


def crate(pages: dict[str, str]) -> dict[str, Any]:
    """RO-Crate 1.1 metadata of a site, of the texts of its pages by path: code, licence, contents."""
    parts = [
        {
            "@id": name,
            "@type": "File",
            "name": title(text),
            "encodingFormat": "text/html",
            "sha256": sha256(text.encode()),
        }
        for name, text in pages.items()
    ]
    about = {
        "name": "Mixup, topology and distillation: the book",
        "description": "Rendered pages of a reproducible companion, drawn from published runs.",
        "version": mixkd.__version__,
        "license": {"@id": "https://spdx.org/licenses/MIT"},
        "identifier": git_state()["sha"] or mixkd.__version__,
    }
    return archive.described(about, parts)


def title(page: str) -> str:
    """The title of a page as plain text."""
    match = re.search(r"<title>(.*?)</title>", page, re.S)
    return html.unescape(match[1].strip()) if match else "mixkd"


def each_script_once(page: str) -> str:
    """Drop repeated script elements: jupyter-book adds some twice, which fails in a browser (const)."""
    seen = set()

    def keep_first(match: re.Match) -> str:
        source = re.search(r'src="([^"]+)"', match[1])
        key = source[1] if source else match[0]
        repeated = key in seen
        seen.add(key)
        return "" if repeated else match[0]

    return re.sub(r"<script\b([^>]*)>.*?</script>", keep_first, page, flags=re.DOTALL)


def lean(page: str) -> str:
    """Without scripts, styles and fonts that no page needs; the theme starts in a mode that it knows."""
    page = re.sub(r"<script\b[^>]*>.*?</script>\n?", lambda m: "" if UNUSED.search(m[0]) else m[0], page, flags=re.S)
    page = re.sub(r"<link\b[^>]*>\n?", lambda m: "" if UNUSED.search(m[0]) else m[0], page)
    page = re.sub(r'\s*<meta name="viewport"[^>]*>', "", page)
    return page.replace('localStorage.getItem("mode") || ""', 'localStorage.getItem("mode") || "auto"')


def accessible(page: str) -> str:
    """Names that say what is visible, lists with items, and no empty heading of a column or row."""
    page = page.replace(' title="Search" aria-label="Search"', ' title="Search"', 1)  # the field, which has words
    page = page.replace('<summary aria-label="Toggle hidden content"', "<summary").replace('<div role="list"', "<div")
    page = page.replace('role="doc-biblioentry"', "")
    page = re.sub(r"(<details[^>]*>)<summary>(?=<span class=\"toctree)", r'\1<summary aria-label="Pages of it">', page)
    page = re.sub(r"<th\b([^>]*)>(\s|<p></p>)*</th>", r"<td\1></td>", page)
    return re.sub(r'(<div id="jb-print-docs-body"[^>]*>\s*)<h1>(.*?)</h1>', r"\1<p>\2</p>", page, flags=re.S)


def with_mathml(page: str) -> str:
    """Formulas as MathML in place of LaTeX. Raises ValueError for LaTeX that is not known."""

    def converted(match: re.Match) -> str:
        kind, attributes, number, tex = match.groups("")
        return f"<{kind}{attributes}>{number}{mathml(html.unescape(tex))}</{kind}>"

    element = r'<(span|div)( class="math notranslate nohighlight"[^>]*)>\s*'
    number = r'(<span class="eqno">.*?</span>)?\s*'
    return re.sub(element + number + r"(\\[(\[].*?\\[)\]])\s*</\1>", converted, page, flags=re.S)


def mathml(tex: str) -> str:
    r"""A formula in \( \) or \[ \] as MathML, on one line. Raises ValueError for LaTeX that docutils does not know."""
    from docutils.utils.math.latex2mathml import tex2mathml

    body = re.sub(r"\\([td]?frac)\s*(\d)\s*(\d)", r"\\\1{\2}{\3}", tex[2:-2]).replace(r"\dots", r"\ldots")
    converted = re.sub(r">\s+<", "><", tex2mathml(body, as_block=tex.startswith(r"\[")))
    return ACCENTED.sub(r"<msub><mover>\1\3</mover>\2</msub>", converted)


def _sized(match: re.Match, folder: Path) -> str:
    """An image of the text with its size, loaded when it comes near the screen: the page does not move around it."""
    image, source = match[0], re.search(r'src="([^"]+)"', match[0])
    path = folder / source[1] if source else folder
    if "_images/" not in str(path) or not path.is_file() or "width=" in image:
        return image
    size = png_size(path.read_bytes()[:24]) if path.suffix == ".png" else None
    sized = f' width="{size[0]}" height="{size[1]}"' if size else ""
    return f'<img{sized} loading="lazy"{image.removeprefix("<img")}'


def png_size(raw: bytes) -> tuple[int, int]:
    """Width and height of a PNG, of its first 24 bytes."""
    width, height = struct.unpack(">II", raw[16:24])
    return width, height


def description(page: str) -> str:
    """The first paragraph of a page's article as plain text, cut after a word."""
    article = page.partition("<article")[2]
    paragraphs = re.findall(r"<p\b[^>]*>(.*?)</p>", article, flags=re.S)
    texts = (" ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split()) for text in paragraphs)
    text = next((text for text in texts if len(text) > 40), "Mixup, topological persistence and distillation, tested.")
    return text if len(text) <= LETTERS else text[: LETTERS - 1].rsplit(" ", 1)[0] + "…"


def head(page: str, root: str) -> str:
    """Elements for the head of a page: description, card of links to it, icon, the site's own script."""
    about = {"title": title(page), "description": description(page)}
    about |= {"type": "article", "image": f"{address() or root}_static/card.png"}
    lines = [VIEWPORT, f'<meta name="description" content="{html.escape(about["description"])}">']
    lines += [f'<meta property="og:{name}" content="{html.escape(text)}">' for name, text in about.items()]
    lines += ['<meta name="twitter:card" content="summary_large_image">']
    lines += [f'<link rel="icon" type="image/svg+xml" href="{root}_static/favicon.svg">']
    lines += [f'<script defer src="{root}_static/site.js"></script>']
    if "searchtools.js" in page:
        lines += [f'<script src="{root}_static/search.js"></script>']
    return "".join(f"{line}\n" for line in lines)


def address() -> str:
    """Where the book is online, with a final slash, as pyproject.toml names it; empty as long as it does not."""
    urls = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    url = urls.get("Documentation", "")
    return "" if not url or "example.org" in url else url.rstrip("/") + "/"


@cache
def colophon() -> str:
    """Version, date and commit of a site, for the foot of its sidebar."""
    parts, sha = [f"Version {mixkd.__version__}"], git_state()["sha"]
    if sha:
        command = ["git", "-C", str(CHECKOUT), "log", "-1", "--format=%cs"]
        date = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
        parts += [date, f"<code>{sha[:10]}</code>"]
    return f'<p class="colophon">{" · ".join(parts)}<br>Text and code: MIT licence</p>'

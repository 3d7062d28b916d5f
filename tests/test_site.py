"""How rendered pages are finished: formulas, weight, names, sizes of images, descriptions; and a browser's view."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import pytest
import yaml
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from smoke import ROOT, Smoke, smoke  # noqa: F401
from test_book import BROWSER, PAGES, page, pages

from benchmarks import site as measured
from mixkd import MixkdError
from mixkd.book import site

NS = {"m": "http://www.w3.org/1998/Math/MathML"}
PAGE = """<html><head><title>A &amp; B</title>
<script src="_static/vendor/fontawesome/6.5.2/js/all.min.js"></script>
<script>window.MathJax = {}</script><script src="_static/doctools.js"></script>
<link rel="preload" href="../webfonts/fa-brands-400.woff2" /><link href="fontawesome/6.5.2/css/all.min.css" />
</head><body><div class="sidebar-primary-items__end sidebar-primary__section"></div><article><p>Short.</p>
<p>A <em>longer</em> paragraph that says what this page is about &lt;in words&gt;.</p>
<p><span class="math notranslate nohighlight">\\(x &lt; \\tfrac12\\)</span>, then</p>
<table><tr><th></th><th class="head"><p>mean</p></th></tr></table>
<img alt="one" src="_images/a.png"/></article></body></html>"""


def numbers(tex: str) -> list[list[str]]:
    """Texts of numerator and denominator of each fraction of a formula."""
    tree = ET.fromstring(site.mathml(tex))
    return [["".join(part.itertext()) for part in fraction] for fraction in tree.iterfind(".//m:mfrac", NS)]


@pytest.mark.parametrize(
    ("tex", "fractions"),
    [
        (r"\(\tfrac12 x\)", [["1", "2"]]),
        (r"\(\frac 3 4\)", [["3", "4"]]),
        (r"\[\frac{12}{5} \dfrac{a}{b}\]", [["12", "5"], ["a", "b"]]),
        (r"\(\tfrac12[a + b]\)", [["1", "2"]]),
    ],
)
def test_fractions_as_latex_reads_them(tex, fractions):
    assert numbers(tex) == fractions


def test_formulas_of_a_line_of_their_own_are_displayed():
    assert 'display="block"' in site.mathml(r"\[a\]")
    assert "display" not in site.mathml(r"\(\pi_1, \dots, \pi_k\)")


def test_an_index_stands_beside_a_letter_with_an_accent():
    tree = ET.fromstring(site.mathml(r"\(\tilde x_i + \hat y_{s,t} + \sum_{k=1}^4 k\)"))
    indexed = [["".join(part.itertext()) for part in one] for one in tree.iterfind(".//m:msub", NS)]
    assert indexed == [["x~", "i"], ["yˆ", "s,t"]]
    assert len(tree.findall(".//m:mover", NS)) == 2


def test_a_formula_keeps_its_number_and_its_name():
    shown = '<div class="math notranslate nohighlight" id="e">\n<span class="eqno">(1)</span>\\[a &lt; b\\]</div>'
    soup = BeautifulSoup(site.with_mathml(f"<p>before</p>{shown}<p>after</p>"), "html.parser")
    assert soup.select_one("div#e .eqno").text == "(1)"
    assert soup.select_one("div#e > math").text == "a<b"
    assert [p.text for p in soup.select("p")] == ["before", "after"]


def test_a_formula_that_is_not_understood_names_its_page(tmp_path):
    (tmp_path / "a.html").write_text(PAGE.replace("tfrac12", "nosuch"))
    with pytest.raises(MixkdError, match=r"a\.html: .*nosuch.*expected LaTeX"):
        site.finish(tmp_path, {})


def test_a_page_is_finished(tmp_path):
    (tmp_path / "_images").mkdir()
    (tmp_path / "notebooks").mkdir()
    figure = plt.figure(figsize=(3, 2), dpi=50)
    figure.savefig(tmp_path / "_images" / "a.png", dpi=50)
    plt.close(figure)
    (tmp_path / "notebooks" / "a.html").write_text(PAGE.replace("_images/", "../_images/"))
    site.finish(tmp_path, {})
    assert (tmp_path / "404.html").is_file()
    text = (tmp_path / "notebooks" / "a.html").read_text()
    soup = BeautifulSoup(text, "html.parser")
    assert [script["src"] for script in soup.select("script")] == ["_static/doctools.js", "../_static/site.js"]
    assert [link["href"] for link in soup.select("link")] == [
        "fontawesome/6.5.2/css/all.min.css",
        "../_static/favicon.svg",
    ]
    about = soup.select_one("meta[name=description]")["content"]
    assert about == "A longer paragraph that says what this page is about <in words>."
    assert soup.select_one('meta[property="og:title"]')["content"] == "A & B"
    assert [cell.name for cell in soup.select("tr > *")] == ["td", "th"]
    image = soup.select_one("img")
    assert (image["width"], image["height"], image["loading"]) == ("150", "100", "lazy")
    assert soup.select_one("math").text == "x<12"
    assert "Version" in soup.select_one(".sidebar-primary__section .colophon").text


def test_a_site_is_described_as_a_research_object(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "a.html").write_text(PAGE)
    site.finish(tmp_path, {})
    graph = {one["@id"]: one for one in json.loads((tmp_path / site.CRATE).read_text())["@graph"]}
    assert graph[site.CRATE]["about"] == {"@id": "./"}
    assert graph["./"]["hasPart"] == [{"@id": "book/a.html"}]
    page = graph["book/a.html"]
    assert page["name"] == "A & B"
    assert page["sha256"] == hashlib.sha256((tmp_path / "book" / "a.html").read_bytes()).hexdigest()


def test_a_page_that_only_leads_to_another_is_left_alone(tmp_path):
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=book/index.html" />')
    site.finish(tmp_path, {})
    assert (tmp_path / "index.html").read_text() == '<meta http-equiv="Refresh" content="0; url=book/index.html" />'


WORDS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), min_size=1, max_size=60)


@given(WORDS.map(" ".join))
def test_descriptions_are_short_lines_of_text(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    about = site.description(f"<article><p>{escaped}</p></article>")
    assert len(about) <= site.LETTERS
    assert about
    assert about == " ".join(about.split())


def test_scripts_that_are_there_twice_are_kept_once():
    twice = '<script src="a.js"></script><script>const a = 1</script>'
    assert site.each_script_once(2 * twice) == twice


def test_the_font_of_icons_has_those_that_are_shown(smoke: Smoke):  # noqa: F811
    """Of classes in pages, of names and letters in style sheets; and little else."""
    (path,) = smoke.site.rglob("icons.woff")
    shown = TTFont(path).getBestCmap()
    assert {0xF0C9, 0xF002, 0xF185, 0xF107, 0xF0EB} <= set(shown), "bars, lens, sun, angle down, light bulb"
    assert path.stat().st_size < 20_000


def test_every_page_is_light_and_described(smoke: Smoke):  # noqa: F811
    descriptions = set()
    for name, soup in pages(smoke).items():
        assert not [s for s in soup.select("script") if re.search("fontawesome|mathjax|thebe", str(s), re.I)], name
        assert not [th for th in soup.select("th") if not th.text.strip()], name
        assert all(image.get("width") for image in soup.select('article img[src$=".png"]')), name
        assert soup.select_one('link[rel="icon"]'), name
        assert len(soup.select("h1")) == 1, name
        descriptions.add(soup.select_one("meta[name=description]")["content"])
    assert len(descriptions) > 0.8 * len(PAGES), "each page its own"


def test_references_have_links(smoke: Smoke):  # noqa: F811
    links = [a["href"] for a in page(smoke.site / "book" / "bibliography.html").select(".citation a[href^=http]")]
    assert "https://arxiv.org/abs/2502.00779" in links
    assert "https://doi.org/10.1109/JSEN.2024.3517653" in links
    assert len(links) >= 35


OBJECTIONS = r"""(() => {
  const linear = (v) => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const rgba = (text) => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const behind = (e) => {
    let layers = [];
    for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    const over = (under, [r, g, b, a = 1]) => [r, g, b].map((v, i) => a * v + (1 - a) * under[i]);
    return layers.reverse().reduce(over, [255, 255, 255]);
  };
  const bad = [];
  for (const e of document.querySelectorAll("article *")) {
    const scrolls = /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
    if (scrolls && e.tabIndex < 0) bad.push(`cannot be scrolled by keyboard: ${e.localName}.${e.className}`);
  }
  for (const e of document.querySelectorAll("button, summary")) {
    const shown = e.innerText.trim().toLowerCase(), label = (e.getAttribute("aria-label") || "").toLowerCase();
    if (!shown && !label && !e.title) bad.push(`without a name: ${e.outerHTML.slice(0, 80)}`);
    if (shown && label && !label.includes(shown)) bad.push(`named ${label}, shown as ${shown}`);
  }
  for (const e of document.querySelectorAll("article table a")) {
    const [one, two] = [light(rgba(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => b - a);
    if ((one + 0.05) / (two + 0.05) < 4.5) bad.push(`contrast of a link in a table: ${e.innerText}`);
  }
  for (const e of document.querySelectorAll("[role=list]"))
    if (!e.querySelector("li, [role=listitem]")) bad.push("a list without items");
  if (document.documentElement.scrollWidth > innerWidth) bad.push("the page is wider than the screen");
  return bad;
})()"""
LOOKED_AT = ("book/index", "claims/index", "book/defaults", "notebooks/05_mixup", "notebooks/11_claims")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found; Debian: apt-get install chromium")
def test_in_a_browser_at_both_widths_and_themes(smoke: Smoke):  # noqa: F811
    """Keyboard, names, contrast; no error of the console; a weight below the limit; and search puts titles first."""

    async def look(address: str, host: str) -> None:
        tab = await measured.Tab.new(host)
        for name in LOOKED_AT:
            for width, theme in (("1280", "light"), ("390", "dark")):
                await tab.open(f"{address}/{name}.html", measured.WIDTHS[width], theme)
                assert await tab.evaluate(OBJECTIONS) == [], (name, width)
                assert tab.errors() == [], (name, width)
            limit = measured.LIMITS["home" if name == "book/index" else "page"]
            assert tab.weight() < 1000 * limit, name
        await tab.open(f"{address}/search.html?q=mixup", measured.WIDTHS["1280"])
        first = "[...document.querySelectorAll('ul.search li a')].slice(0, 1).map(a => a.getAttribute('href'))"
        assert (await tab.evaluate(first))[0].startswith("notebooks/05_mixup.html")
        sidebar = "document.querySelector('.search-button-field').getBoundingClientRect().top"
        await tab.open(f"{address}/book/bibliography.html", measured.WIDTHS["1280"])
        assert 0 <= await tab.evaluate(sidebar) < 300

    with measured.served(smoke.site) as address, measured.chromium() as host:
        asyncio.run(look(address, host))


def test_bibtex_is_that_of_the_citation_file():
    about, text = yaml.safe_load((ROOT / "CITATION.cff").read_text()), (ROOT / "book" / "cite.md").read_text()
    paper = about["preferred-citation"]
    for value in (about["title"], about["version"], about["date-released"], paper["title"], paper["doi"]):
        assert f"= {{{value}}}" in text
    names = " and ".join(f"{one['family-names']}, {one['given-names']}" for one in paper["authors"])
    assert f"author  = {{{names}}}" in text

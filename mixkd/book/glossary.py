"""Terms of the glossary: their first use in the text of a page links to the glossary and shows the meaning."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = "book/glossary.html"
ENTRY = re.compile(r'<dt id="(term-[^"]+)">(.*?)<a\b.*?</dt>\s*<dd>(.*?)</dd>', re.DOTALL)
PIECE = re.compile(r"(<[^>]+>)")
AMBIGUOUS = ("run", "study", "subject")  # words with other meanings too: in the glossary, but not linked
NOT_LINKED = (PAGE, "book/bibliography.html", "book/reference.html")  # two have titles and words of others
CLOSED = ("a", "code", "button", "math", "svg", "style", "summary", "em", "strong")  # elements without links of ours


@dataclass(frozen=True)
class Term:
    """A term, what it means in plain text, and where the glossary has it."""

    name: str
    means: str
    anchor: str


def terms(site: Path) -> list[Term]:
    """The terms of a rendered site, longest first; empty without a glossary."""
    if not (site / PAGE).is_file():
        return []
    entries = ENTRY.findall((site / PAGE).read_text(encoding="utf-8"))
    known = [Term(_plain(name), _plain(text), anchor) for anchor, name, text in entries]
    return sorted(known, key=lambda term: -len(term.name))


def linked(page: str, known: Sequence[Term], root: str) -> str:
    """A page with the first use of each term in a paragraph linked. root: of the site, as the page sees it."""
    start, article, rest = page.partition("<article")
    left = {term.name.lower(): term for term in known if term.name not in AMBIGUOUS}
    if not article or not left:
        return page
    words = "|".join(re.escape(term.name) + ("s?" if term.name[-1].isalpha() else "") for term in known)
    pattern = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)

    def link(match: re.Match) -> str:
        term = left.get(match[0].lower()) or left.get(match[0].lower().removesuffix("s"))
        if term is None or (term.name[:1].isupper() and not match[0].startswith(term.name)):
            return match[0]  # linked before, or another word in small letters
        del left[term.name.lower()]
        means = html.escape(term.means)
        target = f'href="{root}{PAGE}#{term.anchor}"'
        return f'<a class="term" {target} data-means="{means}" aria-description="{means}">{match[0]}</a>'

    def paragraph(match: re.Match) -> str:
        inside, done = 0, []
        for piece in PIECE.split(match[0]):
            if piece.startswith("<"):
                name = re.match(r"</?(\w+)", piece)
                if name and name[1] in CLOSED:
                    inside += -1 if piece.startswith("</") else 1
                done.append(piece)
            else:
                done.append(piece if inside else pattern.sub(link, piece))
        return "".join(done)

    return start + article + re.sub(r"<p>.*?</p>", paragraph, rest, flags=re.DOTALL)


def _plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", text)).split())

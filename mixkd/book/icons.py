"""The theme's icon font, cut down to the icons that a site shows: 2 of 150 kilobytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

NAME = "icons.woff"
SOURCE = re.compile(r'url\(\.\./webfonts/fa-solid-900\.woff2\) ?format\("woff2"\),url\([^)]*\) ?format\("truetype"\)')
RULE = re.compile(r'([^{}]*)\{content:"\\([0-9a-f]+)"\}')
AS_TEXT = re.compile(r'"\\(f[0-9a-f]{3})"')  # an icon in a style sheet of the theme, or the letter itself
PRIVATE = frozenset(map(chr, range(0xE000, 0xF900)))  # letters that fonts of icons use


def cut(static: Path, texts: Iterable[str]) -> None:
    """Cut style sheet and solid font of Font Awesome below `static` down to icons that `texts` or style sheets name."""
    from fontTools import subset

    sheets = list(static.glob("vendor/fontawesome/*/css/all.min.css"))
    names = {name for text in texts for name in re.findall(r"fa-[\w-]+", text)}
    own = [path.read_text(encoding="utf-8") for path in static.rglob("*.css") if path not in sheets]
    codes = {int(code, 16) for text in own for code in AS_TEXT.findall(text)}
    codes |= {ord(letter) for text in own for letter in text if letter in PRIVATE}
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")

        def rule(match: re.Match) -> str:
            shown = names & {word.strip(" .").removesuffix(":before").rstrip(":") for word in match[1].split(",")}
            codes.update({int(match[2], 16)} if shown else ())
            return match[0] if shown else ""

        rest = SOURCE.sub(f'url(../webfonts/{NAME}) format("woff")', RULE.sub(rule, text))
        sheet.write_text(rest, encoding="utf-8")
        fonts = sheet.parent.parent / "webfonts"
        options = subset.Options(flavor="woff", drop_tables=["FFTM"])
        font = subset.load_font(str(fonts / "fa-solid-900.ttf"), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=codes)
        subsetter.subset(font)
        subset.save_font(font, str(fonts / NAME), options)

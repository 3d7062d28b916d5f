"""Figures of the book as SVG: their text, colours of both themes, the drawing for phones, and their place in a page."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import pytest

from mixkd.book import drawings
from mixkd.figures import drawn, svg
from mixkd.figures.style import COLOURS, INK, figure
from mixkd.files import CHECKOUT

CSS = (CHECKOUT / "book" / "book.css").read_text(encoding="utf-8")
BACKGROUND = {"html": "#ffffff", 'html[data-theme="dark"]': "#121212"}  # of the theme's pages


@figure
def example(names=("one", "two", "three"), n_panels=1):
    """A figure with a word that HTML must escape."""
    fig, axes = plt.subplots(1, n_panels, figsize=(6.4, 3), squeeze=False)
    for axis in axes[0]:
        axis.plot(range(len(names)), range(len(names)), "o", color=COLOURS["T & S"], label="a < b")
        axis.set_xticks(range(len(names)), names)
    axes[0, 0].legend()
    return fig


def luminance(colour: str) -> float:
    """Of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", BACKGROUND)
def test_text_and_marks_stand_out_in_both_themes(theme):
    block = re.search(re.escape(theme) + r" \{([^}]*--fig[^}]*)\}", CSS)
    values = dict(re.findall(r"--fig-([0-9a-f]{6}): (#[0-9a-f]{6});", block[1]))
    assert set(values) == set(drawings.VARIABLES.values())
    for name, value in values.items():
        light, dark = sorted((luminance(value), luminance(BACKGROUND[theme])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= (4.5 if name == INK[1:] else 3), (name, value)


def sizes(text: str) -> set[float]:
    """Of text, in CSS pixels where a drawing is shown as large as it was drawn."""
    return {drawings.PIXELS * float(size) for size in re.findall(r"font(?:-size)?: (?:\d+ )?([\d.]+)px", text)}


def test_text_is_text_and_as_large_in_a_narrow_drawing():
    shown = svg.bundle(example())
    wide, narrow = shown["image/svg+xml"], shown[svg.NARROW]
    for text in (wide, narrow):
        words = {"".join(element.itertext()).strip() for element in ET.fromstring(text).iter() if "text" in element.tag}
        assert {"one", "two", "three", "a < b"} <= words
        assert all(10 <= size <= 14 for size in sizes(text)), sizes(text)
    assert svg.points(narrow)[0] < 0.7 * svg.points(wide)[0]


@pytest.mark.parametrize("arguments", [{"n_panels": 3}, {"names": ["a long name of it"] * 5}], ids=["panels", "names"])
def test_what_does_not_fit_a_phone_as_it_is_is_drawn_upright(arguments):
    shown = svg.bundle(example(**arguments))
    assert set(shown) == {"image/svg+xml", svg.NARROW, drawn.CSV}
    assert ("rotate(-90)" in shown[svg.NARROW]) == ("names" in arguments)


def test_a_panel_without_room_on_a_phone_has_no_narrow_drawing_and_no_warning(recwarn):
    fig = example()
    fig.axes[0].set_yticks([0], ["a name that is wider than the screen of a phone, all of it"])
    assert svg.NARROW not in svg.bundle(fig)
    assert not [str(warning.message) for warning in recwarn]


def test_a_narrow_drawing_changes_nothing_for_the_wide_one():
    fig = example()
    before = svg.drawing(fig)
    svg.narrow(fig)
    assert svg.drawing(fig) == before


@pytest.fixture
def site(tmp_path):
    """A page with a drawing twice, another picture, and the notebook that the drawing is from."""
    shown = svg.bundle(example())
    cell = {"outputs": [{"data": shown}], "cell_type": "code"}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "a.svg").write_text('<?xml version="1.0"?>\n' + shown["image/svg+xml"].replace("\n", "\r\n"))
    (tmp_path / "logo.svg").write_text("<svg></svg>")
    image = '<img class="x" src="a.svg" alt="A says &quot;B&quot;"/>'
    return tmp_path, f"<p>{image}{image.replace('a.svg', 'logo.svg')}<img src='b.png' alt=''></p>"


def test_a_page_has_its_drawings_in_it(site):
    folder, page = site
    found = drawings.inlined(page, folder, drawings.narrow_ones(folder))
    assert found.count("<svg") == 2
    assert found.count('role="img" aria-label="A says &quot;B&quot;"') == 2
    assert 'src="logo.svg"' in found and "b.png" in found  # noqa: PT018
    assert "<style" not in found
    assert "<?xml" not in found
    assert f"var(--fig-{INK[1:]})" in found
    assert not re.search("|".join(drawings.VARIABLES), found)
    ids = re.findall(r'\bid="([^"]+)"', found)
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:href="|url\()#([^")]+)', found)
    assert used
    assert set(used) <= set(ids)


def test_a_drawing_without_a_narrow_one_scrolls_by_keyboard_too(site):
    folder, page = site
    found = drawings.inlined(page, folder, {})
    assert found.count("<svg") == 1
    assert '<span class="drawing scrolls" tabindex="0">' in found


def test_a_picture_drawn_by_hand_follows_the_theme_too(tmp_path):
    (tmp_path / "a.svg").write_text(f'<svg viewBox="0 0 9 9"><rect fill="{INK.upper()}" stroke="#123456"/></svg>')
    found = drawings.inlined('<img class="dark-light" src="a.svg" alt="boxes">', tmp_path, {})
    assert f'<rect fill="var(--fig-{INK[1:]})" stroke="#123456"/>' in found


def test_a_page_of_its_own_brings_its_narrow_drawing_along(tmp_path):
    shown = svg.bundle(example())
    (tmp_path / "a.svg").write_text(shown["image/svg+xml"])
    (tmp_path / f"a{drawings.BESIDE}").write_text(shown[svg.NARROW])
    found = drawings.inlined('<img src="a.svg" alt="A">', tmp_path, drawings.narrow_ones(tmp_path, tmp_path))
    assert 'class="drawing narrow"' in found
    assert found.count("<svg") == 2

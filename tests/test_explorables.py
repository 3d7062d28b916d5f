"""Explorables in a real browser: the same numbers as the package; mouse, keys and touch; both themes and widths."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
from browser import BROWSER, Browser, Page

from mixkd import studies, topology
from mixkd.analysis import contrasts, pooled
from mixkd.analysis.claims import Part, minus
from mixkd.analysis.decisions import cells
from mixkd.analysis.measures import MEASURES
from mixkd.book import explorable_data, explorables
from mixkd.specs.run import ImageSpec

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium found; Debian: apt-get install chromium")
THEME = ("pydata-sphinx-theme.css", "sphinx-book-theme.css")
SCOPE = studies.Scope("watch", "full")
NAMES = list(explorables.EXPLORABLES)
SCREENS = {
    "desk, light": (1280, False),
    "desk, dark": (1280, True),
    "phone, light": (390, False),
    "phone, dark": (390, True),
}


def stylesheets() -> str:
    packaged = [*(files("pydata-sphinx-theme") or ()), *(files("sphinx-book-theme") or ())]
    paths = [Path(file.locate()) for file in packaged if file.name in THEME]
    assert len(paths) == len(THEME)
    return "".join(f'<link rel="stylesheet" href="{path.as_uri()}">' for path in sorted(paths))


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{style}</head>
<body><main class="bd-content" style="display: block; max-width: 860px; padding: 16px">
<div class="explorable" data-explorable="{name}"></div></main><script defer src="{name}.js"></script></body></html>"""


@pytest.fixture(scope="module")
def records():
    return [record for one in contrasts.campaigns(SCOPE) for record in studies.every_record(one)]


@pytest.fixture(scope="module")
def site(tmp_path_factory, records) -> Path:
    """A page for each explorable, with the data of the published book."""
    folder, style = tmp_path_factory.mktemp("explorables"), stylesheets()
    explorables.write(folder, SCOPE, records)
    for name in NAMES:
        (folder / f"{name}.html").write_text(PAGE.format(name=name, style=style))
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium = Browser(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


@pytest.fixture
def show(browser, site):
    """Opens the page of an explorable; at the end nothing went wrong in it."""
    pages = []

    def opened(name: str, width: int = 1280, **options) -> Page:
        pages.append(browser.open(site / f"{name}.html", width, **options))
        pages[-1].wait(f"document.querySelector('[data-explorable={name}] svg')?.innerHTML")
        return pages[-1]

    yield opened
    for page in pages:
        assert page.problems == []
        page.close()


def windows() -> list[np.ndarray]:
    """1,000 channels: most of real windows, some with many ties, some of few samples; float32."""
    rng = np.random.default_rng(0)
    real = studies.data(studies.Scope("watch", "smoke"))[0].splits["train"].x.reshape(-1, 100)
    real = [*real, *(real[rng.integers(len(real), size=1000)] + rng.normal(0, 0.1, (1000, 100)))][:700]
    ties = list(rng.integers(0, 4, (150, 60)))
    short = [rng.normal(size=rng.integers(1, 6)) for _ in range(150)]
    return [np.asarray(x, np.float32) for x in (*real, *ties, *short)]


def test_persistence_is_that_of_the_package(show):
    page, signals = show("flood"), windows()
    assert len(signals) == 1000
    plain = json.dumps([x.tolist() for x in signals])
    pairs = page.js(f"{plain}.map((x) => explorables.topology.pairs(x).map((p) => [p.birth, p.death]))")
    for x, own in zip(signals, pairs, strict=True):
        assert sorted(own) == sorted(topology.diagrams(x[None, None]).of(0, 0).tolist())


def test_images_are_those_of_the_package(show):
    page, signals = show("flood"), np.stack(windows()[:50])[:, None]
    diagrams = topology.diagrams(signals)
    grid = topology.Grid.fit(diagrams, ImageSpec())
    about = {"birth": grid.birth[0].tolist(), "top": float(grid.persistence[0]), "n": 16, "spread": 1.0}
    points = [[{"birth": b, "death": d} for b, d in diagrams.of(i, 0).tolist()] for i in range(50)]
    images = page.js(f"{json.dumps(points)}.map((p) => [...explorables.topology.image(p, {json.dumps(about)})])")
    expected = topology.images(diagrams, grid).reshape(50, -1)
    np.testing.assert_allclose(images, expected, rtol=1e-4, atol=1e-5 * expected.max())


def settings(records, name: str) -> dict[str, list]:
    """A spec of each setting that the page lists, by its label, and the number of its seeds."""
    table = explorable_data.scores(records, name)
    listed = {text: seeds for text, _, seeds in table["settings"]}
    found: dict[str, list] = {}
    for record in records:
        if record.spec.dataset == name and (text := explorable_data.label(record.spec)[0]) in listed:
            found.setdefault(text, [record.spec, listed[text]])
    return found


def test_verdicts_and_intervals_are_those_of_chapter_11(show, records):
    """200 contrasts of random settings, on one data set or averaged over both, at random margins."""
    page, rng = show("contrast"), np.random.default_rng(1)
    page.js("explorables.later('contrast', 'selfback').then(() => true)")
    by_set = {name: settings(records, name) for name in ("watch", "selfback")}
    all_bases = {name: list(studies.bases(replace(SCOPE, dataset=name))) for name in by_set}
    by_spec = {record.spec: record for record in records}
    asked, expected = [], []
    for i in range(200):
        names = [["watch"], ["selfback"], ["watch", "selfback"]][i % 3]
        labels = sorted(set.intersection(*(set(by_set[name]) for name in names)))
        a, b = rng.choice(labels, 2, replace=False).tolist()
        metric = ("accuracy", "nll")[i % 2]
        margin = float(rng.choice([0.2, 1, 3]) * MEASURES[metric].margin)
        sets = []
        for name in names:
            (one, seeds), (other, others) = by_set[name][a], by_set[name][b]
            make = [lambda base, spec=spec: replace(spec, fold=base.fold, seed=base.seed) for spec in (one, other)]
            bases = [base for base in all_bases[name] if base.seed < min(seeds, others)]
            part = Part("any", minus(*make), "above", metric)
            sets.append(cells(contrasts.by_seed(part, bases, by_spec.get)))
        average = pooled.average(sets)
        odds = pooled.odds(average, "above" if metric == "accuracy" else "below", margin)
        expected.append((*average.interval, average.effect, pooled.verdicts([[odds]])["verdict"][0]))
        asked.append([names, {"a": a, "b": b, "metric": metric, "margin": margin}])
    page.js("document.querySelector('select').value = 'all'")
    page.js("document.querySelector('select').dispatchEvent(new Event('change'))")
    page.wait("document.querySelector('[role=status]').parentNode.textContent.includes('of 60 people')")
    code = "const root = document.querySelector('[data-explorable]');"
    code += f"{json.dumps(asked)}.map((one) => root.result(...one)).map((r) => [r.low, r.high, r.effect, r.verdict])"
    found = page.js(code)
    np.testing.assert_allclose([row[:3] for row in found], [row[:3] for row in expected], rtol=0, atol=1e-6)
    assert [row[3] for row in found] == [row[3] for row in expected]
    assert {row[3] for row in found} == {"supported", "opposite", "no relevant effect", "undecided"}


LEGIBLE = (Path(__file__).parent / "legible.js").read_text()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", NAMES)
def test_everything_can_be_read(show, name, screen):
    """Contrasts, sizes of text, names of controls, no sideways scrolling, a visible focus."""
    width, dark = SCREENS[screen]
    page = show(name, width, dark=dark)
    assert page.js("document.documentElement.scrollWidth") <= width
    shown = page.js(LEGIBLE)
    assert len([row for row in shown if row[0] == "mark"]) > 5
    assert [row for row in shown if row[2] < (4.5 if row[0] == "text" else 3) or row[3] < 10] == []
    controls = "[...document.querySelectorAll('.explorable :is(select, input, button)')]"
    assert page.js(f"{controls}.filter((c) => !c.labels?.length && !c.textContent && !c.ariaLabel).length") == 0
    assert page.js("[...document.querySelectorAll('.explorable svg[role=img]')].every((s) => s.ariaLabel.length > 20)")
    page.press("Tab")
    assert page.js("getComputedStyle(document.activeElement).outlineWidth") == "3px"


STATUS = "[...document.querySelectorAll('.explorable [role=status]')].map((p) => p.textContent).join()"


def changes(page: Page, act) -> None:
    """What is said, and what is drawn, is another after `act`."""
    said, drawn = page.js(STATUS), page.js("document.querySelector('.explorable').innerHTML")
    act()
    page.wait(f"{STATUS} !== {json.dumps(said)}")
    assert page.js("document.querySelector('.explorable').innerHTML") != drawn


@pytest.mark.parametrize("name", NAMES)
def test_works_with_keys_and_mouse(show, name):
    page = show(name)
    page.js("document.querySelector('.explorable input[type=range]').focus()")
    changes(page, lambda: page.press("ArrowRight", 8))
    changes(page, lambda: page.drag(".explorable input[type=range]", (0.5, 0.5), (0.9, 0.5)))
    page.js("document.querySelector('.explorable select').focus()")
    changes(page, lambda: page.press("End"))


@pytest.mark.parametrize("name", NAMES)
def test_works_by_touch(show, name):
    page = show(name, 390, dark=True)
    changes(page, lambda: page.drag(".explorable input[type=range]", (0.2, 0.5), (0.8, 0.5), touch=True))


@pytest.mark.parametrize("touch", [False, True])
def test_the_water_is_dragged_in_the_picture(show, touch):
    page = show("flood", 390 if touch else 1280)
    changes(page, lambda: page.drag(".explorable svg", (0.5, 0.5), (0.5, 0.15), touch=touch))
    assert page.js("document.querySelectorAll('.ex-pixels rect').length") > 10


def test_nothing_moves_by_itself_where_less_motion_is_asked_for(show):
    assert "Raise the water" in show("flood").js("document.querySelector('.explorable').textContent")
    assert "Raise the water" not in show("flood", reduced=True).js("document.querySelector('.explorable').textContent")


@pytest.mark.parametrize("name", NAMES)
def test_scripts_are_small(site, name):
    for path in site.glob(f"{name}*.js"):
        assert path.stat().st_size < 60_000, path.name

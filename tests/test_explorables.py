"""Explorables in a real browser: the same numbers as the package; mouse, keys and touch; both themes and widths."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
from browser import BROWSER, Browser, Page
from bs4 import BeautifulSoup
from scipy.special import softmax
from smoke import ROOT

from mixkd import studies, topology
from mixkd.analysis import contrasts, pooled
from mixkd.analysis.claims import Part, minus
from mixkd.analysis.decisions import cells
from mixkd.analysis.measures import MEASURES
from mixkd.book import explorable_data, explorable_scores, explorables
from mixkd.deploy import export
from mixkd.deploy.predict import Student
from mixkd.learning.fold_data import fold_data
from mixkd.learning.probes import evenly
from mixkd.learning.streams import mix
from mixkd.runs.published import Published
from mixkd.specs.run import ImageSpec, Mixup
from mixkd.studies import taught
from mixkd.studies.designs import four_cases

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


STATUS = "[...document.querySelectorAll('.explorable [role=status]')].map((p) => p.textContent).join()"
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explorable_data, "AT", np.array([0.0, 0.5, 1.0]))
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
        if name == "student":  # its weights come when they are asked for
            pages[-1].click(".explorable button")
            pages[-1].wait(f"{STATUS}.includes('window at')")
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
    table = explorable_scores.scores(records, name)
    listed = {text: seeds for text, _, seeds in table["settings"]}
    found: dict[str, list] = {}
    for record in records:
        if record.spec.dataset == name and (text := explorable_scores.label(record.spec)[0]) in listed:
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
    changes(page, lambda: page.drag(".explorable input[type=range]", (0.5, 0.5), (0.02, 0.5)))
    page.js("document.querySelector('.explorable select:has(option + option)').focus()")
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
    """With their data; but for the weights of a student, float32, which are loaded when they are asked for."""
    for path in site.glob(f"{name}*.js"):
        assert path.stat().st_size < (500_000 if path.name == "student.network.js" else 60_000), path.name


def test_mixtures_are_those_of_chapter_5(show):
    """The mixture of the images, the image of the mixture, and how far they are apart."""
    page, data = show("mixup"), explorable_data.windows(SCOPE, [])
    first, second = (base64.b64decode(data["windows"][i]["signals"][1]) for i in (0, 4))
    own, other = (np.frombuffer(raw, "<f4")[None, None] for raw in (first, second))
    about, weight = data["grids"][1], np.array([0.5], np.float32)
    grid = topology.Grid(np.array([about["birth"]], np.float32), np.array([about["top"]], np.float32), ImageSpec())
    linear = mix(*(topology.images(topology.diagrams(x), grid) for x in (own, other)), weight)
    recomputed = topology.images(topology.diagrams(mix(own, other, weight)), grid)
    shown = page.js("document.querySelector('[data-explorable]').result")
    np.testing.assert_allclose(shown["linear"], linear.ravel(), atol=1e-4 * linear.max())
    np.testing.assert_allclose(shown["recomputed"], recomputed.ravel(), atol=1e-4 * recomputed.max())
    assert shown["gap"] == pytest.approx(np.linalg.norm(linear - recomputed) / np.linalg.norm(recomputed), rel=1e-3)


def test_entropies_and_students_are_those_of_the_records(show, records):
    page, of = show("softening"), {record.spec: record for record in records}
    data = explorable_data.softening(SCOPE, records)
    assert len(data["teachers"]) == 14
    folds = [base for base in studies.bases(SCOPE) if base.seed == 0]
    for i, mixup, temperature in ((0, None, 4.0), (3, Mixup(), 1.0), (6, Mixup(share=0.5), 2.0)):
        teachers = [of[taught(base, "signal", mixup).teacher_runs[0]] for base in folds]
        logits = np.concatenate([z[evenly(len(z), 10)] for z in (run.arrays["test_logits"] for run in teachers)])
        p = softmax(logits / temperature, axis=1)
        expected = -np.sum(p * np.log(np.maximum(p, 1e-30)), axis=1).mean()
        value = page.js(f"document.querySelector('[data-explorable]').result({i}, {temperature})")
        assert value == pytest.approx(expected, abs=2e-3)
    nll = np.mean([of[taught(base, "signal")].metrics()["nll"] for base in folds])
    assert f"NLL {nll:.2f} (mean of 10 people" in page.js(STATUS)


def test_the_student_in_the_page_is_the_one_of_onnx(show, tmp_path):
    """On held-out windows; then on a file of the reader's, with what is wrong in one said."""
    page, base = show("student"), next(studies.bases(SCOPE))
    data = fold_data(base.data)
    record = Published().get(replace(taught(base, "both"), init="scratch"))
    export.export(record, data, tmp_path)
    x = data.splits["test"].x[::10]
    rows = x.transpose(0, 2, 1).reshape(len(x), -1)
    call = "document.querySelector('[data-explorable]').student.probabilities(Float32Array.from(w))"
    shown = page.js(f"{json.dumps(rows.tolist())}.map((w) => {call})")
    np.testing.assert_allclose(shown, Student.load(tmp_path).probabilities(x), atol=1e-5)

    def drop(text: str) -> None:
        made = f"const t = new DataTransfer(); t.items.add(new File([{json.dumps(text)}], 'own.csv'))"
        event = "new DragEvent('drop', {dataTransfer: t, bubbles: true, cancelable: true})"
        page.js(f"{{ {made}; document.querySelector('.explorable').dispatchEvent({event}); 0 }}")

    names = page.js("explorables.data.student.channels")
    lines = [",".join(names), *(",".join(map(repr, row)) for row in x[0].T.astype(float).tolist())]
    changes(page, lambda: drop("\n".join(lines)))
    assert "own.csv, window at 0.0 s" in page.js(STATUS)
    changes(page, lambda: drop("\n".join([lines[0], "1,2,x,4,5,6"])))
    assert "own.csv, line 2: found “x” in column az, expected a number" in page.js(STATUS)
    changes(page, lambda: drop("a,b\n1,2"))
    assert "own.csv, line 1: found columns a, b, expected ax, ay, az" in page.js(STATUS)
    changes(page, lambda: drop("\n".join(lines[:50])))
    assert "own.csv: found 49 rows, expected at least 100" in page.js(STATUS)


def test_the_student_reads_the_motion_sensor(show):
    """Of a phone that lies still: one g, no turning."""
    page = show("student", 390)
    moved = "new DeviceMotionEvent('devicemotion', {interval: 16, accelerationIncludingGravity: {x: 0, y: 0, z: 9.8},"
    moved += " rotationRate: {alpha: 0, beta: 0, gamma: 0}})"
    page.js(f"window.shaking = setInterval(() => window.dispatchEvent({moved}), 16); 0")
    page.js("[...document.querySelectorAll('button')].find((b) => b.textContent.includes('sensor')).click()")
    page.wait(f"{STATUS}.startsWith('motion sensor, window at')")
    page.js("clearInterval(window.shaking); 0")


def test_the_line_between_students_is_that_of_chapter_10(show):
    """At its ends are the two students: their accuracy is that of their records."""
    page, runs = show("surface"), [run for run in four_cases(next(studies.bases(SCOPE)), 1.0) if len(run.teachers) == 2]
    lines = page.js("explorables.data.surface.lines")
    assert [line["to"] for line in lines] == ["T & Mix-S", "Mix-T & S", "Mix-T & Mix-S"]
    for line, run in zip(lines, runs[1:], strict=True):
        for end, spec in ((0, runs[0]), (2, run)):
            accuracy = Published().get(spec).metrics()["accuracy"]
            assert line["values"]["interpolated"]["test"]["accuracy"][end] == pytest.approx(accuracy, abs=1e-6)


def test_all_of_them_work_on_one_page(browser, site):
    page = (site / "flood.html").read_text()
    boxes = "".join(f'<div class="explorable" data-explorable="{name}"></div>' for name in NAMES)
    scripts = "".join(f'<script defer src="{name}.js"></script>' for name in NAMES)
    (site / "all.html").write_text(page.replace("</main>", f"{boxes}</main>{scripts}"))
    opened = browser.open(site / "all.html", 390)
    opened.wait(f"document.querySelectorAll('.explorable:has(svg path)').length > {len(NAMES) - 1}")
    assert opened.problems == []
    opened.close()


def test_the_page_holds_each_with_a_picture_for_readers_without_scripts():
    soup = BeautifulSoup((ROOT / "book" / "try.md").read_text(), "html.parser")
    assert sorted(box["data-explorable"] for box in soup.select(".explorable")) == sorted(NAMES)
    for name, (notebook, figure) in explorables.PICTURES.items():
        picture = soup.select_one(f'[data-explorable="{name}"] noscript img')
        assert picture["src"] == f"../_static/explorables/{name}.svg"
        assert len(picture["alt"]) > 40
        assert soup.select_one(f'script[src="../_static/explorables/{name}.js"]')
        assert f'"name": "{figure}"' in (ROOT / "notebooks" / "src" / notebook.replace(".ipynb", ".py")).read_text()
    assert explorables.PICTURES.keys() == explorables.EXPLORABLES.keys()

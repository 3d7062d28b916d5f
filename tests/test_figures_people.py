"""People in figures: their names, their lines, the interval of their mean, and how a page finds them again."""

from __future__ import annotations

import csv
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from browser import BROWSER, Browser
from scipy import stats

from mixkd import figures
from mixkd.book import drawings
from mixkd.datasets import Recordings
from mixkd.figures import drawn, people, svg
from mixkd.figures.style import figure
from mixkd.files import CHECKOUT

CASES = ("T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S")
PEOPLE = ("1", "2", "10", "A b", "7+12")


def four_cases(subjects=PEOPLE) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [("none", case) for case in ("S", "Mix-S")]
    rows += [(by, case) for by in ("signal", "image", "both") for case in CASES]
    return pd.DataFrame(
        [(by, case, subject, seed, *rng.random(2)) for by, case in rows for subject in subjects for seed in (0, 1)],
        columns=["teachers", "case", "subject", "seed", "accuracy", "nll"],
    )


def tempered(subjects=PEOPLE) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [(c, s, t, *rng.random(3)) for c in CASES for s in subjects for t in (1.0, 4.0)]
    return pd.DataFrame(rows, columns=["case", "subject", "temperature", "entropy", "accuracy", "nll"])


def rows_of(fig) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(drawn.table(fig))))


def test_the_table_of_a_figure_names_every_person_once_per_column_and_line():
    table = four_cases()
    rows = rows_of(figures.four_cases(table))
    mean = table[table["subject"] == "10"].groupby(["teachers", "case"])["accuracy"].mean()
    of_one = [float(row["y"]) for row in rows if row["series"] == "10"]
    assert sorted(of_one) == pytest.approx(sorted([*mean, *mean]), abs=1e-5), "a dot each, and the line through them"
    assert {row["series"] for row in rows} >= {*PEOPLE, "mean", "95 % interval"}


@pytest.mark.parametrize(
    ("draw", "table", "value"),
    [
        (figures.four_cases, four_cases(), "accuracy"),
        (figures.temperature, tempered(), "accuracy"),
        (figures.smooth_against_score, tempered(), "nll"),
    ],
    ids=["columns", "lines", "means"],
)
def test_the_interval_is_that_of_scipy_over_people(draw, table, value):
    rows = rows_of(draw(table))
    bars = np.array([float(row["y"]) for row in rows if row["series"] == "95 % interval"]).reshape(-1, 2)
    by = [name for name in ("teachers", "case", "temperature") if name in table]
    by = ["temperature"] if draw is figures.temperature else by
    expected = []
    for _, part in table.groupby(by):
        each = part.groupby("subject")[value].mean()
        expected.append(stats.t.interval(0.95, len(each) - 1, each.mean(), stats.sem(each)))
    for low, high in expected:
        assert np.isclose(bars, (low, high), atol=1e-5).all(axis=1).any()


def test_two_people_have_no_interval():
    fig = figures.four_cases(four_cases(("1", "2")))
    assert "95 % interval" not in {row["series"] for row in rows_of(fig)}
    assert "interval" not in fig.legends[0].get_title().get_text()


def test_ids_are_unique_and_end_in_the_person():
    text = svg.drawing(figures.four_cases(four_cases()))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    of_people = {one.split("person-", 1)[1] for one in ids if "person-" in one}
    assert of_people == {"1", "2", "10", "A%20b", "7+12"}, "no gaps: an id has none"


def test_a_line_joins_the_columns_in_which_a_person_is():
    table = pd.DataFrame({"subject": ["1", "2", "10"], "value": [0.1, 0.2, 0.3]})
    fig, axis = plt.subplots()
    people.columns(axis, [("a", "k", table), ("b", "k", table.iloc[:1]), ("c", "k", table.iloc[::2])], "value")
    lines = {one.get_label(): list(one.get_xdata()) for one in axis.lines if len(one.get_xdata()) > 1 and one.get_gid()}
    assert lines == {"_1": [0, 1, 2], "_10": [0, 2]}
    assert {one.get_marker() for one in axis.lines if one.get_gid()} == {"o", "None"}
    plt.close(fig)


@figure
def neighbours(name: str):
    """Two panels with one long name each below, or one name for both."""
    fig, axes = plt.subplots(1, 2, figsize=(6.4, 3))
    for axis in axes:
        axis.plot([0, 1], [0, 1])
        axis.set_xticks([0, 1])
        axis.set_xlabel(name)
    return fig


def test_panels_whose_names_would_overlap_on_a_phone_stand_below_one_another():
    beside, below = (svg.points(svg.narrow(neighbours(name))) for name in ("share", "share of a batch that is mixed"))
    assert below[1] > 1.8 * beside[1]
    assert below[0] < 72 * svg.LARGEST


@figure
def shared_names(n_rows: int, n_columns: int):
    """Panels with titles, whose names and numbers stand at the left and at the bottom alone; a legend of six names."""
    fig, axes = plt.subplots(n_rows, n_columns, figsize=(6.4, 2 * n_rows), sharex=True, sharey=True, squeeze=False)
    for i, axis in enumerate(axes.flat):
        axis.plot([0, 1], [0, 1])
        axis.set_title(f"panel {i}")
    for axis in axes[:, 0]:
        axis.set_ylabel("score")
    for axis in axes[-1]:
        axis.set_xlabel("step")
    handles = [axis.plot([], [], label=f"a long name of line {i}")[0] for i in range(6)]
    fig.legend(handles=handles, loc="outside upper center", ncols=6)
    return fig


@pytest.mark.parametrize(("shape", "scores", "steps"), [((1, 3), 3, 3), ((2, 5), 5, 2)])
def test_panels_on_a_phone_have_the_names_that_they_shared(shape, scores, steps):
    fig = shared_names(*shape)
    before = svg.drawing(fig)
    text = svg.narrow(fig)
    assert svg.points(text)[0] < 72 * svg.LARGEST
    assert (text.count(">score<"), text.count(">step<")) == (scores, steps)
    assert all(text.count(f">panel {i}<") == 1 for i in range(shape[0] * shape[1]))
    assert text.count(">a long name of line 5<") == 1
    assert svg.drawing(fig) == before, "the wide drawing is as it was"


def test_shares_have_one_name_for_both_panels_and_fit_a_phone():
    rng = np.random.default_rng(0)
    rows = [(s, how, share, share, *rng.random(2)) for s in PEOPLE for how in ("exact", "released") for share in (0, 1)]
    table = pd.DataFrame(rows, columns=["subject", "sampling", "share", "realised", "accuracy", "nll"])
    assert svg.narrow(figures.shares(table))


@pytest.mark.parametrize(("metric", "least"), [("accuracy", 3), ("nll", 0.15)])
def test_a_heat_map_does_not_stretch_noise_and_bright_is_better(metric, least):
    table = tempered().assign(accuracy=0.85, nll=0.6)
    table.loc[table["case"] == "T & S", metric] += 0.001
    mesh = figures.grid(table, metric).axes[0].collections[0]
    low, high = mesh.get_clim()
    assert high - low >= 2 * least - 1e-9
    bright = [sum(mesh.cmap(mesh.norm(value))[:3]) for value in (low, high)]
    assert (bright[1] > bright[0]) == (metric == "accuracy")


def test_a_number_that_all_cells_share_is_written_once():
    signals = tuple(np.zeros((100, 1), np.float32) for _ in range(3))
    labels = tuple(np.full(100, label) for label in (0, 1, 0))
    found = Recordings(signals, labels, np.array([1, 1, 2]), 10.0, ("x",), ("g",), ("sit", "walk"))
    axes = figures.overview(found, 2.0).axes
    assert [text.get_text() for text in axes[0].texts] == ["none"]
    assert axes[0].get_title(loc="left").split()[-5:] == ["0.2", "in", "each", "shaded", "cell"]


@pytest.fixture
def page(tmp_path):
    """Two figures of the same people, as a page of the book has them."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine")
    table = four_cases()
    for name, fig in (("a", figures.four_cases(table)), ("b", figures.case_gain(table))):
        (tmp_path / f"{name}.svg").write_text(svg.drawing(fig))
    text = drawings.inlined('<img src="a.svg" alt="one"><img src="b.svg" alt="two">', tmp_path, {})
    css, script = ((CHECKOUT / "book" / name).read_text() for name in ("book.css", "site.js"))
    shown = tmp_path / "page.html"
    shown.write_text(f"<meta charset=utf-8><style>{css}</style><p>Text.</p>{text}<script>{script}</script>")
    browser = Browser(tmp_path / "profile")
    try:
        opened = browser.open(shown)
        yield opened
        assert not opened.problems
    finally:
        browser.close()


FOLLOWED = """[...new Set([...document.querySelectorAll(".followed")].map(
    (one) => one.closest("svg").ariaLabel + " " + decodeURIComponent(one.id.split("person-")[1])))].sort()"""
SECOND = '[id$="person-A%20b"]'


def test_a_person_is_followed_through_the_page(page):
    page.send("Input.dispatchMouseEvent", type="mouseMoved", **page.at(SECOND))
    assert page.js(FOLLOWED) == ["one A b", "two A b"]
    page.send("Input.dispatchMouseEvent", type="mouseMoved", **page.at("p"))
    assert page.js(FOLLOWED) == []


def test_a_click_holds_a_person_and_the_next_one_lets_go(page):
    page.click(SECOND)
    page.send("Input.dispatchMouseEvent", type="mouseMoved", **page.at("p"))
    assert page.js(FOLLOWED) == ["one A b", "two A b"]
    page.click(SECOND)
    page.send("Input.dispatchMouseEvent", type="mouseMoved", **page.at("p"))
    assert page.js(FOLLOWED) == []


def test_a_baseline_far_below_is_named_and_stretches_no_axis():
    rng = np.random.default_rng(0)
    networks = [("signal", "WRN16-1", 0, who, 0.8 + 0.1 * rng.random()) for who in PEOPLE]
    table = pd.DataFrame(networks, columns=["modality", "network", "share", "subject", "accuracy"])
    rows = [(name, who, level) for name, level in (("majority class", 0.165), ("forest", 0.85)) for who in PEOPLE]
    (axis,) = figures.teachers(table, pd.DataFrame(rows, columns=["baseline", "subject", "accuracy"])).axes
    assert axis.get_ylim()[0] > 0.5
    assert axis.get_xlabel() == "below the axis: majority class (16.5 %)"
    assert [label.get_text().split()[0] for label in axis.get_xticklabels()] == ["forest", "signal"]


def test_people_of_two_data_sets_are_not_one_person():
    fig, axis = plt.subplots()
    index = pd.MultiIndex.from_tuples([(0, "1"), (1, "2")], names=["fold", "subject"])
    for y, name in enumerate(("watch", "selfback")):
        people.dots(axis, pd.Series([0.1, 0.2], index), y, name)
    plt.close(fig)
    assert [one.get_gid() for one in axis.lines] == [
        f"person-{i}%20of%20{n}" for n in ("watch", "selfback") for i in "12"
    ]

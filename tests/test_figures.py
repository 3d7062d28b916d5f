"""Figures show the numbers of their tables, exactly once, and leave matplotlib as they found it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from mixkd import figures, mixing
from mixkd.config import Mixup
from mixkd.figures import style

CASES = ("T & S", "Mix-T & S", "T & Mix-S", "Mix-T & Mix-S")


def drawn(figure, axis: int = 0) -> list[float]:
    """Heights of all single markers of an axis."""
    lines = figure.axes[axis].get_lines()
    return sorted(float(y) for line in lines if len(line.get_ydata()) == 1 for y in line.get_ydata())


@pytest.fixture
def four_cases() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [("none", case) for case in ("S", "Mix-S")]
    rows += [(by, case) for by in ("signal", "image", "both") for case in CASES]
    return pd.DataFrame(
        [(by, case, subject, 0, *rng.random(2)) for by, case in rows for subject in ("1", "2")],
        columns=["teachers", "case", "subject", "seed", "accuracy", "nll"],
    )


def test_every_run_of_the_four_cases_is_a_marker_at_its_value(four_cases):
    assert drawn(figures.four_cases(four_cases)) == pytest.approx(sorted(four_cases["accuracy"]))
    assert drawn(figures.four_cases(four_cases, "nll")) == pytest.approx(sorted(four_cases["nll"]))


def test_seeds_are_averaged_per_subject(four_cases):
    again = pd.concat([four_cases, four_cases.assign(seed=1, accuracy=four_cases["accuracy"] + 0.2)])
    assert drawn(figures.four_cases(again)) == pytest.approx(sorted(four_cases["accuracy"] + 0.1))


def test_gains_are_against_the_control_with_equal_epochs():
    rows = [
        ("Scratch", "none", 20, 0.5),
        ("Scratch 2x", "none", 40, 0.6),
        ("Base", "both", 20, 0.7),
        ("Ann", "both", 40, 0.75),
    ]
    table = pd.DataFrame(rows, columns=["method", "teachers", "total_epochs", "accuracy"]).assign(subject="1", seed=0)
    assert drawn(figures.gains(table)) == pytest.approx([15, 20])


def test_case_gain_is_against_the_same_teacher_and_subject(four_cases):
    axis = figures.case_gain(four_cases).axes[0]
    plain = four_cases[four_cases["case"] == "T & S"].set_index(["teachers", "subject"])["accuracy"]
    others = four_cases[(four_cases["case"] != "T & S") & (four_cases["teachers"] != "none")]
    expected = [100 * (r.accuracy - plain[r.teachers, r.subject]) for r in others.itertuples()]
    markers = [y for line in axis.get_lines() if line.get_marker() == "o" for y in line.get_ydata()]
    assert sorted(markers) == pytest.approx(sorted(expected))


def test_grid_writes_the_means():
    table = pd.DataFrame(
        [(c, t, i + t / 10) for i, c in enumerate(CASES) for t in (1.0, 4.0)], columns=["case", "temperature", "nll"]
    )
    texts = [text.get_text() for text in figures.grid(table, "nll").axes[0].texts]
    assert texts == ["0.10", "0.40", "1.10", "1.40", "2.10", "2.40", "3.10", "3.40"]


def test_confusion_shows_shares_of_the_true_class():
    figure = figures.confusion({"signal": np.array([[3, 1], [0, 0]])}, ("a", "b"))
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), [[0.75, 0.25], [0, 0]])


def test_figures_are_closed_and_leave_matplotlib_alone():
    before = dict(plt.rcParams)
    stream = mixing.stream(64, 16, 1, Mixup(1.0), 0)
    figure = figures.beta_densities((1.0,), {1.0: stream})
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
    assert figure.get_facecolor()[3] == 0, "transparent, for the dark theme"


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("background", ["#ffffff", "#14181e"])
def test_text_reads_on_both_themes(background):
    pair = sorted((luminance(style.INK), luminance(background)))
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4, "contrast of WCAG, near its 4.5 for small text on both at once"


def test_colours_of_what_is_shown_together_differ():
    for group in (
        ("signal", "image", "both"),
        CASES,
        ("S", "Mix-S"),
        ("Scratch", "Scratch 2x", "Base", "Base 2x", "Ann"),
    ):
        colours = [style.COLOURS[name] for name in group]
        assert len(set(colours)) == len(colours)


def test_method_gains_are_against_the_control_of_as_many_epochs():
    rows = [("Scratch", "none", 20, "1", 0.5), ("Scratch", "none", 20, "2", 0.7), ("Scratch 2x", "none", 40, "1", 0.6)]
    rows += [("Scratch 2x", "none", 40, "2", 0.6), ("Base", "both", 20, "1", 0.6), ("Base", "both", 20, "2", 0.6)]
    rows += [("Ann", "both", 40, "2", 0.65), ("Ann", "both", 40, "1", 0.5)]
    table = pd.DataFrame(rows, columns=["method", "teachers", "total_epochs", "subject", "accuracy"])
    axis = figures.method_gains(table).axes[0]
    found = [
        sorted(line.get_xdata()) for line in axis.get_lines() if line.get_marker() == "o" and len(line.get_xdata())
    ]
    np.testing.assert_allclose(found, [[-10, 10], [-10, 5]], atol=1e-9)
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Base (20)", "Ann (40)"]

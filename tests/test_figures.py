"""Figures show the numbers of their tables, exactly once, and leave matplotlib as they found it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from mixkd import figures, windows
from mixkd.analysis import comparison, decisions, sizes
from mixkd.datasets import Recordings
from mixkd.figures import style, svg
from mixkd.figures.data import alike
from mixkd.learning import streams
from mixkd.specs.run import Mixup
from mixkd.studies import inventory

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


SAME = {"dataset": "watch", "network": "WRN16-1", "task": "classification", "case": "S"}


def test_gains_are_against_the_control_with_equal_epochs():
    rows = [
        ("Scratch", "none", 20, 0.5),
        ("Scratch 2x", "none", 40, 0.6),
        ("Base", "both", 20, 0.7),
        ("Ann", "both", 40, 0.75),
    ]
    table = pd.DataFrame(rows, columns=["method", "teachers", "total_epochs", "accuracy"]).assign(subject="1", seed=0)
    table = table.assign(**SAME)
    assert drawn(figures.gains(comparison.gains(table))) == pytest.approx([15, 20])


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


def test_resolution_has_a_line_for_validation_and_one_for_test():
    accuracy = {"validation_accuracy": [0.5, 0.7, 0.9, 0.7], "accuracy": [0.4, 0.4, 0.6, 0.8]}
    drawn_lines = (
        figures.resolution(pd.DataFrame({"resolution": [8, 8, 16, 16], "subject": list("abab"), **accuracy}))
        .axes[0]
        .lines
    )
    lines = {line.get_label(): line.get_ydata() for line in drawn_lines}
    assert lines["validation"] == pytest.approx([0.6, 0.8])
    assert lines["test"] == pytest.approx([0.4, 0.7])


def test_confusion_shows_shares_of_the_true_class():
    figure = figures.confusion({"signal": np.array([[3, 1], [0, 0]])}, ("a", "b"))
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), [[0.75, 0.25], [0, 0]])


def test_figures_are_closed_and_leave_matplotlib_alone():
    before = dict(plt.rcParams)
    stream = streams.stream(64, 16, 1, Mixup(1.0), seed=0)
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
        ("Scratch", "Scratch 2x"),
    ):
        colours = [style.COLOURS[name] for name in group]
        assert len(set(colours)) == len(colours)


def test_method_gains_are_against_the_control_of_as_many_epochs():
    rows = [("Scratch", "none", 20, "1", 0.5), ("Scratch", "none", 20, "2", 0.7), ("Scratch 2x", "none", 40, "1", 0.6)]
    rows += [("Scratch 2x", "none", 40, "2", 0.6), ("Base", "both", 20, "1", 0.6), ("Base", "both", 20, "2", 0.6)]
    rows += [("Ann", "both", 40, "2", 0.65), ("Ann", "both", 40, "1", 0.5)]
    table = pd.DataFrame(rows, columns=["method", "teachers", "total_epochs", "subject", "accuracy"])
    axis = figures.method_gains(comparison.gains(table.assign(seed=0, **SAME))).axes[0]
    rows = {0: [], 1: []}
    for line in axis.get_lines():
        if line.get_gid():
            rows[float(line.get_ydata()[0])].append(float(line.get_xdata()[0]))
    np.testing.assert_allclose([sorted(row) for row in rows.values()], [[-10, 10], [-10, 5]], atol=1e-9)
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Base (20)", "Ann (40)"]


# -- larger data sets: many people, channels and classes, long names

LONG = tuple(f"a long name of activity {letter}" for letter in "ABCDEFGHIJKLMNOPQRS")
SHORT = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")


def tick_labels(axis) -> list:
    """Those of an axes that are drawn; shared ones are written once."""
    found = []
    for limits, ticks, labels in (
        (axis.get_xlim(), axis.get_xticks(), axis.get_xticklabels()),
        (axis.get_ylim(), axis.get_yticks(), axis.get_yticklabels()),
    ):
        found += [text for at, text in zip(ticks, labels, strict=False) if min(limits) <= at <= max(limits)]
    return found


def overlapping(figure) -> list[tuple[str, str]]:
    """Pairs of names and numbers of a figure that are written over one another, or over the edge."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    shown = [axis for axis in figure.axes if axis.axison or axis.get_legend()]
    legends = [*figure.legends, *(axis.get_legend() for axis in shown if axis.get_legend())]
    texts = [text for legend in legends for text in legend.texts]
    texts += [child for axis in shown for child in axis.get_children() if isinstance(child, Text)]  # titles too
    texts += [label for axis in shown if axis.axison for label in tick_labels(axis)]
    boxes = [
        (text.get_text(), text.get_window_extent(renderer).padded(-1))
        for text in texts
        if text.get_text() and text.get_visible()
    ]
    beyond = [(name, "the edge") for name, box in boxes if box.x0 < 0 or box.x1 > figure.bbox.width]
    return beyond + [(a, b) for i, (a, box) in enumerate(boxes) for b, other in boxes[i + 1 :] if box.overlaps(other)]


def crowd(n_people: int, n_channels: int, classes: tuple[str, ...]) -> tuple[Recordings, windows.Windows]:
    rng = np.random.default_rng(0)
    signals = tuple(rng.normal(size=(8 * len(classes), n_channels)).astype(np.float32) for _ in range(n_people))
    labels = tuple(np.repeat(np.arange(len(classes)), 8) for _ in signals)
    names = tuple(f"LA {i}" for i in range(n_channels))
    found = Recordings(signals, labels, np.arange(n_people) + 7, 25.0, names, ("m/s^2",) * n_channels, classes)
    return found, windows.cut(found, 8, 8)


def class_table(classes: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame([(s, c, 0.1) for c in classes for s in ("1", "2")], columns=["subject", "class", "gain"])


@pytest.mark.parametrize("classes", [SHORT, LONG], ids=["few", "many"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda names: figures.class_gains(class_table(names)),
        lambda names: figures.confusion(dict.fromkeys(("one", "two"), np.eye(len(names))), names),
        lambda names: figures.mean_images(np.ones((len(names), 8, 8)), np.arange(len(names)), names, "T ax"),
        lambda names: figures.similarity_maps(
            dict.fromkeys("abcd", np.ones((9 * len(names),) * 2)), np.repeat(np.arange(len(names)), 9), names
        ),
        lambda names: figures.feature_maps(
            dict.fromkeys("abcd", np.ones((len(names), 2))), np.arange(len(names)), names
        ),
    ],
    ids=["class_gains", "confusion", "mean_images", "similarity_maps", "feature_maps"],
)
def test_names_of_classes_do_not_overlap(draw, classes):
    assert overlapping(draw(classes)) == []


@pytest.mark.parametrize(("n_people", "n_channels", "classes"), [(10, 6, SHORT), (50, 3, SHORT), (8, 45, LONG)])
def test_names_of_people_and_channels_do_not_overlap(n_people, n_channels, classes):
    recordings, cut = crowd(n_people, n_channels, classes)
    for figure in (
        figures.window_per_class(cut, recordings, 7),
        figures.windows_per_subject(cut, classes),
        figures.channel_ranges(cut, recordings),
        figures.folds(windows.folds(recordings.subjects)),
    ):
        assert overlapping(figure) == []


def test_names_of_short_stretches_do_not_overlap():
    names = ["walk"] * 9 + ["climb stairs", "walk", "climb stairs", "climb stairs"] + ["walk"] * 8 + ["climb stairs"]
    rows = [{"start_s": 2.0 * i, "end_s": 2.0 * i + 2, "label": name} for i, name in enumerate(names)]
    about = {"channels": ["x"], "units": ["g"], "rate": 10.0, "classes": ["walk", "climb stairs"]}
    figure = figures.labelled(about, [(0.0, np.zeros((440, 1), np.float32))], rows)
    assert [text.get_text() for text in figure.axes[0].texts] == ["walk", "climb stairs", "walk"]
    assert overlapping(figure) == []
    figure.set_figwidth(svg.PHONE)
    assert overlapping(figure) == []


def test_a_short_stretch_takes_no_place_from_the_next():
    names = ["IR"] * 10 + ["ER"] * 9 + ["IR"] + ["TRAP"] * 10
    rows = [{"start_s": 2.0 * i, "end_s": 2.0 * i + 2, "label": name} for i, name in enumerate(names)]
    about = {"channels": ["x", "y"], "units": ["g"] * 2, "rate": 10.0, "classes": ["IR", "ER", "TRAP"]}
    axis = figures.labelled(about, [(0.0, np.zeros((600, 2), np.float32))], rows).axes[0]
    assert [(text.get_text(), text.get_position()[0]) for text in axis.texts] == [("IR", 0), ("ER", 20), ("TRAP", 40)]
    assert [line.get_color() for line in axis.get_lines()] == list(style.CLASS_COLOURS[:2]), "as in `overview`"


@pytest.mark.parametrize("colours", ["cividis", "Oranges", "Blues"])
def test_numbers_of_a_heat_map_stand_out_from_their_cells(colours):
    """By WCAG 2; those of empty cells do not exist."""
    values = np.append(np.linspace(0, 1, 24), np.nan).reshape(5, 5)
    _, axis = plt.subplots()
    style.matrix(axis, values, list("abcde"), list("abcde"), cmap=colours)
    assert len(axis.texts) == 24
    faces = axis.collections[0].get_facecolors()
    for number, face in zip(axis.texts, faces, strict=False):
        low, high = sorted(map(luminance, (number.get_color(), to_hex(face))))
        assert (high + 0.05) / (low + 0.05) >= 4.5
    plt.close("all")


def test_shapes_name_the_sizes_of_teachers():
    """Students of one teacher each, at the accuracy of the teacher and their own."""
    sizes = ("WRN16-1", "WRN28-3")
    students = pd.DataFrame(
        [("Base", "signal", name, "1", 0.5 + 0.1 * i) for i, name in enumerate(sizes)],
        columns=["method", "teachers", "teacher_network", "subject", "accuracy"],
    )
    teachers = pd.DataFrame({"case": "S", "modality": "signal", "network": sizes, "accuracy": (0.7, 0.8)})
    fig = figures.capacity(students, teachers)
    marks = {line.get_label(): line for line in fig.axes[0].get_lines() if len(line.get_xdata()) == 1}
    for i, name in enumerate(sizes):
        mark = marks[f"_{name}"]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == pytest.approx((0.7 + 0.1 * i, 0.5 + 0.1 * i))
    legend = {text.get_text(): handle for text, handle in zip(*_entries(fig), strict=True)}
    assert list(legend) == ["from signal", *sizes]
    assert [legend[name].get_marker() for name in sizes] == [marks[f"_{name}"].get_marker() for name in sizes]


def _entries(fig):
    (legend,) = fig.legends
    return legend.get_texts(), legend.legend_handles


def test_a_piece_of_one_sample_is_a_dot():
    x = np.array([0.0, 3, 3, 0, 0, 3])
    (axis,) = figures.sublevel_sets(x, 1.0, (1.0,), "g").axes
    assert axis.get_title("left") == "2 pieces"
    assert drawn(axis.figure)[:1] == [0.0]
    assert [list(line.get_xdata()) for line in axis.get_lines() if line.get_marker() == "o"] == [[0.0]]


def test_confusion_of_many_classes_hides_zeros_alone():
    counts = np.eye(len(LONG)) + 1
    axis = figures.confusion({"one": counts, "two": np.eye(len(LONG))}, LONG).axes
    assert [t.get_text() for t in axis[1].texts if t.get_visible()] == ["1.0"] * len(LONG)
    assert all(t.get_visible() for t in axis[0].texts)


def test_a_person_without_a_class_leaves_its_panel_empty():
    recordings, cut = crowd(3, 3, SHORT)
    partly = cut[np.flatnonzero((cut.subject != 7) | (cut.y != 2))]
    panels = figures.window_per_class(partly, recordings, 7).axes[: len(SHORT)]
    assert [len(panel.get_lines()) for panel in panels] == [3, 3, 0, 3, 3, 3, 3]


def test_three_channels_of_one_sensor_are_drawn():
    assert alike(("bpm", "degC", "g", "g", "g", "rad/s")) == (2, 3, 4)
    assert alike(("g", "g", "g", "rad/s", "rad/s", "rad/s")) == (0, 1, 2)
    assert alike(("a", "a")) == (0, 1)


def test_classes_have_a_colour_each():
    assert [style.class_colour(i) for i in range(9)] == [to_rgb(colour) for colour in style.CLASS_COLOURS]
    assert len({style.class_colour(i) for i in range(27)}) == 27


def test_data_sets_lie_at_their_people_and_hours_and_the_chosen_one_stands_out():
    rows = [("watch", 10, 1.4, 7), ("hapt", 30, 4.5, 12), ("hapt_official", 30, 4.5, 12)]
    axis = figures.people_and_hours(
        pd.DataFrame(rows, columns=["dataset", "people", "hours", "classes"]), "hapt_official"
    ).axes[0]
    found = {(*line.get_xdata(), *line.get_ydata()): line.get_color() for line in axis.get_lines() if line.get_marker()}
    assert found == {(10, 1.4): style.COLOURS["signal"], (30, 4.5): style.COLOURS["image"]}
    assert [text.get_text() for text in axis.texts] == ["watch", "hapt, hapt_official"]


@pytest.mark.parametrize("width", [style.WIDTH, svg.PHONE])
def test_names_of_the_measured_data_sets_cover_no_name_and_no_dot(width):
    figure = figures.people_and_hours(sizes.scale(inventory.read()), "watch")
    figure.set_figwidth(width)
    assert overlapping(figure) == []
    dots = [line.get_window_extent() for line in figure.axes[0].get_lines()]
    names = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    assert [name for name, box in names.items() if any(box.overlaps(dot) for dot in dots)] == []


def test_class_balance_has_a_dot_per_class():
    rows = [("watch", "a", 0.25, 0.5), ("watch", "b", 0.75, 0.5), ("hapt", "c", 1.0, 1.0)]
    table = pd.DataFrame(rows, columns=["dataset", "class", "share", "equal"])
    axis = figures.class_balance(table, "hapt").axes[0]
    dots = {line.get_ydata()[0]: list(line.get_xdata()) for line in axis.get_lines() if line.get_marker() == "o"}
    assert dots == {0: [0.25, 0.75], 1: [1.0]}
    assert [list(line.get_xdata()) for line in axis.get_lines() if line.get_marker() != "o"] == [[0.5] * 2, [1.0] * 2]


def test_a_forest_has_a_row_per_data_set_and_a_scorecard_a_panel():
    rows = [("watch", "H1", 0.02), ("watch", "H2", -0.01), ("selfback", "H1", 0.03), ("selfback", "H2", 0.0)]
    parts = pd.DataFrame(rows, columns=["dataset", "claim", "effect"])
    parts = parts.assign(part=parts["claim"], metric="accuracy", direction="below", n=2, margin=0.01)
    parts["people"] = parts["dataset"].map({"watch": 2, "selfback": 10})
    parts = parts.assign(low=parts["effect"] - 0.01, high=parts["effect"] + 0.01)
    claims = parts[["dataset", "claim"]].assign(title="", verdict="undecided")
    subjects = pd.Index(["1", "2"], name="subject")
    by_subject = {(d, c, c): pd.Series([effect - 0.01, effect + 0.01], subjects) for d, c, effect in rows}
    tested = decisions.Decided(claims, parts, {}, by_subject)

    def centres(axis):
        return [
            float(line.get_xdata()[0])
            for line in axis.get_lines()
            if line.get_marker() == "D" and len(line.get_xdata())
        ]

    scorecard = figures.scorecard(tested)
    assert [centres(axis) for axis in scorecard.axes] == [[-2.0, 1.0], [-3.0, 0.0]]
    assert [axis.get_title(loc="left") for axis in scorecard.axes] == [
        "watch, 2 people",
        "selfback, 10 people in 2 groups",
    ]
    (axis,) = figures.forest("H1", tested).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["watch", "selfback"]
    assert centres(axis) == pytest.approx([2.0, 3.0])
    dots = [float(line.get_xdata()[0]) for line in axis.get_lines() if line.get_marker() == "o"]
    assert dots == pytest.approx([1.0, 3.0, 2.0, 4.0])

"""What the text of chapters says, from small tables, against numbers worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mixkd.analysis import answers, inference
from mixkd.book import notebook


def table(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def scattered(found: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Each row three times: means stay, medians do not."""
    moved = (found.assign(**{name: found[name] + by for name in columns}) for by in (-0.02, 0.01, 0.01))
    return pd.concat(moved, ignore_index=True)


def answering(*certainty: float) -> SimpleNamespace:
    """A run of two classes with this confidence in each of its windows."""
    logits = np.log([[p, 1 - p] for p in certainty])
    return SimpleNamespace(arrays={"test_logits": logits})


def test_splits_are_means_over_folds():
    found = answers.splits({0: 0.5, 1: 0.7}, {0: 0.9, 1: 1.0})
    assert found == pytest.approx({"leak_subject": 60, "leak_window": 95})


def test_teachers():
    """Other networks and shares take no part; confidence is averaged over windows, then over runs."""
    runs = table(
        "modality network share accuracy accuracy_best_test nll record",
        ("signal", "WRN16-1", 0.0, 0.6, 0.7, 1.0, answering(0.6, 0.6, 0.9)),
        ("signal", "WRN16-1", 0.0, 0.8, 0.8, 2.0, answering(0.9)),
        ("image", "WRN16-1", 0.0, 0.4, 0.6, 9.0, None),
        ("signal", "WRN16-3", 0.0, 0.0, 1.0, 9.0, None),
        ("signal", "WRN16-1", 0.1, 0.0, 1.0, 9.0, None),
        ("signal", "WRN16-1", 1.0, 0.9, 1.0, 0.5, answering(0.55)),
        ("image", "WRN16-1", 1.0, 0.0, 1.0, 9.0, None),
    )
    baseline = table("baseline accuracy", ("majority class", 0.1), ("majority class", 0.3), ("random forest", 0.5))
    runs, baseline = scattered(runs, "accuracy", "nll"), scattered(baseline, "accuracy")
    image = scattered(table("first second", (0.3, 0.1), (0.1, 0.2)), "first", "second")
    again = scattered(table("first second", (0.0, 0.04), (0.0, 0.06)), "second")
    assert answers.teachers(runs, baseline, image, again) == pytest.approx(
        {"accuracy_signal": 70, "accuracy_image": 40, "majority": 20, "random": 50}
        | {"accuracy_plain": 70, "nll_plain": 1.5, "sure_plain": 80}
        | {"accuracy_mixed": 90, "nll_mixed": 0.5, "sure_mixed": 55}
        | {"optimism": 10, "only_signal": 20, "only_image": 15, "only_again": 5, "only_more": 10}
    )


@pytest.mark.parametrize(
    ("both", "ann", "two", "has"),
    [(0.7, 0.8, "Yes, on average", "has"), (0.6, 0.7, "Not on average", "does not have")],  # Ann, then both: a draw
)
def test_distillation(both, ann, two, has):
    means = {("Scratch", "none", 1): 0.4, ("Scratch 2x", "none", 2): 0.5, ("Base", "signal", 1): 0.6}
    means |= {("Base", "image", 1): 0.3, ("Base", "both", 1): both, ("Base 2x", "both", 2): 0.8}
    means |= {("Ann", "both", 2): ann}
    people = {"a": -0.2, "b": 0.1, "c": 0.1}
    rows = [(*key, name, mean + by) for key, mean in means.items() for name, by in people.items()]
    found = answers.distillation(table("method teachers total_epochs subject accuracy", *rows))
    assert (found.pop("two_best"), found.pop("ann_best")) == (two, f"{has} the highest mean")
    assert found == pytest.approx(
        {"Scratch_none": 40, "Scratch_2x_none": 50, "Base_signal": 60, "Base_image": 30, "Base_both": 100 * both}
        | {"Base_2x_both": 80, "Ann_both": 100 * ann, "ann_base": 100 * (ann - both), "ann_base2x": 100 * ann - 80}
        | {"scratch_2x": 10, "sd_people": 10 * math.sqrt(3), "sd_methods": 100 * np.std([*means.values()], ddof=1)}
    )


def mixup_runs(up: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Students whom mixup changes by `up` in the distillation and by -2 `up` in the teacher; teachers gain `up`."""
    runs = table(
        "teachers case accuracy nll",
        ("none", "S", 0.5, 1.0),
        ("none", "Mix-S", 0.53, 0.9),
        *((by, "T & S", a, 0.8) for by, a in (("signal", 0.6), ("image", 0.4))),
        *((by, "T & Mix-S", a + up, 0.7) for by, a in (("signal", 0.6), ("image", 0.4))),
        ("signal", "Mix-T & S", 0.6 - 3 * up, 0.6),
        ("image", "Mix-T & S", 0.4 - up, 0.4),
        ("signal", "Mix-T & Mix-S", 0.9, 0.2),
    )
    teachers = table(
        "network modality share accuracy",
        ("WRN16-1", "signal", 0.0, 0.5),
        ("WRN16-1", "signal", 1.0, 0.5 + 3 * up),
        ("WRN16-1", "image", 0.0, 0.3),
        ("WRN16-1", "image", 1.0, 0.3 - up),
        ("WRN16-3", "signal", 1.0, 0.0),
    )
    return scattered(runs, "accuracy", "nll"), scattered(teachers, "accuracy")


@pytest.mark.parametrize(
    ("up", "helps", "paradox"), [(0.01, "helped", "was seen"), (-0.01, "did not help", "was not seen")]
)
def test_mixup(up, helps, paradox):
    found = answers.mixup(*mixup_runs(up))
    assert (found.pop("helps"), found.pop("paradox")) == (helps, paradox)
    assert found == pytest.approx(
        {"acc_S": 50, "nll_S": 1.0, "acc_MixS": 53, "nll_MixS": 0.9, "acc_T_S": 50, "nll_T_S": 0.8}
        | {"acc_T_MixS": 50 + 100 * up, "nll_T_MixS": 0.7, "acc_MixT_S": 50 - 200 * up, "nll_MixT_S": 0.5}
        | {"acc_MixT_MixS": 90, "nll_MixT_MixS": 0.2, "alone_gain": 3, "student_gain": 100 * up}
        | {"mixt_gain": -200 * up, "teacher_gain": 100 * up, "h4_teacher": 300 * up, "h4_student": -300 * up}
    )


@pytest.mark.parametrize(
    ("full", "kept", "spares"),
    [(0.75, "is a gain to keep", "did not do better"), (0.4, "is no gain to keep", "did better")],
)
def test_partial_mixup(full, kept, spares):
    """A half is partial, three quarters are not."""
    realised = table("sampling share realised", ("exact", 0.1, 0.1), ("released", 0.1, 0.4), ("released", 0.5, 0.6))
    scores = ((0.0, 0.4, 1.0), (0.0, 0.6, 2.0), (0.1, 0.6, 0.9), (0.25, 0.55, 9.0), (0.5, 0.8, 9.0), (0.75, 0.0, 9.0))
    runs = table("share accuracy nll", *scores, (1.0, full, 0.8))
    found = answers.partial_mixup(realised, scattered(runs, "accuracy", "nll"))
    assert (found.pop("kept"), found.pop("spares")) == (kept, spares)
    assert found == pytest.approx(
        {"tenth": 40, "none": 50, "partial": 65, "full": 100 * full, "gain": 100 * full - 50, "partial_gain": 15}
        | {"nll_none": 1.5, "nll_tenth": 0.9, "nll_full": 0.8, "h6": 60 - 100 * full}
    )


def test_smoothness():
    """Ranks are those of the means of cells, not of people, whose NLL differs more than that of cells."""
    cells = {("T & S", 1.0): (0.1, 0.8, 4.0), ("T & S", 4.0): (0.4, 0.9, 2.0)}
    cells |= {("Mix-T & S", 1.0): (0.3, 0.7, 3.0), ("Mix-T & S", 4.0): (1.0, 0.6, 2.5)}
    moved = {"T & S": (-0.06, 0.03, 0.03), "Mix-T & S": (0.06, -0.03, -0.03)}
    rows = [(*key, e + d, a + d, n + 50 * d) for key, (e, a, n) in cells.items() for d in moved[key[0]]]
    matched = table("temperature effective", (1.0, 2.0), (1.0, 2.0), (1.0, 5.0), (4.0, 7.0))
    effects = {
        "accuracy": table("temperature mixup matched", *2 * [(1.0, -0.02, 0.01)], (1.0, -0.05, 0.04)),
        "nll": table("temperature mixup matched", (2.0, 0.5, 0.1), (1.0, 0.7, 0.3)),
    }
    found = answers.smoothness(table("case temperature entropy accuracy nll", *rows), matched, effects)
    assert (found.pop("kept"), found.pop("smoothest")) == ("1, 2", "Mix-T & S at temperature 4")
    assert found == pytest.approx(
        {"effective_1": 3, "effective_4": 7, "accuracy_mixup": -3, "accuracy_matched": 2}
        | {"nll_mixup": 0.6, "nll_matched": 0.2, "loss": -30}
        | {"correlation": 1 - 6 * (3**2 + 2**2 + 1 + 2**2) / (4 * (4**2 - 1))}  # ranks 1 3 2 4 against 4 1 3 2
    )
    effects["nll"] = effects["nll"][:0]
    assert answers.smoothness(table("case temperature entropy accuracy nll", *rows), matched, effects)["kept"] == "none"


def test_methods_leaves_the_untaught_out():
    rows = (("Scratch", "none", 0.9, 4), ("A", "both", 0.03, 3), ("B", "signal", -0.02, 4), ("C", "both", 0.01, 4))
    assert answers.methods(table("method teachers gain n", *rows)) == pytest.approx(
        {"best": "A", "best_gain": 3, "spread": 5, "n_folds": 3, "n_methods": 3}
    )


def test_robustness():
    kept = pd.DataFrame({"gaussian": [-0.1, -0.3], "missing": [-0.2, -0.1]}, index=["both", "signal"])
    rows = (
        *(("a", "T & S", a) for a in (0.3, 0.6, 0.6)),
        ("b", "Mix-T & S", 0.0),
        ("a", "Mix-T & Mix-S", 0.7),
    )
    found = answers.robustness(kept, table("subject case accuracy", *rows))
    assert found == pytest.approx({"gaussian": 20, "missing": -10, "mixed": 20, "n_folds": 2})


def test_landscape():
    """The dip lies between the ends and is measured from the worse one; ranks are compared within a person."""
    scores = {-0.5: 0.0, 0.0: 0.9, 0.5: 0.6, 1.0: 0.8, 1.5: 0.0}
    rows = [("recomputed", "test", at, accuracy) for at, accuracy in scores.items()]
    rows += [("interpolated", "test", 0.5, 0.1), ("recomputed", "train", 0.5, 0.2)]
    cases = ("T & S", "Mix-T & S", "Mix-T & Mix-S")
    students = [("both", "a", *row) for row in zip(cases, (1.0, 2.0, 3.0), (0.1, 0.2, 0.3), strict=True)]
    students += [("both", "b", *row) for row in zip(cases, (1.0, 4.0, 6.0), (0.9, 0.7, 0.8), strict=True)]
    students += [("both", "c", *row) for row in zip(cases, (1.0, 0.0, 6.0), (0.2, 0.1, 0.3), strict=True)]
    students += [("signal", "b", "Mix-T & S", 9.0, 0.6)]
    found = answers.landscape(
        table("batchnorm split at accuracy", *rows), table("teachers subject case sharpness fgsm", *students)
    )
    second = 1 - 6 * (3**2 + 0 + 0 + 3**2) / (4 * (4**2 - 1))  # ranks 1 2 3 4 against 4 2 3 1
    assert found == pytest.approx({"dip": -20, "ratio": 5 / 2, "rank": (1 + second + 1) / 3})


def test_deviations():
    best, kl = "best epoch on the test person", "KL averaged over classes too"
    rows = ((best, "accuracy", 0.04), (kl, "accuracy", -0.01), (kl, "nll", 0.5))
    found = answers.deviations(
        table("what metric effect", *rows), table("sd quoted", (0.6, 0.2), (0.6, 0.2), (0.6, 0.1))
    )
    assert found == pytest.approx({"optimism": 4, "kl": -1, "too_small": 4})


def test_networks():
    columns = "modality network multiply_adds"
    sizes = table(columns, ("signal", "WRN16-1", 10), ("image", "WRN16-1", 30), ("image", "WRN16-3", 99))
    fine = table(columns, ("signal", "WRN16-1", 11), ("image", "WRN16-1", 500))
    rows = (("8 px, fast", 9.0, 1.0), ("16 px, fast", 1.0, 3.0), ("16 px, giotto", 4.0, 1.0))
    found = answers.networks(sizes, fine, table("name topology network", *rows))
    assert found == pytest.approx({"ratio_16": 3, "ratio_64": 50, "share_fast": 25, "share_giotto": 80})


def test_training():
    measured = {
        "step": {"traced_over_scratch": 1.1, "live_over_scratch": 3.0},
        "quick_profile": {"live_over_traced": 2.0, "of_which_building_traces": 5.0, "runs": 90},
    }
    found = answers.training(measured, table("runs core_hours", (6, 1.0), (4, 3.0)), {"cores": 2, "runs": 7})
    assert found == {"traced": 1.1, "live": 3.0, "whole": 2.0, "building": 5.0, "priced": 90} | {
        "n_runs": 10,
        "hours": 4.0,
        "rate": 2.5,
        "campaign_cores": 2,
        "campaign_runs": 7,
    }


def test_other_people():
    x, y, longer = "x", "y", "scratch 2x against scratch"
    rows = (
        (x, "watch", "accuracy", 0.01, 0.0, 0.02),
        (y, "watch", "accuracy", -0.03, -0.04, -0.02),
        (y, "watch", "nll", 0.9, 0.8, 1.0),
        (longer, "watch", "accuracy", 0.008, -0.002, 0.018),
    )
    one, agreed = table("what dataset metric effect low high", *rows), {"same": 5, "clear": 2, "opposite": 1}
    found = answers.other_people(one, agreed)
    assert found.pop("size") == pytest.approx(-3)
    assert found.pop("longer") == "watch +0.8 points [-0.2, +1.8]"
    said = "none can be compared here: there is one data set"
    assert found == {"n_rows": 3, "n_sets": 1, "agreement": said, "largest": "y, watch"}
    found = answers.other_people(pd.concat([one, one.assign(dataset="hapt")], ignore_index=True), agreed)
    assert found["n_sets"] == 2
    assert found["agreement"] == (
        "5 moved accuracy to the same side on all of them, 2 of them with intervals that leave out zero; "
        "1 moved it clearly to opposite sides"
    )


def test_reported_values_are_named_and_not_shown(monkeypatch):
    told = []
    monkeypatch.setattr("myst_nb.glue", lambda name, value, display: told.append((name, value, display)))
    notebook.report({"gain": 1.5, "said": "none"})
    assert told == [("gain", 1.5, False), ("said", "none", False)]


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((-1.44, 0.26), "[-1.4, +0.3]"),
        ((-0.04, 0.0004), "[-0.04, +0.000]"),
        ((0.0, 0.0), "[+0.0, +0.0]"),
        ((float("nan"), float("nan")), ""),
    ],
)
def test_an_interval_has_signs_and_no_negative_zero(interval, text):
    assert inference.bounds(*interval) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0.0 %"), (2e-9, "< 0.01 %"), (3e-4, "0.03 %"), (0.052, "5.2 %"), (1.0, "100.0 %")]
)
def test_a_small_share_is_no_zero(share, text):
    assert inference.percent(share) == text


def test_a_small_p_is_no_zero():
    assert [inference.p_value(p) for p in (0.0421, 1e-9, 1.0, float("nan"))] == ["0.042", "< 0.001", "1.000", ""]

"""Every claim under other choices, on made-up differences whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from mixkd import figures
from mixkd.analysis import claims, decisions, sensitivity
from mixkd.analysis.claims import Claim, Part
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec

A, B = claims.scratch(), claims.student("both")
BETTER = Claim("H", "better", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
SHARPER = Claim("I", "sharper", "", "", (Part("B minus A", claims.minus(B, A), "above", "sharpness"),))


def data_set(name: str, gains: np.ndarray, final: bool = True, apart: float = 0.0) -> decisions.Found:
    """Runs in which B is better than A by `gains` (n_folds, n_seeds), NLL included; two people a fold, `apart`."""
    folds, seeds = gains.shape
    bases = [RunSpec(dataset=name, fold=fold, seed=seed) for fold in range(folds) for seed in range(seeds)]

    def lookup(spec: RunSpec) -> RunRecord:
        gain = gains[spec.fold, spec.seed] * bool(spec.teachers)
        values = {person: 0.5 + gain + sign * apart * bool(spec.teachers) for person, sign in (("a", 1), ("b", -1))}
        metrics = {person: dict.fromkeys(("accuracy", "macro_f1", "nll"), value) for person, value in values.items()}
        probes = {"subjects": metrics, "validation_confusion": [[1]], "sharpness": 0.5 + gain}
        row = {"test": {"accuracy": 0.5 + gain}, "validation": {"accuracy": 1.0}}
        return RunRecord(spec, [row], {"subjects": {"test": ["a", "b"]}}, {}, probes)

    return bases, lookup, final


def gains(mean: float, n_folds: int = 10, n_seeds: int = 3, sd: float = 0.003) -> np.ndarray:
    return mean + np.random.default_rng(n_folds).normal(0, sd, (n_folds, n_seeds))


def test_each_choice_is_changed_alone():
    found = [data_set("watch", gains(0.08)), data_set("synthetic", gains(0.08, 8, 2))]
    table = sensitivity.table(found, [BETTER, SHARPER])
    wide = sensitivity.verdicts(table)
    assert list(wide.columns) == [
        *("as decided", "macro F1", "NLL", "epoch best on validation people", "people as units"),
        *("seed 0 alone", "seed 1 alone", "without watch", "without synthetic", "half the margin", "twice the margin"),
    ]
    assert wide.loc["H"].to_dict() == dict.fromkeys(wide.columns, "supported") | {"NLL": "opposite"}
    assert set(wide.loc["I", ["macro F1", "NLL", "epoch best on validation people"]]) == {""}
    assert sensitivity.answer(table) == {"robust": "I", "turned": "H", "gained": "none"}


def test_margins_seeds_and_sets_are_those_of_decisions_on_the_same_differences():
    first, second = gains(0.012), gains(0.004, 8, 2)
    table = sensitivity.table([data_set("watch", first), data_set("synthetic", second)], [BETTER])
    rows = table.set_index("choice")
    assert rows.loc["as decided", "effect"] == pytest.approx(100 * (first.mean() + second.mean()) / 2)
    assert rows.loc["without watch", "effect"] == pytest.approx(100 * second.mean())
    assert rows.loc["seed 1 alone", "effect"] == pytest.approx(50 * (first[:, 1].mean() + second[:, 1].mean()))
    assert rows.loc["twice the margin", "effect"] == rows.loc["as decided", "effect"], "in declared margins"
    alone = decisions.decide([data_set("synthetic", second)], [BETTER])
    assert rows.loc["without watch", "verdict"] == alone.claims["verdict"].item()
    assert rows.loc["twice the margin", "verdict"] == "no relevant effect"
    assert rows.loc["half the margin", "verdict"] == "supported"


def test_seeds_are_called_by_their_names():
    bases, lookup, final = data_set("watch", gains(0.03, 6, 9))
    later = [base for base in bases if base.seed in (5, 7)]
    names = set(sensitivity.table([(later, lookup, final)], [BETTER])["choice"])
    assert {name for name in names if name.startswith("seed")} == {"seed 5 alone", "seed 7 alone"}


def test_people_as_units_may_decide_where_folds_do_not():
    table = sensitivity.table([data_set("watch", np.array([[0.02], [0.05]]), apart=0.004)], [BETTER])
    verdict = table.set_index("choice")["verdict"]
    assert verdict[["as decided", "people as units"]].to_list() == ["undecided", "supported"]
    assert sensitivity.answer(table)["gained"] == "H"
    assert not [name for name in verdict.index if name.startswith(("seed", "without"))], "nothing to leave out"


def test_below_is_turned_so_that_positive_is_as_claimed():
    worse = Claim("G", "worse", "", "", (Part("A minus B", claims.minus(A, B), "below"),))
    table = sensitivity.table([data_set("watch", gains(0.03))], [worse])
    assert (table["effect"] > 0).drop(table.index[table["choice"] == "NLL"]).all()
    assert (table["low"] <= table["effect"]).all()
    assert (table["effect"] <= table["high"]).all()


def test_few_people_give_effects_alone():
    table = sensitivity.table([data_set("watch", gains(0.03, 2, 1), final=False)], [BETTER])
    assert table[["low", "high"]].isna().all(axis=None)
    assert set(table["verdict"]) == {"needs full"}
    assert sensitivity.answer(table) == dict.fromkeys(("robust", "turned", "gained"), "none")


def test_the_figure_has_a_panel_per_claim_and_a_row_per_choice():
    table = sensitivity.table([data_set("watch", gains(0.03))], [BETTER, SHARPER])
    axes = figures.choices(table).axes
    assert [axis.get_title(loc="left") or axis.get_title() for axis in axes] == ["H", "I"]
    marks = [line for line in axes[0].get_lines() if line.get_marker() == "D" and len(line.get_xdata())]
    assert [line.get_xdata()[0] for line in marks] == list(table[table["claim"] == "H"]["effect"])
    assert [text.get_text() for text in axes[0].get_yticklabels()] == list(pd.unique(table["choice"]))
    plt.close("all")


def test_the_figure_of_the_page_is_of_the_decided_claims():
    found = [data_set("watch", gains(0.03))]
    open_one = Claim("O", "open", "", "", (Part("B minus A", claims.minus(B, A), "above", "macro_f1"),))
    noisy = [data_set("watch", gains(0.005, sd=0.05))]
    table = sensitivity.table(found, [BETTER, SHARPER])
    assert list(sensitivity.decided(table)["claim"].unique()) == ["H", "I"]
    assert list(sensitivity.decided(table, at_most=1)["claim"].unique()) == ["H"]
    undecided = sensitivity.table(noisy, [BETTER, open_one])
    assert set(undecided.loc[undecided["choice"] == "as decided", "verdict"]) == {"undecided"}
    assert list(sensitivity.decided(undecided, at_most=1)["claim"].unique()) == ["H"]

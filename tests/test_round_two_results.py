"""What decides the second round: whole seeds alone, of the data sets that it is tested on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mixkd import figures, studies
from mixkd.analysis import decisions, round_two_results
from mixkd.analysis.claims import specs
from mixkd.analysis.round_two import ROUND_TWO, TESTED_ON
from mixkd.learning.corruptions import CORRUPTIONS
from mixkd.runs.store import RunRecord
from mixkd.studies import Scope

FULL = Scope("watch", "full")


def record(spec) -> RunRecord:
    """Of two people; mixup gains 20 points in gaps and nothing else, an hour later with each seed."""
    accuracy = {kind: [0.6 + 0.2 * (kind == "gap" and spec.mixup is not None)] * 4 for kind in CORRUPTIONS}
    scores = {"accuracy": 0.7, "nll": 1.0}
    people = {str(2 * spec.fold + i): scores for i in range(2)}
    probes = {"subjects": people, "validation_confusion": [[1]], "curves": accuracy, "ifgsm": [0.5] * 3}
    probes["scaled"] = {"subjects": people}
    about = {"subjects": {"test": [2 * spec.fold, 2 * spec.fold + 1]}}
    return RunRecord(spec, [{"test": scores}], about, {"finished": f"2026-11-29T2{spec.seed}:00"}, probes)


@pytest.fixture
def stored(monkeypatch):
    """Sets the runs that are there, as a condition on their specs."""

    def there(condition):
        find = lambda spec: record(spec) if condition(spec) else None  # noqa: E731
        monkeypatch.setattr(studies, "store_of", lambda scope: SimpleNamespace(find=find))

    return there


def test_whole_seeds_decide(stored):
    first, other = TESTED_ON
    last = specs(studies.bases(replace(FULL, dataset=first)), ROUND_TWO)[-1]
    stored(lambda spec: spec.dataset == first and spec != replace(last, seed=2, fold=last.fold))
    found = round_two_results.deciding(FULL)
    assert [(bases[0].dataset, {base.seed for base in bases}, final) for bases, _, final in found] == [
        (first, {0, 1}, True)
    ]
    table = round_two_results.progress(FULL)
    assert table.loc[first, "runs"] - table.loc[first, "there"] == 1
    assert table["first finished, UTC"].to_list() == ["2026-11-29 20:00", "none yet"]
    decided = decisions.decide(found, ROUND_TWO)
    verdict = decided.claims.set_index("claim")["verdict"]
    assert verdict["H14"] == "supported"
    assert verdict["H15"] == "no relevant effect"
    said = round_two_results.answer(FULL, decided)
    assert said.startswith(f"Over {first}, after {table['there'].sum()} of {table['runs'].sum()} runs, ")
    assert "H14, H20 supported" in said
    assert other not in said


def test_without_runs_nothing_is_decided_and_nothing_drawn(stored):
    stored(lambda spec: False)
    found = round_two_results.deciding(FULL)
    decided = decisions.decide(found, ROUND_TWO)
    assert found == []
    assert round_two_results.answer(FULL, decided).startswith("Nothing is decided yet")
    assert round_two_results.curves(found).empty
    for fig in (figures.scorecard(decided), figures.corruption_curves(round_two_results.curves(found))):
        assert "nothing to show" in fig.axes[0].texts[0].get_text()
    assert decided.claims[["title", "verdict", "effect", "excluded"]].empty
    assert decided.parts[["effect", "low", "high", "loss", "inside", "gain", "n", "part"]].empty


def test_curves_start_at_the_clean_window_and_are_drawn_as_they_are(stored):
    stored(lambda spec: spec.seed < 1)
    curves = round_two_results.curves(round_two_results.deciding(FULL))
    clean = curves[curves["severity"] == curves["kind"].map({kind: c.clean for kind, c in CORRUPTIONS.items()})]
    assert set(clean["accuracy"]) == {0.7}
    gaps = curves[(curves["kind"] == "gap") & (curves["severity"] > 0)]
    assert gaps.groupby("case")["accuracy"].mean().to_dict() == pytest.approx({"Mix-S": 0.8, "S": 0.6})
    fig = figures.corruption_curves(curves)
    assert len(fig.axes) == len(TESTED_ON) * len(CORRUPTIONS)
    drawn = {
        line.get_label(): line.get_ydata()
        for line in fig.axes[len(TESTED_ON) * list(CORRUPTIONS).index("gap")].get_lines()
    }
    np.testing.assert_allclose(drawn["Mix-S"], [0.7, 0.8, 0.8, 0.8, 0.8])
    np.testing.assert_allclose(drawn["S"], [0.7, 0.6, 0.6, 0.6, 0.6])
    values = round_two_results.answers(FULL, decisions.decide([], ROUND_TWO), curves)
    assert values["worst"] == pytest.approx(20)
    assert values["worst_kind"] in CORRUPTIONS

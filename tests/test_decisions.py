"""Claims over data sets: effects with equal weights, verdicts, and what is said of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mixkd import figures
from mixkd.analysis import claims, decisions
from mixkd.analysis.claims import Claim, Part
from mixkd.runs.store import RunRecord
from mixkd.specs.run import RunSpec

A, B = claims.scratch(), claims.student("both")
BETTER = Claim("H", "better", "", "", (Part("B minus A", claims.minus(B, A), "above"),))
WORSE = Claim("G", "worse", "", "", (Part("A minus B", claims.minus(A, B), "above"),))


def record(spec: RunSpec, people: dict[str, float]) -> RunRecord:
    probes = {"subjects": {name: {"accuracy": value} for name, value in people.items()}}
    return RunRecord(spec, [], {"subjects": {"test": []}}, {}, {**probes, "validation_confusion": [[1]]})


def data_set(name: str, gains: np.ndarray, final: bool = True) -> decisions.Found:
    """Runs of a data set in which B is better than A by `gains` (n_folds, n_seeds); two people a fold."""
    folds, seeds = gains.shape
    bases = [RunSpec(dataset=name, fold=fold, seed=seed) for fold in range(folds) for seed in range(seeds)]
    known = {}
    for base in bases:
        level = 0.5 + 0.1 * base.seed  # falls out
        gain = gains[base.fold, base.seed]
        known[A(base)] = record(A(base), {"a": level, "b": level})
        known[B(base)] = record(B(base), {"a": level + gain + 0.005, "b": level + gain - 0.005})
    return bases, known.get, final


def spread(n_folds: int, n_seeds: int, sd: float = 0.004) -> np.ndarray:
    return np.random.default_rng(n_folds).normal(0, sd, (n_folds, n_seeds))


def test_data_sets_have_equal_weights():
    many, few = 0.04 + spread(20, 3), 0.0 + spread(5, 1)
    found = decisions.decide([data_set("watch", many), data_set("synthetic", few)], [BETTER])
    assert found.parts["effect"].item() == pytest.approx((many.mean() + few.mean()) / 2)
    of_watch, of_synthetic = found.differences["H", "B minus A"]
    np.testing.assert_allclose(of_watch, many)
    np.testing.assert_allclose(of_synthetic, few)
    assert found.parts["heterogeneity"].item() < 0.001


@pytest.mark.parametrize(
    ("gain", "better", "worse"),
    [
        (0.03, "supported", "opposite"),
        (0.0, "no relevant effect", "no relevant effect"),
        (0.009, "supported", "opposite"),
        (0.004, "no relevant effect", "no relevant effect"),
        (-0.03, "opposite", "supported"),
    ],
)
def test_verdicts(gain, better, worse):
    sets = [data_set("watch", gain + spread(10, 3, 0.008)), data_set("synthetic", gain + spread(9, 2, 0.008))]
    found = decisions.decide(sets, [BETTER, WORSE])
    assert found.claims["verdict"].to_list() == [better, worse]
    up, down = found.parts.to_dict("records")
    assert (up["effect"], up["low"]) == pytest.approx((-down["effect"], -down["high"]))
    assert (up["gain"], up["inside"]) == pytest.approx((down["loss"], down["inside"]))
    assert up["gain"] + up["inside"] + up["loss"] == pytest.approx(1)


def test_few_people_give_effects_and_no_verdict():
    found = decisions.decide([data_set("watch", 0.02 + spread(2, 1), final=False)], [BETTER])
    assert found.claims["verdict"].item() == "needs full"
    assert found.parts["effect"].item() == pytest.approx(0.02, abs=0.01)
    assert math.isnan(found.parts["low"].item())
    assert decisions.outcome(found) == "none is decided here: few people and one seed give points"


def test_the_outcome_names_what_is_decided():
    sets = [data_set("watch", 0.03 + spread(10, 3)), data_set("synthetic", 0.03 + spread(9, 2))]
    assert decisions.outcome(decisions.decide(sets, [BETTER, WORSE])) == (
        "2 of 2 are decided: H supported, opposite of what is claimed: G"
    )
    titled = decisions.outcome(decisions.decide(sets, [BETTER, WORSE]), titles=True)
    assert titled == (
        f"2 of 2 are decided: H ({BETTER.title}) supported, opposite of what is claimed: G ({WORSE.title})"
    )
    wide = [data_set("watch", spread(10, 3, 0.2))]
    assert decisions.outcome(decisions.decide(wide, [BETTER])) == "none of 1 is decided"


def test_power_grows_with_people():
    table = decisions.power(decisions.decide([data_set("watch", spread(10, 3, 0.03))], [BETTER]))
    chances = table.loc[("H", "B minus A")]
    assert chances[10, 3] < chances[80, 3]
    assert chances[20, 3] < chances[20, 10]


def test_the_figure_has_a_row_for_each_part():
    sets = [data_set("watch", 0.03 + spread(10, 3)), data_set("synthetic", 0.03 + spread(9, 2))]
    fig = figures.scorecard(decisions.decide(sets, [BETTER, WORSE]))
    (axis,) = fig.axes
    marks = [line.get_xdata()[0] for line in axis.get_lines() if line.get_marker() == "D" and len(line.get_xdata())]
    assert marks == pytest.approx([3, -3], rel=0.1)
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["supported", "opposite"]

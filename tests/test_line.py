"""What the chapters on the line of work say of effects: sides, sizes and intervals, in words."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from mixkd import studies
from mixkd.analysis import effects, line, stronger
from mixkd.runs.planning import with_requirements
from mixkd.studies import Scope, catalogue

ALL = (line.PATCH_SWAP, line.AUGMENTATION, line.SPHERE, stronger.REPAIRED)


def rows(*bounds: tuple[float, float], metric: str = "accuracy") -> pd.DataFrame:
    """A row per data set, with the middle of its interval as effect."""
    return pd.DataFrame(
        {
            "what": "a: change",
            "metric": metric,
            "dataset": name,
            "effect": 0.0123 if math.isnan(low) else (low + high) / 2,
            "low": low,
            "high": high,
            "n": 10,
        }
        for name, (low, high) in zip(("watch", "selfback"), bounds, strict=False)
    )


UP, DOWN, OPEN, FEW = (0.01, 0.03), (-0.04, -0.02), (-0.01, 0.02), (math.nan, math.nan)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ([UP, UP], "clearly raised accuracy on watch and selfback"),
        ([UP, DOWN], "clearly raised accuracy on watch and clearly lowered accuracy on selfback"),
        ([OPEN, DOWN], "clearly lowered accuracy on selfback, with no other clear effect on accuracy or NLL"),
        ([OPEN, OPEN], "showed no clear effect on accuracy on any data set"),
        ([OPEN], "showed no clear effect on accuracy"),
        ([FEW], "is open: too few people for an interval"),
    ],
)
def test_sides(bounds, said):
    assert line.side(rows(*bounds)) == said


def test_a_side_names_accuracy_and_nll_apart():
    """NLL that is clearly worse is not called no effect; other metrics are not judged."""
    other = rows(UP, UP, metric="ece")
    both = pd.concat([rows(OPEN, DOWN), rows(UP, UP, metric="nll"), other])
    assert line.side(both) == (
        "clearly lowered accuracy on selfback and clearly raised NLL on watch and selfback, "
        "with no other clear effect on accuracy or NLL"
    )
    assert line.side(pd.concat([rows(UP), rows(DOWN, metric="nll"), other])) == (
        "clearly raised accuracy on watch and clearly lowered NLL on watch"
    )
    nothing = pd.concat([rows(OPEN, OPEN), rows(OPEN, OPEN, metric="nll"), other])
    assert line.side(nothing) == "showed no clear effect on accuracy or NLL on any data set"


@pytest.mark.parametrize(
    ("mixup", "term", "said"),
    [
        ([DOWN, DOWN], [UP, OPEN], "Yes, on watch: mixup clearly lowered the V-score, and the term clearly raised it."),
        (
            [OPEN, DOWN],
            [UP, OPEN],
            "No: mixup clearly lowered the V-score on selfback, the term did not clearly raise it.",
        ),
        ([OPEN, UP], [UP, UP], "There is nothing to undo: mixup did not clearly lower the V-score of similar classes."),
        ([FEW], [FEW], "Open: too few people for an interval."),
    ],
)
def test_scattering_is_undone_where_mixup_lowers_and_the_term_raises(mixup, term, said):
    whats = {"term beside labels alone": [UP, UP], "term on top of mixup": term, "mixup itself": mixup}
    parts = [rows(*bounds, metric="v_similar").assign(what=what) for what, bounds in whats.items()]
    if mixup == [FEW]:
        parts[0][["low", "high"]] = math.nan
    assert line.scattering(pd.concat([*parts, rows(UP, UP)])) == said


def test_sentences_have_units_intervals_and_people():
    both = rows(UP, DOWN)
    assert line.sentence(both) == "+2.0 [+1.0, +3.0] on watch (n = 10); -3.0 [-4.0, -2.0] on selfback (n = 10)"
    assert line.sentence(rows(UP, metric="nll")) == "+0.02 [+0.01, +0.03] on watch (n = 10)"
    assert line.sentence(rows((-0.0002, 0.0001))).startswith("+0.0 [-0.02, +0.01] on watch")
    assert line.sentence(rows(FEW)) == "+1.2 on watch (no interval, n = 10)"


def test_answers_are_named_by_effect_and_metric():
    said = line.answers(pd.concat([rows(UP, OPEN), rows(DOWN, metric="nll")]))
    assert said == {
        "a_change_side": line.side(pd.concat([rows(UP, OPEN), rows(DOWN, metric="nll")])),
        "a_change_accuracy": line.sentence(rows(UP, OPEN)),
        "a_change_nll": line.sentence(rows(DOWN, metric="nll")),
    }


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("of", ALL)
def test_both_sides_have_as_many_steps_on_the_same_people(of, final):
    (base, *_) = studies.bases(Scope("synthetic"))
    for effect in effects.shown(final, of):
        changed, plain = effect.changed(base), effect.plain(base)
        assert changed != plain
        assert (changed.total_epochs, changed.windows, changed.batch_size) == (
            plain.total_epochs,
            plain.windows,
            plain.batch_size,
        )


@pytest.mark.parametrize("profile", ["quick", "full"])
@pytest.mark.parametrize("of", ALL)
def test_effects_need_runs_that_the_studies_have(of, profile):
    scope = Scope("synthetic", profile)
    wanted = [
        spec
        for effect in of
        for spec in effects.specs(
            line.first(catalogue.bases_of(effect.study, scope)), catalogue.every_run(effect.study, scope), of
        )
    ]
    assert set(with_requirements(wanted)) <= set(with_requirements(studies.every(scope)))


def test_the_first_seed_alone():
    bases = list(studies.bases(Scope("synthetic", "full", 5)))
    assert {base.seed for base in line.first(bases)} == {5}
    assert {base.fold for base in line.first(bases)} == set(range(6))


def test_full_shows_an_effect_with_all_people_where_all_of_its_runs_are_there(monkeypatch):
    """Of `mixup` one run of the last person is missing: few people of it are shown, on the own data set alone.

    Of label smoothing one run of the last seed is missing: the first seed is shown.
    """
    scope, other = Scope("synthetic", "full"), Scope("watch", "full")
    people = {one.dataset: {base.fold for base in studies.bases(one)} for one in (scope, other)}
    missing = {(name, max(folds)) for name, folds in people.items()}

    def find(spec):
        there = spec.method != "label_smoothing" or (spec.seed, spec.fold) != (2, 3)
        return spec if there and not (spec.mixup and (spec.dataset, spec.fold) in missing) else None

    monkeypatch.setattr(line, "store_of", lambda scope: SimpleNamespace(find=find))
    monkeypatch.setattr(line, "campaigns", lambda scope: [scope, other])
    swap, mixup, smoothing = line.PATCH_SWAP[:3]
    found = list(line.portions(scope, (swap, mixup, smoothing)))
    assert [(p.dataset, p.effects, p.whole) for p in found] == [
        ("synthetic", (swap,), True),
        ("synthetic", (smoothing,), True),
        ("synthetic", (mixup,), False),
        ("watch", (swap,), True),
        ("watch", (smoothing,), True),
    ]
    assert [{base.fold for base in part.bases} for part in found[:3]] == [people["synthetic"]] * 2 + [{0, 1}]
    assert [{base.seed for base in part.bases} for part in found] == [{0, 1, 2}, {0}, {0}, {0, 1, 2}, {0}]

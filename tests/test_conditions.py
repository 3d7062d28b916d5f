"""A record is served only under the conditions it was made under: the cut of its data set, its method's constants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runs import BOTH, SIGNAL, small, train

from mixkd.datasets import DATASETS
from mixkd.runs import conditions
from mixkd.runs.published import Published, publish
from mixkd.runs.store import Store
from mixkd.specs import methods
from mixkd.specs.run import RunSpec

PLAIN = small()
AT = small(teachers=(SIGNAL,), method="at")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A store with a plain run and one of AT, and both published."""
    base = tmp_path_factory.mktemp("conditions")
    store = Store(base / "home")
    records = [train(spec, store) for spec in (PLAIN, AT)]
    publish(records, root=base / "results")
    return store, Published(base / "results")


def served(places, spec: RunSpec) -> list[bool]:
    return [place.get(spec) is not None for place in places]


@pytest.mark.parametrize("change", [{"step": 30}, {"window": 90}, {"rule": "ends"}, {"scaling": "within"}])
def test_runs_of_another_cut_are_not_served(places, monkeypatch, change):
    assert served(places, PLAIN) == [True, True]
    monkeypatch.setitem(DATASETS, "synthetic", replace(DATASETS["synthetic"], **change))
    assert served(places, PLAIN) == served(places, AT) == [False, False]
    assert places[1].retired("synthetic") == 2


def test_what_changes_no_number_of_a_run_retires_none(places, monkeypatch):
    monkeypatch.setitem(DATASETS, "synthetic", replace(DATASETS["synthetic"], title="Another", epochs=99, seeds=1))
    assert served(places, PLAIN) == [True, True]
    assert places[1].retired("synthetic") == 0


def test_runs_of_a_method_with_other_constants_are_not_served(places, monkeypatch):
    monkeypatch.setitem(methods.METHODS, "at", replace(methods.METHODS["at"], weight=500.0))
    assert served(places, AT) == [False, False]
    assert served(places, PLAIN) == [True, True]


def test_records_without_conditions_are_of_those_that_are_kept_for_them():
    """Of all published runs of before: cut and constants are still the same."""
    known = conditions.before()
    assert known["datasets"] == {name: conditions.of_dataset(name) for name in ("selfback", "watch")}
    assert known["methods"] == {name: conditions.of_method(name) for name in known["methods"]}
    assert conditions.same(RunSpec(), None)
    assert conditions.same(small(teachers=BOTH), None)


def test_a_new_cut_retires_records_without_conditions(monkeypatch):
    monkeypatch.setitem(DATASETS, "watch", replace(DATASETS["watch"], step=25))
    assert not conditions.same(RunSpec(), None)


def test_raising_the_recipe_retires_published_runs(places, monkeypatch):
    monkeypatch.setattr("mixkd.specs.run.RECIPE", 9)
    monkeypatch.delitem(vars(PLAIN), "recipe", raising=False)
    assert served(places, replace(PLAIN)) == [False, False]
    assert places[1].retired("synthetic") == 2

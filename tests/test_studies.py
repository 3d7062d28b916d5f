"""Which runs a chapter needs: profiles nest, runs are few, and what a table calls a run is what it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from runs import BOTH, SIGNAL, mtimes, results, small

from mixkd import studies
from mixkd.datasets import DATASETS
from mixkd.errors import MixkdError
from mixkd.runs.planning import with_requirements
from mixkd.runs.published import METRICS
from mixkd.runs.store import Store
from mixkd.specs.run import ImageSpec, Mixup, TeacherSpec
from mixkd.studies import Scope, catalogue, tables
from mixkd.studies.designs import OTHER_SEED

PROFILES = ("smoke", "quick", "full")


# -- profiles


@pytest.mark.parametrize("study", studies.STUDIES)
@pytest.mark.parametrize("seed", [0, 7])
def test_profiles_nest(study, seed):
    """Quick is a part of full; smoke is quick with other sizes. So are the runs that these need."""
    smoke, quick, full = (with_requirements(studies.specs(study, Scope("synthetic", p, seed))) for p in PROFILES)
    chosen = studies.STUDIES[study]
    every_run, whole = (of(study, Scope("synthetic", "full")) for of in (catalogue.every_run, catalogue.whole))
    assert {run.hash for run in quick} < {run.hash for run in full} if whole else quick == full
    if whole and not every_run:  # brief
        assert {replace(run, fold=0, seed=seed) for run in quick} == {replace(run, fold=0, seed=seed) for run in full}
    where = catalogue.where(study, Scope("synthetic")).dataset
    epochs, n_folds = DATASETS[where].epochs, {"synthetic": 6, "watch": 10, "gait": 8}[where]
    assert [replace(run, epochs=epochs, windows_per_class=None) for run in smoke] == quick
    own = [{(run.fold, run.seed % OTHER_SEED) for run in runs} for runs in (quick, full)]  # of second teachers too
    assert own[0] == (set() if chosen.full_only else {(0, seed), (1, seed)})
    if not whole:
        return
    seeds = (seed,) if chosen.one_seed else range(seed, seed + 3)
    assert own[1] == {(f, s) for f in range(n_folds) for s in seeds}


def test_runs_are_few():
    """A quick book takes minutes on two cores: at most 60 students per fold, each run once."""
    quick = studies.every(Scope("synthetic", "quick"))
    assert len({run.hash for run in quick}) == len(quick)
    assert max(Counter(run.fold for run in quick if run.teachers).values()) <= 60
    assert {run.hash for study in studies.STUDIES for run in studies.specs(study, Scope("synthetic"))} == {
        run.hash for run in quick
    }


@pytest.mark.parametrize("study", studies.STUDIES)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_run_of_a_study_has_a_name_of_its_own(study, profile):
    """No figure averages over two different runs because its table calls them the same."""
    specs = studies.specs(study, Scope("synthetic", profile))
    assert len({run.hash for run in specs}) == len(specs)
    names = Counter(repr(tables.describe(run)) for run in specs)
    assert set(names.values()) <= {1}


# -- what a table calls a run

MIX = Mixup(0.4)
IMAGE_TEACHER = TeacherSpec(modality="image")
HALVES = (TeacherSpec(weight=0.5), TeacherSpec(modality="image", weight=0.5))
MIXED_HALVES = tuple(replace(teacher, mixup=MIX) for teacher in HALVES)
NAMES = {
    "plain": ({}, "Scratch, none, , S, False, nan, 0.0, 0, 1.0"),
    "plain mixup": ({"mixup": MIX}, "Scratch, none, , Mix-S, False, 0.4, 1.0, 0, 1.0"),
    "twice": ({"init": "scratch"}, "Scratch 2x, none, , S, False, nan, 0.0, 0, 1.0"),
    "image": ({"modality": "image"}, "Scratch, none, , S, False, nan, 0.0, 16, 1.0"),
    "T & S": ({"teachers": [SIGNAL]}, "Base, signal, WRN16-1, T & S, False, nan, 0.0, 0, 4.0"),
    "T & Mix-S": ({"teachers": HALVES, "mixup": MIX}, "Base, both, WRN16-1, T & Mix-S, False, 0.4, 1.0, 16, 4.0"),
    "Mix-T & S": ({"teachers": MIXED_HALVES}, "Base, both, WRN16-1, Mix-T & S, True, nan, 0.0, 16, 4.0"),
    "Mix-T & Mix-S": (
        {"teachers": MIXED_HALVES, "mixup": Mixup(0.2, 0.25), "image": ImageSpec(resolution=24)},
        "Base, both, WRN16-1, Mix-T & Mix-S, True, 0.2, 0.25, 24, 4.0",
    ),
    "Ann": ({"teachers": [IMAGE_TEACHER], "init": "scratch"}, "Ann, image, WRN16-1, T & S, False, nan, 0.0, 16, 4.0"),
    "Base 2x": (
        {"teachers": [TeacherSpec(depth=28, width=3)], "init": "base", "temperature": 8},
        "Base 2x, signal, WRN28-3, T & S, False, nan, 0.0, 0, 8.0",
    ),
}
NAMED = (
    "method",
    "teachers",
    "teacher_network",
    "case",
    "teacher_mixup",
    "alpha",
    "share",
    "resolution",
    "temperature",
)


@pytest.mark.parametrize(("fields", "names"), NAMES.values(), ids=NAMES)
def test_names(fields, names):
    spec = small(fold=2, seed=5, **fields)
    found = tables.describe(spec)
    assert ", ".join(str(found[name]) for name in NAMED) == names
    assert (found["dataset"], found["fold"], found["seed"]) == ("synthetic", 2, 5)
    assert (found["modality"], found["network"], found["total_epochs"]) == (spec.modality, "WRN16-1", spec.total_epochs)
    assert (found["sampling"], found["image_mixing"]) == ("exact", "linear")


def test_other_names():
    spec = small(depth=28, width=3, teachers=BOTH, mixup=Mixup(1.0, 0.1, "released"), image_mixing="recompute")
    found = tables.describe(spec)
    assert (found["network"], found["sampling"], found["image_mixing"]) == ("WRN28-3", "released", "recompute")


# -- what each study holds

BASE = small()


def test_four_cases():
    """Mixup in the teachers and in the student, each with each, for each of three sets of teachers."""
    mixup = Mixup(0.4)
    plain, mixed, *cases = studies.four_cases(BASE, 0.4)
    assert (plain, mixed) == (BASE, replace(BASE, mixup=mixup))
    expected = {
        "T & S": (None, None),
        "T & Mix-S": (None, mixup),
        "Mix-T & S": (mixup, None),
        "Mix-T & Mix-S": (mixup,) * 2,
    }
    found = {(*(t.modality for t in run.teachers), tables.describe(run)["case"]): run for run in cases}
    assert len(found) == len(cases) == 12
    for teachers in (("signal",), ("image",), ("signal", "image")):
        for case, (in_teacher, in_student) in expected.items():
            run = found[(*teachers, case)]
            assert {t.mixup for t in run.teachers} == {in_teacher}
            assert {t.mixup for t in run.teacher_runs} == {in_teacher}
            assert run.mixup == in_student
            assert {t.weight for t in run.teachers} == {1 / len(teachers)}
            assert (run.temperature, run.kd_weight, run.init) == (4.0, 0.7, "random")


def column(study: str, *names: str, alpha: float = 1.0, profile: str = "quick") -> list[tuple]:
    """What the runs of one fold and the first seed of a study are called, in order."""
    runs = [
        run for run in studies.specs(study, Scope("synthetic", profile, alpha=alpha)) if (run.fold, run.seed) == (0, 0)
    ]
    return list(pd.DataFrame(map(tables.describe, runs))[list(names)].itertuples(index=False, name=None))


def test_each_study_varies_its_own_thing():
    assert column("alpha", "alpha", "share", "case") == [(a, 1.0, "T & Mix-S") for a in (0.2, 1.0)]
    assert column("share", "share", "sampling") == [(0, "exact"), (0.1, "exact"), (1, "exact"), (0.1, "released")]
    cases = ("T & S", "T & Mix-S", "Mix-T & S", "Mix-T & Mix-S")
    assert column("temperature", "case", "temperature") == [(case, t) for case in cases for t in (1, 4, 8)]
    assert column("distillation", "method", "teachers", "teacher_network", "temperature") == [
        ("Scratch", "none", "", 1.0),
        ("Scratch 2x", "none", "", 1.0),
        ("Base", "signal", "WRN16-1", 4.0),
        ("Base", "image", "WRN16-1", 4.0),
        ("Base", "both", "WRN16-1", 4.0),
        ("Ann", "both", "WRN16-1", 4.0),
        ("Base 2x", "both", "WRN16-1", 4.0),
        *(("Base", "signal", "WRN16-1", t) for t in (1.0, 8.0)),
    ]
    assert column("teachers", "network", "modality", "case") == [
        ("WRN16-1", "signal", "S"),
        ("WRN16-1", "signal", "Mix-S"),
        ("WRN16-1", "image", "S"),
        ("WRN16-1", "image", "Mix-S"),
        ("WRN16-3", "signal", "S"),
    ]


def test_the_methods_study_has_every_method_as_its_source_runs_it():
    ann = [("SP, Ann", "both", 0.7, "exact", 20), ("TPKD, Ann", "both", 0.7, "exact", 20)]
    one = ("AT", "SP", "AMD (global)", "AMD (global + local)", "SimKD", "DIST")
    names = ("method", "teachers", "kd_weight", "logit_scaling", "total_epochs")
    full = [
        ("Scratch", "none", 0.0, "exact", 10),
        ("Scratch 2x", "none", 0.0, "exact", 20),
        ("Base", "signal", 0.7, "exact", 10),
        ("Base", "image", 0.7, "exact", 10),
        ("ESKD", "signal", 0.7, "exact", 10),
        ("Base", "both", 0.7, "exact", 10),
        ("Ann", "both", 0.7, "exact", 20),
        ("Base 2x", "both", 0.7, "exact", 20),
        ("RL", "signal", 0.9, "released", 10),
        *((name, "both", 0.7, "exact", 10) for name in ("AVER", "EBKD", "EBKD (softmax)", "CA-MKD")),
        *((name, "signal", 0.7, "exact", 10) for name in one),
        *ann,
    ]
    assert column("methods", *names, profile="full") == full
    left_out = ("ESKD", "AVER", "EBKD (softmax)", "AMD (global)")
    assert column("methods", *names) == [run for run in full if run[0] not in left_out]
    eskd = studies.specs("methods", Scope("synthetic", "full"))[4]
    assert [run.stopping for run in eskd.teacher_runs] == ["best_validation"]


def test_what_only_full_has():
    assert column("alpha", "alpha", profile="full") == [(a,) for a in studies.ALPHAS]
    assert column("resolution", "modality", "resolution", profile="full") == [("image", n) for n in (8, 16, 24, 64)]
    images = column("image_mixing", "image_mixing", "alpha", alpha=0.4, profile="full")
    assert images == [("linear", 0.4), ("recompute", 0.4)]
    sizes = ["WRN16-1", "WRN16-3", "WRN28-1", "WRN28-3"]
    assert column("capacity", "teacher_network") == [(size,) for size in sizes[:2]]
    ways = [("Base", "signal"), ("Base", "image"), ("Base", "both"), ("Ann", "both")]
    expected = [(*way, size) for size in sizes for way in ways]
    assert column("capacity", "method", "teachers", "teacher_network", profile="full") == expected
    released = [(share, "released") for share in studies.SHARES[1:-1]]
    exact = [(share, "exact") for share in studies.SHARES]
    assert column("share", "share", "sampling", profile="full") == [*exact, *released]
    cases = ("T & S", "T & Mix-S", "Mix-T & S", "Mix-T & Mix-S")
    temperatures = [(case, t) for case in cases for t in studies.TEMPERATURES]
    assert column("temperature", "case", "temperature", profile="full") == temperatures
    assert column("distillation", "temperature", profile="full")[-3:] == [(1,), (2,), (8,)]
    assert column("weights", "kd_weight", "image_weight", profile="full") == [
        (0.7, 0.5),
        *((w, 0.5) for w in studies.KD_WEIGHTS),
        *((0.7, w) for w in studies.IMAGE_WEIGHTS),
    ]
    one = [
        ("none", np.nan, 0.0),
        *(("it", a, 1.0) for a in (0.2, 0.4, 1.0)),
        *(("it", 1.0, s) for s in (0.1, 0.25, 0.5)),
    ]
    expected = [(by, by if mixed == "it" else mixed, *rest) for by in ("signal", "image") for mixed, *rest in one]
    both = [("both", "none", np.nan, 0.0), *(("both", mixed, 1.0, 1.0) for mixed in ("signal", "image", "both"))]
    found = column("teacher_mixup", "teachers", "mixed_teachers", "teacher_alpha", "teacher_share", profile="full")
    assert repr(found) == repr(expected + both)  # repr: nan is not nan


def test_deviations_change_one_thing_each():
    options = column("deviations", "kd_reduction", "logit_scaling", "temperature", "teachers")
    assert options == [
        ("exact", "exact", 4.0, "both"),
        ("released", "exact", 4.0, "both"),
        ("exact", "released", 1.0, "both"),
    ]
    whole = column("deviations", "kd_reduction", "logit_scaling", "kd_weight", "image_weight", profile="full")[3:]
    assert whole == [("released", "tda_kd", 0.99, 0.7), ("exact", "exact", 0.99, 0.7)]


def test_only_full_has_large_networks_and_only_for_one_seed():
    sizes = {
        p: {(r.depth, r.width, r.seed) for r in studies.specs("teachers", Scope("synthetic", p))} for p in PROFILES
    }
    assert sizes["smoke"] == sizes["quick"] == {(16, 1, 0), (16, 3, 0)}
    large = {(d, w, s) for d, w, s in sizes["full"] if d == 28}
    assert large == {(28, 1, 0), (28, 3, 0)}


# -- tables


def test_table_has_a_row_per_run(store_home):
    specs = studies.specs("alpha", Scope("synthetic", "smoke"))
    table = studies.load("alpha", Scope("synthetic", "smoke"))
    assert list(table["spec"]) == specs
    store, data = Store(), studies.data(Scope("synthetic", "smoke", 0))
    assert results(store).keys() == {run.hash for run in with_requirements(specs)}
    for row in table.to_dict("records"):
        record = store.get(row["spec"])
        assert {name: row[name] for name in METRICS} == record.metrics()
        expected = tables.describe(row["spec"])
        assert repr({name: row[name] for name in expected}) == repr(expected)  # repr: nan is not nan
        assert row["subject"] == "+".join(map(str, data[row["fold"]].fold.test))
        assert row["validation_accuracy"] == record.history[-1]["validation"]["accuracy"]
        assert row["accuracy_best_test"] >= row["accuracy"]
        assert row["accuracy_best_validation"] == record.metrics("best_validation")["accuracy"]
    logits, y = tables.pooled(table, data)
    accuracy = (logits.argmax(1) == y).reshape(len(table), -1).mean(1)
    np.testing.assert_allclose(accuracy, table["accuracy"])
    before = mtimes(store)
    pd.testing.assert_frame_equal(studies.load("alpha", Scope("synthetic", "smoke")), table)
    assert mtimes(store) == before


UNKNOWN = {
    "study": ({"study": "mixpu"}, r"study: found 'mixpu', did you mean 'mixup'\?"),
    "profile": ({"profile": "qick"}, r"profile: found 'qick', did you mean 'quick'\?"),
    "data set": ({"dataset": "wach"}, r"dataset: found 'wach', did you mean 'watch'\?"),
    "nothing near": ({"profile": "x"}, r"profile: found 'x', known: full, quick, smoke"),
    "seed": ({"seed": -1}, r"RunSpec.seed: found -1, expected a seed from 0 to 2\^31 - 1"),
    "alpha": ({"alpha": 0.0}, r"Mixup.alpha: found 0.0, expected a number from 0.01 to 100"),
}


@pytest.mark.parametrize(("wrong", "message"), UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("function", [studies.specs, studies.load])
def test_unknown_names_are_refused_with_the_nearest(function, wrong, message, store_home):
    wrong_in_scope = {name: value for name, value in wrong.items() if name != "study"}
    with pytest.raises(MixkdError, match=rf"\A{message}\Z"):
        function(wrong.get("study", "mixup"), Scope(**{"dataset": "synthetic", **wrong_in_scope}))
    assert not store_home.exists()


@pytest.mark.parametrize("study", ["patch_swap", "moments", "few_people"])
def test_a_brief_campaign_has_the_runs_of_quick_for_all_people(study, monkeypatch):
    monkeypatch.setitem(studies.STUDIES, study, replace(studies.STUDIES[study], brief=("synthetic",)))
    quick, full = (studies.specs(study, Scope("synthetic", profile)) for profile in ("quick", "full"))
    assert {replace(run, fold=0) for run in full} == {replace(run, fold=0) for run in quick}
    assert {(run.fold, run.seed) for run in full} == {(fold, 0) for fold in range(6)}
    assert catalogue.whole(study, Scope("synthetic", "full"))
    assert not catalogue.every_run(study, Scope("synthetic", "full"))
    assert not catalogue.whole(study, Scope("synthetic", "quick"))


@pytest.mark.parametrize("study", studies.STUDIES)
def test_published_runs_are_listed_without_recordings(study, monkeypatch, tmp_path):
    """On any data set that is surveyed, also where a campaign is brief."""
    monkeypatch.setenv("MIXKD_DATA", str(tmp_path))
    chosen = studies.STUDIES[study]
    published = ("selfback",) if chosen.full_only else chosen.published
    monkeypatch.setitem(studies.STUDIES, study, replace(chosen, brief=("selfback",), published=published))
    if not chosen.needs:
        assert studies.specs(study, Scope("selfback", "full"))

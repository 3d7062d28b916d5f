"""Specs: strict parsing, and a hash that means "the same training" in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixkd import studies
from mixkd.errors import MixkdError
from mixkd.specs.methods import METHODS
from mixkd.specs.parts import GROWN
from mixkd.specs.profiles import PROFILES, Profile
from mixkd.specs.run import Constant, ImageSpec, Mixup, RunSpec, TeacherSpec
from mixkd.specs.tasks import TASKS, TaskFacts
from mixkd.studies import Scope, catalogue

SIGNAL, IMAGE = TeacherSpec("signal", weight=0.3), TeacherSpec("image", weight=0.7)
STUDENT = RunSpec(teachers=(SIGNAL, IMAGE), mixup=Mixup(0.4, 0.25), init="scratch")
GOLDEN = "9270c0e7734e9682"  # of STUDENT: a change means that no stored run is found again


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        (RunSpec, {"temprature": 4.0}, r"RunSpec\.temprature: unknown field, did you mean 'temperature'\?"),
        (RunSpec, {"mixup": {"aplha": 0.2}}, r"RunSpec\.mixup\.aplha: unknown field, did you mean 'alpha'\?"),
        (RunSpec, {"teachers": [{}, {"modalty": "image"}]}, r"teachers\[1\]\.modalty: .* 'modality'\?"),
        (Mixup, {"xyzzy": 1}, r"Mixup\.xyzzy: unknown field, known: alpha, coefficient, partners, sampling, share"),
        (RunSpec, ["watch"], r"RunSpec: found \['watch'\], expected the fields of RunSpec"),
        (RunSpec, {"fold": True}, r"RunSpec\.fold: found True, expected int"),
        (RunSpec, {"fold": 1.0}, r"RunSpec\.fold: found 1\.0, expected int"),
        (RunSpec, {"fold": "1"}, r"RunSpec\.fold: found '1', expected int"),
        (RunSpec, {"fold": None}, r"RunSpec\.fold: found None, expected int"),
        (RunSpec, {"windows_per_class": True}, r"RunSpec\.windows_per_class: found True, expected int"),
        (RunSpec, {"dataset": 7}, r"RunSpec\.dataset: found 7, expected str"),
        (RunSpec, {"teachers": "signal"}, r"RunSpec\.teachers: found 'signal', expected a list"),
        (RunSpec, {"teachers": [3]}, r"RunSpec\.teachers\[0\]: found 3, expected TeacherSpec"),
        (RunSpec, {"mixup": 0.4}, r"RunSpec\.mixup: found 0\.4, expected Mixup"),
        (RunSpec, {"mixup": ImageSpec()}, r"RunSpec\.mixup: found ImageSpec\(.*\), expected Mixup"),
        (RunSpec, {"schedule": "cosine"}, r"RunSpec\.schedule: found 'cosine', expected one of onecycle, step"),
        (Mixup, {"alpha": True}, r"Mixup\.alpha: found True, expected float"),
        (Mixup, {"alpha": "0.4"}, r"Mixup\.alpha: found '0\.4', expected float"),
        (Mixup, {"alpha": float("nan")}, r"Mixup\.alpha: found nan, expected a finite number"),
        (RunSpec, {"learning_rate": float("inf")}, r"RunSpec\.learning_rate: found inf, expected a finite number"),
        (Profile, {"full": 1}, r"Profile\.full: found 1, expected bool"),
        (RunSpec, {"teachers": [{}], "modality": "image"}, r"RunSpec\.modality: .* a student sees signals only"),
        (RunSpec, {"teachers": [{}], "role": "teacher"}, r"RunSpec\.role: .* only students have teachers"),
        (RunSpec, {"init": "base"}, r"RunSpec\.init: found 'base', .* base-2x needs teachers"),
        (RunSpec, {"teachers": [{}, {}]}, r"teacher weights that sum to 1 \(they sum to 2\)"),
        (RunSpec, {"teachers": [{"weight": 0.5}]}, r"teacher weights that sum to 1 \(they sum to 0\.5\)"),
        (RunSpec, {"method": "at"}, r"RunSpec.method: found 'at', expected teachers for this method"),
        (RunSpec, {"teachers": [{"depth": 15}]}, r"TeacherSpec.depth: found 15, expected a depth of 6n \+ 4"),
        (RunSpec, {"teachers": [{"width": 0}]}, r"TeacherSpec.width: found 0, expected a width factor from 1 to 16"),
    ],
)
def test_refused_in_one_line_that_names_the_field(cls, data, message):
    with pytest.raises(MixkdError, match=message) as refusal:
        cls.parse(data)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("cls", "field", "accepted", "refused"),
    [
        (Mixup, "alpha", (0.01, 100), (0.0, 0.0099, 100.1, -1.0)),
        (Mixup, "share", (0.001, 1), (0, -0.1, 1.001)),
        (ImageSpec, "resolution", (2, 256), (1, 257)),
        (ImageSpec, "spread", (0.05, 64), (0.049, 64.1)),
        (TeacherSpec, "weight", (1e-9, 1), (0, -0.5, 1.1)),
        (TeacherSpec, "seed_offset", (0, 2**20 - 1), (-1, 2**20)),
        (RunSpec, "fold", (0, 99), (-1,)),
        (RunSpec, "seed", (0, 2**31 - 1), (-1, 2**31)),
        (RunSpec, "depth", (10, 16, 100), (4, 13, 15, 17, -2, 106)),
        (RunSpec, "width", (1, 16), (0, 17)),
        (RunSpec, "temperature", (0.1, 100), (0.099, 100.1, 0)),
        (RunSpec, "kd_weight", (0, 1), (-0.01, 1.01)),
        (RunSpec, "epochs", (1,), (0, -5)),
        (RunSpec, "batch_size", (2,), (1, 0)),
        (RunSpec, "learning_rate", (1e-9, 10), (0, 10.1)),
        (RunSpec, "momentum", (0, 0.999), (-0.1, 1)),
        (RunSpec, "weight_decay", (0, 0.999), (-0.1, 1)),
        (RunSpec, "windows_per_class", (None, 1), (0, -3)),
        (RunSpec, "people", (None, 1), (0, -2)),
        (RunSpec, "label_noise", (0, 0.999), (-0.1, 1)),
    ],
)
def test_ranges(cls, field, accepted, refused):
    for value in accepted:
        cls(**{field: value})
    for value in refused:
        with pytest.raises(MixkdError, match=rf"{cls.__name__}\.{field}: found {value!r}"):
            cls(**{field: value})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RunSpec(temperature=2.0, kd_weight=0.1), RunSpec()),  # no teachers: nothing is distilled
        (RunSpec(image=ImageSpec(64), image_mixing="recompute"), RunSpec()),  # no images
        (RunSpec(modality="image", image_mixing="recompute"), RunSpec(modality="image")),  # nothing is mixed
        (RunSpec(modality="image", image=ImageSpec()), RunSpec(modality="image")),
        (RunSpec(mixup=Mixup(alpha=1)), RunSpec(mixup=Mixup(alpha=1.0))),
        (RunSpec(mixup={"share": 0.5}), RunSpec(mixup=Mixup(share=0.5))),
        (RunSpec(teachers=[{"weight": 1}]), RunSpec(teachers=(TeacherSpec(),))),
        (RunSpec(weight_decay=-0.0), RunSpec(weight_decay=0)),
    ],
)
def test_equal_meaning_is_equal_and_has_one_hash(one, other):
    assert one == other
    assert one.hash == other.hash


def run_specs() -> st.SearchStrategy[RunSpec]:
    mixups = st.none() | st.builds(
        Mixup,
        st.floats(0.01, 100),
        st.floats(0.01, 1),
        st.sampled_from(["exact", "released"]),
        st.sampled_from(["row", "batch"]),
    )
    teachers = st.sampled_from([(), (TeacherSpec(),), (TeacherSpec("image", 28, 3, Mixup()),), (SIGNAL, IMAGE)])
    return st.builds(
        RunSpec,
        fold=st.integers(0, 50),
        seed=st.integers(0, 2**31 - 1),
        init=st.sampled_from(["random", "scratch"]),
        teachers=teachers,
        mixup=mixups,
        temperature=st.floats(0.1, 100),
        kd_weight=st.floats(0.01, 1),
        image_mixing=st.sampled_from(["linear", "recompute"]),
        image=st.none() | st.builds(ImageSpec, st.integers(2, 256), st.floats(0.05, 64)),
        weight_decay=st.floats(-0.0, 0.5),
        windows_per_class=st.none() | st.integers(1, 9),
        people=st.none() | st.integers(1, 9),
    )


@given(run_specs())
def test_round_trip_through_json(spec):
    again = RunSpec.parse(json.loads(json.dumps(spec.as_dict())))
    assert again == spec
    assert again.hash == spec.hash


@given(run_specs(), run_specs())
def test_hash_separates_what_differs(one, other):
    assert (one == other) == (one.hash == other.hash)


CHANGES = {
    "dataset": "synthetic",
    "fold": 1,
    "seed": 1,
    "depth": 28,
    "width": 3,
    "init": "base",
    "teachers": (TeacherSpec("image"),),
    "method": "aver",
    "kd_reduction": "released",
    "logit_scaling": "released",
    "stopping": "best_validation",
    "mixup": None,
    "temperature": 2.0,
    "kd_weight": 0.5,
    "image_mixing": "recompute",
    "image": ImageSpec(8),
    "epochs": 21,
    "batch_size": 32,
    "schedule": "step",
    "learning_rate": 0.05,
    "momentum": 0.8,
    "weight_decay": 0.0,
    "windows_per_class": 4,
    "task": "another",
    "constants": (Constant("strength", 2.0),),
    "orthogonality": 0.1,
    "family": "mtl",
    "order": "time",
    "people": 2,
    "label_noise": 0.25,
    "balance": True,
    "start": "0" * 16,
    "precision": "bfloat16",
}


def test_every_field_is_in_the_hash(monkeypatch):
    monkeypatch.setitem(TASKS, "another", TaskFacts("accuracy", classes=True))
    monkeypatch.setitem(METHODS, "kd", replace(METHODS["kd"], constants={"strength": 1.0}))
    changed = {replace(STUDENT, **{name: value}).hash for name, value in CHANGES.items()}
    assert len(changed - {STUDENT.hash}) == len(CHANGES)
    of_plain = {"role": "teacher", "modality": "image", "augment": "noise"}
    assert CHANGES.keys() == {field.name for field in fields(RunSpec)} - of_plain.keys()
    plain = RunSpec()
    assert len({plain.hash, *(replace(plain, **{name: value}).hash for name, value in of_plain.items())}) == 4


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_hash_is_the_same_in_every_process(hash_seed):
    code = (
        f"from mixkd.specs.run import RunSpec; print(RunSpec.parse({json.loads(json.dumps(STUDENT.as_dict()))!r}).hash)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == STUDENT.hash == GOLDEN


def test_teachers_and_parents_of_a_run():
    signal, image = STUDENT.teacher_runs
    shared = {"role": "teacher", "mixup": None}
    assert signal == RunSpec(**shared)
    assert image == RunSpec(modality="image", **shared)
    assert STUDENT.parent == RunSpec(), "Ann starts from the plain scratch run, whatever the stream"
    assert STUDENT.requires == (signal, image, RunSpec())

    mixed_teacher = replace(STUDENT, teachers=(TeacherSpec("image", 28, 3, Mixup(0.2)),), image=ImageSpec(32))
    expected = RunSpec(
        role="teacher",
        modality="image",
        depth=28,
        width=3,
        mixup=Mixup(0.2),
        image=ImageSpec(32),
        image_mixing="linear",
    )
    assert mixed_teacher.teacher_runs == (expected,)
    assert all(run.teacher_runs == () and run.parent is None for run in STUDENT.requires)


@pytest.mark.parametrize(
    ("spec", "parent", "epochs"),
    [
        (RunSpec(epochs=7), None, 7),
        (RunSpec(epochs=7, init="scratch", mixup=Mixup()), RunSpec(epochs=7, mixup=Mixup()), 14),
        (replace(STUDENT, epochs=7), RunSpec(epochs=7), 14),
        (replace(STUDENT, init="base"), replace(STUDENT, init="random"), 40),
        (replace(STUDENT, init="random"), None, 20),
    ],
)
def test_parent_and_total_epochs(spec, parent, epochs):
    assert spec.parent == parent
    assert spec.total_epochs == epochs


def test_mixup_of_share_zero_is_none():
    assert Mixup.of(0.4, 0) is None
    assert Mixup.of(0.4, 0.1, "released") == Mixup(0.4, 0.1, "released")


@pytest.mark.parametrize("study", studies.STUDIES)
def test_a_quick_run_is_one_of_the_full_runs(study):
    quick, full = (
        {run.hash for run in studies.specs(study, Scope("synthetic", profile))} for profile in ("quick", "full")
    )
    assert quick < full if catalogue.whole(study, Scope("synthetic", "full")) else quick == full


def test_only_smoke_changes_sizes():
    sized = {name for name, profile in PROFILES.items() if profile.epochs or profile.windows_per_class}
    assert sized == {"smoke"}
    every, smoke = studies.every(Scope("synthetic", "smoke")), PROFILES["smoke"]
    runs = [run for run in every if run.family not in GROWN]  # trees have no epochs
    assert {(run.epochs, run.windows_per_class) for run in runs} == {(smoke.epochs, smoke.windows_per_class)}
    assert {run.fold for run in runs} == set(range(smoke.folds))
    with pytest.raises(MixkdError, match=r"profile: found 'quik', did you mean 'quick'\?"):
        Scope(profile="quik")


@pytest.mark.parametrize("method", ["ebkd", "camkd"])
def test_weights_that_a_method_does_not_use_make_no_other_run(method):
    """They weigh teachers per window; so uneven fixed weights are the same training."""
    even, uneven = (
        RunSpec(method=method, teachers=[{"weight": w}, {"modality": "image", "weight": 1 - w}]) for w in (0.5, 0.25)
    )
    assert even == uneven
    assert even.hash == uneven.hash

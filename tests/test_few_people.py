"""Few training people: who they are, what is fitted on them, as many steps; the study and its answers; int8."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from runs import SIGNAL, small, train
from scipy import stats

from mixkd import figures, studies, windows
from mixkd.analysis import few_people
from mixkd.datasets import dataset
from mixkd.deploy import export
from mixkd.deploy.int8 import quantised, weight_bytes
from mixkd.errors import MixkdError
from mixkd.figures import people
from mixkd.learning import networks
from mixkd.learning.fold_data import fold_data
from mixkd.learning.schedules import passes_and_steps
from mixkd.learning.training import stream_of
from mixkd.runs.cost import largest_activation
from mixkd.runs.published import METRICS
from mixkd.runs.single import trained_network
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.run import ImageSpec, Mixup, RunSpec
from mixkd.studies import Scope, results, tables
from mixkd.studies.bases import n_trained
from mixkd.topology.imaging import Imager
from mixkd.topology.persistence import diagrams
from mixkd.windows import fewer, folds

# -- who trains


@pytest.fixture(autouse=True, scope="module")
def _whole():
    """As if the campaign were published."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(studies.STUDIES, "few_people", replace(studies.STUDIES["few_people"], published=None))
        yield


@given(n=st.integers(4, 60), seed=st.integers(0, 2**31 - 1), at=st.integers(0, 9), data=st.data())
def test_people_are_nested_and_others_stay(n, seed, at, data):
    fold = folds(np.arange(n) * 3 + 1)[at % min(n, 10)]
    k = data.draw(st.integers(1, len(fold.train) - 1)) if len(fold.train) > 1 else 1
    view = RunSpec(fold=at, seed=seed, people=k).windows
    chosen = fewer(fold, view)
    more = fewer(fold, replace(view, people=min(k + 1, len(fold.train))))
    assert len(chosen.train) == len(set(chosen.train)) == k
    assert set(chosen.train) <= set(more.train) <= set(fold.train)
    assert list(chosen.train) == sorted(chosen.train)
    assert (chosen.test, chosen.validation) == (fold.test, fold.validation)
    assert fewer(fold, replace(view, people=len(fold.train))) == fold


def test_the_order_is_of_seed_and_fold():
    fold = folds(np.arange(1, 11))[0]
    views = [RunSpec(fold=f, seed=s, people=2).windows for f in range(6) for s in range(6)]
    pairs = {fewer(fold, view).train for view in views}
    assert len(pairs) > 12  # of 28
    assert set().union(*pairs) == set(fold.train)


@pytest.mark.parametrize("people", [1, 2, 3])
@pytest.mark.parametrize("fold", [0, 3])
def test_windows_and_what_is_fitted_are_of_those_people_alone(people, fold):
    """Oracle: rows of all windows, chosen by subject; mean and standard deviation of them."""
    spec = small(fold=fold, seed=5, people=people, modality="image", image=ImageSpec(8))
    data, whole = fold_data(spec.data), fold_data(replace(spec, people=None).data)
    mine = np.isin(whole.splits["train"].subject, data.fold.train)
    x = whole.splits["train"].x[mine]
    assert 0 < mine.sum() < len(mine)
    np.testing.assert_array_equal(data.splits["train"].x, x)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(data.splits[part].x, whole.splits[part].x)
        assert not set(data.splits[part].subject) & set(data.splits["train"].subject)
    mean = x.astype(np.float64).mean(axis=(0, 2))
    std = np.sqrt(((x.astype(np.float64) - mean[:, None]) ** 2).mean(axis=(0, 2)))
    np.testing.assert_allclose(data.normalisation.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(data.normalisation.std, std, rtol=1e-5)
    assert not np.allclose(data.normalisation.std, whole.normalisation.std, rtol=1e-4)
    rows = np.arange(3)
    expected = Imager.fit(diagrams(x), ImageSpec(8))(whole.diagrams["test"], rows)
    np.testing.assert_array_equal(data.imager(data.diagrams["test"], rows), expected)


# -- as many steps


@given(st.integers(1, 300), st.integers(0, 900), st.integers(1, 64), st.integers(1, 9))
def test_steps_are_those_of_all_people(n_windows, others, batch_size, n_epochs):
    """Oracle: one step after the other, a new pass when the windows of one are used up."""
    whole, steps, passes, left = n_windows + others, 0, 0, 0
    for _ in range(n_epochs):
        for _ in range(whole // batch_size):
            if left < batch_size <= n_windows:
                left, passes = n_windows, passes + 1
            left, steps = left - batch_size, steps + 1
    expected = passes if n_windows >= batch_size else n_epochs
    assert passes_and_steps(n_windows, whole, batch_size, n_epochs) == (expected, steps)


@pytest.mark.parametrize("fields", [{}, {"mixup": Mixup(0.4, 0.5)}, {"order": "time"}])
def test_a_stream_of_few_people_is_as_long_and_reads_their_windows(fields):
    """Each pass sees every window at most once, in another order; a pass that is not cut short sees all it can."""
    all_of_them = small(batch_size=12, epochs=3, **fields)
    few = replace(all_of_them, people=2)
    data, whole = fold_data(few.data), fold_data(all_of_them.data)
    draws, n = stream_of(few.stream, data), len(data.splits["train"])
    assert len(draws) == len(stream_of(all_of_them.stream, whole)) == len(whole.splits["train"]) // 12 * 3
    per_pass = n // 12
    passes = [draws.rows[at : at + per_pass].ravel() for at in range(0, len(draws), per_pass)]
    assert len(passes) > 3
    for rows in passes:
        assert len(set(rows)) == len(rows)
        assert rows.min() >= 0
        assert rows.max() < n
    assert len({tuple(rows) for rows in passes}) == len(passes)
    assert max(draws.partners.max(), draws.rows.max()) < n


# -- runs


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("home"))


def test_teacher_and_student_see_the_same_people(store):
    spec = small(people=2, teachers=[SIGNAL], init="scratch", seed=3)
    record = train(spec, store)
    people = record.data["subjects"]["train"]
    assert len(people) == 2
    assert len(record.history) == spec.epochs
    for required in spec.requires:
        other = store.get(required)
        assert required.people == 2
        assert other.data["subjects"] == record.data["subjects"]
        assert other.data["windows"]["train"] == 2 * 4 * 4  # of two people: four windows of each of four classes


def test_all_people_by_number_train_the_same_network(store):
    record, same = train(small(), store), train(small(people=4), store)
    assert record.spec.hash != same.spec.hash
    assert record.history == same.history
    for name, array in record.weights.items():
        np.testing.assert_array_equal(array, same.weights[name])
    assert train(small(people=2), store).history != record.history


def test_hashes_of_runs_with_all_people_stay():
    assert RunSpec(people=None).hash == RunSpec().hash == "4fc884db4f3892df"
    assert RunSpec(people=2).hash != RunSpec().hash
    assert RunSpec(seed=1).windows == RunSpec(seed=2).windows
    assert RunSpec(seed=1, people=2).windows != RunSpec(seed=2, people=2).windows


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"people": 0}, r"^RunSpec\.people: found 0, expected at least 1 training person, or nothing for all$"),
        (
            {"people": 5},
            r"^RunSpec\.people: found 5, expected 1 to 4, the training people of fold 0 of synthetic, or nothing",
        ),
        ({"people": 1, "batch_size": 32}, r"^stream: found 16 training windows, expected at least one batch of 32$"),
    ],
)
def test_impossible_numbers_are_one_line(fields, line, store):
    with pytest.raises(MixkdError, match=line):
        train(small(**fields), store)


# -- the study


@pytest.mark.parametrize("name", ["watch", "synthetic"])
def test_training_people_are_counted_in_the_inventory_as_in_the_recordings(name):
    base = RunSpec(dataset=name, fold=2)
    fold = windows.folds(dataset(name).load().subjects)[2]
    assert n_trained(base, True) == n_trained(base, False) == len(fold.train)


def test_training_people_beside_an_official_test_set():
    entry, people = dataset("hapt_official"), 30  # its authors': 9 of them test, and we validate on a tenth
    assert n_trained(RunSpec(dataset="hapt_official"), True) == people - len(entry.test) - round(0.1 * 21)


@pytest.mark.parametrize(("profile", "cells"), [("quick", [None, 2]), ("full", [None, 2, 4])])
def test_each_cell_has_five_systems(profile, cells):
    runs = [run for run in studies.specs("few_people", Scope("watch", profile)) if run.fold == 0]
    assert {run.seed for run in runs} == {0}
    base = runs[0]
    kd = replace(base, teachers=(SIGNAL,), temperature=4.0, kd_weight=0.7)
    expected = [base, replace(base, mixup=Mixup()), kd, replace(kd, mixup=Mixup()), replace(base, init="scratch")]
    assert runs == [replace(run, people=n) for n in cells for run in expected]
    of_others = {
        run.hash
        for name in ("mixup", "teachers", "distillation")
        for run in studies.specs(name, Scope("watch", profile))
    }
    assert {run.hash for run in runs if run.people is None} <= of_others


def test_a_cell_of_all_people_is_not_trained_twice():
    runs = studies.specs("few_people", Scope("synthetic", "full"))  # four people train
    assert {run.people for run in runs} == {None, 2}


BASES = [RunSpec(fold=fold) for fold in range(10)]


def lookup(spec: RunSpec) -> RunRecord:
    """A record whose accuracy has a part for each setting, and one for the person of each."""
    about = spec.people or 0, len(spec.teachers), spec.mixup is not None, spec.init == "scratch"
    rng = np.random.default_rng([spec.fold, *about])
    metrics = dict.fromkeys(METRICS, 0.5 + 0.1 * rng.random())
    probes = {"subjects": {str(spec.fold): metrics}, "validation_confusion": [[1]]}
    row = {"test": metrics, "validation": metrics}
    return RunRecord(spec, [row], {"subjects": {"test": [spec.fold]}}, {}, probes)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return few_people.curves(tables.frame([lookup(run) for run in studies.specs("few_people", Scope("watch", "full"))]))


def test_cells_and_systems(table):
    assert list(table["cell"].unique()) == ["2", "4", "all"]
    for row in table.itertuples():
        spec = row.spec
        assert row.cell == ("all" if spec.people is None else str(spec.people))
        name = " + ".join(["KD"] * bool(spec.teachers) + ["mixup"] * bool(spec.mixup)) or "scratch"
        name += " 2x" if spec.init == "scratch" else ""
        assert row.system == name
    assert table.groupby(["cell", "system"]).size().to_list() == [10] * 15


def test_gains_and_means_are_those_of_loops(table):
    gains = few_people.gains(table, BASES, lookup, True)
    value = {(r.cell, r.system, r.fold): r.accuracy for r in table.itertuples()}
    assert len(gains) == 3 * 4 * 2
    for row in gains.itertuples():
        d = [value[row.cell, row.system, f] - value[row.cell, "scratch", f] for f in range(10)]
        assert row.effect == pytest.approx(np.mean(d))
        assert (row.low, row.high) == pytest.approx(stats.t.interval(0.95, 9, np.mean(d), stats.sem(d)))
    for row in few_people.means(table, True).itertuples():
        own = [value[row.cell, row.system, f] for f in range(10)]
        assert row.mean == pytest.approx(np.mean(own))
        assert (row.low, row.high) == pytest.approx(stats.t.interval(0.95, 9, np.mean(own), stats.sem(own)))
    assert few_people.means(table, False)["low"].isna().all()


def test_the_figure_has_a_dot_per_fold_and_a_line_per_system(table):
    (axis,) = figures.people_curves(table, few_people.means(table, True)).axes
    lines = {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}
    assert set(lines) == set(few_people.SYSTEMS)
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    assert Counter(line.get_gid() for line in dots) == {people.gid(name): 15 for name in table["subject"].unique()}
    mean = table[table["system"] == "KD"].groupby("cell")["accuracy"].mean()
    np.testing.assert_allclose(lines["KD"].get_ydata(), mean[["2", "4", "all"]])


def test_budget_is_counted(store):
    runs = [train(small(people=n), store) for n in (2, None)]
    budget = few_people.budget(few_people.curves(tables.frame(runs)))
    assert budget["people"].to_dict() == {"2": 2, "all": 4}
    assert budget["windows"].to_dict() == {"2": 32, "all": 64}  # four of each of four classes
    assert budget["steps"].to_list() == [8, 8]
    assert budget["seen"].to_list() == [4.0, 2.0]


def test_runs_of_few_people_are_of_one_study_unless_others_were_held_out(store, monkeypatch):
    """Of two copies of a data set, one of which has another test person."""
    runs = [train(small(people=n), store) for n in (None, 2)]
    monkeypatch.setattr(results.sweep, "run", lambda *_: runs)
    assert len(results.load("few_people", Scope("synthetic", "smoke"))) == 2
    runs[1] = replace(runs[1], data=runs[1].data | {"subjects": runs[1].data["subjects"] | {"test": [6]}})
    with pytest.raises(MixkdError, match=r"found test subjects \[6\], expected \[1\]: two copies of a data set"):
        results.load("few_people", Scope("synthetic", "smoke"))


def effect(cell: str, **points: tuple[float, float, float]) -> pd.DataFrame:
    rows = [
        {"cell": cell, "system": name.replace("_", " + "), "metric": "accuracy", "effect": e, "low": lo, "high": hi}
        for name, (e, lo, hi) in points.items()
    ]
    return pd.DataFrame(rows).assign(n=10)


FLAT = dict.fromkeys(("mixup", "KD", "KD_mixup"), (0.001, -0.02, 0.03))


MOST = "helps most: +2.0 points of accuracy"
OUTCOMES = {
    f"KD {MOST} [+1.0, +3.0], clear of zero": FLAT | {"KD": (0.02, 0.01, 0.03)},
    f"mixup {MOST} [-1.0, +5.0], which includes zero": FLAT | {"mixup": (0.02, -0.01, 0.05)},
    "none of the 3 helps: the best of them, mixup, changes accuracy by -1.0 points": {
        name: (-0.01 * i, -0.1, 0.1) for i, name in enumerate(FLAT, 1)
    },
    "KD + mixup helps most: +3.0 points of accuracy, without an interval (too few folds)": FLAT
    | {"KD_mixup": (0.03, np.nan, np.nan)},
}


@pytest.mark.parametrize(("outcome", "few"), OUTCOMES.items())
def test_the_answer_is_honest(outcome, few):
    table = pd.DataFrame({"cell": ["2", "all"], "system": "scratch", "accuracy": [0.5, 0.75]})
    values = few_people.answer(table, pd.concat([effect("2", **few), effect("all", **FLAT)]))
    assert values["outcome"] == outcome
    assert (values["fewest"], values["people_gain"], values["best_all"]) == (
        "2 training people",
        25.0,
        pytest.approx(0.1),
    )


# -- int8


@pytest.fixture(scope="module")
def forms(store):
    """A student in float32 and int8, its network, and its data."""
    record = train(small(epochs=6), store)
    data = fold_data(record.spec.data)
    net = trained_network(record, data)
    portable = export.Portable(net, data.normalisation.mean, data.normalisation.std)
    x = data.splits["train"].x
    exported = export.to_onnx(portable, x[:2])
    before = logging.root.manager.disable
    rounded = quantised(exported, x)
    assert logging.root.manager.disable == before
    return exported, rounded, net, data


def test_int8_weights_are_those_of_the_network_rounded(forms):
    """Oracle: per output channel, the largest weight over 127 is the step; each weight within half a step."""
    exported, rounded, net, _ = forms
    exact = {c.name: numpy_helper.to_array(c) for c in onnx.load_model_from_string(exported).graph.initializer}
    small_ones = {c.name: numpy_helper.to_array(c) for c in onnx.load_model_from_string(rounded).graph.initializer}
    names = [
        n.removesuffix("_quantized") for n, c in small_ones.items() if n.endswith("_quantized") and c.dtype == np.int8
    ]
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(names) == len(layers)
    for name in names:
        w, q = exact[name].reshape(len(exact[name]), -1), small_ones[f"{name}_quantized"]
        step = np.abs(w).max(axis=1, keepdims=True) / 127
        assert np.abs(q.reshape(w.shape) * step - w).max() <= (step / 2 + 1e-6).max()
        np.testing.assert_allclose(small_ones[f"{name}_scale"].ravel(), step.ravel(), rtol=1e-2)


def test_int8_answers_nearly_as_float32(forms):
    exported, rounded, _, data = forms
    x = data.splits["test"].x
    exact, near = (onnxruntime.InferenceSession(o).run(None, {"windows": x})[0] for o in (exported, rounded))
    assert 0 < np.abs(near - exact).max() < 0.2 * np.abs(exact).max()
    sure = np.sort(exact, axis=1)[:, -1] - np.sort(exact, axis=1)[:, -2] > 2 * np.abs(near - exact).max()
    np.testing.assert_array_equal(near.argmax(1)[sure], exact.argmax(1)[sure])


def test_bytes_of_weights(forms):
    """Oracle: four bytes for each number of the network; in int8, one for those of convolutions and head.

    The exporter makes of a normalisation behind a convolution the bias of that: one number in place of four.
    """
    exported, rounded, net, data = forms
    buffers = [b.numel() for name, b in net.named_buffers() if "running" in name]
    merged = 3 * sum(len(block.bn2.weight) for block in net.blocks)
    numbers = networks.n_parameters(net) + sum(buffers) - merged + 2 * data.splits["train"].x.shape[1]
    assert 0 <= weight_bytes(exported) - 4 * numbers <= 64  # and the axes of a mean
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    saved = 3 * sum(m.weight.numel() for m in layers)
    channels = sum(len(m.weight) for m in layers)
    biased = sum(len(block.bn2.bias) for block in net.blocks) + len(net.head.bias)
    nodes = onnx.load_model_from_string(rounded).graph.node
    activations = len({n.input[1] for n in nodes if n.op_type == "QuantizeLinear"})
    # a float32 step and an int8 zero point for each channel and activation; of a bias, an int32 zero point
    steps = 5 * channels + 8 * biased + 5 * activations
    assert weight_bytes(rounded) == weight_bytes(exported) - saved + steps


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize(
    ("modality", "shape"), [("signal", (6, 100)), ("signal", (45, 101)), ("image", (6, 16, 16)), ("image", (1, 9, 9))]
)
def test_largest_activation_is_that_of_the_network(modality, shape, width):
    net = networks.build(modality, 16, width, n_channels=shape[0], n_classes=7, generator=torch.Generator()).eval()
    sizes = []
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda _, x, y: sizes.extend((x[0][0].numel(), y[0].numel())))
    with torch.no_grad():
        net(networks.channels_last(torch.zeros(1, *shape)))
    assert largest_activation(modality, width, shape) == max(sizes)


def test_the_record_of_int8_as_tables():
    scores = [("a", "x", 1, 0.02), ("b", "x", 1, 0.0), ("b", "x", 2, 0.04), ("b", "y", 1, -0.01), ("b", "y", 2, 0.0)]
    scores += [("b", "x", 3, 0.03), ("b", "y", 3, 0.0)]
    rows = [
        {"dataset": name, "student": who, "subject": i, "float32": 0.8, "int8": 0.8 - lost, "same_label": 0.9}
        for name, who, i, lost in scores
    ]
    form = {"file_bytes": 9, "weight_bytes": 8000, "activation_bytes": 400, "multiply_adds": 10**6, "one_ms": 1.0}
    form |= {"one_over_float32": 1.0, "batch_over_float32": 1.0, "process_megabytes": 90.0, "added_megabytes": 5.0}
    other = form | {"weight_bytes": 2000, "activation_bytes": 100, "one_over_float32": 1.5}
    machine = {"cpu": "AMD EPYC c6d530e9", "cpu_capability": "AVX2", "threads": 1}
    record = {"accuracy": rows, "sizes": [{"form": "float32"} | form, {"form": "int8"} | other], "provenance": machine}
    table, sizes = few_people.int8(record)
    assert table.loc[("b", "x"), "lost"] == pytest.approx(7 / 3)
    assert table["people"].to_list() == [1, 3, 3]
    values = few_people.small(record)
    assert (values["shrunk"], values["faster"], values["people_int8"]) == (4.0, "slower", 4)
    assert values["changed_8"] == pytest.approx(-(2.0 + (0.0 - 1.0) / 2 + (4.0 + 0.0) / 2 + (3.0 + 0.0) / 2) / 4)
    assert few_people.measured_on(record) == "AMD EPYC, AVX2, 1 thread"
    assert values["worst_8"] == pytest.approx(-4.0)
    assert list(sizes.index) == ["float32", "int8"]

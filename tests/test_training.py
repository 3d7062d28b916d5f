"""One loop: a trace is the live teacher, a run is the same wherever it runs, and nothing leaks into it.

`python tests/test_training.py` prints the golden losses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import BOTH, FULL, IMAGE, PARTIAL, RELEASED, SIGNAL, results, small, start, step_of, train
from scipy.special import log_softmax

from mixkd.errors import MixkdError
from mixkd.files import canonical_json
from mixkd.learning import metrics, training
from mixkd.learning.fold_data import Batch, FoldData, fold_data
from mixkd.learning.networks import Outputs
from mixkd.learning.schedules import learning_rate
from mixkd.learning.teachers import Live
from mixkd.runs import provenance, single, worker
from mixkd.runs.planning import Chunk, with_requirements
from mixkd.runs.single import Traces
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import ImageSpec, RunSpec
from mixkd.topology.persistence import diagrams


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Shared by the tests of this file: runs that many of them need are trained once."""
    return Store(tmp_path_factory.mktemp("shared"))


def fitted(spec: RunSpec, store: Store, data: FoldData | None = None, traces: Traces | None = None):
    """History and last weights of a run with trained requirements; nothing is stored."""
    for needed in with_requirements(spec.requires):
        single.run(needed, store)
    data = data or fold_data(spec.data)
    draws = training.stream_of(spec.stream, data)
    student = single.learner(spec, data, store, draws, traces=traces, nets={})
    (history,) = training.fit([student], data, draws)
    return history, {name: tensor.numpy() for name, tensor in student.net.state_dict().items()}


def equal(one, other) -> bool:
    """Same history (but for how the loss is divided into parts), same bits."""
    histories = ([{**row, "parts": None} for row in history] for history, _ in (one, other))
    return next(histories) == next(histories) and all(
        np.array_equal(array, other[1][name]) for name, array in one[1].items()
    )


def test_image_sizes_of_one_fold_do_not_mix(store):
    coarse, fine = (small(modality="image", image=ImageSpec(resolution=n)) for n in (8, 12))
    data = fold_data(coarse.data)
    assert data.imager.grid.spec.resolution == 8
    assert equal(fitted(fine, store, fold_data(fine.data, data)), fitted(fine, store))


# -- traces

TAUGHT = {
    "signal, no mixup": small(teachers=[SIGNAL]),
    "signal, full mixup": small(teachers=[SIGNAL], mixup=FULL),
    "signal, partial mixup": small(teachers=[SIGNAL], mixup=PARTIAL),
    "mixed image teacher, released sampling": small(teachers=[replace(IMAGE, mixup=FULL)], mixup=RELEASED),
    "both, no mixup": small(teachers=BOTH),
    "both, partial mixup of images": small(teachers=BOTH, mixup=PARTIAL),
    "both, images of full mixup": small(teachers=BOTH, mixup=FULL, image_mixing="recompute"),
    "both, half the bits": small(teachers=BOTH, mixup=PARTIAL, precision="bfloat16"),
    "both, images of partial mixup": small(teachers=BOTH, mixup=PARTIAL, image_mixing="recompute"),
}


@pytest.mark.parametrize("spec", TAUGHT.values(), ids=TAUGHT)
def test_traced_student_is_the_live_one(spec, store):
    traces: Traces = {}
    assert equal(fitted(spec, store, traces=traces), fitted(spec, store))
    assert len(traces) == len(spec.teachers)


def test_students_that_share_traces_are_the_live_ones(store, monkeypatch):
    """Every combination that may meet in a chunk, one after the other, with the same traces; then over the cap."""
    traces: Traces = {}
    specs = [replace(spec, temperature=t) for t in (1.0, 4.0) for spec in TAUGHT.values()]
    alone = [fitted(spec, store) for spec in specs]
    assert all(equal(fitted(spec, store, traces=traces), live) for spec, live in zip(specs, alone, strict=True))
    assert len(traces) == 10, "3 of the signal teacher, 5 of the image teacher, 1 of each trained in half the bits"
    monkeypatch.setattr(single, "MAX_TRACE_BYTES", 0)
    none: Traces = {}
    assert equal(fitted(specs[-1], store, traces=none), alone[-1])
    assert not none


# -- the same run, wherever


def test_a_run_is_the_same_alone_in_any_order_and_in_any_process(tmp_path):
    """Alone; last and first of its chunk; in fresh processes with other hash seeds and global generators."""
    spec = TAUGHT["both, images of partial mixup"]
    others = [replace(spec, image_mixing="linear"), replace(spec, teachers=(SIGNAL,)), replace(spec, init="scratch")]
    alone = Store(tmp_path / "alone")
    train(spec, alone)
    expected = results(alone)
    orders = {"last": with_requirements([*others, spec]), "first": with_requirements([spec, *others])}
    processes = []
    for hash_seed, (place, chunk) in enumerate(orders.items()):
        processes.append(
            start("-m", "mixkd.runs.worker", home=tmp_path / f"fresh {place}", PYTHONHASHSEED=f"{hash_seed}")
        )
        processes[-1].stdin.write(Chunk("runs", tuple(chunk)).line + "\n")
        processes[-1].stdin.close()
    for place, chunk in orders.items():
        with torch.random.fork_rng():
            torch.manual_seed(len(place))
            worker.train_chunk(chunk, Store(tmp_path / place), lambda answer: None)
    for process in processes:
        answers = [json.loads(line) for line in process.stdout]
        assert process.wait() == 0, process.stderr.read()
        assert [answer["error"] for answer in answers] == [None] * len(orders["last"])
    for place in orders:
        here, fresh = results(Store(tmp_path / place)), results(Store(tmp_path / f"fresh {place}"))
        assert len(here) == len(orders["last"])
        assert here == fresh
        assert expected.items() <= here.items()


def test_global_state_is_neither_used_nor_changed(tmp_path, monkeypatch):
    """That it is not changed is what the guard in conftest.py finds after every test of this file."""
    spec = small(teachers=BOTH, mixup=PARTIAL)
    first = train(spec, Store(tmp_path / "1"))
    with torch.random.fork_rng():
        torch.manual_seed(99)
        second = train(spec, Store(tmp_path / "2"))
    assert provenance.compare(first, second, 0.13) == ("identical", True)


def test_a_record_is_what_was_fitted(store):
    """The returned record, the stored one, and the network, logits and features that are read from it."""
    spec = small(teachers=BOTH, mixup=FULL)
    record, data = train(spec, store), fold_data(spec.data)
    assert record == store.get(spec)
    assert equal(fitted(spec, store), (record.history, record.weights))
    net = single.trained_network(record, data)
    for split, part in data.splits.items():
        logits, features = training.evaluate(net, data, "signal", split)
        assert np.array_equal(record.arrays[f"{split}_logits"], logits)
        if split != "train":
            assert record.metrics("last", split) == metrics.summary(logits, part.y)
    assert np.array_equal(record.arrays["test_features"], features)
    assert record.data["windows"] == {"train": 64, "validation": 16, "test": 16}
    assert record.data["subjects"] == {"test": [1], "validation": [2], "train": [3, 4, 5, 6]}


@pytest.mark.parametrize(
    "other", [{"fold": 1}, {"windows_per_class": 5}, {"dataset": "watch"}, {"image": {"spread": 2}}]
)
def test_data_of_another_run_is_reused_only_where_it_is_the_same(other, store_home):
    spec = small(teachers=BOTH)
    given, needed = fold_data(spec.data), replace(spec, **other)
    rows = np.arange(8)
    for modality in ("signal", "image"):
        given.inputs(modality, "test", rows)
        reused, fresh = fold_data(needed.data, given), fold_data(needed.data)
        assert torch.equal(reused.inputs(modality, "test", rows), fresh.inputs(modality, "test", rows))
        assert torch.equal(reused.targets, fresh.targets)


# -- golden losses

# A change of these numbers is a change of results: then raise `RunSpec.recipe` of what it touches, or `config.RECIPE`.
GOLDEN_TEACHERS = {"one signal": (SIGNAL,), "own network": (SIGNAL,), "none": ()}
GOLDEN_SPECS = {
    "scratch": small(),
    "mixup": small(mixup=PARTIAL),
    "two teachers": small(teachers=BOTH, mixup=FULL, image_mixing="recompute"),
    "released": small(teachers=BOTH, mixup=RELEASED, kd_reduction="released", logit_scaling="released"),
    "tda_kd": small(teachers=BOTH, logit_scaling="tda_kd"),
} | {
    name: small(teachers=GOLDEN_TEACHERS.get(method.teachers, BOTH), method=name, mixup=PARTIAL)
    for name, method in METHODS.items()
}
GOLDEN = {
    "scratch": [1.338418, 1.415590, 1.444466],
    "mixup": [1.419213, 1.526222, 1.437526],
    "two teachers": [0.461840, 0.463637, 0.436755],
}
GOLDEN_METHODS = {  # two steps: in the third, other instruction sets differ by up to 0.3 %
    "released": [0.588478, 0.539587],
    "tda_kd": [15.316008, 1.119103],
    "kd": [0.476035, 0.480019],
    "aver": [0.474238, 0.477626],
    "ebkd": [0.477026, 0.478759],
    "ebkd_softmax": [0.477025, 0.478782],
    "camkd": [1.235319, 1.264868],
    "at": [27.357986, 35.754581],
    "sp": [30.371826, 24.713408],
    "tpkd": [19.892672, 7.051766],
    "amd": [9.494535, 10.426586],
    "amd_local": [14.366876, 17.470541],
    "simkd": [0.975952, 0.923384],
    "simkd_maps": [1.253712, 1.212595],
    "dist": [65.921310, 76.223671],
    "dist_plain": [3.477400, 3.051555],
    "label_smoothing": [1.421620, 1.510433],
    "lskd": [7.675830, 1.454532],
    "rld": [1.661879, 1.427639],
    "patch_swap": [0.482541, 0.480874],
    "time_aware": [1.499418, 1.544971],
    "smooth": [1.451991, 1.550439],
    "dropout": [1.447062, 1.566617],
    "ssd": [1.099665, 1.152781],
}


def three_losses(spec: RunSpec) -> list[float]:
    """Of the first three steps at the full learning rate; the teachers are fresh networks."""
    data, nothing = fold_data(spec.data), Store(Path("nothing"))
    teachers = [
        Live(single.initial_network(run, data, nothing).eval(), teacher.modality)
        for run, teacher in zip(spec.teacher_runs, spec.teachers, strict=True)
    ]
    net, draws = single.initial_network(spec, data, nothing).train(), training.stream_of(spec.stream, data)
    student = training.learner(spec, net, teachers)
    return [training.train_step(student, Batch(step, draws[step], data))["loss"] for step in range(3)]


@pytest.mark.parametrize("name", GOLDEN_SPECS)
def test_golden_losses(name):
    if name in GOLDEN:
        assert three_losses(GOLDEN_SPECS[name]) == pytest.approx(GOLDEN[name], abs=1e-5)
    else:
        assert three_losses(GOLDEN_SPECS[name])[:2] == pytest.approx(GOLDEN_METHODS[name], rel=2e-5)


def test_threads_change_nothing_that_matters():
    torch.set_num_threads(4)
    try:
        for name, losses in GOLDEN.items():
            assert three_losses(GOLDEN_SPECS[name]) == pytest.approx(losses, abs=1e-4)
    finally:
        torch.set_num_threads(1)


# -- the loss


def test_loss_is_the_formula():
    """(1 - l) CE + l sum_m w_m T^2 KL, in float64 numpy."""
    spec = small(teachers=BOTH, temperature=3.0, kd_weight=0.6)
    rng = np.random.default_rng(0)
    student, *taught = rng.normal(0, 3, (3, 8, 4))
    target = rng.dirichlet(np.ones(4), 8)
    ce = -(target * log_softmax(student, 1)).sum(1)
    log_s, *log_t = (log_softmax(z / 3, 1) for z in (student, *taught))
    kd = [9 * (np.exp(t) * (t - log_s)).sum(1) for t in log_t]
    outputs = [Outputs(torch.tensor(z), torch.empty(0)) for z in (student, *taught)]
    loss = training.distil_loss(step_of(outputs[0], torch.tensor(target), outputs[1:], spec))[0]
    assert loss.item() == pytest.approx((0.4 * ce + 0.6 * (0.3 * kd[0] + 0.7 * kd[1])).mean(), abs=1e-12)


def test_without_weight_teachers_change_nothing(store):
    spec = small(teachers=BOTH, mixup=PARTIAL)
    plain = fitted(replace(spec, teachers=()), store)
    assert equal(fitted(replace(spec, kd_weight=1e-300), store), plain)
    assert not equal(fitted(spec, store), plain)


@pytest.mark.parametrize(("kd_weight", "same"), [(1.0, True), (0.7, False)])
def test_with_all_the_weight_on_teachers_labels_change_nothing(store, kd_weight, same):
    spec = small(teachers=BOTH, mixup=PARTIAL, kd_weight=kd_weight)
    wrong = fold_data(spec.data)
    wrong.__dict__["targets"] = wrong.targets.roll(1, dims=1)
    assert equal(fitted(spec, store, wrong), fitted(spec, store)) == same


def test_teachers_stay_as_they_are(store):
    spec = small(teachers=BOTH, mixup=PARTIAL)
    train(spec, store)
    data = fold_data(spec.data)
    draws = training.stream_of(spec.stream, data)
    student = single.learner(spec, data, store, draws, traces=None, nets={})
    training.fit([student], data, draws)
    for teacher, run in zip(student.teachers, spec.teacher_runs, strict=True):
        assert not teacher.net.training
        assert all(p.grad is None for p in teacher.net.parameters())
        stored = store.get(run).weights
        assert all(np.array_equal(stored[name], now) for name, now in teacher.net.state_dict().items())


# -- one draw mixes everything


def recovered(mixed, own, partner) -> np.ndarray:
    """The coefficient c of mixed = c own + (1 - c) partner, for each row."""
    mixed, own, partner = (np.asarray(z, dtype=np.float64).reshape(len(z), -1) for z in (mixed, own, partner))
    return ((mixed - partner) * (own - partner)).sum(1) / ((own - partner) ** 2).sum(1)


@pytest.mark.parametrize("mixup", [FULL, PARTIAL, RELEASED])
def test_signal_image_and_label_have_the_same_coefficient(mixup):
    spec = small(modality="image", role="teacher", mixup=mixup)
    data = fold_data(spec.data)
    draws = training.stream_of(spec.stream, data)
    for step in range(len(draws)):
        draw = draws[step]
        differ = np.flatnonzero(data.splits["train"].y[draw.rows] != data.splits["train"].y[draw.partners])
        assert len(differ)
        found = {
            modality: recovered(
                data.mixed(modality, draw)[differ],
                data.inputs(modality, "train", draw.rows[differ]),
                data.inputs(modality, "train", draw.partners[differ]),
            )
            for modality in ("signal", "image")
        }
        labels = data.targets.numpy()
        own, partner = labels[draw.rows[differ]], labels[draw.partners[differ]]
        found["label"] = recovered(data.mixed_targets(draw)[differ], own, partner)
        for coefficients in found.values():
            np.testing.assert_allclose(coefficients, draw.coefficients[differ], atol=1e-4)


def test_recomputed_image_is_of_the_mixed_signal():
    spec = small(teachers=[IMAGE], mixup=FULL, image_mixing="recompute")
    data = fold_data(spec.data)
    draw = training.stream_of(spec.stream, data)[0]
    mean, std = (z.reshape(1, -1, 1) for z in (data.normalisation.mean, data.normalisation.std))
    mixture = data.mixed("signal", draw)[:, :, 0].numpy() * std + mean
    image = data.mixed("image", draw).numpy()
    np.testing.assert_allclose(image, data.imager(diagrams(mixture)), atol=1e-2)
    linear = fold_data(replace(spec, image_mixing="linear").data, data).mixed("image", draw).numpy()
    assert np.abs(image - linear).max() > 0.5


# -- where a run starts and how fast it goes

STUDENT, PLAIN = small(teachers=BOTH, mixup=FULL), small()
STARTS = {
    "random": (STUDENT, None, 2),
    "scratch": (replace(STUDENT, init="scratch"), PLAIN, 4),
    "base": (replace(STUDENT, init="base"), STUDENT, 4),
    "scratch twice": (small(mixup=FULL, init="scratch"), small(mixup=FULL), 4),
}


@pytest.mark.parametrize(("spec", "parent", "epochs"), STARTS.values(), ids=STARTS)
def test_a_run_starts_from_the_last_weights_of_its_parent(spec, parent, epochs, store):
    for needed in (spec, PLAIN):
        train(needed, store)
    start = single.initial_network(spec, fold_data(spec.data), store).state_dict()
    fresh = single.initial_network(PLAIN, fold_data(PLAIN.data), store).state_dict()
    expected = store.get(parent).weights if parent else {name: tensor.numpy() for name, tensor in fresh.items()}
    assert all(np.array_equal(expected[name], tensor) for name, tensor in start.items())
    assert (spec.parent, spec.total_epochs) == (parent, epochs)


def test_released_schedule():
    """paper.md: 0.05 to epoch 10, 0.01 to 65, 0.001 to 132, 1e-4 after."""
    spec = RunSpec(schedule="step", learning_rate=0.05)
    rates = [learning_rate(epoch, 200, spec) for epoch in range(200)]
    assert rates == pytest.approx([0.05] * 10 + [0.01] * 55 + [0.001] * 67 + [1e-4] * 68)
    scaled = [learning_rate(step, 2000, spec) for step in range(2000)]
    assert scaled[::10] == rates


@pytest.mark.parametrize("n_steps", [100, 1000, 1460])
def test_onecycle_schedule(n_steps):
    spec = RunSpec(learning_rate=0.4)
    rates = [learning_rate(step, n_steps, spec) for step in range(n_steps)]
    top = round(0.3 * n_steps)
    assert rates[0] == pytest.approx(0.4e-3)
    assert rates[top] == max(rates) == pytest.approx(0.4)
    assert min(rates) >= 0.4e-3
    assert rates[-1] < 0.4 * 2e-3
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in pairwise(rates[top:]))
    assert max(abs(a - b) for a, b in pairwise(rates)) < 0.4 * 3.4 / n_steps, "continuous"


def test_every_step_has_its_rate(store, monkeypatch):
    """With a rate of 0 nothing is learnt; every step of the stream asks for its own."""
    asked = []
    monkeypatch.setattr(training, "learning_rate", lambda step, n_steps, spec: asked.append((step, n_steps)) or 0.0)
    _, weights = fitted(PLAIN, store)
    assert asked == [(step, 8) for step in range(8)]
    fresh = single.initial_network(PLAIN, fold_data(PLAIN.data), store)
    assert all(np.array_equal(weights[name], p.detach()) for name, p in fresh.named_parameters())


def test_every_epoch_uses_its_own_draws(store, monkeypatch):
    used, step_of = [], training.train_step

    def spy(student, batch):
        used.append((batch.draw.rows.tolist(), batch.step))
        return step_of(student, batch)

    monkeypatch.setattr(training, "train_step", spy)
    fitted(PLAIN, store)
    draws = training.stream_of(PLAIN.stream, fold_data(PLAIN.data))
    assert used == [(rows.tolist(), i) for i, rows in enumerate(draws.rows)]


# -- nothing of the test subject


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_run_never_sees_the_test_or_validation_subject(store, part):
    spec = small(teachers=BOTH, mixup=PARTIAL, image_mixing="recompute")
    data = fold_data(spec.data)
    changed = replace(data.splits[part], x=10 * data.splits[part].x + 3, y=3 - data.splits[part].y)
    history, weights = fitted(spec, store)
    other_history, other_weights = fitted(
        spec, store, FoldData(replace(data.base, splits={**data.splits, part: changed}), data.about)
    )
    assert equal(([], weights), ([], other_weights))
    assert [row["loss"] for row in history] == [row["loss"] for row in other_history]
    assert [row[part] for row in history] != [row[part] for row in other_history]


def test_choices_of_an_epoch(store):
    record = train(small(epochs=8, learning_rate=0.3), store)
    accuracy = {split: [row[split]["accuracy"] for row in record.history] for split in ("validation", "test")}
    assert len(record.history) == 8
    assert record.metrics() == record.history[-1]["test"]
    assert record.metrics("best_test")["accuracy"] == max(accuracy["test"]) >= record.metrics()["accuracy"]
    best = record.history[accuracy["validation"].index(max(accuracy["validation"]))]
    assert record.metrics("best_validation") == best["test"]
    assert record.metrics("best_validation", "validation") == best["validation"]


# -- refusals

DIVERGES = small(learning_rate=10.0, weight_decay=0.9, batch_size=2, windows_per_class=8)
REFUSED = {
    "diverges": (
        DIVERGES,
        r"run synthetic .*, step \d+: logits of the student: .*; training diverged: lower the learning rate",
    ),
    "fold": (small(fold=7), r"RunSpec.fold: found 7, expected 0 to 5, or 6 to train on everybody, for synthetic"),
    "data set": (small(dataset="sinthetic"), r"dataset: found 'sinthetic', did you mean 'synthetic'\?"),
    "batch": (small(batch_size=65), r"stream: found 64 training windows, expected at least one batch of 65"),
    "teacher": (small(teachers=[IMAGE], seed=5), r"run synthetic .* \([0-9a-f]{16}\) is needed first .*"),
    "parent": (small(init="scratch", seed=5), r"run synthetic .* \([0-9a-f]{16}\) is needed first .*"),
}


@pytest.mark.parametrize(("spec", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line(spec, message, tmp_path):
    store = Store(tmp_path)
    with pytest.raises(MixkdError, match=rf"\A{message}\Z"):
        single.run(spec, store)
    assert store.get(spec) is None
    assert not results(store)


@pytest.mark.parametrize("fields", [{"teachers": [SIGNAL]}, {"init": "scratch"}])
def test_what_a_run_needs_must_have_seen_the_same_people(fields, tmp_path):
    """Or a teacher from another copy of the data set may have trained on the people to be tested."""
    spec = small(seed=6, **fields)
    (needed,) = spec.requires
    record = train(needed, Store(tmp_path))
    subjects = record.data["subjects"] | {"train": [*record.data["subjects"]["train"], 999]}
    other = Store(tmp_path / "other")
    other.put(replace(record, data=record.data | {"subjects": subjects}), record.arrays, record.weights)
    with pytest.raises(MixkdError, match=rf"{needed.hash}.*: found train subjects \[.*999\], expected .*: two copies"):
        single.run(spec, other)
    assert other.get(spec) is None


# -- verdicts


@pytest.fixture(scope="module")
def record(store):
    return train(PLAIN, store)


def again(record: RunRecord, root: Path, accuracy: float = 0.0, weights: float = 0.0, **provenance) -> RunRecord:
    """The record as another training may have stored it."""
    history = json.loads(canonical_json({"": record.history}))[""]
    history[-1]["test"]["accuracy"] += accuracy
    shifted = {name: array + np.asarray(weights, array.dtype) for name, array in record.weights.items()}
    other = replace(record, history=history, provenance={**record.provenance, **provenance})
    return Store(root).put(other, record.arrays, shifted)


ELSEWHERE = {"cpu_capability": "other"}
VERDICTS = {
    "same": ({"seconds": 9.0, "git": {}}, "identical", True),
    "same, elsewhere": (ELSEWHERE, "identical", True),
    "other weights": ({"weights": 1e-6}, "differs on the same machine, accuracy by 0.0000", False),
    "other history": ({"accuracy": -0.01}, "differs on the same machine, accuracy by 0.0100", False),
    "elsewhere, near": ({**ELSEWHERE, "accuracy": 0.05}, "other machine, accuracy differs by 0.0500", True),
    "elsewhere, far": ({**ELSEWHERE, "accuracy": -0.2}, "other machine, accuracy differs by 0.2000", False),
    "other CPU": ({"cpu": "other", "weights": 1e-6}, "other machine, accuracy differs by 0.0000", True),
    "other threads": ({"threads": 4, "weights": 1e-6}, "other machine, accuracy differs by 0.0000", True),
    "other versions": ({"versions": {}, "weights": 1e-6}, "other machine, accuracy differs by 0.0000", True),
    "other device": ({"device": "cuda", "weights": 1e-6}, "other machine, accuracy differs by 0.0000", True),
}


@pytest.mark.parametrize(("changed", "verdict", "ok"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(record, tmp_path, changed, verdict, ok):
    assert provenance.compare(record, again(record, tmp_path, **changed), 0.13) == (verdict, ok)


def test_without_seeds_of_a_data_set_nothing_is_judged(record, tmp_path):
    far = again(record, tmp_path, accuracy=-0.2, **ELSEWHERE)
    expected = "other machine, accuracy differs by 0.2000; not judged: too few seeds of such runs"
    assert provenance.compare(record, far, None) == (expected, True)
    few = [replace(one, spec=replace(one.spec, people=2)) for one in (record, far)]
    assert provenance.compare(*few, 0.13) == (expected, True)  # their seed chooses people too


def test_the_noise_of_seeds_is_that_of_a_data_set(record):
    def runs(n: int, gap: float) -> Iterator[RunRecord]:
        for seed in range(n):
            history = [{"test": {"accuracy": 0.5 + gap * seed}}]
            yield replace(record, spec=replace(record.spec, seed=seed), history=history)

    assert provenance.seed_noise(runs(9, 0.01)) is None  # 36 pairs
    assert provenance.seed_noise(runs(10, 0.01)) == pytest.approx(0.0856)  # quantile of 45 pairs, the largest 0.09
    assert provenance.seed_noise([*runs(10, 0.0), replace(record, spec=replace(record.spec, fold=1))]) == 0
    few = [replace(run, spec=replace(run.spec, people=2)) for run in runs(10, 0.1)]
    assert provenance.seed_noise([*runs(10, 0.0), *few]) == 0


def test_verdict_on_a_record_that_does_not_name_its_processor(record, tmp_path):
    old = replace(record, provenance={key: value for key, value in record.provenance.items() if key != "cpu"})
    assert provenance.compare(old, again(record, tmp_path), 0.13) == ("identical", True)
    near, far = (again(record, tmp_path / name, accuracy=gap) for name, gap in (("near", 0.05), ("far", -0.2)))
    assert provenance.compare(old, near, 0.13) == ("machine not recorded, accuracy differs by 0.0500", True)
    assert provenance.compare(old, far, 0.13) == ("machine not recorded, accuracy differs by 0.2000", False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, spec in GOLDEN_SPECS.items():
        print(f'    "{name}": [{", ".join(f"{loss:.6f}" for loss in three_losses(spec))}],')

"""Every method of the table: its formula written again in numpy, its limits, and its training in lockstep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import BOTH, IMAGE, PARTIAL, SIGNAL, layers_beside, results, small, step_of
from scipy.special import log_softmax, softmax
from scipy.stats import entropy, pearsonr

from mixkd.errors import MixkdError
from mixkd.learning import losses, networks, training
from mixkd.learning.fold_data import fold_data
from mixkd.learning.networks import Outputs
from mixkd.runs import single, worker
from mixkd.runs.planning import chunks, with_requirements
from mixkd.runs.single import trained_network
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Constant

N, CLASSES = 12, 5
TWO_TEACHERS = ("aver", "ebkd", "ebkd_softmax", "camkd", "sp", "tpkd")
OF_BATCHES = ("time_aware", "ssd")  # they look at the batch again: test_in_time, test_siblings
TAUGHT = [name for name, method in METHODS.items() if not method.alone and name not in OF_BATCHES]
TERMS = ("camkd", "at", "sp", "tpkd", "amd", "amd_local")


def outputs(seed: int, n_features: int = 64, image: bool = False) -> Outputs:
    """Random answers of a network in float64; maps of three stages."""
    rng = np.random.default_rng(seed)
    shapes = [(16, 8, 8), (32, 4, 4), (64, 2, 2)] if image else [(16, 1, 32), (32, 1, 16), (64, 1, 8)]
    stages = tuple(torch.from_numpy(rng.normal(0.3, 1, (N, *shape))) for shape in shapes)
    logits, features = rng.normal(0, 3, (N, CLASSES)), rng.normal(0, 1, (N, n_features))
    return Outputs(torch.from_numpy(logits), torch.from_numpy(features), stages)


STUDENT, TEACHER, OTHER = outputs(1), outputs(2), outputs(3, image=True)
TARGET = torch.from_numpy(np.random.default_rng(4).dirichlet(np.ones(CLASSES), N))
Z, Z1, Z2 = (o.logits.numpy() for o in (STUDENT, TEACHER, OTHER))


def spec_of(method: str, **fields):
    teachers = BOTH if method in TWO_TEACHERS else (SIGNAL,)
    return small(**{"teachers": teachers, "method": method, "kd_weight": 0.6, "temperature": 3.0, **fields})


def loss_of(method: str, **fields) -> float:
    spec = spec_of(method, **fields)
    taught = [TEACHER, OTHER][: len(spec.teachers)]
    return training.distil_loss(step_of(STUDENT, TARGET, taught, spec))[0].item()


def ce(z: np.ndarray) -> np.ndarray:
    return -(TARGET.numpy() * log_softmax(z, 1)).sum(1)


def kl(z: np.ndarray, by: np.ndarray, temperature: float = 3.0) -> np.ndarray:
    return temperature**2 * entropy(softmax(by / temperature, 1), softmax(z / temperature, 1), axis=1)


def basic(kd: np.ndarray) -> float:
    return (0.4 * ce(Z) + 0.6 * kd).mean()


@pytest.mark.parametrize("method", TAUGHT)
def test_methods_that_need_no_features_read_logits_alone(method):
    """Only those can be trained from a trace of the teachers' logits."""
    spec = spec_of(method)
    bare = [Outputs(o.logits, torch.empty(0), ()) for o in (STUDENT, TEACHER, OTHER)]
    if METHODS[method].reads == "maps":
        with pytest.raises((ValueError, IndexError, RuntimeError, MixkdError)):
            training.distil_loss(step_of(bare[0], TARGET, bare[1:][: len(spec.teachers)], spec))[0]
    else:
        loss = training.distil_loss(step_of(bare[0], TARGET, bare[1:][: len(spec.teachers)], spec))[0]
        assert loss.item() == loss_of(method)


@pytest.mark.parametrize("method", ["kd", "ebkd", "camkd", "sp"])
def test_gradients_are_summed_in_the_order_of_the_parts(method):
    """To the last bit: CE, the teachers in their order, the method's own term. Published runs were trained so."""
    spec = spec_of(method, teachers=BOTH)
    draw = torch.Generator().manual_seed(5)
    logits, one, two = (torch.randn(4096, CLASSES, generator=draw) for _ in range(3))
    target = torch.rand(4096, CLASSES, generator=draw)
    maps = tuple(torch.randn(4096, 2, 1, 3, generator=draw) for _ in range(3))
    features = torch.randn(4096, 64, generator=draw)
    taught = [Outputs(z, features.roll(1), maps) for z in (one, two)]

    def gradient(total) -> torch.Tensor:
        student = Outputs(logits.clone().requires_grad_(), features, maps)
        total(student).backward()
        return student.logits.grad

    def by_hand(student: Outputs) -> torch.Tensor:
        ce = (1 - spec.kd_weight) * losses.soft_cross_entropy(student.logits, target)
        teachers = [losses.kd(student.logits, z, spec.temperature) for z in (one, two)]
        if method in ("kd", "sp"):
            weights = [teacher.weight for teacher in spec.teachers]
            kd = torch.zeros_like(ce)
            for w, part in zip(weights, teachers, strict=True):
                kd = kd + w * part
        else:
            trust = losses.entropy_trust if method == "ebkd" else lambda z: losses.label_trust(z, target)
            kd = (trust([one, two]) * torch.stack(teachers)).sum(dim=0)
        return torch.stack([ce, spec.kd_weight * kd]).sum(dim=0).mean()

    ours = gradient(lambda student: training.distil_loss(step_of(student, target, taught, spec))[0])
    assert torch.equal(ours, gradient(by_hand))


# -- the formulas


def test_kd_from_two_teachers():
    assert loss_of("kd", teachers=BOTH) == pytest.approx(basic(0.3 * kl(Z, Z1) + 0.7 * kl(Z, Z2)))


def test_aver_is_kd_from_the_mean_logits():
    assert loss_of("aver") == pytest.approx(basic(kl(Z, 0.3 * Z1 + 0.7 * Z2)))


def test_weighted_kd_pulls_like_kd_from_the_mean_probabilities():
    student = STUDENT.logits.clone().requires_grad_()
    mean = 0.3 * (TEACHER.logits / 3).softmax(1) + 0.7 * (OTHER.logits / 3).softmax(1)
    (0.3 * losses.kd(student, TEACHER.logits, 3) + 0.7 * losses.kd(student, OTHER.logits, 3)).sum().backward()
    weighted, student.grad = student.grad, None
    losses.kd(student, 3 * mean.log(), 3).sum().backward()
    torch.testing.assert_close(student.grad, weighted)


def test_ebkd_trusts_the_sure_teacher():
    doubt = np.stack([entropy(softmax(z, 1), axis=1) for z in (Z1, Z2)])
    for method, trust in (("ebkd", 1 - doubt / doubt.sum(0)), ("ebkd_softmax", 1 - softmax(doubt, axis=0))):
        assert loss_of(method) == pytest.approx(basic(trust[0] * kl(Z, Z1) + trust[1] * kl(Z, Z2)))
        assert (trust.argmax(0) == doubt.argmin(0)).all()


def test_ebkd_of_teachers_without_any_doubt_is_their_mean():
    sure = torch.tensor([[500.0, 0, 0], [0, 500, 0]])
    torch.testing.assert_close(losses.entropy_trust([sure, 2 * sure, sure.flip(1)]), torch.full((3, 2), 1 / 3))


def test_camkd_trusts_the_teacher_that_is_right():
    spec = spec_of("camkd")
    trust = 1 - softmax(np.stack([ce(Z1), ce(Z2)]), axis=0)
    gaps = []
    for layer, teacher in zip(layers_beside(spec).double(), (TEACHER, OTHER), strict=True):
        there = STUDENT.features.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        gaps.append(((there - teacher.features.numpy()) ** 2).mean(1))
    expected = basic(trust[0] * kl(Z, Z1) + trust[1] * kl(Z, Z2)) + (trust * np.stack(gaps)).sum(0).mean()
    assert loss_of("camkd") == pytest.approx(expected)


@pytest.mark.parametrize("n_teachers", [2, 3, 4])
def test_trust_sums_to_one(n_teachers):
    doubt = torch.from_numpy(np.random.default_rng(0).normal(0, 4, (n_teachers, N)))
    assert (losses.trust(doubt.softmax(0)) > 0).all()
    torch.testing.assert_close(losses.trust(doubt.softmax(0)).sum(0), torch.ones(N, dtype=torch.float64))


def unit(a: np.ndarray, axis: int = 1) -> np.ndarray:
    return a / np.linalg.norm(a, axis=axis, keepdims=True)


def flat(maps: torch.Tensor) -> np.ndarray:
    return maps.numpy().reshape(N, -1)


def energy(maps: torch.Tensor) -> np.ndarray:
    return unit((maps.numpy() ** 2).sum(1).reshape(N, -1))


def test_at():
    pairs = zip(STUDENT.stages, TEACHER.stages, strict=True)
    term = sum(((energy(s) - energy(t)) ** 2).mean() for s, t in pairs)
    assert loss_of("at") == pytest.approx(basic(kl(Z, Z1)) + 1000 * term)


def test_sp_merges_the_similarity_of_both_teachers():
    terms = []
    for s, a, b in zip(STUDENT.stages, TEACHER.stages, OTHER.stages, strict=True):
        merged = 0.3 * flat(a) @ flat(a).T + 0.7 * flat(b) @ flat(b).T
        terms.append(((unit(flat(s) @ flat(s).T) - unit(merged)) ** 2).mean())
    expected = basic(0.3 * kl(Z, Z1) + 0.7 * kl(Z, Z2)) + 3000 * np.mean(terms)
    assert loss_of("sp") == pytest.approx(expected)


def test_tpkd_compares_correlations_of_columns():
    def orthogonal(similarity):
        for at in range(0, N, N // 4):
            block = unit(similarity[:, at : at + N // 4], axis=0)
            yield block.T @ block - np.eye(N // 4)

    terms = []
    for s, a, b in zip(STUDENT.stages, TEACHER.stages, OTHER.stages, strict=True):
        own, *others = (unit(flat(m) @ flat(m).T) for m in (s, a, b))
        both = zip(orthogonal(own), orthogonal(0.3 * others[0] + 0.7 * others[1]), strict=True)
        terms += [((mine - theirs) ** 2).mean() for mine, theirs in both]
    assert len(terms) == 12
    expected = basic(0.3 * kl(Z, Z1) + 0.7 * kl(Z, Z2)) + 700 * np.mean(terms)
    assert loss_of("tpkd") == pytest.approx(expected)


def angular_distance(s: np.ndarray, t: np.ndarray) -> float:
    """Of two attentions (n, n_positions); log e^a / (e^a + e^b) written out."""
    found = []
    for q in (s, t):
        a, b = 64 * np.cos(1.35 * np.arccos(np.minimum(q, 1 - 1e-6))), 64 * (1 - np.minimum(q, 1 - 1e-6))
        found.append([unit(m) for m in (a - np.logaddexp(a, b), a, b)])
    return np.mean([((x - y) ** 2).mean() for x, y in zip(*found, strict=True)])


@pytest.mark.parametrize("local", [False, True])
def test_amd(local):
    terms = []
    for s, t in zip(STUDENT.stages, TEACHER.stages, strict=True):
        s, t = energy(s), energy(t)
        parts = zip(np.array_split(s, 4, axis=1), np.array_split(t, 4, axis=1), strict=True)
        inside = np.mean([angular_distance(a, b) for a, b in parts])
        terms.append(0.8 * angular_distance(s, t) + 0.2 * inside if local else angular_distance(s, t))
    assert loss_of("amd_local" if local else "amd") == pytest.approx(basic(kl(Z, Z1)) + 5000 * np.mean(terms))


def test_dist_is_one_minus_pearson_of_rows_and_columns():
    p, q = softmax(Z / 3, 1), softmax(Z1 / 3, 1)
    rows = np.mean([1 - pearsonr(p[i], q[i]).statistic for i in range(N)])
    columns = np.mean([1 - pearsonr(p[:, c], q[:, c]).statistic for c in range(CLASSES)])
    assert loss_of("dist") == pytest.approx(ce(Z).mean() + 2 * 9 * (rows + columns))


def test_lskd_is_kd_of_z_scores_beside_cross_entropy_of_logits():
    z, z1 = ((a - a.mean(1, keepdims=True)) / a.std(axis=1, ddof=1, keepdims=True) for a in (Z, Z1))
    assert loss_of("lskd") == pytest.approx((0.1 * ce(Z) + 9 * kl(z, z1, 2.0)).mean(), rel=1e-6)
    constants = (Constant("ce", 0.5), Constant("weight", 3.0))
    expected = (0.5 * ce(Z) + 3 * kl(z, z1, 2.0)).mean()
    assert loss_of("lskd", constants=constants) == pytest.approx(expected, rel=1e-6)


def test_rld_takes_confidence_and_the_order_below_the_label_from_the_teacher():
    """Window by window: two-way distributions at temperature 4; classes below the label's, in the teacher's eyes."""
    label, found = TARGET.numpy().argmax(1), []
    for z, z1, y in zip(Z / 4, Z1 / 4, label, strict=True):
        best, own = softmax(z1).max(), softmax(z)[y]
        confidence = entropy([best, 1 - best], [own, 1 - own])
        below = z1 < z1[y]
        correlation = entropy(softmax(z1[below]), softmax(z[below])) if below.any() else 0.0
        found.append(16 * (confidence + 8 * correlation))
    assert {(a < a[y]).sum() for a, y in zip(Z1, label, strict=True)} == {1, 2, 3, 4}
    assert loss_of("rld") == pytest.approx((ce(Z) + found).mean())


def test_rld_has_no_correlation_where_the_teacher_puts_nothing_below_the_label():
    least = TEACHER.logits.argmin(dim=1)
    assert not losses.masked_correlation(STUDENT.logits, TEACHER.logits, least, 4.0).any()


@pytest.mark.parametrize("size", [1.0, 3000.0])
def test_rld_of_sure_networks_is_finite(size):
    """Where all classes but one have a probability of 0 in float32."""
    own, teacher = (torch.eye(4)[[0, 1, 2]] * size * sign for sign in (1, -1))
    own.requires_grad_()
    spec = small(teachers=(SIGNAL,), method="rld")
    step = step_of(Outputs(own, own), torch.eye(4)[[0, 0, 3]], [Outputs(teacher, teacher)], spec)
    training.distil_loss(step)[0].backward()
    assert own.grad.isfinite().all()


def test_simkd_is_the_distance_of_features_and_nothing_else():
    expected = ((STUDENT.features - TEACHER.features) ** 2).mean().item()
    assert loss_of("simkd") == pytest.approx(expected)


def test_released_reduction_is_weaker_by_the_number_of_classes():
    assert loss_of("kd", kd_reduction="released") == pytest.approx(basic(kl(Z, Z1) / CLASSES))


@pytest.mark.parametrize(("scaling", "sharper", "factor"), [("released", 1, 1), ("tda_kd", 2, 9)])
def test_scaling_by_the_spread_of_logits(scaling, sharper, factor):
    z, z1 = (a / a.std(axis=1, ddof=1, keepdims=True) for a in (Z, Z1))
    found = loss_of("kd", logit_scaling=scaling, kd_weight=0.9)
    assert found == pytest.approx((0.1 * ce(z) + 0.9 * factor * kl(sharper * z, sharper * z1, 1.0)).mean())


NOT_FINITE = {
    "student": ("kd", replace(STUDENT, logits=STUDENT.logits * np.inf), TEACHER, "logits of the student: .* lower the"),
    "teacher": (
        "kd",
        STUDENT,
        replace(TEACHER, logits=TEACHER.logits * np.nan),
        "logits of the signal teacher: .* anew",
    ),
    "SP": (
        "sp",
        replace(STUDENT, stages=(STUDENT.stages[0] * 1e200,)),
        replace(TEACHER, stages=TEACHER.stages[:1]),
        "loss: found nan in SP, expected a finite number",
    ),
    "SimKD": ("simkd", replace(STUDENT, features=STUDENT.features * np.inf), TEACHER, "loss: found inf in features"),
}


@pytest.mark.parametrize(("method", "student", "teacher", "message"), NOT_FINITE.values(), ids=NOT_FINITE)
def test_the_part_of_a_loss_that_is_not_finite_is_named(method, student, teacher, message):
    spec = spec_of(method, teachers=(SIGNAL,))
    with pytest.raises(MixkdError, match=message):
        training.distil_loss(step_of(student, TARGET, [teacher], spec))


@pytest.mark.parametrize("method", [*TERMS[1:], "simkd"])
def test_a_student_that_equals_its_teacher_has_no_feature_term(method):
    spec = spec_of(method, teachers=(SIGNAL,))
    same = training.distil_loss(step_of(TEACHER, TARGET, [TEACHER], spec))[0].item()
    expected = 0.0 if method == "simkd" else 0.4 * ce(Z1).mean()
    assert same == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("method", ["at", "amd", "amd_local", "simkd", "dist", "lskd", "rld"])
def test_methods_of_one_signal_teacher_refuse_others(method):
    for teachers in ((IMAGE,), BOTH):
        with pytest.raises(MixkdError, match=r"RunSpec\.method: found .* expected one signal teacher"):
            small(teachers=teachers, method=method)


@pytest.mark.parametrize("method", ["ebkd", "ebkd_softmax", "camkd"])
def test_methods_that_compare_teachers_refuse_one(method):
    with pytest.raises(MixkdError, match=r"RunSpec\.method: .* two teachers"):
        small(teachers=(SIGNAL,), method=method)


# -- training


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Every method, each run trained on its own."""
    store = Store(tmp_path_factory.mktemp("alone"))
    for spec in with_requirements(every()):
        single.run(spec, store)
    return store


def every():
    return [replace(spec_of(name), mixup=PARTIAL) for name in TAUGHT]


def test_lockstep_changes_nothing(alone, tmp_path):
    """Feature methods on one teacher pass, by the worker: the bytes of the runs alone."""
    store, answers = Store(tmp_path), []
    for chunk in chunks(with_requirements(every())):
        worker.train_chunk(chunk.specs, store, answers.append)
    assert [a["error"] for a in answers] == [None] * len(with_requirements(every()))
    assert results(store) == results(alone)


def test_feature_methods_share_a_chunk_apart_from_the_traced():
    students = [chunk.specs for chunk in chunks(every())]
    kinds = [{(METHODS[spec.method].reads == "maps") for spec in chunk} for chunk in students]
    assert all(len(kind) == 1 for kind in kinds)
    assert max(len(chunk) for chunk, kind in zip(students, kinds, strict=True) if kind == {True}) > 1


def test_lockstep_asks_each_teacher_once_per_step(alone, monkeypatch):
    asked = []
    forward = networks.WideResNet.outputs
    monkeypatch.setattr(networks.WideResNet, "outputs", lambda net, x: asked.append(id(net)) or forward(net, x))
    specs = [replace(spec_of(name, teachers=(SIGNAL,)), mixup=PARTIAL) for name in ("at", "amd", "sp")]
    data = fold_data(specs[0].data)
    draws, nets = training.stream_of(specs[0].stream, data), {}
    students = [single.learner(spec, data, alone, draws, traces=None, nets=nets) for spec in specs]
    training.fit(students, data, draws)
    (teacher,) = nets.values()
    assert asked.count(id(teacher)) == len(draws)
    assert len(asked) == 4 * len(draws)


@pytest.mark.parametrize("method", ["simkd", "simkd_maps"])
def test_simkd_answers_with_the_head_of_its_teacher(alone, method):
    spec = replace(spec_of(method), mixup=PARTIAL)
    record, data = alone.get(spec), fold_data(spec.data)
    teacher = alone.get(spec.teacher_runs[0])
    assert all(np.array_equal(record.weights[f"head.{n}"], teacher.weights[f"head.{n}"]) for n in ("weight", "bias"))
    logits, _ = training.evaluate(trained_network(record, data), data, "signal", "test")
    np.testing.assert_array_equal(logits, record.arrays["test_logits"])


def test_an_early_stopped_teacher_is_the_network_of_its_best_epoch(tmp_path):
    store = Store(tmp_path)
    last = small(role="teacher", epochs=16, learning_rate=0.3, seed=3)
    best = single.run(replace(last, stopping="best_validation"), store)
    record = single.run(last, store)
    scores = [row["validation"]["accuracy"] for row in record.history]
    assert best.history == record.history[: int(np.argmax(scores)) + 1]
    logits = best.arrays["validation_logits"]
    assert (logits.argmax(1) == fold_data(last.data).splits["validation"].y).mean() == max(scores)
    assert not all(np.array_equal(best.weights[name], value) for name, value in record.weights.items())

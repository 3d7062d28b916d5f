"""The systems of the line of work that need no stored teacher, against their formulas in numpy and scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import BOTH, IMAGE, SIGNAL, results, small
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from mixkd.errors import MixkdError
from mixkd.learning import map_losses, training
from mixkd.learning.fold_data import Batch, fold_data
from mixkd.learning.methods import RULES, Step, patch_swap
from mixkd.learning.networks import Outputs
from mixkd.learning.training import stream_of
from mixkd.runs import single
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Constant, Mixup, RunSpec, TeacherSpec

ALONE = [name for name, method in METHODS.items() if method.alone]
T = 3.0


def spec_of(method: str, **fields) -> RunSpec:
    constants = tuple(Constant(name, value) for name, value in fields.pop("constants", {}).items())
    return small(**{"method": method, "temperature": T, "constants": constants, **fields})


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_siblings_label_smoothing_gives_a_share_to_all_classes(share):
    parts, z, step = taken_apart(spec_of("label_smoothing", constants={"share": share}, mixup=Mixup(0.4)))
    target = step.target.numpy()
    n_classes = target.shape[1]
    smooth = [[(1 - share) * p + share / n_classes for p in row] for row in target]
    np.testing.assert_allclose(parts["CE"], ce(z, np.array(smooth)), rtol=1e-5)
    assert list(parts) == ["CE"]


def first_batch(spec: RunSpec) -> Batch:
    data = fold_data(spec.data)
    return Batch(0, stream_of(spec.stream, data)[0], data)


def kl(z: np.ndarray, by: np.ndarray) -> np.ndarray:
    return T**2 * entropy(softmax(by / T, 1), softmax(z / T, 1), axis=1)


def ce(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    return -(target * log_softmax(z, 1)).sum(1)


def taken_apart(spec: RunSpec, taught: tuple[Outputs, ...] = ()):
    """A step of an untrained network: its parts, its logits, and the step."""
    batch = first_batch(spec)
    net = single.untrained(spec.network, batch.data).train()
    rule = RULES[spec.method]
    own = [teacher.outputs(batch) for teacher in rule.teachers(spec, net)]
    x = rule.sees(batch, spec)
    outputs = net.outputs(x)
    beside = torch.nn.ModuleList()
    step = Step(outputs, batch.targets, [*taught, *own], spec, batch.data.task, beside, net, x, batch)
    parts = {name: part.detach().numpy() for name, part in rule.loss(step).items()}
    return parts, outputs.logits.detach().numpy(), step


# -- patch swap


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_pairs_are_of_one_group_and_at_most_one_row_of_a_group_is_alone(groups, seed):
    groups = np.array(groups)
    partner = patch_swap.pairs(groups, np.random.default_rng(seed))
    assert (partner[partner] == np.arange(len(groups))).all()
    assert (groups[partner] == groups).all()
    alone = groups[partner == np.arange(len(groups))]
    assert sorted(alone) == [g for g in np.unique(groups) if (groups == g).sum() % 2]


@pytest.mark.parametrize("fade", [0, 3, 4])
@pytest.mark.parametrize("mixup", [None, Mixup(0.4)])
def test_two_swapped_windows_are_complements(fade, mixup):
    """At each sample the two of a pair sum to what they summed to before; without fading each is one of the two."""
    spec = spec_of("patch_swap", mixup=mixup, constants={"fade": fade})
    batch = first_batch(spec)
    swap, x = patch_swap.of_batch(batch, spec), batch.inputs("signal")
    views = patch_swap.swapped(batch, spec)
    torch.testing.assert_close(views + views[swap.partner], x + x[swap.partner])
    assert not torch.equal(views, x)
    labels = batch.data.splits["train"].y[batch.draw.rows]
    assert (labels == labels[swap.partner]).all()
    assert torch.equal(views[swap.alone], x[swap.alone])
    if not fade:
        assert ((views == x) | (views == x[swap.partner])).all()
        edges = np.flatnonzero(np.diff(swap.taken, axis=1).any(0)) + 1
        assert len(edges)
        assert not (edges % METHODS["patch_swap"].constants["segment"]).any()
    assert (swap.taken[~swap.alone] == swap.taken[swap.partner[~swap.alone]]).all()


@pytest.mark.parametrize("mixup", [None, Mixup(0.4)])
@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_patch_swap_is_ce_of_both_views_and_their_mutual_divergence(mixup, weight):
    spec = spec_of("patch_swap", mixup=mixup, constants={"weight": weight})
    parts, z, step = taken_apart(spec)
    swap, target = patch_swap.of_batch(step.batch, spec), step.target.numpy()
    share = swap.taken.mean(1, keepdims=True)
    mixed = (1 - share) * target + share * target[swap.partner]
    if mixup is None:
        np.testing.assert_array_equal(mixed, target)
    np.testing.assert_allclose(parts["CE"], ce(z, mixed), rtol=1e-5)
    both = weight / 2 * (kl(z, z[swap.partner]) + kl(z[swap.partner], z))
    np.testing.assert_allclose(parts["agreement"], both, rtol=1e-3, atol=1e-6)
    assert (parts["agreement"][swap.alone] == 0).all()


def test_patch_swap_with_teachers_has_their_answers_mixed_as_the_windows():
    spec = spec_of("patch_swap", teachers=(SIGNAL,), kd_weight=0.6)
    z_teacher = torch.from_numpy(np.random.default_rng(3).normal(0, 2, (spec.batch_size, 4)).astype(np.float32))
    parts, z, step = taken_apart(spec, (Outputs(z_teacher, z_teacher[:, :0]),))
    swap = patch_swap.of_batch(step.batch, spec)
    share = swap.taken.mean(1, keepdims=True)
    by = (1 - share) * z_teacher.numpy() + share * z_teacher.numpy()[swap.partner]
    np.testing.assert_allclose(parts["KD"], 0.6 * kl(z, by), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(parts["CE"], 0.4 * ce(z, step.target.numpy()), rtol=1e-5)


def test_a_stopped_gradient_reaches_one_view_of_each_term():
    """Of mutual agreement alone, d/dz of KL(p_other || p): T (p - p_other), and nothing from the other term."""
    spec = spec_of("patch_swap", constants={"stop_gradient": 1})
    _, _, step = taken_apart(spec)
    z = step.student.logits.detach().requires_grad_()
    step = replace(step, student=replace(step.student, logits=z))
    RULES["patch_swap"].loss(step)["agreement"].sum().backward()
    swap, p = patch_swap.of_batch(step.batch, spec), softmax(z.detach().numpy() / T, 1)
    np.testing.assert_allclose(z.grad.numpy(), T * (p - p[swap.partner]), rtol=1e-3, atol=1e-5)


def test_partners_may_be_of_the_same_person_only():
    spec = spec_of("patch_swap", constants={"same_person": 1})
    batch = first_batch(spec)
    swap, people = patch_swap.of_batch(batch, spec), batch.data.splits["train"].subject[batch.draw.rows]
    assert (people == people[swap.partner]).all()
    anyone = patch_swap.of_batch(batch, spec_of("patch_swap"))
    assert (people != people[anyone.partner]).any()


def test_rows_without_a_partner_are_counted_in_the_record(tmp_path):
    record = single.run(spec_of("patch_swap"), Store(tmp_path))
    assert 0 < record.data["unpaired_share"] < 0.5
    with pytest.raises(MixkdError, match="expected signal: segments of time"):
        single.run(spec_of("patch_swap", modality="image", role="teacher"), Store(tmp_path))


# -- a network that teaches itself


def test_smooth_distill_is_ce_and_kl_to_the_averaged_student(monkeypatch):
    spec = spec_of("smooth", constants={"weight": 0.7})
    parts, z, step = taken_apart(spec)
    by = step.logits[0].numpy()
    np.testing.assert_allclose(parts["CE"], ce(z, step.target.numpy()), rtol=1e-5)
    np.testing.assert_allclose(parts["agreement"], 0.7 * kl(z, by), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("ramp", [1, 0])
def test_the_average_follows_each_step_of_training(ramp):
    """After three steps it is the weighted sum of the weights before and after each step."""
    spec = spec_of("smooth", constants={"ramp": ramp, "decay": 0.9})
    data = fold_data(spec.data)
    net, draws = single.untrained(spec.network, data), stream_of(spec.stream, data)
    student = training.learner(spec, net.train(), [])
    expected = net.head.weight.detach().clone()
    for step in range(3):
        training.train_step(student, Batch(step, draws[step], data))
        decay = min(0.9, (1 + step) / (10 + step)) if ramp else 0.9
        expected = decay * expected + (1 - decay) * net.head.weight.detach()
    torch.testing.assert_close(student.teachers[0].net.head.weight, expected)


def masks(step: Step, n: int) -> np.ndarray:
    shape = (n, *step.student.features.shape)
    return step.rng("dropout").random(shape, dtype="float32") >= step.spec.constant("rate")


def logits_under(step: Step, mask: np.ndarray) -> np.ndarray:
    features, rate = step.student.features.detach().numpy(), step.spec.constant("rate")
    weight, bias = (p.detach().numpy() for p in step.net.head.parameters())
    return (features * mask / (1 - rate)) @ weight.T + bias


def test_dropout_self_distillation_is_ce_and_mutual_kl_under_two_masks():
    parts, z, step = taken_apart(spec_of("dropout", constants={"rate": 0.3}))
    one, other = (logits_under(step, mask) for mask in masks(step, 2))
    np.testing.assert_allclose(parts["CE"], ce(z, step.target.numpy()), rtol=1e-5)
    np.testing.assert_allclose(parts["agreement"], 0.5 * (kl(one, other) + kl(other, one)) / 2, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("passes", "quantile", "rate"), [(4, 0.0, 0.3), (7, 0.5, 0.5), (5, 1.0, 0.2), (1, 0.9, 0.0)])
def test_stochastic_teacher_is_ce_and_the_gap_to_the_passes_that_the_student_chooses(passes, quantile, rate):
    """Of one window after the other: weights of all passes, those below the quantile dropped."""
    constants = {"passes": passes, "quantile": quantile, "rate": rate, "ce": 0.7, "features": 0.2}
    features = np.random.default_rng(3).exponential(size=(16, 64)).astype(np.float32)
    teacher = Outputs(torch.zeros(16, 4), torch.from_numpy(features))
    parts, z, step = taken_apart(spec_of("ssd", teachers=(SIGNAL,), constants=constants), (teacher,))
    student = step.student.features.detach().numpy()
    gaps = []
    for i, own in enumerate(student):
        answers = [features[i] * mask[i] / (1 - rate) for mask in masks(step, passes)]
        weights = softmax([own @ answer / T for answer in answers])
        weights[weights < np.quantile(weights, quantile)] = 0
        followed = np.average(answers, axis=0, weights=weights)
        gaps.append(((own - followed) ** 2).mean())
    np.testing.assert_allclose(parts["CE"], 0.7 * ce(z, step.target.numpy()), rtol=1e-5)
    np.testing.assert_allclose(parts["features"], 0.2 * np.array(gaps), rtol=1e-4)


@pytest.mark.parametrize("teachers", [(), BOTH, (IMAGE,), (TeacherSpec(width=3),), (TeacherSpec(depth=28),)])
def test_stochastic_teacher_needs_one_network_of_the_students_size(teachers):
    expected = r"expected (one signal teacher of the student's size, 16-1|teachers for this method)"
    with pytest.raises(MixkdError, match=expected):
        RunSpec(method="ssd", teachers=teachers)


# -- orthogonal spheres


def test_orthogonality_is_zero_for_orthogonal_columns_of_any_length_and_else_the_closed_form():
    rng = np.random.default_rng(1)
    columns, _ = np.linalg.qr(rng.normal(size=(9, 4)))
    assert map_losses.orthogonal_spheres(torch.from_numpy(columns * [1, 2, 30, 0.1])).item() == pytest.approx(
        0, abs=1e-12
    )
    z = rng.normal(size=(9, 4))
    unit = z / np.linalg.norm(z, axis=0)
    expected = np.sqrt(((unit.T @ unit - np.eye(4)) ** 2).sum())
    assert map_losses.orthogonal_spheres(torch.from_numpy(z)).item() == pytest.approx(expected)


@pytest.mark.parametrize("method", ["kd", "smooth", "dist"])
def test_orthogonality_is_added_to_any_method(tmp_path, method):
    teachers = (SIGNAL,) if method == "dist" else ()
    plain, spheres = (small(method=method, teachers=teachers, orthogonality=w) for w in (0.0, 0.01))
    records = []
    for spec in (plain, spheres):
        for required in spec.requires:
            single.run(required, Store(tmp_path))
        records.append(single.run(spec, Store(tmp_path)))
    assert "orthogonality" not in records[0].history[0]["parts"]
    found = records[1].history[0]["parts"]
    assert found["orthogonality"] > 0
    assert records[1].history[0]["loss"] == pytest.approx(sum(found.values()), rel=1e-5)


# -- all


@pytest.mark.parametrize("method", ALONE)
def test_each_trains_is_stored_and_comes_out_the_same_again(tmp_path, method):
    spec = spec_of(method, mixup=Mixup(0.4), epochs=6)
    record = single.run(spec, Store(tmp_path / "one"))
    assert record.history[-1]["loss"] < record.history[0]["loss"]
    single.run(spec, Store(tmp_path / "two"))
    assert results(Store(tmp_path / "one")) == results(Store(tmp_path / "two"))


def test_constants_are_checked_sorted_and_left_out_at_their_defaults():
    spec = spec_of("smooth", constants={"weight": 0.7, "decay": 0.99})
    assert [constant.name for constant in spec.constants] == ["decay", "weight"]
    assert spec == spec_of("smooth", constants={"decay": 0.99, "weight": 0.7, "ramp": 1.0})
    assert spec.hash != spec_of("smooth").hash
    assert (spec.constant("decay"), spec.constant("ramp")) == (0.99, 1)
    assert RunSpec.parse(spec.as_dict()) == spec
    for wrong in ((Constant("decay", 0.9), Constant("decay", 0.8)), (Constant("swap", 0.1),)):
        with pytest.raises(MixkdError, match=r"constants: found .*each at most once of: weight, decay, ramp"):
            RunSpec(method="smooth", constants=wrong)
    with pytest.raises(MixkdError, match="none, for this method"):
        RunSpec(constants=(Constant("decay", 0.9),))


@pytest.mark.parametrize(
    ("method", "name", "accepted", "refused"),
    [
        ("ssd", "passes", (1, 1000), (0, 1.5, 1001, -3)),
        ("ssd", "quantile", (0, 1), (-0.1, 1.1)),
        ("ssd", "rate", (0, 0.99), (1, -0.1)),
        ("dropout", "rate", (0, 0.99), (1, 2)),
        ("smooth", "ramp", (0, 1), (0.5, 2)),
        ("smooth", "weight", (0, 1000), (-1, 1001)),
        ("patch_swap", "segment", (1, 500), (0, 2.5)),
        ("label_smoothing", "share", (0, 1), (1.2, -0.2)),
    ],
)
def test_constants_have_limits(method, name, accepted, refused):
    teachers = (SIGNAL,) if method == "ssd" else ()
    for value in accepted:
        assert spec_of(method, teachers=teachers, constants={name: float(value)}).constant(name) == value
    for value in refused:
        with pytest.raises(
            MixkdError, match=rf"RunSpec\.constants: found .*, expected {name}: a (whole )?number from "
        ):
            spec_of(method, teachers=teachers, constants={name: float(value)})


@pytest.mark.parametrize("method", [name for name in ALONE if METHODS[name].teachers == "none"])
def test_teachers_are_refused_where_there_is_no_use_for_them(method):
    with pytest.raises(MixkdError, match="expected no teachers for this method"):
        RunSpec(method=method, teachers=BOTH)

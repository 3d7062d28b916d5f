"""Moments of images, the two families that use them, and what they cost: against sums that are written out."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from runs import small, train
from test_figures import drawn, overlapping
from torch import nn

from mixkd import figures
from mixkd.analysis import moments as analysis
from mixkd.errors import MixkdError
from mixkd.learning import networks
from mixkd.learning.families import FAMILIES
from mixkd.learning.fold_data import fold_data
from mixkd.learning.moments import POWERS, MomentNet, MomentPooledWideResNet, moments
from mixkd.runs import cost
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.parts import GROWN
from mixkd.specs.run import ImageSpec, RunSpec, TeacherSpec
from mixkd.studies import line, tables
from mixkd.studies.bases import Extent
from mixkd.topology import Grid, diagrams
from mixkd.topology import images as images_of

FEW = ("moments", "wrn_moments")
PIXELS = st.integers(2, 9)
EPS = 1e-5  # of torch's BatchNorm


def centre(i: int, size: int) -> float:
    """Of pixel i, when the pixels of a side cut -1 to 1 into equal parts."""
    return -1 + (2 * i + 1) / size


def looped(image: np.ndarray, p: int, q: int) -> float:
    height, width = image.shape
    terms = [
        image[row, column] * centre(column, width) ** p * centre(row, height) ** q
        for row, column in product(range(height), range(width))
    ]
    return sum(terms) / len(terms)


def images(height: int, width: int, n: int = 1) -> st.SearchStrategy:
    return arrays(np.float64, (n, 1, height, width), elements=st.floats(-100, 100, width=32))


def of(image: np.ndarray) -> dict[tuple[int, int], float]:
    """Moments of one image by their powers."""
    return dict(zip(POWERS, moments(torch.from_numpy(image)[None, None])[0, 0].tolist(), strict=True))


# -- moments


def test_there_are_ten_up_to_order_three():
    assert len(set(POWERS)) == len(POWERS) == cost.N_MOMENTS == 10
    assert max(p + q for p, q in POWERS) == 3
    assert POWERS[0] == (0, 0)


@settings(max_examples=25)
@given(st.data(), PIXELS, PIXELS)
def test_moments_are_the_sums_over_pixels(data, height, width):
    image = data.draw(images(height, width, n=2))
    found = moments(torch.from_numpy(image)).numpy()
    expected = [[[looped(channel, p, q) for p, q in POWERS] for channel in channels] for channels in image]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=25)
@given(st.data(), PIXELS, PIXELS)
def test_the_first_is_the_mean_and_all_are_linear(data, height, width):
    one, other = (torch.from_numpy(data.draw(images(height, width))) for _ in range(2))
    a, b = data.draw(st.floats(-5, 5)), data.draw(st.floats(-5, 5))
    np.testing.assert_allclose(moments(one)[:, :, 0], one.mean((2, 3)), atol=1e-9)
    np.testing.assert_allclose(moments(a * one + b * other), a * moments(one) + b * moments(other), atol=1e-9)


@settings(max_examples=25)
@given(st.data(), st.integers(6, 12), st.integers(6, 12), st.integers(0, 3), st.integers(0, 3))
def test_the_centre_moves_as_a_blob_does(data, height, width, right, up):
    """By 2 / width of the axis for a pixel to the right, 2 / height for one up; spread and mass stay."""
    blob = data.draw(arrays(np.float64, (3, 3), elements=st.floats(0.1, 10)))
    image, moved = np.zeros((2, height, width))
    image[:3, :3] = blob
    moved[up : up + 3, right : right + 3] = blob
    before, after = of(image), of(moved)
    assert after[0, 0] == pytest.approx(before[0, 0])
    for powers, shift in (((1, 0), 2 * right / width), ((0, 1), 2 * up / height)):
        assert after[powers] / after[0, 0] - before[powers] / before[0, 0] == pytest.approx(shift, abs=1e-9)
    variance = [m[2, 0] / m[0, 0] - (m[1, 0] / m[0, 0]) ** 2 for m in (before, after)]
    assert variance[0] == pytest.approx(variance[1], abs=1e-9)


@pytest.mark.parametrize(("p", "q"), POWERS)
def test_of_a_flat_image_they_are_the_integrals_of_the_monomials(p, q):
    """Mean of x^p over -1 to 1: 0 for odd p, else 1 / (p + 1); sums at centres differ by the square of a pixel."""
    exact = 0 if p % 2 or q % 2 else 1 / ((p + 1) * (q + 1))
    assert of(np.ones((200, 200)))[p, q] == pytest.approx(exact, abs=1e-4)


@settings(max_examples=25)
@given(st.data(), st.integers(2, 12))
def test_in_a_mirror_odd_powers_change_their_sign(data, size):
    image = data.draw(images(size, size))[0, 0]
    before, after = of(image), of(image[:, ::-1].copy())
    for p, q in POWERS:
        assert after[p, q] == pytest.approx((-1) ** p * before[p, q], abs=1e-9)


# -- networks


def untrained(family: str, n_channels: int, n_classes: int, **size: int) -> networks.Network:
    about = RunSpec(role="teacher", modality="image", family=family, **size).network
    return FAMILIES[family](about, (n_channels, 50), n_classes, 0)


def test_the_linear_one_is_a_matrix_on_standardised_moments():
    net = untrained("moments", 2, 3)
    assert isinstance(net, MomentNet)
    x = torch.randn(64, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    raw = moments(x).reshape(64, 20).numpy().astype(np.float64)
    standard = (raw - raw.mean(0)) / np.sqrt(raw.var(0) + EPS)
    weight, bias = (p.detach().numpy() for p in net.head.parameters())
    np.testing.assert_allclose(net.train()(x).detach(), standard @ weight.T + bias, atol=1e-4)
    assert networks.n_parameters(net) == 20 * 3 + 3


def test_the_pooled_one_starts_from_the_mean_pooled_features():
    """M_00 of a map is its mean: what the WideResNet with the same trunk reads."""
    shape, draw = {"n_channels": 2, "n_classes": 3}, torch.Generator().manual_seed(0)
    plain = networks.build("image", 10, 1, generator=draw, **shape).eval()
    pooled = untrained("wrn_moments", *shape.values(), depth=10).eval()
    trunk = {name: value for name, value in plain.state_dict().items() if not name.startswith("head")}
    assert pooled.load_state_dict(trunk, strict=False).missing_keys == ["head.weight", "head.bias"]
    x = torch.randn(5, 2, 16, 16, generator=draw)
    features = pooled.features(x)
    assert features.shape == (5, 640)
    torch.testing.assert_close(features[:, ::10], plain.features(x))
    torch.testing.assert_close(pooled.outputs(x).logits, pooled(x))
    maps = plain.outputs(x).stages[-1].detach().numpy()
    np.testing.assert_allclose(
        features[3, 70:80].detach(), [looped(maps[3, 7], *powers) for powers in POWERS], atol=1e-5
    )


@pytest.mark.parametrize("family", FEW)
def test_a_network_is_drawn_from_its_seed_alone(family):
    about = RunSpec(role="teacher", modality="image", family=family).network
    state = torch.get_rng_state()
    one, same, other = (FAMILIES[family](about, (3, 50), 4, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.weight"], other["head.weight"])


# -- as teachers


@pytest.mark.parametrize("family", FEW)
def test_each_trains_as_an_image_teacher_and_teaches_a_signal_student(tmp_path, family):
    spec = small(epochs=6, teachers=(TeacherSpec("image", family=family),))
    store = Store(tmp_path)
    student = train(spec, store)
    teacher = store.get(spec.teacher_runs[0])
    for record in (teacher, student):
        assert record.history[-1]["loss"] < record.history[0]["loss"]
        assert np.isfinite(record.arrays["test_logits"]).all()
    n_features = {"moments": 10 * 2, "wrn_moments": 640}[family]
    assert teacher.arrays["test_features"].shape[1] == n_features
    assert student.arrays["test_features"].shape[1] == 64
    assert store.get(replace(spec, teachers=())) is None, "a student of its own, not the scratch one"
    scratch = train(replace(spec, teachers=(), temperature=1.0, kd_weight=0.0), store)
    assert not np.array_equal(scratch.arrays["test_logits"], student.arrays["test_logits"])


def test_what_the_stored_teacher_says_is_linear_in_the_moments_of_its_images(tmp_path):
    spec = small(role="teacher", modality="image", family="moments")
    record = train(spec, Store(tmp_path))
    data = fold_data(spec.data)
    seen = data.inputs("image", "test", np.arange(len(data.splits["test"]))).numpy()
    raw = np.array([[looped(c, p, q) for c in channels for p, q in POWERS] for channels in seen])
    weights = record.weights
    standard = (raw - weights["bn.running_mean"]) / np.sqrt(weights["bn.running_var"] + EPS)
    expected = standard @ weights["head.weight"].T + weights["head.bias"]
    np.testing.assert_allclose(record.arrays["test_logits"], expected, atol=1e-3)


# -- specs


def test_signals_have_no_moments_and_no_maps_are_matched():
    for family in FEW:
        with pytest.raises(MixkdError, match=r"\ARunSpec.family: found '\w+', expected a family that reads signals\Z"):
            RunSpec(family=family)
        with pytest.raises(
            MixkdError, match=r"\ATeacherSpec.family: found '\w+', expected a family that reads signals\Z"
        ):
            TeacherSpec(family=family)
        for method in (name for name, method in METHODS.items() if method.reads == "maps" and method.teachers == "any"):
            task = "regression" if method == "time_aware" else "classification"
            with pytest.raises(MixkdError) as refusal:
                RunSpec(method=method, task=task, teachers=(TeacherSpec("image", family=family),))
            assert str(refusal.value).endswith("expected of family wrn: this method reads maps or features")
            assert "\n" not in str(refusal.value)


def test_depth_and_width_have_no_effect_on_a_linear_teacher():
    plain, sized = (TeacherSpec("image", family="moments", **size) for size in ({}, {"depth": 28, "width": 3}))
    assert plain == sized
    runs = [RunSpec(teachers=(teacher,)) for teacher in (plain, sized)]
    assert runs[0].hash == runs[1].hash
    assert runs[0].teacher_runs[0].hash == runs[1].teacher_runs[0].hash
    assert TeacherSpec("image", family="wrn_moments", width=3) != TeacherSpec("image", family="wrn_moments")
    with pytest.raises(MixkdError, match="found 17, expected a depth of 6n"):
        TeacherSpec("image", family="moments", depth=17)


# -- cost


def counted(net: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of convolutions and head of one input, and one for each pixel and moment of what is pooled."""
    total = []

    def layer(module: nn.Module, _: object, output: torch.Tensor) -> None:
        total.append(output[0].numel() * module.weight[0].numel())

    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(layer)
    pooled = []
    if isinstance(net, MomentPooledWideResNet):
        net.bn.register_forward_hook(lambda _, __, output: pooled.append(output[0].numel()))
    else:
        pooled.append(int(np.prod(shape)))
    net.eval()(torch.zeros(1, *shape))
    return sum(total) + 10 * sum(pooled)


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 1), (16, 3)])
@pytest.mark.parametrize("shape", [(6, 16, 16), (3, 9, 9), (1, 18, 18)])
@pytest.mark.parametrize("family", FEW)
def test_multiply_adds_are_those_of_the_network(family, shape, depth, width):
    spec = RunSpec(role="teacher", modality="image", family=family, depth=depth, width=width)
    net = FAMILIES[family](spec.network, shape[:2], 7, 0)
    assert cost.network_multiply_adds(spec, shape, 7) == counted(net, shape)


def test_every_family_has_an_estimate_and_the_linear_one_is_the_cheapest():
    seconds = {}
    for family in FAMILIES.keys() - set(GROWN):
        modality = "signal" if family.startswith("mtl") else "image"
        spec = RunSpec(dataset="synthetic", role="teacher", modality=modality, family=family)
        seconds[family] = cost.estimated_seconds(spec)
    assert min(seconds, key=seconds.get) == "moments"
    assert seconds["wrn"] < seconds["wrn_moments"] < 1.1 * seconds["wrn"]
    assert cost.estimated_seconds(RunSpec(dataset="synthetic")) > seconds["moments"]


# -- analysis


def normal_windows(n: int, n_channels: int = 2) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(n, n_channels, 40)).astype(np.float32)


def test_the_first_moments_of_an_image_are_those_of_its_diagram():
    """Where the grid has room around all pairs: mass, mean birth and mean lifetime, weighted by lifetime."""
    given = diagrams(normal_windows(5))
    wide = (np.tile(np.float32([-8, 8]), (2, 1)), np.full(2, 12, np.float32))
    grid = Grid(*wide, ImageSpec(resolution=64, spread=0.5))
    found = analysis.readable(images_of(given, grid), grid)
    for window, c in product(range(5), range(2)):
        pairs = [(birth, death - birth) for birth, death in given.of(window, c).tolist()]
        mass = sum(lifetime for _, lifetime in pairs)
        expected = [mass, sum(b * w for b, w in pairs) / mass, sum(w * w for _, w in pairs) / mass]
        np.testing.assert_allclose(analysis.from_pairs(given.of(window, c)), expected, rtol=1e-5)
        np.testing.assert_allclose(found[window, c], expected, rtol=0.03, atol=0.03)


def test_what_a_linear_teacher_uses_is_read_from_its_answers():
    rng = np.random.default_rng(2)
    seen = rng.normal(size=(400, 2, 6, 6))
    raw = moments(torch.from_numpy(seen)).numpy()
    weights = np.zeros((2, 10, 4))
    weights[1, 3], weights[0, 7] = [3.0, -3.0, 3.0, -3.0], [0.0, 0.0, 40.0, -40.0]
    weights += [5.0, 5.0, 5.0, 5.0]  # shared by all classes: no softmax sees it
    logits = np.einsum("ncm,cmk->nk", raw, weights) + np.array([1.0, 0.0, 2.0, 0.0])
    found, fit = analysis.influence(logits.astype(np.float16), seen)
    expected = np.zeros((2, 10))
    expected[1, 3] = 3 * raw[:, 1, 3].std()
    expected[0, 7] = 40 * np.sqrt(0.5) * raw[:, 0, 7].std()
    np.testing.assert_allclose(found, expected, atol=0.02 * expected.max())
    assert fit == pytest.approx(1, abs=1e-3)
    assert analysis.influence(rng.normal(size=(400, 4)), seen)[1] < 0.2


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study of two folds, both teachers and students, and its data."""
    store = Store(tmp_path_factory.mktemp("moments"))
    bases = [small(fold=fold) for fold in (0, 1)]
    runs = [run for base in bases for run in line.moments(base, Extent(1.0, False, False))]
    return tables.frame([train(run, store) for run in runs]), {base.fold: fold_data(base.data) for base in bases}


def test_tables_of_the_chapter(study):
    runs, data = study
    table = analysis.table(runs, data)
    labels = ["from labels alone", "from labels alone, 2x"]
    assert list(table.index) == [*labels, "image teacher", "from image", "linear teacher", "from linear"]
    for name, row in table.iterrows():
        own = runs[[called == name for called in analysis.names(runs)]]
        assert row["accuracy"] == pytest.approx(own["accuracy"].mean())
        assert row["sd"] == pytest.approx(own["accuracy"].std(ddof=1))
        assert row["n"] == 2
    sizes = table["parameters"]
    assert sizes["linear teacher"] == 20 * 4 + 4
    assert sizes["from image"] == sizes["from linear"] == sizes["from labels alone"]
    work = table["multiply_adds"]
    assert work["linear teacher"] == 10 * 2 * 16 * 16 + 80
    assert work["image teacher"] == cost.multiply_adds("image", 16, 1, (2, 16, 16), n_classes=4)
    assert work["from image"] == cost.multiply_adds("signal", 16, 1, data[0].splits["train"].x.shape[1:], n_classes=4)


def test_contrasts_are_paired_by_person(study):
    runs, _ = study
    found = analysis.contrasts(runs, True)
    assert set(found["what"]) == {what for what, *_ in analysis.CONTRASTS if "pooled" not in what}
    of = runs.assign(name=analysis.names(runs)).pivot(index="subject", columns="name", values="accuracy")
    expected = of["from linear"] - of["from labels alone"]
    row = found[(found["what"] == "taught by linear against labels alone") & (found["metric"] == "accuracy")].iloc[0]
    assert row["effect"] == pytest.approx(expected.mean())
    half = 12.706 * expected.std(ddof=1) / np.sqrt(2)  # 97.5 % of t with one degree of freedom
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=1e-3, abs=1e-9)
    assert analysis.contrasts(runs, False)["low"].isna().all()


def test_the_majority_class_is_that_of_the_training_windows(study):
    runs, data = study
    shares = []
    for part in data.values():
        train, test = (part.splits[name].y.tolist() for name in ("train", "test"))
        shares.append(np.mean([label == max(range(4), key=train.count) for label in test]))
    assert analysis.majority(runs, data) == pytest.approx(np.mean(shares))
    assert analysis.majority(runs[runs["fold"] == 1], data) == pytest.approx(shares[1])


def test_influences_are_the_mean_over_folds(study):
    runs, data = study
    moved, fit = analysis.influences(runs, data)
    assert moved.shape == (2, 10)
    assert fit == pytest.approx(1, abs=0.05)
    half = [analysis.influences(runs[runs["fold"] == fold], data)[0] for fold in (0, 1)]
    np.testing.assert_allclose(moved, np.mean(half, axis=0))


@pytest.mark.parametrize(
    ("low", "high", "clear"),
    [
        (0.01, 0.03, "the interval lies above zero"),
        (-0.03, -0.01, "the interval lies below zero"),
        (-0.01, 0.01, "the interval lies on both sides of zero"),
        (np.nan, np.nan, "so few people give no interval"),
    ],
)
def test_answers(low, high, clear):
    names = ("image teacher", "linear teacher", "from labels alone", "from image", "from linear")
    columns = {
        "accuracy": (0.8, 0.5, 0.7, 0.72, 0.69),
        "multiply_adds": (900, 3, 1, 1, 1),
        "parameters": (9, 4, 1, 1, 1),
    }
    whats = [what for what, *_ in analysis.CONTRASTS if "pooled" not in what]
    rows = {
        "what": whats,
        "metric": "accuracy",
        "effect": [-0.3, 0.02, -0.01, -0.02, -0.03],
        "low": low,
        "high": high,
        "n": 10,
    }
    moved = np.zeros((2, 10))
    moved[0, 4], moved[1, POWERS.index((0, 2))] = 1, 3
    told = analysis.answers(pd.DataFrame(columns, index=names), pd.DataFrame(rows), 0.2, moved)
    interval = "" if np.isnan(low) else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    assert told.pop("taught_linear") == f"-1.0 points{interval}"
    assert told.pop("taught_image") == f"+2.0 points{interval}"
    assert told.pop("linear_or_image") == f"-3.0 points{interval}"
    assert (told.pop("clear"), told.pop("pooled"), told.pop("strongest")) == (
        clear,
        "not trained here",
        "M₀₂",
    )
    assert told == pytest.approx(
        {"majority": 20, "image_teacher": 80, "linear_teacher": 50, "share": 50, "scratch": 70, "from_image": 72}
        | {"from_linear": 69, "cheaper": 300, "parameters": 4, "n": 10}
    )


# -- figures


def test_scores_have_teachers_first_and_a_marker_per_person():
    table = pd.DataFrame({"subject": ["1", "2"] * 3, "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    figure = figures.moment_scores(
        table, [name for name in ("from linear", "image teacher", "linear teacher") for _ in "12"]
    )
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "image\nteacher",
        "linear\nteacher",
        "from\nlinear",
    ]
    assert drawn(figure) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    first = [line.get_ydata()[0] for line in axis.get_lines() if list(line.get_xdata()) == [0]]
    assert first == [0.3, 0.4]


@pytest.mark.parametrize("n_channels", [3, 45])
def test_weights_are_written_where_they_can_be_read(n_channels):
    moved = np.arange(10.0 * n_channels).reshape(n_channels, 10)
    figure = figures.moment_weights(moved, POWERS, tuple(f"LA {i}" for i in range(n_channels)))
    (axis,) = figure.axes
    np.testing.assert_array_equal(axis.collections[0].get_array(), moved)
    assert all(text.get_visible() for text in axis.texts) == (n_channels == 3)
    assert axis.get_xticklabels()[1].get_text() == "$M_{01}$"
    assert overlapping(figure) == []


def test_centres_of_classes_are_medians_of_their_windows():
    numbers = np.array([[9, 1, 4], [9, 2, 5], [9, 6, 9], [9, np.nan, np.nan], [9, 7, 8]], float)
    (axis,) = figures.moment_centres(numbers, np.array([0, 0, 0, 0, 2]), ("a", "$b", "c"), "g").axes
    centres = {line.get_label(): (line.get_xdata()[0], line.get_ydata()[0]) for line in axis.get_lines()}
    assert centres["a"] == (2, 5)
    assert centres["c"] == (7, 8)
    assert "$b" not in centres

"""Mixup on the latent sphere: paths and kernel against other formulas, what is decoded, and runs through the seam."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import BOTH, IMAGE, SIGNAL, results, small, train
from scipy import stats

from mixkd import figures
from mixkd.analysis import sphere_mixing
from mixkd.errors import MixkdError
from mixkd.learning import sphere
from mixkd.learning.fold_data import Batch, FoldData, fold_data
from mixkd.learning.sphere import Sphere
from mixkd.learning.teachers import Live, trace
from mixkd.learning.training import stream_of
from mixkd.runs import single
from mixkd.runs.single import trace_key
from mixkd.runs.store import Store
from mixkd.specs.run import ImageSpec, Mixup, RunSpec
from mixkd.topology.imaging import images
from mixkd.topology.persistence import diagrams

ON = Mixup(1.0, 0.5, where="sphere")
FULL_ON = Mixup(0.4, where="sphere")


@pytest.fixture(scope="module")
def data() -> FoldData:
    return fold_data(small(mixup=ON).data)


def pair(data: FoldData, rows: np.ndarray) -> list[torch.Tensor]:
    return [data.inputs(modality, "train", rows) for modality in sphere.MODALITIES]


# -- the sphere


def unit(seed: int, n: int) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(n, 5))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def classical(own: np.ndarray, partner: np.ndarray, c: float) -> np.ndarray:
    """Shoemake's formula, for one pair."""
    angle = np.arccos(np.clip(own @ partner, -1, 1))
    return (np.sin(c * angle) * own + np.sin((1 - c) * angle) * partner) / np.sin(angle)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_slerp_is_shoemakes_of_constant_angular_speed(seed, c):
    own, partner = unit(seed, 4), unit(seed + 1, 4)
    found = sphere.slerp(torch.from_numpy(own), torch.from_numpy(partner), torch.full((4,), c).double()).numpy()
    c = float(np.float32(c))
    expected = [classical(a, b, c) for a, b in zip(own, partner, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-12)
    whole, part = (np.arccos(np.clip((x * partner).sum(1), -1, 1)) for x in (own, found))
    np.testing.assert_allclose(part, c * whole, atol=1e-6)


def test_slerp_ends_at_its_points_and_stays_at_equal_ones():
    own, partner = (torch.from_numpy(unit(seed, 3)).float() for seed in (0, 1))
    for c, end in ((1.0, own), (0.0, partner)):
        torch.testing.assert_close(sphere.slerp(own, partner, torch.full((3,), c)), end)
    torch.testing.assert_close(sphere.slerp(own, own, torch.tensor([0.0, 0.3, 1.0])), own)


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_mmd_is_the_double_sum_over_pairs(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))

    def mean(u, v, apart):
        terms = [
            2 / (2 + ((u[i] - v[j]) ** 2).sum()) for i in range(len(u)) for j in range(len(v)) if not apart or i != j
        ]
        return np.mean(terms)

    expected = mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False)
    assert sphere.mmd(torch.from_numpy(a), torch.from_numpy(b)).item() == pytest.approx(expected, abs=1e-12)


def test_mmd_is_near_zero_for_equal_distributions_alone():
    draws = torch.Generator().manual_seed(0)
    one, other = sphere.prior(600, draws), sphere.prior(600, draws)
    assert abs(sphere.mmd(one, other).item()) < 1e-3
    half = torch.cat([one[:, :1].abs(), one[:, 1:]], 1)
    assert sphere.mmd(half, other).item() > 5e-3


def test_prior_is_uniform_on_the_sphere():
    points = sphere.prior(20000, torch.Generator().manual_seed(0)).double().numpy()
    n = points.shape[1]
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(points.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(points.T @ points / len(points), np.eye(n) / n, atol=0.003)
    assert (points**4).mean() == pytest.approx(3 / (n * (n + 2)), rel=0.02)  # of a uniform point; of a cube it differs


# -- the auto-encoder


def test_latents_have_norm_one_and_losses_fall(data):
    latents = data.sphere.latents
    assert latents.shape == (len(data.splits["train"]), sphere.N_LATENT)
    torch.testing.assert_close(latents.norm(dim=1), torch.ones(len(latents)))
    rows = np.array([3, 40, 7])
    torch.testing.assert_close(data.sphere.net.encode(pair(data, rows)), latents[rows])
    first, last = data.sphere.losses[0], data.sphere.losses[-1]
    for modality in sphere.MODALITIES:
        assert last[modality] < 0.9 * first[modality]
        decoded = data.sphere.net.decode(latents, modality)
        own = data.inputs(modality, "train", np.arange(len(latents)))
        assert (decoded - own).pow(2).mean() < 0.9 * own.pow(2).mean()


def test_losses_are_errors_of_both_and_the_weighted_discrepancy(data):
    rows = np.arange(6)
    found = sphere.losses(data.sphere.net, pair(data, rows), torch.Generator().manual_seed(5))
    latents = data.sphere.net.encode(pair(data, rows))
    for modality, x in zip(sphere.MODALITIES, pair(data, rows), strict=True):
        decoded = data.sphere.net.decode(latents, modality).numpy()
        assert decoded.shape == tuple(x.shape)
        assert found[modality].item() == pytest.approx(np.mean((decoded - x.numpy()) ** 2), rel=1e-5)
    other = sphere.prior(6, torch.Generator().manual_seed(5))
    assert found["MMD"].item() == pytest.approx(10 * sphere.mmd(latents, other).item(), rel=1e-5)


def test_fitted_twice_it_is_the_same_to_the_last_bit(data):
    again = Sphere.fit(len(data.targets), lambda rows: pair(data, rows))
    with torch.inference_mode():  # where a trace asks first
        third = fold_data(data.about).sphere
    for other in (again, third):
        assert torch.equal(other.latents, data.sphere.latents)
        weights = zip(other.net.parameters(), data.sphere.net.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in weights)
    other = Sphere.fit(len(data.targets), lambda rows: pair(data, rows), seed=1)
    assert not torch.equal(other.latents, data.sphere.latents)


def test_it_sees_training_people_alone(data):
    changed = {name: part if name == "train" else replace(part, x=3 * part.x + 1) for name, part in data.splits.items()}
    other = FoldData(replace(data.base, splits=changed), data.about)
    assert torch.equal(other.sphere.latents, data.sphere.latents)


# -- what is mixed


@pytest.mark.parametrize("modality", sphere.MODALITIES)
def test_mixed_rows_alone_are_decoded_from_between_their_latents(data, modality):
    draw = stream_of(small(mixup=ON).stream, data)[1]
    own, found = data.inputs(modality, "train", draw.rows), data.mixed(modality, draw)
    assert 0 < draw.mixed.sum() < len(draw.rows)
    assert torch.equal(found[~draw.mixed], own[~draw.mixed])
    latents = data.sphere.latents.double().numpy()
    for i in np.flatnonzero(draw.mixed):
        a, b, c = latents[draw.rows[i]], latents[draw.partners[i]], float(draw.coefficients[i])
        z = a if draw.rows[i] == draw.partners[i] else classical(a, b, c)
        expected = data.sphere.net.decode(torch.from_numpy(z[None]).float(), modality)[0]
        torch.testing.assert_close(found[i], expected, atol=1e-3, rtol=1e-3)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_a_coefficient_of_one_leaves_a_row_untouched_and_targets_are_mixed_as_always(data):
    draw = stream_of(small(mixup=ON).stream, data)[0]
    untouched = replace(draw, coefficients=np.ones_like(draw.coefficients))
    for modality in sphere.MODALITIES:
        assert torch.equal(data.mixed(modality, untouched), data.inputs(modality, "train", draw.rows))
    plain = fold_data(small(mixup=replace(ON, where="input")).data, data)
    assert torch.equal(data.mixed_targets(draw), plain.mixed_targets(draw))


def test_mixing_inputs_fits_no_sphere(monkeypatch):
    monkeypatch.setattr(Sphere, "fit", lambda *_: pytest.fail("fitted"))
    spec = small(mixup=replace(ON, where="input"))
    plain = fold_data(spec.data)
    plain.mixed("signal", stream_of(spec.stream, plain)[0])


# -- what a run says of it


def test_mixing_inputs_keeps_its_hash():
    assert Mixup(0.4, 0.5).hash == "c51253789714e4fb"
    assert RunSpec(mixup=Mixup(), teachers=(SIGNAL,)).hash == "17677345e3228afb"
    assert RunSpec(mixup=Mixup(where="sphere")).hash != RunSpec(mixup=Mixup()).hash


def test_a_sphere_has_images_whatever_the_networks_read():
    spec = small(mixup=ON)
    assert spec.image == ImageSpec()
    assert replace(spec, image=ImageSpec(8)) != spec
    assert small(mixup=replace(ON, where="input"), image=ImageSpec(8)).image is None
    taught = small(teachers=(replace(SIGNAL, mixup=ON),), image=ImageSpec(8))
    assert [run.image for run in (taught, *taught.teacher_runs)] == [ImageSpec(8)] * 2
    plain = small(teachers=(SIGNAL,), mixup=ON)
    assert plain.teacher_runs == small(teachers=(SIGNAL,)).teacher_runs


def test_traces_and_data_of_a_sphere_are_its_own():
    """Its signals, too, depend on the resolution of the images that share its latents."""
    spec = small(teachers=(SIGNAL,), mixup=ON)
    (teacher,) = spec.teacher_runs
    others = [replace(spec, mixup=replace(ON, where="input")), replace(spec, image=ImageSpec(8))]
    for other in others:
        assert trace_key(teacher, spec) != trace_key(other.teacher_runs[0], other)
        assert spec.data != other.data
    assert trace_key(teacher, spec) == trace_key(teacher, replace(spec, temperature=2.0))


@pytest.mark.parametrize(
    "fields",
    [{"teachers": (IMAGE,), "mixup": ON}, {"modality": "image", "mixup": ON}],
)
def test_images_recomputed_of_a_decoded_window_are_refused(fields):
    message = r"RunSpec\.image_mixing: found 'recompute', expected linear: a sphere decodes images"
    with pytest.raises(MixkdError, match=message):
        small(image_mixing="recompute", **fields)
    with pytest.raises(MixkdError, match=r"Mixup\.where: found 'spere', expected one of input, sphere"):
        Mixup(where="spere")


# -- runs


@pytest.mark.parametrize("modality", sphere.MODALITIES)
@pytest.mark.parametrize("mixup", [ON, FULL_ON])
def test_a_trace_is_what_the_live_teacher_says(data, modality, mixup):
    spec = small(modality=modality, role="teacher", mixup=mixup)
    draws, net = stream_of(spec.stream, data), single.untrained(spec.network, data).eval()
    traced = trace(net, modality, data, draws)
    for step in range(len(draws)):
        assert torch.equal(traced[step], Live(net, modality).outputs(Batch(step, draws[step], data)).logits)


RUNS = {
    "no teacher": small(mixup=FULL_ON, method="patch_swap"),
    "both teachers": small(teachers=BOTH, mixup=ON),
    "lockstep": small(teachers=BOTH, mixup=ON, method="sp"),
    "mixed teacher": small(teachers=(replace(IMAGE, mixup=FULL_ON),)),
}


def test_runs_are_the_same_alone_traced_and_together(tmp_path):
    alone, shared = Store(tmp_path / "alone"), Store(tmp_path / "shared")
    for spec in RUNS.values():
        train(spec, alone)
    traces: single.Traces = {}
    taught = [RUNS["both teachers"], RUNS["lockstep"]]
    for needed in taught[0].requires:
        single.run(needed, shared)
    traced = single.run(taught[0], shared, traces=traces)
    assert len(traces) == 2
    weaker = replace(taught[1], temperature=2.0)
    together = single.run_together([taught[1], weaker], shared)
    here = results(alone)
    for record in (traced, together[0]):
        assert results(shared)[record.spec.hash] == here[record.spec.hash]


# -- what the chapter measures


@pytest.fixture(scope="module")
def of(data) -> sphere_mixing.Spaces:
    return sphere_mixing.spaces(small())


def test_spaces_differ_in_where_they_mix_alone(of, data):
    assert of.sphere.about == data.about
    assert of.inputs.about == replace(data.about, on_sphere=False)
    rows, partners = sphere_mixing.couples(64, 20, 0)
    assert len({*rows, *partners}) == 40
    assert set(np.concatenate(sphere_mixing.couples(7, 20, 0))) < set(range(7))


def test_total_persistence_is_the_sum_of_lifetimes_by_hand():
    """Pairs of the channels: (1, 3) and (4, 5); none; twice (0.5, 0.75) and (0, 1)."""
    x = np.array([[[0, 3, 1, 5, 4, 6], [2, 2, 2, 2, 2, 2]], [[1, 0, 1, 0.5, 0.75, 0]] * 2], np.float32)
    np.testing.assert_allclose(sphere_mixing.total_persistence(x), [2 + 1, 2 * (0.25 + 1)])


def test_validity_of_known_pairs(of):
    rows, partners = sphere_mixing.couples(64, 6, 1)
    table = sphere_mixing.validity(of, rows, partners, 0.25)
    by = {way: part.reset_index(drop=True) for way, part in table.groupby("way", sort=False)}
    assert list(by) == ["real", "inputs mixed", "mixed on the sphere", "decoded, not mixed"]
    assert by["real"]["distance"].max() < 1e-3
    np.testing.assert_allclose(by["real"]["alive"], 1, rtol=1e-5)
    x, raw = of.inputs.splits["train"].x, of.inputs.imager
    all_images = raw(of.inputs.diagrams["train"])
    std = raw.normalisation.std[:, None, None]

    def norm(image):
        return np.sqrt((image**2).sum())

    sizes = [norm(images(of.inputs.diagrams["train"], raw.grid, rows[i : i + 1])[0] / std) for i in range(6)]
    for i, (own, partner) in enumerate(zip(rows, partners, strict=True)):
        window = (0.25 * x[own] + 0.75 * x[partner])[None]
        anew, mixed = raw(diagrams(window))[0], 0.25 * all_images[own] + 0.75 * all_images[partner]
        row = by["inputs mixed"].loc[i]
        assert row["distance"] == pytest.approx(norm(anew - mixed) / np.mean(sizes), rel=1e-2)
        empty = raw.normalisation(np.zeros_like(all_images[:1]))[0]
        both = (norm(anew - empty) + norm(mixed - empty)) / 2
        assert row["relative"] == pytest.approx(norm(anew - mixed) / both, rel=1e-2)
        z = of.inputs.signals["train"].numpy()
        mixture = 0.25 * z[own] + 0.75 * z[partner]
        others = [np.sqrt(((mixture - z[j]) ** 2).mean()) for j in range(len(z)) if j not in (own, partner)]
        assert row["nearest"] == pytest.approx(min(others), rel=1e-4)


def test_what_is_lost_is_nothing_for_a_perfect_decoder_and_all_for_a_silent_one(of, monkeypatch):
    monkeypatch.setattr(sphere.AutoEncoder, "decode", lambda self, latents, name: torch.zeros(()))
    assert sphere_mixing.lost(of, "test") == {"signal": 1, "image": 1}
    pair_of = {
        name: of.sphere.inputs(name, "test", np.arange(len(of.sphere.splits["test"]))) for name in ("signal", "image")
    }
    monkeypatch.setattr(sphere.AutoEncoder, "decode", lambda self, latents, name: pair_of[name])
    assert sphere_mixing.lost(of, "test") == {"signal": 0, "image": 0}


def runs_table() -> pd.DataFrame:
    """Accuracies of four folds by mixing, without teachers: none 0.5, inputs 0.6, sphere inputs - 0.1 k in fold k."""
    rows = []
    for fold in range(4):
        for on, share, alpha, accuracy in (
            ("none", 0.0, np.nan, 0.5),
            ("input", 1.0, 1.0, 0.6),
            ("sphere", 1.0, 1.0, 0.6 - 0.1 * fold),
            ("input", 0.5, 1.0, 0.7),
            ("sphere", 0.5, 1.0, 0.8),
            ("sphere", 1.0, 0.01, 0.4),
        ):
            rows.append(("none", fold, on, share, alpha, accuracy, 1.0))
    return pd.DataFrame(rows, columns=["teachers", "fold", "mixed_on", "share", "alpha", "accuracy", "nll"])


def test_students_are_compared_with_their_controls():
    table = sphere_mixing.students(runs_table(), final=True).set_index("mixing")
    expected = {"inputs": 10, "sphere": -15, "inputs, half": 20, "sphere, half": 10, "decoded": -10}
    assert table["difference"].drop("none").to_dict() == pytest.approx(expected)
    half = stats.t.ppf(0.975, 3) * np.std([0, 10, 20, 30], ddof=1) / 2
    assert table.loc["sphere", ["low", "high"]].tolist() == pytest.approx([-15 - half, -15 + half])
    assert table.loc["sphere", ["accuracy", "sd", "n"]].tolist() == pytest.approx(
        [45, np.std([0, 10, 20, 30], ddof=1), 4]
    )
    points = sphere_mixing.students(runs_table(), final=False)
    assert points["low"].isna().all()


@pytest.mark.parametrize("swap", [False, True])
def test_the_answer_is_what_the_tables_say(of, swap):
    pairs = sphere_mixing.validity(of, *sphere_mixing.couples(64, 6, 1))
    worse, better = ("inputs mixed", "mixed on the sphere")[:: -1 if swap else 1]
    for measure in ("relative", "distance"):
        pairs[measure] = pairs["way"].map({worse: 0.9, better: 0.4}).fillna(0.0)
    table = sphere_mixing.students(runs_table(), final=True)
    values = sphere_mixing.answer(pairs, table, {"signal": 0.5, "image": 0.6}, {"signal": 0.25, "image": 0.3})
    assert values["consistent"] == f"are {'less' if swap else 'more'} consistent than pairs mixed as inputs"
    mixed = pairs.assign(distance=pairs["way"].map({worse: 0.4, better: 0.9}).fillna(0.0))
    values |= {"mixed": sphere_mixing.answer(mixed, table, {}, {})["consistent"]}
    assert values["mixed"].endswith("more or less consistent than pairs mixed as inputs, because two measures disagree")
    assert (values["learn"], values["gain_inputs"]) == ("learn less", pytest.approx(10))
    assert values["clear_inputs"] == "with an interval that leaves out zero"
    assert values["clear_sphere"] == "an interval around zero"
    assert (values["trained_signal"], values["held_out_image"]) == (25, 60)
    assert values["relative_sphere"] == pytest.approx(90 if swap else 40)


def test_figures_show_the_means_and_both_paths(of):
    pairs = sphere_mixing.validity(of, *sphere_mixing.couples(64, 6, 1))
    left, right = figures.inconsistency(pairs).axes
    for axis, column in ((left, "relative"), (right, "alive")):
        marked = [float(line.get_xdata()[0]) for line in axis.get_lines() if line.get_marker() == "D"]
        assert marked == pytest.approx(pairs.groupby("way", sort=False)[column].mean().tolist())
    steps = (1.0, 0.5, 0.0)
    paths = sphere_mixing.path(of, 3, 40, steps)
    x = of.inputs.signals["train"][:, :, 0].numpy()
    windows, _ = paths["inputs mixed"]
    np.testing.assert_allclose(windows, [x[3], (x[3] + x[40]) / 2, x[40]], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(paths["mixed on the sphere"][0][0], x[3])
    drawn = figures.sphere_path(paths, steps, channel=1, rate=50.0)
    assert len(drawn.axes) == 9
    pictures = [axis.images[0] for axis in drawn.axes[3:]]
    assert len({picture.get_clim() for picture in pictures}) == 1, "one scale of colours"
    np.testing.assert_array_equal(pictures[0].get_array(), pictures[3].get_array())
    curve = drawn.axes[1].get_lines()[1].get_ydata()
    np.testing.assert_array_equal(curve, paths["mixed on the sphere"][0][1, 1])

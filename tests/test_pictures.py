"""Coordinate networks against numpy, and pictures of any resolution against sums of Gaussians."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from mixkd import figures
from mixkd.analysis import pictures as analysis
from mixkd.learning import pictures
from mixkd.specs.run import ImageSpec
from mixkd.topology import Diagrams, Grid, diagrams, images

KINDS = tuple(pictures.KINDS)


def untrained(kind: str, n: int = 3, width: int = 5) -> pictures.Pictures:
    return pictures.fit(kind, np.zeros((n, 2, 2)), width, seed=4, n_steps=1).net


def by_hand(kind: str, net: pictures.Pictures, point: tuple[float, float]) -> list[float]:
    """Values of all pictures at a point, a picture and a level at a time."""
    weights = {name: value.numpy().astype(np.float64) for name, value in net.state_dict().items()}
    values = []
    for code in weights["codes"]:
        h = np.ones(weights["mix.0.weight"].shape[0]) if kind == "Poly-INR" else np.array(point)
        for level in range(4):
            mix = weights[f"mix.{level}.weight"]
            if kind == "Poly-INR":
                a = weights[f"affine.{level}.weight"] @ code + weights[f"affine.{level}.bias"]
                h = mix @ (h * ([*point, 1.0] @ a.reshape(3, -1))) + weights[f"mix.{level}.bias"]
                h = np.maximum(h, 0.2 * h)
            else:
                shift = weights[f"shift.{level}.weight"] @ code + weights[f"shift.{level}.bias"]
                h = np.sin(10 * (mix @ h + shift))
        values.append(float(weights["head.weight"][0] @ h + weights["head.bias"][0]))
    return values


@pytest.mark.parametrize("kind", KINDS)
def test_the_forward_pass_is_its_equation(kind):
    net, points = untrained(kind), [(-0.9, 0.3), (0.0, 0.0), (0.7, -0.5)]
    with torch.no_grad():
        found = net(torch.tensor(points)).numpy()
    np.testing.assert_allclose(found.T, [by_hand(kind, net, point) for point in points], rtol=1e-4, atol=1e-4)


def test_without_its_rectifier_it_is_a_polynomial_of_as_many_levels(monkeypatch):
    """Along a line, fifth differences of a polynomial of degree four are zero; its fourth ones are equal, not zero."""
    monkeypatch.setattr(pictures, "SLOPE", 1.0)
    net = untrained("Poly-INR").double()
    along = torch.linspace(-1, 1, 12, dtype=torch.float64)[:, None] * torch.tensor([0.8, -0.6]) + torch.tensor(
        [0.1, 0.2]
    )
    with torch.no_grad():
        values = net(along).numpy()
    fourth = np.diff(values, 4, axis=1)
    assert (np.abs(fourth).max(1) > 1e-6).all()
    np.testing.assert_allclose(np.diff(fourth, axis=1), 0, atol=1e-12)
    monkeypatch.undo()
    with torch.no_grad():
        bent = net(along).numpy()
    assert np.abs(np.diff(bent, 5, axis=1)).max() > 1e-6


def some_diagrams() -> tuple[Diagrams, Grid]:
    x = np.random.default_rng(0).normal(size=(6, 2, 30)).astype(np.float32)
    found = diagrams(x)
    return found, Grid.fit(found, ImageSpec(resolution=8, spread=1.5))


def drawn(resolution: int) -> np.ndarray:
    given, grid = some_diagrams()
    at, own = (analysis.surface(given, grid, np.arange(4), n)[:, 1] for n in (resolution, 8))
    return at / own.max((1, 2), keepdims=True)


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_resolution_it_was_fitted_to_it_gives_what_it_was_fitted_to(kind):
    """Training lowers the error, and the picture read there has the error of the end of training."""
    fitted = pictures.fit(kind, drawn(8), 12, seed=0, n_steps=150)
    assert fitted.errors[-1] < fitted.errors[0] / 4
    found = fitted.at(8)
    assert found.shape == (4, 8, 8)
    assert np.square(found - drawn(8)).mean() == pytest.approx(fitted.errors[-1], rel=0.05)
    assert np.square(found.swapaxes(1, 2) - drawn(8)).mean() > 2 * fitted.errors[-1], "rows are rows"
    nested = fitted.at(24)[:, 1::3, 1::3]  # a third of a pixel: every other third centre is a centre of before
    np.testing.assert_allclose(nested, found, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_drawn_from_its_seed_alone(kind):
    state = torch.get_rng_state()
    one, same, other = (pictures.fit(kind, drawn(8), 4, seed=seed, n_steps=3) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert one.errors == same.errors
    np.testing.assert_array_equal(one.at(5), same.at(5))
    assert one.errors[0] != other.errors[0]


@pytest.mark.parametrize("resolution", [8, 5, 20])
def test_the_surface_is_one_sum_of_gaussians_at_any_resolution(resolution):
    """In units of the grid's pixels: each pair adds its persistence times the density of a Gaussian of spread 1.5."""
    given, grid = some_diagrams()
    found = analysis.surface(given, grid, np.array([2, 5]), resolution)
    assert found.shape == (2, 2, resolution, resolution)
    for row, window in enumerate((2, 5)):
        for c, ((low, high), top) in enumerate(zip(grid.birth, grid.persistence, strict=True)):
            at = (np.arange(resolution) + 0.5) / resolution * 8
            expected = np.zeros((resolution, resolution))
            for birth, death in given.of(window, c):
                u = (np.clip(birth, low, high) - low) / (high - low) * 8
                v = min(death - birth, top) / top * 8
                squares = (at[None] - u) ** 2 + (at[:, None] - v) ** 2
                expected += (death - birth) * np.exp(-squares / (2 * 1.5**2)) / (2 * math.pi * 1.5**2)
            np.testing.assert_allclose(found[row, c], expected, atol=2e-3 * expected.max())
    if resolution == 8:
        np.testing.assert_array_equal(found, images(given, grid, np.array([2, 5])))


def test_psnr_is_that_of_a_known_error():
    truth = np.zeros((2, 4, 4))
    assert analysis.psnr(truth + np.array([0.1, 0.01])[:, None, None], truth) == pytest.approx((20 + 40) / 2)


def test_interpolation_keeps_centres_and_ramps():
    ramp = np.tile(np.arange(6.0), (1, 6, 1))
    finer = analysis.interpolated(ramp, 18, "bilinear")
    np.testing.assert_allclose(finer[:, 1::3, 1::3], ramp, atol=1e-12)
    np.testing.assert_allclose(np.diff(finer[0, 4, 1:-1]), 1 / 3, atol=1e-12)


def test_a_picture_is_scaled_by_the_peak_of_its_own():
    by = np.array([[[1.0, 4.0]], [[0.0, 0.0]]])
    np.testing.assert_array_equal(analysis.scaled(2 * by, by), [[[0.5, 2.0]], [[0.0, 0.0]]])


def test_the_table_has_every_way_at_every_resolution(monkeypatch):
    monkeypatch.setattr(analysis, "WIDTHS", (2, 6))
    truth = {n: drawn(n) for n in (8, 16)}
    found, widest = analysis.table(truth, 8, seed=0)
    assert len(found) == 2 * 2 * 2 + 2
    for kind in KINDS:
        own = found[(found["way"] == kind) & (found["width"] == 6)].set_index("resolution")
        assert own["psnr"][16] == pytest.approx(analysis.psnr(widest[kind].at(16), truth[16]))
        assert own["parameters"][8] == sum(p.numel() for p in widest[kind].net.parameters())
    bilinear = found[found["way"] == "bilinear"]
    assert bilinear["psnr"].item() == pytest.approx(
        analysis.psnr(analysis.interpolated(truth[8], 16, "bilinear"), truth[16])
    )


@pytest.mark.parametrize(("siren", "than"), [(50.0, "above"), (30.0, "below"), (40.0, "between")])
def test_answers(siren, than):
    """Parameters are those of the network whose PSNR is quoted, which is not the widest; the loss is of the widest."""
    rows = [("Poly-INR", 2, 10, 8, 20.0), ("Poly-INR", 2, 10, 16, 29.0), ("Poly-INR", 4, 30, 8, 28.0)]
    rows += [("Poly-INR", 4, 30, 16, 25.0), ("SIREN", 3, 20, 8, 52.0), ("SIREN", 3, 20, 16, siren)]
    rows += [("SIREN", 6, 60, 8, 60.0), ("SIREN", 6, 60, 16, siren - 1)]
    rows += [("bilinear", 0, 0, 16, 35.0), ("bicubic", 0, 0, 16, 44.0)]
    table = pd.DataFrame(rows, columns=["way", "width", "parameters", "resolution", "psnr"])
    expected = {"PolyINR": 29.0, "SIREN": siren, "bilinear": 35.0, "bicubic": 44.0}
    expected |= {"than_bilinear": "below" if than == "below" else "above", "better": "SIREN", "parameters": 20}
    expected |= {"than_bicubic": "above" if than == "above" else "below", "lost_PolyINR": 3.0, "lost_SIREN": 61 - siren}
    assert analysis.answers(table, 8, 13.0) == expected | {"levels": 4, "code": 8, "numbers": 13.0, "finest": 16}


def test_pictures_are_of_windows_with_pairs_and_have_their_peak_at_one():
    flat = np.zeros((4, 2, 30), np.float32)
    x = np.concatenate([flat, np.random.default_rng(1).normal(size=(40, 2, 30)).astype(np.float32)])
    given = diagrams(x)
    rows = analysis.spread(given, 1)
    assert len(rows) == 8
    assert (rows[0], rows[-1]) == (4, 43)
    assert set(np.diff(rows)) <= {5, 6}
    assert analysis.spread(diagrams(x[:7]), 1).tolist() == [4, 5, 6]
    grid = Grid.fit(given, ImageSpec(resolution=8))
    truth = analysis.truths(given, grid, rows, channel=1)
    assert {n: drawn.shape for n, drawn in truth.items()} == {n: (8, n, n) for n in (8, 16, 32)}
    np.testing.assert_allclose(truth[8].max((1, 2)), 1)
    own = images(given, grid, rows)[:, 1]
    np.testing.assert_allclose(truth[8][3], own[3] / own[3].max(), rtol=1e-6)


def test_the_cut_goes_through_the_brightest_row():
    given = np.zeros((1, 4, 4))
    given[0, 2] = [0.1, 0.9, 0.3, 0.2]
    exact = np.repeat(np.repeat(given, 4, axis=1), 4, axis=2)
    lines = analysis.along({"given": given, "exact": exact, "bilinear": 2 * exact}, 4)
    assert list(lines) == ["exact", "pixels", "bilinear"]
    np.testing.assert_array_equal(lines["pixels"][1], given[0, 2])
    np.testing.assert_allclose(lines["pixels"][0], [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_array_equal(lines["bilinear"][1], 2 * np.repeat(given[0, 2], 4))


def test_read_has_each_way_at_the_finest_pixels():
    truth = {n: drawn(n) for n in (8, 16)}
    fitted = {"SIREN": pictures.fit("SIREN", truth[8], 3, seed=0, n_steps=2)}
    ways = analysis.read(truth, fitted, 16)
    assert list(ways) == ["given", "exact", "bilinear", "bicubic", "SIREN"]
    assert [len(way[0]) for way in ways.values()] == [8, 16, 16, 16, 16]
    np.testing.assert_array_equal(ways["SIREN"], fitted["SIREN"].at(16))


# -- figures


def test_psnr_is_drawn_by_size_and_interpolation_as_a_line():
    rows = [
        ("Poly-INR", 10, 8, 20.0),
        ("Poly-INR", 10, 16, 19.0),
        ("Poly-INR", 30, 8, 28.0),
        ("Poly-INR", 30, 16, 25.0),
    ]
    rows += [("bilinear", 0, 12, 9.0), ("bilinear", 0, 16, 35.0)]
    table = pd.DataFrame(rows, columns=["way", "parameters", "resolution", "psnr"])
    (axis,) = figures.psnr_by_size(table, 8).axes
    shown = {line.get_label(): list(line.get_ydata()) for line in axis.get_lines()}
    assert shown == {
        "Poly-INR, 8 px (fitted)": [20.0, 28.0],
        "Poly-INR, 16 px": [19.0, 25.0],
        "bilinear, 16 px": [35.0, 35.0],
    }


def test_readings_tell_the_error_of_what_is_not_exact():
    exact = drawn(16)[0]
    figure = figures.readings({"given": drawn(8)[0], "exact": exact, "Poly-INR": exact + 0.5 * exact.max()})
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "", "error 50.00 % of the peak"]
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["given, 8 px", "exact, 16 px", "Poly-INR, 16 px"]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), exact)


def test_the_cut_has_a_line_for_each_way():
    lines = {"exact": (np.arange(3.0), np.ones(3)), "pixels": (np.arange(2.0), np.zeros(2))}
    lines["SIREN"] = np.arange(3.0), np.array([1.0, 2.0, 3.0])
    (axis,) = figures.cut(lines).axes
    assert {line.get_label(): list(line.get_ydata()) for line in axis.get_lines()} == {
        name: list(values) for name, (_, values) in lines.items()
    }

"""Diagrams and images: the compiled path against gudhi, giotto-tda and persim, and the mathematics both obey."""

from __future__ import annotations

import itertools
import sys

import gudhi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mixkd import topology
from mixkd.errors import MixkdError
from mixkd.specs.run import ImageSpec
from mixkd.topology import oracles
from mixkd.topology.imaging import Grid, Imager
from mixkd.topology.persistence import Diagrams

FINITE = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)
TIES = arrays(np.float32, st.integers(1, 40), elements=st.integers(0, 4).map(float))
FLOATS = arrays(np.float32, st.integers(1, 40), elements=FINITE)
PLATEAUS = st.lists(st.tuples(st.integers(-3, 3), st.integers(1, 5)), min_size=1, max_size=12).map(
    lambda runs: np.concatenate([np.full(n, v, np.float32) for v, n in runs])
)
SIGNALS = TIES | FLOATS | PLATEAUS


def walks(n_windows: int = 12, n_channels: int = 3, n_samples: int = 100, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(size=(n_windows, n_channels, n_samples))
    return np.cumsum(steps, axis=2).astype(np.float32)


def pairs(x: np.ndarray, backend: str = "fast") -> np.ndarray:
    """The diagram of one signal, sorted: equal arrays are equal multisets."""
    return ordered(oracles.diagrams(x[None, None], backend).of(0, 0))


def ordered(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(points.T)]


def diagrams_of(*channels: list) -> Diagrams:
    """One window with these pairs."""
    points = [np.reshape(np.asarray(c, np.float32), (-1, 2)) for c in channels]
    offsets = np.concatenate([[0], np.cumsum([len(p) for p in points])])
    return Diagrams(np.concatenate(points), offsets, np.zeros((1, len(channels)), np.float32))


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


# -- diagrams against other libraries


@pytest.mark.parametrize("n", range(1, 8))
def test_diagram_of_every_short_signal_equals_gudhi(n):
    x = np.array(list(itertools.product(range(3), repeat=n)), np.float32)[:, None]
    ours, theirs = topology.diagrams(x), oracles.diagrams(x, "gudhi")
    assert all(np.array_equal(ordered(ours.of(i, 0)), ordered(theirs.of(i, 0))) for i in range(len(x)))


@given(SIGNALS)
def test_diagram_equals_gudhi(x):
    np.testing.assert_array_equal(pairs(x), pairs(x, "gudhi"))


@given(SIGNALS.filter(lambda x: len(x) > 1))
def test_diagram_equals_giotto(x):
    np.testing.assert_array_equal(pairs(x), pairs(x, "giotto"))


@pytest.mark.parametrize("backend", ["gudhi", "giotto"])
@pytest.mark.parametrize("make", [walks, lambda: walks().round()])
def test_diagrams_of_a_batch_equal(backend, make):
    x = make()
    ours, theirs = topology.diagrams(x), oracles.diagrams(x, backend)
    np.testing.assert_array_equal(ours.offsets, theirs.offsets)
    np.testing.assert_array_equal(ours.essential, theirs.essential)
    for i, c in np.ndindex(len(x), x.shape[1]):
        np.testing.assert_array_equal(ordered(ours.of(i, c)), ordered(theirs.of(i, c)))


def test_watch_diagrams_equal_gudhi(watch):
    x = np.stack([s[:200].T for s in watch.signals[::7]])
    ours, theirs = topology.diagrams(x), oracles.diagrams(x, "gudhi")
    np.testing.assert_array_equal(ours.offsets, theirs.offsets)
    np.testing.assert_array_equal(ordered(ours.points), ordered(theirs.points))


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([5], []),
        ([3, 3, 3, 3], []),
        ([1, 2, 3], []),
        ([3, 2, 1], []),
        ([0, 2, 1], [(1, 2)]),
        ([1, 2, 0], [(1, 2)]),
        ([2, 0, 2, 0, 2], [(0, 2)]),
        ([0, 3, 1, 2, 1, 3, 0], [(0, 3), (1, 2), (1, 3)]),
        ([0, 0, 4, 4, 1, 1, 4, 2], [(1, 4), (2, 4)]),
        ([1, 5, 2, 4, 0], [(1, 5), (2, 4)]),
    ],
)
def test_diagrams_by_hand(x, expected):
    x = np.array(x, dtype=np.float32)
    assert sorted(map(tuple, pairs(x).tolist())) == expected
    assert topology.diagrams(x[None, None]).essential == min(x)


# -- what every diagram obeys


@given(SIGNALS)
def test_births_and_deaths(x):
    found = topology.diagrams(x[None, None])
    points = found.of(0, 0)
    assert (points[:, 0] < points[:, 1]).all()
    assert np.isin(points, x).all(), "extrema of the signal"
    assert found.essential[0, 0] == x.min()
    levels = x[np.concatenate([[True], np.diff(x) != 0])]  # plateaus merged
    padded = np.concatenate([[np.inf], levels, [np.inf]])
    minima = ((padded[1:-1] < padded[:-2]) & (padded[1:-1] < padded[2:])).sum()
    assert len(points) == minima - 1, "a pair for each local minimum but the lowest"


@given(SIGNALS)
def test_reversed_signal_has_the_same_diagram(x):
    np.testing.assert_array_equal(pairs(x), pairs(x[::-1]))


@given(TIES | PLATEAUS, st.integers(-100, 100), st.sampled_from([0.25, 1.0, 2.0, 1024.0]))
def test_diagram_follows_shift_and_scale(x, shift, scale):
    np.testing.assert_array_equal(pairs(x * np.float32(scale) + shift), pairs(x) * scale + shift)


@given(FLOATS, st.data())
def test_diagram_moves_at_most_as_far_as_the_signal(x, data):
    moved = x + data.draw(arrays(np.float32, x.shape, elements=st.floats(-10, 10, width=32)))
    distance = gudhi.bottleneck_distance(pairs(x).astype(float), pairs(moved).astype(float))
    assert distance <= np.abs(moved.astype(float) - x).max() * (1 + 1e-9) + 1e-12


def test_integers_doubles_and_any_memory_layout_give_the_same():
    x = walks().round()
    expected = topology.diagrams(x)
    read_only = x.copy()
    read_only.setflags(write=False)
    doubled = np.repeat(np.repeat(x, 2, axis=0), 2, axis=2)
    layouts = [x.astype(int), x.astype(float), np.asfortranarray(x), read_only, doubled[::2, :, ::2]]
    for other in map(topology.diagrams, layouts):
        np.testing.assert_array_equal(other.points, expected.points)
        np.testing.assert_array_equal(other.offsets, expected.offsets)


# -- what is refused, in the same words by every backend


def refusal(x, backend: str) -> str:
    with pytest.raises(MixkdError) as error:
        oracles.diagrams(x, backend)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [(0, 0, 0), (3, 1, 5), (11, 2, 99)])
def test_non_finite_input_is_refused_by_its_place(backend, value, at):
    x = walks()
    x[at] = value
    assert refusal(x, backend).endswith("non-finite value in window {}, channel {}, sample {}".format(*at))


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 0), (2, 0, 3), (0, 0, 3), (1, 2, 3, 4)])
def test_other_shapes_are_refused(backend, shape):
    found = refusal(np.zeros(shape), backend)
    assert f"found shape {shape}, expected (n_windows, n_channels, n_samples >= 1)" in found


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
@pytest.mark.parametrize("dtype", [bool, complex, object, str, "datetime64[s]"])
def test_other_dtypes_are_refused(backend, dtype):
    x = walks().astype(int).astype(dtype)
    assert refusal(x, backend) == f"topology: found dtype {x.dtype}, expected real numbers, for example float32"


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
def test_what_is_no_array_is_refused(backend):
    assert refusal(None, backend).startswith("topology: found dtype object")
    assert refusal([[[1.0, 2.0], [3.0]]] * 50, backend).endswith("…, expected an array of numbers")


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
@pytest.mark.parametrize("shape", [(0, 3, 50), (4, 2, 1), (4, 2, 2)])
def test_no_windows_and_short_ones_give_no_pairs(backend, shape):
    found = oracles.diagrams(np.ones(shape, np.float32), backend)
    assert found.points.shape == (0, 2)
    assert found.points.dtype == np.float32
    assert found.offsets.tolist() == [0] * (shape[0] * shape[1] + 1)
    assert found.essential.shape == shape[:2]
    assert found.channel(1).shape == (0, 2)


# -- what float32 would lose


def at_offset(offset: float, n_windows: int = 3, dtype: type = np.float64) -> np.ndarray:
    """Three channels of size 10; the second lies on an offset."""
    x = walks(n_windows, seed=5).astype(np.float64)
    x[:, 1] += offset
    return x.round().astype(dtype)


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
@pytest.mark.parametrize(
    ("offset", "dtype"),
    [(2e9, float), (-3e7, float), (4e15, float), (2**27, np.int32), (-(2**61) - 1, np.int64), (2**63, np.uint64)],
)
def test_channel_that_float32_does_not_resolve_is_refused(backend, offset, dtype):
    x = at_offset(0, dtype=np.int64) + 50 if dtype == np.uint64 else at_offset(0, dtype=np.int64)
    x = x.astype(dtype)
    x[:, 1] += np.dtype(dtype).type(offset)
    found = refusal(x, backend)
    assert found.startswith("topology: float32 does not resolve channel 1: found values near ")
    assert "subtract the channel's mean" in found
    window = int(np.ptp(x[:, 1], axis=1).argmax())
    assert f"that differ by {np.ptp(x[window, 1]):g} (window {window})" in found


def test_units_too_small_for_float32_are_refused():
    x = 1e-60 * np.array([-3.0, 7, -3, 7])
    found = refusal(np.stack([x / 2, x])[:, None], "fast")
    assert "channel 0: found values near 7e-60 that differ by 1e-59 (window 1); " in found
    assert found.endswith("or take another unit")


@pytest.mark.parametrize("backend", oracles.DIAGRAM_BACKENDS)
@pytest.mark.parametrize(("scale", "dtype"), [(1e39, float), (1e31, np.float32), (3e38, np.float32)])
def test_values_beyond_float32_are_refused(backend, scale, dtype):
    x = walks().astype(np.float64)
    x[4, 1] = np.clip(x[4, 1], -1, 1) * scale
    sample = int(np.flatnonzero(np.abs(x[4, 1]) > 1e30)[0])
    found = refusal(x.astype(dtype), backend)
    assert "beyond 1e+30 (take a larger unit), in window 4, channel 1, sample" in found
    assert found.endswith(f" {sample}")


@given(st.integers(-30, 30), st.integers(-12, 20), st.integers(0, 2**32 - 1))
def test_a_double_signal_is_refused_or_its_diagram_is_right(offset, scale, seed):
    """Against gudhi on the doubles themselves: no pair is further off than a thousandth of the signal's range."""
    x = 3.0**offset + 10.0**-scale * np.random.default_rng(seed).normal(size=40)
    span = np.ptp(x)
    try:
        found = topology.diagrams(x[None, None]).of(0, 0)
    except MixkdError:
        assert np.abs(x - x.astype(np.float32)).max() > 1e-3 * span, "it needed no refusal"
        return
    if span > 16 * np.finfo(float).eps * np.abs(x).max():
        exact = gudhi.CubicalComplex(vertices=x)
        exact.compute_persistence()
        finite = [pair for pair in exact.persistence_intervals_in_dimension(0) if np.isfinite(pair[1])]
        assert gudhi.bottleneck_distance(found.astype(float), np.reshape(finite, (-1, 2))) <= 1e-3 * span * (1 + 1e-9)


@pytest.mark.parametrize("signal", [0.1, 9.81, 1e-40, -123456.789])
def test_constant_doubles_are_constant(signal):
    rounding = np.random.default_rng(0).integers(-2, 3, (2, 1, 30)) * np.spacing(signal)
    for x in (np.full((2, 1, 30), signal), signal + rounding):
        assert len(topology.diagrams(x).points) == 0


def test_doubles_that_are_float32_and_a_still_window_beside_a_moving_one_are_accepted():
    x = 2.0**40 + 2.0**17 * walks().round()
    np.testing.assert_array_equal(topology.diagrams(x.astype(float)).points, topology.diagrams(x).points)
    still = walks().astype(float)
    still[3] = 9.81 + 1e-10 * still[3]
    assert len(topology.diagrams(still).of(3, 0)) == 0


def test_the_largest_values_have_finite_images():
    x = np.tile(np.float32([1e30, -1e30]), 500)[None, None]
    given_ = topology.diagrams(x)
    for kernel in ("sampled", "integrated"):
        imager = Imager.fit(given_, ImageSpec(4, 0.05, kernel))
        assert np.isfinite(imager(given_)).all()
        assert np.isfinite(topology.images(given_, imager.grid)).all()


# -- diagrams and grids made by hand


def parts(**changed) -> Diagrams:
    """Two windows of two channels with six pairs, but for what is changed."""
    points = np.float32([[0, 1], [1, 3], [0, 2], [-1, 4], [2, 5], [0, 9]])
    made = {"points": points, "offsets": np.array([0, 2, 3, 3, 6]), "essential": np.zeros((2, 2), np.float32)}
    return Diagrams(**{**made, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"offsets": np.array([0, 2, 3, 3, 7])}, "offsets: found 0 to 7, smallest step 0, expected 0 to 6"),
        ({"offsets": np.array([0, 2, 3, 3, 5])}, "offsets: found 0 to 5"),
        ({"offsets": np.array([1, 2, 3, 3, 6])}, "offsets: found 1 to 6"),
        ({"offsets": np.array([0, 5, 3, 3, 6])}, "offsets: found 0 to 6, smallest step -2"),
        ({"offsets": np.array([0, 2, 3, 6])}, r"offsets: found int64 \(4,\), expected int64 \(5,\)"),
        ({"offsets": np.float32([0, 2, 3, 3, 6])}, r"offsets: found float32 \(5,\), expected int64"),
        ({"offsets": [0, 2, 3, 3, 6]}, "offsets: found list"),
        ({"points": np.zeros((6, 2))}, r"points: found float64 \(6, 2\), expected float32 \(n_pairs, 2\)"),
        ({"points": np.zeros((6, 3), np.float32)}, "points: found float32"),
        ({"points": np.zeros((6, 2), complex)}, "points: found complex128"),
        ({"points": parts().points[:, ::-1]}, "found birth 1 and death 0 in row 0, expected birth < death"),
        ({"points": np.ones((6, 2), np.float32)}, "found birth 1 and death 1 in row 0"),
        ({"points": parts().points * np.float32([1, np.nan])}, "found birth 0 and death nan in row 0"),
        ({"points": parts().points * np.float32([1, 5e29])}, "found birth 1 and death 1.5e[+]30 in row 1"),
        ({"points": parts().points + np.float32([[-np.inf, 0]])}, "found birth -inf and death 1 in row 0"),
        ({"essential": np.zeros(4, np.float32)}, r"essential: found float32 \(4,\)"),
        ({"essential": np.zeros((4, 0), np.float32)}, "n_channels >= 1"),
        ({"essential": np.full((2, 2), np.nan, np.float32)}, "essential: found a value beyond 1e[+]30 or non-finite"),
    ],
)
def test_diagrams_that_do_not_fit_together_are_refused(changed, message):
    with pytest.raises(MixkdError, match=rf"^Diagrams\.{message}" if ":" in message else message):
        parts(**changed)


@pytest.mark.parametrize(
    ("birth", "persistence", "message"),
    [
        ([[0, 1]], [0], "births 0 to 1 and persistences 0 to 0 in channel 0, expected edges that rise"),
        ([[0, 1]], [-2], "persistences 0 to -2"),
        ([[0, 1], [3, 3]], [1, 1], "births 3 to 3 .* in channel 1"),
        ([[1, 0]], [1], "births 1 to 0"),
        ([[0, np.nan]], [1], "births 0 to nan"),
        ([[-np.inf, 0]], [1], "births -inf to 0"),
        ([[0, 2e30]], [1], "births 0 to 2e[+]30"),
        ([[0, 1]], [np.inf], "persistences 0 to inf"),
        ([[0, 1]], [np.nan], "persistences 0 to nan"),
        ([[0, 1]], [1, 1], r"Grid.persistence: found float32 \(2,\), expected float32 \(1,\)"),
        ([0, 1], [1], r"Grid.birth: found float32 \(2,\), expected float32 \(n_channels >= 1, 2\)"),
        (np.zeros((0, 2)), [], r"Grid.birth: found float32 \(0, 2\)"),
    ],
)
def test_grids_without_area_are_refused(birth, persistence, message):
    with pytest.raises(MixkdError, match=message):
        Grid(np.float32(birth), np.float32(persistence), ImageSpec())


def test_other_types_are_refused():
    grid, given_ = a_grid(), diagrams_of([(0.0, 1.0)])
    for call in (
        lambda: topology.images(walks(), grid),
        lambda: topology.images(given_, walks()),
        lambda: Grid(grid.birth.astype(float), grid.persistence, grid.spec),
        lambda: Grid(grid.birth, grid.persistence.tolist(), grid.spec),
        lambda: Grid(grid.birth, grid.persistence, None),
        lambda: Grid.fit(walks(), ImageSpec()),
        lambda: oracles.images(walks(), grid, "gudhi"),
    ):
        with pytest.raises(MixkdError, match=r"found .*, expected "):
            call()


@pytest.mark.parametrize(("window", "channel"), [(2, 0), (-1, 0), (0, 2), (0, -1), (True, 0), (0, 1.0), (None, 0)])
def test_windows_and_channels_that_are_not_there_are_refused(window, channel):
    with pytest.raises(MixkdError, match=r"found (window|channel) .*, expected an integer from 0 to 1"):
        parts().of(window, channel)


@pytest.mark.parametrize("channel", [-1, 2, False, 0.5])
def test_channels_that_are_not_there_are_refused(channel):
    given_ = parts()
    grid = Grid.fit(given_, ImageSpec())
    for call in (given_.channel, grid.pixel_size, lambda c: oracles.in_pixels(given_, grid, c)):
        with pytest.raises(MixkdError, match=r"found channel .*, expected an integer from 0 to 1"):
            call(channel)


def test_pairs_of_a_channel_are_those_of_its_windows():
    for given_ in (parts(), topology.diagrams(walks().round())):
        for c in range(given_.n_channels):
            expected = np.concatenate([given_.of(i, np.int32(c)) for i in range(len(given_))])
            np.testing.assert_array_equal(given_.channel(c), expected)


def test_unknown_backend_names_the_nearest():
    given_ = topology.diagrams(walks())
    with pytest.raises(MixkdError, match=r"found 'gudi', did you mean 'gudhi'\?"):
        oracles.diagrams(walks(), "gudi")
    with pytest.raises(MixkdError, match=r"found 'persin', did you mean 'persim'\?"):
        oracles.images(given_, Grid.fit(given_, ImageSpec()), "persin")


@pytest.mark.parametrize(
    ("backend", "module", "package"),
    [("giotto", "gtda", "giotto-tda"), ("gudhi", "gudhi", "gudhi"), ("persim", "persim", "persim")],
)
def test_missing_package_is_named(monkeypatch, backend, module, package):
    given_ = topology.diagrams(walks())
    grid = Grid.fit(given_, ImageSpec())
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MixkdError, match=f"^backend: package {package} is not installed; pip install {package}$"):
        oracles.images(given_, grid, backend)
    if backend in oracles.DIAGRAM_BACKENDS:
        with pytest.raises(MixkdError, match=f"package {package} is not installed"):
            oracles.diagrams(walks(), backend)


# -- images


def a_grid(kernel="sampled", resolution=8, spread=1.0, n_channels=1, birth=(0.0, 8.0), top=8.0) -> Grid:
    """By default a pixel is one unit of the signal."""
    edges = np.tile(np.float32(birth), (n_channels, 1))
    return Grid(edges, np.full(n_channels, top, np.float32), ImageSpec(resolution, spread, kernel))


@pytest.mark.parametrize(("kernel", "backend"), [("sampled", "gudhi"), ("integrated", "persim")])
@pytest.mark.parametrize("resolution", [8, 32])
@pytest.mark.parametrize("spread", [0.5, 1.2, 3.0])
def test_image_equals_gudhi_and_persim(kernel, backend, resolution, spread):
    training, other = topology.diagrams(walks()), topology.diagrams(2 * walks(seed=1))
    grid = Grid.fit(training, ImageSpec(resolution, spread, kernel))
    assert grid.clipped(other) > 0, "clipping is compared, too"
    for given_ in (training, other):
        assert relative(oracles.images(given_, grid), oracles.images(given_, grid, backend)) < 1e-5


def test_the_two_kernels_differ_by_a_few_percent_and_giotto_by_more():
    given_ = topology.diagrams(walks(40))
    images = {
        name: oracles.images(given_, Grid.fit(given_, ImageSpec(16, 1.2, kernel)), backend)
        for name, kernel, backend in (
            ("sampled", "sampled", "fast"),
            ("integrated", "integrated", "fast"),
            ("giotto", "sampled", "giotto"),
        )
    }
    assert 0.01 < relative(images["sampled"], images["integrated"]) < 0.06
    for kernel in ("sampled", "integrated"):
        assert relative(images["giotto"], images[kernel]) > 0.2
        assert np.corrcoef(images["giotto"].ravel(), images[kernel].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("kernel", ["sampled", "integrated"])
def test_image_of_one_pair_in_closed_form(kernel):
    """Birth 2.5 is the centre of column 2, persistence 5.5 the centre of row 5."""
    image = topology.images(diagrams_of([(2.5, 8.0)]), a_grid(kernel, spread=0.7))[0, 0]
    assert np.unravel_index(image.argmax(), image.shape) == (5, 2)
    assert image.sum() == pytest.approx(5.5, rel=1e-3), "the persistence, spread over the plane"
    if kernel == "sampled":
        assert image[5, 2] == pytest.approx(5.5 / (2 * np.pi * 0.7**2), rel=1e-6)
        assert image[6, 3] == pytest.approx(image[5, 2] * np.exp(-1 / 0.7**2), rel=1e-5)


POINTS = st.lists(st.tuples(st.floats(-2, 12), st.floats(0.01, 12)), max_size=12).map(
    lambda points: [(birth, birth + length) for birth, length in points]
)
GRIDS = st.builds(a_grid, st.sampled_from(["sampled", "integrated"]), st.sampled_from([3, 8]), st.floats(0.3, 4))


@given(POINTS, POINTS, GRIDS, st.randoms(use_true_random=False))
def test_image_is_additive_non_negative_and_without_order(one, other, grid, random):
    draw = lambda points: topology.images(diagrams_of(points), grid)  # noqa: E731
    both, shuffled = one + other, random.sample(one + other, len(one + other))
    np.testing.assert_allclose(draw(both), draw(one) + draw(other), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(draw(both), draw(shuffled), rtol=1e-5, atol=1e-5)
    assert (draw(both) >= 0).all()
    assert (draw([]) == 0).all()
    assert draw(both).any() == bool(both)


@given(st.lists(st.integers(0, 11), max_size=20))
def test_image_of_a_window_does_not_depend_on_its_batch(rows):
    given_ = topology.diagrams(walks())
    imager = Imager.fit(given_, ImageSpec(8))
    np.testing.assert_array_equal(imager(given_, np.array(rows, dtype=int)), imager(given_)[rows])


@pytest.mark.parametrize(
    "rows", [[-1], [12], [3, -1], [12, 0], [True, False], [0.5], [[0], [1]], 3, ["a"], range(10**6), [[0], [0, 1]]]
)
def test_rows_that_are_not_there_are_refused(rows):
    given_ = topology.diagrams(walks())
    grid = Grid.fit(given_, ImageSpec(8))
    with pytest.raises(MixkdError, match=r"found .*, expected (integers from 0 to 11, in one axis|an array)") as error:
        topology.images(given_, grid, rows if isinstance(rows, list | int) else np.array(rows))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 150


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_rows_of_any_integers(dtype):
    given_ = topology.diagrams(walks())
    grid = Grid.fit(given_, ImageSpec(8))
    found = topology.images(given_, grid, np.array([11, 0, 4], dtype))
    np.testing.assert_array_equal(found, topology.images(given_, grid)[[11, 0, 4]])
    assert topology.images(given_, grid, np.array([], dtype)).shape == (0, 3, 8, 8)


@pytest.mark.parametrize(("n_channels", "n_grid"), [(6, 3), (3, 27), (1, 2)])
def test_a_grid_of_another_number_of_channels_is_refused(n_channels, n_grid):
    given_, grid = (topology.diagrams(walks(4, n, seed=n)) for n in (n_channels, n_grid))
    imager = Imager.fit(grid, ImageSpec(8))
    calls = [imager, imager.grid.clipped, lambda d: oracles.in_pixels(d, imager.grid, 0)]
    calls += [lambda d, b=b: oracles.images(d, imager.grid, b) for b in oracles.IMAGE_BACKENDS]
    for call in calls:
        with pytest.raises(MixkdError, match=f"found diagrams of {n_channels} channels, expected {n_grid} as in"):
            call(given_)


@pytest.mark.parametrize("backend", oracles.IMAGE_BACKENDS)
def test_windows_without_pairs_and_no_windows(backend):
    training = topology.diagrams(walks(4, 2))
    grid = Grid.fit(training, ImageSpec(8))
    for n, x in ((0, walks(4, 2)[:0]), (3, np.ones((3, 2, 20)))):
        found = oracles.images(topology.diagrams(x), grid, backend)
        assert found.shape == (n, 2, 8, 8)
        assert not found.any()
    still = walks(2, 2)
    still[0, 1] = 0
    found = oracles.images(topology.diagrams(still), grid, backend)
    assert not found[0, 1].any()
    assert found[0, 0].any()


def test_images_of_read_only_diagrams():
    given_ = topology.diagrams(walks())
    grid = Grid.fit(given_, ImageSpec(8))
    expected = topology.images(given_, grid)
    rows = np.arange(24)[::2] // 2
    for array in (given_.points, given_.offsets, grid.birth, grid.persistence, rows):
        array.setflags(write=False)
    np.testing.assert_array_equal(topology.images(given_, grid, rows), expected)


def test_pairs_outside_the_grid_are_counted_and_drawn_at_its_edge():
    grid = a_grid(n_channels=2, birth=(1.0, 5.0), top=4.0)
    inside, outside = [(1.0, 5.0), (5.0, 6.0)], [(0.5, 1.5), (5.5, 6.0), (3.0, 8.0)]
    assert grid.clipped(diagrams_of(inside, inside)) == 0
    assert grid.clipped(diagrams_of(inside + outside, outside)) == 6
    far, edge = ([(0.5, 7.5)], 7.0), ([(1.0, 5.0)], 4.0)  # the weight stays the persistence
    images = [topology.images(diagrams_of(points, []), grid) / weight for points, weight in (far, edge)]
    np.testing.assert_allclose(*images, rtol=1e-6)


# -- what is fitted


def test_grid_holds_all_but_the_tails_of_the_training_pairs():
    given_ = topology.diagrams(walks(60, 2, seed=3))
    grid = Grid.fit(given_, ImageSpec(), tail=0.01)
    for c in range(2):
        births, deaths = given_.channel(c).T
        assert np.mean(births < grid.birth[c, 0]) == pytest.approx(0.01, abs=1 / len(births))
        assert np.mean(births > grid.birth[c, 1]) == pytest.approx(0.01, abs=1 / len(births))
        assert np.mean(deaths - births > grid.persistence[c]) == pytest.approx(0.01, abs=1 / len(births))
        width, height = grid.pixel_size(c)
        assert width == pytest.approx(np.ptp(grid.birth[c]) / 16)
        assert height == pytest.approx(grid.persistence[c] / 16)


@pytest.mark.parametrize(
    "minima",
    [[], [0.0] * 9, [1.0] * 9, [1e9] * 9, [-3e7] * 9, [1.0] * 149 + [np.nextafter(np.float32(1), np.float32(2))]],
)
def test_grid_of_training_pairs_without_range(minima):
    """Births that are equal, or too close for float32, still span a grid."""
    given_ = diagrams_of([(m, m + max(1.0, abs(m))) for m in minima])
    grid = Grid.fit(given_, ImageSpec())
    assert grid.birth[0, 0] < grid.birth[0, 1]
    assert grid.persistence[0] > 0
    image = topology.images(given_, grid)
    assert np.isfinite(image).all()
    assert image.any() == bool(minima)


def test_nothing_is_fitted_on_no_windows_or_an_impossible_tail():
    given_ = topology.diagrams(walks())
    for fit in (Grid.fit, Imager.fit):
        with pytest.raises(MixkdError, match="found no windows, expected at least 1"):
            fit(topology.diagrams(walks()[:0]), ImageSpec())
    for tail in (-0.1, 0.5, 1.0, np.nan):
        with pytest.raises(MixkdError, match=r"found tail .*, expected at least 0 and less than 0.5"):
            Grid.fit(given_, ImageSpec(), tail)
    assert Grid.fit(given_, ImageSpec(), 0.0).clipped(given_) == 0


def test_imager_standardises_its_training_images():
    training, other = topology.diagrams(walks(60, 2)), topology.diagrams(walks(5, 2, seed=1))
    imager = Imager.fit(training, ImageSpec(8))
    drawn = imager(training)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(drawn.std((0, 2, 3)), 1, atol=1e-5)
    raw = topology.images(other, imager.grid)
    expected = (raw - imager.normalisation.mean[:, None, None]) / imager.normalisation.std[:, None, None]
    np.testing.assert_allclose(imager(other), expected, rtol=1e-6)

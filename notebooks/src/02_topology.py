# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a window to a persistence image
#
# ```{admonition} Claim
# :class: tip
# The shape of a signal can be summarised by which of its valleys persist. The summary ignores when things happen, is
# stable under noise, and a linear-time algorithm computes it faster than the network that reads it ({doc}`13_cost`).
# ```
#
# The image teacher of this book never sees a signal. It sees **persistence images**: pictures of the topology of each
# channel. This chapter draws the way from one to the other, a step at a time.
#
# To move the water yourself: {doc}`../book/try`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
window: int = 300  # which training window is drawn
channel: int = 0  # which of its channels
resolution: int = 32  # pixels per side of the drawn image
spread: float = 1.0  # of the Gaussian, in pixels

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from gudhi import bottleneck_distance

from mixkd import figures, studies, topology
from mixkd.analysis import cost
from mixkd.book import notebook
from mixkd.datasets import dataset as entry_of
from mixkd.specs.run import ImageSpec
from mixkd.topology import oracles

notebook.check_parameters(globals())

# %%
scope = studies.Scope(dataset, profile, seed)
recordings = entry_of(dataset).load()
data = next(iter(studies.data(scope).values()))
x = data.splits["train"].x
notebook.check_index("window", window, len(x))
notebook.check_index("channel", channel, x.shape[1])
signal, unit = x[window, channel], recordings.units[channel]

# %% [markdown]
# ## Flooding a signal
#
# Raise a water level from below. At each level, the part of the signal under water is the **sublevel set**; it consists of
# pieces. A piece appears at every local minimum (it is *born* there) and two pieces meet at a local maximum. When they
# meet, the younger one, whose minimum is higher, *dies*. That is all of $H_0$ persistent homology in one dimension
# {cite}`edelsbrunner2010`.

# %%
levels = tuple(np.quantile(signal, (0.1, 0.4, 0.7)))

# %% mystnb={"figure": {"caption": "One channel at three water levels. Blue: what lies below the level, and in how many pieces.", "name": "fig-sublevel"}, "image": {"alt": "Three copies of the same wavy signal with a rising dotted level; the parts below the level are thick and blue.", "classes": "dark-light"}}
figures.sublevel_sets(signal, recordings.rate, levels, unit)

# %% [markdown]
# ## Diagram
#
# Each piece that dies gives a pair (birth, death). The **persistence** of a pair is death minus birth: the depth of the
# valley. One piece never dies: the one of the global minimum. It is the *essential class*, and we keep it apart (blue
# triangle); images leave it out, as the paper's predecessors do.

# %%
diagrams = topology.diagrams(x)
diagram, lowest = diagrams.of(window, channel), diagrams.essential[window, channel]

# %% mystnb={"figure": {"caption": "Left: the five most persistent pairs, each drawn at its minimum from birth to death. Right: the diagram; the dotted line is birth = death.", "name": "fig-pairs"}, "image": {"alt": "A signal with vertical bars at its deepest valleys, numbered, beside a scatter plot of the same pairs above the diagonal.", "classes": "dark-light"}}
figures.pairs(signal, diagram, essential=lowest, rate=recordings.rate, unit=unit)

# %% tags=["nbval-check-output"]
longest = np.diff(diagram, axis=1).max(initial=0)
print(f"{len(diagram)} pairs, the longest lasts {longest:.4f} {unit}")
print(f"{len(diagrams.points)} pairs in {len(diagrams)} windows")

# %% [markdown]
# ## Image
#
# A network wants an array of fixed size. So each pair becomes a Gaussian bump in the plane of birth and persistence,
# with a height proportional to its persistence, and the sum is read on a grid {cite}`adams2017`:
#
# $$ I(u, v) = \sum_{(b, d)} (d - b) \, \frac{1}{2 \pi \sigma^2} \exp\left(-\frac{(u - b)^2 + (v - (d - b))^2}{2 \sigma^2}\right). $$
#
# $(u, v)$ is the centre of a pixel. The grid's range is fitted on training windows, per channel, in the units of the signal, as is the height $d - b$; pairs
# outside are drawn at the edge and counted. Inside the Gaussian, distances and the spread $\sigma$ are counted in pixels of each axis.

# %%
grid = topology.Grid.fit(diagrams, ImageSpec(resolution, spread))
image = topology.images(diagrams, grid, np.array([window]))[0, channel]

# %% mystnb={"figure": {"caption": "The pairs of one channel on the grid, and the image they make.", "name": "fig-image"}, "image": {"alt": "Left, points in the birth and persistence plane with a fine grid; right, the same as blurred bright spots.", "classes": "dark-light"}}
figures.from_diagram_to_image(diagram, image, grid, channel=channel, unit=unit)

# %% [markdown]
# ## What the image teacher can see
#
# Averaged over the windows of a class, images differ between classes: activities have their own valleys. Time is gone,
# so two activities with the same valleys in another order look the same to this teacher.

# %%
images = topology.images(diagrams, grid)
labels = data.splits["train"].y

# %% mystnb={"figure": {"caption": "Mean image of each class minus the mean of all classes (red: more, blue: less), for one channel. Birth to the right, persistence upwards.", "name": "fig-means"}, "image": {"alt": "Small heat maps, one per class, each with its own pattern of red and blue spots.", "classes": "dark-light"}}
figures.mean_images(
    images[:, channel], labels, recordings.classes, recordings.channels[channel]
)

# %% [markdown]
# ## Stable under noise
#
# The reason to trust such a summary is a theorem: if no sample changes by more than $\varepsilon$, no point of the diagram
# moves by more than $\varepsilon$ (bottleneck distance, {cite}`cohensteiner2007`). We add noise of growing size to our channel
# and measure.

# %%
rng, rows = np.random.default_rng(seed), []
for size in np.linspace(0, signal.std(), 40):
    noisy = signal + rng.uniform(-size, size, signal.shape).astype(np.float32)
    moved = topology.diagrams(noisy[None, None]).of(0, 0)
    rows.append((np.abs(noisy - signal).max(), bottleneck_distance(diagram, moved)))
table = pd.DataFrame(rows, columns=["noise", "bottleneck"])

# %% mystnb={"figure": {"caption": "Forty noisy copies of one channel: how far the diagram moved against how far the signal did.", "name": "fig-stability"}, "image": {"alt": "Scatter of points that all lie on or under a dashed diagonal.", "classes": "dark-light"}}
figures.stability(table)

# %% tags=["nbval-check-output"]
print(
    "never above the diagonal:",
    bool((table["bottleneck"] <= table["noise"] * (1 + 1e-6) + 1e-6).all()),
)

# %% [markdown]
# ## One diagram, three images
#
# Our diagrams (`fast` below) come from a stack that cancels pairs of extrema as it walks along the signal, in linear time: the
# rule of rainflow counting in fatigue analysis. giotto-tda {cite}`tauzin2021` and gudhi compute the same by general methods. On
# finite pairs they agree exactly; we check here on real windows.

# %%
some = x[:20]
sets = {b: oracles.diagrams(some, b) for b in oracles.DIAGRAM_BACKENDS}
ordered = {b: np.sort(d.points.view("f4,f4").ravel()) for b, d in sets.items()}

# %% tags=["nbval-check-output"]
for backend, points in ordered.items():
    equal = np.array_equal(points, ordered["fast"])
    print(f"{backend:7s} {len(points)} pairs, equal to fast: {equal}")

# %% [markdown]
# Images are another matter, because "the value of a pixel" has two honest meanings: the Gaussian *sampled* at the centre of
# the pixel (gudhi; our default) or *integrated* over it (persim). The two differ by a few per cent at a spread near one pixel. giotto-tda
# does a third thing: it moves each point to the lower corner of its pixel and then filters. None is wrong; but results are only
# comparable when the same one is used.

# %%
few = topology.diagrams(x[window : window + 1])
exact = topology.Grid(
    grid.birth, grid.persistence, ImageSpec(resolution, spread, "integrated")
)
drawn = {"ours, sampled": topology.images(few, grid)[0, channel]}
drawn["gudhi"] = oracles.images(few, grid, "gudhi")[0, channel]
drawn["ours, integrated"] = topology.images(few, exact)[0, channel]
drawn["persim"] = oracles.images(few, exact, "persim")[0, channel]
drawn["giotto-tda"] = oracles.images(few, grid, "giotto")[0, channel]

# %% mystnb={"figure": {"caption": "One diagram drawn in five ways, two of them ours; below each, the relative distance to the first.", "name": "fig-backends"}, "image": {"alt": "The same small image of bright spots drawn in five ways, with its relative distance to the first below each.", "classes": "dark-light"}}
figures.backend_images(drawn)

# %% [markdown]
# How fast is each, and ripser and gudhi's way for functions on a line? These are the rates that `make bench` measured, on one core, on 2,000 windows of three channels and
# 500 samples (the record names versions, instruction set and commit).

# %%
record = cost.benchmark("topology")
rates = pd.DataFrame(record["rows"])
speed = rates[rates["windows"] == "3 x 500"]

# %% mystnb={"figure": {"caption": "Windows per second on one core, from the benchmark record: diagrams, and the whole way to 64 x 64 images.", "name": "fig-speed"}, "image": {"alt": "Two horizontal bar charts on a logarithmic axis of windows per second, a bar and a number for each program.", "classes": "dark-light"}}
figures.backend_speed(speed)

# %% [markdown]
# ## A sceptical reader asks
#
# - *Is the fast path right?* Its diagrams equal those of giotto-tda and gudhi, pair by pair, on random windows, on ties and on constants; tests compare them.
# - *Does the image forget something?* Yes: when a valley occurs, and which channel moved first. What it keeps does not change when time is stretched.
# - *Are the ranges of the image chosen on test people?* No, on training people; pairs outside are clipped and counted in each record.

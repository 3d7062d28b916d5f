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
# ```{admonition} Goal
# :class: tip
# See how a window becomes a persistence image, what the image keeps, what it loses, and how fast it can be computed.
# ```
#
# The image teacher of this book never reads a signal. It reads **persistence images**: pictures of the topology of each channel. This chapter goes from signal to image step
# by step.
#
# To flood a signal yourself: {doc}`../book/try`.

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

from mixkd import datasets, figures, studies, topology
from mixkd.analysis import cost, inference
from mixkd.book.notebook import check_index, check_parameters, report
from mixkd.book.reading import readable
from mixkd.specs.run import ImageSpec
from mixkd.topology import oracles

check_parameters(globals())

# %%
scope = studies.Scope(dataset, profile, seed)
recordings = datasets.dataset(dataset).load()
data = next(iter(studies.data(scope).values()))
x = data.splits["train"].x
check_index("window", window, len(x))
check_index("channel", channel, x.shape[1])
signal, unit = x[window, channel], recordings.units[channel]

# %% [markdown]
# ## Flooding a signal
#
# Raise a water level from below. At each level, the part of the signal under water is the **sublevel set**; it consists of pieces. A piece is *born* at every local minimum;
# two pieces meet at a local maximum, and the younger one, whose minimum is higher, *dies*. That is all of $H_0$ persistent homology in one dimension
# {cite}`edelsbrunner2010`.

# %%
levels = tuple(np.quantile(signal, (0.1, 0.4, 0.7)))

# %% mystnb={"figure": {"caption": "One channel at three water levels. Blue: what lies below the level, and in how many pieces.", "name": "fig-sublevel"}, "image": {"alt": "The same signal at three rising water levels: pieces under water appear at valleys, grow, and join where the level reaches a peak.", "classes": "dark-light"}}
figures.sublevel_sets(signal, recordings.rate, levels, unit)

# %% [markdown]
# ## Diagram
#
# Each piece that dies gives a pair (birth, death). The **persistence** of a pair is death minus birth: the depth of the valley. One piece never dies, that of the global
# minimum. It is the *essential class* (blue triangle); images leave it out, as the paper's predecessors do. In code:

# %% tags=["teach"]
pool, pairs = {}, []  # sample under water -> lowest sample of its piece
for i in np.argsort(signal, kind="stable"):
    near = {pool[j] for j in (i - 1, i + 1) if j in pool} or {i}
    lowest, *higher = sorted(near, key=lambda j: signal[j])
    pool[i] = lowest
    for other in higher:  # two pieces meet: the one with the higher minimum dies
        pairs.append((signal[other], signal[i]))
        pool.update({j: lowest for j in pool if pool[j] == other})

# %%
diagrams = topology.diagrams(x)
diagram, bottom = diagrams.of(window, channel), diagrams.essential[window, channel]
by_hand = np.array(sorted(p for p in pairs if p[0] < p[1])).reshape(-1, 2)
is_equal = np.array_equal(by_hand, np.array(sorted(map(tuple, diagram))))

# %% mystnb={"figure": {"caption": "First panel: the five most persistent pairs, each drawn at its minimum from birth to death; numbers: the first three. Second panel: the diagram, a dot per pair; the triangle is the essential class, the dotted line birth = death.", "name": "fig-pairs"}, "image": {"alt": "The signal has {n_pairs} valleys that die; the deepest lasts {longest:.2f} {unit}. Most lie near the diagonal: they are shallow.", "classes": "dark-light"}}
figures.pairs(signal, diagram, essential=bottom, rate=recordings.rate, unit=unit)

# %% tags=["nbval-check-output"]
deepest = pd.DataFrame(by_hand, columns=["birth", "death"])
deepest["persistence"] = deepest["death"] - deepest["birth"]
readable(deepest.sort_values("persistence", ascending=False)[:5])

# %% [markdown]
# Channels differ in how many valleys they have and how deep those are, so each channel gets its own range of the image. Depths in units of the channel, over all training
# windows of the fold:

# %%
rows = []
for c, name in enumerate(recordings.channels):
    depths = np.diff(diagrams.channel(c), axis=1)
    low, high = np.quantile(depths, (0.5, 0.99)) if len(depths) else (0, 0)
    rows.append((name, len(depths) / len(diagrams), low, high))
heads = ["channel", "valleys per window", "median depth", "99th percentile"]

# %% tags=["nbval-check-output"]
readable(pd.DataFrame(rows, columns=heads))

# %% [markdown]
# ## Image
#
# A network wants an array of fixed size. So each pair becomes a Gaussian bump in the plane of birth and persistence, with a height proportional to its persistence, and the
# sum is read on a grid {cite}`adams2017`:
#
# $$ I(u, v) = \sum_{(b, d)} (d - b) \, \frac{1}{2 \pi \sigma^2} \exp\left(-\frac{(u - b)^2 + (v - (d - b))^2}{2 \sigma^2}\right). $$ (eq-image)
#
# $(u, v)$ is the centre of a pixel. The range of the grid is fitted on training windows, per channel, in units of the signal, as is the height $d - b$; pairs outside are
# drawn at the edge and counted. Inside the Gaussian, distances and the spread $\sigma$ are counted in pixels of each axis.

# %%
grid = topology.Grid.fit(diagrams, ImageSpec(resolution, spread))
image = topology.images(diagrams, grid, np.array([window]))[0, channel]

# %% tags=["teach"]
edges, top = grid.birth[channel], grid.persistence[channel]
depth = diagram[:, 1] - diagram[:, 0]
u = (diagram[:, 0].clip(*edges) - edges[0]) / np.ptp(edges) * resolution
v = depth.clip(0, top) / top * resolution
centres = np.arange(resolution) + 0.5
across, up = (
    np.exp(-((centres - at[:, None]) ** 2) / (2 * spread**2)) for at in (u, v)
)
drawn_by_hand = (depth[:, None] * up).T @ across / (2 * np.pi * spread**2)

# %% mystnb={"figure": {"caption": "The pairs of one channel on the grid, and the image they make.", "name": "fig-image"}, "image": {"alt": "Each pair of the diagram becomes a smooth spot in the image, brighter for deeper valleys; shallow ones near the lower edge almost vanish.", "classes": "dark-light"}}
figures.from_diagram_to_image(diagram, image, grid, channel=channel, unit=unit)

# %% [markdown]
# ## What the image teacher can see
#
# Mean images differ between classes: activities have their own valleys. Time is gone, so two activities with the same valleys in another order look the same to this
# teacher.

# %%
images = topology.images(diagrams, grid)
labels = data.splits["train"].y

# %% mystnb={"figure": {"caption": "Mean image of each class minus the mean of all classes (red: more, blue: less), for one channel. Birth to the right, persistence upwards.", "name": "fig-means"}, "image": {"alt": "Each class has its own pattern of red (more than average) and blue (less): classes differ in how deep their valleys are and at which level they lie.", "classes": "dark-light"}}
figures.mean_images(
    images[:, channel], labels, recordings.classes, recordings.channels[channel]
)

# %% [markdown]
# ## Stable under noise
#
# If no sample changes by more than $\varepsilon$, no point of the diagram moves by more than $\varepsilon$ (bottleneck distance, {cite}`cohensteiner2007`). We add noise of
# growing size to one channel and measure.

# %%
rng, rows = np.random.default_rng(seed), []
for size in np.linspace(0, signal.std(), 40):
    noisy = signal + rng.uniform(-size, size, signal.shape).astype(np.float32)
    moved = topology.diagrams(noisy[None, None]).of(0, 0)
    rows.append((np.abs(noisy - signal).max(), bottleneck_distance(diagram, moved)))
table = pd.DataFrame(rows, columns=["noise", "bottleneck"])
above = table["bottleneck"] > table["noise"] * (1 + 1e-6) + 1e-6

# %% mystnb={"figure": {"caption": "Forty noisy copies of one channel, a dot each: bottleneck distance of the diagrams against the largest change of a sample. Dashed: the bound.", "name": "fig-stability"}, "image": {"alt": "In {n_above} of 40 noisy copies the diagram moves farther than the signal: points lie on or under the diagonal.", "classes": "dark-light"}}
figures.stability(table)

# %% [markdown]
# ## One diagram, three images
#
# Our diagrams (`fast` below) come from a stack that cancels pairs of extrema as it walks along the signal, in linear time: the rule of rainflow counting in fatigue analysis.
# giotto-tda {cite}`tauzin2021` and gudhi use general methods. Do all find the same pairs in twenty real windows?

# %%
some = x[:20]
sets = {b: oracles.diagrams(some, b) for b in oracles.DIAGRAM_BACKENDS}
ordered = {b: np.sort(d.points.view("f4,f4").ravel()) for b, d in sets.items()}

# %% tags=["nbval-check-output"]
same = {b: np.array_equal(p, ordered["fast"]) for b, p in ordered.items()}
rows = [(b, len(p), "yes" if same[b] else "no") for b, p in ordered.items()]
readable(pd.DataFrame(rows, columns=["program", "pairs", "equal to fast"]))

# %% [markdown]
# Images differ, because "the value of a pixel" has two valid meanings: the Gaussian *sampled* at the centre of the pixel (gudhi; our default) or *integrated* over it
# (persim). giotto-tda does a third thing: it moves each point to the lower corner of its pixel and then filters. Results are comparable only when the same one is used.

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

# %%
norm = np.linalg.norm
far = {name: 100 * norm(i - image) / norm(image) for name, i in drawn.items()}

# %% mystnb={"figure": {"caption": "One diagram drawn in five ways, two of them ours; below each, the relative distance to the first.", "name": "fig-backends"}, "image": {"alt": "One diagram drawn in five ways: gudhi differs from our sampled image by {gudhi}, persim and our integrated image by {integrated:.1f} %, giotto-tda by {giotto:.0f} %.", "classes": "dark-light"}}
figures.backend_images(drawn)

# %% [markdown]
# How fast are these implementations? We add ripser and gudhi's special case for one-dimensional signals. The rates were measured on one core, on 2,000 windows of three
# channels and 500 samples (the record names versions, instruction set and commit).

# %%
record = cost.benchmark("topology")
rates = pd.DataFrame(record["rows"])
speed = rates[rates["windows"] == "3 x 500"]
slower = speed.set_index(["task", "method"])["times_slower"]

# %% mystnb={"figure": {"caption": "Windows per second on one core, from the benchmark record: diagrams (first panel), and the whole way to 64 x 64 images (second panel); longer is faster, logarithmic axis.", "name": "fig-speed"}, "image": {"alt": "Our diagrams are the fastest: {line:.1f} times faster than the special case of gudhi and {slow:.0f} times faster than giotto-tda; images {slow_images:.0f} times faster than giotto-tda.", "classes": "dark-light"}}
figures.backend_speed(speed)

# %%
values = {"n_pairs": len(diagram), "longest": depth.max(initial=0), "unit": unit}
values["by_hand"] = "the same" if is_equal else "not the same"
gap = np.abs(drawn_by_hand - image).max() / image.max() if image.any() else 0
small = {"image_gap": gap, "gudhi": far["gudhi"] / 100}
small = {name: inference.percent(share) for name, share in small.items()}
values |= {name: s.replace("<", "less than") for name, s in small.items()}
values |= {"n_above": int(above.sum()), "giotto": far["giotto-tda"]}
values |= {"integrated": far["ours, integrated"], "all_same": sum(same.values())}

# %% tags=["remove-cell"]
values |= {"line": slower["diagrams", "gudhi, line"]}
values |= {"slow": slower["diagrams", "giotto"]}
report(values | {"slow_images": slower["images", "giotto"]})

# %% [markdown]
# ## What came out
#
# *Does the code above find the pairs of the package?* For the window drawn, it finds {glue:text}`by_hand`: {glue:text}`n_pairs` pairs, the longest of
# {glue:text}`longest:.2f` {glue:text}`unit`. In its image, the largest difference to the package's is {glue:text}`image_gap` of the maximum.
#
# *Is the diagram stable?* In {glue:text}`n_above` of the forty noisy copies it moves farther than the signal.
#
# *Do programs agree?* {glue:text}`all_same` of three give the same pairs. Images differ from ours by {glue:text}`integrated:.1f` % if integrated and by
# {glue:text}`giotto:.0f` % in giotto-tda.
#
# *How fast?* Our diagrams are {glue:text}`slow:.0f` times as fast as those of giotto-tda. {doc}`13_cost` compares that with the network that reads the image.
#
# ## A sceptical reader asks
#
# - *Is the fast path right?* Its diagrams equal those of giotto-tda and gudhi, pair by pair, on random windows, on ties and on constants; tests compare them.
# - *Does the image lose something?* Yes: when a valley occurs, and which channel moved first. What it keeps does not change when time is stretched.
# - *Are the ranges of the image chosen on test people?* No, on training people; pairs outside are clipped and counted in each record.
#
# ## Takeaways
#
# - A persistence image shows how deep the valleys of a channel are and at which level they lie, not when they occur.
# - Small noise moves a diagram by no more than it moves the signal.
# - State the kernel and the range of an image: programs that agree on diagrams draw different images.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-topology-hand
#
# Find the pairs of the signal 0, 3, 1, 4, 2, 5 on paper. Which class is essential?
# ```
#
# ```{solution} ex-topology-hand
# :class: dropdown
#
# Pieces are born at 0, 1 and 2. At level 3 the pieces of 0 and 1 meet: 1 dies, pair (1, 3). At level 4 the piece of 2 joins: pair (2, 4). The piece of 0 never dies; it is the
# essential class.
# ```
#
# ```{exercise}
# :label: ex-topology-time
#
# Play a window backwards. What happens to its diagram, and what does that mean for telling "arm up" from "arm down"?
# ```
#
# ```{solution} ex-topology-time
# :class: dropdown
#
# ~~~python
# backwards = topology.diagrams(np.ascontiguousarray(x[..., ::-1]))
# again = backwards.of(window, channel)
# print(sorted(map(tuple, again)) == sorted(map(tuple, diagram)))
# ~~~
#
# It prints `True`: neighbours stay neighbours, so the same pieces meet at the same levels. From images alone, the two movements look the same wherever one is the other
# backwards.
# ```

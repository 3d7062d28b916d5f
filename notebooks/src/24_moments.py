# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Ten numbers of an image
#
# ```{admonition} Claim
# :class: tip
# Much of what the image teacher knows is in ten readable numbers of each channel, and a linear teacher on them costs nearly nothing.
# ```
#
# **The answer first.** On {glue:text}`on` the image teacher reached {glue:text}`image_teacher:.1f` %, a linear teacher on moments of the same images
# {glue:text}`linear_teacher:.1f` %, where the majority class gives {glue:text}`majority:.1f` %: the linear one keeps {glue:text}`share:.0f` % of what the image teacher has above it, with
# {glue:text}`cheaper:.0f` times fewer multiply-adds. As a *teacher* it changed the student by {glue:text}`taught_linear` against labels alone, and {glue:text}`clear`; the image
# teacher itself by {glue:text}`taught_image`. Both students trained for as many gradient steps as the one without a teacher.
#
# The idea is *inspired* by deep geometric moments {cite}`singh2023moments`, which learn the functions that an image is weighed with. Here these functions are fixed, the classical
# monomials; the pooling below is *inspired* by it too, without its warped coordinates and its levels. Which moments, and what reads them, are our choices ({doc}`../book/defaults`).

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
channel: int = 0  # whose moments are drawn

# %% tags=["hide-input"]
import numpy as np

from mixkd import figures, studies, topology
from mixkd.analysis import agreement, moments
from mixkd.book.notebook import check_index, check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.learning.moments import POWERS
from mixkd.specs.run import ImageSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
data = studies.data(scope)
recordings = entry_of(dataset).load()
check_index("channel", channel, len(recordings.channels))
unit = recordings.units[channel]

# %% [markdown]
# ## What moments say
#
# A moment weighs each pixel of an image $I$ by powers of its place, with $x$ from left to right and $y$ upwards, both from $-1$ to $1$:
#
# $$ M_{pq} = \operatorname{mean}_{x, y} \; x^p \, y^q \, I(x, y), \qquad p + q \le 3 . $$
#
# There are ten. Of a persistence image, where $x$ is birth and $y$ lifetime (persistence), the first three can be read: $M_{00}$ is the mass, the total
# persistence of all valleys; $M_{10} / M_{00}$ is the mean birth and $M_{01} / M_{00}$ the mean lifetime, each valley counted by its persistence. Those of second order say how births and lifetimes
# spread and go together, those of third order how lopsided they are. None needs the image: sums over the pairs of a diagram say the same, but for what the Gaussians lose and pairs
# are moved at the edges of the grid.

# %%
part = data[0]
grid = topology.Grid.fit(part.diagrams["train"], ImageSpec())
images = topology.images(part.diagrams["train"], grid)
numbers = moments.readable(images, grid)[:, channel]

# %% tags=["nbval-check-output"]
pairs = part.diagrams["train"].of(0, channel)
names = ("total persistence", "mean birth", "mean lifetime")
direct = moments.from_pairs(pairs)
for name, by_image, by_pairs in zip(names, numbers[0], direct, strict=True):
    print(f"{name:18} image {by_image:8.4f}   pairs {by_pairs:8.4f}   {unit}")

# %% mystnb={"figure": {"caption": "Two of the ten numbers, for one channel: a dot per training window, a large one at the median of each class. Classes differ in them, and overlap.", "name": "fig-moment-centres"}, "image": {"alt": "Scatter plot of mean lifetime over mean birth, coloured by class; clouds of classes overlap, and the medians of some lie apart.", "classes": "dark-light"}}
figures.moment_centres(numbers, part.splits["train"].y, recordings.classes, unit)

# %% [markdown]
# ## Three teachers
#
# The **image** teacher is the WRN16-1 of the other chapters. The **linear** teacher standardises the moments of the same images and has one matrix on them. The **pooled** one
# is that WRN16-1 whose last maps are pooled to ten moments each where the usual network takes their mean, which is $M_{00}$ (shown where its runs are published). Each then teaches a student on signals by ordinary
# distillation.

# %%
runs = studies.load("moments", scope)
called = moments.names(runs)
networks = moments.table(runs, data)

# %% tags=["nbval-check-output"]
networks.round(3)

# %% [markdown]
# Parameters and multiply-adds are those of the network in the row. All students are the same network, and at run time cost the same.

# %% mystnb={"figure": {"caption": "Accuracy of the teachers (left of the dotted line) and of the students by teacher (right), a marker per held-out person, bar: mean.", "name": "fig-moment-scores"}, "image": {"alt": "Dot plot in two groups, teachers and students, with a column for each kind and a marker per held-out person.", "classes": "dark-light"}}
figures.moment_scores(runs, called)

# %% [markdown]
# ## On the same person
#
# Differences are paired by held-out person; with intervals in the full profile. The control of each student is the student of labels alone: as many epochs, the same order of windows. The
# training of a teacher is extra, and that of the linear one is small. Beside it stands *2x*: labels alone for as many steps as student and teacher take together.

# %%
found = moments.contrasts(runs, studies.whole("moments", scope))

# %% mystnb={"figure": {"caption": "Differences in accuracy and NLL (lower is better): teachers against the image teacher, students against the student of labels alone.", "name": "fig-moment-effects"}, "image": {"alt": "A row per comparison of two networks, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(found)

# %% tags=["nbval-check-output"]
shown = found.set_index(["what", "metric"])[["effect", "low", "high", "n"]]
shown.round(4).dropna(axis="columns")

# %% [markdown]
# ## Are they right on the same windows?
#
# Two teachers of one accuracy may know different things. Shares of windows on which both, only the image teacher (*first*), only the linear one (*second*), or none is right:

# %%
teachers = runs[runs["role"] == "teacher"]
by_kind = dict(tuple(teachers.groupby("network")))

# %% tags=["nbval-check-output"]
first, second = by_kind["WRN16-1"], by_kind["linear, on moments"]
agreement.table(first, second, data).round(3)

# %% [markdown]
# ## Which moments weigh most?
#
# What a linear teacher answers can be taken apart. A moment moves the logits by its weight times how much it varies between windows; the figure shows that, averaged over
# folds. Weights are read back from the answers by least squares, which is exact up to rounding where windows outnumber moments. (Moments of one image go together, so a weight says what the
# teacher uses, not what alone would suffice.)

# %%
moved, fit = moments.influences(runs, data)

# %% mystnb={"figure": {"caption": "How far each moment (column) of each channel (row) moves the logits of the linear teacher: root mean square over classes, mean over folds.", "name": "fig-moment-weights"}, "image": {"alt": "Heat map with a row per channel and ten columns, one per moment, darker where the moment moves the logits more.", "classes": "dark-light"}}
figures.moment_weights(moved, POWERS, recordings.channels)

# %% tags=["nbval-check-output"]
order = np.argsort(-moved.mean(axis=0))
print("strongest first:", ", ".join("M_{}{}".format(*POWERS[i]) for i in order))
print(f"variance of the logits explained: {fit:.3f}")

# %% tags=["remove-cell"]
guess = moments.majority(runs, data)
told = moments.answers(networks, found, guess, moved)
report(told | {"on": dataset})

# %% [markdown]
# ## In this build
#
# Folds compared: {glue:text}`n`. The linear teacher has {glue:text}`parameters` parameters; the moment that moves its logits most is {glue:text}`strongest`. Its student against the image teacher's:
# {glue:text}`linear_or_image`. Pooling the image teacher's maps by moments, against their mean: {glue:text}`pooled`. The students' accuracies: labels alone
# {glue:text}`scratch:.1f` %, from the image teacher {glue:text}`from_image:.1f` %, from the linear one {glue:text}`from_linear:.1f` %.
#
# ## A sceptical reader asks
#
# - *Does it cost nothing?* The classifier does. The diagram and the image in front of it cost what they cost for any image teacher ({doc}`13_cost`); moments could be taken from the pairs without an image.
# - *Is the linear teacher's training fair?* It has the schedule and the learning rate that were chosen for networks, not for it. Its accuracy may be too low for that; it is not too high.
# - *The teacher reads normalised images. Are these the same moments?* Normalising subtracts a constant and divides by another, per channel; both go through a linear classifier.
# - *Why does a weak teacher not always hurt?* Soft targets also regularise; {doc}`07_smoothness` asks how much of a teacher is that. A student of labels alone with smoothed labels is a control that this chapter lacks.
# - *Is it deep geometric moments?* No. That network learns its bases and warps its coordinates; nothing here says anything about it.

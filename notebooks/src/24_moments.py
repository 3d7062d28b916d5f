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
# ```{admonition} Answer
# :class: tip
# Goal: find out how much of the image teacher's knowledge is in ten readable numbers per channel. On {glue:text}`on` a linear teacher on these numbers reaches
# {glue:text}`linear_teacher:.1f` % with {glue:text}`cheaper:.0f` times fewer multiply-adds than the image teacher ({glue:text}`image_teacher:.1f` %; majority
# class {glue:text}`majority:.1f` %). As a teacher it changes the student's accuracy by {glue:text}`taught_linear` against labels alone.
# ```
#
# The idea is *inspired* by deep geometric moments {cite}`singh2023moments`, which learn the functions that weigh an image. Here these functions are fixed: the
# classical monomials. The pooling below is *inspired* by it too, without its warped coordinates and levels. Which moments we take, and what reads them, are our
# choices ({doc}`../book/defaults`).

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
channel: int = 0  # whose moments are drawn

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from mixkd import figures, studies, topology
from mixkd.analysis import agreement, effects, moments
from mixkd.book.notebook import check_index, check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.learning.moments import POWERS
from mixkd.specs.run import ImageSpec

check_parameters(globals())

# %%
scope = studies.Scope(dataset, profile, seed)
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
# There are ten. In a persistence image $x$ is birth and $y$ lifetime (persistence), so the first three can be read: $M_{00}$ is the mass, the total persistence
# of all valleys; $M_{10} / M_{00}$ is the mean birth and $M_{01} / M_{00}$ the mean lifetime, each valley weighted by its persistence. Moments of second order
# describe how births and lifetimes spread and go together, those of third order how skewed they are. The pairs of a diagram give nearly the same numbers without
# an image: the Gaussians lose something at the edges of the grid, and pairs beyond it are moved there. {doc}`01_data` explains the names of the classes.

# %%
part = data[0]
grid = topology.Grid.fit(part.diagrams["train"], ImageSpec())
images = topology.images(part.diagrams["train"], grid)
numbers = moments.readable(images, grid)[:, channel]

# %% tags=["nbval-check-output"]
pairs = part.diagrams["train"].of(0, channel)
names = ("total persistence", "mean birth", "mean lifetime")
direct = moments.from_pairs(pairs)
same = pd.DataFrame({f"image, {unit}": numbers[0], f"pairs, {unit}": direct})
readable(same.set_index(pd.Index(names, name="of the first window")))

# %% mystnb={"figure": {"caption": "Two of the ten numbers, for one channel: a dot per training window, a large one at the median of each class. Classes differ in them, and overlap.", "name": "fig-moment-centres"}, "image": {"alt": "Mean lifetime over mean birth, coloured by class: the clouds of classes overlap, and the medians of some lie apart.", "classes": "dark-light"}}
figures.moment_centres(numbers, part.splits["train"].y, recordings.classes, unit)

# %% [markdown]
# ## Three teachers
#
# The **image** teacher is the WRN16-1 of the other chapters. The **linear** teacher standardises the moments of the same images and applies one matrix. The
# **pooled** teacher is that WRN16-1 with the last maps pooled to ten moments each; the usual network takes their mean, $M_{00}$ (the full build on `watch` has
# it). Each teaches a student on signals by ordinary distillation.

# %%
runs = studies.load("moments", scope)
called = moments.names(runs)
networks = moments.table(runs, data)

# %% tags=["nbval-check-output"]
readable(
    networks.assign(sd=(100 * networks["sd"]).map("{:.1f}".format)),
    names={"name": "network", "sd": "SD over people, points", "n": "people"},
)

# %% [markdown]
# Parameters and multiply-adds are those of the network in the row. All students are one network and cost the same at run time. All numbers are of one seed; other
# chapters average all published seeds, so the same student has slightly other numbers there.

# %% mystnb={"figure": {"caption": "Accuracy of the teachers (left of the dotted line) and of the students by teacher (right of it), a dot and its line per held-out person, one seed; bar: mean, the line through it its 95 percent interval.", "name": "fig-moment-scores"}, "image": {"alt": "Accuracy. Teachers: image {image_teacher:.1f} %, linear {linear_teacher:.1f} %. Students: labels alone {scratch:.1f} %, from the image teacher {from_image:.1f} %, from the linear one {from_linear:.1f} %.", "classes": "dark-light"}}
figures.moment_scores(runs, called)

# %% [markdown]
# ## On the same person
#
# The control of each student is the student of labels alone: as many epochs, the same order of windows. The teacher's training is extra; that of the linear one
# is small. *2x* is labels alone for as many steps as student and teacher take together.

# %%
differences = moments.contrasts(runs, studies.whole("moments", scope))

# %% mystnb={"figure": {"caption": "Differences in accuracy and NLL (lower is better): teachers against the image teacher, students against the student of labels alone, on the same held-out person, one seed. Diamond: mean; bar: 95 percent interval over folds, where all people were trained.", "name": "fig-moment-effects"}, "image": {"alt": "Against labels alone, the student of the image teacher differs by {taught_image} of accuracy and that of the linear teacher by {taught_linear}.", "classes": "dark-light"}}
figures.effects(differences)

# %% tags=["nbval-check-output"]
readable(effects.in_words(differences, ["what"]))

# %% [markdown]
# ## Are they right on the same windows?
#
# Equally accurate teachers may know different things. The table has the share of each person's windows, in per cent, on which both teachers are right, one
# of them, or none.

# %%
teachers = runs[runs["role"] == "teacher"]
by_kind = dict(tuple(teachers.groupby("network")))

# %% tags=["nbval-check-output"]
first, second = by_kind["WRN16-1"], by_kind["linear, on moments"]
right = agreement.table(first, second, data).set_index("subject")
readable(
    right,
    metric="share",
    names={"first": "only image", "second": "only linear"},
)

# %% [markdown]
# ## Which moments weigh most?
#
# A linear teacher can be taken apart. A moment moves the logits by its weight times its spread over windows; the figure shows this product, averaged over
# folds. Least squares reads the weights back from the logits, exactly up to rounding where windows outnumber moments. Moments of one image are correlated: a
# weight says what the teacher uses, not what would suffice alone.

# %%
moved, fit = moments.influences(runs, data)

# %% mystnb={"figure": {"caption": "How far each moment (column) of each channel (row) moves the logits of the linear teacher: root mean square over classes, mean over folds. Darker: more.", "name": "fig-moment-weights"}, "image": {"alt": "Heat map of channels and ten moments. On average over channels {strongest} moves the logits most.", "classes": "dark-light"}}
figures.moment_weights(moved, POWERS, recordings.channels)

# %% tags=["nbval-check-output"]
order = np.argsort(-moved.mean(axis=0))
ranked = pd.DataFrame({"moment": [moments.symbol(POWERS[i]) for i in order]})
ranked["moves logits by"] = moved.mean(axis=0)[order]
readable(ranked)

# %% tags=["remove-cell"]
guess = moments.majority(runs, data)
values = moments.answers(networks, differences, guess, moved)
report(values | {"on": dataset, "fit": 100 * fit})

# %% [markdown]
# ## What came out
#
# *How much of the image teacher is in the moments?* The linear teacher, with {glue:text}`parameters` parameters, has {glue:text}`share:.0f` % of the image
# teacher's lead over the majority class. Its weights explain {glue:text}`fit:.0f` % of the variance of its logits, and {glue:text}`strongest` moves them most.
#
# *Does it teach?* Its student differs from labels alone by {glue:text}`taught_linear`; {glue:text}`clear`. From the image teacher's student it differs by
# {glue:text}`linear_or_image`. Folds compared: {glue:text}`n`.
#
# *How good are the students?* Labels alone {glue:text}`scratch:.1f` %, from the image teacher {glue:text}`from_image:.1f` %, from the linear one
# {glue:text}`from_linear:.1f` %.
#
# *Does pooling by moments help the image teacher?* Against pooling by the mean: {glue:text}`pooled`.
#
# These are effects with intervals; the corrected tests are in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Does it cost nothing?* The classifier does. The diagram and the image in front of it cost what they cost for any image teacher ({doc}`13_cost`); moments
#   could be taken from the pairs without an image.
# - *Is the linear teacher's training fair?* It has the schedule and the learning rate that were chosen for networks, not for it. It could do better with its own.
# - *The teacher reads normalised images. Are these the same moments?* Yes, for a linear classifier: normalising subtracts a constant per channel and divides by
#   another.
# - *Why does a weak teacher not always hurt?* Soft targets also regularise; {doc}`07_smoothness` asks how much. This chapter lacks a control with smoothed labels.
# - *Is it deep geometric moments?* No. That network learns its bases and warps its coordinates; nothing here says anything about it.
#
# ## Takeaways
#
# - Before training an image network, try a linear classifier on moments: here it has {glue:text}`linear_teacher:.1f` % where the network has
#   {glue:text}`image_teacher:.1f` %.
# - Measure a teacher by its student, not by its own accuracy: that of the linear teacher differs from labels alone by {glue:text}`taught_linear`;
#   {glue:text}`clear`.
# - $M_{00}$, $M_{10}$ and $M_{01}$ of a persistence image are total persistence, mean birth and mean lifetime: numbers that can be discussed with a domain expert.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-moments-count
#
# How many moments $M_{pq}$ have $p + q \le k$? How many weights does a linear teacher need for $c$ channels and $m$ classes with $k = 3$, biases included?
# ```
#
# ```{solution} ex-moments-count
# :class: dropdown
#
# For each sum $s$ there are $s + 1$ pairs, so $\sum_{s=0}^{k} (s + 1) = (k + 1)(k + 2) / 2$, which is 10 for $k = 3$. Each class has $10 c$ weights and one
# bias: $m (10 c + 1)$.
# ```
#
# ````{exercise}
# :label: ex-moments-pairs
#
# A diagram has the pairs $(0, 1)$ and $(2, 5)$. Compute its total persistence, mean birth and mean lifetime, then check them with `moments.from_pairs`.
# ````
#
# ````{solution} ex-moments-pairs
# :class: dropdown
#
# ```python
# import numpy as np
# from mixkd.analysis import moments
#
# print(moments.from_pairs(np.array([[0.0, 1.0], [2.0, 5.0]])))
# ```
#
# Lifetimes are 1 and 3, so total persistence is 4. Weighted by lifetime, the mean birth is $(1 \cdot 0 + 3 \cdot 2) / 4 = 1.5$ and the mean lifetime
# $(1 \cdot 1 + 3 \cdot 3) / 4 = 2.5$.
# ````

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Mixup
#
# ```{admonition} Claim
# :class: tip
# Mixup can act when the teacher is trained and when the student is. It helps students on average, but a teacher trained with mixup can be the
# better network and the worse teacher (H1, H4, H7).
# ```
#
# Mixup makes new training examples out of pairs: a mixture of two windows, with the same mixture of their labels {cite}`zhang2018`. In distillation it can
# enter twice, which gives four cases {cite}`choi2023`: **T & S** (nowhere), **Mix-T & S** (the teacher was trained with it), **T & Mix-S** (the
# distillation uses it) and **Mix-T & Mix-S** (both).
#
# To mix two windows yourself: {doc}`../book/try`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
import numpy as np

from mixkd import figures, studies, topology
from mixkd.analysis import answers
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.learning.streams import mix, stream
from mixkd.rng import generator
from mixkd.specs.run import ImageSpec, Mixup

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %% [markdown]
# ## One draw mixes everything
#
# For a pair of windows $i, j$ and a coefficient $\lambda \sim \mathrm{Beta}(a, a)$:
#
# $$ \tilde x = \lambda x_i + (1 - \lambda) x_j, \qquad \tilde y = \lambda y_i + (1 - \lambda) y_j . $$ (eq-mixup)
#
# A **draw** fixes rows, partners and coefficients of one step; a **stream** is all draws of a training, a pure function of the seed. Student and teachers get
# the *same* draw, so signal, image and label stay paired, and a teacher's answers along a stream can be computed once and reused by every student
# on it.
#
# ````{prf:algorithm} One training step of a student with mixup
# :label: alg-step
# **Inputs** a batch of windows $x$ with persistence images $g$ and labels $y$; a student; teachers; $a$, $T$, $w$, $v_m$
#
# **Output** updated weights of the student
#
# 1. Draw a partner for every row of the batch, and a coefficient $\lambda \sim \mathrm{Beta}(a, a)$ for each of them.
# 2. Mix windows, images and labels with the same partners and coefficients: $\tilde x$, $\tilde g$, $\tilde y$ {eq}`eq-mixup`.
# 3. Compute the student's logits $z_S$ of $\tilde x$, and each teacher's $z_{T,m}$ of $\tilde x$ or $\tilde g$; the teachers stay as they are.
# 4. Compute the loss $L$ from $z_S$, $\tilde y$ and all $z_{T,m}$ {eq}`eq-loss`.
# 5. Change the student's weights by one step of SGD with momentum on $L$.
# ````

# %%
data = next(iter(studies.data(scope).values()))
recordings = entry_of(dataset).load()
train = data.splits["train"]
own, partner = train.x[0, 0], train.x[len(train) // 2, 0]

# %% mystnb={"figure": {"caption": "Two windows of one channel (pale) and their mixtures (green); above each, the proportions.", "name": "fig-mixture"}, "image": {"alt": "Three line plots in which a green curve moves from one pale curve to the other.", "classes": "dark-light"}}
figures.mixed_window(
    own, partner, (0.9, 0.5, 0.1), rate=recordings.rate, unit=recordings.units[0]
)

# %%
size = min(64, len(train))
streams = {
    a: stream(len(train), size, 1, Mixup(a), seed=seed) for a in studies.ALPHAS
}

# %% mystnb={"figure": {"caption": "Coefficients of one epoch (bars) and the Beta density they come from: small alpha mixes little, alpha = 1 mixes anything.", "name": "fig-beta"}, "image": {"alt": "Three histograms with curves: U-shaped for alpha 0.2 and 0.4, flat for alpha 1.", "classes": "dark-light"}}
figures.beta_densities(studies.ALPHAS, streams)

# %% tags=["nbval-check-output"]
draw = streams[1.0][0]
print("rows        ", draw.rows[:5])
print("partners    ", draw.partners[:5])
print("coefficients", draw.coefficients[:5].round(3))

# %% [markdown]
# ## The four cases

# %%
runs = studies.load("mixup", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student in the four cases, by teacher, on held-out people (one marker each, bar: mean). Left: no teacher, without (S) and with (Mix-S) mixup.", "name": "fig-four-cases"}, "image": {"alt": "Dot plot in four groups: no teacher, signal teacher, image teacher and both; four coloured cases in each.", "classes": "dark-light"}}
figures.four_cases(runs)

# %% tags=["nbval-check-output"]
table = runs.pivot_table(
    index="case", columns="teachers", values="accuracy", sort=False
)
table.round(3).fillna("")

# %% [markdown]
# Compared on the same person, fold and seed, with T & S as zero:

# %% mystnb={"figure": {"caption": "Change of accuracy (left, points) and NLL (right, nats; lower is better) against T & S, on the same held-out person.", "name": "fig-case-gain"}, "image": {"alt": "Two dot plots around zero, accuracy and NLL, for three cases of mixup, coloured by teacher, a marker per held-out person.", "classes": "dark-light"}}
figures.case_gain(runs)

# %% [markdown]
# Averaged over teachers and held-out people: T & S {glue:text}`acc_T_S:.1f` % (NLL {glue:text}`nll_T_S:.2f`), Mix-T & S {glue:text}`acc_MixT_S:.1f` %
# ({glue:text}`nll_MixT_S:.2f`), T & Mix-S {glue:text}`acc_T_MixS:.1f` % ({glue:text}`nll_T_MixS:.2f`), Mix-T & Mix-S
# {glue:text}`acc_MixT_MixS:.1f` % ({glue:text}`nll_MixT_MixS:.2f`). Without any teacher, mixup changed
# the student by {glue:text}`alone_gain:+.1f` points, and its NLL from {glue:text}`nll_S:.2f` to {glue:text}`nll_MixS:.2f`.
#
# Is the better network the better teacher? Mixup changed the *teachers* by {glue:text}`teacher_gain:+.1f` points, and the students *of* those teachers by
# {glue:text}`mixt_gain:+.1f` points.
#
# ## How strong?
#
# The students below learn from the two plain teachers, with mixup of growing strength.

# %%
strength = studies.load("alpha", scope)
without = runs[(runs["teachers"] == "both") & (runs["case"] == "T & S")]

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student of both teachers against alpha (left in each: no mixup); a marker per held-out person, bar: mean.", "name": "fig-alpha"}, "image": {"alt": "Two dot plots, accuracy and NLL, with a column for no mixup and one for each alpha, a marker per held-out person.", "classes": "dark-light"}}
figures.alphas(strength, without)

# %% tags=["nbval-check-output"]
strength.pivot_table(index="alpha", values=["accuracy", "nll", "ece"]).round(3)

# %% [markdown]
# ## One setting for both teachers?
#
# A mixture of two windows looks like neither; its persistence image mixes two pictures that each make sense. So the best mixup need not be the same for the two teachers.
# Below one teacher is trained with mixup of some strength, or on some share of each batch; its student sees no mixup. In `full` only.

# %%
settings = studies.load("teacher_mixup", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student against the mixup that trained its one teacher: strength (left) and share of each batch (right), means over held-out people, one seed.", "name": "fig-teacher-mixup"}, "image": {"alt": "Two line plots, a line for the signal and the image teacher, or a note that there is nothing to show.", "classes": "dark-light"}}
figures.teacher_mixup(settings)

# %% tags=["nbval-check-output"]
uneven = settings[settings["teachers"] == "both"]
scores = uneven.astype({"accuracy": float}).groupby("mixed_teachers")["accuracy"]
by_mixed = scores.mean().round(3).to_dict()
print("mixup in:", by_mixed or "needs the full profile")

# %% [markdown]
# ## The image of a mixture
#
# An image teacher raises a question that signals do not: is the image of a mixed window the mixture of the two images? No: topology is not linear. The default
# mixes images (`linear`), a declared choice; `recompute` mixes the signals and draws the image of the mixture.

# %%
half = np.full(200, 0.5, np.float32)
pairs = generator(seed, "pairs").integers(0, len(train), (2, 200))
mixture = mix(train.x[pairs[0]], train.x[pairs[1]], half)
grid = topology.Grid.fit(data.diagrams["train"], ImageSpec())
recomputed = topology.images(topology.diagrams(mixture), grid)
own, other = (topology.images(data.diagrams["train"], grid, rows) for rows in pairs)
linear = mix(own, other, half)

# %%
gap = np.linalg.norm((linear - recomputed).reshape(200, -1), axis=1)
distance = gap / np.linalg.norm(recomputed.reshape(200, -1), axis=1)

# %% mystnb={"figure": {"caption": "Half-and-half mixture of two windows of one channel: mixture of their images, image of their mixture, and the relative distance of the two over 200 pairs.", "name": "fig-image-gap"}, "image": {"alt": "Two small heat maps, the mixture of images and the image of the mixture, and a histogram of their relative distance.", "classes": "dark-light"}}
figures.image_gap(linear[0, 0], recomputed[0, 0], distance)

# %% [markdown]
# Does the choice matter to students? In `full` only: their accuracy on held-out people, mean over folds and seeds.

# %%
how = studies.load("image_mixing", scope)

# %% tags=["nbval-check-output"]
print("median relative distance", np.median(distance).round(3))
seen = how.astype({"accuracy": float}).groupby("image_mixing")["accuracy"]
print("students:", seen.mean().round(3).to_dict() or "need the full profile")

# %% tags=["remove-cell"]
teachers = studies.load("teachers", scope)
report(answers.mixup(runs, teachers) | {"on": dataset})

# %% [markdown]
# ## In this build
#
# Mixup in the distillation {glue:text}`helps` the accuracy of students ({glue:text}`student_gain:+.1f` points on average over teachers and held-out people; H1). The
# better network that is the worse teacher {glue:text}`paradox` on average over both kinds of teachers; for the signal teacher, of which H4 speaks, mixup changed the
# network by {glue:text}`h4_teacher:+.1f` points and its students by {glue:text}`h4_student:+.1f`. These are points; verdicts are in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Do the four cases see the same windows?* Students of a fold and seed share order, partners and, where both mix, coefficients: they differ in the case alone.
# - *Is alpha tuned?* No. The values are those of the group's mixup study; the claims use the strongest, its default.
# - *Accuracy or NLL?* They can disagree: a mixed student is often less sure and no less right. Both are shown, and the claims say which they mean.

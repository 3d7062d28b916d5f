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
# Mixup in the distillation helps students on average (H1). A teacher trained with mixup is the better network and the worse teacher (H4). Signal and image teachers need
# different mixup (H7).
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
import pandas as pd

from mixkd import datasets, figures, studies, topology
from mixkd.analysis import adaptive, answers, effects
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.learning.streams import mix, stream
from mixkd.rng import generator
from mixkd.specs.run import ImageSpec, Mixup

check_parameters(globals())

# %% [markdown]
# ## One draw mixes everything
#
# For a pair of windows $i, j$ and a coefficient $\lambda \sim \mathrm{Beta}(a, a)$, where $a$ is what figures, tables and code call *alpha*:
#
# $$ \tilde x = \lambda x_i + (1 - \lambda) x_j, \qquad \tilde y = \lambda y_i + (1 - \lambda) y_j . $$ (eq-mixup)
#
# A **draw** fixes rows, partners and coefficients of one step; a **stream** is all draws of a training and depends on the seed alone. Student and teachers get the *same*
# draw, so signal, image and label stay paired, and a teacher's answers along a stream are computed once and reused by every student.
#
# ````{prf:algorithm} One training step of a student with mixup
# :label: alg-step
# **Inputs** a batch of windows $x$ with persistence images $g$ and labels $y$; a student; teachers; $a$, $T$, $w$, $v_m$
#
# **Output** updated weights of the student
#
# 1. Draw a partner for every row of the batch, and a coefficient $\lambda \sim \mathrm{Beta}(a, a)$ for each of them.
# 2. Mix windows, images and labels with the same partners and coefficients: $\tilde x$, $\tilde g$, $\tilde y$ {eq}`eq-mixup`.
# 3. Compute the student's logits $z_S$ of $\tilde x$, and each teacher's $z_m$ of $\tilde x$ or $\tilde g$; the teachers stay as they are.
# 4. Compute the loss $L$ from $z_S$, $\tilde y$ and all $z_m$ {eq}`eq-loss`.
# 5. Change the student's weights by one step of SGD with momentum on $L$.
# ````

# %%
scope = studies.Scope(dataset, profile, seed, alpha)
data = next(iter(studies.data(scope).values()))
recordings = datasets.dataset(dataset).load()
train = data.splits["train"]
own, partner = train.x[0, 0], train.x[len(train) // 2, 0]

# %% mystnb={"figure": {"caption": "Two windows of one channel (pale) and their mixture (green) for three coefficients; above each panel, the proportions.", "name": "fig-mixture"}, "image": {"alt": "As the coefficient falls from 0.9 to 0.1, the mixture of two windows moves from one window to the other; at 0.5 it looks like neither.", "classes": "dark-light"}}
figures.mixed_window(
    own, partner, (0.9, 0.5, 0.1), rate=recordings.rate, unit=recordings.units[0]
)

# %%
size = min(64, len(train))
streams = {
    a: stream(len(train), size, 1, Mixup(a), seed=seed) for a in studies.ALPHAS
}

# %% mystnb={"figure": {"caption": "Coefficients of one epoch (bars) and the Beta density they come from: small alpha mixes little, alpha = 1 mixes anything.", "name": "fig-beta"}, "image": {"alt": "Coefficients pile up near 0 and 1 for alpha 0.2 and 0.4, so most mixtures are close to one window; for alpha 1 all coefficients are equally frequent.", "classes": "dark-light"}}
figures.beta_densities(studies.ALPHAS, streams)

# %% [markdown]
# The first step of a stream, mixed:

# %% tags=["teach"]
draw = streams[1.0][0]
mixed = mix(train.x[draw.rows], train.x[draw.partners], draw.coefficients)

# %% tags=["nbval-check-output"]
first = {"row": draw.rows, "partner": draw.partners, "λ": draw.coefficients}
readable(pd.DataFrame(first)[:5])

# %% [markdown]
# ## The four cases

# %%
runs = studies.load("mixup", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student in the four cases, by teacher. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval. Left: no teacher, without (S) and with (Mix-S) mixup.", "name": "fig-four-cases"}, "image": {"alt": "Accuracy of the student, mean over teachers and held-out people: T & S {acc_T_S:.1f} %, Mix-T & S {acc_MixT_S:.1f} %, T & Mix-S {acc_T_MixS:.1f} %, Mix-T & Mix-S {acc_MixT_MixS:.1f} %; without a teacher S {acc_S:.1f} %, Mix-S {acc_MixS:.1f} %.", "classes": "dark-light"}}
figures.four_cases(runs)

# %% [markdown]
# Changes on the same person, fold and seed, with T & S as zero:

# %% mystnb={"figure": {"caption": "Change of accuracy (first panel, points) and NLL (second panel, nats; lower is better) against T & S. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-case-gain"}, "image": {"alt": "Against T & S, mean over teachers: mixup in the distillation changes accuracy by {student_gain:+.1f} points, mixup in the teacher by {mixt_gain:+.1f}. NLL goes from {nll_T_S:.2f} to {nll_T_MixS:.2f} and {nll_MixT_S:.2f} nats.", "classes": "dark-light"}}
figures.case_gain(runs)

# %% [markdown]
# NLL of the student, nats:

# %% tags=["nbval-check-output"]
nll = runs.pivot_table(index="case", columns="teachers", values="nll", sort=False)
names = {"none": "no teacher", "signal": "signal teacher"}
names |= {"image": "image teacher", "both": "both teachers"}
readable(nll, metric="nll", names=names)

# %% [markdown]
# ## How strong?
#
# Students of the two plain teachers, with mixup of growing strength:

# %%
strength = studies.load("alpha", scope)
without = runs[(runs["teachers"] == "both") & (runs["case"] == "T & S")]

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student of both teachers against alpha (left in each: no mixup). A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-alpha"}, "image": {"alt": "Accuracy of the student of both teachers by alpha: {by_alpha}; without mixup {no_mixup:.1f} %.", "classes": "dark-light"}}
figures.alphas(strength, without)

# %% tags=["nbval-check-output"]
scores = strength.pivot_table(index="alpha", values=["accuracy", "nll", "ece"])
readable(scores.rename("{:g}".format))

# %% [markdown]
# ## One setting for both teachers?
#
# Mixtures of windows and mixtures of persistence images are different things, so the best mixup need not be the same for both teachers. Below, one teacher is trained with
# mixup of some strength, or on some share of each batch; its student sees no mixup. One seed; shown only if every person was tested.

# %%
settings = studies.load("teacher_mixup", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student against the mixup that trained its one teacher: strength (first panel) and share of each batch (second panel). Means over held-out people with 95 percent intervals, one seed.", "name": "fig-teacher-mixup"}, "image": {"alt": "Accuracy of the student by the share of each batch that its teacher mixed. Signal teacher: {signal_shares}. Image teacher: {image_shares}.", "classes": "dark-light"}}
figures.teacher_mixup(settings)

# %%
strongest = settings["teacher_alpha"] == settings["teacher_alpha"].max()
one = settings[strongest | (settings["mixed_teachers"] == "none")]
one = one.fillna({"teacher_share": 0.0})
parts = {by: one[one["teachers"] == by] for by in ("signal", "image")}
sweeps = {
    f"{by}_shares": answers.by_setting(part, "teacher_share")
    for by, part in parts.items()
}
two = settings[settings["teachers"] == "both"].replace(adaptive.WHERE)
sweeps["by_mixed"] = answers.by_setting(two, "mixed_teachers")

# %% [markdown]
# ## Can a validation person choose?
#
# The paper leaves an *adaptive* mixup to future work. The simplest one takes, in each fold, the setting whose student has the lowest NLL on the validation person, and is scored on the unseen person. It is
# compared with three fixed choices: no mixup, full mixup, and the setting with the lowest mean NLL on the *other* unseen people. With two teachers, the choice is which of them is trained with mixup. The criterion
# was fixed before the choices were scored, and nothing new was trained for it. Mean NLL of each setting (one seed), and the number of folds in which it is chosen on the validation person (*chosen*), or from the
# other unseen people (*fixed*):

# %% tags=["nbval-check-output"]
candidates = adaptive.candidates(settings)
names = {"validation_nll": "NLL of validation people, nats"}
names |= {"nll": "NLL of unseen people, nats"}
readable(adaptive.counts(candidates), names=names)

# %% [markdown]
# What the choice changes for the unseen person, with intervals over people:

# %% tags=["nbval-check-output"]
chosen = adaptive.table(candidates)
readable(effects.in_words(chosen), names={"what": "setting chosen"})

# %% [markdown]
# ## The image of a mixture
#
# Is the image of a mixed window the mixture of the two images? No: topology is not linear. The default mixes images (`linear`); `recompute` mixes the signals and computes
# the image of the mixture.

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

# %% mystnb={"figure": {"caption": "Two windows of one channel, mixed half and half: mixture of their images, image of their mixture, and the relative distance of the two for 200 pairs.", "name": "fig-image-gap"}, "image": {"alt": "The image of a mixture is far from the mixture of the images: the median distance of 200 pairs is {gap:.0f} % of the norm of the image.", "classes": "dark-light"}}
figures.image_gap(linear[0, 0], recomputed[0, 0], distance)

# %%
how = studies.load("image_mixing", scope)
strengths = {
    "by_alpha": answers.by_setting(strength, "alpha"),
    "no_mixup": 100 * without["accuracy"].mean(),
    "by_mixing": answers.by_setting(how, "image_mixing"),
    "gap": 100 * np.median(distance),
    "on": dataset,
}
by_teacher = runs.pivot_table("accuracy", index="case", columns="teachers")
image_gain = 100 * by_teacher["image"].loc[["T & S", "Mix-T & S"]].diff().iloc[-1]

# %% tags=["remove-cell"]
teachers = studies.load("teachers", scope)
values = answers.mixup(runs, teachers) | sweeps | strengths
values |= {"adaptive": adaptive.sentence(chosen)}
report(values | {"h7_image": image_gain})

# %% [markdown]
# ## What came out
#
# *Does mixup in the distillation help students?* It {glue:text}`helps` their accuracy: {glue:text}`student_gain:+.1f` points on average over teachers and people (H1). NLL
# goes from {glue:text}`nll_T_S:.2f` to {glue:text}`nll_T_MixS:.2f` nats. Without any teacher it changes accuracy by {glue:text}`alone_gain:+.1f` points and NLL from
# {glue:text}`nll_S:.2f` to {glue:text}`nll_MixS:.2f`.
#
# *Is the better network the worse teacher?* Mixup changes the signal teacher by {glue:text}`h4_teacher:+.1f` points and its students by {glue:text}`h4_student:+.1f` (H4).
# Averaged over both kinds of teachers it is {glue:text}`teacher_gain:+.1f` and {glue:text}`mixt_gain:+.1f`. NLL of the students goes from {glue:text}`nll_T_S:.2f` to
# {glue:text}`nll_MixT_S:.2f` nats.
#
# *Do signal and image teachers need different mixup?* Mixup in the teacher changes students of the signal teacher by {glue:text}`h4_student:+.1f` points, those of the image
# teacher by {glue:text}`h7_image:+.1f` (H7). Accuracy of the student of two teachers by where mixup was, one seed: {glue:text}`by_mixed`.
#
# *Can a validation person choose the mixup of a teacher?* Against the best setting of the other people: {glue:text}`adaptive`.
#
# *How should images be mixed?* Mixture of images and image of the mixture differ by {glue:text}`gap:.0f` % (median). Accuracy of students: {glue:text}`by_mixing`.
#
# These are averages; {doc}`11_claims` tests H1, H4 and H7.
#
# ## A sceptical reader asks
#
# - *Do the four cases see the same windows?* Students of a fold and seed share order, partners and, where both mix, coefficients: they differ in the case alone.
# - *Is alpha tuned?* No. The values are those of the group's mixup study; the claims use the strongest, its default.
# - *Is one validation person enough to choose?* The first table shows how the choices of folds differ; the intervals of the second show what that costs. One seed; the rows are not corrected for multiple tests.
# - *Accuracy or NLL?* They can disagree: a mixed student is often less sure and no less right. Both are shown, and the claims say which they mean.
#
# ## Takeaways
#
# - Mixup in the distillation and mixup in the teacher's training are two methods. State which one was used.
# - Report NLL beside accuracy: mixup acts mostly on confidence.
# - Mix signal, image and label of a pair with the same coefficient, or they no longer belong together.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-mixup-uniform
#
# Let $a = 1$, so $\lambda$ is uniform on $[0, 1]$. On what share of the pairs does one window make up more than $90\,\%$ of the mixture? What share does the larger part have
# on average?
# ```
#
# ```{solution} ex-mixup-uniform
# :class: dropdown
#
# $P(\lambda > 0.9) + P(\lambda < 0.1) = 0.2$. The larger part $\max(\lambda, 1 - \lambda)$ is uniform on $[1/2, 1]$, so $3/4$ on average.
# ```
#
# ```{exercise}
# :label: ex-mixup-entropy
#
# How soft are mixed labels? Compute the mean entropy of the label of two windows of different classes, for each alpha of {numref}`fig-beta`. Check $a = 1$ by hand.
# ```
#
# ```{solution} ex-mixup-entropy
# :class: dropdown
#
# ~~~python
# from scipy.special import entr
#
# for a in studies.ALPHAS:
#     c = np.random.default_rng(0).beta(a, a, 100_000)
#     print(a, (entr(c) + entr(1 - c)).mean().round(2))
# ~~~
#
# It gives $0.23$, $0.35$ and $0.50$ nats. By hand, $-2 \int_0^1 \lambda \log \lambda \, d\lambda = 2 \cdot 1/4 = 1/2$.
# ```

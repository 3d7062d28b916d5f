# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Distillation
#
# ```{admonition} Claim
# :class: tip
# A small network on signals learns more from two teachers, one of signals and one of topology, than from either, and a student that
# starts from its own scratch training (Ann) does best (H8, H9). Part of that gain, we add, is simply more training.
# ```
#
# The student is WRN16-1 on signals, small enough for a watch. It learns from labels and from its teachers' answers. The default signal teacher has the same
# architecture: what it hands on is not size. {numref}`fig-capacity` has larger ones.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import agreement, answers, comparison, ensembles, features
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## The loss
#
# For a student with logits $z_S$ and a teacher with logits $z_T$, both softened by a temperature $T$ {cite}`hinton2015`:
#
# $$ \mathrm{kd} = T^2 \sum_c p_c \log \frac{p_c}{q_c}, \qquad p = \mathrm{softmax}(z_T / T), \quad q = \mathrm{softmax}(z_S / T), $$ (eq-kd)
#
# $$ L = (1 - w) \, \mathrm{CE}(z_S, y) + w \sum_m v_m \, \mathrm{kd}_m . $$ (eq-loss)
#
# `kd_weight` is $w$ (0.7, the group's setting for its own data set, GENEActiv), $c$ runs over classes and $m$ over teachers, CE is the cross entropy with the label
# $y$, and $v_{signal} = v_{image} = 1/2$ unless a page states other weights. The factor
# $T^2$ keeps the size of the gradient independent of the temperature.
#
# ## Methods and their controls
#
# | name | start | teachers | epochs in all |
# |---|---|---|---|
# | Scratch | random | none | one schedule |
# | Scratch 2x | Scratch | none | two |
# | Base | random | one or two | one |
# | Base 2x | Base | two | two |
# | Ann | Scratch | two | two |
#
# Ann ("annealing" in the group's papers) starts from a scratch-trained student, so it has trained **twice as long** as Base. Comparing it with Base
# alone would credit distillation with the epochs. *Base 2x* and *Scratch 2x* repeat their own schedule; they are the fair opponents.

# %%
runs = studies.load("distillation", scope)
main = runs[(runs["teachers"] != "signal") | (runs["temperature"] == 4)]
data = studies.data(scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student by method, on held-out people (one marker each, bar: mean), with total epochs.", "name": "fig-methods"}, "image": {"alt": "Dot plot of accuracy, a column for each of seven methods from Scratch to Ann, a marker per held-out person and a bar at the mean.", "classes": "dark-light"}}
figures.methods(main)

# %% tags=["nbval-check-output"]
keys = ["method", "teachers", "total_epochs"]
main.groupby(keys, sort=False)[["accuracy", "macro_f1", "nll"]].mean().round(3)

# %% [markdown]
# Means of held-out people spread by {glue:text}`sd_people:.1f` points (sd), means of methods by {glue:text}`sd_methods:.1f`. So the question is asked per person: how many points does a method
# gain on the *same* person over the scratch training with the *same* number of epochs?

# %% mystnb={"figure": {"caption": "Gain of each student over the scratch training with equal total epochs, per held-out person.", "name": "fig-gains"}, "image": {"alt": "Dot plot around a zero line, a column per method, a marker per held-out person and a bar at the mean.", "classes": "dark-light"}}
figures.gains(comparison.gains(main))

# %% [markdown]
# Means over held-out people: Scratch {glue:text}`Scratch_none:.1f` %, from the signal teacher {glue:text}`Base_signal:.1f` %, from the image teacher
# {glue:text}`Base_image:.1f` %, from both {glue:text}`Base_both:.1f` %, Ann {glue:text}`Ann_both:.1f` %. Ann minus Base is
# {glue:text}`ann_base:+.1f` points; against Base 2x, which trained as long, it is {glue:text}`ann_base2x:+.1f`. Repeating plain training
# gained {glue:text}`scratch_2x:+.1f` points by itself.
#
# ```{admonition} Read with care
# :class: warning
# One seed and two people (profile `quick`) show the size of things, not a verdict: another seed can move a single accuracy by more than methods differ.
# Intervals and verdicts need `full`.
# ```
#
# ## Whom does the student follow?
#
# The student of both teachers, on windows of held-out people: how often does it give the same answer as each teacher, where that teacher is right and where it is wrong?

# %%
teachers = studies.load("teachers", scope)
both = main[(main["method"] == "Base") & (main["teachers"] == "both")]
followed = agreement.followed(both, teachers, data)

# %% mystnb={"figure": {"caption": "Share of windows on which the student of both answers as its teacher does, where the teacher is right (left) and wrong (right).", "name": "fig-followed"}, "image": {"alt": "Two dot plots, teacher right and teacher wrong, with a column for the signal and the image teacher and a marker per held-out person.", "classes": "dark-light"}}
figures.followed(followed)

# %% tags=["nbval-check-output"]
followed.pivot_table(index="modality", columns="where", values="share").round(3)

# %% [markdown]
# ## Is it topology, or a second opinion?
#
# Two networks whose probabilities are averaged are often better than one, whatever they see. So the pair of signal and image teacher is set beside a pair of two signal networks that differ in their draws alone (the
# teacher and the plain student), and the student of both beside what its teachers reach together. Differences in accuracy as a fraction of one, on the same people:

# %%
plain = teachers[(teachers["share"] == 0) & (teachers["network"] == "WRN16-1")]
signal, image = (plain[plain["modality"] == m] for m in ("signal", "image"))
other = main[(main["method"] == "Scratch") & (main["teachers"] == "none")]
reached = ensembles.accuracies(
    signal, image=image, other=other, student=both, data=data
)
together = ensembles.differences(reached, studies.whole("teachers", scope))

# %% tags=["nbval-check-output"]
together.round(3).dropna(axis="columns", how="all")

# %% [markdown]
# The image teacher beside the signal teacher brings {glue:text}`second_kind` to the pair, another signal network {glue:text}`second_seed`: the difference, which is what topology brings as a second opinion, is
# {glue:text}`kind_over_seed`. The student of both is {glue:text}`student_over_both` from its teachers together, and {glue:text}`student_over_signal` from the signal teacher alone, at a part of the cost of two networks.
#
# Which classes gain from two teachers, against the plain student?

# %%
scratch = main[(main["method"] == "Scratch")]
classes = entry_of(dataset).load().classes
by_class = agreement.class_gains(both, scratch, data, classes)

# %% mystnb={"figure": {"caption": "Points of recall that the student of both teachers gains over the plain student, by class, a marker per held-out person, bar: mean.", "name": "fig-class-gains"}, "image": {"alt": "Dot plot around a zero line with a column per class and a marker per held-out person.", "classes": "dark-light"}}
figures.class_gains(by_class)

# %% [markdown]
# ## Do they see the same likenesses?
#
# Two networks may agree in their answers and differ in what they find alike. A **similarity map** compares every window with every other by the features of the last layer.

# %%
first = min(data)
networks = {
    "signal teacher": teachers[teachers["modality"] == "signal"],
    "image teacher": teachers[teachers["modality"] == "image"],
    "plain student": scratch,
    "student of both": both,
}
y = data[first].splits["test"].y

# %%
maps = {}
for name, table in networks.items():
    one = table[(table["fold"] == first) & (table["seed"] == seed)]
    seen = tables.records(one)[0].arrays["test_features"]
    maps[name], labels = features.similarity_map(seen, y)

# %% mystnb={"figure": {"caption": "Cosine similarity of features of one held-out person's windows, sorted by class, in four networks (bright: alike).", "name": "fig-similarity"}, "image": {"alt": "Four square heat maps with blocks along the diagonal, one for each of two teachers and two students.", "classes": "dark-light"}}
figures.similarity_maps(maps, labels, classes)

# %% tags=["nbval-check-output"]
like = np.corrcoef(
    [values[np.triu_indices(len(labels), 1)] for values in maps.values()]
)
pd.DataFrame(like, list(maps), list(maps)).round(2)

# %% [markdown]
# ## Does a better teacher make a better student?

# %%
larger = studies.load("capacity", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student against accuracy of its teacher, means over held-out people; labels: depth and width of the teacher. The full profile adds image teachers and larger networks, those of depth 28 with one seed.", "name": "fig-capacity"}, "image": {"alt": "Scatter plot of the student's over the teacher's accuracy, coloured by modality and labelled with the size of the teacher.", "classes": "dark-light"}}
figures.capacity(larger, teachers)

# %% tags=["nbval-check-output"]
larger.pivot_table(
    index="teacher_network", columns=["teachers", "method"], values="accuracy"
).round(3)

# %% [markdown]
# ## How much to listen
#
# $w$ weighs teachers against labels, $v_{image}$ the image teacher against the signal teacher. The group sets both by data set: for PAMAP2 a
# $w$ of $0.99$, and for one of its sets more weight on the image, for the other on the signal. In `full` only.

# %%
listening = studies.load("weights", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student of both teachers against kd_weight and against the weight of the image teacher (thin: held-out people, thick: mean).", "name": "fig-weights"}, "image": {"alt": "Two line plots of accuracy over a weight, or a note that there is nothing to show.", "classes": "dark-light"}}
figures.weights(listening)

# %% [markdown]
# ## Temperature
#
# A high temperature shows the student how the teacher ranks the *wrong* classes; a low one only which class it prefers.

# %%
curve = runs[runs["teachers"] == "signal"]

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student of the plain signal teacher against the temperature (thin: held-out people, thick: mean).", "name": "fig-temperature"}, "image": {"alt": "Two line plots, accuracy and NLL, over the temperature, a thin line per held-out person and a thick one for the mean.", "classes": "dark-light"}}
figures.temperature(curve)

# %% tags=["nbval-check-output"]
curve.pivot_table(index="temperature", values=["accuracy", "nll", "ece"]).round(3)

# %% [markdown]
# {doc}`07_smoothness` returns to this curve: temperature and mixup smooth the same targets.

# %% tags=["remove-cell"]
report(answers.distillation(main) | ensembles.answers(together))

# %% [markdown]
# ## In this build
#
# Two teachers {glue:text}`two_best` the better single one (Base, mean over held-out people), and Ann {glue:text}`ann_best` of all methods. These are points, not
# verdicts: those are in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Was anything chosen on the people tested?* Not on those of `quick`. Schedule, learning rate and image size were chosen on five validation people of `watch`, whom `full` tests
#   too ({doc}`../book/defaults`); $w$ and $T$ are the group's, of other data.
# - *Is Ann better, or longer?* That is what Base 2x is for.
# - *Is the second teacher a second opinion, or just a second network?* {doc}`03_teachers` counts how often a second signal network would have been right instead.

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
# A student learns more from two teachers, one on signals and one on persistence images, than from either alone (H8); starting from its own scratch training (Ann) helps
# beyond the longer training (H9).
# ```
#
# The student is WRN16-1 on signals, small enough for a watch. It learns from labels and from the answers of its teachers. The default signal teacher is no larger than the
# student, so any gain is not due to size; {numref}`fig-capacity` has larger teachers.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from scipy.special import softmax

from mixkd import datasets, figures, studies
from mixkd.analysis import agreement, answers, comparison, ensembles, features
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## The loss
#
# For a student with logits $z_S$ and a teacher $m$ with logits $z_m$, both softened by a temperature $T$ {cite}`hinton2015`:
#
# $$ \mathrm{kd}_m = T^2 \sum_c p_c \log \frac{p_c}{q_c}, \qquad p = \mathrm{softmax}(z_m / T), \quad q = \mathrm{softmax}(z_S / T), $$ (eq-kd)
#
# $$ L = (1 - w) \, \mathrm{CE}(z_S, y) + w \sum_m v_m \, \mathrm{kd}_m . $$ (eq-loss)
#
# `kd_weight` is $w$ (0.7, the group's setting for its own data set, GENEActiv), $c$ runs over classes and $m$ over teachers, CE is the cross entropy with the label
# $y$, and $v_{signal} = v_{image} = 1/2$ unless a page states other weights. The factor
# $T^2$ keeps the size of the gradient about independent of the temperature. In code, for one window and three classes:

# %% tags=["teach"]
teacher, student = np.array([4.0, 2.0, 0.0]), np.array([1.0, 2.0, 0.0])
losses = {}
for T in (1, 2, 4, 8):
    p, q = softmax(teacher / T), softmax(student / T)
    losses[T] = [*p, T**2 * np.sum(p * np.log(p / q))]

# %% tags=["nbval-check-output"]
heads = ["soft target A", "soft target B", "soft target C", "kd"]
toy = pd.DataFrame(losses, heads).T.rename_axis("temperature")
readable(toy)

# %% [markdown]
# A high temperature shows how the teacher ranks the *wrong* classes; a low one only which class it prefers.
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
# Ann starts from a trained student, so it has trained **twice as long** as Base. Comparing it with Base alone would credit distillation with the epochs. *Base 2x* and
# *Scratch 2x* repeat their own schedule and are the fair opponents.

# %%
runs = studies.load("distillation", scope)
main = runs[(runs["teachers"] != "signal") | (runs["temperature"] == 4)]
data = studies.data(scope)

# %% mystnb={"figure": {"caption": "Accuracy of the student by method, with total epochs. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-methods"}, "image": {"alt": "Mean accuracy of the student on held-out people: Scratch {Scratch_none:.1f} %, both teachers {Base_both:.1f} %, Ann {Ann_both:.1f} %, Base 2x {Base_2x_both:.1f} %. People differ by {sd_people:.1f} points (SD), methods by {sd_methods:.1f}.", "classes": "dark-light"}}
figures.methods(main)

# %% tags=["nbval-check-output"]
keys = ["method", "teachers", "total_epochs"]
scores = main.groupby(keys, sort=False)[["accuracy", "macro_f1", "nll"]].mean()
readable(scores, names={"total_epochs": "epochs"})

# %% [markdown]
# People differ by {glue:text}`sd_people:.1f` points (SD), methods by {glue:text}`sd_methods:.1f`. So we compare per person: how many points does a method gain on the *same*
# person over scratch training of the *same* length?

# %% mystnb={"figure": {"caption": "Gain in accuracy over scratch training with as many epochs. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-gains"}, "image": {"alt": "Points gained over scratch training of equal length, by method and person; the mean of Ann minus Base 2x, its fair opponent, is {ann_base2x:+.1f} points.", "classes": "dark-light"}}
figures.gains(comparison.gains(main))

# %% [markdown]
# Repeating plain training changes accuracy by {glue:text}`scratch_2x:+.1f` points. Ann minus Base is {glue:text}`ann_base:+.1f` points; against Base 2x, which trained as
# long, it is {glue:text}`ann_base2x:+.1f`. These are averages; {doc}`11_claims` tests them.
#
# ## Which teacher does the student follow?
#
# How often does the student of both teachers give the same answer as each of them, on windows where that teacher is right and where it is wrong?

# %%
teachers = studies.load("teachers", scope)
both = main[(main["method"] == "Base") & (main["teachers"] == "both")]
followed = agreement.followed(both, teachers, data)

# %% mystnb={"figure": {"caption": "Share of windows on which the student of both answers as its teacher does, where the teacher is right (first panel) and wrong (second panel). A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-followed"}, "image": {"alt": "The student of both repeats {signal_wrong:.0f} % of the errors of its signal teacher and {image_wrong:.0f} % of those of its image teacher; of right answers {signal_right:.0f} % and {image_right:.0f} %.", "classes": "dark-light"}}
figures.followed(followed)

# %% [markdown]
# ## Is it topology, or a second opinion?
#
# Two networks whose probabilities are averaged are often better than one, whatever they read. So we compare the pair of signal and image teacher with a pair of two signal
# networks that differ only in their random draws (the teacher and the plain student), and the student of both with its teachers as a pair. Differences in points of accuracy,
# on the same people, with intervals where all people were tested:

# %%
plain = teachers[(teachers["share"] == 0) & (teachers["network"] == "WRN16-1")]
signal, image = (plain[plain["modality"] == m] for m in ("signal", "image"))
other = main[(main["method"] == "Scratch") & (main["teachers"] == "none")]
reached = ensembles.accuracies(
    signal, image=image, other=other, student=both, data=data
)
together = ensembles.differences(reached, studies.whole("teachers", scope))

# %% tags=["nbval-check-output"]
points = 100 * together.dropna(axis="columns", how="all")
names = {"what": "difference", "effect": "points"}
readable(points.map("{:+.1f}".format), names=names)

# %% [markdown]
# Which classes gain from two teachers, against the plain student?

# %%
scratch = main[(main["method"] == "Scratch")]
classes = datasets.dataset(dataset).load().classes
by_class = agreement.class_gains(both, scratch, data, classes)

# %% mystnb={"figure": {"caption": "Points of recall that the student of both teachers gains over the plain student, by class. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-class-gains"}, "image": {"alt": "Recall gained by class, mean over held-out people: most for {best_class} ({best_class_gain:+.1f} points), least for {worst_class} ({worst_class_gain:+.1f}).", "classes": "dark-light"}}
figures.class_gains(by_class)

# %% [markdown]
# ## Do the networks find the same windows similar?
#
# A **similarity map** compares every window with every other by the features of the last layer.

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

# %% mystnb={"figure": {"caption": "Cosine similarity of the features of one held-out person's windows, sorted by class, in four networks (bright: similar).", "name": "fig-similarity"}, "image": {"alt": "Similarity maps of one held-out person: the map of the student of both teachers correlates with that of the signal teacher at {like_signal:.2f}, with that of the image teacher at {like_image:.2f}.", "classes": "dark-light"}}
figures.similarity_maps(maps, labels, classes)

# %% tags=["nbval-check-output"]
like = np.corrcoef(
    [values[np.triu_indices(len(labels), 1)] for values in maps.values()]
)
similar = pd.DataFrame(like, list(maps), list(maps)).map("{:.2f}".format)
readable(similar.rename_axis("correlation"))

# %% [markdown]
# ## Does a better teacher make a better student?

# %%
larger = studies.load("capacity", scope)
of_signal = larger[larger["teachers"] == "signal"]

# %% mystnb={"figure": {"caption": "Accuracy of the student against accuracy of its teacher, means over held-out people with 95 percent intervals; the shape of a mark tells the size of the teacher. Networks of depth 28 have one seed.", "name": "fig-capacity"}, "image": {"alt": "Accuracy of the student by size of its signal teacher: {by_size}.", "classes": "dark-light"}}
figures.capacity(larger, teachers)

# %% [markdown]
# ## How much weight for the teachers?
#
# $w$ weighs teachers against labels, $v_{image}$ the image teacher against the signal teacher. The group sets both per data set: $w = 0.99$ for
# PAMAP2; more weight on the image for one of its two data sets, on the signal for the other. Shown only if every person was tested.

# %%
listening = studies.load("weights", scope)
of_weight = listening[listening["kd_weight"] == 0.7]
sweeps = {
    "by_size": answers.by_setting(of_signal, "teacher_network"),
    "by_weight": answers.by_setting(of_weight, "image_weight"),
}

# %% mystnb={"figure": {"caption": "Accuracy of the student of both teachers against kd_weight and against the weight of the image teacher. Thin: held-out people; thick: mean with 95 percent intervals; one seed.", "name": "fig-weights"}, "image": {"alt": "Accuracy of the student of both teachers by weight of the image teacher: {by_weight}.", "classes": "dark-light"}}
figures.weights(listening)

# %% [markdown]
# ## Temperature
#
# Students of the plain signal teacher alone:

# %%
curve = runs[runs["teachers"] == "signal"]
sweeps["by_temperature"] = answers.by_setting(curve, "temperature")

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student of the plain signal teacher against the temperature. Thin: held-out people; thick: mean with 95 percent intervals.", "name": "fig-temperature"}, "image": {"alt": "Accuracy of the student by temperature: {by_temperature}.", "classes": "dark-light"}}
figures.temperature(curve)

# %% tags=["nbval-check-output"]
readable(curve.pivot_table(index="temperature", values=["accuracy", "nll", "ece"]))

# %% [markdown]
# {doc}`07_smoothness` returns to this curve: temperature and mixup soften the same targets.

# %% tags=["remove-cell"]
values = answers.distillation(main) | ensembles.answers(together)
values |= answers.followers(followed, by_class, main)
values |= {"like_signal": like[-1][0], "like_image": like[-1][1]}
report(values | sweeps)

# %% [markdown]
# ## What came out
#
# *Are two teachers better than one?* {glue:text}`two_best`: both {glue:text}`Base_both:.1f` %, the signal teacher alone
# {glue:text}`Base_signal:.1f` %, the image teacher alone {glue:text}`Base_image:.1f` %, no teacher {glue:text}`Scratch_none:.1f` % (H8; tested in {doc}`11_claims`).
#
# *Does Ann help beyond longer training?* Ann {glue:text}`ann_best`; its mean is {glue:text}`Ann_both:.1f` %, that of Base 2x {glue:text}`Base_2x_both:.1f` % (H9; tested in
# {doc}`11_claims`).
#
# *Is topology more than a second opinion?* Averaged with the signal teacher, the image teacher adds {glue:text}`second_kind`, another signal network
# {glue:text}`second_seed`. The difference is {glue:text}`kind_over_seed`.
#
# *Does the student reach its teachers?* Against the pair it differs by {glue:text}`student_over_both`, against the signal teacher by {glue:text}`student_over_signal`.
#
# *Which teacher does it follow?* It repeats {glue:text}`signal_wrong:.0f` % of the errors of the signal teacher and {glue:text}`image_wrong:.0f` % of those of the image
# teacher.
#
# ## A sceptical reader asks
#
# - *Was anything chosen on the people tested?* Schedule, learning rate and image size were chosen on five validation people of `watch`, who are test people in other folds
#   ({doc}`../book/defaults`). $w$ and $T$ are the group's, for other data.
# - *Is Ann better, or longer?* That is what Base 2x is for.
# - *Is the second teacher a second opinion, or just a second network?* {doc}`03_teachers` counts how often a second signal network would have been right instead.
#
# ## Takeaways
#
# - Give every method an opponent that trained as long: repeating plain training changes accuracy by {glue:text}`scratch_2x:+.1f` points.
# - Compare methods on the same person. People differ by {glue:text}`sd_people:.1f` points, methods by {glue:text}`sd_methods:.1f`.
# - Compare a teacher of another kind with a second network of the same kind before crediting topology.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-distillation-gradient
#
# Derive the gradient of kd {eq}`eq-kd` with respect to one logit of the student. What does it become for very high $T$, if the logits of both networks have mean zero?
# ```
#
# ```{solution} ex-distillation-gradient
# :class: dropdown
#
# $\partial\, \mathrm{kd} / \partial z_{S,c} = T (q_c - p_c)$. For high $T$, $\mathrm{softmax}(z / T)_c \approx (1 + z_c / T) / C$ with $C$ classes. So the gradient tends to
# $(z_{S,c} - z_{m,c}) / C$: independent of $T$, and the student simply matches logits.
# ```
#
# ```{exercise}
# :label: ex-distillation-fair
#
# On how many held-out people is Ann more accurate than Base? And than Base 2x?
# ```
#
# ```{solution} ex-distillation-fair
# :class: dropdown
#
# At the end of this notebook:
#
# ~~~python
# both_teachers = main[main["teachers"] == "both"]
# mean = both_teachers.pivot_table(index="subject", columns="method", values="accuracy")
# print((mean["Ann"] > mean["Base"]).sum(), (mean["Ann"] > mean["Base 2x"]).sum(), len(mean))
# ~~~
#
# Here that is {glue:text}`above_base` and {glue:text}`above_base_2x` of {glue:text}`n_people`. Only the second count is about the method.
# ```

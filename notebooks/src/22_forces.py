# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Forces: does time order help a regressor?
#
# ```{admonition} Answer
# :class: tip
# Goal: find out whether a small regressor learns more from its teacher when the loss also follows how features change from window to window
# {cite}`jeon2025forces`. {glue:text}`answer`.
# ```
#
# ## The system, and what is ours in it
#
# Insoles measure pressure; a treadmill with force plates measures the ground reaction force. Time-aware knowledge distillation (TaKD) trains a small network to
# predict the second from the first. Besides the teacher's outputs, the student imitates similarities within a batch and their structure in time. This chapter
# has a **reconstruction**: task and ingredients are known; the form of the losses, the networks and the data are not. Ours is, for a batch of consecutive windows,
#
# $$ L = \mathrm{MSE}(\hat y_s, y) + \mathrm{MSE}(\hat y_s, \hat y_t) + \mathrm{MSE}(S(F_s), S(F_t)) + \mathrm{MSE}(S(\Delta F_s), S(\Delta F_t)), $$
#
# with features $F$ of student $s$ and teacher $t$, their changes $\Delta F_i = F_{i+1} - F_i$ between windows of one recording, and $S$ the cosines of all
# pairs of rows. The four terms have equal weights; a WRN16-3 teacher on signals teaches a WRN16-1 student.
#
# The systems form a ladder with one more term on each step: *labels*, *outputs*, *features*, *time-aware*. The first three are trained on shuffled batches and
# on batches *in time*, because changes exist in time order only: this separates order from terms. All students make the same number of steps from random
# weights; the teacher's training comes on top.
# *Mixup* and *C-mixup* {cite}`yao2022` have no teacher. C-mixup draws the partner of a window $i$ among all windows $j$ with probability proportional to
# $\exp(-\lVert y_i - y_j \rVert^2 / 2 \sigma^2)$, so near forces mix more often. No runs of these two, nor of
# *outputs, in time*, are published: the code has them, and this chapter does not show them.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import forces
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.studies import catalogue

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)
own = catalogue.where("forces", scope)

# %% [markdown]
# ## The data
#
# `gait` is a simulator: pressure cells under both feet of simulated people, whose gains and saturation differ, and the force that they carry (formulas:
# `mixkd/datasets/sets/gait.py`). It shows that the code works and how small an effect could be seen. **It cannot decide whether the method works on people**:
# its people differ as much as we made them differ. `gaitpdb` {cite}`hausdorff2008` has real insoles: here two of the eight sensors of each foot predict the sum of all eight;
# `running` {cite}`alcantara2022` has real acceleration and force of **one** runner: a held-out "person" there is a speed and slope of the same runner. A data
# set with forces can be given as a parameter; the full build shows all three.

# %%
table, absent = forces.everywhere(scope)
final = studies.whole("forces", own)

# %% tags=["nbval-check-output"]
counted = table.groupby("dataset", sort=False)[
    ["subject", "fold", "seed"]
].nunique()
counted["data"] = [entry_of(name).title for name in counted.index]
readable(
    counted,
    names={"subject": "people or conditions", "fold": "folds", "seed": "seeds"},
)

# %% [markdown]
# {glue:text}`absent` A window is half a second; its target is the force at its middle. Neighbouring windows of a recording overlap.

# %%
runs = studies.load("forces", own)
first = runs[(runs["fold"] == 0) & (runs["seed"] == seed)]
shown = {
    name: record
    for record in first["record"]
    if (name := forces.system_of(record.spec, own.alpha))
    in ("labels", "time-aware")
}
excerpt = forces.excerpt(shown, 4.0)
recordings = entry_of(own.dataset).load()

# %% mystnb={"figure": {"caption": "Four seconds of one held-out person: the readings of all channels (top), and the force (curve) with the predictions of two students (dots) at the middles of windows.", "name": "fig-force-excerpt"}, "image": {"alt": "Periodic readings of all channels above, the force below. Dots: predictions of two students. On {on} the error of labels alone is {control:.3g} {unit}, r = {control_r:.2f}.", "classes": "dark-light"}}
figures.force_excerpt(excerpt, recordings.target_names, recordings.target_units[0])

# %% [markdown]
# ## How wrong are they?
#
# RMSE and its SD are in the *unit* of the row; NRMSE is RMSE over the range of the person's force in the tested windows; r is Pearson's. Each is computed per
# person (with two feet, the mean over them) and then averaged over people, seeds first. SD is the spread of RMSE over people.

# %% tags=["nbval-check-output"]
readable(
    forces.for_reading(table),
    names={"rmse": "RMSE", "sd": "SD of RMSE", "nrmse": "NRMSE", "pearson_r": "r"},
)

# %% [markdown]
# ## What does each system change?
#
# Differences are on the same held-out person, against *labels*: the network without a teacher, on shuffled batches.

# %% mystnb={"figure": {"caption": "RMSE of each system minus that of the student of labels alone, a dot per held-out person (on running: per condition), a diamond at the mean; bar: 95 percent interval over folds, where all people were trained. Left of zero is better.", "name": "fig-force-effects"}, "image": {"alt": "A panel per data set, a row per system. Against labels on {on}, the teacher's outputs change the error by {outputs:+.1f} % and the whole time-aware loss by {against_labels:+.1f} %.", "classes": "dark-light"}}
figures.force_effects(table, final)

# %% [markdown]
# ## Order or terms?
#
# Each row compares two systems that differ in one thing: the order of batches, or one term. Changes are in per cent of the RMSE of *labels*, with their intervals.

# %% tags=["nbval-check-output"]
questions = forces.effects(table, forces.QUESTIONS, final)
per_cent = questions["relative"] / questions["effect"]
numbers = questions[["effect", "low", "high"]].mul(per_cent, axis=0)
numbers = numbers.dropna(axis="columns").map("{:+.1f}".format)
readable(
    questions[["dataset", "what"]].join(numbers),
    names={"effect": "change of RMSE, %"},
)

# %% tags=["remove-cell"]
report(forces.answers(table, absent, final))

# %% [markdown]
# ## What came out
#
# *Does the term of changes in time help?* {glue:text}`answer`.
#
# *How wrong are students?* Labels alone, on {glue:text}`on`: {glue:text}`control:.3f` {glue:text}`unit` (r {glue:text}`control_r:.2f`).
#
# *What do the other terms change, on {glue:text}`on`?* The teacher's outputs {glue:text}`outputs:+.1f` %, the similarity term a further
# {glue:text}`similarities:+.1f` %.
#
# *And order alone, on {glue:text}`on`?* {glue:text}`order_labels:+.1f` % for labels, {glue:text}`order_features:+.1f` % for outputs and features.
#
# *Which system has the lowest mean RMSE?* {glue:text}`best`. The best of several noisy means looks better than it is.
#
# *What does the whole loss change against labels?* {glue:text}`against_labels:+.1f` % on {glue:text}`on`; {glue:text}`elsewhere`. Held out: {glue:text}`people`.
#
# These effects are not tested claims; those are in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Is this the published method?* No. Its losses could not be read; this follows its abstract, and a failure here says little about the original.
# - *Why not similarity-preserving distillation (SP {cite}`tung2019`) as the control of features?* SP has its own weight, reads three layers and keeps a weighted KD term, so it differs in several things. *Features,
#   in time* differs in one.
# - *Do batches in time hurt?* Their windows overlap, so a batch holds fewer different examples, and its batch statistics come from a few recordings. The rows
#   on order measure this.
# - *Does C-mixup mix a window with its neighbour?* It may: neighbours have near forces. Most partners are of other recordings and people, since many windows
#   have the same force.
# - *How many people are these?* Few: of `gaitpdb` only a part was available when the runs were trained, and `running` says nothing about other runners.
#
# ## Takeaways
#
# - A loss that needs ordered batches must be compared with a control on ordered batches: on {glue:text}`on`, order alone changes the RMSE by
#   {glue:text}`order_labels:+.1f` % for labels.
# - Add one term at a time; otherwise a gain of the outputs is credited to the newest term.
# - A simulator tests code and statistical power. It does not show that a method works on people.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-forces-cosines
#
# A batch has $n$ windows. How many different numbers does $S(F)$ hold, apart from its diagonal of ones? Does $\mathrm{MSE}(S(F_s), S(F_t))$ change if all
# features of the student are doubled? And may student and teacher have different numbers of features?
# ```
#
# ```{solution} ex-forces-cosines
# :class: dropdown
#
# $S$ is symmetric, so $n (n - 1) / 2$ numbers. Cosines ignore length, so doubling changes nothing. $S$ is $n \times n$ whatever the number of features, so they
# may differ: this is why similarities suit teachers wider than the student.
# ```
#
# ````{exercise}
# :label: ex-forces-partners
#
# Forces at the middles of three windows are $0$, $1/2$ and $2$ body weights. With $\sigma = 0.5$, how probable are the partners of the first window in C-mixup
# (itself included)?
# ````
#
# ````{solution} ex-forces-partners
# :class: dropdown
#
# ```python
# import numpy as np
#
# force = np.array([0, 0.5, 2])
# weight = np.exp(-((force - force[0]) ** 2) / (2 * 0.5**2))
# print((weight / weight.sum()).round(3))
# ```
#
# The weights are $1$, $e^{-1/2}$ and $e^{-8}$: $0.622$, $0.377$ and less than $0.001$. The window never meets the far one; with ordinary mixup it would in a
# third of all draws.
# ````

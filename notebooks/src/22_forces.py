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
# ```{admonition} Claim
# :class: tip
# A small regressor learns more from its teacher when the distillation also follows how features change from window to window
# {cite}`jeon2025forces`.
# ```
#
# In this build the term that follows changes in time {glue:text}`answer`. Time-aware distillation as a whole changed the RMSE of the
# same network without a teacher by {glue:text}`against_labels:+.1f` % on {glue:text}`on`, the term of changes alone by {glue:text}`changes:+.1f` %
# (below zero is better).
#
# ## The system, and what is ours in it
#
# Insoles measure pressure; a treadmill with force plates measures the ground reaction force. Time-aware knowledge distillation (TaKD) trains a small network to predict
# the second from the first: besides the teacher's outputs, the student keeps similarities within a batch and their structure in time. This chapter has a **reconstruction**: task
# and ingredients are known, the form of the losses, the networks and the data are not. Ours is, for a batch of consecutive windows,
#
# $$ L = \mathrm{MSE}(\hat y_s, y) + \mathrm{MSE}(\hat y_s, \hat y_t) + \mathrm{MSE}(S(F_s), S(F_t)) + \mathrm{MSE}(S(\Delta F_s), S(\Delta F_t)), $$
#
# with features $F$ of student $s$ and teacher $t$, their changes $\Delta F_i = F_{i+1} - F_i$ between windows of one recording, and $S$ the cosines of all pairs of rows.
# Declared defaults: equal weights of the four terms, and a WRN16-3 teacher on signals for a WRN16-1 student.
#
# The systems form a ladder, one term more on each step: *labels*, *outputs*, *features*, *time-aware*. The first three are trained on shuffled batches and on batches *in time*;
# changes exist in time order only. So order and terms are told apart. All students make the same number of steps from random weights; what the teacher's training cost comes on top.
# *Mixup* and *C-mixup* {cite}`yao2022` have no teacher: C-mixup draws the partner of a window $i$ among all windows $j$ with probability proportional to
# $\exp(-\lVert y_i - y_j \rVert^2 / 2 \sigma^2)$, so that near forces mix more often. These two, and *outputs, in time*, are shown where all runs are published.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import forces
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.studies import catalogue

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)
own = catalogue.where("forces", scope)

# %% [markdown]
# ## The data
#
# `gait` is a simulator: pressure cells under both feet of made people, whose gains and saturation differ, and the force that they carry (formulas: `mixkd/datasets/sets/gait.py`).
# It shows that the machinery works and how large effects could be seen. **It cannot decide whether the method works on people**: its people are as different as we
# made them, and no more. `gaitpdb` {cite}`hausdorff2008` has real insoles, two sensors of each foot here, to the total of all eight; `running` {cite}`alcantara2022` has real
# acceleration and force of **one** runner: a held-out "person" there is a speed and slope of the same runner. A data set given as a parameter is used if it has forces,
# else `gait`; the `full` profile shows the published runs of all three.

# %%
table, absent = forces.everywhere(scope)
final = studies.whole("forces", own)

# %% tags=["nbval-check-output"]
for name, part in table.groupby("dataset", sort=False):
    print(entry_of(name).title, "|", forces.sentence(name, part))
print("without published runs:", ", ".join(absent) or "none")

# %% [markdown]
# {glue:text}`absent` A window is half a second; its target is the force at its middle. Windows overlap, so neighbours of a recording see nearly the same.

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

# %% mystnb={"figure": {"caption": "Four seconds of one held-out person: the readings of all channels (top), and the force with the predictions of two students at the middles of windows.", "name": "fig-force-excerpt"}, "image": {"alt": "Stacked plots over time: periodic readings of all channels, and below them a grey curve of each force with dots of two students' predictions beside it.", "classes": "dark-light"}}
figures.force_excerpt(excerpt, recordings.target_names, recordings.target_units[0])

# %% [markdown]
# ## How wrong are they?
#
# RMSE in the units of the force; NRMSE is RMSE over the range of the person's force in the tested windows; r is Pearson's. All are of one person each (with two feet, the mean over them), then
# means over people, seeds averaged first; *sd* is the spread of RMSE over people.

# %% tags=["nbval-check-output"]
forces.scores(table).round(3)

# %% [markdown]
# ## What does each system change?
#
# Always on the same held-out person, against *labels*: the network without a teacher on shuffled batches.

# %% mystnb={"figure": {"caption": "RMSE of each system minus that of the student of labels alone, a dot per held-out person (on running: per condition), a diamond at the mean; in the full profile with intervals over folds. Left of zero is better.", "name": "fig-force-effects"}, "image": {"alt": "A panel per data set with a row per system: grey dots of held-out people and a blue diamond around a vertical line at zero.", "classes": "dark-light"}}
figures.force_effects(table, final)

# %% [markdown]
# ## Order or terms?
#
# Two systems that differ in one thing: the order of batches, or one term. *relative* is in per cent of the RMSE of *labels*; *effect*, *low* and *high* are in the units of the force.

# %% tags=["nbval-check-output"]
questions = forces.effects(table, forces.QUESTIONS, final)
questions.set_index(["dataset", "what"]).round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(forces.answers(table, absent, final))

# %% [markdown]
# ## In this build
#
# On {glue:text}`on` the student of labels alone is wrong by {glue:text}`control:.3f` {glue:text}`unit` (r {glue:text}`control_r:.2f`). The teacher's outputs changed that by
# {glue:text}`outputs:+.1f` %, similarities of features by {glue:text}`similarities:+.1f` % more, changes in time by {glue:text}`changes:+.1f` % more. Order alone, without any term
# that needs it: {glue:text}`order_labels:+.1f` % for labels, {glue:text}`order_features:+.1f` % for outputs and features. The lowest mean RMSE has *{glue:text}`best`*; the best of
# several noisy means is flattering. Time-aware against labels elsewhere: {glue:text}`elsewhere`. Held out: {glue:text}`people`.
#
# ## A sceptical reader asks
#
# - *Is this the published method?* No. Its losses could not be read; this is one reading of its abstract, and a failure here says little about the original.
# - *Why not SP as the control of features?* It has its own weight, reads three layers and keeps a weighted KD term: it differs in four things. *Features, in time* differs in one.
# - *Do batches in time hurt?* Their windows overlap, so a batch holds fewer different examples and its batch statistics are of a few recordings. That is what the rows on order measure.
# - *Does C-mixup mix a window with its neighbour?* It may: neighbours have near forces. Most partners are of other recordings and people, since many windows have the same force.
# - *How many people are these?* Few: of `gaitpdb` only the recordings that were at hand when the runs were trained, and `running` says nothing about other runners.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Few people, tiny devices
#
# ```{admonition} Answer in this build
# :class: important
# From {glue:text}`fewest`: {glue:text}`outcome`. With all training people the same system changes accuracy by {glue:text}`best_all:+.1f` points. All people instead of
# {glue:text}`fewest` bring the student of labels alone {glue:text}`people_gain:+.1f` points. In int8 its weights take {glue:text}`shrunk:.1f` times fewer bytes, its accuracy changes by
# {glue:text}`changed_8:+.1f` points on average, and on the processor of the benchmark it is {glue:text}`faster`.
# ```
#
# ```{admonition} Claim
# :class: tip
# A teacher and mixup are worth most where data are few.
# ```
#
# A study of a new movement begins with two or four people, not with forty. This chapter trains the same students on the windows of two, of four and of all training people, and
# asks what helps most when people are few: mixup {cite}`zhang2018`, a teacher {cite}`hinton2015`, or both. The teacher sees the same few people as its student: in a small study there is no
# larger one to learn from. Nothing here reproduces a study: the question is listed with the data-efficient methods of this line of work, and the design is declared by us.
#
# ## Fewer people, not less training
#
# Let $P$ be the training people of a fold and $\pi$ an order of them, drawn once for each fold and seed. A run with `people` $= k$ sees the windows of
# $\pi_1, \dots, \pi_k$ alone; so two people are among the four. Its normalisation is fitted on these windows, and its teacher is trained on them. Validation and test people stay.
#
# Few people have few windows, and a run of as many epochs would take fewer steps. So that people are compared and not steps, an epoch has as many steps as with all people:
#
# $$ S = E \left\lfloor N_P / B \right\rfloor \quad \text{steps for every } k, $$
#
# with $E$ epochs, $N_P$ windows of all training people and batches of $B$. The students of few people pass over their windows more often.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import cost, few_people
from mixkd.book.notebook import check_parameters, report

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
runs = few_people.curves(studies.load("few_people", scope))

# %% [markdown]
# Counted in the streams of the first fold: people, windows, steps, and how often a window is seen.

# %% tags=["nbval-check-output"]
few_people.budget(runs).round(1)

# %% [markdown]
# ## Accuracy against people

# %%
final = studies.whole("few_people", scope)
means = few_people.means(runs, final=final)

# %% mystnb={"figure": {"caption": "Accuracy on held-out people against the number of training people, after as many steps in every cell: a line per system, a dot per fold (one held-out person, or a group that was tested together); bars in the full profile: interval of the mean.", "name": "fig-people-curves"}, "image": {"alt": "Line plot with the number of training people on the horizontal axis, up to all, and accuracy on the vertical one: five coloured lines, scratch, mixup, KD, both and scratch 2x, with small dots for held-out people around each mean.", "classes": "dark-light"}}
figures.people_curves(runs, means)

# %% tags=["nbval-check-output"]
wide = means.pivot(index="system", columns="cell", values="mean")
wide.loc[list(few_people.SYSTEMS), list(means["cell"].unique())].round(3)

# %% [markdown]
# The bars of the figure are wide because held-out people differ. They are the same people in every cell, so differences on the same person tell more.
#
# ## What helps?
#
# Each system against the student that learns from labels alone: from the same training people, on the same held-out person, after as many steps. A teacher is a second training, so
# *scratch 2x* stands beside it: labels alone for as many steps as student and teacher take together. A teacher that gains no more than *scratch 2x* gains nothing that longer training would not.

# %%
bases = studies.bases_of("few_people", scope)
found = studies.store_of(scope).find
gains = few_people.gains(runs, bases, found, final)

# %% mystnb={"figure": {"caption": "Effect of mixup, of a signal teacher (KD), of both and of twice as many steps, by the number of training people, on accuracy and NLL (lower is better) against scratch with the same people.", "name": "fig-people-gains"}, "image": {"alt": "A row per system and number of training people, each with a diamond around zero for accuracy and for NLL, with intervals in the full profile.", "classes": "dark-light"}}
figures.effects(gains)

# %% tags=["nbval-check-output"]
numbers = gains.set_index(["cell", "system", "metric"])
numbers[["effect", "low", "high", "n"]].round(3).dropna(axis="columns")

# %% [markdown]
# The rows share the scratch student and the held-out people, and the best of them is named because it is the best: read its interval as that of one row, uncorrected. The tests that count
# are those of {doc}`11_claims`.
#
# ## On a tiny device
#
# The student must run where the sensor is. An int8 network stores a weight $w$ of output channel $c$, and an activation $a$, as eight-bit integers {cite}`jacob2018`:
#
# $$ w \approx s_c \, q_w, \qquad a \approx s \, (q_a - z), \qquad q \in \{-128, \dots, 127\} . $$
#
# $s_c$ is the largest weight of its channel over 127; $s$ and $z$ come from the range of the activation over training windows, so no held-out person is needed. Convolutions and head
# are in int8; batch normalisation, sums and the mean stay in float32 ({doc}`../book/defaults`). No network is trained again.
#
# Nothing below was measured while this page was made; it comes from a record of `make bench` (students whose weights are published, first fold of each data set):

# %% tags=["nbval-check-output"]
print(cost.made_with("int8"))

# %%
record = cost.benchmark("int8")
accuracy, sizes = few_people.int8(record)

# %% [markdown]
# Accuracy on held-out people in both forms, points lost, and the part of all labels that changed (in percent):

# %% tags=["nbval-check-output"]
accuracy.round(3)

# %% tags=["nbval-check-output"]
sizes.drop(columns=["process_megabytes", "added_megabytes"]).round(3)

# %% tags=["remove-cell"]
report(few_people.answer(runs, gains) | few_people.small(record))

# %% [markdown]
# Over {glue:text}`people_int8` held-out people int8 changes accuracy by {glue:text}`changed_8:+.2f` points on average, by {glue:text}`worst_8:+.1f` for the person and student for whom it falls most. Weights shrink from
# {glue:text}`weights_32:.0f` to {glue:text}`weights_8:.0f` kilobytes; when this was measured, files held the exporter's notes too. Time is another matter: a window takes {glue:text}`time:.2f` times as long
# as in float32, {glue:text}`batch_time:.2f` times in batches (medians of ratios within a round, one thread). Such a processor multiplies float32 fast, and what is left in float32 makes the
# network turn numbers into integers and back at every layer; we take this for the reason and did not measure it.
#
# Memory of a process says little about the student: one that labels a window takes {glue:text}`process:.0f` megabytes, nearly all of it Python and ONNX Runtime; loading the student adds
# {glue:text}`added_32:.1f` (float32) and {glue:text}`added_8:.1f` (int8).
#
# **What was not measured:** time, memory and energy on a microcontroller. There is none here, and no simulator stands in for one. What its builder needs to know can be counted:
# {glue:text}`mega_adds:.1f` million multiply-adds per window, {glue:text}`weights_8:.0f` kilobytes of weights in int8, and {glue:text}`activation_8:.1f` kilobytes for the largest activation
# ({glue:text}`activation_32:.1f` in float32). A residual block holds up to three such arrays at once.
#
# ## A sceptical reader asks
#
# - *Are two people two people?* Which two is drawn for each fold, once: the spread over folds holds that chance too, but a fold has one draw.
# - *Would fewer steps be better for few people?* Perhaps: a student that sees each window more often can learn it by heart. Equal steps answer one question; the best number of steps for each
#   cell would have to be chosen on validation people.
# - *Is a teacher of two people a teacher at all?* It knows no more people than its student. A teacher of many people is a better one, and another question: then the data are not few.
# - *Does int8 cost nothing?* On these people and students, see the table. Ranges are those of training people: who moves far outside them is clipped.
# - *Could the student be smaller still?* Yes: fewer bits, pruning, other architectures. None was tried.

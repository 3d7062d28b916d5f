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
# ```{admonition} Answer
# :class: tip
# Goal: find out whether a teacher and mixup are worth most where training people are few. With {glue:text}`fewest`, {glue:text}`outcome`; with all training
# people the same system changes accuracy by {glue:text}`best_all:+.1f` points. Training on all people instead of these changes the accuracy of labels alone by
# {glue:text}`people_gain:+.1f` points.
# ```
#
# A study of a new movement begins with two or four people, not with forty. This chapter trains the same students on the windows of two, of four and of all
# training people, and compares mixup {cite}`zhang2018`, a teacher {cite}`hinton2015`, and both. The teacher sees the same few people as its student: a small
# study has no larger one to learn from. The question comes from the data-efficient methods of this line of work; the design is ours and reproduces no study.
#
# ## Fewer people, not less training
#
# Let $P$ be the training people of a fold and $\pi$ an order of them, drawn once for each fold and seed. A run with `people` $= k$ sees only the windows of
# $\pi_1, \dots, \pi_k$, so the two people are among the four. Its normalisation and its teacher are fitted on these windows. Validation and test people stay
# the same.
#
# Few people have few windows, and as many epochs would be fewer steps. So an epoch has as many steps as with all people:
#
# $$ S = E \left\lfloor N_P / B \right\rfloor \quad \text{steps for every } k, $$
#
# with $E$ epochs, $N_P$ windows of all training people and batches of $B$. Students of few people see each window more often.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import cost, effects, few_people
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
runs = few_people.curves(studies.load("few_people", scope))

# %% [markdown]
# The table counts the first fold: people, windows, steps, and how often each window is seen.

# %% tags=["nbval-check-output"]
readable(
    few_people.budget(runs).drop(columns="people"),
    names={"cell": "people", "seen": "times each window is seen"},
)

# %% [markdown]
# ## Accuracy against people
#
# All of this chapter has one seed. {doc}`19_patch_swap` averages all published seeds, so mixup against labels has another number there.

# %%
final = studies.whole("few_people", scope)
means = few_people.means(runs, final=final)

# %% mystnb={"figure": {"caption": "Accuracy on held-out people against the number of training people, one seed, with the same number of steps for every number of people: a line per system, a dot per fold (one held-out person, or a group that was tested together); bar: 95 percent interval of the mean, where all people were trained.", "name": "fig-people-curves"}, "image": {"alt": "Accuracy over training people, a line per system. Labels alone go from {scratch_few:.1f} % with {fewest} to {scratch_all:.1f} % with all.", "classes": "dark-light"}}
figures.people_curves(runs, means)

# %% tags=["nbval-check-output"]
wide = means.pivot(index="system", columns="cell", values="mean")
wide = wide.loc[list(few_people.SYSTEMS), list(means["cell"].unique())]
readable(
    wide.rename(columns="{} people, %".format).rename_axis(columns=None),
    metric="accuracy",
)

# %% [markdown]
# The bars are wide because held-out people differ. The same people are tested throughout, so differences on the same person are more precise.
#
# ## What helps?
#
# Each system is compared with the student of labels alone: same training people, same held-out person, as many steps. A teacher is a second training, so
# *scratch 2x* stands beside it: labels alone for as many steps as student and teacher together. A teacher that gains no more than *scratch 2x* gains nothing
# that longer training would not.

# %%
bases = studies.bases_of("few_people", scope)
lookup = studies.store_of(scope).find
gains = few_people.gains(runs, bases, lookup, final)

# %% mystnb={"figure": {"caption": "Effect of mixup, of a signal teacher (KD), of both and of twice as many steps, by the number of training people, on accuracy and NLL (lower is better) against scratch with the same people, paired by held-out person, one seed. Diamond: mean; bar: 95 percent interval over folds, where all people were trained.", "name": "fig-people-gains"}, "image": {"alt": "Effects against labels alone of the same people. With {fewest}, {outcome}. With all, the same system changes accuracy by {best_all:+.1f} points.", "classes": "dark-light"}}
figures.effects(gains)

# %% tags=["nbval-check-output"]
readable(
    effects.in_words(gains, ["cell", "system"]),
    names={"cell": "people"},
)

# %% [markdown]
# The rows share the scratch student and the held-out people, and the best row is picked after the fact: read its interval as that of one row, uncorrected. The
# corrected tests are in {doc}`11_claims`.
#
# ## On a tiny device
#
# The student must run where the sensor is. An int8 network stores a weight $w$ of output channel $c$, and an activation $a$, as eight-bit integers
# {cite}`jacob2018`:
#
# $$ w \approx s_c \, q_w, \qquad a \approx s \, (q_a - z), \qquad q \in \{-128, \dots, 127\} . $$
#
# $s_c$ is the largest weight of its channel over 127; $s$ and $z$ come from the range of the activation over training windows, so no held-out person is needed.
# Convolutions and head run in int8; batch normalisation, sums and the mean stay in float32 ({doc}`../book/defaults`). No network is retrained.
#
# The numbers below come from a record of `make bench` (students whose weights are published, first fold of each data set), measured on one machine
# ({glue:text}`measured_on`).

# %%
record = cost.benchmark("int8")
accuracy, sizes = few_people.int8(record)

# %% [markdown]
# Accuracy on held-out people in both forms, points lost, and the share of labels that changed:

# %% tags=["nbval-check-output"]
percent = accuracy.drop(columns="people")
percent[["float32", "int8"]] *= 100
readable(
    percent.map("{:.1f}".format).join(accuracy["people"]),
    names={"float32": "float32, %", "int8": "int8, %", "lost": "lost, points"}
    | {"changed": "labels changed, %"},
)

# %% tags=["nbval-check-output"]
shown = ["weight_bytes", "activation_bytes", "one_ms", "one_over_float32"]
readable(
    sizes[[*shown, "batch_over_float32"]],
    names={"one_ms": "one window, ms", "one_over_float32": "times float32"}
    | {"batch_over_float32": "in batches, times float32"},
)

# %% tags=["remove-cell"]
values = few_people.answer(runs, gains) | few_people.small(record)
report(values | {"measured_on": few_people.measured_on(record)})

# %% [markdown]
# Over {glue:text}`people_int8` held-out people int8 changes accuracy by {glue:text}`changed_8:+.1f` points on average (the students of a person averaged
# first), and by {glue:text}`worst_8:+.1f` for the person and student that lose most. Weights shrink from {glue:text}`weights_32:.0f` to {glue:text}`weights_8:.0f` kilobytes. A window takes
# {glue:text}`time:.2f` times as long as in float32, {glue:text}`batch_time:.2f` times in batches (medians of ratios within a round, one thread). Such a
# processor multiplies float32 fast, and every layer converts between integers and float32; we take this for the reason and did not measure it.
#
# A process that labels a window takes {glue:text}`process:.0f` megabytes, nearly all of it Python and ONNX Runtime; loading the student adds
# {glue:text}`added_32:.1f` (float32) and {glue:text}`added_8:.1f` (int8).
#
# **Not measured:** time, memory and energy on a microcontroller. What its builder needs to know can be counted: {glue:text}`mega_adds:.1f` million
# multiply-adds per window, {glue:text}`weights_8:.0f` kilobytes of weights in int8, and {glue:text}`activation_8:.1f` kilobytes for the largest activation
# ({glue:text}`activation_32:.1f` in float32). A residual block holds up to three such arrays at once.
#
# ## What came out
#
# *What helps most when people are few?* With {glue:text}`fewest`, {glue:text}`outcome` ({glue:text}`n_folds` folds).
#
# *Does the same help when people are many?* With all training people it changes accuracy by {glue:text}`best_all:+.1f` points.
#
# *What do more people bring?* All instead of {glue:text}`fewest`: {glue:text}`people_gain:+.1f` points for labels alone, from {glue:text}`scratch_few:.1f` % to
# {glue:text}`scratch_all:.1f` %.
#
# *What does int8 cost?* {glue:text}`changed_8:+.1f` points on average over people, for weights {glue:text}`shrunk:.1f` times smaller; on the processor of the benchmark it
# is {glue:text}`faster`.
#
# ## A sceptical reader asks
#
# - *Does it matter which two people?* They are drawn once for each fold; the spread over folds includes that chance, but a fold has one draw.
# - *Would fewer steps be better for few people?* Perhaps: a student that sees each window more often can memorise it. The best number of steps for each
#   number of people would have to be chosen on validation people.
# - *Can a teacher of two people teach?* It knows no more people than its student. A teacher of many people would be better, but then data are not few.
# - *Does int8 cost nothing?* See the table, for these people and students. Ranges are those of training people: signals far outside them are clipped.
# - *Could the student be smaller still?* Yes: fewer bits, pruning, other architectures. None was tried.
#
# ## Takeaways
#
# - Compare the gain of any method with that of more people: all instead of {glue:text}`fewest` bring {glue:text}`people_gain:+.1f` points.
# - Compare data-efficient methods at equal numbers of steps, and a teacher with a student that trains as long as both.
# - int8 makes weights {glue:text}`shrunk:.1f` times smaller; whether it saves time depends on the processor: measure there.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-few-epochs
#
# All eight training people of a fold have 3600 windows, two of them have 900. With batches of 64 and 20 epochs of all people, how many steps does each student
# take, and how often does each see a window?
# ```
#
# ```{solution} ex-few-epochs
# :class: dropdown
#
# $20 \lfloor 3600 / 64 \rfloor = 20 \cdot 56 = 1120$ steps for both. That is $1120 \cdot 64 = 71680$ rows: each window about 20 times with all people, 80 times
# with two.
# ```
#
# ````{exercise}
# :label: ex-few-int8
#
# How large is the rounding error of a weight in int8, at most, relative to the largest weight of its channel? Check with random weights.
# ````
#
# ````{solution} ex-few-int8
# :class: dropdown
#
# ```python
# import numpy as np
#
# w = np.random.default_rng(0).normal(size=1000)
# s = abs(w).max() / 127
# print(abs(s * np.round(w / s) - w).max() / abs(w).max(), 1 / 254)
# ```
#
# Rounding is off by half a step at most, and a step is 1/127 of the largest weight: 1/254. Weights near zero have large *relative* errors, yet matter less to
# the sum.
# ````

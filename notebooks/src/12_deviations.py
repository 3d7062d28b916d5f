# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Code against equations
#
# ```{admonition} Goal
# :class: tip
# Measure what changes where the released code of this line of work differs from its equations, in training or in reporting.
# ```
#
# We read the released code beside the papers and ran it on fixed tensors; the tests of this book compare its numbers with ours. Most rows below are options of a run; the last two are ways to report
# one. Effects are measured on the same people. No blame is meant: each deviation is easy to write and hard to see. {doc}`../book/deviations` lists all of them.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import answers, deviations, contrasts
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
bases, lookup, final = contrasts.collect(scope, deviations.specs)
table = deviations.effects(bases, lookup, final)

# %% [markdown]
# ## What differs, and what it does
#
# All students learn from both teachers, those of AMD from the signal teacher. Effects are the released form minus ours; for the choice of an epoch, the chosen epoch minus the
# last. Four rows (TDA_KD, AVER, EBKD and AMD, explained under *Why each happens*) are shown only where all people were run.

# %% mystnb={"figure": {"caption": "Effect of each deviation on accuracy (first panel) and NLL (second panel, lower is better). Diamond: mean over held-out people; bar: 95 percent interval; none where only some people were run.", "name": "fig-deviations"}, "image": {"alt": "Effects on accuracy: averaging KL over classes {kl:+.1f} points, choosing the epoch on the test person {optimism:+.1f} points.", "classes": "dark-light"}}
figures.effects(table)

# %% tags=["nbval-check-output"]
numbers = table[table["metric"] == "accuracy"].set_index(["what", "n"])
names = {"what": "deviation", "n": "folds", "effect": "accuracy, points"}
readable(numbers[["effect", "low", "high"]], metric="accuracy", names=names)

# %% [markdown]
# Where it was found:

# %% tags=["nbval-check-output"]
places = table.drop_duplicates("what")[["what", "where"]]
readable(places, names={"what": "deviation", "where": "repository and commit"})

# %% [markdown]
# ## Why each happens
#
# - **KL averaged over classes too.** A loss class whose default is the mean over *all* elements divides by the number of classes as well as by the batch. With 12 classes and
#   a distillation weight of 0.99, the teacher weighs 8 times as much as the labels instead of 99 (before any factor of the temperature); with the seven classes of `watch` and
#   the weight $0.7$ of this book, a third as much instead of more than twice.
# - **Logits divided by their standard deviation.** Every window gets a temperature of its own; the teacher's confidence no longer reaches the student. The
#   factor $T^2$ goes with the temperature, so the teacher also weighs less, and nothing in the loss fixes the scale of the logits: read accuracy, not NLL.
#   {doc}`08_methods` has it as RL, from one teacher and with another weight.
# - **Partial mixup drawn with replacement.** Rows to leave clean are drawn one by one and may repeat, so fewer rows stay clean than asked for ({doc}`06_partial_mixup`).
# - **TDA_KD's whole loss.** Older code of the paper's authors divides logits by half their standard deviation in the KD term, keeps the factor $T^2 = 16$, averages KL over classes, and
#   weighs the signal teacher $0.3$ and the image teacher $0.7$, with a weight of the soft targets of $0.99$. It is compared with its own equation: the same weights, a temperature of 4, KL summed over classes.
# - **AVER.** The code released with CA-MKD averages the *losses* of the teachers, which is Base with equal weights. Ours distils from their mean *logits*, so
#   that the table of {doc}`08_methods` does not hold one method twice.
# - **EBKD.** The same code weighs a teacher by $1 - H / \sum H$ of the entropies $H$, ours too; both EBKD and CA-MKD divide by the number of teachers once more there, so two
#   teachers teach half as much. Here weights sum to one. The softmax of CA-MKD in place of the ratio is the row *EBKD (softmax)*.
# - **AMD's local part.** Its loss compares the quadrants of a square map, scaled on the whole map. A signal has no quadrants: ours compares four segments of time, scaled in the
#   same way. On square maps both give the same numbers. As released the local loss stops with an error; two assignments were put in to run it.
# - **MIX-KD's plain `kd` branch.** It would train on mixed windows with the labels *before* the permutation, so that most labels belong to other windows. Its command line does not
#   offer that branch, and nothing here does it.
# - **Best epoch on the test person.** The maximum of a noisy curve is above its end. Only someone with the test labels could choose that epoch.
#
# ## A standard error is not a spread
#
# Earlier tables quote, after ±, a number that equals the spread over people divided by the root of 26, for 27 runs of nine people ({doc}`../book/reference`). Repeated runs
# are not more people. The same arithmetic on our runs:

# %%
runs = studies.load("methods", scope)
spread = deviations.spreads(runs)

# %% tags=["nbval-check-output"]
names = {"sd": "SD over people, points", "quoted": "as quoted, points"}
by_method = spread.head(8).set_index(["method", "teachers", "runs"])
readable(by_method, metric="accuracy", names=names)

# %% tags=["remove-cell"]
report(answers.deviations(table, spread))

# %% [markdown]
# ## What came out
#
# - *What does choosing the epoch on the test person add?* {glue:text}`optimism:+.1f` points of accuracy.
# - *What does averaging KL over classes change?* Accuracy by {glue:text}`kl:+.1f` points.
# - *How much too small is a spread quoted in that way?* {glue:text}`too_small:.1f` times, about the root of the number of runs.
#
# These are averages on one data set; none of them is a claim of {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Did the target paper use this code?* Not known: no code of it was released. These are repositories of its predecessors.
# - *Does weaker distillation only shift the best weight?* Perhaps: {doc}`04_distillation` varies that weight.
#
# ## Takeaways
#
# - Run released code on fixed tensors and compare its loss with the equation before numbers are compared.
# - Fix the epoch before the test, and quote the spread over people.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-deviations-kl
#
# A loss is $(1 - w) \, \mathrm{CE} + w \, \mathrm{KL}$ with $w = 0.7$, and the code averages KL over $C = 7$ classes as well. Which weight $w$, without that average, has the same ratio of the two terms? And for $w = 0.99$, $C = 12$?
# ```
#
# ```{solution} ex-deviations-kl
# :class: dropdown
#
# The ratio is $w / (C (1 - w))$: $0.7 / 2.1 = 1/3$, which is the ratio of $w = 1/4$. For the second, $0.99 / 0.12 = 8.25$, the ratio of $w \approx 0.89$.
# ```
#
# ```{exercise}
# :label: ex-deviations-best
#
# The accuracies of the last 20 epochs are noise around one level, with a standard deviation of 1 point. How much does the best epoch on the test person add? Simulate it, and say why our curves may add more or less.
# ```
#
# ````{solution} ex-deviations-best
# :class: dropdown
#
# ```python
# import numpy as np
#
# print(np.random.default_rng(0).normal(size=(10000, 20)).max(axis=1).mean())
# ```
#
# About $1.9$ points. Neighbouring epochs are correlated, which lowers it; a person with few windows has noisier accuracies, which raises it.
# ````

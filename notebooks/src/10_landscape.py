# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Landscape
#
# ```{admonition} Claim
# :class: tip
# Mixup for teacher and student leads to flatter minima than mixup for the teacher alone, and flat minima are less sensitive to changes of the input (H5).
# ```
#
# Two students of one teacher may be equally accurate and sit in very different places. This chapter looks at the loss around them: along the straight line
# from one to the other, and in random directions.
#
# To walk along the line yourself: {doc}`../book/try`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
import numpy as np

from mixkd import figures, studies
from mixkd.analysis import answers, landscape
from mixkd.book.notebook import check_parameters, report
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %%
runs = studies.load("mixup", scope)
data = studies.data(scope)

# %% [markdown]
# ## From one student to another
#
# Both students below started from the *same* random weights and learned from a signal and an image teacher; one never met mixup, the other met it everywhere, its teachers' training included. Weights are mixed:
# $w(\eta) = (1 - \eta) \, w_1 + \eta \, w_2$. BatchNorm makes this delicate: its statistics belong to the weights they were collected with. Mixing them too says little
# about the weights; on the right they are computed anew at each point {cite}`izmailov2018`.

# %%
one = runs[(runs["teachers"] == "both") & (runs["fold"] == 0)]
one = one[one["seed"] == seed]
ends = [one[one["case"] == case] for case in ("T & S", "Mix-T & Mix-S")]
first, second = (tables.records(end)[0] for end in ends)
at = np.linspace(-0.5, 1.5, 17)
path = landscape.line(first, second, data[0], at)

# %% mystnb={"figure": {"caption": "Accuracy along the line between two students, one held-out person. Left: BatchNorm statistics mixed like weights, which beyond the ends can give negative variances, where no accuracy exists; right: recomputed.", "name": "fig-line"}, "image": {"alt": "Two plots of training and test accuracy along a line between two networks; dotted lines mark the networks.", "classes": "dark-light"}}
figures.line_between(path, "T & S", "Mix-T & Mix-S")

# %% tags=["nbval-check-output"]
path.pivot_table(
    index="at", columns=["batchnorm", "split"], values="accuracy"
).iloc[::4].round(2)

# %% [markdown]
# ## How sharp is the minimum?
#
# **Sharpness** here: how much the cross entropy of training windows rises, on average, at a distance of a tenth of each filter's norm in random directions with
# the norms of the filters {cite}`li2018`, BatchNorm recomputed.

# %%
table = landscape.sharpness(runs[runs["teachers"] != "none"])

# %% mystnb={"figure": {"caption": "Sharpness of the student's minimum by case of mixup and by teacher, a marker per fold, named by its held-out person, bar: mean.", "name": "fig-sharpness"}, "image": {"alt": "Three dot plots, one per teacher, of sharpness for four cases of mixup.", "classes": "dark-light"}}
figures.sharpness(table)

# %% tags=["nbval-check-output"]
table.pivot_table(
    index="case", columns="teachers", values="sharpness", sort=False
).round(4)

# %% [markdown]
# Sharpness is read off the cross entropy of windows that the network was trained on. A network that is very sure of them has a loss near zero, which small changes
# hardly move. So a low value may mean flat, or may only mean sure; the loss at the minimum itself tells:

# %% tags=["nbval-check-output"]
table.pivot_table(
    index="case", columns="teachers", values="train_loss", sort=False
).round(3)

# %% mystnb={"figure": {"caption": "Accuracy under FGSM (epsilon 0.05) against sharpness, a dot per held-out person, kind of teacher and case (colour); the table above has the means.", "name": "fig-sharp-robust"}, "image": {"alt": "Scatter plot of accuracy under attack over sharpness, coloured by case of mixup.", "classes": "dark-light"}}
figures.sharp_against_robust(table)

# %% [markdown]
# ## The same question, asked otherwise
#
# Two measures that a surer network does not change, because its outputs are first divided by one temperature (fitted on validation people): the rise of the loss after one step in the worst direction, relative to
# each weight (adaptive sharpness {cite}`kwon2021asam`), and the trace of the Hessian, which is the mean curvature times the number of weights {cite}`hutchinson1989`. Runs before 29 November 2026 have neither.

# %% tags=["nbval-check-output"]
landscape.flatness(runs[runs["teachers"] != "none"]).round(3)

# %% tags=["remove-cell"]
report(answers.landscape(path, table))

# %% [markdown]
# ## In this build
#
# On the line between the two students, the lowest test accuracy is {glue:text}`dip:+.1f` points from that of the worse end. Students of both teachers, of whom H5 speaks, are {glue:text}`ratio:.2f` times as sharp after Mix-T & Mix-S
# as after Mix-T & S. Among the students of one fold, the rank correlation between sharpness and accuracy under FGSM
# is on average {glue:text}`rank:+.2f`. Whether the claim holds is decided
# in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Does sharpness depend on scale?* Filter-normalised directions remove the scale of weights; they do not remove the scale of logits, hence the table of losses and the two measures after it.
# - *One line, one person?* Yes, the line is an illustration. Sharpness is measured on every student; the claim compares those of both teachers.
# - *Random directions?* Four per network, the same for all networks of a fold before scaling.

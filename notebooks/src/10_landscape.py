# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Loss landscape
#
# ```{admonition} Claim
# :class: tip
# Mixup for teacher and student leads to flatter minima than mixup for the teacher alone, and flat minima are less sensitive to changes of the input (H5).
# ```
#
# Two students of the same teachers may be equally accurate and have very different weights. This chapter looks at the loss around them: along the straight line
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
from mixkd.book.reading import readable
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %%
runs = studies.load("mixup", scope)
data = studies.data(scope)

# %% [markdown]
# ## From one student to another
#
# Both students below started from the *same* random weights and learned from a signal and an image teacher. One was trained without mixup, the other with mixup throughout, its teachers' training
# included. Weights are interpolated:
#
# $$ w(\eta) = (1 - \eta) \, w_1 + \eta \, w_2 . $$ (eq-line)
#
# The statistics of BatchNorm belong to the weights they were collected with, so interpolating them too says little about the weights. In the second panel they are computed anew at each
# point {cite}`izmailov2018`.

# %%
one = runs[(runs["teachers"] == "both") & (runs["fold"] == 0)]
one = one[one["seed"] == seed]
ends = [one[one["case"] == case] for case in ("T & S", "Mix-T & Mix-S")]
first, second = (tables.records(end)[0] for end in ends)
at = np.linspace(-0.5, 1.5, 17)
path = landscape.line(first, second, data[0], at)

# %% mystnb={"figure": {"caption": "Accuracy along the line between two students, one held-out person. First panel: BatchNorm statistics interpolated like weights; beyond the ends a variance can become negative, and no accuracy exists. Second panel: recomputed. Dotted: the two students.", "name": "fig-line"}, "image": {"alt": "Training and test accuracy along a line between two students. With BatchNorm recomputed, {barrier}.", "classes": "dark-light"}}
figures.line_between(path, "T & S", "Mix-T & Mix-S")

# %% [markdown]
# ## How sharp is the minimum?
#
# **Sharpness** is how much the training loss rises when the weights move by a tenth of their size in a random direction $d_k$ {cite}`li2018`:
#
# $$ S = \frac{1}{4} \sum_{k=1}^{4} \mathrm{CE}(w + 0.1 \, d_k) - \mathrm{CE}(w), $$ (eq-sharpness)
#
# where each filter of $d_k$ has the norm of the same filter of $w$, and BatchNorm is recomputed.

# %%
table = landscape.sharpness(runs[runs["teachers"] != "none"])

# %% mystnb={"figure": {"caption": "Sharpness of the student's minimum by case of mixup and by teacher, a dot and its line per fold; bar: mean, the line through it its 95 percent interval.", "name": "fig-sharpness"}, "image": {"alt": "Sharpness of four cases of mixup in three panels, one per teacher. Students of both teachers are {ratio:.2f} times as sharp after mixup for teacher and student as for the teacher alone.", "classes": "dark-light"}}
figures.sharpness(table)

# %% [markdown]
# Mean sharpness in thousandths of a nat:

# %% tags=["nbval-check-output"]
grid = {"index": "case", "columns": "teachers", "sort": False}
readable(1000 * table.pivot_table(values="sharpness", **grid))

# %% [markdown]
# Sharpness is measured on windows that the network was trained on. A very confident network has a loss near zero there, which small changes hardly move. So a low value may mean flat, or only
# confident. The training loss at the minimum, also in thousandths of a nat, shows which:

# %% tags=["nbval-check-output"]
readable(1000 * table.pivot_table(values="train_loss", **grid))

# %% mystnb={"figure": {"caption": "Accuracy under FGSM (epsilon 0.05) against sharpness, a dot per held-out person, kind of teacher and case of mixup (colour); the first table above has the mean sharpness.", "name": "fig-sharp-robust"}, "image": {"alt": "Accuracy under attack over sharpness, coloured by case of mixup. Among the students of one fold their rank correlation is {rank:+.2f} on average.", "classes": "dark-light"}}
figures.sharp_against_robust(table)

# %% [markdown]
# ## Two measures that confidence does not change
#
# Here all logits are first divided by one temperature (fitted on validation people). *Ascent* is the rise of the loss after one step in the worst direction, relative to
# each weight (adaptive sharpness {cite}`kwon2021asam`); *trace* is that of the Hessian, the mean curvature times the number of weights {cite}`hutchinson1989`. Ascent and trace are measured since
# 29 November 2026: {glue:text}`with_flatness`. Where all runs are older, there is no table below.

# %%
taught = runs[runs["teachers"] != "none"]
flat = landscape.flatness(taught)

# %% tags=["nbval-check-output"]
readable(flat, names={"ascent": "ascent, nats"})

# %% tags=["remove-cell"]
about = answers.landscape(path, table)
about |= {"barrier": landscape.barrier(about["dip"])}
report(about | {"with_flatness": landscape.with_flatness(taught)})

# %% [markdown]
# ## What came out
#
# - *Is there a barrier between the two students?* With BatchNorm recomputed, {glue:text}`barrier`.
# - *Is mixup for teacher and student flatter than for the teacher alone?* Students of both teachers are {glue:text}`ratio:.2f` times as sharp (below 1: flatter). This is claim H5; its verdict is in
#   {doc}`11_claims`.
# - *Do flat minima resist attacks?* Among the students of one fold, the rank correlation of sharpness and accuracy under FGSM is {glue:text}`rank:+.2f` on average.
#
# These are averages; {doc}`11_claims` tests them.
#
# ## A sceptical reader asks
#
# - *Does sharpness depend on scale?* Filter-normalised directions remove the scale of weights; they do not remove the scale of logits, hence the table of losses, and the two measures
#   after it where runs have them.
# - *One line, one person?* Yes, the line is an illustration. Sharpness is measured on every student; the claim compares those of both teachers.
# - *Random directions?* Four per network, the same for all networks of a fold before scaling.
#
# ## Takeaways
#
# - Read sharpness beside the training loss: a confident network looks flat.
# - On a line between two networks with BatchNorm, recompute its statistics before the accuracy is read.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-landscape-quadratic
#
# Near a minimum let $\mathrm{CE}(w) = \tfrac{1}{2} \sum_j h_j w_j^2$, measured from the minimum. What is the mean rise of the loss for random directions with independent entries of variance $s^2$? Which of the two
# measures, ascent and trace, is it related to?
# ```
#
# ```{solution} ex-landscape-quadratic
# :class: dropdown
#
# $\tfrac{1}{2} s^2 \sum_j h_j$, half the variance times the trace of the Hessian: an average over directions sees the mean curvature, one step in the worst direction the largest.
# ```
#
# ```{exercise}
# :label: ex-landscape-scale
#
# Multiply all logits of a network that is right on every training window by 10. What happens to its accuracy, its training loss and its sharpness {eq}`eq-sharpness`? Check the loss on logits of your own.
# ```
#
# ````{solution} ex-landscape-scale
# :class: dropdown
#
# Accuracy stays. The loss falls towards zero, and near zero small moves hardly change it, as long as no window becomes wrong: sharpness falls, although the network decides as before.
#
# ```python
# import numpy as np
# from mixkd.learning.metrics import summary
#
# logits, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
# print([round(summary(k * logits, y)["nll"], 4) for k in (1, 10)])
# ```
#
# It prints $0.2201$ and $0$.
# ````

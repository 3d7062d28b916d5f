# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Swapping segments
#
# ```{admonition} Answer
# :class: tip
# Patch swap without a teacher {glue:text}`patch_swap_side`. Accuracy against the student that learns from labels alone, in points:
# {glue:text}`patch_swap_accuracy`.
# ```
#
# Mixup does two things at once: it makes new windows out of *pairs*, and it *softens* the labels. **Intra-class patch swap** {cite}`choi2025` does the first
# without the second. Two windows of the same class exchange some of their segments of time, in all channels and at the same places. That gives two complementary
# views $\tilde x_i, \tilde x_j$ of one label $y$, and a network without a teacher learns from the label and from its own answer to the other view:
#
# $$ L = \mathrm{CE}(\tilde x_i, y) + \frac{T^2}{2} \left[ \mathrm{KL}(\tilde p_i \,\|\, \tilde p_j) + \mathrm{KL}(\tilde p_j \,\|\, \tilde p_i) \right] . $$
#
# **Adapted.** The source swaps patches of images; segments of time are our translation. The source's constants could not be read: 20 samples a segment,
# swapped with probability 1/2, weight 1 and temperature 4 are declared here. A window whose class has no second window in the batch passes unchanged and is counted.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import numpy as np

from mixkd import figures, studies
from mixkd.analysis import line
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.learning.methods import patch_swap

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## What the student sees

# %%
data = next(iter(studies.data(scope).values()))
recordings = entry_of(dataset).load()
train = data.splits["train"]
of_class = np.flatnonzero(train.y == train.y[0])[[0, -1]]
spec = line.SWAP(next(studies.bases(scope)))
swap = patch_swap.draw(of_class, train, spec, 0)

# %% mystnb={"figure": {"caption": "One channel of two windows of the same activity (left), and the two views after a swap (right): colours tell which window a segment comes from.", "name": "fig-swap"}, "image": {"alt": "Four line plots: a blue and an orange curve, and beside them two curves in which blue and orange segments alternate, each where the other has the other colour.", "classes": "dark-light"}}
figures.swapped(
    train.x[of_class, 0],
    swap.taken[0],
    rate=recordings.rate,
    unit=recordings.units[0],
)

# %% tags=["nbval-check-output"]
share = swap.taken[0].mean()
print(f"{100 * share:.0f} % of each view is from the other window")

# %% tags=["nbval-check-output"]
batch = patch_swap.draw(np.arange(min(64, len(train))), train, spec, 0)
print(f"windows without a partner in a batch: {batch.alone.sum()}")

# %% [markdown]
# The seams are steps that no sensor recorded. They add and remove pairs of the persistence diagram, so an image teacher does not see swapped windows here: only signal
# teachers do, and their answers for the two windows are mixed by the share that was swapped.
#
# ## Is it the pairing or the soft label?
#
# Four students without a teacher: labels alone, patch swap (pairs, hard labels), label smoothing {cite}`szegedy2016` (soft labels, no pairs) and mixup (both). All see as many
# batches, so all make as many gradient steps. The same swap also stands on top of mixup and of a signal teacher (KD). Where ten people are shown, each *option* of the
# swap has a row too; it is compared with the plain swap.

# %%
table = line.table(scope, line.PATCH_SWAP)

# %% mystnb={"figure": {"caption": "Effect on held-out people against the same training without the row's change: accuracy (left) and NLL (right, lower is better); with intervals over folds in the full profile.", "name": "fig-swap-effects"}, "image": {"alt": "A row each for patch swap, mixup, label smoothing, and patch swap on top of mixup and of KD, with a diamond around zero for accuracy and NLL.", "classes": "dark-light"}}
figures.effects(table)

# %% tags=["nbval-check-output"]
numbers = table.set_index(["metric", "what", "dataset"])
numbers[["effect", "low", "high"]].round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(line.answers(table))

# %% [markdown]
# ## In this build
#
# - **Pairing alone** (patch swap, no teacher): accuracy {glue:text}`patch_swap_accuracy`; NLL {glue:text}`patch_swap_nll`.
# - **Soft labels alone** (label smoothing): accuracy {glue:text}`label_smoothing_accuracy`; NLL {glue:text}`label_smoothing_nll`.
# - **Both** (mixup): accuracy {glue:text}`mixup_accuracy`; NLL {glue:text}`mixup_nll`.
# - **On top of mixup**, patch swap {glue:text}`patch_swap_on_top_of_mixup_side`: {glue:text}`patch_swap_on_top_of_mixup_accuracy`.
# - **On top of a teacher**, it {glue:text}`patch_swap_on_top_of_kd_side`: {glue:text}`patch_swap_on_top_of_kd_accuracy`.
#
# ## A sceptical reader asks
#
# - *Is label smoothing as strong as mixup's?* No: it gives a tenth of the label away in every window; mixup gives away a quarter on average. It is a control for the kind, not
#   for the dose.
# - *Why do both windows of a pair come from anyone?* That is the default of the source for images. In sensor data the partner may be another person, so a view may be half one
#   person and half another; the option of one person forbids that.
# - *Does the extra term cost time?* It adds no pass through the network: both views are rows of the same batch.

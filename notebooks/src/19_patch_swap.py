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
# Goal: find out whether mixup helps by pairing windows or by softening labels. Pairing alone, by swapping segments, {glue:text}`patch_swap_side`. Softening alone
# {glue:text}`label_smoothing_side`.
# ```
#
# Mixup does two things at once: it makes new windows out of *pairs*, and it *softens* the labels. **Intra-class patch swap** {cite}`choi2025` only pairs: two
# windows of the same class exchange some segments of time, in all channels and at the same places. This gives two complementary views $\tilde x_i, \tilde x_j$
# of one label $y$. A network without a teacher learns from the label and from its own answer to the other view:
#
# $$ L = \mathrm{CE}(\tilde x_i, y) + \frac{T^2}{2} \left[ \mathrm{KL}(\tilde p_i \,\|\, \tilde p_j) + \mathrm{KL}(\tilde p_j \,\|\, \tilde p_i) \right] . $$
#
# **Adapted.** The source swaps patches of images; segments of time are our translation. The source's constants could not be read. Ours: 20 samples a segment,
# swapped with probability 1/2, weight 1 and temperature 4. A window without another one of its class in the batch passes unchanged and is counted.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import effects, line
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
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

# %% mystnb={"figure": {"caption": "One channel of two windows of the same activity, and the two views after a swap. A colour marks the window that a segment comes from.", "name": "fig-swap"}, "image": {"alt": "A blue and an orange curve, and beside them two views made of segments of both. {swapped:.0f} % of each view comes from the other window; the two views are complementary.", "classes": "dark-light"}}
figures.swapped(
    train.x[of_class, 0],
    swap.taken[0],
    rate=recordings.rate,
    unit=recordings.units[0],
)

# %%
batch = patch_swap.draw(np.arange(min(64, len(train))), train, spec, 0)
share = 100 * swap.taken[0].mean()
counts = {"from the other window, %": [share]}
counts |= {
    "windows in a batch": [len(batch.alone)],
    "without a partner": [batch.alone.sum()],
}

# %% tags=["nbval-check-output"]
readable(pd.DataFrame(counts))

# %% tags=["nbval-check-output"]
options = {
    name: f"{constant.name} = {constant.value:g}"
    for name, constant in line.SWAP_OPTIONS.items()
}
readable(pd.Series(options, name="constant").rename_axis("option"))

# %% [markdown]
# The first table describes the swap above and the first batch, the second the options of the swap. The last rows of the comparison below are these options, in
# the full build on `watch`.
#
# The seams are steps that no sensor recorded. They change the persistence diagram, so an image teacher does not see swapped windows here. Signal teachers do;
# their answers for the two windows are mixed by the share that was swapped.
#
# ## Is it the pairing or the soft label?
#
# Four students without a teacher: labels alone, patch swap (pairs, hard labels), label smoothing {cite}`szegedy2016` (soft labels, no pairs) and mixup (both).
# All make as many gradient steps. The swap also stands on top of mixup and of a signal teacher (KD). Each option is compared with the plain swap. A row averages
# all seeds that are published on its data set, else the first one; the column *seeds* has their number. Rows of different seeds are not comparable to the last
# digit.

# %%
table = line.table(scope, line.PATCH_SWAP)

# %% mystnb={"figure": {"caption": "Effect on held-out people against the same training without the row's change: accuracy, then NLL (lower is better). Diamond: mean over people and the seeds of the table below; bar: 95 percent interval over folds, where all people were trained.", "name": "fig-swap-effects"}, "image": {"alt": "Effects on accuracy and NLL. Patch swap {patch_swap_side}. Label smoothing {label_smoothing_side}. Mixup {mixup_side}. Patch swap on top of mixup {patch_swap_on_top_of_mixup_side}.", "classes": "dark-light"}}
figures.effects(table)

# %% tags=["nbval-check-output"]
by = ("what", "dataset", "seeds")
readable(effects.in_words(table, by), names={"what": "added"})

# %% tags=["remove-cell"]
report(line.answers(table) | {"swapped": share})

# %% [markdown]
# ## What came out
#
# Changes with intervals, accuracy in points and NLL in nats; {doc}`11_claims` has the corrected tests.
#
# - *Does pairing alone help* (patch swap)? Accuracy {glue:text}`patch_swap_accuracy`; NLL {glue:text}`patch_swap_nll`.
# - *Do soft labels alone help* (label smoothing)? Accuracy {glue:text}`label_smoothing_accuracy`; NLL {glue:text}`label_smoothing_nll`.
# - *Do both together help* (mixup)? Accuracy {glue:text}`mixup_accuracy`; NLL {glue:text}`mixup_nll`.
# - *Does the swap add to mixup?* It {glue:text}`patch_swap_on_top_of_mixup_side`. Accuracy {glue:text}`patch_swap_on_top_of_mixup_accuracy`; NLL
#   {glue:text}`patch_swap_on_top_of_mixup_nll`.
# - *Does it add to a teacher?* It {glue:text}`patch_swap_on_top_of_kd_side`. Accuracy {glue:text}`patch_swap_on_top_of_kd_accuracy`; NLL
#   {glue:text}`patch_swap_on_top_of_kd_nll`.
#
# ## A sceptical reader asks
#
# - *Is label smoothing as strong as mixup's?* No: it gives a tenth of the label away in every window; mixup gives away a quarter on average. It controls for
#   the kind of softening, not for its amount.
# - *May a pair mix two people?* Yes, as the source does not restrict pairs. A view may then be half one person and half another; one option forbids that.
# - *Does the extra term cost time?* It adds no pass through the network: both views are rows of the same batch.
#
# ## Takeaways
#
# - To learn why mixup helps, take it apart: pair without softening, and soften without pairing.
# - The swap on top of mixup {glue:text}`patch_swap_on_top_of_mixup_side`. Two regularisers need not add up.
# - Swapping leaves seams that no sensor recorded; do not draw persistence images of swapped windows.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-swap-gone
#
# Label smoothing gives a tenth of the label to the other classes. Mixup with a uniform coefficient $\lambda$ trains on $\lambda y_i + (1 - \lambda) y_j$. What
# share goes to the smaller label of a mixed pair, on average? How many classes does a label name after a patch swap?
# ```
#
# ```{solution} ex-swap-gone
# :class: dropdown
#
# $\mathrm{E} \min(\lambda, 1 - \lambda) = 2 \int_0^{1/2} \lambda \, d\lambda = 1/4$: more than twice as much. After a patch swap the label names one class: that of
# both windows.
# ```
#
# ````{exercise}
# :label: ex-swap-entropy
#
# Compare the entropies of the targets: label smoothing of a tenth, spread evenly over eight classes, and mixup of two different classes with a uniform
# coefficient.
# ````
#
# ````{solution} ex-swap-entropy
# :class: dropdown
#
# ```python
# import numpy as np
#
# smooth = np.full(8, 0.1 / 8) + 0.9 * np.eye(8)[0]
# c = np.random.default_rng(0).uniform(size=100_000)
# print(-(smooth * np.log(smooth)).sum(), -(c * np.log(c) + (1 - c) * np.log(1 - c)).mean())
# ```
#
# About $0.47$ and $0.50$ nats (for mixup exactly $1/2$): similar entropies, although mixup gives away much more of the label. It gives it to one class,
# smoothing to all.
# ````

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Orthogonal features
#
# ```{admonition} Answer
# :class: tip
# Goal: find out whether features that differ from each other help a network. The Orthogonal Spheres term beside labels alone
# {glue:text}`term_beside_labels_alone_side`. On top of mixup it {glue:text}`term_on_top_of_mixup_side`.
# ```
#
# Features in front of a network's last layer often repeat each other. The **Orthogonal Spheres** regulariser {cite}`choi2020` penalises this. With
# $\hat Z \in \mathbb{R}^{B \times d}$ the features of a batch, every column scaled to length 1, it adds
#
# $$ \gamma \, \| \hat Z^\top \hat Z - I \|_F $$
#
# to the loss of any method. The closed form is **faithful** to a public implementation; scaling columns, not rows, and $\gamma = 0.01$ are our choices. Mixup
# is said to scatter the features of similar classes ({doc}`07_smoothness`). Does this term undo that, and does it help calibration?

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd
import torch

from mixkd import figures, studies
from mixkd.analysis import effects, line
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.learning.map_losses import orthogonal_spheres

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## The term on three batches
#
# Eight features of a batch of sixteen windows: all alike, random, and orthogonal.

# %%
draw = torch.Generator().manual_seed(seed)
random = torch.randn(16, 8, generator=draw)
batches = {"alike": random[:, :1].expand(16, 8), "random": random}
batches["orthogonal"] = torch.linalg.qr(random).Q

# %% tags=["nbval-check-output"]
terms = {name: orthogonal_spheres(z).item() for name, z in batches.items()}
readable(pd.Series(terms, name="term, without its weight").rename_axis("features"))

# %% [markdown]
# ## Accuracy and NLL
#
# A row averages all seeds that are published on its data set, else the first one; the last table has their number.

# %%
table = line.table(scope, line.SPHERE)

# %% tags=["nbval-check-output"]
people = table.groupby("dataset", sort=False)[["people", "n"]].max()
readable(people, names={"n": "folds"})

# %% mystnb={"figure": {"caption": "Effect of the term on held-out people beside labels alone, on top of mixup and of KD; last row: mixup itself. Accuracy, then NLL (lower is better). Diamond: mean over people and seeds; bar: 95 percent interval over folds, where all people were trained.", "name": "fig-spheres"}, "image": {"alt": "Effects on accuracy and NLL. The term beside labels alone {term_beside_labels_alone_side}. On top of mixup it {term_on_top_of_mixup_side}. Mixup itself {mixup_itself_side}.", "classes": "dark-light"}}
figures.effects(table[table["metric"].isin(["accuracy", "nll"])])

# %% [markdown]
# ## Clusters and calibration
#
# The V-score measures how well clusters of features agree with classes that plain networks confuse; the expected calibration error (ECE) how far confidence is
# from accuracy.

# %% mystnb={"figure": {"caption": "Effect of the term on the expected calibration error (lower is better), then on the V-score of similar classes (higher is better). Diamond: mean over people and seeds; bar: 95 percent interval over folds, where all people were trained.", "name": "fig-spheres-features"}, "image": {"alt": "The same rows for ECE and V-score. On top of mixup the term changes ECE by {term_on_top_of_mixup_ece} points; mixup itself changes it by {mixup_itself_ece}.", "classes": "dark-light"}}
figures.effects(table[table["metric"].isin(["ece", "v_similar"])])

# %% tags=["nbval-check-output"]
by = ("what", "dataset", "seeds")
readable(effects.in_words(table, by), names={"what": "comparison"})

# %% tags=["remove-cell"]
report(line.answers(table) | {"undone": line.scattering(table)})

# %% [markdown]
# ## What came out
#
# Changes with intervals; {doc}`11_claims` has the corrected tests.
#
# - *Is mixup's scattering undone?* {glue:text}`undone` Mixup changed the V-score of similar classes by {glue:text}`mixup_itself_v_similar`; the term on top of
#   it by {glue:text}`term_on_top_of_mixup_v_similar`.
# - *Is calibration better?* ECE in points: beside labels alone {glue:text}`term_beside_labels_alone_ece`; on top of mixup
#   {glue:text}`term_on_top_of_mixup_ece`; mixup itself {glue:text}`mixup_itself_ece`.
# - *Is accuracy better?* In points: beside labels alone {glue:text}`term_beside_labels_alone_accuracy`; on top of mixup
#   {glue:text}`term_on_top_of_mixup_accuracy`.
# - *Is NLL better?* In nats: beside labels alone {glue:text}`term_beside_labels_alone_nll`; on top of mixup {glue:text}`term_on_top_of_mixup_nll`.
#
# ## A sceptical reader asks
#
# - *Can the term reach zero?* Only if features are at most as many as windows of a batch (here both are 64). After a ReLU features are not negative, which
#   makes it harder.
# - *Is $\gamma$ tuned?* No. At the start of training the term is a fraction of the cross-entropy; another data set or batch size may need another weight.
# - *Is this TPKD's orthogonality?* No: TPKD compares windows of a batch, this term compares features ({doc}`08_methods`).
#
# ## Takeaways
#
# - The term costs one matrix product per step and fits any loss; beside labels alone it {glue:text}`term_beside_labels_alone_side`.
# - Judge a regulariser of features by its target (V-score, ECE) as well as by accuracy.
# - The term depends on the batch: its least value and its scale change with batch size and number of features.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-spheres-alike
#
# All $d$ features of a batch are alike. What is $\| \hat Z^\top \hat Z - I \|_F$? And if $d$ is larger than the batch size $B$, how small can it get?
# ```
#
# ```{solution} ex-spheres-alike
# :class: dropdown
#
# All off-diagonal entries are 1, the diagonal is 0: $\sqrt{d(d - 1)}$, which is $\sqrt{56} \approx 7.48$ for $d = 8$, the first row of the table. With $d > B$
# the matrix $\hat Z^\top \hat Z$ has trace $d$ and at most $B$ eigenvalues above zero. They are best all $d / B$:
# $\sqrt{B (d/B - 1)^2 + d - B} = \sqrt{d (d - B) / B}$.
# ```
#
# ````{exercise}
# :label: ex-spheres-relu
#
# How far from zero is the term for random features after a ReLU, in a batch of 64 windows with 64 features? Compare with random features before it.
# ````
#
# ````{solution} ex-spheres-relu
# :class: dropdown
#
# ```python
# import torch
# from mixkd.learning.map_losses import orthogonal_spheres
#
# z = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
# print(orthogonal_spheres(z).item(), orthogonal_spheres(z.relu()).item())
# ```
#
# About 8 before and 21 after. Features that are not negative have positive cosines, $1/\pi \approx 0.32$ on average for random ones, and
# $\sqrt{64 \cdot 63} / \pi \approx 20$.
# ````

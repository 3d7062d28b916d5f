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
# The Orthogonal Spheres term beside labels alone {glue:text}`labels_alone_side`, and on top of mixup it {glue:text}`on_top_of_mixup_side` (accuracy). Expected
# calibration error on top of mixup, change in points (lower is better): {glue:text}`on_top_of_mixup_ece`.
# ```
#
# The features in front of a network's last layer often say the same thing several times. The **Orthogonal Spheres** regulariser {cite}`choi2020` asks them not to: with
# $\hat Z \in \mathbb{R}^{B \times d}$ the features of a batch, every column scaled to length 1, it adds
#
# $$ \gamma \, \| \hat Z^\top \hat Z - I \|_F $$
#
# to the loss of any method. The closed form is **faithful** to a public implementation; scaling columns, not rows, and $\gamma = 0.01$ are declared. The question for this book:
# mixup is said to scatter the features of similar classes ({doc}`07_smoothness`). Does this term undo that, and does it help calibration?

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import torch

from mixkd import figures, studies
from mixkd.analysis import line
from mixkd.book.notebook import check_parameters, report
from mixkd.learning.map_losses import orthogonal_spheres

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## The term on three batches
#
# Features that are all alike, random ones, and orthogonal ones, eight of each in a batch of sixteen windows:

# %%
draw = torch.Generator().manual_seed(seed)
random = torch.randn(16, 8, generator=draw)
batches = {"alike": random[:, :1].expand(16, 8), "random": random}
batches["orthogonal"] = torch.linalg.qr(random).Q

# %% tags=["nbval-check-output"]
for name, features in batches.items():
    print(f"{name:12}{orthogonal_spheres(features).item():.2f}")

# %% [markdown]
# ## Accuracy and NLL

# %%
table = line.table(scope, line.SPHERE)

# %% tags=["nbval-check-output"]
for name, part in table.groupby("dataset", sort=False):
    print(f"{name}: {part['people'].max()} people, {part['n'].max()} folds")

# %% mystnb={"figure": {"caption": "Effect of the term on held-out people beside labels alone, on top of mixup and of KD; last row: mixup itself. Accuracy (left) and NLL (right, lower is better).", "name": "fig-spheres"}, "image": {"alt": "Rows for labels alone, on top of mixup, on top of KD in the full profile, and mixup itself, each with a diamond around zero for accuracy and NLL.", "classes": "dark-light"}}
figures.effects(table[table["metric"].isin(["accuracy", "nll"])])

# %% [markdown]
# ## Clusters and calibration
#
# The V-score tells how well clusters of features agree with classes that plain networks confuse; the expected calibration error (ECE) how far confidence is from accuracy.

# %% mystnb={"figure": {"caption": "Effect of the term on the expected calibration error (left, lower is better) and on the V-score of similar classes (right, higher is better).", "name": "fig-spheres-features"}, "image": {"alt": "The same rows, each with a diamond around zero for the calibration error and for the V-score of similar classes.", "classes": "dark-light"}}
figures.effects(table[table["metric"].isin(["ece", "v_similar"])])

# %% tags=["nbval-check-output"]
numbers = table.set_index(["metric", "what", "dataset"])
numbers[["effect", "low", "high"]].round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(line.answers(table))

# %% [markdown]
# ## In this build
#
# - **Scattering.** Mixup changed the V-score of similar classes by {glue:text}`mixup_itself_v_similar`; the term on top of it by {glue:text}`on_top_of_mixup_v_similar`.
# - **Calibration.** ECE in points: mixup {glue:text}`mixup_itself_ece`; the term beside labels alone {glue:text}`labels_alone_ece`, on top of mixup
#   {glue:text}`on_top_of_mixup_ece`.
# - **Accuracy** in points: beside labels alone {glue:text}`labels_alone_accuracy`; on top of mixup {glue:text}`on_top_of_mixup_accuracy`.
#
# ## A sceptical reader asks
#
# - *Can the term reach zero?* With a batch of 64 and 64 features just so; features after a ReLU are not negative, which makes it harder. It is a pressure, not a constraint.
# - *Is $\gamma$ tuned?* No. The declared weight adds a fraction of the cross-entropy at the start of a training; another data set or batch size may want another one.
# - *Is this TPKD's orthogonality?* No: TPKD compares windows of a batch, this term compares features ({doc}`08_methods`).

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Trees as teachers, smaller students
#
# ```{admonition} Claim
# :class: tip
# A teacher is worth most where it is better than its student: when it is another, stronger kind of model, or when the student is small (ours).
# ```
#
# **The answer first.** Extra trees as a classifier {glue:text}`trees_themselves_against_a_signal_network_side` against a signal network. As a *teacher* of the usual student they
# {glue:text}`wrn16_1_by_trees_against_labels_alone_side` against labels alone; against the signal network as teacher, they {glue:text}`wrn16_1_by_trees_against_one_by_a_signal_network_side`.
# As teachers of a smaller student the trees {glue:text}`wrn10_1_by_trees_against_labels_alone_side` against labels alone, and the signal network
# {glue:text}`wrn10_1_by_a_signal_network_against_labels_2x_side` against labels for as many steps.
#
# In the chapters before, teacher and student are the same network, so there is nothing to compress and the teacher is hardly the better one. On `watch` a model that is no network is as accurate as
# most students: extra trees on fifteen statistics ({doc}`03_teachers`). Nobody would put three hundred trees into a watch. But they can teach: distillation needs the teacher's probabilities, not its gradients.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import line, stronger
from mixkd.book.notebook import check_parameters, report

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## Who reaches what
#
# Trees are grown on the windows of the training people; with mixup they are asked about mixed windows, as a network would be. The smaller student is a WRN10-1, with one block in each stage where
# the WRN16-1 has two. *2x* has trained for two schedules. Means over people and seeds:

# %%
runs = studies.load("stronger", scope)

# %% tags=["nbval-check-output"]
stronger.table(runs).round(3)

# %% [markdown]
# ## The usual student
#
# Differences are paired by held-out person. A network as teacher takes as many steps as its student, so its student is compared with labels alone for twice the steps; trees take none.

# %%
table = line.table(scope, stronger.STRONGER)

# %% tags=["nbval-check-output"]
for name, part in table.groupby("dataset", sort=False):
    print(f"{name}: {part['people'].max()} people, {part['n'].max()} folds")

# %%
usual = table[~table["what"].str.contains("WRN10-1")]
small = table[table["what"].str.contains("WRN10-1")]

# %% mystnb={"figure": {"caption": "The WRN16-1 student of trees, of a signal network and of both; first row: trees and that network as classifiers. Accuracy (left) and NLL (right, lower is better).", "name": "fig-stronger"}, "image": {"alt": "A row per comparison, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(usual)

# %% [markdown]
# ## The smaller student

# %% mystnb={"figure": {"caption": "The same for a WRN10-1 student; its last two rows compare it with the larger network and with its trees.", "name": "fig-stronger-small"}, "image": {"alt": "A row per comparison of smaller students, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(small)

# %% tags=["nbval-check-output"]
numbers = table.set_index(["metric", "what", "dataset"])
numbers[["effect", "low", "high"]].round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(line.answers(table))

# %% [markdown]
# ## In this build
#
# - **Trees as classifiers**, against the signal network that teaches: {glue:text}`trees_themselves_against_a_signal_network_accuracy` points.
# - **The usual student** of trees, against labels alone: {glue:text}`wrn16_1_by_trees_against_labels_alone_accuracy` points, NLL
#   {glue:text}`wrn16_1_by_trees_against_labels_alone_nll`.
# - **The smaller student** of trees, against labels alone: {glue:text}`wrn10_1_by_trees_against_labels_alone_accuracy` points; against the larger network without a teacher the smaller one has
#   {glue:text}`wrn10_1_against_wrn16_1_labels_alone_accuracy`.
# - **Mixup**, with trees as teachers: {glue:text}`wrn16_1_by_trees_with_mixup_against_without_accuracy` points.
#
# ## A sceptical reader asks
#
# - *Are trees asked what they have learned by heart?* Yes: of a training window each tree knows the class, so their answers are surer there than on new people. Of networks that is true as well. Under
#   mixup the trees see windows that they do not know.
# - *Why not distil from LightGBM or MiniRocket?* Any model with probabilities could teach. Trees are among the best baselines on `watch`, and quick to ask.
# - *Was this planned?* No. It was asked after the baselines had been seen, is in no claim, and has no corrected test.

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
# ```{admonition} Answer
# :class: tip
# Goal: find out whether a teacher of another kind, or a smaller student, makes distillation worth more. {glue:text}`answer` This was not a planned test.
# ```
#
# In the chapters before, teacher and student are networks of the same size, and the teacher is hardly the better one. On `watch` extra trees on fifteen statistics are about as accurate as
# the networks ({doc}`03_teachers`). Three hundred trees are too large for a watch, but they can teach: distillation needs the teacher's probabilities, not its gradients.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import line, stronger
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## All networks and trees
#
# Trees are grown on the windows of the training people; with mixup they answer mixed windows, as a network would. The smaller student is a WRN10-1, with one block in each stage where
# the WRN16-1 has two. Means over people on {glue:text}`on`, one seed; *SD* is over people:

# %%
runs = studies.load("stronger", scope)

# %% tags=["nbval-check-output"]
heads = {"name": "model", "sd": "SD, points"}
readable(stronger.table(runs), metric="share", names=heads)

# %% [markdown]
# ## The usual student
#
# Differences are paired by held-out person. A network as teacher takes as many steps as its student, so its student is compared with labels alone for twice the steps; trees take no steps.
# A row averages all seeds that are published on its data set, else the first one; the last table has their number.

# %%
table = line.table(scope, stronger.STRONGER)

# %% tags=["nbval-check-output"]
sizes = table.groupby("dataset", sort=False)[["people", "n"]].max()
readable(sizes.rename_axis("data set"), names={"n": "folds"})

# %%
usual = table[~table["what"].str.contains("WRN10-1")]
small = table[table["what"].str.contains("WRN10-1")]

# %% mystnb={"figure": {"caption": "The WRN16-1 student of trees, of a signal network and of both; first row: trees and that network as classifiers. Change of accuracy, then NLL (lower is better). Diamond: mean over people and seeds; bar, where all people are there: 95 percent interval, not corrected.", "name": "fig-stronger"}, "image": {"alt": "A student of trees against labels alone: accuracy {wrn16_1_by_trees_against_labels_alone_accuracy} points; NLL {wrn16_1_by_trees_against_labels_alone_nll}.", "classes": "dark-light"}}
figures.effects(usual)

# %% [markdown]
# ## The smaller student

# %% mystnb={"figure": {"caption": "The same for a WRN10-1 student; its last two rows compare it with the larger network and with the trees that taught it.", "name": "fig-stronger-small"}, "image": {"alt": "A smaller student of trees against labels alone: accuracy {wrn10_1_by_trees_against_labels_alone_accuracy} points; NLL {wrn10_1_by_trees_against_labels_alone_nll}.", "classes": "dark-light"}}
figures.effects(small)

# %% tags=["nbval-check-output"]
by = ["what", "dataset", "seeds"]
numbers = table[table["metric"] == "accuracy"].set_index(by)
points = numbers[["effect", "low", "high"]].dropna(axis="columns")
heads = {"what": "change", "effect": "points"}
readable(points, metric="share", names=heads)

# %% tags=["remove-cell"]
about = {"on": dataset, "answer": stronger.answer(table)}
report(line.answers(table) | about)

# %% [markdown]
# ## What came out
#
# Changes of accuracy in points, with 95 percent intervals where all people are there; none is a tested claim of {doc}`11_claims`.
#
# *Are trees the better classifier than the signal network?* {glue:text}`trees_themselves_against_a_signal_network_accuracy`.
#
# *Do trees help the usual student, against labels alone?* {glue:text}`wrn16_1_by_trees_against_labels_alone_accuracy`; NLL {glue:text}`wrn16_1_by_trees_against_labels_alone_nll`.
#
# *Are they better teachers than the signal network?* {glue:text}`wrn16_1_by_trees_against_one_by_a_signal_network_accuracy`.
#
# *Do they help the smaller student, against labels alone?* {glue:text}`wrn10_1_by_trees_against_labels_alone_accuracy`. Without a teacher the smaller network differs from the larger by
# {glue:text}`wrn10_1_against_wrn16_1_labels_alone_accuracy`.
#
# *Does the signal network help it, against labels for as many steps?* {glue:text}`wrn10_1_by_a_signal_network_against_labels_2x_accuracy`.
#
# *What does mixup add to trees as teachers?* {glue:text}`wrn16_1_by_trees_with_mixup_against_without_accuracy`.
#
# ## A sceptical reader asks
#
# - *Do trees repeat what they memorised?* Yes: on training windows their answers are more confident than on new people. So are those of networks. Under
#   mixup the trees see new windows.
# - *Why not distil from LightGBM or MiniRocket?* Any model with probabilities could teach. Trees are among the best baselines on `watch`, and fast.
# - *Was this planned?* No. It was asked after the baselines had been seen, belongs to no claim, and has no corrected test.
#
# ## Takeaways
#
# - A teacher needs no gradients: any model with probabilities can teach.
# - Try a cheap teacher of another kind before a larger network. On `watch` the trees are trained in seconds.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-stronger-temperature
#
# Trees give probabilities, not logits; some are exactly zero. How can a temperature $T$ be applied to them, and what must be done about the zeros?
# ```
#
# ```{solution} ex-stronger-temperature
# :class: dropdown
#
# Softmax forgets a constant, so $z_k = \log p_k$ are logits of $p$. With temperature, $p_k^{1/T} / \sum_j p_j^{1/T}$. A zero gives $\log 0$: it must be raised to a small
# positive number first, and at high $T$ the result depends on that number.
# ```
#
# ```{exercise}
# :label: ex-stronger-steps
#
# A student of a network is compared with labels for twice the steps, a student of trees with labels for the same steps. Why is that fair, and what would the other comparison show?
# ```
#
# ```{solution} ex-stronger-steps
# :class: dropdown
#
# Training the network that teaches costs as many gradient steps as the student; the same budget could train the student twice as long. Trees cost no gradient steps. Comparing a student of a network with
# labels for the same steps would credit the teacher with what more training alone can bring ({doc}`04_distillation`).
# ```

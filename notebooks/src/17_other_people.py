# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Other people, other activities
#
# ```{admonition} Claim
# :class: tip
# What a setting does to a student on one data set is a hint of what it does on another, and no more.
# ```
#
# The chapters before use one data set at a time. Here the main questions are asked of every data set whose runs are published:
# one change of setting per row, on the same held-out people, folds and seeds. An interval is shown where all people were run.
#
# Short names in the figures: T & S is a student of teachers, both trained without mixup; Mix-T, Mix-S: mixup in training the teacher, or the student. A scratch network has no teacher.
# Base is a student of both teachers that starts from random weights, Ann one that starts from the weights of a scratch network; 2x means trained for twice as many epochs.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import answers, effects, contrasts
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
everywhere = contrasts.everywhere(scope, effects.specs)
table = pd.concat([effects.table(*runs) for runs in everywhere], ignore_index=True)

# %% tags=["nbval-check-output"]
sets = table.groupby("dataset", sort=False)[["people", "n"]].max()
sets.insert(0, "title", [entry_of(name).title for name in sets.index])
readable(sets, names={"title": "recordings", "n": "folds"})

# %% [markdown]
# Each interval is for its row alone: of {glue:text}`n_rows` rows on this page, one in twenty misses the truth by chance. Corrected tests are in
# {doc}`11_claims`.
#
# ## Mixup in the teacher, the student or both
#
# Against T & S with teachers of the same kind (first row: against the student without teachers and mixup).

# %% mystnb={"figure": {"caption": "Effect of mixup in the teacher's training, in the distillation and in both, on accuracy and NLL (lower is better). Diamond: mean over folds of held-out people; bar: 95 percent interval; none where only some people were run.", "name": "fig-effects-mixup"}, "image": {"alt": "Ten changes by mixup in accuracy and NLL on {n_sets} data sets. The largest change of accuracy on this page is {size:+.1f} points ({largest}).", "classes": "dark-light"}}
figures.effects(table[table["study"] == "mixup"])

# %% [markdown]
# ## Share of a batch
#
# Students of both teachers, against no mixup in the distillation.

# %% mystnb={"figure": {"caption": "Effect of mixing a share of each batch in the distillation, on accuracy and NLL (lower is better); marks and bars as above.", "name": "fig-effects-share"}, "image": {"alt": "Changes of accuracy and NLL by the share of each batch that is mixed, from a small share to all, on {n_sets} data sets, each against no mixup in the distillation.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "share"])

# %% [markdown]
# ## Temperature
#
# Students of a signal teacher, plain or trained with mixup, against the same teacher at the default temperature.

# %% mystnb={"figure": {"caption": "Effect of the temperature of a plain and of a mixup-trained signal teacher, on accuracy and NLL (lower is better); marks and bars as above.", "name": "fig-effects-temperature"}, "image": {"alt": "Changes of accuracy and NLL by the temperature of a plain and of a mixup-trained signal teacher, against the default temperature, on {n_sets} data sets.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "temperature"])

# %% [markdown]
# ## Teachers against longer training
#
# Both sides of a row train for the same number of epochs, except in *scratch 2x against scratch*.

# %% mystnb={"figure": {"caption": "Effect of teachers, of training twice as long and of the start from scratch-trained weights, on accuracy and NLL (lower is better); marks and bars as above.", "name": "fig-effects-teachers"}, "image": {"alt": "Six comparisons of methods. Training twice as long without a teacher changes accuracy by {longer}.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "teachers"])

# %% [markdown]
# ## The largest effects
#
# On accuracy; all numbers of the page are below its figures as CSV.

# %% tags=["nbval-check-output"]
accuracy = table[table["metric"] == "accuracy"]
order = accuracy["effect"].abs().sort_values(ascending=False).index[:10]
largest = accuracy.loc[order]
rows = pd.MultiIndex.from_frame(largest[["what", "dataset"]])
readable(effects.in_words(largest).reindex(rows), names={"what": "change"})

# %% tags=["nbval-check-output"]
sides = pd.Series(effects.agreement(accuracy), name="changes")
sides.index = ["same side on all", "clear on all", "clear on opposite sides"]
readable(sides.rename_axis("over the data sets"))

# %% tags=["remove-cell"]
report(answers.other_people(table, effects.agreement(accuracy)))

# %% [markdown]
# ## What came out
#
# *Do {glue:text}`n_sets` data sets agree?* Of {glue:text}`n_rows` changes of a setting, {glue:text}`agreement`.
#
# *Which change matters most for accuracy?* {glue:text}`largest`: {glue:text}`size:+.1f` points.
#
# *What does twice the training change, without a teacher?* {glue:text}`longer`.
#
# ## A sceptical reader asks
#
# - *Which of these rows were planned?* Those behind the claims. The others belong to the studies of earlier chapters; all are shown.
# - *Is the same side the same finding?* Hardly: of effects that are zero, half fall on the same side of two data sets by chance, and rows share runs.
# - *Are the data sets comparable?* No: sensors, activities, rates, windows and epochs differ ({doc}`15_datasets`). Only differences within a data set are shown.
# - *Were settings tuned on one of them?* Resolution and schedule were chosen on validation people of `watch` alone ({doc}`../book/defaults`); temperature and weight of the
#   distillation are those of the paper's authors. On other data sets nothing was tuned.
# - *Was training long enough?* Perhaps not for mixup: it regularises, so short training hides its gains and shows its losses. The results hold for these epochs; the paper's authors train for many more.
# - *What is the unit?* A fold: one held-out person, or a group of people tested on the same networks. In a group each person is scored alone, and the mean counts.
#
# ## Takeaways
#
# - Repeat the main comparison on a second data set before you believe its sign.
# - Compare within a data set, person by person; never accuracies of different sets.
# - Train longer first: it is the control that every teacher must beat.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-people-sign
#
# Thirty changes have no effect on either of two data sets. On how many do you expect the same sign? On how many clear effects, with intervals that err once in twenty, on both sets and to the same side?
# ```
#
# ```{solution} ex-people-sign
# :class: dropdown
#
# The same sign: half, 15. Clear on both and to the same side: $2 \cdot (1/40)^2 = 1/800$ for each change, so about one in 27 such pages has a single one. Agreement of clear effects is strong
# evidence; agreement of signs is not.
# ```
#
# ```{exercise}
# :label: ex-people-unit
#
# Fifty people are tested in ten groups of five. Why is the interval computed from ten numbers, not fifty?
# ```
#
# ```{solution} ex-people-unit
# :class: dropdown
#
# The five people of a group are tested on the same networks, so their errors share the luck of that training. If each person varies by $\sigma$ and each network by $\tau$, the mean over all has variance
# $\sigma^2/50 + \tau^2/10$. Fifty numbers would claim $(\sigma^2 + \tau^2)/50$, which is too small.
# ```

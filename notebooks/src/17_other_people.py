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
# The chapters before ask their questions of one data set at a time. Here the main ones are asked again of every data set whose runs for them are published:
# one change of setting per row, on the same held-out people, from the same folds and seeds. The `quick` profile has one data set and two people: points
# without intervals.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import answers, effects, contrasts
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
found = contrasts.everywhere(scope, effects.specs)
table = pd.concat([effects.table(*runs) for runs in found], ignore_index=True)

# %% tags=["nbval-check-output"]
for name, part in table.groupby("dataset", sort=False):
    title, (people, folds) = entry_of(name).title, part[["people", "n"]].max()
    print(f"{title}: {people} people, tested in {folds} folds")

# %% [markdown]
# All intervals are for one row alone: with {glue:text}`n_rows` rows on this page, one in twenty would leave out the truth by chance. The tests that count are those of
# {doc}`11_claims`.
#
# ## Mixup: which of the two trainings?
#
# Against T & S from teachers of the same kind (first row: against the plain student).

# %% mystnb={"figure": {"caption": "Effect of mixup in the teacher's training, in the distillation and in both, on accuracy and NLL (lower is better); with intervals over folds of held-out people in the full profile.", "name": "fig-effects-mixup"}, "image": {"alt": "Ten rows, one per teacher and case of mixup, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "mixup"])

# %% [markdown]
# ## How much of a batch?
#
# Students of both teachers; against no mixup in the distillation.

# %% mystnb={"figure": {"caption": "Effect of mixing a share of each batch in the distillation, on accuracy and NLL (lower is better).", "name": "fig-effects-share"}, "image": {"alt": "A row per share up to 100 percent, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "share"])

# %% [markdown]
# ## Which temperature?
#
# Students of a signal teacher, plain or trained with mixup; against the same teacher at the default temperature.

# %% mystnb={"figure": {"caption": "Effect of the temperature of a plain and of a mixup-trained signal teacher, on accuracy and NLL (lower is better).", "name": "fig-effects-temperature"}, "image": {"alt": "A row per teacher and temperature, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "temperature"])

# %% [markdown]
# ## Are the teachers worth it?
#
# *2x* trains for two schedules. Both sides of a row trained for the same number of epochs, except in *scratch 2x against scratch*.

# %% mystnb={"figure": {"caption": "Effect of teachers, of a second schedule and of the start from scratch-trained weights, on accuracy and NLL (lower is better).", "name": "fig-effects-teachers"}, "image": {"alt": "Six rows, one per comparison of methods, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(table[table["study"] == "teachers"])

# %% [markdown]
# ## The numbers
#
# Accuracy as a fraction of one, then NLL in nats; *low* and *high* bound the t interval of the mean over folds, at the level of {doc}`11_claims`.

# %% tags=["nbval-check-output"]
accuracy, nll = (table[table["metric"] == name] for name in effects.SHOWN)
columns = ["effect", "low", "high"]
numbers = accuracy.set_index(["dataset", "what"])[columns]
numbers.round(4).dropna(axis="columns")

# %% tags=["nbval-check-output"]
numbers = nll.set_index(["dataset", "what"])[columns]
numbers.round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(answers.other_people(table, effects.agreement(accuracy)))

# %% [markdown]
# ## In this build
#
# Data sets: {glue:text}`n_sets`. Of {glue:text}`n_rows` changes of a setting, {glue:text}`agreement`. The largest effect on accuracy is
# {glue:text}`size:+.1f` points ({glue:text}`largest`).
#
# ## A sceptical reader asks
#
# - *Which of these rows were planned?* Those behind the claims; the others belong to the studies of earlier chapters, were run whatever came out, and are all shown.
# - *Is the same side the same finding?* Hardly: of effects that are nothing, half fall on the same side of two data sets, and rows share runs.
# - *Are the data sets comparable?* No: sensors, activities, rates, windows and epochs differ ({doc}`15_datasets`). Only differences within a data set are drawn.
# - *Were settings tuned on one of them?* Resolution and schedule were chosen on validation people of `watch` alone ({doc}`../book/defaults`); temperature and weight of the
#   distillation are the group's. On other data sets nothing was tuned.
# - *Was training long enough?* Twice the epochs change the accuracy of a student without a teacher by {glue:text}`longer`. Mixup regularises, so a short training hides its gains and shows its losses:
#   what is said here of mixup holds for these epochs. The group trains for many more.
# - *Who is a unit?* A fold: one held-out person, or a group that was tested on the same networks. In a group each is scored alone, and the mean counts.

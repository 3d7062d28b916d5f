# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Thirteen systems side by side
#
# ```{admonition} Answer
# :class: tip
# Each system against its natural control, with as many gradient steps, on people it never saw: {glue:text}`answer`.
# ```
#
# The paper of this book is one of a family. Its relatives swap segments, average networks, keep features apart, or mix windows on a sphere. Here each of them is a row of one
# table: the same network (WRN16-1 on signals), the same folds, seed and batches, as many steps in all. A row differs from its control in what the system adds, and in nothing else.
# The chapters that follow take the rows one by one.
#
# How close a row is to its source is said by one of four labels. *Faithful*: the loss is that of a public implementation or a printed equation. *Adapted*: carried over to
# windows of time. *Reconstructed*: the idea is known and parts of the equation are not. *Inspired*: a small relative of the idea.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import line, side_by_side, systems
from mixkd.book.notebook import check_parameters, report

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## A map of the line
#
# What a system is made of tells more than its name. Most share their parts, and many have no second network.

# %% mystnb={"figure": {"caption": "What each system uses, ordered by year. A teacher is a second, trained network; soft labels are mixed or smoothed ones.", "name": "fig-line-map"}, "image": {"alt": "Dot matrix with thirteen systems as rows and seven ingredients as columns; most systems use two or three of them.", "classes": "dark-light"}}
figures.shared(systems.ingredients())

# %% tags=["nbval-check-output"]
systems.sources()

# %% [markdown]
# ## The table

# %%
table = line.table(scope, side_by_side.effects())

# %% mystnb={"figure": {"caption": "Difference in accuracy between each system and its control on held-out people; with intervals over folds in the full profile. One seed.", "name": "fig-side-by-side"}, "image": {"alt": "A row per system with a diamond around zero for each data set, with intervals in the full profile.", "classes": "dark-light"}}
figures.effects(table[table["metric"] == "accuracy"])

# %% tags=["nbval-check-output"]
side_by_side.table(scope, table).round(1).dropna(axis="columns", how="all")

# %% [markdown]
# *mean* and *sd* are of the system's accuracy over held-out people, in per cent; *effect*, *low* and *high* in points. *steps* are gradient steps of the student. Its control
# takes as many; a control without a teacher trains longer, by the steps that the system's teacher took.
#
# What a step costs, from the benchmark record, as a multiple of a step of the control in the same run (teachers computed live):

# %% tags=["nbval-check-output"]
side_by_side.costs().round(2)

# %% tags=["remove-cell"]
report({"answer": side_by_side.answer(table), "n_effects": table["what"].nunique()})

# %% [markdown]
# ## Two rows without classes
#
# Time-aware KD predicts forces ({doc}`22_forces`). Its error beside that of the same network without a teacher, in the units of the force; *effect*, *low* and *high* in per cent of
# the control's error (below zero is better):

# %% tags=["nbval-check-output"]
side_by_side.of_forces(scope).round(3).dropna(axis="columns", how="all")

# %% [markdown]
# Poly-INR draws pictures of diagrams ({doc}`25_pictures`). Its fidelity at pixels it was not given, beside bilinear interpolation, in dB (above is better):

# %% tags=["nbval-check-output"]
side_by_side.of_pictures(scope).round(0)

# %% [markdown]
# Smooth-Distill was made for two heads; in the table above it has one, and with two it is in {doc}`21_self_distillation`.
#
# ## A sceptical reader asks
#
# - *Which system is best?* This table does not say. Rows have different controls, so their effects do not compare; and the largest of {glue:text}`n_effects` noisy numbers is flattering.
# - *Are so many tests corrected?* No. These are effects with intervals, none was declared before the runs, and of twenty true zeros one would look clear. The corrected tests are in
#   {doc}`11_claims`.
# - *Why does a data set lack intervals in the full profile?* Its campaign for that system is not complete: `full` shows two people there, as `quick` does.
# - *Is a step of one system worth a step of another?* In time, no: the table of costs tells. In what the optimiser may do, yes, and that is what the controls fix.

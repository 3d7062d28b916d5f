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
# Goal: see in one table what each relative of this book's paper adds. Against its own control: {glue:text}`answer`.
# ```
#
# The paper of this book has relatives that swap segments, average networks, keep features apart, or mix windows on a sphere. Each is a row of one table: the
# same network (WRN16-1 on signals), folds, seed and batches. A row has as many gradient steps as its control, and differs from it only in what the system adds.
#
# Four labels say how close a row is to its source. *Faithful*: the loss of a public implementation or of a printed equation. *Adapted*: carried over to windows
# of time.
# *Reconstructed*: parts of the equation are not known. *Inspired*: a small relative of the idea.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import effects, line, side_by_side, systems
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## What are the systems made of?
#
# Most systems share their parts, and some have no second network.

# %% mystnb={"figure": {"caption": "What each system uses (a dot), ordered by year. A teacher is a second, trained network; soft labels are mixed or smoothed ones.", "name": "fig-line-map"}, "image": {"alt": "Dot matrix of thirteen systems and seven ingredients: eight systems use a teacher, five use features, and most use two or three ingredients.", "classes": "dark-light"}}
figures.shared(systems.ingredients())

# %% tags=["nbval-check-output"]
readable(systems.sources())

# %% [markdown]
# ## What does each system change?

# %%
table = line.table(scope, side_by_side.effects())

# %% mystnb={"figure": {"caption": "Accuracy of each system minus that of its control, on the same held-out people, over all seeds that are published. Diamond: mean; bar: 95 percent interval over folds; none where only some people were run.", "name": "fig-side-by-side"}, "image": {"alt": "A row per system with a diamond for each data set. Against the control of the row: {answer}.", "classes": "dark-light"}}
figures.effects(table[table["metric"] == "accuracy"])

# %%
scores = side_by_side.table(scope, table)[["mean", "sd", "steps"]]
scores = scores.round(1).astype({"mean": str, "sd": str})
change = effects.in_words(table[table["metric"] == "accuracy"], ["dataset", "what"])

# %% tags=["nbval-check-output"]
readable(
    scores.join(change.rename_axis(scores.index.names)),
    names={
        "mean": "accuracy, %",
        "sd": "SD over people",
        "accuracy, points": "against control, points",
    },
)

# %% [markdown]
# *steps* are gradient steps of the student. Its control takes as many; a control without a teacher trains longer, by the steps that the system's teacher took.
# TPKD starts from a trained student, so its steps are those of two trainings; its control starts there too. *Few people* is trained on the recordings of two people
# where the others have those of all training people, hence its lower accuracy; its control has the same two.
#
# A step does not cost the same in every system. From the benchmark record, in milliseconds and as a multiple of the control's step in the same run (teachers
# computed live):

# %% tags=["nbval-check-output"]
readable(
    side_by_side.costs(),
    names={"name": "system", "over_control": "times the control's"},
)

# %% tags=["remove-cell"]
report({"answer": side_by_side.answer(table), "n_effects": table["what"].nunique()})

# %% [markdown]
# ## Two rows without classes
#
# Time-aware KD predicts forces ({doc}`22_forces`). The table has its error and that of the same network without a teacher, in units of the force, and the
# difference in percent of the latter (below zero is better):

# %% tags=["nbval-check-output"]
errors = side_by_side.in_units(side_by_side.of_forces(scope))
names = {"labels": "without a teacher", "effect": "difference, %"}
readable(errors, names=names | {"people": "tested"})

# %% [markdown]
# Poly-INR draws images of persistence diagrams ({doc}`25_pictures`). Its peak signal-to-noise ratio at pixels it was not given, and that of bilinear
# interpolation (higher is better):

# %% tags=["nbval-check-output"]
fidelity = side_by_side.of_pictures(scope).map("{:.1f}".format)
readable(fidelity.rename_axis("way").rename("PSNR, dB"))

# %% [markdown]
# Smooth-Distill was made to predict two things at once (two output layers). Here it predicts one; {doc}`21_self_distillation` has both.
#
# ## What came out
#
# *Which systems differ clearly from their control?* {glue:text}`answer`. Clear means that the interval excludes zero; it is not corrected for
# {glue:text}`n_effects` systems.
#
# ## A sceptical reader asks
#
# - *Which system is best?* This table cannot tell. Rows have different controls, so their effects do not compare, and the largest of {glue:text}`n_effects`
#   noisy numbers is too large on average.
# - *Are so many tests corrected?* No, and none was declared before the runs. The corrected tests are in {doc}`11_claims`.
# - *When does a row have no interval?* In a build of two people: an interval needs the runs of all.
# - *Is a step of one system worth a step of another?* Not in time: see the table of costs. The controls fix how often the optimiser may act.
#
# ## Takeaways
#
# - Compare a system with a control that differs in one thing and trains as long, not with the number of another paper.
# - Thirteen systems have seven ingredients between them: a new name is seldom a new part.
# - Before choosing a system for a gain, look at its interval and at the price of its step.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-side-zeros
#
# Suppose that twenty systems have no effect at all, and that each is tested on its own at a level of one in twenty. How many look clear on average? How likely
# is at least one, if the tests are independent? Ours share people and controls: does that change the first number?
# ```
#
# ```{solution} ex-side-zeros
# :class: dropdown
#
# On average $20 \cdot 0.05 = 1$. At least one: $1 - 0.95^{20} \approx 0.64$. Averages add up whether or not tests are independent, so the first number stays;
# the second does not.
# ```
#
# ````{exercise}
# :label: ex-side-teachers
#
# Which ingredients do most systems use, and which systems need no second network? Start from `systems.ingredients()`.
# ````
#
# ````{solution} ex-side-teachers
# :class: dropdown
#
# ```python
# from mixkd.analysis import systems
#
# parts = systems.ingredients().set_index("name").drop(columns="year")
# print(parts.sum().sort_values())
# print([*parts.index[~parts["teacher"]]])
# ```
#
# A teacher (eight systems) and features (five). Five systems have none: Patch swap, Smooth-Distill, Orthogonal Spheres, Poly-INR and Hyperspherical WAE.
# ````

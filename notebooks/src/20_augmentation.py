# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which augmentation, and for whom?
#
# ```{admonition} Answer
# :class: tip
# Mix1 for the student of a plain teacher {glue:text}`mix1_student_of_a_plain_teacher_side`; for student and teacher it
# {glue:text}`mix1_student_and_teacher_side`. Accuracy of the first against no augmentation, in points:
# {glue:text}`mix1_student_of_a_plain_teacher_accuracy`.
# ```
#
# Before mixup, the group studied simpler changes of a window in distillation {cite}`jeon2022`: a span is **removed**, **noise** is added, the window is **shifted** in
# time; *Mix1* is removal and shift, *Mix2* is all three. Careful with the names: Mix1 and Mix2 *compose* transforms of one window. They mix no two windows and no labels;
# they are not mixup.
#
# An augmentation can act in two trainings, like mixup: that of the teacher and that of the student. In the second the teacher sees the changed windows too and says what they are.
# The kinds are **faithful**; their ranges could not be read and are declared: up to half of the window removed, noise of up to a fifth of a standard deviation, a circular shift of up to
# half a window.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]

from mixkd import figures, studies
from mixkd.analysis import line
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.learning import augment
from mixkd.rng import generator
from mixkd.studies.line import KINDS

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## What is done to a window

# %%
data = next(iter(studies.data(scope).values()))
window = data.signals["train"][:1]
views = {}
for kind in KINDS:
    drawn = augment.draw(kind, 1, generator(seed, "shown"))
    views[kind] = drawn(window)[0, 0, 0].numpy()

# %% mystnb={"figure": {"caption": "One normalised window (grey) and what each kind of augmentation makes of it (blue).", "name": "fig-augmented"}, "image": {"alt": "Six small line plots: the window as recorded, with a span set to zero, with noise, shifted, and with two and three of these at once.", "classes": "dark-light"}}
figures.augmented(
    window[0, 0, 0].numpy(), views, rate=entry_of(dataset).load().rate
)

# %% tags=["nbval-check-output"]
for kind in KINDS:
    print(f"{kind:9}", ", ".join(augment.PARTS[kind]))

# %% tags=["nbval-check-output"]
drawn = augment.draw("mix2", 1, generator(seed, "shown"))
for part in ("start", "length", "shift", "noise"):
    print(f"{part:7}{getattr(drawn, part)[0]:.2f}")

# %% [markdown]
# Start, length and shift are shares of a window; noise is a standard deviation.
#
# All that is random is drawn with the batch, so every student of a fold and seed meets the same spans, shifts and noise.
#
# ## For the student, for both, or mixup instead?

# %%
table = line.table(scope, line.AUGMENTATION)

# %% mystnb={"figure": {"caption": "Effect on held-out people of augmentation and of mixup, without a teacher against labels alone, with a signal teacher against plain KD: accuracy (left) and NLL (right, lower is better).", "name": "fig-augmentation-effects"}, "image": {"alt": "A row each for mixup and Mix1 without a teacher and for the student of a plain teacher, and for Mix1 for student and teacher, with a diamond around zero for accuracy and NLL.", "classes": "dark-light"}}
figures.effects(table)

# %% tags=["nbval-check-output"]
numbers = table.set_index(["metric", "what", "dataset"])
numbers[["effect", "low", "high"]].round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(line.answers(table))

# %% [markdown]
# ## In this build
#
# - **Without a teacher**: Mix1 {glue:text}`mix1_no_teacher_accuracy`; mixup {glue:text}`mixup_no_teacher_accuracy` (points of accuracy against labels alone).
# - **For the student**: Mix1 {glue:text}`mix1_student_of_a_plain_teacher_accuracy`; mixup {glue:text}`mixup_student_of_a_plain_teacher_accuracy` (against plain KD).
# - **For student and teacher**: Mix1 {glue:text}`mix1_student_and_teacher_accuracy` (against plain KD).
#
# ## A sceptical reader asks
#
# - *Why Mix1?* The study names it the strongest general choice. The other kinds have rows where ten people are shown, and each is one parameter away: `mixkd run -s augment=noise`.
# - *Are these ranges too strong for short windows?* They may be: they are declared, and not tuned on this data.
# - *Does a shift by half a window make sense?* Where an activity repeats, the window's phase is arbitrary, so a circular shift makes another window of the same kind, with one
#   seam. For a single movement it does not.

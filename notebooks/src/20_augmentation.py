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
# Goal: find out whether changing single windows helps a student, its teacher, or both. Removing and shifting (Mix1) for the student of a plain teacher
# {glue:text}`mix1_student_of_a_plain_teacher_side`. For student and teacher it {glue:text}`mix1_student_and_teacher_side`.
# ```
#
# Before mixup {cite}`choi2023`, the same group of authors studied simpler changes of a window in distillation {cite}`jeon2022`: a span is **removed**,
# **noise** is added, the window is **shifted** in time; *Mix1* is removal and shift, *Mix2* is all three. Despite their names they are not mixup: each changes one window and leaves its label
# alone.
#
# Like mixup, augmentation can act in two trainings, the teacher's and the student's. In the second the teacher labels the changed windows too. The kinds are
# **faithful**. Their ranges could not be read and are ours: up to half of the window removed, noise of up to a fifth of a standard deviation, a circular shift
# of up to half a window.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import effects, line
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.learning import augment
from mixkd.rng import generator
from mixkd.studies.line import KINDS

check_parameters(globals())

# %% [markdown]
# ## What is done to a window

# %%
scope = studies.Scope(dataset, profile, seed)
data = next(iter(studies.data(scope).values()))
window = data.signals["train"][:1]
views = {}
for kind in KINDS:
    drawn = augment.draw(kind, 1, generator(seed, "shown"))
    views[kind] = drawn(window)[0, 0, 0].numpy()

# %% mystnb={"figure": {"caption": "One normalised window (grey) and what each kind of augmentation makes of it (blue).", "name": "fig-augmented"}, "image": {"alt": "Six small plots of one window. Removal sets a span to zero, noise roughens the curve, a shift moves it with one seam; Mix1 and Mix2 join two and three of these.", "classes": "dark-light"}}
figures.augmented(
    window[0, 0, 0].numpy(), views, rate=entry_of(dataset).load().rate
)

# %% tags=["nbval-check-output"]
done = {
    "removal": "sets a span to zero",
    "noise": "adds noise to every sample",
    "shifting": "shifts the window circularly in time",
}
parts = {kind: "; ".join(map(done.get, augment.PARTS[kind])) for kind in KINDS}
readable(pd.Series(parts, name="what it does").rename_axis("kind"))

# %% [markdown]
# One draw of Mix2: start, length and shift are shares of a window, noise is a standard deviation.

# %% tags=["nbval-check-output"]
drawn = augment.draw("mix2", 1, generator(seed, "shown"))
parts = ("start", "length", "shift", "noise")
readable(pd.DataFrame({part: getattr(drawn, part) for part in parts}))

# %% [markdown]
# All randomness is drawn with the batch, so every student of a fold and seed meets the same spans, shifts and noise.
#
# ## For the student, for both, or mixup instead?
#
# The last row changes no window: its teacher is *early stopped* (ESKD {cite}`cho2019`), with the weights of the epoch that was best on validation people. A row
# averages all seeds that are published on its data set, else the first one (column *seeds*).

# %%
table = line.table(scope, line.AUGMENTATION)

# %% mystnb={"figure": {"caption": "Effect on held-out people of augmentation and of mixup, without a teacher against labels alone, with a signal teacher against plain KD: accuracy, then NLL (lower is better). Diamond: mean over people and the seeds of the table below; bar: 95 percent interval over folds, where all people were trained.", "name": "fig-augmentation-effects"}, "image": {"alt": "Effects on accuracy and NLL. For the student of a plain teacher, Mix1 {mix1_student_of_a_plain_teacher_side}. Mixup {mixup_student_of_a_plain_teacher_side}. Without a teacher, Mix1 {mix1_no_teacher_side}.", "classes": "dark-light"}}
figures.effects(table)

# %% tags=["nbval-check-output"]
by = ("what", "dataset", "seeds")
readable(effects.in_words(table, by), names={"what": "changed"})

# %% tags=["remove-cell"]
report(line.answers(table))

# %% [markdown]
# ## What came out
#
# Changes of accuracy in points, with intervals; {doc}`11_claims` has the corrected tests.
#
# - *Without a teacher?* Mix1 {glue:text}`mix1_no_teacher_accuracy`; mixup {glue:text}`mixup_no_teacher_accuracy` (against labels alone).
# - *For the student of a plain teacher?* Mix1 {glue:text}`mix1_student_of_a_plain_teacher_accuracy`; mixup
#   {glue:text}`mixup_student_of_a_plain_teacher_accuracy` (against plain KD).
# - *For student and teacher?* Mix1 {glue:text}`mix1_student_and_teacher_accuracy` (against plain KD).
#
# ## A sceptical reader asks
#
# - *Why Mix1?* The study names it the strongest general choice. The full build has rows for the other kinds on `watch`; `mixkd run -s augment=noise` trains one.
# - *Are these ranges too strong for short windows?* They may be: they were not tuned on this data.
# - *Does a shift by half a window make sense?* Where an activity repeats, the window's phase is arbitrary, so a circular shift makes another window of the same
#   kind, with one seam. For a single movement it does not.
#
# ## Takeaways
#
# - Augmentation of single windows keeps labels hard; mixup softens them. Only the first leaves the teacher's task unchanged.
# - Mix1 was the strongest general choice of its study; for the student of a plain teacher it {glue:text}`mix1_student_of_a_plain_teacher_side`.
# - Which training an augmentation acts in is a setting of its own: report it.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-augment-removed
#
# Removal sets a span to zero whose length is uniform between zero and half a window. What share of a window is lost on average? For an activity with
# one period per window, does a circular shift by half a window give a new example?
# ```
#
# ```{solution} ex-augment-removed
# :class: dropdown
#
# The mean of a uniform length between $0$ and $1/2$ is $1/4$, if the span lies within the window. A shift by half a window changes the phase by half a period:
# a recording that started half a period later looks like this, so the example is plausible, and new unless the training data have this phase already.
# ```
#
# ````{exercise}
# :label: ex-augment-mean
#
# Check the first answer with the package: draw removals for many windows and average their lengths. Can a span run out of its window?
# ````
#
# ````{solution} ex-augment-mean
# :class: dropdown
#
# ```python
# from mixkd.learning import augment
# from mixkd.rng import generator
#
# drawn = augment.draw("removal", 10_000, generator(0, "exercise"))
# print(drawn.length.mean(), (drawn.start + drawn.length).max())
# ```
#
# About one quarter, as computed, and no span runs out of its window: its start is drawn from what the length leaves. So spans cover the middle of a
# window more often than its ends.
# ````

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data and splits
#
# ```{admonition} Claim
# :class: tip
# A network that is tested on people it has trained on looks far better than it is. Everything in this book is
# measured on people who were held out.
# ```
#
# A wearable sensor is worn by a person, and people differ: in size, in strength, in how tightly they wear a watch.
# Whoever builds an activity recogniser wants to know how it does on the *next* person. This chapter looks at the
# data, and shows how much the way of splitting it matters.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
subject: int = 0  # whose windows are drawn; 0: the first person's

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies, windows
from mixkd.analysis import answers, baselines
from mixkd.book import notebook
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## What the sensors see
#
# `watch`, the data set of this book, comes with the Python package seglearn: ten people did seven shoulder exercises of
# physiotherapy, with either arm, wearing a smartwatch on the wrist {cite}`burns2018`. The watch sampled acceleration (in
# units of gravity) and angular rate (rad/s) fifty times a second. Each exercise was repeated about twenty times in a row:
# that is a **recording**. We cut recordings into **windows** of two seconds; each starts one second after the one before.
#
# The parameter `dataset` takes any other set, with its own people, classes, channels and windows: {doc}`15_datasets`
# compares them. The cells below say what the chosen one holds.

# %%
entry = entry_of(dataset)
recordings = entry.load()
data = studies.data(scope)
cut = windows.cut(recordings, entry.window, entry.step, entry.rule)
people = sorted(set(recordings.subjects.tolist()))
subject = subject or people[0]
notebook.check_known("subject", subject, people)

# %% tags=["nbval-check-output"]
n_recordings, n_classes = len(recordings.signals), len(recordings.classes)
print(
    f"{n_recordings} recordings of {len(people)} people, {recordings.rate:.4g} Hz"
)
print(f"{len(cut)} windows of shape {cut.x.shape[1:]}, {n_classes} classes")

# %% mystnb={"figure": {"caption": "One window of each class of one person: the three axes of an accelerometer.", "name": "fig-windows"}, "image": {"alt": "Small multiples of line plots, one per class, each showing three acceleration channels over the length of a window.", "classes": "dark-light"}}
figures.window_per_class(cut, recordings, subject)

# %% [markdown]
# Activities differ in which axis carries gravity and in the rhythm; some pairs look alike. {numref}`fig-counts` shows who
# contributed how much.

# %% mystnb={"figure": {"caption": "Windows of each class that each person contributed.", "name": "fig-counts"}, "image": {"alt": "Stacked horizontal bars, one per person, coloured by class; the axis counts windows.", "classes": "dark-light"}}
figures.windows_per_subject(cut, recordings.classes)

# %% [markdown]
# ## People differ
#
# If all people moved alike, any split would do. {numref}`fig-ranges` shows, for each channel and person, the
# range that holds nine of ten values.

# %% mystnb={"figure": {"caption": "Median (dot) and 5 to 95 % range (bar) of each channel, per subject.", "name": "fig-ranges"}, "image": {"alt": "Panels, one per channel, each with a horizontal bar and a dot per person on an axis in the unit of the channel.", "classes": "dark-light"}}
figures.channel_ranges(cut, recordings)

# %% [markdown]
# ## Why splits are by subject
#
# Windows may overlap, and a person repeats the same movement many times. If windows are dealt at random to training and
# test, nearly every test window has a near copy in the training set. A random forest on eight simple features per
# channel shows what that does. Both splits below have the same number of test windows.

# %%
by_subject, by_window = {}, {}
for fold, part in data.items():
    train, test = part.splits["train"], part.splits["test"]
    by_subject[fold] = baselines.accuracy("random forest", train, test, seed)
    by_window[fold] = baselines.accuracy(
        "random forest", *baselines.split_at_random(train, test, seed), seed
    )

# %% tags=["nbval-check-output"]
splits = {"random split": by_window, "held-out person": by_subject}
pd.DataFrame(splits).rename_axis(columns="fold").round(3)

# %% mystnb={"figure": {"caption": "The same forest, the same number of test windows: accuracy when windows are split at random and when whole people are held out. One dot per fold.", "name": "fig-leak"}, "image": {"alt": "Two rows of dots on an accuracy axis, one for windows split at random and one for whole people held out, with their means.", "classes": "dark-light"}}
figures.leakage(by_subject, by_window)

# %% tags=["remove-cell"]
report(answers.splits(by_subject, by_window))

# %% [markdown]
# The random split promises {glue:text}`leak_window:.1f` % and the held-out people get {glue:text}`leak_subject:.1f` %. The
# difference is what knowing a person's other windows is worth; a watch on a new wrist has none of them.
#
# ## Folds
#
# Every person is tested exactly once (**leave one subject out**). One more person, the next by number, neither trains nor
# tests: on that person alone choices are made, such as when one method stops its teacher ({doc}`08_methods`) and which classes count as similar
# ({doc}`07_smoothness`). All else is scored after the last epoch. (Sets of more than twenty people are cut into ten groups,
# tested in turn, and a tenth of the others is for choices.) Normalisation and image ranges are fitted on the training
# people alone. The profile `quick` runs the first two folds only; `full` runs all.

# %% mystnb={"figure": {"caption": "Who trains (pale), validates and tests in each fold.", "name": "fig-folds"}, "image": {"alt": "Grid of squares, folds across and subjects upwards; those tested move up the diagonal and the validation subjects are the next ones.", "classes": "dark-light"}}
figures.folds(windows.folds(recordings.subjects, entry.test))

# %% tags=["nbval-check-output"]
first = data[min(data)]
print({name: len(part) for name, part in first.splits.items()})
print("tested:", first.fold.test, "validated:", first.fold.validation)

# %% [markdown]
# ## A sceptical reader asks
#
# - *Can windows of one person be on both sides?* No: a split is by person, and a test checks it. What splitting by window would pretend is shown above.
# - *Is a normalisation fitted on people that are tested?* No, on the training people of each fold, image ranges included.
# - *Ten people, as in `watch`?* That is few. Intervals say how few, and a method that wins on all ten has won on these ten.

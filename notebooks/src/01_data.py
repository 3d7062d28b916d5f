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
# ```{admonition} Goal
# :class: tip
# Know the data, and see why every result in this book is measured on people that the networks never saw.
# ```
#
# People differ: in size, in strength, in how tightly they wear a watch. Whoever builds an activity recogniser wants to know how well it does on the *next* person. This
# chapter looks at the data and shows how much the way of splitting it matters.

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
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## What the sensors see
#
# `watch`, the data set of this book, comes with the Python package seglearn: ten people did seven shoulder exercises of physiotherapy, with either arm, wearing a smartwatch
# on the wrist {cite}`burns2018`. The watch sampled acceleration (channels `ax`, `ay` and `az`, in units of gravity) and angular rate (`wx`, `wy` and
# `wz`, in rad/s) fifty times a second.
#
# | name | exercise |
# |---|---|
# | PEN | pendulum: the arm hangs and swings |
# | ABD | abduction: the arm is raised sideways |
# | FEL | forward elevation: the arm is raised to the front |
# | IR | internal rotation: the forearm turns towards the body |
# | ER | external rotation: the forearm turns away from the body |
# | TRAP | trapezius extension |
# | ROW | upright row: the hand is pulled up along the body |
#
# Each exercise was repeated about twenty times in a row: that is a **recording**. We cut recordings into **windows** of two seconds; each starts one second after the one
# before. The parameter `dataset` takes any other set, with its own people, classes, channels and windows ({doc}`15_datasets`). What the chosen one holds:

# %%
entry = entry_of(dataset)
recordings = entry.load()
data = studies.data(scope)
cut = windows.cut(recordings, entry.window, entry.step, entry.rule)
people = sorted(set(recordings.subjects.tolist()))
subject = subject or people[0]
notebook.check_known("subject", subject, people)

# %%
counts = {
    "people": len(people),
    "recordings": len(recordings.signals),
    "windows": len(cut),
    "channels": cut.x.shape[1],
    "samples per window": cut.x.shape[2],
    "samples per second": f"{recordings.rate:.4g}",
}
by_class = pd.Series(cut.y).map(dict(enumerate(recordings.classes)))

# %% tags=["nbval-check-output"]
readable(pd.DataFrame(counts.items(), columns=["what", "number"]))

# %% tags=["nbval-check-output"]
of_class = by_class.value_counts(sort=False).rename_axis("class")
readable(of_class.rename("windows"))

# %% mystnb={"figure": {"caption": "One window of each class of one person: the three axes of an accelerometer over time.", "name": "fig-windows"}, "image": {"alt": "Classes differ in which axis carries gravity and in the rhythm of the movement; some pairs of classes look alike.", "classes": "dark-light"}}
figures.window_per_class(cut, recordings, subject)

# %% [markdown]
# Classes differ in which axis carries gravity and in rhythm; some pairs look alike. Who contributed how much:

# %% mystnb={"figure": {"caption": "Windows of each class (colour) that each person (bar) contributed.", "name": "fig-counts"}, "image": {"alt": "People contributed {fewest} to {most} windows each.", "classes": "dark-light"}}
figures.windows_per_subject(cut, recordings.classes)

# %% [markdown]
# ## People differ
#
# If all people moved alike, any split would do. {numref}`fig-ranges` shows the range that holds nine of ten values of a channel, person by person.

# %% mystnb={"figure": {"caption": "Median (dot) and 5 to 95 % range (bar) of each channel, per subject.", "name": "fig-ranges"}, "image": {"alt": "In every channel the range differs between people: some move farther or faster than others, and medians shift with how the watch sits.", "classes": "dark-light"}}
figures.channel_ranges(cut, recordings)

# %% [markdown]
# ## Why we split by person
#
# Windows may overlap, and a person repeats the same movement many times. If windows are dealt at random to training and test, nearly every test window has a near copy in the
# training set. A random forest on eight simple features per channel shows the effect, with the same number of test windows in both splits.

# %%
by_subject, by_window = {}, {}
for fold, part in data.items():
    train, test = part.splits["train"], part.splits["test"]
    by_subject[fold] = baselines.accuracy("random forest", train, test, seed)
    by_window[fold] = baselines.accuracy(
        "random forest", *baselines.split_at_random(train, test, seed), seed
    )

# %% mystnb={"figure": {"caption": "Accuracy of one random forest when windows are split at random and when whole people are held out. A dot is a fold, a line the mean; no intervals.", "name": "fig-leak"}, "image": {"alt": "A random split of windows promises {leak_window:.1f} % accuracy; people that the forest never saw get {leak_subject:.1f} %.", "classes": "dark-light"}}
figures.leakage(by_subject, by_window)

# %%
per_person = pd.Series(cut.subject).value_counts()
scores = pd.Series(by_subject)
hardest = scores.idxmin()
others = scores.drop(hardest).mean()
values = {
    "fewest": int(per_person.min()),
    "most": int(per_person.max()),
    "hardest": data[hardest].fold.subject,
    "pull": 100 * (scores.mean() - others),
}

# %% tags=["remove-cell"]
report(answers.splits(by_subject, by_window) | values)

# %% [markdown]
# ## Folds
#
# Every person is tested exactly once (**leave one subject out**). The next person is kept for validation: every choice is made on them alone, such as when one method stops
# its teacher ({doc}`08_methods`) and which classes count as similar ({doc}`07_smoothness`). All else is scored after the last epoch. Sets of more than twenty people are cut
# into ten groups, tested in turn; a tenth of the others is for validation. Normalisation and image ranges are fitted on the training people alone.

# %% mystnb={"figure": {"caption": "Which people train (grey), validate and test, fold by fold.", "name": "fig-folds"}, "image": {"alt": "Each person is tested in exactly one fold; the validation person is the next one, and all others train.", "classes": "dark-light"}}
figures.folds(windows.folds(recordings.subjects, entry.test))

# %% tags=["nbval-check-output"]
first = data[min(data)]
rows = [
    (name, len(getattr(first.fold, name)), len(part))
    for name, part in first.splits.items()
]
readable(pd.DataFrame(rows, columns=["first fold", "people", "windows"]))

# %% [markdown]
# ## What came out
#
# *How much does a random split flatter?* It promises {glue:text}`leak_window:.1f` %; held-out people get {glue:text}`leak_subject:.1f` %. The difference is what knowing a
# person's other windows is worth, and a watch on a new wrist has none of them.
#
# ## A sceptical reader asks
#
# - *Can windows of one person be on both sides?* No. We split by person (an automated test checks it); {numref}`fig-leak` shows what a split by window would fake.
# - *Is a normalisation fitted on people that are tested?* No, on the training people of each fold, image ranges included.
# - *Ten people, as in `watch`?* That is few. Intervals say how few: ten wins out of ten say little about an eleventh person.
#
# ## Takeaways
#
# - Split by person. A random split of overlapping windows measures memory, not recognition.
# - Fit everything (normalisation, image ranges, choices) without the people who are tested.
# - With few people, show each of them: one hard person moves the mean.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-data-overlap
#
# Windows of two seconds start every second. How many does a recording of twenty seconds give? If $80\,\%$ of all windows are dealt at random to training, how likely is it
# that a test window from the middle of a recording shares samples with a training window?
# ```
#
# ```{solution} ex-data-overlap
# :class: dropdown
#
# Starts at 0, 1, ..., 18 seconds: 19 windows. A window shares half of its samples with the one before and half with the one after. Both are test windows with probability
# about $0.2^2 = 0.04$, so the answer is $0.96$.
# ```
#
# ```{exercise}
# :label: ex-data-hardest
#
# Which held-out person (or group) is hardest for the forest, and by how much does that one move the mean?
# ```
#
# ```{solution} ex-data-hardest
# :class: dropdown
#
# ~~~python
# scores = pd.Series(by_subject)
# hardest = scores.idxmin()
# print(data[hardest].fold.subject, 100 * (scores.mean() - scores.drop(hardest).mean()))
# ~~~
#
# Here it is {glue:text}`hardest`, who moves the mean by {glue:text}`pull:+.1f` points. Compare that with the gains of methods in {doc}`04_distillation`.
# ```

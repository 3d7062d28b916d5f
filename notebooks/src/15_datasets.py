# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data sets
#
# ```{admonition} Goal
# :class: tip
# Choose a data set: its size, where its sensors sit, its defects, and the terms under which it may be used.
# ```
#
# A result holds for the people, sensors and activities it was measured on. Every chapter takes the parameter `dataset`; this one compares its values.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures
from mixkd.analysis import sizes
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.studies import inventory

check_parameters(globals())

# %% [markdown]
# ## Sizes
#
# `mixkd data survey` reads the files on a machine and writes a row of `results/datasets.json`. *Files* is `as published` where every known checksum agrees,
# `not as published` where a copy differs, if only in the last digits, and `installed` where nothing has to be downloaded. Our copies of `dsads` and `running` are rounded, the first by
# less than the noise of its sensors, the second to single precision.

# %%
rows = inventory.read()

# %% tags=["nbval-check-output"]
everything = sizes.sizes(rows).rename_axis("data set")
measured = everything[everything["files"] != "not measured"]
size = ["people", "hours", "classes", "windows", "files"]
readable(measured[size])

# %% tags=["nbval-check-output"]
readable(measured[["channels", "rate, Hz", "window, s", "folds"]])

# %% tags=["remove-cell"]
there = sizes.registered().rename_axis("data set")
counted = {"measured": len(measured), "registered": len(there)}
report(counted | sizes.restrictions(rows))

# %% [markdown]
# {glue:text}`measured` of {glue:text}`registered` registered sets are measured and shown. Some are views of the same recordings: `hapt_official` has the
# published test people instead of folds, `pamap2_released` is scaled as the code released by the paper's authors scales it, and the `placed` views have one
# recording for each place of the body, with the place as a second label. Three sets are for regression of forces: `gait`, `gaitpdb` and `running`. Two of these are small: `gaitpdb`
# {glue:text}`of_gaitpdb`; `running` {glue:text}`of_running`.

# %% mystnb={"figure": {"caption": "People and hours of the measured data sets, one dot each, both axes logarithmic; orange: the data set of this page. The people of running are conditions of one runner.", "name": "fig-people-hours"}, "image": {"alt": "Hours of recordings over number of people: sets with more hours do not have more people; no set has more than a few tens of people.", "classes": "dark-light"}}
figures.people_and_hours(sizes.scale(rows), dataset)

# %% [markdown]
# ## What to look for
#
# People before hours
# : The unit of every test in this book is the person. More hours of the same eight people tell more about these eight; more people tell
#   more about the next one. With few people an interval is wide, however much is recorded of each.
#
# Where the sensor sits
# : A wrist moves when a hand gestures, a waist does not, so a result from the waist need not hold for a watch. `selfback_placed` has the people who wore
#   sensors at both wrist and thigh; on these the two places can be compared.
#
# Rate and window
# : A window must hold one or two repetitions of a movement; the rate must be twice that of its fastest part. Many windows may only mean that they overlap.
#
# Balance
# : Accuracy counts windows, so it hardly notices if a network ignores a rare class. Look at macro F1 wherever {numref}`fig-balance` has dots far to
#   the left of the bar.
#
# Who labelled, and how
# : Scripted activities, done one after the other on request, are easier than daily life. Postural transitions (`hapt`) can be shorter than a window.

# %% mystnb={"figure": {"caption": "Share of each class in the windows of each measured data set; a dot per class, the vertical bar is where all classes would be equal.", "name": "fig-balance"}, "image": {"alt": "Shares of classes per data set: nearly equal where activities were done for a fixed time, as in dsads, and far from equal in others, such as hapt with its short transitions.", "classes": "dark-light"}}
figures.class_balance(sizes.balance(rows), dataset)

# %% [markdown]
# Sensors measure acceleration (acc), angular rate (gyro) or the magnetic field (mag), each along three axes, and sit here:

# %% tags=["nbval-check-output"]
readable(there[["sensors"]])

# %% [markdown]
# ## Defects
#
# No public set is clean. Each loader counts what it interpolates, splits or leaves out, and refuses all other faults.

# %% tags=["nbval-check-output"]
repairs = sizes.repairs(rows).rename_axis("data set")
readable(repairs, names={"what": "what was counted"})

# %% [markdown]
# `dsads`
# : In rowing and jumping, persons 4 and 8 have the same recording, shifted by some samples. A network could be tested on what it was
#   trained on, so the later copy is left out. Some segments end in rows of zeros; these are cut, so a window has four seconds of a published segment of five.
#
# `selfback`
# : The sensors recorded 97 to 103 samples per second, not 100. Recordings are resampled by their time stamps; otherwise the same walk would look
#   faster on one sensor than on another. The copy at UCI, which `mixkd data fetch` downloads, has 33 of the 50 people. Our results are of all 50, whose files
#   (`raw/9_class` of github.com/rgu-selfback/Datasets) must be copied by hand.
#
# `pamap2`
# : Radio packets were lost. Gaps of up to a tenth of a second are interpolated, longer ones set to zero, as in the code of the paper's authors. Person 109 did
#   one activity only and is left out of paired tests. Heart rate is sampled more slowly and held until its next value. Orientation is dropped: its readme calls it invalid.
#
# `hapt`
# : The time between activities has no label and is left out. Not everybody did every activity.
#
# `wisdm`, `wisdm_v1`
# : Some lines hold two records, or half of one; time stamps repeat or run backwards. Such lines are counted and left out; a file with more than one in a
#   hundred is refused.
#
# `mhealth`, `ucihar`
# : There are no time stamps, so an even rate is an assumption. `ucihar` is published as filtered windows that overlap by half; its raw signals are `hapt`.
#
# `gait`
# : A simulator: pressures below both feet and the vertical force, from formulas in its module. It tests code and says nothing about how people walk.
#
# `gaitpdb`
# : All eight cells of an insole add up to its total force, so a network sees two of them, below heel and ball. The insoles are not calibrated to body
#   weight. Ten seconds at each end, which hold standing and turning, are left out; turns in the middle remain.
#
# `running`
# : One runner. A "person" of this set is a condition (speed and slope), so a fold tests new conditions, not new people.
#
# ## Terms
#
# Licences are those of the official pages when this was written; read them again before you publish. A number after UCI is that of the data set there. Cite the authors of the set you use: `watch` {cite}`burns2018`, `selfback` {cite}`sani2017`, `hapt` {cite}`reyes2016`, `dsads` {cite}`altun2010`, `pamap2`
# {cite}`reiss2012`, `ucihar` {cite}`anguita2013`, `mhealth` {cite}`banos2014`, `wisdm` {cite}`weiss2019`, `wisdm_v1` {cite}`kwapisz2010`,
# `gaitpdb` {cite}`hausdorff2008`, `running` {cite}`alcantara2022`; the force curve of `gait` is after {cite}`alexander1980`.

# %% tags=["nbval-check-output"]
readable(there[["licence"]])

# %% [markdown]
# ## Getting the files
#
# `watch`, `gait` and `synthetic` come with the environment. All others are downloaded from where they were published, or copied by hand
# ({doc}`../book/rerun`):
#
# ```bash
# # shows address, licence and citation first
# mixkd data fetch hapt
# # every checksum, every value
# mixkd data check hapt
# # its row on this page
# mixkd data survey hapt
# # a chapter on it
# mixkd notebook 05_mixup -p dataset=hapt
# ```
#
# ## A sceptical reader asks
#
# - *Are results on two sets comparable?* Directions are, sizes are not: other classes, other windows, other people.
# - *Why is `watch` the default?* It comes with a Python package, so that the book builds offline, and it is small and hard enough to show effects.
# - *Was a setting tuned on another set?* No. Epochs elsewhere were set to give about as many steps as on `watch` ({doc}`../book/defaults`).
#
# ## Takeaways
#
# - Choose a data set by its people and by where the sensor sits, then by its hours.
# - Report what the loader repaired or left out: it is part of the result.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-datasets-majority
#
# A data set has nine classes of equal length and a tenth that is a hundred times as rare as each of them. A network never predicts the rare class and is right on all
# others. What are its accuracy and its macro F1?
# ```
#
# ```{solution} ex-datasets-majority
# :class: dropdown
#
# Let a frequent class have 100 windows and the rare one a single window. Accuracy is $900/901$, nearly one. F1 is 0 for the rare class and about 1 for each of the other
# nine, so macro F1 is about $9/10$. Accuracy loses a thousandth, macro F1 a tenth.
# ```
#
# ```{exercise}
# :label: ex-datasets-people
#
# Which measured data sets have at least 30 people? Compute for each the share of its rarest class.
# ```
#
# ````{solution} ex-datasets-people
# :class: dropdown
#
# ```python
# from mixkd.analysis import sizes
# from mixkd.studies import inventory
#
# rows = inventory.read()
# large = sizes.scale(rows).query("people >= 30")["dataset"]
# print(sizes.balance(rows).groupby("dataset")["share"].min()[large])
# ```
#
# The rarest class of such a set decides how far accuracy and macro F1 can differ.
# ````

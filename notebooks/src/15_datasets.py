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
# ```{admonition} Claim
# :class: tip
# A result holds for the people, sensors and activities it was measured on. Which data set to take is a decision of the study, and the
# defects of the set are part of its result.
# ```
#
# Every chapter takes the parameter `dataset`. This one compares what it may name: how much there is, how it was cut, what had to be
# repaired, and on which terms it may be used.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures
from mixkd.book.notebook import check_parameters, report
from mixkd.analysis import sizes
from mixkd.studies import inventory

check_parameters(globals())
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## How much there is
#
# Sizes are measured, not copied from papers: `mixkd data survey` reads the files that are on a machine and writes a row for each set to
# `results/datasets.json`, which this page shows. The column `files` says what was read: `as published` where every known checksum agrees,
# `not as published` where a copy differs, if only in last digits. What was never measured is named without numbers.

# %%
rows = inventory.read()

# %% tags=["nbval-check-output"]
sizes.sizes(rows)

# %% tags=["remove-cell"]
there = sizes.registered()
report({"measured": len(rows), "registered": len(there)})

# %% [markdown]
# {glue:text}`measured` of {glue:text}`registered` entries are measured. Some are two views of the same recordings: `hapt_official` has the
# published test people instead of folds, `pamap2_released` is scaled as the group's released code scales it, and the `placed` views have one
# recording for each place of the body, with the place as a second label. Three sets are for regression: `gait`, `gaitpdb` and `running` have forces.

# %% mystnb={"figure": {"caption": "People and hours of the measured data sets, both on logarithmic axes; the chosen set in orange.", "name": "fig-people-hours"}, "image": {"alt": "Scatter plot of hours of recordings over the number of people, a labelled dot per data set.", "classes": "dark-light"}}
figures.people_and_hours(sizes.scale(rows), dataset)

# %% [markdown]
# ## What to look for
#
# People before hours
# : The unit of every test in this book is the person. Ten more hours of the same eight people sharpen what is known about these eight; ten
#   more people say something about the next one. With few people an interval is wide, however small the noise of each person.
#
# Where the sensor sits
# : A wrist moves when a hand gestures, a waist does not. A result from the waist is no promise for a watch. `selfback` and `selfback_thigh` share
#   activities and the people who wore both sensors; only on these can the two places be compared.
#
# Rate and window
# : A window must hold one or two repetitions of a movement, and the rate must hold its fastest part. A high number of windows may only mean
#   that they overlap.
#
# Balance
# : Accuracy counts windows, so a class with few windows hardly moves it, and a network may ignore that class for free. Look at the macro F1 beside
#   it wherever {numref}`fig-balance` has dots far to the left of the bar.
#
# Who labelled, and how
# : Scripted activities, done one after the other on request, are easier than life. Postural transitions (`hapt`) last shorter than some windows.

# %% mystnb={"figure": {"caption": "Share of each class in the windows of each measured data set, a dot per class; bar: all classes equal.", "name": "fig-balance"}, "image": {"alt": "A row of dots per data set on an axis of shares, with a vertical bar where all classes would be equal; the dots of some sets lie on the bar, of others far from it.", "classes": "dark-light"}}
figures.class_balance(sizes.balance(rows), dataset)

# %% [markdown]
# Sensors measure acceleration (acc), angular rate (gyro) or the magnetic field (mag), each along three axes, and sit here:

# %% tags=["nbval-check-output"]
there[["sensors"]]

# %% [markdown]
# ## What is wrong with them
#
# No public set is clean. What matters is that a loader says what it did: each counts what it interpolated, split or left out, and refuses the rest.

# %% tags=["nbval-check-output"]
sizes.repairs(rows)

# %% [markdown]
# `dsads`
# : In rowing and jumping, persons 4 and 8 hold the same recording, shifted by some samples. A split by subject would test on what it has
#   trained on, so the later copy is left out. Rows in which every channel is zero end some segments; they are cut out, which is why a window has
#   four seconds of a published segment of five.
#
# `selfback`
# : The sensors' clocks differ from their name: recordings hold 97 to 103 samples per second. Each is interpolated by its time stamps before it is
#   brought to an even rate. Without that, the same walk would look faster on one sensor than on another. The copy at UCI, which `mixkd data fetch`
#   brings, has 33 of the 50 people; published results are of all 50, whose files (`raw/9_class` of github.com/rgu-selfback/Datasets) are brought by hand.
#
# `pamap2`
# : Packets were lost on the radio; gaps of up to a tenth of a second are interpolated, longer ones are zero, as in the group's released code. Person 109 did
#   one activity only and is left out of paired tests. Heart rate comes more slowly than motion and is held until the next value. Orientation is
#   invalid, says its readme, and dropped.
#
# `hapt`
# : The time between activities has no label and is left out. Not everybody did everything.
#
# `wisdm`, `wisdm_v1`
# : Some lines hold two records, or half of one; stamps stand still or run backwards. What is no record is counted and left out, and above one in a
#   hundred the file is refused.
#
# `mhealth`, `ucihar`
# : No time stamps: that the rate is even has to be believed. `ucihar` is published as filtered windows that overlap by half; its raw signals are `hapt`.
#
# `gait`
# : A simulator: pressures below both feet and the vertical force, from formulas in its module. It shows that code works, not how people walk.
#
# `gaitpdb`
# : All eight cells of an insole add up to its total force, so a network sees two of them, below heel and ball. The insoles are not calibrated to body
#   weight. Ten seconds at each end, which hold standing and turning, are left out; turns in the middle remain.
#
# `running`
# : One runner. A "person" of this set is a condition (speed and slope), so a fold tests conditions that were not trained on, not new people.
#
# ## Terms
#
# Licences are those of the official pages, as far as they were known when this was written: read them again before you publish. Whoever uses a set
# cites its authors: `watch` {cite}`burns2018`, `selfback` {cite}`sani2017`, `hapt` {cite}`reyes2016`, `dsads` {cite}`altun2010`, `pamap2`
# {cite}`reiss2012`, `ucihar` {cite}`anguita2013`, `mhealth` {cite}`banos2014`, `wisdm` {cite}`weiss2019`, `wisdm_v1` {cite}`kwapisz2010`,
# `gaitpdb` {cite}`hausdorff2008`, `running` {cite}`alcantara2022`; the force curve of `gait` is after {cite}`alexander1980`.

# %% tags=["nbval-check-output"]
there[["licence"]]

# %% [markdown]
# ## Getting the files
#
# `watch`, `gait` and `synthetic` come with the environment. All others are fetched from where they were published, or brought by hand
# ({doc}`../book/rerun`):
#
# ```bash
# mixkd data fetch hapt      # shows address, licence and citation first
# mixkd data check hapt      # every checksum, every value
# mixkd data survey hapt     # its row on this page
# ```
#
# Then the chapters run on it. With the parameters of this page:

# %%
print(
    f"mixkd sweep --dataset {dataset} --profile {profile} --seed {seed} --dry-run"
)
print(f"mixkd notebook 05_mixup -p dataset={dataset} -p profile={profile}")

# %% [markdown]
# ## A sceptical reader asks
#
# - *Are results on two sets comparable?* Directions are, sizes are not: other classes, other windows, other people.
# - *Why is `watch` the default?* It comes with a Python package, so that the book builds offline, and it is small and hard enough to show effects.
# - *Was a setting tuned on another set?* No. Epochs elsewhere were set to give about as many steps as on `watch` ({doc}`../book/defaults`).

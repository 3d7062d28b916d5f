# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own recordings
#
# ```{admonition} Goal
# :class: tip
# Turn a folder of recordings into a small network that labels new ones, and know how good it is on people it never saw.
# ```
#
# ```bash
# # looks at the files, drafts recordings/dataset.toml
# mixkd data init recordings
# # all problems at once; then a table and a plot
# mixkd data check recordings
# # trains and exports a student, with a report
# mixkd distill recordings --out student
# # labels and a plot, without torch
# mixkd predict student new.csv
# # how good it is on further labelled people
# mixkd score student others
# ```
#
# This chapter does the same in Python, on a folder that stands for yours: a few people of `watch`, with the first
# twenty seconds of each exercise in a CSV file.
#
# To run a student in the browser: {doc}`../book/try`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
people: int = 4  # how many people are in the folder

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.datasets.own import draft, folder
from mixkd.deploy import distill, predict

check_parameters(globals())

# %% [markdown]
# ## A folder of files

# %% tags=["hide-input"]
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

# %%
base = Path(mkdtemp()) / "shoulder"
base.mkdir()
recordings = entry_of(dataset).load()
persons = np.unique(recordings.subjects)[: people + 1]
made = [recordings.classes[label[0]] for label in recordings.labels]
short = round(20 * recordings.rate)

# %%
for i, person in enumerate(recordings.subjects):
    if person in persons[:people]:
        signal = recordings.signals[i][:short]
        table = pd.DataFrame(signal, columns=recordings.channels)
        table.to_csv(base / f"p{person}_{made[i]}_{i}.csv", index=False)

# %% tags=["nbval-check-output"]
files = sorted(base.glob("*.csv"))
readable(pd.read_csv(files[0]).head(3))

# %% [markdown]
# These are the first rows of one of {glue:text}`own_files` files. Its name states person and activity.
#
# Devices
# : Axivity `.cwa`, GENEActiv `.bin`, ActiGraph `.gt3x`, Empatica; CSV of spreadsheets, loggers and the programs of these devices; Parquet; MATLAB; gzipped or in zip archives.
#
# One or many files
# : A file for each recording, or one long table. Phone apps write a file for each sensor; their folder is one recording, joined by time (`sensors` in `dataset.toml`).
#
# Person and activity
# : In a column, in the file's name as here, or in a table of labels beside the files (`labels`) with file or subject, start, end and activity.
#
# Clocks
# : Dates are local time unless the stamps state an offset from UTC. With a line such as `zone = "Europe/Berlin"` the end of daylight saving time is resolved; a clock that did
#   not follow it is refused. Recordings at half the stated rate or more are resampled with an anti-alias filter.
#
# ## The description

# %% tags=["nbval-check-output"]
path = draft.draft(base)
draft_text = path.read_text()
print(draft_text)

# %% [markdown]
# `mixkd data init` guesses this file; check every line. Is the unit of acceleration g or m/s²? Is the rate right? Here it is:
# the watch recorded fifty samples a second, and the files have no clock. We change three lines: windows that do not overlap, to save time,
# and twenty epochs of small batches, because few windows are left.

# %%
changed = "step = 2.0\nepochs = 20\nbatch_size = 32"
_ = path.write_text(draft_text.replace("step = 1.0", changed))

# %% [markdown]
# ## All problems at once
#
# Suppose a logger wrote a word in place of a number, and another file is empty. The check lists both:

# %% tags=["nbval-check-output"]
good = {path: path.read_text() for path in files[:2]}
word = good[files[0]].replace(",", ",lost", 8).replace("lost", "", 5)
_ = files[0].write_text(word), files[1].write_text("")
problems = folder.inspect(base).problems
readable(pd.DataFrame({"problem": [p.replace(f"{base}/", "") for p in problems]}))

# %% [markdown]
# Nothing is trained on a folder with problems. {numref}`fig-own-folder` shows it repaired; `mixkd data check` writes this plot.

# %%
for path, text in good.items():
    _ = path.write_text(text)
checked = folder.inspect(base)

# %% mystnb={"figure": {"caption": "What is in the folder: minutes of each person and class (darker: more), and one window of each class with all channels.", "name": "fig-own-folder"}, "image": {"alt": "Minutes of {own_people} people in each exercise: every person did every exercise for about the same time. Below it, one window per exercise.", "classes": "dark-light"}}
figures.overview(checked.recordings(), checked.description.window)

# %% [markdown]
# Values are checked against physics and against the other people of the folder.
#
# Refused
# : values beyond any device (400 g, 20,000 °/s); one person in m/s² among people in g; one person under two spellings; two people who share samples; files of several
#   sensors read as one; a channel that counts time or names the activity.
#
# Remarked
# : outliers; clipped axes; a sensor that repeats one value, lies still where others move, is upside down or measures other magnitudes than the rest; a channel that can be computed
#   from others; a label that one person alone has, or that no window has.
#
# `mixkd/datasets/own/plausible.py` has the limits. On `watch`, selfBACK, HAPT and DSADS nothing is refused.
#
# The quality of each file is measured too: start and end, clock drift, gaps, time worn, clipped rows, and how far gravity at rest is from 1 g
# before and after calibration (`mixkd/datasets/own/quality.py`). `calibrate = true` in `dataset.toml` applies the calibration, also to new recordings.
# The files of this chapter have no clock and last seconds: too short for time worn and for gravity at rest, and without dates and drift.

# %% tags=["nbval-check-output"]
from mixkd.datasets.own import quality

quality_of = pd.DataFrame([quality.words(row) for row in checked.quality[:2]])
readable(quality_of[["file", "end", "rate, Hz", "gaps", "clipped"]])

# %% [markdown]
# ## A student, and how good it is
#
# `mixkd distill` tests each person once: one person is tested, another is for validation, all others train a signal teacher, an image teacher,
# a student of both, and as a control the same network without teachers. At the end it trains a student on everybody, and exports that one.
#
# `--balance` weighs classes by their inverse frequency, for recordings in which some are rare. `--start` takes an earlier student of the same channels, units and rate: training starts from its weights.
# `--window auto` tries windows of one, two and four seconds and takes the length that is best on validation people.

# %% tags=["teach", "remove-stdout", "remove-stderr"]
student = base.with_name("student")
outcome = distill.run(studies.Scope(str(base), profile, seed), student, print)

# %% tags=["nbval-check-output"]
by_person = outcome.people.rename(columns={"gain": "difference"})
scores = ["student", "scratch", "difference"]
by_person = by_person.groupby("subject")[scores].mean()
heads = {"student": "student, %", "scratch": "without teachers, %"}
heads |= {"subject": "person", "difference": "gain, points"}
readable(by_person, metric="share", names=heads)

# %% [markdown]
# {glue:text}`own_headline` Windows with several activities are not counted. With {glue:text}`own_people` people this is a rehearsal: {doc}`11_claims` shows how little even ten people can decide.
#
# The folder of the student holds `report.html` (this table, confusions, calibration, cost), `README.md` (a model card), `student.json` (the channels and units that the network
# expects), and the network as ONNX, in int8 and as safetensors.
#
# ## Labels for a new recording
#
# A further person did three exercises in a row. `mixkd predict` labels them window by window through ONNX, without
# torch, and draws {numref}`fig-own-labels`.

# %%
own = np.flatnonzero(recordings.subjects == persons[-1])
chosen = own[:: max(len(own) // 3, 1)][:3]
signal = np.concatenate([recordings.signals[i][:short] for i in chosen])
file = base.with_name("new.csv")
pd.DataFrame(signal, columns=recordings.channels).to_csv(file, index=False)

# %%
loaded = predict.Student.load(student)
parts = predict.read_recording(file, loaded.about)
rows, remarks = predict.label(loaded, parts)

# %% mystnb={"figure": {"caption": "A recording of a person the student has never seen, with its labels: each background colour is a class, the lines are channels.", "name": "fig-own-labels"}, "image": {"alt": "Channels of a recording over time, coloured by the label of each window: {own_right} of {own_windows} windows have the right label.", "classes": "dark-light"}}
figures.labelled(loaded.about, parts, rows)

# %% tags=["nbval-check-output"]
truth = np.concatenate([[made[i]] * short for i in chosen])
middle = [round((row["start_s"] + 1) * recordings.rate) for row in rows]
right = [truth[m] == row["label"] for m, row in zip(middle, rows, strict=True)]
order = list(dict.fromkeys(str(made[i]) for i in chosen))
by_truth = (
    pd.Series(right).groupby([str(truth[m]) for m in middle]).agg(["size", "sum"])
)
by_truth = by_truth.loc[order].rename_axis("exercise")
readable(by_truth, names={"size": "windows", "sum": "right"})

# %% [markdown]
# {glue:text}`own_right` of {glue:text}`own_windows` windows have the right label. This share need not be near the mean of the table above: it is that of one person in three exercises, and of a student that
# was trained on all people of the folder, while each tested one was trained without its test and validation person.
#
# ## Hours and days
#
# `mixkd predict` takes files, folders and patterns; recordings may last for weeks. It writes three tables:
#
# - windows, with all probabilities, the time of the wall clock where files state dates, whether the sensor was worn (not worn: still for an hour), and a label smoothed by a
#   hidden Markov model where the training recordings show how activities follow one another;
# - minutes of each class by hour;
# - minutes of each class by day. Hours that were not recorded or not worn are filled in proportion to the same hour of the other days, in the columns `adjusted`.

# %%
from mixkd.deploy import batch, minutes

result = batch.run(loaded, [file], file.with_name("new.labels.csv"), print)

# %% tags=["nbval-check-output"]
sums = result.rows(minutes.hours, loaded.about["classes"])[:1]
by_class = pd.DataFrame(sums)[loaded.about["classes"]].T.rename_axis("class")
readable(by_class, names={"0": "minutes in the first hour"})

# %% [markdown]
# A window is *unknown* if it is far outside the ranges of the training people, or if the student's largest probability is below a threshold. The threshold is calibrated on
# people whose recordings were not used for training: {glue:text}`own_share` % of their windows lose their label by it. `--sets` writes conformal sets of labels, calibrated so that
# {glue:text}`own_covered` % hold the true one if new people are like those of the folder. Both thresholds are in `student.json`; the report says how they hold for each person.

# %%
limits = loaded.about["unknown"]
own_right = {"own_right": sum(right), "own_windows": len(right)}
own_limits = {
    "own_share": f"{100 * limits['share']:g}",
    "own_covered": f"{100 - 100 * limits['set_alpha']:g}",
}

# %% tags=["remove-cell"]
own = {"own_people": people, "own_files": len(files)} | own_right | own_limits
report(own | {"own_headline": distill.headline(outcome.people)})

# %% [markdown]
# ## A sceptical reader asks
#
# - *Is the exported student the one that was tested?* No: it was trained on everybody for as many epochs. The
#   accuracies are those of students that did not know the person. We expect more people to help, but did not test it here.
# - *Were epochs chosen by looking at the test person?* No: they are fixed before training, and the last epoch counts.
# - *Can one person be in the folder under two names?* `mixkd data check` finds samples that two names share, shifted or cut too, and names
#   that differ in spelling. It cannot find a person who was recorded twice.
# - *What is reused when people are added later?* The same folder is never trained twice. With more people all networks see other data, and are trained again. `mixkd score`
#   tells beforehand how good the student is on the new ones.
# - *Do thresholds hold for every person?* No: windows of a person resemble each other, so thresholds that hold on average may fail for one person. The
#   report shows the worst.
# - *Where do the recordings go?* They stay on this machine.
#
# ## Takeaways
#
# - Check every line of `dataset.toml`: a wrong unit or rate is the most expensive mistake.
# - Report the accuracy on people whose recordings were not used for training, and compare it with the same network without teachers.
# - More people narrow the interval; more minutes of the same people hardly do.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-own-interval
#
# Four people were tested. The gains of the student over its control have mean $m$ and standard deviation $s$. How wide is the interval $m \pm h$, and how many people would
# make $h$ half as large at the same $s$?
# ```
#
# ```{solution} ex-own-interval
# :class: dropdown
#
# $h = t\,s/\sqrt{n}$ with $t \approx 3.2$ for $n = 4$ (three degrees of freedom, two-sided at five percent): $h \approx 1.6\,s$. Half of it is $0.8\,s$. As $t$ falls with
# $n$, nine people suffice: $t \approx 2.3$ gives $h \approx 0.77\,s$.
# ```
#
# ```{exercise}
# :label: ex-own-majority
#
# Which accuracy does a model reach that always answers the most frequent activity of the training people? Compute it before you trust any network.
# ```
#
# ````{solution} ex-own-majority
# :class: dropdown
#
# ```python
# import numpy as np
# from mixkd.learning.fold_data import fold_data
# from mixkd.specs.run import RunSpec
#
# # in place of "watch": the name or folder of your recordings
# data = fold_data(RunSpec(dataset="watch").data)
# train, test = data.splits["train"].y, data.splits["test"].y
# print((test == np.bincount(train).argmax()).mean())
# ```
#
# With balanced classes it is about one divided by their number; in daily life, with hours of sitting, it can be far higher.
# ````

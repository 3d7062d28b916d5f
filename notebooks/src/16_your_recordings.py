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
# ```{admonition} Claim
# :class: tip
# From a folder of CSV files to a small network that labels new recordings takes four commands. The report says how
# good it is on people it has never seen, and whether the teachers were worth their cost.
# ```
#
# ```bash
# mixkd data init recordings           # looks at the files, drafts recordings/dataset.toml
# mixkd data check recordings          # everything that is wrong, at once; then a table and a plot
# mixkd distill recordings --out student
# mixkd predict student new.csv        # labels and a plot, without torch
# mixkd score student others           # how good it is on further labelled people
# ```
#
# This chapter does the same in Python, on a folder that stands for yours: a few people of `watch`, a CSV file with the first
# twenty seconds of each exercise.
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
print(len(files), "files:", ", ".join(path.name for path in files[:3]), "…")
print(files[0].read_text()[:120].splitlines()[:2])

# %% [markdown]
# Files may be those of devices (Axivity `.cwa`, GENEActiv `.bin`, ActiGraph `.gt3x`), CSV as spreadsheets, loggers and the programs of
# these devices write it, Parquet or MATLAB; one for each recording, or one long table; gzipped or in zip archives. Phone apps write a
# file for each sensor: such a folder is one recording, joined by time (`sensors` in `dataset.toml`). Who it is and what is
# done stands in a column, as here in the file's name, or in a table of labels beside the files (`labels`), with file or subject, start,
# end and activity, as annotation tools write it.
#
# Clocks with dates are local time unless the stamps state an offset from UTC. A line such as `zone = "Europe/Berlin"` says where it is:
# the end of daylight saving time is then resolved, and a clock that did not follow it is refused, not guessed. Recordings at other
# rates, from half the stated one on, are resampled with an anti-alias filter.
#
# ## A description, drafted

# %% tags=["nbval-check-output"]
path = draft.draft(base)
draft_text = path.read_text()
print(draft_text)

# %% [markdown]
# A draft is a guess, so every line is there to be checked: is the unit of acceleration g or m/s²? Is the rate right? Here it is:
# the watch gave fifty samples a second, and the files have no clock. Three lines are changed: windows that do
# not overlap, which makes this chapter quick, and twenty epochs of small batches, because few windows are left.

# %%
changed = "step = 2.0\nepochs = 20\nbatch_size = 32"
_ = path.write_text(draft_text.replace("step = 1.0", changed))

# %% [markdown]
# ## Everything that is wrong, at once
#
# Files of one's own have faults. Suppose a logger wrote a word where a number belongs, and a file came out empty.

# %% tags=["nbval-check-output"]
good = {path: path.read_text() for path in files[:2]}
word = good[files[0]].replace(",", ",lost", 8).replace("lost", "", 5)
_ = files[0].write_text(word), files[1].write_text("")
for problem in folder.inspect(base).problems:
    print(problem.replace(f"{base}/", ""))

# %% [markdown]
# Nothing is trained on a folder that has a problem. Repaired, it looks as {numref}`fig-own-folder` shows, the plot that
# `mixkd data check` leaves beside the files.

# %%
for path, text in good.items():
    _ = path.write_text(text)
found = folder.inspect(base)

# %% mystnb={"figure": {"caption": "What is in the folder: minutes of each person and class, and one window of each class.", "name": "fig-own-folder"}, "image": {"alt": "Left, a table of people by exercises, each cell shaded by its minutes. Right, one short line plot per exercise with all channels.", "classes": "dark-light"}}
figures.overview(found.recordings(), found.description.window)

# %% [markdown]
# Values are checked too, against physics and against the other people of the folder. Refused is what makes training wrong: values beyond
# any device (400 g, 20,000 °/s), one person in m/s² among people in g, one person under two spellings or two people who share
# samples, files of several sensors read as one, a channel that counts time or names the activity. Worth a look, and only remarked, is
# what may be meant: a value that stands alone, an axis that is clipped, a sensor that repeats one value, lies still in what moves
# others, is turned over or gives lengths that nobody else has, a channel that follows from others, labels that one person alone has or the window leaves out.
# The limits are documented in `mixkd/datasets/own/plausible.py`; on `watch`, selfBACK, HAPT and DSADS nothing is refused, and the one remark is true.
#
# `mixkd data check` also writes a line for each file, the report has it as a table, and `mixkd predict` writes it for a new
# recording: start and end, how far the clock runs ahead, gaps, the share of the time that the sensor was worn, clipped rows, and how far gravity
# at rest is from 1 g, before and after a calibration; `calibrate = true` in `dataset.toml` applies it, also to new recordings. The rules, with their sources, are in `mixkd/datasets/own/quality.py`.

# %% tags=["nbval-check-output"]
from mixkd.datasets.own import quality

for row in found.quality[:2]:
    print(quality.line(row))

# %% [markdown]
# ## A student, and how good it is
#
# `mixkd distill` trains on all people but two, one to validate and one to test; in turn, until everybody was tested.
# Each time there are a teacher of signals, a teacher of persistence images, a student of both, and its control: the same network
# without teachers. Last, it trains on everybody, and exports that student.

# %% tags=["remove-stderr"]
student = base.with_name("student")
outcome = distill.run(studies.Scope(str(base), profile, seed), student, print)

# %% tags=["nbval-check-output"]
print(*distill.headline(outcome.people).split("; "), sep="\n")
print(sorted(path.name for path in student.iterdir()))

# %% tags=["nbval-check-output"]
by_person = outcome.people.groupby("subject")[["student", "scratch", "gain"]]
by_person.mean().mul(100).round(1).rename_axis(None).rename_axis(columns="subject")

# %% [markdown]
# With {glue:text}`own_people` people this is a rehearsal, not a result: {doc}`11_claims` shows how little even ten people can decide. `report.html` has the same
# table with the confusions, the calibration and the cost; `README.md` is a model card; `student.json` says which channels in which units
# the network expects.
#
# ## Labels for a recording that nobody has seen
#
# A further person did three exercises in a row. `mixkd predict` labels them window by window, through ONNX, without
# importing torch. {numref}`fig-own-labels` is the plot that it writes.

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

# %% mystnb={"figure": {"caption": "A recording of a person the student has never seen, labelled; each colour is a class.", "name": "fig-own-labels"}, "image": {"alt": "Line plot of six channels over one minute; the background is coloured by the class that the student gave each window.", "classes": "dark-light"}}
figures.labelled(loaded.about, parts, rows)

# %% tags=["nbval-check-output"]
truth = np.concatenate([[made[i]] * short for i in chosen])
middle = [round((row["start_s"] + 1) * recordings.rate) for row in rows]
right = [truth[m] == row["label"] for m, row in zip(middle, rows, strict=True)]
print(
    f"{sum(right)} of {len(right)} windows right; in truth:",
    *(made[i] for i in chosen),
)

# %% [markdown]
# ## Hours and days
#
# Files, folders and patterns may be named, and recordings may last for weeks: they pass in blocks. One table has a row for each window, with all
# probabilities, the time of the wall clock where the file states dates (its offset from UTC, or the zone that `--zone` names), a label
# smoothed by a hidden Markov model where the training recordings show how activities follow one another, and whether
# the sensor was worn: not worn is what lies still for an hour. Two more tables add up minutes by hour and by day. What a day lacks, because
# nothing was recorded or worn, is filled in proportion to the same hour of the other days, in the columns `adjusted`.

# %%
from mixkd.deploy import batch, minutes

result = batch.run(loaded, [file], file.with_name("new.labels.csv"), print)

# %% tags=["nbval-check-output"]
table = pd.read_csv(result.table)
print(", ".join(column for column in table if not column.startswith("p ")))
sums = result.rows(minutes.hours, loaded.about["classes"])[0]
print(
    f"{sum(v for v in list(sums.values())[3:-1]):.1f} minutes of hour {sums['hour']}"
)

# %% [markdown]
# A window is *unknown* where it is far outside the training people's ranges, and where the student's largest probability is below a
# threshold that was calibrated on people who did not train: {glue:text}`own_share` % of their windows lose their label by it. `--sets` writes the labels that are likely,
# calibrated so that {glue:text}`own_covered` % of the sets hold the true one, if new people are like those of the folder.
# Both thresholds, with what they are calibrated on, are in `student.json`; the report says how they hold for each person.

# %% tags=["remove-cell"]
limits = loaded.about["unknown"]
share = f"{100 * limits['share']:g}"
covered = f"{100 - 100 * limits['set_alpha']:g}"
report({"own_people": people, "own_share": share, "own_covered": covered})

# %% [markdown]
# ## A sceptical reader asks
#
# - *Is the exported student the one that was tested?* No: it was trained on everybody, those tested included, for as many epochs. The
#   accuracies are of students that did not know the person. More people can be expected to help, not to hurt, but that is an expectation.
# - *Were epochs chosen by looking at the test person?* No: they are fixed before training, and the last epoch counts.
# - *Can one person be in the folder under two names?* `mixkd data check` finds samples that two names share, also when they are shifted or cut, and names
#   that differ in spelling; it does not find a person who was recorded twice.
# - *What is reused when people are added later?* Runs are stored under the content of the folder. The same folder is never trained twice; with more people all
#   networks see other data, and are trained again. `mixkd score` says beforehand how good the student is on the new ones.
# - *Are the windows of one person exchangeable?* No: windows of a person resemble each other, so thresholds that hold on average may fail for one person. The
#   report shows the worst.
# - *Where do the recordings go?* Nowhere: they stay on this machine, in the store, under a name made of their content.

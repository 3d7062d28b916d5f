# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # On the device
#
# ```{admonition} Claim
# :class: tip
# A student that comes with the package labels a recording without any training. It is stored in ONNX, a file format of trained networks that many programs run. As a C99 header or as a script
# for a page it gives the labels of ONNX; in int8 it gives nearly the same.
# ```
#
# ```bash
# # acceleration at the wrist, nine activities of daily life
# mixkd predict selfback-wrist recording.csv
# # a watch, seven shoulder exercises
# mixkd predict watch-shoulder recording.csv
# # a C99 header
# mixkd export selfback-wrist --to c -o student.h
# # a script for a page
# mixkd export selfback-wrist --to js -o student.js
# ```
#
# In place of these names you can give a folder that `mixkd distill` wrote ({doc}`16_your_recordings`). This chapter trains nothing.

# %% tags=["parameters"]
dataset: str = "watch"  # data set of the ready student: watch, selfback; of others watch is taken
profile: str = "quick"  # smoke, quick or full: the same here
seed: int = 0  # of the windows that are compared

# %% tags=["hide-input"]
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.deploy import c_header, device, elsewhere, javascript
from mixkd.deploy import predict, ranges, ready
from mixkd.learning.fold_data import fold_data
from mixkd.specs.run import RunSpec

check_parameters(globals())

# %% [markdown]
# ## A ready student
#
# Its folder holds the network as ONNX, in float32 and in int8, what it expects (`student.json`), and a model card.

# %% tags=["hide-input"]
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
from IPython.display import Markdown

# %% tags=["nbval-check-output"]
name = ready.name_of(dataset)
student = predict.Student.load(name)
card = (student.folder / "README.md").read_text()
Markdown(card.partition("\n")[2])

# %% [markdown]
# Read the table of the card before you use the student: accuracy differs much between people. Trees on simple statistics stand in the same table. The recordings are those of
# {cite}`burns2018` (`watch-shoulder`; {doc}`01_data` explains its classes) and {cite}`sani2017` (`selfback-wrist`).
#
# ## A recording of a new person
#
# The first half minute of two activities of one of the people that the student was not trained on, as a CSV file:

# %%
spec = RunSpec.parse(student.about["spec"])
data, recordings = fold_data(spec.data), entry_of(spec.dataset).load()
person = data.fold.test[0]
own = np.flatnonzero(recordings.subjects == person)[:2]
length = round(30 * recordings.rate)
signal = np.concatenate([recordings.signals[i][:length] for i in own])
file = Path(mkdtemp()) / "recording.csv"
pd.DataFrame(signal, columns=recordings.channels).to_csv(file, index=False)

# %% tags=["nbval-check-output"]
rows, remarks = predict.label(student, predict.read_recording(file, student.about))
labels = pd.DataFrame(rows)["label"].map(str)
truth = [str(recordings.classes[recordings.labels[i][0]]) for i in own]
windows = labels.groupby(labels, sort=False).size().rename_axis("label")
readable(windows.rename("windows"))

# %% [markdown]
# The true activities are {glue:text}`device_truth`. Two rules make a window `unknown`: its largest probability is below the threshold of the card, or it lies far outside the range of the
# training people.
#
# ## In C
#
# `mixkd export --to c` writes one header: the weights, and a forward pass with static buffers and no allocation. Batch normalisation behind a convolution is merged into
# the convolution. A block writes its result over its input, so two buffers hold all activations. Windows far outside
# those of the training people are unknown, as in `mixkd predict`. The first lines of the header:

# %% tags=["nbval-check-output"]
header = c_header.header(student)
print(header[: header.index("*/") + 2])

# %% [markdown]
# Flash and RAM are counted from the arrays and checked against the compiler in a test. Energy and time on a microcontroller were not measured. A program that uses the header:

# %% tags=["nbval-check-output"]
print(elsewhere.MAIN_C)

# %% [markdown]
# ## In a page
#
# `mixkd export --to js` writes one script of {glue:text}`device_script:.0f` kB for any browser (also from `file://`) and for node. Its first lines:

# %% tags=["nbval-check-output"]
script = javascript.script(student)
print(script[: script.index('"use strict"')])

# %% [markdown]
# The script has no rule for unknown windows.
#
# ## In LiteRT
#
# [LiteRT](https://ai.google.dev/edge/litert), once TensorFlow Lite, runs on Android and on microcontrollers. Its converter excludes packages of this book, so it gets an environment of its own:
#
# ```bash
# make litert
# mixkd export selfback-wrist --to litert    # student.tflite
# ```
#
# The model takes one window in the units of the recording and answers with probabilities. It has no rule for unknown windows. Both ready students were converted
# and compared once: on a thousand synthetic windows all labels were those of ONNX, and the probabilities differed in the sixth digit. The models are as large as `student.onnx`.
#
# ## In GGIR
#
# [GGIR](https://wadpac.github.io/GGIR/) is an R package that reads, calibrates and summarises days of wrist data. It passes the acceleration on to an external function, which `mixkd export --to ggir` writes:
#
# ```bash
# mixkd export selfback-wrist --to ggir -o student.R
# ```
#
# ```r
# library(GGIR)
# source("student.R")
# GGIR(datadir = "recordings", outputdir = "results", mode = 1:2, do.report = 2, myfun = myfun)
# ```
#
# Each label is a column, `share_jogging` for example: the share of an epoch with this label. Each second gets the label of the window whose centre is nearest. The day summary of part 2 has the
# mean of each column: the share of the day with this label, in thousandths. `student.R` starts Python on each block that GGIR has read, so mixkd must stay installed; the student must take three channels of acceleration, in GGIR's order x, y, z. GGIR calibrates
# and resamples: labels may differ from those of `mixkd predict` on the same file where the rate differs, because mixkd filters before it resamples.
#
# ## Do they agree?
#
# All forms that this machine can run (C needs a compiler, JavaScript needs node), on {glue:text}`device_compared` of the {glue:text}`device_windows` windows of people who did not
# train the student, drawn from those inside the range of the training people; the accuracies of the card are of all windows. *Same label*: share of windows with the label of ONNX in float32.
# *Largest difference*: of any probability.

# %%
test, units = data.splits["test"], student.about["units"]
away = ranges.outside(
    ranges.statistics(test.x, units), units, student.about["training"]
).any(axis=1)
known = np.flatnonzero(~away)
chosen = np.sort(np.random.default_rng(seed).permutation(known)[:300])
table = elsewhere.table(student, test.x[chosen], test.y[chosen])

# %% tags=["nbval-check-output"]
largest = table["largest difference"].map(device.plain)
shown = 100 * table[["accuracy", "same label"]]
shown = shown.round(1).astype(str).assign(largest=largest).rename_axis("form")
heads = {"accuracy": "accuracy, %", "same label": "same label, %"}
readable(shown, names={**heads, "largest": "largest difference"})

# %% tags=["remove-cell"]
about = {"device_truth": " and ".join(truth), "device_script": len(script) / 1000}
report(device.answer(table, away, len(chosen)) | about)

# %% [markdown]
# Quantisation to int8 is static: one scale per output channel of weights, and scales of activations from training windows. The file states where numbers are rounded (QDQ), so every runtime
# rounds alike. {doc}`27_few_people` compares int8 for more students.
#
# ## What came out
#
# *How many windows lie outside the range of the training people?* {glue:text}`device_unknown` of {glue:text}`device_windows`.
#
# *How many of the compared windows keep their label in int8?* {glue:text}`device_same:.1f` %.
#
# ## A sceptical reader asks
#
# - *Do these forms agree on my machine too?* The last digits of float32 sums depend on their order and on fused multiply-add. Labels change only where two classes are practically equal.
# - *Why float32 in C?* It can be checked to the last digits. A processor without a floating point unit should run `student.int8.onnx`.
# - *Is the ready student the best one?* It is the best of the recipes whose weights are published, chosen on the people of the card's table. Recipes differ less than people do.
# - *May I use it for my study?* Label some minutes of your own people and compare first. `mixkd distill` makes a student of your own.
#
# ## Takeaways
#
# - One trained student runs as ONNX, C or JavaScript; test the exported form on real windows.
# - Count weights and the largest activations before you choose a microcontroller; measure time and energy on it.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-device-flash
#
# A student has 61,063 parameters. How many bytes of flash do they need in float32 and in int8, and what is added in int8?
# ```
#
# ```{solution} ex-device-flash
# :class: dropdown
#
# Four bytes each: 244 kB. In int8 one byte each, 61 kB, plus a scale for each output channel and a scale (and zero point) for each activation, which are few. Here the file in int8 is larger,
# because ONNX also stores the graph and what stays in float32.
# ```
#
# ```{exercise}
# :label: ex-device-rounding
#
# How large is the largest rounding error of a weight in int8? Compute it for random weights, with one scale for all and with one scale per channel.
# ```
#
# ````{solution} ex-device-rounding
# :class: dropdown
#
# ```python
# import numpy as np
#
# weights = np.random.default_rng(0).normal(size=(16, 48)) * np.logspace(-2, 0, 16)[:, None]
# for scale in (np.abs(weights).max() / 127, np.abs(weights).max(1, keepdims=True) / 127):
#     error = np.abs(weights - np.round(weights / scale) * scale)
#     print((error.max(1) / np.abs(weights).max(1)).max())
# ```
#
# An error is at most half a scale. With one scale for all, the smallest channel loses up to a large part of its weights; with a scale per channel the error is below one part in 254 of the channel's
# largest weight.
# ````

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
# A student that comes with the package labels a recording without any training. As a C99 header or as a script for a page it gives the labels of ONNX; in int8 it gives nearly the same.
# ```
#
# ```bash
# mixkd predict selfback-wrist recording.csv        # acceleration at the wrist, nine activities of daily life
# mixkd predict watch-shoulder recording.csv        # a watch, seven shoulder exercises
# mixkd export selfback-wrist --to c -o student.h   # a C99 header
# mixkd export selfback-wrist --to js -o student.js # a script for a page
# ```
#
# A folder that `mixkd distill` wrote ({doc}`16_your_recordings`) stands wherever a name stands here. Nothing is trained in this chapter, whatever the profile.

# %% tags=["parameters"]
dataset: str = "watch"  # data set of the ready student: watch, selfback; of others watch is taken
profile: str = "quick"  # smoke, quick or full: the same here
seed: int = 0  # of the windows that are compared

# %% tags=["hide-input"]
from mixkd.book.notebook import check_parameters, report
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
# The table of the card is to be read before the student is used: a network that was right for most of the people it never saw was wrong on far more windows of some. Trees on simple statistics, which need no
# network, stand in the same table.
#
# ## A recording of somebody it never saw
#
# The student's own run left some people out. The first half minute of two activities of one of them, as a CSV file:

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
labels = pd.DataFrame(rows)
print("in truth:", *(recordings.classes[recordings.labels[i][0]] for i in own))
print(labels["label"].value_counts(sort=False).to_string(), *remarks, sep="\n")

# %% [markdown]
# ## In C
#
# `mixkd export --to c` writes one header: the weights, and a forward pass with static buffers and no allocation. Batch normalisation behind a convolution is part of the
# convolution's weights; the scale and shift before it stay. Two buffers hold all activations, because a block writes its result over its input. Windows far outside
# those of the training people are unknown, by the rule of `mixkd predict`. Its first lines say what it needs:

# %% tags=["nbval-check-output"]
header = c_header.header(student)
print(header[: header.index("*/") + 2])

# %% [markdown]
# Flash and RAM are counted from the arrays and checked against the compiler in a test. Energy and time on a microcontroller were not measured: there is none here. A program around it:

# %% tags=["nbval-check-output"]
print(elsewhere.MAIN_C)

# %% [markdown]
# ## In a page
#
# `mixkd export --to js` writes one script that any browser runs, also from `file://`, and node. It sets `student`:

# %% tags=["nbval-check-output"]
script = javascript.script(student)
print(f"{len(script) / 1000:.0f} kB")
print(script[: script.index('"use strict"')])

# %% [markdown]
# It does not know the rule for unknown windows: a page that takes recordings of others should show what they look like.
#
# ## Do they agree?
#
# Every form that this machine can run (C needs a compiler, JavaScript needs node), on windows of people who did not train the student, none of them unknown. *Same label*: the part of the windows with the label of ONNX in float32;
# the last column is the largest difference between two probabilities.

# %%
test, units = data.splits["test"], student.about["units"]
away = ranges.outside(
    ranges.statistics(test.x, units), units, student.about["training"]
).any(axis=1)
known = np.flatnonzero(~away)
chosen = np.sort(np.random.default_rng(seed).permutation(known)[:300])
table = elsewhere.table(student, test.x[chosen], test.y[chosen])

# %% tags=["nbval-check-output"]
table.assign(
    **{"largest difference": table["largest difference"].map("{:.0e}".format)}
).round(3)

# %% tags=["remove-cell"]
report(device.answer(table, away))

# %% [markdown]
# Of {glue:text}`device_windows` windows {glue:text}`device_unknown` are unknown. In int8 {glue:text}`device_same:.1f` % of those compared keep their label. Int8 is static: the scales of activations were taken from training windows, per channel for weights, and the file
# says where numbers are rounded (QDQ), so that any runtime rounds alike. Dynamic scales, of each window, are not offered: published reports have networks of this kind collapse under them. {doc}`27_few_people` has the comparison for more students.
#
# LiteRT is left out: its converter brings jax and transformers, and was not tried here. The header needs no runtime; the int8 file runs wherever ONNX does.
#
# ## A sceptical reader asks
#
# - *Is agreement on this machine agreement on mine?* Sums of float32 depend on their order and on fused multiply-add, in the last digits. Labels change only where two classes are as good as equal.
# - *Why float32 in C?* It is the smallest thing that can be checked to the last digits. A processor without a floating point unit wants int8: `student.int8.onnx` is for its runtime.
# - *Is the ready student the best one?* It is the best of the recipes whose weights are published, chosen on the people of the card's table, and recipes differ by less than people do.
# - *May I use it for my study?* Label some minutes of your own people and compare first. `mixkd distill` makes a student of your own.

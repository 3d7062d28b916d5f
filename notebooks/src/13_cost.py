# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Cost
#
# ```{admonition} Goal
# :class: tip
# Know what each part costs: the student at run time, its teachers, the persistence images, and training.
# ```
#
# Only the student runs on the watch; the teachers do not. Parameters and multiply-adds are counted; times were measured earlier by `make bench`, with:

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import answers, cost, contrasts
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.runs import planning
from mixkd.specs.run import ImageSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% tags=["nbval-check-output"]
made_with = cost.made_with("latency").removeprefix("commit ").split("\n", 2)
rows = ["commit", "processor", "packages"]
readable(pd.DataFrame({"": rows, "measured with": made_with}))

# %% [markdown]
# ## Parameters and multiply-adds

# %%
entry = entry_of(dataset)
recordings = entry.load()
n_channels, n_classes = len(recordings.channels), len(recordings.classes)
sizes = cost.network_costs(
    n_channels, entry.window, ImageSpec().resolution, n_classes
)
paper = cost.network_costs(n_channels, entry.window, 64, n_classes)

# %% mystnb={"figure": {"caption": "Multiply-adds for one window against parameters, one dot per network, both axes logarithmic; ringed: the student. Images of 16 x 16 pixels.", "name": "fig-sizes"}, "image": {"alt": "Multiply-adds over parameters of eight networks: at equal depth and width an image network does {ratio_16:.1f} times the work of a signal network; the student is the smallest.", "classes": "dark-light"}}
figures.network_sizes(sizes)

# %% tags=["nbval-check-output"]
millions = {
    "here": sizes["multiply_adds"] / 1e6,
    "fine": paper["multiply_adds"] / 1e6,
}
heads = {"here": "million multiply-adds", "fine": "with 64 x 64 images"}
readable(sizes.drop(columns="multiply_adds").assign(**millions), names=heads)

# %% [markdown]
# A 3 x 3 filter has three times the weights of a filter of width 3, and an image of 64 x 64 pixels has many more positions to apply them to than a window.
#
# ## Latency
#
# One window at a time, on one core.

# %%
record = cost.benchmark("latency")
networks, topology = (
    pd.DataFrame(record["networks"]),
    pd.DataFrame(record["topology"]),
)
both = pd.concat([networks, topology])
kind = both["what"].str.split().str[0]
latency = pd.DataFrame(
    {"name": both["what"], "kind": kind, "milliseconds": both["one_ms"]}
)

# %% mystnb={"figure": {"caption": "Time for one window on one core (logarithmic axis), medians of the benchmark. Blue: signal networks; orange: image networks; green: from window to image, with two programs.", "name": "fig-latency"}, "image": {"alt": "Milliseconds for one window: signal networks are fastest, image networks slow down with the size of the image, and giotto-tda takes far longer than the fast way to an image.", "classes": "dark-light"}}
figures.latency(latency)

# %% [markdown]
# ## How much of it is topology?
#
# An image teacher first turns a window into a persistence diagram and an image (topology), then applies its network. In batches of 64:

# %%
shares = cost.image_path(record)

# %% mystnb={"figure": {"caption": "Time from window to class probabilities per window, split into topology and network (WRN16-1), for two programs and three image sizes; beside each bar, the share of topology.", "name": "fig-topology-share"}, "image": {"alt": "At 16 x 16 pixels topology takes {share_fast:.0f} % of the time with our fast algorithm and {share_giotto:.0f} % with giotto-tda; the rest is the network.", "classes": "dark-light"}}
figures.topology_share(shares)

# %% [markdown]
# Giotto-tda computes persistence of point clouds and images in general; ours is a linear-time algorithm for signals alone.
#
# ## Training
#
# A teacher's answers to the mixtures of a training do not depend on the student. They are computed once, stored (a **trace**), and read by every student that sees
# the same mixtures.

# %%
training = cost.benchmark("training")
times = training["step"]["milliseconds"]
names = {
    "scratch": "scratch student",
    "traced": "two teachers, traced",
    "live": "two teachers, live",
}

# %%
steps = pd.DataFrame(
    {
        "name": label,
        "milliseconds": times[key],
        "relative": training["step"].get(f"{key}_over_scratch", 1),
    }
    for key, label in names.items()
)

# %% mystnb={"figure": {"caption": "Time of one training step of the student with mixup (medians of the benchmark); beside each bar, relative to a student without teachers.", "name": "fig-training"}, "image": {"alt": "Compared with a student without teachers, a step takes {traced:.2f} times as long with stored answers of two teachers and {live:.2f} times with teachers that run in each step.", "classes": "dark-light"}}
figures.training_cost(steps)

# %% [markdown]
# Storing a trace takes time too. Milliseconds per step for all students together that see the same mixtures, with the building of both traces included:

# %% tags=["nbval-check-output"]
students = pd.Series([1, 2, 5, 10, 25], name="students")
building = sum(trace["ms_per_step"] for trace in training["traces"].values())
ways = {
    "live": students * times["live"],
    "traced": students * times["traced"] + building,
}
ways["live over traced"] = ways["live"] / ways["traced"]
readable(pd.DataFrame({"students": students, **ways}))

# %% [markdown]
# ## All runs of the book
#
# One process with one thread per run. Times count training and building the traces, but not reading the data or scoring the network. Other processes shared the cores,
# which makes core-hours larger.

# %%
records = {
    one.dataset: studies.every_record(one) for one in contrasts.campaigns(scope)
}
costs = {name: cost.campaign(of_set) for name, of_set in records.items()}
grid = costs[dataset]

# %%
heads = {"median_seconds": "median, s", "core_hours": "core-hours"}
readable(pd.concat(costs, names=["dataset"]), names=heads)

# %% tags=["remove-cell"]
planned = len(planning.with_requirements(studies.every(scope)))
took = answers.training(training, grid, cost.benchmark("campaign"))
took |= {"planned": planned, "on": dataset}
took |= cost.total(costs) | {"added": cost.live_hours(records[dataset], times)}
report(answers.networks(sizes, paper, shares) | took)

# %% [markdown]
# ## What came out
#
# *How much work is an image network?* {glue:text}`ratio_16:.1f` times that of a signal network of the same depth and width at 16 x 16 pixels, {glue:text}`ratio_64:.0f` times at the
# 64 x 64 pixels of earlier code of the paper's authors.
#
# *Is topology the expensive part?* It takes {glue:text}`share_fast:.0f` % of the time at 16 x 16 pixels with the fast algorithm, {glue:text}`share_giotto:.0f` % with giotto-tda.
#
# *What do two teachers add to a training step?* Its time is {glue:text}`traced:.2f` times that of a student without teachers with stored answers, {glue:text}`live:.2f` times with teachers that run.
#
# *What did the runs cost?* {glue:text}`n_runs` of {glue:text}`planned` planned runs on {glue:text}`on` exist; they took {glue:text}`hours:.1f` core-hours, {glue:text}`rate:.0f` runs per hour and core.
# Running teachers in place of traces would have added about {glue:text}`added:.1f` core-hours, less the building of traces. On all data sets of the table together, {glue:text}`total_runs` runs took
# {glue:text}`total_hours:.1f` core-hours.
#
# *How long does one wait?* The first {glue:text}`campaign_runs` runs on `watch` took {glue:text}`campaign_wall_hours:.1f` hours with {glue:text}`campaign_workers` processes on {glue:text}`campaign_cores` busy cores.
#
# ## A sceptical reader asks
#
# - *Is the fast topology the same topology?* Diagrams are equal to those of giotto-tda and gudhi, pair by pair; tests and the benchmark compare them.
# - *Was the machine quiet?* No. Ratios were measured side by side, in alternation, and are medians; single times may be off by a tenth.
#
# ## Takeaways
#
# - Only the student must fit the device. Teachers and images cost training time.
# - Depth and width of the student matter at run time; which teachers it had does not.
# - Store the answers of the teachers: two teachers then cost a few percent of a step.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-cost-traces
#
# A training step takes $s$ milliseconds with stored answers of the teachers and $s + t$ with teachers that run. Storing the answers costs $b$ milliseconds per step, once for
# all students that see the same mixtures. From how many students on do traces pay?
# ```
#
# ```{solution} ex-cost-traces
# :class: dropdown
#
# $k$ students cost $k (s + t)$ with teachers that run and $b + k s$ with traces. Traces pay if $k t > b$. Building a trace is little more than one forward pass of each
# teacher per step, so $b \approx t$: traces pay from the second student on, if not from the first.
# ```
#
# ```{exercise}
# :label: ex-cost-width
#
# WRN16-3 has channels three times as wide as WRN16-1. How much more work do you expect, and how much is it?
# ```
#
# ````{solution} ex-cost-width
# :class: dropdown
#
# A convolution from $c$ to $c'$ channels multiplies $c\,c'$ numbers at each position: nine times as many. The first convolution, whose input stays, and the last layer,
# whose classes stay, grow three times only, so the ratio is a little below nine, as this prints:
#
# ```python
# from mixkd.analysis.cost import network_costs
#
# work = network_costs(6, 100, 16, 7).set_index(["modality", "network"])["multiply_adds"]
# print(work["signal", "WRN16-3"] / work["signal", "WRN16-1"])
# ```
# ````

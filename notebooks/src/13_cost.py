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
# ```{admonition} Claim
# :class: tip
# At run time the student alone is needed. Large teachers and fine images cost much more than it does; and with a linear-time algorithm what an image teacher costs is its
# two-dimensional network, not topology.
# ```
#
# Distillation is worth the trouble because the student runs on a watch and its teachers need not. This chapter says what each part costs: counted where it can be
# counted, measured by `make bench` where not. No time on this page was taken while the page was made; they come from records of an earlier run:

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import answers, cost, contrasts
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.runs import planning
from mixkd.specs.run import ImageSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% tags=["nbval-check-output"]
print(cost.made_with("latency"))

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

# %% mystnb={"figure": {"caption": "Multiply-adds for one window against parameters; ringed: the student. Images of 16 x 16 pixels.", "name": "fig-sizes"}, "image": {"alt": "Scatter plot on logarithmic axes of multiply-adds over parameters for eight networks, coloured by modality, the student ringed.", "classes": "dark-light"}}
figures.network_sizes(sizes)

# %% tags=["nbval-check-output"]
sizes.assign(image_64=paper["multiply_adds"]).round(0)

# %% [markdown]
# An image network of the same depth and width does {glue:text}`ratio_16:.1f` times the work of a signal network at 16 x 16 pixels, and {glue:text}`ratio_64:.0f` times at the
# 64 x 64 pixels of the group's earlier code: three times the weights, and many more positions to apply them to.
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

# %% mystnb={"figure": {"caption": "Time for one window on one core, from the benchmark record. Blue: signal networks; orange: image networks; green: from window to image.", "name": "fig-latency"}, "image": {"alt": "Horizontal bars on a logarithmic axis of milliseconds, one per network and per way to compute topology, each with its number.", "classes": "dark-light"}}
figures.latency(latency)

# %% [markdown]
# ## Is it topology?
#
# The image path is topology (window to diagram to image) and then the network. Its share depends on which program computes the topology. In batches of 64:

# %%
shares = cost.image_path(record)

# %% mystnb={"figure": {"caption": "Time of the image path per window, split into topology and network (WRN16-1), for two topology backends and three resolutions.", "name": "fig-topology-share"}, "image": {"alt": "Stacked bars of milliseconds, topology and network, for three image sizes and two topology backends, with the share of topology beside each.", "classes": "dark-light"}}
figures.topology_share(shares)

# %% tags=["nbval-check-output"]
shares.round(3)

# %% [markdown]
# At 16 x 16 pixels topology takes {glue:text}`share_fast:.0f` % of the image path with the fast backend and {glue:text}`share_giotto:.0f` % with giotto-tda. The difference is
# what a general method costs where a special one will do.
#
# ## Training
#
# A teacher's answers along a stream do not depend on the student. So they can be computed once, stored (a **trace**), and read by every student on that stream.

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

# %% mystnb={"figure": {"caption": "Time of one training step of the student, mixup on; on the right of each bar, relative to training from scratch. From the benchmark record.", "name": "fig-training"}, "image": {"alt": "Three horizontal bars of milliseconds per step: scratch, traced teachers, live teachers, each with its ratio to the first.", "classes": "dark-light"}}
figures.training_cost(steps)

# %% tags=["nbval-check-output"]
quick = training["quick_profile"]
numbers = {k: v for k, v in quick.items() if isinstance(v, (int, float))}
print(pd.Series(numbers, dtype=object).to_string())

# %% [markdown]
# With traces, a student of two teachers costs {glue:text}`traced:.2f` times a student from scratch; with live teachers {glue:text}`live:.2f` times. Building traces is not free: it takes
# {glue:text}`building:.1f` core-minutes of the quick profile ({glue:text}`priced` runs when this was measured), whose training as a whole, priced by the measured steps, would take {glue:text}`whole:.2f` times as long with live teachers. Traces pay where many students share a stream.
#
# ## The whole grid
#
# What this book's runs cost when they were made, one process of one thread each, on each data set that it shows: the training with its traces, not
# the reading of data before it and the measuring of the trained network after it. Processes shared the cores with others, which makes core-hours larger.

# %%
found = {
    one.dataset: studies.every_record(one) for one in contrasts.campaigns(scope)
}
costs = {name: cost.campaign(records) for name, records in found.items()}
grid = costs[dataset]

# %%
pd.concat(costs, names=["dataset"]).round(2)

# %% tags=["remove-cell"]
planned = len(planning.with_requirements(studies.every(scope)))
took = answers.training(training, grid, cost.benchmark("campaign"))
took |= {"planned": planned, "on": dataset}
took |= {"added": cost.live_hours(found[dataset], times)}
report(answers.networks(sizes, paper, shares) | took)

# %% [markdown]
# Of the {glue:text}`planned` runs of all studies on {glue:text}`on`, the {glue:text}`n_runs` that are there took {glue:text}`hours:.1f` core-hours, {glue:text}`rate:.0f` runs per hour and core. Live teachers in place of traces would have added about
# {glue:text}`added:.1f` core-hours by the measured steps, less what building the traces took.
#
# By the clock, the {glue:text}`campaign_runs` runs of `full` on `watch` took {glue:text}`campaign_wall_hours:.1f` hours, {glue:text}`campaign_runs_per_hour:.0f` runs per hour: {glue:text}`campaign_workers` processes on
# {glue:text}`campaign_cores` cores that did other work too, pauses left out (`python -m benchmarks.campaign`).
#
# ## A sceptical reader asks
#
# - *Is the fast topology the same topology?* Diagrams are equal to those of giotto-tda and gudhi, pair by pair; tests and the benchmark compare them.
# - *Are the times of a quiet machine?* No. Ratios were measured side by side, in alternation, and are medians; single times are not to be trusted to ten percent.

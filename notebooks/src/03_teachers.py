# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Teachers
#
# ```{admonition} Claim
# :class: tip
# A network on persistence images knows something that a network on signals does not, even where it is the weaker of the
# two (ours); and mixup makes a teacher less certain, which is not the same as better.
# ```
#
# Before anything is distilled, somebody must know something. This chapter trains the networks that teach: one on signals, one on
# persistence images, each with and without mixup, and a larger one. They are WideResNets {cite}`zagoruyko2016`, written `depth-width`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import agreement, answers, baselines
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.learning import metrics
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %% [markdown]
# Every run below is trained from scratch on the training people of its fold and judged on the held-out person after its last epoch. The first call
# of `load` trains what is missing; later ones read the stored records. Means over people and seeds; *share* is the part of each batch that was mixed:

# %%
runs = studies.load("teachers", scope)
data = studies.data(scope)

# %% tags=["nbval-check-output"]
kinds = runs.groupby(["modality", "network", "share"], sort=False)
means = kinds[["accuracy", "macro_f1", "nll", "ece"]].mean().reset_index()
means.round(3).set_index("modality").rename_axis(columns="modality", index=None)

# %% [markdown]
# ## Against simple baselines
#
# An accuracy means little alone. {numref}`fig-teachers` sets the networks beside five baselines on the same splits: the majority class; a random forest on eight simple features per channel;
# extra trees {cite}`geurts2006` and boosted trees, LightGBM {cite}`ke2017`, on fifteen statistics per channel and the correlations between channels; and MiniRocket {cite}`dempster2021`, ten
# thousand fixed convolutions with a ridge classifier. None of them was tuned.

# %%
baseline = baselines.table(data, seed)

# %% mystnb={"figure": {"caption": "Accuracy on held-out people (one marker each, bar: mean) of five baselines and of the networks that teach.", "name": "fig-teachers"}, "image": {"alt": "Dot plot of accuracy, one column each for five baselines and each network, a marker per held-out person and a bar at the mean.", "classes": "dark-light"}}
figures.teachers(runs, baseline)

# %% tags=["nbval-check-output"]
shown = ["accuracy", "nll", "scaled_nll"]
baseline.groupby("baseline", sort=False)[shown].mean().round(3)

# %% [markdown]
# Always answering the most frequent class is right for {glue:text}`majority:.1f` % of windows, the forest for
# {glue:text}`random:.1f` %, the extra trees for {glue:text}`extra:.1f` %, MiniRocket for {glue:text}`MiniRocket:.1f` %, the signal network for {glue:text}`accuracy_signal:.1f` % and the image network for
# {glue:text}`accuracy_image:.1f` %, as means over the held-out people of this profile. *scaled_nll* is the NLL after one temperature, fitted on the validation people.
#
# ## How they learn

# %%
plain = runs[(runs["share"] == 0) & (runs["network"] == "WRN16-1")]
curves = tables.histories(plain)

# %% mystnb={"figure": {"caption": "Accuracy over epochs on the validation person (dotted) and the held-out person (solid). Nothing is chosen by the solid line.", "name": "fig-curves"}, "image": {"alt": "Line plots of accuracy over epochs, a panel per held-out person, solid for that person and dotted for the validation person.", "classes": "dark-light"}}
figures.learning_curves(curves)

# %% [markdown]
# Dotted and solid lines are different *people*, so they may lie far apart. Picking the best epoch by the solid line would look
# good and mean nothing; tables in this book show the last epoch, and the optimistic choice only beside it:

# %% tags=["nbval-check-output"]
choices = ["accuracy", "accuracy_best_validation", "accuracy_best_test"]
plain.groupby("modality")[choices].mean().round(3)

# %% [markdown]
# Reporting the best epoch on the test person would have added {glue:text}`optimism:.1f` points here, for free.
#
# ## What they confuse

# %%
first = plain[plain["fold"] == min(data)]
y = data[min(data)].splits["test"].y
logits = {r.spec.modality: r.arrays["test_logits"] for r in tables.records(first)}
counts = {f"{m} teacher": metrics.confusion(z, y) for m, z in logits.items()}
classes = entry_of(dataset).load().classes

# %% mystnb={"figure": {"caption": "What each teacher calls the windows of one held-out person: share of each true class (row).", "name": "fig-confusion"}, "image": {"alt": "Two heat maps with the true class down and the called class across, a share written into each cell.", "classes": "dark-light"}}
figures.confusion(counts, classes)

# %% [markdown]
# ## Two witnesses
#
# A second teacher is useful where the first is wrong. {numref}`fig-agreement` counts windows that both, one, or none of the two calls
# correctly.

# %%
signal, image = (plain[plain["modality"] == m] for m in ("signal", "image"))
table = agreement.table(signal, image, data)

# %% mystnb={"figure": {"caption": "Test windows by which of the two teachers is right, per held-out person, in per cent.", "name": "fig-agreement"}, "image": {"alt": "A stacked bar per held-out person in four parts: both right, only the signal teacher, only the image teacher, both wrong.", "classes": "dark-light"}}
figures.agreement(table)

# %% tags=["nbval-check-output"]
print(table.round(3).to_string(index=False))

# %% [markdown]
# The image teacher alone is right on {glue:text}`only_image:.1f` % of windows, the signal teacher alone on
# {glue:text}`only_signal:.1f` %. Is that topology, or would any second network do? The scratch student of {doc}`04_distillation` is another
# signal network of the same size, from another start:

# %%
scratch = studies.load("distillation", scope)
again = scratch[(scratch["method"] == "Scratch") & (scratch["teachers"] == "none")]
control = agreement.table(signal, again, data)

# %% tags=["nbval-check-output"]
print(control.round(3).to_string(index=False))

# %% tags=["remove-cell"]
report(answers.teachers(runs, baseline, table, control))

# %% [markdown]
# It alone is right on {glue:text}`only_again:.1f` %: {glue:text}`only_more:+.1f` points for the image teacher. Where that is above zero, the image teacher brings more than another
# start would. Whether topology, the second dimension or more weights bring it is not separated here.
#
# ## How fine must an image be?
#
# The images of the group's earlier code have 64 x 64 pixels, and pixels are what an image network pays for ({doc}`13_cost`). Our 16 x 16 were declared after a look at
# validation people ({doc}`../book/defaults`); here is what validation and held-out people say, in `full` only.

# %%
pixels = studies.load("resolution", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the image teacher against the number of pixels, mean over folds, one seed, on validation people and on held-out people.", "name": "fig-resolution"}, "image": {"alt": "Two lines of accuracy over pixels per side, solid for held-out people and dotted for validation people, or a note that there is nothing to show.", "classes": "dark-light"}}
figures.resolution(pixels)

# %% [markdown]
# ## With mixup
#
# Mixup {cite}`zhang2018` trains on mixtures of two windows and of their labels ({doc}`05_mixup` draws one). It changed the negative log-likelihood
# (NLL) of the signal network on held-out people from {glue:text}`nll_plain:.2f` to {glue:text}`nll_mixed:.2f` nats. What
# that does to its *students* is the question of this book.
#
# ## In this build
#
# The image teacher alone is right on {glue:text}`only_image:.1f` % of windows, a second signal network on {glue:text}`only_again:.1f` %. Mixup took the mean confidence of the signal
# teacher on held-out people from {glue:text}`sure_plain:.1f` to {glue:text}`sure_mixed:.1f` %, its accuracy from {glue:text}`accuracy_plain:.1f` to {glue:text}`accuracy_mixed:.1f` %.
#
# ## A sceptical reader asks
#
# - *Do the trees see the same windows?* Yes, the same folds. A network that does not beat them has learned nothing that a watch could not do without it; the table of the README sets them beside the
#   students.
# - *Is the last epoch the best?* Who knows the labels of the test person can tell; choosing the best one on them would flatter ({doc}`12_deviations`).

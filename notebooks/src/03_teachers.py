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
# two; and mixup makes a teacher less certain, which is not the same as better.
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
from myst_nb import glue

from mixkd import figures, studies
from mixkd.analysis import agreement, baselines
from mixkd.notebook import check_parameters

check_parameters(globals())

# %% [markdown]
# Every run below is trained from scratch on the training people of its fold, tested once after its last epoch, and stored; the
# first call of `load` trains what is missing.

# %%
runs = studies.load(
    "teachers", dataset=dataset, profile=profile, seed=seed, alpha=alpha
)
data = studies.data(dataset, profile, seed)

# %% tags=["nbval-check-output"]
columns = ["modality", "network", "share", "subject"]
runs[[*columns, "accuracy", "macro_f1", "nll", "ece"]].round(3)

# %% [markdown]
# ## Against simple baselines
#
# An accuracy means little alone. {numref}`fig-teachers` sets the networks beside the majority class and a random forest on
# eight simple features per channel, on the same splits.

# %%
baseline = baselines.table(data, seed)

# %% mystnb={"figure": {"caption": "Accuracy on held-out people (one marker each, bar: mean) of two baselines and of the networks that teach.", "name": "fig-teachers"}, "image": {"alt": "Dot plot: majority class lowest, random forest in the middle, signal and image networks above, with a wide gap between the held-out subjects.", "classes": "dark-light"}}
figures.teachers(runs, baseline)

# %% tags=["nbval-check-output"]
print(
    baseline.pivot_table(index="baseline", values="accuracy").round(3).to_string()
)

# %% tags=["remove-cell"]
plain = runs[(runs["share"] == 0) & (runs["network"] == "WRN16-1")]
for modality, part in plain.groupby("modality"):
    glue(f"accuracy_{modality}", 100 * part["accuracy"].mean(), display=False)
for name, part in baseline.groupby("baseline"):
    glue(name.split()[0], 100 * part["accuracy"].mean(), display=False)
mixed = runs[(runs["share"] == 1) & (runs["modality"] == "signal")]
glue("nll_plain", plain[plain["modality"] == "signal"]["nll"].mean(), display=False)
glue("nll_mixed", mixed["nll"].mean(), display=False)

# %% [markdown]
# Always answering the most frequent exercise is right for {glue:text}`majority:.1f` % of windows, the forest for
# {glue:text}`random:.1f` %, the signal network for {glue:text}`accuracy_signal:.1f` % and the image network for
# {glue:text}`accuracy_image:.1f` %, as means over the held-out people of this profile.
#
# ## How they learn

# %%
curves = studies.histories(plain)

# %% mystnb={"figure": {"caption": "Accuracy over epochs on the validation person (dotted) and the held-out person (solid). Nothing is chosen by the solid line.", "name": "fig-curves"}, "image": {"alt": "Line plots per held-out subject: accuracy rises within a few epochs and then wanders; validation and test lie apart because they are different people.", "classes": "dark-light"}}
figures.learning_curves(curves)

# %% [markdown]
# Dotted and solid lines are different *people*, so they may lie far apart. Picking the best epoch by the solid line would look
# good and mean nothing; tables in this book show the last epoch, and the optimistic choice only beside it:

# %% tags=["nbval-check-output"]
choices = ["accuracy", "accuracy_best_validation", "accuracy_best_test"]
plain.groupby("modality")[choices].mean().round(3)

# %% tags=["remove-cell"]
optimism = 100 * (plain["accuracy_best_test"] - plain["accuracy"]).mean()
glue("optimism", optimism, display=False)

# %% [markdown]
# Reporting the best epoch on the test person would have added {glue:text}`optimism:.1f` points here, for free.
#
# ## What they confuse

# %%
first = plain[plain["fold"] == min(data)]
y = data[min(data)].parts["test"].y
logits = {r.spec.modality: r.arrays["test_logits"] for r in studies.records(first)}
counts = {modality: agreement.confusion(z, y) for modality, z in logits.items()}
classes = studies.dataset_entry(dataset).load().classes

# %% mystnb={"figure": {"caption": "What each teacher calls the windows of one held-out person: share of each true class (row).", "name": "fig-confusion"}, "image": {"alt": "Two heat maps with a strong diagonal; off-diagonal cells differ between the signal and the image teacher.", "classes": "dark-light"}}
figures.confusion(counts, classes)

# %% [markdown]
# ## Two witnesses
#
# A second teacher is useful where the first is wrong. {numref}`fig-agreement` counts windows that both, one, or none of the two calls
# correctly.

# %%
table = agreement.table(plain, data)

# %% mystnb={"figure": {"caption": "Test windows by which of the two teachers is right, per held-out person, in per cent.", "name": "fig-agreement"}, "image": {"alt": "Stacked bars: most windows are right for both teachers, with visible parts that only one of them gets right.", "classes": "dark-light"}}
figures.agreement(table)

# %% tags=["nbval-check-output"]
print(table.round(3).to_string(index=False))

# %% tags=["remove-cell"]
glue("only_image", 100 * table["image"].mean(), display=False)
glue("only_signal", 100 * table["signal"].mean(), display=False)

# %% [markdown]
# The image teacher alone is right on {glue:text}`only_image:.1f` % of windows, the signal teacher alone on
# {glue:text}`only_signal:.1f` %. That is the room two teachers have.
#
# ## How fine must an image be?
#
# The paper's images have 64 x 64 pixels. We use the smallest that costs the image teacher no accuracy on *validation* people; the number
# of pixels is what an image network pays for ({doc}`08_cost`).

# %%
pixels = studies.load("resolution", dataset=dataset, profile=profile, seed=seed)

# %% mystnb={"figure": {"caption": "Accuracy of the image teacher against the number of pixels, mean over folds, on validation people and on held-out people.", "name": "fig-resolution"}, "image": {"alt": "Two nearly flat lines over 8, 16 and 24 pixels per side.", "classes": "dark-light"}}
figures.resolution(pixels)

# %% [markdown]
# ## With mixup
#
# Mixup {cite}`zhang2018` trains on mixtures of two windows and of their labels ({doc}`05_mixup` draws one). It changed the negative log-likelihood
# (NLL) of the signal network on held-out people from {glue:text}`nll_plain:.2f` to {glue:text}`nll_mixed:.2f` nats: a network that has
# seen half-and-half answers is less sure of itself when it is wrong. What that does to its *students* is the question of this book.

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
# ```{admonition} Goal
# :class: tip
# Train the networks that teach, and find out whether a network on persistence images knows something that a network on signals does not.
# ```
#
# Distillation starts with good teachers. This chapter trains one on signals and one on persistence images, each with and without mixup, and larger ones. All are
# WideResNets {cite}`zagoruyko2016`, written WRN*depth*-*width*.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import agreement, answers, baselines
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.learning import metrics
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %% [markdown]
# Every network learns from random weights on the training people of its fold and is scored on the held-out person after its last epoch. Accuracy, macro F1, NLL and
# ECE are means over people and seeds; *share mixed* is the part of each batch that was mixed:

# %%
runs = studies.load("teachers", scope)
data = studies.data(scope)

# %% tags=["nbval-check-output"]
kinds = runs.groupby(["modality", "network", "share"], sort=False)
means = kinds[["accuracy", "macro_f1", "nll", "ece"]].mean().reset_index()
readable(means, names={"modality": "input", "share": "share mixed, %"})

# %% [markdown]
# ## Against simple baselines
#
# {numref}`fig-teachers` sets the networks beside five baselines on the same splits: the majority class; a random forest on eight simple features per channel; extra
# trees {cite}`geurts2006` and boosted trees, LightGBM {cite}`ke2017`, on fifteen statistics per channel and the correlations between channels; and MiniRocket
# {cite}`dempster2021`, ten thousand fixed convolutions with a ridge classifier. None of them was tuned.

# %%
baseline = baselines.table(data, seed)

# %% mystnb={"figure": {"caption": "Accuracy of five baselines and of the networks that teach. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-teachers"}, "image": {"alt": "Mean accuracy on held-out people: majority class {majority:.1f} %, random forest {random:.1f} %, extra trees {extra:.1f} %, LightGBM {LightGBM:.1f} %, MiniRocket {MiniRocket:.1f} %, signal network {accuracy_signal:.1f} %, image network {accuracy_image:.1f} %.", "classes": "dark-light"}}
figures.teachers(runs, baseline)

# %% tags=["nbval-check-output"]
scores = ["accuracy", "nll", "scaled_nll"]
readable(baseline.groupby("baseline", sort=False)[scores].mean())

# %% [markdown]
# *Scaled* NLL is the NLL after temperature scaling on the validation people.
#
# ## How they learn

# %%
plain = runs[(runs["share"] == 0) & (runs["network"] == "WRN16-1")]
curves = tables.histories(plain)

# %% mystnb={"figure": {"caption": "Accuracy over epochs on the held-out person (solid) and on the validation person (dotted), a panel per held-out person. Nothing is chosen by the solid line.", "name": "fig-curves"}, "image": {"alt": "Accuracy over epochs, a panel per held-out person: the best epoch lies {optimism:.1f} points above the last, on average over people and both teachers.", "classes": "dark-light"}}
figures.learning_curves(curves)

# %% [markdown]
# Dotted and solid lines are different *people*, so they may lie far apart. Choosing the epoch that is best on the test person adds {glue:text}`optimism:.1f` points for free.
# Tables in this book show the last epoch:

# %% tags=["nbval-check-output"]
choices = {
    "accuracy": "last epoch, %",
    "accuracy_best_validation": "best on validation, %",
    "accuracy_best_test": "best on test, %",
}
by_input = plain.groupby("modality")[[*choices]].mean()
readable(by_input, metric="accuracy", names={"modality": "input"} | choices)

# %% [markdown]
# ## What they confuse

# %%
first = plain[plain["fold"] == min(data)]
y = data[min(data)].splits["test"].y
logits = {r.spec.modality: r.arrays["test_logits"] for r in tables.records(first)}
counts = {f"{m} teacher": metrics.confusion(z, y) for m, z in logits.items()}
right = {f"first_{m}": 100 * (z.argmax(1) == y).mean() for m, z in logits.items()}
classes = entry_of(dataset).load().classes

# %% mystnb={"figure": {"caption": "Predicted class (across) by true class (down) for the windows of one held-out person, as share of the true class; one seed.", "name": "fig-confusion"}, "image": {"alt": "Confusion matrices of one held-out person: the signal teacher is right on {first_signal:.0f} % of the windows, the image teacher on {first_image:.0f} %.", "classes": "dark-light"}}
figures.confusion(counts, classes)

# %% [markdown]
# ## Is the second teacher right where the first is wrong?
#
# A second teacher is useful where the first one fails. {numref}`fig-agreement` counts the windows on which both, one or none of the two is right.

# %%
signal, image = (plain[plain["modality"] == m] for m in ("signal", "image"))
table = agreement.table(signal, image, data)

# %% mystnb={"figure": {"caption": "Share of test windows on which both teachers, one or none is right, a bar per held-out person, mean over seeds.", "name": "fig-agreement"}, "image": {"alt": "Averaged over held-out people, only the signal teacher is right on {only_signal:.1f} % of the windows and only the image teacher on {only_image:.1f} %.", "classes": "dark-light"}}
figures.agreement(table)

# %% [markdown]
# Is that topology, or would any second network do? The scratch student of {doc}`04_distillation` is another signal network of the same size with other random weights.
# Windows on which each is right and the signal teacher is wrong:

# %%
students = studies.load("distillation", scope)
is_scratch = (students["method"] == "Scratch") & (students["teachers"] == "none")
control = agreement.table(signal, students[is_scratch], data)

# %% tags=["nbval-check-output"]
alone = table[["subject"]].assign(image=table["second"], again=control["second"])
names = {"image": "image teacher, %", "again": "second signal network, %"}
readable(alone.set_index("subject"), metric="accuracy", names=names)

# %% [markdown]
# The comparison does not separate topology from the second dimension or the larger number of weights of the image teacher.
#
# ## How fine must an image be?
#
# The images of the group's earlier code have 64 x 64 pixels, and an image network pays for each ({doc}`13_cost`). We chose 16 x 16 on validation people
# ({doc}`../book/defaults`), so another size may be as good on the people tested. Image teachers at four sizes (drawn only if every person was tested):

# %%
pixels = studies.load("resolution", scope)

# %% mystnb={"figure": {"caption": "Accuracy of the image teacher against pixels per side, on held-out people (solid) and validation people (dotted); means over folds with 95 percent intervals, one seed.", "name": "fig-resolution"}, "image": {"alt": "Accuracy of the image teacher on held-out people by pixels per side: {pixels}.", "classes": "dark-light"}}
figures.resolution(pixels)

# %% [markdown]
# ## With mixup
#
# Mixup {cite}`zhang2018` trains on mixtures of two windows and of their labels ({doc}`05_mixup` draws one). What it does to the *students* of a teacher is the question of
# this book; what it does to the teacher itself stands below.

# %% tags=["remove-cell"]
values = answers.teachers(runs, baseline, table, control)
chance = values["accuracy_image"] * (1 - values["accuracy_signal"] / 100)
by_pixels = answers.by_setting(pixels, "resolution")
report(values | right | {"independent": chance, "pixels": by_pixels})

# %% [markdown]
# ## What came out
#
# *Which network is better on held-out people?* The signal network is right on {glue:text}`accuracy_signal:.1f` % of the windows, the image network on
# {glue:text}`accuracy_image:.1f` %; a random forest on {glue:text}`random:.1f` %, extra trees on {glue:text}`extra:.1f` %.
#
# *Does the image teacher add something?* On {glue:text}`only_image:.1f` % of all windows it is right and the signal teacher wrong. For a second signal network that share is
# {glue:text}`only_again:.1f` %, a difference of {glue:text}`only_more:+.1f` points. {doc}`04_distillation` measures what that is worth to a pair.
#
# *What does mixup do to the signal teacher?* Mean confidence goes from {glue:text}`sure_plain:.1f` to {glue:text}`sure_mixed:.1f` %, accuracy from
# {glue:text}`accuracy_plain:.1f` to {glue:text}`accuracy_mixed:.1f` %, NLL from {glue:text}`nll_plain:.2f` to {glue:text}`nll_mixed:.2f` nats.
#
# *How many pixels?* Accuracy of the image teacher by pixels per side, of one seed (the numbers above are means over all seeds): {glue:text}`pixels`.
#
# ## A sceptical reader asks
#
# - *Do the trees see the same windows?* Yes, the same folds. A network that does not beat the trees is not worth deploying; {doc}`../book/numbers` sets them beside the
#   students.
# - *Is the last epoch the best?* Only someone with the test labels could tell; choosing by them would flatter ({doc}`12_deviations`).
#
# ## Takeaways
#
# - Compare a second teacher with a second network of the same kind: part of what it adds comes from any other network.
# - Set every network beside trees on simple features. They train in seconds.
# - Report the last epoch, or one that was chosen on validation people.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-teachers-overlap
#
# The signal teacher is right on a share $s$ of the windows, the image teacher on $i$, both on $b$. On which share is only the image teacher right, and on which at least one
# of the two? What is the first share if their errors are independent?
# ```
#
# ```{solution} ex-teachers-overlap
# :class: dropdown
#
# Only the image teacher: $i - b$. At least one: $s + i - b$. Independent errors mean $b = s\,i$, so only the image teacher is right on $i\,(1 - s)$. With the mean accuracies
# of this chapter that is {glue:text}`independent:.1f` %, against a measured {glue:text}`only_image:.1f` %. A measured share that is smaller means that windows which are hard
# for one teacher are hard for the other.
# ```
#
# ```{exercise}
# :label: ex-teachers-pair
#
# Average the probabilities of the two teachers for one held-out person. Is the pair more often right than either?
# ```
#
# ```{solution} ex-teachers-pair
# :class: dropdown
#
# At the end of this notebook:
#
# ~~~python
# from mixkd.analysis import ensembles
#
# one = [tables.records(part)[0] for part in (signal, image)]
# for networks in (one[:1], one[1:], one):
#     print((ensembles.probabilities(networks).argmax(axis=1) == y).mean())
# ~~~
#
# The first two lines are the teachers of the first held-out person, the third is the pair. {doc}`04_distillation` does it for everybody.
# ```

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Smoothness
#
# ```{admonition} Claim
# :class: tip
# Temperature and mixup do the same thing to a student's targets: they smooth them. Together they can smooth too much (H2, H3).
# ```
#
# This is the paper's bridge between its two subjects. Here it is measured: how smooth are the targets, which temperature would match mixup, and does a student's
# quality depend on smoothness alone?
#
# To turn the temperature yourself: {doc}`../book/try`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
from scipy.special import softmax

from mixkd import figures, studies
from mixkd.analysis import answers, features, smoothness, temperature_scaling
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of
from mixkd.learning import metrics
from mixkd.studies import tables

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %% [markdown]
# All students of this chapter learn from one signal teacher (WRN16-1), in the four cases and at several temperatures.

# %%
runs = studies.load("temperature", scope)
data = studies.data(scope)
table = smoothness.target_entropies(runs)
plain_runs = studies.load("mixup", scope)

# %% [markdown]
# ## How smooth are the targets?
#
# The measure is the mean entropy of $\mathrm{softmax}(z_T / T)$ over the inputs of one epoch: zero when the teacher is certain, $\log$ of the number of classes when it
# has no opinion.

# %% mystnb={"figure": {"caption": "Mean entropy of the targets that students learn from, by temperature and case, mean over people and seeds.", "name": "fig-entropy"}, "image": {"alt": "Four curves of entropy over temperature, one per case of mixup, under a dotted line that marks equal classes.", "classes": "dark-light"}}
figures.target_entropy(table)

# %% tags=["nbval-check-output"]
table.pivot_table(
    index="case", columns="temperature", values="entropy", sort=False
).round(3)

# %% [markdown]
# Mixup in the teacher's training can be expressed *as a temperature*: the one at which the plain teacher is, on average, as uncertain as the teacher
# trained with mixup.

# %%
matched = smoothness.matched_temperatures(runs)

# %% mystnb={"figure": {"caption": "Temperature at which the plain teacher is as smooth as the mixup-trained one (mean entropy on clean training windows).", "name": "fig-matched"}, "image": {"alt": "A line per held-out person over temperature on logarithmic axes, beside a dotted diagonal that marks equality.", "classes": "dark-light"}}
figures.matched_temperature(matched)

# %% tags=["nbval-check-output"]
matched.pivot_table(
    index="subject", columns="temperature", values="effective", sort=False
).round(2)

# %% [markdown]
# At $T = 1$ the mixup-trained teacher is as smooth as the plain one at $T =$ {glue:text}`effective_1:.1f`; at $T = 4$, as the plain one at {glue:text}`effective_4:.1f`.
#
# ## Does it help or hurt?

# %% mystnb={"figure": {"caption": "Accuracy of the student for each case and temperature, mean over held-out people.", "name": "fig-grid-accuracy"}, "image": {"alt": "Heat map of four cases by temperature with a number in each cell.", "classes": "dark-light"}}
figures.grid(runs, "accuracy")

# %% mystnb={"figure": {"caption": "NLL of the student for each case and temperature, mean over held-out people (lower is better).", "name": "fig-grid-nll"}, "image": {"alt": "Heat map of four cases by temperature with a number in each cell.", "classes": "dark-light"}}
figures.grid(runs, "nll")

# %% [markdown]
# If smoothness were all that counted, students would fall on one curve when drawn against the entropy of their targets, whichever knob made it.

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student against the entropy of its targets; along a line, only the temperature changes; means over people and seeds.", "name": "fig-smooth-score"}, "image": {"alt": "Two plots, accuracy and NLL over the entropy of the targets, a line of points for each case of mixup.", "classes": "dark-light"}}
figures.smooth_against_score(table)

# %% tags=["nbval-check-output"]
print(
    runs.pivot_table(
        index="case", columns="temperature", values="accuracy", sort=False
    )
    .round(3)
    .to_string()
)

# %% [markdown]
# ## Does a matched temperature do what mixup does?
#
# If mixup in the teacher *were* a temperature, a plain teacher at the matched temperature would change its student as the mixup-trained teacher does. Each dot below
# is a held-out person at one temperature; on the diagonal the two do the same. No student was trained at a matched temperature: its score is read between those of
# the studied ones, and matches beyond them are left out. Both changes are measured from the same student (T & S), whose own noise moves a dot along the diagonal.

# %%
effects = {
    metric: smoothness.matched_effects(runs, matched, metric)
    for metric in ("accuracy", "nll")
}

# %% mystnb={"figure": {"caption": "Change of the student's NLL by the matched temperature against the change by mixup in the teacher, against T & S at the same temperature.", "name": "fig-matched-nll"}, "image": {"alt": "Scatter plot with a dotted diagonal, a dot per held-out person and temperature.", "classes": "dark-light"}}
figures.matched_effects(effects["nll"], "nll")

# %% mystnb={"figure": {"caption": "Change of the student's accuracy by the matched temperature against the change by mixup in the teacher.", "name": "fig-matched-accuracy"}, "image": {"alt": "Scatter plot with a dotted diagonal, a dot per held-out person and temperature.", "classes": "dark-light"}}
figures.matched_effects(effects["accuracy"], "accuracy")

# %% tags=["nbval-check-output"]
for metric, effect in effects.items():
    change = effect.groupby("temperature")[["mixup", "matched"]].mean()
    print(metric, change.round(3).to_string(), sep="\n")

# %% [markdown]
# Temperatures with a match inside the studied range: {glue:text}`kept`. There, on average, mixup in the teacher changed the NLL of its students by
# {glue:text}`nll_mixup:+.2f` nats and the matched temperature by {glue:text}`nll_matched:+.2f`; accuracy by {glue:text}`accuracy_mixup:+.1f` and
# {glue:text}`accuracy_matched:+.1f` points. A higher temperature would need a plain teacher at one that was not studied.
#
# ## Confidence
#
# Do smooth targets make modest students? In a reliability diagram the dot's size is the share of windows; under the diagonal a network is less often right than it says.

# %%
at4_all = runs[runs["temperature"] == 4]
at4 = at4_all[at4_all["seed"] == seed]
curves = {}
for case, part in at4.groupby("case", sort=False):
    logits, y = tables.pooled(part, data)
    curves[case] = metrics.reliability(softmax(logits.astype(float), axis=1), y)

# %% mystnb={"figure": {"caption": "Accuracy against confidence of students at temperature 4, held-out people and first seed pooled; above each, the expected calibration error (ECE) of the pool.", "name": "fig-reliability"}, "image": {"alt": "Four panels, one per case of mixup, of accuracy over confidence with a dotted diagonal; dots are sized by their share of windows.", "classes": "dark-light"}}
figures.reliability(curves)

# %% [markdown]
# In a pool, people who are overestimated and people who are underestimated cancel. So here is the error within each person, then averaged. With a few hundred windows of a person even a perfect network would not get 0:
# *debiased* is a root mean square from which that share of chance is taken off {cite}`kumar2019`.

# %% tags=["nbval-check-output"]
within = temperature_scaling.errors_by_person(at4_all, data)
within.groupby("case", sort=False)[["ece", "debiased"]].mean().round(3)

# %% [markdown]
# ## One temperature after training
#
# A network that is too sure can be made modest after training: all outputs are divided by one temperature, which changes no answer {cite}`guo2017`. So a gain in NLL is worth little if
# a temperature gives it too. Which one is best for a student of labels alone, with mixup and without?

# %%
alone = plain_runs[plain_runs["teachers"] == "none"]
after = temperature_scaling.scaled(alone, data)

# %% mystnb={"figure": {"caption": "NLL of students without a teacher when their outputs are divided by one temperature after training, mean over held-out people and seeds; diamonds: the minimum. Lower is better.", "name": "fig-scaled-nll"}, "image": {"alt": "Two curves of NLL over temperature. The one without mixup is lowest well above one, the one with mixup near or below one.", "classes": "dark-light"}}
figures.scaled_nll(temperature_scaling.curves(alone, data))

# %% [markdown]
# As is and scaled, where the temperature of a network is fitted on all other held-out people (and the networks that did not see them), so nobody's own windows are used:

# %% tags=["nbval-check-output"]
means = after.groupby("case", sort=False)[["nll", "scaled_nll"]].mean()
means.join(after.groupby("case")[["ece", "scaled_ece"]].mean()).round(3)

# %% [markdown]
# Without mixup the best temperature is {glue:text}`best_plain:.2f`, with mixup {glue:text}`best_mixed:.2f`: mixup acts like dividing the outputs of a plain student by {glue:text}`acts_like:.2f`. As trained,
# mixup changes the NLL by {glue:text}`gain_as_is:+.2f` nats; after one temperature each, by {glue:text}`gain_scaled:+.2f`.
#
# ## Features
#
# Mixup asks the network to place mixtures between classes, so it may spread the features of like classes into each other. The **V-score** compares k-means clusters of the student's
# features with the true classes (1: they coincide), here for two classes at a time. Which classes are *similar* is not chosen by hand: the three pairs that plain
# students confuse most on *validation* people; *dissimilar* are those they confuse least, as a rule never. The maps show features of all classes by t-SNE.

# %%
plain = alone[alone["share"] == 0]
scores = features.by_similarity(at4_all, plain)

# %% mystnb={"figure": {"caption": "V-score of students' features at temperature 4 on held-out people, for the most and for the least confused pairs of classes; a marker per person, bar: mean.", "name": "fig-vscore"}, "image": {"alt": "Two dot plots of V-score, similar and dissimilar classes, with four coloured cases of mixup in each.", "classes": "dark-light"}}
figures.v_scores(scores)

# %%
one = at4[at4["fold"] == min(data)]
y = data[min(data)].splits["test"].y
students = dict(zip(one["case"], tables.records(one), strict=True))
maps = {
    case: features.tsne(record.arrays["test_features"], seed)
    for case, record in students.items()
}

# %% mystnb={"figure": {"caption": "Features of one held-out person by t-SNE, students at temperature 4. Axes have no meaning, nor have distances between clusters; who is near whom has.", "name": "fig-tsne"}, "image": {"alt": "Four scatter plots, one per case of mixup, of windows coloured by class.", "classes": "dark-light"}}
figures.feature_maps(maps, y, entry_of(dataset).load().classes)

# %% tags=["nbval-check-output"]
scores.pivot_table(
    index="case", columns="kind", values="v_score", sort=False
).round(3)

# %% tags=["remove-cell"]
told = temperature_scaling.answers(after, "S", "Mix-S")
report(answers.smoothness(table, matched, effects) | told)

# %% [markdown]
# ## In this build
#
# The smoothest targets ({glue:text}`smoothest`) gave a student {glue:text}`loss:+.1f` points against the best cell of the grid. Over the cells of the grid (means over
# people), the rank correlation between the entropy of the targets and the NLL of the student is {glue:text}`correlation:+.2f`. Do both knobs do the same? Mixup in the teacher
# changed the NLL of its students by {glue:text}`nll_mixup:+.2f` nats, the matched temperature in its place by {glue:text}`nll_matched:+.2f`. These are points; verdicts are in
# {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Best cell of a grid?* It is the largest of many noisy numbers and flatters; claims compare cells that were named before.
# - *Entropy on training windows?* That is what the student is taught with. How sure a teacher is of people it never saw is another question, not asked here.
# - *Does no clear difference in V-score mean none?* No. Its differences scatter so much over folds that hundreds of folds would be needed to call them negligible.
# - *Two clusters per pair?* The V-score of a pair is high when 2-means finds the two classes, and low when they lie mixed, or when one class is itself two clusters.

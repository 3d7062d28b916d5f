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
# This is the paper's bridge between its two themes. We measure how smooth the targets are, which temperature would match mixup, and whether a student's quality
# depends on smoothness alone.
#
# To turn the temperature yourself: {doc}`../book/try`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
import pandas as pd
from scipy.special import softmax

from mixkd import figures, studies
from mixkd.analysis import answers, features, smoothness, temperature_scaling
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of
from mixkd.learning import metrics
from mixkd.studies import tables

check_parameters(globals())

# %% [markdown]
# All students of this chapter learn from one signal teacher (WRN16-1), in the four cases of mixup ({doc}`05_mixup`) and at several temperatures.

# %%
scope = studies.Scope(dataset, profile, seed, alpha)
runs = studies.load("temperature", scope)
data = studies.data(scope)
table = smoothness.target_entropies(runs)
plain_runs = studies.load("mixup", scope)

# %% [markdown]
# ## How smooth are the targets?
#
# We measure smoothness as the mean entropy of the targets over the $N$ inputs of one epoch:
#
# $$ H = -\frac{1}{N} \sum_{i=1}^{N} \sum_c p_{ic} \log p_{ic}, \qquad p_i = \mathrm{softmax}(z_i / T) , $$ (eq-entropy)
#
# where $z_i$ are the teacher's logits of input $i$. It is zero when the teacher is certain, and the logarithm of the number of classes when all classes are equally likely.

# %% mystnb={"figure": {"caption": "Mean entropy of the targets by temperature and case of mixup. A dot is the mean over people and seeds; the dotted line marks equal classes. Bars: 95 percent intervals over people.", "name": "fig-entropy"}, "image": {"alt": "Entropy of targets rises with temperature in all four cases. At temperature 4 it is {entropy_T_S_4:.2f} nats without mixup, {entropy_MixT_S_4:.2f} with mixup in the teacher and {entropy_MixT_MixS_4:.2f} with mixup in both; equal classes have {limit:.2f}.", "classes": "dark-light"}}
figures.target_entropy(table)

# %% [markdown]
# Training the teacher with mixup can be expressed *as a temperature*: the temperature at which the plain teacher's mean entropy equals that of the mixup-trained teacher. Both
# entropies are measured on clean training windows.

# %%
matched = smoothness.matched_temperatures(runs)

# %% mystnb={"figure": {"caption": "Temperature of the plain teacher that has the entropy of the mixup-trained teacher. A thin line per held-out person, under the thick line of the mean where people hardly differ; dotted: equal temperatures.", "name": "fig-matched"}, "image": {"alt": "A line per person: the mixup-trained teacher at temperature 1 matches the plain one at {effective_1:.1f}, and at 4 the plain one at {effective_4:.1f}.", "classes": "dark-light"}}
figures.matched_temperature(matched)

# %% [markdown]
# Training the teacher with mixup softens its answers as much as raising the temperature from 1 to {glue:text}`effective_1:.1f`, or from 4 to {glue:text}`effective_4:.1f`.
#
# ## Does it help or hurt?

# %% mystnb={"figure": {"caption": "Accuracy of the student by case and temperature, mean over held-out people. Brighter is better; the colours span at least three margins to either side of the mean, so small differences look small.", "name": "fig-grid-accuracy"}, "image": {"alt": "Table of mean accuracies in colour: all cells lie between {accuracy_lowest:.1f} and {accuracy_highest:.1f} %.", "classes": "dark-light"}}
figures.grid(runs, "accuracy")

# %% mystnb={"figure": {"caption": "NLL of the student by case and temperature, mean over held-out people. Brighter is better: a lower NLL.", "name": "fig-grid-nll"}, "image": {"alt": "Table of mean NLL in colour: the cells lie between {nll_lowest:.2f} and {nll_highest:.2f} nats.", "classes": "dark-light"}}
figures.grid(runs, "nll")

# %% [markdown]
# If only smoothness counted, students with equal entropy of targets would have equal scores, whether temperature or mixup made the entropy.

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student against the entropy of its targets. A dot is the mean over people and seeds at one temperature, a line one case of mixup. Bars: 95 percent intervals over people; differences of a point of accuracy are within the noise.", "name": "fig-smooth-score"}, "image": {"alt": "Accuracy and NLL over entropy, a line per case. The rank correlation of entropy and NLL over the cells is {correlation:+.2f}.", "classes": "dark-light"}}
figures.smooth_against_score(table)

# %% [markdown]
# ## Does a matched temperature do what mixup does?
#
# If mixup in the teacher *were* a temperature, a plain teacher at the matched temperature would change its student as the mixup-trained teacher does: dots would lie on
# the diagonal. No student was trained at a matched temperature. Its score is interpolated between those of the studied temperatures; matches outside their range are left
# out. Both changes are measured from the same student (T & S), so its own noise moves a dot along the diagonal.

# %%
scores = ("accuracy", "nll")
effects = {
    metric: smoothness.matched_effects(runs, matched, metric) for metric in scores
}

# %% mystnb={"figure": {"caption": "Change of the student's NLL by the matched temperature against the change by mixup in the teacher, both from T & S. A dot per held-out person and temperature; dotted: equal changes.", "name": "fig-matched-nll"}, "image": {"alt": "On average mixup in the teacher changed the NLL by {nll_mixup:+.2f} nats and the matched temperature by {nll_matched:+.2f}; dots on the diagonal would be equal changes.", "classes": "dark-light"}}
figures.matched_effects(effects["nll"], "nll")

# %% mystnb={"figure": {"caption": "The same for accuracy. A dot per held-out person and temperature.", "name": "fig-matched-accuracy"}, "image": {"alt": "On average mixup in the teacher changed accuracy by {accuracy_mixup:+.1f} points and the matched temperature by {accuracy_matched:+.1f}; people scatter along the diagonal.", "classes": "dark-light"}}
figures.matched_effects(effects["accuracy"], "accuracy")

# %% tags=["nbval-check-output"]
by_temperature = {
    metric: smoothness.signed(effect, metric) for metric, effect in effects.items()
}
heads = {
    f"accuracy, {by}": f"accuracy by {by}, points" for by in ("mixup", "matched")
}
heads |= {f"nll, {by}": f"NLL by {by}, nats" for by in ("mixup", "matched")}
readable(pd.concat(by_temperature, axis="columns"), names=heads)

# %% [markdown]
# Temperatures with a match inside the studied range: {glue:text}`kept`. Higher temperatures fall outside the range we trained.
#
# ## Confidence
#
# Do smooth targets make students less confident? Below the diagonal of a reliability diagram a network is right less often than its confidence says.

# %%
at4_all = runs[runs["temperature"] == 4]
at4 = at4_all[at4_all["seed"] == seed]
curves = {}
for case, part in at4.groupby("case", sort=False):
    logits, y = tables.pooled(part, data)
    curves[case] = metrics.reliability(softmax(logits.astype(float), axis=1), y)

# %% mystnb={"figure": {"caption": "Accuracy against confidence of students at temperature 4, held-out people of the first seed pooled. A dot is a bin of confidence, its size the share of windows; above each panel, the ECE of the pool.", "name": "fig-reliability"}, "image": {"alt": "Four reliability diagrams. Mean ECE within a person: {ece_T_S:.1f} points without mixup, {ece_MixT_S:.1f} with mixup in the teacher, {ece_T_MixS:.1f} in the distillation, {ece_MixT_MixS:.1f} in both.", "classes": "dark-light"}}
figures.reliability(curves)

# %% [markdown]
# When all people are pooled, overconfidence on some cancels underconfidence on others. The table has the error within each person, then averaged. With a few hundred windows of a person even a perfect
# network would not get 0: *debiased* is a root mean square error with the share of chance removed {cite}`kumar2019`.

# %% tags=["nbval-check-output"]
within = temperature_scaling.errors_by_person(at4_all, data)
readable(
    within.groupby("case", sort=False)[["ece", "debiased"]].mean(),
    metric="ece",
    names={"debiased": "debiased error, %"},
)

# %% [markdown]
# ## One temperature after training
#
# An overconfident network can be corrected after training: temperature scaling divides all logits by one temperature, which changes no predicted class {cite}`guo2017`. A gain in
# NLL that temperature scaling gives too is worth little. Which temperature is best for a student of labels alone, without mixup and with it?

# %%
alone = plain_runs[plain_runs["teachers"] == "none"]
after = temperature_scaling.scaled(alone, data)

# %% mystnb={"figure": {"caption": "NLL of students without a teacher when their logits are divided by one temperature after training, mean over held-out people and seeds; dashed: with mixup; diamonds: the minimum. Lower is better.", "name": "fig-scaled-nll"}, "image": {"alt": "Two curves of NLL over temperature. The best temperature is {best_plain:.2f} without mixup and {best_mixed:.2f} with it; at their best the curves differ by {gain_scaled:+.2f} nats, at temperature 1 by {gain_as_is:+.2f}.", "classes": "dark-light"}}
figures.scaled_nll(temperature_scaling.curves(alone, data))

# %% [markdown]
# As trained and scaled. The temperature of a network is fitted on the other held-out people, with networks that did not train on them: nobody's own windows are used.

# %% tags=["nbval-check-output"]
columns = ["nll", "scaled_nll", "ece", "scaled_ece"]
readable(after.groupby("case", sort=False)[columns].mean())

# %% [markdown]
# Without mixup the best temperature is {glue:text}`best_plain:.2f`, with mixup {glue:text}`best_mixed:.2f`: mixup acts like dividing the logits of a plain student by {glue:text}`acts_like:.2f`. As trained,
# mixup changes the NLL by {glue:text}`gain_as_is:+.2f` nats; after temperature scaling, by {glue:text}`gain_scaled:+.2f`.
#
# ## Features
#
# Mixup places mixtures between classes, so it may spread the features of similar classes into each other. The **V-score** compares k-means clusters of the student's
# features with two classes at a time (1: they coincide). Similar pairs are the three that plain students confuse most on *validation* people; dissimilar pairs are those they (almost)
# never confuse. The maps show features of all classes by t-SNE.

# %%
plain = alone[alone["share"] == 0]
v_scores = features.by_similarity(at4_all, plain)

# %% mystnb={"figure": {"caption": "V-score of students' features at temperature 4, for similar and dissimilar pairs of classes. A dot and its line are one held-out person, a bar is the mean, the line through it its 95 percent interval.", "name": "fig-vscore"}, "image": {"alt": "Mean V-score of similar classes: {v_score_T_S_similar:.2f} without mixup, {v_score_MixT_MixS_similar:.2f} with mixup in both; of dissimilar classes {v_score_T_S_dissimilar:.2f} and {v_score_MixT_MixS_dissimilar:.2f}.", "classes": "dark-light"}}
figures.v_scores(v_scores)

# %%
one = at4[at4["fold"] == min(data)]
y = data[min(data)].splits["test"].y
students = dict(zip(one["case"], tables.records(one), strict=True))
maps = {
    case: features.tsne(record.arrays["test_features"], seed)
    for case, record in students.items()
}

# %% mystnb={"figure": {"caption": "Features of one held-out person by t-SNE, students at temperature 4. A dot is a window, its colour the class. Only neighbourhood has a meaning: axes and distances between clusters have none.", "name": "fig-tsne"}, "image": {"alt": "Four maps of one person's windows, one per case of mixup. In each, windows of a class gather; no case can be called better from one map.", "classes": "dark-light"}}
figures.feature_maps(maps, y, entry_of(dataset).load().classes)

# %% tags=["remove-cell"]
main = answers.smoothness(table, matched, effects)
scaling = temperature_scaling.answers(after, "S", "Mix-S")
shown = answers.smoothness_shown(table, within, v_scores)
report(main | scaling | shown)

# %% [markdown]
# ## What came out
#
# - *Do the smoothest targets cost accuracy?* The smoothest targets ({glue:text}`smoothest`) changed accuracy by {glue:text}`loss:+.1f` points against the best cell of the grid. Claims H2 and H3 have their verdicts in
#   {doc}`11_claims`.
# - *Do smoother targets raise the NLL?* Over the cells of the grid the rank correlation of entropy and NLL is {glue:text}`correlation:+.2f`.
# - *Is mixup in the teacher a temperature?* At matched entropy, mixup in the teacher changed the NLL of students by {glue:text}`nll_mixup:+.2f` nats and the temperature by {glue:text}`nll_matched:+.2f`; accuracy changed by
#   {glue:text}`accuracy_mixup:+.1f` and {glue:text}`accuracy_matched:+.1f` points.
#
# These are averages; {doc}`11_claims` tests H2 and H3 alone.
#
# ## A sceptical reader asks
#
# - *Best cell of a grid?* It is the largest of many noisy numbers and flatters; claims compare cells that were named before.
# - *Entropy on training windows?* That is what the student is taught with. How confident a teacher is on people it never saw is another question, not asked here.
# - *Does no clear difference in V-score mean none?* No. Its differences scatter so much over folds that hundreds of folds would be needed to call them negligible.
# - *Two clusters per pair?* The V-score of a pair is high when 2-means finds the two classes, and low when they lie mixed, or when one class is itself two clusters.
#
# ## Takeaways
#
# - Measured by entropy, training the teacher with mixup is like raising the temperature from 1 to {glue:text}`effective_1:.1f`.
# - Equal entropy is no proof of equal effect: compare the students, as {numref}`fig-matched-nll` does.
# - Compare NLL after temperature scaling too: of mixup's {glue:text}`gain_as_is:+.2f` nats, {glue:text}`gain_scaled:+.2f` remain.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-smoothness-half
#
# A window is mixed with one of another class, with $\lambda$ uniform on $[0, 1]$. What is the mean entropy of the mixed label? A plain teacher of two classes has confidence $0.99$; at which
# temperature does it reach that entropy? (A confidence of $0.8$ has an entropy of $0.50$ nats.)
# ```
#
# ```{solution} ex-smoothness-half
# :class: dropdown
#
# The mean is $-2 \int_0^1 \lambda \log \lambda \, d\lambda = 1/2$ nats. Dividing logits by $T$ divides the log odds by $T$: $\log 99 / T = \log 4$ gives $T = \log 99 / \log 4 \approx 3.3$.
# ```
#
# ```{exercise}
# :label: ex-smoothness-scaling
#
# Make probabilities that are right by construction, multiply their logarithms by $2.5$, and fit a temperature on labels drawn from them. What should the package return, and why not exactly that?
# ```
#
# ````{solution} ex-smoothness-scaling
# :class: dropdown
#
# ```python
# import numpy as np
# from mixkd.learning.calibration import temperature
#
# rng = np.random.default_rng(0)
# p = rng.dirichlet(np.ones(3), 5000)
# y = np.array([rng.choice(3, p=row) for row in p])
# print(temperature(2.5 * np.log(p), y))
# ```
#
# It prints a number close to $2.5$: dividing by $2.5$ restores the true probabilities, which have the smallest expected NLL. The rest is the noise of finitely many labels.
# ````

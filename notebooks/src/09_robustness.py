# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Robustness
#
# ```{admonition} Claim
# :class: tip
# A student that learned from topology keeps more of its accuracy when its input is noisy or has gaps (H12).
# ```
#
# A watch slips, a radio drops packets, a battery runs low. This chapter corrupts the test windows of every student, with noise and gaps as they occur in use and with small changes that an attacker
# computes, and measures the accuracy that remains. Students saw no corruption in training.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import answers, effects, paired, robustness
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %%
runs = studies.load("mixup", scope)
data = studies.data(scope)
table = robustness.table(runs, data)

# %% [markdown]
# ## Two corruptions
#
# **Gaussian noise** is added to the normalised signal; a **missing block**, one stretch of the window, is set to zero in all channels. The three levels of each come from
# notes on earlier work of the paper's authors; we chose units of the normalised signal for the noise, and one piece for the block.

# %%
part = data[min(data)]
windows = robustness.corrupted_windows(part, row=0, level=3, seed=seed)
rate = entry_of(dataset).load().rate

# %% mystnb={"figure": {"caption": "One channel of a test window, clean (grey) and at level 3 of both corruptions.", "name": "fig-corrupted"}, "image": {"alt": "One channel of a window: clean, with small noise at which its shape stays visible, and with one flat stretch where values are missing.", "classes": "dark-light"}}
figures.corrupted_window(windows, 0, rate)

# %% [markdown]
# ## Does topology protect?

# %%
plain = table[(table["share"] == 0) & ~table["teacher_mixup"]]

# %% mystnb={"figure": {"caption": "Accuracy of plain students on corrupted windows of held-out people, by teacher, mean over people and seeds; strength 0 is the clean window. Bars: 95 percent intervals over people.", "name": "fig-corruption"}, "image": {"alt": "Accuracy over strength of noise and of a missing block, a line per teacher. At level 3 the student of both teachers keeps {gaussian:+.1f} points more than that of the signal teacher under noise and {missing:+.1f} with gaps.", "classes": "dark-light"}}
figures.robustness(plain, ("gaussian", "missing"), by="teachers")

# %% [markdown]
# A student that is better on clean windows may be better on corrupted ones for that reason alone. So the table has what each *loses*: points of accuracy against its own
# clean windows (negative: lost), at level 3. Where a column is about zero, the corruption does no harm, and nothing can be protected.

# %% tags=["nbval-check-output"]
worst = plain[plain["strength"].isin([0.12, 0.30])]
lost = worst.pivot_table(index="teachers", columns="kind", values="kept")
names = {"gaussian": "noise, points", "missing": "missing block, points"}
readable(lost.round(3) + 0, metric="accuracy", names=names)  # no minus before zero

# %% [markdown]
# ## Attacks
#
# FGSM moves every value of a window by $\varepsilon$ in the direction that raises the loss {cite}`goodfellow2015`; I-FGSM does it in ten small steps {cite}`kurakin2017`.
# The unit of $\varepsilon$ is one standard deviation of the channel.

# %%
both = table[table["teachers"] == "both"]

# %% mystnb={"figure": {"caption": "Accuracy of students of both teachers under attack, by case of mixup, mean over people and seeds; epsilon 0 is the clean window. Bars: 95 percent intervals over people.", "name": "fig-attack"}, "image": {"alt": "Accuracy falls with epsilon in every case, under one step and under ten. Mixup in teacher and student changed accuracy under one step at epsilon 0.05 by {mixed:+.1f} points, averaged over teachers.", "classes": "dark-light"}}
figures.robustness(both, ("fgsm", "ifgsm"), by="case")

# %% [markdown]
# Accuracy in percent under one step of FGSM at $\varepsilon = 0.05$, by case and teachers:

# %% tags=["nbval-check-output"]
attacked = table[(table["kind"] == "fgsm") & (table["strength"] == 0.05)]
by_teachers = attacked.pivot_table(
    index="case", columns="teachers", values="accuracy", sort=False
)
readable(by_teachers, metric="accuracy")

# %% [markdown]
# ## Does mixup protect?
#
# The figure shows what mixup in the student's training does to accuracy on clean windows, under the strongest noise and gaps of the levels above, and under ten steps of attack. Among these are the
# largest effects of the published runs, those on `selfback`.

# %%
mixed = robustness.of_mixup(scope)

# %% mystnb={"figure": {"caption": "Effect of mixup for the student on accuracy, by the windows it is tested on, with no teacher and with both. Diamond: mean; bar: 95 percent interval over folds of held-out people; none where only some people were run.", "name": "fig-mixup-spoiled"}, "image": {"alt": "Points of accuracy by mixup without a teacher: clean windows {mixup_clean}; noise {mixup_noise}; gaps {mixup_gap}; attack {mixup_attack}.", "classes": "dark-light"}}
figures.effects(mixed)

# %% tags=["nbval-check-output"]
readable(effects.in_words(mixed), names={"what": "teachers: windows"})

# %% [markdown]
# ## Wrong labels in training
#
# Above, windows are corrupted after training. Here labels are wrong in training: a share of the training windows gets another class, drawn once for each fold and seed. A window whose label is wrong at one
# share is wrong at every larger share too. A teacher and its student learn from the same wrong labels; those of validation and test people stay right. *KD* has a signal teacher.

# %%
noisy = studies.load("label_noise", scope)
systems = noisy["case"].map(paired.SYSTEMS)
wrong = (100 * noisy["label_noise"]).map("{:.0f} %".format)
noisy = noisy.assign(system=systems, wrong=wrong)
whole = studies.whole("label_noise", scope)
of_noise = paired.scores(noisy, "system", "labels", within="wrong", final=whole)

# %% tags=["nbval-check-output"]
names = {"wrong": "wrong labels", "system": "trained with"}
names |= {"change": "change, points", "nll_change": "change of NLL, nats"}
readable(paired.words(of_noise, "labels"), names=names)

# %%
in_words = {"noise_levels": paired.levels(of_noise, "labels")}
in_words |= {"noise_changes": paired.changes(of_noise, "labels")}
in_words |= robustness.sentences(mixed)

# %% tags=["remove-cell"]
fewest = {"n_attacked": min(256, *(len(d.splits["test"]) for d in data.values()))}
report(answers.robustness(lost, attacked) | in_words | fewest)

# %% [markdown]
# ## What came out
#
# - *Does a topological teacher protect?* At level 3 the student of both teachers kept {glue:text}`gaussian:+.1f` points more than that of the signal teacher under noise and {glue:text}`missing:+.1f` with gaps
#   ({glue:text}`n_folds` folds). {doc}`11_claims` tests the accuracy on corrupted windows (H12); the accuracy lost is listed there too, without a verdict.
# - *Does mixup for teacher and student protect from attacks?* It changed accuracy under FGSM ($\varepsilon = 0.05$, averaged over teachers) by {glue:text}`mixed:+.1f` points.
# - *What does mixup alone do, without a teacher?* It changed accuracy on clean windows by {glue:text}`mixup_clean` points; with gaps by {glue:text}`mixup_gap`; with noise by
#   {glue:text}`mixup_noise`; under attack by {glue:text}`mixup_attack`. These rows were chosen after the runs on `watch` and `selfback` had been seen; {doc}`29_second_round` tests them on other data sets.
# - *Does mixup or a teacher help where training labels are wrong?* Accuracy of labels alone, by the share of wrong ones: {glue:text}`noise_levels`. Change against labels alone with as many wrong, in points:
#   {glue:text}`noise_changes`.
#
# ## A sceptical reader asks
#
# - *Are labels wrong like this in practice?* Rarely: people confuse activities that look alike, and mistakes gather at the ends of a recording. Random mistakes are the plainest case.
# - *Same noise for all?* Yes: the corruption of a window depends on the fold alone, so students of a fold meet the same corrupted windows, whatever their method or seed.
# - *Might students only look robust?* Ten steps must hurt at least as much as one. If they did not, the gradient would be masked; compare the two panels of {numref}`fig-attack`.
# - *Why fewer windows under attack?* To save time: evenly spaced ones ({glue:text}`n_attacked` per fold or more), and their own clean accuracy is the reference.
#
# ## Takeaways
#
# - Report what a student loses, not only its accuracy on corrupted windows: a better student starts higher.
# - Gaps, noise and attacks are different questions: {numref}`fig-mixup-spoiled` tests the same networks on all three.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-robustness-step
#
# A linear classifier of two classes has the margin $m = w \cdot x + b > 0$ on a window. By how much can a change of at most $\varepsilon$ in every value reduce $m$? Why does FGSM find that change in one step?
# ```
#
# ```{solution} ex-robustness-step
# :class: dropdown
#
# By $\varepsilon \sum_j |w_j|$, with the change $-\varepsilon \, \mathrm{sign}(w_j)$. The loss falls with $m$, so its gradient in $x$ is a negative multiple of $w$, and its sign gives that change. Ten steps gain nothing
# for a linear classifier; for a network the gradient turns on the way.
# ```
#
# ```{exercise}
# :label: ex-robustness-noise
#
# The normalised signal has a standard deviation of 1. What share of its variance does noise of level 3 add? Why may that still hurt a window of a person who lies down? Read the levels with
# `mixkd.learning.probes.GAUSSIAN`.
# ```
#
# ````{solution} ex-robustness-noise
# :class: dropdown
#
# ```python
# from mixkd.learning.probes import GAUSSIAN
#
# # percent of the variance, by level
# print([round(100 * sd**2, 1) for sd in GAUSSIAN])
# ```
#
# Level 3 adds $1.4$ percent. The signal is normalised over all windows: one of a person at rest varies far less than 1, so the same noise is large beside it.
# ````

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Methods side by side
#
# ```{admonition} Claim
# :class: tip
# Two teachers and a student that starts from a scratch-trained network (Ann) are usually best; other ways to combine teachers, or to match their features, come close
# (H8, H9).
# ```
#
# The line of work compares its students with many others. This chapter trains all of them under one protocol: the same student (WRN16-1 on signals), the same teachers
# (WRN16-1), the same stream of windows, the same held-out people. Methods differ in what they add to the loss:
#
# $$ L = (1 - w) \, \mathrm{CE} + w \sum_m v_m \, \mathrm{kd}_m + \beta \, \text{term} . $$ (eq-term)
#
# With two teachers, AVER averages their outputs; EBKD weighs them by the entropy {cite}`kwon2020` and CA-MKD by the confidence {cite}`zhang2022` of their outputs, window by
# window. Terms on features match attention maps (AT {cite}`zagoruyko2017`), similarities between windows (SP {cite}`tung2019`), angles between strong and weak features
# (AMD {cite}`jeon2023`) or orthogonal parts of two teachers' features (TPKD {cite}`jeon2024`). Others replace the loss: DIST correlates outputs {cite}`huang2022`, SimKD
# matches features in front of the teacher's own classifier {cite}`chen2022`, RL rescales logits, with its own $w$ {cite}`choi2023`. ESKD stops its teacher early
# {cite}`cho2019`; Ann starts from a student that was trained from scratch.
#
# $\beta$ is the weight of a method's extra term. It is the source's where the source gives one, and was not tuned on this data. Where a source gives none, or was simplified, the second
# table says *declared*: the choice is ours. *Reconstructed* means built from a description, because the source could not be read. *Base* from one teacher is ordinary distillation. RL is what the released code
# of MIX-KD {cite}`choi2023` does in place of the temperature of its equations ({doc}`12_deviations`); here with one signal teacher.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import answers, comparison, line, paired, stronger
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
runs = studies.load("methods", scope)
table = comparison.table(runs)

# %% [markdown]
# ## The table
#
# Accuracy on held-out people: mean, standard deviation over people, and the worst person. *Epochs* count all training of the student's weights. *Gain* is the mean difference, on the same
# person, to a student without teachers that was trained for as many epochs. NLL shows how far a student's confidence can be trusted (lower is better).

# %% tags=["nbval-check-output"]
nll = runs.groupby(["method", "teachers"])["nll"].mean()
rows = table.drop(columns=["source", "n"]).join(nll, on=["method", "teachers"])
rows["gain"] = (100 * rows["gain"]).map("{:+z.1f}".format)
names = {"total_epochs": "epochs", "mean": "accuracy, %", "sd": "SD, points"}
names |= {"worst": "worst person, %", "gain": "gain, points"}
readable(
    rows.set_index(["method", "teachers", "total_epochs"]),
    metric="accuracy",
    names=names,
)

# %% [markdown]
# Where each method comes from:

# %% tags=["nbval-check-output"]
readable(table.drop_duplicates("method")[["method", "source"]])

# %% [markdown]
# ## Who gains?

# %% mystnb={"figure": {"caption": "Gain in accuracy over the student without teachers that was trained for as many epochs (in brackets). A dot per held-out person; bar: mean, the line through it its 95 percent interval.", "name": "fig-method-gains"}, "image": {"alt": "Mean gains of {n_methods} taught students span {spread:.1f} points; the largest is {best_gain:+.1f} points ({best}). In most rows people scatter to both sides of zero.", "classes": "dark-light"}}
figures.method_gains(comparison.gains(runs))

# %% [markdown]
# ## Rows that looked wrong
#
# With all people of `watch`, SimKD, DIST and ESKD as first built were below a student without teachers, which their papers would not expect. Is it the method, or how we built it? We compare each with ordinary
# distillation from the same teacher, as first built and as its source has it (one seed, so numbers may differ from those of the first table):
#
# - SimKD with one linear layer on pooled features, and with the three convolutions on maps of its released code;
# - DIST at the temperature of the other methods with its weights for ImageNet, and at the temperature and weights of its released code;
# - ESKD (needs all people) with the one-cycle rate, where the best epoch on validation people falls into the time of high rates, and with a rate that falls by steps, for teacher, student and control alike.

# %%
repaired = line.table(scope, stronger.REPAIRED)

# %% mystnb={"figure": {"caption": "Methods against ordinary distillation from the same teacher, as first built and as their sources have them: change of accuracy (first panel) and NLL (second panel; lower is better). Diamond: mean over held-out people, one seed; bar: interval of its t distribution, where all people are in.", "name": "fig-repaired"}, "image": {"alt": "Changes of accuracy in points. SimKD with one linear layer {simkd_with_one_linear_layer_accuracy}, with its convolutions {simkd_with_its_convolutions_accuracy}. DIST at first {dist_t_4_weights_2_accuracy}, as released {dist_t_1_weights_1_accuracy}.", "classes": "dark-light"}}
figures.effects(repaired)

# %% tags=["nbval-check-output"]
numbers = repaired[repaired["metric"] == "accuracy"].set_index(["what", "dataset"])
names = {"what": "method", "effect": "accuracy, points"}
readable(numbers[["effect", "low", "high"]], metric="accuracy", names=names)

# %% [markdown]
# ## Newer losses of logits
#
# **LSKD** divides logits by their standard deviation before the soft targets are made, so that a student need not give logits as large as its teacher's {cite}`sun2024standard`. That is not new here: RL of the
# first table does the same at a temperature of one, also in the cross-entropy with labels. LSKD has a temperature of two, leaves the cross-entropy as it is, and weighs soft targets ninety times as much as labels.
# Its weights add up to about nine, those of the other losses to one, so at the same rate its steps are larger.
#
# **RLD** takes two things from the teacher, and nothing that contradicts a label {cite}`sun2024refined`: how sure to be (the teacher's largest probability is the target for the probability of the label), and how
# probable the classes are that the teacher puts below the label.
#
# Both have temperatures and weights as released. All rows have the same signal teacher and one seed, so numbers may differ from those of the first table; *change* is
# against ordinary distillation (*Base*) on the same people.

# %%
newer = studies.load("logits", scope)
whole = studies.whole("logits", scope)
compared = paired.scores(newer, "method", "Base", within="dataset", final=whole)

# %% tags=["nbval-check-output"]
names = {"dataset": "data set", "change": "change, points"}
names |= {"nll_change": "change of NLL, nats"}
readable(paired.words(compared, "Base"), names=names)

# %% tags=["remove-cell"]
values = answers.methods(table) | line.answers(repaired)
values |= stronger.as_published(repaired)
report(values | {"logits_changes": paired.changes(compared, "Base")})

# %% [markdown]
# ## What came out
#
# - *Which method gained most?* Of {glue:text}`n_methods` training methods, *{glue:text}`best`* gained most ({glue:text}`best_gain:+.1f` points, {glue:text}`n_folds` folds); best and worst are {glue:text}`spread:.1f` points apart. The
#   largest of many noisy numbers flatters: only people that this table did not choose from could decide.
# - *What does SimKD change when built as its source has it?* It changes accuracy by {glue:text}`simkd_by`.
# - *And DIST?* It changes accuracy by {glue:text}`dist_by`.
# - *Do standardised or refined logits change it?* In points against ordinary distillation, accuracy changes as follows. On {glue:text}`logits_changes`.
#
# These are averages; {doc}`11_claims` tests H8 (two teachers) and H9 (Ann).
#
# ## A sceptical reader asks
#
# - *Were the weights of terms tuned?* No, and a method that needs another weight on this data is at a disadvantage. Tuning each on validation people would be fair too, and cost as
#   many runs again.
# - *What does the NLL of RL mean?* Little: its loss does not change when all logits are scaled, so nothing in it fixes the student's confidence. Read its accuracy.
# - *Are these the original methods?* Where a source could not be read or was simplified, the table says *declared* or *reconstructed*.
# - *Why do Ann, the 2x rows, "SP, Ann" and "TPKD, Ann" have more epochs?* They start from trained weights; the gain compares them with the control that trained as long.
#
# ## Takeaways
#
# - Compare a method with a control that trained for as many epochs, on the same people.
# - Before a method is called weak, build it as its source has it: the section on rows that looked wrong shows how much that can change.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-methods-best
#
# Twenty methods all have the same true gain of zero, and each mean has an independent error with a standard deviation of one point. How large is the best of them, on average?
# ```
#
# ```{solution} ex-methods-best
# :class: dropdown
#
# About $1.9$ points: the expected maximum of 20 standard normal numbers. A rough answer without a table: the best of 20 lies near the quantile $1 - 1/21 \approx 0.95$, which is $1.7$. Errors of methods on
# the same people are correlated, which makes it smaller.
# ```
#
# ```{exercise}
# :label: ex-methods-base
#
# A method weighs two teachers by $1 - H_m / \sum_k H_k$ of their entropies $H_m$. One teacher has $0.1$ nats, the other $0.9$. What are the weights? What happens to them when both are trained with mixup and have $1.0$ and $1.8$?
# ```
#
# ```{solution} ex-methods-base
# :class: dropdown
#
# First $0.9$ and $0.1$, then about $0.64$ and $0.36$: mixup evens out the weights, although the difference in entropy is the same.
# ```

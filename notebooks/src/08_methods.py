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
# Two teachers and a student that starts from a scratch-trained network (Ann) are usually the best overall; other ways to combine teachers, or to
# match their features, come close.
# ```
#
# The line of work compares its students with many others. Here they all are, under one protocol: the same student (WRN16-1 on signals), the same teachers
# (WRN16-1), the same stream of windows, the same held-out people. What differs is what a method adds to the loss
#
# $$ L = (1 - w) \, \mathrm{CE} + w \sum_m v_m \, \mathrm{kd}_m + \beta \, \text{term} . $$
#
# Of two teachers, AVER averages what they say, EBKD weighs them by the entropy {cite}`kwon2020` and CA-MKD by the confidence {cite}`zhang2022` of their answers, window by
# window. Terms on features match attention maps (AT {cite}`zagoruyko2017`), similarities between windows (SP {cite}`tung2019`), angles between strong and weak features
# (AMD {cite}`jeon2023`) or orthogonal parts of two teachers' features (TPKD {cite}`jeon2024`). Others have losses of their own: DIST correlates answers {cite}`huang2022`, SimKD
# matches features in front of the teacher's own classifier {cite}`chen2022`, RL rescales logits, with its own $w$ {cite}`choi2023`. ESKD stops its teacher early
# {cite}`cho2019`; Ann starts from a student that was trained from scratch.
#
# $\beta$ is the weight of a method's extra term; it is the source's where it gives one, and was not tuned on this data. Where a source is silent, or was simplified, the list
# below the table says *declared*. *Base* from one teacher is ordinary distillation. RL is what that study's code does where its equations have a temperature
# ({doc}`12_deviations`); here with one signal teacher.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import answers, comparison, line, stronger
from mixkd.book.notebook import check_parameters, report

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %%
runs = studies.load("methods", scope)
table = comparison.table(runs)

# %% [markdown]
# ## The table
#
# Accuracy on held-out people: mean, standard deviation over them, the worst of them, their number. *Epochs* count all that trained the student's weights. *Gain* is the
# mean difference, on the same person, to a student without teachers that was trained for as many. The profile `quick` leaves out four methods that are close to others: ESKD,
# AVER, EBKD with the weights of CA-MKD, and AMD without its local part.

# %% tags=["nbval-check-output"]
table.drop(columns="source").set_index("method").round(3)

# %% [markdown]
# Where each method comes from:

# %% tags=["nbval-check-output"]
for row in table.drop_duplicates("method").itertuples():
    print(f"{row.method:22}{row.source}")

# %% [markdown]
# Accuracy is not all: the negative log-likelihood (nats; lower is better) tells how far a student's confidence can be trusted.

# %% tags=["nbval-check-output"]
runs.groupby(["method", "teachers"], sort=False)["nll"].mean().round(2)

# %% [markdown]
# ## Who gains?

# %% mystnb={"figure": {"caption": "Gain in accuracy over the student without teachers that was trained for as many epochs (in brackets), a marker per held-out person, bar: mean.", "name": "fig-method-gains"}, "image": {"alt": "Horizontal dot plot around zero with a row per method, coloured by teachers, a marker per held-out person.", "classes": "dark-light"}}
figures.method_gains(comparison.gains(runs))

# %% [markdown]
# ## Rows that looked wrong
#
# In the full table SimKD, DIST and ESKD are below a student without teachers, which their papers would not expect. Was it the method, or how it was built here? Each is set against ordinary distillation from
# the same teacher, as first built and as its source has it: SimKD with one linear layer on pooled features, and with the three convolutions on maps of its released code; DIST at the temperature of the
# other methods with its weights for ImageNet, and at the temperature and weights that its code starts from; ESKD with the one-cycle rate, where the best epoch on validation people falls into the time
# of high rates, and with a rate that falls by steps (teacher, student and control alike).

# %%
repaired = line.table(scope, stronger.REPAIRED)

# %% mystnb={"figure": {"caption": "Methods against ordinary distillation from the same teacher, as first built and as their sources have them: accuracy (left) and NLL (right, lower is better).", "name": "fig-repaired"}, "image": {"alt": "A row per method and way to build it, each with a diamond around zero for accuracy and for NLL.", "classes": "dark-light"}}
figures.effects(repaired)

# %% tags=["nbval-check-output"]
numbers = repaired.set_index(["metric", "what", "dataset"])
numbers[["effect", "low", "high"]].round(3).dropna(axis="columns")

# %% tags=["remove-cell"]
report(answers.methods(table) | line.answers(repaired))

# %% [markdown]
# ## In this build
#
# Of {glue:text}`n_methods` ways to be taught, *{glue:text}`best`* gained most ({glue:text}`best_gain:+.1f` points, over {glue:text}`n_folds` folds); best and
# worst are {glue:text}`spread:.1f` points apart. As its source has it, SimKD changed accuracy by {glue:text}`simkd_with_its_convolutions_accuracy` points against ordinary distillation, DIST
# by {glue:text}`dist_at_t_1_weights_1_accuracy`. The largest of many noisy numbers is flattering: which method wins would have to be decided on people that
# this table did not choose from, not by its top row.
#
# ## A sceptical reader asks
#
# - *Were the weights of terms tuned?* No, and a method that needs another weight on this data is at a disadvantage. Tuning each on validation people would be fair too, and cost as
#   many runs again.
# - *Is the NLL of RL its own?* Its loss does not change when all logits are scaled, so nothing in it fixes how sure the student is. Read its accuracy.
# - *Are these the original methods?* Where a source could not be read or was simplified, the list says *declared* or *reconstructed*.
# - *Why do Ann, the 2x rows, "SP, Ann" and "TPKD, Ann" have more epochs?* They start from trained weights; the gain compares them with the control that trained as long.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Partial mixup
#
# ```{admonition} Claim
# :class: tip
# Mixing only a part of each batch (partial mixup) avoids what full mixup loses (H6).
# ```
#
# Full mixup replaces every window by a mixture. **Partial mixup** mixes a share of each batch and leaves the rest as it is {cite}`choi2023`; the group headlines 10 %. How
# large the share really is depends on how rows are drawn.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
alpha: float = 1.0  # a of the coefficient's Beta(a, a)

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import answers
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.learning import streams
from mixkd.specs.run import Mixup

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed, alpha)

# %% [markdown]
# ## Share asked for, and share mixed
#
# `exact` mixes `round(share * batch_size)` rows. The released code of MIX-KD draws the rows to leave *clean* with replacement: some are drawn twice, so fewer stay clean and
# more are mixed. We call that `released` and keep it as an option. A row counts as mixed where its coefficient is below 1: with a small alpha many coefficients round to 1,
# so `exact` then mixes less than its share too.

# %%
rows = []
for sampling in ("exact", "released"):
    for share in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0):
        stream = streams.stream(
            6400, 64, 2, Mixup(alpha, share, sampling), seed=seed
        )
        rows.append((sampling, share, stream.mixed_share))
realised = pd.DataFrame(rows, columns=["sampling", "share", "realised"])

# %% mystnb={"figure": {"caption": "Share of rows that a stream mixes against the share asked for, in batches of 64.", "name": "fig-realised"}, "image": {"alt": "Share mixed over share asked for: exact follows the diagonal; released mixes {tenth:.0f} % where 10 % are asked for and meets the diagonal at 100 %.", "classes": "dark-light"}}
figures.realised_shares(realised)

# %% tags=["nbval-check-output"]
readable(
    realised.pivot_table(index="share", columns="sampling", values="realised"),
    metric="share",
    names={
        "share": "share asked for, %",
        "exact": "exact, %",
        "released": "released, %",
    },
)

# %% [markdown]
# With one seed, windows come in the same order and with the same partners; a larger share mixes the same rows and some more. So `exact` runs differ only in the share; `released`
# also leaves other rows clean.
#
# ## Share against accuracy
#
# Students of the two plain teachers:

# %%
runs = studies.load("share", scope)

# %%
runs = runs.merge(realised, on=["sampling", "share"], how="left")
runs["realised"] = runs["realised"].fillna(0)  # without mixup

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student of both teachers against the share that was really mixed. Thin: held-out people; thick: mean with 95 percent intervals; squares: drawn as `released`.", "name": "fig-share"}, "image": {"alt": "Accuracy against share mixed: {none:.1f} % without mixup, {partial:.1f} % on average over partial shares, {full:.1f} % with full mixup; NLL {nll_none:.2f}, {nll_tenth:.2f} (a tenth) and {nll_full:.2f} nats.", "classes": "dark-light"}}
figures.shares(runs)

# %% tags=["nbval-check-output"]
exact = runs[runs["sampling"] == "exact"]
readable(exact.pivot_table(index="share", values=["accuracy", "nll", "ece"]))

# %% [markdown]
# By person, with 10 % asked for:

# %% tags=["nbval-check-output"]
tenth = runs[runs["share"] == 0.1]
readable(
    tenth.pivot_table(
        index="subject", columns="sampling", values=["accuracy", "nll"], sort=False
    )
)

# %% tags=["remove-cell"]
report(answers.partial_mixup(realised, exact))

# %% [markdown]
# ## What came out
#
# *Does full mixup lose accuracy?* It changes accuracy by {glue:text}`gain:+.1f` points, from {glue:text}`none:.1f` to {glue:text}`full:.1f` %; NLL from
# {glue:text}`nll_none:.2f` to {glue:text}`nll_full:.2f` nats.
#
# *Is partial mixup better?* It {glue:text}`spares`. On average over shares, partial mixup changes accuracy by {glue:text}`partial_gain:+.1f` points and full mixup by
# {glue:text}`gain:+.1f`, both against no mixup. A tenth minus full mixup is {glue:text}`h6:+.1f` points (H6; {doc}`11_claims` tests it). NLL with a tenth mixed is {glue:text}`nll_tenth:.2f` nats.
#
# *How much does the released code mix?* With 10 % asked for, {glue:text}`tenth:.1f` % of the rows. {doc}`12_deviations` compares the students.
#
# ## A sceptical reader asks
#
# - *Is one partial share better than another?* That is not tested; the claim compares a tenth with everything, as MIX-KD headlines it.
# - *Could less mixing only mean less training?* Every student sees as many windows, in the same order.
# - *Does the released code not permute both windows of a pair?* It does. The order inside a batch does not matter, so that equals permuting one; a test compares the mixtures
#   number by number.
#
# ## Takeaways
#
# - Mixing a share of each batch is cheap to try: one parameter, no extra training.
# - The share that is asked for and the share that is mixed differ when rows are drawn with replacement: report the realised one.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-partial-realised
#
# A batch has 64 rows. Rows to leave clean are drawn with replacement, 57 draws for a nominal share of 10 %. How many rows stay clean on average, and what share is mixed?
# ```
#
# ```{solution} ex-partial-realised
# :class: dropdown
#
# A row is missed by all 57 draws with probability $(1 - 1/64)^{57} \approx 0.41$. So 38 of 64 rows stay clean on average, and $41\,\%$ are mixed, four times the nominal share: the
# first point of the curve `released` in {numref}`fig-realised`.
# ```
#
# ```{exercise}
# :label: ex-partial-share
#
# Which share must one ask for in the released code so that about $10\,\%$ of the rows are mixed? Can it be done with batches of 64?
# ```
#
# ```{solution} ex-partial-share
# :class: dropdown
#
# A row is mixed if all $n$ draws miss it: $(63/64)^n = 0.1$ needs $n \approx 146$ draws, but there are at most 64. Even then a share of about $0.37 \approx 1/e$ is mixed. To
# try another share:
#
# ~~~python
# mixup = Mixup(alpha, 0.02, "released")
# print(streams.stream(6400, 64, 2, mixup, seed=seed).mixed_share)
# ~~~
# ```

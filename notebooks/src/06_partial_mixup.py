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
# Mixing only a part of each batch (partial mixup) keeps the gain of mixup without smoothing too much (H6). How large that part really is, we add, depends on how it is
# drawn.
# ```
#
# Full mixup replaces every window by a mixture. **Partial mixup** mixes a share of each batch and leaves the rest as they are {cite}`choi2023`; the group headlines 10 %.

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
# ## What is asked for, and what is mixed
#
# `exact` mixes `round(share * batch_size)` rows. The released code of MIX-KD draws the rows to leave *clean* with replacement: some are drawn twice, so fewer stay
# clean and more are mixed. With batches of 64, asking for a tenth mixes about four times that. We call it `released` and keep it as an option. A row counts as mixed where its
# coefficient is below 1: with a small alpha many coefficients round to 1, and then `exact` mixes less than its share too.

# %%
rows = []
for sampling in ("exact", "released"):
    for share in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0):
        stream = streams.stream(
            6400, 64, 2, Mixup(alpha, share, sampling), seed=seed
        )
        rows.append((sampling, share, stream.mixed_share))
realised = pd.DataFrame(rows, columns=["sampling", "share", "realised"])

# %% mystnb={"figure": {"caption": "Share of rows that a stream mixes against the share asked for, batches of 64.", "name": "fig-realised"}, "image": {"alt": "Share mixed over share asked for: exact follows the diagonal; released mixes {tenth:.0f} % where 10 % are asked for and meets the diagonal at 100 %.", "classes": "dark-light"}}
figures.realised_shares(realised)

# %% tags=["nbval-check-output"]
readable(
    realised.pivot_table(index="share", columns="sampling", values="realised"),
    metric="share",
    names={"share": "share asked for, %", "exact": "exact, %", "released": "released, %"},
)

# %% [markdown]
# A nominal 10 % mixes {glue:text}`tenth:.1f` % of the rows when drawn as released.
#
# Streams of one seed share order, partners and the rows that smaller shares mix: a student at a larger share sees every mixture that one at a smaller saw, and more. So
# exact runs below differ in the share alone, and a released one in the rows left clean. (The released code permutes both windows of every pair. As the order inside a batch
# does not matter, that is the same as permuting one of them; a test compares the mixtures number by number.)
#
# ## Share against accuracy
#
# All students learn from the two plain teachers.

# %%
runs = studies.load("share", scope)

# %%
runs = runs.merge(realised, on=["sampling", "share"], how="left")
runs["realised"] = runs["realised"].fillna(0)  # without mixup

# %% mystnb={"figure": {"caption": "Accuracy and NLL of the student of both teachers against the share that was really mixed (thin: each held-out person, thick: mean; squares: drawn as released).", "name": "fig-share"}, "image": {"alt": "Two line plots, accuracy and NLL, over the share mixed from 0 to 100 percent, a thin line per held-out person and a thick one for the mean.", "classes": "dark-light"}}
figures.shares(runs)

# %% tags=["nbval-check-output"]
exact = runs[runs["sampling"] == "exact"]
readable(exact.pivot_table(index="share", values=["accuracy", "nll", "ece"]))

# %% tags=["nbval-check-output"]
tenth = runs[runs["share"] == 0.1]
readable(
    tenth.pivot_table(
        index="subject", columns="sampling", values=["accuracy", "nll"], sort=False
    )
)

# %% [markdown]
# Without mixup the student reaches {glue:text}`none:.1f` %, with full mixup {glue:text}`full:.1f` %, and on average over the partial shares {glue:text}`partial:.1f` %. Its NLL goes
# from {glue:text}`nll_none:.2f` (none) over {glue:text}`nll_tenth:.2f` (a tenth) to {glue:text}`nll_full:.2f` nats (all).

# %% tags=["remove-cell"]
report(answers.partial_mixup(realised, exact))

# %% [markdown]
# ## In this build
#
# In these means there {glue:text}`kept`: full mixup changed accuracy by {glue:text}`gain:+.1f` points, partial mixup by {glue:text}`partial_gain:+.1f` on average: it
# {glue:text}`spares`. A tenth mixed minus all mixed, of which H6 speaks: {glue:text}`h6:+.1f` points. These are points; whether there is anything to keep at all is asked in {doc}`11_claims`, the effect of `released` in {doc}`12_deviations`.
#
# ## A sceptical reader asks
#
# - *Is one partial share better than another?* No claim is made about that; the one tested is a tenth against all, as MIX-KD headlines it.
# - *Could less mixing only mean less training?* Every student sees as many windows, in the same order.
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
# A batch has 64 rows. Rows to leave clean are drawn with replacement, 58 draws for a nominal share of 10 %. How many rows stay clean on average, and what share is mixed?
# ```
#
# ```{solution} ex-partial-realised
# :class: dropdown
#
# A row is missed by all 58 draws with probability $(1 - 1/64)^{58} \approx 0.40$. So about 60 % of the rows stay clean and 40 % are mixed, four times the nominal share: the
# first point of the curve `released` in {numref}`fig-realised`.
# ```

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The second round
#
# ```{admonition} Claim
# :class: tip
# What mixup does to gaps, noise and attacks, to likelihood and to a student of two teachers on the first data sets, it does on others too.
# ```
#
# **The answer first.** {glue:text}`answer`
#
# The first round of claims ({doc}`11_claims`) decides little, and its largest effects are in no claim: on `selfback` mixup gains much accuracy where a third of the window is missing, and loses much
# under noise ({doc}`09_robustness`). An effect that was found by looking at the data needs other data to be believed. So eight more claims were written down after all results on `watch` and `selfback`,
# and before the first run on the two data sets that test them, {glue:text}`tested_on`. They are a family of their own, and follow the rules of the averages in {doc}`11_claims`.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set; the full profile has those that the claims are tested on
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import decisions, round_two, round_two_results
from mixkd.book.notebook import check_parameters, report

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## What was declared, and when
#
# Commit {glue:text}`declared` added the claims. Accuracy under gaps and noise is the mean over four severities; NLL after scaling is that of outputs divided by one temperature, fitted on validation
# people {cite}`guo2017`. The wording of H14 to H16 was corrected on the same day, before any run.

# %% tags=["nbval-check-output"]
decisions.declared(round_two.ROUND_TWO)

# %% [markdown]
# Runs of these claims, how many there are so far, and when the first one was finished. A data set counts as soon as a whole seed of it is there.

# %%
found = round_two_results.deciding(scope)
round_two_results.progress(scope)

# %% [markdown]
# ## The scorecard

# %%
decided = decisions.decide(found, round_two.ROUND_TWO)

# %% mystnb={"figure": {"caption": "Effects averaged over the data sets, in the full profile with 95 % intervals, in units of their margin (shaded: inside it); to the right is what was claimed.", "name": "fig-second-round"}, "image": {"alt": "A row per part of each claim with a diamond and an interval around a central line, coloured by verdict; or a note that there is nothing to show.", "classes": "dark-light"}}
figures.scorecard(decided)

# %% tags=["nbval-check-output"]
columns = ["title", "verdict", "effect", "excluded"]
decided.claims.set_index("claim")[columns].round(4).dropna(axis="columns")

# %% tags=["nbval-check-output"]
columns = ["effect", "low", "high", "loss", "inside", "gain", "n", "part"]
numbers = decided.parts.set_index("claim")[columns]
numbers.round(3).dropna(axis="columns", how="all")

# %% [markdown]
# *effect* and *excluded* are the corrected $p$ of the two questions; *loss*, *inside* and *gain* the chances of a loss of a margin or more, of less either way, and of a gain ({doc}`11_claims`).
#
# ## Curves of corruption
#
# Levels hide what curves show. Students without a teacher, with mixup and without, under six kinds of corruption of rising severity: noise (in standard deviations of a channel), a gap (share of the
# window), lost channels (share of them), a turned sensor (degrees), a wrong gain and a wrong rate (factors).

# %%
curves = round_two_results.curves(found)

# %% mystnb={"figure": {"caption": "Accuracy against severity of six kinds of corruption, with mixup (Mix-S) and without (S), mean over people and seeds; the first severity is that of clean windows.", "name": "fig-corruption-curves"}, "image": {"alt": "A panel per kind of corruption with two falling lines, with and without mixup; or a note that there is nothing to show.", "classes": "dark-light"}}
figures.corruption_curves(curves)

# %% tags=["remove-cell"]
report(round_two_results.answers(scope, decided))

# %% [markdown]
# ## A sceptical reader asks
#
# - *Could the claims have been changed afterwards?* The commit above is in the history of the repository, and each published run carries the commit that trained it.
# - *Why these two data sets?* They were the next ones whose files were at hand: thirty people with a phone at the waist, and eight with five sensors. Neither was looked at before, except for how to read it.
# - *Are eight claims too many?* They are corrected as a family, so that one of eight is not found by chance alone.
# - *What if an interval is wide?* Then the claim is undecided, and the page says so. More seeds help, more people help more.

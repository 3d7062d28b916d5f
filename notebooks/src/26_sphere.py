# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Mixing on a sphere
#
# ```{admonition} Answer
# :class: tip
# Goal: find out whether a window and its image can be mixed so that they still belong together. Pairs mixed on a latent sphere {glue:text}`consistent`.
# Students {glue:text}`learn` from them than from mixed inputs: {glue:text}`gain_sphere:+.1f` points of accuracy, {glue:text}`clear_sphere`.
# ```
#
# A mixture of two windows and the same mixture of their persistence images no longer belong together: topology is not linear ({doc}`05_mixup`). Could both be
# mixed in a space where they are one point? The group that studied mixup {cite}`choi2023` also has an auto-encoder for two modalities, with a latent on a sphere; it
# is judged by a *known* relation between the modalities. Here topology itself is the known relation: the image of the decoded window should be the decoded image.
#
# **Inspired.** Only the abstract of that work could be read. The projection onto the sphere, the prior and the form of the loss are from it; networks,
# dimension, kernel, weight and training are ours, and so is the use of mixing on the sphere to train students.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import figures, studies
from mixkd.analysis import sphere_mixing
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## One point for a window and its image
#
# Two encoders, one per modality, give a window $x$ and its image $P$ one latent $z$ (outputs added and scaled to length 1); two decoders give both back:
#
# $$ z = \frac{E_x(x) + E_P(P)}{\lVert E_x(x) + E_P(P) \rVert}, $$
#
# $$ L = \lVert D_x(z) - x \rVert^2 + \lVert D_P(z) - P \rVert^2 + w \, \mathrm{MMD}(z, \hat z), $$
#
# with means in place of the squared norms, and $\hat z = \varepsilon / \lVert \varepsilon \rVert$ for $\varepsilon \sim N(0, I)$. The prior $\hat z$ is uniform on the sphere. The maximum mean discrepancy (MMD) {cite}`gretton2012` brings the
# latents of all windows together near the prior, as in a Wasserstein auto-encoder {cite}`tolstikhin2018`. It is fitted on the training windows of a fold, in
# some seconds.
#
# Between two latents at an angle $\omega$ the shortest path on the sphere is an arc, walked at constant speed {cite}`shoemake1985`:
#
# $$ z(\lambda) = \frac{\sin(\lambda\omega)}{\sin\omega} z_i + \frac{\sin((1 - \lambda)\omega)}{\sin\omega} z_j . $$
#
# A mixed example is decoded from $z(\lambda)$; its label is mixed as in mixup. Rows of a batch that are not mixed stay as they are. The losses fall while the
# auto-encoder is fitted:

# %%
base = next(studies.bases(scope))
spaces = sphere_mixing.spaces(base)
n_windows = len(spaces.inputs.splits["train"])
rows, partners = sphere_mixing.couples(n_windows, 500, seed)

# %% tags=["nbval-check-output"]
losses = pd.DataFrame(spaces.sphere.sphere.losses)
losses.index = pd.Index(losses.index + 1, name="epoch")
readable(losses.iloc[[0, len(losses) // 2, -1]])

# %% [markdown]
# ## A path
#
# From one window to another, on the straight line between the inputs and on the arc. The coefficient is the share of the first window.

# %%
steps = (1.0, 0.75, 0.5, 0.25, 0.0)
paths = sphere_mixing.path(spaces, rows[0], partners[0], steps)

# %% mystnb={"figure": {"caption": "One channel of a window (top) and its image (below) on the way to another window: mixed as inputs and on the sphere, in one scale of colours. Above each column, the proportions.", "name": "fig-sphere-path"}, "image": {"alt": "Five columns from one window to another. Curves decoded from the sphere are smoother than mixed inputs: {alive_sphere:.0f} % of the persistence is left, against {alive_inputs:.0f} %. Decoded images are blurred.", "classes": "dark-light"}}
rate = entry_of(dataset).load().rate
figures.sphere_path(paths, steps, channel=0, rate=rate)

# %% [markdown]
# In the first column both rows show the real pair: a coefficient of one changes nothing. The last column of the sphere is the partner as the auto-encoder
# reconstructs it.
#
# ## Do window and image agree?
#
# We mix pairs of training windows of the first fold half and half. The image of the mixed window is computed again, in physical units; its distance from the
# mixed image is given relative to the mean norm of the two. A blurred window has few pairs, and two nearly empty images agree easily, so the remaining total
# persistence stands beside it. *Decoded, not mixed* shows what the auto-encoder alone costs. For *real* pairs the distance is zero by definition, which checks
# the measure.

# %%
pairs = sphere_mixing.validity(spaces, rows, partners)

# %% mystnb={"figure": {"caption": "Distance between the mixed image and the image of the mixed window, relative to their norms; then total persistence of the mixed window, relative to the windows it is made of. Diamond: mean; bar: the middle four fifths of pairs.", "name": "fig-sphere-validity"}, "image": {"alt": "Mixed inputs are {relative_inputs:.0f} % off and have {alive_inputs:.0f} % of the persistence, mixtures on the sphere {relative_sphere:.0f} % and {alive_sphere:.0f} %, decoded windows {relative_decoded:.0f} % and {alive_decoded:.0f} %; real pairs are exact.", "classes": "dark-light"}}
figures.inconsistency(pairs)

# %% [markdown]
# The table gives the distance in norms of a real image, the relative distance of the figure, how far each window is from the nearest training window other than
# its own sources (root mean square, in standard deviations), and the persistence that is left. Blurred windows are near to many others.

# %% tags=["nbval-check-output"]
means = pairs.groupby("way", sort=False).mean().map("{:.2f}".format)
readable(
    means,
    names={
        "relative": "relative distance",
        "nearest": "to the nearest window",
        "alive": "persistence left",
    },
)

# %% [markdown]
# Decoding alone, without mixing, already gives a relative distance of {glue:text}`relative_decoded:.0f` %; mixing on the sphere gives
# {glue:text}`relative_sphere:.0f` %.
#
# ## Students
#
# The same student learns from the same batches: without mixup, with mixed inputs, and with mixtures on the sphere, for as many steps. The full build on
# `watch` also has students of two teachers (which see the decoded window and image), students with half of each batch mixed, and *decoded*: about half of the
# windows are replaced by their reconstruction and hardly anything is mixed. *Difference* is on the same held-out people, against the row named in *against*; the
# first row of each group has none.

# %%
runs = studies.load("sphere_mixing", scope)
whole = studies.whole("sphere_mixing", scope)
table = sphere_mixing.students(runs, whole)

# %%
numbers = table[["teachers", "mixing", "nll", "against"]]
points = table[["accuracy", "sd", "difference", "low", "high"]]
points = points.dropna(axis="columns", how="all").map("{:.1f}".format)

# %% tags=["nbval-check-output"]
readable(
    numbers.replace("", None).join(points.replace("nan", None)),
    names={
        "accuracy": "accuracy, %",
        "sd": "SD over folds, points",
        "difference": "difference, points",
    },
)

# %% tags=["remove-cell"]
trained, held_out = (
    sphere_mixing.lost(spaces, split) for split in ("train", "test")
)
report(sphere_mixing.answer(pairs, table, held_out, trained))

# %% [markdown]
# ## What came out
#
# *Do window and image agree better?* Pairs mixed on the sphere {glue:text}`consistent`. Relative to the norms of their two images they are
# {glue:text}`relative_sphere:.0f` % off, mixed inputs {glue:text}`relative_inputs:.0f` %; in norms of a real image {glue:text}`distance_sphere:.0f` % and
# {glue:text}`distance_inputs:.0f` %. Faint images are near to each other in the second measure; the first divides by their norms, which are small.
#
# *How much of the signal is left?* {glue:text}`alive_sphere:.0f` % of the persistence, against {glue:text}`alive_inputs:.0f` %.
#
# *Do students learn from it?* Mixed inputs against none: {glue:text}`gain_inputs:+.1f` points, {glue:text}`clear_inputs`. The sphere against mixed inputs:
# {glue:text}`gain_sphere:+.1f` points, {glue:text}`clear_sphere`. These are not tested claims; those are in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Is the auto-encoder too small?* It loses {glue:text}`trained_signal:.0f` % of the energy of training signals and {glue:text}`trained_image:.0f` % of that
#   of their images; of people it has not seen, {glue:text}`held_out_signal:.0f` % and {glue:text}`held_out_image:.0f` %. A larger latent would blur less, but
#   its sphere would be emptier between windows. The sixteen dimensions were not tuned.
# - *Why not draw the image of the mixed window?* That is `recompute` in {doc}`05_mixup`: consistent by definition, but of a mixture that no human movement makes.
# - *Is the budget equal?* In steps of the student, yes. The auto-encoder comes on top, some seconds for each process.
# - *One seed?* Yes, and one auto-encoder for each fold: its randomness is part of every row on the sphere. {doc}`19_patch_swap` averages all published seeds, so
#   mixup against labels has another number there.
#
# ## Takeaways
#
# - Check a generator by a relation that is known: here the image of a decoded window can be computed.
# - Report how much signal is left beside any measure of agreement: blurred things agree easily.
# - A student that trains on reconstructions alone meets its first real window when it is tested; mix real windows in.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-sphere-halfway
#
# Two latents on the sphere are orthogonal. What is their arc's midpoint $z(1/2)$, and how long is the midpoint of the straight line between them? Why does the
# decoder prefer the first?
# ```
#
# ```{solution} ex-sphere-halfway
# :class: dropdown
#
# With $\omega = \pi / 2$: $z(1/2) = \frac{\sin(\pi/4)}{\sin(\pi/2)} (z_i + z_j) = (z_i + z_j) / \sqrt 2$, of length 1. The midpoint of the line is
# $(z_i + z_j) / 2$, of length $1/\sqrt 2$: inside the sphere, where no latent of a training window lies.
# ```
#
# ````{exercise}
# :label: ex-sphere-angles
#
# In sixteen dimensions, what is the angle between two random latents? Compare with three dimensions. What does this mean for the distance between a mixture and
# its two windows?
# ````
#
# ````{solution} ex-sphere-angles
# :class: dropdown
#
# ```python
# import numpy as np
#
# for d in (3, 16):
#     a, b = np.random.default_rng(0).normal(size=(2, 10_000, d))
#     cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
#     angle = np.degrees(np.arccos(cosine))
#     print(d, angle.mean().round(), angle.std().round())
# ```
#
# About 90 degrees in both, with a spread of 39 degrees in three dimensions and 15 in sixteen. So a mixture half way is about 45 degrees from either window, in
# hardly any case near one.
# ````

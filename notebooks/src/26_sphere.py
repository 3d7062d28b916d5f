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
# In this build, pairs of window and image that are mixed on a latent sphere {glue:text}`consistent` than pairs that are mixed as inputs (the image of the window is
# {glue:text}`relative_sphere:.0f` % away from the image, against {glue:text}`relative_inputs:.0f` %), but {glue:text}`alive_sphere:.0f` % of the persistence of the two windows
# is left in them, against {glue:text}`alive_inputs:.0f` %. Students {glue:text}`learn` from them than from mixed inputs: {glue:text}`gain_sphere:+.1f` points of accuracy,
# {glue:text}`clear_sphere`.
# ```
#
# A mixture of two windows, and the same mixture of their persistence images, no longer belong together: topology is not linear ({doc}`05_mixup`). Could both be mixed in a space in
# which they are one point? The group's auto-encoder for two modalities has a latent on a sphere, and judges what it generates by a relation between the
# modalities that is *known*. Here the known relation is topology itself: the image of the decoded window should be the decoded image.
#
# **Label: inspired.** Of that work the abstract alone could be read. The projection onto the sphere, the prior and the form of the loss are from it; networks, dimension, kernel,
# weight and training are declared here. Mixing on the sphere to train students is our own use of it.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
from mixkd import figures, studies
from mixkd.analysis import sphere_mixing
from mixkd.book.notebook import check_parameters, report
from mixkd.datasets import dataset as entry_of

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## One point for a window and its image
#
# An encoder for each modality, outputs added, gives a window $x$ and its image $P$ one latent, and a decoder for each gives both back:
#
# $$ z = \frac{E_x(x) + E_P(P)}{\lVert E_x(x) + E_P(P) \rVert}, \qquad L = \lVert D_x(z) - x \rVert^2 + \lVert D_P(z) - P \rVert^2 + w \, \mathrm{MMD}(z, \hat z), \qquad \hat z =
# \frac{\varepsilon}{\lVert \varepsilon \rVert}, \; \varepsilon \sim N(0, I), $$
#
# with means in place of the squared norms. The prior $\hat z$ is uniform on the sphere: dividing a Gaussian by its norm takes the place of von Mises-Fisher draws. The
# maximum mean discrepancy (MMD) {cite}`gretton2012` is how a Wasserstein auto-encoder {cite}`tolstikhin2018` brings the latents of all windows together near the prior. It is fitted on
# the training windows of a fold, as image ranges are, in some seconds.
#
# Between two latents at an angle $\omega$ the shortest path on the sphere is an arc, walked at constant speed {cite}`shoemake1985`:
#
# $$ z(\lambda) = \frac{\sin(\lambda\omega)}{\sin\omega} z_i + \frac{\sin((1 - \lambda)\omega)}{\sin\omega} z_j . $$
#
# A mixed example is what the decoders make of $z(\lambda)$; its label is mixed as always. Rows of a batch that are not mixed stay as they are.

# %%
base = next(studies.bases(scope))
spaces = sphere_mixing.spaces(base)
n_windows = len(spaces.inputs.splits["train"])
rows, partners = sphere_mixing.couples(n_windows, 500, seed)

# %% tags=["nbval-check-output"]
losses = spaces.sphere.sphere.losses
for epoch in (0, len(losses) // 2, len(losses) - 1):
    print(epoch + 1, {name: round(part, 3) for name, part in losses[epoch].items()})

# %% [markdown]
# ## A path
#
# From one window to another, on the straight line between the inputs and on the arc. The coefficient is the share of the first window.

# %%
steps = (1.0, 0.75, 0.5, 0.25, 0.0)
paths = sphere_mixing.path(spaces, rows[0], partners[0], steps)

# %% mystnb={"figure": {"caption": "A channel of a window and its image on the way to another window: mixed as inputs and on the sphere. Above each column, the proportions.", "name": "fig-sphere-path"}, "image": {"alt": "Five columns from one window to another. Top: two curves, of which the one decoded from the sphere is smoother. Below: two rows of small heat maps, mixed images and decoded images.", "classes": "dark-light"}}
rate = entry_of(dataset).load().rate
figures.sphere_path(paths, steps, channel=0, rate=rate)

# %% [markdown]
# The first column is the real pair on both rows: a coefficient of one changes nothing. The last column of the sphere is not the real partner but what the auto-encoder makes of it.
#
# ## Do window and image agree?
#
# Half-and-half mixtures of pairs of training windows of the first fold. The image of the mixed window is drawn anew, in physical units, by the code that draws all images; its
# distance from the mixed image is given in the mean norm of the two. A blurred window has few pairs, and a nearly empty image is easily agreed upon: so the
# total persistence that is left stands beside it. *Decoded, not mixed* is what the auto-encoder alone costs; for *real* pairs the distance is zero by definition, which checks
# the measure.

# %%
pairs = sphere_mixing.validity(spaces, rows, partners)

# %% mystnb={"figure": {"caption": "Distance of the image of a window from its image, relative to the two (left), and total persistence of the window relative to the windows it is made of (right): mean, and the middle four fifths of pairs.", "name": "fig-sphere-validity"}, "image": {"alt": "Two panels with a row each for real pairs, mixed inputs, mixtures on the sphere and decoded windows; real pairs are at zero distance and full persistence.", "classes": "dark-light"}}
figures.inconsistency(pairs)

# %% [markdown]
# The same as numbers; *distance* is in norms of a real image, *nearest* is the root mean squared distance to the nearest training window that a window is not made of, in standard
# deviations. Blurred windows are near to many others.

# %% tags=["nbval-check-output"]
pairs.groupby("way", sort=False).mean().round(2)

# %% [markdown]
# Relative to the images themselves, mixtures on the sphere are {glue:text}`relative_sphere:.0f` % off and mixed inputs {glue:text}`relative_inputs:.0f` %; in norms of a real
# image {glue:text}`distance_sphere:.0f` % and {glue:text}`distance_inputs:.0f` %. Of the former, decoding alone makes {glue:text}`relative_decoded:.0f` %. What is left of the
# persistence says how much of the agreement is the agreement of blurred things: {glue:text}`alive_sphere:.0f` % and {glue:text}`alive_inputs:.0f` %.
#
# ## Students
#
# The same student from the same batches: without mixup, with mixed inputs, and with mixtures on the sphere, all for as many steps. Where all runs are published, also from two teachers, which
# see the decoded window and the decoded image; with half of each batch mixed, so that the student sees real windows too; and *decoded*, where about half of the windows are
# replaced by what the auto-encoder makes of them and hardly anything is mixed. *Difference* is on the same held-out people, against the row named in *against*.

# %%
runs = studies.load("sphere_mixing", scope)
whole = studies.whole("sphere_mixing", scope)
table = sphere_mixing.students(runs, whole)

# %% tags=["nbval-check-output"]
numbers = table.drop(columns="n").set_index(["teachers", "mixing"])
numbers.round(2).fillna("")

# %% tags=["remove-cell"]
trained, held_out = (
    sphere_mixing.lost(spaces, split) for split in ("train", "test")
)
report(sphere_mixing.answer(pairs, table, held_out, trained))

# %% [markdown]
# Mixed inputs against none: {glue:text}`gain_inputs:+.1f` points ({glue:text}`clear_inputs`). The sphere against mixed inputs: {glue:text}`gain_sphere:+.1f` points
# ({glue:text}`clear_sphere`). A student that sees nothing but decoded windows in training meets its first real window on the day it is tested.
#
# ## A sceptical reader asks
#
# - *Is the auto-encoder too small?* It loses {glue:text}`trained_signal:.0f` % of the energy of training signals and {glue:text}`trained_image:.0f` % of that of their images;
#   of people it has not seen, {glue:text}`held_out_signal:.0f` % and {glue:text}`held_out_image:.0f` %. A larger latent would blur less and its sphere would be emptier between
#   windows. Sixteen dimensions are declared, and were not tuned.
# - *Why not draw the image of the mixed window?* That is `recompute` in {doc}`05_mixup`: consistent by definition, but of a mixture that no body makes.
# - *Is the budget equal?* In steps of the student, yes. The auto-encoder comes on top, some seconds for each process that needs it.
# - *One seed?* Yes, in every profile, and one auto-encoder for each fold: its own luck is part of every row on the sphere.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Pictures without pixels
#
# ```{admonition} Claim
# :class: tip
# A diagram's picture can be a continuous function; a coordinate network that learns it from pixels is one way to have it, and neither the cheapest nor the most exact.
# ```
#
# **The answer first.** Yes, and it needs no network: the sum of Gaussians that a persistence image samples *is* that function. Networks that were fitted to the pixels and then
# read at {glue:text}`finest` pixels per side have a PSNR of {glue:text}`PolyINR:.1f` dB (Poly-INR) and {glue:text}`SIREN:.1f` dB (a SIREN of the same widths); plain interpolation of the
# same pixels has {glue:text}`bilinear:.1f` dB (bilinear) and {glue:text}`bicubic:.1f` dB (bicubic). More is better. The better network is {glue:text}`than_bilinear` bilinear interpolation and {glue:text}`than_bicubic` bicubic.
#
# Poly-INR {cite}`singh2023poly` stands in the line of work as a generator of natural images. Here it is *inspired* by its equation alone, small, and a demonstration: nothing in this chapter
# teaches a student. A US patent application on the method is pending (2024/0412319).

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
channel: int = 0  # whose pictures are fitted

# %% tags=["hide-input"]
import numpy as np

from mixkd import figures, studies, topology
from mixkd.analysis import pictures
from mixkd.book.notebook import check_index, check_parameters, report
from mixkd.specs.run import ImageSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## The function behind the picture
#
# Chapter {doc}`02_topology` draws a diagram as a sum of Gaussians, read at the centres of pixels {cite}`adams2017`. The sum has a value everywhere. Read at the pixels of the image it is the
# image; read at four times as many per side it is the same picture, exactly, in finer steps, if the spread stays what it is on the axes and is not counted in the finer pixels. So whatever fills the gaps between pixels can be
# compared with the truth, which with natural images nobody has.

# %%
data = next(iter(studies.data(scope).values()))
diagrams, spec = data.diagrams["train"], ImageSpec()
check_index("channel", channel, diagrams.n_channels)
grid = topology.Grid.fit(diagrams, spec)
rows = pictures.spread(diagrams, channel)

# %%
truth = pictures.truths(diagrams, grid, rows, channel=channel)
trained, finest = min(truth), max(truth)

# %% tags=["nbval-check-output"]
numbers = [2 * len(diagrams.of(row, channel)) for row in rows]
print(f"{len(rows)} pictures of {trained} x {trained} pixels")
print(f"their diagrams have {np.mean(numbers):.1f} numbers each")

# %% [markdown]
# ## Two networks that read places
#
# Both have {glue:text}`levels` levels, one set of weights for all pictures and a code of {glue:text}`code` numbers per picture, fitted together (an auto-decoder {cite}`park2019`).
#
# **Poly-INR** multiplies. With $x = (u, v, 1)$, a place, and $h_0 = 1$,
#
# $$ h_{l+1} = \operatorname{lrelu}\bigl(W_l \, (h_l \odot A_l x)\bigr), $$
#
# where a linear map of the code gives the matrix $A_l$. There is no encoding of positions. Without the rectifier this is a polynomial in $u$ and $v$, of one degree more with each level; with it, pieces of
# polynomials.
#
# A **SIREN** {cite}`sitzmann2020` bends by sines: $h_{l+1} = \sin(\omega (W_l h_l + b_l))$ with $h_0 = (u, v)$; here the code gives the shifts $b_l$.
#
# Faithful are the two equations. Sizes, codes, $\omega$ and the optimiser are ours ({doc}`../book/defaults`); Poly-INR is trained by its authors as a generator against a
# discriminator, at more than a hundred times these widths.

# %%
table, widest = pictures.table(truth, trained, seed=seed)

# %% mystnb={"figure": {"caption": "Fidelity against size: PSNR (higher is better) of each network at the pixels that it was fitted to (dotted) and at the finest ones, which it never saw. Dashed: interpolation, which fits nothing.", "name": "fig-pictures-psnr"}, "image": {"alt": "Lines of PSNR over the number of parameters for Poly-INR and SIREN, with dashed horizontal lines for two interpolations.", "classes": "dark-light"}}
figures.psnr_by_size(table, trained)

# %% tags=["nbval-check-output"]
keys = ["way", "width", "parameters"]
table.pivot(index=keys, columns="resolution", values="psnr").round(0).fillna("")

# %% [markdown]
# ## Between the pixels
#
# One of the pictures, read finer by each. The widest network of each kind is shown.

# %%
ways = pictures.read(truth, widest, finest)

# %% mystnb={"figure": {"caption": "One picture: as given, exact at the finest pixels, and what interpolation and networks make of the given pixels.", "name": "fig-pictures-read"}, "image": {"alt": "Six small heat maps of one persistence image: coarse, exact, two interpolations and two networks, with errors below.", "classes": "dark-light"}}
figures.readings({way: drawn[0] for way, drawn in ways.items()})

# %%
at = pictures.along(ways, trained)

# %% mystnb={"figure": {"caption": "A cut through that picture along its brightest row. Dots: the pixels that networks and interpolation were given.", "name": "fig-pictures-cut"}, "image": {"alt": "Curves along one row of the picture: a wide exact one, dots at the given pixels, and a thin curve for each way.", "classes": "dark-light"}}
figures.cut(at)

# %% tags=["nbval-check-output"]
same = widest["Poly-INR"].at(trained)
errors = widest["Poly-INR"].errors
print("error falls to a tenth:", bool(errors[-1] < errors[0] / 10))
print("read at the pixels of the fit:", same.shape)

# %% tags=["remove-cell"]
report(pictures.answers(table, trained, np.mean(numbers)))

# %% [markdown]
# ## In this build
#
# From the pixels of the fit to the finest ones, the widest Poly-INR loses {glue:text}`lost_PolyINR:.1f` dB and the widest SIREN {glue:text}`lost_SIREN:.1f` dB: to fit pixels well is
# not to be right between them. The better of the two at the finest pixels, {glue:text}`better`, has {glue:text}`parameters` parameters for all pictures; the diagrams have {glue:text}`numbers:.0f` numbers
# per picture and give every value exactly.
#
# ## A sceptical reader asks
#
# - *Then what is the network for?* For pictures whose function is not known. A persistence image is the opposite case, which is why it makes a good test: there is a truth to miss.
# - *Does a finer image help the image teacher?* Its resolution was looked at on validation people ({doc}`03_teachers`); a finer reading of the same function has nothing new in it.
# - *Is the comparison of the two kinds fair?* Widths, levels, codes and steps are the same, parameters nearly so; the learning rate, $\omega$ and the scales of the first weights were set by hand on a few pictures, and each could gain from more care. It says nothing about
#   either at the sizes of their papers.
# - *Is interpolation not enough?* For images as smooth as these, with a spread of a pixel, nearly. Its errors grow where the spread is smaller.

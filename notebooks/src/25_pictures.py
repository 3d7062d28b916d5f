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
# ```{admonition} Answer
# :class: tip
# Goal: find out whether the image of a diagram needs pixels. No, and it needs no network either: the sum of Gaussians that a persistence image samples *is* a
# continuous function. Networks fitted to its pixels reach a peak signal-to-noise ratio (PSNR, higher is better) of {glue:text}`PolyINR:.1f` dB (Poly-INR) and
# {glue:text}`SIREN:.1f` dB (SIREN) between them; bicubic interpolation {glue:text}`bicubic:.1f` dB.
# ```
#
# Poly-INR {cite}`singh2023poly` generates natural images. Here it is *inspired* by its equation alone, small, and a demonstration: nothing in this chapter
# teaches a student. A US patent application on the method is pending (2024/0412319).
#
# The PSNR of an image compares its root mean squared error (RMSE) with its peak, in decibels (dB): $-20 \log_{10}(\mathrm{RMSE} / \mathrm{peak})$. At 40 dB the
# error is a hundredth of the peak; each further 6 dB halve it.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs
channel: int = 0  # whose pictures are fitted

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from mixkd import figures, studies, topology
from mixkd.analysis import pictures
from mixkd.book.notebook import check_index, check_parameters, report
from mixkd.book.reading import readable
from mixkd.specs.run import ImageSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## The function behind the image
#
# {doc}`02_topology` draws a diagram as a sum of Gaussians, read at the centres of pixels {cite}`adams2017`. The sum has a value everywhere. Read at four times
# as many pixels per side it is the same image in finer steps, if the spread keeps its length on the axes. So whatever fills the gaps between pixels can be
# compared with the truth; natural images have none.

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
counts = {"images": [len(rows)], "pixels per side": [trained]}
counts["numbers in a diagram, mean"] = [f"{np.mean(numbers):.1f}"]
readable(pd.DataFrame(counts))

# %% [markdown]
# ## Two coordinate networks
#
# A coordinate network maps a place to a value. Both have {glue:text}`levels` levels, one set of weights for all images and a code of {glue:text}`code` numbers
# per image, fitted together (an auto-decoder {cite}`park2019`).
#
# **Poly-INR** multiplies. With the place $x = (u, v, 1)$ and $h_0 = 1$,
#
# $$ h_{l+1} = \operatorname{lrelu}\bigl(W_l \, (h_l \odot A_l x)\bigr), $$
#
# where a linear map of the code gives the matrix $A_l$, $\odot$ multiplies number by number, and the leaky rectifier lrelu leaves positive numbers as they are and
# divides negative ones by five. Positions are not encoded. Without the rectifier this is a polynomial in $u$ and $v$ whose degree rises
# by one per level; with it, pieces of polynomials.
#
# A **SIREN** {cite}`sitzmann2020` uses sines: $h_{l+1} = \sin(\omega (W_l h_l + b_l))$ with $h_0 = (u, v)$; here the code gives the shifts $b_l$.
#
# The two equations are faithful. Sizes, codes, $\omega$ and the optimiser are ours ({doc}`../book/defaults`); the authors train Poly-INR as a generator against
# a discriminator, at more than a hundred times these widths.

# %%
table, widest = pictures.table(truth, trained, seed=seed)

# %% mystnb={"figure": {"caption": "Fidelity against size: PSNR (higher is better) of each network, a dot per width, at the pixels it was fitted to (dotted) and at the finest ones, which it never saw (solid). Dashed (bilinear) and dash-dotted (bicubic): interpolation of the same pixels.", "name": "fig-pictures-psnr"}, "image": {"alt": "PSNR over parameters. At {finest} pixels per side Poly-INR reaches {PolyINR:.1f} dB and SIREN {SIREN:.1f} dB; bilinear interpolation has {bilinear:.1f} dB and bicubic {bicubic:.1f} dB.", "classes": "dark-light"}}
figures.psnr_by_size(table, trained)

# %% tags=["nbval-check-output"]
keys = ["way", "width", "parameters"]
psnr = table.pivot(index=keys, columns="resolution", values="psnr")
psnr = psnr.map("{:.1f}".format, na_action="ignore")
readable(
    psnr.rename(columns="{} pixels, dB".format).rename_axis(columns=None),
    names={"way": "method"},
)

# %% [markdown]
# ## Between the pixels
#
# One of the images, read at the finest pixels. The widest network of each kind is shown.

# %%
ways = pictures.read(truth, widest, finest)

# %% mystnb={"figure": {"caption": "One image: as given, exact at the finest pixels, and as interpolation and networks fill in the given pixels.", "name": "fig-pictures-read"}, "image": {"alt": "Six small heat maps of one persistence image: coarse, exact, two interpolations and two networks, with errors below. All look alike; the better network, {better}, is {than_bicubic} bicubic interpolation in PSNR.", "classes": "dark-light"}}
figures.readings({way: drawn[0] for way, drawn in ways.items()})

# %%
lines = pictures.along(ways, trained)

# %% mystnb={"figure": {"caption": "A cut through that image along its brightest row. Wide curve: exact; thin curves: each method; dots: the given pixels.", "name": "fig-pictures-cut"}, "image": {"alt": "Curves along one row of the image: all methods pass near the given pixels. From these to the finest pixels Poly-INR loses {lost_PolyINR:.1f} dB and SIREN {lost_SIREN:.1f} dB over all images.", "classes": "dark-light"}}
figures.cut(lines)

# %% [markdown]
# The fit of the widest Poly-INR, by step. This is the PSNR of the squared error averaged over all images; the table above averages the PSNR of single images, which
# is higher.

# %% tags=["nbval-check-output"]
errors = np.array(widest["Poly-INR"].errors)
at = np.array([0, len(errors) // 2, len(errors) - 1])
fidelity = [f"{level:.1f}" for level in -10 * np.log10(errors[at])]
heads = {"fidelity": "PSNR of the mean error at the given pixels, dB"}
readable(pd.DataFrame({"step": at + 1, "fidelity": fidelity}), names=heads)

# %% tags=["remove-cell"]
report(pictures.answers(table, trained, np.mean(numbers)))

# %% [markdown]
# ## What came out
#
# *Is the better network as exact as interpolation?* {glue:text}`better` is {glue:text}`than_bilinear` bilinear and {glue:text}`than_bicubic` bicubic
# interpolation of the same pixels.
#
# *How much is lost between pixels?* From the pixels of the fit to the finest ones the widest Poly-INR loses {glue:text}`lost_PolyINR:.1f` dB and the widest SIREN
# {glue:text}`lost_SIREN:.1f` dB.
#
# *Which description is shortest?* The best network, a {glue:text}`better`, has {glue:text}`parameters` parameters for all images. A diagram has
# {glue:text}`numbers:.1f` numbers on average and gives every value exactly.
#
# No claim is tested here; those are in {doc}`11_claims`.
#
# ## A sceptical reader asks
#
# - *Then what is the network for?* For images whose function is not known. Here it is known, which makes persistence images a good test.
# - *Does a finer image help the image teacher?* A finer reading of the same function has nothing new in it. The resolution was compared on validation people
#   ({doc}`03_teachers`).
# - *Is the comparison of the two networks fair?* Widths, levels, codes and steps are the same; at one width Poly-INR has about twice as many parameters. The learning rate, $\omega$ and the scales
#   of the first weights were set by hand on a few images, and each could gain from more care. It says nothing about either at the sizes of their papers.
# - *Is interpolation not enough?* For images as smooth as these, with a spread of a pixel, nearly. Its errors grow where the spread is smaller.
#
# ## Takeaways
#
# - A persistence image has an exact value at every place: evaluate its sum of Gaussians instead of fitting a network to pixels.
# - Judge a coordinate network at places it was not fitted to. Here the widest SIREN loses {glue:text}`lost_SIREN:.1f` dB between the pixels.
# - Before training a network to interpolate, try bicubic interpolation.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-pictures-db
#
# The peak of an image is 1. What root mean squared error is a PSNR of 40 dB? By what factor does the error grow when 6 dB are lost?
# ```
#
# ```{solution} ex-pictures-db
# :class: dropdown
#
# $\mathrm{PSNR} = -20 \log_{10} \mathrm{RMSE}$, so 40 dB is an error of $10^{-2}$ of the peak. Losing 6 dB multiplies it by $10^{6/20} \approx 2$.
# ```
#
# ````{exercise}
# :label: ex-pictures-degree
#
# Without the rectifier, of what degree in $u$ and $v$ is $h_l$ of a Poly-INR? Check with ten places on a line and random weights of one channel: which
# polynomial fits three levels exactly?
# ````
#
# ````{solution} ex-pictures-degree
# :class: dropdown
#
# Each level multiplies by a linear function of the place, so $h_l$ has degree $l$.
#
# ```python
# import numpy as np
#
# rng, u = np.random.default_rng(0), np.linspace(-1, 1, 10)
# h = np.ones_like(u)
# for level in (1, 2, 3):
#     h = h * (rng.normal() * u + rng.normal())
# for degree in (2, 3):
#     print(degree, np.abs(np.polyval(np.polyfit(u, h, degree), u) - h).max())
# ```
#
# The polynomial of degree 3 fits up to rounding, that of degree 2 does not.
# ````

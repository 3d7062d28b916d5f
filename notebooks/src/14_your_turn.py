# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your turn
#
# ```{admonition} Goal
# :class: tip
# Rerun a chapter with other parameters, train a run of your own, and read it back.
# ```
#
# ## Rerun a chapter
#
# From the top folder of a checkout, with the environment active (`source .venv/bin/activate`):
#
# ```bash
# papermill notebooks/05_mixup.ipynb out.ipynb -p alpha 0.4 -p seed 7
# ```
#
# or, with parameters checked before a kernel starts:
#
# ```bash
# mixkd notebook 05_mixup -p alpha=0.4 -p seed=7 -o out.ipynb
# ```
#
# Networks that are not stored yet are trained; a second run of the same command only draws.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import studies
from mixkd.book import notebook
from mixkd.book.notebook import check_parameters, report
from mixkd.book.reading import readable
from mixkd.errors import MixkdError
from mixkd.runs import sweep
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## All parameters
#
# Read from the notebooks themselves:

# %% tags=["nbval-check-output"]
columns = ["parameter", "type", "default", "meaning", "chapters"]
readable(pd.DataFrame(notebook.parameter_table(), columns=columns))

# %% [markdown]
# ## Typos
#
# papermill accepts any name and any value. The first cell of each notebook checks them, and `mixkd notebook` does so before it starts:

# %%
refused = {}
for wrong in ("aplha=0.4", "alpha=hello", "alpha=-1"):
    try:
        notebook.parse_assignments(notebook.path_of("05_mixup"), [wrong])
    except MixkdError as error:
        refused[wrong] = str(error)

# %% tags=["nbval-check-output"]
readable(pd.Series(refused, name="error").rename_axis("typed"))

# %% [markdown]
# ## One run
#
# A run is described by a `RunSpec`, which has everything that determines the trained network. The hash of its fields names its record; equal specs are the same run.
# Here a student of an image teacher that was trained with mixup:

# %% tags=["teach"]
image_teacher = TeacherSpec(modality="image", mixup=Mixup(alpha=1.0))
base = next(studies.bases(scope))
spec = RunSpec.parse(
    {
        **base.as_dict(),
        "teachers": [image_teacher],
        "kd_weight": 0.7,
        "temperature": 4.0,
    }
)

# %% tags=["nbval-check-output"]
chain = [*spec.requires, spec]
rows = [(run.name, run.hash, run.total_epochs) for run in chain]
readable(pd.DataFrame(rows, columns=["run", "hash", "epochs"]))

# %% [markdown]
# The name of a run lists data set, fold, seed, role, and network (`16-1`: depth 16, width 1); then, after `<`, a teacher (`m`: trained with mixup), the method and the temperature `T`;
# then, after `mixup`, its alpha and the share of each batch that is mixed.
#
# The teacher comes first. `sweep.run` reads the stored record; if there is none, it trains the run:

# %%
store = studies.store_of(scope)
record = sweep.run([spec], store)[0]

# %% tags=["nbval-check-output"]
readable(pd.DataFrame([record.metrics()]))

# %% tags=["remove-cell"]
scores = record.metrics()
again = "equals" if store.find(spec) == record else "differs from"
report({"own_accuracy": 100 * scores["accuracy"], "again": again})

# %% [markdown]
# Read back from the store, the record {glue:text}`again` what the training returned. The same from a shell:
#
# ```bash
# mixkd run -s fold=0 -s temperature=4 -s 'teachers=[{"modality": "image", "mixup": {"alpha": 1.0}}]'
# mixkd sweep mixup share --alpha 0.4 --dry-run
# mixkd verify --sample 3
# ```
#
# `verify` trains stored runs again, with their teachers, and compares: on the same CPU and versions they must be equal to the last bit, elsewhere within the noise of seeds ({doc}`../book/rerun`).
#
# ## A method or a data set of your own
#
# - A **method** is a file in `mixkd/learning/methods/` and a row in `mixkd/specs/methods.py`; {doc}`../book/own_method` adds one, step by step.
# - A **task** other than classification is a row in `mixkd/specs/tasks.py` and one in `mixkd/learning/tasks.py`; `tests/test_seams.py` has an example.
# - **Recordings** of your own need no code ({doc}`16_your_recordings`).
# - A public **data set** is a module of `mixkd/datasets/sets/` with a function that returns recordings, and an entry in `registry.py`.
#
# ## What came out
#
# *How accurate is the student above, on the held-out person of its fold?* {glue:text}`own_accuracy:.1f` %. One person and one seed decide nothing ({doc}`11_claims`).
#
# ## A sceptical reader asks
#
# - *Can a stored run be stale?* The hash covers every field of the spec. A change of the code that alters results is found by `mixkd verify`.
# - *Do two seeds share anything?* The data. Weights, order, partners and coefficients are drawn anew.
#
# ## Takeaways
#
# - Change one parameter of a chapter and compare: what was trained once is never trained again.
# - Equal specs are the same run, so a study never trains a network twice.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-turn-count
#
# A study compares four cases of mixup for two teachers and for both together, in ten folds with three seeds. How many students are trained? How many teachers?
# ```
#
# ```{solution} ex-turn-count
# :class: dropdown
#
# Students: $4 \cdot 3 \cdot 10 \cdot 3 = 360$. Teachers are shared: two modalities, each with mixup and without, in 30 folds and seeds: $2 \cdot 2 \cdot 30 = 120$.
# ```
#
# ```{exercise}
# :label: ex-turn-hash
#
# Which of these changes makes another run: another seed, or writing out a field that has its default?
# ```
#
# ````{solution} ex-turn-hash
# :class: dropdown
#
# ```python
# from mixkd.specs.run import RunSpec, TeacherSpec
#
# one = RunSpec(teachers=(TeacherSpec(),))
# print(one.hash == RunSpec(teachers=(TeacherSpec(),), kd_weight=0.7).hash)
# print(one.hash == RunSpec(teachers=(TeacherSpec(),), seed=1).hash)
# ```
#
# It prints `True` and `False`: the seed makes another run. Writing out a default changes nothing, because the hash is that of all fields, written or not.
# ````

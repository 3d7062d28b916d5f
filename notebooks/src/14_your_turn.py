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
# ```{admonition} Claim
# :class: tip
# Every chapter is a program with parameters. A misspelled one is refused before any work, and what was computed once is never computed again.
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
# or, with everything checked before a kernel starts:
#
# ```bash
# mixkd notebook 05_mixup -p alpha=0.4 -p seed=7 -o out.ipynb
# ```
#
# Networks that the store does not hold are trained on the way; a second run of the same command only draws.

# %% tags=["parameters"]
dataset: str = "watch"  # name of the data set
profile: str = "quick"  # smoke, quick or full
seed: int = 0  # first seed of the runs

# %% tags=["hide-input"]
import pandas as pd

from mixkd import studies
from mixkd.book import notebook
from mixkd.book.notebook import check_parameters
from mixkd.errors import MixkdError
from mixkd.runs import sweep
from mixkd.specs.run import Mixup, RunSpec, TeacherSpec

check_parameters(globals())
scope = studies.Scope(dataset, profile, seed)

# %% [markdown]
# ## All parameters
#
# This table is read from the notebooks themselves.

# %% tags=["nbval-check-output"]
columns = ["parameter", "type", "default", "meaning", "chapters"]
pd.DataFrame(notebook.parameter_table(), columns=columns)

# %% [markdown]
# ## Typos
#
# papermill itself accepts any name and any value. Here, the first cell of each notebook checks them, and `mixkd notebook` does so before it starts:

# %% tags=["nbval-check-output"]
for wrong in ("aplha=0.4", "alpha=hello", "alpha=-1"):
    try:
        notebook.parse_assignments(notebook.path_of("05_mixup"), [wrong])
    except MixkdError as error:
        print(error)

# %% [markdown]
# ## One run
#
# A run is a value. Its fields are all there is to know about it; its hash names its record; equal specs are the same run. What no store holds yet is trained; the profile
# `full` finds published records, so it only reads this one.

# %%
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
print(spec.name)
print(spec.hash, spec.total_epochs, "epochs")
print([needed.name for needed in spec.requires])

# %%
store = studies.store_of(scope)
record = sweep.run([spec], store)[0]

# %% tags=["nbval-check-output"]
print({name: round(value, 4) for name, value in record.metrics().items()})

# %% tags=["nbval-check-output"]
print(store.find(spec) == record, "read back and verified")

# %% [markdown]
# The same from a shell:
#
# ```bash
# mixkd run -s fold=0 -s temperature=4 -s 'teachers=[{"modality": "image", "mixup": {"alpha": 1.0}}]'
# mixkd sweep mixup share --alpha 0.4 --dry-run
# mixkd verify --sample 3
# ```
#
# `verify` trains stored runs again, with their teachers, and compares: on the same CPU and versions they must be equal to the last bit, elsewhere up to the noise of seeds ({doc}`../book/rerun`).
#
# ## A method or a data set of your own
#
# A **method** is a file in `mixkd/learning/methods/` and a row of facts in `mixkd/specs/methods.py`: {doc}`../book/own_method` adds one, step by step, and a line in a study brings it
# into a table. A **task** other than classification is a row in `mixkd/specs/tasks.py` and one in `mixkd/learning/tasks.py`; `tests/test_seams.py` adds a method without
# teachers and a regression in a few lines each. Recordings need no code ({doc}`16_your_recordings`); a public **data set** is a module of `mixkd/datasets/sets/` with a
# function that returns recordings, and an entry in `registry.py`.
